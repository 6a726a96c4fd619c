package command_test

import (
	"strings"
	"testing"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// waitingFixture returns an item whose order waits for proof of control.
func waitingFixture(t *testing.T) *fixture {
	t.Helper()
	s := newFixture(t)
	require.NoError(t, s.run(command.Open))
	s.panel.calls = nil
	s.args.Command = "sync_item"
	return s
}

func TestSyncStoresAnIssuedCertificateInOrder(t *testing.T) {
	s := waitingFixture(t)
	s.seller.issue(t, 101, s.pair, now(), 199)
	require.NoError(t, s.run(command.SyncItem))
	chain, err := pki.StoredLeaf(s.panel.stored)
	require.NoError(t, err)
	require.Len(t, chain.Intermediates, 1)
	assert.Equal(t, []string{
		"certificate.save zip", "save certificate_expiredate=2026-10-18", "save certificate_serial=" + chain.Serial(),
		"save certificate_key=" + s.param(itemparam.LeafKey), "save certificate_names=" + s.param(itemparam.LeafNames),
		"save delivered_type=standard ssl sslcom", "save dcv_method=DNS", "save dcv_time=2026-04-02T10:00:00Z",
		"setexpiredate 2026-10-18", "certificate.open", "setstatus 5",
	}, s.panel.calls)

	t.Run("running it again changes nothing", func(t *testing.T) {
		s.panel.calls = nil
		require.NoError(t, s.run(command.SyncItem))
		assert.Empty(t, s.panel.calls)
	})
}

func TestEveryStepIsRepeatedWhileTheStatusIsNotFive(t *testing.T) {
	clean := waitingFixture(t)
	clean.seller.issue(t, 101, clean.pair, now(), 199)
	require.NoError(t, clean.run(command.SyncItem))
	for _, call := range clean.panel.calls {
		prefix := strings.SplitN(call, "=", 2)[0]
		t.Run(prefix, func(t *testing.T) {
			s := waitingFixture(t)
			s.seller.issue(t, 101, s.pair, now(), 199)
			s.panel.fail[prefix] = fault.Errorf(fault.Panel, "", "the panel broke down").Retryable()
			require.Error(t, s.run(command.SyncItem))
			s.panel.calls = nil
			require.NoError(t, s.run(command.SyncItem))
			assert.Equal(t, "setstatus 5", s.panel.calls[len(s.panel.calls)-1])
			assert.Contains(t, s.panel.calls, "setexpiredate 2026-10-18")
			assert.Equal(t, "5", s.panel.order.Params[itemparam.ServiceStatus])
		})
	}
}

func TestAPanelThatAcceptsNoZIPGetsPEM(t *testing.T) {
	for name, change := range map[string]func(s *fixture){
		"refuses crt_type": func(s *fixture) {
			s.panel.fail["certificate.save zip"] = fault.Errorf(fault.Panel, "crt_type", "unknown parameter")
		},
		"stores something else": func(s *fixture) { s.panel.garble = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := waitingFixture(t)
			change(s)
			s.seller.issue(t, 101, s.pair, now(), 199)
			require.NoError(t, s.run(command.SyncItem))
			assert.Contains(t, s.panel.calls, "certificate.save pem")
			assert.True(t, strings.HasPrefix(s.panel.stored, "-----BEGIN CERTIFICATE-----"))
			assert.Equal(t, 2, strings.Count(s.panel.stored, "BEGIN CERTIFICATE"))
		})
	}
}

func TestACertificateForAnotherKeyIsNotStored(t *testing.T) {
	for name, pair := range map[string]keyPair{"another key": newPair(t, "example.com"), "another name": {}} {
		t.Run(name, func(t *testing.T) {
			s := waitingFixture(t)
			if pair.key == nil {
				pair = s.pair
				pair.cn = "example.net"
			}
			s.seller.issue(t, 101, pair, now(), 199)
			assert.Equal(t, fault.Delivered, faultType(t, s.run(command.SyncItem)))
			assert.Empty(t, s.panel.stored)
			assert.Equal(t, []string{"manual 42 0 sync_item", "save waiting_task=1"}, s.panel.calls, "a task for the administrator")
		})
	}
}

// rules STORE-3: the expiration date is the end of the certificate or of the term, and never after the end of the term.
func TestExpirationDate(t *testing.T) {
	for _, row := range []struct {
		mode   string
		period int
		days   int
		date   string
	}{
		{"", 12, 199, "2026-10-18"},
		{"certificate", 12, 199, "2026-10-18"},
		{"nonsense", 12, 199, "2026-10-18"},
		{"term", 12, 199, "2027-04-02"},
		{"term", 60, 199, "2031-04-02"},
		{"", 12, 397, "2027-04-02"},
	} {
		s := waitingFixture(t)
		s.period(row.period)
		s.panel.settings["SSLSubscriptionExpireDate"] = row.mode
		s.seller.issue(t, 101, s.pair, now(), row.days)
		require.NoError(t, s.run(command.SyncItem))
		assert.Contains(t, s.panel.calls, "setexpiredate "+row.date, "%+v", row)
	}
}

func TestACertificateOverTheMaximumValidityIsStoredWithAWarning(t *testing.T) {
	s := waitingFixture(t)
	s.seller.issue(t, 101, s.pair, now(), 201)
	require.NoError(t, s.run(command.SyncItem))
	assert.Contains(t, strings.Join(s.log.lines, "\n"), "the Baseline Requirements allow 200 days")
}

