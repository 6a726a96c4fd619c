package ispmanager_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

const entry = `<list name="itemlist"><elem><id>501</id><name>PositiveSSL www.example.org</name></elem></list>`

// poor returns a remote without money that answers an order in its own way and removes what is deleted.
func poor(t *testing.T, balance string, leaves func(*remote), answer string) *remote {
	t.Helper()
	r := newRemote(t, map[string]reply{"whoami": whoami(balance)})
	r.set(buying, func(w http.ResponseWriter, form url.Values) {
		leaves(r)
		says(answer)(w, form)
	})
	r.set("certificate.delete", func(w http.ResponseWriter, form url.Values) {
		r.set("certificate", listed(row(77, "www.example.org", 4, referenced)))
		says(doc("certificate.delete", `<ok/>`))(w, form)
	})
	r.set("basket sok", func(w http.ResponseWriter, form url.Values) {
		r.set("basket", says(doc("basket", `<list name="itemlist"/>`)))
		says(doc("basket", `<ok/>`))(w, form)
	})
	return r
}

func inBasket(r *remote) { r.set("basket", says(doc("basket", entry))) }
func unpaid(r *remote)   { r.set("certificate", listed(row(77, "www.example.org", 1, referenced))) }
func nowhere(*remote)    {}

// Which answer means "insufficient funds" is not known: list and basket decide, and no unpaid order remains
// (docs/reference/ispmanager.md §4.5).
func TestInsufficientFundsLeaveNoUnpaidOrder(t *testing.T) {
	for name, tc := range map[string]struct {
		balance string
		leaves  func(*remote)
		answer  string
	}{
		"error of an unknown type":   {"1.00", nowhere, refusal("low_balance", "", "Insufficient funds")},
		"error of a known type":      {"1.00", nowhere, refusal("value", "x", "Insufficient funds")},
		"sent to pay":                {"1.00", inBasket, doc("f", `<ok type="url">/mancgi/pay</ok><billorder>98765</billorder>`)},
		"sent to pay, price unknown": {"", inBasket, doc("f", `<ok>func=order</ok><billorder>98765</billorder>`)},
		"unpaid order":               {"1.00", unpaid, doc("f", `<id>77</id><ok>func=payment.add</ok>`)},
		"unpaid order, plain ok":     {"1.00", unpaid, doc("f", `<id>77</id><ok/>`)},
		"error and an unpaid order":  {"1.00", unpaid, refusal("odd", "", "odd")},
	} {
		t.Run(name, func(t *testing.T) {
			r := poor(t, tc.balance, tc.leaves, tc.answer)
			_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
			failure := requireFault(t, err, fault.API)
			assert.False(t, failure.OutcomeUnknown)
			assert.Equal(t, "balance", failure.Object)
			assert.Contains(t, failure.Message, "Nothing was bought, and no unpaid order remains")
			assert.Len(t, r.submitted("certificate.order.param"), 1)
			if tc.balance != "" {
				assert.Contains(t, failure.Message, tc.balance+" EUR")
			}
			snapshot, err := r.OrderSnapshot(t.Context())
			require.NoError(t, err)
			assert.Empty(t, snapshot.Orders)
		})
	}
}

func TestUnpaidOrdersThatCannotBeDeletedAreNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		leaves   func(*remote)
		function string
		says     string
	}{
		"order":  {unpaid, "certificate.delete", "the order 77 still exists"},
		"basket": {inBasket, "basket sok", "the entry 501 of the basket still exists"},
	} {
		t.Run(name, func(t *testing.T) {
			r := poor(t, "1.00", tc.leaves, doc("f", `<ok>func=payment</ok>`))
			r.set(tc.function, says(refusal("access", "deny", "Insufficient privileges")))
			_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
			failure := requireFault(t, err, fault.Unclear)
			assert.True(t, failure.OutcomeUnknown)
			assert.Contains(t, failure.Message, tc.says)
		})
	}
}

// The balance after the order proves nothing: it is low because the order was paid.
func TestBalanceAfterThePaymentIsNoReasonToRefuse(t *testing.T) {
	r := newRemote(t, map[string]reply{"whoami": whoami("9.50")})
	r.set(buying, func(w http.ResponseWriter, form url.Values) {
		r.set("whoami", whoami("0.50"))
		says(refusal("mysterious", "", "odd"))(w, form)
	})
	_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
	assert.True(t, requireFault(t, err, fault.Unclear).OutcomeUnknown)
}

func TestAnOrderThatIsPaidAMomentLaterIsAccepted(t *testing.T) {
	r := poor(t, "125.50", nowhere, "")
	r.set(buying, func(w http.ResponseWriter, form url.Values) {
		first := true
		r.set("certificate", func(w http.ResponseWriter, form url.Values) {
			state := 5
			if first {
				state, first = 1, false
			}
			listed(row(77, "www.example.org", state, referenced))(w, form)
		})
		says(doc("f", `<id>77</id><ok/>`))(w, form)
	})
	receipt, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
	require.NoError(t, err)
	assert.EqualValues(t, 77, receipt.ID)
	assert.Empty(t, r.submitted("certificate.delete"))
}

