// Package leaflint checks with zlint that what the stand-in authority signs follows the Baseline Requirements, the EV Guidelines
// and RFC 5280, as the certificates and CRLs of public authorities do.
package leaflint

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/issuance"
	"pmssl/internal/sandbox/standin"
	"pmssl/internal/sandbox/standin/standintest"
)

// accepted maps the lints that may find something in a leaf to the reason. All are warnings.
func accepted() map[string]string {
	return map[string]string{
		"w_subject_common_name_included":                          "BR 7.1.4.3 does not recommend it; public authorities include it",
		"w_ext_subject_key_identifier_not_recommended_subscriber": "BR 7.1.2.7.6 does not recommend it; the sellers' authorities include it",
		"w_sub_cert_aia_contains_internal_names":                  "a top-level domain of the simulated Internet, reserved by RFC 2606",
	}
}

// findings returns the lints from a warning on that are not accepted.
func findings(results map[string]*lint.LintResult) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(results)) {
		if _, is := accepted()[name]; results[name].Status >= lint.Warn && !is {
			all = append(all, name+" "+results[name].Details)
		}
	}
	return all
}

// lintCertificate returns what zlint finds in a certificate in DER.
func lintCertificate(t *testing.T, der []byte) []string {
	t.Helper()
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return findings(zlint.LintCertificateEx(parsed, nil).Results)
}

// lintPEM is lintCertificate for the leaf of an order.
func lintPEM(t *testing.T, text string) []string {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	require.NotNil(t, block, "no certificate in %q", text)
	return lintCertificate(t, block.Bytes)
}

// requests returns CSRs with each type of key.
func requests(t *testing.T) map[string]string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return map[string]string{
		"ecdsa": standintest.CSR(t, "example.com"), "rsa": standintest.CSRWith(t, key, pkix.Name{CommonName: "example.com", Country: []string{"de"}}),
	}
}

// organizations returns what orders may say of an organisation.
func organizations() map[string]issuance.Organization {
	long := strings.Repeat("a very long value ", 20)
	return map[string]issuance.Organization{
		"nothing": {},
		"all": {
			Name: "Example Ltd", Country: "gb", State: "Kent", Locality: "Dover", Street: "1 Road", PostalCode: "CT16", Registration: "42",
			IncorporationCountry: "US", IncorporationState: "Delaware", IncorporationLocality: "Dover",
		},
		"unusable": {
			Name: long, Country: "XX", State: long, Locality: "  ", Street: long, PostalCode: long, Registration: long, IncorporationCountry: "Germany",
			IncorporationState: long, IncorporationLocality: long,
		},
		"other letters": {Name: "ООО «Пример»", Country: "RU", Locality: "Москва"},
	}
}

// leaves returns a leaf of each level, kind of names and organisation for a CSR, by what distinguishes it.
func leaves(csr string) map[string]standin.Leaf {
	names := map[string][]string{
		"single": {"example.com"}, "wildcard": {"*.example.com"}, "several": {"example.com", "www.example.net", "xn--e1afmkfd.example.org"},
		"without a common name": {strings.Repeat("a", 60) + ".example.com"},
	}
	all := map[string]standin.Leaf{}
	for kind, list := range names {
		for said, organization := range organizations() {
			for _, level := range []string{"dv", "ov", "ev"} {
				all[level+", "+kind+", organisation: "+said] = standin.Leaf{
					CSR: csr, Level: level, Names: list, AddWWW: len(list) == 1, Organization: organization, MarginDays: 1, FromMidnight: true,
				}
			}
		}
	}
	maps.DeleteFunc(all, func(name string, _ standin.Leaf) bool { return strings.HasPrefix(name, "ev, wildcard") }) // no authority issues these
	return all
}

// The days are of each step of the validity (docs/reference/validity.md §A1.1).
func TestLeavesOfEachLevelHaveNoFindings(t *testing.T) {
	for algorithm, csr := range requests(t) {
		authority, err := ca.New(ca.Algorithm(algorithm), nil)
		require.NoError(t, err)
		assert.Empty(t, lintCertificate(t, authority.Intermediate().Raw), "intermediate")
		for _, day := range []string{"2026-04-02", "2027-04-02", "2029-04-02"} {
			at, err := time.Parse(time.DateOnly, day)
			require.NoError(t, err)
			for name, wanted := range leaves(csr) {
				leaf, err := wanted.Sign(authority, at.Add(14*time.Hour))
				require.NoError(t, err)
				assert.Empty(t, lintCertificate(t, leaf.Raw), "%s %s %s", algorithm, day, name)
			}
		}
	}
}

// Otherwise no findings would mean nothing.
func TestFindingsAreFound(t *testing.T) {
	authority, err := ca.New(ca.ECDSA, nil)
	require.NoError(t, err)
	at := time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC)
	request, err := issuance.ParseRequest(standintest.CSR(t, "example.com"))
	require.NoError(t, err)
	for level, want := range map[string][]string{
		"ov": {"e_sub_cert_locality_name_must_appear", "e_sub_cert_province_must_appear"},
		"ev": {"e_ev_business_category_missing", "e_ev_serial_number_missing", "e_ev_country_name_missing"},
	} {
		leaf, err := authority.Sign(ca.Request{
			CSR: request.CertificateRequest, Subject: pkix.Name{CommonName: "example.com", Organization: []string{"Example Ltd"}}, DNSNames: []string{"example.com"},
			Policies: issuance.Policies(level), NotBefore: at, NotAfter: at.AddDate(0, 0, 199).Add(-time.Second),
		})
		require.NoError(t, err)
		var found []string
		for _, finding := range lintCertificate(t, leaf.Raw) {
			name, _, _ := strings.Cut(finding, " ")
			found = append(found, name)
		}
		assert.Subset(t, found, want, "%s: %v", level, found)
	}
}

func TestListsHaveNoFindings(t *testing.T) {
	at := time.Date(2026, 4, 2, 14, 7, 33, 0, time.UTC)
	for _, algorithm := range []ca.Algorithm{ca.ECDSA, ca.RSA} {
		authority, err := ca.New(algorithm, nil)
		require.NoError(t, err)
		assert.Empty(t, lintList(t, authority, at), "an empty list")
		// BR 7.2.2 allows these reasons alone.
		for i, reason := range []ca.Reason{ca.Unspecified, ca.KeyCompromise, ca.AffiliationChanged, ca.Superseded, ca.CessationOfOperation, ca.PrivilegeWithdrawn} {
			require.NoError(t, authority.Revoke(fmt.Sprintf("%x", 4*(i+1)), reason, at))
		}
		assert.Empty(t, lintList(t, authority, at.Add(time.Hour)), "a list with every reason")
	}
}

// lintList returns what zlint finds in the first list of an authority.
func lintList(t *testing.T, authority *ca.Authority, at time.Time) []string {
	t.Helper()
	der, err := authority.CRL(0, at)
	require.NoError(t, err)
	parsed, err := x509.ParseRevocationList(der)
	require.NoError(t, err)
	return findings(zlint.LintRevocationListEx(parsed, nil).Results)
}
