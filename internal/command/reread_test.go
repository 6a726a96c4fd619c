package command_test

import (
	"testing"

	"pmssl/internal/cert"
	"pmssl/internal/command"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules BUY-11: the item may change while a run waits for the account's lock. What was read before does not decide any more:
// nothing is bought, and the next run goes by the new state.
func TestNothingIsBoughtByWhatWasReadBeforeTheLock(t *testing.T) {
	for seller, begin := range map[string]func(*testing.T) *stage{"sells first": newStage, "takes the CSR with the order": remoteStage} {
		for changed, change := range map[string]func(*cert.Order){
			cert.ParamOrderID:    func(o *cert.Order) { o.Params[cert.ParamOrderID] = "77" },
			cert.ParamLineage:    func(o *cert.Order) { o.Params[cert.ParamLineage] = "77" },
			cert.ParamIntent:     func(o *cert.Order) { o.Params[cert.ParamIntent] = `{"kind":"create"}` },
			cert.ParamTermStart:  func(o *cert.Order) { o.Params[cert.ParamTermStart] = "2027-04-02" },
			cert.ParamTermMonths: func(o *cert.Order) { o.Params[cert.ParamTermMonths] = "60" },
			cert.ParamSANsBought: func(o *cert.Order) { o.Params[cert.ParamSANsBought] = "3" },
			cert.ParamAltName:    func(o *cert.Order) { o.Params[cert.ParamAltName] = "b.example.com" },
			"csr":                func(o *cert.Order) { o.CSR = newPair(t, "other.example").csr },
			"period":             func(o *cert.Order) { o.Period = 24 },
			"pricelist":          func(o *cert.Order) { o.Template = "rapidssl" },
			"status":             func(o *cert.Order) { o.Status = 4 },
			"addon":              func(o *cert.Order) { o.SANs = 5 },
		} {
			t.Run(seller+"/"+changed, func(t *testing.T) {
				s := begin(t)
				s.args.Command = "open"
				s.panel.onLock = func() { change(&s.panel.order) }
				err := s.run(command.Open)
				require.Error(t, err)
				fault := cert.FaultOf(err)
				assert.Equal(t, cert.FaultLocked, fault.Type, err)
				assert.Equal(t, changed, fault.Object)
				assert.True(t, fault.Retry)
				assert.Contains(t, s.panel.calls, "unlock account")
				assert.Zero(t, s.seller.buys)
				if s.remote != nil {
					assert.Zero(t, s.remote.orders)
				}
			})
		}
	}
}

// rules BUY-11: of two renewals that began at the same time the second one does not go by the term that it read before.
func TestARenewalThatAnotherRunPaidMeanwhileIsNotPaidAgain(t *testing.T) {
	for seller, begin := range map[string]func(*testing.T) *stage{"with a new id": endingStage, "in place": endingRemote} {
		t.Run(seller, func(t *testing.T) {
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
			require.Equal(t, cert.FaultLocked, faultType(t, s.run(command.Prolong)))
			assert.Equal(t, before+1, paid())
			require.NoError(t, s.run(command.Prolong))
			assert.Equal(t, before+1, paid())
		})
	}
}
