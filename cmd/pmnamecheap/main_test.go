package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience is the time after which the test gives up waiting for a run. No run needs nearly as long.
const patience = time.Minute

// built is the path of the binary under test, which is built once.
var built string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pmnamecheap")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = filepath.Join(dir, "pmnamecheap")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-X main.version=9.8.7 -X main.commit=c0ffee", "-o", built, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the binary under test: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// panelRoot is the root directory of a panel whose database cannot be reached.
type panelRoot struct{ root string }

const databasePassword = "pl4nted-db-passw0rd"

func newPanelRoot(t *testing.T) panelRoot {
	t.Helper()
	h := panelRoot{t.TempDir()}
	for _, dir := range []string{"etc", "var", "sbin"} {
		require.NoError(t, os.Mkdir(filepath.Join(h.root, dir), 0o755))
	}
	h.write(t, "etc/debug.conf", "* 9\n")
	h.write(t, "etc/billmgr.conf", "DBHost localhost\nDBUser billmgr\nDBName billmgr\nDBPassword "+databasePassword+
		"\nDBSocket "+deadSocket(t)+"\nCryptKey etc/billmgr.pem\n")
	return h
}

// deadSocket returns the path of a socket without a listener. Without a socket in the settings the host's own database would be
// used.
func deadSocket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pm") // a socket's path is at most 107 bytes
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "dead.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	listener.SetUnlinkOnClose(false)
	require.NoError(t, listener.Close())
	return path
}

func (h panelRoot) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(h.root, name), []byte(text), 0o644))
}

func (h panelRoot) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(h.root, "var", "pmnamecheap.log"))
	require.NoError(t, err)
	return string(text)
}

// command returns a run in another working directory, with only the root in its environment.
func (h panelRoot) command(t *testing.T, words ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, built, words...)
	cmd.Dir = "/"
	cmd.Env = []string{"MGR5_ROOT=" + h.root}
	return cmd
}

type outcome struct {
	code           int
	stdout, stderr string
}

func run(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	require.True(t, cmd.ProcessState.Exited(), "ended by %v", cmd.ProcessState)
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// openPipe returns a stdin that is not closed during the test.
func openPipe(t *testing.T) *os.File {
	t.Helper()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { read.Close(); write.Close() })
	return read
}

// errorType parses stdout as an error document.
func (o outcome) errorType(t *testing.T) string {
	t.Helper()
	var doc struct {
		XMLName xml.Name `xml:"doc"`
		Error   struct {
			Type string `xml:"type,attr"`
			Text string `xml:"msg"`
		} `xml:"error"`
	}
	require.NoError(t, xml.Unmarshal([]byte(o.stdout), &doc), o.stdout)
	assert.NotEmpty(t, doc.Error.Text)
	return doc.Error.Type
}

func TestFeaturesNeedsNothing(t *testing.T) {
	h := panelRoot{filepath.Join(t.TempDir(), "not-there")}
	cmd := h.command(t, "--command", "features")
	cmd.Stdin = openPipe(t)
	got := run(t, cmd)
	assert.Equal(t, 0, got.code)
	assert.Empty(t, got.stderr, "it works without a panel and does not speak of a log")
	for _, part := range []string{`<itemtype name="certificate"/>`, `<param name="username"/>`, `<param name="api_key" crypted="yes"/>`, `<param name="threshold"/>`,
		`<param name="alter_approver_methods"/>`, `<customparam name="limit_day" unique="yes" defval="8000"/>`, `<feature name="check_connection"/>`, `<feature name="tune_connection"/>`,
		`<feature name="approver"/>`, `<feature name="sync_item"/>`, `<template id="positivessl" name="positivessl" `,
		`<template id="positivessl_wildcard" name="positivessl_wildcard" wildcard="yes" `, `<template id="standard_ssl" name="standard_ssl" `,
		`<template id="ev_ssl" name="ev_ssl" idn="yes" orginfo="yes" `} {
		assert.Contains(t, got.stdout, part)
	}
	assert.NotContains(t, got.stdout, "comodossl", "only what can be ordered")
	_, err := os.Stat(h.root)
	assert.ErrorIs(t, err, os.ErrNotExist, "nothing is created")
}

func TestUnknownCommand(t *testing.T) {
	got := run(t, newPanelRoot(t).command(t, "--command", "fly"))
	assert.Equal(t, 1, got.code)
	assert.Equal(t, "unknown_command", got.errorType(t))
	assert.Empty(t, got.stderr)
}

func TestNoCommand(t *testing.T) {
	got := run(t, newPanelRoot(t).command(t))
	assert.Equal(t, 1, got.code)
	assert.Empty(t, got.stdout)
	assert.Contains(t, got.stderr, "usage: pmnamecheap")
}

func TestVersionIsStamped(t *testing.T) {
	got := run(t, newPanelRoot(t).command(t, "--version"))
	assert.Equal(t, outcome{0, "pmnamecheap 9.8.7 (c0ffee)\n", ""}, got)
	assert.Equal(t, outcome{0, "pmssl\n", ""}, run(t, newPanelRoot(t).command(t, "-T")))
}

