package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sourceWith returns a folder with version.sh and what the commands of git and sh make of it.
func sourceWith(t *testing.T, commands string) string {
	t.Helper()
	folder := t.TempDir()
	raw, err := os.ReadFile("version.sh")
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(folder, "scripts"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "scripts/version.sh"), raw, 0o755))
	cmd := exec.Command("sh", "-euc", commands)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_DATE=2026-11-29T09:54:09+0200", "GIT_COMMITTER_DATE=2026-11-29T09:54:09+0200",
		"GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x@example.com", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x@example.com")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return folder
}

func TestTheVersionComesFromGitOrTheTarball(t *testing.T) {
	const commit = "git init -q; echo a >a; git add a; git commit -qm a; "
	for name, tc := range map[string]struct{ commands, version, epoch string }{
		"a tag":             {commit + "git tag v1.2.0", `1\.2\.0`, "1795938849"},
		"a candidate":       {commit + "git tag v1.2.0-rc.1", `1\.2\.0~rc\.1`, "1795938849"},
		"after a tag":       {commit + "git tag v1.2.0; echo b >a; git commit -qam b", `1\.2\.0\+1\.g[0-9a-f]{7}`, "1795938849"},
		"another tag":       {commit + "git tag last-good", `0\.0\.0\+git20261129075409\.[0-9a-f]{7}`, "1795938849"},
		"changed":           {commit + "git tag v1.2.0; echo b >a", `1\.2\.0\.dirty`, "1795938849"},
		"another file":      {commit + "git tag v1.2.0; echo b >b", `1\.2\.0`, "1795938849"},
		"a new source":      {commit + "git tag v1.2.0; mkdir -p cmd/x; echo b >cmd/x/b.go", `1\.2\.0\.dirty`, "1795938849"},
		"an ignored file":   {commit + "git tag v1.2.0; mkdir docs; echo b >docs/b~; echo '*~' >.git/info/exclude", `1\.2\.0`, "1795938849"},
		"a tarball":         {"echo 3.2.1 c0ffee 17 >VERSION", `3\.2\.1`, "17"},
		"a tarball in git":  {commit + "echo 3.2.1 c0ffee 17 >VERSION", `3\.2\.1`, "17"},
		"neither":           {"true", "unknown", "0"},
		"git without a log": {"git init -q", "unknown", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := sourceWith(t, tc.commands)
			cmd := exec.Command(filepath.Join(folder, "scripts/version.sh"))
			cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(folder), "TZ=Asia/Tokyo")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			words := strings.Fields(string(out))
			require.Len(t, words, 3, string(out))
			assert.Regexp(t, "^"+tc.version+"$", words[0])
			assert.Equal(t, tc.epoch, words[2])
		})
	}
}
