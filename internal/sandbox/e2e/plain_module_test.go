package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/engine"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plainPackages are the packages of Debian that the plain module imports.
const plainPackages = "python3-requests python3-cryptography python3-pymysql"

// plainModule returns the path of the plain module in Python with which pmnamecheap is compared. Without its packages the test is
// skipped; with CI=true it fails.
func plainModule(t testing.TB) string {
	t.Helper()
	if err := exec.Command("/usr/bin/python3", "-c", "import requests, cryptography, pymysql").Run(); err != nil {
		words := "the plain module in Python needs Debian's packages: apt-get install " + plainPackages
		if os.Getenv("CI") == "true" {
			t.Fatal(words)
		}
		t.Skip(words)
	}
	path, err := filepath.Abs("../peers/pm_plain.py")
	require.NoError(t, err)
	return path
}

// plain returns a run of the plain module at the same panel, database and seller.
func (f *fixture) plain(module, url string, args ...string) *exec.Cmd {
	cmd := exec.Command(module, args...)
	cmd.Dir, cmd.Env = f.panel.Root(), append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "MGR5_ROOT=" + f.panel.Root()}, f.standIn.moduleEnv(url)...)
	return cmd
}

// The comparison is honest only if the plain module does the whole job: it orders, shows the client what to publish, and stores the
// certificate.
func TestThePlainModuleOrdersAndStores(t *testing.T) {
	module := plainModule(t)
	f := startFixture(t, namecheapCase())
	behaviour := f.standIn.behaviour()
	behaviour.issuesAtOnce = false
	require.NoError(t, f.standIn.setBehaviour(behaviour))
	item := f.place(t, exampleCSR(t)).Item
	run := func(command string) {
		out, err := f.plain(module, f.server.URL, "--command", command, "--item", strconv.FormatInt(item, 10)).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	run("open")
	opened := f.itemOf(t, item)
	assert.Equal(t, 1, f.paymentCount(t))
	assert.Contains(t, opened.Params["auth_dnscname_value"], "example.com CNAME ")
	assert.Equal(t, "4", opened.Params["service_status"])
	run("sync_item")
	assert.Equal(t, "4", f.itemOf(t, item).Params["service_status"], "it still waits")
	require.NoError(t, f.standIn.issue(f.orderIDOf(t, item)))
	run("sync_item")
	stored := f.itemOf(t, item)
	assert.Equal(t, "5", stored.Params["service_status"])
	assert.NotEmpty(t, stored.Crt)
	assert.Equal(t, stored.Params["certificate_expiredate"], stored.ExpireDate)
}

// peerRuns is how often a job is done for a median, peerOrders how many orders each of the two places: Namecheap's list has pages of
// 100, and both place theirs in the same account.
const (
	peerRuns   = 60
	peerOrders = 40
)

// BenchmarkPeers compares pmnamecheap with a plain module in Python: the same jobs, in turns, on the same panel, database and seller.
// make bench-peers runs it. docs/performance.md has the safeguards that the plain module lacks.
func BenchmarkPeers(b *testing.B) {
	if built.server.Kind() != engine.MariaDB {
		b.Skip("the figures are about MariaDB")
	}
	if os.Getenv("BENCH_PEERS") == "" {
		b.Skip("BENCH_PEERS=1 runs it, as make bench-peers does")
	}
	module := plainModule(b)
	b.Run("features", func(b *testing.B) {
		s := startTimedSync(b, namecheapCase(), false)
		for b.Loop() {
			comparePeers(b, peerRuns, func(own bool) *exec.Cmd { return s.peerRun(module, own, "--command", "features") })
		}
	})
	b.Run("sync_item of a waiting item", func(b *testing.B) {
		s := startTimedSync(b, namecheapCase(), false)
		for b.Loop() {
			comparePeers(b, peerRuns, func(own bool) *exec.Cmd {
				s.forgetWaiting(b)
				return s.peerRun(module, own, "--command", "sync_item", "--item", strconv.FormatInt(s.item, 10))
			})
		}
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s := startTimedSync(b, namecheapCase(), false)
			require.NoError(b, s.standIn.setBalance("100000.00"))
			comparePeers(b, peerOrders, func(own bool) *exec.Cmd {
				placed := s.place(b, exampleCSR(b))
				return s.peerRun(module, own, "--command", "open", "--item", strconv.FormatInt(placed.Item, 10), "--runningoperation", strconv.FormatInt(placed.Operation, 10))
			})
			require.Equal(b, 2*peerOrders+1, s.paymentCount(b), "each has bought each of its orders once")
		}
	})
}

// peerRun returns a run of pmnamecheap, or of the plain module.
func (s *timedSync) peerRun(module string, own bool, args ...string) *exec.Cmd {
	if own {
		module = filepath.Join(s.panel.Root(), "processing", s.seller.module)
	}
	cmd := s.plain(module, s.server.URL, args...)
	cmd.Env = append(cmd.Env, "REQUESTS_CA_BUNDLE="+s.ca)
	return cmd
}

// comparePeers runs both in turns and reports what they take.
func comparePeers(b *testing.B, runs int, run func(own bool) *exec.Cmd) {
	b.Helper()
	var own, plain []processCost
	for range runs {
		own = append(own, commandCost(b, run(true)))
		plain = append(plain, commandCost(b, run(false)))
	}
	reportPair(b, "pmnamecheap", own, "python", plain)
	wall := func(c processCost) time.Duration { return c.wall }
	assert.Less(b, median(own, wall), median(plain, wall))
}
