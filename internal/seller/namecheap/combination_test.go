package namecheap_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
	"pmssl/internal/seller/namecheap"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// csrs returns a CSR for the name and one for its wildcard, by the name of their key.
func csrs(t *testing.T, name string) map[string]map[bool]string {
	t.Helper()
	made := map[string]map[bool]string{}
	for kind, generate := range map[string]func() (crypto.Signer, error){
		"RSA 2048":    func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) },
		"RSA 4096":    func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 4096) },
		"ECDSA P-256": func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		"ECDSA P-384": func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) },
	} {
		private, err := generate()
		require.NoError(t, err)
		made[kind] = map[bool]string{}
		for _, wild := range []bool{false, true} {
			subject := pkix.Name{CommonName: name}
			if wild {
				subject.CommonName = "*." + name
			}
			der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, private)
			require.NoError(t, err)
			made[kind][wild] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
		}
	}
	return made
}

// methodForm returns the parameters of a validation method in activate (docs/reference/namecheap.md §3.2), independently of
// the client's code.
func methodForm(p seller.Product, method string) url.Values {
	if p.MultiDomain {
		word := map[string]string{"auth_email": "admin@example.com", "auth_dnstxt": "CNAMECSRHASH", "auth_http": "HTTPCSRHASH"}[method]
		return url.Values{"ApproverEmail": {word}, "DNSNames": {"a.example.com,b.example.com,c.example.com"}, "DNSApproverEmails": {word + "," + word + "," + word}}
	}
	return map[string]url.Values{
		"auth_email": {"ApproverEmail": {"admin@example.com"}}, "auth_dnstxt": {"DNSDCValidation": {"true"}}, "auth_http": {"HTTPDCValidation": {"true"}},
	}[method]
}

// TestEveryProductTermMethodAndKey buys and activates each combination. The requests are as documented; an impossible
// combination sends none.
func TestEveryProductTermMethodAndKey(t *testing.T) {
	s := newStage(t, func(w http.ResponseWriter, r *http.Request) {
		answers := map[string]string{"namecheap.ssl.create": bought, "namecheap.ssl.activate": activated}
		says(ok(answers[r.PostForm.Get("Command")]))(w, r)
	})
	s.params["limit_hour"], s.params["limit_day"] = "0", "0"
	client := s.connect(t, s.address)
	made := csrs(t, "example.com")
	combinations, possible := 0, 0
	for _, p := range namecheap.Products() {
		for _, method := range []string{"auth_email", "auth_dnstxt", "auth_http"} {
			for kind, csr := range made {
				params := company()
				params[itemparam.Method], params[itemparam.Approver] = method, "admin@example.com"
				altname, sans := "", 0
				if p.MultiDomain {
					altname, sans = "a.example.com b.example.com c.example.com", 1
				}
				r, err := seller.NewRequest(p, csr[p.Wildcard], altname, 3*sans, params)
				if p.Wildcard && method == "auth_http" {
					require.Equal(t, itemparam.Method, requireFault(t, err, fault.Value).Object, p.ID)
					combinations += 5
					continue
				}
				require.NoError(t, err, p.ID)
				require.Equal(t, kind, r.CSR.Key)
				for years := 1; years <= 5; years++ {
					combinations++
					name := fmt.Sprintf("%s %s %s %d", p.ID, method, kind, years)
					s.forget()
					_, err := client.Buy(t.Context(), seller.Purchase{Kind: seller.KindCreate, Product: p, Months: 12 * years, SANs: sans, Request: r})
					if p.Discontinued {
						requireFault(t, err, fault.Value)
						require.Empty(t, s.sent(), name)
						continue
					}
					require.NoError(t, err, name)
					possible++
					checkPurchase(t, name, s.sent(), p, years, sans)
				}
				s.forget()
				_, err = client.Activate(t.Context(), 7, r) // the same for each term
				require.NoError(t, err, p.ID)
				checkActivation(t, p.ID+" "+method+" "+kind, s.sent(), r, methodForm(p, method))
			}
		}
	}
	assert.Equal(t, 36*3*4*5, combinations)
	assert.Equal(t, (19*3-5)*4*5, possible, "nothing of seventeen discontinued products, no file for five wildcards")
}

func checkPurchase(t *testing.T, name string, sent []url.Values, p seller.Product, years, sans int) {
	t.Helper()
	create := url.Values{"Command": {"namecheap.ssl.create"}, "Type": {p.Names[0]}, "Years": {fmt.Sprint(years)}}
	if sans > 0 {
		create.Set("SANStoADD", fmt.Sprint(sans))
	}
	require.Equal(t, []url.Values{create}, sent, name)
}

func checkActivation(t *testing.T, name string, sent []url.Values, r seller.Request, proof url.Values) {
	t.Helper()
	require.Len(t, sent, 1, name)
	activate := url.Values{"Command": {"namecheap.ssl.activate"}, "CertificateID": {"7"}, "CSR": {r.CSR.PEM}, "WebServerType": {"other"},
		"AdminEmailAddress": {"anna@example.com"}}
	maps.Copy(activate, proof)
	subject := url.Values{}
	for field, value := range sent[0] {
		if !activate.Has(field) {
			subject[field] = value
		}
	}
	maps.DeleteFunc(sent[0], func(field string, _ []string) bool { return subject.Has(field) })
	require.Equal(t, activate, sent[0], name)
	checkSubject(t, name, r.Product.Level, subject)
}

// checkSubject counts the organisation's fields of docs/reference/namecheap.md §3.2; TestOrganisationParameters has their
// values.
func checkSubject(t *testing.T, name string, level seller.Level, subject url.Values) {
	t.Helper()
	count := map[string]int{}
	for field := range subject {
		for _, prefix := range []string{"Admin", "OrganizationRep", "Company", "Organization"} {
			if strings.HasPrefix(field, prefix) {
				count[prefix]++
				break
			}
		}
	}
	want := map[seller.Level]map[string]int{
		seller.DV: {},
		seller.OV: {"Admin": 7, "Organization": 2, "OrganizationRep": 5},
		seller.EV: {"Admin": 7, "Organization": 2, "Company": 6},
	}[level]
	require.Equal(t, want, count, name)
}

// forget clears the recorded requests.
func (s *stage) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = nil
}
