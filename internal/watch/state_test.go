package watch_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/watch"
)

// keeper returns a Watcher that only keeps looks, and the path of its file.
func keeper(t *testing.T) (*watch.Watcher, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pmnamecheap.watch")
	return watch.New(watch.Options{State: path}), path
}

func seen(it int64) watch.Seen {
	return watch.Seen{Item: it, Looked: now().Add(-time.Hour), Serial: "a1", CRL: watch.List{URL: "http://crl.example/1.crl", Issuer: "aa"}, Outcome: watch.Old,
		Replaced: []watch.Replaced{{Serial: "b2", CRL: watch.List{URL: "http://crl.example/2.crl", Issuer: "bb"}}}}
}

func TestLooksAreKeptBetweenRuns(t *testing.T) {
	w, path := keeper(t)
	state, err := w.Read(now())
	require.NoError(t, err, "no file is no error")
	assert.Equal(t, now(), state.Begun)
	state.Note(seen(42))
	state.Note(watch.Seen{Item: 7, Looked: now(), Serial: "c3", Outcome: watch.Current})
	require.NoError(t, w.Write(state))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, `{"version":1,"begun":"2026-10-09T06:30:00Z"}
{"item":7,"looked":"2026-10-09T06:30:00Z","serial":"c3","outcome":"current"}
{"item":42,"looked":"2026-10-09T05:30:00Z","serial":"a1","crl":{"url":"http://crl.example/1.crl","issuer":"aa"},"outcome":"old","replaced":[{"serial":"b2","crl":{"url":"http://crl.example/2.crl","issuer":"bb"}}]}
`, string(raw))

	later := now().AddDate(0, 0, 3)
	state, err = w.Read(later)
	require.NoError(t, err)
	assert.Equal(t, now(), state.Begun, "since the first run")
	got, known := state.Seen(42)
	assert.True(t, known)
	assert.Equal(t, seen(42), got)
	assert.Equal(t, 1, state.Count(watch.Old))
	assert.Equal(t, 0, state.Count(watch.Other))
	_, known = state.Seen(43)
	assert.False(t, known)

	state.Keep(func(it int64) bool { return it == 7 })
	require.NoError(t, w.Write(state))
	state, err = w.Read(later)
	require.NoError(t, err)
	_, known = state.Seen(42)
	assert.False(t, known, "not watched any more")
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file stays")
}

func TestAnUnchangedStateIsNotWritten(t *testing.T) {
	w, path := keeper(t)
	state, err := w.Read(now())
	require.NoError(t, err)
	require.NoError(t, w.Write(state))
	require.FileExists(t, path, "when sites were first watched is kept")
	state, err = w.Read(now())
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	require.NoError(t, w.Write(state))
	assert.NoFileExists(t, path)
}

// What cannot be read means that all sites are looked at again, not that the sweep fails.
func TestAFileThatCannotBeUsedIsReplaced(t *testing.T) {
	for name, prepare := range map[string]func(path string) error{
		"empty":           func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"not such a file": func(path string) error { return os.WriteFile(path, []byte("hello\nworld\n"), 0o600) },
		"another version": func(path string) error {
			return os.WriteFile(path, []byte(`{"version":2,"begun":"2026-01-01T00:00:00Z"}`+"\n"), 0o600)
		},
		"begun never": func(path string) error { return os.WriteFile(path, []byte(`{"version":1}`+"\n"), 0o600) },
		"begun tomorrow": func(path string) error {
			return os.WriteFile(path, []byte(`{"version":1,"begun":"2026-10-10T06:30:00Z"}`+"\n"), 0o600)
		},
		"a long first line": func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("x"), 1<<20), 0o600) },
		"binary":            func(path string) error { return os.WriteFile(path, []byte{0, 1, 2, 0xff, '\n'}, 0o600) },
		"too large": func(path string) error {
			if err := os.WriteFile(path, []byte(`{"version":1,"begun":"2026-01-01T00:00:00Z"}`+"\n"), 0o600); err != nil {
				return err
			}
			return os.Truncate(path, 1<<30)
		},
		"a symbolic link": func(path string) error { return os.Symlink("/etc/hostname", path) },
		"a pipe":          func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a folder":        func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			w, path := keeper(t)
			require.NoError(t, prepare(path))
			state, err := w.Read(now())
			require.ErrorContains(t, err, path)
			require.ErrorContains(t, err, "all sites are looked at again")
			assert.Equal(t, now(), state.Begun)
			state.Note(seen(42))
			err = w.Write(state)
			if name == "a folder" {
				require.ErrorContains(t, err, "cannot be kept")
				return
			}
			require.NoError(t, err)
			state, err = w.Read(now())
			require.NoError(t, err)
			got, _ := state.Seen(42)
			assert.Equal(t, seen(42), got)
		})
	}
}

