package e2e

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/panel"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everyStep is the environment variable with which `make unattended` and `make campaign` have runs disturbed at each step ("all").
// Without it some of the steps are tried, most of those after which the name server has carried out a request.
const everyStep = "E2E_STEPS"

func triesAll() bool { return os.Getenv(everyStep) == "all" }

// afterDNS is the interruption that most of UNATT-2 is about.
const afterDNS = "after a DNS request"

// stepStride returns the distance of the steps at which runs are killed; usual is that of most kinds in `make test`.
func stepStride(kind string, usual int) int {
	switch {
	case triesAll():
		return 1
	case kind == afterDNS:
		return 2
	}
	return usual
}

// alternating returns all of the ways to disturb a run or, in `make test`, the nth of them.
func alternating(n int, ways ...string) []string {
	if triesAll() {
		return ways
	}
	return ways[n%len(ways) : n%len(ways)+1]
}

// command starts a command of the module and waits for its end. The module is killed if ctx ends.
type command func(ctx context.Context) (*panel.Run, error)

// sweepCommand is the sweep, without the checks of its document.
func (f *unattendedFixture) sweepCommand(ctx context.Context) (*panel.Run, error) {
	return f.panel.Start(ctx, f.seller.module, nil, "--command", "subscription")
}

// interruption ends a command with SIGKILL at its nth step of a kind. It returns whether the command came so far.
type interruption func(t *testing.T, f *unattendedFixture, start command, n int) (reached bool)

// interruptions returns all kinds of steps by name.
func interruptions() map[string]interruption {
	return map[string]interruption{
		"before a call of the panel": killedAtCall("kill"), "after a call of the panel": killedAtCall("kill_after"),
		"before a DNS request": killedAtDNS(false), afterDNS: killedAtDNS(true),
		"before a request to the seller": killedAtSeller(false), "after a request to the seller": killedAtSeller(true),
	}
}

// killedAtCall kills the command at its nth call of the panel, before or after the change is made.
func killedAtCall(kind string) interruption {
	return func(t *testing.T, f *unattendedFixture, start command, n int) bool {
		t.Helper()
		require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: n - 1, Caller: f.seller.module}))
		run, err := start(context.Background())
		require.NoError(t, err)
		left, err := f.panel.Faults()
		require.NoError(t, err)
		require.NoError(t, f.panel.SetFaults())
		require.Equal(t, len(left) == 0, run.Signal != "", "%+v", run)
		return len(left) == 0
	}
}

// killedDuring starts the command. arm gets a function that kills it, which returns when it is dead.
func killedDuring(t *testing.T, f *unattendedFixture, start command, arm func(kill func())) (killed bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{})
	var reached atomic.Bool
	arm(func() {
		reached.Store(true)
		cancel()
		<-ended
	})
	_, _ = start(ctx) // the error is the kill
	close(ended)
	f.activeRequests.Wait()
	return reached.Load()
}

// killedAtDNS kills the command at its nth signed request to the name server.
func killedAtDNS(after bool) interruption {
	return func(t *testing.T, f *unattendedFixture, start command, n int) bool {
		t.Helper()
		defer f.world.Primary.SetHook(internet.Hook{})
		return killedDuring(t, f, start, func(kill func()) {
			var seen atomic.Int64
			at := func(*dns.Msg) {
				if seen.Add(1) == int64(n) {
					kill()
				}
			}
			if after {
				f.world.Primary.SetHook(internet.Hook{After: at})
				return
			}
			f.world.Primary.SetHook(internet.Hook{Before: at})
		})
	}
}

// killedAtSeller kills the command at its nth request to the seller.
func killedAtSeller(after bool) interruption {
	return func(t *testing.T, f *unattendedFixture, start command, n int) bool {
		t.Helper()
		defer f.hook.Store(nil)
		return killedDuring(t, f, start, func(kill func()) {
			f.hook.Store(&requestHook{matches: func(url.Values) bool { return true }, nth: int64(n), afterWork: after, action: kill})
		})
	}
}

// checkKnown checks that the zone holds no record that the item does not know (rules UNATT-2).
func (f *unattendedFixture) checkKnown(t *testing.T, item int64, before map[string]string) {
	t.Helper()
	var known []struct {
		Record struct{ Name, Value string } `json:"record"`
	}
	if text := f.published(t, item); text != "" {
		require.NoError(t, json.Unmarshal([]byte(text), &known))
	}
	for line := range strings.Lines(f.zone.Dump()) {
		if strings.Contains(before[f.zone.Name()], line) {
			continue
		}
		found := false
		for _, one := range known {
			found = found || strings.HasPrefix(line, one.Record.Name+".") && strings.Contains(line, one.Record.Value+".")
		}
		assert.True(t, found, "%s is in the zone and not on the item: %+v", line, known)
	}
}

