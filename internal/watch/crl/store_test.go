package crl_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/watch/crl"
)

func (w *world) copyPath() string { return filepath.Join(w.folder, w.query().Name()+crl.CopySuffix) }

// rules REVOKE-2: a list is fetched again after 6 hours, not before.
func TestAListIsFetchedAgainAfterSixHours(t *testing.T) {
	w := newWorld(t)
	for _, step := range []struct {
		after time.Duration
		asked int
	}{{0, 1}, {0, 0}, {crl.FetchAgain - time.Second, 0}, {time.Second, 1}, {time.Hour, 0}} {
		w.at = w.at.Add(step.after)
		answer := w.run(t)
		assert.True(t, answer.Known)
		assert.Nil(t, answer.Failure)
		assert.Len(t, answer.Revoked, 2)
		assert.Equal(t, step.asked, w.requests(), step)
	}
}

// rules REVOKE-2: an attempt that failed is repeated after an hour, and is news once. The copy is used as long as it counts.
func TestAFailureIsNewsOnceAndTheCopyIsUsedUntilItsEnd(t *testing.T) {
	w := newWorld(t)
	require.True(t, w.run(t).Known)
	good := w.answer
	w.serveBy(status(http.StatusServiceUnavailable))
	w.requests()
	for _, step := range []struct {
		after        time.Duration
		asked        int
		first, known bool
	}{
		{crl.FetchAgain, 1, true, true},
		{crl.RetryAfter - time.Second, 0, false, true},
		{time.Second, 1, false, true},
		{6 * 24 * time.Hour, 1, false, true},
		{24 * time.Hour, 1, false, false}, // its nextUpdate is past
	} {
		w.at = w.at.Add(step.after)
		answer := w.run(t)
		assert.Equal(t, step.asked, w.requests(), "%+v", step)
		assert.Equal(t, step.known, answer.Known, "%+v", step)
		assert.Equal(t, step.known, len(answer.Revoked) == 2, "%+v", step)
		assert.Equal(t, step.asked == 1, answer.Failure != nil, "%+v", step)
		assert.Equal(t, step.first, answer.Failure != nil && answer.Failure.First, "%+v", step)
	}
	w.at = w.at.Add(crl.RetryAfter)
	w.serveBy(good)
	w.serve(w.ca.sign(t, newList(t, w.at, entry(0xabc, 4))))
	assert.Len(t, w.run(t).Revoked, 1)
	w.at = w.at.Add(crl.FetchAgain)
	w.serveBy(status(http.StatusServiceUnavailable))
	answer := w.run(t)
	require.NotNil(t, answer.Failure)
	assert.True(t, answer.Failure.First, "it worked in between")
}

// Whoever is between here and the CA must not hide what was revoked since an earlier list.
func TestAnOlderListDoesNotReplaceTheCopy(t *testing.T) {
	w := newWorld(t)
	older := w.ca.sign(t, newList(t, w.at.Add(-time.Hour)))
	require.Len(t, w.run(t).Revoked, 2)
	w.at = w.at.Add(crl.FetchAgain)
	w.serve(older)
	answer := w.run(t)
	assert.Len(t, answer.Revoked, 2)
	assert.ErrorContains(t, answer.Failure, "it is of 2026-10-09T05:30:00Z, older than the copy of 2026-10-09T06:30:00Z")

	w.at = start().Add(7 * 24 * time.Hour) // the copy is out of date
	w.serve(w.ca.sign(t, newList(t, start().Add(time.Hour))))
	answer = w.run(t)
	assert.True(t, answer.Known)
	assert.Nil(t, answer.Failure)
}

