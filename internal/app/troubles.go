package app

import (
	"strings"

	"pmssl/internal/fault"
)

// trouble is one row of docs/troubleshooting.md: an error or a text of this program, and its remedy.
type trouble struct {
	Types []string // of the error document; empty for texts of the log and of answers
	// Texts are texts of the program, or parts of them, with … for what differs and without marks of Markdown.
	Texts []string
	// Meaning stands for the texts of a type, an outcome or a reason that has many. Markdown.
	Meaning string
	Remedy  string // Markdown
}

// troubleTable is one table of docs/troubleshooting.md.
type troubleTable struct {
	heading string // of the section that it stands in
	column  string // the title of the texts
	rows    []trouble
}

// troubleTables returns the tables of docs/troubleshooting.md in the order of the page.
func troubleTables() []troubleTable {
	return []troubleTable{
		{`"Failed to establish a connection": what check_connection says`, "text begins", connectionTroubles()},
		{"An order does not move", "meaning", orderTroubles()},
		{"Orders, imports and closed items at the seller", "text of the message", sellerTroubles()},
		{"A certificate is not replaced, a client is not told", "output", sweepTroubles()},
		{"What site_watch says", "outcome", watchTroubles()},
		{"What site_watch says", "text in the log", watchTextTroubles()},
		{"A certificate is revoked", "text of a task or in the log", revocationTroubles()},
		{"Challenges are not published", "text in the log", challengeTroubles()},
	}
}

// what returns the cell of the row's texts.
func (t trouble) what() string {
	if t.Meaning != "" {
		return t.Meaning
	}
	return strings.Join(t.Texts, "; ")
}

