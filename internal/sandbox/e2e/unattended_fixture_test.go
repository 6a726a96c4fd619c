package e2e

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/hostpanel"
	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unattendedFixture is a fixture in a simulated Internet: the seller's authority looks at what is published there, and the
// module publishes by itself.
type unattendedFixture struct {
	*simulatedFixture
	world *internet.World
	zone  *internet.Zone // example.com, which belongs to the client
	roots *x509.CertPool // of the seller's authority
	// hostPanel keeps zones and sites besides, if a test has started it.
	hostPanel *hostpanel.Panel
	// hostPanelLines say where it is, as in the block of its publisher.
	hostPanelLines []string
	// atHostPanel is called at each request to its API, before it is carried out and again before it is answered; nil does nothing.
	atHostPanel atomic.Pointer[func(done bool)]
	// delivers says that certificates are delivered to the site of liveUntil.
	delivers bool
	// visits counts those of liveUntil, gaps are those that found no valid certificate.
	visits int
	gaps   []string
}

// hosts are the records of a client's zone.
const hosts = "@ A 192.0.2.80\nwww A 192.0.2.80\nwww AAAA 2001:db8::80\nmail A 192.0.2.81\n@ MX 10 mail\n"

// startUnattended starts a fixture whose client has the domains example.com and, not certified, example.net. Another client
// has example.org. All are zones of the provider. lines are further lines of billmgr.conf.
func startUnattended(t testing.TB, seller sellerCase, start string, lines ...string) *unattendedFixture {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "clock")
	require.NoError(t, os.WriteFile(file, []byte(instant(t, start).Format(time.RFC3339)), 0o600))
	shared := clock.New(time.Now, file)
	world, err := internet.NewWorld(filepath.Join(dir, "dial"), func() time.Time {
		now, err := shared.Now()
		assert.NoError(t, err)
		return now
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, world.Close()) })
	require.NoError(t, installSendmail(dir, keepMail))
	base := startConnected(t, fixtureOptions{dir: dir, seller: seller, simulated: true, start: instant(t, start), options: []string{sendmailOption(dir)}, world: world})
	f := &unattendedFixture{simulatedFixture: &simulatedFixture{fixture: base, dir: dir}, world: world, roots: x509.NewCertPool()}
	answer := httptest.NewRecorder()
	f.standIn.Control().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/ca/root.pem", nil))
	require.True(t, f.roots.AppendCertsFromPEM(answer.Body.Bytes()))
	f.useResolver(t)
	require.NoError(t, f.standIn.setBalance("100000.00"))
	f.configure(t, append([]string{"SSLUnattended on"}, lines...)...)
	f.publisher(t, "ns1", internet.PrimaryAddress, world.Secret)
	for _, name := range []string{"example.com", "example.net", "example.org"} {
		_, err := world.AddZone(name, hosts)
		require.NoError(t, err)
	}
	f.zone = world.Zone("example.com")
	f.domain(t, "example.com", f.panel.Account())
	f.domain(t, "example.net", f.panel.Account())
	f.domain(t, "example.org", f.otherAccount(t))
	return f
}

// useResolver makes the module look names up at the resolver of the simulated Internet.
func (f *unattendedFixture) useResolver(t testing.TB) {
	t.Helper()
	lines := "SSLResolver " + internet.ResolverAddress + "\n" + sendmailOption(f.dir) + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), "etc", "billmgr.conf.d", "dns.conf"), []byte(lines), 0o600))
}

// publisher configures a publisher of the kind dnsupdate for all zones of a server, or for the named ones.
func (f *unattendedFixture) publisher(t testing.TB, name, server, secret string, zones ...string) {
	t.Helper()
	if len(zones) == 0 {
		zones = []string{"*"}
	}
	f.configurePublisher(t, name, "dnsupdate", secret, "server "+server, "key "+internet.KeyName+" KEYFILE", "zone "+strings.Join(zones, " "))
}

// configurePublisher writes the file of a publisher with these lines, and the file of its secret, which the lines call KEYFILE.
func (f *unattendedFixture) configurePublisher(t testing.TB, name, kind, secret string, lines ...string) {
	t.Helper()
	folder := filepath.Join(f.panel.Root(), "etc", "pmssl")
	require.NoError(t, os.MkdirAll(folder, 0o700))
	key := filepath.Join(folder, name+".key")
	require.NoError(t, os.WriteFile(key, []byte(secret+"\n"), 0o600))
	text := "publisher " + name + " " + kind + "\n  " + strings.ReplaceAll(strings.Join(lines, "\n  "), "KEYFILE", key) + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, name+".conf"), []byte(text), 0o600))
}

