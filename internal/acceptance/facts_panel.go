package acceptance

import (
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/item"
	"pmssl/internal/pki"
)

// panelFacts returns the facts about BILLmanager.
func panelFacts() []Fact {
	facts := append(panelCallbackFacts(), panelStartFacts()...)
	facts = append(facts, panelDataFacts()...)
	for i := range facts {
		facts[i].Area = Panel
	}
	return facts
}

// panelCallbackFacts are about what the panel does when the module calls it.
func panelCallbackFacts() []Fact {
	return []Fact{
		{ID: "FACT-P1", Statement: "mgrctl ends with exit code 0 although the panel refused the call, in the format xml",
			Source: "docs/reference/billmanager.md §5.1, §16.7", Sure: Unknown,
			IfWrong: "nothing: the module reads the exit code and the document", observe: panelExitCode},
		{ID: "FACT-P2", Statement: "a call-back service.post… ends the running operation",
			Source: "docs/reference/billmanager.md §1.6, §14.4", Sure: Inferred,
			IfWrong: "the panel repeats the operation: `open` finds the order, buys nothing and calls back again", observe: panelEndsOperation},
		{ID: "FACT-P3", Statement: "service.postopen or certificate.open makes the item active (item.status 2)",
			Source: "docs/reference/billmanager.md §14.4", Sure: Inferred,
			IfWrong: "the sweep does not see the item (rules SWEEP-2): the panel shows that it is not active", observe: panelActive},
		{ID: "FACT-P4", Statement: "certificate.save stores PEM as it is given",
			Source: "docs/reference/billmanager.md §5.2", Sure: Inferred,
			IfWrong: "nothing for ZIP and base64 of a ZIP, which the module reads; else `panel`, and the item waits", observe: panelStoresPEM},
		{ID: "FACT-P5", Statement: "service.setexpiredate is what the panel shows as the item's expiration date",
			Source: "docs/reference/billmanager.md §10", Sure: Inferred,
			IfWrong: "the panel shows and bills another date: compare item and certificate after the first issue", observe: panelExpireDate},
		{ID: "FACT-P6", Statement: "service.postreopen leaves the item's status as it is",
			Source: "docs/reference/billmanager.md §14.4", Sure: Inferred,
			IfWrong: "the item is not active while it is reissued; the sweep does not see it until the panel changes that", observe: panelReopened},
		{ID: "FACT-P7", Statement: "service.postclose makes the item deleted (item.status 4)",
			Source: "docs/reference/billmanager.md §4, §14.4", Sure: Inferred,
			IfWrong: "the item stays in the panel: delete it there", observe: panelClosed},
		{ID: "FACT-P8", Statement: "service.postprolong moves the item's expiration date",
			Source: "docs/reference/billmanager.md §14.4", Sure: Inferred,
			IfWrong: "the panel asks for the renewal again: `term_running`, nothing is paid", ByHand: "renew an item and compare the date"},
		{ID: "FACT-P9", Statement: "task.edit with status closes a task",
			Source: "docs/reference/billmanager.md §5.2", Sure: Inferred,
			IfWrong: "a task about something that is over stays open; the log says so", ByHand: "look whether tasks that are over are closed"},
		{ID: "FACT-P10", Statement: "processing.import.service creates certificate items and keeps the item parameters that come with it",
			Source: "docs/reference/billmanager.md §11", Sure: Inferred,
			IfWrong: "the module writes the parameters itself and completes an interrupted import (rules IMPORT-1)", ByHand: "`import` with one name, then look at the item"},
	}
}

