package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// moduleEnv returns the environment with which the panel of this fixture starts a module.
func (f *fixture) moduleEnv() []string {
	return append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "MGR5_ROOT=" + f.panel.Root()}, f.standIn.moduleEnv(f.server.URL)...)
}

// startProcess starts the installed module and does not wait for its end.
func (f *fixture) startProcess(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	process := exec.Command(filepath.Join(f.panel.Root(), "processing", f.seller.module), args...)
	process.Dir, process.Env = f.panel.Root(), f.moduleEnv()
	require.NoError(t, process.Start())
	return process
}

// trace runs the module under strace and returns the system calls that start processes or open sockets.
func (f *fixture) trace(t *testing.T, args ...string) string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("strace is not installed")
		}
		t.Skip("strace is not installed: not tested whether features opens a socket")
	}
	out := filepath.Join(t.TempDir(), "trace")
	words := append([]string{"-f", "-e", "trace=%network,execve,clone,clone3,fork,vfork", "-o", out, filepath.Join(f.panel.Root(), "processing", f.seller.module)}, args...)
	process := exec.Command(strace, words...)
	process.Dir, process.Env = f.panel.Root(), f.moduleEnv()
	var stdout bytes.Buffer
	process.Stdout = &stdout
	require.NoError(t, process.Run())
	require.Contains(t, stdout.String(), "<templates>")
	raw, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(raw), "execve(", "strace traced the start of the module")
	return string(raw)
}

// isFirstExec reports whether the line is the start of the traced module itself.
func (f *fixture) isFirstExec(line string) bool {
	return strings.Contains(line, "execve(") && strings.Contains(line, "/processing/"+f.seller.module)
}
