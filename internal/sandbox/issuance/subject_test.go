package issuance_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/sandbox/issuance"
)

// BR 7.1.4.2 has the order of the attributes, EV Guidelines 7.1.4.2 those of EV.
func TestSubjectsAreCompleteAndInOrder(t *testing.T) {
	full := issuance.Organization{
		Name: "Example Ltd", Country: "gb", State: "Kent", Locality: "Dover", Street: "1 Road", PostalCode: "CT16", Registration: "42",
		IncorporationCountry: "US", IncorporationState: "Delaware", IncorporationLocality: "Lewes",
	}
	const jurisdiction, category = "1.3.6.1.4.1.311.60.2.1.", "2.5.4.15"
	const number, country, state, locality, postal, street, organization, common = "2.5.4.5", "2.5.4.6", "2.5.4.8", "2.5.4.7", "2.5.4.17", "2.5.4.9", "2.5.4.10", "2.5.4.3"
	for name, test := range map[string]struct {
		level        string
		organization issuance.Organization
		csr          pkix.Name
		want         []string
	}{
		"dv": {level: "dv", organization: full, want: []string{common, "example.com"}},
		"ov": {level: "ov", organization: full, want: []string{
			country, "GB", state, "Kent", locality, "Dover", postal, "CT16", street, "1 Road", organization, "Example Ltd", common, "example.com",
		}},
		"ev": {level: "ev", organization: full, want: []string{
			jurisdiction + "1", "Lewes", jurisdiction + "2", "Delaware", jurisdiction + "3", "US", category, "Private Organization", number, "42",
			country, "GB", state, "Kent", locality, "Dover", postal, "CT16", street, "1 Road", organization, "Example Ltd", common, "example.com",
		}},
		"ov from the CSR": {
			level: "ov", organization: issuance.Organization{Name: "Example Ltd"},
			csr:  pkix.Name{Country: []string{"DE"}, Province: []string{"Berlin"}, Organization: []string{"Other"}},
			want: []string{country, "DE", state, "Berlin", organization, "Example Ltd", common, "example.com"},
		},
		"the place of order and CSR are not mixed": {
			level: "ov", organization: issuance.Organization{Name: "Example Ltd", Country: "GB", Locality: "Dover"}, csr: pkix.Name{Province: []string{"Berlin"}},
			want: []string{country, "GB", locality, "Dover", organization, "Example Ltd", common, "example.com"},
		},
		"ev with nothing said": {level: "ev", csr: pkix.Name{Country: []string{"XX"}}, want: []string{
			jurisdiction + "3", "GB", category, "Private Organization", number, "01234567", country, "GB", locality, "London", organization, "Sandbox Ltd",
			common, "example.com",
		}},
	} {
		subject := issuance.Subject(test.level, "example.com", test.organization, issuance.Request{CertificateRequest: &x509.CertificateRequest{Subject: test.csr}})
		var found []string
		for _, set := range subject.ToRDNSequence() {
			assert.Len(t, set, 1, name)
			found = append(found, set[0].Type.String(), set[0].Value.(string))
		}
		assert.Equal(t, test.want, found, name)
	}
}
