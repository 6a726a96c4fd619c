package notify_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/notify"
	"pmssl/internal/seller"
)

// program is a fake sendmail program that records what it gets.
type program struct{ dir, path string }

// fakeSendmail returns a program that records its arguments, its environment and its standard input and then runs the script,
// in which $dir is the program's folder.
func fakeSendmail(t testing.TB, script string) program {
	dir := t.TempDir()
	p := program{dir, filepath.Join(dir, "sendmail")}
	text := "#!/bin/sh\ndir='" + dir + "'\nprintf '%s\\n' \"$@\" >\"$dir/args\"\nenv >\"$dir/env\"\npwd >\"$dir/pwd\"\ncat >\"$dir/stdin\"\n" + script + "\n"
	require.NoError(t, os.WriteFile(p.path, []byte(text), 0o755))
	return p
}

func (p program) kept(t testing.TB, name string) string {
	content, err := os.ReadFile(filepath.Join(p.dir, name))
	require.NoError(t, err)
	return string(content)
}

func (p program) stdin(t testing.TB) string { return p.kept(t, "stdin") }

func TestSendmailGetsTheMailOnItsInput(t *testing.T) {
	program := fakeSendmail(t, "exit 0")
	p := sendMail(t)
	p.Sendmail = []string{program.path}
	require.NoError(t, p.Send(t.Context(), noticeData(notify.KindProve, "en")))

	assert.Equal(t, "-t\n-i\n-f\nnoreply@hosting.example\n", program.kept(t, "args"),
		"the client's address is in the header only: it cannot be an option and is not in the list of processes")
	assert.NotContains(t, program.stdin(t), "\r")
	assert.Contains(t, program.stdin(t), "\nTo: \"Anna Example\" <anna@client.example>\n")
	assert.Equal(t, "/\n", program.kept(t, "pwd"))
	for line := range strings.Lines(program.kept(t, "env")) {
		name, _, _ := strings.Cut(line, "=")
		assert.Contains(t, []string{"PATH", "LC_ALL", "PWD", "OLDPWD", "_", "SHLVL"}, name, "no variable of the panel's environment")
	}
}

func TestTheFirstSendmailThatExistsIsTaken(t *testing.T) {
	first, second := fakeSendmail(t, "exit 0"), fakeSendmail(t, "exit 0")
	plain := filepath.Join(t.TempDir(), "not-executable")
	require.NoError(t, os.WriteFile(plain, nil, 0o644))
	p := sendMail(t)
	p.Sendmail = []string{filepath.Join(t.TempDir(), "missing"), t.TempDir(), plain, first.path, second.path}
	require.NoError(t, p.Send(t.Context(), noticeData(notify.KindProve, "en")))
	assert.NotEmpty(t, first.stdin(t))
	assert.NoFileExists(t, filepath.Join(second.dir, "stdin"))
}

func TestSendmailIsLookedForWhereMTAsPutIt(t *testing.T) {
	assert.Equal(t, []string{"/usr/sbin/sendmail", "/usr/lib/sendmail"}, notify.DefaultSendmail())
	assert.Equal(t, "127.0.0.1:25", notify.DefaultSMTPAddr)
}

func TestSendmailsExitCodeDecides(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		says   []string
		again  bool
		object string // recipient: only this mail is affected; mail: every mail is
	}{
		"temporary failure":  {"echo 'queue is full' >&2; exit 75", []string{"exit status 75", "temporary failure", "queue is full"}, true, "recipient"},
		"unknown recipient":  {"echo 'no such user' >&2; exit 67", []string{"exit status 67", "recipient is unknown", "no such user"}, false, "recipient"},
		"unknown host":       {"exit 68", []string{"exit status 68", "host is unknown", "it printed nothing"}, false, "recipient"},
		"refused mail":       {"exit 65", []string{"exit status 65", "was refused"}, false, "recipient"},
		"other options":      {"exit 64", []string{"exit status 64", "usage"}, false, "mail"},
		"wrong settings":     {"exit 78", []string{"exit status 78", "configuration"}, true, "mail"},
		"no service":         {"exit 69", []string{"exit status 69"}, true, "mail"},
		"any other":          {"echo on stdout; exit 1", []string{"exit status 1", "on stdout"}, true, "mail"},
		"ended by a signal":  {"kill -9 $$", []string{"signal: killed"}, true, "mail"},
		"words in many rows": {"printf 'one\\ntwo\\033[31m\\0three' >&2; exit 75", []string{"one two[31mthree"}, true, "recipient"},
	} {
		t.Run(name, func(t *testing.T) {
			p := sendMail(t)
			p.Sendmail = []string{fakeSendmail(t, c.script).path}
			failure := fault.From(p.Send(t.Context(), noticeData(notify.KindProve, "en")))
			require.NotNil(t, failure)
			assert.Equal(t, fault.Client, failure.Type)
			assert.Equal(t, c.object, failure.Object)
			assert.Equal(t, c.again, failure.Retry)
			for _, words := range append(c.says, p.Sendmail[0]) {
				assert.Contains(t, failure.Message, words)
			}
		})
	}
}

