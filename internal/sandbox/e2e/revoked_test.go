package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ca"
)

// listAge is longer than a list is read from its copy.
const listAge = 7 * time.Hour

// startRevoked starts a fixture with a certificate whose list was read. The seller issues at once.
func startRevoked(t *testing.T, seller sellerCase, lines ...string) (f *unattendedFixture, item int64) {
	t.Helper()
	f = startUnattended(t, seller, firstOrders, lines...)
	f.sendChains(t)
	f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce = true })
	item = f.unattendedItem(t, "example.com", 12)
	require.Zero(t, f.advance(t, time.Hour).Failed)
	require.NotEmpty(t, f.standIn.Repository().Requests(), f.logTail(t))
	return f, item
}

func (f *unattendedFixture) serial(t testing.TB, item int64) string {
	t.Helper()
	return fmt.Sprintf("%x", f.leaf(t, item).SerialNumber)
}

// rules REVOKE-5: the CA revokes a certificate: the next sweep that reads its list replaces it, without anybody and without pay. The
// site that serves it is named to the client.
func TestRevokedCertificateIsReissued(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f, item := startRevoked(t, seller)
		before := f.dumps()
		first := f.serial(t, item)
		f.revoke(t, item, ca.Superseded)
		doc := f.advance(t, listAge)
		require.Zero(t, doc.Failed, f.logTail(t))
		assert.Equal(t, 1, doc.Reissued)
		second := f.serial(t, item)
		assert.NotEqual(t, first, second)
		f.checkNewestStored(t, item, "example.com")
		f.checkQuiet(t, item, before)
		assert.Contains(t, f.itemOf(t, item).Params["revocation"], `"serial":"`+first+`"`)

		// Eight days later the new one is seen, and nothing is remembered.
		site := f.serveTLS(t, "192.0.2.80", "2001:db8::80")
		site.install(f.leaf(t, item))
		for range 9 {
			f.advance(t, 24*time.Hour)
		}
		assert.Empty(t, f.itemOf(t, item).Params["revocation"])
		assert.Equal(t, second, f.serial(t, item))
		f.checkQuiet(t, item, before)

		// A site goes on serving one that is revoked next.
		f.revoke(t, item, ca.Superseded)
		f.advance(t, listAge)
		assert.NotEqual(t, second, f.serial(t, item))
		mails := f.takeMails(t)
		require.Len(t, mails, 1)
		assert.Equal(t, "The SSL certificate for example.com was revoked", mails[0].subject)
		assert.Contains(t, mails[0].body, second)
		assert.Contains(t, mails[0].body, "192.0.2.80")
		assert.Contains(t, mails[0].body, "download the new certificate")
		f.advance(t, time.Hour)
		assert.Empty(t, f.takeMails(t), "once")
		assert.Equal(t, 1, f.paymentCount(t))
		assert.Empty(t, f.taskTypes(t))
	})
}

// rules REVOKE-3: a seller that delivers no chain: the issuer that the leaf names is fetched, once.
func TestRevokedWithoutItsChain(t *testing.T) {
	f := startUnattended(t, sellerCases()[1], firstOrders)
	f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce = true })
	item := f.unattendedItem(t, "example.com", 12)
	require.Zero(t, f.advance(t, time.Hour).Failed)
	first := f.serial(t, item)
	f.revoke(t, item, ca.Superseded)
	doc := f.advance(t, listAge)
	require.Zero(t, doc.Failed, f.logTail(t))
	assert.Equal(t, 1, doc.Reissued, f.logTail(t))
	assert.NotEqual(t, first, f.serial(t, item))
	fetched := 0
	for path, n := range f.standIn.Repository().Requests() {
		if strings.HasSuffix(path, ".crt") {
			fetched += n
		}
	}
	assert.Equal(t, 1, fetched)
}

