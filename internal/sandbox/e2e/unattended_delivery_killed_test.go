package e2e

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// deliveryKill is a way to kill a sweep while it delivers a certificate.
type deliveryKill struct {
	name string
	kill interruption
	// from is the first step that belongs to the delivery, and stride the distance of steps in `make test`.
	from, stride int
	once         bool // the step exists once
}

// killedAtHandshake kills the command when a site's server gets its nth handshake.
func (w *deliveryServer) killedAtHandshake(t *testing.T, f *unattendedFixture, start command, n int) bool {
	t.Helper()
	defer w.atHandshake.Store(nil)
	return killedDuring(t, f, start, func(kill func()) {
		var seen atomic.Int64
		act := func() {
			if seen.Add(1) == int64(n) {
				kill()
			}
		}
		w.atHandshake.Store(&act)
	})
}

// killedByProgram makes the program kill the module that has started it, before or after it copies the certificate.
func (w *deliveryServer) killedByProgram(when, rest string) interruption {
	return func(t *testing.T, _ *unattendedFixture, start command, _ int) bool {
		t.Helper()
		w.does(t, when, "kill -9 $PPID\n"+rest)
		defer w.does(t, when, "")
		run, err := start(t.Context())
		require.NoError(t, err)
		return run.Signal != ""
	}
}

// killedAtHostPanel kills the command at its nth request to the hosting panel, before that is carried out or after it.
func killedAtHostPanel(after bool) interruption {
	return func(t *testing.T, f *unattendedFixture, start command, n int) bool {
		t.Helper()
		defer f.atHostPanel.Store(nil)
		return killedDuring(t, f, start, func(kill func()) {
			var seen atomic.Int64
			act := func(done bool) {
				if done == after && seen.Add(1) == int64(n) {
					kill()
				}
			}
			f.atHostPanel.Store(&act)
		})
	}
}

// storingStep reissues the certificate and returns the number of the call of the panel by which the sweep stores it.
func (f *unattendedFixture) storingStep(t *testing.T, item int64) int {
	t.Helper()
	f.untilDue(t, item)
	require.NoError(t, f.panel.ClearRequests())
	require.Zero(t, f.sweep(t).Failed, f.logTail(t))
	calls, err := f.panel.Requests()
	require.NoError(t, err)
	n := 0
	for _, call := range calls {
		if call.Caller != f.seller.module {
			continue
		}
		if n++; call.Func == "certificate.save" {
			return n
		}
	}
	require.Fail(t, "nothing was stored", f.logTail(t))
	return 0
}

// untilDue sets the clock to the day on which the certificate of the item is reissued.
func (f *unattendedFixture) untilDue(t *testing.T, item int64) {
	t.Helper()
	require.NoError(t, f.clock.Set(f.leaf(t, item).NotAfter.Truncate(24*time.Hour).AddDate(0, 0, -10).Add(9*time.Hour)))
}

// killDeliveries kills sweeps in each way while they deliver. The next sweep ends the delivery: the site shows the certificate that is
// stored, and nothing is left. It returns how many sweeps were killed.
func (f *unattendedFixture) killDeliveries(t *testing.T, item int64, domain string, ways []deliveryKill) (killed int) {
	t.Helper()
	for _, way := range ways {
		for n := way.from; ; n += stepStride(way.name, way.stride) {
			last := f.leaf(t, item)
			f.untilDue(t, item)
			reached := way.kill(t, f, f.sweepCommand, n)
			require.Zero(t, f.advance(t, time.Hour).Failed, "%s, step %d: %s", way.name, n, f.logTail(t))
			require.False(t, f.leaf(t, item).Equal(last), "%s, step %d", way.name, n)
			f.checkNewestStored(t, item, domain)
			f.checkDelivered(t, item, domain)
			if reached {
				killed++
			} else {
				require.Greater(t, n, way.from, "%s: there is no such step", way.name)
			}
			if way.once || !reached {
				break
			}
		}
	}
	return killed
}

// rules DELIVER-2: a sweep that delivers is killed at each of its calls of the panel, in its program, at each look at the site and at
// each request to a hosting panel. The next sweep completes the delivery, nothing is left, and nobody is told anything.
func TestUnattendedDeliveryKilledAtEachStep(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce, m.leafDays = true, 30 })
		w := f.startDelivery(t, "example.com")
		before := f.dumps()
		item := f.unattendedItem(t, "example.com", seller.maxMonths)
		storing := f.storingStep(t, item)
		killed := f.killDeliveries(t, item, "example.com", []deliveryKill{
			{name: "before a call of the panel", kill: killedAtCall("kill"), from: storing, stride: 5},
			{name: "after a call of the panel", kill: killedAtCall("kill_after"), from: storing, stride: 4},
			{name: "before the program copies", kill: w.killedByProgram("before", "exit 1"), once: true},
			{name: "when the program was started", kill: w.killedByProgram("before", ""), once: true},
			{name: "after the program copied", kill: w.killedByProgram("after", ""), once: true},
			{name: "at a look", kill: w.killedAtHandshake, from: 1, stride: 5},
		})
		t.Logf("%d sweeps were killed", killed)
		f.checkQuiet(t, item, before)
	})
}

// The same at a hosting panel: a certificate is added with its key each time, or the site's own one is renewed.
func TestUnattendedDeliveryToAHostPanelKilledAtEachStep(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, handOver := range map[string]bool{"added with the key": true, "renewed without the key": false} {
			t.Run(name, func(t *testing.T) {
				if !triesAll() && handOver == (seller.module == "pmispmgrssl") {
					t.Skip("runs in `make unattended`")
				}
				const domain = "shop.example"
				f := startUnattended(t, seller, firstOrders)
				f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce, m.leafDays = true, 30 })
				hostPanelCases()[0].host(t, f, domain)
				item := f.unattendedItem(t, domain, seller.maxMonths, f.hostSite(t, domain, handOver))
				kill := func(after bool) interruption {
					return func(t *testing.T, f *unattendedFixture, start command, n int) bool {
						t.Helper()
						if handOver { // else it would be renewed
							for _, c := range f.hostPanel.State().Certificates {
								f.hostPanel.RemoveCertificate(c.Owner, c.Name)
							}
						}
						return killedAtHostPanel(after)(t, f, start, n)
					}
				}
				killed := f.killDeliveries(t, item, domain, []deliveryKill{
					{name: "before a request to the hosting panel", kill: kill(false), from: 1, stride: 4},
					{name: "after a request to the hosting panel", kill: kill(true), from: 1, stride: 4},
				})
				t.Logf("%d sweeps were killed", killed)
				assert.Empty(t, f.takeMails(t))
				assert.Empty(t, f.taskTypes(t))
			})
		}
	})
}
