package sellerhttp_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/panellog"
	"pmssl/internal/seller/sellerhttp"
)

// list is a seller's list that counts how often it is read.
type list struct {
	walks atomic.Int64
	now   time.Time
	ids   []int64
	err   error
}

func (l *list) waiting(path string) sellerhttp.WaitingOrders {
	return sellerhttp.WaitingOrders{
		Path: path, Now: func() time.Time { return l.now }, Log: panellog.Discard(),
		Walk: func(context.Context) ([]int64, error) { l.walks.Add(1); return l.ids, l.err },
	}
}

func TestOneWalkServesAllProcessesForTwoMinutes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "waiting")
	l := &list{now: time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC), ids: []int64{7, 9}}
	has := func(id int64) bool {
		t.Helper()
		found, err := l.waiting(path).Has(t.Context(), id)
		require.NoError(t, err)
		return found
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { assert.True(t, has(7)) })
	}
	all.Wait()
	assert.Equal(t, int64(1), l.walks.Load(), "fifty at once")
	assert.False(t, has(8))
	l.ids, l.now = []int64{9}, l.now.Add(2*time.Minute-time.Second)
	assert.True(t, has(7))
	assert.Equal(t, int64(1), l.walks.Load())
	l.now = l.now.Add(time.Second)
	assert.False(t, has(7), "read anew")
	assert.Equal(t, int64(2), l.walks.Load())
	l.now = l.now.Add(-time.Hour)
	assert.True(t, has(9))
	assert.Equal(t, int64(3), l.walks.Load(), "what comes from the future is not believed")
}

func TestUnusableCacheIsReadAgain(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"damaged":  func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, []byte(`{"read":`), 0o600)) },
		"a folder": func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o700)) },
		"a link":   func(t *testing.T, path string) { require.NoError(t, os.Symlink("/etc/passwd", path)) },
		"other JSON": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte(`{"waiting":[7]}`), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "waiting")
			spoil(t, path)
			l := &list{now: time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC), ids: []int64{9}}
			found, err := l.waiting(path).Has(t.Context(), 7)
			require.NoError(t, err)
			assert.False(t, found)
			assert.Equal(t, int64(1), l.walks.Load())
		})
	}
}

func TestUnreadableListIsAnError(t *testing.T) {
	l := &list{now: time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC), ids: []int64{7}, err: errors.New("no answer")}
	path := filepath.Join(t.TempDir(), "waiting")
	found, err := l.waiting(path).Has(t.Context(), 7)
	require.Error(t, err)
	assert.False(t, found)
	l.err = nil
	found, err = l.waiting(path).Has(t.Context(), 7)
	require.NoError(t, err)
	assert.True(t, found)
}