func TestLinesThatCannotBeReadAreLeftOut(t *testing.T) {
	good := `{"item":42,"looked":"2026-10-09T05:30:00Z","serial":"a1","crl":{"url":"http://crl.example/1.crl","issuer":"aa"},"outcome":"old","replaced":[{"serial":"b2","crl":{"url":"http://crl.example/2.crl","issuer":"bb"}}]}`
	for name, bad := range map[string]string{
		"torn":                                 good[:60],
		"not JSON":                             "hello",
		"too long":                             `{"item":43,"crl":"` + strings.Repeat("x", 20_000) + `"}`,
		"without item":                         `{"looked":"2026-10-09T05:30:00Z","serial":"a1","outcome":"old"}`,
		"negative item":                        `{"item":-1,"looked":"2026-10-09T05:30:00Z","serial":"a1","outcome":"old"}`,
		"without time":                         `{"item":43,"serial":"a1","outcome":"old"}`,
		"from the future":                      `{"item":43,"looked":"2026-10-09T07:30:00Z","serial":"a1","outcome":"old"}`,
		"unknown outcome":                      `{"item":43,"looked":"2026-10-09T05:30:00Z","serial":"a1","outcome":"nice"}`,
		"a long serial":                        `{"item":43,"looked":"2026-10-09T05:30:00Z","serial":"` + strings.Repeat("a", 100) + `","outcome":"old"}`,
		"item is a text":                       `{"item":"43","looked":"2026-10-09T05:30:00Z","serial":"a1"}`,
		"an empty line":                        "",
		"a long serial of another certificate": `{"item":43,"looked":"2026-10-09T05:30:00Z","serial":"a1","outcome":"old","replaced":[{"serial":"` + strings.Repeat("a", 100) + `"}]}`,
		"a long serial that is revoked":        `{"item":43,"looked":"2026-10-09T05:30:00Z","serial":"a1","outcome":"old","revoked":["` + strings.Repeat("a", 100) + `"]}`,
		"deeply nested":                        strings.Repeat("[", 1500),
	} {
		t.Run(name, func(t *testing.T) {
			text := `{"version":1,"begun":"2026-10-09T06:30:00Z"}` + "\n" + bad + "\n" + good + "\n" + strings.ReplaceAll(good, "42", "44")[:70]
			state, err := watch.ParseState(strings.NewReader(text), now())
			require.NoError(t, err)
			got, known := state.Seen(42)
			assert.True(t, known)
			assert.Equal(t, seen(42), got)
			for _, it := range []int64{43, 44, -1, 0} {
				_, known := state.Seen(it)
				assert.False(t, known, it)
			}
		})
	}
}

func TestALongURLIsNotKept(t *testing.T) {
	w, _ := keeper(t)
	state, err := w.Read(now())
	require.NoError(t, err)
	one := seen(42)
	one.CRL.URL = "http://" + strings.Repeat("x", 1000)
	state.Note(one)
	got, _ := state.Seen(42)
	assert.Empty(t, got.CRL)
}

// The longest line that is written is read again.
func TestTheLongestLineIsRead(t *testing.T) {
	w, _ := keeper(t)
	state, err := w.Read(now())
	require.NoError(t, err)
	list := func(n int) watch.List {
		return watch.List{URL: fmt.Sprintf("http://%d/", n) + strings.Repeat("&", 490), Issuer: strings.Repeat("a", 32)}
	}
	serial := strings.Repeat("f", 64)
	long := watch.Seen{Item: 1 << 62, Looked: now(), Serial: serial, Stored: serial, CRL: list(0), Outcome: watch.Unreachable, InPlace: true}
	for n := range 10 {
		long.Replaced = append(long.Replaced, watch.Replaced{Serial: serial + "…", CRL: list(n)})
		long.Revoked = append(long.Revoked, serial+"…")
	}
	state.Note(long)
	want, _ := state.Seen(1 << 62)
	assert.Len(t, want.Replaced, 3)
	assert.Len(t, want.Revoked, 5)
	require.NoError(t, w.Write(state))
	state, err = w.Read(now())
	require.NoError(t, err)
	got, known := state.Seen(1 << 62)
	assert.True(t, known)
	assert.Equal(t, want, got)
}

