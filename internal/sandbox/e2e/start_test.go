package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

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

// startTimes is how many times the time of /bin/true `features` may take at most.
const startTimes = 4

// BenchmarkStart compares features with /bin/true: a process that does nothing. The two take turns, and the medians are compared,
// because other processes of the machine disturb single runs.
func BenchmarkStart(b *testing.B) {
	for _, seller := range sellerCases() {
		b.Run(seller.module, func(b *testing.B) {
			root := panelRoot(b)
			for b.Loop() {
				var nothing, features []time.Duration
				for range 300 {
					nothing = append(nothing, runTime(b, root, "/bin/true"))
					features = append(features, runTime(b, root, built.shippedBinary(seller), "--command", "features"))
				}
				slices.Sort(nothing)
				slices.Sort(features)
				floor, median := nothing[len(nothing)/2], features[len(features)/2]
				times := float64(median) / float64(floor)
				b.ReportMetric(float64(floor.Microseconds()), "true-µs")
				b.ReportMetric(float64(median.Microseconds()), "features-µs")
				b.ReportMetric(times, "times")
				assert.LessOrEqual(b, times, float64(startTimes))
			}
		})
	}
}

// panelRoot returns a panel's root directory that has its folders and nothing else.
func panelRoot(b *testing.B) string {
	b.Helper()
	root := b.TempDir()
	for _, folder := range []string{"var", "etc"} {
		require.NoError(b, os.Mkdir(root+"/"+folder, 0o755))
	}
	return root
}

// runTime returns how long a program takes from its start to its end.
func runTime(b *testing.B, root, program string, args ...string) time.Duration {
	b.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = []string{"MGR5_ROOT=" + root}
	began := time.Now()
	require.NoError(b, cmd.Run())
	return time.Since(began)
}
