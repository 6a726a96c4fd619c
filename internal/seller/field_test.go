package seller_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/pki/pkitest"
	"pmssl/internal/seller"
)

func TestFieldsOfAnOrderForm(t *testing.T) {
	csr := pkitest.CSRFor(t, pkitest.NewKey(t), "example.com").PEM
	for _, c := range []struct {
		rule, name, value string
		refused           string // words of the refusal, empty if the value passes
	}{
		{"a CSR", "csr", csr, ""},
		{"no CSR", "csr", "hello", "not PEM"},
		{"a domain", "domain", "пример.рф", ""},
		{"not a domain", "domain", "exa mple.com", "cannot be certified"},
		{"a wildcard", "CN", "*.example.com", ""},
		{"an internal name", "CN", "server.local", "reserved"},
		{"names with blanks and commas", "altname", "www.example.com, a.example.com\nb.example.com", ""},
		{"one bad name of several", "altname", "www.example.com 10.0.0.1", "IP address"},
		{"the form's other field of names", "altname_input", "localhost", "one label"},
		{"more names than anybody certifies", "altname", strings.Repeat("a.example.com ", 1001), "more than 1000"},
		{"a validation method", "approver_method", "auth_dnscname", ""},
		{"an unknown validation method", "approver_method", "auth_pigeon", "unknown validation method"},
		{"approvers", "approver_email", "admin@example.com, postmaster@example.com", ""},
		{"the approver of the second name", "approver_email_2", "admin@example.com", ""},
		{"a bad approver", "approver_email_2", "admin@", "is not an e-mail address"},
		{"an approver with a name", "approver_email", "A <admin@example.com>", "is not an e-mail address"},
		{"a first name", "adm_fname", "Anna-Lena O'Neil", ""},
		{"Cyrillic", "adm_fname", "Анна", "Latin"},
		{"a letter with an accent", "tech_lname", "Müller", "Latin"},
		{"a line break", "adm_jtitle", "CEO\nCTO", "Latin"},
		{"64 characters", "org_name", strings.Repeat("x", 64), ""},
		{"65 characters", "org_name", strings.Repeat("x", 65), "longer than 64"},
		{"a long street", "org_address", strings.Repeat("x", 128), ""},
		{"a longer street", "org_address", strings.Repeat("x", 129), "longer than 128"},
		{"a postcode", "org_postcode", "SW1A 1AA", ""},
		{"a long postcode", "org_postcode", strings.Repeat("1", 41), "longer than 40"},
		{"a country", "org_country", "de", ""},
		{"a country's name", "org_country", "Germany", "two-letter"},
		{"a country's number", "org_country", "18", "two-letter"},
		{"not ASCII", "C", "РФ", "two-letter"},
		{"E.164 with a dot", "adm_phone", "+1.2025550123", ""},
		{"as people write it", "tech_phone", "+7 (495) 123-45-67", ""},
		{"the shortest", "org_phone", "1234567", ""},
		{"too short", "org_phone", "123456", "telephone"},
		{"too long", "org_phone", "+1234567890123456", "telephone"},
		{"a plus inside", "org_phone", "1+2345678", "telephone"},
		{"letters", "org_phone", "1-800-FLOWERS", "telephone"},
		{"an e-mail", "tech_email", "tech@example.com", ""},
		{"no e-mail", "tech_email", "tech at example.com", "e-mail"},
		{"a very long e-mail", "adm_email", "a@" + strings.Repeat("x.", 130) + "com", "e-mail"},
		{"the CSR's organisation", "O", strings.Repeat("x", 65), "longer than 64"},
		{"the CSR's city", "L", "Cologne", ""},
		{"the CSR's e-mail", "emailAddress", "x", "e-mail"},
		{"unknown parameters pass", "colour", "зелёный", ""},
		{"an unknown field of a contact", "adm_colour", "зелёный", ""},
		{"nothing is missing here", "csr", " ", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			err := seller.CheckField(c.name, c.value)
			if c.refused == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.refused)
			assert.Equal(t, fault.Value, fault.From(err).Type)
			assert.Equal(t, c.name, fault.From(err).Object)
			assert.Less(t, len(err.Error()), 1000)
		})
	}
}

func TestContactsReportAllErrorsAtOnce(t *testing.T) {
	good := map[string]string{"org_name": "Example Ltd", "adm_phone": "+1.2025550123", "adm_email": "a@example.com", "csr": "not looked at"}
	require.NoError(t, seller.CheckContacts(good))
	require.NoError(t, seller.CheckContacts(good, "org_name", "adm_email"))
	require.NoError(t, seller.CheckContacts(nil))

	err := seller.CheckContacts(good, "org_city", "org_name", "adm_fname")
	assert.Equal(t, fault.Error{Type: fault.Missed, Object: "adm_fname", Message: "missing adm_fname, org_city"}, parts(err))

	err = seller.CheckContacts(map[string]string{"org_name": "Пример", "org_country": "Germany", "tech_phone": "none", "org_city": " "}, "org_city")
	failure := fault.From(err)
	require.NotNil(t, failure)
	assert.Equal(t, fault.Value, failure.Type)
	assert.Equal(t, "org_city", failure.Object)
	assert.Equal(t, `org_country: "Germany" is not the two-letter code of a country (ISO 3166-1); `+
		`org_name: "Пример" has characters other than Latin letters, digits and plain punctuation; `+
		`tech_phone: "none" is not a telephone number with the country's code, such as +1.2025550123; missing org_city`, failure.Message)
}

func TestParseEmails(t *testing.T) {
	emails, err := seller.ParseEmails("emails", " a@example.com ,,b@example.com,")
	require.NoError(t, err)
	assert.Equal(t, []string{"a@example.com", "b@example.com"}, emails)
	_, err = seller.ParseEmails("emails", " , ")
	assert.Equal(t, fault.Missed, fault.From(err).Type)
	_, err = seller.ParseEmails("emails", "a@example.com b@example.com")
	assert.Equal(t, fault.Value, fault.From(err).Type)
	_, err = seller.ParseEmails("emails", strings.Repeat("a@example.com,", 1001))
	require.ErrorContains(t, err, "more than 1000")
}

func FuzzCheckField(f *testing.F) {
	for _, seed := range []string{"csr", "altname", "approver_email_1", "adm_phone", "org_country", "12", "_9"} {
		f.Add(seed, "+1.2025550123")
	}
	for _, country := range []string{"UK", "EL", "ZZ", "gb"} {
		f.Add("org_country", country)
	}
	f.Add("adm_phone", "+44 (0)20 7946 0000")
	f.Fuzz(func(t *testing.T, name, value string) {
		err := seller.CheckField(name, value)
		if err == nil {
			return
		}
		failure := fault.From(err)
		if failure.Object != name || failure.Type == fault.Internal || strings.TrimSpace(value) == "" {
			t.Fatalf("%q=%q: %v", name, value, err)
		}
	})
}