func TestBadDocumentsOnStdin(t *testing.T) {
	for name, text := range map[string]string{
		"broken": "<doc><processingmodule>", "empty": "", "DTD": "<!DOCTYPE doc><doc/>",
		"foreign charset": `<?xml version="1.0" encoding="koi8-r"?><doc/>`,
		"huge":            "<doc>" + strings.Repeat("x", 64<<20) + "</doc>",
	} {
		for _, command := range []string{"check_connection", "tune_connection", "get_suitable_module"} {
			t.Run(command+" "+name, func(t *testing.T) {
				h := newPanelRoot(t)
				cmd := h.command(t, "--command", command)
				cmd.Stdin = strings.NewReader(text)
				got := runTolerant(t, cmd)
				assert.Equal(t, 1, got.code)
				assert.Equal(t, "xml", got.errorType(t))
			})
		}
	}
}

// runTolerant is run for input that the program does not read completely.
func runTolerant(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // EPIPE on our side of stdin is what is expected; the exit code below tells
	require.True(t, cmd.ProcessState.Exited(), "ended by %v", cmd.ProcessState)
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// docs/reference/billmanager.md §1.5, rules PANEL-3.
func TestDoNothing(t *testing.T) {
	for _, command := range []string{"open", "resume", "suspend", "close", "cancel_prolong", "sync_item"} {
		h := newPanelRoot(t)
		h.write(t, "etc/billmgr.DoNothing", "")
		cmd := h.command(t, "--command", command, "--item", "42", "--runningoperation", "7")
		cmd.Stdin = openPipe(t)
		assert.Equal(t, outcome{0, "", ""}, run(t, cmd), command)
	}
	h := newPanelRoot(t)
	h.write(t, "etc/billmgr.DoNothing", "")
	got := run(t, h.command(t, "--command", "setparam"))
	assert.Equal(t, "missed", got.errorType(t), "setparam is not on the list")
}

// Commands for an item must not read stdin, which may be a pipe that is never closed (docs/reference/billmanager.md §1.1). Here
// they fail at the database.
func TestItemCommandsLeaveStdinAlone(t *testing.T) {
	for _, command := range []string{"open", "sync_item", "suspend", "resume", "setparam", "cancel_prolong", "close"} {
		t.Run(command, func(t *testing.T) {
			h := newPanelRoot(t)
			cmd := h.command(t, "--command", command, "--item", "42", "--new-option", "7", "--level=30", "--lang", "ru")
			cmd.Stdin = openPipe(t)
			got := run(t, cmd)
			assert.Equal(t, 1, got.code)
			assert.Equal(t, "db", got.errorType(t))
			assert.Contains(t, got.stdout, "dead.sock")
			assert.NotContains(t, got.stdout+got.stderr+h.log(t), databasePassword)
			assert.Contains(t, h.log(t), "--new-option")
		})
	}
}

func TestTuneConnectionOffersThisHostsAddresses(t *testing.T) {
	cmd := newPanelRoot(t).command(t, "--command", "tune_connection")
	cmd.Stdin = strings.NewReader("<doc><username>nick</username><client_ip>203.0.113.9</client_ip></doc>")
	got := run(t, cmd)
	assert.Equal(t, 0, got.code, got.stdout)
	assert.Contains(t, got.stdout, `<slist name="client_ip">`)
	assert.Contains(t, got.stdout, "<client_ip>203.0.113.9</client_ip>")
}

func TestSignalsEndTheRunWithAnAnswer(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		h := newPanelRoot(t)
		cmd := h.command(t, "--command", "check_connection")
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		var stdout bytes.Buffer
		cmd.Stdout = &stdout
		require.NoError(t, cmd.Start())
		// More than a pipe can hold: once it is written, the program is reading and handles signals.
		_, err = io.WriteString(stdin, "<doc>"+strings.Repeat(" ", 1<<20))
		require.NoError(t, err)
		require.NoError(t, cmd.Process.Signal(signal))
		var exit *exec.ExitError
		require.ErrorAs(t, cmd.Wait(), &exit)
		assert.Equal(t, 1, exit.ExitCode(), "%v", exit)
		assert.Equal(t, "interrupted", outcome{stdout: stdout.String()}.errorType(t))
	}
}

// If the reader has closed stdout, the write fails and SIGPIPE does not end the process.
func TestAClosedStdoutIsAFailure(t *testing.T) {
	read, write, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, read.Close())
	defer write.Close()
	h := newPanelRoot(t)
	cmd := h.command(t, "--command", "features")
	cmd.Stdout = write
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Run(), &exit)
	assert.Equal(t, 1, exit.ExitCode(), "%v", exit)
	assert.Contains(t, h.log(t), "could not be written")
}

// Only the binaries of the demo have a simulated clock.
func TestTheProductHasNoSimulatedClock(t *testing.T) {
	text, err := os.ReadFile(built)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "PMSSL_"+"CLOCK")
}
