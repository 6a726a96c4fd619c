package command_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// taskPanel keeps the texts of tasks.
type taskPanel struct {
	*fakePanel
	texts []string
}

func (p *taskPanel) Escalate(ctx context.Context, it, operation int64, name, text string) error {
	p.texts = append(p.texts, text)
	return p.fakePanel.Escalate(ctx, it, operation, name, text)
}

func TestClosingCancelsTheNewestOrder(t *testing.T) {
	unreachable := fault.Errorf(fault.Client, "", "no answer").Retryable()
	for rule, c := range map[string]struct {
		set   func(s *fixture, theSeller *ableSeller)
		asked []string
		task  []string // words of the task, nil if absent
	}{
		"cancelled": {nil, []string{"cancel 103"}, nil},
		"an id of another module": {func(s *fixture, _ *ableSeller) {
			s.panel.order.Params, s.panel.journal = map[string]string{itemparam.OrderID: "103"}, nil
		},
			nil, []string{"its order 103 at Seller was not cancelled", "another module's order"}},
		"nothing ordered": {func(s *fixture, _ *ableSeller) { s.panel.order.Params = map[string]string{} }, nil, nil},
		"the seller does not let us": {func(_ *fixture, a *ableSeller) { a.fail["cancel"] = fault.Errorf(fault.API, "", "access denied") },
			[]string{"cancel 103", "stop 103"}, []string{"its order 103 at Seller", "access denied", "its renewal is switched off"}},
		"nor is its renewal stopped": {func(_ *fixture, a *ableSeller) {
			a.fail["cancel"], a.fail["stop"] = fault.Errorf(fault.API, "", "access denied"), fault.Errorf(fault.API, "", "no such form")
		}, []string{"cancel 103", "stop 103"}, []string{"103", "access denied", "no such form", "it may be paid for again"}},
		"the seller is not reached": {func(_ *fixture, a *ableSeller) { a.fail["cancel"], a.fail["stop"] = unreachable, unreachable },
			[]string{"cancel 103", "stop 103"}, []string{"103", "no answer"}},
		"an unreadable id": {func(s *fixture, _ *ableSeller) { s.panel.order.Params[itemparam.OrderID] = "10x" },
			nil, []string{"its order 10x at Seller was not cancelled", "not an id of the seller"}},
		"no module": {func(s *fixture, _ *ableSeller) { s.panel.order.Module = 0 }, nil, []string{"103", "belongs to no processing module"}},
		"an id that only the journal remembers": {func(s *fixture, a *ableSeller) {
			s.panel.order.Params = map[string]string{}
			s.panel.journal = []item.JournalEntry{{Time: s.at, Item: 42, Kind: seller.KindOrder, ID: 104, Account: refOf(a.Account()), Name: "example.com"}}
		}, []string{"cancel 104"}, nil},
		"an id of the journal that may be an earlier client's": {func(s *fixture, a *ableSeller) {
			s.panel.order.Params = map[string]string{}
			s.panel.journal = []item.JournalEntry{{Time: s.at, Item: 42, Kind: seller.KindOrder, ID: 104, Account: refOf(a.Account()), Name: "other.example"}}
		}, nil, []string{"item 42 is closed", "id 104", "other.example"}},
		"a purchase without answer": {func(s *fixture, _ *ableSeller) {
			s.panel.order.Params = map[string]string{itemparam.Intent: intentJSON(t, 0)}
		}, nil, []string{"a purchase without a clear answer: look for it at Seller"}},
	} {
		t.Run(rule, func(t *testing.T) {
			s, theSeller := able(t)
			s.args.Command = "close"
			s.panel.order.Params[itemparam.OrderID], s.panel.order.Params[itemparam.Lineage] = "103", "101 103"
			if c.set != nil {
				c.set(s, theSeller)
			}
			panel := &taskPanel{fakePanel: s.panel}
			_, err := command.Close(context.Background(), s.with(theSeller, panel))
			require.NoError(t, err)
			assert.Equal(t, c.asked, theSeller.asked)
			assert.Equal(t, "postclose", s.panel.calls[len(s.panel.calls)-1])
			if c.task == nil {
				assert.Empty(t, panel.texts)
				return
			}
			require.Len(t, panel.texts, 1)
			assert.Equal(t, "manual 42 0 close", s.panel.calls[len(s.panel.calls)-2], "the operation does not become manual")
			for _, word := range c.task {
				assert.Contains(t, panel.texts[0], word)
			}
		})
	}
}

