package command_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
)

// storedWithLeftover returns an item whose certificate is stored and whose record could not be removed.
func storedWithLeftover(t *testing.T) *publishing {
	t.Helper()
	p := publishingFixture(t, 10)
	p.asked.then = func() { p.issue(t) }
	p.panel.before = func(call string) {
		if strings.HasPrefix(call, "withdraw") {
			p.panel.fail["withdraw"] = errors.New("connection refused")
		}
	}
	p.sweep(t)
	p.panel.before = nil
	require.Equal(t, "5", p.param(itemparam.ServiceStatus))
	require.Len(t, p.service.world, 1)
	p.at = p.at.Add(time.Hour)
	return p
}

// rules UNATT-5: what is left needs nothing of the seller.
func TestWhatIsLeftIsRemovedWithoutTheSeller(t *testing.T) {
	t.Run("the account does not work", func(t *testing.T) {
		p := storedWithLeftover(t)
		run := p.env()
		run.Args = item.Args{Command: "subscription"}
		run.Info.Connect = func(map[string]string) (seller.Seller, error) {
			return nil, fault.Errorf(fault.Missed, "username", "the processing module has no user name")
		}
		_, err := command.Subscription(t.Context(), run)
		require.NoError(t, err)
		assert.False(t, run.Failed)
		p.clean(t)
	})
	t.Run("the id is none", func(t *testing.T) {
		p := storedWithLeftover(t)
		p.panel.order.Params[itemparam.OrderID] = "see the e-mail"
		p.sweep(t)
		p.clean(t)
	})
}

// suspendedPanel is a panel whose item an employee suspended: the sweep watches it no more.
type suspendedPanel struct{ *fakePanel }

func (suspendedPanel) WaitingItems(context.Context) ([]int64, error) { return nil, nil }
func (suspendedPanel) ExpiringBefore(context.Context, cabforum.Date) ([]int64, error) {
	return nil, nil
}

// Records that stand are removed in every mode but on, also those of a suspended item whose order waits.
func TestASuspendedItemKeepsItsRecordsOnlyWhileTheModeIsOn(t *testing.T) {
	for mode, stands := range map[publish.Mode]int{publish.On: 1, publish.Dry: 0, publish.Off: 0} {
		p := publishingFixture(t, 10)
		p.sweep(t)
		require.Len(t, p.service.world, 1)
		p.service.mode, p.at = mode, p.at.Add(time.Hour)
		run := p.env()
		run.Args, run.Panel = item.Args{Command: "subscription"}, suspendedPanel{p.panel}
		_, err := command.Subscription(t.Context(), run)
		require.NoError(t, err)
		assert.Len(t, p.service.world, stands, mode)
		assert.Len(t, p.service.list(), stands, mode)
	}
}

// unreadablePanel is a panel with two items that are due; reading the first one panics.
type unreadablePanel struct{ twins }

func (p unreadablePanel) LoadItem(ctx context.Context, it int64) (item.Item, error) {
	if it == 42 {
		panic("planted")
	}
	return p.twins.LoadItem(ctx, it)
}

// A fault of the program that shows when an item is read must not keep the sweep from the others.
func TestAPanicWhileAnItemIsReadIsAnErrorOfThatItem(t *testing.T) {
	s := sweepFixture(t, 10)
	run := s.env()
	run.Panel = unreadablePanel{twins{s.panel}}
	answer, err := command.Subscription(t.Context(), run)
	require.NoError(t, err)
	doc := output(t, answer)
	assert.Contains(t, doc, `reissued="1" told="1" failed="1"`)
	assert.Contains(t, doc, "planted")
	assert.Contains(t, strings.Join(s.log.lines, "\n"), "goroutine", "the log has the stack")
}
