package app

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// docs/reference/billmanager.md §1.6: which calls report a failure to the panel, and in which order.
func TestFailureIsReportedAsTheFrameworkDoes(t *testing.T) {
	api := fault.Errorf(fault.API, "x", "refused")
	client := fault.Errorf(fault.Client, "x", "no route")
	for name, c := range map[string]struct {
		row   func(*row)
		err   error
		words string
		panel func(*fakePanel)
		want  []string
	}{
		"by hand, not reported": {err: api, words: "--item 42"},
		"an operation gets its history": {err: api, words: "--item 42 --runningoperation 7",
			want: []string{"runningoperation.edit 7"}},
		"an operation without an item": {err: api, words: "--runningoperation 7", panel: func(p *fakePanel) { p.tries = 50 },
			want: []string{"runningoperation.edit 7"}},
		"the ninth failure is not the last": {err: api, words: "--item 42 --runningoperation 7", panel: func(p *fakePanel) { p.tries = 9 },
			want: []string{"runningoperation.edit 7"}},
		"the tenth makes it manual": {err: api, words: "--item 42 --runningoperation 7", panel: func(p *fakePanel) { p.tries = 10 },
			want: []string{"runningoperation.edit 7", "runningoperation.setmanual 7", "task.gettype act 42", "task.edit 42 7 certificate_open"}},
		"one task is enough": {err: api, words: "--item 42 --runningoperation 7", panel: func(p *fakePanel) { p.tries, p.tasks = 11, 1 },
			want: []string{"runningoperation.edit 7"}},
		"the panel wants no task": {err: api, words: "--item 42 --runningoperation 7", panel: func(p *fakePanel) { p.tries, p.kind = 10, "" },
			want: []string{"runningoperation.edit 7", "runningoperation.setmanual 7", "task.gettype act 42"}},
		"a refused renewal becomes manual at once": {err: api, words: "--item 42 --runningoperation 7", row: renewal, panel: func(p *fakePanel) { p.tries = 1 },
			want: []string{"runningoperation.edit 7", "runningoperation.setmanual 7", "task.gettype act 42", "task.edit 42 7 certificate_open"}},
		"a renewal that only the administrator can look up too": {err: &fault.Error{Type: fault.Unclear, Message: "either of two"}, words: "--item 42 --runningoperation 7",
			row: renewal, panel: func(p *fakePanel) { p.tries = 1 },
			want: []string{"runningoperation.edit 7", "runningoperation.setmanual 7", "task.gettype act 42", "task.edit 42 7 certificate_open"}},
		"a temporarily failed renewal has ten tries": {err: fault.Errorf(fault.Limit, "x", "405").Retryable(), words: "--item 42 --runningoperation 7", row: renewal,
			panel: func(p *fakePanel) { p.tries = 9 }, want: []string{"runningoperation.edit 7"}},
		"and not more": {err: fault.Errorf(fault.Limit, "x", "405").Retryable(), words: "--item 42 --runningoperation 7", row: renewal,
			panel: func(p *fakePanel) { p.tries = 10 },
			want:  []string{"runningoperation.edit 7", "runningoperation.setmanual 7", "task.gettype act 42", "task.edit 42 7 certificate_open"}},
		"a row without a number has ten": {err: api, words: "--item 42 --runningoperation 7", row: func(r *row) { r.tries = 0 }, panel: func(p *fakePanel) { p.tries = 9 },
			want: []string{"runningoperation.edit 7"}},
		"locked does not count as a failure (rules BUY-1)": {err: fault.Errorf(fault.Locked, "item", "held").Retryable(), words: "--item 42 --runningoperation 7",
			panel: func(p *fakePanel) { p.tries = 99 }, want: []string{"runningoperation.edit 7"}},
		"a purchase that is waited for is not either (rules BUY-4)": {err: fault.Errorf(fault.Waiting, "item", "waiting").Retryable(),
			words: "--item 42 --runningoperation 7", panel: func(p *fakePanel) { p.tries = 99 }, want: []string{"runningoperation.edit 7"}},
		"client with a module": {err: client, words: "--item 42 --module 5",
			want: []string{"problems.register processingmodule_connect 5 Our Namecheap"}},
		"auth": {err: fault.Errorf(fault.Auth, "", "no"), words: "--module 5",
			want: []string{"problems.register processingmodule_connect 5 Our Namecheap"}},
		"wrong key": {err: fault.Errorf(fault.Login, "", "no"), words: "--module 5",
			want: []string{"problems.register processingmodule_connect 5 Our Namecheap"}},
		"client without a module": {err: client, words: "--item 42"},
		"the history comes before the problem": {err: client, words: "--module 5 --item 42 --runningoperation 7",
			want: []string{"runningoperation.edit 7", "problems.register processingmodule_connect 5 Our Namecheap"}},
		"under the name of an approver failure": {err: client, words: "--module 5", row: func(r *row) { r.failsAs = fault.Approver },
			want: []string{"problems.register processingmodule_connect 5 Our Namecheap"}},
		"setparam restores the tariff first": {err: api, words: "--item 42 --runningoperation 7", row: func(r *row) { r.rollback = true },
			panel: func(p *fakePanel) { p.order.LastPrice = 3 },
			want:  []string{"service.changepricelist.rollback 42", "runningoperation.edit 7"}},
		"setparam that is run again keeps the tariff": {err: fault.Errorf(fault.Client, "x", "no route").Retryable(), words: "--item 42 --runningoperation 7",
			row: func(r *row) { r.rollback = true }, panel: func(p *fakePanel) { p.order.LastPrice, p.tries = 3, 9 },
			want: []string{"runningoperation.edit 7"}},
		"setparam that another run holds keeps the tariff": {err: fault.Errorf(fault.Locked, "item", "held").Retryable(), words: "--item 42 --runningoperation 7",
			row: func(r *row) { r.rollback = true }, panel: func(p *fakePanel) { p.order.LastPrice, p.tries = 3, 99 },
			want: []string{"runningoperation.edit 7"}},
		"setparam that was run ten times restores the tariff": {err: fault.Errorf(fault.Panel, "x", "down").Retryable(), words: "--item 42 --runningoperation 7",
			row: func(r *row) { r.rollback = true }, panel: func(p *fakePanel) { p.order.LastPrice, p.tries, p.kind = 3, 10, "" },
			want: []string{"service.changepricelist.rollback 42", "runningoperation.edit 7", "runningoperation.setmanual 7", "task.gettype act 42"}},
		"setparam by hand restores the tariff": {err: fault.Errorf(fault.Panel, "x", "down").Retryable(), words: "--item 42",
			row: func(r *row) { r.rollback = true }, panel: func(p *fakePanel) { p.order.LastPrice = 3 },
			want: []string{"service.changepricelist.rollback 42"}},
		"setparam without an earlier tariff": {err: api, words: "--item 42 --runningoperation 7", row: func(r *row) { r.rollback = true },
			want: []string{"runningoperation.edit 7"}},
		"a step that fails stops no other": {err: client, words: "--module 5 --item 42 --runningoperation 7", row: func(r *row) { r.rollback = true },
			panel: func(p *fakePanel) {
				p.order.LastPrice, p.tries = 3, 10
				for _, call := range []string{"service.changepricelist.rollback", "runningoperation.edit", "runningoperation.setmanual", "task.edit", "problems.register", "close"} {
					p.broken[call] = errors.New("the panel is down")
				}
			},
			want: []string{"service.changepricelist.rollback 42", "runningoperation.edit 7", "runningoperation.setmanual 7", "task.gettype act 42",
				"task.edit 42 7 certificate_open", "problems.register processingmodule_connect 5 Our Namecheap"}},
		"a step that panics stops no other": {err: client, words: "--module 5 --item 42 --runningoperation 7",
			panel: func(p *fakePanel) { p.panics = "runningoperation.edit" },
			want:  []string{"runningoperation.edit 7", "problems.register processingmodule_connect 5 Our Namecheap"}},
		"the database is down": {err: fault.Errorf(fault.DB, "", "down"), words: "--item 42 --runningoperation 7",
			panel: func(p *fakePanel) { p.broken["tries"] = errors.New("down") }, want: []string{"runningoperation.edit 7"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := plain(failing(c.err))
			if c.row != nil {
				c.row(&r)
			}
			s := newFixture(t, r)
			s.panel.kind = "certificate_open"
			if c.panel != nil {
				c.panel(s.panel)
			}
			assert.Equal(t, 1, s.run(append([]string{"--command", "act"}, strings.Fields(c.words)...)...))
			assert.Equal(t, c.want, s.panel.calls)
			kind, text := s.failure(t)
			want := fault.From(c.err).Type
			if r.failsAs != "" {
				want = r.failsAs
			}
			assert.Equal(t, want, kind)
			assert.Equal(t, fault.From(c.err).Message, text)
			assert.Equal(t, 1, s.panel.closed)
			if len(c.want) > 0 {
				assert.True(t, s.panel.deadline, "call-backs about a failure need a context with a deadline that has not ended")
			}
		})
	}
}

