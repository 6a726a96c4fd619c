package panel_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/pki"
	"pmssl/internal/pki/pkitest"
)

// keyPairs returns an old and a new pair of the item.
func keyPairs(t testing.TB, it int64) item.KeyPairs {
	t.Helper()
	old := pkitest.CSRFor(t, pkitest.NewKey(t), "example.com", "www.example.com")
	first, key, err := old.WithNewKey("", rand.Reader)
	require.NoError(t, err)
	second, next, err := first.WithNewKey(key, rand.Reader)
	require.NoError(t, err)
	return item.KeyPairs{Item: it, Old: item.KeyPair{CSR: first.PEM, Key: key}, New: item.KeyPair{CSR: second.PEM, Key: next}}
}

// keyLine returns a line of the key's body, by which it would be recognised.
func keyLine(pair item.KeyPair) string { return strings.Split(pair.Key, "\n")[1] }

// withoutKeys checks that the keys are in no text.
func (w *fixture) withoutKeys(pairs item.KeyPairs, texts ...string) {
	w.t.Helper()
	for _, text := range append(texts, w.logged()) {
		for _, pair := range []item.KeyPair{pairs.Old, pairs.New} {
			assert.NotContains(w.t, text, keyLine(pair))
		}
	}
}

func (w *fixture) keyPath(name string) string { return filepath.Join(w.root, "var/pmssl-keys", name) }

func (w *fixture) mode(path string) os.FileMode {
	w.t.Helper()
	info, err := os.Lstat(path)
	require.NoError(w.t, err)
	return info.Mode()
}

// rules ROTATE-2: the pairs are in a file that nobody else reads, and the log masks the keys before they are used.
func TestKeyPairsAreKeptInAFileOfTheirOwn(t *testing.T) {
	w := newFixture(t)
	pairs := keyPairs(t, 42)
	none, err := w.ItemsWithKeyPairs(t.Context())
	require.NoError(t, err)
	assert.Empty(t, none)
	_, found, err := w.KeyPairs(t.Context(), 42)
	require.NoError(t, err)
	assert.False(t, found)
	require.NoError(t, w.RemoveKeyPairs(t.Context(), 42))
	assert.NoDirExists(t, w.keyPath(""), "only a rotation makes it")

	require.NoError(t, w.SaveKeyPairs(t.Context(), pairs))
	assert.Equal(t, os.ModeDir|0o700, w.mode(w.keyPath("")))
	assert.Equal(t, os.FileMode(0o600), w.mode(w.keyPath("42.json")))
	for _, pair := range []item.KeyPair{pairs.Old, pairs.New} {
		assert.NotContains(t, w.log.Mask("x "+pair.Key), keyLine(pair))
	}
	saved, found, err := w.host().KeyPairs(t.Context(), 42)
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, pairs, saved)
	require.NoError(t, w.SaveKeyPairs(t.Context(), keyPairs(t, 7)))
	items, err := w.ItemsWithKeyPairs(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int64{7, 42}, items)

	err = w.SaveKeyPairs(t.Context(), keyPairs(t, 42))
	require.ErrorContains(t, err, "file already exists", "a key could be lost")
	assert.Equal(t, fault.Panel, fault.From(err).Type)
	again, _, err := w.KeyPairs(t.Context(), 42)
	require.NoError(t, err)
	assert.Equal(t, pairs, again)

	require.NoError(t, w.RemoveKeyPairs(t.Context(), 42))
	_, found, err = w.KeyPairs(t.Context(), 42)
	require.NoError(t, err)
	assert.False(t, found)
	w.withoutKeys(pairs)
}

func TestKeysArePrintedByNobody(t *testing.T) {
	pairs := keyPairs(t, 42)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		text := fmt.Sprintf(format+format, pairs, pairs.New)
		assert.NotContains(t, text, keyLine(pairs.New)[:10], format)
	}
}

func TestAMismatchedPairIsNotWritten(t *testing.T) {
	w := newFixture(t)
	pairs := keyPairs(t, 42)
	pairs.New.Key = pairs.Old.Key
	require.ErrorContains(t, w.SaveKeyPairs(t.Context(), pairs), "a private key is not that of its CSR")
	assert.NoDirExists(t, w.keyPath(""))
}

