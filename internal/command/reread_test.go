package command_test

import (
	"testing"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules BUY-11: if the item changed while the run waited for the account's lock, nothing is bought, and the next run uses the new
// state.
func TestNothingIsBoughtIfTheItemChangedDuringTheWait(t *testing.T) {
	for theSeller, begin := range map[string]func(*testing.T) *fixture{"sells first": newFixture, "takes the CSR with the order": remoteFixture} {
		for changed, change := range map[string]func(*item.Item){
			itemparam.OrderID:    func(o *item.Item) { o.Params[itemparam.OrderID] = "77" },
			itemparam.Lineage:    func(o *item.Item) { o.Params[itemparam.Lineage] = "77" },
			itemparam.Intent:     func(o *item.Item) { o.Params[itemparam.Intent] = `{"kind":"create"}` },
			itemparam.TermStart:  func(o *item.Item) { o.Params[itemparam.TermStart] = "2027-04-02" },
			itemparam.TermMonths: func(o *item.Item) { o.Params[itemparam.TermMonths] = "60" },
			itemparam.SANsBought: func(o *item.Item) { o.Params[itemparam.SANsBought] = "3" },
			itemparam.AltName:    func(o *item.Item) { o.Params[itemparam.AltName] = "b.example.com" },
			"csr":                func(o *item.Item) { o.CSR = newPair(t, "other.example").csr },
			"period":             func(o *item.Item) { o.Period = 24 },
			"pricelist":          func(o *item.Item) { o.Template = "rapidssl" },
			"status":             func(o *item.Item) { o.Status = 4 },
			"addon":              func(o *item.Item) { o.SANs = 5 },
		} {
			t.Run(theSeller+"/"+changed, func(t *testing.T) {
				s := begin(t)
				s.args.Command = "open"
				s.panel.onLock = func() { change(&s.panel.order) }
				err := s.run(command.Open)
				require.Error(t, err)
				failure := fault.From(err)
				assert.Equal(t, fault.Locked, failure.Type, err)
				assert.Equal(t, changed, failure.Object)
				assert.True(t, failure.Retry)
				assert.Contains(t, s.panel.calls, "unlock account")
				assert.Zero(t, s.seller.buys)
				if s.remote != nil {
					assert.Zero(t, s.remote.orders)
				}
			})
		}
	}
}

// rules BUY-11: of two renewals that started at the same time, the second one reads the term again after the lock.
func TestARenewalThatAnotherRunPaidMeanwhileIsNotPaidAgain(t *testing.T) {
	for theSeller, begin := range map[string]func(*testing.T) *fixture{"with a new id": endingFixture, "in place": endingRemote} {
		t.Run(theSeller, func(t *testing.T) {
			s := begin(t)
			paid := func() int {
				if s.remote != nil {
					return s.remote.prolongs
				}
				return s.seller.buys
			}
			before := paid()
			s.panel.onLock = func() {
				s.panel.onLock = nil
				require.NoError(t, s.run(command.Prolong), "the run that is first")
			}
			require.Equal(t, fault.Locked, faultType(t, s.run(command.Prolong)))
			assert.Equal(t, before+1, paid())
			require.NoError(t, s.run(command.Prolong))
			assert.Equal(t, before+1, paid())
		})
	}
}
