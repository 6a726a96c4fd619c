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

// namesFixture returns an item with a multi-domain certificate for the three included names, issued half a year ago.
func namesFixture(t *testing.T) *fixture {
	t.Helper()
	s := newFixture(t)
	s.moreNames = true
	s.panel.order.Template, s.panel.order.SANs, s.panel.order.Period = "san_certificate", 2, 60
	s.panel.order.Params[itemparam.AltName] = "a.example.com b.example.com"
	require.NoError(t, s.run(command.Open))
	s.seller.change(101, func(r *seller.OrderStatus) { r.SANs = 2 }) // the included ones count in one of the two readings
	s.seller.issueNames(t, 101, s.pair, now(), 199, "a.example.com", "b.example.com")
	s.args.Command = "sync_item"
	require.NoError(t, s.run(command.SyncItem))
	require.Equal(t, "5", s.param(itemparam.ServiceStatus))
	s.args.Command = "reopen"
	s.at = now().AddDate(0, 0, 190)
	s.panel.calls = nil
	return s
}

// Names that the client ordered in the panel are bought once, before the next reissue.
func TestMoreNamesAreBoughtOnceBeforeTheReissue(t *testing.T) {
	for name, lostAnswer := range map[string]bool{"answered": false, "the answer is lost": true} {
		t.Run(name, func(t *testing.T) {
			s := namesFixture(t)
			s.panel.order.SANs = 5
			s.panel.order.Params[itemparam.AltName] = "a.example.com b.example.com c.example.com d.example.com"
			s.panel.order.Params[itemparam.OldAltName] = "a.example.com b.example.com"
			s.seller.buyErr, s.seller.buyAnyway = nil, true
			if lostAnswer {
				s.seller.buyErr = lost()
				require.Equal(t, fault.Unclear, faultType(t, s.run(command.Reopen)))
				assert.Zero(t, s.seller.reissues)
				s.seller.buyErr = nil
				s.at = s.at.Add(time.Minute)
			}
			require.NoError(t, s.run(command.Reopen))
			assert.Equal(t, 2, s.seller.names)
			assert.Equal(t, "2", s.param(itemparam.SANsBought))
			assert.Equal(t, 1, s.seller.reissues)
			assert.Empty(t, s.param(itemparam.Intent))
			assert.Equal(t, seller.KindSANs, s.panel.journal[len(s.panel.journal)-1].Kind)
		})
	}
}

func TestNamesThatAreNotBought(t *testing.T) {
	for name, row := range map[string]struct {
		ordered int
		names   string
		more    bool
		kind    string
	}{
		"fewer names":                    {2, "a.example.com", true, ""},
		"beyond what the client ordered": {3, "a.example.com b.example.com c.example.com d.example.com", true, fault.Value},
		"no such addon in the tariff":    {-1, "a.example.com b.example.com c.example.com", true, fault.Value},
		"a seller that sells none":       {5, "a.example.com b.example.com c.example.com", false, fault.Value},
	} {
		t.Run(name, func(t *testing.T) {
			s := namesFixture(t)
			s.moreNames = row.more
			s.panel.order.SANs = row.ordered
			s.panel.order.Params[itemparam.SANsBought] = "0"
			s.panel.order.Params[itemparam.AltName] = row.names
			err := s.run(command.Reopen)
			if row.kind == "" {
				require.NoError(t, err)
				assert.Equal(t, 1, s.seller.reissues)
			} else {
				assert.Equal(t, row.kind, faultType(t, err))
				assert.Zero(t, s.seller.reissues)
			}
			assert.Zero(t, s.seller.names)
		})
	}
}