// Without an answer the remote may still execute the order, so an unpaid order is not deleted.
func TestALostAnswerDeletesNothing(t *testing.T) {
	for name, leaves := range map[string]func(*remote){"unpaid": unpaid, "basket": inBasket, "nothing": nowhere} {
		t.Run(name, func(t *testing.T) {
			r := poor(t, "1.00", leaves, "")
			r.set(buying, drops(func() { leaves(r) }))
			_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
			assert.True(t, requireFault(t, err, fault.Unclear).OutcomeUnknown)
			assert.Empty(t, r.submitted("certificate.delete"))
			assert.Empty(t, r.submitted("basket"))
		})
	}
}

func TestOtherEntriesOfTheBasketStay(t *testing.T) {
	r := poor(t, "1.00", nowhere, doc("f", `<ok>func=payment</ok>`))
	r.set("basket", says(doc("basket", `<list name="itemlist"><elem><id>400</id><name>www.example.org</name></elem></list>`)))
	_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
	requireFault(t, err, fault.API)
	assert.Empty(t, r.submitted("basket"), "it was there before")
}

func TestAStepThatOrdersTooEarlyLeavesNoEntry(t *testing.T) {
	r := poor(t, "125.50", nowhere, "")
	r.set("certificate.order.csr sok", func(w http.ResponseWriter, form url.Values) {
		inBasket(r)
		says(doc("f", `<ok>func=order</ok><billorder>98765</billorder>`))(w, form)
	})
	_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
	failure := requireFault(t, err, fault.API)
	assert.Contains(t, failure.Message, "list and basket show no order")
	assert.Equal(t, []bool{true, true}, []bool{failure.OutcomeUnknown, failure.Refused}, "rules BUY-12: this answer is no refusal of the remote's own")
	assert.Len(t, r.submitted("basket"), 1)
	assert.Empty(t, r.submitted("certificate.order.param"))
}

// renewing returns the renewal form of an order that ends on the day.
func renewing(until string) reply {
	return says(doc("service.prolong", `<title_name>PositiveSSL</title_name><expiredate>`+until+`</expiredate><period>12</period>`+
		`<slist name="period"><val key="12">12</val><val key="24">24</val></slist>`))
}

func TestARenewalIsPaidByOneRequest(t *testing.T) {
	for name, tc := range map[string]struct {
		answer reply
		until  string
		kind   string // of the fault; empty if it is done
	}{
		"done":                       {says(doc("f", `<ok/><doc><newexpiredate>2027-10-01</newexpiredate></doc>`)), "2026-10-01", ""},
		"lost answer, it moved":      {drops(nil), "2027-10-01", ""},
		"lost answer, as before":     {drops(nil), "2026-10-01", fault.Unclear},
		"ok without a date, moved":   {says(doc("f", `<ok/>`)), "2027-10-01", ""},
		"ok without a date, as ever": {says(doc("f", `<ok/>`)), "2026-10-01", fault.Unclear},
		"refused":                    {says(refusal("value", "period", "odd")), "2026-10-01", fault.API},
		"unknown error":              {says(refusal("odd", "", "odd")), "2026-10-01", fault.Unclear},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, map[string]reply{"service.prolong": renewing("2026-10-01")})
			r.set("service.prolong sok", func(w http.ResponseWriter, form url.Values) {
				r.set("service.prolong", renewing(tc.until))
				tc.answer(w, form)
			})
			p := order(request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
			p.Kind, p.ID = seller.KindProlong, 77
			receipt, err := r.Buy(t.Context(), p)
			require.Len(t, r.submitted("service.prolong"), 1)
			sent := r.submitted("service.prolong")[0]
			assert.Equal(t, "77 12", sent.Get("elid")+" "+sent.Get("period"))
			if tc.kind == "" {
				require.NoError(t, err)
				assert.EqualValues(t, 77, receipt.ID)
				return
			}
			failure := requireFault(t, err, tc.kind)
			assert.Equal(t, tc.kind == fault.Unclear, failure.OutcomeUnknown)
			assert.Equal(t, name == "ok without a date, as ever", failure.Accepted)
		})
	}
}

