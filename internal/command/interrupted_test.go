package command_test

import (
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules STORE-9: setparam that was ended at any of its steps is finished by the next run: the seller has the request once,
// the item shows what it waits for, and the panel is told.
func TestSTORE9SetParamEndedAtEveryStepIsFinishedByTheNextRun(t *testing.T) {
	for name, begin := range map[string]func(*testing.T) *stage{
		"a reissue with an id of its own": func(t *testing.T) *stage {
			s := issuedStage(t)
			s.panel.order.CSR = newPair(t, "example.com").csr
			return s
		},
		"a reissue in place": func(t *testing.T) *stage {
			s := placedStage(t, 60)
			s.panel.order.CSR = newPair(t, "example.com").csr
			return s
		},
		"an order that was not activated": func(t *testing.T) *stage {
			s := newStage(t)
			s.seller.actErr = &fault.Error{Type: fault.API, Message: "the CSR is not accepted"}
			require.Error(t, s.run(command.Open))
			s.seller.actErr = nil
			s.panel.order.CSR = newPair(t, "right.example").csr
			return s
		},
		"a renewal that was not activated": func(t *testing.T) *stage {
			s := endingStage(t)
			s.seller.actErr = &fault.Error{Type: fault.API, Message: "the CSR is not accepted"}
			require.Error(t, s.run(command.Prolong))
			require.Equal(t, "5", s.param(itemparam.ServiceStatus))
			s.seller.actErr = nil
			s.panel.order.CSR = newPair(t, "example.com").csr
			return s
		},
	} {
		clean := begin(t)
		clean.args.Command, clean.panel.calls = "setparam", nil
		require.NoError(t, clean.run(command.SetParam))
		want := finished(clean)
		require.Equal(t, "4", want[itemparam.ServiceStatus], name)
		for _, call := range clean.panel.calls {
			prefix := strings.SplitN(call, "=", 2)[0]
			t.Run(name+", "+prefix, func(t *testing.T) {
				s := begin(t)
				s.args.Command, s.panel.calls = "setparam", nil
				s.panel.fail[prefix] = fault.Errorf(fault.Panel, "", "killed").Retryable()
				_ = s.run(command.SetParam)
				s.at = s.at.Add(time.Hour)
				require.NoError(t, s.run(command.SetParam))
				assert.Contains(t, []string{"3", "4"}, s.param(itemparam.ServiceStatus))
				assert.Contains(t, s.panel.calls, "postsetparam")
				s.args.Command = "sync_item"
				require.NoError(t, s.run(command.SyncItem))
				assert.Equal(t, want, finished(s))
				assert.NotContains(t, s.param(itemparam.Requested), " ", "handed in and written down")
			})
		}
	}
}

// finished returns what must be the same after an interruption.
func finished(s *stage) map[string]string {
	return map[string]string{
		itemparam.ServiceStatus: s.param(itemparam.ServiceStatus), itemparam.Lineage: s.param(itemparam.Lineage),
		"reissues": strings.Repeat("x", s.seller.reissues), "activations": strings.Repeat("x", len(s.seller.activated)),
		"in place": strings.Repeat("x", reissuesOf(s)), "published": s.param("auth_dnscname_value"),
	}
}

func reissuesOf(s *stage) int {
	if s.remote == nil {
		return 0
	}
	return s.remote.reissues
}

// What an older version left behind: the digest of the request says that it was submitted, and the item shows the old
// certificate as issued.
func TestSTORE9AReissueThatTheItemDoesNotShowIsFinished(t *testing.T) {
	s := issuedStage(t)
	s.panel.order.CSR = newPair(t, "example.com").csr
	s.args.Command = "setparam"
	require.NoError(t, s.run(command.SetParam))
	s.panel.order.Params[itemparam.ServiceStatus] = "5"
	s.panel.calls = nil
	require.NoError(t, s.run(command.SetParam))
	assert.Equal(t, "3", s.param(itemparam.ServiceStatus), "the next sync or sweep follows it")
	assert.Contains(t, s.panel.calls, "postsetparam")
	assert.Equal(t, 1, s.seller.reissues)
}

// A reissue that the seller ended is finished: setparam with unchanged CSR and names concerns the panel only.
func TestSTORE9SetParamAfterAReissueThatEnded(t *testing.T) {
	for name, older := range map[string]bool{"noted": false, "by an older version": true} {
		t.Run(name, func(t *testing.T) {
			s := issuedStage(t)
			require.NoError(t, s.run(command.Reopen))
			pending := s.param(itemparam.ReissueOf)
			s.seller.change(102, func(r *seller.OrderStatus) { r.State, r.StatusText = seller.StateCancelled, "cancelled" })
			s.args.Command = "sync_item"
			require.NoError(t, s.run(command.SyncItem))
			require.Equal(t, "5", s.param(itemparam.ServiceStatus))
			if older {
				s.panel.order.Params[itemparam.ReissueOf] = pending
			}
			s.args.Command, s.panel.calls = "setparam", nil
			require.NoError(t, s.run(command.SetParam))
			assert.Equal(t, []string{"postsetparam"}, s.panel.calls)
			assert.Equal(t, 1, s.seller.reissues)
		})
	}
}

// The end of the seller's old term is forgotten with the old term, also where the renewal is ended right before.
func TestSTORE9ARenewalForgetsTheOldOrdersEnd(t *testing.T) {
	clean := endingStage(t)
	require.NoError(t, clean.run(command.Prolong))
	for _, call := range append([]string{"drop " + itemparam.TermEnd}, clean.panel.calls...) {
		prefix := strings.SplitN(call, "=", 2)[0]
		s := endingStage(t)
		s.panel.order.Params[itemparam.TermEnd] = "2027-04-02"
		s.panel.fail[prefix] = fault.Errorf(fault.Panel, "", "killed").Retryable()
		if s.run(command.Prolong) != nil {
			s.at = s.at.Add(time.Hour)
			require.NoError(t, s.run(command.Prolong), prefix)
		}
		assert.Empty(t, s.param(itemparam.TermEnd), prefix)
	}
}

// rules STORE-10: between the client's new CSR or names and reopen the certificate in place belongs to the request before:
// no error, no task, nothing changed.
func TestSTORE10SyncBeforeTheNewRequestIsHandedIn(t *testing.T) {
	for name, begin := range map[string]func(*testing.T) *stage{
		"an id of its own": func(t *testing.T) *stage { return namesStage(t) },
		"in place":         func(t *testing.T) *stage { return placedStage(t, 60) },
	} {
		for what, change := range map[string]func(*testing.T, *stage){
			"another key": func(t *testing.T, s *stage) { s.panel.order.CSR = newPair(t, "example.com").csr },
			"another name": func(_ *testing.T, s *stage) {
				s.panel.order.Params[itemparam.AltName] = "a.example.com new.example.com"
			},
			"another name in the CSR": func(t *testing.T, s *stage) {
				pair := s.pair
				pair.cn = "other.example"
				s.panel.order.CSR = csrOf(t, pair)
			},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				s := begin(t)
				change(t, s)
				s.args.Command, s.panel.calls = "sync_item", nil
				require.NoError(t, s.run(command.SyncItem))
				assert.Empty(t, s.panel.calls)
				assert.Empty(t, s.panel.tasks)
				assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
			})
		}
	}
	t.Run("a reissue for the CSR before is issued meanwhile", func(t *testing.T) {
		s := issuedStage(t)
		require.NoError(t, s.run(command.Reopen))
		s.seller.issue(t, 102, s.pair, s.at, 199)
		s.panel.order.CSR = newPair(t, "example.com").csr
		before := s.panel.stored
		s.args.Command = "sync_item"
		require.NoError(t, s.run(command.SyncItem))
		assert.Empty(t, s.panel.tasks)
		assert.Equal(t, before, s.panel.stored, "the panel has another key by now")
		assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
		s.args.Command = "reopen"
		require.NoError(t, s.run(command.Reopen))
		assert.Equal(t, 2, s.seller.reissues)
	})
	t.Run("a certificate for a key that was never this item's is a task", func(t *testing.T) {
		s := issuedStage(t)
		s.seller.issue(t, s.replace(t, 101), newPair(t, "example.com"), s.at, 199)
		s.args.Command = "sync_item"
		assert.Equal(t, fault.Delivered, faultType(t, s.run(command.SyncItem)))
		assert.Len(t, s.panel.tasks, 1)
	})
}

