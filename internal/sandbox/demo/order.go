package demo

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/provider"
)

// The sites of the client. The provider keeps the zone of hostedDomain, the client publishes the challenges of domain.
const (
	domain       = "shop.example.com"
	hostedDomain = "shop.example.net"
)

// Run shows the whole demo. The error says which step failed, or which result was not as expected.
func Run(ctx context.Context, o Options) (err error) {
	s, err := setUp(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	product, err := s.wizard(ctx)
	if err != nil {
		return err
	}
	item, err := s.order(ctx, product)
	if err != nil {
		return err
	}
	if err := s.validate(ctx, item); err != nil {
		return err
	}
	if err := s.verify(ctx, item); err != nil {
		return err
	}
	if err := s.printLog(); err != nil {
		return err
	}
	hosted, err := s.orderHosted(ctx, product)
	if err != nil {
		return err
	}
	return s.runTerm(ctx, item, hosted)
}

// wizard connects the module, first with a wrong key, then with the right one. It returns the id of the processing
// module.
func (s *environment) wizard(ctx context.Context) (int64, error) {
	s.print.heading("The administrator connects the module, with a wrong key or password")
	refused, err := s.panel.Connect(ctx, s.module(), panel.Connection{Name: s.seller.Title(), Params: s.seller.Connection(true)})
	if err != nil {
		return 0, err
	}
	s.print.run(refused.Tune)
	s.print.run(refused.Check)
	if refused.ID != 0 {
		return 0, errors.New("a wrong secret was accepted")
	}
	s.print.heading("The administrator enters the right one")
	connected, err := s.panel.Connect(ctx, s.module(), panel.Connection{Name: s.seller.Title(), Params: s.seller.Connection(false)})
	if err != nil {
		return 0, err
	}
	s.print.run(connected.Check)
	if connected.ID == 0 {
		return 0, errors.New("the right secret was refused")
	}
	s.print.value("processing module", strconv.FormatInt(connected.ID, 10))
	if err := s.RemoveLimits(ctx, s.seller, connected.ID); err != nil {
		return 0, err
	}
	if err := s.panel.ClearRequests(); err != nil {
		return 0, err
	}
	return connected.ID, s.printBalance()
}

// printBalance prints the balance of the account at the seller.
func (s *environment) printBalance() error {
	balance, err := s.seller.Balance()
	if err != nil {
		return err
	}
	s.print.value("balance at the seller", balance)
	return nil
}

// order makes a CSR and orders a certificate for five years, validated by DNS. It returns the id of the item.
func (s *environment) order(ctx context.Context, id int64) (int64, error) {
	s.print.heading("%s: a client orders PositiveSSL for %s, five years, validation by DNS", orderTime().Format("2006-01-02"), domain)
	tariff, err := s.panel.AddTariff(ctx, panel.Tariff{Name: "PositiveSSL", IntName: "positivessl", Modules: []int64{id}})
	if err != nil {
		return 0, err
	}
	s.tariff = tariff
	item, err := s.place(ctx, id, domain)
	if err != nil {
		return 0, err
	}
	s.print.value("id at the seller", item.Params["custom_order_id"])
	s.print.value("the client publishes", item.Params["auth_dnscname_value"])
	s.print.value("for", item.Params["domains_list"])
	s.print.value("expiration date", item.ExpireDate+" (until the certificate is issued: order date plus the longest validity allowed)")
	s.print.value("paid until", item.Params["paid_until"])
	s.print.note("the module's calls to the panel:")
	if err := s.printCalls(); err != nil {
		return 0, err
	}
	return item.ID, s.printBalance()
}

// place orders a certificate for a domain, for five years and with validation by DNS, and returns the item.
func (s *environment) place(ctx context.Context, module int64, name string) (*panel.Item, error) {
	csr, err := s.csr(ctx, name)
	if err != nil {
		return nil, err
	}
	ordered, err := s.panel.Order(ctx, panel.Order{
		Tariff: s.tariff, Module: module, Period: 60, CSR: csr, ExtraSANs: -1,
		Params: map[string]string{
			"approver_method": "auth_dnscname", "adm_fname": "Olga", "adm_lname": "Owner", "adm_jtitle": "Owner", "adm_email": "owner@example.com",
			"adm_phone": "+44.2079460000",
		},
	})
	if err != nil {
		return nil, err
	}
	s.print.run(ordered.Approver)
	s.print.run(ordered.Open)
	if ordered.Open == nil || !ordered.Open.OK() {
		return nil, errors.New("the order was refused")
	}
	return s.panel.Item(ctx, ordered.Item)
}

// csr makes a key and a CSR with openssl, as the client does, or with Go if openssl is not installed. The key stays on the web server.
func (s *environment) csr(ctx context.Context, name string) (string, error) {
	if _, err := exec.LookPath("openssl"); err != nil {
		s.print.note("openssl is not installed: the demo makes the CSR itself")
		return s.NewCSR(false, name)
	}
	out := filepath.Join(s.Dir(), name+".csr")
	words := []string{"req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", s.Web.KeyFile(name), "-out", out, "-subj", "/CN=" + name}
	if text, err := exec.CommandContext(ctx, "openssl", words...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("openssl %s: %w\n%s", words[0], err, text)
	}
	s.print.note("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=%s", name)
	raw, err := os.ReadFile(out)
	return string(raw), err
}

// printCalls prints the calls of mgrctl since the last time.
func (s *environment) printCalls() error {
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
		s.print.note("   %s", strings.Join(words, " "))
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

// betweenSyncs is the time between two syncs. The module caches the seller's list for two minutes.
const betweenSyncs = 10 * time.Minute

// validate makes the authority validate the domain, and lets the panel's sync fetch the certificate.
func (s *environment) validate(ctx context.Context, item int64) error {
	s.print.heading("The panel synchronises the item: the seller still waits for the DNS record")
	if err := s.sync(ctx, item); err != nil {
		return err
	}
	if _, err := s.Clock.Advance(betweenSyncs); err != nil {
		return err
	}
	s.print.heading("The client publishes the record, and the authority validates the domain")
	proved, err := s.seller.ProveDomain(domain)
	if err != nil {
		return err
	}
	s.print.value("issued at the seller", fmt.Sprint(proved))
	return s.sync(ctx, item)
}

func (s *environment) sync(ctx context.Context, item int64) error {
	run, err := s.panel.Sync(ctx, item)
	if err != nil {
		return err
	}
	s.print.run(run)
	if !run.OK() {
		return errors.New("sync_item failed")
	}
	if err := s.printCalls(); err != nil {
		return err
	}
	now, err := s.panel.Item(ctx, item)
	if err != nil {
		return err
	}
	s.print.value("service status", map[string]string{"3": "3, requested", "4": "4, awaiting issue", "5": "5, issued", "6": "6, failed"}[now.Params["service_status"]])
	return nil
}

// verify checks the stored certificate against the authority's chain. Then the client installs it.
func (s *environment) verify(ctx context.Context, item int64) error {
	s.print.heading("The stored certificate is verified")
	stored, err := s.panel.Item(ctx, item)
	if err != nil {
		return err
	}
	leaf, rest := pem.Decode(stored.Crt)
	if leaf == nil {
		return errors.New("the panel stores no PEM certificate")
	}
	files := map[string][]byte{"leaf.pem": pem.EncodeToMemory(leaf), "chain.pem": rest, "root.pem": s.Root()}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(s.Dir(), name), content, 0o600); err != nil {
			return err
		}
	}
	if err := s.verifyChain(ctx, leaf.Bytes, rest, files["root.pem"]); err != nil {
		return err
	}
	s.print.value("expiration date", stored.ExpireDate)
	s.print.value("paid until", stored.Params["paid_until"])
	s.print.value("serial", stored.Params["certificate_serial"])
	paid, err := s.payments(1)
	if err != nil {
		return err
	}
	s.print.value("paid", "1 time, "+paid[0].Amount)
	s.print.note("the client installs it on his web server, which has the key")
	return s.Web.Install(domain, stored.Crt)
}

