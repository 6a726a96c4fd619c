package program_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/program"
)

// patience is how long a test waits for what happens at once.
const patience = 30 * time.Second

// place is a folder with the pipes `held`, which is open as long as a process of the program lives, and `up`, which says that one does.
type place struct {
	t    *testing.T
	dir  string
	held *os.File
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir()}
	for _, name := range []string{"held", "up"} {
		require.NoError(t, syscall.Mkfifo(filepath.Join(p.dir, name), 0o600))
	}
	var err error
	p.held, err = os.OpenFile(filepath.Join(p.dir, "held"), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.held.Close() })
	return p
}

// script writes a program. `worker` is a program that says that it is up, and lives on.
func (p *place) script(lines ...string) string {
	p.t.Helper()
	worker := filepath.Join(p.dir, "worker")
	require.NoError(p.t, os.WriteFile(worker, []byte("#!/bin/sh\necho $$ >"+p.dir+"/pid\necho >"+p.dir+"/up\nexec \"${1:-/bin/sleep}\" 600\n"), 0o755))
	text := "#!/bin/sh\nexec 9>" + p.dir + "/held\nworker=" + worker + "\n" + strings.Join(lines, "\n") + "\n"
	path := filepath.Join(p.dir, "program")
	require.NoError(p.t, os.WriteFile(path, []byte(text), 0o755))
	return path
}

// checkNothingRuns checks that no process of the program is left.
func (p *place) checkNothingRuns() {
	p.t.Helper()
	require.NoError(p.t, p.held.SetReadDeadline(time.Now().Add(patience)))
	_, err := io.ReadAll(p.held)
	assert.NoError(p.t, err, "a process of the program lives on")
}

// worker returns the process id of the worker.
func (p *place) worker() int {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "pid"))
	require.NoError(p.t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(p.t, err)
	return pid
}

// server puts a program into the folder that runs until it is ended, and returns its path.
func (p *place) server(folder string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, folder, "server")
	require.NoError(p.t, os.MkdirAll(filepath.Dir(path), 0o755))
	sleep, err := os.ReadFile("/bin/sleep")
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(path, sleep, 0o755))
	return path
}

// startServer runs a program of the panel in the folder mgr5 that starts the server and ends.
func (p *place) startServer(server string) {
	p.t.Helper()
	// The pipe up is closed before the worker becomes the server.
	path := p.script(`(setsid "$worker" `+server+` >/dev/null 2>&1 </dev/null &)`, "read up <"+p.dir+"/up", `pid=$(cat `+p.dir+`/pid)`,
		`until [ "$(readlink "/proc/$pid/exe")" = `+server+` ]; do :; done`)
	out := program.Run(p.t.Context(), program.Command{Program: path, Environ: []string{"PATH=/usr/bin:/bin"}, Root: filepath.Join(p.dir, "mgr5")})
	require.NoError(p.t, out.Err, out.Errors())
}

// checkServerLives ends the server and checks that nothing else has: this process is its parent.
func (p *place) checkServerLives() {
	p.t.Helper()
	require.NoError(p.t, syscall.Kill(p.worker(), syscall.SIGTERM))
	var how syscall.WaitStatus
	_, err := syscall.Wait4(p.worker(), &how, 0, nil)
	require.NoError(p.t, err)
	assert.Equal(p.t, syscall.SIGTERM, how.Signal(), "how the server ended")
	p.checkNothingRuns()
}

// ways are how a program starts what it does not wait for.
func ways() map[string]string {
	return map[string]string{
		"in its group":                `"$worker" >/dev/null 2>&1 &`,
		"in another group":            `set -m; "$worker" >/dev/null 2>&1 &`,
		"in another session":          `setsid "$worker" >/dev/null 2>&1 &`,
		"as a daemon":                 `(setsid sh -c '"$0" & exit 0' "$worker" >/dev/null 2>&1 </dev/null &)`,
		"without its environment":     `(env -i /usr/bin/setsid "$worker" >/dev/null 2>&1 </dev/null &)`,
		"by one in another session":   `(setsid sh -c '"$0"; exit 0' "$worker" >/dev/null 2>&1 </dev/null &)`,
		"in a session below another":  `setsid sh -c 'setsid "$0" & wait' "$worker" >/dev/null 2>&1 </dev/null &`,
		"with a group for a deadline": `timeout 600 "$worker" >/dev/null 2>&1 &`,
	}
}

// rules DELIVER-7.
func TestWhatAProgramStartedEndsWithIt(t *testing.T) {
	for name, way := range ways() {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			out := program.Run(t.Context(), program.Command{Program: p.script(way, "read up <"+p.dir+"/up", "echo done"), Environ: []string{"PATH=/usr/bin:/bin"}})
			require.NoError(t, out.Err, out.Errors())
			assert.Equal(t, "done", out.Output())
			p.checkNothingRuns()
		})
	}
}

