package ispmanager_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

const (
	buying     = "certificate.order.param sok"
	referenced = `<remoteid>panel-42</remoteid>`
)

// takes returns a submission after which the list has these rows.
func (r *remote) takes(answer reply, rows ...string) reply {
	return func(w http.ResponseWriter, form url.Values) {
		r.set("certificate", listed(rows...))
		answer(w, form)
	}
}

func TestAnOrderIsPaidByOneRequest(t *testing.T) {
	r := newRemote(t, nil)
	r.set(buying, r.takes(says(doc("certificate.order.param", `<id>77</id><ok/>`)), row(77, "www.example.org", 5, referenced)))
	p := order(request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
	receipt, err := r.Buy(t.Context(), p)
	require.NoError(t, err)
	assert.Equal(t, seller.Receipt{ID: 77, Charged: "9.0000", Delivered: "Sectigo (ex Comodo) PositiveSSL"}, receipt)
	require.Len(t, r.submitted("certificate.order.param"), 1)
	assert.Equal(t, url.Values{
		"sok": {"ok"}, "skipbasket": {"on"}, "clicked_button": {"finish"}, "remoteid": {"panel-42"}, "autoprolong": {"null"},
		"pricelist": {"3033"}, "period": {"12"}, "crt_type": {"exists"}, "csr": {p.Request.CSR.PEM}, "CN": {"www.example.org"},
		"field_country": {"81"}, "approver_method": {"auth_dnscname"}, "adm_email": {"ann@example.test"},
	}, r.submitted("certificate.order.param")[0])
	first := r.submitted("certificate.order.csr")
	require.Len(t, first, 1)
	assert.Equal(t, "ok", first[0].Get("snext"))
	assert.Empty(t, first[0].Get("skipbasket")+first[0].Get("clicked_button")+first[0].Get("remoteid"), "a step that must not buy")
}

func TestAnswersThatLeadToTheNextStep(t *testing.T) {
	for name, answer := range map[string]string{
		"form":              doc("certificate.order.param", paramForm),
		"redirect":          doc("certificate.order.csr", `<ok>func=certificate.order.param&amp;pricelist=3033&amp;authinfo=a%3Ab</ok>`),
		"nested":            doc("certificate.order.csr", `<doc func="certificate.order.param">`+paramForm+`</doc><ok/>`),
		"ok":                doc("certificate.order.csr", `<ok/>`),
		"values of the CSR": doc("certificate.order.key", `<csr>x</csr>`),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, map[string]reply{"certificate.order.csr sok": says(answer), "certificate.order.key": says(doc("certificate.order.key", `<csr>x</csr>`)),
				"certificate.order.key sok": says(doc("certificate.order.key", `<ok/>`))})
			r.set(buying, r.takes(says(doc("certificate.order.param", `<doc><id>77</id></doc><ok/>`)), row(77, "www.example.org", 5, referenced)))
			receipt, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
			require.NoError(t, err)
			assert.EqualValues(t, 77, receipt.ID)
		})
	}
}

