package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/require"
)

// simulatedFixture is a fixture in simulated time, with a stand-in for sendmail that keeps the mails.
type simulatedFixture struct {
	*fixture
	dir string
}

// firstOrders is the day of the documented example (docs/reference/validity.md §B2); certificates of that day end on firstEnd.
const (
	firstOrders = "2026-04-02T10:00:00Z"
	firstEnd    = "2026-10-17"
)

// startSimulated starts a connected fixture at the time start; conf are lines of billmgr.conf. The seller issues certificates at
// once; changeSeller changes that.
func startSimulated(t testing.TB, seller sellerCase, start string, conf ...string) *simulatedFixture {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, installSendmail(dir, keepMail))
	base := startConnected(t, fixtureOptions{dir: dir, seller: seller, simulated: true, start: instant(t, start), options: []string{sendmailOption(dir)}})
	f := &simulatedFixture{fixture: base, dir: dir}
	f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce = true })
	require.NoError(t, f.standIn.setBalance("100000.00"))
	f.configure(t, conf...)
	return f
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	if len(text) == len(time.DateOnly) {
		text += "T09:00:00Z"
	}
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}

// setTime sets the clock of panel, seller and module; a date alone means 09:00 UTC.
func (f *simulatedFixture) setTime(t testing.TB, when string) {
	t.Helper()
	require.NoError(t, f.clock.Set(instant(t, when)))
}

// changeSeller changes the behaviour of the seller.
func (f *simulatedFixture) changeSeller(t testing.TB, change func(*behaviour)) {
	t.Helper()
	m := f.standIn.behaviour()
	change(&m)
	require.NoError(t, f.standIn.setBehaviour(m))
}

// configure replaces the module's lines in billmgr.conf.d; the sender of mails is always set.
func (f *simulatedFixture) configure(t testing.TB, lines ...string) {
	t.Helper()
	writeSubscriptionConfig(t, f, append([]string{"SSLSubscriptionMailFrom Hosting <ssl@hosting.example>"}, lines...)...)
}

// The shell commands of the stand-in for sendmail; %s is the outbox.
const (
	keepMail   = "exec cat >%s/$$"
	refuseMail = "exit 78 # %s"
	// unknownRecipient refuses a mail permanently.
	unknownRecipient = "exit 67 # %s"
)

// installSendmail writes a stand-in for sendmail below the folder; sendmailOption returns the option that names it.
func installSendmail(dir, does string) error {
	outbox, bin := filepath.Join(dir, "outbox"), filepath.Join(dir, "mta")
	for _, folder := range []string{outbox, bin} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	// write and rename, because a program that is running cannot be overwritten
	program := filepath.Join(bin, "new")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"+fmt.Sprintf(does, outbox)+"\n"), 0o700); err != nil {
		return err
	}
	return os.Rename(program, filepath.Join(bin, "sendmail"))
}

func sendmailOption(dir string) string { return "SSLSendmail " + filepath.Join(dir, "mta", "sendmail") }

// receivedMail is a mail that the stand-in for sendmail accepted.
type receivedMail struct{ to, from, subject, body string }

// takeMails returns the mails in the outbox and empties it.
func takeMails(dir string) ([]receivedMail, error) {
	files, err := filepath.Glob(filepath.Join(dir, "outbox", "*"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []receivedMail
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		received, err := readMail(raw)
		if err != nil {
			return nil, fmt.Errorf("mail %s: %w\n%s", file, err, raw)
		}
		all = append(all, received)
		if err := os.Remove(file); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func readMail(raw []byte) (receivedMail, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return receivedMail{}, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return receivedMail{}, err
	}
	received := receivedMail{to: m.Header.Get("To"), from: m.Header.Get("From"), subject: subject}
	var body bytes.Buffer
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		_, err = body.ReadFrom(quotedprintable.NewReader(m.Body))
	} else {
		_, err = body.ReadFrom(m.Body)
	}
	received.body = body.String()
	return received, err
}

func (f *simulatedFixture) takeMails(t testing.TB) []receivedMail {
	t.Helper()
	all, err := takeMails(f.dir)
	require.NoError(t, err)
	return all
}

// newCSR returns a new key and a CSR for the domain, both in PEM.
func newCSR(t testing.TB, domain string) (csr, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: domain}}, private)
	require.NoError(t, err)
	own, err := x509.MarshalECPrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: own}))
}

