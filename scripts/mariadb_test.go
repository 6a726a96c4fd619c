// Package scripts_test tests the Makefile's scripts, with fake package managers, and checks citations and pages.
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

// host is a fake host for mariadb.sh: a folder with the commands of its PATH, and a folder that is used as /.
type host struct {
	t          *testing.T
	root, path string
}

func newHost(t *testing.T) host {
	t.Helper()
	h := host{t: t, root: t.TempDir(), path: t.TempDir()}
	for _, name := range []string{"bash", "env", "sed", "grep", "mkdir", "cat", "touch", "chmod"} {
		real, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(real, filepath.Join(h.path, name)))
	}
	h.command("id", "echo 0")
	h.command("dpkg-query", "printf 'ii  bash\\nii  libmariadb3\\nii  mysql-common\\nrc  mariadb-server\\n'")
	return h
}

// command adds a fake command to the PATH. $ROOT is the fake /; its calls are recorded in $ROOT/calls.
func (h host) command(name, body string) {
	h.t.Helper()
	text := "#!/usr/bin/env bash\nROOT=" + h.root + "\necho \"" + name + " $*\" >>\"$ROOT/calls\"\n" + body + "\n"
	require.NoError(h.t, os.WriteFile(filepath.Join(h.path, name), []byte(text), 0o755))
}

func (h host) file(name string) {
	h.t.Helper()
	full := filepath.Join(h.root, name)
	require.NoError(h.t, os.MkdirAll(filepath.Dir(full), 0o755))
	require.NoError(h.t, os.WriteFile(full, []byte("#!/bin/sh\n"), 0o755))
}

func (h host) programs() {
	h.file("usr/sbin/mariadbd")
	h.file("usr/bin/mariadb-install-db")
}

// installs is the body of a fake package manager that installs the programs.
const installs = `case " $* " in *" install "*)
mkdir -p "$ROOT/usr/sbin" "$ROOT/usr/bin"
touch "$ROOT/usr/sbin/mariadbd" "$ROOT/usr/bin/mariadb-install-db"
chmod 755 "$ROOT/usr/sbin/mariadbd" "$ROOT/usr/bin/mariadb-install-db" ;; esac`

func (h host) run() (code int, lastLine string, calls []string) {
	h.t.Helper()
	script, err := filepath.Abs("mariadb.sh")
	require.NoError(h.t, err)
	cmd := exec.Command(script, "--root", h.root)
	cmd.Env = []string{"PATH=" + h.path}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		var ended *exec.ExitError
		require.ErrorAs(h.t, err, &ended)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	raw, err := os.ReadFile(filepath.Join(h.root, "calls"))
	if !os.IsNotExist(err) {
		require.NoError(h.t, err)
	}
	for line := range strings.Lines(string(raw)) {
		if strings.HasPrefix(line, "apt-get ") || strings.HasPrefix(line, "dnf ") {
			calls = append(calls, strings.TrimSpace(line))
		}
	}
	return cmd.ProcessState.ExitCode(), lines[len(lines)-1], calls
}

func TestNothingIsInstalledWhereItIsNotAllowed(t *testing.T) {
	const cannot = 3
	for name, c := range map[string]struct {
		host func(h host)
		says string
	}{
		"not root":               {func(h host) { h.command("id", "echo 1000") }, "not root"},
		"a panel":                {func(h host) { h.file("usr/local/mgr5/sbin/mgrctl") }, "/usr/local/mgr5"},
		"MariaDB of Debian":      {func(h host) { h.command("dpkg-query", "echo 'ii  mariadb-server-10.5'") }, "mariadb-server-10.5"},
		"MySQL of Oracle":        {func(h host) { h.command("dpkg-query", "echo 'hi  mysql-community-server'") }, "mysql-community-server"},
		"Percona":                {func(h host) { h.command("dpkg-query", "echo 'ii  percona-server-server'") }, "percona-server-server"},
		"half installed":         {func(h host) { h.command("dpkg-query", "echo 'iHR mysql-server-8.0'") }, "mysql-server-8.0"},
		"MariaDB of MariaDB.org": {func(h host) { h.command("rpm", "echo MariaDB-server") }, "MariaDB-server"},
		"MySQL of Fedora":        {func(h host) { h.command("rpm", "echo community-mysql-server") }, "community-mysql-server"},
		"mysqld from a tarball":  {func(h host) { h.file("usr/local/mysql/bin/mysqld") }, "without a package"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.command("apt-get", installs)
			h.command("dnf", installs)
			c.host(h)
			code, last, calls := h.run()
			assert.Equal(t, cannot, code)
			assert.Contains(t, last, c.says)
			assert.Empty(t, calls, "no package manager is started")
		})
	}
}

