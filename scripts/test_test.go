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

// tree is a repository in which test.sh runs with a fake go command that records its calls.
type tree struct {
	t    *testing.T
	root string
}

func newTree(t *testing.T) tree {
	t.Helper()
	w := tree{t, t.TempDir()}
	script, err := os.ReadFile("test.sh")
	require.NoError(t, err)
	w.script("scripts/test.sh", string(script))
	w.mariadb("echo 'mariadb: installed'")
	// $FAIL is the folder whose tests fail.
	w.script("path/go", `#!/usr/bin/env bash
case $* in
"env GOFLAGS") ;;
"env CC") echo "$COMPILER" ;;
"env GOOS") echo linux ;;
"env GOARCH") echo amd64 ;;
*" list ./...") printf '%s\n' $PACKAGES ;;
*) echo "$TMPDIR" >"$CALLS.folder"; echo "E2E_DB=$E2E_DB CGO=$CGO_ENABLED go $*" >>"$CALLS"; case " $* " in *" $FAIL "*) exit 1 ;; esac ;;
esac
`)
	return w
}

func (w tree) script(name, text string) {
	w.t.Helper()
	full := filepath.Join(w.root, name)
	require.NoError(w.t, os.MkdirAll(filepath.Dir(full), 0o755))
	require.NoError(w.t, os.WriteFile(full, []byte(text), 0o755))
}

func (w tree) mariadb(body string) { w.script("scripts/mariadb.sh", "#!/usr/bin/env bash\n"+body+"\n") }

func (w tree) run(environment ...string) (code int, lastLine string, calls []string) {
	w.t.Helper()
	cmd := exec.Command(filepath.Join(w.root, "scripts/test.sh"))
	cmd.Env = append([]string{
		"PATH=" + filepath.Join(w.root, "path") + ":" + os.Getenv("PATH"),
		"CALLS=" + filepath.Join(w.root, "calls"), "COMPILER=sh -x", "FAIL=none",
		"PACKAGES=pmssl/internal/sandbox/panel pmssl/internal/sandbox/e2e",
	}, environment...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		var ended *exec.ExitError
		require.ErrorAs(w.t, err, &ended)
	}
	raw, err := os.ReadFile(filepath.Join(w.root, "calls"))
	if !os.IsNotExist(err) {
		require.NoError(w.t, err)
		calls = strings.Split(strings.TrimSpace(string(raw)), "\n")
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return cmd.ProcessState.ExitCode(), lines[len(lines)-1], calls
}

func TestUnitTestsThenStandInsThenEndToEnd(t *testing.T) {
	code, last, calls := newTree(t).run()
	assert.Equal(t, 0, code)
	assert.Equal(t, "make test: passed; end-to-end tests ran on MariaDB", last)
	require.Len(t, calls, 5)
	for i, want := range []string{"go -C . test", "go -C . test", "go -C tools test", "go -C internal/sandbox test", "go -C internal/sandbox test"} {
		assert.Contains(t, calls[i], want)
		assert.Contains(t, calls[i], "E2E_DB=mariadb CGO=1 ")
		assert.Contains(t, calls[i], " -shuffle=on ")
		assert.Equal(t, i != 1, strings.Contains(calls[i], " -race "), calls[i])
	}
	assert.True(t, strings.HasSuffix(calls[1], " -run LinearTime ./internal/panellog"), calls[1])
	assert.True(t, strings.HasSuffix(calls[3], " pmssl/internal/sandbox/panel"), calls[3])
	assert.True(t, strings.HasSuffix(calls[4], " ./e2e/..."), calls[4])
}

func TestWithoutCompilerThereIsNoRaceDetector(t *testing.T) {
	code, _, calls := newTree(t).run("COMPILER=no-such-compiler-here")
	assert.Equal(t, 0, code)
	require.Len(t, calls, 4)
	for _, call := range calls {
		assert.Contains(t, call, "CGO=0 ")
		assert.NotContains(t, call, "-race")
	}
}

func TestTheLastLineNamesTheEmbeddedEngine(t *testing.T) {
	w := newTree(t)
	w.mariadb("echo 'mariadb: not root'; exit 3")
	code, last, calls := w.run()
	assert.Equal(t, 0, code)
	assert.Equal(t, "make test: passed; end-to-end tests ran on the embedded engine, because MariaDB cannot be installed (mariadb: not root)", last)
	require.Len(t, calls, 5)
	assert.Contains(t, calls[4], "E2E_DB=embedded ")
}

func TestAFailureIsReportedAfterEverythingHasRun(t *testing.T) {
	code, last, calls := newTree(t).run("FAIL=tools")
	assert.Equal(t, 1, code)
	assert.Equal(t, "make test: failed; end-to-end tests ran on MariaDB", last)
	assert.Len(t, calls, 5)
}

func TestATreeWithoutEndToEndTestsDoesNotPass(t *testing.T) {
	code, last, calls := newTree(t).run("PACKAGES=pmssl/internal/sandbox/panel")
	assert.Equal(t, 1, code)
	assert.Equal(t, "make test: failed; there are no end-to-end tests in internal/sandbox/e2e", last)
	assert.Len(t, calls, 4)
}

func TestAFailedMariaDBScriptIsAnError(t *testing.T) {
	w := newTree(t)
	w.mariadb("exit 127")
	code, _, calls := w.run()
	assert.Equal(t, 1, code)
	assert.Empty(t, calls)
}

// The last call is that of the end-to-end tests.
func TestEndToEndTestsUseAFolderInMemoryThatIsRemoved(t *testing.T) {
	w := newTree(t)
	code, _, _ := w.run()
	assert.Equal(t, 0, code)
	raw, err := os.ReadFile(filepath.Join(w.root, "calls.folder"))
	require.NoError(t, err)
	// A machine with little memory has none.
	if folder := strings.TrimSpace(string(raw)); folder != "" {
		assert.True(t, strings.HasPrefix(folder, "/dev/shm/pmssl."), folder)
		assert.NoDirExists(t, folder)
	}
}

func TestAFolderForTemporaryFilesThatIsGivenIsUsed(t *testing.T) {
	w := newTree(t)
	code, _, _ := w.run("TMPDIR=" + w.root)
	assert.Equal(t, 0, code)
	raw, err := os.ReadFile(filepath.Join(w.root, "calls.folder"))
	require.NoError(t, err)
	assert.Equal(t, w.root+"\n", string(raw))
}
