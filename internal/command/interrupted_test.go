package command_test

import (
	"strings"
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

// rules STORE-9: after an interruption of setparam at any step the next run completes it: the seller got the request once, and item
// and panel show that it waits.
func TestSTORE9SetParamIsCompletedAfterAnInterruptionAtEveryStep(t *testing.T) {
	for name, begin := range map[string]func(*testing.T) *fixture{
		"a reissue with an id of its own": func(t *testing.T) *fixture {
			s := issuedFixture(t)
			s.panel.order.CSR = newPair(t, "example.com").csr
			return s
		},
		"a reissue in place": func(t *testing.T) *fixture {
			s := placedFixture(t, 60)
			s.panel.order.CSR = newPair(t, "example.com").csr
			return s
		},
		"an order that was not activated": func(t *testing.T) *fixture {
			s := newFixture(t)
			s.seller.actErr = &fault.Error{Type: fault.API, Message: "the CSR is not accepted"}
			require.Error(t, s.run(command.Open))
			s.seller.actErr = nil
			s.panel.order.CSR = newPair(t, "right.example").csr
			return s
		},
		"a renewal that was not activated": func(t *testing.T) *fixture {
			s := endingFixture(t)
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
				assert.NotContains(t, s.param(itemparam.Requested), " ", "submitted and recorded")
			})
		}
	}
}

// finished returns the state that must be the same after an interruption.
func finished(s *fixture) map[string]string {
	return map[string]string{
		itemparam.ServiceStatus: s.param(itemparam.ServiceStatus), itemparam.Lineage: s.param(itemparam.Lineage),
		"reissues": strings.Repeat("x", s.seller.reissues), "activations": strings.Repeat("x", len(s.seller.activated)),
		"in place": strings.Repeat("x", reissuesOf(s)), "published": s.param("auth_dnscname_value"),
	}
}

func reissuesOf(s *fixture) int {
	if s.remote == nil {
		return 0
	}
	return s.remote.reissues
}

// An older version could leave an item whose digest says that the request was submitted, but whose status is still issued.
func TestSTORE9AReissueThatTheItemDoesNotShowIsCompleted(t *testing.T) {
	s := issuedFixture(t)
	s.panel.order.CSR = newPair(t, "example.com").csr
	s.args.Command = "setparam"
	require.NoError(t, s.run(command.SetParam))
	s.panel.order.Params[itemparam.ServiceStatus] = "5"
	s.panel.calls = nil
	require.NoError(t, s.run(command.SetParam))
	assert.Equal(t, "4", s.param(itemparam.ServiceStatus), "the next sync or sweep follows it")
	assert.Contains(t, s.panel.calls, "postsetparam")
	assert.Equal(t, 1, s.seller.reissues)
}

