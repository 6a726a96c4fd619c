package panellog_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/panellog"
)

// host is a panel root of its own.
type host struct {
	t      testing.TB
	root   string
	stderr bytes.Buffer
	now    time.Time
}

func newHost(t testing.TB) *host {
	h := &host{t: t, root: t.TempDir(), now: time.Date(2024, time.May, 7, 15, 7, 16, 0, time.UTC)}
	for _, dir := range []string{"etc", "var"} {
		require.NoError(t, os.Mkdir(filepath.Join(h.root, dir), 0o755))
	}
	return h
}

func (h *host) debugConf(text string) *host {
	require.NoError(h.t, os.WriteFile(filepath.Join(h.root, "etc", "debug.conf"), []byte(text), 0o644))
	return h
}

func (h *host) open() *panellog.Logger {
	return panellog.Open(panellog.Options{
		Name: "pmx", Root: h.root, Stderr: &h.stderr, PID: 42, Location: time.UTC,
		Now:   func() time.Time { return h.now },
		Sleep: func(time.Duration) {},
	})
}

func (h *host) path() string { return filepath.Join(h.root, "var", "pmx.log") }

func (h *host) log() string {
	text, err := os.ReadFile(h.path())
	require.NoError(h.t, err)
	return string(text)
}

func everyLevel(l *panellog.Logger) {
	l.Notef("n")
	l.Criticalf("n")
	l.Errorf("n")
	l.Warningf("n")
	l.Infof("n")
	l.ExtInfof("n")
	l.Extf("n")
	l.Tracef("n")
	l.Debugf("n")
}

func TestNativeLineIsColouredUnlessSwitchedOff(t *testing.T) {
	h := newHost(t)
	l := h.open()
	l.Named("core_module").Infof("Request [%s]", "tinkoffpayment")
	require.NoError(t, l.Close())
	assert.Equal(t, "May  7 15:07:16 [42:1] core_module \x1b[1;32mINFO Request [tinkoffpayment]\x1b[0m\n", h.log())

	h = newHost(t).debugConf("SET color=off\n")
	l = h.open()
	l.Named("core_module").Infof("Request [%s]", "tinkoffpayment")
	require.NoError(t, l.Close())
	assert.Equal(t, "May  7 15:07:16 [42:1] core_module INFO Request [tinkoffpayment]\n", h.log())
	assert.Empty(t, h.stderr.String())
}

func TestTimeIsRenderedInTheGivenZone(t *testing.T) {
	h := newHost(t).debugConf("SET color=off")
	l := panellog.Open(panellog.Options{Name: "pmx", Root: h.root, Stderr: &h.stderr, PID: 1,
		Now: func() time.Time { return h.now }, Location: time.FixedZone("", 3*3600)})
	l.Infof("x")
	require.NoError(t, l.Close())
	assert.True(t, strings.HasPrefix(h.log(), "May  7 18:07:16 [1:1] "), h.log())
}

func TestOnlyDebugEntriesNameFileAndLine(t *testing.T) {
	h := newHost(t).debugConf("* 9\nSET color=off")
	l := h.open().Named("r")
	everyLevel(l)
	require.NoError(t, l.Close())
	lines := strings.Split(strings.TrimSpace(h.log()), "\n")
	require.Len(t, lines, 9)
	assert.Regexp(t, `^May  7 15:07:16 \[42:1\] r DEBUG mgrlog_test\.go:\d+ n$`, lines[8])
	assert.NotContains(t, strings.Join(lines[:8], ""), ".go:")
}

func TestDebugConfSwitchesLevelsOn(t *testing.T) {
	all := []string{"NOTE", "CRITICAL", "ERROR", "WARNING", "INFO", "EXTINFO", "EXT", "TRACE", "DEBUG"}
	for level := 0; level <= 9; level++ {
		h := newHost(t).debugConf("SET color=off\npmx.r " + string(rune('0'+level)) + "\n")
		l := h.open().Named("r")
		for v := panellog.Off; v <= panellog.Debug; v++ {
			assert.Equal(t, v != panellog.Off && int(v) <= level, l.Enabled(v), "level %d of %d", v, level)
		}
		everyLevel(l)
		require.NoError(t, l.Close())
		var got []string
		for line := range strings.Lines(h.log()) {
			got = append(got, strings.Fields(line)[5])
		}
		assert.Equal(t, all[:level], append([]string{}, got...), "level %d", level)
	}
}

