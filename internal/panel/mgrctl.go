package panel

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"pmssl/internal/cert"
	"pmssl/internal/mgrlog"
)

const (
	// maxWord is the longest argv word that Linux takes, without its ending zero byte (MAX_ARG_STRLEN, contract 6).
	maxWord = 128<<10 - 1
	// maxAnswer is how much of mgrctl's stdout is taken, in bytes; a program that says more is ended.
	maxAnswer = 16 << 20
	// maxSpoken is how much of mgrctl's stderr is kept, in bytes.
	maxSpoken = 64 << 10
	// keepTrying is for how long a call that must not be lost is repeated while the panel does not answer; once a second.
	keepTrying = 60 * time.Second
)

// pair is one parameter of a call-back.
type pair struct{ name, value string }

func item(id int64) pair { return pair{"elid", strconv.FormatInt(id, 10)} }

// sok says that a form is submitted, not looked at (protocol §5.2).
func sok() pair { return pair{"sok", "ok"} }

// callback is one call of a panel function.
type callback struct {
	name   string
	params []pair
	// secret is a parameter that travels in the child's environment instead of its argv (contract 6).
	secret *pair
	// kept calls must not be lost: they are repeated while the panel does not answer.
	kept bool
}

// words are the function and its parameters as argv words, without the secret one.
func (c callback) words() []string {
	words := []string{c.name}
	for _, p := range c.params {
		words = append(words, p.name+"="+p.value)
	}
	return words
}

// String is the call as an administrator would repeat it, secrets replaced and long values cut.
func (c callback) String() string { return c.spell(200) }

func (c callback) spell(longest int) string {
	words := mgrlog.RedactArgs(c.words())
	if c.secret != nil {
		words = append(words, c.secret.name+"=***")
	}
	for i, word := range words {
		if len(word) > longest {
			word = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(word[:longest], ""), len(word))
		}
		if strings.ContainsAny(word, " \t\r\n\"'\\$`<>|&;()*?") {
			word = strconv.Quote(word)
		}
		words[i] = word
	}
	return strings.Join(words, " ")
}

// check refuses what execve would refuse, or cut, with a clear fault before anything is started.
func (c callback) check() error {
	for _, p := range c.params {
		word := p.name + "=" + p.value
		switch {
		case len(word) > maxWord:
			return cert.Faultf(cert.FaultPanel, c.name, "parameter %s has %d bytes, mgrctl takes at most %d in one argument", p.name, len(p.value), maxWord-len(p.name)-1)
		case strings.ContainsRune(word, 0):
			return cert.Faultf(cert.FaultPanel, c.name, "parameter %s holds a zero byte, which cannot be passed to mgrctl", p.name)
		case !utf8.ValidString(word):
			return cert.Faultf(cert.FaultPanel, c.name, "parameter %s is not UTF-8, which the panel wants", p.name)
		}
	}
	return nil
}

// errUnanswered is wrapped where the panel was not reached: nothing was executed, the call can be repeated.
var errUnanswered = errors.New("the panel does not answer")

// call asks the panel and repeats what must not be lost: each second, for at most a minute (protocol §1.6). Every error
// is a FaultPanel about the function; it is retryable where the panel was not reached or did not end its answer.
func (h *Host) call(ctx context.Context, c callback) (reply, error) {
	if err := c.check(); err != nil {
		return reply{}, err
	}
	log := h.o.Log.Room("mgrctl")
	began := h.o.Now()
	for try := 1; ; try++ {
		answer, err := h.once(ctx, c, log)
		if !c.kept || err == nil {
			return answer, err
		}
		if errors.Is(err, errUnanswered) && try < int(keepTrying/time.Second) && h.o.Now().Sub(began) < keepTrying &&
			h.o.Sleep(ctx, time.Second) == nil {
			continue
		}
		if fault := cert.FaultOf(err); fault.Retry { // not a refusal: whether it was executed, nobody knows
			log.Errorf("LOST after %d tries, repeat it by hand: mgrctl -m billmgr %s: %v", try, c.spell(maxWord), err)
		}
		return answer, err
	}
}

// once is one start of mgrctl, logged in one line.
func (h *Host) once(ctx context.Context, c callback, log *mgrlog.Logger) (reply, error) {
	began := h.o.Now()
	run := h.execute(ctx, c)
	answer, err := run.judge(c.name)
	h.learnSecrets(answer)
	result := "ok"
	if err != nil {
		result = err.Error()
	}
	log.Extf("%s -> %s, %d ms", c, result, h.o.Now().Sub(began).Milliseconds())
	if log.Enabled(mgrlog.Debug) {
		log.Debugf("request: mgrctl -m billmgr -o xml %s", c.spell(maxWord))
		log.Debugf("answer (exit code %d): %s%s", run.code, mgrlog.RedactXML(run.stdout), mgrlog.RedactForm(string(run.stderr)))
	}
	return answer, err
}

