package panel

import (
	"context"
	"errors"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
)

const (
	// maxWord is the longest argv word that Linux takes, without its ending zero byte (MAX_ARG_STRLEN, rules PANEL-2).
	maxWord = 128<<10 - 1
	// maxAnswer is how much of mgrctl's stdout is taken, in bytes; a program that says more is ended.
	maxAnswer = 16 << 20
	// maxStderr is how much of mgrctl's stderr is kept, in bytes.
	maxStderr = 64 << 10
	// maxQuoted is how much of an output is looked at for the few words that a fault shows, in bytes.
	maxQuoted = 8 << 10
	// maxSecrets is how many secrets of one answer are learned: each is looked for in every line of the log.
	maxSecrets = 64
	// retryPeriod is for how long a call that must not be lost is repeated while the panel does not answer; once a second.
	retryPeriod = 60 * time.Second
)

// errUnanswered is wrapped where the panel was not reached: nothing was executed, the call can be repeated.
var errUnanswered = errors.New("the panel does not answer")

// errNoMgrctl is wrapped where mgrctl is missing or cannot be executed: nothing was executed, and waiting does not help.
var errNoMgrctl = errors.New("mgrctl cannot be started, see whether the panel is installed under this root")

// call asks the panel and repeats what must not be lost: each second, for at most a minute (docs/reference/billmanager.md
// §1.6). Every error is a Panel about the function; it is retryable where the panel was not reached or did not end its
// answer.
func (h *Host) call(ctx context.Context, c callback) (reply, error) {
	if err := c.check(); err != nil {
		return reply{}, err
	}
	log := h.o.Log.Named("mgrctl")
	began := h.o.Now()
	for try := 1; ; try++ {
		answer, err := h.callOnce(ctx, c, log)
		if !c.kept || err == nil {
			return answer, err
		}
		if errors.Is(err, errUnanswered) && try < int(retryPeriod/time.Second) && h.o.Now().Sub(began) < retryPeriod &&
			h.o.Sleep(ctx, time.Second) == nil {
			continue
		}
		if failure := fault.From(err); failure.Retry { // not a refusal: whether it was executed, nobody knows
			log.Errorf("LOST after %d tries, repeat it by hand: mgrctl -m billmgr %s", try, c)
		}
		return answer, err
	}
}

// callOnce starts mgrctl once. Its request is logged as the panel's own modules log it, its result in one line.
func (h *Host) callOnce(ctx context.Context, c callback, log *panellog.Logger) (reply, error) {
	began := h.o.Now()
	log.Infof("QUERY: %s", c.query())
	run := h.execute(ctx, c)
	answer, err := run.classify(c.name)
	h.learnSecrets(answer)
	result := "ok"
	if err != nil {
		result = err.Error()
	}
	log.Extf("%s -> %s, %d ms", c.name, result, h.o.Now().Sub(began).Milliseconds())
	if log.Enabled(panellog.Debug) {
		log.Debugf("answer (exit code %d): %s%s", run.code, panellog.RedactXML(run.stdout), panellog.RedactXML(run.stderr))
	}
	return answer, err
}

// learnSecrets names the database's password, which paramlist tells, to the log before the answer is logged: from then on
// it is masked in whatever leaves the run.
func (h *Host) learnSecrets(answer reply) {
	var found []string
	for _, fields := range append(answer.rows, answer.fields) {
		if value := fields[settingPassword]; value != "" && len(found) < maxSecrets {
			found = append(found, value)
		}
	}
	if len(found) > 0 {
		h.o.Log.Secret(found...)
	}
}