// Copies are checked as if they came from the CA: what is wrong with one leads to a fetch.
func TestCopiesAreCheckedAgain(t *testing.T) {
	other := newWorld(t)
	for name, damage := range map[string]func(t *testing.T, w *world, path string){
		"garbage":   func(t *testing.T, _ *world, path string) { require.NoError(t, os.WriteFile(path, []byte("x"), 0o600)) },
		"gone":      func(t *testing.T, _ *world, path string) { require.NoError(t, os.Remove(path)) },
		"truncated": func(t *testing.T, _ *world, path string) { require.NoError(t, os.Truncate(path, 100)) },
		"too long":  func(t *testing.T, _ *world, path string) { require.NoError(t, os.Truncate(path, crl.MaxList+1)) },
		"one bit": func(t *testing.T, _ *world, path string) {
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			raw[len(raw)/2] ^= 1
			require.NoError(t, os.WriteFile(path, raw, 0o600))
		},
		"of another CA": func(t *testing.T, _ *world, path string) {
			require.NoError(t, os.WriteFile(path, other.ca.sign(t, newList(t, start())), 0o600))
		},
		"a link": func(t *testing.T, _ *world, path string) {
			require.NoError(t, os.Rename(path, path+"x"))
			require.NoError(t, os.Symlink(path+"x", path))
		},
		"a folder": func(t *testing.T, _ *world, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			require.True(t, w.run(t).Known)
			w.requests()
			damage(t, w, w.copyPath())
			answer := w.run(t)
			assert.Equal(t, 1, w.requests())
			if name != "a folder" {
				assert.Nil(t, answer.Failure)
			}
			assert.Len(t, answer.Revoked, 2)

			w.at = w.at.Add(crl.FetchAgain)
			w.serveBy(status(http.StatusBadGateway))
			_ = os.Remove(w.copyPath())
			assert.False(t, w.run(t).Known)
		})
	}
}

// What is known about lists may be damaged: then all are fetched again.
func TestADamagedIndexLosesNothingButTime(t *testing.T) {
	for name, content := range map[string]string{
		"garbage": "x", "another form": `{"version":2}`, "null": "null", "null in it": `{"version":1,"lists":[null]}`,
		"a name that leads elsewhere": `{"version":1,"lists":[{"name":"../../etc/passwd","size":1}]}`, "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			require.True(t, w.run(t).Known)
			w.requests()
			require.NoError(t, os.WriteFile(filepath.Join(w.folder, crl.IndexName), []byte(content), 0o600))
			s, err := crl.Open(w.options())
			if name != "null in it" && name != "a name that leads elsewhere" {
				assert.ErrorContains(t, err, "all lists are fetched again")
			}
			answer, err := s.Ask(t.Context(), w.query())
			require.NoError(t, err)
			require.NoError(t, s.Close(true, nil))
			assert.Len(t, answer.Revoked, 2)
			assert.Equal(t, 1, w.requests())
			assert.True(t, w.run(t).Known)
			assert.Zero(t, w.requests())
		})
	}
}

// A time in the future was written before the clock was set back.
func TestAClockThatIsSetBackLeadsToAFetch(t *testing.T) {
	w := newWorld(t)
	w.at = w.at.AddDate(0, 0, 2)
	require.True(t, w.run(t).Known)
	w.requests()
	w.at = start()
	assert.True(t, w.run(t).Known)
	assert.Equal(t, 1, w.requests())
}

// The folder and its files are the module's own.
func TestTheFolderIsNobodyElses(t *testing.T) {
	w := newWorld(t)
	require.True(t, w.run(t).Known)
	info, err := os.Stat(w.folder)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	entries, err := os.ReadDir(w.folder)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), entry.Name())
	}

	for name, put := range map[string]func(path string) error{
		"a link": func(path string) error { return os.Symlink(filepath.Dir(path), path) },
		"a file": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			require.NoError(t, put(w.folder))
			s, err := crl.Open(w.options())
			assert.ErrorContains(t, err, "links are not followed: remove it")
			answer, err := s.Ask(t.Context(), w.query())
			require.NoError(t, err)
			assert.True(t, answer.Known, "lists are read all the same")
			assert.NoError(t, s.Close(true, nil))
		})
	}
	t.Run("var does not exist", func(t *testing.T) {
		w := newWorld(t)
		w.folder = filepath.Join(w.folder, "gone", "x")
		s, err := crl.Open(w.options())
		assert.Error(t, err)
		answer, err := s.Ask(t.Context(), w.query())
		require.NoError(t, err)
		assert.True(t, answer.Known)
	})
}

