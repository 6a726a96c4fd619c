package notify_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/filelock"
	"pmssl/internal/notify"
)

// results runs WriteTemplates and returns what it did with each file.
func results(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := notify.WriteTemplates(folder)
	require.NoError(t, err)
	all := map[string]string{}
	for _, file := range files {
		all[file.Name] = file.Result
	}
	return all
}

func shippedTemplate(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("templates", name))
	require.NoError(t, err)
	return string(text)
}

func TestTemplatesAreWrittenOnceAndKeptWhenEdited(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new")
	first := results(t, folder)
	require.Len(t, first, 19, "six kinds in three languages, and the page about their fields")
	for name, result := range first {
		assert.Equal(t, notify.Written, result, name)
		text, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		assert.Equal(t, shippedTemplate(t, name), string(text))
	}
	edited := filepath.Join(folder, "prove.en.txt")
	require.NoError(t, os.WriteFile(edited, []byte("Subject: mine\n\ntext\n"), 0o600))
	second := results(t, folder)
	assert.Equal(t, notify.Kept, second["prove.en.txt"])
	assert.Equal(t, notify.Unchanged, second["prove.ru.txt"])
	text, err := os.ReadFile(edited)
	require.NoError(t, err)
	assert.Equal(t, "Subject: mine\n\ntext\n", string(text))
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, entries, 19, "no unfinished file is left")
}

// rules SWEEP-8: while one run writes a file, another one neither removes what it writes nor fails.
func TestTwoRunsAtOnceWriteTheTemplates(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, ".prove.en.txt.new") // the name that every run once gave to its file
	other, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	require.NoError(t, err)
	locked, err := filelock.Try(other, filelock.Exclusive)
	require.NoError(t, err)
	require.True(t, locked)
	assert.Equal(t, notify.Written, results(t, folder)["prove.en.txt"])
	assert.FileExists(t, path, "the other run is writing it")
	require.NoError(t, other.Close())
	assert.Equal(t, notify.Unchanged, results(t, folder)["prove.en.txt"])
	assert.NoFileExists(t, path, "the other run has ended")

	folder = filepath.Join(t.TempDir(), "new")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			files, err := notify.WriteTemplates(folder)
			assert.NoError(t, err)
			assert.Len(t, files, 19)
			for _, file := range files {
				assert.Contains(t, []string{notify.Written, notify.Unchanged}, file.Result, file.Name)
			}
		})
	}
	all.Wait()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, entries, 19, "no unfinished file is left")
}

// rules SWEEP-8: what the administrator has put beside the texts stays.
func TestADraftBesideTheTemplatesStays(t *testing.T) {
	folder := t.TempDir()
	var drafts []string
	for _, name := range []string{"prove.en.txt.new", "prove.en.txt.ABCDEFGHIJKLMNOPQRSTUVWXY2.new", "prove.en.txt.orig", ".mine.txt.new"} {
		drafts = append(drafts, filepath.Join(folder, name))
		require.NoError(t, os.WriteFile(drafts[len(drafts)-1], []byte("Subject: draft\n"), 0o644))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "prove.ru.txt.new", "more"), 0o755))
	results(t, folder)
	for _, draft := range drafts {
		assert.FileExists(t, draft)
	}
	assert.DirExists(t, filepath.Join(folder, "prove.ru.txt.new", "more"))
}

func TestALinkInTheFolderIsNeitherFollowedNorReplaced(t *testing.T) {
	folder, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "passwd")
	require.NoError(t, os.WriteFile(elsewhere, []byte("root"), 0o600))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(folder, "prove.en.txt")))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(folder, ".prove.ru.txt.new")))
	require.NoError(t, os.Symlink(filepath.Join(t.TempDir(), "absent"), filepath.Join(folder, "prove.es.txt")))
	require.NoError(t, os.Mkdir(filepath.Join(folder, "install.en.txt"), 0o755))
	all := results(t, folder)
	assert.Equal(t, notify.Kept, all["prove.en.txt"])
	assert.Equal(t, notify.Written, all["prove.ru.txt"], "the link of a killed run's name is removed")
	assert.Equal(t, notify.Kept, all["prove.es.txt"])
	assert.Equal(t, notify.Kept, all["install.en.txt"])
	text, err := os.ReadFile(elsewhere)
	require.NoError(t, err)
	assert.Equal(t, "root", string(text))
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	_, err := notify.WriteTemplates(filepath.Join(t.TempDir(), "no", "folder"))
	require.ErrorIs(t, err, os.ErrNotExist)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = notify.WriteTemplates(file)
	require.Error(t, err)
}
