package panel

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"pmssl/internal/fault"
	"pmssl/internal/mgrctl"
	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
)

// execution is the result of one start of mgrctl.
type execution struct {
	stdout, stderr []byte
	code           int
	started        bool
	outputTooLong  bool           // stdout exceeded maxAnswer
	endCause       error          // why this module killed it; nil if it ended by itself
	runEnded       bool           // it was killed because the run ended
	signal         syscall.Signal // that ended it, 0 for none
	err            error          // how it ended, nil for exit code 0
	// mask hides the run's secrets in what is quoted of the output.
	mask func(string) string
}

// execute starts mgrctl with the call, waits for its end and returns the result.
func (h *Host) execute(ctx context.Context, c callback) execution {
	late := fmt.Errorf("no answer within %s", h.limits.callback)
	ctx, cancel := context.WithTimeoutCause(ctx, h.limits.callback, late)
	defer cancel()
	words := append([]string{"-m", "billmgr", "-o", "xml"}, c.words()...)
	env := h.o.Environ
	if c.secret != nil {
		name, err := h.variable()
		if err != nil {
			return execution{err: err, mask: h.o.Log.Mask}
		}
		h.o.Log.Secret(c.secret.value)
		env = append(slices.Clone(env), name+"="+c.secret.value)
		words = append(words, "-e", c.secret.name+"=$"+name)
	}
	got := mgrctl.Run(ctx, mgrctl.Call{Root: h.o.Root, Words: words, Environ: env, Caller: h.o.Binary, MaxOutput: maxAnswer, MaxErrors: maxStderr})
	run := execution{
		stdout: got.Stdout, stderr: got.Stderr, code: got.State.ExitCode(),
		started: got.Started, outputTooLong: got.TooLong, err: got.Err, mask: h.o.Log.Mask,
	}
	if got.State != nil {
		if status, ok := got.State.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			run.signal = status.Signal()
		}
	}
	if got.Err != nil {
		run.endCause, run.runEnded = context.Cause(ctx), errors.Is(ctx.Err(), context.Canceled)
	}
	return run
}

// variable returns a random name for an environment variable.
func (h *Host) variable() (string, error) {
	random := make([]byte, 8)
	if _, err := io.ReadFull(h.o.Rand, random); err != nil {
		return "", fmt.Errorf("choosing a variable's name: %w", err)
	}
	return "PMSSL_" + strings.ToUpper(hex.EncodeToString(random)), nil
}

// classify returns the answer or the fault, by both the exit code and the document of mgrctl (docs/reference/billmanager.md
// §5.1).
func (r execution) classify(function string) (reply, error) {
	failure := func(format string, args ...any) *fault.Error {
		return fault.Errorf(fault.Panel, function, format, args...)
	}
	if err := r.unfinished(function); err != nil {
		return reply{}, err
	}
	answer, err := parseReply(r.stdout)
	refused := answer.refusal
	if err != nil {
		if said, found := mgrctl.ParseRefusal(string(r.stderr)); found {
			refused = &refusal{kind: said.Kind, object: said.Object, value: said.Value}
		}
	}
	switch {
	case refused != nil && refused.unanswered():
		return reply{}, failure("%w: %s", errUnanswered, r.quote(refused.String())).Retryable()
	case refused != nil:
		return reply{}, failure("the panel refused %s: %s", function, r.quote(refused.String()))
	case r.err != nil:
		return reply{}, failure("mgrctl failed: %w: %s", r.err, r.outputText()).Retryable()
	case err != nil:
		return reply{}, failure("%w: %s", err, r.outputText()).Retryable()
	}
	return answer, nil
}

// unfinished returns the fault of an execution without a complete answer; nil if the answer is complete.
func (r execution) unfinished(function string) error {
	failure := func(format string, args ...any) error {
		return fault.Errorf(fault.Panel, function, format, args...).Retryable()
	}
	switch {
	case !r.started && permanent(r.err):
		return failure("%w: %w", errNoMgrctl, r.err)
	case !r.started:
		return failure("mgrctl cannot be started: %w: %w", errUnanswered, r.err)
	case r.terminated():
		return fault.Errorf(fault.Interrupted, function, "mgrctl was ended by a signal, whether the panel executed the call is not known: %w", cmp.Or(r.endCause, r.err)).Retryable()
	case r.endCause != nil:
		return failure("mgrctl was killed, whether the panel executed the call is not known: %w", r.endCause)
	case r.outputTooLong:
		return failure("the panel's answer is longer than %d bytes", maxAnswer)
	}
	return nil
}

// terminated reports whether mgrctl ended because the run was ended, or by a termination signal of its own: stopping the panel
// sends the signal to all processes of the service, in any order.
func (r execution) terminated() bool {
	return r.runEnded ||
		r.endCause == nil && slices.Contains([]syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}, r.signal)
}

// permanent reports whether a later start would fail too: the file is missing, may not be executed or is not a program. Other
// errors may pass: no memory or process is free, or the file is being replaced.
func permanent(err error) bool {
	for _, cause := range []error{fs.ErrNotExist, fs.ErrPermission, syscall.ENOTDIR, syscall.ENOEXEC, syscall.EISDIR, syscall.ELOOP} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// quote returns a text of the panel on one line for the text of a fault. It masks secrets before it shortens the text, because
// half of a secret would not be found.
func (r execution) quote(text string) string {
	return plaintext.Clip(plaintext.CollapseSpace(r.mask(text)), 2000)
}

// outputText returns mgrctl's stderr, or its stdout if stderr is empty, shortened for the text of a fault.
func (r execution) outputText() string {
	text := strings.TrimSpace(string(r.stderr))
	if text == "" {
		text = strings.TrimSpace(string(r.stdout))
	}
	if text == "" {
		return "it printed nothing"
	}
	// Shortened before masking too: a fault shows a few words, and masking 16 MiB would be slow.
	text = strings.ToValidUTF8(text[:min(len(text), maxQuoted)], "?")
	return plaintext.Clip(r.quote(panellog.RedactText(text)), 500)
}
