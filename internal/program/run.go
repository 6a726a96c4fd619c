// Package program checks and runs programs of the administrator: in a session of their own, with bounded output, ended for good with
// what they started (docs/reference/unattended.md §4).
package program

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
)

const (
	// maxOutput is how many bytes of each output are kept: the last ones.
	maxOutput = 4 << 10
	// maxLogged and maxLine limit what the log and an error show of it, in bytes.
	maxLogged, maxLine = 1000, 300
	// outputDelay is how long output is waited for that something the program started keeps open.
	outputDelay = time.Second
)

// Command is one call of a program.
type Command struct {
	Program string // absolute path
	Args    []string
	// Environ is everything that the program finds in its environment, NAME=value.
	Environ []string
	// Secrets are values that the program finds in files, and that what is shown of its output must not hold. A value of several
	// lines is masked as a whole and line by line.
	Secrets []string
	// Root is the panel's folder: its servers are not ended with the program.
	Root string
}

// Result is how a call ended.
type Result struct {
	Err            error // nil for exit code 0
	stdout, stderr *tail
}

// Run starts the program in a session of its own, without standard input and terminal and in the folder /, and waits for its end or
// the context's. Then it ends everything that the program started and that is left, also in other sessions, but for servers.
func Run(ctx context.Context, c Command) Result {
	cmd := exec.CommandContext(ctx, c.Program, c.Args...)
	cmd.Dir, cmd.Env = "/", c.Environ
	mask := masker(c.Secrets)
	out := Result{stdout: &tail{mask: mask}, stderr: &tail{mask: mask}}
	cmd.Stdout, cmd.Stderr = out.stdout, out.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	endGroup := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel = endGroup
	cmd.WaitDelay = outputDelay
	if out.Err = running.start(cmd); out.Err != nil {
		return out
	}
	out.Err = cmd.Wait()
	_ = endGroup() // no process is left in most cases
	running.end(cmd.Process.Pid, c.Root)
	if errors.Is(out.Err, exec.ErrWaitDelay) && cmd.ProcessState.Success() {
		out.Err = nil
	}
	return out
}

// Output returns the end of what the program wrote to its standard output, as one printable line for the log.
func (r Result) Output() string { return r.stdout.text() }

// Errors returns the same of its standard error, LastError the last line of that.
func (r Result) Errors() string    { return r.stderr.text() }
func (r Result) LastError() string { return r.stderr.lastLine() }

// Reason returns why the call failed. A time that ran out, limit, wraps the context's error.
func (r Result) Reason(ctx context.Context, limit time.Duration) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("it was ended because it takes longer than %v: %w", limit, ctx.Err())
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.Err
}

// minSecretLine is the length in bytes from which a line of a secret is masked alone.
const minSecretLine = 16

// masker returns what masks the secrets in a text.
func masker(secrets []string) func(text string) string {
	all := slices.Clone(secrets)
	for _, secret := range secrets {
		for line := range strings.Lines(secret) {
			if line = strings.TrimSpace(line); len(line) >= minSecretLine {
				all = append(all, line)
			}
		}
	}
	return panellog.Masker(all...)
}

// tail keeps the last bytes that are written to it.
type tail struct {
	kept []byte
	cut  bool // the first line is not whole
	mask func(text string) string
}

// Write implements io.Writer.
func (t *tail) Write(piece []byte) (int, error) {
	t.kept = append(t.kept, piece[max(0, len(piece)-maxOutput):]...)
	if drop := len(t.kept) - maxOutput; drop > 0 {
		t.kept = append(t.kept[:0], t.kept[drop:]...)
		t.cut = true
	}
	t.cut = t.cut || len(piece) > maxOutput
	return len(piece), nil
}

// lines returns the whole lines that are kept, without the program's secrets, and without others as far as they can be told by their
// names. They are masked before a text is cut: half of a secret is not found.
func (t *tail) lines() string {
	text := string(t.kept)
	if t.cut { // half of a secret is not found
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.TrimSpace(t.mask(panellog.RedactText(strings.ToValidUTF8(text, "?"))))
}

// text returns the end of the output as one printable line.
func (t *tail) text() string {
	text := plaintext.Line(t.lines())
	if text == "" {
		return "none"
	}
	return plaintext.Clip(text, maxLogged)
}

// lastLine returns the last line of the output.
func (t *tail) lastLine() string {
	text := t.lines()
	line := plaintext.Line(text[strings.LastIndexByte(text, '\n')+1:])
	if line == "" && t.cut {
		return fmt.Sprintf("the last line of its standard error is longer than %d bytes", maxOutput)
	}
	if line == "" {
		return "it wrote nothing to its standard error"
	}
	return plaintext.Clip(line, maxLine)
}

// Path returns the variable PATH of an environment; empty if it has none. A program gets no other variable of whoever started this
// one.
func Path(environ []string) []string {
	var path []string
	for _, variable := range environ {
		if strings.HasPrefix(variable, "PATH=") {
			path = append(path, variable)
		}
	}
	return path
}
