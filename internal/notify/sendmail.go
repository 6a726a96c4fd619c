package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// maxSpoken is how much of what the sendmail program says is kept.
const maxSpoken = 4 << 10

// sendmail hands the message to the sendmail program: recipients from the header (-t), a line with a dot does not end it
// (-i), bounces go to the sender (-f). The address of the client is no argument: nothing in it can be an
// option, and nobody reads it in the list of processes. Its exit code decides; what it says on the way is only logged,
// because a letter that was taken over with a warning must not be sent again.
func (p *Mailer) sendmail(ctx context.Context, program string, m Message) error {
	cmd := exec.CommandContext(ctx, program, "-t", "-i", "-f", m.From)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	// Ends of lines as programs of this interface expect them on their standard input: not all of them take CRLF.
	cmd.Stdin = bytes.NewReader(bytes.ReplaceAll(m.Bytes, []byte("\r\n"), []byte("\n")))
	said := &spoken{}
	cmd.Stdout, cmd.Stderr = said, said
	// Its own process group: what it started ends with it when the deadline passes.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for output that a delivery in the background holds open
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success() {
		err = nil
	}
	switch words := said.String(); {
	case cmd.Process == nil:
		return mtaFault("%s cannot be started: %w", program, reason(ctx, err))
	case err == nil:
		if words != "" {
			p.Log.Warningf("%s accepted a message and said: %s", program, words)
		}
		return nil
	case context.Cause(ctx) != nil:
		return mtaFault("%s was ended: %w", program, context.Cause(ctx))
	default:
		return exitFault(program, cmd.ProcessState.ExitCode(), err, words)
	}
}

// exitFault decides by the exit code of sysexits.h: a letter that is refused for what it is or for whom it is for will be
// refused again; everything else (a full disk, a wrong configuration, a queue that cannot be written) concerns every
// letter.
func exitFault(program string, code int, err error, words string) error {
	if words == "" {
		words = "it said nothing"
	}
	meaning := ""
	switch code {
	case 64:
		meaning = "usage: it does not take -t, -i or -f"
	case 65:
		meaning = "the message or an address in it was refused"
	case 67:
		meaning = "the recipient is unknown"
	case 68:
		meaning = "the recipient's host is unknown"
	case 75:
		meaning = "it failed for now"
	case 78:
		meaning = "its configuration is wrong"
	}
	if meaning != "" {
		err = fmt.Errorf("%w (%s)", err, meaning)
	}
	switch code {
	case 65, 67, 68, 75:
		return mailFault(code != 75, "%s did not accept the message: %w: %s", program, err, words)
	}
	failure := mtaFault("%s did not accept the message: %w: %s", program, err, words)
	failure.Retry = code != 64
	return failure
}

// spoken keeps the beginning of what a program says, and drops the rest.
type spoken struct{ kept bytes.Buffer }

// Write implements io.Writer.
func (s *spoken) Write(piece []byte) (int, error) {
	s.kept.Write(piece[:min(len(piece), maxSpoken-s.kept.Len())])
	return len(piece), nil
}

// String returns what was said in one line.
func (s *spoken) String() string { return printableLine(s.kept.String(), 500) }
