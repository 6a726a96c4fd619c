package e2e

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pmssl/internal/sandbox/hostpanel"
	"pmssl/internal/sandbox/hostpanel/hostctl"
	"pmssl/internal/sandbox/panel"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// webUser is the user name of the client's hosting item on the hosting server; otherUser has a zone there too.
	webUser, otherUser = "web77", "web78"
	otherZone          = "neighbour.example"
	// hostPanelPassword is that of the module's user there.
	hostPanelPassword = "only for the module+&="
)

// hostPanelCases are a hosting server with ISPmanager or DNSmanager that is reached by HTTPS, and one on the panel's own host.
func hostPanelCases() []publisherCase {
	var cases []publisherCase
	for _, manager := range []string{"ispmgr", "dnsmgr"} {
		cases = append(cases, publisherCase{name: manager + " by HTTPS", other: true, hosted: true, host: func(t *testing.T, f *unattendedFixture, domain string) func(*testing.T) string {
			f.startHostPanel(t, domain)
			server := httptest.NewTLSServer(f.hostPanel)
			t.Cleanup(server.Close)
			require.NoError(t, f.world.Map(peerAddress+":1500", server.Listener.Addr().String()))
			key := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
			f.configureHostPanel(t, hostPanelPassword, "url https://"+peerAddress+":1500/"+manager,
				"pin sha256/"+base64.StdEncoding.EncodeToString(key[:]), "login "+hostpanel.DefaultUser+" KEYFILE")
			return f.dumpHostPanel
		}}, publisherCase{name: manager + " by mgrctl", other: true, hosted: true, host: func(t *testing.T, f *unattendedFixture, domain string) func(*testing.T) string {
			f.startHostPanel(t, domain)
			control := httptest.NewServer(f.hostPanel.Control())
			t.Cleanup(control.Close)
			require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), hostctl.File), []byte(control.URL+"\n"), 0o600))
			f.configureHostPanel(t, "", "mgr "+manager)
			return f.dumpHostPanel
		}})
	}
	return cases
}