// untilStored sweeps on, each hour for some hours and then each day, until the item waits no more.
func (f *unattendedFixture) untilStored(t *testing.T, item int64, reissues int) {
	t.Helper()
	for n := range 9 {
		step := time.Hour
		if n > 5 {
			step = 25 * time.Hour
		}
		require.Zero(t, f.advance(t, step).Failed, f.logTail(t))
		if f.itemOf(t, item).Params["service_status"] == "5" && f.requestedCertificates(t, "example.com") == reissues && f.published(t, item) == "" {
			return
		}
	}
}

// rules UNATT-2, STORE-2, STORE-6: a sweep that reissues is killed at each of its calls of the panel, requests to the name server and
// requests to the seller. The next sweeps complete the reissue: one certificate, no record that nobody knows, nothing left.
func TestUnattendedReissueKilledAtEachStep(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, kill := range interruptions() {
			t.Run(name, func(t *testing.T) {
				f := startUnattended(t, seller, firstOrders)
				f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce, m.leafDays = false, 30 })
				before := f.dumps()
				item := f.unattendedItem(t, "example.com", seller.maxMonths)
				killed := 0
				for n := 1; ; n += stepStride(name, 3) {
					last := f.leaf(t, item)
					require.NoError(t, f.clock.Set(last.NotAfter.Truncate(24*time.Hour).AddDate(0, 0, -10).Add(9*time.Hour)))
					reached := kill(t, f, f.sweepCommand, n)
					f.checkKnown(t, item, before)
					f.untilStored(t, item, killed+2)
					f.checkNewestStored(t, item, "example.com")
					require.False(t, f.leaf(t, item).Equal(last))
					require.Equal(t, killed+2, f.requestedCertificates(t, "example.com"), "step %d", n)
					require.Equal(t, before, f.dumps(), "step %d", n)
					if killed++; !reached {
						require.Greater(t, n, 3, "a reissue has more steps than that")
						break
					}
				}
				t.Logf("%d runs were killed", killed-1)
				f.checkQuiet(t, item, before)
				f.checkOnlyOwnRecords(t, "example.com")
			})
		}
	})
}

// rules UNATT-2, UNATT-6: the panel refuses to save item parameters, once or from some call on. No record is published that the item does
// not know, the next sweeps go on, and the client is not written to.
func TestUnattendedReissueWhileThePanelRefusesParameters(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce, m.leafDays = false, 30 })
		before := f.dumps()
		item := f.unattendedItem(t, "example.com", seller.maxMonths)
		const calls, once = 12, 6
		for n := range calls + once {
			fault := panel.Fault{Func: "service.saveparam", Kind: "error", Skip: n, Caller: seller.module}
			if n >= calls {
				fault.Skip, fault.Times = n-calls, 1
			}
			f.untilDue(t, item)
			require.NoError(t, f.panel.SetFaults(fault))
			f.sweep(t)
			require.NoError(t, f.panel.SetFaults())
			f.checkKnown(t, item, before)
			f.untilStored(t, item, n+2)
			f.checkNewestStored(t, item, "example.com")
			require.Equal(t, n+2, f.requestedCertificates(t, "example.com"), "%+v", fault)
			require.Equal(t, before, f.dumps())
			require.Empty(t, f.takeMails(t), "%+v", fault)
		}
		f.checkQuiet(t, item, before)
	})
}

// Several sweeps and syncs at the same time reissue and publish once.
func TestUnattendedRunsAtOnceReissueOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		needsMariaDB(t, "keep a named lock from another connection")
		f := startUnattended(t, seller, firstOrders)
		f.looks(t, "issue_delay_seconds", 600)
		before := f.dumps()
		item := f.unattendedItem(t, "example.com", 12)
		f.setTime(t, reissueDay)
		for range 2 {
			var group sync.WaitGroup
			for range 2 {
				group.Go(func() {
					run, err := f.panel.Start(context.Background(), seller.module, nil, "--command", "subscription")
					assert.NoError(t, err)
					assert.True(t, run.OK(), run.Failure())
				})
				group.Go(func() {
					run, err := f.panel.Sync(context.Background(), item)
					assert.NoError(t, err)
					assert.True(t, run.OK(), run.Failure())
				})
			}
			group.Wait()
			_, err := f.clock.Advance(time.Hour)
			require.NoError(t, err)
		}
		f.sweepHourly(t, item, 3)
		f.checkNewestStored(t, item, "example.com")
		assert.Equal(t, 2, f.requestedCertificates(t, "example.com"))
		f.checkQuiet(t, item, before)
		assert.Len(t, f.zone.Changes(), 4)
	})
}
