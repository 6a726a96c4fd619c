package sellerhttp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/panellog"
	"pmssl/internal/seller/sellerhttp"
)

// The test binary is also the other process that uses the same rate limiter's file.
const (
	envPath  = "BUDGET_TEST_PATH"
	envTries = "BUDGET_TEST_TRIES"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(envPath); path != "" {
		takeAll(path)
		return
	}
	os.Exit(m.Run())
}

// takeAll prints one + for each call that was granted. Its clock stands still, so that every process sees the same
// minute.
func takeAll(path string) {
	c := newClock()
	tries, _ := strconv.Atoi(os.Getenv(envTries))
	b := &sellerhttp.RateLimiter{Path: path, Limits: sellerhttp.Limits{Minute: 50, Hour: 1000, Day: 1000}, Now: c.Now, Sleep: c.Sleep, Log: panellog.Discard()}
	for range tries {
		if b.Wait(until{context.Background(), c.Now().Add(time.Second)}, sellerhttp.Purchase) == nil {
			fmt.Print("+")
		}
	}
}

func newRateLimiter(t *testing.T, c *clock, limits sellerhttp.Limits) *sellerhttp.RateLimiter {
	t.Helper()
	return &sellerhttp.RateLimiter{Path: filepath.Join(t.TempDir(), "pm.calls.0123456789abcdef"), Limits: limits, Now: c.Now, Sleep: c.Sleep, Log: panellog.Discard()}
}

// full makes n calls of the class and expects that none has to wait.
func full(t *testing.T, b *sellerhttp.RateLimiter, class sellerhttp.Class, n int) {
	t.Helper()
	before := b.Now()
	for range n {
		require.NoError(t, b.Wait(t.Context(), class))
	}
	require.Equal(t, before, b.Now(), "nobody had to wait")
}

func TestProcessesShareOneLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pm.calls.0123456789abcdef")
	var wg sync.WaitGroup
	outputs := make([][]byte, 8)
	for i := range outputs {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), envPath+"="+path, envTries+"=20")
			outputs[i], _ = cmd.Output()
		})
	}
	wg.Wait()
	assert.Equal(t, 50, bytes.Count(bytes.Join(outputs, nil), []byte("+")), "160 tries, 50 calls a minute")
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// Whatever the order of many callers, no window has more calls than its limit.
func TestNeverOverTheLimit(t *testing.T) {
	for name, callers := range map[string]int{"one after the other": 1, "eight at once": 8} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			b := newRateLimiter(t, c, sellerhttp.Limits{Minute: 7, Hour: 60, Day: 200})
			var wg sync.WaitGroup
			for i := range callers {
				wg.Go(func() {
					for range 144 / callers {
						takeLater(t, b, sellerhttp.Class(i%2))
					}
				})
			}
			wg.Wait()
			counted := instants(t, b.Path)
			require.Len(t, counted, 144)
			for span, limit := range map[time.Duration]int{time.Minute: 7, time.Hour: 60} {
				for i := limit; i < len(counted); i++ {
					require.Greater(t, counted[i].Sub(counted[i-limit]), span, "call %d and the one %d before", i, limit)
				}
			}
		})
	}
}

// takeLater waits for a call, however late it is possible.
func takeLater(t *testing.T, b *sellerhttp.RateLimiter, class sellerhttp.Class) {
	for {
		err := b.Wait(t.Context(), class)
		if err == nil {
			return
		}
		var failure *sellerhttp.Error
		if !assert.ErrorAs(t, err, &failure) || !assert.Equal(t, sellerhttp.Exhausted, failure.Kind) {
			return
		}
		assert.NoError(t, b.Sleep(t.Context(), failure.When.Sub(b.Now())))
	}
}

// A reached limit of an hour or a day is reported at once, so that one account does not stop a whole sweep (rules SWEEP-9).
func TestNoCallWaitsLongerThanAMinute(t *testing.T) {
	for _, class := range []sellerhttp.Class{sellerhttp.Read, sellerhttp.Once, sellerhttp.Purchase} {
		c := newClock()
		b := newRateLimiter(t, c, sellerhttp.Limits{Hour: 10})
		full(t, b, sellerhttp.Purchase, 10)
		failure := requireError(t, b.Wait(until{t.Context(), c.Now().Add(2 * time.Hour)}, class))
		assert.Equal(t, sellerhttp.Exhausted, failure.Kind)
		assert.True(t, failure.Fault().SellerFails())
		assert.Empty(t, c.slept)
	}
}

