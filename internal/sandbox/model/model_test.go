package model

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const site = "example.com"

// provide returns a provider on the day of the documented example, with a policy that acts this many days before the end.
func provide(seller Seller, before int) *Model {
	return New(Config{Seller: seller, Start: at("2026-04-02", "10:00"), Policy: "auto", Before: before, FirstOrder: 100})
}

// issued returns a provider with an item whose certificate is in place.
func issued(t *testing.T, seller Seller, months int) (*Model, *Item) {
	t.Helper()
	m := provide(seller, 10)
	require.True(t, m.Order(1, site, months))
	m.Prove(site)
	require.True(t, m.Sync(1))
	require.Equal(t, Issued, m.Item(1).Service)
	return m, m.Item(1)
}

// eachSeller runs a test for both sellers.
func eachSeller(t *testing.T, test func(t *testing.T, seller Seller)) {
	t.Helper()
	for seller, name := range map[Seller]string{Namecheap: "ids of their own", ISPmanager: "in place"} {
		t.Run(name, func(t *testing.T) { test(t, seller) })
	}
}

// docs/reference/validity.md §B2: the documented example.
func TestTheDocumentedExample(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller Seller) {
		m := provide(seller, 10)
		require.True(t, m.Order(1, site, 60))
		i := m.Item(1)
		assert.Equal(t, "2026-10-19 2031-04-02", i.Expire.String()+" "+i.PaidUntil().String())
		assert.Equal(t, Waiting, i.Service)
		m.Prove(site)
		require.True(t, m.Sync(1))
		assert.Equal(t, "2026-10-17 2031-04-02", i.Expire.String()+" "+i.PaidUntil().String(), "199 days from midnight")
		assert.Equal(t, []int64{100}, i.Lineage)
		assert.Equal(t, []int64{100}, m.Payments())
	})
	t.Run("a term of a year shows no paid until", func(t *testing.T) {
		_, i := issued(t, Namecheap, 12)
		assert.Equal(t, NoDate, i.PaidUntil())
		assert.Equal(t, "2027-04-02", i.TermEnd().String())
	})
	t.Run("a panel that bills at the expiration date", func(t *testing.T) { // rules STORE-3
		m := provide(Namecheap, 10)
		m.config.ByTerm = true
		m.Order(1, site, 24)
		assert.Equal(t, "2028-04-02", m.Item(1).Expire.String())
	})
}

// rules BUY-2, BUY-3, BUY-4, BUY-8, BUY-12: whatever goes wrong, an order is paid once.
func TestAnOrderIsPaidOnce(t *testing.T) {
	for _, row := range []struct {
		fault  Fault
		seller Seller
		opened bool
		paid   int // by the run with the fault
	}{
		{NoFault, Namecheap, true, 1}, {NoMoney, Namecheap, false, 0}, {KeyRefused, Namecheap, false, 0}, {Outage, Namecheap, false, 0},
		{OrderRefused, Namecheap, false, 0}, {AnswerLost, Namecheap, false, 1},
		{NoMoney, ISPmanager, false, 0}, {KeyRefused, ISPmanager, false, 0}, {Outage, ISPmanager, false, 0}, {OrderRefused, ISPmanager, false, 0},
		{AnswerLost, ISPmanager, true, 1}, // found by its reference
	} {
		t.Run(fmt.Sprintf("%s %d", row.fault, row.seller), func(t *testing.T) {
			m := provide(row.seller, 10)
			m.SetFault(row.fault)
			assert.Equal(t, row.opened, m.Order(1, site, 12))
			assert.Len(t, m.Payments(), row.paid)
			i := m.Item(1)
			assert.Equal(t, row.fault == AnswerLost && row.seller == Namecheap, i.Lost())
			assert.Equal(t, row.opened, i.Operation == nil)
			m.SetFault(NoFault)
			m.Pending()
			assert.Nil(t, i.Operation)
			assert.Len(t, m.Payments(), 1)
			assert.Equal(t, Active, i.Status)
			require.True(t, m.Open(1), "rules BUY-6")
			assert.Len(t, m.Payments(), 1)
		})
	}
}

func TestAnOperationIsLeftToTheAdministratorAfterTenRuns(t *testing.T) {
	m := provide(Namecheap, 10)
	m.SetFault(Outage)
	m.Order(1, site, 12)
	for range 20 {
		m.Pending()
	}
	assert.Equal(t, 10, m.Item(1).Operation.Tries)
	assert.True(t, m.Item(1).Operation.Manual)
}