// rules CLI-4: a command for people is no run of an operation, so its failure is not written into one and makes none manual.
func TestCLI4ACommandForPeopleLeavesTheOperationAlone(t *testing.T) {
	for name, c := range map[string]struct {
		byHand bool
		want   []string
	}{
		"a command of the panel":    {false, []string{"runningoperation.edit 7", "runningoperation.setmanual 7", "task.gettype act 42", "task.edit 42 7 certificate_open"}},
		"a command that people run": {true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			operation := int64(-1)
			r := plain(func(_ context.Context, run *item.Run) (*etree.Document, error) {
				operation = run.Args.Operation
				return nil, fault.Errorf(fault.API, "", "2011296")
			})
			r.byHand = c.byHand
			s := newFixture(t, r)
			s.panel.tries, s.panel.kind = 10, "certificate_open"
			assert.Equal(t, 1, s.run("--command", "act", "--item", "42", "--runningoperation", "7"))
			assert.Equal(t, c.want, s.panel.calls)
			assert.Equal(t, c.byHand, operation == 0, "what the command buys or escalates is not of the operation")
		})
	}
}

// rules CLI-4: what a command for people lacks is said before anything is done, beside --runningoperation too.
func TestCLI4ACommandForPeopleNeedsItsOptionsBesideAnOperation(t *testing.T) {
	for _, r := range commands() {
		if !r.byHand || r.needs == 0 {
			continue
		}
		s := newFixture(t)
		assert.Equal(t, 1, s.run("--command", r.name, "--runningoperation", "7"), r.name)
		kind, text := s.failure(t)
		assert.Equal(t, fault.Missed, kind, r.name)
		assert.Contains(t, text, "missing", r.name)
		assert.Empty(t, s.panel.calls, r.name)
	}
}

