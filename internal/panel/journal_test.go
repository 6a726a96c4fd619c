package panel_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/panel"
	"pmssl/internal/seller"
)

func bought(it, id int64) item.JournalEntry {
	return item.JournalEntry{Time: time.Date(2026, 5, 7, 15, 7, 16, 0, time.UTC), Item: it, Kind: seller.KindCreate, ID: id, Account: "0123456789abcdef", Op: 7}
}

func (w *fixture) journalPath() string { return filepath.Join(w.root, "var", binary+".purchases") }

// Rules BUY-2: JSON lines, 0600.
func TestJournalIsReadAsItWasWritten(t *testing.T) {
	w := newFixture(t)
	lines, err := w.purchases()
	require.NoError(t, err)
	assert.Empty(t, lines, "no journal is no purchase")
	require.NoError(t, w.AppendJournal(t.Context(), bought(42, 1001)))
	require.NoError(t, w.AppendJournal(t.Context(), bought(43, 1002)))
	text, err := os.ReadFile(w.journalPath())
	require.NoError(t, err)
	assert.Equal(t, `{"time":"2026-05-07T15:07:16Z","item":42,"kind":"create","id":1001,"account":"0123456789abcdef","op":7}
{"time":"2026-05-07T15:07:16Z","item":43,"kind":"create","id":1002,"account":"0123456789abcdef","op":7}
`, string(text))
	info, err := os.Stat(w.journalPath())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	lines, err = w.purchases()
	require.NoError(t, err)
	assert.Equal(t, []item.JournalEntry{bought(42, 1001), bought(43, 1002)}, lines)
}

func TestJournalGetsMode0600(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, os.WriteFile(w.journalPath(), nil, 0o600))
	require.NoError(t, os.Chmod(w.journalPath(), 0o644))
	require.NoError(t, w.AppendJournal(t.Context(), bought(42, 1001)))
	info, err := os.Stat(w.journalPath())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
}

// A crash in the middle of a write leaves an incomplete line at the end: no entry before it or behind it is lost.
func TestIncompleteLastLineLosesNoOtherEntry(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, w.AppendJournal(t.Context(), bought(42, 1001)))
	whole, err := os.ReadFile(w.journalPath())
	require.NoError(t, err)
	for cut := range len(whole) {
		require.NoError(t, os.WriteFile(w.journalPath(), append(whole[:len(whole):len(whole)], whole[:cut]...), 0o600))
		lines, err := w.purchases()
		require.NoError(t, err)
		require.Subset(t, lines, []item.JournalEntry{bought(42, 1001)})
		require.NoError(t, w.AppendJournal(t.Context(), bought(44, 1003)))
		lines, err = w.purchases()
		require.NoError(t, err)
		require.Contains(t, lines, bought(42, 1001))
		require.Equal(t, bought(44, 1003), lines[len(lines)-1], "cut after %d bytes", cut)
	}
	assert.Contains(t, w.logged(), "line 2, the last one, is incomplete and left out")
	assert.Contains(t, w.logged(), "a crash cut it off")
}

func TestDamagedLinesOfTheJournalAreLoggedAndLeftOut(t *testing.T) {
	w := newFixture(t)
	good := `{"time":"2026-05-07T15:07:16Z","item":42,"kind":"create","id":1001,"account":"0123456789abcdef","op":7,"new":"field"}`
	w.write("var/"+binary+".purchases", strings.Join([]string{"nonsense", good, `{"item":0,"id":5}`, strings.Repeat("x", 100<<10), "", good}, "\n")+"\n")
	lines, err := w.purchases()
	require.NoError(t, err)
	assert.Equal(t, []item.JournalEntry{bought(42, 1001), bought(42, 1001)}, lines)
	for _, words := range []string{"line 1 is not a purchase", "line 3 is not a purchase", "line 4 is longer than"} {
		assert.Contains(t, w.logged(), words)
	}
}