// rules REVOKE-6: a key that is known to others gets no certificate; the client is asked for another one, and is served with that.
func TestRevokedForItsKey(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f, item := startRevoked(t, seller)
		first := f.serial(t, item)
		asked := f.requestedCertificates(t, "example.com")
		f.revoke(t, item, ca.KeyCompromise)
		dry := f.advanceDry(t, listAge)
		assert.Equal(t, "tell skipped dry run", dry.summary(item))
		assert.Empty(t, f.itemOf(t, item).Params["revocation"])
		f.sweep(t)
		f.advance(t, 24*time.Hour)
		mails := f.takeMails(t)
		require.Len(t, mails, 1)
		assert.Contains(t, mails[0].subject, "New private key needed")
		assert.Equal(t, []string{fmt.Sprintf("reopen %d", item)}, f.taskTypes(t))

		run := f.reopen(t, item)
		assert.NotZero(t, run.ExitCode)
		assert.Contains(t, run.Stdout, "its private key is known to others (keyCompromise)")
		assert.Equal(t, asked, f.requestedCertificates(t, "example.com"))
		assert.Equal(t, first, f.serial(t, item))

		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "example.com"}}, key)
		require.NoError(t, err)
		f.sql(t, "UPDATE certificate SET csr=? WHERE item=?", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), item)
		f.sql(t, "DELETE FROM runningoperation WHERE item=?", item)
		require.Zero(t, f.reopen(t, item).ExitCode, f.logTail(t))
		f.sweepHourly(t, item, 30)
		assert.NotEqual(t, first, f.serial(t, item))
		assert.Equal(t, 1, f.paymentCount(t))
	})
}

// advanceDry moves the clock and shows what a sweep would do.
func (f *unattendedFixture) advanceDry(t *testing.T, by time.Duration) sweepResult {
	t.Helper()
	_, err := f.clock.Advance(by)
	require.NoError(t, err)
	return f.sweep(t, "--dry-run")
}

// rules REVOKE-3: lists that nobody may use, and answers that are none, change nothing, and are logged once each.
func TestRevokedByAListThatMustNotBeUsed(t *testing.T) {
	f, item := startRevoked(t, sellerCases()[0])
	first := f.serial(t, item)
	for _, kind := range ca.FaultKinds() {
		if kind == ca.FaultHang || kind == ca.FaultSlow { // 30 s each: see the package's own tests
			continue
		}
		f.takeLog(t)
		fault := ca.Fault{Kind: kind, Location: "http://127.0.0.1/0.crl", Revoked: []string{first}}
		f.spoilCRLs(t, fault)
		for range 3 {
			doc := f.advance(t, 2*time.Hour+time.Minute)
			assert.Zero(t, doc.Failed, kind)
			assert.Empty(t, doc.Rows, kind)
		}
		assert.Equal(t, 1, strings.Count(f.takeLog(t), "WARNING the list of revoked certificates http://crl.sandbox-ca.example/"), kind)
		f.spoilCRLs(t, ca.Fault{})
		f.advance(t, 2*time.Hour) // it is well again
	}
	assert.Equal(t, first, f.serial(t, item))
	assert.Empty(t, f.itemOf(t, item).Params["revocation"])
	assert.Empty(t, f.takeMails(t))
	assert.Empty(t, f.taskTypes(t))
	info, err := os.Stat(filepath.Join(f.panel.Root(), "var", f.seller.module+".crl"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

// rules REVOKE-5: a sweep that answers a revocation is killed at each of its steps. The next ones end that with one reissue.
func TestRevokedSweepKilledAtEachStep(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		f.sendChains(t)
		f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce = true })
		item := f.unattendedItem(t, "example.com", seller.maxMonths)
		killed := 0
		for name, way := range interruptions() {
			if strings.Contains(name, "DNS") {
				continue
			}
			for n := 1; ; n += stepStride(name, 4) {
				asked, last := f.requestedCertificates(t, "example.com"), f.serial(t, item)
				f.revoke(t, item, ca.Superseded)
				_, err := f.clock.Advance(8 * 24 * time.Hour) // so that no earlier reissue counts
				require.NoError(t, err)
				reached := way(t, f, f.sweepCommand, n)
				for hour := 0; hour < 30 && (f.serial(t, item) == last || f.itemOf(t, item).Params["service_status"] != "5"); hour++ {
					f.advance(t, time.Hour)
				}
				require.NotEqual(t, last, f.serial(t, item), "%s, step %d: %s", name, n, f.logTail(t))
				assert.Equal(t, asked+1, f.requestedCertificates(t, "example.com"), "%s, step %d", name, n)
				f.checkNewestStored(t, item, "example.com")
				if !reached {
					break
				}
				killed++
			}
		}
		t.Logf("%d sweeps were killed", killed)
		assert.Greater(t, killed, 10)
		assert.Empty(t, f.taskTypes(t))
		assert.Empty(t, f.takeMails(t))
		assert.Equal(t, 1, f.paymentCount(t))
	})
}
