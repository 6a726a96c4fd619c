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

// maxOutput limits how much of the sendmail program's output is kept, in bytes.
const maxOutput = 4 << 10

// sendmail passes the message to the sendmail program: the recipient is read from the header (-t), a line with a dot does not
// end the message (-i), bounces go to the sender (-f). The client's address is not an argument, so it cannot be an option and
// does not appear in the list of processes. Only the exit code decides; output is logged, because a mail that was accepted
// with a warning must not be sent again.
func (m *Mailer) sendmail(ctx context.Context, program string, msg Message) error {
	cmd := exec.CommandContext(ctx, program, "-t", "-i", "-f", msg.From)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	// Not every sendmail program accepts CRLF on its standard input.
	cmd.Stdin = bytes.NewReader(bytes.ReplaceAll(msg.Bytes, []byte("\r\n"), []byte("\n")))
	output := &outputLimited{}
	cmd.Stdout, cmd.Stderr = output, output
	// In a process group of its own the processes that it started are killed with it at the deadline.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // a delivery in the background may keep the output open
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success() {
		err = nil
	}
	switch text := output.String(); {
	case cmd.Process == nil:
		return mtaFault("%s cannot be started: %w", program, reason(ctx, err))
	case err == nil:
		if text != "" {
			m.Log.Warningf("%s accepted a message and printed: %s", program, text)
		}
		return nil
	case context.Cause(ctx) != nil:
		return mtaFault("%s was ended: %w", program, context.Cause(ctx))
	default:
		return exitFault(program, cmd.ProcessState.ExitCode(), err, text)
	}
}

// exitFault returns the fault for an exit code (sysexits.h). A mail that is refused because of its content or recipient would
// be refused again. Other causes (a full disk, a wrong configuration, a queue that cannot be written) affect every mail.
func exitFault(program string, code int, err error, output string) error {
	if output == "" {
		output = "it printed nothing"
	}
	meaning := ""
	switch code {
	case 64:
		meaning = "usage: it does not support -t, -i or -f"
	case 65:
		meaning = "the message or an address in it was refused"
	case 67:
		meaning = "the recipient is unknown"
	case 68:
		meaning = "the recipient's host is unknown"
	case 75:
		meaning = "temporary failure"
	case 78:
		meaning = "its configuration is wrong"
	}
	if meaning != "" {
		err = fmt.Errorf("%w (%s)", err, meaning)
	}
	switch code {
	case 65, 67, 68, 75:
		return mailFault(code != 75, "%s did not accept the message: %w: %s", program, err, output)
	}
	failure := mtaFault("%s did not accept the message: %w: %s", program, err, output)
	failure.Retry = code != 64
	return failure
}

// outputLimited keeps the first maxOutput bytes of a program's output and drops the rest.
type outputLimited struct{ kept bytes.Buffer }

// Write implements io.Writer.
func (o *outputLimited) Write(piece []byte) (int, error) {
	o.kept.Write(piece[:min(len(piece), maxOutput-o.kept.Len())])
	return len(piece), nil
}

// String returns the output as one line.
func (o *outputLimited) String() string { return printableLine(o.kept.String(), 500) }