// rules STORE-4: an item fails only if it never had a certificate.
func TestAnOrderThatEnded(t *testing.T) {
	for _, state := range []seller.State{seller.StateCancelled, seller.StateRefused, seller.StateExpired} {
		t.Run(state.String(), func(t *testing.T) {
			s := waitingFixture(t)
			s.seller.statuses[101] = seller.OrderStatus{State: state, StatusText: "the seller's words"}
			require.NoError(t, s.run(command.SyncItem))
			assert.Equal(t, []string{"manual 42 0 sync_item", "certificate.failed", "setstatus 6"}, s.panel.calls)
			assert.Contains(t, strings.Join(s.log.lines, "\n"), "the seller's words")
			s.panel.calls = nil
			require.NoError(t, s.run(command.SyncItem))
			assert.Empty(t, s.panel.calls)
		})
		t.Run(state.String()+" with a certificate in place", func(t *testing.T) {
			s := waitingFixture(t)
			s.seller.issue(t, 101, s.pair, now(), 199)
			require.NoError(t, s.run(command.SyncItem))
			s.panel.order.Params[itemparam.ServiceStatus] = "4"
			s.panel.calls = nil
			s.seller.statuses[101] = seller.OrderStatus{State: state, StatusText: "the seller's words"}
			require.NoError(t, s.run(command.SyncItem))
			assert.Equal(t, []string{"manual 42 0 sync_item", "setstatus 5"}, s.panel.calls)
			s.panel.calls = nil
			require.NoError(t, s.run(command.SyncItem))
			assert.Empty(t, s.panel.calls)
		})
	}
}

func TestAReissueMadeAtTheSellerIsFollowed(t *testing.T) {
	s := waitingFixture(t)
	s.seller.issue(t, 101, s.pair, now(), 199)
	require.NoError(t, s.run(command.SyncItem))
	first := s.panel.order.Params[itemparam.Serial]
	s.seller.statuses[101] = seller.OrderStatus{State: seller.StateReplaced, ReplacedBy: 105}
	s.seller.statuses[105] = seller.OrderStatus{State: seller.StateReplaced, ReplacedBy: 107}
	s.at = now().AddDate(0, 1, 0)
	s.seller.issue(t, 107, s.pair, s.at, 199)
	require.NoError(t, s.run(command.SyncItem))
	assert.Equal(t, "107", s.panel.order.Params[itemparam.OrderID])
	assert.Equal(t, "101 105 107", s.panel.order.Params[itemparam.Lineage])
	assert.NotEqual(t, first, s.panel.order.Params[itemparam.Serial])

	t.Run("not for another key", func(t *testing.T) {
		other := newPair(t, "example.com")
		s.seller.statuses[107] = seller.OrderStatus{State: seller.StateReplaced, ReplacedBy: 109}
		s.seller.statuses[109] = seller.OrderStatus{State: seller.StateWaiting, CSR: other.csr}
		require.ErrorContains(t, s.run(command.SyncItem), "a reissue for another CSR is running")
		assert.Equal(t, "107", s.panel.order.Params[itemparam.OrderID])
	})
	t.Run("not in circles", func(t *testing.T) {
		s.seller.statuses[107] = seller.OrderStatus{State: seller.StateReplaced, ReplacedBy: 101}
		require.ErrorContains(t, s.run(command.SyncItem), "these replacements do not end")
	})
}

func TestSyncWithoutAnOrderIsAnError(t *testing.T) {
	s := newFixture(t)
	assert.Equal(t, fault.Missed, faultType(t, s.run(command.SyncItem)))
	s.panel.order.Params[itemparam.Intent] = intentJSON(t, 0)
	assert.Equal(t, fault.Waiting, faultType(t, s.run(command.SyncItem)))
}

// While the seller's list shows a known order waiting, its status is not requested; otherwise it is.
func TestAnOrderThatTheListShowsWaitingIsNotRequested(t *testing.T) {
	for name, row := range map[string]struct {
		listed map[int64]seller.State
		change func(*fixture)
		asks   bool
	}{
		"waiting":              {map[int64]seller.State{101: seller.StateWaiting}, nil, false},
		"issued":               {map[int64]seller.State{101: seller.StateIssued}, nil, true},
		"not listed":           {map[int64]seller.State{7: seller.StateWaiting}, nil, true},
		"nothing to publish":   {map[int64]seller.State{101: seller.StateWaiting}, func(s *fixture) { delete(s.panel.order.Params, "auth_dnscname_value") }, true},
		"not seen waiting yet": {map[int64]seller.State{101: seller.StateWaiting}, func(s *fixture) { s.panel.order.Params[itemparam.ServiceStatus] = "3" }, true},
	} {
		for what, f := range map[string]item.Func{"sync_item": command.SyncItem, "subscription": command.Subscription} {
			t.Run(name+" by "+what, func(t *testing.T) {
				s := waitingFixture(t)
				s.seller.listed, s.seller.looked = row.listed, 0
				if row.change != nil {
					row.change(s)
				}
				s.args = item.Args{Command: what}
				if what == "sync_item" {
					s.args.Item = 42
				}
				require.NoError(t, s.run(f))
				assert.Equal(t, row.asks, s.seller.looked > 0)
			})
		}
	}
}