// A mail that was accepted with a warning must not be sent again.
func TestAMailAcceptedWithAWarningIsSent(t *testing.T) {
	p := sendMail(t)
	p.Sendmail = []string{fakeSendmail(t, "echo 'warning: cannot find my own name' >&2; exit 0").path}
	require.NoError(t, p.Send(t.Context(), noticeData(notify.KindProve, "en")))
	assert.Contains(t, strings.Join(p.Log.Tail(10), "\n"), "cannot find my own name")
}

func TestTheOutputOfSendmailIsLimited(t *testing.T) {
	p := sendMail(t)
	p.Sendmail = []string{fakeSendmail(t, "head -c 10000000 /dev/zero | tr '\\0' x >&2; exit 75").path}
	failure := fault.From(p.Send(t.Context(), noticeData(notify.KindProve, "en")))
	require.NotNil(t, failure)
	assert.Less(t, len(failure.Message), 1000)
}

func TestTheExitCodeDecidesIfSendmailDoesNotReadItsInput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sendmail")
	f := noticeData(notify.KindProve, "en")
	f.Challenges = nil
	for range 250 {
		f.Challenges = append(f.Challenges, seller.Challenge{Method: seller.MethodDNS, Target: strings.Repeat("x", 900) + string(rune('a'+len(f.Challenges)%26)) + strings.Repeat("y", len(f.Challenges)/26)})
	}
	p := sendMail(t)
	p.Sendmail = []string{file}
	require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\nexit 75\n"), 0o755))
	assert.ErrorContains(t, p.Send(t.Context(), f), "exit status 75")
}

func TestSendmailThatCannotBeStartedIsReported(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sendmail")
	require.NoError(t, os.WriteFile(file, []byte("#!/nonexistent/interpreter\n"), 0o755))
	p := sendMail(t)
	p.Sendmail = []string{file}
	failure := fault.From(p.Send(t.Context(), noticeData(notify.KindProve, "en")))
	require.NotNil(t, failure)
	assert.Contains(t, failure.Message, "cannot be started")
	assert.ErrorIs(t, failure, os.ErrNotExist)
	assert.True(t, failure.Retry)
}

func TestSendmailIsKilledWithItsChildren(t *testing.T) {
	program := fakeSendmail(t, `exec 3>"$dir/alive"; sleep 1000 & echo started >&3; wait`)
	pipe := filepath.Join(program.dir, "alive")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	p := sendMail(t)
	p.Sendmail = []string{program.path}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	stopped := errors.New("the command was told to stop")
	sent := make(chan error, 1)
	go func() { sent <- p.Send(ctx, noticeData(notify.KindProve, "en")) }()

	alive, err := os.Open(pipe)
	require.NoError(t, err)
	defer alive.Close()
	started := make([]byte, len("started\n"))
	_, err = io.ReadFull(alive, started)
	require.NoError(t, err)
	cancel(stopped)
	err = <-sent
	assert.ErrorIs(t, err, stopped)
	assert.Equal(t, fault.Interrupted, fault.From(err).Type, "rules RUN-1")
	assert.True(t, fault.From(err).Retry)
	_, err = io.ReadAll(alive) // ends when every process has closed the other end
	assert.NoError(t, err)
}

// Some MTAs deliver in a child process that keeps the output open. The mail is accepted when the program itself has ended.
func TestADeliveryInTheBackgroundIsNotWaitedFor(t *testing.T) {
	program := fakeSendmail(t, `(read line <"$dir/end") & exit 0`)
	pipe := filepath.Join(program.dir, "end")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	end, err := os.OpenFile(pipe, os.O_RDWR, 0)
	require.NoError(t, err)
	defer func() {
		_, err := end.WriteString("end\n") // the child reads it and is gone
		assert.NoError(t, err)
		assert.NoError(t, end.Close())
	}()
	p := sendMail(t)
	p.Sendmail = []string{program.path}
	assert.NoError(t, p.Send(t.Context(), noticeData(notify.KindProve, "en")))
}

func TestSendmailHasUntilTheTimeout(t *testing.T) {
	program := fakeSendmail(t, `sleep 1000`)
	p := sendMail(t)
	p.Sendmail, p.Timeout = []string{program.path}, 1
	err := p.Send(t.Context(), noticeData(notify.KindProve, "en"))
	assert.ErrorContains(t, err, "did not accept the message within 1ns")
	assert.True(t, fault.From(err).Retry)
}
