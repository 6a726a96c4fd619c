package panel_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
)

func sweepRecord() item.SweepRecord {
	began := time.Date(2026, 5, 7, 15, 7, 16, 0, time.UTC)
	return item.SweepRecord{Started: began, Ended: began.Add(time.Minute), Result: item.SweepPartial, Completed: began.Add(time.Minute),
		Items: 9, Due: 2, Failed: 1, Failures: []item.SweepFailure{{Item: 42, Error: "api_error: refused"}}}
}

// rules SWEEP-12
func TestSweepRecordIsReadAsItWasWritten(t *testing.T) {
	w := newFixture(t)
	_, found, err := w.LastSweep(t.Context())
	require.NoError(t, err)
	assert.False(t, found)
	first := sweepRecord()
	require.NoError(t, w.SaveSweep(t.Context(), first))
	got, found, err := w.LastSweep(t.Context())
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, first, got)
	second := item.SweepRecord{Started: first.Started.Add(time.Hour), Ended: first.Ended.Add(time.Hour), Result: item.SweepFailed,
		Error: "the password is Planted-db-password-9", Failures: []item.SweepFailure{{Item: 1, Error: "Planted-db-password-9"}}}
	w.log.Secret("Planted-db-password-9")
	require.NoError(t, w.SaveSweep(t.Context(), second))
	path := filepath.Join(w.root, "var", binary+".sweep")
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "Planted")
	assert.Equal(t, "Planted-db-password-9", second.Failures[0].Error, "the caller's record stays")
	left, err := filepath.Glob(path + ".*")
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestSweepRecordThatCannotBeUsedIsAFault(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no JSON": "x", "no result": `{"started":"2026-05-07T15:07:16Z","ended":"2026-05-07T15:07:16Z"}`,
		"unknown result": `{"started":"2026-05-07T15:07:16Z","ended":"2026-05-07T15:07:16Z","result":"good"}`,
		"no times":       `{"result":"ok"}`, "too long": `{"result":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			require.NoError(t, os.WriteFile(filepath.Join(w.root, "var", binary+".sweep"), []byte(text), 0o600))
			_, found, err := w.LastSweep(t.Context())
			require.ErrorContains(t, err, "the record of the last sweep")
			assert.False(t, found)
			require.NoError(t, w.SaveSweep(t.Context(), sweepRecord()), "the next sweep replaces it")
			_, found, err = w.LastSweep(t.Context())
			require.NoError(t, err)
			assert.True(t, found)
		})
	}
}

func TestSweepRecordIsNeitherReadNorWrittenThroughALink(t *testing.T) {
	w := newFixture(t)
	other := filepath.Join(t.TempDir(), "other")
	require.NoError(t, os.WriteFile(other, []byte("keep"), 0o600))
	require.NoError(t, os.Symlink(other, filepath.Join(w.root, "var", binary+".sweep")))
	_, _, err := w.LastSweep(t.Context())
	require.Error(t, err)
	require.NoError(t, w.SaveSweep(t.Context(), sweepRecord()))
	text, err := os.ReadFile(other)
	require.NoError(t, err)
	assert.Equal(t, "keep", string(text))
}

func TestSweepRecordSaysWhyItCannotBeWritten(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, os.RemoveAll(filepath.Join(w.root, "var")))
	assert.ErrorContains(t, w.SaveSweep(t.Context(), sweepRecord()), "is missing")
}

func TestFullSweepRecordIsRead(t *testing.T) {
	w := newFixture(t)
	record := sweepRecord()
	record.Failures = nil
	for n := range item.MaxSweepFailures {
		record.Failures = append(record.Failures, item.SweepFailure{Item: int64(n + 1), Error: strings.Repeat("ж", 200)})
	}
	require.NoError(t, w.SaveSweep(t.Context(), record))
	got, _, err := w.LastSweep(t.Context())
	require.NoError(t, err)
	assert.Len(t, got.Failures, item.MaxSweepFailures)
	text, err := json.Marshal(record)
	require.NoError(t, err)
	assert.Less(t, len(text), 1<<20)
}
