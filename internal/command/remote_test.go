package command_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeRemote is a seller that takes the CSR with the order, keeps the order reference, and reissues and renews in place.
type fakeRemote struct {
	records      []seller.OrderSummary
	statuses     map[int64]seller.OrderStatus
	ends         map[int64]cabforum.Date
	leafEnds     cabforum.Date   // shown as the end of each order, where the remote shows its certificate's
	filtered     bool            // the list is cut: it shows nothing
	unreferenced bool            // the list does not show marks
	shut         map[int64]error // reports that the remote refuses
	snapshotErr  error           // the list cannot be read

	orders, prolongs, reissues, stopped int

	refuses   func(csr string) error // as fakeSeller has it
	err       error                  // of what buys and of Reissue
	anyway    bool                   // it happens although err is returned
	stopErr   error
	noRenewal bool // a renewal changes nothing at the seller
	price     float64
}

func newRemote() *fakeRemote {
	return &fakeRemote{statuses: map[int64]seller.OrderStatus{}, ends: map[int64]cabforum.Date{}}
}

func (r *fakeRemote) Account() string             { return "https://remote.example/billmgr account" }
func (r *fakeRemote) Check(context.Context) error { return nil }
func (r *fakeRemote) OrderRef(installation string, it int64) string {
	return fmt.Sprintf("%s-%d", installation, it)
}

func (r *fakeRemote) OrderSnapshot(context.Context) (seller.OrderSnapshot, error) {
	snapshot := seller.OrderSnapshot{}
	if r.snapshotErr != nil {
		return snapshot, r.snapshotErr
	}
	if r.filtered {
		return snapshot, nil
	}
	for _, one := range r.records {
		snapshot.Highest = max(snapshot.Highest, one.ID)
		if r.unreferenced {
			one.OrderRef = ""
		}
		snapshot.Orders = append(snapshot.Orders, one)
	}
	return snapshot, nil
}

// add adds an order to the account and returns its id.
func (r *fakeRemote) add(host, ref string, months int, created cabforum.Date) int64 {
	id := int64(500 + len(r.records))
	r.records = append(r.records, seller.OrderSummary{ID: id, State: seller.StateWaiting, Months: months, CommonName: host, OrderRef: ref, Created: created, Type: "PositiveSSL"})
	r.statuses[id] = seller.OrderStatus{ID: id, State: seller.StateWaiting, CommonName: host, SANs: -1}
	r.ends[id] = created.AddMonths(months)
	return id
}

func (r *fakeRemote) Buy(_ context.Context, p seller.Purchase) (seller.Receipt, error) {
	if r.err != nil && !r.anyway {
		return seller.Receipt{}, r.err
	}
	id := p.ID
	if p.Kind == seller.KindProlong {
		r.prolongs++
		if !r.noRenewal {
			r.ends[id] = r.ends[id].AddMonths(p.Months)
		}
	} else {
		r.orders++
		id = r.add(p.Request.CSR.CommonName, p.OrderRef, p.Months, cabforum.DateOf(now()))
		status := r.statuses[id]
		status.CSR = p.Request.CSR.PEM
		status.Challenges = []seller.Challenge{
			{Domain: p.Request.CSR.CommonName, Method: seller.MethodDNS, ApproverMethod: "auth_dnscname", Host: "_x.example.com", Record: "CNAME", Target: "y.ca.example"},
			{Domain: p.Request.CSR.CommonName, Method: seller.MethodFile, ApproverMethod: "auth_http", URL: "http://example.com/.well-known/x.txt", Body: "z"},
		}
		r.statuses[id] = status
	}
	return seller.Receipt{ID: id}, r.err
}

func (r *fakeRemote) Balance(context.Context) (seller.Money, error) {
	return seller.Money{Amount: 20, Text: "20.00", Currency: "EUR"}, nil
}

