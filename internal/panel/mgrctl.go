package panel

import (
	"context"
	"errors"
	"time"

	"pmssl/internal/exchange"
	"pmssl/internal/fault"
	"pmssl/internal/panellog"
)

const (
	// maxWord is the longest argument that Linux accepts, in bytes without the ending zero byte (MAX_ARG_STRLEN, rules PANEL-2).
	maxWord = 128<<10 - 1
	// maxAnswer is the limit of mgrctl's stdout in bytes; a process that writes more is killed.
	maxAnswer = 16 << 20
	// maxStderr is the number of bytes of mgrctl's stderr that are kept.
	maxStderr = 64 << 10
	// maxQuoted is the number of bytes of an output that are masked and shortened for the text of a fault.
	maxQuoted = 8 << 10
	// maxSecrets is the number of secrets of one answer that are registered with the log, which searches each line for them.
	maxSecrets = 64
	// retryPeriod is how long a call that must not be lost is repeated, once a second, while the panel does not answer.
	retryPeriod = 60 * time.Second
)

// errUnanswered means that the panel was not reached: nothing was executed, and the call can be repeated.
var errUnanswered = errors.New("the panel does not answer")

// errNoMgrctl means that mgrctl is missing or cannot be executed: nothing was executed, and waiting does not help.
var errNoMgrctl = errors.New("mgrctl cannot be started, check whether the panel is installed under this root")

// call executes the call-back and returns the panel's answer. A call that must not be lost is repeated each second, for at most a
// minute (docs/reference/billmanager.md §1.6). Errors are fault.Panel with the function as object; retryable if the panel was
// not reached or its answer is incomplete.
func (h *Host) call(ctx context.Context, c callback) (reply, error) {
	if err := c.check(); err != nil {
		return reply{}, err
	}
	log := h.o.Log.Named("mgrctl")
	began := h.o.Now()
	for try := 1; ; try++ {
		answer, err := h.callOnce(ctx, c, log)
		if !c.repeat || err == nil {
			return answer, err
		}
		if errors.Is(err, errUnanswered) && try < int(retryPeriod/time.Second) && h.o.Now().Sub(began) < retryPeriod &&
			h.o.Sleep(ctx, time.Second) == nil {
			continue
		}
		if failure := fault.From(err); failure.Retry { // not a refusal: the call may have been executed or not
			log.Errorf("LOST after %d tries, repeat it by hand: mgrctl -m billmgr %s", try, c)
		}
		return answer, err
	}
}

// callOnce starts mgrctl once. It logs the request as the panel's own modules do, and the result in one line.
func (h *Host) callOnce(ctx context.Context, c callback, log *panellog.Logger) (reply, error) {
	began := h.o.Now()
	log.Infof("QUERY: %s", c.query())
	run := h.execute(ctx, c)
	answer, err := run.classify(c.name)
	h.observe(c.name, run)
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

// observe tells the observer about one start of mgrctl.
func (h *Host) observe(function string, run execution) {
	if h.o.Observer == nil {
		return
	}
	answer, unreadable := parseReply(run.stdout)
	h.o.Observer.PanelCall(exchange.PanelCall{
		Function: function, ExitCode: run.code, Answered: unreadable == nil, Refused: unreadable == nil && answer.refusal != nil,
	})
}

// learnSecrets registers the database password in the answer of paramlist as a secret before the answer is logged. From then on
// it is masked in all output.
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
