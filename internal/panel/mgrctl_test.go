package panel_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/panel"
	"pmssl/internal/panellog"
)

// docs/reference/billmanager.md §5.1 and §5.2.
func TestArgumentsOfEachCallback(t *testing.T) {
	for name, c := range map[string]struct {
		call func(ctx context.Context, h *panel.Host) error
		want []string
	}{
		"saveparam form A": {func(ctx context.Context, h *panel.Host) error {
			return h.SaveParam(ctx, 42, "auth_dnstxt_value", "a=b <c>\nж")
		}, []string{"service.saveparam", "sok=ok", "elid=42", "name=auth_dnstxt_value", "value=a=b <c>\nж", "crypted=off"}},
		"setstatus": {func(ctx context.Context, h *panel.Host) error {
			return h.SetStatus(ctx, 42, item.ServiceIssued)
		}, []string{"service.setstatus", "elid=42", "service_status=5", "sok=ok"}},
		"setexpiredate": {func(ctx context.Context, h *panel.Host) error {
			return h.SetExpireDate(ctx, 42, cabforum.Date{Year: 2026, Month: 10, Day: 19})
		}, []string{"service.setexpiredate", "elid=42", "expiredate=2026-10-19", "sok=ok"}},
		"certificate.save PEM": {func(ctx context.Context, h *panel.Host) error {
			return h.SaveCertificatePEM(ctx, 42, "-----BEGIN\n")
		}, []string{"certificate.save", "elid=42", "crt=-----BEGIN\n", "sok=ok"}},
		"certificate.save ZIP": {func(ctx context.Context, h *panel.Host) error {
			return h.SaveCertificateZIP(ctx, 42, []byte("PK\x03\x04"))
		}, []string{"certificate.save", "elid=42", "crt_type=zip", "crt=" + base64.StdEncoding.EncodeToString([]byte("PK\x03\x04")), "sok=ok"}},
		"certificate.open":   {func(ctx context.Context, h *panel.Host) error { return h.OpenCertificate(ctx, 42) }, []string{"certificate.open", "elid=42", "sok=ok"}},
		"certificate.failed": {func(ctx context.Context, h *panel.Host) error { return h.FailCertificate(ctx, 42) }, []string{"certificate.failed", "elid=42", "sok=ok"}},
		"post":               {func(ctx context.Context, h *panel.Host) error { return h.Post(ctx, 42, "reopen") }, []string{"service.postreopen", "elid=42", "sok=ok"}},
		"edit operation": {func(ctx context.Context, h *panel.Host) error {
			return h.EditOperation(ctx, 7, "<doc/>")
		}, []string{"runningoperation.edit", "sok=ok", "elid=7", "errorxml=<doc/>"}},
		"setmanual": {func(ctx context.Context, h *panel.Host) error { return h.SetManual(ctx, 7) }, []string{"runningoperation.setmanual", "elid=7", "sok=ok"}},
		"task.edit": {func(ctx context.Context, h *panel.Host) error {
			return h.EditTask(ctx, 42, 7, "3", "look")
		}, []string{"task.edit", "item=42", "sok=ok", "runningoperation=7", "type=3", "params=look"}},
		"task.edit without operation": {func(ctx context.Context, h *panel.Host) error {
			return h.EditTask(ctx, 42, 0, "3", "look")
		}, []string{"task.edit", "item=42", "sok=ok", "type=3", "params=look"}},
		"problems.register": {func(ctx context.Context, h *panel.Host) error {
			return h.RegisterProblem(ctx, "processingmodule_connect", 5, "NC", "no answer")
		}, []string{"problems.register", "name=processingmodule_connect", "id=5", "param_pm_name=NC", "param_pm_id=5", "param_errormsg=no answer", "sok=ok", "level=error"}},
		"rollback": {func(ctx context.Context, h *panel.Host) error { return h.RollbackPricelist(ctx, 42) }, []string{"service.changepricelist.rollback", "sok=ok", "elid=42"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			require.NoError(t, c.call(t.Context(), w.Host))
			calls := w.calls()
			require.Len(t, calls, 1)
			assert.Equal(t, c.want, calls[0].Args)
			assert.Equal(t, []string{"-m", "billmgr", "-o", "xml"}, calls[0].Head)
			assert.Equal(t, binary, calls[0].Caller, "SSH_CONNECTION names the caller")
			assert.Equal(t, w.root, calls[0].Folder)
			assert.Contains(t, w.logged(), " mgrctl EXT "+calls[0].Args[0]+" ")
		})
	}
}