func TestDefaultLevelIsSix(t *testing.T) {
	l := newHost(t).open()
	defer l.Close()
	assert.True(t, l.Enabled(panellog.ExtInfo))
	assert.False(t, l.Enabled(panellog.Ext))
}

func TestBrokenLineOfDebugConfIsNamedInTheLog(t *testing.T) {
	h := newHost(t).debugConf("SET color=off\n* 6\npmx.* ten\n")
	require.NoError(t, h.open().Close())
	assert.Equal(t, "May  7 15:07:16 [42:1] mgrlog WARNING debug.conf line 3 ignored: \"ten\" is not a level from 0 to 9\n", h.log())
}

func TestDebugConfThatIsNoFileDoesNotHang(t *testing.T) {
	h := newHost(t)
	require.NoError(t, syscall.Mkfifo(filepath.Join(h.root, "etc", "debug.conf"), 0o600))
	require.NoError(t, h.open().Close())
	assert.Contains(t, h.log(), "is not a regular file")
}

func TestTextWithNewlinesStaysOneEntry(t *testing.T) {
	h := newHost(t).debugConf("SET color=off")
	l := h.open().Named("r")
	l.Infof("first\n second\x1b[0m\r\nMay  7 15:07:16 [42:1] r INFO third\n")
	l.Infof("next")
	require.NoError(t, l.Close())
	assert.Equal(t, "May  7 15:07:16 [42:1] r INFO first\n     second\\x1b[0m\\r\n    May  7 15:07:16 [42:1] r INFO third\nMay  7 15:07:16 [42:1] r INFO next\n", h.log())
	assert.Len(t, l.Tail(100), 2)
}

func TestComponentNameCannotForgeALine(t *testing.T) {
	h := newHost(t).debugConf("SET color=off")
	l := h.open().Named("a b\n\x1bc")
	l.Infof("x")
	require.NoError(t, l.Close())
	assert.Equal(t, "May  7 15:07:16 [42:1] a_b\\n\\x1bc INFO x\n", h.log())
}

func TestHugeEntryIsCut(t *testing.T) {
	h := newHost(t)
	l := h.open()
	l.Infof("%s", strings.Repeat("x", 3<<20))
	require.NoError(t, l.Close())
	assert.Less(t, len(h.log()), 1<<20+200)
	assert.Contains(t, h.log(), "(cut, 3145728 bytes in all)")
}

func TestLogIsCreated0640WhateverTheUmask(t *testing.T) {
	for _, mask := range []int{0, 0o077, 0o777} {
		h := newHost(t)
		old := syscall.Umask(mask)
		err := h.open().Close()
		syscall.Umask(old)
		require.NoError(t, err)
		fi, err := os.Stat(h.path())
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o640), fi.Mode(), "umask %o", mask)
	}
}

func TestModeOfAnExistingLogIsKept(t *testing.T) {
	h := newHost(t)
	require.NoError(t, os.WriteFile(h.path(), nil, 0o600))
	require.NoError(t, h.open().Close())
	fi, err := os.Stat(h.path())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), fi.Mode())
}

// The command works without a log, and stderr gets exactly one line.
func TestLogThatCannotBeWrittenIsReportedOnce(t *testing.T) {
	for name, prepare := range map[string]func(h *host){
		"directory missing":       func(h *host) { require.NoError(h.t, os.Remove(filepath.Join(h.root, "var"))) },
		"root missing":            func(h *host) { h.root = filepath.Join(h.root, "nowhere") },
		"directory is a file":     func(h *host) { replaceByFile(h.t, filepath.Join(h.root, "var")) },
		"log is a directory":      func(h *host) { require.NoError(h.t, os.Mkdir(h.path(), 0o755)) },
		"log is a FIFO":           func(h *host) { require.NoError(h.t, syscall.Mkfifo(h.path(), 0o600)) },
		"log is a link":           func(h *host) { link(h.t, filepath.Join(h.root, "etc", "passwd"), h.path()) },
		"log is a link to null":   func(h *host) { link(h.t, os.DevNull, h.path()) },
		"log is a dangling link":  func(h *host) { require.NoError(h.t, os.Symlink("/nowhere/x", h.path())) },
		"lock file is a FIFO":     func(h *host) { require.NoError(h.t, syscall.Mkfifo(h.path()+".lock", 0o600)) },
		"lock file is a link":     func(h *host) { link(h.t, filepath.Join(h.root, "etc", "passwd"), h.path()+".lock") },
		"lock is held for ever":   func(h *host) { hold(h.t, h.path()+".lock") },
		"log is locked by others": func(h *host) { hold(h.t, h.path()) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.t = t
			prepare(h)
			l := h.open()
			everyLevel(l)
			l.Named("x").Errorf("y")
			assert.NotEmpty(t, l.Tail(100), "Tail still returns the entries")
			require.NoError(t, l.Close())
			assert.Regexp(t, `^pmx: cannot write the log \S+/var/pmx\.log, going on without it: [^\n]+\n$`, h.stderr.String())
		})
	}
}