// renewal sets the row's limit for refused runs.
func renewal(r *row) { r.refusals = oneTry }

// rules BUY-22: a temporary failure is not a refusal.
func TestBUY22WhichFaultsAreRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		fault   *fault.Error
		refused bool
	}{
		"the seller's refusal":         {fault.Errorf(fault.API, "", "2011296"), true},
		"the seller is out of order":   {fault.Errorf(fault.API, "", "try again").Retryable(), false},
		"what is wrong with the item":  {fault.Errorf(fault.Value, "", "no CSR"), true},
		"the term runs":                {fault.Errorf(fault.Running, "", "until then"), true},
		"only people can look it up":   {&fault.Error{Type: fault.Unclear}, true},
		"the answer was lost":          {&fault.Error{Type: fault.Unclear, Retry: true, OutcomeUnknown: true}, false},
		"a limit":                      {fault.Errorf(fault.Limit, "", "405").Retryable(), false},
		"a signal":                     {fault.Errorf(fault.Interrupted, "", "terminated").Retryable(), false},
		"the database is full":         {fault.Errorf(fault.DB, "", "1114"), false},
		"the panel's database is full": {fault.Errorf(fault.Panel, "service.saveparam", "the panel refused: db"), false},
		"a page of a proxy":            {fault.Errorf(fault.NotSeller, "", "a login page"), false},
	} {
		assert.Equal(t, c.refused, refused(c.fault), name)
	}
}

// rules BUY-22: after a temporary failure the command is run again, unless money may have been spent.
func TestBUY22ACommandIsRunAgainAfterATemporaryFailure(t *testing.T) {
	limit := fault.Errorf(fault.Limit, "", "405").Retryable()
	for name, c := range map[string]struct {
		faults  []error // of the runs in turn
		spends  bool
		row     func(*row)
		runs    int
		success bool
	}{
		"it passes":                   {faults: []error{limit, nil}, runs: 2, success: true},
		"it passes at the third time": {faults: []error{limit, limit, nil}, runs: 3, success: true},
		"it stays":                    {faults: []error{limit, limit, limit, nil}, runs: 3},
		"it is a refusal":             {faults: []error{fault.Errorf(fault.API, "", "no"), nil}, runs: 1},
		"money may have been spent":   {faults: []error{limit, nil}, spends: true, runs: 1},
		"another run holds the item":  {faults: []error{fault.Errorf(fault.Locked, "", "held").Retryable(), nil}, runs: 1},
		"a purchase is waited for":    {faults: []error{fault.Errorf(fault.Waiting, "", "minutes").Retryable(), nil}, runs: 1},
		"a row that does not repeat":  {faults: []error{limit, nil}, row: func(r *row) { r.repeats = false }, runs: 1},
		"no time is left":             {faults: []error{limit, nil}, row: func(r *row) { r.deadline = repeatTime }, runs: 1},
	} {
		t.Run(name, func(t *testing.T) {
			runs := 0
			r := plain(func(_ context.Context, run *item.Run) (*etree.Document, error) {
				runs++
				if c.spends {
					run.CriticalSection(true)
					run.CriticalSection(false)
				}
				return nil, c.faults[runs-1]
			})
			r.repeats, r.deadline = true, buyingTime
			if c.row != nil {
				c.row(&r)
			}
			s := newFixture(t, r)
			s.system.Sleep = func(context.Context, time.Duration) error { return nil }
			assert.Equal(t, !c.success, s.run("--command", "act") == 1)
			assert.Equal(t, c.runs, runs)
		})
	}
}

