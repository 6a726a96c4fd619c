package acceptance

import (
	"context"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// oneItem is a panel with one item. load is called before each reading of it.
type oneItem struct {
	item.Panel
	it     item.Item
	load   func(n int) error
	loads  int
	locked bool
}

func (p *oneItem) LoadItem(context.Context, int64) (item.Item, error) {
	p.loads++
	if err := p.load(p.loads); err != nil {
		return item.Item{}, err
	}
	it := p.it
	it.Params = maps.Clone(p.it.Params)
	return it, nil
}
func (p *oneItem) LockItem(context.Context, int64) error               { p.locked = true; return nil }
func (p *oneItem) UnlockItem(context.Context, int64) error             { p.locked = false; return nil }
func (p *oneItem) CountOperations(context.Context, int64) (int, error) { return 0, nil }

// silent is a log that keeps nothing.
type silent struct{}

func (silent) Errorf(string, ...any)   {}
func (silent) Warningf(string, ...any) {}
func (silent) Infof(string, ...any)    {}
func (silent) ExtInfof(string, ...any) {}
func (silent) Tracef(string, ...any)   {}
func (silent) Debugf(string, ...any)   {}

// orderWalk returns a walk at a seller without a sandbox that has come to the stage order, and its panel.
func orderWalk(t *testing.T) (*walker, *oneItem) {
	t.Helper()
	p := &oneItem{it: item.Item{Item: 42, Module: 5, Name: "example.com", Params: map[string]string{}}, load: func(int) error { return nil }}
	w := &walker{
		run:  &item.Run{Panel: p, Log: silent{}, Args: item.Args{Yes: true, Item: 42}, Info: seller.Info{Title: "Billing"}},
		gate: &gate{spend: true}, item: p.it, files: filesOf(t.TempDir(), "pmdouble", 42), redact: newRedactor(p.it, nil, nil, ""),
	}
	require.NoError(t, w.open("one"))
	return w, p
}

// savedOwn returns whether the saved state says that the order is the walk's.
func savedOwn(t *testing.T, w *walker) bool {
	t.Helper()
	state, err := w.files.read()
	require.NoError(t, err)
	return state.OwnOrder
}

// rules ACCEPT-1: an order that the item got after the walk began, and before the walk bought one, is not the walk's.
func TestAnOrderThatThePanelBoughtMeanwhileIsNotTheWalks(t *testing.T) {
	for rule, params := range map[string]map[string]string{
		"an order":                     {itemparam.OrderID: "7", itemparam.Lineage: "7"},
		"a purchase without an answer": {itemparam.Intent: "{}"},
	} {
		t.Run(rule, func(t *testing.T) {
			w, p := orderWalk(t)
			p.it.Params = params
			p.load = func(n int) error {
				assert.Equal(t, 1, n, "open is not run")
				return nil
			}
			o := w.order(t.Context())
			assert.Equal(t, Failed, o.progress)
			assert.Contains(t, o.note, "an order that the walk did not buy")
			assert.False(t, p.locked)
			assert.False(t, savedOwn(t, w))
			assert.Empty(t, w.steps)
		})
	}
}

// rules ACCEPT-1: that the order is the walk's is saved before it is bought, and holds as long as it may have been bought.
func TestTheWalksOrderIsSavedBeforeItIsBought(t *testing.T) {
	for rule, c := range map[string]struct {
		after map[string]string // parameters of the item after open
		own   bool
	}{
		"nothing was bought":  {map[string]string{}, false},
		"it was bought":       {map[string]string{itemparam.OrderID: "7"}, true},
		"it may be bought":    {map[string]string{itemparam.Intent: "{}"}, true},
		"nobody can say that": {nil, true},
	} {
		t.Run(rule, func(t *testing.T) {
			w, p := orderWalk(t)
			p.load = func(n int) error {
				switch {
				case n == 1:
					assert.True(t, p.locked, "the panel buys nothing meanwhile")
				case n == 2: // by open
					assert.True(t, savedOwn(t, w))
					p.it.Params = c.after
					return fault.Errorf(fault.API, "", "no")
				case c.after == nil:
					return fault.Errorf(fault.DB, "", "gone")
				}
				return nil
			}
			o := w.order(t.Context())
			assert.Equal(t, Failed, o.progress)
			assert.Equal(t, c.own, w.state.OwnOrder)
			assert.False(t, p.locked)
			require.NoError(t, w.files.write(w.state))
			assert.Equal(t, c.own, savedOwn(t, w))
		})
	}
}
