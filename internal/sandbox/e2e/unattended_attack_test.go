package e2e

import (
	"context"
	"testing"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/reference/unattended.md §3, rules UNATT-1: a client orders certificates for names that are not his. Nothing is written for any,
// at the order or at the reissue, and the client gets the mail that he would get without the module's own publishing.
func TestUnattendedPublishesForNobodyElse(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, row := range map[string]struct {
			domain string
			begin  func(t *testing.T, f *unattendedFixture)
		}{
			"another client's domain": {domain: "example.org"},
			"another client's domain, typed into an order of hosting": {domain: "example.org", begin: func(t *testing.T, f *unattendedFixture) {
				f.hosting(t, "example.org", 2)
			}},
			"a name below another client's domain, typed into an order of hosting": {domain: "shop.example.org", begin: func(t *testing.T, f *unattendedFixture) {
				f.hosting(t, "shop.example.org", 2)
			}},
			"a zone of its own below another client's domain": {domain: "child.example.org", begin: func(t *testing.T, f *unattendedFixture) {
				_, err := f.world.AddZone("child.example.org", hosts)
				require.NoError(t, err)
				f.hosting(t, "child.example.org", 2)
			}},
			"a domain that is ordered and not paid": {domain: "example.biz.example", begin: func(t *testing.T, f *unattendedFixture) {
				_, err := f.world.AddZone("example.biz.example", hosts)
				require.NoError(t, err)
				f.domain(t, "example.biz.example", f.panel.Account())
				f.sql(t, "UPDATE item SET status=1 WHERE name='example.biz.example'")
			}},
			"a domain that another client has ordered too": {domain: "example.net", begin: func(t *testing.T, f *unattendedFixture) {
				f.domain(t, "example.net", f.otherAccount(t))
			}},
			"a domain whose item carries a second name": {domain: "example.org", begin: func(t *testing.T, f *unattendedFixture) {
				f.domain(t, "attacker.example", f.panel.Account())
				f.sql(t, "INSERT INTO itemparam (item, intname, value) SELECT id, 'domain', 'example.org' FROM item WHERE name='attacker.example'")
			}},
		} {
			t.Run(name, func(t *testing.T) {
				f := startUnattended(t, seller, firstOrders)
				if row.begin != nil {
					row.begin(t, f)
				}
				before := f.dumps()
				item := f.openedItem(t, row.domain, 12)
				require.NoError(t, f.standIn.issue(f.orderIDOf(t, item)))
				require.True(t, f.syncItem(t, item).OK())
				f.checkNewestStored(t, item, row.domain)
				f.setTime(t, reissueDay)
				f.takeLog(t)
				doc := f.sweep(t)
				assert.Equal(t, "reissue ok", doc.summary(item))
				assert.Contains(t, f.takeLog(t), "not shown to be the client's own name")
				assert.Len(t, f.takeMails(t), 1)
				assert.Equal(t, before, f.dumps())
				for _, z := range f.world.Zones() {
					assert.Empty(t, z.Changes(), z.Name())
				}
				assert.Empty(t, f.published(t, item))
			})
		}
	})
}

// hosting adds an item of the type of virtual servers with a name that the client has typed.
func (f *unattendedFixture) hosting(t *testing.T, name string, status int) {
	t.Helper()
	tariff, err := f.panel.AddTariff(context.Background(), panel.Tariff{ItemType: "vds", Name: "Hosting"})
	require.NoError(t, err)
	f.sql(t, "INSERT INTO item (name, account, pricelist, period, status) VALUES (?, ?, ?, 12, ?)", name, f.panel.Account(), tariff, status)
}