// instants returns the times in the rate limiter's file.
func instants(t *testing.T, path string) []time.Time {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(content, []byte("pmcalls1")))
	var all []time.Time
	for rest := content[8:]; len(rest) > 0; rest = rest[8:] {
		all = append(all, time.UnixMicro(int64(binary.BigEndian.Uint64(rest))))
	}
	return all
}

func TestReadsWaitWithinTheDeadline(t *testing.T) {
	c := newClock()
	b := newRateLimiter(t, c, sellerhttp.Limits{Minute: 20})
	full(t, b, sellerhttp.Read, 16)
	start := c.Now()
	require.NoError(t, b.Wait(until{t.Context(), start.Add(2 * time.Minute)}, sellerhttp.Read))
	assert.Equal(t, 61*time.Second, c.Now().Sub(start))
}

func TestExhaustedErrorHasTheTimeOfTheNextCall(t *testing.T) {
	c := newClock()
	b := newRateLimiter(t, c, sellerhttp.Limits{Hour: 10})
	full(t, b, sellerhttp.Read, 8)
	start := c.Now()
	failure := requireError(t, b.Wait(until{t.Context(), start.Add(time.Minute)}, sellerhttp.Read))
	assert.Equal(t, sellerhttp.Exhausted, failure.Kind)
	assert.False(t, failure.Sent)
	assert.Equal(t, start.Add(time.Hour+time.Second), failure.When)
	assert.Contains(t, failure.Text, "10 calls per hour")
	assert.Contains(t, failure.Text, "2026-07-12T11:00:01Z")
	assert.True(t, failure.Fault().Retry)
	assert.Empty(t, c.slept, "there is no use in waiting")
}

func TestPurchasesHavePriority(t *testing.T) {
	c := newClock()
	b := newRateLimiter(t, c, sellerhttp.Limits{Minute: 20, Hour: 700, Day: 8000})
	full(t, b, sellerhttp.Read, 16)
	requireError(t, b.Wait(until{t.Context(), c.Now().Add(time.Second)}, sellerhttp.Read))
	full(t, b, sellerhttp.Purchase, 4)
	failure := requireError(t, b.Wait(t.Context(), sellerhttp.Purchase))
	assert.Equal(t, sellerhttp.Exhausted, failure.Kind, "a purchase does not wait a minute under its locks")
	assert.Empty(t, c.slept)
}

func TestNoLimitKeepsNoFile(t *testing.T) {
	c := newClock()
	b := newRateLimiter(t, c, sellerhttp.Limits{})
	full(t, b, sellerhttp.Read, 1000)
	assert.NoFileExists(t, b.Path)
}

func TestSmallLimits(t *testing.T) {
	c := newClock()
	b := newRateLimiter(t, c, sellerhttp.Limits{Minute: 1})
	full(t, b, sellerhttp.Read, 1)
	require.NoError(t, b.Wait(t.Context(), sellerhttp.Read))
	assert.Equal(t, 61*time.Second, c.total())
}

func TestTheFileStaysSmall(t *testing.T) {
	c := newClock()
	b := newRateLimiter(t, c, sellerhttp.Limits{Minute: 10})
	for range 3000 {
		require.NoError(t, b.Wait(t.Context(), sellerhttp.Once))
	}
	info, err := os.Stat(b.Path)
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(5<<10))
}

func TestAClockThatWasSetBackBlocksNoCalls(t *testing.T) {
	c := newClock()
	b := newRateLimiter(t, c, sellerhttp.Limits{Minute: 5})
	c.at = c.at.AddDate(50, 0, 0) // a wrong clock at boot
	full(t, b, sellerhttp.Purchase, 5)
	c.at = c.at.AddDate(-50, 0, 0)
	require.NoError(t, b.Wait(t.Context(), sellerhttp.Read))
	assert.Equal(t, 61*time.Second, c.total(), "the calls count as made now, not in fifty years")
}

