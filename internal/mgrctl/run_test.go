package mgrctl_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/mgrctl"
)

// call returns a start of a shell script in the place of mgrctl.
func call(t *testing.T, script string, words ...string) mgrctl.Call {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "sbin"), 0o755))
	if script != "" {
		require.NoError(t, os.WriteFile(filepath.Join(root, "sbin", "mgrctl"), []byte("#!/bin/sh\n"+script), 0o755))
	}
	return mgrctl.Call{Root: root, Words: words, Environ: []string{"PATH=/usr/bin:/bin"}, Caller: "test", MaxOutput: 1000, MaxErrors: 100}
}

func TestMgrctlRunsInThePanelsFolderWithItsCaller(t *testing.T) {
	c := call(t, `pwd; echo "$@"; env; exit 0`, "-m", "billmgr", "a b")
	c.Environ = append(c.Environ, "SSH_CONNECTION=192.0.2.7 1 192.0.2.8 22", "LANG=C")
	got := mgrctl.Run(t.Context(), c)
	require.NoError(t, got.Err)
	text := string(got.Stdout)
	assert.True(t, strings.HasPrefix(text, c.Root+"\n-m billmgr a b\n"), text)
	assert.Contains(t, text, "SSH_CONNECTION=test\n")
	assert.NotContains(t, text, "192.0.2.7")
	assert.Contains(t, text, "LANG=C\n")
	assert.Equal(t, "SSH_CONNECTION=192.0.2.7 1 192.0.2.8 22", c.Environ[1], "the caller's slice stays as it is")
}

func TestHowMgrctlEnds(t *testing.T) {
	for name, row := range map[string]struct {
		script         string
		code           int // -1 if it is ended or not started
		stdout, stderr string
		tooLong        bool
	}{
		"well":                       {"echo out; echo err >&2", 0, "out\n", "err\n", false},
		"with an exit code":          {"echo err >&2; exit 3", 3, "", "err\n", false},
		"by a signal":                {"kill -TERM $$", -1, "", "", false},
		"not started":                {"", -1, "", "", false},
		"with too many errors":       {"printf %0200d 0 >&2", 0, "", strings.Repeat("0", 100), false},
		"with as much as it may":     {"printf %01000d 0", 0, strings.Repeat("0", 1000), "", false},
		"with output without an end": {"while echo 0123456789; do :; done", -1, strings.Repeat("0123456789\n", 91)[:1000], "", true},
	} {
		t.Run(name, func(t *testing.T) {
			got := mgrctl.Run(t.Context(), call(t, row.script))
			assert.Equal(t, row.code == 0, got.Err == nil, "%v", got.Err)
			assert.Equal(t, row.stdout, string(got.Stdout))
			assert.Equal(t, row.tooLong, got.TooLong)
			if !row.tooLong { // the shell says why it ends
				assert.Equal(t, row.code, got.State.ExitCode())
				assert.Equal(t, row.stderr, string(got.Stderr))
			}
			assert.Equal(t, row.script != "", got.Started)
			assert.Equal(t, row.script != "", got.State != nil)
		})
	}
}

func TestWhatMgrctlStartedEndsWithTheContext(t *testing.T) {
	c := call(t, "sleep 1000 & echo $! > pid; wait")
	require.NoError(t, syscall.Mkfifo(filepath.Join(c.Root, "pid"), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	written := make(chan string, 1)
	go func() {
		text, _ := os.ReadFile(filepath.Join(c.Root, "pid")) // returns when the script has written
		cancel()
		written <- strings.TrimSpace(string(text))
	}()
	require.Error(t, mgrctl.Run(ctx, c).Err)
	pid, err := strconv.Atoi(<-written)
	require.NoError(t, err)
	assert.Eventually(t, func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		_, fields, _ := strings.Cut(string(stat), ") ")
		return err != nil || strings.HasPrefix(fields, "Z")
	}, 10*time.Second, time.Millisecond)
}
