package ispmanager

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

func vetted() orderValues {
	return orderValues{
		pricelist: 7, months: 12, ref: "p-1",
		request: seller.Request{
			CSR:    pki.CSR{PEM: "PEM", CommonName: "example.org", Email: "root@example.org", Subject: pki.Subject{Country: "DE", State: "Berlin", Organisation: "Example GmbH"}},
			Method: seller.MethodDNS,
			Params: map[string]string{"adm_fname": "Анна", "adm_email": "ann@example.org", "tech_email": "tom@example.org", "org_name": "Example GmbH", "org_city": "Köln", "org_country": "233", itemparam.Method: "auth_dnstxt"},
		},
	}
}

// The names of item parameters are those of the fields (docs/reference/ispmanager.md §4.3).
func TestValuesOfAnOrder(t *testing.T) {
	w := vetted()
	for name, want := range map[string]string{
		"CN": "example.org", "C": "DE", "ST": "Berlin", "O": "Example GmbH", "emailAddress": "root@example.org", "csr": "PEM", "pricelist": "7", "period": "12",
		"remoteid": "p-1", "autoprolong": "null", "adm_fname": "Анна", "tech_fname": "Анна", "tech_email": "tom@example.org", "org_name": "Example GmbH",
		"field_country": "81", "org_country": "233", "approver_method": "auth_dnstxt",
	} {
		value, known, err := w.value(field{name: name})
		require.NoError(t, err, name)
		assert.True(t, known, name)
		assert.Equal(t, want, value, name)
	}
	for _, name := range []string{"L", "OU", "org_duns", "adm_phone", "project", "key", "anything", "approver_email_1", "approver_emails", "orgname"} {
		_, known, err := w.value(field{name: name})
		require.NoError(t, err)
		assert.False(t, known, "%s keeps the form's own value", name)
	}
}

func TestOrganisationMustBeLatin(t *testing.T) {
	_, _, err := vetted().value(field{name: "org_city"})
	failure := fault.From(err)
	assert.Equal(t, fault.Value, failure.Type)
	assert.Equal(t, "org_city", failure.Object)
	w := vetted()
	w.request.CSR.Subject.State = "Köln"
	_, _, err = w.value(field{name: "ST"})
	assert.Error(t, err)
}

func TestReissueHasNoTermAndNoTariff(t *testing.T) {
	w := vetted()
	w.months, w.pricelist, w.ref = 0, 0, ""
	for _, name := range []string{"pricelist", "period", "remoteid", "autoprolong"} {
		_, known, err := w.value(field{name: name, value: "x"})
		require.NoError(t, err)
		assert.False(t, known, name)
	}
}

func TestMethodKind(t *testing.T) {
	for key, want := range map[string]seller.Method{
		"auth_email": seller.MethodEmail, "email": seller.MethodEmail, "auth_dns": seller.MethodDNS, "auth_dnscname": seller.MethodDNS, "cname": seller.MethodDNS,
		"TXT": seller.MethodDNS, "auth_http": seller.MethodFile, "auth_https": seller.MethodFile, "file": seller.MethodFile,
	} {
		method, known := methodKind(key)
		assert.True(t, known, key)
		assert.Equal(t, want, method, key)
	}
	_, known := methodKind("auth_phone")
	assert.False(t, known)
	list := []choice{{key: "auth_email"}, {key: "auth_http"}}
	_, err := vetted().method(field{name: "approver_method", list: list, listed: true})
	assert.ErrorContains(t, err, "offered are auth_email, auth_http")
}

func TestOffKey(t *testing.T) {
	for want, list := range map[string][]choice{"null": {{key: "12"}, {key: "null"}, {key: "0"}}, "0": {{key: "12"}, {key: "0"}}, "off": {{key: "off"}}} {
		assert.Equal(t, want, offKey(field{list: list, listed: true}))
	}
	assert.Equal(t, "null", offKey(field{}))
	_, err := formOf("certificate.order.param", parsed(t, `<doc><slist name="autoprolong"><val key="12"/></slist></doc>`)).fill(vetted().value)
	assert.ErrorContains(t, err, "field autoprolong", "the remote would renew by itself, and so would the panel")
}

func TestMissingField(t *testing.T) {
	w := vetted()
	full := func(change ...string) url.Values {
		sent := pairs("csr", "PEM", "crt_type", "exists", "approver_method", "auth_dnscname")
		for i := 0; i < len(change); i += 2 {
			sent.Set(change[i], change[i+1])
		}
		return sent
	}
	assert.Empty(t, w.missingField(full()))
	assert.Equal(t, "csr", w.missingField(full("csr", "")))
	assert.Equal(t, "crt_type", w.missingField(full("crt_type", "generate")))
	assert.Equal(t, "approver_method", w.missingField(full("approver_method", "")))
	assert.Equal(t, "approver_method", w.missingField(full("approver_method", "auth_email")))
	w.request.Names = []string{"b.example.org"}
	assert.Equal(t, "altname", w.missingField(full()))
	w.request.Method, w.request.Emails = seller.MethodEmail, []string{"a@example.org"}
	assert.Equal(t, "approver_email", w.missingField(full("approver_method", "auth_email", "altname", "b.example.org")))
	w.request.Method = seller.MethodUnknown
	assert.Equal(t, "approver_method", w.missingField(full("approver_method", "auth_email", "altname", "b.example.org")))
	assert.Equal(t, "approver_method", w.missingField(full("approver_method", "something else", "altname", "b.example.org")))
}

// An order whose validation method is unknown is never filled in as one by e-mail.
func TestAnUnknownMethodIsNotFilledInAsEmail(t *testing.T) {
	w := vetted()
	w.request.Method, w.request.Params = seller.MethodUnknown, map[string]string{}
	_, _, err := w.value(field{name: itemparam.Method})
	require.ErrorContains(t, err, "validation method is unknown")
	_, _, err = w.value(field{name: itemparam.Method, listed: true, list: []choice{{key: "auth_email"}}})
	require.ErrorContains(t, err, "validation method is unknown")
}

// A form without a description of its fields gets the documented ones (docs/reference/ispmanager.md §4.1).
func TestDocumentedFields(t *testing.T) {
	w := vetted()
	w.request.Method, w.request.Emails = seller.MethodEmail, []string{"a@example.org"}
	plain := formOf("certificate.order.param", parsed(t, `<doc><adm_email/></doc>`))
	names := w.documented(plain)
	assert.Subset(t, names, []string{"csr", "CN", "approver_email_1", "tech_email", "adm_fname"})
	assert.NotContains(t, names, "adm_email", "the form has it")
	assert.NotContains(t, names, "L", "there is no value")
	assert.Empty(t, w.documented(formOf("certificate.order.param", parsed(t, `<doc><metadata/></doc>`))))
	assert.Empty(t, w.documented(formOf("certificate.reissue", parsed(t, `<doc/>`))))
}
