package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
)

func sellerChecks() []Check {
	return []Check{
		{ID: "ca_bundle", Group: "Seller", Title: "CA certificates", Limit: panelLimit, run: withPanel(checkBundle),
			About: "There are CA certificates that the seller's TLS certificate is checked against: the file of `SSLSellerCA`, else the system's file or folder (package ca-certificates). `SSL_CERT_FILE` and `SSL_CERT_DIR` have no effect."},
		{ID: "tls", Group: "Seller", Title: "connection", Needs: []string{"database"}, After: []string{"crypt_key", "ca_bundle"}, Limit: remoteLimit, run: withPanel(checkConnection),
			About: "For each processing module: the seller answers over TLS with a certificate that is trusted. The line names who issued it: a proxy in between shows here. One request, which reads the balance or the account, counts for the limit of calls."},
		{ID: "clock", Group: "Seller", Title: "clock", After: []string{"tls"}, Limit: hostLimit, run: checkClock,
			About: "This host's clock and the header Date of the seller's answer differ by less than a minute (a warning), and by less than five (TSIG and certificates need that)."},
		{ID: "account", Group: "Seller", Title: "account", After: []string{"tls"}, Limit: hostLimit, run: checkAccount,
			About: "For each processing module: the seller accepts user and key, and this host's address."},
		{ID: "balance", Group: "Seller", Title: "balance", After: []string{"tls"}, Limit: hostLimit, run: checkBalance,
			About: "For each processing module: the account at the seller holds money, and not less than the module's minimal balance (`threshold`)."},
		{ID: "limits", Group: "Seller", Title: "limit of calls", Needs: []string{"database"}, After: []string{"tls"}, Limit: panelLimit, run: withPanel(checkLimits),
			About: "For each processing module: less than 80 % of the calls that commands which only read may make in a minute, an hour and a day are used."},
	}
}

// conversation is what one processing module's seller answered.
type conversation struct {
	title     string // of the module
	threshold string // the module's minimal balance; empty if it has none
	account   string
	unread    error // why the module's parameters cannot be read
	err       error // of the parameters' values or the request; nil if the seller accepted the account
	answered  bool  // there was an HTTP answer
	at        time.Time
	date      string // header Date of the last answer
	state     *tls.ConnectionState
	balance   *seller.Money // nil if the seller reports none
	unknown   error         // why the balance is not known
}

// checkConnection asks each module's seller once. The other checks of sellers look at what was answered.
func checkConnection(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	modules, idle, err := x.modules(ctx, p)
	if err != nil {
		return []Finding{unchecked("%s", message(err))}
	}
	var found []Finding
	for _, id := range idle {
		found = append(found, notUsed(ctx, p, id))
	}
	for _, id := range modules {
		if ctx.Err() != nil {
			found = append(found, notAsked(moduleTitle(id, "")))
			continue
		}
		c := x.converse(ctx, p, id)
		x.mu.Lock()
		x.conversations = append(x.conversations, c)
		x.mu.Unlock()
		found = append(found, c.connected())
	}
	return found
}

// converse reads the account's balance, or what the seller has instead.
func (x *examination) converse(ctx context.Context, p item.DiagnosticPanel, id int64) conversation {
	c := conversation{title: moduleTitle(id, "")}
	if name, err := p.ModuleName(ctx, id); err == nil {
		c.title = moduleTitle(id, name)
	}
	params, err := p.ModuleParams(ctx, id)
	if err != nil {
		c.unread = err
		return c
	}
	c.threshold, c.account = params["threshold"], x.o.Info.Account(params)
	theSeller, err := x.o.Connect(params, func(date string, state *tls.ConnectionState) {
		c.answered, c.at, c.date, c.state = true, x.o.Now(), date, state
	})
	if err != nil {
		c.err = err
		return c
	}
	reporter, reports := theSeller.(seller.BalanceReporter)
	if !reports {
		c.err = theSeller.Check(ctx)
		return c
	}
	balance, err := reporter.Balance(ctx)
	switch {
	case errors.Is(err, seller.ErrUnknownAmount):
		c.unknown = err
	case err != nil:
		c.err = err
	default:
		c.balance = &balance
	}
	return c
}

// connected returns the finding about the connection alone.
func (c conversation) connected() Finding {
	switch {
	case c.unread != nil:
		return unchecked("%s: its parameters cannot be read", c.title)
	case !c.answered && c.err != nil:
		f := because(mendOf(c.err, c.title), c.err)
		f.Text = c.title + ": " + f.Text
		return f
	case c.state == nil || len(c.state.PeerCertificates) == 0:
		return passed("%s: %s, without TLS (this host)", c.title, c.account)
	}
	leaf := c.state.PeerCertificates[0]
	// The issuer comes first: a line of the screen is cut at its end.
	return passed("%s: certificate issued by %s, for %s, valid until %s; %s", c.title, issuerOf(c.state), leaf.Subject.CommonName,
		leaf.NotAfter.UTC().Format(time.DateOnly), c.account)
}

