package ispmgr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

func TestProlongMovesTheEndAndIsCharged(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("example.com")
	s.moveTo(day("2027-03-20"))
	form := s.ok("service.prolong", "elid", id).root
	assert.Equal(t, "2027-04-02 2028-04-02", form.Text("expiredate")+" "+form.Text("newexpiredate"))
	assert.Equal(t, []string{"12", "24"}, keysOf(form, "period"))
	assert.Equal(t, "value period", s.call("service.prolong", "elid", id, "period", "36", "sok", "ok").problem())
	assert.Equal(t, "value period", s.call("service.prolong", "elid", id, "sok", "ok").problem())

	r := s.ok("service.prolong", "elid", id, "period", "12", "sok", "ok").root
	assert.Equal(t, "2028-04-02", r.Text("doc", "newexpiredate"))
	assert.Equal(t, "982.00", s.balance())
	assert.Equal(t, ispmgr.Requested, s.certificate(id).ServiceStatus)
	require.NoError(t, s.Issue(standintest.Number(t, id)))
	assert.Equal(t, "2027-06-26", s.certificate(id).NotAfter.Format(time.DateOnly), "99 days since 2027-03-15")

	s.ok("service.prolong", "elid", id, "period", "12", "sok", "ok")
	assert.Len(t, s.Charges(), 3, "it is not idempotent")
}

func TestProlongAboveTheBalance(t *testing.T) {
	for funds, want := range map[string]string{ispmgr.FundsError: "low_balance", ispmgr.FundsPaymentURL: "", ispmgr.FundsUnpaid: ""} {
		s := newStandIn(t, func(c *ispmgr.Settings) { c.Funds = funds })
		id := s.issued("example.com")
		s.setAccount(func(a *ispmgr.Account) { a.Balance = 1 })
		r := s.call("service.prolong", "elid", id, "period", "12", "sok", "ok")
		assert.Equal(t, want, r.problem(), funds)
		assert.Empty(t, r.root.All("doc", "newexpiredate"), funds)
		assert.Len(t, s.Charges(), 1, funds)
		entries := s.ok("basket").root.All("list", "elem")
		if funds == ispmgr.FundsError {
			assert.Empty(t, entries)
			continue
		}
		require.Len(t, entries, 1)
		assert.Equal(t, r.root.Text("billorder"), entries[0].Text("billorder"))
		assert.Equal(t, "low_balance", s.call("basket", "clicked_button", "free", "sok", "ok").problem())
		s.ok("basket", "clicked_button", "delete", "id", entries[0].Text("id"), "sok", "ok")
		assert.Empty(t, s.ok("basket").root.All("list", "elem"))
		assert.Equal(t, "2027-04-02", s.certificate(id).TermEnd.Format(time.DateOnly))
	}
}

func TestARenewalInTheBasketIsPaidOnce(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.Funds = ispmgr.FundsPaymentURL })
	id := s.issued("example.com")
	s.setAccount(func(a *ispmgr.Account) { a.Balance = 0 })
	s.ok("service.prolong", "elid", id, "period", "12", "sok", "ok")
	s.setAccount(func(a *ispmgr.Account) { a.Balance = 20_00 })
	s.ok("basket", "clicked_button", "free", "sok", "ok")
	s.ok("basket", "clicked_button", "free", "sok", "ok")
	assert.Equal(t, "11.00", s.balance())
	assert.Equal(t, "2028-04-02", s.certificate(id).TermEnd.Format(time.DateOnly))
}

// A renewal moves expiredate at once even if it is the leaf's end
// (docs/reference/ispmanager.md §9).
func TestRenewalMovesExpiredateAtOnce(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.Expires = ispmgr.MeansLeaf })
	id := s.buy("example.com")
	shown := func() string { return s.ok("certificate.edit", "elid", id).root.Text("expiredate") }
	assert.Equal(t, "2027-04-02", shown())
	require.NoError(t, s.Issue(standintest.Number(t, id)))
	assert.Equal(t, "2026-10-17", shown())
	s.ok("service.prolong", "elid", id, "period", "12", "sok", "ok")
	assert.Equal(t, "2028-04-02", shown())
	require.NoError(t, s.Issue(standintest.Number(t, id)))
	assert.Equal(t, "2026-10-17", shown())
}

func TestTheRemoteMayReissueByItself(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.OwnReissueDays, c.ReuseValidation = 30, true })
	id := s.issued("example.com")
	s.moveTo(day("2026-09-16"))
	assert.Len(t, s.certificate(id).Serials, 1)
	s.moveTo(day("2026-09-18"))
	assert.Len(t, s.certificate(id).Serials, 2, "the validation is reused")
	s.moveTo(day("2027-04-01"))
	waiting := s.certificate(id)
	assert.Equal(t, ispmgr.Active, waiting.Status)
	assert.Equal(t, ispmgr.Requested, s.certificate(s.buy("example.org")).ServiceStatus)
	assert.Len(t, s.Charges(), 2)
}

func TestTheRemoteRenewsWithAutoprolong(t *testing.T) {
	s := newStandIn(t)
	off, on := s.issued("off.example.com"), s.issued("on.example.com", "autoprolong", "")
	assert.Equal(t, "12", s.certificate(on).AutoProlong, "a client that says nothing is renewed")
	also := s.issued("also.example.com", "autoprolong", "12")
	s.ok("certificate.edit", "elid", also, "autoprolong", "null", "sok", "ok")
	assert.Equal(t, "value autoprolong", s.call("certificate.edit", "elid", also, "autoprolong", "7", "sok", "ok").problem())
	s.moveTo(day("2027-04-03"))
	assert.Equal(t, ispmgr.Suspended, s.certificate(off).Status)
	assert.Equal(t, ispmgr.Suspended, s.certificate(also).Status)
	assert.Equal(t, ispmgr.Processing, s.certificate(on).Status)
	charges := s.Charges()
	assert.Equal(t, "autoprolong", charges[len(charges)-1].Command)
}
