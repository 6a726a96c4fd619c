package e2e

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel/root"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Limits of what a program may do before its main function begins. A package that fills tables at the start, as html/template
// and encoding/gob do, goes over them.
const (
	initAllocations = 550
	initBytes       = 110_000
)

// initialised matches a line of GODEBUG=inittrace=1.
var initialised = regexp.MustCompile(`(?m)^init (\S+) @.*, (\d+) bytes, (\d+) allocs$`)

// The panel starts a program for each command, and features for each look at a form: what the packages do before main is paid for
// each time.
func TestAProgramInitialisesLittle(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		cmd := exec.Command(built.shippedBinary(seller), "--version")
		cmd.Env = []string{"GODEBUG=inittrace=1"}
		trace, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", trace)
		packages := initialised.FindAllStringSubmatch(string(trace), -1)
		require.NotEmpty(t, packages, "%s", trace)
		bytes, allocations := 0, 0
		for _, p := range packages {
			bytes += counted(t, p[2])
			allocations += counted(t, p[3])
			for _, heavy := range []string{"html/template", "encoding/gob", "go.uber.org/zap", "testing", "net/http/pprof"} {
				assert.NotEqual(t, heavy, p[1], "it is not to be linked")
			}
		}
		assert.LessOrEqual(t, bytes, initBytes, "%s", trace)
		assert.LessOrEqual(t, allocations, initAllocations, "%s", trace)
	})
}

func counted(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// startTimes is how many times the time of /bin/true `features` may take at most, of a program that was written in one piece.
const startTimes = 4

// startRuns is how often each program is started for a median.
const startRuns = 300

// BenchmarkStart compares features with /bin/true: a process that does nothing. They take turns, and the medians are compared,
// because other processes of the machine disturb single runs. Beside the time it reports the processor time (getrusage), which
// waiting for a processor does not count in, the page faults, and the size of the program. START_BEFORE=DIR measures the programs of
// another version in DIR too.
//
// Each program is measured twice: as install(1) copies it, and written in one piece. How it was written decides how large the pages are in
// which the kernel keeps it, until it is read from the disk again: what was written in one piece takes a quarter less time to start.
func BenchmarkStart(b *testing.B) {
	for _, seller := range sellerCases() {
		b.Run(seller.module, func(b *testing.B) {
			folder := panelRoot(b)
			programs := []startedProgram{{"true", "/bin/true"}}
			programs = append(programs, startedCopies(b, "features", built.shippedBinary(seller))...)
			if before := os.Getenv("START_BEFORE"); before != "" {
				programs = append(programs, startedCopies(b, "before", filepath.Join(before, seller.module))...)
			}
			for b.Loop() {
				costs := make([][]processCost, len(programs))
				for range startRuns {
					for i, p := range programs {
						costs[i] = append(costs[i], runCost(b, folder, p.path, "--command", "features")) // true ignores its arguments
					}
				}
				floor := medianCost(costs[0])
				for i, p := range programs {
					reportStart(b, p.name, p.path, medianCost(costs[i]), floor)
				}
				times := float64(medianCost(costs[2]).wall) / float64(floor.wall)
				assert.LessOrEqual(b, times, float64(startTimes))
			}
		})
	}
}

// startedProgram is a program that BenchmarkStart measures, and its name in the figures.
type startedProgram struct{ name, path string }

// startedCopies copies a program as install(1) does, and in one piece.
func startedCopies(b *testing.B, name, program string) []startedProgram {
	b.Helper()
	content, err := os.ReadFile(program)
	require.NoError(b, err)
	whole := filepath.Join(b.TempDir(), filepath.Base(program))
	require.NoError(b, os.WriteFile(whole, content, 0o755))
	return []startedProgram{{name, installedCopy(b, program)}, {name + "-in-one-piece", whole}}
}

// reportStart reports what one program took.
func reportStart(b *testing.B, name, path string, cost, floor processCost) {
	b.Helper()
	b.ReportMetric(float64(cost.wall.Microseconds()), name+"-µs")
	b.ReportMetric(float64(cost.cpu.Microseconds()), name+"-cpu-µs")
	b.ReportMetric(float64(cost.faults), name+"-faults")
	if cost == floor {
		return
	}
	b.ReportMetric(float64(cost.wall)/float64(floor.wall), name+"-times")
	b.ReportMetric(float64(cost.cpu)/float64(floor.cpu), name+"-cpu-times")
	b.ReportMetric(float64(sizeOf(b, path)), name+"-bytes")
}

// installedCopy copies a program into a folder of the test as install(1) does.
func installedCopy(b *testing.B, program string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), filepath.Base(program))
	require.NoError(b, root.Install(program, path))
	return path
}

func sizeOf(b *testing.B, path string) int64 {
	b.Helper()
	info, err := os.Stat(path)
	require.NoError(b, err)
	return info.Size()
}

// panelRoot returns a panel's root directory that has its folders and nothing else.
func panelRoot(b *testing.B) string {
	b.Helper()
	top := b.TempDir()
	for _, folder := range []string{"var", "etc"} {
		require.NoError(b, os.Mkdir(top+"/"+folder, 0o755))
	}
	return top
}

// processCost is what one process took.
type processCost struct {
	wall   time.Duration // from the start to the end
	cpu    time.Duration // user and system
	faults int64         // page faults that needed no disk
}

// medianCost returns the median of each figure.
func medianCost(all []processCost) processCost {
	return processCost{
		wall:   median(all, func(c processCost) time.Duration { return c.wall }),
		cpu:    median(all, func(c processCost) time.Duration { return c.cpu }),
		faults: median(all, func(c processCost) int64 { return c.faults }),
	}
}

// median returns the median of a figure of all.
func median[E any, F cmp.Ordered](all []E, figure func(E) F) F {
	return quantile(all, figure, 2)
}

// quantile returns the figure below which one of so many parts of all are: of=2 the median, of=4 the first quartile, of=-4 the third.
func quantile[E any, F cmp.Ordered](all []E, figure func(E) F, of int) F {
	var figures []F
	for _, one := range all {
		figures = append(figures, figure(one))
	}
	slices.Sort(figures)
	at := len(figures) / max(of, -of)
	if of < 0 {
		at = len(figures) - 1 - at
	}
	return figures[at]
}

// runCost returns what a program takes from its start to its end.
func runCost(b *testing.B, folder, program string, args ...string) processCost {
	b.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = []string{"MGR5_ROOT=" + folder}
	return commandCost(b, cmd)
}

// commandCost runs a command and returns what it takes from its start to its end.
func commandCost(b *testing.B, cmd *exec.Cmd) processCost {
	b.Helper()
	var failure bytes.Buffer
	cmd.Stderr = &failure
	began := time.Now()
	err := cmd.Run()
	wall := time.Since(began)
	require.NoError(b, err, "%s", failure.String())
	used, is := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	require.True(b, is)
	return processCost{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), faults: used.Minflt}
}