func TestNamesThatNeverReachedTheSellerAreBoughtAgainLater(t *testing.T) {
	s := namesFixture(t)
	s.panel.order.SANs = 3
	s.panel.order.Params[itemparam.SANsBought] = "0"
	s.panel.order.Params[itemparam.AltName] = "a.example.com b.example.com c.example.com"
	s.seller.buyErr = lost()
	require.Error(t, s.run(command.Reopen))
	s.seller.buyErr = nil
	s.at = s.at.Add(5 * time.Minute)
	assert.Equal(t, fault.Waiting, faultType(t, s.run(command.Reopen)))
	s.at = s.at.Add(6 * time.Minute)
	require.NoError(t, s.run(command.Reopen))
	assert.Equal(t, 1, s.seller.names)
	t.Run("or escalated if the number of names changed otherwise", func(t *testing.T) {
		s := namesFixture(t)
		s.panel.order.SANs = 4
		s.panel.order.Params[itemparam.SANsBought] = "0"
		s.panel.order.Params[itemparam.AltName] = "a.example.com b.example.com c.example.com d.example.com"
		s.seller.buyErr = lost()
		require.Error(t, s.run(command.Reopen))
		s.seller.buyErr = nil
		s.seller.change(101, func(r *seller.OrderStatus) { r.SANs = 3 })
		s.at = s.at.Add(time.Hour)
		assert.Equal(t, fault.Unclear, faultType(t, s.run(command.Reopen)))
		assert.Zero(t, s.seller.names)
		assert.NotEmpty(t, s.panel.tasks)
	})
}

// Before the activation a new CSR replaces the one with the wrong name, by reopen or by setparam.
func TestAMistypedNameBeforeTheActivationCostsNothing(t *testing.T) {
	for name, f := range map[string]item.Func{"reopen": command.Reopen, "setparam": command.SetParam} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			s.seller.actErr = &fault.Error{Type: fault.API, Message: "the CSR is not accepted"}
			require.Error(t, s.run(command.Open))
			s.seller.actErr = nil
			right := newPair(t, "right.example")
			s.panel.order.CSR = right.csr
			require.NotContains(t, s.panel.order.Params, itemparam.Requested, "nothing was submitted yet")
			s.args.Command = name
			require.NoError(t, s.run(f))
			assert.Equal(t, 1, s.seller.buys)
			assert.Equal(t, []int64{101}, s.seller.activated)
			assert.Contains(t, s.seller.statuses[101].CSR, right.csr)
			assert.Contains(t, s.panel.calls, "post"+name)
		})
	}
}

// After the activation Namecheap accepts no other request until the certificate is issued. The error says what can be done, and a
// task is opened.
func TestAMistypedNameAfterTheActivationIsATask(t *testing.T) {
	for name, f := range map[string]item.Func{"reopen": command.Reopen, "setparam": command.SetParam} {
		t.Run(name, func(t *testing.T) {
			s := waitingFixture(t)
			s.panel.order.CSR = newPair(t, "right.example").csr
			s.args.Command = name
			err := s.run(f)
			require.Error(t, err)
			assert.False(t, fault.From(err).Retry)
			assert.Contains(t, err.Error(), "let the client order again")
			assert.Zero(t, s.seller.reissues)
			assert.NotEmpty(t, s.panel.tasks)
		})
	}
	t.Run("a seller that reissues in place is asked", func(t *testing.T) {
		s := remoteFixture(t)
		require.NoError(t, s.run(command.Open))
		s.panel.order.CSR = newPair(t, "right.example").csr
		s.args.Command = "reopen"
		require.NoError(t, s.run(command.Reopen))
		assert.Equal(t, 1, s.remote.reissues)
		assert.Equal(t, 1, s.remote.orders)
	})
}

func TestSetParamWithAnUnchangedRequestConcernsThePanelOnly(t *testing.T) {
	s := waitingFixture(t)
	s.args.Command = "setparam"
	s.panel.calls = nil
	require.NoError(t, s.run(command.SetParam))
	assert.Equal(t, []string{"postsetparam"}, s.panel.calls)
	t.Run("a changed one of an issued certificate is reissued", func(t *testing.T) {
		s := issuedFixture(t)
		s.panel.order.CSR = newPair(t, "example.com").csr
		s.args.Command = "setparam"
		require.NoError(t, s.run(command.SetParam))
		assert.Equal(t, 1, s.seller.reissues)
		assert.Contains(t, s.panel.calls, "postsetparam")
	})
}