// The list decides the result of the request, whatever the answer says.
func TestTheListDecidesTheResult(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(*remote) reply
		rows   []string
		id     int64 // 0: unclear
	}{
		"lost answer, marked":            {func(*remote) reply { return drops(nil) }, []string{row(77, "www.example.org", 5, referenced)}, 77},
		"lost answer, alike":             {func(*remote) reply { return drops(nil) }, []string{row(77, "www.example.org", 5, "")}, 77},
		"lost answer, another reference": {func(*remote) reply { return drops(nil) }, []string{row(77, "www.example.org", 5, "<remoteid>other-1</remoteid>")}, 0},
		"lost answer, another name":      {func(*remote) reply { return drops(nil) }, []string{row(77, "x.example.org", 5, "")}, 0},
		"lost answer, two alike":         {func(*remote) reply { return drops(nil) }, []string{row(77, "www.example.org", 5, ""), row(78, "www.example.org", 5, "")}, 0},
		"marked before alike":            {func(*remote) reply { return drops(nil) }, []string{row(77, "www.example.org", 5, ""), row(78, "www.example.org", 5, referenced)}, 78},
		"lost answer, nothing":           {func(*remote) reply { return drops(nil) }, nil, 0},
		"deleted is nothing":             {func(*remote) reply { return drops(nil) }, []string{row(77, "www.example.org", 4, referenced)}, 0},
		"no id":                          {func(*remote) reply { return says(doc("f", `<ok/>`)) }, []string{row(77, "www.example.org", 5, referenced)}, 77},
		"a reference of 0":               {func(*remote) reply { return drops(nil) }, []string{row(77, "www.example.org", 5, "<remoteid>0</remoteid>")}, 77},
		"no id, nothing":                 {func(*remote) reply { return says(doc("f", `<ok/>`)) }, nil, 0},
		"id, the list lags":              {func(*remote) reply { return says(doc("f", `<id>77</id><ok/>`)) }, nil, 77},
		"id of another name's order":     {func(*remote) reply { return says(doc("f", `<id>77</id><ok/>`)) }, []string{row(77, "x.example.org", 5, "")}, 0},
		"id of an order, no reference":   {func(*remote) reply { return says(doc("f", `<id>77</id><ok/>`)) }, []string{row(77, "www.example.org", 5, "")}, 77},
		"old id":                         {func(*remote) reply { return says(doc("f", `<id>1</id><ok/>`)) }, nil, 0},
		"error after it was taken":       {func(*remote) reply { return says(refusal("value", "x", "odd")) }, []string{row(77, "www.example.org", 5, referenced)}, 77},
		"unknown error":                  {func(*remote) reply { return says(refusal("mysterious", "x", "odd")) }, nil, 0},
		"half an answer":                 {func(*remote) reply { return says(`<doc><id>77</id>`) }, []string{row(77, "www.example.org", 5, referenced)}, 77},
		"wall":                           {func(*remote) reply { return status(403, `<html/>`) }, nil, 0},
		"method not allowed":             {func(*remote) reply { return status(405, `x`) }, nil, 0},
		"too many":                       {func(*remote) reply { return status(429, `x`) }, nil, 0},
		"another step":                   {func(*remote) reply { return says(doc("certificate.order.more", `<a>1</a>`)) }, nil, 0},
		"payment page, but it is on":     {func(*remote) reply { return says(doc("f", `<ok type="url">/mancgi/x</ok>`)) }, []string{row(77, "www.example.org", 5, referenced)}, 77},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, map[string]reply{"certificate": listed(row(9, "old.example.org", 2, ""))})
			r.set(buying, r.takes(tc.answer(r), append(tc.rows, row(9, "old.example.org", 2, ""))...))
			receipt, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
			assert.Len(t, r.submitted("certificate.order.param"), 1, "never repeated")
			assert.Equal(t, tc.id, receipt.ID)
			if tc.id != 0 {
				require.NoError(t, err)
				return
			}
			failure := requireFault(t, err, fault.Unclear)
			assert.True(t, failure.OutcomeUnknown && failure.Retry, "%v", failure)
		})
	}
}

// The answer's id is a service's in the known documents. Another id must not become the item's order, and an order that the
// remote accepted is never made again.
func TestAnswerIDThatIsNotAnOrder(t *testing.T) {
	for name, answer := range map[string]string{"an id that is no service": `<id>77</id><ok/>`, "no id": `<ok/>`} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, map[string]reply{"certificate.edit": says(refusal("missed", "item", "no such element"))})
			r.set(buying, r.takes(says(doc("f", answer))))
			_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
			failure := requireFault(t, err, fault.Unclear)
			assert.True(t, failure.OutcomeUnknown && failure.Accepted && failure.Retry, "%v", failure)
		})
	}
	t.Run("not taken", func(t *testing.T) {
		r := newRemote(t, map[string]reply{buying: drops(nil)})
		_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
		assert.False(t, requireFault(t, err, fault.Unclear).Accepted)
	})
}

