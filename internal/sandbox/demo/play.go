package demo

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/panel"
)

// domain is the client's site in the story.
const domain = "shop.example.com"

// Play tells the whole story. An error means that something did not go as the story says.
func Play(ctx context.Context, o Options) (err error) {
	s, err := build(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.strike()) }()
	product, err := s.wizard(ctx)
	if err != nil {
		return err
	}
	item, err := s.order(ctx, product)
	if err != nil {
		return err
	}
	if err := s.deliver(ctx, item); err != nil {
		return err
	}
	if err := s.verify(ctx, item); err != nil {
		return err
	}
	if err := s.last(); err != nil {
		return err
	}
	return s.years(ctx, item)
}

// wizard connects the module: first with a wrong key, then with the right one. It returns the processing module's id.
func (s *stage) wizard(ctx context.Context) (int64, error) {
	s.tell.chapter("The administrator connects the module, with a typing error in the key or password")
	refused, err := s.panel.Connect(ctx, s.module(), panel.Connection{Name: s.seller.title(), Params: s.seller.connection(s.api, true)})
	if err != nil {
		return 0, err
	}
	s.tell.run(refused.Tune)
	s.tell.run(refused.Check)
	if refused.ID != 0 {
		return 0, errors.New("a wrong secret was accepted")
	}
	s.tell.chapter("… and with the right one")
	done, err := s.panel.Connect(ctx, s.module(), panel.Connection{Name: s.seller.title(), Params: s.seller.connection(s.api, false)})
	if err != nil {
		return 0, err
	}
	s.tell.run(done.Check)
	if done.ID == 0 {
		return 0, errors.New("the right secret was refused")
	}
	s.tell.value("processing module", strconv.FormatInt(done.ID, 10))
	for _, limit := range s.seller.limits() { // they would wait for a clock that stands still
		if _, err := s.panel.Mgrctl(ctx, "processing.saveparam", fmt.Sprintf("elid=%d", done.ID), "param="+limit, "value=0"); err != nil {
			return 0, err
		}
	}
	if err := s.panel.ClearRequests(); err != nil {
		return 0, err
	}
	return done.ID, s.balance()
}

// balance shows what the account holds, as the seller's books say.
func (s *stage) balance() error {
	balance, err := s.seller.balance()
	if err != nil {
		return err
	}
	s.tell.value("balance at the seller", balance)
	return nil
}

// order makes a CSR and orders a certificate for five years, proved by DNS.
func (s *stage) order(ctx context.Context, id int64) (int64, error) {
	s.tell.chapter("%s: a client orders PositiveSSL for %s, five years, proof by DNS", opening().Format("2006-01-02"), domain)
	csr, err := s.csr(ctx)
	if err != nil {
		return 0, err
	}
	tariff, err := s.panel.AddTariff(ctx, panel.Tariff{Name: "PositiveSSL", IntName: "positivessl", Modules: []int64{id}})
	if err != nil {
		return 0, err
	}
	done, err := s.panel.Order(ctx, panel.Order{
		Tariff: tariff, Module: id, Period: 60, CSR: csr, ExtraSANs: -1,
		Params: map[string]string{
			"approver_method": "auth_dnscname", "adm_fname": "Olga", "adm_lname": "Owner", "adm_jtitle": "Owner", "adm_email": "owner@example.com",
			"adm_phone": "+44.2079460000",
		},
	})
	if err != nil {
		return 0, err
	}
	s.tell.run(done.Approver)
	s.tell.run(done.Open)
	if done.Open == nil || !done.Open.OK() {
		return 0, errors.New("the order was refused")
	}
	item, err := s.panel.Item(ctx, done.Item)
	if err != nil {
		return 0, err
	}
	s.tell.value("id at the seller", item.Params["custom_order_id"])
	s.tell.value("the client publishes", item.Params["auth_dnscname_value"])
	s.tell.value("for", item.Params["domains_list"])
	s.tell.value("expiration date", item.ExpireDate+" (until the certificate itself is there: order date + the longest life allowed)")
	s.tell.value("paid until", item.Params["paid_until"])
	s.tell.note("what the module told the panel:")
	if err := s.calls(); err != nil {
		return 0, err
	}
	return done.Item, s.balance()
}

// csr asks openssl for a key and a CSR, as an administrator would; without openssl Go makes them.
func (s *stage) csr(ctx context.Context) (string, error) {
	out := filepath.Join(s.dir, "client.csr")
	words := []string{"req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", filepath.Join(s.dir, "client.key"), "-out", out, "-subj", "/CN=" + domain}
	if _, err := exec.LookPath("openssl"); err == nil {
		if text, err := exec.CommandContext(ctx, "openssl", words...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("openssl %s: %w\n%s", words[0], err, text)
		}
		s.tell.note("openssl req -new -newkey rsa:2048 -subj /CN=%s", domain)
		raw, err := os.ReadFile(out)
		return string(raw), err
	}
	s.tell.note("openssl is not installed: the CSR is made here")
	key, err := ecdsa.GenerateKey(elliptic.P256(), s.Random)
	if err != nil {
		return "", err
	}
	der, err := x509.CreateCertificateRequest(s.Random, &x509.CertificateRequest{Subject: pkix.Name{CommonName: domain}}, key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), err
}

// calls shows the calls of mgrctl since the last time.
func (s *stage) calls() error {
	all, err := s.panel.Requests()
	if err != nil {
		return err
	}
	for _, call := range all {
		if call.Caller != s.module() {
			continue
		}
		words := []string{"mgrctl", call.Func}
		for _, name := range []string{"name", "value", "service_status", "expiredate", "crt_type"} {
			if v, ok := call.Params[name]; ok {
				words = append(words, name+"="+short(v))
			}
		}
		s.tell.note("   %s", strings.Join(words, " "))
	}
	return s.panel.ClearRequests()
}

