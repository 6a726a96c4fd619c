package command_test

import (
	"context"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/command"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
	"pmssl/internal/terminal"
)

// text runs the command and returns its text for people. It must answer with nothing else.
func (s *fixture) text(t *testing.T, f item.Func) string {
	t.Helper()
	s.args.Format = item.FormatText
	run := s.env()
	doc, err := f(context.Background(), run)
	require.NoError(t, err)
	require.Nil(t, doc, "one answer, not two")
	for line := range strings.Lines(run.Print) {
		assert.LessOrEqual(t, terminal.Width(strings.TrimSuffix(line, "\n")), terminal.MaxWidth, line)
	}
	return run.Print
}

// rules TEXT-5: resolve says what it would do, and that nothing was done.
func TestResolveSaysWhatItWouldDo(t *testing.T) {
	set := func(t *testing.T) *fixture {
		s := newFixture(t)
		s.panel.order.Params[itemparam.Intent] = intentJSON(t, 0)
		s.seller.add(12)
		s.panel.order.Name = "example.com"
		s.seller.statuses[101] = seller.OrderStatus{State: seller.StateNew, Type: "PositiveSSL", CommonName: "example.com"}
		s.args = item.Args{Command: "resolve", Item: 42, ID: "101"}
		return s
	}
	s := set(t)
	golden(t, "resolve-adopt.txt", s.text(t, command.Resolve))
	assert.NotEmpty(t, s.panel.order.Params[itemparam.Intent])
	s.args.Yes = true
	golden(t, "resolve-adopt-yes.txt", s.text(t, command.Resolve))
	assert.Empty(t, s.panel.order.Params[itemparam.Intent])

	s = set(t)
	s.args.ID, s.args.None = "", true
	golden(t, "resolve-none.txt", s.text(t, command.Resolve))
	assert.NotEmpty(t, s.panel.order.Params[itemparam.Intent])

	s = set(t)
	s.panel.claims = []item.Claim{{Item: 43, OrderID: "103", Lineage: "101 103"}}
	assert.Contains(t, s.text(t, command.Resolve), "- would remove 101 from item 43, which has another one now\n")
	s.panel.order.Params[itemparam.Intent] = "{broken \x1b[2J"
	assert.Contains(t, s.text(t, command.Resolve), "open purchase: unreadable (purchase_intent)\n")
}

func TestTheSweepAsText(t *testing.T) {
	s := sweepFixture(t, 10)
	s.panel.order.Name = "example.com"
	s.args.DryRun = true
	golden(t, "sweep-dry-run.txt", s.text(t, command.Subscription))
	assert.Zero(t, s.seller.reissues)
	s.args.DryRun = false
	golden(t, "sweep-reissue.txt", s.text(t, command.Subscription))
	assert.Equal(t, 1, s.seller.reissues)
	golden(t, "sweep-wait.txt", s.text(t, command.Subscription))

	s = sweepFixture(t, 60)
	golden(t, "sweep-nothing.txt", s.text(t, command.Subscription))
	s.args.Item = 42
	assert.Contains(t, s.text(t, command.Subscription), "nothing: not due yet\n")
}

func TestTheBalancesAsText(t *testing.T) {
	s := newFixture(t)
	s.args = item.Args{Command: "getbalance", Module: 5}
	assert.Equal(t, "module  balance\n     5   100.00  USD\nsaved in the panel\n", s.text(t, command.GetBalance))
	assert.Equal(t, []string{"savebalance 5 100.00 USD"}, s.panel.calls)

	s.args = item.Args{Command: "getbalance", Format: item.FormatText}
	ca := newListedPanel(s)
	ca.modules = nil
	run := s.with(s.seller, ca)
	_, err := command.GetBalance(context.Background(), run)
	require.NoError(t, err)
	assert.Equal(t, "no processing module of the panel uses pmtest\n", run.Print)
}

func TestTheConnectionCheckAsText(t *testing.T) {
	s := newFixture(t)
	s.args = item.Args{Command: "check_connection", Format: item.FormatText}
	run := s.env()
	run.Doc = document(t, "<doc><processingmodule><username>u</username></processingmodule></doc>")
	var doc *etree.Document
	doc, err := command.CheckConnection(context.Background(), run)
	require.NoError(t, err)
	assert.Nil(t, doc)
	assert.Equal(t, "the account "+s.seller.Account()+" at Seller can be used\n", run.Print)
}

func TestTheImportAsText(t *testing.T) {
	m := newImporting(t)
	m.args.Format = item.FormatText
	run := m.with(m.able, m.listed)
	doc, err := command.Import(context.Background(), run)
	require.NoError(t, err)
	assert.Nil(t, doc)
	assert.Regexp(t, `^found \d+, imported \d+, completed \d+, skipped \d+, failed \d+\n`, run.Print)
}
