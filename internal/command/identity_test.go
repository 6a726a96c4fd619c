package command_test

import (
	"encoding/json"
	"strconv"
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

// changeIntent replaces fields of the item's purchase intent; nil removes a field.
func (s *fixture) changeIntent(t *testing.T, changes map[string]any) {
	t.Helper()
	fields := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(s.param(itemparam.Intent)), &fields))
	for name, value := range changes {
		if value == nil {
			delete(fields, name)
			continue
		}
		fields[name] = value
	}
	raw, err := json.Marshal(fields)
	require.NoError(t, err)
	s.panel.order.Params[itemparam.Intent] = string(raw)
}

// unknown returns the fields of an intent that the previous version did not write, as nil.
func unknown() map[string]any {
	return map[string]any{"account": nil, "at": nil, "key": nil, "name": nil}
}

// rules BUY-9: the id in the answer to a purchase is saved on the item only if it is new and no item has it.
func TestAnAnsweredIDThatCannotBeThePurchaseIsUnclear(t *testing.T) {
	for name, prepare := range map[string]func(s *fixture){
		"another item holds it": func(s *fixture) {
			s.seller.next = 300
			s.panel.claims = []item.Claim{{Item: 7, OrderID: "301", Lineage: "301"}}
		},
		"the journal says that it is another item's": func(s *fixture) {
			s.seller.next = 300
			s.panel.journal = []item.JournalEntry{{Time: s.at, Item: 7, Kind: seller.KindCreate, ID: 301, Account: refOf(s.seller.Account())}}
		},
		"it lies below what was there before": func(s *fixture) {
			s.seller.statuses[900] = seller.OrderStatus{ID: 900, State: seller.StateIssued, CommonName: "other.example"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			prepare(s)
			err := s.run(command.Open)
			require.Equal(t, fault.Unclear, faultType(t, err))
			assert.True(t, fault.From(err).OutcomeUnknown)
			assert.Contains(t, err.Error(), "resolve --item 42")
			assert.Empty(t, s.param(itemparam.OrderID))
			assert.NotEmpty(t, s.param(itemparam.Intent))
			assert.NotContains(t, s.panel.calls, "journal 301")
			assert.Empty(t, s.seller.activated)
			assert.NotEmpty(t, s.panel.tasks)
		})
	}
}

// rules BUY-9: whether the id that will be answered is on another item is read before the payment: nothing may come between its answer and
// the journal.
func TestNothingIsBoughtIfTheItemsOfTheIDsCannotBeRead(t *testing.T) {
	s := newFixture(t)
	s.panel.fail = map[string]error{"claims": fault.Errorf(fault.DB, "itemparam", "the panel's database is gone").Retryable()}
	require.Equal(t, fault.DB, faultType(t, s.run(command.Open)))
	assert.Zero(t, s.seller.buys)
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, 1, s.seller.buys)
}

// rules BUY-2: nothing is asked between the answer of a purchase and the journal, so that it is not lost with the database.
func TestAnAnsweredPurchaseIsJournaledBeforeAnythingIsAsked(t *testing.T) {
	s := newFixture(t)
	s.seller.onBuy = func() {
		down := fault.Errorf(fault.DB, "itemparam", "the panel's database is gone").Retryable()
		s.panel.fail = map[string]error{"claims": down, "save": down, "drop": down}
	}
	require.Error(t, s.run(command.Open))
	require.Len(t, s.panel.journal, 1)
	bought := s.panel.journal[0].ID
	s.seller.onBuy, s.panel.fail = nil, nil
	s.seller.hidden = map[int64]bool{bought: true} // the list is late
	s.at = s.at.Add(11 * time.Minute)
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, 1, s.seller.buys)
	assert.Equal(t, strconv.FormatInt(bought, 10), s.param(itemparam.OrderID))
}