func TestAnotherFileIsReplacedWithAWarning(t *testing.T) {
	foreign := filepath.Join(t.TempDir(), "precious")
	require.NoError(t, os.WriteFile(foreign, []byte("precious"), 0o600))
	for name, prepare := range map[string]func(path string) error{
		"text":      func(path string) error { return os.WriteFile(path, []byte("hello world, this is text"), 0o644) },
		"too short": func(path string) error { return os.WriteFile(path, []byte("pm"), 0o600) },
		"oversized": func(path string) error {
			return os.WriteFile(path, append([]byte("pmcalls1"), make([]byte, 4<<20)...), 0o600)
		},
		"half an instant": func(path string) error { return os.WriteFile(path, []byte("pmcalls1abc"), 0o600) },
		"link":            func(path string) error { return os.Symlink(foreign, path) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			b := newRateLimiter(t, c, sellerhttp.Limits{Minute: 5})
			require.NoError(t, prepare(b.Path))
			full(t, b, sellerhttp.Purchase, 5)
			requireError(t, b.Wait(until{t.Context(), c.Now().Add(time.Second)}, sellerhttp.Purchase))
			info, err := os.Lstat(b.Path)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode())
			assert.EqualValues(t, 8+5*8, info.Size())
			warned := strings.Contains(strings.Join(b.Log.Tail(100), "\n"), "starts empty again")
			assert.Equal(t, name != "half an instant" && name != "link", warned, "a process that was killed is nothing to warn of")
		})
	}
	kept, err := os.ReadFile(foreign)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(kept))
}

func TestUnwritableDirectoryIsOneWarning(t *testing.T) {
	c := newClock()
	b := newRateLimiter(t, c, sellerhttp.Limits{Minute: 2})
	b.Path = filepath.Join(filepath.Dir(b.Path), "missing", "calls")
	full(t, b, sellerhttp.Read, 10)
	assert.Equal(t, 1, strings.Count(strings.Join(b.Log.Tail(100), "\n"), "calls to the seller are not counted"))
}

func TestTimesSurviveTheProcess(t *testing.T) {
	c := newClock()
	b := newRateLimiter(t, c, sellerhttp.Limits{Minute: 5})
	full(t, b, sellerhttp.Purchase, 3)
	counted := instants(t, b.Path)
	require.Len(t, counted, 3)
	assert.True(t, c.Now().Equal(counted[0]))
}

func FuzzRateLimiterFile(f *testing.F) {
	header := []byte("pmcalls1")
	for _, seed := range [][]byte{nil, header, []byte("text"), append(bytes.Clone(header), 0xff, 1), append(bytes.Clone(header), bytes.Repeat([]byte{0xff}, 16)...),
		binary.BigEndian.AppendUint64(bytes.Clone(header), uint64(newClock().at.UnixMicro()))} {
		f.Add(seed)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		c := newClock()
		path := filepath.Join(dir, strconv.Itoa(os.Getpid()))
		require.NoError(t, os.WriteFile(path, content, 0o600))
		b := &sellerhttp.RateLimiter{Path: path, Limits: sellerhttp.Limits{Minute: 5}, Now: c.Now, Sleep: c.Sleep}
		require.NoError(t, b.Wait(t.Context(), sellerhttp.Read))
		require.LessOrEqual(t, c.total(), 61*time.Second, "no content locks anybody out")
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(after, header))
		require.Zero(t, len(after)%8)
	})
}

func TestTheUseOfTheLimitsIsReadWithoutACall(t *testing.T) {
	c := newClock()
	b := newRateLimiter(t, c, sellerhttp.Limits{Minute: 20, Day: 100})
	used, err := b.Used()
	require.NoError(t, err)
	assert.Equal(t, []sellerhttp.Usage{{Span: "minute", Limit: 20, Reads: 16}, {Span: "day", Limit: 100, Reads: 80}}, used)
	assert.NoFileExists(t, b.Path, "nothing is written")
	full(t, b, sellerhttp.Purchase, 7)
	c.at = c.at.Add(2 * time.Minute)
	full(t, b, sellerhttp.Purchase, 2)
	before, err := os.ReadFile(b.Path)
	require.NoError(t, err)
	used, err = b.Used()
	require.NoError(t, err)
	assert.Equal(t, []int{2, 9}, []int{used[0].Used, used[1].Used})
	after, err := os.ReadFile(b.Path)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	require.NoError(t, os.WriteFile(b.Path, []byte("no file of calls"), 0o600))
	_, err = b.Used()
	require.ErrorContains(t, err, "it is not a file of calls")
	used, err = newRateLimiter(t, c, sellerhttp.Limits{}).Used()
	require.NoError(t, err)
	assert.Empty(t, used)
}
