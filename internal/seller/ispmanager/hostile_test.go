package ispmanager_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/ispmanager"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// requested returns all functions that were called, in their order.
func (r *remote) requested() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, form := range r.asked {
		all = append(all, form.Get("func"))
	}
	return all
}

// docs/reference/ispmanager.md §4, §15.1: the order decides what is bought, not the parameters of a redirect between two
// steps.
func TestARedirectDoesNotChangeTheOrder(t *testing.T) {
	// The last step's form shows none of the fields that the redirect names.
	r := newRemote(t, map[string]reply{"certificate.order.csr sok": says(doc("certificate.order.csr",
		`<ok>func=certificate.order.param&amp;pricelist=1032&amp;period=36&amp;csr=x&amp;crt_type=generate&amp;altname=evil.example&amp;CN=evil.example&amp;draft=5</ok>`))})
	r.set(buying, r.takes(says(doc("certificate.order.param", `<id>77</id><ok/>`)), row(77, "www.example.org", 5, referenced)))
	p := order(request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
	_, err := r.Buy(t.Context(), p)
	require.NoError(t, err)
	sent := r.submitted("certificate.order.param")[0]
	for name, want := range map[string]string{
		"pricelist": "3033", "period": "12", "csr": p.Request.CSR.PEM, "crt_type": "exists", "altname": "", "CN": "www.example.org", "draft": "5",
	} {
		assert.Equal(t, want, sent.Get(name), name)
	}
}

// docs/reference/ispmanager.md §8: functions on groups act without sok. Only steps of the same wizard are called.
func TestWizardDoesNotCallOtherFunctions(t *testing.T) {
	for _, away := range []string{
		"certificate.suspend", "certificate.filter", "certificate.delete", "certificate.revoke", "certificate.orders", "service.prolong", "payment.add", "certificate", "certificate.reissue",
	} {
		for name, answer := range map[string]string{
			"redirect": doc("certificate.order.csr", `<ok>func=`+away+`&amp;elid=7</ok>`),
			"form":     doc(away, `<adm_phone>1</adm_phone><autoprolong>1</autoprolong>`),
			"nested":   doc("certificate.order.csr", `<doc func="`+away+`"><adm_phone>1</adm_phone></doc><ok/>`),
		} {
			r := newRemote(t, map[string]reply{"certificate.order.csr sok": says(answer)})
			_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
			require.Error(t, err, "%s to %s", name, away)
			after := r.requested()
			after = after[slices.Index(after, "certificate.order.csr"):]
			for _, function := range after {
				if away != "certificate" { // the list is read again after a step without a clear answer
					assert.NotEqual(t, away, function, name)
				}
			}
			assert.Empty(t, r.submitted("certificate.order.param"), name)
		}
	}
}

// A reissue is free: it must not continue as an order or about another certificate.
func TestReissueDoesNotBuy(t *testing.T) {
	for _, away := range []string{"certificate.order.param", "certificate.order", "certificate.suspend"} {
		r := newRemote(t, map[string]reply{"certificate.reissue": says(doc("certificate.reissue", reissueForm)),
			"certificate.reissue sok": says(doc("certificate.reissue", `<ok>func=`+away+`</ok>`)),
			buying:                    says(doc("f", `<id>9</id><ok/>`)), "certificate.edit": editForm("")})
		_, _, err := r.Reissue(t.Context(), 7, request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
		require.Error(t, err)
		assert.NotContains(t, r.requested(), away)
	}
	r := newRemote(t, map[string]reply{"certificate.reissue": says(doc("certificate.reissue", reissueForm)),
		"certificate.reissue sok":       says(doc("certificate.reissue", `<ok>func=certificate.reissue.param&amp;elid=8</ok>`)),
		"certificate.reissue.param":     says(doc("certificate.reissue.param", `<adm_phone>1</adm_phone>`)),
		"certificate.reissue.param sok": says(doc("f", `<ok/>`)), "certificate.edit": editForm("")})
	_, _, err := r.Reissue(t.Context(), 7, request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
	require.NoError(t, err)
	assert.Equal(t, "7", r.submitted("certificate.reissue.param")[0].Get("elid"))
}

// docs/reference/ispmanager.md §4.2: if the remote generates the key, the certificate does not have the client's key.
func TestTheSellerNeverGeneratesTheKey(t *testing.T) {
	for name, form := range map[string]string{
		"another word":       `<csr/><slist name="crt_type"><val key="generate">Generate</val><val key="generate_ecc">Generate ECC</val></slist>`,
		"in capitals":        `<csr/><slist name="crt_type"><val key="Generate">Generate</val></slist>`,
		"no list, capitals":  `<csr/><crt_type>GENERATE</crt_type>`,
		"by its title":       `<csr/><slist name="crt_type"><val key="0">Generate a new key</val></slist>`,
		"new key":            `<csr/><slist name="crt_type"><val key="newkey">Something</val></slist>`,
		"fixed to a CSR":     `<csr readonly="yes">theirs</csr><slist name="crt_type"><val key="exists">e</val></slist>`,
		"fixed to its ways":  `<csr/><crt_type readonly="yes">generate</crt_type><slist name="crt_type"><val key="exists">e</val><val key="generate">e</val></slist>`,
		"fixed to a product": csrForm + `<pricelist readonly="yes">1</pricelist>`,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, map[string]reply{"certificate.order.csr": says(doc("certificate.order.csr", strings.Replace(form, `<pricelist>3033</pricelist>`, "", 1)))})
			_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
			requireFault(t, err, fault.API)
			assert.Empty(t, r.submitted("certificate.order.csr"))
			assert.Empty(t, r.submitted("certificate.order.param"))
		})
	}
}

