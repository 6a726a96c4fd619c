package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/deliver"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/publish"
)

func deliveringWith(p settingsPanel) *delivering {
	return &delivering{publishing: publishingWith(p)}
}

func TestModeOfDelivering(t *testing.T) {
	for value, want := range map[string]publish.Mode{"": publish.Off, "off": publish.Off, "dry": publish.Dry, "on": publish.On, "onn": publish.Off} {
		assert.Equal(t, want, deliveringWith(settingsPanel{options: map[string]string{publish.SettingMode: value}}).Mode(), value)
	}
}

// A file that cannot be read for a moment is no reason to forget a delivery.
func TestUnreadableOptionsDeliverNothing(t *testing.T) {
	d := deliveringWith(settingsPanel{broken: errors.New("permission denied")})
	assert.Equal(t, publish.On, d.Mode())
	assert.True(t, d.Configured())
	assert.True(t, d.Possible(t.Context(), deliver.Order{}, nil))
	_, _, err := d.Targets(t.Context(), deliver.Order{}, []string{"example.com"})
	require.ErrorContains(t, err, "permission denied")
	assert.True(t, fault.From(err).Retry, "it passes by itself")
	require.Error(t, d.Deliver(t.Context(), deliver.Order{}, deliver.Target{}, deliver.Certificate{}))
	_, err = d.Seen(t.Context(), deliver.Target{}, "2a")
	require.Error(t, err)
}

func TestDeliveriesReadTheConfigurationOfThePanel(t *testing.T) {
	d := deliveringWith(settingsPanel{options: map[string]string{publish.SettingMode: "on"}})
	root := t.TempDir()
	d.publishing.invocation.root = root
	folder := filepath.Join(root, "etc/pmssl")
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.Chmod(folder, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "a.conf"), []byte("deploy lb1 exec\nprogram /p\nzone *\ncheck 192.0.2.80\nallow example.com account 7\n"), 0o600))
	left := filepath.Join(root, "var/pmssl-deploy/42/live/example.com")
	require.NoError(t, os.MkdirAll(left, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(left, "privkey.pem"), nil, 0o600))
	assert.True(t, d.Configured())
	assert.True(t, d.Possible(t.Context(), deliver.Order{Item: 42, Account: 7}, []string{"example.com"}))
	assert.NoDirExists(t, filepath.Join(root, "var/pmssl-deploy/42"), "what a killed run left is removed")
	err := d.Deliver(t.Context(), deliver.Order{Item: 42, Account: 7}, deliver.Target{Block: "web7"}, deliver.Certificate{})
	require.ErrorContains(t, err, "no deploy web7 stands in "+folder)
	_, err = d.Seen(t.Context(), deliver.Target{Block: "lb1", Sites: []string{"example.com"}}, "2a")
	require.NoError(t, err, "a server that cannot be dialled is one that does not show the certificate")
}

// rules CLI: what a command for one item may take is limited here, what a sweep may take for each item by the sweep.
func TestTheTimeForDeliveriesIsLimited(t *testing.T) {
	one := publishingWith(settingsPanel{}).invocation
	one.system.Now = func() time.Time { return time.Time{} }
	one.row.deadline = itemTime
	_, unlimited := newDelivering(one, one.panel).(*delivering)
	assert.False(t, unlimited)
	one.row.deadline = sweepTime
	_, unlimited = newDelivering(one, one.panel).(*delivering)
	assert.True(t, unlimited)
}

// keyPanel holds a private key.
type keyPanel struct {
	settingsPanel
	key   string
	saved *string
}

func (p keyPanel) PrivateKey(context.Context, int64) (string, error) { return p.key, nil }

func (p keyPanel) SaveParam(_ context.Context, _ int64, _, value string) error {
	*p.saved = value
	return nil
}

func (p keyPanel) SaveParams(_ context.Context, _ int64, params []item.Param) error {
	*p.saved = params[0].Value
	return nil
}

// rules ARCH-8: a key that was read is masked in all that leaves the run.
func TestAPrivateKeyThatWasReadIsMasked(t *testing.T) {
	const line = "UGxhbnRlZFBsYW50ZWRQbGFudGVkUGxhbnRlZFBsYW50ZWRQbGFudGVk"
	const key = "-----BEGIN PRIVATE KEY-----\n" + line + "\nQQ==\n-----END PRIVATE KEY-----\n"
	saved := ""
	invocation := publishingWith(settingsPanel{}).invocation
	secrets := newSecrets(invocation.info, invocation.rootLog)
	panel := &watchedPanel{panelAPI: keyPanel{key: key, saved: &saved}, secrets: secrets}
	got, err := panel.PrivateKey(t.Context(), 42)
	require.NoError(t, err)
	assert.Equal(t, key, got)
	assert.NotContains(t, secrets.mask("the hook printed "+line), "UGxhbnRlZF")
	require.NoError(t, panel.SaveParam(t.Context(), 42, "delivery", `{"why":"`+key+`"}`))
	assert.NotContains(t, saved, "UGxhbnRlZF")
	require.NoError(t, panel.SaveParams(t.Context(), 42, []item.Param{{Name: "delivery", Value: `{"why":"` + key + `"}`}}))
	assert.NotContains(t, saved, "UGxhbnRlZF")
}
