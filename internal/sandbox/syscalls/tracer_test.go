package syscalls_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"pmssl/internal/sandbox/syscalls"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asTracer is the environment variable with which the test's own program is a tracer: Run waits for all children of its process.
const asTracer = "PMSSL_TRACER"

func TestMain(m *testing.M) {
	if text := os.Getenv(asTracer); text != "" {
		var kill syscalls.Disturbance
		if err := json.Unmarshal([]byte(text), &kill); err != nil {
			panic(err)
		}
		result, err := syscalls.Run("/bin/sh", []string{"-c", os.Args[1]}, os.Environ(), kill)
		if err != nil {
			panic(err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// script runs a shell script under the tracer.
func script(t *testing.T, text string, kill syscalls.Disturbance) (r syscalls.Result) {
	t.Helper()
	raw, err := json.Marshal(kill)
	require.NoError(t, err)
	tracer := exec.Command(os.Args[0], text)
	tracer.Env = append(os.Environ(), asTracer+"="+string(raw))
	out, err := tracer.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &r))
	return r
}

func TestItWaitsForWhatAKilledProgramLeavesBehind(t *testing.T) {
	dir := t.TempDir()
	pipe, kept := filepath.Join(dir, "pipe"), filepath.Join(dir, "kept")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	told := make(chan error, 1)
	go func() { // the child reads this, whoever is faster
		told <- os.WriteFile(pipe, []byte("go on\n"), 0o600)
	}()
	text := "sh -c 'read line <" + pipe + " && echo $line >" + kept + "' >/dev/null 2>&1 </dev/null & kill -9 $$"
	r := script(t, text, syscalls.Disturbance{Wait: true})
	assert.Equal(t, "killed", r.Status.Signal().String())
	require.NoError(t, <-told)
	written, err := os.ReadFile(kept)
	require.NoError(t, err)
	assert.Equal(t, "go on\n", string(written))
}

func numberOf(t *testing.T, calls []syscalls.Call, target string) int {
	t.Helper()
	for i, c := range calls {
		if strings.HasSuffix(c.Target, target) {
			return i + 1
		}
	}
	require.Fail(t, "there is no such call", "%s in %+v", target, calls)
	return 0
}

func TestAProgramIsKilledBeforeOrAfterACall(t *testing.T) {
	dir := t.TempDir()
	text := "exec >" + dir + "/one; echo; exec >" + dir + "/two; echo; exit 7"
	whole := script(t, text, syscalls.Disturbance{})
	require.False(t, whole.Hit)
	require.Equal(t, 7, whole.Status.ExitStatus())
	require.Equal(t, "exit_group", whole.Calls[len(whole.Calls)-1].Name)
	at := numberOf(t, whole.Calls, dir+"/two")
	for name, row := range map[string]struct {
		kill   syscalls.Disturbance
		exists bool
	}{
		"before": {syscalls.Disturbance{At: at}, false},
		"after":  {syscalls.Disturbance{At: at, After: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "two")))
			r := script(t, text, row.kill)
			assert.True(t, r.Hit)
			assert.Equal(t, "killed", r.Status.Signal().String())
			assert.Len(t, r.Calls, at)
			_, err := os.Stat(filepath.Join(dir, "two"))
			assert.Equal(t, row.exists, err == nil)
			assert.FileExists(t, filepath.Join(dir, "one"))
		})
	}
}

func TestACallFailsInsteadOfBeingCarriedOutOrAfterIt(t *testing.T) {
	dir := t.TempDir()
	text := "set -C; { echo >" + dir + "/two; } || exit 5"
	at := numberOf(t, script(t, text, syscalls.Disturbance{}).Calls, dir+"/two")
	for name, row := range map[string]struct {
		d      syscalls.Disturbance
		exists bool
	}{
		"before": {syscalls.Disturbance{At: at, Errno: syscall.ENOSPC}, false},
		"after":  {syscalls.Disturbance{At: at, Errno: syscall.ENOSPC, After: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "two")))
			r := script(t, text, row.d)
			assert.True(t, r.Hit)
			assert.False(t, r.Status.Signaled())
			assert.NotZero(t, r.Status.ExitStatus(), "the shell saw the error")
			_, err := os.Stat(filepath.Join(dir, "two"))
			assert.Equal(t, row.exists, err == nil)
		})
	}
}

