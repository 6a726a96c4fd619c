package command_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// importedFixture returns an item whose certificate was imported: the panel has no CSR and no validation method of it, the
// seller shows the CSR. The time is so many days before the end of the certificate.
func importedFixture(t *testing.T, before int) *fixture {
	t.Helper()
	s := sweepFixture(t, before)
	s.panel.order.CSR = ""
	for _, name := range []string{itemparam.Method, "auth_dnscname_value", itemparam.Domains, itemparam.Requested, itemparam.ValidationMethod, itemparam.ValidationTime,
		itemparam.LeafKey, itemparam.LeafNames} {
		delete(s.panel.order.Params, name)
	}
	return s
}

// csrWith returns a CSR for the pair's key with another common name and further names.
func csrWith(t *testing.T, pair keyPair, cn string, names ...string) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: cn}, DNSNames: names}, pair.key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// store puts a certificate in place of an item of the template, as an import would.
func (s *fixture) store(t *testing.T, template, csr string, days int, names ...string) {
	t.Helper()
	s.panel.order.Template = template
	s.seller.change(101, func(r *seller.OrderStatus) {
		r.CSR, r.PEM, r.SANs = csr, signed(t, s.pair, now(), days, names...), -1
	})
	s.panel.stored = strings.Join(s.seller.statuses[101].PEM, "\n")
	leaf, err := pki.StoredLeaf(s.panel.stored)
	require.NoError(t, err)
	s.panel.order.Params[itemparam.Serial], s.panel.order.Params[itemparam.ExpireDate] = leaf.Serial(), leaf.Ends().String()
}

// rules IMPORT-3: an imported certificate is reissued with the CSR that the seller shows, and the next one without the seller
// being asked for the CSR again.
func TestAnImportedCertificateIsReissuedWithTheSellersCSR(t *testing.T) {
	s := importedFixture(t, 10)
	doc, failed := s.sweep(t)
	require.False(t, failed, doc)
	assert.Contains(t, doc, `due="1" reissued="1" told="1" failed="0"`)
	assert.Equal(t, "auth_dnscname", s.param(itemparam.Method))
	assert.Equal(t, s.pair.csr, s.param(itemparam.ImportedCSR))
	assert.NotContains(t, s.panel.order.Params, itemparam.AltName, "www goes with a certificate for one name")
	assert.Empty(t, s.panel.tasks)
	require.Len(t, s.mailer.notices, 1)
	assert.Equal(t, item.NoticeProve, s.mailer.notices[0].Kind)
	assert.Equal(t, "_m.example.com CNAME t.ca.example", s.mailer.notices[0].Challenges)
	assert.Equal(t, s.pair.csr, s.seller.statuses[102].CSR)

	s.seller.issue(t, 102, s.pair, s.at, 199)
	s.sweep(t)
	assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
	assert.Equal(t, "2027-04-25", s.param(itemparam.ExpireDate))

	s.at = s.at.AddDate(0, 0, 190)
	s.panel.calls = nil
	doc, failed = s.sweep(t)
	require.False(t, failed, doc)
	assert.Equal(t, 2, s.seller.reissues)
	assert.NotContains(t, strings.Join(s.panel.calls, "\n"), itemparam.ImportedCSR)
}

// rules IMPORT-3: the panel's sync takes the CSR over; a second one changes nothing.
func TestSyncTakesTheCSROfAnImportedItemOver(t *testing.T) {
	s := importedFixture(t, 100)
	s.args = item.Args{Command: "sync_item", Item: 42}
	s.panel.calls = nil
	require.NoError(t, s.run(command.SyncItem))
	assert.Equal(t, []string{"save approver_method=auth_dnscname", "save imported_csr=" + s.pair.csr}, s.panel.calls)
	require.NoError(t, s.run(command.SyncItem))
	assert.Len(t, s.panel.calls, 2)
}