// issuerOf names the root that the certificate was verified with, after the issuer itself.
func issuerOf(state *tls.ConnectionState) string {
	issuer := state.PeerCertificates[0].Issuer.String()
	if len(state.VerifiedChains) > 0 {
		chain := state.VerifiedChains[0]
		if root := chain[len(chain)-1].Subject.String(); root != issuer {
			return issuer + " under " + root
		}
	}
	return issuer
}

// mendOf returns what to do about a failure of a seller or of its parameters.
func mendOf(err error, title string) string {
	form := "correct it in the form of " + title + " (Processing modules, Edit)"
	failure := fault.From(err)
	if failure == nil {
		return form
	}
	switch failure.Type {
	case fault.Auth, fault.Login:
		return "enter user and key or password again in the form of " + title + " (Processing modules, Edit), and check at the seller that the API is switched on for the account"
	case fault.Address:
		return "add this host's address to the white list of the account at the seller"
	case fault.ClientIP:
		return "enter this host's public IPv4 address in the form of " + title
	case fault.NotSeller:
		return "check the address in the form of " + title + ", this host's DNS, and SSLSellerCA if the seller has a CA of its own"
	case fault.Limit:
		return "wait until the time that the message names, then run doctor again"
	case fault.Client:
		return "check this host's DNS (/etc/resolv.conf) and that no firewall blocks connections to the seller"
	}
	return form
}

// each returns a finding for each module that answered.
func (x *examination) each(one func(conversation) Finding) []Finding {
	x.mu.Lock()
	all := slices.Clone(x.conversations)
	x.mu.Unlock()
	if len(all) == 0 {
		return []Finding{unchecked("no seller was asked")}
	}
	var found []Finding
	for _, c := range all {
		if !c.answered {
			found = append(found, unchecked("%s: the seller did not answer", c.title))
			continue
		}
		found = append(found, one(c))
	}
	return found
}

// Differences of clocks from which on the check warns and fails.
const warnClock, failClock = time.Minute, 5 * time.Minute

func checkClock(_ context.Context, x *examination) []Finding {
	return x.each(func(c conversation) Finding {
		date, err := http.ParseTime(c.date)
		if err != nil {
			return unchecked("%s: the seller's answer has no date", c.title)
		}
		// The header has whole seconds: half of one is the middle of what it may mean.
		difference := c.at.Sub(date.Add(time.Second / 2)).Truncate(time.Second)
		text := fmt.Sprintf("%s: this host's clock is %s from the seller's", c.title, difference.Abs())
		mend := "set the clock and keep it right: timedatectl set-ntp true, or install chrony"
		switch {
		case difference.Abs() >= failClock:
			return failed(mend, "%s", text)
		case difference.Abs() >= warnClock:
			return warned(mend, "%s", text)
		}
		return passed("%s", text)
	})
}

func checkAccount(_ context.Context, x *examination) []Finding {
	return x.each(func(c conversation) Finding {
		if c.err != nil {
			f := because(mendOf(c.err, c.title), c.err)
			f.Text = c.title + ": " + f.Text
			return f
		}
		return passed("%s: %s accepts %s", c.title, x.o.Info.Title, c.account)
	})
}

func checkBalance(_ context.Context, x *examination) []Finding {
	return x.each(func(c conversation) Finding {
		mend := "pay into the account at " + x.o.Info.Title
		switch {
		case c.err != nil:
			return unchecked("%s: the account was refused", c.title)
		case c.unknown != nil:
			return warned("look at the balance on the seller's site; purchases are made without a warning meanwhile", "%s: %s", c.title, message(c.unknown))
		case c.balance == nil:
			return unchecked("%s: %s reports no balance", c.title, x.o.Info.Title)
		}
		text := fmt.Sprintf("%s: %s %s", c.title, c.balance.Text, c.balance.Currency)
		least, limited := seller.ParseBalance(c.threshold)
		switch {
		case !positive(*c.balance):
			return failed(mend, "%s: nothing can be bought", text)
		case limited && c.balance.Amount < least:
			return warned(mend, "%s, less than the module's minimal balance %s", text, c.threshold)
		}
		return passed("%s", text)
	})
}

func positive(m seller.Money) bool { return m.Amount > 0 }

// crowded is the part of a limit from which on the check warns, in percent.
const crowded = 80

func checkLimits(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	modules, _, err := x.modules(ctx, p)
	if err != nil {
		return []Finding{unchecked("%s", message(err))}
	}
	var found []Finding
	for _, id := range modules {
		found = append(found, x.limitsOf(ctx, p, id))
	}
	return found
}

