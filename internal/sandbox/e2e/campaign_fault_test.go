package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/syscalls"

	"github.com/stretchr/testify/require"
)

// usualFaults is the number of faults of each kind, of a command at a seller, in `make test`.
const usualFaults = 2

func countFaults(t *testing.T) int { return campaignNumber(t, campaignFaults, usualFaults) }

// rules BUY-2, STORE-2: system calls of a command fail: files cannot be written, connections end, programs are not started. What panel,
// client and administrator do next ends in the state of an undisturbed run, with the same payments.
func TestCampaignOfFailedSystemCalls(t *testing.T) {
	campaign{name: "system call", count: countFaults(t), moments: failuresAt, tells: true}.run(t)
}

// The same while calls of the panel fail, or are answered as if they had.
func TestCampaignOfPanelFaults(t *testing.T) {
	campaign{name: "panel", count: countFaults(t), moments: panelFaults}.run(t)
}

// The same while the seller fails, with each of its faults at each request.
func TestCampaignOfSellerFaults(t *testing.T) {
	campaign{name: "seller", count: countFaults(t), moments: sellerFaults}.run(t)
}

// The same while the host's clock is wrong.
func TestCampaignOfWrongClocks(t *testing.T) {
	campaign{name: "clock", count: countFaults(t), moments: wrongClocks, otherValues: true}.run(t)
}

// errorsOf returns the errors that a call can return.
func errorsOf(call syscalls.Call) []syscall.Errno {
	switch {
	case call.Name == "clone":
		return []syscall.Errno{syscall.EAGAIN, syscall.ENOMEM}
	case call.Name == "exit_group" || call.Name == "kill" || call.Name == "close":
		return nil
	case call.Name == "flock":
		return []syscall.Errno{syscall.ENOLCK}
	case strings.HasPrefix(call.Target, "socket:"):
		return []syscall.Errno{syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT}
	case strings.HasPrefix(call.Target, "pipe:"):
		return []syscall.Errno{syscall.EPIPE}
	case slices.Contains([]string{"unlink", "unlinkat", "rmdir", "fchmod", "fchmodat", "chmod", "utimensat"}, call.Name): // they need no room
		return []syscall.Errno{syscall.EROFS, syscall.EIO}
	}
	return []syscall.Errno{syscall.ENOSPC, syscall.EROFS, syscall.EIO}
}

// failuresAt returns failures of which up to two thirds are a full disk at each call about a file, and lines that are torn; the others are by
// chance. A connection may also fail after it has carried what was sent.
func failuresAt(t *testing.T, _ *victims, calls []syscalls.Call, n int) []disturbance {
	t.Helper()
	var disk, others []syscalls.Disturbance
	for i, call := range calls {
		for _, errno := range errorsOf(call) {
			d := syscalls.Disturbance{At: i + 1, Errno: errno}
			if errno == syscall.ENOSPC {
				disk = append(disk, d)
				continue
			}
			others = append(others, d)
			if strings.HasPrefix(call.Target, "socket:") {
				d.After = true
				others = append(others, d)
			}
		}
		if call.Name == "write" && filepath.IsAbs(call.Target) {
			disk = append(disk, syscalls.Disturbance{At: i + 1, Half: true}, syscalls.Disturbance{At: i + 1, Half: true, Errno: syscall.ENOSPC})
		}
	}
	full := min(len(disk), (2*n+2)/3)
	return append(chosen(t, disk, full, failureOf(calls)), chosen(t, others, n-full, failureOf(calls))...)
}

// failureOf returns the function that makes a disturbance of one of the calls.
func failureOf(calls []syscalls.Call) func(syscalls.Disturbance) disturbance {
	return func(d syscalls.Disturbance) disturbance {
		call, what := calls[d.At-1], d.Errno.Error()
		if d.Errno == 0 {
			what = "killed"
		}
		if d.Half {
			what += " after half"
		}
		return disturbance{kind: call.Name + ": " + what, text: what + ", " + place(d, call), arm: func(t *testing.T, v *victims) func(*panel.Run) bool {
			t.Helper()
			result := v.traced(t, d)
			return func(run *panel.Run) bool {
				hit := result().Hit
				require.Equal(t, hit && d.Errno == 0, run.Signal != "", "a call that fails does not kill: %+v", run)
				return hit
			}
		}}
	}
}

