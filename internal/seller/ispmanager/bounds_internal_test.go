package ispmanager

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/seller/sellerhttp"
)

func repeated(n int, element func(i string) string) string {
	var text strings.Builder
	for i := range n {
		text.WriteString(element(strconv.Itoa(i)))
	}
	return text.String()
}

// The parts of a form are compared with each other, so an endless form would occupy the process.
func TestFormsHaveLimits(t *testing.T) {
	for name, body := range map[string]string{
		"fields":    repeated(maxFields+1, func(i string) string { return "<f" + i + "/>" }),
		"selects":   repeated(maxFields+1, func(i string) string { return `<slist name="s` + i + `"/>` }),
		"choices":   `<slist name="s">` + repeated(maxChoices+1, func(i string) string { return `<val key="` + i + `"/>` }) + `</slist>`,
		"described": `<metadata><form>` + repeated(maxFields+1, func(i string) string { return `<input name="f` + i + `"/>` }) + `</form></metadata>`,
		"buttons":   `<metadata><form>` + repeated(maxTools+1, func(i string) string { return `<button name="b` + i + `"/>` }) + `</form></metadata>`,
		"functions": `<metadata><toolbar>` + repeated(90000, func(i string) string { return `<toolbtn func="certificate.f` + i + `"/>` }) + `</toolbar></metadata>`,
		"rules":     `<metadata><form><field name="f">` + repeated(maxFields+1, func(i string) string { return `<if hide="f` + i + `"/>` }) + `</field></form></metadata>`,
		"nested":    `<doc>` + repeated(maxFields+1, func(i string) string { return "<f" + i + "/>" }) + `</doc>`,
	} {
		_, err := parseAnswer([]byte(`<doc func="f">` + body + `</doc>`))
		var failure *sellerhttp.Error
		require.ErrorAs(t, err, &failure, name)
		assert.Equal(t, sellerhttp.Unreadable, failure.Kind, name)
	}
	_, err := parseAnswer([]byte(`<doc>` + repeated(300, func(i string) string { return "<f" + i + `/><slist name="f` + i + `"><val key="1"/></slist>` }) + `</doc>`))
	assert.NoError(t, err)
}

// TestAForgedCatalogueIsIgnored reads the catalogue file: a file that is not ours, a link or a pipe is ignored, and nobody
// waits for it.
func TestAForgedCatalogueIsIgnored(t *testing.T) {
	elsewhere := filepath.Join(t.TempDir(), "x")
	good := `{"a":{"time":"2026-07-12T10:00:00Z","products":[{"ID":"evil","Names":["Evil"],"Level":1,"Included":1,"Most":1}]}}`
	require.NoError(t, os.WriteFile(elsewhere, []byte(good), 0o600))
	whole := t.TempDir()
	require.NoError(t, os.WriteFile(cataloguePath(whole, "m"), []byte(good), 0o600))
	require.Equal(t, "evil", Products(whole, "m")[0].ID, "in its own place it is read")
	for name, plant := range map[string]func(path string) error{
		"link":   func(path string) error { return os.Symlink(elsewhere, path) },
		"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"too long": func(path string) error {
			return os.WriteFile(path, []byte(good+strings.Repeat(" ", maxCatalogue)), 0o600)
		},
		"deep": func(path string) error { return os.WriteFile(path, []byte(strings.Repeat(`{"a":`, 100000)), 0o600) },
		"no ids": func(path string) error {
			return os.WriteFile(path, []byte(`{"a":{"products":[{"ID":"","Names":["x"],"Included":1,"Most":1},{"ID":"\"><x","Names":["x"],"Included":1,"Most":1},{"ID":"evil"},`+
				`{"ID":"evil","Names":["x"],"Level":9,"Included":1,"Most":1},{"ID":"evil","Names":["x"],"Included":5,"Most":1}]}}`), 0o600)
		},
	} {
		dir := t.TempDir()
		require.NoError(t, plant(cataloguePath(dir, "m")), name)
		assert.Equal(t, knownProducts(), Products(dir, "m"), name)
	}
}
