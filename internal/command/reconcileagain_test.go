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

// rules BUY-9: the seller took a purchase whose answered id cannot be its own: no later run pays again, however long
// nothing of it shows, until an administrator has looked.
func TestAPurchaseWithAnImpossibleIDIsNotPaidAgain(t *testing.T) {
	for name, prepare := range map[string]func(s *stage){
		"another item holds it": func(s *stage) {
			s.seller.next = 300
			s.panel.claims = []item.Claim{{Item: 7, OrderID: "301", Lineage: "301"}}
		},
		"it lies below what was there before": func(s *stage) {
			s.seller.statuses[900] = seller.OrderStatus{ID: 900, State: seller.StateIssued, CommonName: "other.example"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
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

// rules BUY-11: a renewal without an answer that the seller carries out while the next run waits for the account's lock is
// not paid once more: what the order was before the wait does not decide.
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

// rules BUY-11: so it is with names.
func TestNamesCarriedOutDuringTheWaitAreNotPaidAgain(t *testing.T) {
	s := namesStage(t)
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

// rules BUY-5: an item can be freed also while the seller's list cannot be read: the account may be closed for good.
func TestResolveFreesWhileTheSellerIsShut(t *testing.T) {
	for name, failure := range map[string]error{
		"refused":     fault.Errorf(fault.Login, "password", "the user name or the password is wrong"),
		"unreachable": fault.Errorf(fault.Client, "certificate", "no answer").Retryable(),
	} {
		t.Run(name, func(t *testing.T) {
			s := remoteStage(t)
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

// rules BUY-4: a renewal shows the name of the certificate that it renews. The client has another one certified from now
// on, and the answer to the renewal is lost: it is not paid again.
func TestALostRenewalUnderTheNameBeforeIsNotPaidAgain(t *testing.T) {
	s := endingStage(t)
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

// rules BUY-4: a renewal that was put on the item does not resolve names that were bought for it without an answer.
func TestARenewalDoesNotSettleNames(t *testing.T) {
	s := namesStage(t)
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
