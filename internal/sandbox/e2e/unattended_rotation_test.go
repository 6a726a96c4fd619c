package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startRotation starts a fixture whose reissues are for a new key, with the server that gets it. Certificates are valid for 30 days.
func startRotation(t *testing.T, seller sellerCase) (*unattendedFixture, *deliveryServer) {
	t.Helper()
	f := startUnattended(t, seller, firstOrders, "SSLRotateKey on")
	f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce, m.leafDays = false, 30 })
	return f, f.startDelivery(t, "example.com")
}

// dueAgain sets the clock to the day on which the reissue of the certificate in place is due.
func (f *unattendedFixture) dueAgain(t *testing.T, item int64) {
	t.Helper()
	require.NoError(t, f.clock.Set(f.leaf(t, item).NotAfter.Truncate(24*time.Hour).AddDate(0, 0, -10).Add(9*time.Hour)))
}

// keyFiles returns what stands in the folder of key pairs.
func (f *unattendedFixture) keyFiles(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(f.panel.Root(), "var", "pmssl-keys"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// checkRotated checks that panel and site have the certificate in place with a key that differs from the former one, and that nothing
// else is left of the change.
func (f *unattendedFixture) checkRotated(t *testing.T, item int64, former *x509.Certificate) {
	t.Helper()
	f.checkDelivered(t, item, "example.com") // a handshake shows that the server has the key
	it, leaf := f.itemOf(t, item), f.leaf(t, item)
	require.False(t, leaf.PublicKey.(*ecdsa.PublicKey).Equal(former.PublicKey), "it has the former key; %s", f.logTail(t))
	_, err := tls.X509KeyPair(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}), []byte(it.Key))
	require.NoError(t, err, "the panel's key is that of the certificate")
	assert.Contains(t, it.Key, "BEGIN EC PRIVATE KEY", "in the form of the client's own")
	block, _ := pem.Decode([]byte(it.CSR))
	require.NotNil(t, block)
	request, err := x509.ParseCertificateRequest(block.Bytes)
	require.NoError(t, err)
	assert.True(t, leaf.PublicKey.(*ecdsa.PublicKey).Equal(request.PublicKey), "the panel's CSR is that of the certificate")
	assert.Equal(t, "example.com", request.Subject.CommonName)
	assert.Empty(t, it.Params["rotated_csr"])
	assert.Empty(t, f.keyFiles(t), "the former pair is removed")
}

// rules ROTATE-1 to ROTATE-4, ROTATE-6: two reissues are for new keys, which panel and site get without a person. While the CA works,
// both pairs are in a file for root alone.
func TestUnattendedReissuesAreForNewKeys(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f, _ := startRotation(t, seller)
		before := f.dumps()
		item := f.unattendedItem(t, "example.com", 12)
		f.checkDelivered(t, item, "example.com")
		for n := range 2 {
			f.looks(t, "issue_delay_seconds", 600)
			former, pair := f.leaf(t, item), f.itemOf(t, item)
			f.dueAgain(t, item)
			require.Zero(t, f.sweep(t).Failed, f.logTail(t))
			require.Equal(t, []string{fmt.Sprintf("%d.json", item)}, f.keyFiles(t), f.logTail(t))
			for path, mode := range map[string]fs.FileMode{"": fs.ModeDir | 0o700, fmt.Sprintf("%d.json", item): 0o600} {
				info, err := os.Lstat(filepath.Join(f.panel.Root(), "var", "pmssl-keys", path))
				require.NoError(t, err)
				assert.Equal(t, mode, info.Mode(), path)
			}
			waiting := f.itemOf(t, item)
			assert.Equal(t, pair.Key, waiting.Key, "the panel keeps its pair until the certificate is there")
			assert.Equal(t, pair.CSR, waiting.CSR)
			f.sweepHourly(t, item, 6)
			f.checkNewestStored(t, item, "example.com")
			f.checkRotated(t, item, former)
			assert.Equal(t, n+2, f.requestedCertificates(t, "example.com"))
		}
		f.checkQuiet(t, item, before)
	})
}

