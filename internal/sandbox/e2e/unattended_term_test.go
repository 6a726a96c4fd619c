package e2e

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/panel"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// publisherCase is a server that the five years run against.
type publisherCase struct {
	name  string
	other bool // it runs only in `make unattended`
	files bool // the challenges are files, not records
	// hosted: host shows whose the zone is; else it is that of the client's item of the type domain.
	hosted bool
	// host makes the server keep the zone of a domain of the client, and returns what reads the zone, without serials.
	host func(t *testing.T, f *unattendedFixture, domain string) func(t *testing.T) string
	// deliver configures the delivery to the client's site, after host, and returns a change of the order. nil: nothing is delivered.
	deliver func(t *testing.T, f *unattendedFixture, domain string) func(*panel.Order)
}

func publisherCases() []publisherCase {
	return append([]publisherCase{
		{name: "dnsupdate", host: func(t *testing.T, f *unattendedFixture, domain string) func(*testing.T) string {
			zone, err := f.world.AddZone(domain, hosts)
			require.NoError(t, err)
			return func(*testing.T) string { return zone.Dump() }
		}, deliver: deliverByProgram},
		{name: "dnsupdate of BIND", other: true, host: func(t *testing.T, f *unattendedFixture, domain string) func(*testing.T) string {
			server := startPeer(t, "bind", "named", "bind9", domain, internet.ZoneText(hosts, "ns3.hosting.net"))
			f.hostAt(t, server)
			f.publisher(t, "ns3", peerAddress, server.secret, domain)
			return server.transfer
		}},
		{name: "dnsupdate of Knot", other: true, host: func(t *testing.T, f *unattendedFixture, domain string) func(*testing.T) string {
			server := startPeer(t, "knot", "knotd", "knot", domain, internet.ZoneText(hosts, "ns3.hosting.net"))
			f.hostAt(t, server)
			f.publisher(t, "ns3", peerAddress, server.secret, domain)
			return func(t *testing.T) string { return f.askAll(t, server) }
		}},
		{name: "powerdns", other: true, host: func(t *testing.T, f *unattendedFixture, domain string) func(*testing.T) string {
			server := startPeer(t, "pdns", "pdns_server", "pdns-server pdns-backend-sqlite3 sqlite3", domain, internet.ZoneText(hosts, "ns3.hosting.net"))
			f.hostAt(t, server)
			f.configurePublisher(t, "ns3", "powerdns", server.secret, "url http://"+server.second, "apikey KEYFILE", "zone "+domain)
			return func(t *testing.T) string { return f.askAll(t, server) }
		}},
		{name: "exec of nsupdate at BIND", other: true, host: func(t *testing.T, f *unattendedFixture, domain string) func(*testing.T) string {
			server := startPeer(t, "bind", "named", "bind9", domain, internet.ZoneText(hosts, "ns3.hosting.net"))
			f.hostAt(t, server)
			f.configurePublisher(t, "ns3", "exec", server.secret, "program "+f.installHook(t, server), "types cname", "zone "+domain)
			return server.transfer
		}},
		webServerCase("nginx", "nginx", "nginx"),
		webServerCase("apache", "apache2", "apache2"),
	}, hostPanelCases()...)
}

// webServerCase is a web server of a kind of scripts/peer.sh that serves the challenge files.
func webServerCase(kind, program, packages string) publisherCase {
	return publisherCase{name: "webroot of " + kind, other: true, files: true, host: func(t *testing.T, f *unattendedFixture, domain string) func(*testing.T) string {
		zone, err := f.world.AddZone(domain, hosts+"@ AAAA "+internet.WebIPv6+"\n")
		require.NoError(t, err)
		f.startWebServer(t, kind, program, packages)
		f.configurePublisher(t, "web", "webroot", "", "zone "+domain)
		folder := filepath.Join(f.panel.Root(), "var", "pmssl-challenges")
		return func(t *testing.T) string { return zone.Dump() + filesIn(t, folder) }
	}}
}

// serveChallenges makes both web servers of the simulated Internet serve the challenge files, configures a publisher of the kind
// webroot for the domain and returns the folder of the files.
func (f *unattendedFixture) serveChallenges(t *testing.T, domain string) string {
	t.Helper()
	folder := filepath.Join(f.panel.Root(), "var", "pmssl-challenges")
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(folder, filepath.Base(r.Host), filepath.Clean(r.URL.Path)))
	})
	require.NoError(t, f.world.ServeWeb(internet.WebAddress, site))
	require.NoError(t, f.world.ServeWeb(internet.WebIPv6, site))
	f.configurePublisher(t, "web", "webroot", "", "zone "+domain)
	return folder
}

