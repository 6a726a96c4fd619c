package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/syscalls"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules SWEEP-5: a sweep that starts while another one runs does nothing, reports that and exits with 0.
func TestSecondSweepExitsWhileAnotherRuns(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		needsMariaDB(t, "keep a named lock from another connection")
		f := startSimulated(t, seller, firstOrders)
		item := f.storedItem(t, "example.com", 12)
		f.setTime(t, "2026-10-07")
		var second sweepResult
		f.beforeRequest(stepReissue, func() { second = f.sweep(t) })
		first := f.sweep(t)
		assert.Equal(t, "reissue ok", first.summary(item))
		assert.Equal(t, "no", first.Running)
		assert.Equal(t, "yes", second.Running)
		assert.Empty(t, second.Rows)
		assert.Equal(t, 2, f.requestedCertificates(t, "example.com"))
		assert.Equal(t, "no", f.sweep(t).Running, "the first sweep has released the lock")
	})
}

// rules SWEEP-5: four sweeps start at the same moment: every item is reissued once, whichever sweep gets the lock.
func TestConcurrentSweepsReissueOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		needsMariaDB(t, "keep a named lock from another connection")
		f := startSimulated(t, seller, firstOrders)
		var items []int64
		for n := range 4 {
			items = append(items, f.storedItem(t, site(n), 12))
		}
		f.setTime(t, "2026-10-07")
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				run, err := f.panel.Start(context.Background(), seller.module, nil, "--command", "subscription")
				assert.NoError(t, err)
				assert.True(t, run.OK(), run.Failure())
			})
		}
		group.Wait()
		for n, item := range items {
			f.checkNewestStored(t, item, site(n))
			assert.Equal(t, 2, f.requestedCertificates(t, site(n)))
		}
	})
}

func site(n int) string { return fmt.Sprintf("site%d.example.com", n) }

// reopen runs the reopen operation that a panel of 2026 starts by itself on the day; the client has changed nothing.
func (f *simulatedFixture) reopen(t *testing.T, item int64) *panel.Run {
	t.Helper()
	_, run, err := f.panel.Operate(context.Background(), item, "reopen")
	require.NoError(t, err)
	if run.OK() {
		f.syncIssuedAtOnce(t, item)
	}
	return run
}

// docs/reference/validity.md §B3.12, rules STORE-6: a panel that reissues by itself and the module's sweep on the same day make one
// reissue together, whichever comes first, and whether the new certificate is issued at once, later or between the two.
func TestPanelReopenAndSweepOnTheSameDayReissueOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		sweep := func(t *testing.T, f *simulatedFixture, _ int64) { assert.Zero(t, f.sweep(t).Failed) }
		reopen := func(t *testing.T, f *simulatedFixture, item int64) {
			run := f.reopen(t, item)
			assert.True(t, run.OK(), run.Failure())
			assert.Empty(t, f.itemOf(t, item).Operations, "the operation is done")
		}
		button := func(t *testing.T, f *simulatedFixture, item int64) { // this way the panel saves old_altname
			_, run, err := f.panel.Reissue(context.Background(), item, "", "", nil)
			require.NoError(t, err)
			assert.True(t, run.OK(), run.Failure())
		}
		for name, both := range map[string][2]func(*testing.T, *simulatedFixture, int64){
			"the panel first": {reopen, sweep}, "the sweep first": {sweep, reopen},
			"the panel's form first": {button, sweep}, "the sweep first, then the form": {sweep, button},
			"the panel twice": {reopen, reopen}, "the form twice": {button, button},
		} {
			for when, issue := range map[string]string{"issued at once": "", "waits": "late", "issued between": "between"} {
				t.Run(name+", "+when, func(t *testing.T) {
					f := startSimulated(t, seller, firstOrders)
					item := f.storedItem(t, "example.com", 12)
					if issue != "" {
						f.changeSeller(t, issueAfterValidation)
					}
					f.setTime(t, "2026-10-07")
					both[0](t, f, item)
					if issue == "between" {
						require.NoError(t, f.standIn.prove("example.com"))
					}
					f.setTime(t, "2026-10-07T21:00:00Z")
					both[1](t, f, item)
					if issue == "late" {
						require.NoError(t, f.standIn.prove("example.com"))
						f.setTime(t, "2026-10-07T22:00:00Z")
						sweep(t, f, item)
					}
					assert.Equal(t, 2, f.requestedCertificates(t, "example.com"), "one reissue")
					f.checkNewestStored(t, item, "example.com")
				})
			}
		}
	})
}

// rules STORE-6: the panel starts reopen while the sweep reissues the same item: reopen waits for the item's lock and then requests
// no second reissue.
func TestPanelReopenDuringASweepReissuesOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		needsMariaDB(t, "keep a named lock from another connection")
		f := startSimulated(t, seller, firstOrders)
		item := f.storedItem(t, "example.com", 12)
		f.setTime(t, "2026-10-07")
		ended := make(chan *panel.Run)
		f.beforeRequest(stepReissue, func() {
			go func() {
				_, run, err := f.panel.Operate(context.Background(), item, "reopen")
				assert.NoError(t, err)
				ended <- run
			}()
		})
		doc := f.sweep(t)
		run := <-ended
		assert.Equal(t, "reissue ok", doc.summary(item))
		assert.True(t, run.OK(), run.Failure())
		assert.Equal(t, 2, f.requestedCertificates(t, "example.com"))
		f.checkNewestStored(t, item, "example.com")
	})
}

