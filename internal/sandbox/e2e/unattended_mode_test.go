package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// SSLUnattended dry writes nothing: the log says what would be published, and the client gets the mail.
func TestUnattendedDryWritesNothing(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		item := f.unattendedItem(t, "example.com", 12)
		f.configure(t, "SSLUnattended dry")
		before, changes := f.dumps(), len(f.zone.Changes())
		f.setTime(t, reissueDay)
		f.takeLog(t)
		assert.Equal(t, 1, f.sweep(t).Notified)
		assert.Contains(t, f.takeLog(t), "would publish "+f.recordName(t))
		assert.Len(t, f.takeMails(t), 1)
		assert.Equal(t, before, f.dumps())
		assert.Len(t, f.zone.Changes(), changes)
		assert.Empty(t, f.published(t, item))
	})
}

// SSLUnattended off removes what stands, also while the seller still looks; from then on the client is written to.
func TestUnattendedOffRemovesWhatStands(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		f.looks(t, "issue_delay_seconds", 100*3600)
		before := f.dumps()
		item := f.openedItem(t, "example.com", 12)
		require.NotEqual(t, before, f.dumps())
		require.NotEmpty(t, f.published(t, item))
		f.configure(t)
		require.Zero(t, f.advance(t, time.Hour).Failed)
		assert.Equal(t, before, f.dumps())
		assert.Empty(t, f.published(t, item))
	})
}

// SSLUnattendedMethod best moves an item that is validated by e-mail to DNS at its reissue, and publishes the challenge.
func TestUnattendedBestMovesItemsFromEmailToDNS(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders, "SSLUnattendedMethod best")
		before := f.dumps()
		item := f.openedItem(t, "example.com", 12, func(o *panel.Order) {
			o.Params = seller.orderParams("auth_email")
			o.Params["approver_email"] = "admin@example.com"
		})
		require.NoError(t, f.standIn.issue(f.orderIDOf(t, item)))
		require.True(t, f.syncItem(t, item).OK())
		f.setTime(t, reissueDay)
		assert.Equal(t, "reissue ok", f.sweep(t).summary(item))
		f.sweepHourly(t, item, 3)
		f.checkNewestStored(t, item, "example.com")
		assert.Equal(t, "auth_dnscname", f.itemOf(t, item).Params["approver_method"])
		f.checkQuiet(t, item, before)
	})
}

// rules UNATT-3: of an order with several names either all challenges are published, or none.
func TestUnattendedPublishesAllNamesOrNone(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		if seller.multiDomain == "" {
			t.Skip("this seller sells no certificate for several names")
		}
		for name, row := range map[string]struct {
			names     []string
			published bool
		}{
			"two domains of the client":       {[]string{"example.net", "www.example.com"}, true},
			"one domain of another client":    {[]string{"example.net", "example.org"}, false},
			"a name that no server holds":     {[]string{"example.net", "shop.hosted.example.de"}, false},
			"two names below the same domain": {[]string{"www.example.com", "mail.example.com"}, true},
		} {
			t.Run(name, func(t *testing.T) {
				f := startUnattended(t, seller, firstOrders)
				before := f.dumps()
				tariff, err := f.tariffFor(context.Background(), seller.multiDomain, &panel.SANAddon{Max: 50})
				require.NoError(t, err)
				item := f.openedItem(t, "example.com", 12, func(o *panel.Order) { o.Tariff, o.ExtraSANs, o.AltNames = tariff, 2, row.names })
				if row.published {
					f.sweepHourly(t, item, 10)
					f.checkNewestStored(t, item, "example.com")
					f.checkQuiet(t, item, before)
					added := 0
					for _, z := range f.world.Zones() {
						added += len(z.Changes())
					}
					assert.Equal(t, 6, added, "three records, added and removed")
					return
				}
				for range 3 {
					require.Zero(t, f.advance(t, time.Hour).Failed)
				}
				assert.Equal(t, before, f.dumps())
				for _, z := range f.world.Zones() {
					assert.Empty(t, z.Changes(), z.Name())
				}
				assert.Len(t, strings.Split(f.itemOf(t, item).Params["auth_dnscname_value"], "\n"), 3, "the client is shown all of them")
			})
		}
	})
}

// A wildcard certificate is validated at its domain, by DNS alone.
func TestUnattendedWildcard(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		before := f.dumps()
		tariff, err := f.tariffFor(context.Background(), seller.wildcard, nil)
		require.NoError(t, err)
		item := f.unattendedItem(t, "*.example.com", 12, func(o *panel.Order) { o.Tariff = tariff })
		f.setTime(t, reissueDay)
		require.Zero(t, f.sweep(t).Failed)
		f.sweepHourly(t, item, 3)
		f.checkNewestStored(t, item, "*.example.com")
		f.checkQuiet(t, item, before)
		assert.Len(t, f.zone.Changes(), 4)
	})
}