func TestAWriteIsCarriedOutByHalf(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "line")
	text := "exec /bin/dd if=/dev/zero of=" + file + " bs=20 count=1 conv=notrunc oflag=append status=none"
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	calls := script(t, text, syscalls.Disturbance{}).Calls
	at := 0
	for i, c := range calls {
		if c.Name == "write" {
			at = i + 1
			break
		}
	}
	require.NotZero(t, at, calls)
	for name, row := range map[string]struct {
		errno  syscall.Errno
		killed bool
	}{
		"and the program is killed": {0, true},
		"and the rest is refused":   {syscall.ENOSPC, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.Truncate(file, 0))
			r := script(t, text, syscalls.Disturbance{At: at, Half: true, Errno: row.errno})
			assert.True(t, r.Hit)
			assert.Equal(t, row.killed, r.Status.Signaled())
			assert.NotZero(t, r.Status.ExitStatus())
			info, err := os.Stat(file)
			require.NoError(t, err)
			assert.Equal(t, int64(10), info.Size())
		})
	}
}

func TestAProgramThatEndsEarlierIsNotKilled(t *testing.T) {
	r := script(t, "exit 3", syscalls.Disturbance{At: 1000})
	assert.False(t, r.Hit)
	assert.Equal(t, 3, r.Status.ExitStatus())
}

func TestFilesThatAreIgnoredAreNotNumbered(t *testing.T) {
	dir := t.TempDir()
	text := "exec 3>" + dir + "/a.log; echo >&3; echo >" + dir + "/data"
	all := script(t, text, syscalls.Disturbance{})
	require.NotZero(t, numberOf(t, all.Calls, "/a.log"))
	for _, c := range script(t, text, syscalls.Disturbance{Ignore: ".log"}).Calls {
		assert.NotContains(t, c.Target, ".log")
	}
}

func TestProgramsThatItStartsGoOn(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "end")
	require.NoError(t, exec.Command("mkfifo", fifo).Run())
	text := "(echo child >" + strconv.Quote(fifo) + ") & exit 0"
	read := make(chan string, 1)
	go func() {
		raw, _ := os.ReadFile(fifo)
		read <- string(raw)
	}()
	whole := script(t, text, syscalls.Disturbance{At: 1000})
	assert.False(t, whole.Hit)
	assert.Equal(t, "child\n", <-read)
}

func TestTheWordsOfADisturbance(t *testing.T) {
	for _, row := range []struct {
		name string
		d    syscalls.Disturbance
		want string
	}{
		{name: "nothing is disturbed", want: "bin/sandbox-kill --report calls --ignore  --at 0 --errno 0"},
		{name: "a kill", d: syscalls.Disturbance{At: 3, After: true, Ignore: ".log", Wait: true},
			want: "bin/sandbox-kill --report calls --ignore .log --at 3 --errno 0 --after --wait"},
		{name: "a full disk", d: syscalls.Disturbance{At: 4, Errno: syscall.ENOSPC, Half: true},
			want: "bin/sandbox-kill --report calls --ignore  --at 4 --errno 28 --half"},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.want, strings.Join(row.d.Words("bin", "calls"), " "))
		})
	}
}

func TestAReportThatIsNoneIsAnError(t *testing.T) {
	report := filepath.Join(t.TempDir(), "calls")
	_, err := syscalls.TakeResult(report)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(report, []byte("{"), 0o600))
	_, err = syscalls.TakeResult(report)
	require.ErrorContains(t, err, "sandbox-kill")
}