// buttons returns the list's toolbar with functions and the types of their buttons.
func buttons(pairs ...string) string {
	text := `<metadata name="certificate" type="list"><toolbar><toolgrp name="g">`
	for i := 0; i+1 < len(pairs); i += 2 {
		text += `<toolbtn func="` + pairs[i] + `" name="x` + pairs[i] + `" type="` + pairs[i+1] + `"/>`
	}
	return text + `</toolgrp></toolbar></metadata>`
}

// docs/reference/ispmanager.md §8, §11: buttons of the type group act at once, without sok. A read must not press one,
// and neither must a name that is only similar.
func TestReadsPressNoButtonThatActs(t *testing.T) {
	acting := []string{
		"certificate.delete", "group", "certificate.reissue.cancel", "edit", "certificate.reissueall", "group", "certificate.file.delete", "edit",
		"certificate.crtrevoke", "group", "certificate.approver.drop", "edit",
	}
	r := newRemote(t, map[string]reply{
		"certificate":      says(doc("certificate", buttons(acting...)+row(7, "www.example.org", 2, "")+`<p_elems>1</p_elems>`)),
		"certificate.edit": editForm(""),
	})
	_, err := r.Probe(t.Context())
	require.NoError(t, err)
	_, err = r.OrderStatus(t.Context(), 7)
	require.NoError(t, err)
	q := request(t, "positivessl", "auth_dnscname", "", "www.example.org")
	_, err = r.Approvers(t.Context(), "www.example.org", q.Product)
	require.NoError(t, err)
	_, _, err = r.Reissue(t.Context(), 7, q)
	requireFault(t, err, fault.API)
	for i := 0; i < len(acting); i += 2 {
		assert.NotContains(t, r.requested(), acting[i])
	}
	for _, form := range r.asked {
		assert.Empty(t, form.Get("sok"), form.Get("func"))
	}
}

// A function whose button acts at once is not called to read its form, even if its name is documented.
func TestProbePressesNoButtonOfAGroup(t *testing.T) {
	r := newRemote(t, map[string]reply{
		"certificate":      says(doc("certificate", buttons("certificate.reissue", "group")+row(7, "www.example.org", 2, "")+`<p_elems>1</p_elems>`)),
		"certificate.edit": editForm(""),
	})
	findings, err := r.Probe(t.Context())
	require.NoError(t, err)
	assert.NotContains(t, r.requested(), "certificate.reissue")
	at := slices.IndexFunc(findings, func(f seller.Finding) bool { return f.Title == "reissue" })
	require.GreaterOrEqual(t, at, 0)
	assert.Contains(t, strings.Join(findings[at].Lines, "\n"), "acts at once")
}