// After the seller has ended a reissue, setparam with unchanged CSR and names concerns the panel only.
func TestSTORE9SetParamAfterAReissueThatEnded(t *testing.T) {
	for name, older := range map[string]bool{"noted": false, "by an older version": true} {
		t.Run(name, func(t *testing.T) {
			s := issuedFixture(t)
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

// The recorded end of the seller's term is removed with the old term, also after an interruption right before.
func TestSTORE9ARenewalForgetsTheOldOrdersEnd(t *testing.T) {
	clean := endingFixture(t)
	require.NoError(t, clean.run(command.Prolong))
	for _, call := range append([]string{"drop " + itemparam.TermEnd}, clean.panel.calls...) {
		prefix := strings.SplitN(call, "=", 2)[0]
		s := endingFixture(t)
		s.panel.order.Params[itemparam.TermEnd] = "2027-04-02"
		s.panel.fail[prefix] = fault.Errorf(fault.Panel, "", "killed").Retryable()
		if s.run(command.Prolong) != nil {
			s.at = s.at.Add(time.Hour)
			require.NoError(t, s.run(command.Prolong), prefix)
		}
		assert.Empty(t, s.param(itemparam.TermEnd), prefix)
	}
}

// rules STORE-10: between the change of CSR or names and reopen the stored certificate answers the previous request. sync_item
// reports no error, opens no task and changes nothing.
func TestSTORE10SyncBeforeTheNewRequestIsSubmitted(t *testing.T) {
	for name, begin := range map[string]func(*testing.T) *fixture{
		"an id of its own": func(t *testing.T) *fixture { return namesFixture(t) },
		"in place":         func(t *testing.T) *fixture { return placedFixture(t, 60) },
	} {
		for what, change := range map[string]func(*testing.T, *fixture){
			"another key": func(t *testing.T, s *fixture) { s.panel.order.CSR = newPair(t, "example.com").csr },
			"another name": func(_ *testing.T, s *fixture) {
				s.panel.order.Params[itemparam.AltName] = "a.example.com new.example.com"
			},
			"another name in the CSR": func(t *testing.T, s *fixture) {
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
	t.Run("a reissue for the previous CSR is issued meanwhile", func(t *testing.T) {
		s := issuedFixture(t)
		require.NoError(t, s.run(command.Reopen))
		s.seller.issue(t, 102, s.pair, s.at, 199)
		s.panel.order.CSR = newPair(t, "example.com").csr
		before := s.panel.stored
		s.args.Command = "sync_item"
		require.NoError(t, s.run(command.SyncItem))
		assert.Empty(t, s.panel.tasks)
		assert.Equal(t, before, s.panel.stored, "the panel has another key now")
		assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
		s.args.Command = "reopen"
		require.NoError(t, s.run(command.Reopen))
		assert.Equal(t, 2, s.seller.reissues)
	})
	t.Run("the next sweep requests the present CSR when the stored certificate is due", func(t *testing.T) {
		s := issuedFixture(t)
		require.NoError(t, s.run(command.Reopen))
		s.seller.issue(t, 102, s.pair, s.at, 199)
		s.panel.order.CSR = newPair(t, "example.com").csr
		s.args.Command = "sync_item"
		require.NoError(t, s.run(command.SyncItem))
		s.at = s.at.AddDate(0, 0, 20)
		s.args = item.Args{Command: "subscription"}
		doc, failed := s.sweep(t)
		assert.False(t, failed, doc)
		assert.Equal(t, 2, s.seller.reissues, doc)
	})
	t.Run("an earlier request with another key than the stored certificate", func(t *testing.T) {
		s := issuedFixture(t)
		asked := newPair(t, "example.com")
		s.panel.order.CSR = asked.csr
		require.NoError(t, s.run(command.Reopen))
		s.seller.issue(t, 102, asked, s.at, 199)
		s.panel.order.CSR = newPair(t, "example.com").csr
		before := s.panel.stored
		s.args.Command = "sync_item"
		require.NoError(t, s.run(command.SyncItem))
		assert.Empty(t, s.panel.tasks)
		assert.Equal(t, before, s.panel.stored, "the panel has another key now")
		assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
	})
	t.Run("a certificate for a key that the item never had opens a task", func(t *testing.T) {
		s := issuedFixture(t)
		s.seller.issue(t, s.replace(t, 101), newPair(t, "example.com"), s.at, 199)
		s.args.Command = "sync_item"
		assert.Equal(t, fault.Delivered, faultType(t, s.run(command.SyncItem)))
		assert.Len(t, s.panel.tasks, 1)
	})
}

// rules STORE-8: if an issued order delivers no certificate, a task is opened after a day; if the delivered one cannot be read, at
// once. The task is closed when the certificate is stored.
func TestSTORE8AnIssuedOrderWithoutACertificate(t *testing.T) {
	const broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
	for name, row := range map[string]struct {
		status func(*seller.OrderStatus)
		fails  bool // on the first day
		task   bool // on the first day
	}{
		"nothing is delivered":  {func(r *seller.OrderStatus) { r.State = seller.StateIssued }, true, false},
		"it is not there yet":   {func(r *seller.OrderStatus) { r.State, r.CertificateMissing = seller.StateWaiting, true }, false, false},
		"it cannot be fetched":  {func(r *seller.OrderStatus) { r.DeliveryError = fault.Errorf(fault.API, "crt", "HTTP 500").Retryable() }, true, false},
		"it cannot be read":     {func(r *seller.OrderStatus) { r.State, r.PEM = seller.StateIssued, []string{broken} }, true, true},
		"the seller's own word": {func(r *seller.OrderStatus) { r.DeliveryError = fault.Errorf(fault.Delivered, "crt", "damaged") }, true, true},
	} {
		for _, as := range []string{"sync_item", "subscription"} {
			t.Run(name+", "+as, func(t *testing.T) {
				s := waitingFixture(t)
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
	t.Run("open fails if the certificate cannot be read", func(t *testing.T) {
		s := waitingFixture(t)
		s.seller.change(101, func(r *seller.OrderStatus) { r.State, r.PEM = seller.StateIssued, []string{broken} })
		s.args.Command = "open"
		assert.Equal(t, fault.Delivered, faultType(t, s.run(command.Open)))
		assert.Len(t, s.panel.tasks, 1)
		assert.Equal(t, 1, s.seller.buys)
	})
	t.Run("the day starts again if the order waits again", func(t *testing.T) {
		s := waitingFixture(t)
		s.seller.change(101, func(r *seller.OrderStatus) { r.CertificateMissing = true })
		require.NoError(t, s.run(command.SyncItem))
		s.seller.change(101, func(r *seller.OrderStatus) { r.CertificateMissing = false })
		require.NoError(t, s.run(command.SyncItem))
		s.at = s.at.Add(25 * time.Hour)
		s.seller.change(101, func(r *seller.OrderStatus) { r.CertificateMissing = true })
		require.NoError(t, s.run(command.SyncItem))
		assert.Empty(t, s.panel.tasks)
	})
}

// The task about a missing proof of control is closed when the certificate is stored; other tasks stay.
func TestTheTaskAboutAMissingProofIsClosedWithTheCertificate(t *testing.T) {
	for name, other := range map[string]bool{"it is the only one": false, "another one was open": true} {
		t.Run(name, func(t *testing.T) {
			s := sweepFixture(t, 5)
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
	t.Run("the certificate is stored even if the task cannot be closed", func(t *testing.T) {
		s := sweepFixture(t, 5)
		s.sweep(t)
		s.seller.issue(t, 102, s.pair, s.at, 199)
		s.panel.fail["close task"] = fault.Errorf(fault.Panel, "task.delete", "no such function")
		_, failed := s.sweep(t)
		assert.False(t, failed)
		assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
	})
}