// rules STORE-6: the answer to a reissue request is lost, in each way. Whether the sweep or the panel sent it, and whether the
// seller carried it out at once, late or not at all: exactly one reissue is made, and no second request is sent within ten
// minutes.
func TestLostAnswerOfAReissueReissuesOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for n, kind := range []string{dropBefore, dropAfter, truncate, vanish, http500, html, http502, huge} {
			for _, who := range alternating(n, "sweep", "panel") {
				for _, replacedAtIssue := range seller.replacedAtIssueValues() {
					t.Run(fmt.Sprintf("%s, %s, replaced at issue: %t", kind, who, replacedAtIssue), func(t *testing.T) {
						f := startSimulated(t, seller, firstOrders)
						f.changeSeller(t, func(m *behaviour) { m.replacedAtIssue = replacedAtIssue })
						item := f.storedItem(t, "example.com", 12)
						f.setTime(t, "2026-10-07")
						f.failNext(t, stepReissue, kind)
						if who == "sweep" {
							f.sweep(t)
						} else {
							f.reopen(t, item)
						}
						f.setTime(t, "2026-10-07T09:05:00Z")
						if kind == vanish {
							require.Equal(t, 1, f.standIn.carryOutVanished())
						}
						_, err := f.panel.RunPending(context.Background())
						require.NoError(t, err)
						f.sweep(t)
						for _, later := range []string{"2026-10-07T10:00:00Z", "2026-10-08T10:00:00Z", "2026-10-09T11:00:00Z"} {
							f.setTime(t, later)
							_, err := f.panel.RunPending(context.Background())
							require.NoError(t, err)
							require.Zero(t, f.sweep(t).Failed, later)
						}
						assert.Equal(t, 2, f.requestedCertificates(t, "example.com"), "one reissue")
						f.checkNewestStored(t, item, "example.com")
						assert.Empty(t, f.taskTypes(t))
						assert.Equal(t, 1, f.paymentCount(t))
					})
				}
			}
		}
	})
}

// rules SWEEP-1: a sweep over several items is killed with SIGKILL at system calls that others can see and run again: the state is the same as after
// a whole sweep. The seller has one reissue for each item and round, the panel the newest certificate and the complete lineage.
func TestKilledSweepEndsInTheSameState(t *testing.T) {
	needsMariaDB(t, writesAtOnce)
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		f.changeSeller(t, func(m *behaviour) { m.leafDays = 30 })
		var items []int64
		for n := range 4 {
			items = append(items, f.storedItem(t, site(n), seller.maxMonths))
		}
		day := instant(t, "2026-04-22")
		require.NoError(t, f.clock.Set(day))
		calls := f.traced(t, syscalls.Disturbance{})
		require.Equal(t, len(items), f.sweep(t).Reissued)

		killed, rounds := 0, campaignNumber(t, campaignKills, usualKills)
		for round, kill := range kills(t, len(calls().Calls), min(rounds, seller.maxMonths-2)) {
			day = day.AddDate(0, 0, 21)
			require.NoError(t, f.clock.Set(day))
			result := f.traced(t, kill)
			_, err := f.panel.Start(context.Background(), seller.module, nil, "--command", "subscription")
			require.NoError(t, err)
			if result().Hit {
				killed++
			}
			// later sweeps of the timer; a reissue that never reached the seller is requested again a day later
			for range 3 {
				day = day.Add(25 * time.Hour)
				require.NoError(t, f.clock.Set(day))
				f.sweep(t)
			}
			for n, item := range items {
				f.checkNewestStored(t, item, site(n))
				require.Equal(t, round+3, f.requestedCertificates(t, site(n)), "round %d, killed at %+v", round, kill)
				f.checkNoAttempt(t, item)
			}
		}
		assert.NotZero(t, killed, "no sweep was killed: the test shows nothing")
		assert.Equal(t, len(items), f.paymentCount(t))
		assert.Empty(t, f.taskTypes(t))
		assert.Empty(t, f.takeMails(t))
	})
}

// rules STORE-2: whichever call-back of a reissue fails, the next sweeps complete it.
func TestBrokenCallbackOfASweepIsRepeated(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		f.changeSeller(t, func(m *behaviour) { m.leafDays = 30 })
		item := f.storedItem(t, "example.com", seller.maxMonths)
		day, reissues := instant(t, firstOrders), 1
		for _, kind := range []string{"error", "error_after"} {
			for skip := range 18 {
				day = day.AddDate(0, 0, 24)
				require.NoError(t, f.clock.Set(day))
				f.forgetCallForms(t)
				require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: skip, Caller: seller.module}))
				f.sweep(t)
				left, err := f.panel.Faults()
				require.NoError(t, err)
				require.NoError(t, f.panel.SetFaults())
				for range 2 {
					day = day.Add(25 * time.Hour)
					require.NoError(t, f.clock.Set(day))
					f.sweep(t)
				}
				reissues++
				f.checkNewestStored(t, item, "example.com")
				require.Equal(t, reissues, f.requestedCertificates(t, "example.com"), "%s at call-back %d", kind, skip+1)
				if len(left) > 0 { // the reissue had fewer call-backs: continue with the next kind
					require.Greater(t, skip, 8, "a reissue has more call-backs than that")
					break
				}
			}
		}
		require.NotContains(t, strings.Join(f.taskTypes(t), " "), "reopen")
	})
}