func TestWhatALookServes(t *testing.T) {
	one := watch.Seen{Serial: "a1", InPlace: true, Replaced: []watch.Replaced{{Serial: "b2"}, {Serial: "c3"}}}
	for serial, serves := range map[string]bool{"a1": true, "b2": true, "c3": true, "d4": false, "": false} {
		assert.Equal(t, serves, one.Serves(serial), serial)
	}
	assert.False(t, watch.Seen{Serial: "a1"}.Serves("a1"))
	by := watch.Seen{Serial: "a1", Stored: "e5", InPlace: true}
	assert.True(t, by.Serves("e5"), "what is stored counts")
	assert.False(t, by.Serves("a1"))

	later := now().Add(time.Second)
	look := watch.Look{Places: []watch.Place{
		{Outcome: watch.Old, Serial: "a0", Expires: now()}, {Outcome: watch.Old, Serial: "b2", Expires: later}, {Outcome: watch.Old, Serial: "c3", Expires: later},
		{Outcome: watch.Old, Serial: "b2", Expires: later}, {Outcome: watch.Old, Serial: "d4", Expires: later}, {Outcome: watch.Old, Serial: "e5", Expires: later},
		{Outcome: watch.Other, Serial: "f6", Expires: later},
	}}
	assert.Equal(t, []watch.Replaced{{Serial: "b2"}, {Serial: "c3"}, {Serial: "d4"}}, look.Replaced(now()))
	assert.False(t, look.Serves())
	look.Places = append(look.Places, watch.Place{Outcome: watch.Current})
	assert.True(t, look.Serves())
}

// A run that was killed while it wrote leaves the former file, and its temporary file is no hindrance.
func TestAKilledWriteLeavesTheFormerFile(t *testing.T) {
	w, path := keeper(t)
	state, err := w.Read(now())
	require.NoError(t, err)
	state.Note(seen(42))
	require.NoError(t, w.Write(state))
	require.NoError(t, os.WriteFile(path+".new", []byte(`{"version":1,"be`), 0o600))
	state, err = w.Read(now())
	require.NoError(t, err)
	_, known := state.Seen(42)
	assert.True(t, known)
	state.Note(seen(43))
	require.NoError(t, w.Write(state))
	assert.NoFileExists(t, path+".new")
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	require.NoError(t, os.WriteFile(elsewhere, []byte("mine"), 0o600))
	require.NoError(t, os.Symlink(elsewhere, path+".new"))
	state.Note(seen(44))
	require.NoError(t, w.Write(state))
	content, err := os.ReadFile(elsewhere)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(content), "no link is followed")
}

// Whatever the file holds, reading ends, and what was read is written in a form that is read again.
func FuzzParseState(f *testing.F) {
	f.Add(`{"version":1,"begun":"2026-10-09T06:30:00Z"}` + "\n" + `{"item":42,"looked":"2026-10-09T05:30:00Z","serial":"a1","outcome":"old"}` + "\n")
	f.Add("")
	f.Add("{\"version\":1,\"begun\":\"2026-10-09T06:30:00Z\"}\n\x00\n{\"item\":1e3,\"looked\":\"0001-01-01T00:00:01Z\"}")
	f.Fuzz(func(t *testing.T, text string) {
		state, err := watch.ParseState(strings.NewReader(text), now())
		if err != nil {
			return
		}
		var out bytes.Buffer
		require.NoError(t, state.Encode(&out))
		again, err := watch.ParseState(bytes.NewReader(out.Bytes()), now())
		require.NoError(t, err, out.String())
		var second bytes.Buffer
		require.NoError(t, again.Encode(&second))
		assert.Equal(t, out.String(), second.String())
	})
}

// Reading and writing what is remembered about 100,000 items, as each sweep does.
func BenchmarkState(b *testing.B) {
	path := filepath.Join(b.TempDir(), "pmnamecheap.watch")
	w := watch.New(watch.Options{State: path})
	state, err := w.Read(now())
	require.NoError(b, err)
	for it := range int64(100_000) {
		one := seen(it + 1)
		one.Serial = fmt.Sprintf("%032x", it)
		state.Note(one)
	}
	require.NoError(b, w.Write(state))
	b.ReportAllocs()
	for b.Loop() {
		state, err := w.Read(now())
		require.NoError(b, err)
		state.Note(seen(1))
		require.NoError(b, w.Write(state))
	}
	info, err := os.Stat(path)
	require.NoError(b, err)
	b.ReportMetric(float64(info.Size())/(1<<20), "MiB-file")
}
