package panellog_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/panellog"
)

// processEnv makes a run of this test binary one process of the host, which logs and ends. Its value is the panel's root.
const processEnv = "MGRLOG_TEST_ROOT"

func TestMain(m *testing.M) {
	if root := os.Getenv(processEnv); root != "" {
		if os.Args[1] == "full" {
			logOnFullDisk(root)
			return
		}
		logLines(root, os.Args[1], os.Args[2])
		return
	}
	os.Exit(m.Run())
}

// logLines writes count entries of every size, and prints the number of each one to stdout once it is written.
func logLines(root, id, count string) {
	n, err := strconv.Atoi(count)
	if err != nil {
		panic(err)
	}
	l := panellog.Open(panellog.Options{Name: "pmx", Root: root, Stderr: os.Stderr, PID: os.Getpid(), Now: time.Now})
	r := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	for i := range n {
		size := r.IntN(700)
		if r.IntN(50) == 0 {
			size = 20_000
		}
		text := fmt.Sprintf("%s/%d %s", id, i, strings.Repeat("x", size))
		l.Infof("%s %08x", text, crc32.ChecksumIEEE([]byte(text)))
		fmt.Println(i + 1)
	}
	if err := l.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// logOnFullDisk writes entries while a limit on the size of files cuts one in the middle, as a full disk does, and one more after
// the limit is lifted.
func logOnFullDisk(root string) {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		panic(err)
	}
	limitFileSize := func(n uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: limit.Max}); err != nil {
			panic(err)
		}
	}
	l := panellog.Open(panellog.Options{Name: "pmx", Root: root, Stderr: os.Stderr})
	limitFileSize(61)
	l.Infof("whole")
	l.Infof("torn")
	l.Infof("lost")
	limitFileSize(limit.Cur)
	l.Infof("whole again")
	if err := l.Close(); err != nil {
		panic(err)
	}
	fmt.Println("done")
}

func TestFullDiskTearsNoLaterEntry(t *testing.T) {
	h := newHost(t).debugConf("SET color=off")
	cmd := exec.Command(os.Args[0], "full")
	cmd.Env = append(os.Environ(), processEnv+"="+h.root)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	assert.Equal(t, "done\n", string(out), "the command goes on")
	assert.Equal(t, "pmx: cannot write the log "+h.path()+", going on without it: write "+h.path()+": file too large\n", stderr.String())
	assert.Equal(t, "Jan  1 00:00:00 [0:1] main INFO whole\nJan  1 00:00:00 [0:1] m\nJan  1 00:00:00 [0:1] main INFO whole again\n", h.log())
}

func process(root string, id, lines int) *exec.Cmd {
	cmd := exec.Command(os.Args[0], strconv.Itoa(id), strconv.Itoa(lines))
	cmd.Env = append(os.Environ(), processEnv+"="+root)
	return cmd
}

// inParallel runs f for 0 to n-1, width at a time.
func inParallel(n, width int, f func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, width)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			f(i)
			<-slots
		})
	}
	wg.Wait()
}

// history is everything that was logged, read from the archives and the log.
type history struct {
	files   map[string][]string // lines by file, archives under their packed name
	lines   map[string]int      // "id/seq" of whole lines and how often they occur
	torn    []string
	headers int
}

var (
	headerLine = regexp.MustCompile(`^... .\d \d\d:\d\d:\d\d \[\d+:1\] mgrlog NOTE this log continues (var/logs/pmx\.log\.\d{14}\.\d+\.gz) `)
	textLine   = regexp.MustCompile(`^... .\d \d\d:\d\d:\d\d \[\d+:1\] main INFO ((\d+/\d+) x*) ([0-9a-f]{8})$`)
)

func readHistory(t *testing.T, root string) history {
	h := history{files: map[string][]string{}, lines: map[string]int{}}
	paths, err := filepath.Glob(filepath.Join(root, "var", "logs", "*"))
	require.NoError(t, err)
	for _, p := range append(paths, filepath.Join(root, "var", "pmx.log")) {
		rel, err := filepath.Rel(root, p)
		require.NoError(t, err)
		if !strings.HasSuffix(rel, ".gz") && rel != "var/pmx.log" {
			rel += ".gz"
			require.NoFileExists(t, p+".gz", "an archive is there plain and packed")
		}
		h.files[rel] = strings.Split(strings.TrimSuffix(readMaybePacked(t, p), "\n"), "\n")
	}
	for _, lines := range h.files {
		for _, line := range lines {
			h.count(line)
		}
	}
	return h
}