// rules BUY-7: a renewal is refused more than 90 days before the end of the term, and pays for the next one after that.
func TestARenewalIsPaidOnceNearTheEnd(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller Seller) {
		m, i := issued(t, seller, 12)
		m.Advance(at("2027-01-01", "23:00").Sub(m.Now())) // 91 days before 2027-04-02
		require.False(t, m.Renew(1))
		assert.True(t, i.Operation.Manual, "rules BUY-22")
		assert.Len(t, m.Payments(), 1)
		m.DeleteOperation(1)
		m.Advance(26 * time.Hour)
		require.True(t, m.Renew(1))
		assert.Len(t, m.Payments(), 2)
		assert.Equal(t, "2027-04-02 12", fmt.Sprint(i.TermStart, " ", i.TermMonths), "rules PARAM-4")
		assert.Equal(t, map[Seller]int{Namecheap: 2, ISPmanager: 1}[seller], len(i.Lineage))
		require.False(t, m.Renew(1), "the new term has just begun")
		assert.Len(t, m.Payments(), 2)
	})
}

// docs/reference/validity.md §B3.6 and §B3.7: when the sweep acts.
func TestTheSweepActsWhenACertificateIsDue(t *testing.T) {
	for _, row := range []struct {
		before, left int // days
		due          bool
	}{
		{10, 11, false}, {10, 10, true}, {10, 0, true}, {10, -3, true}, {30, 31, false}, {30, 30, true}, {0, 1, false}, {0, 0, true},
		{200, 100, false}, {200, 99, true}, // half of 199 days
	} {
		m := provide(Namecheap, row.before)
		m.Order(1, site, 60)
		m.Prove(site)
		m.Sync(1)
		m.Advance(time.Duration(int(ParseDate("2026-10-17")-m.today())-row.left) * day)
		assert.Equal(t, row.due, m.Due(m.Item(1)), "%+v", row)
	}
	t.Run("not after the term, not without a gain, not with an operation", func(t *testing.T) { // rules SWEEP-3
		m, i := issued(t, Namecheap, 12)
		m.Advance(190 * day)
		require.True(t, m.Due(i))
		i.Operation = &Operation{Command: "reopen"}
		assert.False(t, m.Due(i))
		i.Operation = nil
		i.TermStart = ParseDate("2025-10-17")
		assert.False(t, m.Due(i), "the certificate reaches the end of the term")
		i.TermStart = ParseDate("2025-10-08")
		assert.False(t, m.Due(i), "the term is over")
	})
	t.Run("not again within a day", func(t *testing.T) {
		m, i := issued(t, Namecheap, 60)
		m.Advance(190 * day)
		i.tried = attempt{leaf: i.Stored, at: m.now.Add(-23 * time.Hour).Unix(), count: 1}
		assert.False(t, m.Due(i))
		m.Advance(time.Hour)
		assert.True(t, m.Due(i))
		i.tried.count = 5
		assert.False(t, m.Due(i))
	})
}

// docs/reference/validity.md §A5: reissues of a term that begins on 2026-04-02, 7 and 14 days early. The days are counted from the last
// second of a certificate there, and from its last day here.
func TestReissuesOfATerm(t *testing.T) {
	for _, row := range []struct{ before, years, want int }{
		{6, 1, 1}, {6, 2, 5}, {6, 3, 9}, {6, 4, 18}, {6, 5, 27}, {13, 1, 1}, {13, 2, 6}, {13, 3, 10}, {13, 4, 20}, {13, 5, 32},
	} {
		m := provide(Namecheap, row.before)
		m.Order(1, site, 12*row.years)
		i := m.Item(1)
		for m.today() < i.TermEnd() {
			m.Sweep()
			m.Prove(site) // on the same day
			m.Sync(1)
			m.Advance(day)
		}
		assert.Len(t, i.Lineage, 1+row.want, "%+v", row)
		assert.Len(t, m.Payments(), 1)
		assert.Equal(t, i.TermEnd(), i.Expire)
	}
}

