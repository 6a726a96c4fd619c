package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/item"
	"pmssl/internal/watch/crl"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// statusOf returns what the command says about the only item of a run's panel.
func statusOf(t *testing.T, run *item.Run) shown {
	t.Helper()
	own := *run
	folder := t.TempDir()
	own.Args, own.Format = item.Args{Command: "status"}, item.FormatJSON
	own.TempFile = func() (*os.File, error) { return os.Create(filepath.Join(folder, "rows")) }
	_, err := command.Status(context.Background(), &own)
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, own.Stream(&text))
	var answer struct {
		Items []shown `json:"items"`
	}
	require.NoError(t, json.Unmarshal(text.Bytes(), &answer), text.String())
	require.Len(t, answer.Items, 1)
	return answer.Items[0]
}

// rules STATUS-4: tries and looks of a delivery that does not succeed, for a week.
func TestStatusForetellsDeliveries(t *testing.T) {
	d := deliveringFixture(t)
	d.panel.order.Status = 2
	d.delivery.refuse["web7"] = errors.New("the server is down")
	require.NoError(t, d.do(command.SyncItem, "sync_item"))
	d.at = d.at.Add(time.Minute)
	acted, said := map[string]int{}, map[string]int{} // by day: the last hour with a delivery or a look, and that for which one was foretold
	for hour := 1; hour <= 7*24; hour++ {
		d.args = item.Args{Command: "status"}
		row, today := statusOf(t, d.env()), cabforum.DateOf(d.at).String()
		if row.Action == "deliver" && row.ActionDay == today {
			said[today] = hour
		}
		before, next := len(d.panel.calls), d.at.Add(time.Hour)
		d.sweep(t)
		looked := slices.ContainsFunc(d.panel.calls[before:], func(call string) bool { return strings.HasPrefix(call, "deliver ") || strings.HasPrefix(call, "see ") })
		if looked {
			require.Equal(t, []string{"deliver", today}, []string{row.Action, row.ActionDay}, "%s", d.at)
			acted[today] = hour
		}
		d.at = next
	}
	assert.Greater(t, len(acted), 6)
	assert.Equal(t, acted, said, "each forecast for a day came true on it, and nothing else was done")
	d.args = item.Args{Command: "status"}
	row := statusOf(t, d.env())
	assert.Equal(t, "uninstalled", row.State)
	assert.Equal(t, "client", row.WaitsFor)
	assert.Contains(t, row.Error, "the server is down")
}

// rules STATUS-4: what the policy says about a revoked certificate.
func TestStatusForetellsTheAnswerToARevocation(t *testing.T) {
	for _, c := range []struct {
		name, policy         string
		reason               crl.Reason
		action, waits, after string
	}{
		{name: "reissue", reason: crl.Superseded, action: "reissue", waits: "nobody"},
		{name: "new key", reason: crl.KeyCompromise, action: "tell", waits: "nobody", after: "client"},
		{name: "withdrawn", reason: crl.PrivilegeWithdrawn, action: "none", waits: "administrator", after: "administrator"},
		{name: "manual", policy: "manual", reason: crl.Superseded, action: "tell", waits: "nobody", after: "client"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := revocationFixture(t)
			r.panel.order.Status = 2
			r.panel.settings[cabforum.SettingPolicy] = "none" // the sweep finds it, and does nothing
			r.sweep(t)
			r.revoke(c.reason)
			r.at = r.at.Add(25 * time.Hour)
			r.sweep(t)
			require.NotEmpty(t, r.known().Serial)
			r.panel.settings[cabforum.SettingPolicy] = c.policy
			r.at = r.at.Add(time.Hour)

			said := statusOf(t, r.env())
			assert.Equal(t, "revoked", said.State)
			assert.Equal(t, c.action, said.Action)
			assert.Equal(t, c.waits, said.WaitsFor)
			reissues, mails := r.seller.reissues, len(r.mailer.notices)
			doc, _ := r.sweep(t)
			switch did := []bool{r.seller.reissues > reissues, len(r.mailer.notices) > mails}; c.action {
			case "reissue":
				assert.True(t, did[0], doc)
			case "tell":
				assert.Equal(t, []bool{false, true}, did, doc)
			case "none":
				assert.Equal(t, []bool{false, false}, did, doc)
			}
			if c.after != "" {
				said = statusOf(t, r.env())
				assert.Equal(t, "none", said.Action)
				assert.Equal(t, c.after, said.WaitsFor)
				reissues, mails = r.seller.reissues, len(r.mailer.notices)
				r.sweeps(t, 48*time.Hour)
				assert.Equal(t, []int{reissues, mails}, []int{r.seller.reissues, len(r.mailer.notices)}, "nothing was foretold, and nothing is done")
			}
		})
	}
}