func (x *examination) limitsOf(ctx context.Context, p item.DiagnosticPanel, id int64) Finding {
	title := moduleTitle(id, "")
	params, err := p.ModuleParams(ctx, id)
	if err != nil {
		return unchecked("%s: %s", title, message(err))
	}
	theSeller, err := x.o.Connect(params, nil)
	if err != nil {
		return unchecked("%s: %s", title, message(err))
	}
	reporter, counts := theSeller.(seller.UsageReporter)
	if !counts {
		return passed("%s: %s has no limit of calls that the module keeps", title, x.o.Info.Title)
	}
	used, err := reporter.CallsUsed()
	if err != nil {
		return failed("remove the file that the message names; the calls of the last day are then not counted", "%s: %s", title, message(err))
	}
	var words []string
	full := false
	for _, u := range used {
		words = append(words, fmt.Sprintf("%d of %d in the last %s", u.Used, u.Limit, u.Span))
		full = full || u.Used*100 >= u.Reads*crowded
	}
	switch {
	case len(words) == 0:
		return passed("%s: the limits are switched off", title)
	case full:
		return warned("run fewer commands at once; where other programs use the same account, lower limit_minute, limit_hour or limit_day of the module by their share", "%s: %s", title, strings.Join(words, ", "))
	}
	return passed("%s: %s", title, strings.Join(words, ", "))
}

// bundles lists the files of CA certificates that crypto/x509 tries first (Debian, Red Hat, SUSE, newer Red Hat, Alpine).
func bundles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
	}
}

// bundleFolders lists the folders whose files crypto/x509 reads besides, of which each has one or more CA certificates.
func bundleFolders() []string { return []string{"/etc/ssl/certs", "/etc/pki/tls/certs"} }

// maxBundle is how much of a file of CA certificates is read, in bytes, maxBundleFiles how many files of a folder.
const (
	maxBundle      = 16 << 20
	maxBundleFiles = 1000
)

func checkBundle(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	named, err := p.Setting(ctx, "SSLSellerCA")
	switch {
	case err != nil:
		return []Finding{unchecked("%s", message(err))}
	case named != "":
		return []Finding{x.checkNamedBundle(named)}
	}
	var places []string
	for _, file := range bundles() {
		places = append(places, x.hostPath(file))
		text, err := readSome(x.hostPath(file), maxBundle)
		if err != nil {
			continue
		}
		if n := certificates(text); n > 0 {
			return []Finding{passed("%s, %d certificates", x.hostPath(file), n)}
		}
		break // crypto/x509 reads the first file that it can
	}
	for _, folder := range bundleFolders() {
		places = append(places, x.hostPath(folder))
		if n := certificatesIn(ctx, x.hostPath(folder)); n > 0 {
			return []Finding{passed("%s, %d certificates in its files", x.hostPath(folder), n)}
		}
	}
	return []Finding{failed("install the package ca-certificates: apt-get install ca-certificates, or dnf install ca-certificates. For certificates elsewhere write into etc/billmgr.conf: SSLSellerCA /path/to/file.pem "+
		"(SSL_CERT_FILE and SSL_CERT_DIR have no effect)", "no CA certificates in %s", strings.Join(places, ", "))}
}

// checkNamedBundle looks at the file that SSLSellerCA names.
func (x *examination) checkNamedBundle(file string) Finding {
	const mend = "correct SSLSellerCA in etc/billmgr.conf, or remove it to use the system's CA certificates"
	if !filepath.IsAbs(file) {
		file = filepath.Join(x.o.Root, file)
	}
	text, err := readSome(file, maxBundle)
	if err != nil {
		return unusable(err, mend, "%s: %v", file, bare(err))
	}
	n := certificates(text)
	if n == 0 {
		return failed(mend, "no CA certificates in %s", file)
	}
	return passed("%s, %d certificates", file, n)
}

// certificates returns how many certificates in PEM form a text has; 0 if none of them can be read.
func certificates(text []byte) int {
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return 0
	}
	return strings.Count(string(text), "-----BEGIN CERTIFICATE-----")
}

// certificatesIn returns how many certificates the files of a folder have. Links to files beside them are left out.
func certificatesIn(ctx context.Context, folder string) int {
	opened, err := os.Open(folder)
	if err != nil {
		return 0
	}
	defer opened.Close()
	entries, _ := opened.ReadDir(maxBundleFiles) // of a longer list only the first are read
	n := 0
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		if target, err := os.Readlink(path); err == nil && !strings.Contains(target, "/") {
			continue
		}
		if text, err := readSome(path, maxBundle); err == nil && ctx.Err() == nil {
			n += certificates(text)
		}
	}
	return n
}
