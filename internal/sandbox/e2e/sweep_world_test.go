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

// hosting is a provider's panel in simulated time, with an MTA that keeps the letters.
type hosting struct {
	*world
	dir string
}

// firstOrders is the day of the documented example (docs/reference/validity.md §B2); leaves of that day end on firstEnd.
const (
	firstOrders = "2026-04-02T10:00:00Z"
	firstEnd    = "2026-10-17"
)

// newHosting starts at the instant. The seller issues what is asked for at once; a test that wants to wait says so.
func newHosting(t testing.TB, at trade, start string, conf ...string) *hosting {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, sendmail(dir, keepLetter))
	w := connected(t, worldOptions{dir: dir, trade: at, simulated: true, start: instant(t, start), options: []string{sendmailOption(dir)}})
	h := &hosting{world: w, dir: dir}
	h.sells(t, func(m *manner) { m.issues = true })
	require.NoError(t, w.shop.fund("100000.00"))
	h.configure(t, conf...)
	return h
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

// at moves the time of panel, seller and module; a bare date is 09:00 UTC.
func (h *hosting) at(t testing.TB, when string) {
	t.Helper()
	require.NoError(t, h.clock.Set(instant(t, when)))
}

// sells changes how the seller behaves.
func (h *hosting) sells(t testing.TB, change func(*manner)) {
	t.Helper()
	m := h.shop.manner()
	change(&m)
	require.NoError(t, h.shop.behave(m))
}

// configure replaces our lines in billmgr.conf.d; the sender of letters is always set.
func (h *hosting) configure(t testing.TB, lines ...string) {
	t.Helper()
	configuration(t, h, append([]string{"SSLSubscriptionMailFrom Hosting <ssl@hosting.example>"}, lines...)...)
}

// keepLetter and refuseLetter are what the stand-in for sendmail does.
const (
	keepLetter   = "exec cat >%s/$$"
	refuseLetter = "exit 78 # %s"
	// unknownRecipient refuses one letter for good.
	unknownRecipient = "exit 67 # %s"
)

// sendmail puts a stand-in for the MTA's program under the folder; sendmailOption is the panel's option that names it.
func sendmail(dir, does string) error {
	outbox, bin := filepath.Join(dir, "outbox"), filepath.Join(dir, "mta")
	for _, folder := range []string{outbox, bin} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	// written beside and renamed: a program that is being started is not written to
	program := filepath.Join(bin, "new")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"+fmt.Sprintf(does, outbox)+"\n"), 0o700); err != nil {
		return err
	}
	return os.Rename(program, filepath.Join(bin, "sendmail"))
}

func sendmailOption(dir string) string { return "SSLSendmail " + filepath.Join(dir, "mta", "sendmail") }

// caught is a letter that the MTA took.
type caught struct{ to, from, subject, body string }

// takeLetters empties the outbox.
func takeLetters(dir string) ([]caught, error) {
	files, err := filepath.Glob(filepath.Join(dir, "outbox", "*"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []caught
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		letter, err := readLetter(raw)
		if err != nil {
			return nil, fmt.Errorf("letter %s: %w\n%s", file, err, raw)
		}
		all = append(all, letter)
		if err := os.Remove(file); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func readLetter(raw []byte) (caught, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return caught{}, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return caught{}, err
	}
	letter := caught{to: m.Header.Get("To"), from: m.Header.Get("From"), subject: subject}
	var body bytes.Buffer
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		_, err = body.ReadFrom(quotedprintable.NewReader(m.Body))
	} else {
		_, err = body.ReadFrom(m.Body)
	}
	letter.body = body.String()
	return letter, err
}

func (h *hosting) letters(t testing.TB) []caught {
	t.Helper()
	all, err := takeLetters(h.dir)
	require.NoError(t, err)
	return all
}

// newCSR makes a key and a request of its own for each site: what belongs to whom is told by keys and names.
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

// order is a client's order for the months with proof by DNS, opened.
func (h *hosting) order(t testing.TB, domain string, months int, more ...func(*panel.Order)) int64 {
	t.Helper()
	ctx := context.Background()
	tariff, err := h.tariffFor(ctx, h.trade.single, nil)
	require.NoError(t, err)
	csr, key := newCSR(t, domain)
	o := panel.Order{
		Tariff: tariff, Module: h.module, Period: months, CSR: csr, Key: key, ExtraSANs: -1, SkipForms: true,
		Params: h.trade.orderParams("auth_dnscname"),
	}
	for _, change := range more {
		change(&o)
	}
	done, err := h.panel.Order(ctx, o)
	require.NoError(t, err)
	require.True(t, done.Open.OK(), done.Open.Failure())
	return done.Item
}

// stored is order with the certificate in place.
func (h *hosting) stored(t testing.TB, domain string, months int, more ...func(*panel.Order)) int64 {
	t.Helper()
	item := h.order(t, domain, months, more...)
	require.Equal(t, "5", h.itemOf(t, item).Params["service_status"], "the seller issues at once")
	return item
}

// set changes item parameters behind the module's back.
func (h *hosting) set(t testing.TB, item int64, name, value string) {
	t.Helper()
	require.NoError(t, h.panel.SetParams(context.Background(), item, map[string]string{name: value}))
}

// sql changes rows behind the module's back.
func (h *hosting) sql(t testing.TB, statement string, args ...any) {
	t.Helper()
	_, err := h.panel.DB().ExecContext(context.Background(), statement, args...)
	require.NoError(t, err)
}

// leaf is the certificate that the panel stores.
func (h *hosting) leaf(t testing.TB, item int64) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(h.itemOf(t, item).Crt)
	require.NotNil(t, block, "item %d: the panel stores no PEM", item)
	leaf, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return leaf
}