// orderFor returns an order of a certificate for the months with validation by DNS.
func (f *simulatedFixture) orderFor(t testing.TB, domain string, months int, more ...func(*panel.Order)) panel.Order {
	t.Helper()
	tariff, err := f.tariffFor(context.Background(), f.seller.singleName, nil)
	require.NoError(t, err)
	csr, key := newCSR(t, domain)
	o := panel.Order{
		Tariff: tariff, Module: f.moduleID, Period: months, CSR: csr, Key: key, ExtraSANs: -1, SkipForms: true,
		Params: f.seller.orderParams("auth_dnscname"),
	}
	for _, change := range more {
		change(&o)
	}
	return o
}

// openedItem orders a certificate (orderFor), runs open and returns the item.
func (f *simulatedFixture) openedItem(t testing.TB, domain string, months int, more ...func(*panel.Order)) int64 {
	t.Helper()
	done, err := f.panel.Order(context.Background(), f.orderFor(t, domain, months, more...))
	require.NoError(t, err)
	require.True(t, done.Open.OK(), done.Open.Failure())
	return done.Item
}

// storedItem is openedItem for a seller that issues at once: the certificate is stored, by open or by the panel's first sync.
func (f *simulatedFixture) storedItem(t testing.TB, domain string, months int, more ...func(*panel.Order)) int64 {
	t.Helper()
	item := f.openedItem(t, domain, months, more...)
	f.syncIssuedAtOnce(t, item)
	require.Equal(t, "5", f.itemOf(t, item).Params["service_status"], "the seller issues at once")
	return item
}

// syncIssuedAtOnce runs the panel's sync_item for an order that a seller which issues at once has issued already. A command that submits
// an order may take it for waiting (rules STORE-11).
func (f *simulatedFixture) syncIssuedAtOnce(t testing.TB, item int64) {
	t.Helper()
	if f.standIn.behaviour().issuesAtOnce && f.itemOf(t, item).Params["service_status"] == "4" {
		f.mustSync(t, item)
	}
}

// setParam changes an item parameter without the module.
func (f *simulatedFixture) setParam(t testing.TB, item int64, name, value string) {
	t.Helper()
	require.NoError(t, f.panel.SetParams(context.Background(), item, map[string]string{name: value}))
}

// sql changes rows of the panel's database without the module.
func (f *simulatedFixture) sql(t testing.TB, statement string, args ...any) {
	t.Helper()
	_, err := f.panel.DB().ExecContext(context.Background(), statement, args...)
	require.NoError(t, err)
}

// leaf returns the certificate that the panel stores.
func (f *simulatedFixture) leaf(t testing.TB, item int64) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(f.itemOf(t, item).Crt)
	require.NotNil(t, block, "item %d: the panel stores no PEM", item)
	leaf, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return leaf
}

// sweepResult is the document that a sweep prints (rules SWEEP-5).
type sweepResult struct {
	Policy   string     `xml:"policy,attr"`
	Before   int        `xml:"before,attr"`
	Mode     string     `xml:"mode,attr"`
	Date     string     `xml:"date,attr"`
	Running  string     `xml:"running,attr"`
	Items    int        `xml:"items,attr"`
	Due      int        `xml:"due,attr"`
	Reissued int        `xml:"reissued,attr"`
	Notified int        `xml:"told,attr"`
	Failed   int        `xml:"failed,attr"`
	Watched  int        `xml:"watched,attr"`
	Old      int        `xml:"old,attr"`
	Rows     []sweepRow `xml:"item"`
}

type sweepRow struct {
	ID         int64  `xml:"id,attr"`
	Name       string `xml:"name,attr"`
	ExpireDate string `xml:"expiredate,attr"`
	PaidUntil  string `xml:"paid_until,attr"`
	Due        string `xml:"due,attr"`
	Lead       int    `xml:"lead,attr"`
	Action     string `xml:"action,attr"`
	Result     string `xml:"result,attr"`
	Reason     string `xml:"reason,attr"`
}

// row returns the row of the item, or nil if the document has none.
func (s sweepResult) row(item int64) *sweepRow {
	for i := range s.Rows {
		if s.Rows[i].ID == item {
			return &s.Rows[i]
		}
	}
	return nil
}

