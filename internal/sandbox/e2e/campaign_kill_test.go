package e2e

import (
	"strconv"
	"testing"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/syscalls"

	"github.com/stretchr/testify/require"
)

// usualKills is the number of kills of a command at a seller in `make test`.
const usualKills = 5

// rules BUY-1, BUY-2, STORE-2, STORE-6, DELIVER-2, UNATT-2: each command is killed with SIGKILL before and after system calls that others can
// see. What panel, client and administrator do next ends in the state of a run that was not killed, with the same payments.
func TestCampaignOfKills(t *testing.T) {
	campaign{name: "kill", count: campaignNumber(t, campaignKills, usualKills), moments: killsAt}.run(t)
}

// kills returns n kills at the calls of a program, each moment before one is chosen again.
func kills(t *testing.T, calls, n int) []syscalls.Disturbance {
	t.Helper()
	random := campaignRandom(t)
	var all []syscalls.Disturbance
	for len(all) < n {
		for _, moment := range random.Perm(2 * calls) {
			all = append(all, syscalls.Disturbance{At: moment/2 + 1, After: moment%2 == 1})
		}
	}
	return all[:n]
}

func killsAt(t *testing.T, _ *victims, calls []syscalls.Call, n int) []disturbance {
	t.Helper()
	var all []disturbance
	for _, kill := range kills(t, len(calls), n) {
		call := calls[kill.At-1]
		all = append(all, disturbance{kind: call.Name, text: "killed " + place(kill, call), arm: func(t *testing.T, v *victims) func(*panel.Run) bool {
			t.Helper()
			result := v.traced(t, kill)
			return func(run *panel.Run) bool {
				hit := result().Hit
				require.Equal(t, hit, run.Signal == "killed", "%+v", run)
				return hit
			}
		}})
	}
	return all
}

// place says at which call something happens, as it was in the undisturbed run.
func place(d syscalls.Disturbance, call syscalls.Call) string {
	when := "before"
	if d.After {
		when = "after"
	}
	return when + " call " + strconv.Itoa(d.At) + " (" + call.Name + " " + call.Target + ")"
}