// learnSecrets names what paramlist told to the log before the answer is logged.
func (h *Host) learnSecrets(answer reply) {
	for _, row := range answer.rows {
		h.o.Log.Secret(row[settingPassword])
	}
}

// execution is what a start of mgrctl gave.
type execution struct {
	stdout, stderr []byte
	code           int
	started        bool
	overfull       bool  // stdout was cut at maxAnswer
	broken         error // why it was ended by us, nil where it ended by itself
	err            error // how it ended, nil for exit code 0
}

func (h *Host) execute(ctx context.Context, c callback) execution {
	late := fmt.Errorf("no answer within %s", h.limits.callback)
	ctx, cancel := context.WithTimeoutCause(ctx, h.limits.callback, late)
	defer cancel()
	words := append([]string{"-m", "billmgr", "-o", "xml"}, c.words()...)
	env := h.childEnv()
	if c.secret != nil {
		name, err := h.variable()
		if err != nil {
			return execution{err: err}
		}
		h.o.Log.Secret(c.secret.value)
		env = append(env, name+"="+c.secret.value)
		words = append(words, "-e", c.secret.name+"=$"+name)
	}
	cmd := exec.CommandContext(ctx, h.path("sbin/mgrctl"), words...)
	cmd.Dir, cmd.Env = h.o.Root, env
	// Its own process group: what mgrctl started ends with it when the deadline passes.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second // for output that a stray grandchild holds open
	stdout, stderr := &bounded{most: maxAnswer, strict: true}, &bounded{most: maxSpoken}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success() {
		err = nil // mgrctl itself ended well, only something that it started kept its output open
	}
	run := execution{
		stdout: stdout.kept.Bytes(), stderr: stderr.kept.Bytes(), code: cmd.ProcessState.ExitCode(),
		started: cmd.Process != nil, overfull: stdout.full, err: err,
	}
	if err != nil {
		run.broken = context.Cause(ctx)
	}
	return run
}

// childEnv is the environment of mgrctl: ours, and our name where the panel logs its caller (protocol §5.1).
func (h *Host) childEnv() []string {
	var env []string
	for _, variable := range h.o.Environ {
		if !strings.HasPrefix(variable, "SSH_CONNECTION=") {
			env = append(env, variable)
		}
	}
	return append(env, "SSH_CONNECTION="+h.o.Binary)
}

// variable is a fresh name of an environment variable.
func (h *Host) variable() (string, error) {
	random := make([]byte, 8)
	if _, err := io.ReadFull(h.o.Rand, random); err != nil {
		return "", fmt.Errorf("choosing a variable's name: %w", err)
	}
	return "PMSSL_" + strings.ToUpper(hex.EncodeToString(random)), nil
}

// judge turns what mgrctl gave into an answer: both its exit code and the document are looked at (protocol §5.1).
func (r execution) judge(function string) (reply, error) {
	fault := func(format string, args ...any) *cert.Fault {
		return cert.Faultf(cert.FaultPanel, function, format, args...)
	}
	switch {
	case !r.started:
		return reply{}, fault("mgrctl cannot be started: %w", errors.Join(errUnanswered, r.err)).Again()
	case r.broken != nil:
		return reply{}, fault("mgrctl was ended, whether the panel did it is not known: %w", r.broken).Again()
	case r.overfull:
		return reply{}, fault("the panel's answer is longer than %d bytes", maxAnswer).Again()
	}
	answer, err := parseReply(r.stdout)
	refused := answer.refusal
	if err != nil {
		refused = parseSpokenRefusal(string(r.stderr))
	}
	switch {
	case refused != nil && refused.unanswered():
		return reply{}, fault("%w: %s", errUnanswered, refused).Again()
	case refused != nil:
		return reply{}, fault("the panel refused %s: %s", function, clip(refused.String(), 2000))
	case r.err != nil:
		return reply{}, fault("mgrctl failed: %w: %s", r.err, r.spoken()).Again()
	case err != nil:
		return reply{}, fault("%w: %s", err, r.spoken()).Again()
	}
	return answer, nil
}

// spoken is what mgrctl said to people, for the text of a fault.
func (r execution) spoken() string {
	text := strings.TrimSpace(string(r.stderr))
	if text == "" {
		text = strings.TrimSpace(string(r.stdout))
	}
	if text == "" {
		return "it said nothing"
	}
	return clip(mgrlog.RedactXML([]byte(strings.ToValidUTF8(text, "?"))), 500)
}

// clip cuts a text for people.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// bounded keeps the first bytes that are written to it. A strict one refuses more, which ends the writer; another one
// drops it.
type bounded struct {
	kept   bytes.Buffer
	most   int
	strict bool
	full   bool
}

func (b *bounded) Write(text []byte) (int, error) {
	room := b.most - b.kept.Len()
	if room >= len(text) {
		return b.kept.Write(text)
	}
	b.kept.Write(text[:room])
	b.full = true
	if b.strict {
		return room, io.ErrShortWrite
	}
	return len(text), nil
}