// markdown returns the table: with a column of types if its rows are errors.
func (t troubleTable) markdown() string {
	var b strings.Builder
	line := func(cells ...string) {
		for i, cell := range cells {
			cells[i] = strings.ReplaceAll(cell, "|", `\|`)
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	if len(t.rows[0].Types) == 0 {
		line(t.column, "what to do")
		b.WriteString("|---|---|\n")
		for _, row := range t.rows {
			line(row.what(), row.Remedy)
		}
		return b.String()
	}
	line("type", t.column, "what to do")
	b.WriteString("|---|---|---|\n")
	for _, row := range t.rows {
		line("`"+strings.Join(row.Types, "`, `")+"`", row.what(), row.Remedy)
	}
	return b.String()
}

// withTroubles returns the page with its tables made anew; what stands around them is kept. It returns false if the page lacks the
// section of a table, or a table in it.
func withTroubles(page string) (string, bool) {
	var b strings.Builder
	for _, table := range troubleTables() {
		if heading := "## " + table.heading + "\n"; strings.Contains(page, heading) { // the second table of a section follows the first
			before, after, _ := strings.Cut(page, heading)
			b.WriteString(before + heading)
			page = after
		}
		start := strings.Index(page, "|")
		if start < 0 || strings.Contains(page[:start], "\n## ") {
			return "", false
		}
		end := strings.Index(page[start:], "\n\n")
		if end < 0 {
			end = len(page) - start - 1
		}
		b.WriteString(page[:start] + table.markdown())
		page = page[start+end+1:]
	}
	return b.String() + page, true
}

// connectionTroubles lists the errors of check_connection, which every command that asks the seller can end with.
func connectionTroubles() []trouble {
	return []trouble{
		{Types: []string{fault.Missed}, Texts: []string{"the connection to … lacks …"},
			Remedy: "fill in the fields that the text names. On the command line: `--module` names a processing module of another binary"},
		{Types: []string{fault.Login}, Texts: []string{"the API user is not known"},
			Remedy: "check API user and user name; sandbox and production have separate accounts"},
		{Types: []string{fault.Login}, Texts: []string{"the user name is not one that this API user may act for"},
			Remedy: "check the user name"},
		{Types: []string{fault.Login}, Texts: []string{"the API key is wrong or API access is switched off"},
			Remedy: "enter the key again; check that API access is on; sandbox and production have separate keys"},
		{Types: []string{fault.Address}, Texts: []string{"the address that the request came from is not on the account's white list"},
			Remedy: "add the address that the text names at Namecheap"},
		{Types: []string{fault.Address}, Texts: []string{"the address that the request came from is disabled or locked"},
			Remedy: "ask Namecheap's support"},
		{Types: []string{fault.ClientIP}, Texts: []string{"… is not an IPv4 address", "client_ip is not accepted"},
			Remedy: "choose an IPv4 address of this server; IPv6 is not accepted"},
		{Types: []string{fault.ClientIP}, Texts: []string{"the address given as client_ip is disabled or locked"},
			Remedy: "ask Namecheap's support"},
		{Types: []string{fault.Auth}, Texts: []string{"the account is disabled or locked", "the account is blocked"},
			Remedy: "ask Namecheap's support"},
		{Types: []string{fault.Client}, Texts: []string{"cannot be reached: …", "did not answer in time", "out of order (…)"},
			Remedy: "the text says whether DNS, a firewall or the seller is the cause. This server must reach api.namecheap.com (sandbox: api.sandbox.namecheap.com) or the host in `url`, port 443, without a proxy. *Out of order* is a fault of the seller: try again later"},
		{Types: []string{fault.NotSeller}, Texts: []string{"the answer is an HTML page", "the answer is not XML"},
			Remedy: "a proxy or a captive page answers instead of the seller; read the answer in the log at level 9"},
		{Types: []string{fault.NotSeller}, Texts: []string{"the TLS certificate that was presented is issued by …"},
			Remedy: "install or update the package `ca-certificates`. For a billing with its own CA set `SSLSellerCA`. A proxy that decrypts TLS shows its own name here"},
		{Types: []string{fault.NotSeller}, Texts: []string{"the TLS certificate … is for …, not for …"},
			Remedy: "the address is wrong, or DNS or a proxy leads to another server"},
		{Types: []string{fault.NotSeller}, Texts: []string{"the TLS certificate that was presented (…) …, and this server's clock says …"},
			Remedy: "set this server's clock if it is wrong; otherwise the seller must renew its certificate"},
		{Types: []string{fault.Value}, Texts: []string{"the file of CA certificates that … names cannot be read", "… has no certificate in PEM form"},
			Remedy: "the file that the option names is missing, cannot be read or holds no certificate"},
		{Types: []string{fault.Limit}, Texts: []string{"too many calls"},
			Remedy: "wait until the time that the text names; see [limits of calls](settings.md#limits-of-calls-to-namecheap)"},
		{Types: []string{fault.Value}, Meaning: "sandbox or a limit of calls is not what the form takes",
			Remedy: "enter on or off, or a whole number"},
		{Types: []string{fault.Login}, Texts: []string{"the user name or the password is wrong"},
			Remedy: "ISPmanager: enter both again"},
		{Types: []string{fault.Auth}, Texts: []string{"two-factor authentication is on for this user"},
			Remedy: "ISPmanager: switch it off in the client area, or use another user"},
		{Types: []string{fault.Auth}, Texts: []string{"the login is refused"},
			Remedy: "ISPmanager: log in to the client area with a browser; the text has the billing's own words in brackets"},
		{Types: []string{fault.Auth}, Texts: []string{"a captcha is required after failed logins"},
			Remedy: "ISPmanager: log in to the client area once with a browser, then try again"},
		{Types: []string{fault.Auth}, Texts: []string{"the user … is of level …; a client's user … is needed"},
			Remedy: "ISPmanager: `url` leads to an administrator's login: use the one of the client area"},
		{Types: []string{fault.Address}, Texts: []string{"the account may not be used from this host's address"},
			Remedy: "ISPmanager: allow this address in the user's settings in the client area"},
		{Types: []string{fault.NotSeller}, Texts: []string{"it may be a login page", "the path in url is wrong", "it points to …"},
			Remedy: "ISPmanager: correct `url`; a DDoS protection before the billing answers with a page too"},
		{Types: []string{fault.Value}, Texts: []string{"the address of … cannot be used", "the user name has a colon"},
			Remedy: "ISPmanager: use https, except for this machine itself; the user name must not contain a colon"},
	}
}

// orderTroubles lists the errors of the commands for an item.
func orderTroubles() []trouble {
	return []trouble{
		{Types: []string{fault.Locked}, Meaning: "another run works on this item or buys for this account",
			Remedy: "nothing: the panel repeats the operation, and this does not count as a failed try"},
		{Types: []string{fault.Limit}, Meaning: "the module's limit of calls is reached, or the seller itself refuses more calls",
			Remedy: "nothing: the panel repeats the operation. If it happens often: order fewer items at once, or change the limits"},
		{Types: []string{fault.Waiting}, Meaning: "a purchase got no answer and the seller does not show it yet",
			Remedy: "nothing: the module looks it up again; it buys nothing new for 10 minutes"},
		{Types: []string{fault.Unclear}, Meaning: "a purchase may have happened: its answer was lost, or the module cannot tell it from other orders",
			Remedy: "the panel repeats the operation, and the module looks the purchase up. If the error stays, or a task asks for it: compare with the account at the seller, then [resolve it](#an-unclear-purchase)"},
		{Types: []string{fault.API}, Meaning: "the seller refuses, in its own words",
			Remedy: "do what they say; if the account is empty, top it up and start the operation again"},
		{Types: []string{fault.API}, Meaning: "ISPmanager (function), field …: …",
			Remedy: "the billing's form requires something that the order does not have, or offers other choices: add it to the order, or look at `probe`; nothing was ordered. Most often a contact is missing: `adm_fname`, `adm_lname`, `adm_email`, `adm_phone`"},
		{Types: []string{fault.API}, Texts: []string{"… sells no … to this account", "… does not sell … for … months"},
			Remedy: "the text names what it sells: correct the tariff's template or periods"},
		{Types: []string{fault.API}, Texts: []string{"a filter hides orders in the list of certificates"},
			Remedy: "reset it in the client area, in the list of certificates, as the module's user; nothing was ordered"},
		{Types: []string{fault.API}, Texts: []string{"the order … is not paid for"},
			Remedy: "pay or delete it at the seller, then start the operation again; the module orders nothing else meanwhile"},
		{Types: []string{fault.Delivered}, Meaning: "the delivered certificate does not fit the key, the names or the order",
			Remedy: "nothing was stored; ask the seller and give the id in the text"},
		{Types: []string{fault.OrderEnded}, Meaning: "the seller cancelled or refused the order, or it expired there",
			Remedy: "the text has the seller's words"},
		{Types: []string{fault.Running}, Meaning: "the panel asked for a renewal long before the paid term ends, because it bills when the certificate ends",
			Remedy: "the seller was not paid; set `SSLSubscriptionExpireDate term` and give the client back what the panel charged"},
		{Types: []string{fault.Interrupted}, Meaning: "a signal (SIGTERM, SIGINT, SIGHUP) stopped the run, or a sweep reached its time limit",
			Remedy: "nothing: the next run continues. This is not a fault of the seller and does not count as a failed try"},
		{Types: []string{fault.Approver}, Meaning: "the module could not get the addresses that may approve a domain; the text says why",
			Remedy: "as for the type of the cause; the client can choose DNS or a file"},
		{Types: []string{fault.Missed, fault.Value, fault.Input, fault.Unknown}, Meaning: "an input of the module is missing or wrong",
			Remedy: "the text names it"},
		{Types: []string{fault.Panel}, Meaning: "the panel refused a call, or the module cannot use a file of the panel: settings, key, purchase journal",
			Remedy: "the text names the function, or the file and what to do (rights, full disk, read-only file system). The module buys nothing while it cannot read the journal `var/<binary>.purchases`"},
		{Types: []string{fault.Value}, Texts: []string{"… cannot be decrypted with the panel's key"},
			Remedy: "somebody replaced the key (`CryptKey`): enter the parameter again in the module's form"},
		{Types: []string{fault.DB}, Meaning: "the panel's database cannot be reached, or it refuses",
			Remedy: "the text names the address, where the address comes from (`DBHost`, `DBSocket`) and what to do, or the table or column. If the database accepts TLS connections only: set `SSLDatabaseCA`"},
		{Types: []string{fault.Internal}, Meaning: "a fault of the module",
			Remedy: "the log has it with its stack; please report it"},
	}
}

// sellerTroubles lists texts about orders at the seller.
func sellerTroubles() []trouble {
	return []trouble{
		{Texts: []string{"… does not support …"},
			Remedy: "this seller does not support the function; `features` does not name the command either"},
		{Texts: []string{"… does not wait for domain validation"},
			Remedy: "the certificate is issued, ended or not yet ordered: look at the item's service status"},
		{Texts: []string{"…, which is not a product of this module: skipped"},
			Remedy: "the certificate stays at the seller; a later version may know its product"},
		{Texts: []string{"is a server certificate for …"},
			Remedy: "what the seller delivered does not fit the name in its list: nothing of it was imported"},
		{Texts: []string{"reports the order … as issued, and its certificate cannot be fetched"},
			Remedy: "the reason follows: this user lacks a function, or a page came instead of a file. The item is not changed; `probe` shows what the seller offers"},
		{Texts: []string{"a sweep or another import is running"},
			Remedy: "start the import again later"},
		{Texts: []string{"is closed and its order … could not be cancelled"},
			Remedy: "the panel has deleted the item, but the order still runs: end it at the seller, by the number in the task"},
		{Texts: []string{"is closed with a purchase without a clear answer"},
			Remedy: "check at the seller whether it was paid"},
	}
}

// sweepTroubles lists what a sweep says of items for which nothing was done.
func sweepTroubles() []trouble {
	return []trouble{
		{Meaning: "`items=\"0\"`",
			Remedy: "no item of this module is active; check that the binary has the module's name"},
		{Meaning: "reason `unattended`",
			Remedy: "nothing: the module publishes the challenges. If it takes days, see below"},
		{Meaning: "reason `under_way`",
			Remedy: "a reissue waits, most often for domain validation by the client; the item has service status 4 and shows what to publish"},
		{Meaning: "reason `recent`, `tries`",
			Remedy: "the reissue failed: the log has the seller's words. After five attempts the administrator gets a task; *Reissue* in the panel tries again"},
		{Meaning: "reason `no_gain`",
			Remedy: "a reissue would not last longer: the seller's own term ends there"},
		{Meaning: "reason `policy`",
			Remedy: "`SSLSubscriptionPolicy none` is set"},
		{Meaning: "reason `no_csr`",
			Remedy: "the item was imported and its certificate cannot be reissued with the CSR at the seller; the task says why. The client was told to press *Reissue*, which brings a CSR"},
		{Texts: []string{"mails to clients have no sender"},
			Remedy: "set `SSLSubscriptionMailFrom`"},
		{Texts: []string{"this server has no mail transfer agent", "… did not accept the message"},
			Remedy: "install or repair it: the next sweep sends the mail. If the recipient was refused, the sweep tries again the next day; `--resend --item 42` sends it at once"},
		{Texts: []string{"account … has no enabled user with a mail address"},
			Remedy: "enter an address in the panel"},
		{Texts: []string{"a reissue for another CSR is running"},
			Remedy: "somebody asked for it elsewhere; wait for it, or ask the seller's support"},
		{Texts: []string{"further names, the order at … holds at most …"},
			Remedy: "the client did not order these names: take them out of the order, or let the client order more"},
		{Texts: []string{"waits for proof of control of … and accepts no other request"},
			Remedy: "the client mistyped the name: complete that validation and reissue, or let the seller cancel the order"},
		{Meaning: "the unit is not started, *condition failed*",
			Remedy: "the binary is not in `processing/`, or its name differs from the unit's instance"},
	}
}

// watchTroubles lists the outcomes of looks at sites, and texts about these looks.
func watchTroubles() []trouble {
	return []trouble{
		{Meaning: "`old`",
			Remedy: "the new certificate is not installed at the address in the text, or the web server was not restarted. If only one of several addresses is old, one server or a load balancer was left out. The client gets the mail `install`"},
		{Meaning: "`other`",
			Remedy: "most often a CDN or a proxy with a certificate of its own stands before the site: nothing to do, if the client wants that. The text names the issuer. A self-signed or another site's certificate: the web server has no configuration for this name. A certificate of the same key that was issued later: somebody reissued it at the seller; `sync_item` fetches it"},
		{Meaning: "`none`",
			Remedy: "nothing answers with TLS on port 443 there. Right for names that are used for mail only"},
		{Meaning: "`unreachable`",
			Remedy: "a firewall, a host that is down, or DNS: the text says which. Sites that are reached only inside your own network: `SSLSubscriptionWatchPrivate on`"},
	}
}

// watchTextTroubles lists the outcomes of looks at sites, and texts about these looks.
func watchTextTroubles() []trouble {
	return []trouble{
		{Texts: []string{"sites are not watched: …"},
			Remedy: "set `SSLSubscriptionWatch on`, and a DNS server in `SSLResolver`"},
		{Texts: []string{"DNS has no answer for the sites of … items in a row"},
			Remedy: "the DNS server of `SSLResolver`, or of `/etc/resolv.conf`, does not answer this host"},
		{Texts: []string{"… are left for the next sweep"},
			Remedy: "nothing, unless it stays so for days: then many sites do not answer, or the panel saves item parameters slowly"},
		{Texts: []string{"cannot be used, all sites are looked at again"},
			Remedy: "somebody changed or damaged `var/pmnamecheap.watch`; the next sweep replaces it"},
	}
}

// revocationTroubles lists texts about revoked certificates.
func revocationTroubles() []trouble {
	return []trouble{
		{Texts: []string{"was revoked by its authority on …"},
			Remedy: "nothing by itself: what follows depends on the reason and the policy"},
		{Texts: []string{"would refuse or revoke another one as well: it is not reissued"},
			Remedy: "ask the client or the seller why. If the matter is settled, press *Reissue*"},
		{Texts: []string{"its private key is known to others"},
			Remedy: "the client has to make a new key and give its CSR by *Reissue*; the mail `newkey` says so. With a CSR for the old key *Reissue* is refused"},
		{Texts: []string{"its reissue was accepted on …, and it is still in place"},
			Remedy: "the reissue ended without a certificate, or the seller shows the old one: look at the order there"},
		{Texts: []string{"reissues of revoked certificates of the item were asked for … times within … days"},
			Remedy: "find out why the authority revokes each one before you press *Reissue*. The seller may not have answered either attempt: see the log"},
		{Texts: []string{"and cannot be reissued: …"},
			Remedy: "the seller's words follow"},
		{Texts: []string{"is on hold no more"},
			Remedy: "nothing"},
		{Texts: []string{"the list of revoked certificates … cannot be used: …"},
			Remedy: "the reason follows. Most often this server cannot connect to port 80 of that host, or its clock is wrong. Until the list can be read its certificates are not checked, or by an older copy"},
		{Texts: []string{"… of the issuer of certificates that were stored without their chain cannot be used: …"},
			Remedy: "the reason follows, as for a list. The certificates of this issuer are not checked. Have the seller deliver the chain"},
		{Texts: []string{"… has no public address"},
			Remedy: "DNS here has a private address for the authority's host"},
		{Texts: []string{"lists of revoked certificates are not kept: …"},
			Remedy: "see to the owner and mode of `var/pmnamecheap.crl`; or delete it. Lists are read all the same"},
		{Texts: []string{"revoked certificates are not looked for in this run: …"},
			Remedy: "the reason follows"},
	}
}

// challengeTroubles lists texts about challenges that are not published.
func challengeTroubles() []trouble {
	return []trouble{
		{Texts: []string{"nothing is published: …"},
			Remedy: "the files in `etc/pmssl` have an error, and the text names file and line; until it is corrected nothing is published"},
		{Texts: []string{"not shown to be the client's own name"},
			Remedy: "the panel's data does not show that the name belongs to the account; the text says what would show it"},
		{Texts: []string{"no publisher in … is for … records of …"},
			Remedy: "no file in `etc/pmssl` has a publisher for this zone and type"},
		{Texts: []string{"another record stands there"},
			Remedy: "the text shows the record: the module does not replace what it did not write"},
		{Texts: []string{"is published and not seen everywhere yet …"},
			Remedy: "a name server or web server of the client does not show the record; the next run looks again"},
		{Texts: []string{"could not be removed from …"},
			Remedy: "the next sweep tries again; after a day there is a task"},
	}
}
