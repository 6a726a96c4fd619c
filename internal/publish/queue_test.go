package publish_test

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
)

// Calls of services that are not made for several at once are made one after the other, those of the item that was begun first
// before others.
func TestAQueueLetsOnePassAtATimeTheLowestPlaceFirst(t *testing.T) {
	var q publish.Queue
	first, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		assert.NoError(t, q.Do(t.Context(), 9, func() error { close(first); <-release; return nil }))
	})
	<-first
	var passed []int
	for n, place := range []int{5, 2, 8, 2, 1} {
		all.Go(func() {
			assert.NoError(t, q.Do(t.Context(), place, func() error { passed = append(passed, place); return nil }))
		})
		for q.Waiting() <= n {
			runtime.Gosched()
		}
	}
	close(release)
	all.Wait()
	assert.Equal(t, []int{1, 2, 2, 5, 8}, passed)
}

func TestAQueueIsLeftWhenTheRunEnds(t *testing.T) {
	var q publish.Queue
	ctx, end := context.WithCancel(t.Context())
	require.NoError(t, q.Do(t.Context(), 1, func() error {
		end()
		assert.ErrorIs(t, q.Do(ctx, 2, func() error { t.Error("it has no turn"); return nil }), context.Canceled)
		return nil
	}))
	require.NoError(t, q.Do(t.Context(), 3, func() error { return nil }), "the queue is free")
}

func TestAPanicLeavesTheQueue(t *testing.T) {
	var q publish.Queue
	assert.Panics(t, func() { _ = q.Do(t.Context(), 1, func() error { panic("planted") }) })
	require.NoError(t, q.Do(t.Context(), 2, func() error { return nil }))
}