func TestNothingIsWrittenByADryRun(t *testing.T) {
	readOnly := func(o *crl.Options) { o.ReadOnly = true }
	w := newWorld(t)
	assert.Len(t, w.run(t, readOnly).Revoked, 2)
	assert.NoDirExists(t, w.folder)
	assert.Equal(t, 1, w.requests())
	require.True(t, w.run(t).Known)
	w.requests()
	before, err := os.ReadFile(filepath.Join(w.folder, crl.IndexName))
	require.NoError(t, err)
	assert.Len(t, w.run(t, readOnly).Revoked, 2)
	assert.Zero(t, w.requests(), "the copy is used")
	w.at = w.at.Add(crl.FetchAgain)
	w.serveBy(status(http.StatusBadGateway))
	w.run(t, readOnly)
	after, err := os.ReadFile(filepath.Join(w.folder, crl.IndexName))
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
}

// A killed run leaves a file that was being written, or a list that nobody knows of.
func TestLeftoversAreRemoved(t *testing.T) {
	w := newWorld(t)
	require.True(t, w.run(t).Known)
	own := w.copyPath()
	var lost []string
	for _, name := range []string{w.query().Name() + crl.CopySuffix + ".new", fmt.Sprintf("%064x", 1) + crl.CopySuffix, fmt.Sprintf("%064x", 1) + crl.CopySuffix + ".new"} {
		lost = append(lost, filepath.Join(w.folder, name))
	}
	foreign := filepath.Join(w.folder, "notes.txt")
	for _, path := range append(lost, foreign) {
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	}
	w.run(t)
	for _, path := range lost {
		assert.NoFileExists(t, path)
	}
	assert.FileExists(t, own)
	assert.FileExists(t, foreign)
}

// A list that no certificate names any more is forgotten, one for which there was no time is not.
func TestListsThatNoCertificateNamesAreForgotten(t *testing.T) {
	w := newWorld(t)
	require.True(t, w.run(t).Known)
	s := w.open(t)
	require.NoError(t, s.Close(false, nil))
	assert.FileExists(t, w.copyPath(), "a run for one item")
	s = w.open(t)
	require.NoError(t, s.Close(true, []crl.Query{w.query()}))
	assert.FileExists(t, w.copyPath(), "there was no time")
	s = w.open(t)
	require.NoError(t, s.Close(true, nil))
	assert.NoFileExists(t, w.copyPath())
}

// Two issuers may use one URL: a list is one issuer's.
func TestAListIsOneIssuers(t *testing.T) {
	w, other := newWorld(t), newAuthority(t, "Other CA")
	require.True(t, w.run(t).Known)
	query := w.query()
	query.Issuer = other.certificate
	s := w.open(t)
	answer, err := s.Ask(t.Context(), query)
	require.NoError(t, err)
	assert.False(t, answer.Known)
	answer, err = s.Ask(t.Context(), w.query())
	require.NoError(t, err)
	assert.True(t, answer.Known)
	require.NoError(t, s.Close(true, nil))
}

// Fresh copies come first, for they cost nothing; then who waits longest.
func TestWhoWaitsLongestIsAskedFirst(t *testing.T) {
	w := newWorld(t)
	urls := []string{"http://crl.ca.example/a", "http://crl.ca.example/b", "http://crl.ca.example/c", "http://crl.ca.example/d"}
	var queries []crl.Query
	for _, u := range urls {
		query := w.query()
		query.URL = u
		queries = append(queries, query)
	}
	list := newList(t, w.at)
	list.ExtraExtensions = nil
	w.serve(w.ca.sign(t, list))
	for _, step := range []struct {
		list  int
		after time.Duration
	}{{2, 0}, {0, time.Hour}, {3, 5 * time.Hour}} { // c, a, d; b never
		w.at = w.at.Add(step.after)
		s := w.open(t)
		_, err := s.Ask(t.Context(), queries[step.list])
		require.NoError(t, err)
		require.NoError(t, s.Close(false, nil))
	}
	w.at = w.at.Add(2 * time.Hour)
	w.open(t).Sort(queries)
	var order []string
	for _, q := range queries {
		order = append(order, q.URL[len(q.URL)-1:])
	}
	assert.Equal(t, []string{"d", "b", "c", "a"}, order)
}