func (h *history) count(line string) {
	m := textLine.FindStringSubmatch(line)
	switch {
	case headerLine.MatchString(line):
		h.headers++
	case m != nil && m[3] == fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(m[1]))):
		h.lines[m[2]]++
	default:
		h.torn = append(h.torn, line)
	}
}

func readMaybePacked(t *testing.T, path string) string {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		r, err = gzip.NewReader(f)
		require.NoError(t, err, path)
	}
	text, err := io.ReadAll(r)
	require.NoError(t, err, path)
	return string(text)
}

// packAll packs the remaining archives by later runs, one archive each.
func packAll(t *testing.T, root string) {
	archives, err := filepath.Glob(filepath.Join(root, "var", "logs", "*"))
	require.NoError(t, err)
	for range archives {
		l := panellog.Open(panellog.Options{Name: "pmx", Root: root, Stderr: os.Stderr, Now: time.Now})
		require.NoError(t, l.Close())
	}
	plain, err := filepath.Glob(filepath.Join(root, "var", "logs", "*[0-9]"))
	require.NoError(t, err)
	assert.Empty(t, plain, "everything is packed when nobody writes any more")
	half, err := filepath.Glob(filepath.Join(root, "var", "logs", "*.tmp"))
	require.NoError(t, err)
	assert.Empty(t, half)
	lock, err := os.Stat(filepath.Join(root, "var", "pmx.log.lock"))
	require.NoError(t, err)
	assert.Zero(t, lock.Size(), "the pending marker is cleared")
}

// checkChain checks that every file but the oldest begins with the name of an existing archive, and that each archive is
// named once.
func (h history) checkChain(t *testing.T) {
	var named []string
	oldest := 0
	for file, lines := range h.files {
		m := headerLine.FindStringSubmatch(lines[0])
		if m == nil {
			oldest++
			continue
		}
		assert.Contains(t, h.files, m[1], "%s continues a file that is missing", file)
		named = append(named, m[1])
	}
	assert.Equal(t, 1, oldest, "files without a predecessor")
	slices.Sort(named)
	assert.Equal(t, slices.Compact(slices.Clone(named)), named, "an archive is continued by one file")
}

// 400 processes, 8 at a time, with a limit of 1 MB. lumberjack alone lost 13 % of the lines here.
func TestRotationByManyProcessesLosesNoLine(t *testing.T) {
	const processes, lines = 400, 25
	h := newHost(t).debugConf("SET max_log_size=1\nSET color=off\n")
	inParallel(processes, 8, func(i int) {
		out, err := process(h.root, i, lines).CombinedOutput()
		assert.NoError(t, err, "%s", out)
	})
	packAll(t, h.root)
	got := readHistory(t, h.root)
	assert.Empty(t, got.torn)
	assert.Len(t, got.lines, processes*lines)
	for id, n := range got.lines {
		assert.Equal(t, 1, n, "line %s", id)
	}
	assert.GreaterOrEqual(t, len(got.files), 4, "it was rotated")
	assert.Equal(t, len(got.files)-1, got.headers)
	got.checkChain(t)
}

// A kill at any moment loses no written line, and leaves at most the last line of the killed process incomplete.
func TestKillsLoseNoWrittenLine(t *testing.T) {
	const processes, lines = 150, 40
	h := newHost(t).debugConf("SET max_log_size=200K\nSET color=off\n")
	reported := make([]int, processes)
	killed := make([]bool, processes)
	inParallel(processes, 8, func(i int) {
		cmd := process(h.root, i, lines)
		out, err := cmd.StdoutPipe()
		if !assert.NoError(t, err) || !assert.NoError(t, cmd.Start()) {
			return
		}
		victim := rand.IntN(lines * 2) // half of them live; 0 is before the first line, at the start
		killed[i] = victim <= lines
		if victim == 0 {
			assert.NoError(t, cmd.Process.Kill())
		}
		for s := bufio.NewScanner(out); s.Scan(); {
			reported[i]++
			if reported[i] == victim {
				assert.NoError(t, cmd.Process.Kill())
			}
		}
		_ = cmd.Wait()
	})
	packAll(t, h.root)
	got := readHistory(t, h.root)
	deaths := 0
	for i := range processes {
		if killed[i] {
			deaths++
		}
		for seq := range reported[i] {
			assert.Equal(t, 1, got.lines[fmt.Sprintf("%d/%d", i, seq)], "line %d/%d", i, seq)
		}
	}
	assert.LessOrEqual(t, len(got.torn), deaths, "a kill tears one line at most")
	assert.Greater(t, deaths, 20)
	assert.Greater(t, len(got.files), 3)
}
