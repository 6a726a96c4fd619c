package world

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSleepEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.ErrorIs(t, sleep(ctx, 24*time.Hour), context.Canceled)
	assert.NoError(t, sleep(context.Background(), 0))
}

func TestAddressesAreIPv4(t *testing.T) {
	found, err := addresses()
	assert.NoError(t, err)
	for _, a := range found {
		assert.True(t, a.Is4(), a)
	}
}

func TestTheWorldIsWhole(t *testing.T) {
	w := Real()
	assert.NotNil(t, w.Stdin)
	assert.NotNil(t, w.Stdout)
	assert.NotNil(t, w.Stderr)
	assert.NotNil(t, w.Getenv)
	assert.NotNil(t, w.Now)
	assert.NotNil(t, w.Sleep)
	assert.NotNil(t, w.Jitter)
	assert.NotNil(t, w.Rand)
	assert.NotNil(t, w.Addresses)
	assert.NotNil(t, w.Dial)
	assert.NotEmpty(t, w.ResolvConf)
	assert.NotNil(t, w.Signals)
	assert.NotNil(t, w.Exit)
	assert.Positive(t, w.PID)
}