// A host that does not answer costs the time of two lists.
func TestAHostThatDoesNotAnswerIsNotAskedAnyMore(t *testing.T) {
	w := newWorld(t)
	w.names["other.ca.example"] = []string{address}
	list := w.ca.sign(t, newList(t, w.at))
	w.serveBy(func(to http.ResponseWriter, r *http.Request) {
		if r.Host == "other.ca.example" {
			_, _ = to.Write(list)
			return
		}
		<-r.Context().Done()
	})
	s := w.open(t)
	s.SetFetchTime(50 * time.Millisecond)
	for i := range 5 {
		query := w.query()
		query.URL = fmt.Sprintf("http://crl.ca.example/%d", i)
		answer, err := s.Ask(t.Context(), query)
		require.NoError(t, err)
		assert.Equal(t, i < 2, answer.Failure != nil, i)
	}
	assert.Equal(t, 2, w.requests())
	s.SetFetchTime(time.Minute)
	query := w.query()
	query.URL = "http://other.ca.example/0.crl"
	_, err := s.Ask(t.Context(), query)
	require.NoError(t, err)
	assert.Equal(t, 1, w.requests())
}

// The folder is bounded in number and size.
func TestTheFolderIsBounded(t *testing.T) {
	t.Run("number", func(t *testing.T) {
		w := newWorld(t)
		w.serveBy(status(http.StatusNotFound))
		s := w.open(t)
		w.names[host] = nil // no connections
		for i := range crl.MaxLists + 1 {
			query := w.query()
			query.URL = fmt.Sprintf("http://crl.ca.example/%d", i)
			answer, err := s.Ask(t.Context(), query)
			require.NoError(t, err)
			if i == crl.MaxLists {
				assert.ErrorContains(t, answer.Failure, "there are more than 1000 lists")
			}
		}
		require.NoError(t, s.Close(true, nil))
		n, err := crl.ReadIndex(w.folder, w.at)
		require.NoError(t, err)
		assert.Equal(t, crl.MaxLists, n)
	})
	t.Run("size", func(t *testing.T) {
		w := newWorld(t)
		require.True(t, w.run(t).Known)
		index := `{"version":1,"lists":[`
		for i := range crl.MaxKept / crl.MaxList {
			index += fmt.Sprintf(`{"name":"%064x","size":%d},`, i, crl.MaxList)
		}
		index += fmt.Sprintf(`{"name":"%064x","size":%d}]}`, 99, crl.MaxList)
		require.NoError(t, os.WriteFile(filepath.Join(w.folder, crl.IndexName), []byte(index), 0o600))
		w.requests()
		for _, step := range []struct {
			after time.Duration
			asked int
		}{{0, 1}, {crl.FetchAgain - time.Second, 0}, {time.Second, 1}} {
			w.at = w.at.Add(step.after)
			s := w.open(t)
			answer, err := s.Ask(t.Context(), w.query())
			require.NoError(t, err)
			require.NoError(t, s.Close(false, nil))
			assert.Equal(t, step.asked, w.requests())
			assert.Equal(t, step.asked == 1, answer.Known, "it is read when it is fetched")
			if step.asked == 1 {
				assert.ErrorContains(t, answer.Failure, "the copies have more than 256 MiB")
			}
		}
	})
}

// A disk that is full keeps no list, and hides none.
func TestAListThatCannotBeKeptIsRead(t *testing.T) {
	w := newWorld(t)
	s := w.open(t)
	require.NoError(t, os.Mkdir(w.copyPath(), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(w.copyPath(), "x"), nil, 0o600)) // in the way of the copy
	answer, err := s.Ask(t.Context(), w.query())
	require.NoError(t, err)
	assert.True(t, answer.Known)
	assert.Len(t, answer.Revoked, 2)
	assert.ErrorContains(t, answer.Failure, "it was read, and no copy can be kept")
}

func TestFailuresKeepTheirPlaceBetweenRuns(t *testing.T) {
	w := newWorld(t)
	w.serveBy(status(http.StatusBadGateway))
	var firsts []bool
	for range 3 {
		answer := w.run(t)
		firsts = append(firsts, answer.Failure != nil && answer.Failure.First)
		w.at = w.at.Add(crl.RetryAfter)
	}
	assert.True(t, slices.Equal([]bool{true, false, false}, firsts), firsts)
}