// startHostPanel starts a hosting panel with the domain's zone, whose owner is the user of an item of the client, and with another
// user's zone. The module's user there may call the functions that the sample names, no others.
func (f *unattendedFixture) startHostPanel(t *testing.T, domain string) {
	t.Helper()
	f.hostPanel = hostpanel.New(hostpanel.Config{Now: f.clock.Now, Random: rand.Reader})
	require.NoError(t, f.hostPanel.PutUser(hostpanel.User{Name: hostpanel.DefaultUser, Password: hostPanelPassword, Level: hostpanel.LevelAdmin,
		Functions: []string{"domain", "domain.record", "domain.record.edit", "domain.record.delete"}}))
	require.NoError(t, f.hostPanel.PutZone(hostpanel.Zone{Name: domain, Owner: webUser, Records: hostPanelRecords(t, domain)}))
	require.NoError(t, f.hostPanel.PutZone(hostpanel.Zone{Name: otherZone, Owner: otherUser, Records: hostPanelRecords(t, otherZone)}))
	server, err := f.hostPanel.ServeDNS("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(server.Close)
	require.NoError(t, f.world.AddServer("ns3", peerAddress, server.Address()))
	for _, zone := range []string{domain, otherZone} {
		require.NoError(t, f.world.Delegate(zone, "ns3.hosting.net"))
	}
}

// hostPanelRecords returns the records of a client's zone as the hosting panel keeps them, which has no SOA record.
func hostPanelRecords(t *testing.T, zone string) []hostpanel.Record {
	t.Helper()
	parser := dns.NewZoneParser(strings.NewReader("@ NS ns3.hosting.net.\n"+hosts), dns.Fqdn(zone), "")
	parser.SetDefaultTTL(300)
	var records []hostpanel.Record
	for rr, more := parser.Next(); more; rr, more = parser.Next() {
		header := rr.Header()
		records = append(records, hostpanel.Record{Name: header.Name, TTL: int(header.Ttl), Type: dns.TypeToString[header.Rrtype],
			Value: strings.TrimPrefix(rr.String(), header.String())})
	}
	require.NoError(t, parser.Err())
	return records
}

// configureHostPanel configures the publisher, and adds the client's active item on the hosting server: nothing else shows that the
// zone is the client's.
func (f *unattendedFixture) configureHostPanel(t *testing.T, password string, lines ...string) {
	t.Helper()
	ctx := context.Background()
	added, err := f.panel.DB().ExecContext(ctx, "INSERT INTO processingmodule (name, module, active, orderpriority) VALUES ('web7', 'pmispmanager', 'on', 1)")
	require.NoError(t, err)
	module, err := added.LastInsertId()
	require.NoError(t, err)
	tariff, err := f.panel.AddTariff(ctx, panel.Tariff{ItemType: "vds", Name: "Hosting", Modules: []int64{module}})
	require.NoError(t, err)
	added, err = f.panel.DB().ExecContext(ctx, "INSERT INTO item (name, account, pricelist, processingmodule, period, status) VALUES ('Hosting', ?, ?, ?, 12, 2)",
		f.panel.Account(), tariff, module)
	require.NoError(t, err)
	item, err := added.LastInsertId()
	require.NoError(t, err)
	f.sql(t, "INSERT INTO itemparam (item, intname, value) VALUES (?, 'username', ?)", item, webUser)
	f.configurePublisher(t, "web7", "ispmgr", password, append(lines, fmt.Sprintf("module %d", module), "zone shop.example "+otherZone)...)
}

// dumpHostPanel returns all zones of the hosting panel, without serials.
func (f *unattendedFixture) dumpHostPanel(*testing.T) string {
	var text strings.Builder
	for _, zone := range f.hostPanel.State().Zones {
		fmt.Fprintf(&text, "%s of %s: %+v\n", zone.Name, zone.Owner, zone.Records)
	}
	return text.String()
}

// checkHostPanel checks what the module has called: for each certificate one record was added to the domain's zone and removed from
// it, no call was refused, and the password is in no URL and not in the log.
func (f *unattendedFixture) checkHostPanel(t *testing.T, domain string, certificates int) {
	t.Helper()
	added, removed := 0, 0
	for _, call := range f.hostPanel.Requests("") {
		assert.Nil(t, call.Error, "%+v", call)
		assert.Empty(t, call.Query)
		change := call.Function == "domain.record.delete" || call.Function == "domain.record.edit"
		if !change {
			continue
		}
		assert.Equal(t, domain, call.Plid, "%+v", call)
		switch {
		case call.Function == "domain.record.delete":
			removed++
		case call.Sok != "":
			added++
		}
	}
	assert.Equal(t, []int{certificates, certificates}, []int{added, removed}, "records added and removed")
	log, err := os.ReadFile(filepath.Join(f.panel.Root(), "var", f.seller.module+".log"))
	require.NoError(t, err)
	assert.NotContains(t, string(log), hostPanelPassword)
}

// docs/reference/unattended.md §3, evidence 1: on a hosting server too, nothing is written into another user's zone, nor for an item
// that is not active.
func TestUnattendedHostPanelPublishesForNobodyElse(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, row := range map[string]struct {
			domain string
			begin  func(t *testing.T, f *unattendedFixture)
		}{
			"another user's zone": {domain: otherZone},
			"an item that is ordered and not paid": {domain: "shop.example", begin: func(t *testing.T, f *unattendedFixture) {
				f.sql(t, "UPDATE item SET status=1 WHERE name='Hosting'")
			}},
			"an item of another client": {domain: "shop.example", begin: func(t *testing.T, f *unattendedFixture) {
				f.sql(t, "UPDATE item SET account=? WHERE name='Hosting'", f.otherAccount(t))
			}},
		} {
			t.Run(name, func(t *testing.T) {
				f := startUnattended(t, seller, firstOrders)
				zones := hostPanelCases()[0].host(t, f, "shop.example")
				if row.begin != nil {
					row.begin(t, f)
				}
				own := zones(t)
				item := f.openedItem(t, row.domain, 12)
				assert.Contains(t, f.takeLog(t), "not shown to be the client's own name")
				assert.Equal(t, own, zones(t))
				assert.Empty(t, f.hostPanel.Requests("domain.record.edit"))
				assert.NotEmpty(t, f.hostPanel.Requests("domain"))
				assert.Empty(t, f.published(t, item))
			})
		}
	})
}