// swept is the document of a sweep (rules SWEEP-5).
type swept struct {
	Policy   string     `xml:"policy,attr"`
	Before   int        `xml:"before,attr"`
	Mode     string     `xml:"mode,attr"`
	Date     string     `xml:"date,attr"`
	Running  string     `xml:"running,attr"`
	Items    int        `xml:"items,attr"`
	Due      int        `xml:"due,attr"`
	Reissued int        `xml:"reissued,attr"`
	Told     int        `xml:"told,attr"`
	Failed   int        `xml:"failed,attr"`
	Rows     []sweptRow `xml:"item"`
}

type sweptRow struct {
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

// row is what the document says of the item; nil where it says nothing.
func (s swept) row(item int64) *sweptRow {
	for i := range s.Rows {
		if s.Rows[i].ID == item {
			return &s.Rows[i]
		}
	}
	return nil
}

// says is action, result and reason in one word for tables; empty where the document does not name the item.
func (s swept) says(item int64) string {
	row := s.row(item)
	if row == nil {
		return ""
	}
	return strings.TrimSpace(row.Action + " " + row.Result + " " + row.Reason)
}

// sweep runs the policy and holds what is true of every sweep: a complete document, and exit code 1 exactly where an item
// failed.
func (h *hosting) sweep(t testing.TB, args ...string) swept {
	t.Helper()
	run, err := h.panel.Start(context.Background(), h.trade.module, nil, append([]string{"--command", "subscription"}, args...)...)
	require.NoError(t, err)
	return readSweep(t, run)
}

func readSweep(t testing.TB, run *panel.Run) swept {
	t.Helper()
	var doc struct {
		Subscription *swept `xml:"subscription"`
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

// sold is what the seller knows of a name.
func (h *hosting) sold(t testing.TB, domain string) sold {
	t.Helper()
	found, err := h.shop.sold(domain)
	require.NoError(t, err)
	return found
}

// certificates is how many certificates the seller was asked for: the first one of a site, its reissues and renewals.
func (h *hosting) certificates(t testing.TB, domain string) int {
	t.Helper()
	return h.sold(t, domain).asked
}

// log is everything that the module has written since the last time.
func (h *hosting) log(t testing.TB) string {
	t.Helper()
	path := filepath.Join(h.panel.Root(), "var", h.trade.module+".log")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, 0))
	return string(raw)
}

// inPlace holds an item against the seller: the newest certificate of its site is stored, the lineage is complete, and the
// panel shows its dates (rules PARAM-4, STORE-2, STORE-3).
func (h *hosting) inPlace(t testing.TB, item int64, domain string) {
	t.Helper()
	sold := h.sold(t, domain)
	require.NotEmpty(t, sold.ids)
	it, leaf := h.itemOf(t, item), h.leaf(t, item)
	var lineage []string
	for _, id := range sold.ids {
		lineage = append(lineage, strconv.FormatInt(id, 10))
	}
	require.Equal(t, strings.Join(lineage, " "), it.Params["lineage"], "item %d", item)
	require.Equal(t, lineage[len(lineage)-1], it.Params["custom_order_id"], "item %d", item)
	require.Equal(t, sold.serial, fmt.Sprintf("%x", leaf.SerialNumber), "item %d stores the newest certificate", item)
	require.Equal(t, sold.serial, strings.TrimLeft(it.Params["certificate_serial"], "0"), "item %d", item)
	require.Equal(t, leaf.NotAfter.UTC().Format(time.DateOnly), it.Params["certificate_expiredate"], "item %d", item)
	require.Equal(t, "5", it.Params["service_status"], "item %d", item)
	require.Equal(t, 2, it.Status, "item %d", item)
	require.Empty(t, it.Operations, "item %d", item)
}

// configuration replaces our lines in billmgr.conf.d altogether, the sender of letters too.
func configuration(t testing.TB, h *hosting, lines ...string) {
	t.Helper()
	file := filepath.Join(h.panel.Root(), "etc", "billmgr.conf.d", "subscription.conf")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}
