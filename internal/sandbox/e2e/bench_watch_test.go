package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pmssl/internal/sandbox/engine"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// benchResolver is the address of a resolver that answers every question for A with benchSite.
	benchResolver = "192.0.2.99:53"
	benchSite     = "192.0.2.80"
	benchWatchMem = 128 << 20 // bytes of resident memory
)

// BenchmarkWatch measures the product's binary on a panel of 100,000 certificates whose sites are watched; make bench runs it. All have
// the same certificate, so all looks are at one name and one address, by the resolver and the TLS server of this process.
//
//   - first: nothing was looked at before, so each look is saved on the item: one sweep, which ends after five minutes.
//   - daily: what is seen is no news: sweeps until all were looked at.
//   - hourly: nothing is to be looked at.
func BenchmarkWatch(b *testing.B) {
	if built.server.Kind() != engine.MariaDB {
		b.Skip("the figures are about MariaDB")
	}
	f := startUnattended(b, namecheapCase(), "2026-04-02")
	f.sql(b, "SET GLOBAL innodb_buffer_pool_size=1073741824")
	first := f.unattendedItem(b, "example.com", 60)
	f.configure(b, "SSLUnattended off")
	f.watchAll(b, first)
	state := filepath.Join(f.panel.Root(), "var", f.seller.module+".watch")

	measured := func(b *testing.B) measurement {
		b.Helper()
		m := f.measureWith(b, []string{"PMSSL_DIAL=" + f.world.File()})
		calls, err := f.panel.Requests()
		require.NoError(b, err)
		b.Logf("%d sites in %s, %d call-backs, %s of processor time, %d MiB",
			m.doc.Watched, m.wall.Round(time.Millisecond), len(calls), m.processor, m.memory>>20)
		require.Zero(b, m.doc.Failed)
		assert.LessOrEqual(b, m.memory, int64(benchWatchMem), "bytes of resident memory")
		b.ReportMetric(float64(m.doc.Watched)/m.wall.Seconds(), "sites/s")
		b.ReportMetric(float64(m.memory)/(1<<20), "MiB")
		return m
	}
	for b.Loop() {
		b.Run("first", func(b *testing.B) {
			require.NoError(b, os.RemoveAll(state))
			f.sql(b, "DELETE FROM itemparam WHERE intname='site_watch'")
			require.LessOrEqual(b, measured(b).wall, 6*time.Minute)
		})
		b.Run("daily", func(b *testing.B) {
			require.NoError(b, os.RemoveAll(state))
			f.sql(b, "DELETE FROM itemparam WHERE intname='site_watch'")
			f.sql(b, `INSERT INTO itemparam (item, intname, value) SELECT item, 'site_watch', CONCAT('{"outcome":"current","since":"2026-04-02T00:00:00Z","serial":"', value, '"}')
			 FROM itemparam WHERE intname='certificate_serial'`)
			for watched, sweeps := 0, 1; watched < benchItems; sweeps++ {
				m := measured(b)
				require.Positive(b, m.doc.Watched)
				require.LessOrEqual(b, m.wall, 6*time.Minute)
				watched += m.doc.Watched
				b.ReportMetric(float64(sweeps), "sweeps")
			}
		})
		b.Run("hourly", func(b *testing.B) {
			m := measured(b)
			require.Zero(b, m.doc.Watched)
			b.ReportMetric(float64(m.wall.Milliseconds()), "wall-ms")
		})
	}
}

// watchAll fills the panel with copies of the item, and serves its certificate at the only address of all names.
func (f *unattendedFixture) watchAll(b *testing.B, first int64) {
	b.Helper()
	for _, statement := range []string{
		`INSERT INTO item (id, name, account, pricelist, processingmodule, period, status, createdate, opendate, expiredate, currency, cost, autosuspend, employeesuspend, abusesuspend)
		 SELECT 1000+seq, CONCAT('crowd', seq, '.example.net'), i.account, i.pricelist, i.processingmodule, i.period, i.status, i.createdate, i.opendate, i.expiredate, i.currency, 0, 'off', 'off', 'off'
		 FROM item i JOIN seq_2_to_%[2]d WHERE i.id=%[1]d`,
		`INSERT INTO itemparam (item, intname, value) SELECT 1000+seq, p.intname, IF(p.intname IN ('custom_order_id', 'lineage'), 50000000+seq, p.value)
		 FROM seq_2_to_%[2]d JOIN itemparam p WHERE p.item=%[1]d`,
		`INSERT INTO certificate (item, pkey, csr, crt) SELECT 1000+seq, c.pkey, c.csr, c.crt FROM seq_2_to_%[2]d JOIN certificate c WHERE c.item=%[1]d`,
	} {
		f.sql(b, fmt.Sprintf(statement, first, benchItems))
	}
	f.sql(b, "ANALYZE TABLE item, itemparam, certificate")
	f.answerAll(b)

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(b, err)
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{f.leaf(b, first).Raw}, PrivateKey: key}}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = tls.Server(conn, config).Handshake()
				_ = conn.Close()
			}()
		}
	}()
	require.NoError(b, f.world.Map(net.JoinHostPort(benchSite, "443"), listener.Addr().String()))
}

// answerAll makes the module ask a resolver that answers every question for A with the one address.
func (f *unattendedFixture) answerAll(b *testing.B) {
	b.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(b, err)
	server := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		answer := new(dns.Msg).SetReply(query)
		answer.RecursionAvailable = true
		if asked := query.Question[0]; asked.Qtype == dns.TypeA {
			answer.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: asked.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.ParseIP(benchSite)}}
		}
		_ = w.WriteMsg(answer)
	})}
	go func() { _ = server.ActivateAndServe() }()
	b.Cleanup(func() { _ = server.Shutdown() })
	require.NoError(b, f.world.Map(benchResolver, packets.LocalAddr().String()))
	lines := "SSLResolver " + benchResolver + "\n" + sendmailOption(f.dir) + "\n"
	require.NoError(b, os.WriteFile(filepath.Join(f.panel.Root(), "etc", "billmgr.conf.d", "dns.conf"), []byte(lines), 0o600))
}