func TestDefiniteRefusals(t *testing.T) {
	for _, kind := range []string{"value", "missed", "exists", "access", "wizard_unavailable"} {
		r := newRemote(t, map[string]reply{buying: says(refusal(kind, "csr", "The CSR is odd"))})
		_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
		failure := requireFault(t, err, fault.API)
		assert.False(t, failure.OutcomeUnknown)
		assert.Contains(t, failure.Message, "The CSR is odd")
	}
}

func TestRefusalWithoutAReadableListHasAnUnknownOutcome(t *testing.T) {
	r := newRemote(t, nil)
	r.set(buying, func(w http.ResponseWriter, form url.Values) {
		r.set("certificate", status(500, ""))
		says(refusal("value", "csr", "odd"))(w, form)
	})
	_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
	assert.True(t, requireFault(t, err, fault.Unclear).OutcomeUnknown)
}

// Every uncertainty ends the order before the request that pays, with a fault that says what is missing.
func TestNothingIsBoughtIfAFormDoesNotFit(t *testing.T) {
	form := func(content string) reply { return says(doc("certificate.order.csr", content)) }
	last := func(content string) reply { return says(doc("certificate.order.param", content)) }
	for name, tc := range map[string]struct {
		functions map[string]reply
		says      string
	}{
		"no key for our CSR": {map[string]reply{"certificate.order.csr": form(`<csr/><crt_type>generate</crt_type><slist name="crt_type"><val key="generate">g</val></slist>`)}, "(certificate.order.csr), field crt_type: no choice means an existing CSR; offered are generate"},
		"several keys":       {map[string]reply{"certificate.order.csr": form(`<csr/><slist name="crt_type"><val key="a">g</val><val key="b">g</val></slist>`)}, "offered are a, b"},
		"period":             {map[string]reply{"certificate.order.csr": form(csrForm + `<slist name="period"><val key="24">24</val></slist>`)}, "field period: the value 12 is not offered; offered are 24"},
		"country":            {map[string]reply{"certificate.order.csr": form(`<csr/><field_country/><slist name="field_country"><val key="182" image="/flag/RU.png">R</val></slist>` + `<slist name="crt_type"><val key="exists">g</val></slist>`)}, "(certificate.order.csr), field field_country: the country DE is not found"},
		"way of proof":       {map[string]reply{"certificate.order.param": last(`<slist name="approver_method"><val key="auth_email">e</val></slist>`), "certificate.order.csr sok": form(`<ok>func=certificate.order.param</ok>`)}, "auth_dnscname is not offered"},
		"no way of proof":    {map[string]reply{"certificate.order.param": last(`<a>1</a>`), "certificate.order.csr sok": form(`<ok>func=certificate.order.param</ok>`)}, "field approver_method: no step of the order takes the value"},
		"no CSR":             {map[string]reply{"certificate.order.csr": form(`<metadata><form><field name="a"><input name="a"/></field></form></metadata><a>1</a>`)}, "field csr: no step of the order takes the value"},
		"unknown field":      {map[string]reply{"certificate.order.csr": form(csrForm + `<metadata><form><field name="tax"><input name="tax" required="yes"/></field></form></metadata>`)}, "field tax: the required field has no value"},
		"page of payment":    {map[string]reply{"certificate.order.csr sok": form(`<ok type="url">/mancgi/pay</ok>`)}, "list and basket show no order"},
		"a step repeats":     {map[string]reply{"certificate.order.csr sok": form(`<ok>func=certificate.order.csr</ok>`)}, "a second time"},
		"no tariff":          {map[string]reply{"pricelist.export": says(doc("pricelist.export", `<pricelist><id>1</id><name>RapidSSL</name></pricelist>`))}, "sells no positivessl to this account; it sells rapidssl"},
		"tariff twice":       {map[string]reply{"pricelist.export": says(doc("pricelist.export", priceList+`<pricelist><id>4</id><name>PositiveSSL</name></pricelist>`))}, "tariff 3033 (Sectigo (ex Comodo) PositiveSSL) and tariff 4 (PositiveSSL)"},
		"list too short":     {map[string]reply{"certificate": says(doc("certificate", row(1, "a.example.org", 2, "")+`<p_elems>2</p_elems>`))}, "incomplete: 1 of 2"},
		"filter":             {map[string]reply{"certificate.filter": says(doc("certificate.filter", `<CN>x</CN>`))}, "a filter hides orders in the list"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, tc.functions)
			_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
			require.Error(t, err)
			assert.Contains(t, err.Error(), tc.says)
			failure := fault.From(err)
			assert.Equal(t, failure.Refused, failure.OutcomeUnknown)
			assert.Equal(t, name == "page of payment", failure.Refused, "rules BUY-12: this answer is no refusal of the remote's own")
			assert.Empty(t, r.submitted("certificate.order.param"))
		})
	}
}

