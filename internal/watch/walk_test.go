package watch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWalkReturnsWhatIsRemembered(t *testing.T) {
	w, _ := keeper(t)
	state, err := w.Read(now())
	require.NoError(t, err)
	for _, it := range []int64{2, 5, 9} {
		state.Note(seen(it))
	}
	require.NoError(t, w.Write(state))
	walk, err := w.Walk(now())
	require.NoError(t, err)
	for it := int64(1); it <= 10; it++ {
		one, known := walk.Seen(it)
		if want, is := state.Seen(it); is {
			assert.True(t, known, it)
			assert.Equal(t, want, one)
		} else {
			assert.False(t, known, it)
		}
	}
	require.NoError(t, walk.Close())
}

func TestWalkLeavesOutWhatCannotBeUsed(t *testing.T) {
	w, path := keeper(t)
	line := func(it, looked string) string {
		return `{"item":` + it + `,"looked":"` + looked + `","serial":"a1","outcome":"current"}`
	}
	past := now().Add(-time.Hour).Format(time.RFC3339)
	require.NoError(t, os.WriteFile(path, []byte(strings.Join([]string{
		`{"version":1,"begun":"2026-01-01T00:00:00Z"}`, line("3", past), "damaged", line("2", past), strings.Repeat("x", 100_000), line("4", "2099-01-01T00:00:00Z"), line("6", past), line("6", past), line("7", past)[:20],
	}, "\n")), 0o600))
	walk, err := w.Walk(now())
	require.NoError(t, err)
	var found []int64
	for it := int64(1); it <= 8; it++ {
		if _, known := walk.Seen(it); known {
			found = append(found, it)
		}
	}
	assert.Equal(t, []int64{3, 6}, found, "not one out of order, in the future, damaged or cut off")
	require.NoError(t, walk.Close())
}

func TestWalkOverNoFileKnowsNothing(t *testing.T) {
	w, _ := keeper(t)
	walk, err := w.Walk(now())
	require.NoError(t, err)
	_, known := walk.Seen(1)
	assert.False(t, known)
	require.NoError(t, walk.Close())
}

func TestWalkSaysWhyAFileCannotBeUsed(t *testing.T) {
	w, path := keeper(t)
	for name, text := range map[string]string{"empty": "", "another form": `{"version":2,"begun":"2026-01-01T00:00:00Z"}`, "no JSON": "x"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := w.Walk(now())
		assert.ErrorContains(t, err, "cannot be used", name)
	}
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Symlink(filepath.Join(t.TempDir(), "other"), path))
	_, err := w.Walk(now())
	assert.Error(t, err)
}

func FuzzWalk(f *testing.F) {
	f.Add("{\"item\":1,\"looked\":\"2026-01-01T00:00:00Z\",\"serial\":\"a1\",\"outcome\":\"current\"}\n{\"item\":3}")
	f.Fuzz(func(t *testing.T, lines string) {
		w, path := keeper(t)
		require.NoError(t, os.WriteFile(path, []byte("{\"version\":1,\"begun\":\"2026-01-01T00:00:00Z\"}\n"+lines), 0o600))
		walk, err := w.Walk(now())
		require.NoError(t, err)
		for it := int64(1); it < 5; it++ {
			if one, known := walk.Seen(it); known {
				assert.Equal(t, it, one.Item)
			}
		}
		require.NoError(t, walk.Close())
	})
}