// panelStartFacts are about how the panel starts modules and shows their answers.
func panelStartFacts() []Fact {
	return []Fact{
		{ID: "FACT-P11", Statement: "the panel starts modules in /usr/local/mgr5",
			Source: "docs/reference/billmanager.md §1.1", Sure: Inferred,
			IfWrong: "nothing: the module uses absolute paths below MGR5_ROOT or /usr/local/mgr5", ByHand: "not needed"},
		{ID: "FACT-P12", Statement: "stdin of commands for an item need not be read, and the panel looks at exit code and document",
			Source: "docs/reference/billmanager.md §1.1", Sure: Inferred,
			IfWrong: "an error is not seen in a form: the module writes both, and reports failed operations to the panel as well", ByHand: "enter a wrong key in the module's form: the page must stay"},
		{ID: "FACT-P13", Statement: "newer panels may pass options that no source names",
			Source: "docs/reference/billmanager.md §1.2", Sure: Inferred,
			IfWrong: "nothing: unknown options are ignored, and named in the log at level 6", ByHand: "search the log for \"ignored unknown arguments\""},
		{ID: "FACT-P14", Statement: "tune_connection, check_connection and getbalance are called as the reference says",
			Source: "docs/reference/billmanager.md §1.4, §11, §16.3, §16.6", Sure: Unknown,
			IfWrong: "an error of the module in the form that names the missing option or element", ByHand: "the first line of each run in the log has the command line"},
		{ID: "FACT-P15", Statement: "the panel runs sync_item by itself while a certificate is not issued",
			Source: "docs/reference/billmanager.md §1.4, §16.5", Sure: Inferred,
			IfWrong: "certificates are stored by the hourly sweep instead: enable its timer", ByHand: "search the log for sync_item"},
		{ID: "FACT-P16", Statement: "the client's Reissue starts reopen, after CSR and names are stored",
			Source: "docs/reference/billmanager.md §1.4", Sure: Inferred,
			IfWrong: "nothing is reissued until the next sweep or setparam, which see the changed CSR", ByHand: "press Reissue and look into the log"},
		{ID: "FACT-P17", Statement: "the panel has buttons that start send_dv_dns and send_dv_email",
			Source: "docs/reference/billmanager.md §1.4", Sure: Inferred,
			IfWrong: "start them by hand for a client who asks", ByHand: "look at a certificate that waits"},
		{ID: "FACT-P18", Statement: "the panel creates the running operation before it starts a module, counts tries, and repeats what is not manual",
			Source: "docs/reference/billmanager.md §1.6", Sure: Inferred,
			IfWrong: "a failed operation is not repeated: start it again in Monitoring, Running operations", ByHand: "order while the seller cannot be reached"},
		{ID: "FACT-P19", Statement: "the panel's own error text or that of the type is shown in the wizard and the order form",
			Source: "docs/reference/billmanager.md §6, §16.8", Sure: Unknown,
			IfWrong: "people see a general text: the log has the reason", ByHand: "enter a wrong key; order with a CSR that does not fit"},
		{ID: "FACT-P20", Statement: "prolong_addon needs no work of a module for certificates",
			Source: "docs/reference/billmanager.md §1.4", Sure: Unknown,
			IfWrong: "`unknown_command` in Running operations: take it out there", ByHand: "renew a certificate with further names"},
		{ID: "FACT-P21", Statement: "a panel of 2026 starts reopen for its own reissue policy, and reads the expiration date as the certificate's end",
			Source: "docs/reference/billmanager.md §10, §16.1", Sure: Unknown,
			IfWrong: "the hourly sweep reissues: enable its timer; both together do no harm (docs/reference/validity.md §B3.12)", ByHand: "search the log for reopen near the end of a certificate"},
		{ID: "FACT-P22", Statement: "import_pricelist is called with available, pricelist and itemtype, and understands the module's documents",
			Source: "docs/reference/billmanager.md §11, §16.2", Sure: Unknown,
			IfWrong: "the import of tariffs shows nothing: create the tariffs by hand", ByHand: "Products, Tariff plans, Import"},
	}
}

