package seller_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki/pkitest"
	"pmssl/internal/seller"
)

func single() seller.Product {
	return seller.Product{ID: "standard_ssl", Names: []string{"Standard SSL"}, Level: seller.DV, Included: 1, MaxNames: 1}
}

func wildcard() seller.Product {
	return seller.Product{ID: "wild", Names: []string{"Standard Wildcard SSL"}, Level: seller.DV, Wildcard: true, Included: 1, MaxNames: 1}
}

func multi() seller.Product {
	return seller.Product{ID: "san", Names: []string{"SAN Certificate"}, Level: seller.DV, MultiDomain: true, Included: 3, MaxNames: 5}
}

func dns() map[string]string { return map[string]string{itemparam.Method: "auth_dns"} }

func TestRequestFitsItsProduct(t *testing.T) {
	key := pkitest.NewKey(t)
	multiWild := multi()
	multiWild.Wildcard = true
	for _, c := range []struct {
		rule    string
		product seller.Product
		cn      string
		inCSR   []string
		altname string
		sans    int
		want    []string
		object  string // of the refusal, empty if it fits
		words   string
	}{
		{"one name", single(), "example.com", nil, "", 0, nil, "", ""},
		{"www is implied", single(), "example.com", []string{"www.example.com"}, "", 0, nil, "", ""},
		{"the bare domain of www is implied", single(), "www.example.com", []string{"example.com"}, "", 0, nil, "", ""},
		{"www of another domain is not", single(), "example.com", []string{"www.example.org"}, "", 0, nil, "altname", "certifies one name"},
		{"two names", single(), "example.com", nil, "shop.example.com", 0, nil, "altname", "certifies one name"},
		{"wildcard for a single name", single(), "*.example.com", nil, "", 0, nil, "csr", "does not certify wildcards"},
		{"wildcard", wildcard(), "*.example.com", nil, "", 0, nil, "", ""},
		{"the bare domain of a wildcard is implied", wildcard(), "*.example.com", []string{"example.com"}, "", 0, nil, "", ""},
		{"what the wildcard covers is implied", wildcard(), "*.example.com", []string{"www.example.com"}, "", 0, nil, "", ""},
		{"what it does not cover is not", wildcard(), "*.example.com", []string{"a.b.example.com"}, "", 0, nil, "altname", "certifies one name"},
		{"a plain name for a wildcard product", wildcard(), "example.com", nil, "", 0, nil, "csr", "must begin with *."},
		{"further names of CSR and order, each once", multi(), "example.com", []string{"a.example.com"}, "b.example.com A.example.com,example.com\nc.example.com", 3,
			[]string{"a.example.com", "b.example.com", "c.example.com"}, "", ""},
		{"as many as can be bought", multi(), "example.com", nil, "a.example.com b.example.com c.example.com d.example.com", 4,
			[]string{"a.example.com", "b.example.com", "c.example.com", "d.example.com"}, "", ""},
		{"one more than can be bought", multi(), "example.com", nil, "a.example.com b.example.com c.example.com d.example.com e.example.com", 9, nil, "altname", "at most 5 names, the order has 6"},
		{"included names need no addon", multi(), "example.com", nil, "a.example.com b.example.com", 0, []string{"a.example.com", "b.example.com"}, "", ""},
		{"more than ordered", multi(), "example.com", nil, "a.example.com b.example.com c.example.com", 0, nil, "altname", "gave 3 names beside the common name (in the CSR and the list) and the order pays for 2"},
		{"names in the CSR alone count", multi(), "example.com", []string{"a.example.com", "b.example.com", "c.example.com"}, "", 0, nil, "altname", "the order pays for 2"},
		{"a negative number counts as 0", multi(), "example.com", []string{"a.example.com", "b.example.com", "c.example.com"}, "", -1, nil, "altname", "the order pays for 2"},
		{"as many as ordered", multi(), "example.com", nil, "a.example.com b.example.com c.example.com", 3,
			[]string{"a.example.com", "b.example.com", "c.example.com"}, "", ""},
		{"wildcard among further names", multi(), "example.com", nil, "*.example.org", 0, nil, "altname", "does not certify wildcards"},
		{"wildcard among the further names of a wildcard product", multiWild, "*.example.com", nil, "*.example.org example.net", 0, []string{"*.example.org", "example.net"}, "", ""},
		{"a name that cannot be certified", multi(), "example.com", nil, "intranet", 0, nil, "altname", "one label"},
		{"an endless list", multi(), "example.com", nil, manyNames(1001), 0, nil, "altname", "more than 1000 names"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			csr := pkitest.RequestPEM(t, key, pkitest.Named(c.cn, c.inCSR...))
			got, err := seller.NewRequest(c.product, csr, c.altname, c.sans, dns())
			if c.object != "" {
				pkitest.RequireFault(t, err, fault.Value, c.object, c.words)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, append([]string(nil), got.Names...))
			assert.Equal(t, append([]string{c.cn}, c.want...), got.AllNames())
			assert.Equal(t, seller.MethodDNS, got.Method)
		})
	}
}

func manyNames(count int) string {
	var out strings.Builder
	for i := range count {
		fmt.Fprintf(&out, "n%d.example.com ", i)
	}
	return out.String()
}

