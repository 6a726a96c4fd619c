package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/nameserver"
	"pmssl/internal/sandbox/panel"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCases runs every script of testdata/cases. Each has a panel, a database and a seller of its own.
func TestCases(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "..", "testdata", "cases"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_CASES") != "",
		Setup:               setup,
		Cmds:                words(),
	})
}

// scene is a world with what the script has done in it.
type scene struct {
	*world
	item, op int64
	dns      *nameserver.Server // once the script speaks of DNS
}

func setup(env *testscript.Env) error {
	s := &scene{}
	env.Values["scene"] = s
	env.Defer(func() { s.close() })
	if err := sendmail(env.WorkDir, keepLetter); err != nil {
		return err
	}
	return s.openAt(namecheapTrade(), env.WorkDir, env.Setenv)
}

// openAt lays the scene at a seller.
func (s *scene) openAt(at trade, dir string, setenv func(name, value string)) error {
	start := time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)
	w, err := newWorld(worldOptions{dir: dir, trade: at, simulated: true, start: start, options: []string{sendmailOption(dir)}})
	if err != nil {
		return err
	}
	s.world = w
	setenv("ROOT", w.panel.Root())
	setenv("API", w.server.URL)
	return nil
}

// use MODULE: the script is about this module; said first, else it is pmnamecheap.
func use(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	at := slices.IndexFunc(trades(), func(at trade) bool { return len(args) == 1 && at.module == args[0] })
	if at < 0 || s.world.module != 0 || s.item != 0 {
		ts.Fatalf("usage: use MODULE, one that is shipped and before all other words")
	}
	if trades()[at].module == s.trade.module {
		return
	}
	s.close()
	ts.Check(os.RemoveAll(s.panel.Root()))
	ts.Check(s.openAt(trades()[at], ts.Getenv("WORK"), ts.Setenv))
}

// words are what scripts can say beside testscript's own.
func words() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	all := map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"use": use, "wizard": wizard, "order": order, "module": start, "operate": operate, "run": rerun, "pending": pending,
		"sync": synchronise, "seller": seller, "calls": calls, "requests": requests, "item": item, "log": logLines, "clock": moveClock,
		"panelfault": panelFault, "panelset": panelSet, "setparam": setParam, "operations": operations, "tasks": tasks,
		"problems": problems, "sql": query, "dry": dry, "charges": charges, "balances": balances,
	}
	maps.Copy(all, sweepWords())
	maps.Copy(all, dnsWords())
	for name, word := range all {
		all[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			_ = ts.Stdout() // a word that prints nothing replaces what the one before it printed, too
			word(ts, neg, args)
		}
	}
	return all
}

func sceneOf(ts *testscript.TestScript) *scene {
	s, ok := ts.Value("scene").(*scene)
	if !ok {
		ts.Fatalf("no scene")
	}
	return s
}

// pairs splits k=v words from the others.
func pairs(args []string) (plain []string, values map[string]string) {
	values = map[string]string{}
	for _, arg := range args {
		if k, v, ok := strings.Cut(arg, "="); ok && !strings.HasPrefix(arg, "-") {
			values[k] = v
			continue
		}
		plain = append(plain, arg)
	}
	return plain, values
}

// show puts text on the script's stdout, for `stdout` and `cmp`.
func show(ts *testscript.TestScript, format string, args ...any) {
	_, _ = fmt.Fprintf(ts.Stdout(), format, args...)
}

// report shows a run and holds it against the expected end.
func report(ts *testscript.TestScript, neg bool, run *panel.Run, err error) {
	ts.Check(err)
	show(ts, "%s", run.Stdout)
	_, _ = fmt.Fprint(ts.Stderr(), run.Stderr)
	if run.Stdout != "" && !strings.HasSuffix(run.Stdout, "\n") {
		show(ts, "\n")
	}
	switch {
	case run.OK() && neg:
		ts.Fatalf("%v succeeded, a failure was expected", run.Args)
	case !run.OK() && !neg:
		ts.Fatalf("%v: %s\nstderr: %s", run.Args, run.Failure(), run.Stderr)
	case neg && run.ExitCode != 1:
		ts.Fatalf("%v ended with code %d, the panel expects 1", run.Args, run.ExitCode)
	}
}

// wizard [k=v…]: the administrator connects the module; the given values replace those of the default account.
func wizard(ts *testscript.TestScript, neg bool, args []string) {
	s := sceneOf(ts)
	_, values := pairs(args)
	done, err := s.connect(context.Background(), values)
	ts.Check(err)
	for _, run := range []*panel.Run{done.Tune, done.Check} {
		if run != nil {
			show(ts, "%s\n", strings.TrimSpace(run.Stdout))
		}
	}
	if neg != (done.ID == 0) {
		ts.Fatalf("the wizard ended with module %d", done.ID)
	}
}