func TestInvalidCallbacksAreNotSent(t *testing.T) {
	w := newFixture(t)
	assert.Error(t, w.SetExpireDate(t.Context(), 42, cabforum.Date{}))
	assert.Error(t, w.Post(t.Context(), 42, "office"))
	assert.Empty(t, w.calls())
}

func TestTaskTypeIsReadFromTheForm(t *testing.T) {
	w := newFixture(t)
	w.behave("task.gettype", step{Stdout: "<doc><task_type>open_certificate</task_type></doc>"}, step{Stdout: "<doc><ok/></doc>"})
	kind, err := w.TaskType(t.Context(), "open", 42)
	require.NoError(t, err)
	assert.Equal(t, "open_certificate", kind)
	kind, err = w.TaskType(t.Context(), "open", 42)
	require.NoError(t, err)
	assert.Empty(t, kind)
	assert.Equal(t, "task.gettype operation=open item=42", w.callLines()[0])
}

// docs/reference/billmanager.md §5.1: both the exit code and the document decide.
func TestRefusalIsAFaultWithThePanelsWords(t *testing.T) {
	for name, c := range map[string]struct {
		step  step
		words []string
		retry bool
	}{
		"error document, exit code 0": {step{Stdout: refusalXML("missed", "item", "42", "No such item")}, []string{"No such item", "missed"}, false},
		"error document, exit code 1": {step{Stdout: refusalXML("access", "", "", "Not enough rights"), Code: 1}, []string{"Not enough rights"}, false},
		"text error":                  {step{Stderr: "ERROR Error: Type: 'value' Object: 'elid' Value: '42'\n", Code: 1}, []string{"type value, object elid, value 42"}, false},
		"exit code alone":             {step{Stdout: okAnswer, Stderr: "boom\n", Code: 3}, []string{"exit status 3", "boom"}, true},
		"nothing at all":              {step{Stdout: "\n"}, []string{"empty"}, true},
		"garbage":                     {step{Stdout: "<html>oops"}, []string{"html"}, true},
		"document type":               {step{Stdout: "<!DOCTYPE doc><doc/>"}, []string{"refused"}, true},
		"a flood":                     {step{Stdout: "<doc>", Flood: panel.MaxAnswer}, []string{"longer than"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			w.behave("service.setstatus", c.step)
			err := w.SetStatus(t.Context(), 42, item.ServiceRequested)
			require.Error(t, err)
			failure := fault.From(err)
			assert.Equal(t, fault.Panel, failure.Type)
			assert.Equal(t, "service.setstatus", failure.Object)
			assert.Equal(t, c.retry, failure.Retry, "a refusal is permanent, every other failure may pass")
			for _, word := range c.words {
				assert.Contains(t, failure.Message, word)
			}
			assert.Len(t, w.calls(), 1, "a call is repeated only if the panel does not answer")
			assert.Equal(t, c.retry, strings.Contains(w.logged(), "LOST"), "a call that may be lost is logged, a refused one is not")
		})
	}
}

var notRunning = step{Stdout: refusalXML("client", "open", "billmgr", "Failed to connect")}

// docs/reference/billmanager.md §1.6.
func TestCallIsRepeatedEachSecondWhileThePanelDoesNotAnswer(t *testing.T) {
	w := newFixture(t)
	textError := step{Stderr: "ERROR Error: Type: 'client' Object: 'open' Value: 'billmgr'\n", Code: 1}
	w.behave("service.setstatus", notRunning, textError, notRunning, step{Stdout: okAnswer})
	require.NoError(t, w.SetStatus(t.Context(), 42, item.ServiceRequested))
	assert.Len(t, w.calls(), 4)
	assert.Equal(t, []time.Duration{time.Second, time.Second, time.Second}, w.sleeps)
	assert.NotContains(t, w.logged(), "LOST")
}

func TestCallLostAfterAMinuteIsLogged(t *testing.T) {
	w := newFixture(t)
	w.behave("service.saveparam", notRunning)
	err := w.SaveParam(t.Context(), 42, "custom_order_id", "1001")
	require.Error(t, err)
	assert.Equal(t, fault.Panel, fault.From(err).Type)
	assert.True(t, fault.From(err).Retry)
	assert.Len(t, w.sleeps, 59, "sixty tries, a second apart")
	assert.Contains(t, w.logged(), "ERROR LOST after 60 tries, repeat it by hand: mgrctl -m billmgr service.saveparam sok=ok elid=42 name=custom_order_id value=1001 crypted=off")
}