// panelDataFacts are about the panel's forms, settings and database.
func panelDataFacts() []Fact {
	return []Fact{
		{ID: "FACT-P23", Statement: "the panel takes template ids from the attribute id or name",
			Source: "docs/reference/billmanager.md §2, §16.12", Sure: Inferred,
			IfWrong: "the tariff's form offers no templates; both attributes are sent", ByHand: "look at the tariff's form"},
		{ID: "FACT-P24", Statement: "the template attribute authhttp and the words auth_http, auth_dnscname for methods are the panel's",
			Source: "docs/reference/billmanager.md §2, §4.1, §16.4", Sure: Unknown,
			IfWrong: "clients are not offered files, or an order has an unknown word: `value` names it, nothing is bought", ByHand: "look at the choices of the order form"},
		{ID: "FACT-P25", Statement: "without alter_approver_methods the panel offers clients e-mail only",
			Source: "docs/reference/billmanager.md §2", Sure: Inferred,
			IfWrong: "nothing: the tick makes no difference", ByHand: "take the tick away and look at the order form"},
		{ID: "FACT-P26", Statement: "threshold is the minimal balance of the panel's own page",
			Source: "docs/reference/billmanager.md §2", Sure: Inferred,
			IfWrong: "the module's own warning in the log remains", ByHand: "set it above the balance"},
		{ID: "FACT-P27", Statement: "the panel shows the form organization.MODULE of the manifest for OV and EV",
			Source: "docs/namecheap.md", Sure: Inferred,
			IfWrong: "clients cannot enter data for EV: set the parameters through the panel's API", ByHand: "order an EV tariff"},
		{ID: "FACT-P28", Statement: "features need no element notifytypes",
			Source: "docs/reference/billmanager.md §2, §16.10", Sure: Unknown,
			IfWrong: "a kind of notice is missing in the panel's settings", ByHand: "not needed"},
		{ID: "FACT-P29", Statement: "columns can be read as text whatever their type, and item and intname are unique together",
			Source: "docs/reference/billmanager.md §4, §16.9", Sure: Inferred,
			IfWrong: "`db` that names table and column; of two rows the later one counts", ByHand: "`SHOW CREATE TABLE itemparam`"},
		{ID: "FACT-P30", Statement: "item.status is 1 ordered, 2 active, 3 suspended, 4 deleted, 5 being processed",
			Source: "docs/reference/billmanager.md §4", Sure: Inferred,
			IfWrong: "the sweep passes over items: `subscription --item` says `inactive`", observe: panelStatuses},
		{ID: "FACT-P31", Statement: "CSR and key may be replaced by UPDATE of table certificate (SSLRotateKey on)",
			Source: "docs/reference/billmanager.md §5.3, docs/reference/unattended.md §7", Sure: Inferred,
			IfWrong: "the panel shows the old key, or writes it back: the module warns and delivers from its own file; switch SSLRotateKey off",
			ByHand:  "rotate the key of a certificate of your own and look at it in the panel"},
		{ID: "FACT-P32", Statement: "hosting items have their user name in `username`, domains their name in `domain`, as A-labels or U-labels",
			Source: "docs/reference/unattended.md §3, §12", Sure: Inferred,
			IfWrong: "nothing is published for that name, with the reason in the log: use `user`, or `allow` lines",
			ByHand:  "dry run of unattended reissue (`SSLUnattended dry`)"},
		{ID: "FACT-P33", Statement: "values in billmgr.conf may stand in quotes; sizes in debug.conf may have the units K, M, G",
			Source: "docs/reference/billmanager.md §8, §10", Sure: Inferred,
			IfWrong: "nothing: both forms are read", ByHand: "not needed"},
		{ID: "FACT-P34", Statement: "a secret longer than a block of the panel's key is refused by the panel",
			Source: "docs/reference/billmanager.md §7, §16.11", Sure: Unknown,
			IfWrong: "`value`: it cannot be decrypted; no seller's key is that long", ByHand: "not needed"},
		{ID: "FACT-P35", Statement: "an imported item stays without certificate.csr until its client gives one",
			Source: "docs/reference/billmanager.md §4.1", Sure: Inferred,
			IfWrong: "nothing: a CSR in the panel goes before the kept one", ByHand: "look at an imported item"},
		{ID: "FACT-P36", Statement: "var of the panel can be entered by the web server's user",
			Source: "docs/reference/unattended.md §6", Sure: Unknown,
			IfWrong: "challenges as files are not seen: they are removed at once, and the client is asked; give the right x, or use DNS",
			ByHand:  "`SSLUnattended on` with a site of your own"},
		{ID: "FACT-P37", Statement: "the table runningoperation has the columns manual and intname",
			Source: "docs/reference/billmanager.md §4", Sure: Inferred,
			IfWrong: "`doctor` lists operations that have run ten times instead, and does not name their commands",
			ByHand:  "`--command doctor` while an operation is manual"},
		{ID: "FACT-P38", Statement: "bin/core billmgr -V prints the panel's version",
			Source: "docs/reference/billmanager.md §1.1", Sure: Inferred,
			IfWrong: "`doctor` shows no version of the panel",
			ByHand:  "`--command doctor`"},
		{ID: "FACT-P39", Statement: "service.saveparam stores several parameters of one call",
			Source: "docs/reference/billmanager.md §5.2", Sure: Unknown,
			IfWrong: "nothing: what is not stored is written by a call of its own, and the panel gets such calls for 30 days (rules PANEL-14)",
			ByHand:  "after an order look whether `var/<module>.callforms` exists: then it does not"},
	}
}

func panelExitCode(e *Evidence) Observation {
	found := notSeen()
	for _, call := range e.Calls {
		if call.Answered && call.Refused {
			found = all(found, holds(call.ExitCode == 0))
		}
	}
	return found
}