func TestTheHistoryNamesTheModuleOfTheItem(t *testing.T) {
	r := plain(func(ctx context.Context, run *item.Run) (*etree.Document, error) {
		if _, err := run.Panel.LoadItem(ctx, run.Args.Item); err != nil {
			return nil, err
		}
		return nil, fault.Errorf(fault.Client, "", "no route")
	})
	s := newFixture(t, r)
	s.panel.order.Module = 8
	assert.Equal(t, 1, s.run("--command", "act", "--item", "42", "--runningoperation", "7"))
	assert.Equal(t, []string{"runningoperation.edit 7", "problems.register processingmodule_connect 8 Our Namecheap"}, s.panel.calls)
	doc, err := parseDocument([]byte(s.panel.errorXML))
	require.NoError(t, err)
	module := doc.FindElement("/doc/processingmodule")
	assert.Equal(t, "8", module.SelectAttrValue("id", ""))
	assert.Equal(t, "Our Namecheap", module.SelectAttrValue("name", ""))
	assert.Equal(t, "2026-11-22 10:30:00", module.SelectAttrValue("date", ""))
	assert.Contains(t, doc.FindElement("/doc/processingmodule/error/log").Text(), "--item 42", "the excerpt of the log")
	assert.Equal(t, "no route", doc.FindElement("/doc/error/msg").Text())
}

func TestAnotherItemsModuleIsNotBlamed(t *testing.T) {
	s := newFixture(t, plain(func(ctx context.Context, run *item.Run) (*etree.Document, error) {
		_, _ = run.Panel.LoadItem(ctx, 99)
		return nil, fault.Errorf(fault.Client, "", "no route")
	}))
	s.panel.order.Module = 8
	assert.Equal(t, 1, s.run("--command", "act", "--item", "42"))
	assert.Empty(t, s.panel.calls)
}

// rules ARCH-8: documents contain no secret, whatever a command puts into its error.
func TestSecretsStayOutOfEveryDocumentAndTheLog(t *testing.T) {
	const key = "k3y/that+nobody=may see"
	r := plain(func(ctx context.Context, run *item.Run) (*etree.Document, error) {
		if _, err := run.Panel.ModuleParams(ctx, 5); err != nil {
			return nil, err
		}
		run.Log.Infof("careless: %s", key)
		inner := fmt.Errorf("asking %s", "https://seller.example/?ApiKey=k3y%2Fthat%2Bnobody%3Dmay+see")
		return nil, &fault.Error{Type: fault.Client, Object: key, Message: "the key " + key + " is wrong", Err: inner,
			Params: []fault.Param{{Name: "key", Value: key}}}
	})
	s := newFixture(t, r)
	s.panel.params = map[string]string{"api_key": key, "username": "nick"}
	s.panel.tries, s.panel.kind = 10, "t"
	assert.Equal(t, 1, s.run("--command", "act", "--module", "5", "--item", "42", "--runningoperation", "7"))
	for where, text := range map[string]string{"stdout": s.stdout.String(), "history": s.panel.errorXML, "problem": s.panel.problem,
		"task": s.panel.taskText, "log": s.log(t), "stderr": s.stderr.String()} {
		assert.NotContains(t, text, "nobody", where)
	}
	assert.Contains(t, s.stdout.String(), "the key *** is wrong")
	assert.NotEmpty(t, s.panel.taskText)
	assert.NotEmpty(t, s.panel.problem)
}

func TestSecretsOfAFormStayOutToo(t *testing.T) {
	const key = "f0rmk3y-planted"
	r := plain(func(_ context.Context, run *item.Run) (*etree.Document, error) {
		return nil, fault.Errorf(fault.Login, "api_key", "the key %s was refused", run.Doc.FindElement("/doc/processingmodule/api_key").Text())
	})
	r.reads = readsDocument
	s := newFixture(t, r)
	s.system.Stdin = strings.NewReader("<doc><processingmodule><username>nick</username><api_key>" + key + "</api_key></processingmodule></doc>")
	assert.Equal(t, 1, s.run("--command", "act"))
	assert.NotContains(t, s.stdout.String(), key)
	assert.NotContains(t, s.log(t), key)
	assert.Contains(t, s.log(t), "nick", "level 9 shows the document")
}