// order [-place] [-forms] TEMPLATE [csr=FILE] [period=12] [sans=N] [altname=a,b] [param=value…]: the client orders; -place stops
// before open is started, -forms has the client fill the order form in first.
func order(ts *testscript.TestScript, neg bool, args []string) {
	s := sceneOf(ts)
	ctx := context.Background()
	plain, values := pairs(args)
	placeOnly, forms := slices.Contains(plain, "-place"), slices.Contains(plain, "-forms")
	plain = slices.DeleteFunc(plain, func(word string) bool { return word == "-place" || word == "-forms" })
	if len(plain) != 1 {
		ts.Fatalf("usage: order [-place] [-forms] TEMPLATE [csr=FILE] [period=MONTHS] [sans=N] [altname=a,b] [PARAM=VALUE…]")
	}
	o := panel.Order{Period: 12, ExtraSANs: -1, Params: map[string]string{}, SkipForms: !forms, Module: s.module}
	maps.Copy(o.Params, s.trade.params)
	var addon *panel.SANAddon
	for name, value := range values {
		switch name {
		case "csr":
			o.CSR = ts.ReadFile(value)
		case "period":
			o.Period = number(ts, value)
		case "sans":
			o.ExtraSANs, addon = number(ts, value), &panel.SANAddon{Max: 97}
		case "altname":
			o.AltNames = strings.Split(value, ",")
		default:
			o.Params[name] = value
		}
	}
	var err error
	o.Tariff, err = s.tariffFor(ctx, plain[0], addon)
	ts.Check(err)
	do := s.panel.Order
	if placeOnly {
		do = s.panel.Place
	}
	done, err := do(ctx, o)
	ts.Check(err)
	s.item, s.op = done.Item, done.Operation
	ts.Setenv("ITEM", strconv.FormatInt(s.item, 10))
	ts.Setenv("OP", strconv.FormatInt(s.op, 10))
	if forms && showForms(ts, neg, done) {
		return
	}
	if !placeOnly {
		report(ts, neg, done.Open, nil)
	}
}

// showForms shows what the module said of the order form; true where it refused the form.
func showForms(ts *testscript.TestScript, neg bool, done *panel.OrderResult) (refused bool) {
	for _, run := range append(done.CheckParams, done.Approver) {
		if run == nil {
			continue
		}
		show(ts, "%s\n", strings.TrimSpace(run.Stdout))
		refused = refused || !run.OK()
	}
	if refused && !neg {
		ts.Fatalf("the order form is refused")
	}
	return refused
}

// balances: the panel's cron job asks for balances; what it knows then.
func balances(ts *testscript.TestScript, neg bool, _ []string) {
	s := sceneOf(ts)
	runs, err := s.panel.CheckBalances(context.Background())
	ts.Check(err)
	for _, run := range runs {
		report(ts, neg, run, nil)
	}
	known, err := s.panel.Balances(context.Background())
	ts.Check(err)
	for _, b := range known {
		show(ts, "module %d: %s %s low=%t\n", b.Module, b.Amount, b.Currency, b.Low)
	}
}

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

// module [stdin=FILE] ARG…: start the binary as the panel does, with these words.
func start(ts *testscript.TestScript, neg bool, args []string) {
	s := sceneOf(ts)
	var stdin []byte
	if len(args) > 0 && strings.HasPrefix(args[0], "stdin=") {
		stdin = []byte(ts.ReadFile(strings.TrimPrefix(args[0], "stdin=")))
		args = args[1:]
	}
	run, err := s.panel.Start(context.Background(), s.trade.module, stdin, args...)
	report(ts, neg, run, err)
}

// operate COMMAND: a running operation for the item, run once.
func operate(ts *testscript.TestScript, neg bool, args []string) {
	s := sceneOf(ts)
	op, run, err := s.panel.Operate(context.Background(), s.item, args[0])
	s.op = op
	report(ts, neg, run, err)
}

// run: start the item's last running operation once more.
func rerun(ts *testscript.TestScript, neg bool, _ []string) {
	s := sceneOf(ts)
	run, err := s.panel.RunOperation(context.Background(), s.op)
	report(ts, neg, run, err)
}

// pending: the panel's periodic start of everything that is not manual.
func pending(ts *testscript.TestScript, _ bool, _ []string) {
	runs, err := sceneOf(ts).panel.RunPending(context.Background())
	ts.Check(err)
	for _, run := range runs {
		show(ts, "%v %s\n", run.Args, run.Failure())
	}
}