func (r *fakeRemote) Price(_ context.Context, p seller.Purchase) (seller.Money, bool) {
	return seller.Money{Amount: r.price, Text: fmt.Sprint(r.price), Currency: "EUR"}, r.price > 0 && p.Months == 12
}

func (r *fakeRemote) Challenges(_ context.Context, id int64, _ seller.Request) ([]seller.Challenge, error) {
	return r.statuses[id].Challenges, nil
}

func (r *fakeRemote) OrderStatus(_ context.Context, id int64) (seller.OrderStatus, error) {
	if err := r.shut[id]; err != nil {
		return seller.OrderStatus{}, err
	}
	if status, ok := r.statuses[id]; ok {
		return status, nil
	}
	return seller.OrderStatus{ID: id, State: seller.StateCancelled, StatusText: "deleted"}, nil
}

func (r *fakeRemote) RenewalQuote(_ context.Context, id int64, months int) (seller.RenewalQuote, error) {
	e := seller.RenewalQuote{CurrentEnd: r.ends[id], NewEnd: r.ends[id].AddMonths(months)}
	if !r.leafEnds.IsZero() {
		e.CurrentEnd = r.leafEnds
	}
	return e, nil
}

func (r *fakeRemote) Reissue(_ context.Context, id int64, q seller.Request) (int64, []seller.Challenge, error) {
	if r.err != nil && !r.anyway {
		return 0, nil, r.err
	}
	r.reissues++
	if r.refuses != nil {
		if err := r.refuses(q.CSR.PEM); err != nil {
			return 0, nil, err
		}
	}
	status := r.statuses[id]
	status.State, status.CSR = seller.StateWaiting, q.CSR.PEM
	r.statuses[id] = status
	return id, nil, r.err
}

func (r *fakeRemote) StopRenewal(context.Context, int64) error {
	r.stopped++
	return r.stopErr
}

// issue issues a certificate for so many days.
func (r *fakeRemote) issue(t *testing.T, id int64, pair keyPair, from time.Time, days int) {
	t.Helper()
	r.change(id, func(status *seller.OrderStatus) {
		status.State, status.PEM, status.StatusText = seller.StateIssued, signed(t, pair, from, days), "active"
	})
}

func (r *fakeRemote) change(id int64, what func(*seller.OrderStatus)) {
	status := r.statuses[id]
	what(&status)
	r.statuses[id] = status
}

func (s *fixture) remoteEnv() *item.Run {
	run := s.sellerEnv()
	run.Info.Prototype = s.remote
	run.Info.Account = func(map[string]string) string { return s.remote.Account() }
	run.Info.Connect = func(map[string]string) (seller.Seller, error) { return s.remote, nil }
	return run
}

const itemRef = "0badc0ffee-42"

// remoteFixture returns a new order at a seller that reissues in place.
func remoteFixture(t *testing.T) *fixture {
	t.Helper()
	s := newFixture(t)
	s.remote = newRemote()
	return s
}

// placedFixture returns such an order with a certificate for 199 days, half a year later.
func placedFixture(t *testing.T, months int) *fixture {
	t.Helper()
	s := remoteFixture(t)
	s.panel.order.Period = months
	require.NoError(t, s.run(command.Open))
	s.remote.issue(t, 500, s.pair, now(), 199)
	s.args = item.Args{Command: "sync_item", Item: 42}
	require.NoError(t, s.run(command.SyncItem))
	require.Equal(t, "5", s.param(itemparam.ServiceStatus))
	s.panel.calls = nil
	s.args.Command = "reopen"
	s.at = now().AddDate(0, 0, 190)
	return s
}

// period sets the ordered period in months.
func (s *fixture) period(months int) {
	s.panel.order.Period = months
	delete(s.panel.order.Params, itemparam.TermMonths)
}

func (s *fixture) param(name string) string { return s.panel.order.Params[name] }

func lost() *fault.Error {
	return &fault.Error{Type: fault.Unclear, Message: "no answer", Retry: true, OutcomeUnknown: true}
}

