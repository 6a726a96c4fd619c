package scripts_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// entry is a file as it was installed.
type entry struct {
	mode    os.FileMode
	content string
}

// installed returns the files below a folder by their path in it.
func installed(t *testing.T, folder string) map[string]entry {
	t.Helper()
	got := map[string]entry{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		require.NoError(t, err)
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		name, err := filepath.Rel(folder, path)
		got[name] = entry{info.Mode(), string(content)}
		return err
	}))
	return got
}

// script runs a script of this folder, which must succeed, and returns its output.
func script(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// put writes a source file with a mode that no installed file has.
func put(t *testing.T, folder, name, content string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestInstallCopiesEachKindToItsFolder(t *testing.T) {
	source, root := t.TempDir(), filepath.Join(t.TempDir(), "panel root")
	files := []string{root, put(t, source, "pmx", "one"), put(t, source, "billmgr_mod_pmx.xml", "<mgrdata/>"), put(t, source, "prove.en.txt", "Subject: x")}
	script(t, "./install.sh", files...)
	put(t, source, "pmx", "two")
	put(t, source, "billmgr_mod_pmx.xml", "<mgrdata />")
	script(t, "./install.sh", files...)
	assert.Equal(t, map[string]entry{
		"processing/pmx":                   {0o755, "two"},
		"etc/xml/billmgr_mod_pmx.xml":      {0o644, "<mgrdata />"},
		"etc/pmssl/templates/prove.en.txt": {0o644, "Subject: x"},
	}, installed(t, root))
}

func TestInstallKeepsAnEditedTemplateAndReportsIt(t *testing.T) {
	source, root := t.TempDir(), t.TempDir()
	templates := filepath.Join(root, "etc", "pmssl", "templates")
	require.NoError(t, os.MkdirAll(templates, 0o755))
	put(t, templates, "prove.en.txt", "Subject: edited")
	put(t, templates, "prove.ru.txt", "Subject: x")
	require.NoError(t, os.Symlink("elsewhere", filepath.Join(templates, "prove.es.txt")))
	var words []string
	for _, name := range []string{"prove.en.txt", "prove.ru.txt", "prove.es.txt"} {
		words = append(words, put(t, source, name, "Subject: x"))
	}
	out := script(t, "./install.sh", append([]string{root}, words...)...)

	assert.Contains(t, out, "kept "+filepath.Join(templates, "prove.en.txt")+", which differs from "+words[0])
	assert.NotContains(t, out, "prove.ru.txt", "the installed file is already the new one")
	assert.NotContains(t, out, "installed ")
	edited, err := os.ReadFile(filepath.Join(templates, "prove.en.txt"))
	require.NoError(t, err)
	assert.Equal(t, "Subject: edited", string(edited))
	target, err := os.Readlink(filepath.Join(templates, "prove.es.txt"))
	require.NoError(t, err)
	assert.Equal(t, "elsewhere", target, "a link stays, even a broken one")
}

func TestInstallReplacesATemplateThatNobodyEdited(t *testing.T) {
	source, root := t.TempDir(), t.TempDir()
	templates := filepath.Join(root, "etc", "pmssl", "templates")
	require.NoError(t, os.MkdirAll(templates, 0o755))
	put(t, source, "shipped.sha256", fmt.Sprintf("# versions\n%x  prove.en.txt\n%x  waiting.en.txt\n", sha256.Sum256([]byte("old\n")), sha256.Sum256([]byte("old\n"))))
	put(t, templates, "prove.en.txt", "old\n")
	put(t, templates, "expires.en.txt", "old\n")
	put(t, templates, "waiting.en.txt", "old\n\n")
	linked := put(t, t.TempDir(), "elsewhere", "old\n")
	require.NoError(t, os.Symlink(linked, filepath.Join(templates, "waiting.ru.txt")))
	args := []string{root}
	for _, name := range []string{"prove.en.txt", "expires.en.txt", "waiting.en.txt", "waiting.ru.txt"} {
		args = append(args, put(t, source, name, "new\n"))
	}
	out := script(t, "./install.sh", args...)

	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(templates, name))
		require.NoError(t, err)
		return string(text)
	}
	assert.Equal(t, "new\n", read("prove.en.txt"))
	assert.Contains(t, out, "installed "+filepath.Join(templates, "prove.en.txt"))
	for name, why := range map[string]string{"expires.en.txt": "the text of another template", "waiting.en.txt": "an edited one", "waiting.ru.txt": "a link of the administrator's"} {
		assert.NotEqual(t, "new\n", read(name), why)
		assert.Contains(t, out, "kept "+filepath.Join(templates, name), why)
	}
}