// domain adds an active item of the type domain to an account.
func (f *unattendedFixture) domain(t testing.TB, name string, account int64) {
	t.Helper()
	tariff, known := f.tariffs["domain"]
	if !known {
		var err error
		tariff, err = f.panel.AddTariff(context.Background(), panel.Tariff{ItemType: "domain", Name: "Domain"})
		require.NoError(t, err)
		f.tariffs["domain"] = tariff
	}
	f.sql(t, "INSERT INTO item (name, account, pricelist, period, status) VALUES (?, ?, ?, 12, 2)", name, account, tariff)
}

// otherAccount returns the id of another client.
func (f *unattendedFixture) otherAccount(t testing.TB) int64 {
	t.Helper()
	done, err := f.panel.DB().Exec("INSERT INTO account (name, level, country, internal) VALUES ('Another client', 16, 235, 'off')")
	require.NoError(t, err)
	id, err := done.LastInsertId()
	require.NoError(t, err)
	f.sql(t, "INSERT INTO account2project (account, project) VALUES (?, 1)", id)
	return id
}

// looks changes a setting of the authority's looks.
func (f *unattendedFixture) looks(t testing.TB, setting string, value any) {
	t.Helper()
	require.NoError(t, f.standIn.setSetting(setting, fmt.Sprint(value)))
}

// advance moves the clock and runs a sweep.
func (f *unattendedFixture) advance(t testing.TB, by time.Duration) sweepResult {
	t.Helper()
	_, err := f.clock.Advance(by)
	require.NoError(t, err)
	return f.sweep(t)
}

// sweepHourly runs the sweep each hour until the item waits no more, and returns the number of hours.
func (f *unattendedFixture) sweepHourly(t testing.TB, item int64, atMost int) int {
	t.Helper()
	for hour := range atMost {
		if f.itemOf(t, item).Params["service_status"] == "5" {
			return hour
		}
		doc := f.advance(t, time.Hour)
		require.Zero(t, doc.Failed, "%+v\n%s", doc, f.logTail(t))
	}
	require.Equal(t, "5", f.itemOf(t, item).Params["service_status"], "after %d hours; %s", atMost, f.logTail(t))
	return atMost
}

// logTail returns the end of the module's log.
func (f *unattendedFixture) logTail(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(f.panel.Root(), "var", f.seller.module+".log"))
	require.NoError(t, err)
	var lines []string
	for line := range strings.Lines(string(raw)) { // without queries and answers, and without colours
		if strings.Contains(line, " module ") || strings.Contains(line, " command ") || strings.Contains(line, " publish ") {
			lines = append(lines, regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(line, ""))
		}
	}
	return strings.Join(lines[max(0, len(lines)-60):], "")
}

// dumps returns all zones of the world by name.
func (f *unattendedFixture) dumps() map[string]string {
	all := map[string]string{}
	for _, z := range f.world.Zones() {
		all[z.Name()] = z.Dump()
	}
	return all
}

// checkOnlyOwnRecords checks that every change of the zones was a challenge below the owned name.
func (f *unattendedFixture) checkOnlyOwnRecords(t testing.TB, owned string) {
	t.Helper()
	for _, z := range f.world.Zones() {
		for _, change := range z.Changes() {
			name, _, _ := strings.Cut(change.Record, " ")
			assert.True(t, strings.HasPrefix(name, "_") && strings.HasSuffix(name, "."+owned) && z.Name() == owned, "%s: %+v", z.Name(), change)
		}
	}
}

// checkQuiet checks that nobody had to do anything: no mail, no task, nothing left in the zones or on the item, one payment.
func (f *unattendedFixture) checkQuiet(t *testing.T, item int64, before map[string]string) {
	t.Helper()
	assert.Empty(t, f.takeMails(t))
	assert.Empty(t, f.taskTypes(t))
	assert.Equal(t, before, f.dumps())
	assert.Empty(t, f.itemOf(t, item).Params["challenges_published"])
	assert.Equal(t, 1, f.paymentCount(t))
}

// unattendedItem orders a certificate and sweeps until it is stored.
func (f *unattendedFixture) unattendedItem(t testing.TB, domain string, months int, more ...func(*panel.Order)) int64 {
	t.Helper()
	item := f.openedItem(t, domain, months, more...)
	f.sweepHourly(t, item, 30)
	f.checkNewestStored(t, item, domain)
	return item
}

// published returns the item parameter with the records that the module has published.
func (f *unattendedFixture) published(t testing.TB, item int64) string {
	t.Helper()
	return f.itemOf(t, item).Params["challenges_published"]
}
