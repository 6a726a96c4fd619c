package command_test

import (
	"encoding/json"
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

// issuedFixture returns an item with its first certificate, valid for 199 days, half a year after the start of the term.
func issuedFixture(t *testing.T) *fixture {
	t.Helper()
	s := waitingFixture(t)
	s.period(60)
	s.seller.issue(t, 101, s.pair, now(), 199)
	require.NoError(t, s.run(command.SyncItem))
	s.panel.calls = nil
	s.args.Command = "reopen"
	s.at = now().AddDate(0, 0, 190)
	return s
}

func TestReopenAsksForOneReissueAndKeepsTheLineage(t *testing.T) {
	s := issuedFixture(t)
	require.NoError(t, s.run(command.Reopen))
	assert.Equal(t, 1, s.seller.reissues)
	p := s.panel.order.Params
	assert.Equal(t, "102", p[itemparam.OrderID])
	assert.Equal(t, "101 102", p[itemparam.Lineage])
	assert.Equal(t, "4", p[itemparam.ServiceStatus])
	assert.NotEmpty(t, s.panel.stored, "the old certificate stays while the reissue waits")
	assert.Contains(t, s.panel.calls, "postreopen")
	var of struct {
		ID      int64
		Request string
	}
	require.NoError(t, json.Unmarshal([]byte(p[itemparam.ReissueOf]), &of))
	assert.Equal(t, int64(101), of.ID)
	assert.Len(t, of.Request, 64)

	t.Run("the reissue is stored when it comes", func(t *testing.T) {
		s.seller.issue(t, 102, s.pair, s.at, 199)
		s.args.Command = "sync_item"
		require.NoError(t, s.run(command.SyncItem))
		assert.Equal(t, "5", s.panel.order.Params[itemparam.ServiceStatus])
		assert.Equal(t, "2027-04-26", s.panel.order.Params[itemparam.ExpireDate])
		assert.NotContains(t, s.param(itemparam.ReissueTried), s.param(itemparam.Serial), "the attempts were made for the old certificate")
	})
	t.Run("and not requested again on the same day", func(t *testing.T) {
		s.at = s.at.Add(20 * time.Hour)
		s.args.Command = "reopen"
		s.panel.calls = nil
		require.NoError(t, s.run(command.Reopen))
		assert.Equal(t, 1, s.seller.reissues)
		assert.Equal(t, []string{"postreopen"}, s.panel.calls)
	})
	t.Run("but for another name it is", func(t *testing.T) {
		s.panel.order.Params[itemparam.OldAltName] = ""
		s.panel.order.Params[itemparam.AltName] = "www.example.com"
		require.NoError(t, s.run(command.Reopen))
		assert.Equal(t, 2, s.seller.reissues)
	})
}

// rules STORE-6: after a lost answer the reissue is found in each way in which a seller shows it.
func TestALostReissueIsFound(t *testing.T) {
	for name, late := range map[string]bool{"by ReplacedBy": false, "in the list": true} {
		for when, anyway := range map[string]bool{"at once": true, "by the next run": false} {
			t.Run(name+" "+when, func(t *testing.T) {
				s := issuedFixture(t)
				s.seller.replacedLate = late
				s.seller.reissueErr = &fault.Error{Type: fault.Client, Message: "timeout", Retry: true, OutcomeUnknown: true}
				s.seller.reissueAnyway = anyway
				err := s.run(command.Reopen)
				if anyway {
					require.NoError(t, err)
				} else {
					require.Error(t, err)
					// the seller carries it out late
					s.seller.reissueAnyway = true
					csr, err := pki.ParseCSR(s.pair.csr)
					require.NoError(t, err)
					_, _, _ = s.seller.Reissue(t.Context(), 101, seller.Request{CSR: csr})
					s.seller.reissues--
					s.at = s.at.Add(time.Minute)
					require.NoError(t, s.run(command.Reopen))
				}
				assert.Equal(t, 1, s.seller.reissues)
				assert.Equal(t, "101 102", s.panel.order.Params[itemparam.Lineage])
				assert.Equal(t, "4", s.panel.order.Params[itemparam.ServiceStatus])
				assert.NotEmpty(t, s.panel.order.Params["auth_dnscname_value"])
			})
		}
	}
}

func TestAReissueThatNeverArrivedIsAskedForAgainAfterTenMinutes(t *testing.T) {
	s := issuedFixture(t)
	s.seller.reissueErr = &fault.Error{Type: fault.Client, Message: "timeout", Retry: true, OutcomeUnknown: true}
	require.Error(t, s.run(command.Reopen))
	s.at = s.at.Add(9 * time.Minute)
	assert.Equal(t, fault.Waiting, faultType(t, s.run(command.Reopen)))
	assert.Equal(t, 1, s.seller.reissues)
	s.seller.reissueErr = nil
	s.at = s.at.Add(2 * time.Minute)
	require.NoError(t, s.run(command.Reopen))
	assert.Equal(t, 2, s.seller.reissues)
}

func TestARefusedReissueLeavesNothingPending(t *testing.T) {
	s := issuedFixture(t)
	s.seller.reissueErr = &fault.Error{Type: fault.API, Message: "2011296: The CSR provided is invalid", Code: 2011296}
	require.ErrorContains(t, s.run(command.Reopen), "2011296")
	assert.NotContains(t, s.panel.order.Params, itemparam.ReissueOf)
	assert.Equal(t, "5", s.panel.order.Params[itemparam.ServiceStatus])
}

// rules STORE-5: a reissue in progress for another CSR is not adopted.
func TestAForeignReissueIsNotAdopted(t *testing.T) {
	s := issuedFixture(t)
	s.seller.statuses[101] = seller.OrderStatus{State: seller.StateReplaced, ReplacedBy: 109}
	s.seller.statuses[109] = seller.OrderStatus{State: seller.StateWaiting, CSR: newPair(t, "example.com").csr}
	require.ErrorContains(t, s.run(command.Reopen), "a reissue for another CSR is running")
	assert.Zero(t, s.seller.reissues)
	assert.Equal(t, "101", s.panel.order.Params[itemparam.OrderID])
}

// rules STORE-1: the seller may still return the old certificate for the new id; it is not stored as the new one.
func TestTheReplacedCertificateIsNotTakenForTheNewOne(t *testing.T) {
	s := issuedFixture(t)
	old := s.seller.statuses[101].PEM
	require.NoError(t, s.run(command.Reopen))
	s.seller.statuses[102] = seller.OrderStatus{State: seller.StateIssued, PEM: old}
	s.panel.calls = nil
	require.NoError(t, s.run(command.SyncItem))
	assert.Empty(t, s.panel.calls)
	assert.Equal(t, "4", s.panel.order.Params[itemparam.ServiceStatus])
}

func TestReopenBeforeTheActivationTakesTheNewCSR(t *testing.T) {
	s := newFixture(t)
	s.args.Command = "reopen"
	assert.Equal(t, fault.Missed, faultType(t, s.run(command.Reopen)))
	id := s.seller.add(12)
	s.panel.order.Params[itemparam.OrderID], s.panel.order.Params[itemparam.Lineage] = "101", "101"
	require.NoError(t, s.run(command.Reopen))
	assert.Equal(t, []int64{id}, s.seller.activated)
	assert.Zero(t, s.seller.reissues)
}

func TestTheEndOfTheSellersTermIsRecorded(t *testing.T) {
	s := issuedFixture(t)
	require.NoError(t, s.run(command.Reopen))
	s.seller.issue(t, 102, s.pair, s.at, 9) // ends where the first one does
	require.NoError(t, s.run(command.SyncItem))
	assert.Equal(t, s.panel.order.Params[itemparam.ExpireDate], s.panel.order.Params[itemparam.TermEnd])
}

func TestTheSuccessorOfAReplacedIDIsSearchedFor(t *testing.T) {
	s := issuedFixture(t)
	s.seller.statuses[101] = seller.OrderStatus{State: seller.StateReplaced}
	require.ErrorContains(t, s.run(command.Reopen), "not yet by which id")
	s.seller.statuses[108] = seller.OrderStatus{State: seller.StateWaiting, CSR: s.pair.csr}
	require.NoError(t, s.run(command.Reopen))
	assert.Equal(t, "101 108", s.panel.order.Params[itemparam.Lineage])
	assert.Zero(t, s.seller.reissues)
}

// rules STORE-6: the run ended right after the reissue's id was saved on the item. However late the sweep comes, it follows that
// reissue and requests no other one.
func TestAReissueOfAnInterruptedRunIsStored(t *testing.T) {
	for name, next := range map[string]func(s *fixture) error{
		"by the sweep": func(s *fixture) error {
			s.args = item.Args{Command: "subscription"}
			for range 2 {
				s.sweep(t)
			}
			return nil
		},
		"by the panel": func(s *fixture) error { return s.run(command.Reopen) },
	} {
		t.Run(name, func(t *testing.T) {
			s := issuedFixture(t)
			require.NoError(t, s.run(command.Reopen))
			s.seller.issue(t, 102, s.pair, s.at, 199)
			s.panel.order.Params[itemparam.ServiceStatus] = "5" // as it was before
			s.at = s.at.AddDate(0, 0, 3)
			require.NoError(t, next(s))
			assert.Equal(t, 1, s.seller.reissues)
			assert.Equal(t, "5", s.panel.order.Params[itemparam.ServiceStatus])
			assert.Equal(t, "2027-04-26", s.panel.order.Params[itemparam.ExpireDate])
		})
	}
}

// rules STORE-4: a reissue that the authority refused is counted as failed, not as a reissue.
func TestARefusedReissueIsAFailedRow(t *testing.T) {
	s := sweepFixture(t, 5)
	s.seller.reissueRefused = true
	doc, failed := s.sweep(t)
	assert.True(t, failed, doc)
	assert.Contains(t, doc, `reissued="0"`)
	assert.Contains(t, s.panel.calls, "manual 42 0 reopen")
	s.at = s.at.AddDate(0, 0, 1)
	_, failed = s.sweep(t)
	assert.True(t, failed)
	s.at = s.at.Add(time.Hour)
	doc, failed = s.sweep(t)
	assert.False(t, failed)
	assert.Contains(t, doc, `reason="recent"`, "an order that has ended is not read every hour")
	assert.Equal(t, 1, s.seller.reissues)
}
