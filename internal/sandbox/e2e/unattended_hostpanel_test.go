package e2e

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/http"
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

// hostPanelCases are a hosting server with ISPmanager or DNSmanager that is reached by HTTPS, and one on the panel's own host. With
// ISPmanager it has the site as well: its certificate is renewed with the site's own key, or added with the key that the panel holds,
// which goes by HTTPS only.
func hostPanelCases() []publisherCase {
	var cases []publisherCase
	for _, manager := range []string{"ispmgr", "dnsmgr"} {
		cases = append(cases, publisherCase{name: manager + " by HTTPS", other: true, hosted: true, host: func(t *testing.T, f *unattendedFixture, domain string) func(*testing.T) string {
			f.startHostPanel(t, domain)
			server := httptest.NewTLSServer(http.HandlerFunc(f.serveHostPanel))
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
	added, renewed := cases[0], cases[0]
	added.deliver, renewed.deliver, cases[1].deliver = deliverToHostPanel(true), deliverToHostPanel(false), deliverToHostPanel(false)
	renewed.name += " without the key"
	cases[0] = added
	return append(cases, renewed)
}

// deliverToHostPanel delivers to the site that the hosting panel has, with or without the private key.
func deliverToHostPanel(handOver bool) func(*testing.T, *unattendedFixture, string) func(*panel.Order) {
	return func(t *testing.T, f *unattendedFixture, domain string) func(*panel.Order) {
		return f.hostSite(t, domain, handOver)
	}
}

// startHostPanel starts a hosting panel with the domain's zone, whose owner is the user of an item of the client, and with another
// user's zone. The module's user there may call the functions that the sample names, no others.
func (f *unattendedFixture) startHostPanel(t *testing.T, domain string) {
	t.Helper()
	f.hostPanel = hostpanel.New(hostpanel.Config{Now: f.clock.Now, Random: rand.Reader})
	require.NoError(t, f.hostPanel.PutUser(hostpanel.User{Name: hostpanel.DefaultUser, Password: hostPanelPassword, Level: hostpanel.LevelAdmin,
		Functions: []string{"domain", "domain.record", "domain.record.edit", "domain.record.delete",
			"webdomain", "site.edit", "sslcert", "sslcert.edit", "sslcert.prolong", "sslcert.setcrt"}}))
	require.NoError(t, f.hostPanel.PutUser(hostpanel.User{Name: webUser, Level: hostpanel.LevelUser}))
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
	f.hostPanelLines = append(lines, fmt.Sprintf("module %d", module))
	f.configurePublisher(t, "web7", "ispmgr", password, append(f.hostPanelLines, "zone shop.example "+otherZone)...)
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
// it, and the certificate was written once if the panel has the site; no call was refused, and the password is in no URL and not in the
// log.
func (f *unattendedFixture) checkHostPanel(t *testing.T, domain string, certificates int) {
	t.Helper()
	added, removed, delivered := 0, 0, 0
	for _, call := range f.hostPanel.Requests("") {
		assert.Nil(t, call.Error, "%+v", call)
		assert.Empty(t, call.Query)
		if call.Sok != "" && (call.Function == "sslcert.setcrt" || call.Function == "sslcert.prolong") {
			delivered++
		}
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
	if f.delivers {
		assert.Equal(t, certificates, delivered)
	}
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

// serveHostPanel is the hosting panel's API by HTTPS.
func (f *unattendedFixture) serveHostPanel(w http.ResponseWriter, r *http.Request) {
	act := f.atHostPanel.Load()
	if act == nil {
		f.hostPanel.ServeHTTP(w, r)
		return
	}
	(*act)(false)
	answer := httptest.NewRecorder()
	f.hostPanel.ServeHTTP(answer, r)
	(*act)(true)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the module may have been killed
}

// hostSite makes the hosting panel serve the client's site at siteAddresses, and configures its delivery. With handOver the private key
// may be handed over; else the site has a certificate of the order's key already. The result makes an order one for that key.
func (f *unattendedFixture) hostSite(t *testing.T, domain string, handOver bool) func(*panel.Order) {
	t.Helper()
	f.sendChains(t)
	csr, key := newCSR(t, domain)
	site, word := hostpanel.Site{Name: domain, Owner: webUser, Aliases: []string{"www." + domain}}, "yes"
	if !handOver {
		site.Certificate, word = "own", "no"
		require.NoError(t, f.hostPanel.PutCertificate(hostpanel.NewCertificate{Owner: webUser, Name: "own", Certificate: selfSigned(t, key, domain), Key: key}))
	}
	require.NoError(t, f.hostPanel.PutSite(site))
	server, err := f.hostPanel.ServeTLS("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(server.Close)
	for _, address := range siteAddresses() {
		require.NoError(t, f.world.Map(net.JoinHostPort(address, "443"), server.Address()))
	}
	f.configureDelivery(t, "web7", "ispmgr", append(f.hostPanelLines, "check "+strings.Join(siteAddresses(), " "), "key "+word)...)
	return func(o *panel.Order) { o.CSR, o.Key = csr, key }
}

// selfSigned returns a certificate that a key signs for itself, in PEM.
func selfSigned(t *testing.T, key, domain string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(key))
	require.NotNil(t, block)
	private, err := x509.ParseECPrivateKey(block.Bytes)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: domain}, DNSNames: []string{domain}, NotAfter: instant(t, "2036-01-01")}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