// rules ROTATE-2, ROTATE-3: a sweep that changes the key is killed at its calls of the panel and its requests to the seller. The next
// sweeps complete the change: one reissue, no key lost, nothing left.
func TestUnattendedRotationKilledAtEachStep(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, kill := range interruptions() {
			if strings.Contains(name, "DNS") { // of challenges, see TestUnattendedReissueKilledAtEachStep
				continue
			}
			t.Run(name, func(t *testing.T) {
				f, _ := startRotation(t, seller)
				before := f.dumps()
				item := f.unattendedItem(t, "example.com", seller.maxMonths)
				killed := 0
				for n := 1; ; n += stepStride(name, 9) {
					former := f.leaf(t, item)
					f.dueAgain(t, item)
					reached := kill(t, f, f.sweepCommand, n)
					f.untilStored(t, item, killed+2)
					for hours := 0; len(f.keyFiles(t)) > 0 && hours < 3; hours++ {
						require.Zero(t, f.advance(t, time.Hour).Failed, f.logTail(t))
					}
					f.checkNewestStored(t, item, "example.com")
					f.checkRotated(t, item, former)
					require.Equal(t, killed+2, f.requestedCertificates(t, "example.com"), "step %d", n)
					if t.Failed() {
						t.Fatalf("step %d: %s", n, f.logTail(t))
					}
					if killed++; !reached {
						require.Greater(t, n, 3, "a reissue has more steps than that")
						break
					}
				}
				t.Logf("%d runs were killed", killed-1)
				f.checkQuiet(t, item, before)
			})
		}
	})
}

// docs/reference/unattended.md §7: no key is in a command line, an environment, an output, a log, a mail, an item parameter or a file but
// its own, while it is made, delivered and printed by a program that fails.
func TestUnattendedRotationShowsNoKey(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f, w := startRotation(t, seller)
		require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), "etc", "debug.conf"), []byte("* 9\n"), 0o644))
		watch := f.watchProcesses(t)
		watch.hold(t, filepath.Join(w.dir, "hook"))
		item := f.unattendedItem(t, "example.com", 12)
		f.checkDelivered(t, item, "example.com")
		keys := []string{f.itemOf(t, item).Key}
		output := ""
		sweep := func() {
			t.Helper()
			run, err := f.sweepCommand(t.Context())
			require.NoError(t, err)
			require.True(t, run.OK(), run.Failure())
			output += run.Stdout + run.Stderr
		}
		f.looks(t, "issue_delay_seconds", 600)
		f.dueAgain(t, item)
		sweep()
		file, err := os.ReadFile(filepath.Join(f.panel.Root(), "var", "pmssl-keys", fmt.Sprintf("%d.json", item)))
		require.NoError(t, err, f.logTail(t))
		w.does(t, "before", `cat "$RENEWED_LINEAGE/privkey.pem" >&2; exit 1`)
		for range 3 {
			_, err := f.clock.Advance(time.Hour)
			require.NoError(t, err)
			sweep()
		}
		keys = append(keys, f.itemOf(t, item).Key)
		require.NotEqual(t, keys[0], keys[1])
		w.does(t, "before", "")
		_, err = f.clock.Advance(4 * time.Hour)
		require.NoError(t, err)
		sweep()
		f.checkDelivered(t, item, "example.com")
		watch.checkShown(t, "service.saveparam")
		watch.checkShown(t, "RENEWED_LINEAGE=")
		mails := ""
		for _, mail := range f.takeMails(t) {
			mails += mail.subject + mail.body
		}
		for _, key := range keys {
			lines := strings.Split(key, "\n")
			for _, line := range lines[1 : len(lines)-3] { // whole lines of the body
				require.Len(t, line, 64)
				require.True(t, bytes.Contains(file, []byte(line)), "the file had both keys")
				watch.check(t, line)
				assert.NotContains(t, output, line)
				assert.NotContains(t, mails, line)
				f.checkFilesWithout(t, line)
				f.checkParamsWithout(t, line)
			}
		}
	})
}

// checkParamsWithout checks that no item parameter and no task has the secret.
func (f *unattendedFixture) checkParamsWithout(t *testing.T, secret string) {
	t.Helper()
	var found int
	require.NoError(t, f.panel.DB().QueryRow("SELECT COUNT(*) FROM itemparam WHERE value LIKE ?", "%"+secret+"%").Scan(&found))
	assert.Zero(t, found)
	tasks, err := f.panel.Tasks(t.Context())
	require.NoError(t, err)
	assert.False(t, strings.Contains(fmt.Sprintf("%+v", tasks), secret), "a task has a secret")
}
