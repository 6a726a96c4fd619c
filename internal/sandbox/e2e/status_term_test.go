package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// statusRow is what status says about one item.
type statusRow struct {
	Item      int64  `json:"item"`
	State     string `json:"state"`
	WaitsFor  string `json:"waits_for"`
	Action    string `json:"action"`
	ActionDay string `json:"action_day"`
	Reason    string `json:"reason"`
	Error     string `json:"error"`
}

// status returns what status says about the item.
func (f *simulatedFixture) status(t *testing.T, item int64) statusRow {
	t.Helper()
	run := f.runModule(t, "--command", "status", "--format", "json")
	require.Zero(t, run.ExitCode, "%s%s", run.Stdout, run.Stderr)
	var answer struct {
		Items []statusRow `json:"items"`
	}
	require.NoError(t, json.Unmarshal([]byte(run.Stdout), &answer), run.Stdout)
	for _, row := range answer.Items {
		if row.Item == item {
			return row
		}
	}
	require.Fail(t, "status does not show the item", run.Stdout)
	return statusRow{}
}

// rules STATUS-4: through a whole term, what status foretells is what the sweep then does: nothing on the day before, and that on the
// day itself.
func TestStatusForetellsATermAtTheSeller(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, row := range []struct {
			name, policy    string
			reissues, mails int
		}{
			{name: "auto", policy: "auto", reissues: expectedCertificates(instant(t, "2026-04-02").Truncate(24*time.Hour), instant(t, "2028-04-02").Truncate(24*time.Hour), 10) - 1},
			{name: "manual", policy: "manual", mails: 1},
		} {
			t.Run(row.name, func(t *testing.T) {
				f := startSimulated(t, seller, "2026-04-02")
				f.configure(t, "SSLSubscriptionPolicy "+row.policy)
				item := f.storedItem(t, "example.com", 24)
				reissues, mails := 0, 0
				for range 30 {
					said := f.status(t, item)
					require.Empty(t, said.Error)
					now, err := f.clock.Now()
					require.NoError(t, err)
					today := now.Format(time.DateOnly)
					switch said.Action {
					case "renew":
						assert.Equal(t, "2028-04-02", said.ActionDay)
						assert.Equal(t, row.reissues, reissues)
						return
					case "none": // the client was told, and has to act
						assert.Equal(t, "client", said.WaitsFor)
						assert.Equal(t, row.mails, mails)
						f.setTime(t, now.AddDate(0, 0, 2).Format(time.DateOnly))
						assert.Zero(t, f.sweep(t).Notified, "nothing was foretold")
						return
					}
					if said.ActionDay > today {
						day := instant(t, said.ActionDay)
						f.setTime(t, day.AddDate(0, 0, -1).Format(time.DateOnly)+"T23:30:00Z")
						assert.Equal(t, said, f.status(t, item), "a forecast stays until its day")
						doc := f.sweep(t)
						assert.Equal(t, [2]int{}, [2]int{doc.Reissued, doc.Notified}, "nothing is done before %s", said.ActionDay)
						f.setTime(t, said.ActionDay+"T00:30:00Z")
					}
					doc := f.sweep(t)
					switch said.Action {
					case "reissue":
						assert.Equal(t, 1, doc.Reissued, "on %s", said.ActionDay)
						reissues++
					case "tell":
						assert.Equal(t, 1, doc.Notified, "on %s", said.ActionDay)
						mails++
					case "wait":
						assert.Contains(t, doc.summary(item), "wait ok")
					default:
						require.Fail(t, "an action that this term has not", "%+v", said)
					}
					now, err = f.clock.Now()
					require.NoError(t, err)
					require.NoError(t, f.clock.Set(now.Add(time.Hour)))
				}
				require.Fail(t, "the term did not end")
			})
		}
	})
}
