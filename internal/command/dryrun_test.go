package command_test

import (
	"context"
	"reflect"
	"testing"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withheld is the error of the seller's client for a request that a dry run does not send.
type withheld struct{}

func (withheld) Error() string  { return "not sent: this is a dry run" }
func (withheld) Withheld() bool { return true }

// dryFixture returns a fixture in a dry run, whose seller withholds requests that change something.
func dryFixture(t *testing.T) *fixture {
	t.Helper()
	s := newFixture(t)
	s.args.DryRun = true
	s.seller.buyErr, s.seller.actErr, s.seller.reissueErr = withheld{}, withheld{}, withheld{}
	return s
}

// rules CLI-7: in a dry run no call of a command changes the panel. The test finds new methods of Panel.
func TestTheDryPanelChangesNothing(t *testing.T) {
	reads := map[string]bool{"LockAccount": true, "UnlockAccount": true} // which the double notes
	s := dryFixture(t)
	before, stored := s.panel.order, s.panel.stored
	command.WithDryPanel(s.env(), func(panel item.Panel) {
		v := reflect.ValueOf(panel)
		for i := range v.NumMethod() {
			name := v.Type().Method(i).Name
			if reads[name] {
				continue
			}
			method, args := v.Method(i), []reflect.Value{}
			for a := range method.Type().NumIn() {
				kind := method.Type().In(a)
				if kind == reflect.TypeFor[context.Context]() {
					args = append(args, reflect.ValueOf(context.Background()))
					continue
				}
				value := reflect.New(kind).Elem()
				switch kind.Kind() {
				case reflect.Int64:
					value.SetInt(s.args.Item)
				case reflect.String:
					value.SetString("x")
				}
				args = append(args, value)
			}
			if method.Type().IsVariadic() {
				method.CallSlice(args)
			} else {
				method.Call(args)
			}
			assert.Empty(t, s.panel.calls, name)
		}
	})
	assert.Equal(t, before, s.panel.order)
	assert.Equal(t, stored, s.panel.stored)
	assert.Empty(t, s.panel.journal)
}

// In the same run a command reads back what it has written.
func TestTheDryPanelReturnsWhatWasWritten(t *testing.T) {
	ctx := context.Background()
	s := dryFixture(t)
	s.panel.journal = []item.JournalEntry{{Item: 9, ID: 7, Account: "a"}, {Item: 9, ID: 8, Account: "b"}}
	command.WithDryPanel(s.env(), func(panel item.Panel) {
		require.NoError(t, panel.SaveParam(ctx, s.args.Item, "one", "1"))
		require.NoError(t, panel.SaveParam(ctx, s.args.Item, itemparam.Method, "auth_email"))
		require.NoError(t, panel.DropParam(ctx, s.args.Item, itemparam.Method))
		require.NoError(t, panel.SetStatus(ctx, s.args.Item, item.ServiceIssued))
		require.NoError(t, panel.SaveCertificatePEM(ctx, s.args.Item, "pem"))
		require.NoError(t, panel.AppendJournal(ctx, item.JournalEntry{Item: s.args.Item, ID: 7, Account: "a"}))
		order, err := panel.LoadItem(ctx, s.args.Item)
		require.NoError(t, err)
		assert.Equal(t, "1", order.Params["one"])
		assert.NotContains(t, order.Params, itemparam.Method)
		assert.Equal(t, "5", order.Params[itemparam.ServiceStatus])
		assert.Equal(t, "pem", order.Stored)
		value, found, err := panel.Param(ctx, s.args.Item, "one")
		assert.Equal(t, []any{"1", true, nil}, []any{value, found, err})
		_, found, err = panel.Param(ctx, s.args.Item, itemparam.Method)
		assert.Equal(t, []any{false, nil}, []any{found, err})
		stored, err := panel.StoredCertificate(ctx, s.args.Item)
		assert.Equal(t, []any{"pem", nil}, []any{stored, err})
		var lines []item.JournalEntry
		require.NoError(t, panel.EachPurchase(ctx, "a", func(line item.JournalEntry) { lines = append(lines, line) }))
		assert.Equal(t, int64(7), lines[len(lines)-1].ID)
		own, err := panel.JournalOf(ctx, s.args.Item)
		require.NoError(t, err)
		assert.Equal(t, item.EntriesOf(lines, s.args.Item), own)
		assert.Len(t, own, 2, "the purchase of another item with the same id counts")
		owners, err := panel.JournalOwners(ctx, "a", []int64{7, 8})
		require.NoError(t, err)
		assert.Equal(t, map[int64]int64{7: s.args.Item}, owners)
	})
	assert.Empty(t, s.panel.calls)
}

// A terminal gets text, a program a document.
func TestADryRunAnswersPeopleInText(t *testing.T) {
	s := dryFixture(t)
	run := s.env()
	run.Format = "text"
	doc, err := item.WithDryRun(command.Open)(context.Background(), run)
	require.NoError(t, err)
	assert.Nil(t, doc)
	assert.Contains(t, run.Print, "dry run of open for item 42")
	assert.Contains(t, run.Print, ": nothing was bought, sent or changed\n")
	assert.Contains(t, run.Print, "\nwould buy: kind=create product=positivessl months=12 names=example.com proof=DNS price=")
	assert.Contains(t, run.Print, "what follows depends on the seller's answer")
	assert.Equal(t, []string{"lock account", "unlock account"}, s.panel.calls)
}

// A dry run refuses a seller's client that does not withhold requests, and reports a fault if a withheld request gets an answer.
func TestADryRunNeedsASellerThatWithholds(t *testing.T) {
	s := dryFixture(t)
	run := s.env()
	run.Info.DryRun = false
	_, err := item.WithDryRun(command.Open)(context.Background(), run)
	assert.Equal(t, fault.Internal, fault.From(err).Type)
	assert.Zero(t, s.seller.buys)

	s = dryFixture(t)
	s.seller.buyErr = nil
	_, err = item.WithDryRun(command.Open)(context.Background(), s.env())
	assert.Equal(t, fault.Internal, fault.From(err).Type)
	assert.Contains(t, err.Error(), "a call reached the seller in a dry run")
}

// A dry run is refused for the same reasons as a real run.
func TestADryRunIsRefusedLikeARealRun(t *testing.T) {
	for name, spoil := range map[string]func(*fixture){
		"no balance":           func(s *fixture) { s.seller.balance = "0.00" },
		"no such term":         func(s *fixture) { s.panel.order.Period = 7 },
		"no CSR":               func(s *fixture) { s.panel.order.CSR = "none" },
		"an unknown item":      func(s *fixture) { s.args.Item = 999 },
		"a deleted item":       func(s *fixture) { s.panel.order.Status = 4 },
		"an unreadable intent": func(s *fixture) { s.panel.order.Params[itemparam.Intent] = "{" },
		"another module":       func(s *fixture) { s.args.Module, s.args.Operation = 77, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			s := dryFixture(t)
			spoil(s)
			doc, err := item.WithDryRun(command.Open)(context.Background(), s.env())
			assert.Error(t, err)
			assert.Nil(t, doc)
			assert.Zero(t, s.seller.buys)
		})
	}
}