func TestLinkedLogIsNotFollowed(t *testing.T) {
	h := newHost(t)
	target := filepath.Join(h.root, "etc", "passwd")
	link(t, target, h.path())
	l := h.open()
	l.Errorf("x")
	require.NoError(t, l.Close())
	text, err := os.ReadFile(target)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(text))
}

func link(t testing.TB, target, path string) {
	if target != os.DevNull {
		require.NoError(t, os.WriteFile(target, []byte("precious"), 0o600))
	}
	require.NoError(t, os.Symlink(target, path))
}

func replaceByFile(t testing.TB, path string) {
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, nil, 0o600))
}

// hold keeps an exclusive lock on a file during the test.
func hold(t testing.TB, path string) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	t.Cleanup(func() { f.Close() })
}

func TestStorageConsoleIsStderr(t *testing.T) {
	h := newHost(t).debugConf("SET pmx.storage=console\nSET color=off\n")
	l := h.open().Named("r")
	l.Infof("x")
	require.NoError(t, l.Close())
	assert.Equal(t, "May  7 15:07:16 [42:1] r INFO x\n", h.stderr.String())
	assert.NoFileExists(t, h.path())
}

func TestConsoleThatIsFullDoesNotStopTheCommand(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer full.Close()
	h := newHost(t).debugConf("SET storage=console")
	l := panellog.Open(panellog.Options{Name: "pmx", Root: h.root, Stderr: full})
	l.Errorf("x")
	assert.Len(t, l.Tail(10), 1)
	require.NoError(t, l.Close())
}

// A process that was killed in a large write leaves an incomplete line, which the next entry must not continue.
func TestEntryStartsOnItsOwnLineAfterAKilledProcess(t *testing.T) {
	h := newHost(t).debugConf("SET color=off")
	require.NoError(t, os.WriteFile(h.path(), []byte("whole\nhal"), 0o640))
	l := h.open().Named("r")
	l.Infof("x")
	l.Infof("y")
	require.NoError(t, l.Close())
	assert.Equal(t, "whole\nhal\nMay  7 15:07:16 [42:1] r INFO x\nMay  7 15:07:16 [42:1] r INFO y\n", h.log())
}

func TestTailIsTheLastHundredWithoutColour(t *testing.T) {
	l := newHost(t).open().Named("r")
	for i := range 150 {
		l.Infof("entry %d", i)
	}
	l.Debugf("not written at level 6")
	assert.Equal(t, []string{"May  7 15:07:16 [42:1] r INFO entry 148", "May  7 15:07:16 [42:1] r INFO entry 149"}, l.Tail(2))
	assert.Len(t, l.Tail(1000), 100)
	assert.Empty(t, l.Tail(-1))
	require.NoError(t, l.Close())
}

func TestTailMasksSecretsRegisteredLater(t *testing.T) {
	l := panellog.Discard()
	l.Infof("the key is planted-secret")
	l.Secret("planted-secret")
	assert.Equal(t, []string{"Jan  1 00:00:00 [0:1] main INFO the key is ***"}, l.Tail(1))
}

func TestNilLoggerAndClosedLoggerDiscard(t *testing.T) {
	var none *panellog.Logger
	none = none.Named("x")
	everyLevel(none)
	none.Secret("planted-secret")
	assert.Empty(t, none.Tail(1))
	assert.False(t, none.Enabled(panellog.Error))
	require.NoError(t, none.Close())

	h := newHost(t)
	l := h.open()
	require.NoError(t, l.Close())
	l.Errorf("late")
	require.NoError(t, l.Close())
	assert.Empty(t, h.log())
	assert.Empty(t, h.stderr.String())
}

func TestLoggerIsSafeForGoroutines(t *testing.T) {
	h := newHost(t).debugConf("SET color=off")
	l := h.open()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := l.Named("r")
			for range 100 {
				r.Secret("planted-secret")
				r.Infof("planted-secret")
				r.Tail(3)
			}
		})
	}
	wg.Wait()
	require.NoError(t, l.Close())
	assert.Equal(t, strings.Repeat("May  7 15:07:16 [42:1] r INFO ***\n", 800), h.log())
}