// rules BUY-9: the only candidate is compared with the intent, not with the item's current CSR.
func TestACandidateThatContradictsTheIntentIsUnclear(t *testing.T) {
	other := newPair(t, "other.example")
	same := newPair(t, "example.com")
	for name, row := range map[string]struct {
		shows   func(r *seller.OrderStatus)
		intent  map[string]any
		changed bool // the client has changed its CSR since
		adopted bool
	}{
		"shows nothing":                       {shows: func(*seller.OrderStatus) {}, adopted: true},
		"shows nothing, the CSR has changed":  {shows: func(*seller.OrderStatus) {}, changed: true, adopted: true},
		"another key":                         {shows: func(r *seller.OrderStatus) { r.CSR = same.csr }},
		"another name":                        {shows: func(r *seller.OrderStatus) { r.CSR = other.csr }},
		"is active":                           {shows: func(r *seller.OrderStatus) { r.State = seller.StateIssued }},
		"another product":                     {shows: func(r *seller.OrderStatus) { r.Type = "PositiveSSL Wildcard" }},
		"an intent of the version before":     {shows: func(r *seller.OrderStatus) { r.CSR = other.csr }, intent: unknown(), adopted: true},
		"another key, the CSR is that one by": {shows: func(r *seller.OrderStatus) { r.CSR = same.csr }, changed: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			s.seller.buyErr, s.seller.buyAnyway = lost(), true
			require.Error(t, s.run(command.Open))
			s.seller.buyErr = nil
			s.changeIntent(t, row.intent)
			if row.changed {
				s.panel.order.CSR = same.csr
			}
			s.seller.listShows = map[int64]seller.State{101: seller.StateNew}
			s.seller.change(101, row.shows)
			err := s.run(command.Open)
			assert.Equal(t, 1, s.seller.buys)
			if row.adopted {
				require.NoError(t, err)
				assert.Equal(t, "101", s.param(itemparam.OrderID))
				return
			}
			assert.Equal(t, fault.Unclear, faultType(t, err))
			assert.Empty(t, s.param(itemparam.OrderID))
			assert.NotEmpty(t, s.panel.tasks)
		})
	}
}

// rules BUY-4: an id is adopted only if exactly one open intent of the account can be its purchase.
func TestAnIDThatFitsSeveralIntentsIsNotAdopted(t *testing.T) {
	for name, row := range map[string]struct {
		other   func(in map[string]any)
		has     string // ids on the other item
		adopted bool
	}{
		"one whose purchase is on it":    {other: func(map[string]any) {}, has: "95", adopted: true},
		"one whose ids are from before":  {other: func(map[string]any) {}, has: "80"},
		"an earlier one":                 {other: func(map[string]any) {}},
		"one that saw the same list":     {other: func(in map[string]any) { in["snapshot"], in["time"] = 100, "2026-04-02T10:00:00Z" }},
		"one of another account":         {other: func(in map[string]any) { in["account"] = "0123456789abcdef" }, adopted: true},
		"one for another term":           {other: func(in map[string]any) { in["years"] = 2 }, adopted: true},
		"one for another kind of order":  {other: func(in map[string]any) { in["product"] = "positivessl_wildcard" }, adopted: true},
		"a renewal":                      {other: func(in map[string]any) { in["kind"] = "renew" }, adopted: true},
		"one of the version before":      {other: func(in map[string]any) { delete(in, "account") }},
		"one whose list showed the id":   {other: func(in map[string]any) { in["snapshot"] = 101 }, adopted: true},
		"an unreadable one":              {other: func(in map[string]any) { delete(in, "kind") }},
		"one that buys names, not an id": {other: func(in map[string]any) { in["kind"] = "sans" }, adopted: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			s.seller.statuses[100] = seller.OrderStatus{ID: 100, State: seller.StateIssued}
			s.seller.buyErr, s.seller.buyAnyway = lost(), true
			require.Error(t, s.run(command.Open))
			s.seller.buyErr = nil
			s.seller.change(101, func(r *seller.OrderStatus) { r.Type = "PositiveSSL" })
			in := map[string]any{"kind": "create", "time": "2026-04-02T09:00:00Z", "product": "positivessl", "years": 1, "snapshot": 90,
				"account": refOf(s.seller.Account()), "name": "b.example", "key": "00"}
			row.other(in)
			raw, err := json.Marshal(in)
			require.NoError(t, err)
			s.panel.claims = []item.Claim{{Item: 43, Intent: string(raw), OrderID: row.has, Lineage: row.has}}
			err = s.run(command.Open)
			assert.Equal(t, 1, s.seller.buys)
			if row.adopted {
				require.NoError(t, err)
				assert.Equal(t, "101", s.param(itemparam.OrderID))
				return
			}
			require.Equal(t, fault.Unclear, faultType(t, err))
			assert.True(t, fault.From(err).Retry, "the other run may resolve its own purchase first")
			assert.Contains(t, err.Error(), "43")
			assert.Empty(t, s.panel.tasks)
			s.at = s.at.Add(11 * time.Minute)
			require.Equal(t, fault.Unclear, faultType(t, s.run(command.Open)))
			assert.Equal(t, 1, s.seller.buys)
			assert.NotEmpty(t, s.panel.tasks)
			s.panel.claims = nil
			require.NoError(t, s.run(command.Open), "the other intent is resolved")
			assert.Equal(t, 1, s.seller.buys)
		})
	}
}