// rules IMPORT-3: the names of an imported item are those of its certificate.
func TestTheNamesOfAnImportedItemAreThoseOfItsCertificate(t *testing.T) {
	for name, row := range map[string]struct {
		template string
		names    []string // of the leaf beside example.com and www.example.com
		csr      []string // further names of the CSR
		altname  string
		refused  string
	}{
		"one name, www goes with it":           {template: "positivessl"},
		"one name, www in the CSR":             {template: "positivessl", csr: []string{"www.example.com"}},
		"one name, another one in the leaf":    {template: "positivessl", names: []string{"other.example"}, refused: "certifies one name"},
		"several names":                        {template: "san_certificate", names: []string{"b.example"}, altname: "www.example.com b.example"},
		"several names, some in the CSR":       {template: "san_certificate", names: []string{"b.example"}, csr: []string{"b.example"}, altname: "b.example www.example.com"},
		"several names, capitals in the leaf":  {template: "san_certificate", names: []string{"B.example"}, altname: "www.example.com b.example"},
		"the CSR has one that the leaf lacks":  {template: "san_certificate", csr: []string{"more.example"}, refused: "does not cover more.example"},
		"a wildcard at a product without them": {template: "san_certificate", names: []string{"*.example.com"}, refused: "does not certify wildcards"},
		"no product of the seller":             {template: "unheard_of", refused: "is not a product"},
		"a name that is none":                  {template: "san_certificate", names: []string{"a_b.example"}, refused: "cannot be certified"},
	} {
		t.Run(name, func(t *testing.T) {
			s := importedFixture(t, 10)
			s.store(t, row.template, csrWith(t, s.pair, "example.com", row.csr...), 199, row.names...)
			doc, _ := s.sweep(t)
			if row.refused != "" {
				assert.Contains(t, doc, `action="tell" result="ok" reason="no_csr"`)
				assert.Contains(t, strings.Join(s.panel.texts, "\n"), row.refused)
				assert.Zero(t, s.seller.reissues)
				assert.NotContains(t, s.panel.order.Params, itemparam.ImportedCSR)
				assert.NotContains(t, s.panel.order.Params, itemparam.AltName)
				return
			}
			assert.Contains(t, doc, `action="reissue" result="ok"`)
			assert.Equal(t, row.altname, s.param(itemparam.AltName))
			s.seller.issueNames(t, 102, s.pair, s.at, 199, row.names...)
			s.sweep(t)
			assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
		})
	}
}

// rules IMPORT-3: a wildcard certificate and one for a host named www are reissued for what they are.
func TestAnImportedWildcardIsReissued(t *testing.T) {
	for cn, template := range map[string]string{"*.example.com": "positivessl_wildcard", "www.example.com": "positivessl"} {
		t.Run(cn, func(t *testing.T) {
			s := importedFixture(t, 10)
			s.pair.cn = cn
			s.store(t, template, csrWith(t, s.pair, cn), 199, "example.com")
			s.seller.change(101, func(r *seller.OrderStatus) { r.PEM = signedFor(t, s.pair, now(), 199, cn, "example.com") })
			s.panel.stored = strings.Join(s.seller.statuses[101].PEM, "\n")
			doc, _ := s.sweep(t)
			assert.Contains(t, doc, `action="reissue" result="ok"`, "%v", s.panel.texts)
			assert.NotContains(t, s.panel.order.Params, itemparam.AltName)
		})
	}
}