// startWebServer starts a web server at the web addresses. It serves the challenges in the panel's folder as the sample configures
// it. If root runs the test it runs as nobody, so it serves nothing that the module does not let others read.
func (f *unattendedFixture) startWebServer(t *testing.T, kind, program, packages string) {
	t.Helper()
	needsProgram(t, program, packages)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o711)) // of the panel too
	require.NoError(t, os.Symlink(f.panel.Root(), filepath.Join(dir, "mgr5")))
	addr := freeAddress(t)
	_, port, _ := net.SplitHostPort(addr)
	runPeer(t, []string{kind, dir, port}, func() bool { return accepts(addr) })
	require.NoError(t, f.world.Map(net.JoinHostPort(internet.WebAddress, "80"), addr))
	if six := net.JoinHostPort("::1", port); accepts(six) {
		addr = six
	}
	require.NoError(t, f.world.Map(net.JoinHostPort(internet.WebIPv6, "80"), addr))
}

// accepts reports whether a server takes connections at an address.
func accepts(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	return err == nil && conn.Close() == nil
}

// filesIn returns the paths of the files below a folder, which may be missing.
func filesIn(t *testing.T, folder string) string {
	t.Helper()
	var found strings.Builder
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !entry.IsDir() {
			found.WriteString(path + "\n")
		}
		return err
	})
	require.NoError(t, err)
	return found.String()
}

// installHook installs the sample program for publishers of the kind exec, for a real server, and returns its path.
func (f *unattendedFixture) installHook(t *testing.T, server *peer) string {
	t.Helper()
	if _, err := exec.LookPath("nsupdate"); err != nil {
		t.Skip("nsupdate is not installed (Debian: apt-get install bind9-dnsutils)")
	}
	sample, err := os.ReadFile(filepath.Join("..", "..", "..", "etc", "samples", "pmssl", "exec-nsupdate.sh"))
	require.NoError(t, err)
	key := filepath.Join(f.dir, "nsupdate.key")
	require.NoError(t, os.WriteFile(key, fmt.Appendf(nil, "key %q { algorithm hmac-sha256; secret %q; };\n", internet.KeyName, server.secret), 0o600))
	host, port, _ := net.SplitHostPort(server.addr)
	text := strings.Replace(string(sample), "server=192.0.2.53 ", "server='"+host+" "+port+"' ", 1)
	text = strings.Replace(text, "key=/usr/local/mgr5/etc/pmssl/nsupdate.key", "key="+key, 1)
	hook := filepath.Join(f.dir, "hook")
	require.NoError(t, os.WriteFile(hook, []byte(text), 0o700))
	return hook
}

// peerAddress is the public address of a real name server.
const peerAddress = "192.0.2.63"

// hostAt delegates a real server's zone to it.
func (f *unattendedFixture) hostAt(t *testing.T, server *peer) {
	t.Helper()
	require.NoError(t, f.world.AddServer("ns3", peerAddress, server.addr))
	require.NoError(t, f.world.Delegate(server.zone, "ns3.hosting.net"))
}

// askAll returns what a server that transfers no zone shows: the records of the zone's own names, and those at the names of all
// challenges of the fixture's items.
func (f *unattendedFixture) askAll(t *testing.T, server *peer) string {
	t.Helper()
	names := []string{server.zone, "www." + server.zone, "mail." + server.zone}
	rows, err := f.panel.DB().Query("SELECT value FROM itemparam WHERE intname='auth_dnscname_value'")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var text string
		require.NoError(t, rows.Scan(&text))
		name, _, _ := strings.Cut(text, " ")
		names = append(names, name)
	}
	require.NoError(t, rows.Err())
	var records []dns.RR
	for _, name := range names {
		for _, kind := range []uint16{dns.TypeSOA, dns.TypeNS, dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeCNAME, dns.TypeTXT} {
			answer, _, err := (&dns.Client{Net: "tcp"}).Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), kind), server.addr)
			require.NoError(t, err)
			records = append(records, answer.Answer...)
		}
	}
	return internet.Dump(records)
}