func panelEndsOperation(e *Evidence) Observation {
	found := notSeen()
	for _, step := range e.Steps {
		if !step.Failed && step.OperationsBefore > 0 && step.posts() {
			found = all(found, holds(step.OperationsAfter < step.OperationsBefore))
		}
	}
	return found
}

// posts reports whether the step's command ends with a call-back service.post….
func (s Step) posts() bool {
	return s.Name == StageOrder || s.Name == StageReissue || s.Name == StageRenewal || s.Name == StageClose
}

// called reports whether the panel took a call of the function in this run.
func (e *Evidence) called(function string) bool {
	for _, call := range e.Calls {
		if call.Function == function && call.Answered && !call.Refused {
			return true
		}
	}
	return false
}

func panelActive(e *Evidence) Observation {
	step, done := e.step(StageOrder)
	if !done || !e.called("service.postopen") && !e.called("certificate.open") {
		return notSeen()
	}
	return holds(step.After.Status == 2)
}

func panelStoresPEM(e *Evidence) Observation {
	if !e.called("certificate.save") || e.Item.Stored == "" {
		return notSeen()
	}
	return holds(strings.Contains(e.Item.Stored, "-----BEGIN CERTIFICATE-----"))
}

func panelExpireDate(e *Evidence) Observation {
	leaf, there := e.leaf()
	if !there || !e.called("service.setexpiredate") {
		return notSeen()
	}
	shown := e.Item.ExpireDate
	return holds(shown == cabforum.DateOf(leaf.Leaf.NotAfter) || shown == e.termEnd())
}

func panelReopened(e *Evidence) Observation {
	step, done := e.step(StageReissue)
	if !done || !e.called("service.postreopen") {
		return notSeen()
	}
	return holds(step.Before.Status == step.After.Status)
}

func panelClosed(e *Evidence) Observation {
	step, done := e.step(StageClose)
	if !done || !e.called("service.postclose") {
		return notSeen()
	}
	return holds(step.After.Status == item.ItemDeleted)
}

func panelStatuses(e *Evidence) Observation {
	if e.Item.Item == 0 {
		return notSeen()
	}
	return holds(e.Item.Status >= 1 && e.Item.Status <= 5)
}

// authorityFacts returns the facts about certification authorities and what the sellers make of them.
func authorityFacts() []Fact {
	facts := []Fact{
		{ID: "FACT-C1", Statement: "a certificate is no longer than the Forum allows on its day of issue",
			Source: "docs/reference/validity.md §A1.1, §A3", Sure: Documented,
			IfWrong: "nothing: it is stored, with a warning in the log", observe: withinCap},
		{ID: "FACT-C2", Statement: "the first certificate of a term is shorter than the Forum's limit by at most 5 days",
			Source: "docs/reference/validity.md §A3, §A7", Sure: Inferred,
			IfWrong: "nothing: dates come from the certificate; the plan of a term shows more reissues than are needed, or fewer", observe: nearCap},
		{ID: "FACT-C3", Statement: "lists of revoked certificates of real authorities can be used (size, distribution points, extensions)",
			Source: "docs/reference/unattended.md §10", Sure: Unknown,
			IfWrong: "a warning once; revocations are not found for these certificates, nothing else changes",
			ByHand:  "run `--command subscription --item` for a certificate in place, and read the log"},
		{ID: "FACT-C4", Statement: "a reissue of a revoked certificate ends where a usual reissue does",
			Source: "docs/reference/unattended.md §10", Sure: Unknown,
			IfWrong: "nothing: it is stored however it ends (rules REVOKE-5)",
			ByHand:  "only with a revoked certificate"},
		{ID: "FACT-C5", Statement: "no seller here offers persistent records or accounts in CAA by its API",
			Source: "docs/reference/unattended.md §1", Sure: Inferred,
			IfWrong: "nothing: a new value is published for each reissue", ByHand: "not needed"},
		{ID: "FACT-C6", Statement: "the CA behind Namecheap looks at the exact name of a record, and not at a parent",
			Source: "docs/reference/unattended.md §1, §4", Sure: Unknown,
			IfWrong: "nothing: records are published at the exact name; `parent yes` allows a parent", ByHand: "a publisher with `parent yes`"},
		{ID: "FACT-C7", Statement: "CAs look at IPv4 and IPv6 and may follow redirects of a file",
			Source: "docs/reference/unattended.md §1", Sure: Unknown,
			IfWrong: "the item waits: the module asks for both and for no redirect before it tells the seller to look", ByHand: "not needed"},
	}
	for i := range facts {
		facts[i].Area = Authority
	}
	return facts
}