// A lost call is logged as a command line for bash, which repeats it.
func TestLostCallCanBePastedIntoBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	w := newFixture(t)
	require.NoError(t, os.Remove(filepath.Join(w.root, "sbin/mgrctl")))
	const value = "a 'b' \"c\" $HOME `id` \\n \n\t<ж> {x,y} !!"
	require.Error(t, w.SaveParam(t.Context(), 42, "auth_dnstxt_value", value))
	_, line, found := strings.Cut(w.logged(), "repeat it by hand: mgrctl -m billmgr ")
	require.True(t, found)
	line, _, _ = strings.Cut(line, "\n")
	out, err := exec.Command(bash, "-c", "printf '%s\\0' "+line).Output()
	require.NoError(t, err)
	assert.Equal(t, []string{"service.saveparam", "sok=ok", "elid=42", "name=auth_dnstxt_value", "value=" + value, "crypted=off"},
		strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"))
}

func TestRetriesEndWithTheRun(t *testing.T) {
	w := newFixture(t)
	w.behave("service.setstatus", step{Stdout: notRunning.Stdout, Code: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, w.SetStatus(ctx, 42, item.ServiceRequested))
	assert.Len(t, w.sleeps, 1)
	assert.Contains(t, w.logged(), "LOST after 1 tries")
}

// Waiting does not help if mgrctl cannot be started: the lost call is logged at once.
func TestMgrctlThatCannotBeStartedIsNotRetried(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"missing":          os.Remove,
		"no program":       func(path string) error { return replace(path, "no program\n", 0o755) },
		"not executable":   func(path string) error { return replace(path, "#!/bin/sh\n", 0o644) },
		"a folder":         func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) },
		"a link to itself": func(path string) error { return errors.Join(os.Remove(path), os.Symlink(path, path)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			require.NoError(t, spoil(filepath.Join(w.root, "sbin/mgrctl")))
			err := w.SaveParam(t.Context(), 42, "custom_order_id", "1001")
			require.Error(t, err)
			assert.Equal(t, fault.Panel, fault.From(err).Type)
			assert.True(t, fault.From(err).Retry, "nothing was executed")
			assert.Contains(t, err.Error(), "mgrctl cannot be started, check whether")
			assert.NotContains(t, err.Error(), "\n")
			assert.Empty(t, w.sleeps)
			assert.Contains(t, w.logged(), "LOST after 1 tries")
		})
	}
}

// replace puts another file in the place of one.
func replace(path, text string, mode os.FileMode) error {
	return errors.Join(os.Remove(path), os.WriteFile(path, []byte(text), mode))
}

// rules RUN-1: stopping the panel sends the signal to mgrctl too, in any order.
func TestMgrctlEndedByASignalIsInterrupted(t *testing.T) {
	caught := make(chan os.Signal, 1) // so that mgrctl does not ignore it where the tests run under nohup
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	for name, row := range map[string]struct {
		signal string // that mgrctl ends by; empty for the end of the run
		want   string
	}{
		"SIGTERM to mgrctl":  {"TERM", fault.Interrupted},
		"SIGINT to mgrctl":   {"INT", fault.Interrupted},
		"SIGHUP to mgrctl":   {"HUP", fault.Interrupted},
		"SIGKILL to mgrctl":  {"KILL", fault.Panel},
		"SIGSEGV of mgrctl":  {"SEGV", fault.Panel},
		"the end of the run": {"", fault.Interrupted},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			script := "#!/bin/sh\nkill -" + row.signal + " $$\n"
			if row.signal == "" {
				script = "#!/bin/sh\n: > started\nexec sleep 60\n" // in its working directory, the root
				go func() {
					for {
						if _, err := os.Stat(filepath.Join(w.root, "started")); err == nil || ctx.Err() != nil {
							break
						}
						runtime.Gosched()
					}
					cancel(errors.New("signal terminated"))
				}()
			}
			require.NoError(t, replace(filepath.Join(w.root, "sbin", "mgrctl"), script, 0o755))
			failure := fault.From(w.SetStatus(ctx, 42, item.ServiceRequested))
			require.NotNil(t, failure)
			assert.Equal(t, row.want, failure.Type, failure.Message)
			assert.True(t, failure.Retry)
		})
	}
}