// docs/reference/ispmanager.md §1.1: the password is sent unencrypted to this host only.
func TestPlainHTTPIsForThisHostOnly(t *testing.T) {
	for _, typed := range []string{
		"http://127.0.0.1.evil.example/billmgr", "http://localhost.evil.example", "http://localhost.", "http://127.0.0.1@evil.example/", "http://evil.example#@127.0.0.1",
		"http://2130706433/", "http://0x7f000001/", "http://127.1/", "http://0177.0.0.1/", "http://0.0.0.0/", "http://[::]/", "http://[::1%25eth0]/",
		"http://[fe80::1%25lo]/", "http://[::ffff:8.8.8.8]/", "HTTP://host.example/", "http://１２７.0.0.1/", "http://127.0.0.1%2eevil.example/", "http://[::1].evil.example/", "http://127.0.0.1:80@evil.example",
		"http://127.0.0.1\\@evil.example/", "//127.0.0.1", "javascript://127.0.0.1/",
	} {
		_, err := connectTo(typed, "u", "p")
		if failure := fault.From(err); assert.NotNil(t, failure, typed) {
			assert.Equal(t, "url", failure.Object, typed)
		}
	}
	for _, typed := range []string{"http://127.0.0.1", "http://127.8.9.10:81", "http://[::1]:8080/", "http://[::ffff:127.0.0.1]/", "http://localhost:1/"} {
		_, err := connectTo(typed, "u", "p")
		assert.NoError(t, err, typed)
	}
}

// docs/reference/ispmanager.md §1.3: reading ends for a list with endless pages, a wrong count or endless rows.
func TestReadingAnEndlessListEnds(t *testing.T) {
	page := 0
	r := newRemote(t, nil)
	r.set("certificate", func(w http.ResponseWriter, _ url.Values) {
		page++
		var rows strings.Builder
		for i := range 900 {
			rows.WriteString(`<elem><id>` + strconv.Itoa(page*1000+i) + `</id></elem>`)
		}
		says(doc("certificate", rows.String()+`<p_elems>2147483647</p_elems>`))(w, nil)
	})
	_, err := r.Certificates(t.Context())
	requireFault(t, err, fault.Client)
	assert.Less(t, page, 130, "rows count, and not only pages")
}

// docs/reference/ispmanager.md §11: the output of probe may be passed on.
func TestProbeShowsNoValues(t *testing.T) {
	r := newRemote(t, map[string]reply{
		"certificate": listed(row(7, "client.example.org", 2, "")),
		"certificate.edit": editForm(`<adm_email>ann@client.example</adm_email><key>k3y</key><slist name="approver"><val key="ann@client.example">a</val>` +
			`<val key="client.example.org">c</val><val key="auth_dns">d</val></slist>`),
	})
	findings, err := r.Probe(t.Context())
	require.NoError(t, err)
	text := ""
	for _, f := range findings {
		text += f.Title + "\n" + strings.Join(f.Lines, "\n") + "\n"
	}
	assert.Contains(t, text, "choices of approver: auth_dns, 2 that are not shown")
	for _, value := range []string{"client.example", "k3y", user, password, "125.50"} {
		assert.NotContains(t, text, value)
	}
}

// A tariff whose name has no Latin letter has no template id. A panel item without a template must not buy it.
func TestItemWithoutATemplateBuysNothing(t *testing.T) {
	r := newRemote(t, map[string]reply{"pricelist.export": says(doc("pricelist.export", priceList+`<pricelist><id>5</id><name>Сертификат</name></pricelist>`+
		`<pricelist><id>6</id><name>`+strings.Repeat("x", 300)+`</name></pricelist>`))})
	products, err := r.Catalogue(t.Context())
	require.NoError(t, err)
	_, found := seller.FindProduct(products, "")
	assert.False(t, found)
	p := order(request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
	p.Product.ID = ""
	_, err = r.Buy(t.Context(), p)
	requireFault(t, err, fault.API)
	assert.Empty(t, r.submitted("certificate.order.csr"))
	offers, err := r.Offers(t.Context())
	require.NoError(t, err)
	assert.Len(t, offers, 1)
}

// An endless price list is not cached.
func TestAnEndlessPriceListIsRefused(t *testing.T) {
	var list strings.Builder
	for i := range 3000 {
		list.WriteString(`<pricelist><id>` + strconv.Itoa(i+1) + `</id><name>Product A` + strconv.Itoa(i) + `</name></pricelist>`)
	}
	r := newRemote(t, map[string]reply{"pricelist.export": says(doc("pricelist.export", list.String()))})
	_, err := r.Offers(t.Context())
	requireFault(t, err, fault.API)
	assert.Less(t, len(ispmanager.Products(r.dir, "pmispmgrssl")), 100)
}