// rules IMPORT-3: without a CSR that fits client and administrator are notified in time, and the seller is asked once.
func TestThePolicyAutoNotifiesAboutImportedCertificates(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*testing.T, *seller.OrderStatus)
		says   string
	}{
		"the seller shows no CSR": {func(_ *testing.T, r *seller.OrderStatus) { r.CSR = "" }, "shows none for id 101"},
		"one that cannot be read": {func(_ *testing.T, r *seller.OrderStatus) { r.CSR = "-----BEGIN NONSENSE" }, "cannot be read"},
		"one for another key":     {func(t *testing.T, r *seller.OrderStatus) { r.CSR = newPair(t, "example.com").csr }, "another key"},
	} {
		t.Run(name, func(t *testing.T) {
			s := importedFixture(t, 10)
			s.seller.change(101, func(r *seller.OrderStatus) { row.change(t, r) })
			doc, failed := s.sweep(t)
			assert.False(t, failed)
			assert.Contains(t, doc, `due="1" reissued="0" told="1" failed="0"`)
			assert.Contains(t, doc, `action="tell" result="ok" reason="no_csr"`)
			require.Len(t, s.mailer.notices, 1)
			assert.Equal(t, item.NoticeExpires, s.mailer.notices[0].Kind)
			assert.Contains(t, s.panel.calls, "manual 42 0 reopen")
			assert.Contains(t, strings.Join(s.panel.texts, "\n"), row.says)
			asked := s.seller.looked
			s.at = s.at.AddDate(0, 0, 1)
			s.sweep(t)
			assert.Len(t, s.mailer.notices, 1, "once")
			assert.Len(t, s.panel.tasks, 1)
			assert.Zero(t, s.seller.reissues)
			assert.Equal(t, asked, s.seller.looked)
		})
	}
}

// rules IMPORT-3: while the client cannot be notified the seller is asked once a day, and the client is notified as soon as that is
// possible.
func TestTheSellerIsAskedOnceADayForTheCSRWhileNobodyCanBeNotified(t *testing.T) {
	hourly := func(s *fixture, hours int) {
		for range hours {
			s.at = s.at.Add(time.Hour)
			s.sweep(t)
		}
	}
	t.Run("until the client has an address", func(t *testing.T) {
		s := importedFixture(t, 10)
		client := s.panel.client
		s.panel.client = item.Recipient{}
		s.seller.change(101, func(r *seller.OrderStatus) { r.CSR = "" })
		before := s.seller.looked
		hourly(s, 70)
		assert.Equal(t, 3, s.seller.looked-before)
		assert.Len(t, s.panel.tasks, 1)
		s.panel.client = client
		hourly(s, 48)
		assert.Equal(t, 3, s.seller.looked-before, "the client was notified")
		require.Len(t, s.mailer.notices, 1)
		assert.Equal(t, item.NoticeExpires, s.mailer.notices[0].Kind)
	})
	t.Run("until the seller shows a CSR", func(t *testing.T) {
		s := importedFixture(t, 10)
		s.panel.client = item.Recipient{}
		s.seller.change(101, func(r *seller.OrderStatus) { r.CSR = "" })
		hourly(s, 3)
		s.seller.change(101, func(r *seller.OrderStatus) { r.CSR = s.pair.csr })
		hourly(s, 22)
		assert.Equal(t, 1, s.seller.reissues)
	})
	t.Run("another certificate", func(t *testing.T) {
		s := importedFixture(t, 10)
		s.panel.order.Params[itemparam.CSRMissed] = "0badc0ffee " + s.at.Format(time.RFC3339)
		hourly(s, 1)
		assert.Equal(t, 1, s.seller.reissues)
	})
	t.Run("a clock that was ahead", func(t *testing.T) {
		s := importedFixture(t, 10)
		s.panel.order.Params[itemparam.CSRMissed] = s.param(itemparam.Serial) + " 2031-01-01T00:00:00Z"
		hourly(s, 1)
		assert.Equal(t, 1, s.seller.reissues)
	})
}

// rules IMPORT-3: what a CSR asks for has to be in the certificate.
func TestACSRForOtherNamesThanTheCertificateIsNotUsed(t *testing.T) {
	s := importedFixture(t, 10)
	s.store(t, "positivessl", csrWith(t, s.pair, "victim.example"), 199)
	doc, _ := s.sweep(t)
	assert.Contains(t, doc, `action="tell" result="ok" reason="no_csr"`)
	assert.Zero(t, s.seller.reissues)
}