// payments returns the payments to the seller. It is an error if they are not as many as the orders.
func (s *environment) payments(orders int) ([]provider.Payment, error) {
	all, err := s.seller.Payments()
	if err == nil && len(all) != orders {
		err = fmt.Errorf("%d payments for %d orders", len(all), orders)
	}
	return all, err
}

// verifyChain verifies a certificate with openssl, or with crypto/x509 if openssl is not installed.
func (s *environment) verifyChain(ctx context.Context, leaf, chain, root []byte) error {
	if _, err := exec.LookPath("openssl"); err == nil {
		verify := exec.CommandContext(ctx, "openssl", "verify", "-attime", strconv.FormatInt(orderTime().AddDate(0, 0, 1).Unix(), 10), "-CAfile", "root.pem", "-untrusted", "chain.pem", "-verify_hostname", domain, "leaf.pem")
		verify.Dir = s.Dir()
		out, err := verify.CombinedOutput()
		s.print.value("openssl verify", strings.TrimSpace(string(out)))
		if err != nil {
			return fmt.Errorf("openssl verify: %w", err)
		}
		dates := exec.CommandContext(ctx, "openssl", "x509", "-noout", "-subject", "-issuer", "-dates", "-in", filepath.Join(s.Dir(), "leaf.pem"))
		out, err = dates.CombinedOutput()
		s.print.value("openssl x509", string(out))
		return err
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	intermediates.AppendCertsFromPEM(chain)
	parsed, err := x509.ParseCertificate(leaf)
	if err != nil {
		return err
	}
	_, err = parsed.Verify(x509.VerifyOptions{DNSName: domain, Roots: roots, Intermediates: intermediates, CurrentTime: orderTime().AddDate(0, 0, 1)})
	s.print.value("verified by crypto/x509", fmt.Sprint(err == nil))
	return err
}

// printLog prints the last lines of the module's log.
func (s *environment) printLog() error {
	s.print.heading("tail var/%s.log", s.module())
	raw, err := os.ReadFile(filepath.Join(s.panel.Root(), "var", s.module()+".log"))
	if err != nil {
		return err
	}
	if bytes.Contains(raw, []byte(s.seller.Secret())) {
		return errors.New("the key or password is in the log")
	}
	lines := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	if len(lines) > 12 {
		lines = lines[len(lines)-12:]
	}
	for _, line := range lines {
		if !s.options.Colour {
			line = regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(line, "")
		}
		s.print.line("   " + line)
	}
	s.print.line("")
	return nil
}