// docs/reference/unattended.md §9: five years without a human hand, at both sellers: no mail, no task, no gap in the panel and at the
// sites that certificates are delivered to, nothing left, nothing written outside the owned zone, one payment.
func TestUnattendedFiveYears(t *testing.T) {
	for _, publisher := range publisherCases() {
		t.Run(publisher.name, func(t *testing.T) {
			if publisher.other && !triesAll() {
				t.Skip("runs in `make unattended`")
			}
			eachSeller(t, func(t *testing.T, seller sellerCase) {
				const domain = "shop.example"
				f := startUnattended(t, seller, firstOrders)
				zone := publisher.host(t, f, domain)
				if !publisher.hosted {
					f.domain(t, domain, f.panel.Account())
				}
				f.looks(t, "issue_delay_seconds", 600)
				before, own := f.dumps(), zone(t)
				item := f.unattendedItem(t, domain, 60, publisher.order(t, f, domain))
				all := f.liveUntil(t, item, domain, "2031-04-02")
				assert.Len(t, all, expectedCertificates(instant(t, "2026-04-02").Truncate(24*time.Hour), instant(t, "2031-04-02").Truncate(24*time.Hour), 10))
				assert.Equal(t, "2031-04-02", all[len(all)-1].NotAfter.UTC().Format(time.DateOnly), "the last one reaches the end of the term")
				f.checkQuiet(t, item, before)
				f.checkOnlyOwnRecords(t, domain)
				assert.Equal(t, own, zone(t))
				if f.delivers {
					f.checkDelivered(t, item, domain)
					assert.Empty(t, f.gaps)
					assert.Greater(t, f.visits, 4*len(all))
				}
				if z := f.world.Zone(domain); z != nil && !publisher.files {
					assert.Len(t, z.Changes(), 2*len(all), "one record for each certificate, added and removed")
				}
				if f.hostPanel != nil {
					f.checkHostPanel(t, domain, len(all))
				}
			})
		})
	}
}

// order configures the delivery, if the case has one, and returns the changes of the order.
func (c publisherCase) order(t *testing.T, f *unattendedFixture, domain string) func(*panel.Order) {
	own := func(*panel.Order) {}
	if f.delivers = c.deliver != nil; f.delivers {
		own = c.deliver(t, f, domain)
	}
	return func(o *panel.Order) {
		own(o)
		if c.files {
			o.Params = f.seller.orderParams("auth_http")
		}
	}
}

// deliverByProgram delivers to a web server by a program that gets the private key.
func deliverByProgram(t *testing.T, f *unattendedFixture, domain string) func(*panel.Order) {
	f.startDelivery(t, domain)
	return func(*panel.Order) {}
}

// look visits the site of the domain, if certificates are delivered to it, and notes a gap if it shows no valid certificate.
func (f *unattendedFixture) look(t *testing.T, domain string) {
	t.Helper()
	if !f.delivers {
		return
	}
	f.visits++
	if _, err := f.visit(t, domain); err != nil {
		now, clockErr := f.clock.Now()
		require.NoError(t, clockErr)
		f.gaps = append(f.gaps, now.Format(time.RFC3339)+" "+err.Error())
	}
}

// liveUntil moves the clock until the given day and returns the certificates that were stored. It sweeps each hour while a
// certificate is awaited, and else on the days around each event. It fails if the item has no valid certificate at any time. The site is
// looked at before and after each of these days' sweeps: in between nothing changes there.
func (f *unattendedFixture) liveUntil(t *testing.T, item int64, domain, until string) []*x509.Certificate {
	t.Helper()
	all := []*x509.Certificate{f.leaf(t, item)}
	now, err := f.clock.Now()
	require.NoError(t, err)
	for end := instant(t, until).Truncate(24 * time.Hour); now.Before(end); now = now.AddDate(0, 0, 1).Truncate(24 * time.Hour).Add(9 * time.Hour) {
		last := all[len(all)-1]
		life := last.NotAfter.Sub(last.NotBefore)
		act := last.NotAfter.Truncate(24 * time.Hour).Add(-min(10*24*time.Hour, life/2))
		if now.Before(act.AddDate(0, 0, -1)) && now.Sub(last.NotBefore) > 48*time.Hour {
			continue
		}
		require.NoError(t, f.clock.Set(now))
		f.look(t, domain)
		doc := f.sweep(t)
		require.Zero(t, doc.Failed, "%s: %+v\n%s", now, doc, f.logTail(t))
		f.look(t, domain)
		f.sweepHourly(t, item, 12)
		f.look(t, domain)
		stored := f.leaf(t, item)
		require.False(t, now.After(stored.NotAfter), "%s: without a certificate since %s", now, stored.NotAfter)
		if !stored.Equal(last) {
			f.checkNewestStored(t, item, domain)
			all = append(all, stored)
		}
	}
	return all
}