// summary returns action, result and reason of the item's row in one string, or "" if the document has no row for it.
func (s sweepResult) summary(item int64) string {
	row := s.row(item)
	if row == nil {
		return ""
	}
	return strings.TrimSpace(row.Action + " " + row.Result + " " + row.Reason)
}

// sweep runs the subscription command and checks what is true of every sweep: the document is complete, and the exit code is 1 if
// and only if an item failed.
func (f *simulatedFixture) sweep(t testing.TB, args ...string) sweepResult {
	t.Helper()
	run, err := f.panel.Start(context.Background(), f.seller.module, nil, append([]string{"--command", "subscription"}, args...)...)
	require.NoError(t, err)
	return readSweep(t, run)
}

func readSweep(t testing.TB, run *panel.Run) sweepResult {
	t.Helper()
	var doc struct {
		Subscription *sweepResult `xml:"subscription"`
	}
	require.NoError(t, xml.Unmarshal([]byte(run.Stdout), &doc), "%s %s", run.Stdout, run.Failure())
	require.NotNil(t, doc.Subscription, run.Stdout)
	failed := 0
	for _, row := range doc.Subscription.Rows {
		if row.Result == "error" {
			failed++
		}
	}
	require.Equal(t, failed, doc.Subscription.Failed, run.Stdout)
	code := 0
	if failed > 0 {
		code = 1
	}
	require.Equal(t, code, run.ExitCode, run.Stdout)
	return *doc.Subscription
}

// ordersFor returns what the seller has recorded for a domain name.
func (f *simulatedFixture) ordersFor(t testing.TB, domain string) domainOrders {
	t.Helper()
	found, err := f.standIn.ordersFor(domain)
	require.NoError(t, err)
	return found
}

// requestedCertificates returns how many certificates the seller was asked for: the first one of the domain, reissues and renewals.
func (f *simulatedFixture) requestedCertificates(t testing.TB, domain string) int {
	t.Helper()
	return f.ordersFor(t, domain).requested
}

// takeLog returns what the module has logged since the last takeLog and empties the log.
func (f *simulatedFixture) takeLog(t testing.TB) string {
	t.Helper()
	path := filepath.Join(f.panel.Root(), "var", f.seller.module+".log")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, 0))
	return string(raw)
}

// checkNewestStored compares an item with the seller: the newest certificate of the domain is stored, the lineage is complete, and
// the panel shows its dates (rules PARAM-4, STORE-2, STORE-3).
func (f *simulatedFixture) checkNewestStored(t testing.TB, item int64, domain string) {
	t.Helper()
	orders := f.ordersFor(t, domain)
	require.NotEmpty(t, orders.ids)
	it, leaf := f.itemOf(t, item), f.leaf(t, item)
	var lineage []string
	for _, id := range orders.ids {
		lineage = append(lineage, strconv.FormatInt(id, 10))
	}
	require.Equal(t, strings.Join(lineage, " "), it.Params["lineage"], "item %d", item)
	require.Equal(t, lineage[len(lineage)-1], it.Params["custom_order_id"], "item %d", item)
	require.Equal(t, orders.newestSerial, fmt.Sprintf("%x", leaf.SerialNumber), "item %d stores the newest certificate", item)
	require.Equal(t, orders.newestSerial, strings.TrimLeft(it.Params["certificate_serial"], "0"), "item %d", item)
	require.Equal(t, leaf.NotAfter.UTC().Format(time.DateOnly), it.Params["certificate_expiredate"], "item %d", item)
	require.Equal(t, "5", it.Params["service_status"], "item %d", item)
	require.Equal(t, 2, it.Status, "item %d", item)
	require.Empty(t, it.Operations, "item %d", item)
}

// checkNoAttempt checks that no attempt to reissue the certificate in place is counted.
func (f *simulatedFixture) checkNoAttempt(t testing.TB, item int64) {
	t.Helper()
	params := f.itemOf(t, item).Params
	if words := strings.Fields(params["reissue_tried"]); len(words) > 0 {
		require.Len(t, words, 3, "the certificate is named")
		require.NotEqual(t, params["certificate_serial"], words[2], "the attempts belong to the old certificate")
	}
}

// writeSubscriptionConfig replaces all of the module's lines in billmgr.conf.d, including the sender of mails.
func writeSubscriptionConfig(t testing.TB, f *simulatedFixture, lines ...string) {
	t.Helper()
	file := filepath.Join(f.panel.Root(), "etc", "billmgr.conf.d", "subscription.conf")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}