func TestAnOrderHasTheReferenceAndIsPlacedOnce(t *testing.T) {
	s := remoteFixture(t)
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, 1, s.remote.orders)
	assert.Equal(t, itemRef, s.remote.records[0].OrderRef)
	assert.Equal(t, "500", s.param(itemparam.OrderID))
	assert.Equal(t, "500", s.param(itemparam.Lineage))
	assert.Equal(t, "4", s.param(itemparam.ServiceStatus), "the first sync found it waiting")
	assert.Equal(t, "_x.example.com CNAME y.ca.example", s.param("auth_dnscname_value"))
	assert.Equal(t, "http://example.com/.well-known/x.txt\nz", s.param("auth_http_value"), "the challenges of every method that the seller returns")
	assert.Equal(t, "example.com", s.param(itemparam.Domains))
	assert.Empty(t, s.param(itemparam.Intent))
	require.Len(t, s.panel.journal, 1)
	assert.Equal(t, seller.KindOrder, s.panel.journal[0].Kind)

	require.NoError(t, s.run(command.Open), "the operation again")
	assert.Equal(t, 1, s.remote.orders)
}

// rules BUY-4: an order whose answer was lost is found by the item's order reference, or by name and day if the list has no
// references.
func TestALostOrderIsFoundByItsReference(t *testing.T) {
	for name, unreferenced := range map[string]bool{"by the mark": false, "by name and day": true} {
		t.Run(name, func(t *testing.T) {
			s := remoteFixture(t)
			s.remote.err, s.remote.anyway, s.remote.unreferenced = lost(), true, unreferenced
			require.Equal(t, fault.Unclear, faultType(t, s.run(command.Open)))
			require.NotEmpty(t, s.param(itemparam.Intent))
			s.remote.err = nil
			s.at = s.at.Add(time.Minute)
			require.NoError(t, s.run(command.Open))
			assert.Equal(t, 1, s.remote.orders)
			assert.Equal(t, "500", s.param(itemparam.OrderID))
			assert.Empty(t, s.param(itemparam.Intent))
		})
	}
}

// An order with the item's reference is adopted even if neither panel nor journal have a record of it.
func TestAnOrderWithTheReferenceIsAdoptedWithoutAnIntent(t *testing.T) {
	s := remoteFixture(t)
	s.remote.add("example.com", itemRef, 12, cabforum.DateOf(now()))
	require.NoError(t, s.run(command.Open))
	assert.Zero(t, s.remote.orders)
	assert.Equal(t, "500", s.param(itemparam.OrderID))
}

func TestOrdersWithTheReferenceThatDoNotFit(t *testing.T) {
	day := cabforum.DateOf(now())
	for name, row := range map[string]struct {
		add    func(*fakeRemote)
		intent bool
		kind   string
		orders int
	}{
		"for another name":                                {func(r *fakeRemote) { r.add("other.example", itemRef, 12, day) }, false, fault.Unclear, 0},
		"two of them":                                     {func(r *fakeRemote) { r.add("example.com", itemRef, 12, day); r.add("example.com", itemRef, 12, day) }, false, fault.Unclear, 0},
		"older than the item":                             {func(r *fakeRemote) { r.add("example.com", itemRef, 12, day.AddDays(-30)) }, false, "", 1},
		"another panel's":                                 {func(r *fakeRemote) { r.add("example.com", "feedfacec0-42", 12, day) }, false, "", 1},
		"another panel's while one is unclear":            {func(r *fakeRemote) { r.add("example.com", "feedfacec0-42", 12, day) }, true, "", 1},
		"two of the name without marks":                   {func(r *fakeRemote) { r.add("example.com", "", 12, day); r.add("example.com", "", 12, day) }, true, fault.Unclear, 0},
		"the name without a mark and no purchase unclear": {func(r *fakeRemote) { r.add("example.com", "", 12, day) }, false, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := remoteFixture(t)
			row.add(s.remote)
			if row.intent {
				s.panel.order.Params[itemparam.Intent] = `{"kind":"order","time":"2026-04-02T09:00:00Z","product":"positivessl","years":1,"snapshot":0,"op":9}`
			}
			err := s.run(command.Open)
			if row.kind == "" {
				require.NoError(t, err)
			} else {
				assert.Equal(t, row.kind, faultType(t, err))
				assert.NotEmpty(t, s.panel.tasks, "a task is opened")
			}
			assert.Equal(t, row.orders, s.remote.orders)
		})
	}
}

