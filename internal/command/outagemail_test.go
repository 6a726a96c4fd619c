package command_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// rules SWEEP-4, SWEEP-9: in the last days the client of a reissue that waits is notified although the seller does not work.
func TestTheLastDaysAreToldWhileTheSellerIsDown(t *testing.T) {
	outage := &fault.Error{Type: fault.Client, Object: "api", Message: "no answer", Retry: true, Outage: true}
	for name, row := range map[string]struct {
		first   bool // the item that meets the fault has its first order; the other one is skipped
		left    int
		change  func(*publishing)
		policy  string
		notices int
	}{
		"before the last days":             {left: 6},
		"in the last days":                 {left: 4, notices: 1},
		"an item that is skipped":          {left: 4, first: true, notices: 1},
		"the certificate is not valid yet": {left: 4, change: func(p *publishing) { p.panel.order.Params[itemparam.NotBefore] = "1 2026-10-14T09:00:00Z" }},
		"another one was being stored":     {left: 4, change: func(p *publishing) { p.panel.order.Params[itemparam.Serial] = "0badc0ffee" }},
		"under the policy none":            {left: 4, policy: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.sweep(t)
			require.Equal(t, "4", p.param(itemparam.ServiceStatus))
			if row.change != nil {
				row.change(p)
			}
			p.panel.settings["SSLSubscriptionPolicy"] = row.policy
			p.at = time.Date(2026, 10, 18, 9, 0, 0, 0, time.UTC).AddDate(0, 0, -row.left)
			for range 3 { // hours
				p.args = item.Args{Command: "subscription"}
				run := p.env()
				run.Panel = twoWaiting{twins{p.panel}, row.first}
				run.Info.Connect = func(map[string]string) (seller.Seller, error) { return outageSeller{p.seller, outage}, nil }
				answer, err := command.Subscription(t.Context(), run)
				require.NoError(t, err)
				doc := output(t, answer)
				assert.Contains(t, doc, `failed="1"`)
				assert.Contains(t, doc, `result="skipped" reason="left for the next sweep`)
				p.at = p.at.Add(time.Hour)
			}
			assert.Len(t, p.mailer.notices, row.notices, "once a day")
			for _, notice := range p.mailer.notices {
				assert.Equal(t, item.NoticeWaiting, notice.Kind)
				assert.Equal(t, row.first, notice.Item == 43)
				assert.Equal(t, "_m.example.com CNAME t.ca.example", notice.Challenges)
			}
		})
	}
}

// twoWaiting is a panel with two items that wait.
type twoWaiting struct {
	twins
	first bool // 42 has no certificate yet
}

func (p twoWaiting) LoadItem(ctx context.Context, it int64) (item.Item, error) {
	order, err := p.twins.LoadItem(ctx, it)
	if p.first && it == 42 {
		order.Stored = ""
	}
	return order, err
}

func (p twoWaiting) WaitingItems(ctx context.Context) ([]int64, error) {
	items, err := p.twins.WaitingItems(ctx)
	if len(items) > 0 {
		items = append(items, 43)
	}
	return items, err
}

func (twoWaiting) ExpiringBefore(context.Context, cabforum.Date) ([]int64, error) { return nil, nil }
