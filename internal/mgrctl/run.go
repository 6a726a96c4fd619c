// Package mgrctl runs the command line client of ISPsystem's panels: BILLmanager's, and those of ISPmanager and DNSmanager
// (docs/reference/billmanager.md §5.1).
package mgrctl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// outputDelay is how long output is waited for that a process which mgrctl started keeps open.
const outputDelay = 5 * time.Second

// Call is one start of mgrctl.
type Call struct {
	Root  string   // the panel's folder: mgrctl is its sbin/mgrctl and starts there
	Words []string // the arguments
	// Environ is the environment. The panel logs the variable SSH_CONNECTION as the caller: it is replaced by Caller.
	Environ []string
	Caller  string
	// MaxOutput and MaxErrors are how many bytes of its standard output and error are kept. More output ends mgrctl, more
	// errors are dropped.
	MaxOutput, MaxErrors int
}

// Result is how a start of mgrctl ended.
type Result struct {
	Stdout, Stderr []byte
	TooLong        bool // there was more output than was to be kept
	Started        bool
	State          *os.ProcessState // nil if how it ended is not known, or it was not started
	Err            error            // how it ended, nil for the exit code 0
}

// Run starts mgrctl and waits for its end or the context's. What mgrctl started ends with it at the context's end.
func Run(ctx context.Context, c Call) Result {
	cmd := exec.CommandContext(ctx, filepath.Join(c.Root, "sbin/mgrctl"), c.Words...)
	cmd.Dir, cmd.Env = c.Root, c.environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = outputDelay
	stdout, stderr := &buffer{limit: c.MaxOutput, strict: true}, &buffer{limit: c.MaxErrors}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success() {
		err = nil // mgrctl itself succeeded; a process that it started kept the output open
	}
	return Result{
		Stdout: stdout.kept.Bytes(), Stderr: stderr.kept.Bytes(), TooLong: stdout.full, Started: cmd.Process != nil, State: cmd.ProcessState, Err: err,
	}
}

func (c Call) environ() []string {
	kept := slices.DeleteFunc(slices.Clone(c.Environ), func(variable string) bool { return strings.HasPrefix(variable, "SSH_CONNECTION=") })
	return append(kept, "SSH_CONNECTION="+c.Caller)
}

// buffer keeps the first bytes that are written to it. If strict, it refuses more, which ends the writer; otherwise it drops
// them. The bytes.Buffer is not embedded: its ReadFrom knows no limit.
type buffer struct {
	kept   bytes.Buffer
	limit  int
	strict bool
	full   bool
}

// Write implements io.Writer.
func (b *buffer) Write(piece []byte) (int, error) {
	room := b.limit - b.kept.Len()
	if room >= len(piece) {
		return b.kept.Write(piece)
	}
	b.kept.Write(piece[:room])
	b.full = true
	if b.strict {
		return room, io.ErrShortWrite
	}
	return len(piece), nil
}
