package command_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"strings"
	"testing"

	"pmssl/internal/command"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pairOf returns a key with a CSR that has the names exactly as given.
func pairOf(t *testing.T, written, certified string, sans ...string) keyPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: written}, DNSNames: sans}, key)
	require.NoError(t, err)
	return keyPair{key: key, cn: certified, csr: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))}
}

// Every command that takes a CSR refuses one whose names mapping would change, before buying (rules CERT-4).
func TestCSRNamesInAnotherFormAreRefusedBeforeBuying(t *testing.T) {
	u := pairOf(t, "bücher.example.com", "xn--bcher-kva.example.com")
	const remedy = "make a new one with the name xn--bcher-kva.example.com"
	t.Run("open", func(t *testing.T) {
		s := newFixture(t)
		s.panel.order.CSR = u.csr
		require.ErrorContains(t, s.run(command.Open), remedy)
		assert.Zero(t, s.seller.buys)
	})
	t.Run("check_param", func(t *testing.T) {
		s := newFixture(t)
		s.args.Params, s.args.Values = []string{"csr"}, []string{u.csr}
		require.ErrorContains(t, s.run(command.CheckParam), remedy)
	})
	for name, run := range map[string]item.Func{"reopen": command.Reopen, "setparam": command.SetParam} {
		t.Run(name, func(t *testing.T) {
			s := issuedFixture(t)
			s.args.Command = name
			s.panel.order.CSR = u.csr
			require.ErrorContains(t, s.run(run), remedy)
			assert.Zero(t, s.seller.reissues)
		})
	}
	t.Run("a certificate that was issued for such a CSR is stored and reissued", func(t *testing.T) {
		s := newFixture(t)
		s.panel.order.CSR = u.csr
		s.panel.order.Params[itemparam.OrderID], s.panel.order.Params[itemparam.Lineage] = "101", "101"
		s.seller.statuses[101] = seller.OrderStatus{ID: 101, State: seller.StateWaiting}
		s.seller.issue(t, 101, u, now(), 199)
		s.args.Command = "sync_item"
		require.NoError(t, s.run(command.SyncItem))
		assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
		s.args.Command = "reopen"
		s.at = now().AddDate(0, 0, 190)
		require.NoError(t, s.run(command.Reopen))
		assert.Equal(t, 1, s.seller.reissues)
	})
}

// Names of the list and the order's domain may be mapped; the log has the result.
func TestNamesOfTheListAreMappedWithALogLine(t *testing.T) {
	s := newFixture(t)
	s.panel.order.Template, s.panel.order.Params[itemparam.AltName] = "san_certificate", "bücher.example.com A.example.com"
	require.NoError(t, s.run(command.Open))
	assert.Contains(t, strings.Join(s.log.lines, "\n"), `altname: "bücher.example.com" is sent as xn--bcher-kva.example.com`)
	assert.NotContains(t, strings.Join(s.log.lines, "\n"), "A.example.com\" is sent", "letter case is no difference")
}

// A tariff without the addon pays only for the included names, in the CSR and in the list (rules BUY-20).
func TestNamesThatWereNotOrderedAreNotBought(t *testing.T) {
	var sans []string
	for c := 'a'; c < 'a'+20; c++ {
		sans = append(sans, string(c)+".example.com")
	}
	s := newFixture(t)
	s.panel.order.Template, s.panel.order.CSR = "san_certificate", pairOf(t, "example.com", "example.com", sans...).csr
	require.ErrorContains(t, s.run(command.Open), "gave 20 names beside the common name (in the CSR and the list) and the order pays for 2")
	assert.Zero(t, s.seller.buys)
	assert.NotContains(t, s.panel.order.Params, itemparam.Intent)
}

// The names of the stored certificate are paid for: their reissue succeeds whatever the tariff says now.
func TestNamesOfTheStoredCertificateAreReissued(t *testing.T) {
	s := namesFixture(t)
	s.panel.order.SANs = 0
	delete(s.panel.order.Params, itemparam.SANsBought)
	s.seller.change(101, func(r *seller.OrderStatus) { r.SANs = -1 })
	s.panel.order.Params[itemparam.AltName] = "a.example.com b.example.com c.example.com"
	s.seller.issueNames(t, 101, s.pair, s.at, 199, "a.example.com", "b.example.com", "c.example.com")
	s.args.Command = "sync_item"
	require.NoError(t, s.run(command.SyncItem))
	s.at = s.at.AddDate(0, 0, 190)
	s.args.Command = "reopen"
	require.NoError(t, s.run(command.Reopen))
	assert.Equal(t, 1, s.seller.reissues)
	s.seller.change(102, func(r *seller.OrderStatus) { r.SANs = -1 })
	s.seller.issueNames(t, 102, s.pair, s.at, 199, "a.example.com", "b.example.com", "c.example.com")
	s.args.Command = "sync_item"
	require.NoError(t, s.run(command.SyncItem))
	s.args.Command = "reopen"
	s.panel.order.Params[itemparam.AltName] += " d.example.com"
	s.at = s.at.AddDate(0, 0, 2)
	require.ErrorContains(t, s.run(command.Reopen), "the order pays for 3")
}