func TestCallsWithoutRepeatAreMadeOnce(t *testing.T) {
	w := newFixture(t)
	w.behave("runningoperation.edit", notRunning)
	require.Error(t, w.EditOperation(t.Context(), 7, "<doc/>"))
	assert.Len(t, w.calls(), 1)
	assert.NotContains(t, w.logged(), "LOST")
}

func TestCallbackHasADeadline(t *testing.T) {
	w := newFixture(t)
	w.SetCallbackDeadline(100 * time.Millisecond)
	w.behave("service.setstatus", step{Hang: true})
	err := w.SetStatus(t.Context(), 42, item.ServiceRequested)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "no answer within 100ms")
	assert.True(t, fault.From(err).Retry)
	assert.Empty(t, w.sleeps, "it is not repeated, because it may have been executed")
	assert.Contains(t, w.logged(), "LOST")
}

// A process that mgrctl started is killed with it: its lock becomes free.
func TestTheWholeProcessGroupIsKilled(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, syscall.Mkfifo(filepath.Join(w.fake, "hangs"), 0o600))
	w.behave("service.setstatus", step{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = os.ReadFile(filepath.Join(w.fake, "hangs")) // returns once the child holds its lock
		cancel()
	}()
	require.Error(t, w.SetStatus(ctx, 42, item.ServiceRequested))
	held, err := os.Open(filepath.Join(w.fake, "held"))
	require.NoError(t, err)
	defer held.Close()
	free := make(chan error, 1)
	go func() { free <- syscall.Flock(int(held.Fd()), syscall.LOCK_EX) }()
	select {
	case err := <-free:
		require.NoError(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("the child of mgrctl is still alive")
	}
}

// Rules PANEL-2: one argv word is at most 128 KiB.
func TestInvalidValuesAreRefusedBeforeTheCall(t *testing.T) {
	w := newFixture(t)
	fits := strings.Repeat("x", panel.MaxWord-len("crt="))
	require.NoError(t, w.SaveCertificatePEM(t.Context(), 42, fits))
	require.Equal(t, "crt="+fits, w.calls()[0].Args[2], "the longest argument is passed complete")
	for name, call := range map[string]func() error{
		"a byte more":   func() error { return w.SaveCertificatePEM(t.Context(), 42, fits+"x") },
		"a large ZIP":   func() error { return w.SaveCertificateZIP(t.Context(), 42, make([]byte, 100<<10)) },
		"a zero byte":   func() error { return w.SaveParam(t.Context(), 42, "a", "b\x00c") },
		"not UTF-8":     func() error { return w.SaveParam(t.Context(), 42, "a", "b\xff") },
		"secret: zero":  func() error { return w.SaveSecretParam(t.Context(), 42, "a", "b\x00c") },
		"secret: large": func() error { return w.SaveSecretParam(t.Context(), 42, "a", fits+"xxxxx") },
	} {
		err := call()
		require.Error(t, err, name)
		assert.Equal(t, fault.Panel, fault.From(err).Type, name)
		assert.Len(t, w.calls(), 1, name)
	}
}

// Rules PANEL-1: `-e` and `value=$NAME` end the argv, the value is in that child's environment only.
func TestSecretValuesStayOutOfArgvAndLog(t *testing.T) {
	w := newFixture(t)
	const secret = "Planted/s3cret+value=&<>"
	// A panel echoes its parameters.
	w.behave("service.saveparam", step{Stdout: "<doc><ok/><tparams><value>Planted/s3cret+value=&amp;&lt;&gt;</value></tparams></doc>"})
	require.NoError(t, w.SaveSecretParam(t.Context(), 42, "token_code", secret))
	require.NoError(t, w.SaveSecretParam(t.Context(), 42, "token_code", secret))
	calls := w.calls()
	require.Len(t, calls, 2)
	args := calls[0].Args
	assert.Equal(t, []string{"service.saveparam", "sok=ok", "elid=42", "name=token_code", "crypted=on", "-e"}, args[:len(args)-1])
	assert.Regexp(t, regexp.MustCompile(`^value=\$PMSSL_[0-9A-F]{16}$`), args[len(args)-1])
	assert.Equal(t, secret, calls[0].Secret)
	assert.NotEqual(t, args[len(args)-1], calls[1].Args[len(args)-1], "the variable has another name each time")
	assert.NotContains(t, w.logged(), "s3cret")
	assert.Contains(t, w.logged(), "name=token%5Fcode&")
}

func TestSecretsInParametersAreNotLogged(t *testing.T) {
	w := newFixture(t)
	w.behave("service.saveparam", step{Stdout: refusalXML("value", "password", "Planted-in-answer", "bad password")})
	require.Error(t, w.SaveParam(t.Context(), 42, "password", "Planted-in-request"))
	assert.NotContains(t, w.logged(), "Planted-in-request")
}

// rules LOG-5.
func TestCallsAreLoggedInThePanelsOwnForm(t *testing.T) {
	w := newFixture(t)
	long := strings.Repeat("x", 500) + "&elid=7"
	require.NoError(t, w.SaveParam(t.Context(), 42, "ns_update_error", "1 & 2\n\x1b[31m"))
	require.NoError(t, w.SaveParam(t.Context(), 42, "domains_list", long+long))
	require.NoError(t, w.SaveSecretParam(t.Context(), 42, "token_code", "s3cret"))
	require.NoError(t, w.SaveParam(t.Context(), 42, "password", "Planted-in-request"))
	for _, want := range []string{
		"INFO QUERY: func=service.saveparam&sok=ok&elid=42&name=ns%5Fupdate%5Ferror&value=1%20%26%202%0A%1B%5B31m&crypted=off\n",
		"INFO QUERY: func=service.saveparam&sok=ok&elid=42&name=domains%5Flist&value=" + strings.Repeat("x", 64) + "…(1014 bytes, SHA-256 " +
			fmt.Sprintf("%x", sha256.Sum256([]byte(long+long))) + ")&crypted=off\n",
		"INFO QUERY: func=service.saveparam&sok=ok&elid=42&name=token%5Fcode&crypted=on&value=***\n",
		"INFO QUERY: func=service.saveparam&sok=ok&elid=42&name=password&value=***&crypted=off\n",
	} {
		assert.Contains(t, w.logged(), want)
	}
	assert.Contains(t, w.logged(), "EXT service.saveparam -> ok, 0 ms\n")
}

func TestAFailedExchangeIsLoggedInOneLine(t *testing.T) {
	w := newFixture(t)
	w.write("etc/debug.conf", "SET color=off\n* 7\n")
	w.log = panellog.Open(panellog.Options{Name: binary, Root: w.root, Stderr: io.Discard, Now: func() time.Time { return w.now }, Location: time.UTC, PID: 1})
	h := w.host()
	w.behave("runningoperation.edit", step{Stderr: "first\nsecond\n", Code: 1},
		step{Stdout: refusalXML("value", "a", "b", "first\nsecond")}, step{Stdout: "not\nXML"})
	for range 3 {
		require.Error(t, h.EditOperation(t.Context(), 7, "<doc/>"))
	}
	require.NoError(t, os.Remove(filepath.Join(w.root, "sbin/mgrctl")))
	require.Error(t, h.EditOperation(t.Context(), 7, "<doc/>"))
	assert.Equal(t, 2*4, strings.Count(w.logged(), "\n"), "each request and its result")
	for line := range strings.Lines(w.logged()) {
		assert.Regexp(t, regexp.MustCompile(`^May  7 15:07:16 `), line)
	}
}

// Output of mgrctl is masked before it is shortened: no part of a secret is left at the cut.
func TestSecretsAreMaskedInMgrctlsOutput(t *testing.T) {
	const secret = "Planted0123456789abcdef"
	for _, how := range []func(text string) step{
		func(text string) step { return step{Stderr: text, Code: 1} },
		func(text string) step { return step{Stdout: text, Code: 1} },
		func(text string) step { return step{Stdout: refusalXML("value", "password", "x", text)} },
	} {
		for _, pad := range []int{0, 470, 480, 490, 499, 1970, 1980, 1990} {
			w := newFixture(t)
			w.log.Secret(secret)
			w.behave("service.setstatus", how(strings.Repeat("x", pad)+" "+secret+" end"))
			err := w.SetStatus(t.Context(), 42, item.ServiceRequested)
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "Plant", "behind %d bytes", pad)
		}
	}
}

func TestPasswordInParamlistIsRegisteredAsASecret(t *testing.T) {
	w := newFixture(t)
	w.behave("paramlist", paramlist("DBHost", "127.0.0.1:1", "DBPassword", "Planted-db-password"))
	_, err := w.Modules(t.Context())
	require.Error(t, err, "nothing listens on that port")
	assert.Equal(t, "said: ***", w.log.Mask("said: Planted-db-password"))
}