// panelFaults lets a call fail.
func panelFaults(t *testing.T, v *victims, calls []syscalls.Call, n int) []disturbance {
	t.Helper()
	var all []panel.Fault
	for i := range countCalls(calls) {
		for _, kind := range brokenAnswers() {
			all = append(all, panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: i, Caller: v.seller.module})
		}
	}
	return chosen(t, all, n, func(f panel.Fault) disturbance {
		return disturbance{kind: f.Kind, text: fmt.Sprintf("%s at call %d of the panel", f.Kind, f.Skip+1), arm: func(t *testing.T, v *victims) func(*panel.Run) bool {
			t.Helper()
			v.forgetCallForms(t)
			require.NoError(t, v.panel.SetFaults(f))
			return func(*panel.Run) bool {
				left, err := v.panel.Faults()
				require.NoError(t, err)
				require.NoError(t, v.panel.SetFaults())
				return len(left) == 0
			}
		}}
	})
}

// countCalls returns how many programs a run has started: all are calls of the panel, but for a delivery's.
func countCalls(calls []syscalls.Call) (n int) {
	for _, call := range calls {
		if call.Name == "clone" {
			n++
		}
	}
	return n
}

// sellerFault is a fault of the seller at a request.
type sellerFault struct {
	step step
	kind string
}

// lies reports whether the seller says that it has done what it has not: nobody but the administrator can know that, after a day
// (rules BUY-4). TestAnAcceptedOrderIsNotBoughtAgain in internal/command is about it.
func (f sellerFault) lies() bool {
	return f.kind == ispmgr.FaultOK && slices.Contains([]step{stepBuy, stepActivate, stepReissue, stepRenew}, f.step)
}

func sellerFaults(t *testing.T, v *victims, _ []syscalls.Call, n int) []disturbance {
	t.Helper()
	kinds := slices.Concat([]string{dropBefore, dropAfter, truncate, vanish, http500, http502, refused}, v.seller.unusableAnswers, v.seller.otherAnswers)
	random := campaignRandom(t)
	var all []sellerFault // each kind is tried, at one request or another, before one is tried again
	for len(all) < n {
		steps := random.Perm(len(v.asked))
		for i, kind := range random.Perm(len(kinds)) {
			if f := (sellerFault{v.asked[steps[i%len(steps)]], kinds[kind]}); !f.lies() {
				all = append(all, f)
			}
		}
	}
	return chosen(t, all[:n], n, func(f sellerFault) disturbance {
		return disturbance{kind: f.kind, text: f.kind + " at " + string(f.step), arm: func(t *testing.T, v *victims) func(*panel.Run) bool {
			t.Helper()
			v.failNext(t, f.step, f.kind)
			return func(*panel.Run) bool {
				hit := v.standIn.pendingFaults() == 0
				v.standIn.clearFaults()
				v.standIn.carryOutVanished()
				return hit
			}
		}}
	})
}

// wrongClocks lets a run of the module see another time than panel and seller.
func wrongClocks(t *testing.T, _ *victims, _ []syscalls.Call, n int) []disturbance {
	t.Helper()
	const day = 24 * time.Hour
	all := []time.Duration{-time.Minute, time.Minute, -time.Hour, time.Hour, -day, day, -30 * day, 30 * day, -400 * day, 400 * day, -20 * 365 * day, 20 * 365 * day}
	return chosen(t, all, n, func(by time.Duration) disturbance {
		return disturbance{kind: by.String(), text: "the clock is off by " + by.String(), arm: func(t *testing.T, v *victims) func(*panel.Run) bool {
			t.Helper()
			now, err := v.clock.Now()
			require.NoError(t, err)
			file := filepath.Join(t.TempDir(), "clock")
			require.NoError(t, os.WriteFile(file, []byte(now.Add(by).UTC().Format(time.RFC3339)), 0o600))
			v.panel.SetTracer("/usr/bin/env", "PMSSL_CLOCK="+file)
			return func(*panel.Run) bool {
				v.panel.SetTracer()
				return true
			}
		}}
	})
}

// chosen returns n disturbances, each of all before one is chosen again.
func chosen[T any](t *testing.T, all []T, n int, disturb func(T) disturbance) (made []disturbance) {
	t.Helper()
	require.True(t, len(all) > 0 || n == 0, "there is nothing to disturb")
	random := campaignRandom(t)
	for len(made) < n {
		for _, i := range random.Perm(len(all)) {
			made = append(made, disturb(all[i]))
		}
	}
	return slices.Clip(made[:n])
}