func synchronise(ts *testscript.TestScript, neg bool, _ []string) {
	s := sceneOf(ts)
	run, err := s.panel.Sync(context.Background(), s.item)
	report(ts, neg, run, err)
}

// id is the item's newest id at the seller.
func (s *scene) id(ts *testscript.TestScript) int64 {
	it, err := s.panel.Item(context.Background(), s.item)
	ts.Check(err)
	id, err := strconv.ParseInt(it.Params["custom_order_id"], 10, 64)
	ts.Check(err)
	return id
}

// seller buy PRODUCT|issue|refuse WORDS|cancel WORDS|appear|clear|balance AMOUNT|fault COMMAND KIND [TIMES] [NUMBER TEXT]: the seller's side.
func seller(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	rest := strings.Join(args[1:], " ")
	switch args[0] {
	case "issue":
		ts.Check(s.shop.issue(s.id(ts)))
	case "refuse":
		ts.Check(s.shop.refuse(s.id(ts), rest))
	case "cancel":
		ts.Check(s.shop.cancel(s.id(ts), rest))
	case "appear":
		s.shop.appear()
	case "clear":
		s.shop.mend()
		s.shop.forget()
	case "balance":
		ts.Check(s.shop.fund(rest))
	case "buy":
		csr, err := os.ReadFile(filepath.Join("testdata", "example.csr"))
		ts.Check(err)
		ts.Check(s.shop.buyAs(rest, string(csr)))
	case "fault":
		times, code, text := 1, "", ""
		if len(args) > 3 {
			times = number(ts, args[3])
		}
		if len(args) > 5 {
			code, text = args[4], strings.Join(args[5:], " ")
		}
		ts.Check(s.shop.fault(args[1], args[2], times, code, text))
	default:
		known, err := s.shop.do(args[0], args[1:])
		ts.Check(err)
		if !known {
			ts.Fatalf("seller %s: unknown", args[0])
		}
	}
}

// scrub makes what differs from run to run comparable.
func (s *scene) scrub(text string) string {
	for _, rule := range []struct{ pattern, with string }{
		{`\b[0-9a-f]{13}\.comodoca\.com`, "UNIQUE.comodoca.com"},
		{` comodoca\.com(\s+)[0-9a-f]{13}`, " comodoca.com${1}UNIQUE"},
		{`127\.0\.0\.1:\d+`, "127.0.0.1:PORT"},
		{`"account":"[0-9a-f]{16}"`, `"account":"ACCOUNT"`}, // the port is in it
		{`"serial":"[0-9a-f]+"`, `"serial":"SERIAL"`},
		{`remoteid=[0-9a-f]+-`, "remoteid=INSTALLATION-"},
	} {
		text = regexp.MustCompile(rule.pattern).ReplaceAllString(text, rule.with)
	}
	return strings.ReplaceAll(text, s.panel.Root(), "$ROOT")
}

// long values of parameters are shown by what they are.
func brief(name, value string) string {
	switch {
	case name == "certificate_serial" || name == "told_serial":
		return "<serial>"
	case name == "crt" && strings.HasPrefix(value, "-----BEGIN"):
		return fmt.Sprintf("<%d certificates in PEM>", strings.Count(value, "-----BEGIN CERTIFICATE-----"))
	case name == "crt":
		return "<base64>"
	case strings.Contains(value, "BEGIN CERTIFICATE REQUEST"):
		return "<csr>"
	case name == "errorxml" || name == "params":
		return "<error>"
	}
	return strings.ReplaceAll(value, "\n", `\n`)
}

// calls: every call of mgrctl that the module made since the last `calls`, in order.
func calls(ts *testscript.TestScript, _ bool, _ []string) {
	s := sceneOf(ts)
	all, err := s.panel.Requests()
	ts.Check(err)
	for _, call := range all {
		if call.Caller != s.trade.module {
			continue
		}
		line := call.Func
		value := call.Params["value"]
		for _, name := range slices.Sorted(maps.Keys(call.Params)) {
			switch {
			case name == "func" || name == "out" || name == "lang":
			case name == "value":
				line += " value=" + brief(call.Params["name"], value)
			default:
				line += " " + name + "=" + brief(name, call.Params[name])
			}
		}
		show(ts, "%s\n", s.scrub(line))
	}
	ts.Check(s.panel.ClearRequests())
}

// requests: every request that the seller saw since the last `seller clear`, without the account's words.
func requests(ts *testscript.TestScript, _ bool, _ []string) {
	s := sceneOf(ts)
	for _, line := range s.shop.requests() {
		show(ts, "%s\n", s.scrub(line))
	}
	s.shop.forget()
}

