package namecheap_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestQuirks checks the ten known pitfalls of the API, by their numbers in docs/reference/namecheap.md §0.
func TestQuirks(t *testing.T) {
	for _, quirk := range []struct {
		name string
		bite func(*testing.T)
	}{
		{"0.1 HTTP 200 is no success", quirkStatus},
		{"0.1 Status is read in any case, errors beside OK are not errors", quirkStatusCase},
		{"0.2 names are sent as documented", quirkNames},
		{"0.3 the product in the answer is another one", quirkReplacedProduct},
		{"0.4 a replaced id names its successor", quirkReplaced},
		{"0.5 statuses come in any case", quirkCase},
		{"0.6 dates with and without padding, and empty", quirkDates},
		{"0.7 words of the methods differ", quirkMethodWords},
		{"0.8 shapes of the proofs differ", quirkChallengeShapes},
		{"0.9 attributes that are not documented", quirkUndocumented},
		{"0.10 Expires does not decide, the leaf does", quirkExpires},
	} {
		t.Run(quirk.name, quirk.bite)
	}
}

func quirkStatus(t *testing.T) {
	s := newStage(t, says(refusal("2011294", "CertificateID is invalid")))
	_, err := s.OrderStatus(t.Context(), 7)
	requireFault(t, err, fault.API)
	assert.Contains(t, strings.Join(s.log.Tail(20), "\n"), "HTTP 200, ERROR 2011294: CertificateID is invalid")
}

func quirkStatusCase(t *testing.T) {
	body := strings.Replace(ok(`<UserGetBalancesResult AvailableBalance="1.00" Currency="USD"/>`), `Status="OK"`, `status="ok"`, 1)
	s := newStage(t, says(strings.Replace(body, "<Warnings />", `<Warnings><Warning Number="9">slow</Warning></Warnings>`, 1)))
	require.NoError(t, s.Check(t.Context()))
	assert.Contains(t, strings.Join(s.log.Tail(20), "\n"), "warns on namecheap.users.getBalances: 9 slow")
}

func quirkNames(t *testing.T) {
	s := newStage(t, says(ok(`<sslgetinforesult STATUS="active" years="1"/>`)))
	status, err := s.OrderStatus(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, seller.StateIssued, status.State, "answers are read in any case as well")
	assert.Equal(t, 12, status.Months)
	assert.Equal(t, "namecheap.ssl.getInfo", s.asked[0].Get("Command"))
}

func quirkReplacedProduct(t *testing.T) {
	s := newStage(t, says(ok(bought)))
	receipt, err := s.Buy(t.Context(), purchase(t, "positivessl", 12, 0))
	require.NoError(t, err)
	assert.Equal(t, "PositiveSSL", s.asked[0].Get("Type"))
	assert.Equal(t, "Standard SSL SSLcom", receipt.Delivered)
}

func quirkReplaced(t *testing.T) {
	s := newStage(t, says(ok(`<SSLGetInfoResult Status="replaced" ReplacedBy="34351741"/>`)))
	status, err := s.OrderStatus(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, seller.StateReplaced, status.State)
	assert.EqualValues(t, 34351741, status.ReplacedBy)
	assert.Len(t, s.asked, 1, "following the lineage is the caller's, with its loop guard")
}

func quirkCase(t *testing.T) {
	for _, word := range []string{"newpurchase", "NewPurchase", "NEWPURCHASE"} {
		s := newStage(t, says(ok(`<SSLGetInfoResult Status="`+word+`"/>`)))
		status, err := s.OrderStatus(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, seller.StateNew, status.State)
	}
}

func quirkDates(t *testing.T) {
	for text, want := range map[string]cabforum.Date{
		"1/2/2027": {Year: 2027, Month: 1, Day: 2}, "01/02/2027": {Year: 2027, Month: 1, Day: 2}, "": {},
	} {
		s := newStage(t, says(ok(`<SSLGetInfoResult Status="active" IssuedOn="`+text+`" Expires="`+text+`"/>`)))
		status, err := s.OrderStatus(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, want, status.Issued)
		assert.Equal(t, want, status.Expires)
		assert.NotContains(t, strings.Join(s.log.Tail(20), "\n"), "unreadable")
	}
}

func quirkMethodWords(t *testing.T) {
	r := request(t, "san_certificate", "auth_dnstxt", "", "example.com", "example.net")
	s := newStage(t, says(ok(activated)), says(edited("_ABC.example.com", "")))
	_, err := s.Activate(t.Context(), 7, r)
	require.NoError(t, err)
	_, err = s.Challenges(t.Context(), 7, r)
	require.NoError(t, err)
	assert.Equal(t, "CNAMECSRHASH", s.asked[0].Get("DNSApproverEmails"))
	assert.Equal(t, "CNAME_CSR_HASH,CNAME_CSR_HASH", s.asked[1].Get("DCVMethods"))
}

func quirkChallengeShapes(t *testing.T) {
	r := request(t, "san_certificate", "auth_dnstxt", "", "example.com", "example.net")
	s := newStage(t, says(ok(activated)), says(edited("_ABC.example.com", "")))
	first, err := s.Activate(t.Context(), 7, r)
	require.NoError(t, err)
	again, err := s.Challenges(t.Context(), 7, r)
	require.NoError(t, err)
	require.Len(t, first, 2)
	for i := range first {
		assert.Equal(t, first[i].Host, again[i].Host, "both shapes give the same record")
	}
}

func quirkUndocumented(t *testing.T) {
	s := newStage(t, says(ok(`<SSLListResult><SSL CertificateID="9" Status="newpurchase" ProviderOrderID="" Years="2" Fresh="x"/></SSLListResult>`)))
	snapshot, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, snapshot.Orders)
	assert.Equal(t, 24, snapshot.Orders[0].Months)
}

// docs/reference/namecheap.md §10: whether Expires is the end of the certificate or of the term is not documented; it
// is returned as received.
func quirkExpires(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(77), DNSNames: []string{"example.com"},
		NotBefore: time.Date(2026, 7, 12, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 1, 28, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	require.NoError(t, err)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	s := newStage(t, says(info(`Status="active" Years="2" Expires="7/12/2028"`, "<Certificates><Certificate>\n  <![CDATA[\n"+text+"]]></Certificate></Certificates>")))
	status, err := s.OrderStatus(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, "2028-07-12", status.Expires.String())
	require.Len(t, status.PEM, 1)
	stored, err := pki.StoredLeaf(status.PEM[0])
	require.NoError(t, err)
	assert.Equal(t, "2027-01-28", stored.Ends().String())
}