func TestJournalThatIsNotARegularFileIsAFault(t *testing.T) {
	for name, put := range map[string]func(t *testing.T, path string){
		"symbolic link": func(t *testing.T, path string) {
			target := filepath.Join(t.TempDir(), "elsewhere")
			require.NoError(t, os.WriteFile(target, nil, 0o600))
			require.NoError(t, os.Symlink(target, path))
		},
		"link to nothing": func(t *testing.T, path string) { require.NoError(t, os.Symlink("/nowhere/at/all", path)) },
		"FIFO":            func(t *testing.T, path string) { require.NoError(t, syscall.Mkfifo(path, 0o600)) },
		"folder":          func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			put(t, w.journalPath())
			_, err := w.purchases()
			require.Error(t, err, "an unreadable journal must not look like an empty one")
			for _, err := range []error{err, w.AppendJournal(t.Context(), bought(42, 1001))} {
				failure := fault.From(err)
				require.NotNil(t, failure)
				assert.Equal(t, fault.Panel, failure.Type, "not fault.Internal: it is not a bug to report")
				assert.Contains(t, failure.Message, w.journalPath())
				assert.Contains(t, failure.Message, "move away what is there")
			}
		})
	}
}

func TestJournalOverTheLimitIsAFault(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, os.WriteFile(w.journalPath(), nil, 0o600))
	require.NoError(t, os.Truncate(w.journalPath(), panel.MaxJournal+1))
	_, err := w.purchases()
	assert.ErrorContains(t, err, "move its oldest lines to another file")
	assert.NoError(t, w.AppendJournal(t.Context(), bought(42, 1001)), "what was bought is recorded all the same")
}

func TestParallelAppendsLoseNoEntry(t *testing.T) {
	w := newFixture(t)
	const runs, each = 8, 25
	var all sync.WaitGroup
	failed := make(chan error, runs*each)
	for r := range runs {
		host := panel.New(panel.Options{Root: w.root, Binary: binary, Sleep: yieldSleep()})
		all.Go(func() {
			for n := range each {
				if err := host.AppendJournal(t.Context(), bought(int64(r+1), int64(n+1))); err != nil {
					failed <- err
				}
			}
		})
	}
	all.Wait()
	close(failed)
	require.NoError(t, <-failed)
	lines, err := w.purchases()
	require.NoError(t, err)
	require.Len(t, lines, runs*each)
	seen := map[string]bool{}
	for _, line := range lines {
		seen[fmt.Sprint(line.Item, "/", line.ID)] = true
	}
	assert.Len(t, seen, runs*each)
}

func TestJournalIsWrittenWithoutItsLockAfterTenSeconds(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, w.AppendJournal(t.Context(), bought(42, 1001)))
	other, err := os.Open(w.journalPath())
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, syscall.Flock(int(other.Fd()), syscall.LOCK_EX))
	require.NoError(t, w.AppendJournal(t.Context(), bought(42, 1002)))
	assert.Contains(t, w.logged(), "written without its lock")
	lines, err := w.purchases()
	require.NoError(t, err)
	assert.Len(t, lines, 2)
}

func FuzzJournal(f *testing.F) {
	for _, seed := range []string{"", "\n", `{"item":1,"id":2}`, `{"item":1,"id":2}` + "\n" + `{"item":1`, "[]\n", "null\n", `{"item":1e9,"id":1}` + "\n", `{"item":"1","id":2}` + "\n", "\x00\n", `{"time":"x","item":1,"id":2}` + "\n", `{"item":1,"kind":"order","id":2,"account":"73468cd8cc61471f","key":"00ff","name":"xn--e1afmkfd.xn--p1ai"}` + "\n", `{"item":1,"id":2,"key":7}` + "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		entries, damage, err := panel.ParseJournal(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(text, "\n") + 1; len(entries)+len(damage) > lines {
			t.Errorf("%d entries and %d damaged lines of %d lines", len(entries), len(damage), lines)
		}
		for _, entry := range entries {
			if entry.Item <= 0 || entry.ID <= 0 {
				t.Errorf("taken for a purchase: %+v", entry)
			}
		}
		// A line behind the rest of a crash is read, once that rest is ended by a newline.
		more, _, err := panel.ParseJournal(strings.NewReader(text + "\n" + `{"item":7,"id":8}` + "\n"))
		if err != nil || len(more) == 0 || more[len(more)-1].ID != 8 {
			t.Errorf("the line behind %q is not read: %v", text, err)
		}
	})
}