func TestRequestMethodFitsItsNames(t *testing.T) {
	key := pkitest.NewKey(t)
	ov := single()
	ov.Level = seller.OV
	multiWild := multi()
	multiWild.Wildcard = true
	for _, c := range []struct {
		rule               string
		product            seller.Product
		cn, altname        string
		method, approver   string
		kind, object, word string
		emails             []string
	}{
		{"a file for a plain name", single(), "example.com", "", "auth_http", "", "", "", "", nil},
		{"a file is not allowed for a wildcard (BR 3.2.2.4.18)", wildcard(), "*.example.com", "", "auth_http", "", fault.Value, "approver_method", "wildcard", nil},
		{"nor one among the further names", multiWild, "*.example.com", "example.org", "auth_file", "", fault.Value, "approver_method", "wildcard", nil},
		{"DNS is allowed for a wildcard", wildcard(), "*.example.com", "", "auth_dns", "", "", "", "", nil},
		{"e-mail without approver", single(), "example.com", "", "", "", fault.Missed, "approver_email", "no approver", nil},
		{"e-mail without approver, commas only", single(), "example.com", "", "auth_email", " , ", fault.Missed, "approver_email", "no approver", nil},
		{"e-mail with approver", single(), "example.com", "", "", "admin@example.com", "", "", "", []string{"admin@example.com"}},
		{"one approver for each name", multi(), "example.com", "example.org", "auth_email", "admin@example.com, hostmaster@example.org", "", "", "",
			[]string{"admin@example.com", "hostmaster@example.org"}},
		{"an approver that is not an address", single(), "example.com", "", "auth_email", "admin@example.com\nBcc: x", fault.Value, "approver_email", "not an e-mail address", nil},
		{"organisation validation may go without approver", ov, "example.com", "", "", "", "", "", "", nil},
		{"unknown method", single(), "example.com", "", "auth_pigeon", "", fault.Value, "approver_method", "unknown", nil},
		{"the approver of an order by DNS does not matter", single(), "example.com", "", "auth_dns", "nobody", "", "", "", []string{"nobody"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			params := map[string]string{itemparam.Method: c.method, itemparam.Approver: c.approver, "other": "kept"}
			got, err := seller.NewRequest(c.product, pkitest.RequestPEM(t, key, pkitest.Named(c.cn)), c.altname, 0, params)
			if c.kind != "" {
				pkitest.RequireFault(t, err, c.kind, c.object, c.word)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.emails, got.Emails)
			assert.Equal(t, "kept", got.Params["other"])
		})
	}
}

func TestRequestChecksTheCSRFirst(t *testing.T) {
	_, err := seller.NewRequest(seller.Product{}, "", "", 0, nil)
	pkitest.RequireFault(t, err, fault.Missed, "csr", "no CSR")
}

func TestExtraSANsAreThoseAboveTheIncludedOnes(t *testing.T) {
	for _, c := range []struct {
		rule    string
		product seller.Product
		names   int
		ordered int
		want    int
	}{
		{"single-name products have none", single(), 0, 5, 0},
		{"within the price", multi(), 2, 0, 0},
		{"a negative number", multi(), 2, -1, 0},
		{"names that nobody ordered are not bought", multi(), 4, 0, 0},
		{"nor with a negative number", multi(), 4, -1, 0},
		{"the order decides where names are still to come", multi(), 0, 4, 2},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := seller.Request{Product: c.product, Names: make([]string, c.names)}
			assert.Equal(t, c.want, r.ExtraSANs(c.ordered))
		})
	}
}

func TestProductHasAnyOfItsNames(t *testing.T) {
	p := seller.Product{Names: []string{"Standard SSL", "Standard SSL SSLcom"}}
	assert.True(t, p.Named("standard ssl sslcom"))
	assert.True(t, p.Named(" Standard SSL\n"))
	assert.False(t, p.Named("Standard"))
	assert.False(t, p.Named(""))
	assert.False(t, seller.Product{}.Named(""))
}

func TestTemplateIDIsLowerCaseWithUnderscores(t *testing.T) {
	for name, want := range map[string]string{
		"PositiveSSL": "positivessl", "PositiveSSL Wildcard": "positivessl_wildcard", "Standard SSL": "standard_ssl",
		"EV Multi-Domain SSL": "ev_multi_domain_ssl", " OV  Multi-domain  SSL ": "ov_multi_domain_ssl", "(x)": "x", "": "", "Ünï": "n",
	} {
		assert.Equal(t, want, seller.TemplateID(name), name)
	}
}

func TestFindProduct(t *testing.T) {
	found, ok := seller.FindProduct([]seller.Product{single(), multi()}, "san")
	assert.True(t, ok)
	assert.Equal(t, multi(), found)
	_, ok = seller.FindProduct([]seller.Product{single(), multi()}, "SAN")
	assert.False(t, ok)
}

// All errors of an order are reported at once, each with its field, so that the client needs to correct it only once.
func TestAllErrorsOfAnOrderAreReportedAtOnce(t *testing.T) {
	params := map[string]string{itemparam.Method: "auth_email", itemparam.Approver: "nobody"}
	product := seller.Product{ID: "san", Names: []string{"SAN"}, Level: seller.DV, MultiDomain: true, Included: 3, MaxNames: 100}
	_, err := seller.NewRequest(product, "garbage", "a.example.com, x_y!", 0, params)
	require.Error(t, err)
	for _, want := range []string{"csr: ", "altname: ", `approver_email: "nobody" is not an e-mail address`} {
		assert.Contains(t, err.Error(), want)
	}
	assert.Equal(t, fault.Value, fault.From(err).Type)

	params[itemparam.Method] = "auth_pigeon"
	r, err := seller.NewRequest(product, "garbage", "", 0, params)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "csr: ")
	assert.Contains(t, err.Error(), `approver_method: unknown validation method "auth_pigeon"`)
	assert.NotContains(t, err.Error(), "approver_email", "an unknown method is not e-mail: no approver is asked for")
	assert.Equal(t, seller.MethodUnknown, r.Method)
	assert.Equal(t, product.ID, r.Product.ID, "the request holds what could be read, for further checks")
}