func TestAKilledWriterLeavesTheFormerState(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, os.Mkdir(w.keyPath(""), 0o700))
	require.NoError(t, os.WriteFile(w.keyPath("42.json.new"), []byte(`{"item":42,"old"`), 0o600))
	_, found, err := w.KeyPairs(t.Context(), 42)
	require.NoError(t, err)
	assert.False(t, found)
	items, err := w.ItemsWithKeyPairs(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int64{42}, items, "it is cleared away")
	pairs := keyPairs(t, 42)
	require.NoError(t, w.SaveKeyPairs(t.Context(), pairs))
	assert.NoFileExists(t, w.keyPath("42.json.new"))
	require.NoError(t, os.WriteFile(w.keyPath("42.json.new"), nil, 0o600))
	require.NoError(t, w.RemoveKeyPairs(t.Context(), 42))
	left, err := os.ReadDir(w.keyPath(""))
	require.NoError(t, err)
	assert.Empty(t, left)
}

// A file that cannot be used is an error that says what to do; it is not replaced, and its content is part of no text.
func TestAnUnusableFileIsAnErrorAndStays(t *testing.T) {
	torn := func(part func(text string) string) func(w *fixture, text string) {
		return func(w *fixture, text string) { w.write("var/pmssl-keys/42.json", part(text)) }
	}
	for name, c := range map[string]struct {
		spoil func(w *fixture, text string)
		says  string
	}{
		"cut off":        {spoil: torn(func(text string) string { return text[:len(text)-30] }), says: "cut off"},
		"empty":          {spoil: torn(func(string) string { return "" }), says: "cut off"},
		"two documents":  {spoil: torn(func(text string) string { return text + text }), says: "cut off"},
		"another item's": {spoil: torn(func(text string) string { return strings.Replace(text, `"item":42`, `"item":43`, 1) }), says: "it is of item 43"},
		"the keys are swapped": {spoil: torn(func(text string) string {
			var pairs item.KeyPairs
			require.NoError(t, json.Unmarshal([]byte(text), &pairs))
			pairs.Old.Key, pairs.New.Key = pairs.New.Key, pairs.Old.Key
			swapped, err := json.Marshal(pairs)
			require.NoError(t, err)
			return string(swapped)
		}), says: "a private key is not that of its CSR"},
		"huge":            {spoil: torn(func(text string) string { return text + strings.Repeat(" ", 300<<10) }), says: "more than 262144 bytes"},
		"others may read": {spoil: func(w *fixture, _ string) { require.NoError(w.t, os.Chmod(w.keyPath("42.json"), 0o640)) }, says: "chmod 600"},
		"a link": {spoil: func(w *fixture, text string) {
			w.write("elsewhere", text)
			require.NoError(w.t, os.Remove(w.keyPath("42.json")))
			require.NoError(w.t, os.Symlink(filepath.Join(w.root, "elsewhere"), w.keyPath("42.json")))
		}, says: "not a regular file"},
		"the folder is a link": {spoil: func(w *fixture, _ string) {
			require.NoError(w.t, os.Rename(w.keyPath(""), filepath.Join(w.root, "elsewhere")))
			require.NoError(w.t, os.Symlink(filepath.Join(w.root, "elsewhere"), w.keyPath("")))
		}, says: "it is not root's alone"},
		"the folder is somebody's": {spoil: func(w *fixture, _ string) {
			if os.Geteuid() != 0 {
				w.t.Skip("only root can give a folder away")
			}
			require.NoError(w.t, os.Chown(w.keyPath(""), 65534, 65534))
		}, says: "it is not root's alone"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			pairs := keyPairs(t, 42)
			require.NoError(t, w.SaveKeyPairs(t.Context(), pairs))
			text, err := os.ReadFile(w.keyPath("42.json"))
			require.NoError(t, err)
			c.spoil(w, string(text))
			before, err := os.ReadFile(w.keyPath("42.json"))
			require.NoError(t, err)

			_, found, err := w.KeyPairs(t.Context(), 42)
			require.ErrorContains(t, err, c.says)
			assert.Contains(t, err.Error(), "var/pmssl-keys")
			assert.False(t, found)
			assert.Equal(t, fault.Panel, fault.From(err).Type)
			failed := w.SaveKeyPairs(t.Context(), keyPairs(t, 42))
			require.Error(t, failed)
			after, err := os.ReadFile(w.keyPath("42.json"))
			require.NoError(t, err)
			assert.Equal(t, before, after)
			w.withoutKeys(pairs, failed.Error())
		})
	}
}