// rules BUY-4: if the list does not show the order after ten minutes, it may be bought once more.
func TestAnOrderThatNeverReachedTheSellerIsPlacedAgainLater(t *testing.T) {
	s := remoteFixture(t)
	s.remote.err = lost()
	require.Error(t, s.run(command.Open))
	s.remote.err = nil
	s.at = s.at.Add(9 * time.Minute)
	assert.Equal(t, fault.Waiting, faultType(t, s.run(command.Open)))
	assert.Zero(t, s.remote.orders)
	s.at = s.at.Add(2 * time.Minute)
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, 1, s.remote.orders)
}

// A filter of the account hides orders in its lists (docs/reference/ispmanager.md §1.4).
func TestAFilteredListDoesNotAllowANewPurchase(t *testing.T) {
	s := remoteFixture(t)
	other := s.remote.add("other.example", "0badc0ffee-41", 12, cabforum.DateOf(now()))
	s.panel.claims = []item.Claim{{Item: 41, Module: 5, OrderID: fmt.Sprint(other)}}
	s.remote.err, s.remote.anyway = lost(), true
	require.Error(t, s.run(command.Open))
	s.remote.err, s.remote.filtered = nil, true
	s.at = s.at.Add(time.Hour)
	err := s.run(command.Open)
	assert.Equal(t, fault.Unclear, faultType(t, err))
	assert.Contains(t, err.Error(), "filter")
	assert.Equal(t, 1, s.remote.orders)
	s.remote.filtered = false
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, 1, s.remote.orders)
}

func TestAnUnpaidOrderIsNotOrderedAgain(t *testing.T) {
	s := remoteFixture(t)
	id := s.remote.add("example.com", itemRef, 12, cabforum.DateOf(now()))
	s.remote.records[0].State = seller.StateUnpaid
	s.remote.change(id, func(r *seller.OrderStatus) { r.State = seller.StateUnpaid })
	err := s.run(command.Open)
	assert.Contains(t, err.Error(), "not paid for")
	assert.Zero(t, s.remote.orders)
	assert.Empty(t, s.param(itemparam.OrderID), "it may be deleted at the seller")
	t.Run("until it was deleted", func(t *testing.T) {
		s.remote.records = nil
		require.NoError(t, s.run(command.Open))
		assert.Equal(t, 1, s.remote.orders)
	})
}