// rules STORE-8: an order that the seller calls issued and whose certificate does not come is a task after a day, one that
// is delivered and cannot be read at once; the task is closed when the certificate is stored.
func TestSTORE8AnIssuedOrderWithoutACertificate(t *testing.T) {
	const broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
	for name, row := range map[string]struct {
		status func(*seller.OrderStatus)
		fails  bool // on the first day
		task   bool // on the first day
	}{
		"nothing is delivered":  {func(r *seller.OrderStatus) { r.State = seller.StateIssued }, true, false},
		"it is not there yet":   {func(r *seller.OrderStatus) { r.State, r.Empty = seller.StateWaiting, true }, false, false},
		"it cannot be fetched":  {func(r *seller.OrderStatus) { r.Undelivered = fault.Errorf(fault.API, "crt", "HTTP 500").Retryable() }, true, false},
		"it cannot be read":     {func(r *seller.OrderStatus) { r.State, r.PEM = seller.StateIssued, []string{broken} }, true, true},
		"the seller's own word": {func(r *seller.OrderStatus) { r.Undelivered = fault.Errorf(fault.Delivered, "crt", "damaged") }, true, true},
	} {
		for _, as := range []string{"sync_item", "subscription"} {
			t.Run(name+", "+as, func(t *testing.T) {
				s := waitingStage(t)
				waiting := s.seller.statuses[101]
				s.seller.change(101, row.status)
				s.args.Command = as
				look := func() bool {
					if as == "sync_item" {
						return s.run(command.SyncItem) != nil
					}
					_, failed := s.sweep(t)
					return failed
				}
				assert.Equal(t, row.fails, look())
				assert.Equal(t, row.task, len(s.panel.tasks) == 1)
				s.at = s.at.Add(25 * time.Hour)
				assert.True(t, look())
				assert.True(t, look())
				assert.Len(t, s.panel.tasks, 1)
				assert.Empty(t, s.panel.stored)
				s.seller.statuses[101] = waiting
				s.seller.issue(t, 101, s.pair, s.at, 199)
				assert.False(t, look())
				assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
				assert.Contains(t, s.panel.calls, "close task 1")
				assert.Empty(t, s.param(itemparam.IssuedSince))
			})
		}
	}
	t.Run("open does not end well with what cannot be read", func(t *testing.T) {
		s := waitingStage(t)
		s.seller.change(101, func(r *seller.OrderStatus) { r.State, r.PEM = seller.StateIssued, []string{broken} })
		s.args.Command = "open"
		assert.Equal(t, fault.Delivered, faultType(t, s.run(command.Open)))
		assert.Len(t, s.panel.tasks, 1)
		assert.Equal(t, 1, s.seller.buys)
	})
	t.Run("the day begins anew where the seller goes back to waiting", func(t *testing.T) {
		s := waitingStage(t)
		s.seller.change(101, func(r *seller.OrderStatus) { r.Empty = true })
		require.NoError(t, s.run(command.SyncItem))
		s.seller.change(101, func(r *seller.OrderStatus) { r.Empty = false })
		require.NoError(t, s.run(command.SyncItem))
		s.at = s.at.Add(25 * time.Hour)
		s.seller.change(101, func(r *seller.OrderStatus) { r.Empty = true })
		require.NoError(t, s.run(command.SyncItem))
		assert.Empty(t, s.panel.tasks)
	})
}

// A task that says that a reissue still waits for proof is over when its certificate is stored; another task stays.
func TestTheTaskAboutAMissingProofIsClosedWithTheCertificate(t *testing.T) {
	for name, other := range map[string]bool{"it is the only one": false, "another one was open": true} {
		t.Run(name, func(t *testing.T) {
			s := sweepStage(t, 5)
			if other {
				s.panel.tasks = []string{"42 0reopen"}
			}
			s.sweep(t)
			require.Len(t, s.panel.tasks, 1)
			s.seller.issue(t, 102, s.pair, s.at, 199)
			s.sweep(t)
			require.Equal(t, "5", s.param(itemparam.ServiceStatus))
			assert.Equal(t, !other, strings.Contains(strings.Join(s.panel.calls, "\n"), "close task 1"))
		})
	}
	t.Run("a panel that does not close it does not hold the certificate up", func(t *testing.T) {
		s := sweepStage(t, 5)
		s.sweep(t)
		s.seller.issue(t, 102, s.pair, s.at, 199)
		s.panel.fail["close task"] = fault.Errorf(fault.Panel, "task.delete", "no such function")
		_, failed := s.sweep(t)
		assert.False(t, failed)
		assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
	})
}