// rules BUY-13: the account is changed while the outcome of a purchase is unknown. Nothing is bought at the new account until an
// administrator has resolved the purchase.
func TestAnIntentOfAnotherAccountIsUnclear(t *testing.T) {
	for name, row := range map[string]struct {
		begin func(*testing.T) *fixture
		run   item.Func
	}{
		"open, sells first":              {newFixture, command.Open},
		"open, takes the CSR":            {remoteFixture, command.Open},
		"prolong, with an id of its own": {endingFixture, command.Prolong},
		"prolong, in place":              {endingRemote, command.Prolong},
	} {
		t.Run(name, func(t *testing.T) {
			s := row.begin(t)
			paid := func() int {
				if s.remote != nil {
					return s.remote.orders + s.remote.prolongs
				}
				return s.seller.buys
			}
			s.seller.buyErr = lost()
			if s.remote != nil {
				s.remote.err = lost()
			}
			require.Error(t, s.run(row.run))
			s.seller.buyErr = nil
			if s.remote != nil {
				s.remote.err = nil
			}
			s.changeIntent(t, map[string]any{"account": "0123456789abcdef", "at": "https://sandbox.example old"})
			s.at = s.at.Add(time.Hour)
			before := paid()
			for range 2 {
				err := s.run(row.run)
				require.Equal(t, fault.Unclear, faultType(t, err))
				assert.False(t, fault.From(err).Retry)
				assert.Contains(t, err.Error(), "https://sandbox.example old")
				assert.Contains(t, err.Error(), s.env().Info.Account(nil))
			}
			assert.Equal(t, before, paid())
			assert.Len(t, s.panel.tasks, 1)
			s.args.None, s.args.Yes = true, true
			require.NoError(t, s.run(command.Resolve))
			s.args.None, s.args.Yes = false, false
			require.NoError(t, s.run(row.run))
			assert.Equal(t, before+1, paid())
		})
	}
}

// rules BUY-9: a restored database uses numbers of items again. An order with the reference of an earlier item is not the order
// of the new one.
func TestAnOrderWithTheReferenceButAnotherKeyIsUnclear(t *testing.T) {
	s := remoteFixture(t)
	id := s.remote.add("example.com", itemRef, 12, cabforum.DateOf(now()))
	s.remote.change(id, func(r *seller.OrderStatus) { r.CSR = newPair(t, "example.com").csr })
	err := s.run(command.Open)
	require.Equal(t, fault.Unclear, faultType(t, err))
	assert.Empty(t, s.param(itemparam.OrderID))
	assert.NotEmpty(t, s.panel.tasks)
}
