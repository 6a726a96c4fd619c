package ispmgr_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

func TestPricesOfEveryTariff(t *testing.T) {
	s := newStandIn(t)
	prices := func(pairs ...string) map[string]standintest.Node {
		byID := map[string]standintest.Node{}
		for _, p := range s.ok("pricelist.export", append([]string{"itemtype", "certificate"}, pairs...)...).root.All("pricelist") {
			byID[p.Text("id")] = p
		}
		return byID
	}
	all := prices()
	assert.Len(t, all, 9)
	assert.Equal(t, "off", all["1013"].Text("active"))
	assert.Equal(t, "on", all["2018"].Text("hideinorder"))
	periods := all["3033"].All("price", "period")
	require.Len(t, periods, 2)
	assert.Equal(t, "9.0000 12", periods[0].Attr("cost")+" "+periods[0].Attr("length"))
	assert.Equal(t, "EUR", all["3033"].First("price").Attr("currency"))
	assert.Len(t, prices("onlyavailable", "on"), 7)
	assert.Empty(t, s.ok("pricelist.export", "itemtype", "vds").root.All("pricelist"))

	for shape, want := range map[string][]string{
		ispmgr.PricelistBoth: {"pricelist", "tariflist"}, ispmgr.PricelistOld: {"tariflist"}, ispmgr.PricelistV2: {"pricelist"},
	} {
		s.set(func(c *ispmgr.Settings) { c.PricelistShape = shape })
		var lists []string
		for _, list := range s.ok("certificate.order.pricelist").root.All("list") {
			lists = append(lists, list.Attr("name"))
			assert.Len(t, list.All("elem"), 7, shape)
		}
		assert.Equal(t, want, lists, shape)
	}
}

func TestWhereAnOrderAnswersItsID(t *testing.T) {
	for where, path := range map[string][]string{ispmgr.AnswerID: {"id"}, ispmgr.AnswerNestedID: {"doc", "id"}, ispmgr.AnswerNone: nil} {
		s := newStandIn(t, func(c *ispmgr.Settings) { c.OrderAnswer = where })
		r := s.ok("certificate.order.param", order(standintest.CSR(t, "example.com"))...).root
		id := s.ok("certificate").root.Text("elem", "id")
		require.NotEmpty(t, id)
		assert.Len(t, r.All("ok"), 1, where)
		assert.Empty(t, r.Text("ok"), where)
		if path != nil {
			assert.Equal(t, id, r.Text(path...), where)
			continue
		}
		assert.Empty(t, r.All("id"))
		assert.Empty(t, r.All("doc", "id"))
	}
}

func poor(t *testing.T, funds string) *standIn {
	t.Helper()
	s := newStandIn(t, func(c *ispmgr.Settings) { c.Funds = funds })
	s.setAccount(func(a *ispmgr.Account) { a.Balance = 8_99 })
	return s
}

func TestAnOrderAboveTheBalance(t *testing.T) {
	csr := standintest.CSR(t, "example.com")
	t.Run("ends in an error", func(t *testing.T) {
		s := poor(t, ispmgr.FundsError)
		assert.Equal(t, "low_balance", s.call("certificate.order.param", order(csr)...).problem())
		assert.Empty(t, s.ok("basket").root.All("list", "elem"))
	})
	t.Run("leads to a payment and lies in the basket", func(t *testing.T) {
		s := poor(t, ispmgr.FundsPaymentURL)
		r := s.ok("certificate.order.param", order(csr)...).root
		assert.Equal(t, "url", r.First("ok").Attr("type"))
		assert.Contains(t, r.Text("ok"), "/mancgi/payment")
		assert.Empty(t, s.ok("certificate").root.All("elem"))
		item := s.ok("basket").root.First("list", "elem")
		assert.Equal(t, r.Text("billorder"), item.Text("billorder"))
		assert.Equal(t, "missed id", s.call("basket", "clicked_button", "delete", "id", "4", "sok", "ok").problem())
		s.ok("basket", "clicked_button", "delete", "id", item.Text("id"), "sok", "ok")
		assert.Empty(t, s.ok("basket").root.All("list", "elem"))
		assert.Empty(t, s.ok("certificate").root.All("elem"), "what never was a service is not listed as deleted")
	})
	t.Run("makes an unpaid service", func(t *testing.T) {
		s := poor(t, ispmgr.FundsUnpaid)
		r := s.ok("certificate.order.param", order(csr)...).root
		assert.Contains(t, r.Text("ok"), "func=payment")
		row := s.ok("certificate").root.First("elem")
		assert.Equal(t, r.Text("id"), row.Text("id"))
		assert.Equal(t, "1", row.First("item_status").Attr("orig"))
		s.ok("certificate.delete", "elid", r.Text("id"), "sok", "ok")
		assert.Equal(t, "4", s.ok("certificate").root.First("elem", "item_status").Attr("orig"))
	})
	for _, funds := range []string{ispmgr.FundsError, ispmgr.FundsPaymentURL, ispmgr.FundsUnpaid} {
		s := poor(t, funds)
		s.call("certificate.order.param", order(csr)...)
		assert.Empty(t, s.Charges(), funds)
		assert.Equal(t, "8.99", s.balance(), funds)
	}
}

func TestWithoutSkipbasketNothingIsPaid(t *testing.T) {
	s := newStandIn(t)
	r := s.ok("certificate.order.param", order(standintest.CSR(t, "example.com"), "skipbasket", "off")...).root
	assert.Equal(t, "func=order", r.Text("ok"))
	assert.NotEmpty(t, r.Text("billorder"))
	assert.Empty(t, s.Charges())
	basket := s.ok("basket").root
	assert.Equal(t, "9.00", basket.Text("total_sum"))

	s.ok("basket", "clicked_button", "free", "sok", "ok")
	assert.Len(t, s.Charges(), 1)
	assert.Equal(t, "5", s.ok("certificate").root.First("elem", "item_status").Attr("orig"))
}

func TestSupportPaysAnUnpaidOrder(t *testing.T) {
	s := poor(t, ispmgr.FundsUnpaid)
	id := s.buy("example.com")
	require.ErrorContains(t, s.Pay(standintest.Number(t, id)), "cannot be paid")
	s.setAccount(func(a *ispmgr.Account) { a.Balance = 10_00 })
	require.NoError(t, s.Pay(standintest.Number(t, id)))
	require.ErrorContains(t, s.Pay(standintest.Number(t, id)), "cannot be paid", "not twice")
	assert.Equal(t, "1.00", s.balance())
}

func TestBalanceIsShownInThreePlaces(t *testing.T) {
	s := newStandIn(t)
	assert.Equal(t, "1000.00", s.ok("whoami").root.First("user").Attr("balance"))
	assert.Equal(t, "1000.00 EUR", s.ok("subaccount").root.Text("elem", "balance"))
	assert.Equal(t, "1000.00 EUR", s.ok("dashboard.info").root.Text("elem", "balance"))
}
