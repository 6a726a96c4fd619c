package command_test

import (
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules BUY-9: the seller accepted a purchase but answered an impossible id. No later run buys again until an administrator has
// resolved the purchase.
func TestAPurchaseWithAnImpossibleIDIsNotPaidAgain(t *testing.T) {
	for name, prepare := range map[string]func(s *fixture){
		"another item holds it": func(s *fixture) {
			s.seller.next = 300
			s.panel.claims = []item.Claim{{Item: 7, OrderID: "301", Lineage: "301"}}
		},
		"it lies below what was there before": func(s *fixture) {
			s.seller.statuses[900] = seller.OrderStatus{ID: 900, State: seller.StateIssued, CommonName: "other.example"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			prepare(s)
			require.Equal(t, fault.Unclear, faultType(t, s.run(command.Open)))
			for _, later := range []time.Duration{11 * time.Minute, time.Hour, 25 * time.Hour, 100 * time.Hour} {
				s.at = now().Add(later)
				require.Error(t, s.run(command.Open), later)
				assert.Equal(t, 1, s.seller.buys, later)
				assert.NotEmpty(t, s.param(itemparam.Intent), later)
			}
			require.Equal(t, fault.Unclear, faultType(t, s.run(command.Open)))
			s.args = item.Args{Command: "resolve", Item: 42, None: true, Yes: true}
			require.NoError(t, s.run(command.Resolve))
			assert.Empty(t, s.param(itemparam.Intent))
		})
	}
}

// rules BUY-11: a renewal with an unknown outcome that is carried out while the next run waits for the account's lock is not paid
// again: the order is read again after the wait.
func TestARenewalCarriedOutDuringTheWaitIsNotPaidAgain(t *testing.T) {
	s := endingRemote(t)
	s.remote.err = lost()
	require.Error(t, s.run(command.Prolong))
	s.remote.err = nil
	s.at = s.at.Add(11 * time.Minute)
	s.panel.onLock = func() { s.remote.ends[500] = s.remote.ends[500].AddMonths(12) }
	require.NoError(t, s.run(command.Prolong))
	assert.Zero(t, s.remote.prolongs)
	assert.Equal(t, "2027-04-02", s.param(itemparam.TermStart))
	assert.Empty(t, s.param(itemparam.Intent))
}

// rules BUY-11: the same for a purchase of names.
func TestNamesCarriedOutDuringTheWaitAreNotPaidAgain(t *testing.T) {
	s := namesFixture(t)
	s.panel.order.SANs = 4
	s.panel.order.Params[itemparam.AltName] = "a.example.com b.example.com c.example.com d.example.com"
	s.panel.order.Params[itemparam.OldAltName] = "a.example.com b.example.com"
	s.seller.buyErr = lost()
	buys := s.seller.buys
	require.Equal(t, fault.Unclear, faultType(t, s.run(command.Reopen)))
	require.Equal(t, buys+1, s.seller.buys)
	s.seller.buyErr = nil
	s.at = s.at.Add(11 * time.Minute)
	s.panel.onLock = func() {
		s.panel.onLock = nil
		s.seller.change(101, func(r *seller.OrderStatus) { r.SANs += 2 })
	}
	require.NoError(t, s.run(command.Reopen))
	assert.Equal(t, buys+1, s.seller.buys)
	assert.Empty(t, s.param(itemparam.Intent))
}

// rules BUY-5: resolve works even if the seller's list cannot be read, because the account may be closed.
func TestResolveWorksWithoutTheSellersList(t *testing.T) {
	for name, failure := range map[string]error{
		"refused":     fault.Errorf(fault.Login, "password", "the user name or the password is wrong"),
		"unreachable": fault.Errorf(fault.Client, "certificate", "no answer").Retryable(),
	} {
		t.Run(name, func(t *testing.T) {
			s := remoteFixture(t)
			s.remote.err = lost()
			require.Error(t, s.run(command.Open))
			require.NotEmpty(t, s.param(itemparam.Intent))
			s.remote.snapshotErr = failure
			s.args = item.Args{Command: "resolve", Item: 42, None: true}
			require.NoError(t, s.run(command.Resolve))
			require.NotEmpty(t, s.param(itemparam.Intent), "it only shows")
			s.args.Yes = true
			require.NoError(t, s.run(command.Resolve))
			assert.Empty(t, s.param(itemparam.Intent))
			require.Error(t, s.run(command.Resolve), "nothing is known to be left")
		})
	}
}

// rules BUY-4: a renewal has the name of the renewed certificate. If the client changed the name and the answer to the renewal was
// lost, it is found and not paid again.
func TestALostRenewalUnderThePreviousNameIsNotPaidAgain(t *testing.T) {
	s := endingFixture(t)
	s.panel.order.CSR = newPair(t, "www.example.com").csr
	s.seller.buyErr, s.seller.buyAnyway = lost(), true
	buys := s.seller.buys
	require.Error(t, s.run(command.Prolong))
	require.Equal(t, buys+1, s.seller.buys)
	s.seller.buyErr = nil
	s.seller.change(102, func(r *seller.OrderStatus) { r.CommonName = "example.com" })
	for _, later := range []time.Duration{11 * time.Minute, time.Hour} {
		s.at = s.at.Add(later)
		require.Equal(t, fault.Unclear, faultType(t, s.run(command.Prolong)))
		assert.Equal(t, buys+1, s.seller.buys)
	}
	assert.NotEmpty(t, s.panel.tasks)
	s.args = item.Args{Command: "resolve", Item: 42, ID: "102", Yes: true}
	require.NoError(t, s.run(command.Resolve))
	assert.Equal(t, "101 102", s.param(itemparam.Lineage))
}

// rules BUY-4: an adopted renewal does not resolve a purchase of names whose outcome is unknown.
func TestARenewalDoesNotResolveAPurchaseOfNames(t *testing.T) {
	s := namesFixture(t)
	s.at = now().AddDate(0, 59, 0)
	s.args.Command = "prolong"
	id := s.seller.add(60)
	s.seller.statuses[id] = seller.OrderStatus{ID: id, State: seller.StateRenewal, SANs: 2}
	s.panel.order.Params[itemparam.OrderID], s.panel.order.Params[itemparam.Lineage] = "102", "101 102"
	s.panel.order.SANs = 4
	s.panel.order.Params[itemparam.AltName] = "a.example.com b.example.com c.example.com d.example.com"
	s.panel.order.Params[itemparam.Intent] = `{"kind":"sans","time":"` + s.at.Add(-time.Minute).UTC().Format(time.RFC3339) +
		`","product":"san_certificate","snapshot":101,"sans":2,"counted":2}`
	buys := s.seller.buys
	require.Equal(t, fault.Waiting, faultType(t, s.run(command.Prolong)))
	assert.NotEmpty(t, s.param(itemparam.Intent))
	s.seller.change(id, func(r *seller.OrderStatus) { r.SANs = 4 }) // carried out late
	require.NoError(t, s.run(command.Prolong))
	assert.Equal(t, buys, s.seller.buys)
}