func TestWhatAProgramThatHangsStartedEndsWithIt(t *testing.T) {
	for name, way := range ways() {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			ctx, cancel := context.WithCancel(t.Context())
			path := p.script(way, "read up <"+p.dir+"/up", "echo >"+p.dir+"/hangs", "exec sleep 600")
			hangs := filepath.Join(p.dir, "hangs")
			require.NoError(t, syscall.Mkfifo(hangs, 0o600))
			go func() {
				_, _ = os.ReadFile(hangs)
				cancel()
			}()
			out := program.Run(ctx, program.Command{Program: path, Environ: []string{"PATH=/usr/bin:/bin"}})
			require.ErrorIs(t, out.Reason(ctx, time.Minute), context.Canceled)
			p.checkNothingRuns()
		})
	}
}

// What a program starts for others lives on: a mail server's delivery, a web server, the panel itself.
func TestServersThatAProgramStartedGoOn(t *testing.T) {
	for _, folder := range []string{"sbin", "mgr5/bin", "mgr5/addon"} {
		t.Run(folder, func(t *testing.T) {
			p := newPlace(t)
			p.startServer(p.server(folder))
			if folder == "mgr5/addon" {
				p.checkNothingRuns()
				return
			}
			p.checkServerLives()
		})
	}
}

// The kernel shows the file of a process without links, and the panel's folder may be one.
func TestServersOfAPanelBehindALinkGoOn(t *testing.T) {
	for _, link := range []string{"mgr5", "mgr5/bin"} {
		t.Run(link, func(t *testing.T) {
			p := newPlace(t)
			server := p.server("disk/mgr5/bin")
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(p.dir, link)), 0o755))
			require.NoError(t, os.Symlink(filepath.Join(p.dir, "disk", link), filepath.Join(p.dir, link)))
			p.startServer(server)
			p.checkServerLives()
		})
	}
}

// The kernel keeps an entry for each process that has ended, until its parent takes note of that: this process, once the program's own
// have ended.
func TestNoEntryIsKeptOfWhatEndedByItself(t *testing.T) {
	p := newPlace(t)
	out := program.Run(t.Context(), program.Command{Environ: []string{"PATH=/usr/bin:/bin"}, Program: p.script(
		`(setsid sh -c 'echo $$ >'`+p.dir+`/pid >/dev/null 2>&1 </dev/null &)`, `until [ -s `+p.dir+`/pid ]; do :; done`,
		`until grep -q "^State:.Z" "/proc/$(cat `+p.dir+`/pid)/status"; do :; done`)})
	require.NoError(t, out.Err, out.Errors())
	assert.NoDirExists(t, fmt.Sprintf("/proc/%d", p.worker()))
}

// Only what the program started is ended: neither what this process started itself, as mgrctl, nor another program, which runs at the
// same time, nor what that one left behind.
func TestWhatRunsBesideAProgramGoesOn(t *testing.T) {
	other := newPlace(t)
	ended := make(chan program.Result)
	ctx, cancel := context.WithCancel(t.Context())
	path := other.script(`(setsid "$worker" >/dev/null 2>&1 </dev/null &)`, "read up <"+other.dir+"/up", "echo >"+other.dir+"/ready", "exec sleep 600")
	ready := filepath.Join(other.dir, "ready")
	require.NoError(t, syscall.Mkfifo(ready, 0o600))
	go func() {
		ended <- program.Run(ctx, program.Command{Program: path, Environ: []string{"PATH=/usr/bin:/bin"}})
	}()
	_, err := os.ReadFile(ready)
	require.NoError(t, err)
	mgrctl := exec.CommandContext(t.Context(), "/bin/cat")
	mgrctl.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := mgrctl.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, mgrctl.Start())

	p := newPlace(t)
	out := program.Run(t.Context(), program.Command{Program: p.script(`"$worker" >/dev/null 2>&1 &`, "read up <"+p.dir+"/up"), Environ: []string{"PATH=/usr/bin:/bin"}})
	require.NoError(t, out.Err)
	p.checkNothingRuns()
	assert.NoError(t, syscall.Kill(other.worker(), 0))

	cancel()
	assert.Error(t, (<-ended).Err)
	other.checkNothingRuns()
	require.NoError(t, pipe.Close())
	assert.NoError(t, mgrctl.Wait(), "it was not ended by a signal")
}

// A program that asks for a password gets no terminal, on which it would wait.
func TestAProgramHasNoTerminal(t *testing.T) {
	p := newPlace(t)
	out := program.Run(t.Context(), program.Command{Program: p.script(`if (: </dev/tty) 2>/dev/null; then echo terminal; else echo none; fi`), Environ: []string{"PATH=/usr/bin:/bin"}})
	require.NoError(t, out.Err)
	assert.Equal(t, "none", out.Output())
}