func TestAnOrderWithOurReferenceIsNotMadeAgain(t *testing.T) {
	r := newRemote(t, map[string]reply{"certificate": listed(row(77, "www.example.org", 5, referenced))})
	_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
	assert.Contains(t, requireFault(t, err, fault.Unclear).Message, "id 77")
	assert.Empty(t, r.submitted("certificate.order.param"))
}

func TestBuyRefusesImpossiblePurchases(t *testing.T) {
	r := newRemote(t, nil)
	good := order(request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
	for name, change := range map[string]func(*seller.Purchase){
		"another kind": func(p *seller.Purchase) { p.Kind = seller.KindCreate }, "no reference": func(p *seller.Purchase) { p.OrderRef = "" },
		"no term": func(p *seller.Purchase) { p.Months = 0 }, "not this term": func(p *seller.Purchase) { p.Months = 36 },
		"discontinued": func(p *seller.Purchase) { p.Product.Discontinued = true }, "nothing to prolong": func(p *seller.Purchase) { p.Kind = seller.KindProlong },
	} {
		p := good
		change(&p)
		_, err := r.Buy(t.Context(), p)
		assert.Error(t, err, name)
		assert.False(t, fault.From(err).OutcomeUnknown, name)
	}
	assert.Empty(t, r.submitted("certificate.order.param"))
}

func TestEachNameHasItsApprover(t *testing.T) {
	form := `<approver_email_1/><approver_email_2/><altname/><altname_input/><approver_method>auth_email</approver_method>` +
		`<slist name="approver_email_2"><val key="Admin@b.example.net">Admin@b.example.net</val><val key="root@b.example.net">r</val></slist>`
	r := newRemote(t, map[string]reply{"certificate.order.csr sok": says(doc("certificate.order.param", `<metadata/>`+form)),
		"certificate.order.param": says(doc("certificate.order.param", form)),
		"pricelist.export":        says(doc("pricelist.export", `<pricelist><id>27648</id><name>PositiveSSL Multi-Domain</name></pricelist>`))})
	r.set(buying, r.takes(says(doc("f", `<id>77</id><ok/>`)), row(77, "a.example.org", 5, referenced)))
	_, err := r.Buy(t.Context(), order(request(t, "positivessl_multi_domain", "", "hostmaster@example.org,admin@b.example.net", "a.example.org", "b.example.net")))
	require.NoError(t, err)
	sent := r.submitted("certificate.order.param")[0]
	assert.Equal(t, "hostmaster@example.org", sent.Get("approver_email_1"))
	assert.Equal(t, "Admin@b.example.net", sent.Get("approver_email_2"), "as the select has it")
	assert.Equal(t, "b.example.net", sent.Get("altname"))
	assert.Equal(t, "b.example.net", sent.Get("altname_input"))
}