func TestAReissueInPlaceKeepsTheIDAndWaitsForTheNewCertificate(t *testing.T) {
	s := placedFixture(t, 60)
	old := s.param(itemparam.Serial)
	s.panel.order.Params["authdnstxt_value"], s.panel.order.Params["auth_none"] = "old", "kept"
	require.NoError(t, s.run(command.Reopen))
	assert.Equal(t, 1, s.remote.reissues)
	assert.NotContains(t, s.panel.order.Params, "authdnstxt_value", "the challenge of the previous certificate, under the seller's own parameter")
	assert.Contains(t, s.panel.order.Params, "auth_none")
	assert.Equal(t, "500", s.param(itemparam.Lineage))
	assert.Equal(t, "4", s.param(itemparam.ServiceStatus))
	assert.NotEmpty(t, s.panel.stored)
	t.Run("the old certificate is not taken for the new one", func(t *testing.T) {
		s.remote.change(500, func(r *seller.OrderStatus) { r.State, r.Inferred = seller.StateIssued, true })
		s.args.Command = "sync_item"
		s.at = s.at.Add(48 * time.Hour)
		require.NoError(t, s.run(command.SyncItem))
		assert.Equal(t, "4", s.param(itemparam.ServiceStatus))
		assert.Equal(t, old, s.param(itemparam.Serial))
	})
	t.Run("a second click sends nothing", func(t *testing.T) {
		s.args.Command = "reopen"
		s.remote.change(500, func(r *seller.OrderStatus) { r.State = seller.StateWaiting })
		require.NoError(t, s.run(command.Reopen))
		assert.Equal(t, 1, s.remote.reissues)
	})
	t.Run("the new one is stored", func(t *testing.T) {
		s.remote.issue(t, 500, s.pair, s.at, 199)
		s.args.Command = "sync_item"
		require.NoError(t, s.run(command.SyncItem))
		assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
		assert.NotEqual(t, old, s.param(itemparam.Serial))
		assert.NotContains(t, s.param(itemparam.ReissueTried), s.param(itemparam.Serial), "the attempts were made for the old certificate")
	})
	t.Run("the next one can follow", func(t *testing.T) {
		s.at = s.at.AddDate(0, 0, 190)
		s.args.Command = "reopen"
		require.NoError(t, s.run(command.Reopen))
		assert.Equal(t, 2, s.remote.reissues)
	})
}

func TestALostReissueInPlaceIsLookedUp(t *testing.T) {
	for name, row := range map[string]struct {
		then     func(*testing.T, *fixture)
		reissues int
		status   string
		waits    bool
	}{
		"it waits":                    {func(*testing.T, *fixture) {}, 1, "4", false},
		"it is issued":                {func(t *testing.T, s *fixture) { s.remote.issue(t, 500, s.pair, s.at, 199) }, 1, "5", false},
		"it never reached the seller": {nil, 0, "5", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := placedFixture(t, 60)
			s.remote.err, s.remote.anyway = lost(), row.then != nil
			err := s.run(command.Reopen)
			s.remote.err = nil
			if row.then != nil {
				require.NoError(t, err, "the run itself has looked it up")
				row.then(t, s)
			} else {
				require.Error(t, err)
			}
			s.at = s.at.Add(5 * time.Minute)
			err = s.run(command.Reopen)
			if row.waits {
				assert.Equal(t, fault.Waiting, faultType(t, err))
				s.at = s.at.Add(10 * time.Minute)
				require.NoError(t, s.run(command.Reopen))
				assert.Equal(t, 1, s.remote.reissues)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.reissues, s.remote.reissues)
			assert.Equal(t, row.status, s.param(itemparam.ServiceStatus))
		})
	}
}

// A remote billing of 2026 reissues automatically: the new certificate is stored.
func TestACertificateThatTheSellerReissuedItselfIsStored(t *testing.T) {
	s := placedFixture(t, 60)
	old := s.param(itemparam.Serial)
	s.remote.issue(t, 500, s.pair, s.at.AddDate(0, 0, -3), 199)
	require.NoError(t, s.run(command.Reopen))
	assert.Zero(t, s.remote.reissues)
	assert.NotEqual(t, old, s.param(itemparam.Serial))
	assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
}

func TestAReissueOfTheSellersOwnIsFollowed(t *testing.T) {
	s := placedFixture(t, 60)
	s.remote.change(500, func(r *seller.OrderStatus) { r.State = seller.StateWaiting })
	require.NoError(t, s.run(command.Reopen))
	assert.Zero(t, s.remote.reissues)
	assert.Equal(t, "4", s.param(itemparam.ServiceStatus))
	t.Run("but not one for another key", func(t *testing.T) {
		s.panel.order.CSR = newPair(t, "example.com").csr
		err := s.run(command.Reopen)
		require.Error(t, err)
		assert.True(t, fault.From(err).Retry)
		assert.Zero(t, s.remote.reissues)
	})
}