func TestWhatIsThereIsUsed(t *testing.T) {
	for name, prepare := range map[string]func(h host){
		"as any user":      func(h host) { h.command("id", "echo 1000") },
		"beside a panel":   func(h host) { h.file("usr/local/mgr5/sbin/mgrctl") },
		"of EL, libexec":   func(h host) { h.file("usr/libexec/mariadbd") },
		"by other package": func(h host) { h.command("dpkg-query", "echo 'ii  mariadb-server'") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.command("apt-get", installs)
			h.programs()
			prepare(h)
			code, last, calls := h.run()
			assert.Equal(t, 0, code)
			assert.Contains(t, last, "installed already")
			assert.Empty(t, calls)
		})
	}
}

func TestHalfAServerIsMissing(t *testing.T) {
	h := newHost(t)
	h.file("usr/sbin/mariadbd")
	h.file("var/lib/apt/lists/mirror_Packages.lz4")
	h.command("apt-get", installs)
	code, last, calls := h.run()
	assert.Equal(t, 0, code)
	assert.Contains(t, last, "installed")
	assert.Len(t, calls, 1)
}

func TestAptInstallsTheTwoCorePackagesAndRemovesNothing(t *testing.T) {
	h := newHost(t)
	h.file("var/lib/apt/lists/mirror_Packages.lz4")
	h.command("apt-get", installs)
	code, last, calls := h.run()
	assert.Equal(t, 0, code)
	assert.Equal(t, "mariadb: installed", last)
	require.Len(t, calls, 1, "with package lists at hand there is no update: %v", calls)
	assert.Contains(t, calls[0], "--no-install-recommends")
	assert.Contains(t, calls[0], "--no-remove")
	assert.True(t, strings.HasSuffix(calls[0], " install mariadb-server-core mariadb-client-core"), calls[0])
}

func TestMissingPackageListsAreFetchedFirst(t *testing.T) {
	h := newHost(t)
	h.command("apt-get", installs)
	code, _, calls := h.run()
	assert.Equal(t, 0, code)
	require.Len(t, calls, 2)
	assert.True(t, strings.HasSuffix(calls[0], " update"), calls[0])
	assert.Contains(t, calls[1], " install ")
}

func TestOldPackageListsAreFetchedAgainOnce(t *testing.T) {
	h := newHost(t)
	h.file("var/lib/apt/lists/mirror_Packages")
	h.command("apt-get", `case " $* " in *" update "*) touch "$ROOT/updated"; exit 0 ;; esac
[ -e "$ROOT/updated" ] || exit 100
`+installs)
	code, _, calls := h.run()
	assert.Equal(t, 0, code)
	assert.Len(t, calls, 3)
}

func TestAHostWithoutMirrorCannotHaveIt(t *testing.T) {
	for name, manager := range map[string]string{"apt-get": "exit 100", "dnf": "exit 1"} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.command(name, manager)
			code, last, calls := h.run()
			assert.Equal(t, 3, code)
			assert.Contains(t, last, name)
			assert.NotEmpty(t, calls)
		})
	}
	t.Run("no package manager", func(t *testing.T) {
		code, last, _ := newHost(t).run()
		assert.Equal(t, 3, code)
		assert.Contains(t, last, "neither apt-get nor dnf")
	})
}

func TestDnfInstallsWithoutWeakDependencies(t *testing.T) {
	h := newHost(t)
	h.command("rpm", "echo bash; echo mariadb-connector-c")
	h.command("dnf", installs)
	code, last, calls := h.run()
	assert.Equal(t, 0, code)
	assert.Equal(t, "mariadb: installed", last)
	assert.Equal(t, []string{"dnf -y --setopt=install_weak_deps=False install mariadb-server mariadb"}, calls)
}

func TestPackagesThatBringNoServerAreNotCalledSuccess(t *testing.T) {
	h := newHost(t)
	h.command("dnf", "exit 0")
	code, last, _ := h.run()
	assert.Equal(t, 3, code)
	assert.Contains(t, last, "not where it is looked for")
}