// item: status, dates and parameters of the item.
func item(ts *testscript.TestScript, _ bool, _ []string) {
	s := sceneOf(ts)
	it, err := s.panel.Item(context.Background(), s.item)
	ts.Check(err)
	show(ts, "status %d\nopendate %s\nexpiredate %s\n", it.Status, it.OpenDate, it.ExpireDate)
	for _, name := range slices.Sorted(maps.Keys(it.Params)) {
		show(ts, "%s", s.scrub(fmt.Sprintf("%s=%s\n", name, brief(name, it.Params[name]))))
	}
}

// log [LEVEL]: the module's log since the last `log`, without time, process and colour.
func logLines(ts *testscript.TestScript, _ bool, _ []string) {
	s := sceneOf(ts)
	path := filepath.Join(s.panel.Root(), "var", s.trade.module+".log")
	raw, err := os.ReadFile(path)
	ts.Check(err)
	text := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(string(raw), "")
	text = regexp.MustCompile(`(?m)^\w{3} [ \d]\d \d\d:\d\d:\d\d \[\d+:1\] `).ReplaceAllString(text, "")
	show(ts, "%s", s.scrub(text))
	ts.Check(os.Truncate(path, 0))
}

// clock INSTANT|+DURATION: move the time of panel, seller and module.
func moveClock(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	if d, ok := strings.CutPrefix(args[0], "+"); ok {
		step, err := time.ParseDuration(d)
		ts.Check(err)
		_, err = s.clock.Advance(step)
		ts.Check(err)
		return
	}
	at, err := time.Parse(time.RFC3339, args[0])
	ts.Check(err)
	ts.Check(s.clock.Set(at))
}

// panelfault FUNC KIND [TIMES] [SKIP]: break calls of mgrctl; without words clear.
func panelFault(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	if len(args) == 0 {
		ts.Check(s.panel.SetFaults())
		return
	}
	fault := panel.Fault{Func: args[0], Kind: args[1], Times: 1, Type: "value", Value: "broken by the test"}
	if len(args) > 2 {
		fault.Times = number(ts, args[2])
	}
	if len(args) > 3 {
		fault.Skip = number(ts, args[3])
	}
	ts.Check(s.panel.SetFaults(fault))
}

// panelset crt_store=zip|base64|pem|refuse error_exit=1: how the panel behaves.
func panelSet(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	settings, err := s.panel.Settings()
	ts.Check(err)
	_, values := pairs(args)
	if v, ok := values["crt_store"]; ok {
		settings.CrtStore = v
	}
	if v, ok := values["error_exit"]; ok {
		settings.StructuredErrorExit = number(ts, v)
	}
	if v, ok := values["import_ignores"]; ok {
		settings.ImportIgnores = v == "true"
	}
	ts.Check(s.panel.SetSettings(settings))
}

// setparam name=value…: change item parameters as an administrator's form does.
func setParam(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	values := map[string]string{}
	for _, arg := range args {
		k, v, _ := strings.Cut(arg, "=")
		values[k] = v
	}
	ts.Check(s.panel.SetParams(context.Background(), s.item, values))
}

// operations: what still runs.
func operations(ts *testscript.TestScript, _ bool, _ []string) {
	all, err := sceneOf(ts).panel.Operations(context.Background())
	ts.Check(err)
	for _, op := range all {
		show(ts, "%s tries=%d manual=%t\n", op.Command, op.TryCount, op.Manual)
	}
}

func tasks(ts *testscript.TestScript, _ bool, _ []string) {
	all, err := sceneOf(ts).panel.Tasks(context.Background())
	ts.Check(err)
	for _, task := range all {
		show(ts, "%s item=%d\n", task.Type, task.Item)
	}
}

func problems(ts *testscript.TestScript, _ bool, _ []string) {
	all, err := sceneOf(ts).panel.Problems(context.Background())
	ts.Check(err)
	for _, problem := range all {
		show(ts, "%s %s %s\n", problem.Name, problem.Level, problem.Params["param_errormsg"])
	}
}

// sql STATEMENT: change rows behind the panel's back.
func query(ts *testscript.TestScript, _ bool, args []string) {
	_, err := sceneOf(ts).panel.DB().ExecContext(context.Background(), strings.Join(args, " "))
	ts.Check(err)
}

// charges: what the seller was paid.
func charges(ts *testscript.TestScript, _ bool, _ []string) {
	all, err := sceneOf(ts).shop.payments()
	ts.Check(err)
	for _, charge := range all {
		show(ts, "%s %s\n", charge.what, charge.amount)
	}
}