// rules STORE-4: after a refused reissue the stored certificate stays, and another reissue can be requested.
func TestARefusedReissueInPlaceCanBeRequestedAgain(t *testing.T) {
	s := placedFixture(t, 60)
	require.NoError(t, s.run(command.Reopen))
	s.remote.change(500, func(r *seller.OrderStatus) { r.State, r.StatusText = seller.StateRefused, "failed" })
	s.args.Command = "sync_item"
	require.NoError(t, s.run(command.SyncItem))
	assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
	assert.NotEmpty(t, s.panel.tasks)
	s.args.Command = "reopen"
	s.at = s.at.Add(25 * time.Hour)
	require.NoError(t, s.run(command.Reopen))
	assert.Equal(t, 2, s.remote.reissues)
}

func TestAReissueWithoutResultIsRequestedAgain(t *testing.T) {
	s := placedFixture(t, 60)
	require.NoError(t, s.run(command.Reopen))
	s.remote.change(500, func(r *seller.OrderStatus) { r.State = seller.StateIssued })
	s.args.Command = "sync_item"
	s.at = s.at.Add(23 * time.Hour)
	require.NoError(t, s.run(command.SyncItem))
	assert.Equal(t, "4", s.param(itemparam.ServiceStatus), "it may not have begun yet")
	s.at = s.at.Add(2 * time.Hour)
	require.NoError(t, s.run(command.SyncItem))
	assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
	s.args.Command = "reopen"
	require.NoError(t, s.run(command.Reopen))
	assert.Equal(t, 2, s.remote.reissues)
}

// endingRemote returns an item whose one-year term ends in 30 days.
func endingRemote(t *testing.T) *fixture {
	t.Helper()
	s := placedFixture(t, 12)
	s.args = item.Args{Command: "prolong", Item: 42, Operation: 11}
	s.at = now().AddDate(0, 11, 0)
	return s
}

func TestARenewalInPlaceIsPaidOnce(t *testing.T) {
	s := endingRemote(t)
	require.NoError(t, s.run(command.Prolong))
	assert.Equal(t, 1, s.remote.prolongs)
	assert.Equal(t, "2027-04-02", s.param(itemparam.TermStart))
	assert.Equal(t, "500", s.param(itemparam.Lineage))
	assert.Contains(t, s.panel.calls, "postprolong")
	for name, operation := range map[string]int64{"the same operation again": 11, "by hand": 0, "another operation": 12} {
		t.Run(name, func(t *testing.T) {
			s.args.Operation = operation
			_ = s.run(command.Prolong)
			assert.Equal(t, 1, s.remote.prolongs)
			assert.Equal(t, "2027-04-02", s.param(itemparam.TermStart))
		})
	}
}

// After an interruption between the journal and the new term the next run does not pay again.
func TestARenewalInTheJournalIsNotPaidAgain(t *testing.T) {
	for name, operation := range map[string]int64{"the same operation": 11, "by hand": 0} {
		t.Run(name, func(t *testing.T) {
			s := endingRemote(t)
			s.panel.fail["drop "+itemparam.Intent] = fault.Errorf(fault.Panel, "x", "the panel is down").Retryable()
			require.Error(t, s.run(command.Prolong))
			require.Equal(t, "2026-04-02", s.param(itemparam.TermStart))
			s.args.Operation = operation
			require.NoError(t, s.run(command.Prolong))
			assert.Equal(t, 1, s.remote.prolongs)
			assert.Equal(t, "2027-04-02", s.param(itemparam.TermStart))
			assert.Empty(t, s.param(itemparam.Intent))
		})
	}
}

