package panellog_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	firstArchive  = "logs/pmx.log.20240507150716.1"
	secondArchive = "logs/pmx.log.20240507150716.2"
	headerStart   = "May  7 15:07:16 [42:1] mgrlog NOTE this log continues var/"
	logged        = "May  7 15:07:16 [42:1] main INFO x\n"
)

// rotating returns a host whose log is over its limit of 10 bytes.
func rotating(t *testing.T) *host {
	h := newHost(t).debugConf("SET color=off\nSET max_log_size=10B\n")
	h.write("pmx.log", "older than all\n")
	return h
}

func (h *host) inVar(name string) string { return filepath.Join(h.root, "var", name) }

func (h *host) write(name, text string) {
	require.NoError(h.t, os.WriteFile(h.inVar(name), []byte(text), 0o640))
}

func (h *host) read(name string) string {
	text, err := os.ReadFile(h.inVar(name))
	require.NoError(h.t, err)
	return string(text)
}

func (h *host) run() {
	l := h.open()
	l.Infof("x")
	require.NoError(h.t, l.Close())
}

func (h *host) archive(name string) string {
	return readMaybePacked(h.t.(*testing.T), h.inVar(name)+".gz")
}

func header(archive string) string {
	return headerStart + archive + ".gz (without .gz until it is packed)\n"
}

func TestRotationNamesTheArchiveInTheFirstLine(t *testing.T) {
	h := rotating(t)
	h.run()
	assert.Equal(t, header(firstArchive)+logged, h.log())
	assert.Equal(t, "older than all\n", h.archive(firstArchive))
	assert.NoFileExists(t, h.inVar(firstArchive))
	for name, mode := range map[string]os.FileMode{"pmx.log": 0o640, firstArchive + ".gz": 0o640, "logs": os.ModeDir | 0o750, "pmx.log.lock": 0o600} {
		fi, err := os.Stat(h.inVar(name))
		require.NoError(t, err)
		assert.Equal(t, mode, fi.Mode(), name)
	}
	assert.Empty(t, h.stderr.String())
}

func TestArchivesOfOneSecondAreNumbered(t *testing.T) {
	h := rotating(t)
	h.run()
	h.run()
	assert.Equal(t, header(secondArchive)+logged, h.log())
	assert.Equal(t, header(firstArchive)+logged, h.archive(secondArchive))
}

func TestLogIsRotatedOnlyOverTheLimit(t *testing.T) {
	for conf, rotated := range map[string]bool{"10B": true, "15B": false, "0": false, "1": false} {
		h := newHost(t).debugConf("SET color=off\nSET max_log_size=" + conf + "\n")
		h.write("pmx.log", "fifteen bytes.\n")
		h.run()
		assert.Equal(t, rotated, !strings.HasPrefix(h.log(), "fifteen"), conf)
	}
}

func TestStricterModeOfTheLogIsKeptByRotation(t *testing.T) {
	h := rotating(t)
	require.NoError(t, os.Chmod(h.path(), 0o600))
	h.run()
	fi, err := os.Stat(h.path())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), fi.Mode())
}

// An archive that a process still writes to stays plain and gets its lines. A later run packs it.
func TestArchiveIsPackedWhenItsLastWriterIsGone(t *testing.T) {
	h := newHost(t).debugConf("SET color=off\nSET max_log_size=10B\n")
	slow := h.open()
	slow.Infof("x")
	h.run()
	assert.FileExists(t, h.inVar(firstArchive))
	assert.NoFileExists(t, h.inVar(firstArchive)+".gz")
	slow.Infof("x")
	assert.Equal(t, logged+logged, h.read(firstArchive))
	assert.Equal(t, header(firstArchive)+logged, h.log())
	require.NoError(t, slow.Close())
	assert.Equal(t, logged+logged, h.archive(firstArchive), "its own last writer packs it")
}

