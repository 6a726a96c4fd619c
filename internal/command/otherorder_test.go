package command_test

import (
	"context"
	"encoding/json"
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

// otherOrderSeller answers a purchase with an id that is on no item. It shows the id for another client's name.
type otherOrderSeller struct {
	*fakeSeller
	shown seller.OrderStatus
}

func (f otherOrderSeller) Buy(context.Context, seller.Purchase) (seller.Receipt, error) {
	f.buys++
	f.statuses[f.shown.ID] = f.shown
	return seller.Receipt{ID: f.shown.ID}, nil
}

func (f otherOrderSeller) Activate(context.Context, int64, seller.Request) ([]seller.Challenge, error) {
	return nil, fault.Errorf(fault.API, "4011331", "Status is InValid")
}

func (f otherOrderSeller) Challenges(context.Context, int64, seller.Request) ([]seller.Challenge, error) {
	return []seller.Challenge{{Domain: "other.example", Method: seller.MethodDNS, ApproverMethod: "auth_dnscname", Host: "_x.other.example", Record: "CNAME", Target: "y.ca.example"}}, nil
}

// rules BUY-9: whatever the seller answers, a client sees and gets nothing of another one's order.
func TestAnAnsweredIDOfAnotherName(t *testing.T) {
	for _, state := range []seller.State{seller.StateWaiting, seller.StateIssued} {
		t.Run(state.String(), func(t *testing.T) {
			s := newFixture(t)
			other := newPair(t, "other.example")
			run := func(name string, do func(context.Context, *item.Run) error) error {
				t.Helper()
				env := s.env()
				env.Args.Command = name
				env.Info.Connect = func(map[string]string) (seller.Seller, error) {
					return otherOrderSeller{s.seller, seller.OrderStatus{ID: 301, State: state, CommonName: "other.example", CSR: other.csr, Type: "PositiveSSL"}}, nil
				}
				return do(t.Context(), env)
			}
			open := func(ctx context.Context, env *item.Run) error { _, err := command.Open(ctx, env); return err }
			sync := func(ctx context.Context, env *item.Run) error { _, err := command.SyncItem(ctx, env); return err }
			for range 2 {
				err := run("open", open)
				assert.Equal(t, fault.Unclear, faultType(t, err))
				assert.ErrorContains(t, err, "is shown there for other.example")
			}
			assert.Equal(t, fault.Unclear, faultType(t, run("sync_item", sync)))
			assert.Equal(t, 1, s.seller.buys)
			assert.NotEmpty(t, s.panel.tasks)
			assert.Empty(t, s.param("auth_dnscname_value"))
			assert.Empty(t, s.panel.stored)
			assert.NotContains(t, []string{"4", "5"}, s.param(itemparam.ServiceStatus))
		})
	}
}

// rules BUY-4: without a reference an order belongs to an intent only if no other one can own it, or if its key says so.
func TestAnOrderThatSeveralIntentsCanOwn(t *testing.T) {
	for name, row := range map[string]struct {
		csrShown bool
		adopted  string
	}{
		"the CSR is shown":     {true, "500"},
		"the CSR is not shown": {false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := remoteFixture(t)
			s.remote.unreferenced = true
			s.remote.err, s.remote.anyway = lost(), true
			require.Error(t, s.run(command.Open))
			s.remote.err = nil
			s.remote.change(500, func(r *seller.OrderStatus) {
				if !row.csrShown {
					r.CSR = ""
				}
			})
			raw, err := json.Marshal(map[string]any{"kind": "order", "time": "2026-04-02T09:00:00Z", "product": "positivessl", "years": 1, "snapshot": 0,
				"account": refOf(s.remote.Account()), "name": "example.com", "key": "00"})
			require.NoError(t, err)
			s.panel.claims = []item.Claim{{Item: 43, Intent: string(raw)}}
			s.at = s.at.Add(20 * time.Minute)
			err = s.run(command.Open)
			assert.Equal(t, row.adopted, s.param(itemparam.OrderID))
			assert.Equal(t, 1, s.remote.orders)
			if row.csrShown {
				require.NoError(t, err)
				return
			}
			assert.Equal(t, fault.Unclear, faultType(t, err))
			assert.ErrorContains(t, err, "or that of item 43")
			assert.NotEmpty(t, s.panel.tasks)
		})
	}
}