func TestTheFolderIsClosedToOthers(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, os.Mkdir(w.keyPath(""), 0o700))
	require.NoError(t, os.Chmod(w.keyPath(""), 0o755))
	require.NoError(t, w.SaveKeyPairs(t.Context(), keyPairs(t, 42)))
	assert.Equal(t, os.ModeDir|0o700, w.mode(w.keyPath("")))
}

func TestAFullDiskLeavesNoPart(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, os.Mkdir(w.keyPath(""), 0o700))
	require.NoError(t, os.Mkdir(w.keyPath("42.json.new"), 0o700))
	require.NoError(t, os.WriteFile(w.keyPath("42.json.new/x"), nil, 0o600)) // in the way of the new file
	pairs := keyPairs(t, 42)
	err := w.SaveKeyPairs(t.Context(), pairs)
	require.ErrorContains(t, err, "cannot be written")
	assert.NoFileExists(t, w.keyPath("42.json"))
	w.withoutKeys(pairs, err.Error())
}

func FuzzKeyPairs(f *testing.F) {
	pairs := keyPairs(f, 42)
	text, err := json.Marshal(pairs)
	require.NoError(f, err)
	f.Add(string(text))
	f.Add(`{"item":42}`)
	f.Add("[")
	f.Fuzz(func(t *testing.T, text string) {
		w := newFixture(t)
		require.NoError(t, os.Mkdir(w.keyPath(""), 0o700))
		w.write("var/pmssl-keys/42.json", text)
		read, found, err := w.KeyPairs(t.Context(), 42)
		assert.Equal(t, found, err == nil)
		if found {
			require.NoError(t, w.RemoveKeyPairs(t.Context(), 42))
			require.NoError(t, w.SaveKeyPairs(t.Context(), read))
		}
	})
}

// rules ROTATE-3: which new key the file holds is known with the item.
func TestAnItemIsLoadedWithTheKeyThatItsFileHolds(t *testing.T) {
	w, db := samplePanel(t)
	pairs := keyPairs(t, 42)
	require.NoError(t, w.SaveKeyPairs(t.Context(), pairs))
	order, err := w.LoadItem(t.Context(), 42)
	require.NoError(t, err)
	assert.Empty(t, order.HeldKey, "without the parameter the file is not read")
	run(t, db, "INSERT INTO itemparam (item, intname, value) VALUES (42, 'rotated_csr', '{}')")
	order, err = w.LoadItem(t.Context(), 42)
	require.NoError(t, err)
	csr, err := pki.ReadCSR(pairs.New.CSR)
	require.NoError(t, err)
	assert.Equal(t, csr.KeyHash(), order.HeldKey)
	assert.Empty(t, order.HeldKeyProblem)
	require.NoError(t, os.Chmod(w.keyPath("42.json"), 0o644))
	order, err = w.LoadItem(t.Context(), 42)
	require.NoError(t, err, "the item is there all the same")
	assert.Empty(t, order.HeldKey)
	assert.Contains(t, order.HeldKeyProblem, "chmod 600")
	require.NoError(t, os.Chmod(w.keyPath("42.json"), 0o600))
	require.NoError(t, w.RemoveKeyPairs(t.Context(), 42))
	order, err = w.LoadItem(t.Context(), 42)
	require.NoError(t, err)
	assert.Empty(t, order.HeldKey)
	assert.Empty(t, order.HeldKeyProblem)
	w.withoutKeys(pairs)
}