// rules IMPORT-3: an order that holds fewer names than its certificate has is left to the client.
func TestAnImportedOrderThatHoldsFewerNamesIsLeftToTheClient(t *testing.T) {
	s := importedFixture(t, 10)
	s.store(t, "san_certificate", csrWith(t, s.pair, "example.com"), 199, "b.example", "c.example")
	s.seller.change(101, func(r *seller.OrderStatus) { r.SANs = 0 }) // two further names are in the price
	doc, _ := s.sweep(t)
	assert.Contains(t, doc, `reason="no_csr"`)
	assert.Contains(t, s.panel.texts[0], "holds at most 2")
	assert.Zero(t, s.seller.names)
}

// An imported order that was reissued at the seller for another key is left to the client; for the same key it is followed.
func TestAnImportedOrderThatWasReissuedAtTheSeller(t *testing.T) {
	for name, own := range map[string]bool{"for the same key": true, "for another key": false} {
		t.Run(name, func(t *testing.T) {
			s := importedFixture(t, 10)
			pair := s.pair
			if !own {
				pair = newPair(t, "example.com")
			}
			s.seller.next = 102
			s.seller.statuses[102] = seller.OrderStatus{CSR: pair.csr, CommonName: "example.com"}
			s.seller.issue(t, 102, pair, s.at.AddDate(0, 0, -2), 199)
			s.seller.change(101, func(r *seller.OrderStatus) { r.State, r.ReplacedBy = seller.StateReplaced, 102 })
			doc, _ := s.sweep(t)
			assert.Zero(t, s.seller.reissues)
			if !own {
				assert.Contains(t, doc, `reason="no_csr"`)
				return
			}
			assert.Equal(t, "102", s.param(itemparam.OrderID))
			assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
			assert.Equal(t, "2027-04-23", s.param(itemparam.ExpireDate))
			assert.Empty(t, s.mailer.notices)
		})
	}
}

// A seller that does not answer says nothing about the CSR: the next sweep asks.
func TestAnImportedCertificateIsLeftForTheNextSweepWhileTheSellerIsDown(t *testing.T) {
	s := importedFixture(t, 10)
	down := outageSeller{s.seller, fault.Errorf(fault.Client, "api", "connection refused").Retryable()}
	run := s.env()
	run.Info.Connect = func(map[string]string) (seller.Seller, error) { return down, nil }
	answer, err := command.Subscription(t.Context(), run)
	require.NoError(t, err)
	assert.True(t, run.Failed)
	assert.Contains(t, output(t, answer), `action="reissue" result="error"`)
	assert.Empty(t, s.mailer.notices)
	assert.Empty(t, s.panel.tasks)
	doc, _ := s.sweep(t)
	assert.Contains(t, doc, `reissued="1"`)
}

// outageSeller answers nothing.
type outageSeller struct {
	*fakeSeller
	err error
}

func (o outageSeller) OrderStatus(context.Context, int64) (seller.OrderStatus, error) {
	return seller.OrderStatus{}, o.err
}

// rules IMPORT-3: once the client gave a CSR in the panel, that one counts.
func TestTheClientsOwnCSRGoesBeforeTheImportedOne(t *testing.T) {
	s := importedFixture(t, 100)
	s.args = item.Args{Command: "sync_item", Item: 42}
	require.NoError(t, s.run(command.SyncItem))
	own := newPair(t, "example.com")
	s.panel.order.CSR = own.csr
	s.args.Command = "reopen"
	require.NoError(t, s.run(command.Reopen))
	assert.Equal(t, own.csr, s.seller.statuses[102].CSR)
	s.seller.issue(t, 102, own, s.at, 199)
	s.args.Command = "sync_item"
	require.NoError(t, s.run(command.SyncItem))
	leaf, err := pki.StoredLeaf(s.panel.stored)
	require.NoError(t, err)
	csr, err := pki.ReadCSR(own.csr)
	require.NoError(t, err)
	assert.True(t, csr.SameKey(leaf.Leaf.PublicKey))
}

