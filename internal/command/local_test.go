package command_test

import (
	"context"
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

func TestLocalCommandsCallThePanelOnly(t *testing.T) {
	for name, row := range map[string]struct {
		run  item.Func
		call string
	}{
		"suspend":  {command.Suspend, "postsuspend"},
		"resume":   {command.Resume, "postresume"},
		"setparam": {command.SetParam, "postsetparam"},
		"close":    {command.Close, "postclose"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			require.NoError(t, s.run(row.run))
			assert.Equal(t, []string{row.call}, s.panel.calls)
			s.args.Item = 1
			assert.Equal(t, fault.Missed, faultType(t, s.run(row.run)))
		})
	}
	s := newFixture(t)
	require.NoError(t, s.run(command.CancelProlong))
	assert.Empty(t, s.panel.calls)
}

func TestCloseLogsTheOrdersThatStay(t *testing.T) {
	s := newFixture(t)
	s.panel.order.Params[itemparam.OrderID], s.panel.order.Params[itemparam.Lineage] = "103", "101 103"
	require.NoError(t, s.run(command.Close))
	assert.Contains(t, strings.Join(s.log.lines, "\n"), "its orders at Seller remain: 101 103")
}

// rules BUY-5: an administrator resolves a purchase whose outcome is unknown.
func TestResolve(t *testing.T) {
	set := func(t *testing.T, id string, none, yes bool) *fixture {
		s := newFixture(t)
		s.panel.order.Params[itemparam.Intent] = intentJSON(t, 0)
		s.seller.add(12)
		s.args = item.Args{Command: "resolve", Item: 42, ID: id, None: none, Yes: yes}
		return s
	}
	t.Run("shows what it would do", func(t *testing.T) {
		s := set(t, "101", false, false)
		doc, err := command.Resolve(context.Background(), s.env())
		require.NoError(t, err)
		assert.Contains(t, output(t, doc), `mode="dry-run" action="adopt" id="101" state="new"`)
		assert.NotEmpty(t, s.panel.order.Params[itemparam.Intent])
		assert.Empty(t, s.panel.order.Params[itemparam.OrderID])
	})
	t.Run("adopts", func(t *testing.T) {
		s := set(t, "101", false, true)
		require.NoError(t, s.run(command.Resolve))
		assert.Empty(t, s.panel.order.Params[itemparam.Intent])
		assert.Equal(t, "101", s.panel.order.Params[itemparam.OrderID])
		assert.Len(t, s.panel.journal, 1)
		assert.Zero(t, s.seller.buys)
	})
	t.Run("forgets", func(t *testing.T) {
		s := set(t, "", true, false)
		require.NoError(t, s.run(command.Resolve))
		assert.NotEmpty(t, s.panel.order.Params[itemparam.Intent])
		s.args.Yes = true
		require.NoError(t, s.run(command.Resolve))
		assert.Empty(t, s.panel.order.Params[itemparam.Intent])
		require.Error(t, s.run(command.Resolve), "nothing is left to forget")
	})
	for name, s := range map[string]*fixture{
		"neither": set(t, "", false, true), "both": set(t, "101", true, true), "no number": set(t, "x", false, true),
		"unknown at the seller": set(t, "999", false, true),
	} {
		t.Run(name, func(t *testing.T) { require.Error(t, s.run(command.Resolve)) })
	}
	t.Run("not an id of another item's earlier order", func(t *testing.T) {
		s := set(t, "101", false, true)
		s.seller.statuses[101] = seller.OrderStatus{State: seller.StateReplaced, ReplacedBy: 103}
		s.panel.claims = []item.Claim{{Item: 43, OrderID: "103", Lineage: "101 103"}}
		require.ErrorContains(t, s.run(command.Resolve), "belongs to the lineage of item 43")
		assert.Empty(t, s.panel.order.Params[itemparam.OrderID])
	})
	t.Run("but an id that was saved on another item by mistake", func(t *testing.T) {
		s := set(t, "101", false, true)
		s.panel.claims = []item.Claim{{Item: 43, OrderID: "103", Lineage: "101 103"}}
		require.NoError(t, s.run(command.Resolve))
		assert.Equal(t, "101", s.panel.order.Params[itemparam.OrderID])
	})
	t.Run("not an id of another item", func(t *testing.T) {
		s := set(t, "101", false, true)
		s.panel.claims = []item.Claim{{Item: 43, Lineage: "101"}}
		require.ErrorContains(t, s.run(command.Resolve), "belongs to item 43")
	})
}
