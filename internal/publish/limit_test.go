package publish_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
)

// slow is a service whose calls take some time each.
type slow struct {
	publish.Service
	at    time.Time
	takes time.Duration
	calls int
	err   error
}

func (s *slow) call() error {
	s.calls++
	s.at = s.at.Add(s.takes)
	return s.err
}

func (s *slow) now() time.Time { return s.at }

func (s *slow) Place(context.Context, publish.Order, []publish.Record) ([]publish.Placement, error) {
	return nil, s.call()
}

func (s *slow) Publish(context.Context, publish.Order, publish.Placement, []string) error {
	return s.call()
}

func (s *slow) Look(context.Context, publish.Placement) (publish.Sight, error) {
	return publish.Sight{Seen: true}, s.call()
}

func (s *slow) Withdraw(context.Context, publish.Order, publish.Placement) error { return s.call() }

func TestCallsTakeNoMoreThanTheLimitInAll(t *testing.T) {
	s := &slow{takes: 20 * time.Second}
	limited := publish.Limit(s, s.now, time.Minute)
	_, err := limited.Place(t.Context(), publish.Order{}, nil)
	require.NoError(t, err)
	require.NoError(t, limited.Publish(t.Context(), publish.Order{}, publish.Placement{}, nil))
	sight, err := limited.Look(t.Context(), publish.Placement{})
	require.NoError(t, err)
	assert.True(t, sight.Seen)
	for range 500 {
		require.ErrorIs(t, limited.Withdraw(t.Context(), publish.Order{}, publish.Placement{}), publish.ErrTimeSpent)
		_, err = limited.Place(t.Context(), publish.Order{}, nil)
		require.ErrorIs(t, err, publish.ErrTimeSpent)
		require.ErrorIs(t, err, context.DeadlineExceeded, "trouble that passes by itself")
	}
	assert.Equal(t, 3, s.calls)
}

// waiting is a service that answers when its context ends.
type waiting struct{ publish.Service }

func (waiting) Withdraw(ctx context.Context, _ publish.Order, _ publish.Placement) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestACallEndsWithTheLimitAndWithTheRun(t *testing.T) {
	at := func() time.Time { return time.Time{} }
	limited := publish.Limit(waiting{}, at, time.Millisecond)
	require.ErrorIs(t, limited.Withdraw(t.Context(), publish.Order{}, publish.Placement{}), publish.ErrTimeSpent)
	require.ErrorIs(t, limited.Withdraw(t.Context(), publish.Order{}, publish.Placement{}), publish.ErrTimeSpent)

	over, cancel := context.WithCancel(t.Context())
	cancel()
	err := publish.Limit(waiting{}, at, time.Hour).Withdraw(over, publish.Order{}, publish.Placement{})
	require.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, publish.ErrTimeSpent, "the end of the run is another matter")
}
