package item_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
)

type options map[string]string

func (o options) Setting(_ context.Context, name string) (string, error) {
	if o["broken"] != "" {
		return "", errors.New(o["broken"])
	}
	return o[name], nil
}
func (options) InstallationID(context.Context) (string, error) { return "", nil }

func TestSSLRotateKey(t *testing.T) {
	for value, want := range map[string]struct {
		on     bool
		warned bool
	}{"": {}, "off": {}, "OFF": {}, "on": {on: true}, " On ": {on: true}, "yes": {warned: true}, "1": {warned: true}} {
		on, warning, err := item.RotateKey(t.Context(), options{item.SettingRotateKey: value})
		require.NoError(t, err)
		assert.Equal(t, want.on, on, value)
		assert.Equal(t, want.warned, warning != "", value)
	}
	on, _, err := item.RotateKey(t.Context(), options{"broken": "permission denied"})
	require.Error(t, err)
	assert.False(t, on)
}