func TestALostRenewalIsFoundByTheOrdersEnd(t *testing.T) {
	for name, row := range map[string]struct {
		anyway    bool
		moved     int // days by which the end moves besides
		kind      string
		prolongs  int // by the second run
		termStart string
	}{
		"it happened":           {true, 0, "", 1, "2027-04-02"},
		"it did not":            {false, 0, fault.Waiting, 0, "2026-04-02"},
		"the end moved halfway": {false, 100, fault.Unclear, 0, "2026-04-02"},
	} {
		t.Run(name, func(t *testing.T) {
			s := endingRemote(t)
			s.remote.err, s.remote.anyway = lost(), row.anyway
			require.Equal(t, fault.Unclear, faultType(t, s.run(command.Prolong)))
			s.remote.err = nil
			s.remote.ends[500] = s.remote.ends[500].AddDays(row.moved)
			s.at = s.at.Add(time.Minute)
			err := s.run(command.Prolong)
			if row.kind == "" {
				require.NoError(t, err)
			} else {
				assert.Equal(t, row.kind, faultType(t, err))
			}
			assert.Equal(t, row.prolongs, s.remote.prolongs)
			assert.Equal(t, row.termStart, s.param(itemparam.TermStart))
			if row.kind == fault.Waiting {
				s.at = s.at.Add(10 * time.Minute)
				require.NoError(t, s.run(command.Prolong))
				assert.Equal(t, 1, s.remote.prolongs)
			}
		})
	}
}

// An order that was renewed at the seller is not paid twice.
func TestAnOrderThatWasRenewedAtTheSellerIsNotPaidAgain(t *testing.T) {
	s := endingRemote(t)
	s.remote.ends[500] = s.remote.ends[500].AddMonths(12)
	require.NoError(t, s.run(command.Prolong))
	assert.Zero(t, s.remote.prolongs)
	assert.Equal(t, "2027-04-02", s.param(itemparam.TermStart))
	assert.Contains(t, s.panel.calls, "postprolong")
}

// docs/reference/ispmanager.md §9: the end of an order at the remote may be that of the certificate.
func TestARenewalAtTheSellerIsFoundByTheNewEnd(t *testing.T) {
	for name, row := range map[string]struct{ renewed, prolongs int }{"renewed there": {12, 0}, "not renewed": {0, 1}} {
		t.Run(name, func(t *testing.T) {
			s := endingRemote(t)
			s.remote.leafEnds = cabforum.DateOf(s.at).AddDays(20)
			s.remote.ends[500] = s.remote.ends[500].AddMonths(row.renewed)
			require.NoError(t, s.run(command.Prolong))
			assert.Equal(t, row.prolongs, s.remote.prolongs)
			assert.Equal(t, "2027-04-02", s.param(itemparam.TermStart))
		})
	}
}

func TestAutomaticRenewalAtTheSellerIsSwitchedOff(t *testing.T) {
	s := placedFixture(t, 60)
	s.args.Command = "sync_item"
	s.remote.change(500, func(r *seller.OrderStatus) { r.AutoRenews = true })
	require.NoError(t, s.run(command.SyncItem))
	assert.Equal(t, 1, s.remote.stopped)
	assert.Empty(t, s.panel.tasks)
	t.Run("or a task is opened", func(t *testing.T) {
		s.remote.stopErr = fault.Errorf(fault.API, "certificate.edit", "access denied")
		require.NoError(t, s.run(command.SyncItem))
		require.NoError(t, s.run(command.SyncItem))
		assert.Len(t, s.panel.tasks, 1)
	})
}

// rules BUY-8: a balance below the price gives a warning; the seller decides whether it is enough.
func TestABalanceBelowThePriceGivesAWarning(t *testing.T) {
	for name, row := range map[string]struct {
		price float64
		warns bool
	}{"less than the price": {20.01, true}, "exactly the price": {20, false}, "not known": {0, false}} {
		t.Run(name, func(t *testing.T) {
			s := remoteFixture(t)
			s.remote.price = row.price
			require.NoError(t, s.run(command.Open))
			assert.Equal(t, 1, s.remote.orders)
			assert.Equal(t, row.warns, strings.Contains(strings.Join(s.log.lines, "\n"), "the purchase costs 20.01 EUR"))
		})
	}
}