// A kill may come at each of these moments of a rotation or of packing.
func TestInterruptedRotationIsFinishedByTheNextRun(t *testing.T) {
	const backup = "pmx-2024-05-07T15-07-15.123.log"
	marked := func(h *host) {
		h.write("pmx.log.lock", "0\n")
		require.NoError(h.t, os.Mkdir(h.inVar("logs"), 0o750))
	}
	for name, left := range map[string]func(h *host){
		"after lumberjack's rename": func(h *host) { marked(h); h.write(backup, "old\n") },
		"after the new log is made": func(h *host) { marked(h); h.write(backup, "old\n"); h.write("pmx.log", "") },
		"before the first line":     func(h *host) { marked(h); h.write(firstArchive, "old\n"); h.write("pmx.log", "") },
		"in the middle of packing": func(h *host) {
			marked(h)
			h.write(firstArchive, "old\n")
			h.write(firstArchive+".gz.tmp", "\x1f\x8bhalf")
		},
		"before the plain archive is removed": func(h *host) {
			marked(h)
			h.write(firstArchive, "old\n")
			h.write(firstArchive+".gz", "\x1f\x8bnever read")
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t).debugConf("SET color=off")
			h.t = t
			left(h)
			h.run()
			assert.Equal(t, header(firstArchive)+logged, h.log())
			assert.Equal(t, "old\n", h.archive(firstArchive))
			list, err := os.ReadDir(h.inVar("logs"))
			require.NoError(t, err)
			assert.Len(t, list, 1)
			assert.NoFileExists(t, h.inVar(backup))
			assert.Empty(t, h.read("pmx.log.lock"))
		})
	}
}

// lumberjack overwrites a backup of the same name.
func TestRemainingBackupIsArchivedBeforeTheNextRotation(t *testing.T) {
	h := rotating(t)
	h.write("pmx-2024-05-07T15-07-15.123.log", "left\n")
	h.write("pmx-other.log", "another program's\n")
	h.run()
	h.run()
	assert.Equal(t, "left\n", h.archive(firstArchive))
	assert.Equal(t, "older than all\n", h.archive(secondArchive))
	assert.Equal(t, "another program's\n", h.read("pmx-other.log"))
}

func TestArchiveStaysBesideTheLogWithoutVarLogs(t *testing.T) {
	h := rotating(t)
	h.write("logs", "no directory")
	h.run()
	assert.Equal(t, "older than all\n", h.archive("pmx.log.20240507150716.1"))
	assert.Contains(t, h.log(), header("pmx.log.20240507150716.1"))
	assert.Contains(t, h.log(), "WARNING could not archive")
}

// With a full disk, each command would otherwise spend a second on it.
func TestFailedPackingIsNotRetriedForTenMinutes(t *testing.T) {
	h := rotating(t)
	require.NoError(t, os.MkdirAll(h.inVar(firstArchive+".gz.tmp/in the way"), 0o755))
	l := h.open()
	require.ErrorContains(t, l.Close(), "pack "+h.inVar(firstArchive))
	require.NoError(t, os.RemoveAll(h.inVar(firstArchive+".gz.tmp")))
	require.NoError(t, h.debugConf("").open().Close())
	assert.FileExists(t, h.inVar(firstArchive), "not tried again yet")
	h.now = h.now.Add(10 * time.Minute)
	require.NoError(t, h.open().Close())
	assert.Equal(t, "older than all\n", h.archive(firstArchive))
}

func TestArchiveThatAnotherProcessPacksIsLeftToIt(t *testing.T) {
	h := newHost(t)
	require.NoError(t, os.Mkdir(h.inVar("logs"), 0o750))
	h.write("pmx.log.lock", "0\n")
	h.write(firstArchive, "old\n")
	other, err := os.Open(h.inVar(firstArchive))
	require.NoError(t, err)
	require.NoError(t, syscall.Flock(int(other.Fd()), syscall.LOCK_EX))
	require.NoError(t, h.open().Close())
	assert.NoFileExists(t, h.inVar(firstArchive)+".gz")
	assert.NotEmpty(t, h.read("pmx.log.lock"))
	require.NoError(t, other.Close())
	require.NoError(t, h.open().Close())
	assert.Equal(t, "old\n", h.archive(firstArchive))
}