// withinTerm observes whether the stored certificate ends after the paid term, where the limit of the Forum would let it.
func withinTerm(e *Evidence) Observation {
	leaf, there := e.leaf()
	end := e.termEnd()
	if !there || end.IsZero() {
		return notSeen()
	}
	switch last := cabforum.DateOf(leaf.Leaf.NotAfter); {
	case last.After(end.AddDays(1)):
		return holds(false)
	case !cabforum.DateOf(leaf.Leaf.NotBefore).AddDays(cabforum.Cap(leaf.Leaf.NotBefore)).After(end):
		return notSeen() // it would end before the term in any case
	}
	return holds(true)
}

// days returns the length of a certificate in days, begun days counted (BR 6.3.2).
func days(chain pki.Chain) int { return cabforum.Days(chain.Leaf.NotBefore, chain.Leaf.NotAfter) }

func withinCap(e *Evidence) Observation {
	leaf, there := e.leaf()
	if !there {
		return notSeen()
	}
	return holds(days(leaf) <= cabforum.Cap(leaf.Leaf.NotBefore))
}

func nearCap(e *Evidence) Observation {
	leaf, there := e.leaf()
	if !there || near(cabforum.DateOf(leaf.Leaf.NotAfter), e.termEnd()) || e.Item.Params["earlier_serials"] != "" {
		return notSeen()
	}
	limit := cabforum.Cap(leaf.Leaf.NotBefore)
	return holds(days(leaf) >= limit-5)
}

// hostingFacts returns the facts about name servers, web servers and hosting panels. An acceptance run looks at none of them.
func hostingFacts() []Fact {
	facts := []Fact{
		{ID: "FACT-H1", Statement: "the functions, lists and fields of ISPmanager and DNSmanager are those of the reference",
			Source: "docs/reference/unattended.md §2", Sure: Unknown,
			IfWrong: "nothing is written: the form is read first, and the log names what is missing; the client gets the usual mail",
			ByHand:  "`SSLUnattended dry`, and a certificate of your own"},
		{ID: "FACT-H2", Statement: "the field of a site's certificate in ISPmanager is ssl_cert, also in site.edit",
			Source: "docs/reference/unattended.md §2", Sure: Inferred,
			IfWrong: "the certificate is not delivered: mail `install` and a task", ByHand: "a `deploy` block for a site of your own"},
		{ID: "FACT-H3", Statement: "the form of a certificate in ISPmanager has one field each for certificate, key and chain, which their names or labels show",
			Source: "docs/reference/unattended.md §2, §12", Sure: Unknown,
			IfWrong: "nothing is sent: mail `install` and a task", ByHand: "a `deploy` block for a site of your own"},
		{ID: "FACT-H4", Statement: "a CNAME cannot be delegated by another CNAME, a TXT record could",
			Source: "docs/reference/unattended.md §1", Sure: Inferred,
			IfWrong: "nothing: the module writes into the zone of the name itself", ByHand: "not needed"},
		{ID: "FACT-H5", Statement: "a plain location in nginx loses to a server-level return",
			Source: "docs/reference/unattended.md §6", Sure: Inferred,
			IfWrong: "nothing: the sample rewrites first", ByHand: "not needed"},
		{ID: "FACT-H6", Statement: "with UseCanonicalName On only ServerName is found in Apache hosts without mod_rewrite",
			Source: "docs/reference/unattended.md §6", Sure: Inferred,
			IfWrong: "nothing; where it is right, a file at an alias is not seen, and the client gets the usual mail", ByHand: "a site of your own"},
		{ID: "FACT-H7", Statement: "ISPmanager's billing looks at challenges by itself where it has no function to look again",
			Source: "docs/reference/unattended.md §5, §12", Sure: Unknown,
			IfWrong: "the item waits; after 48 hours a task", ByHand: "compare the client area"},
		{ID: "FACT-H8", Statement: "units, mgrctl and programs of the administrator work in the sandbox of the systemd unit",
			Source: "docs/unattended.md", Sure: Unknown,
			IfWrong: "the timer's run fails with the reason in the journal: loosen the unit", ByHand: "`systemctl start` of the unit, then its journal"},
		{ID: "FACT-H9", Statement: "include files and conflicts of records in ISPmanager and DNSmanager are as the reference says",
			Source: "docs/reference/unattended.md §12", Sure: Unknown,
			IfWrong: "the record or file is not seen: it is removed at once, and the client is asked", ByHand: "`SSLUnattended on` with a site of your own"},
	}
	for i := range facts {
		facts[i].Area = Hosting
	}
	return facts
}