// A renewal by the remote, or one of ours whose answer was lost, moves the order's end only when it is done
// (docs/reference/ispmanager.md §5, §8).
func TestARenewalUnderWayIsNotPaidAgain(t *testing.T) {
	for name, status := range map[string]string{
		"in the status": `<item_status orig="item_status_5_prolong">Processing</item_status>`,
		"beside it":     `<item_status orig="5">Processing</item_status><item_real_status>item_status_5_prolong</item_real_status>`,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, map[string]reply{
				"service.prolong": renewing("2026-10-01"), "service.prolong sok": says(doc("f", `<ok/>`)),
				"certificate": listed(`<elem><id>77</id><CN>www.example.org</CN>` + status + `</elem>`),
			})
			p := order(request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
			p.Kind, p.ID = seller.KindProlong, 77
			_, err := r.Buy(t.Context(), p)
			failure := requireFault(t, err, fault.API)
			assert.True(t, failure.Retry)
			assert.False(t, failure.OutcomeUnknown)
			assert.Empty(t, r.submitted("service.prolong"))
		})
	}
}

// Rules BUY-10: whether a renewal is under way must not be read from a list that was read before for OrderStatus, or from one
// that lacks the order because it moved between two pages.
func TestARenewalUnderWayIsReadFromANewConsistentList(t *testing.T) {
	under := `<elem><id>77</id><CN>www.example.org</CN><item_status orig="item_status_5_prolong">Processing</item_status></elem>`
	pages := func(first, second string) reply {
		return func(w http.ResponseWriter, form url.Values) {
			content := first
			if form.Get("p_num") == "2" {
				content = second
			}
			says(doc("certificate", content+"<p_cnt>1</p_cnt><p_elems>2</p_elems>"))(w, form)
		}
	}
	other := func(id string) string {
		return "<elem><id>" + id + "</id><CN>a.example.org</CN><item_status orig=\"2\">Active</item_status></elem>"
	}
	for name, tc := range map[string]struct{ before, now reply }{
		"read a moment before": {listed(row(77, "www.example.org", 2, "")), listed(under)},
		// 78 goes and 79 comes while page 2 is read: 77 slips to the page that was read already
		"it slips to another page": {listed(row(77, "www.example.org", 2, "")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, map[string]reply{
				"service.prolong": renewing("2026-10-01"), "service.prolong sok": says(doc("f", `<ok/><doc><newexpiredate>2027-10-01</newexpiredate></doc>`)),
				"certificate": tc.before, "certificate.edit": says(doc("certificate.edit", `<id>77</id>`)),
			})
			_, err := r.OrderStatus(t.Context(), 77)
			require.NoError(t, err)
			r.set("certificate", tc.now)
			if tc.now == nil {
				walks := 0
				r.at = r.at.Add(2 * time.Minute)
				r.set("certificate", func(w http.ResponseWriter, form url.Values) {
					if form.Get("p_num") == "1" {
						walks++
					}
					if walks == 1 {
						pages(other("78"), other("76"))(w, form)
						return
					}
					pages(other("79"), under)(w, form)
				})
			}
			p := order(request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
			p.Kind, p.ID = seller.KindProlong, 77
			_, err = r.Buy(t.Context(), p)
			assert.True(t, requireFault(t, err, fault.API).Retry)
			assert.Empty(t, r.submitted("service.prolong"))
		})
	}
}

// An order that is charged while the list still shows it as unpaid must not be deleted, because it is paid.
func TestAnOrderThatWasChargedIsNotDeleted(t *testing.T) {
	r := poor(t, "125.50", unpaid, "")
	r.set(buying, func(w http.ResponseWriter, form url.Values) {
		unpaid(r)
		r.set("whoami", whoami("116.50"))
		says(doc("f", `<id>77</id><ok/>`))(w, form)
	})
	_, err := r.Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
	failure := requireFault(t, err, fault.Unclear)
	assert.True(t, failure.OutcomeUnknown)
	assert.Contains(t, failure.Message, "the balance was 125.50 EUR before and is 116.50 EUR")
	assert.Empty(t, r.submitted("certificate.delete"))
}

func TestARenewalWithInsufficientFundsIsRefused(t *testing.T) {
	r := newRemote(t, map[string]reply{"service.prolong": renewing("2026-10-01"), "whoami": whoami("1.00"), "service.prolong sok": says(refusal("odd", "", "odd"))})
	p := order(request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
	p.Kind, p.ID = seller.KindProlong, 77
	_, err := r.Buy(t.Context(), p)
	assert.Equal(t, "balance", requireFault(t, err, fault.API).Object)
}

func TestRenewalQuoteOnlyReads(t *testing.T) {
	r := newRemote(t, map[string]reply{"service.prolong": renewing("2026-10-01")})
	e, err := r.RenewalQuote(t.Context(), 77, 24)
	require.NoError(t, err)
	assert.Equal(t, "2026-10-01 2028-10-01", e.CurrentEnd.String()+" "+e.NewEnd.String())
	_, err = r.RenewalQuote(t.Context(), 77, 36)
	assert.Contains(t, requireFault(t, err, fault.API).Message, "offered are 12, 24")
	assert.Empty(t, r.submitted("service.prolong"))
}