func short(text string) string {
	text = strings.ReplaceAll(text, "\n", " ")
	if len(text) > 90 {
		return text[:87] + "…"
	}
	return text
}

// betweenSyncs is how often the panel asks. What the module has read of the seller's list serves it for two minutes.
const betweenSyncs = 10 * time.Minute

// deliver proves the domain at the seller and lets the panel's sync fetch the certificate.
func (s *stage) deliver(ctx context.Context, item int64) error {
	s.tell.chapter("The panel asks how it stands: the seller still waits for the DNS record")
	if err := s.sync(ctx, item); err != nil {
		return err
	}
	if _, err := s.clock.Advance(betweenSyncs); err != nil {
		return err
	}
	s.tell.chapter("The client has set the record, the authority has seen it")
	proved, err := s.seller.ProveDomain(domain)
	if err != nil {
		return err
	}
	s.tell.value("issued at the seller", fmt.Sprint(proved))
	return s.sync(ctx, item)
}

func (s *stage) sync(ctx context.Context, item int64) error {
	run, err := s.panel.Sync(ctx, item)
	if err != nil {
		return err
	}
	s.tell.run(run)
	if !run.OK() {
		return errors.New("sync_item failed")
	}
	if err := s.calls(); err != nil {
		return err
	}
	now, err := s.panel.Item(ctx, item)
	if err != nil {
		return err
	}
	s.tell.value("service status", map[string]string{"3": "3, requested", "4": "4, awaiting issue", "5": "5, issued", "6": "6, failed"}[now.Params["service_status"]])
	return nil
}

// verify holds the stored certificate against the authority's chain, with openssl where it is installed.
func (s *stage) verify(ctx context.Context, item int64) error {
	s.tell.chapter("What the panel stores is checked by somebody else")
	stored, err := s.panel.Item(ctx, item)
	if err != nil {
		return err
	}
	leaf, rest := pem.Decode(stored.Crt)
	if leaf == nil {
		return errors.New("the panel stores no PEM certificate")
	}
	files := map[string][]byte{"leaf.pem": pem.EncodeToMemory(leaf), "chain.pem": rest, "root.pem": s.root()}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
			return err
		}
	}
	if err := s.check(ctx, leaf.Bytes, rest, files["root.pem"]); err != nil {
		return err
	}
	s.tell.value("expiration date", stored.ExpireDate)
	s.tell.value("paid until", stored.Params["paid_until"])
	s.tell.value("serial", stored.Params["certificate_serial"])
	paid, err := s.onePayment()
	if err == nil {
		s.tell.value("paid", "1 time, "+paid.amount)
	}
	return err
}

// onePayment returns what the seller was paid; an error where that was not exactly one payment.
func (s *stage) onePayment() (payment, error) {
	all, err := s.seller.payments()
	if err == nil && len(all) != 1 {
		err = fmt.Errorf("%d payments for one order", len(all))
	}
	if err != nil {
		return payment{}, err
	}
	return all[0], nil
}

// root returns the authority's own certificate, from the seller's control address.
func (s *stage) root() []byte {
	answer := httptest.NewRecorder()
	s.seller.Control().ServeHTTP(answer, httptest.NewRequest("GET", "/ca/root.pem", nil))
	return answer.Body.Bytes()
}

func (s *stage) check(ctx context.Context, leaf, chain, root []byte) error {
	if _, err := exec.LookPath("openssl"); err == nil {
		verify := exec.CommandContext(ctx, "openssl", "verify", "-attime", strconv.FormatInt(opening().AddDate(0, 0, 1).Unix(), 10), "-CAfile", "root.pem", "-untrusted", "chain.pem", "-verify_hostname", domain, "leaf.pem")
		verify.Dir = s.dir
		out, err := verify.CombinedOutput()
		s.tell.value("openssl verify", strings.TrimSpace(string(out)))
		if err != nil {
			return fmt.Errorf("openssl verify: %w", err)
		}
		dates := exec.CommandContext(ctx, "openssl", "x509", "-noout", "-subject", "-issuer", "-dates", "-in", filepath.Join(s.dir, "leaf.pem"))
		out, err = dates.CombinedOutput()
		s.tell.value("openssl x509", string(out))
		return err
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	between.AppendCertsFromPEM(chain)
	parsed, err := x509.ParseCertificate(leaf)
	if err != nil {
		return err
	}
	_, err = parsed.Verify(x509.VerifyOptions{DNSName: domain, Roots: roots, Intermediates: between, CurrentTime: opening().AddDate(0, 0, 1)})
	s.tell.value("verified by crypto/x509", fmt.Sprint(err == nil))
	return err
}

// last shows what an administrator sees with tail.
func (s *stage) last() error {
	s.tell.chapter("tail var/%s.log", s.module())
	raw, err := os.ReadFile(filepath.Join(s.panel.Root(), "var", s.module()+".log"))
	if err != nil {
		return err
	}
	if bytes.Contains(raw, []byte(s.seller.secret())) {
		return errors.New("the key or password is in the log")
	}
	lines := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	if len(lines) > 12 {
		lines = lines[len(lines)-12:]
	}
	for _, line := range lines {
		if !s.Colour {
			line = regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(line, "")
		}
		s.tell.line("   " + line)
	}
	s.tell.line("")
	return nil
}