// What a command sends to the panel appears in mgrctl's argv, in the panel's log and in the administrator's tasks.
func TestSecretsAreMaskedInCallsToThePanel(t *testing.T) {
	const key = "0123456789abcdef&<>0123456789abcdef"
	for name, written := range map[string]string{
		"plain": key, "XML": "0123456789abcdef&amp;&lt;&gt;0123456789abcdef", "URL": "0123456789abcdef%26%3c%3e0123456789abcdef",
		"JSON": `0123456789abcdef\u0026\u003c\u003e0123456789abcdef`, "base64": base64.StdEncoding.EncodeToString([]byte(key)),
	} {
		s := newFixture(t, plain(func(ctx context.Context, run *item.Run) (*etree.Document, error) {
			if _, err := run.Panel.ModuleParams(ctx, 5); err != nil {
				return nil, err
			}
			require.NoError(t, run.Panel.SaveParam(ctx, 42, "auth_dnstxt_value", "_a.example.com CNAME "+written+" end"))
			return nil, run.Panel.Escalate(ctx, 42, 7, "open", "the seller says: "+written+" end")
		}))
		s.panel.params = map[string]string{"api_key": key}
		require.Equal(t, 0, s.run("--command", "act", "--item", "42"), name)
		require.Len(t, s.panel.calls, 2)
		for _, call := range s.panel.calls {
			assert.NotContains(t, call, "cdef", name)
			assert.NotContains(t, call, "MDEyMzQ1Njc4", name)
			assert.Contains(t, call, "***", name)
			assert.Contains(t, call, "end", name)
		}
	}
}

// A short secret can be part of a DNS record by chance, and the record with *** in it would be wrong.
func TestShortSecretsLeaveSavedValuesAlone(t *testing.T) {
	s := newFixture(t, plain(func(ctx context.Context, run *item.Run) (*etree.Document, error) {
		if _, err := run.Panel.ModuleParams(ctx, 5); err != nil {
			return nil, err
		}
		return nil, run.Panel.SaveParam(ctx, 42, "auth_dnstxt_value", "_a.example.com CNAME b.ca.example")
	}))
	s.panel.params = map[string]string{"api_key": "example"}
	require.Equal(t, 0, s.run("--command", "act", "--item", "42"))
	assert.Equal(t, []string{"service.saveparam 42 auth_dnstxt_value _a.example.com CNAME b.ca.example"}, s.panel.calls)
}

// Documents are masked like the log: every registered secret, in every form.
func TestSecretsThatTheLogKnowsAreMaskedInDocuments(t *testing.T) {
	s := newFixture(t)
	s.panel.tries, s.panel.kind = 10, "t"
	s.rows = table{plain(func(context.Context, *item.Run) (*etree.Document, error) {
		s.log9.Secret("db-pass&word")
		return nil, fault.Errorf(fault.Client, "o", "refused db-pass&amp;word and %s\x01%s", "db-pa", "ss&word")
	})}
	assert.Equal(t, 1, s.run("--command", "act", "--module", "5", "--item", "42", "--runningoperation", "7"))
	for where, text := range map[string]string{"stdout": s.stdout.String(), "history": s.panel.errorXML, "problem": s.panel.problem, "task": s.panel.taskText} {
		assert.NotContains(t, text, "db-pass", where)
		assert.Contains(t, text, "***", where)
	}
}

// A form has fewer than ten secrets. A document with more than maxSecrets is refused.
func TestADocumentWithTooManySecretsIsRefused(t *testing.T) {
	for _, c := range []struct {
		secrets, code int
	}{{256, 0}, {257, 1}, {100_000, 1}} {
		r := plain(failing(nil))
		r.reads = readsDocument
		s := newFixture(t, r)
		var document strings.Builder
		document.WriteString("<doc>")
		for i := range c.secrets {
			fmt.Fprintf(&document, "<password>planted-%d</password>", i)
		}
		document.WriteString("<password>planted-0</password></doc>")
		s.system.Stdin = strings.NewReader(document.String())
		require.Equal(t, c.code, s.run("--command", "act"), c.secrets)
		assert.NotContains(t, s.log(t), "planted-1")
		if c.code != 0 {
			kind, text := s.failure(t)
			assert.Equal(t, fault.Input, kind)
			assert.Contains(t, text, "more than 256 secret values")
		}
	}
}