// rules IMPORT-3: a kept CSR that was damaged or is for another key is not used; the seller's is taken over anew.
func TestADamagedImportedCSRIsTakenOverAnew(t *testing.T) {
	for name, kept := range map[string]string{
		"cut": "-----BEGIN CERTIFICATE REQUEST-----\nMIHQMHgCAQAwFjEU", "another key": newPair(t, "example.com").csr, "empty": " ",
	} {
		t.Run(name, func(t *testing.T) {
			s := importedFixture(t, 10)
			s.panel.order.Params[itemparam.ImportedCSR] = kept
			doc, _ := s.sweep(t)
			assert.Contains(t, doc, `reissued="1"`)
			assert.Equal(t, s.pair.csr, s.param(itemparam.ImportedCSR))
		})
	}
}

// rules IMPORT-3: the panel's Reissue and renewal use the CSR at the seller as well.
func TestReopenAndProlongUseTheImportedCSR(t *testing.T) {
	t.Run("reopen", func(t *testing.T) {
		s := importedFixture(t, 10)
		s.args = item.Args{Command: "reopen", Item: 42}
		require.NoError(t, s.run(command.Reopen))
		assert.Equal(t, 1, s.seller.reissues)
	})
	t.Run("reopen, nothing fits", func(t *testing.T) {
		s := importedFixture(t, 10)
		s.seller.change(101, func(r *seller.OrderStatus) { r.CSR = "" })
		s.args = item.Args{Command: "reopen", Item: 42}
		err := s.run(command.Reopen)
		assert.Equal(t, fault.Missed, faultType(t, err))
		assert.ErrorContains(t, err, "there is no CSR")
	})
	t.Run("prolong", func(t *testing.T) {
		s := importedFixture(t, 10)
		s.panel.order.Params[itemparam.TermMonths], s.panel.order.Period = "6", 12
		s.args = item.Args{Command: "prolong", Item: 42, Operation: 9}
		require.NoError(t, s.run(command.Prolong))
		assert.Equal(t, 2, s.seller.buys)
		assert.Equal(t, []int64{101, 102}, s.seller.activated)
		assert.Equal(t, s.pair.csr, s.seller.statuses[102].CSR)
	})
}

// A run that was killed at any write is repeated by the next one, with one reissue in all.
func TestTheFirstReissueOfAnImportedItemIsRepeatedAfterEachKill(t *testing.T) {
	whole := importedFixture(t, 10)
	whole.panel.calls = nil
	whole.sweep(t)
	for _, call := range whole.panel.calls {
		prefix := strings.SplitN(call, "=", 2)[0]
		t.Run(prefix, func(t *testing.T) {
			s := importedFixture(t, 10)
			s.panel.fail[prefix] = fault.Errorf(fault.Panel, "", "the panel broke down").Retryable()
			s.sweep(t)
			for range 3 {
				s.at = s.at.Add(25 * time.Hour)
				s.sweep(t)
			}
			assert.Equal(t, 1, s.seller.reissues)
			assert.Equal(t, s.pair.csr, s.param(itemparam.ImportedCSR))
			assert.Equal(t, "auth_dnscname", s.param(itemparam.Method))
			assert.Equal(t, "4", s.param(itemparam.ServiceStatus))
			assert.Equal(t, s.pair.csr, s.seller.statuses[102].CSR)
		})
	}
}

// A dry run says what would be done and writes nothing.
func TestADryRunSaysWhetherAnImportedCertificateWouldBeReissued(t *testing.T) {
	for name, row := range map[string]struct{ csr, action string }{
		"the CSR fits": {"", `action="reissue" result="skipped" reason="dry run"`}, "there is none": {"none", `action="tell" result="skipped" reason="dry run"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := importedFixture(t, 10)
			if row.csr != "" {
				s.seller.change(101, func(r *seller.OrderStatus) { r.CSR = "" })
			}
			s.args.DryRun, s.panel.calls = true, nil
			doc, failed := s.sweep(t)
			assert.False(t, failed)
			assert.Contains(t, doc, row.action)
			assert.Empty(t, s.panel.calls)
			assert.Empty(t, s.mailer.notices)
			assert.Zero(t, s.seller.reissues)
		})
	}
}