// revokingSeller supports revoking a replaced certificate.
type revokingSeller struct{ *ableSeller }

// Revoke implements seller.Revoker.
func (r revokingSeller) Revoke(_ context.Context, id int64) error { return r.note("revoke %d", id) }

// A replaced certificate that is still valid is revoked, because its key may be known, or named in a task. The order is cancelled
// once, by its newest id.
func TestReplacedCertificatesAreRevokedOrNamed(t *testing.T) {
	for rule, c := range map[string]struct {
		revokes bool
		refusal error
		asked   []string
		task    string
	}{
		"revoked":             {true, nil, []string{"revoke 101", "cancel 102"}, ""},
		"refused":             {true, fault.Errorf(fault.API, "", "not this kind"), []string{"revoke 101", "cancel 102"}, "not this kind"},
		"a seller without it": {false, nil, []string{"cancel 102"}, "does not support revoking certificates"},
	} {
		t.Run(rule, func(t *testing.T) {
			s, able := able(t)
			s.seller.issue(t, s.seller.add(12), s.pair, s.at, 199)
			s.args.Command = "close"
			s.panel.order.Params[itemparam.OrderID], s.panel.order.Params[itemparam.Lineage] = "102", "101 102"
			if c.refusal != nil {
				able.fail["revoke"] = c.refusal
			}
			var theSeller seller.Seller = able
			if c.revokes {
				theSeller = revokingSeller{able}
			}
			panel := &taskPanel{fakePanel: s.panel}
			_, err := command.Close(context.Background(), s.with(theSeller, panel))
			require.NoError(t, err)
			assert.Equal(t, c.asked, able.asked)
			if c.task == "" {
				assert.Empty(t, panel.texts)
				return
			}
			require.Len(t, panel.texts, 1)
			assert.Contains(t, panel.texts[0], "the replaced certificate 101 at Seller (serial ")
			assert.Contains(t, panel.texts[0], c.task)
		})
	}
}

// The panel closes the item even if seller and task fail.
func TestClosingContinuesWithoutSellerAndTask(t *testing.T) {
	s, theSeller := able(t)
	s.panel.order.Params[itemparam.OrderID] = "103"
	s.panel.fail["manual"] = errors.New("no task")
	run := s.with(theSeller, s.panel)
	run.Info.Connect = func(map[string]string) (seller.Seller, error) {
		return nil, fault.Errorf(fault.Missed, "", "no password")
	}
	_, err := command.Close(context.Background(), run)
	require.NoError(t, err)
	assert.Equal(t, []string{"postclose"}, s.panel.calls)
	assert.Contains(t, strings.Join(s.log.lines, "\n"), "no password")

	s.panel.fail["postclose"] = fault.Errorf(fault.Panel, "", "down").Retryable()
	_, err = command.Close(context.Background(), run)
	assert.Equal(t, fault.Panel, faultType(t, err))
}

func TestASellerThatCancelsNothingIsNotAsked(t *testing.T) {
	s := newFixture(t)
	s.panel.order.Params[itemparam.OrderID] = "103"
	run := s.env()
	run.Info.Connect = func(map[string]string) (seller.Seller, error) { panic("connected") }
	_, err := command.Close(context.Background(), run)
	require.NoError(t, err)
	assert.Equal(t, []string{"postclose"}, s.panel.calls)
	assert.True(t, slices.ContainsFunc(s.log.lines, func(l string) bool { return strings.Contains(l, "its orders at Seller remain: 103") }))
}