// rules STORE-7: a certificate that ends earlier is not stored, unless it answers another request.
func TestTheBetterCertificateStays(t *testing.T) {
	for name, row := range map[string]struct {
		newKey bool
		stored int64
	}{"the same request": {false, 100}, "another key": {true, 101}} {
		t.Run(name, func(t *testing.T) {
			m := New(Config{Start: at("2027-03-10", "10:00"), Policy: "auto", Before: 10, FirstOrder: 100})
			m.Order(1, site, 60)
			m.Prove(site)
			m.Sync(1)
			m.Advance(7 * day) // certificates are half as long now
			require.True(t, m.Reissue(1, row.newKey))
			m.Prove(site)
			require.True(t, m.Sync(1))
			assert.Equal(t, row.stored, m.Item(1).Stored.Order)
			assert.Equal(t, Issued, m.Item(1).Service)
		})
	}
}

// rules STORE-6: a certificate of the same day is not asked for again.
func TestACertificateOfTheSameDayIsNotReissued(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller Seller) {
		m, i := issued(t, seller, 60)
		require.True(t, m.Reissue(1, false))
		assert.Equal(t, 1, m.NewestOrder(i).Requests)
		m.Advance(day)
		require.True(t, m.Reissue(1, false))
		requests := 0
		for _, o := range m.Orders() {
			requests += o.Requests
		}
		assert.Equal(t, 2, requests)
	})
}

// rules STORE-5, STORE-10: a CSR that comes while a reissue runs waits for its end, and what that brings is not stored.
func TestANewKeyWaitsForTheReissueThatRuns(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller Seller) {
		m, i := issued(t, seller, 60)
		m.proved = map[string]time.Time{} // nothing to reuse
		m.Advance(190 * day)
		require.True(t, m.Reissue(1, false))
		require.False(t, m.Reissue(1, true))
		before := i.Stored
		m.Prove(site)
		require.True(t, m.Sync(1))
		assert.Equal(t, before, i.Stored)
		assert.Equal(t, Issued, i.Service)
		require.True(t, m.Retry(1))
		m.Advance(10 * time.Minute)
		m.Sync(1)
		assert.NotEqual(t, before, i.Stored, "the validation is reused")
	})
}

// rules STORE-4: a refused first order fails; an item with a certificate keeps it.
func TestAnEndedOrder(t *testing.T) {
	m, i := issued(t, Namecheap, 12)
	m.orders[100].State, i.Service = Ended, Waiting
	m.Sync(1)
	assert.Equal(t, Issued, i.Service)
	i.Stored, i.Service = LeafID{}, Waiting
	m.Advance(time.Hour)
	assert.True(t, m.Sync(1))
	assert.Equal(t, Refused, i.Service)
	i.Service = Waiting
	m.Advance(time.Hour)
	assert.False(t, m.Sweep(), "the administrator looks at a sweep that fails")
	assert.Equal(t, Refused, i.Service)
	assert.True(t, m.Sweep(), "once")
}

// docs/performance.md: the list of waiting orders is read once in two minutes.
func TestTheListOfWaitingOrdersIsShared(t *testing.T) {
	m := provide(Namecheap, 10)
	m.Order(1, site, 12)
	require.True(t, m.Sync(1))
	m.SetFault(Outage)
	require.True(t, m.Sync(1), "nothing is asked")
	m.Advance(2 * time.Minute)
	require.False(t, m.Sync(1))
}

// rules SWEEP-13: a sweep works on several items at once, so nobody knows whether the list was read before or after a request.
func TestWhichOfTwoItemsIsFasterIsNotPredicted(t *testing.T) {
	m, first := issued(t, Namecheap, 60)
	require.True(t, m.Order(2, "example.org", 60))
	m.Prove("example.org")
	m.Advance(time.Hour)
	require.True(t, m.Sync(2))
	leaf, _ := m.LeafOf(first)
	m.Advance(leaf.Until.Sub(m.Now()) + 20*day) // the proofs have ended too
	require.True(t, m.Sweep())
	require.Equal(t, Waiting, first.Service)
	require.False(t, m.TakeUndetermined())
	m.SetFault(Outage)
	m.Sweep()
	assert.True(t, m.TakeUndetermined(), "one of them may not be in the list")
	assert.False(t, m.TakeUndetermined())
	m.Advance(listFor)
	assert.False(t, m.Sweep(), "the list has to be read again")
	assert.False(t, m.TakeUndetermined())
	m.SetFault(NoFault)
	require.True(t, m.Sweep())
	m.SetFault(Outage)
	assert.True(t, m.Sweep())
	assert.False(t, m.TakeUndetermined(), "the list was read after the requests")
}
