package command_test

import (
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keyOf returns the digest of a CSR's key in intents and the journal.
func keyOf(t *testing.T, csr string) string {
	t.Helper()
	read, err := pki.ReadCSR(csr)
	require.NoError(t, err)
	return read.KeyHash()
}

// rules BUY-9: a restored database uses numbers of items again, and the journal still has the earlier item's purchase. It is saved
// on the item only if it is known to be its own; until that is known, nothing is bought.
func TestTheJournalDoesNotGiveAnItemAnEarlierItemsOrder(t *testing.T) {
	same, other := newPair(t, "example.com"), newPair(t, "other.example")
	type stageOf = func(s *fixture, line *item.JournalEntry)
	for name, row := range map[string]struct {
		prepare stageOf
		placed  bool
		asked   bool // the seller is asked
	}{
		"the item's key":                          {prepare: func(*fixture, *item.JournalEntry) {}, placed: true},
		"another key for the same name":           {prepare: func(_ *fixture, l *item.JournalEntry) { l.Key = keyOf(t, same.csr) }},
		"another name":                            {prepare: func(_ *fixture, l *item.JournalEntry) { l.Key, l.Name = keyOf(t, other.csr), "other.example" }},
		"an old line, the seller returns its key": {prepare: func(s *fixture, l *item.JournalEntry) { l.Key, l.Name = "", ""; s.shows(101, s.pair.csr, "") }, placed: true, asked: true},
		"an old line, the seller shows our name": {prepare: func(s *fixture, l *item.JournalEntry) {
			l.Key, l.Name = "", ""
			s.shows(101, "", "example.com")
		}, placed: true, asked: true},
		"an old line, the seller shows another key": {prepare: func(s *fixture, l *item.JournalEntry) { l.Key, l.Name = "", ""; s.shows(101, same.csr, "") }, asked: true},
		"an old line, the seller shows nothing":     {prepare: func(_ *fixture, l *item.JournalEntry) { l.Key, l.Name = "", "" }, asked: true},
		"an old line that the item's intent is for": {prepare: func(s *fixture, l *item.JournalEntry) {
			l.Key, l.Name = "", ""
			s.panel.order.Params[itemparam.Intent] = intentJSON(t, 100)
		}, placed: true},
		"a line whose CSR the client has changed since, with its intent": {prepare: func(s *fixture, l *item.JournalEntry) {
			s.panel.order.Params[itemparam.Intent] = intentJSON(t, 100)
			s.changeIntent(t, map[string]any{"key": l.Key, "name": l.Name, "account": l.Account})
			s.panel.order.CSR = same.csr
		}, placed: true},
		"an intent of the new client, for another purchase": {prepare: func(s *fixture, l *item.JournalEntry) {
			s.panel.order.Params[itemparam.Intent] = intentJSON(t, 101)
			l.Key, l.Name = keyOf(t, other.csr), "other.example"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			s.seller.next = 100
			s.seller.add(12)
			line := item.JournalEntry{Time: s.at, Item: 42, Kind: seller.KindCreate, ID: 101, Account: refOf(s.seller.Account()), Key: keyOf(t, s.pair.csr), Name: "example.com"}
			row.prepare(s, &line)
			s.panel.journal = []item.JournalEntry{line}
			s.at = s.at.Add(time.Minute)
			err := s.run(command.Open)
			assert.Zero(t, s.seller.buys, "not before an administrator has checked")
			if row.placed {
				require.NoError(t, err)
				assert.Equal(t, "101", s.param(itemparam.OrderID))
				return
			}
			require.Equal(t, fault.Unclear, faultType(t, err))
			assert.Contains(t, err.Error(), "101")
			assert.Empty(t, s.param(itemparam.OrderID))
			assert.Empty(t, s.seller.activated)
			assert.Equal(t, row.asked, s.seller.looked > 0)
			assert.Len(t, s.panel.tasks, 1)
			s.args.None, s.args.Yes = true, true
			require.NoError(t, s.run(command.Resolve), "resolve frees the item")
			s.args.None, s.args.Yes = false, false
			assert.Equal(t, "101", s.param(itemparam.Released))
			require.NoError(t, s.run(command.Open))
			assert.Equal(t, 1, s.seller.buys)
			assert.Equal(t, "102", s.param(itemparam.OrderID))
			assert.Equal(t, "102", s.param(itemparam.Lineage))
		})
	}
}

// shows sets what the seller returns for an id.
func (s *fixture) shows(id int64, csr, name string) {
	s.seller.change(id, func(r *seller.OrderStatus) { r.CSR, r.CommonName, r.State = csr, name, seller.StateWaiting })
}

// rules BUY-14: an administrator saved the id on another item on another host, which has a journal of its own.
func TestAnIDThatAnotherItemHoldsIsNotRecalled(t *testing.T) {
	s := newFixture(t)
	s.seller.next = 100
	s.seller.add(12)
	s.panel.journal = []item.JournalEntry{{Time: s.at, Item: 42, Kind: seller.KindCreate, ID: 101, Account: refOf(s.seller.Account()), Key: keyOf(t, s.pair.csr), Name: "example.com"}}
	s.panel.claims = []item.Claim{{Item: 7, OrderID: "101", Lineage: "101"}}
	require.NoError(t, s.run(command.Open))
	assert.Equal(t, 1, s.seller.buys)
	assert.Equal(t, "102", s.param(itemparam.Lineage))
}

// rules BUY-14: each host has its own journal. Another host knows from the item alone that its renewal is paid, wherever the first
// one was interrupted.
func TestAnotherHostDoesNotPayTheRenewalAgain(t *testing.T) {
	for theSeller, begin := range map[string]func(*testing.T) *fixture{"with a new id": endingFixture, "in place": endingRemote} {
		for _, at := range []string{"drop purchase_intent", "save term_start", "postprolong", "setexpiredate"} {
			t.Run(theSeller+", interrupted at "+at, func(t *testing.T) {
				s := begin(t)
				paid := func() int {
					if s.remote != nil {
						return s.remote.prolongs
					}
					return s.seller.buys
				}
				before := paid()
				s.panel.fail[at] = fault.Errorf(fault.Panel, "", "killed")
				require.Error(t, s.run(command.Prolong))
				require.Equal(t, before+1, paid())
				s.panel.journal = nil // this host has none
				s.at = s.at.Add(time.Minute)
				require.NoError(t, s.run(command.Prolong))
				assert.Equal(t, before+1, paid())
				assert.Equal(t, "2027-04-02", s.param(itemparam.TermStart))
				assert.Empty(t, s.param(itemparam.Intent))
				assert.Contains(t, s.panel.calls, "postprolong")
			})
		}
	}
}

// rules BUY-5: resolve works for every item, whatever its parameters contain.
func TestResolveFreesEveryItem(t *testing.T) {
	other := newPair(t, "other.example")
	for name, row := range map[string]struct {
		params map[string]string
		args   item.Args
		want   string // custom_order_id afterwards
	}{
		"an unreadable intent, nothing was bought": {params: map[string]string{itemparam.Intent: `{"kind":`}, args: item.Args{None: true}},
		"an unreadable intent, an id":              {params: map[string]string{itemparam.Intent: `{"kind":`}, args: item.Args{ID: "101"}, want: "101"},
		"ids that are none":                        {params: map[string]string{itemparam.OrderID: "SSL-1", itemparam.Lineage: "x,y"}, args: item.Args{None: true}},
		"ids that are none, and the right one":     {params: map[string]string{itemparam.OrderID: "SSL-1", itemparam.Lineage: "x,y"}, args: item.Args{ID: "101"}, want: "101"},
		"several ids":                              {params: map[string]string{itemparam.OrderID: "5 6"}, args: item.Args{ID: "101"}, want: "101"},
		"an id of another order":                   {params: map[string]string{itemparam.OrderID: "200", itemparam.Lineage: "200"}, args: item.Args{None: true}},
		"an id that the seller does not know":      {params: map[string]string{itemparam.OrderID: "999", itemparam.Lineage: "999"}, args: item.Args{None: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			s.seller.statuses[101] = seller.OrderStatus{ID: 101, State: seller.StateNew, Type: "PositiveSSL"}
			s.seller.statuses[200] = seller.OrderStatus{ID: 200, State: seller.StateIssued, CSR: other.csr, CommonName: "other.example"}
			for param, value := range row.params {
				s.panel.order.Params[param] = value
			}
			before := s.panel.order.Params[itemparam.OrderID]
			s.args = row.args
			s.args.Command, s.args.Item = "resolve", 42
			require.NoError(t, s.run(command.Resolve), "what it would do")
			require.Equal(t, before, s.param(itemparam.OrderID))
			s.args.Yes = true
			require.NoError(t, s.run(command.Resolve))
			assert.Empty(t, s.param(itemparam.Intent))
			assert.Equal(t, row.want, s.param(itemparam.OrderID))
			assert.Equal(t, row.want, s.param(itemparam.Lineage))
		})
	}
	t.Run("but does not remove the item's own order", func(t *testing.T) {
		for shows, csr := range map[string]string{"its key": "own", "nothing": ""} {
			t.Run(shows, func(t *testing.T) {
				s := newFixture(t)
				if csr == "own" {
					csr = s.pair.csr
				}
				s.seller.statuses[101] = seller.OrderStatus{ID: 101, State: seller.StateNew, CSR: csr}
				s.panel.order.Params[itemparam.OrderID], s.panel.order.Params[itemparam.Lineage] = "101", "101"
				s.args = item.Args{Command: "resolve", Item: 42, None: true, Yes: true}
				assert.Equal(t, fault.Value, faultType(t, s.run(command.Resolve)))
				assert.Equal(t, "101", s.param(itemparam.OrderID))
			})
		}
	})
}

// rules BUY-14: GET_LOCK locks only one node of a cluster.
func TestNothingIsBoughtInAClusterOfSeveralNodes(t *testing.T) {
	for theSeller, begin := range map[string]func(*testing.T) *fixture{"sells first": newFixture, "takes the CSR with the order": remoteFixture} {
		t.Run(theSeller, func(t *testing.T) {
			s := begin(t)
			s.panel.cluster = fault.Errorf(fault.DB, "wsrep_cluster_size", "3 nodes")
			require.Equal(t, fault.DB, faultType(t, s.run(command.Open)))
			assert.Zero(t, s.seller.buys)
			assert.Empty(t, s.param(itemparam.Intent))
			s.panel.cluster = nil
			require.NoError(t, s.run(command.Open))
		})
	}
}