func TestUnitsContainTheRootAtRunTime(t *testing.T) {
	source, folder := t.TempDir(), filepath.Join(t.TempDir(), "system units")
	unit := put(t, source, "x@.service", "ExecStart=/usr/local/mgr5/processing/%i\nEnvironment=MGR5_ROOT=/usr/local/mgr5\n")
	script(t, "./install-systemd.sh", folder, "/usr/local/mgr5", unit)
	assert.Equal(t, map[string]entry{
		"x@.service": {0o644, "ExecStart=/usr/local/mgr5/processing/%i\nEnvironment=MGR5_ROOT=/usr/local/mgr5\n"},
	}, installed(t, folder))
	script(t, "./install-systemd.sh", folder, "/srv/panel-1", unit)
	assert.Equal(t, map[string]entry{
		"x@.service": {0o644, "ExecStart=/srv/panel-1/processing/%i\nEnvironment=MGR5_ROOT=/srv/panel-1\n"},
	}, installed(t, folder))
}

func TestARootWithSpecialCharactersIsRefused(t *testing.T) {
	unit := put(t, t.TempDir(), "x@.service", "ExecStart=/usr/local/mgr5/processing/%i\n")
	for _, root := range []string{"", "mgr5", "/a b", "/a%b", "/a|b", "/a&b", `/a\b`, "/a'b", "/a\nb", "/ä"} {
		folder := filepath.Join(t.TempDir(), "system")
		out, err := exec.Command("./install-systemd.sh", folder, root, unit).CombinedOutput()
		var ended *exec.ExitError
		require.ErrorAs(t, err, &ended, "%q", root)
		assert.Equal(t, 1, ended.ExitCode(), "%q", root)
		assert.Contains(t, string(out), "MGR5_ROOT", "%q", root)
		assert.NoDirExists(t, folder, "%q", root)
	}
}

// dryMake returns the commands that make would run for a target of the repository's Makefile.
func dryMake(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("make", append([]string{"-C", "..", "--no-print-directory", "-n"}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func TestMakeInstallPassesEverythingButTheUnits(t *testing.T) {
	out := dryMake(t, "install", "DESTDIR=/stage", "MGR5_ROOT=/srv/mgr5")
	line := lineWith(t, out, "scripts/install.sh")
	assert.Contains(t, line, `"/stage/srv/mgr5"`)
	assert.Contains(t, line, " bin/pmnamecheap ")
	assert.Contains(t, line, " etc/xml/billmgr_mod_pmnamecheap.xml ")
	for _, kind := range []string{"expires", "install", "newkey", "prove", "revoked", "waiting"} {
		for _, language := range []string{"en", "es", "ru"} {
			assert.Contains(t, line, "internal/notify/templates/"+kind+"."+language+".txt")
		}
	}
	assert.NotContains(t, out, "systemd")
	assert.NotContains(t, out, "etc/samples")
}

func TestMakeInstallSystemdTakesTheRootWithoutTheStage(t *testing.T) {
	line := lineWith(t, dryMake(t, "install-systemd", "DESTDIR=/stage", "MGR5_ROOT=/srv/mgr5"), "scripts/install-systemd.sh")
	assert.Contains(t, line, `"/stage/etc/systemd/system" "/srv/mgr5" `)
	assert.Contains(t, line, "etc/systemd/pmssl-subscription@.service")
	assert.Contains(t, line, "etc/systemd/pmssl-subscription@.timer")
}

func lineWith(t *testing.T, text, words string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.Contains(line, words) {
			return strings.TrimSpace(line)
		}
	}
	require.Fail(t, "no such line", "%q in:\n%s", words, text)
	return ""
}
