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

// scriptState is a fixture with the item and the operation that the script uses.
type scriptState struct {
	*fixture
	item, op int64
	dns      *nameserver.Server // set by the first `dns` word
}

func setup(env *testscript.Env) error {
	s := &scriptState{}
	env.Values["scene"] = s
	env.Defer(func() { s.close() })
	if err := installSendmail(env.WorkDir, keepMail); err != nil {
		return err
	}
	return s.openFor(namecheapCase(), env.WorkDir, env.Setenv)
}

// openFor starts the script's fixture at a seller.
func (s *scriptState) openFor(seller sellerCase, dir string, setenv func(name, value string)) error {
	start := time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)
	f, err := newFixture(fixtureOptions{dir: dir, seller: seller, simulated: true, start: start, options: []string{sendmailOption(dir)}})
	if err != nil {
		return err
	}
	s.fixture = f
	setenv("ROOT", f.panel.Root())
	setenv("API", f.server.URL)
	return nil
}

// useWord is `use MODULE`: it makes the script use this module instead of pmnamecheap. It must come before all other words.
func useWord(ts *testscript.TestScript, _ bool, args []string) {
	s := stateOf(ts)
	at := slices.IndexFunc(sellerCases(), func(seller sellerCase) bool { return len(args) == 1 && seller.module == args[0] })
	if at < 0 || s.fixture.moduleID != 0 || s.item != 0 {
		ts.Fatalf("usage: use MODULE, one that is shipped and before all other words")
	}
	if sellerCases()[at].module == s.seller.module {
		return
	}
	s.close()
	ts.Check(os.RemoveAll(s.panel.Root()))
	ts.Check(s.openFor(sellerCases()[at], ts.Getenv("WORK"), ts.Setenv))
}

// words returns the script words beside testscript's own.
func words() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	all := map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"use": useWord, "wizard": wizardWord, "order": orderWord, "module": runModule, "operate": operateWord, "run": runWord, "pending": pendingWord,
		"sync": syncWord, "seller": sellerWord, "calls": callsWord, "requests": requestsWord, "item": itemWord, "log": logWord, "clock": clockWord,
		"panelfault": panelFaultWord, "panelset": panelSetWord, "setparam": setParamWord, "operations": operationsWord, "tasks": tasksWord,
		"problems": problemsWord, "sql": sqlWord, "dry": dryWord, "reads": readsWord, "charges": chargesWord, "balances": balancesWord,
		"newcsr": newCSRWord,
	}
	maps.Copy(all, sweepWords())
	maps.Copy(all, dnsWords())
	for name, word := range all {
		all[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			_ = ts.Stdout() // a word that prints nothing clears the output of the word before it
			word(ts, neg, args)
		}
	}
	return all
}

func stateOf(ts *testscript.TestScript) *scriptState {
	s, ok := ts.Value("scene").(*scriptState)
	if !ok {
		ts.Fatalf("no script state")
	}
	return s
}

// pairs separates the NAME=VALUE arguments from the plain ones.
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

// show writes text to the script's stdout, for `stdout` and `cmp`.
func show(ts *testscript.TestScript, format string, args ...any) {
	_, _ = fmt.Fprintf(ts.Stdout(), format, args...)
}

// reportRun shows a run and holds it against the expected end.
func reportRun(ts *testscript.TestScript, neg bool, run *panel.Run, err error) {
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
	case slices.Contains(run.Args, "--check"): // like a monitoring plugin
		show(ts, "exit code %d\n", run.ExitCode)
	case neg && run.ExitCode != 1:
		ts.Fatalf("%v ended with code %d, the panel expects 1", run.Args, run.ExitCode)
	}
}

// wizardWord is `wizard [param=value…]`: the administrator connects the module. The values replace those of the default account.
func wizardWord(ts *testscript.TestScript, neg bool, args []string) {
	s := stateOf(ts)
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

// orderWord is `order [-place] [-forms] TEMPLATE [csr=FILE] [period=12] [sans=N] [altname=a,b] [param=value…]`: the client orders.
// -place stops before open is started; with -forms the client first fills in the order form.
func orderWord(ts *testscript.TestScript, neg bool, args []string) {
	s := stateOf(ts)
	ctx := context.Background()
	plain, values := pairs(args)
	placeOnly, forms := slices.Contains(plain, "-place"), slices.Contains(plain, "-forms")
	plain = slices.DeleteFunc(plain, func(word string) bool { return word == "-place" || word == "-forms" })
	if len(plain) != 1 {
		ts.Fatalf("usage: order [-place] [-forms] TEMPLATE [csr=FILE] [period=MONTHS] [sans=N] [altname=a,b] [PARAM=VALUE…]")
	}
	o := panel.Order{Period: 12, ExtraSANs: -1, Params: map[string]string{}, SkipForms: !forms, Module: s.moduleID}
	maps.Copy(o.Params, s.seller.params)
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
		reportRun(ts, neg, done.Open, nil)
	}
}

// showForms prints the module's answers to the order form and reports whether the module refused the form.
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

// balancesWord is `balances`: the panel's cron job asks for balances; it prints the balances that the panel has then.
func balancesWord(ts *testscript.TestScript, neg bool, _ []string) {
	s := stateOf(ts)
	runs, err := s.panel.CheckBalances(context.Background())
	ts.Check(err)
	for _, run := range runs {
		reportRun(ts, neg, run, nil)
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

// runModule is `module [stdin=FILE] ARG…`: it starts the binary as the panel does, with these arguments.
func runModule(ts *testscript.TestScript, neg bool, args []string) {
	s := stateOf(ts)
	var stdin []byte
	if len(args) > 0 && strings.HasPrefix(args[0], "stdin=") {
		stdin = []byte(ts.ReadFile(strings.TrimPrefix(args[0], "stdin=")))
		args = args[1:]
	}
	run, err := s.panel.Start(context.Background(), s.seller.module, stdin, args...)
	reportRun(ts, neg, run, err)
}

// operateWord is `operate COMMAND`: it creates a running operation for the item and runs it once.
func operateWord(ts *testscript.TestScript, neg bool, args []string) {
	s := stateOf(ts)
	op, run, err := s.panel.Operate(context.Background(), s.item, args[0])
	s.op = op
	reportRun(ts, neg, run, err)
}

// runWord is `run`: it runs the item's last running operation once more.
func runWord(ts *testscript.TestScript, neg bool, _ []string) {
	s := stateOf(ts)
	run, err := s.panel.RunOperation(context.Background(), s.op)
	reportRun(ts, neg, run, err)
}

// pendingWord is `pending`: the panel runs every operation that is not manual.
func pendingWord(ts *testscript.TestScript, _ bool, _ []string) {
	runs, err := stateOf(ts).panel.RunPending(context.Background())
	ts.Check(err)
	for _, run := range runs {
		show(ts, "%v %s\n", run.Args, run.Failure())
	}
}

func syncWord(ts *testscript.TestScript, neg bool, _ []string) {
	s := stateOf(ts)
	run, err := s.panel.Sync(context.Background(), s.item)
	reportRun(ts, neg, run, err)
}

// orderID is the item's newest id at the seller.
func (s *scriptState) orderID(ts *testscript.TestScript) int64 {
	it, err := s.panel.Item(context.Background(), s.item)
	ts.Check(err)
	id, err := strconv.ParseInt(it.Params["custom_order_id"], 10, 64)
	ts.Check(err)
	return id
}

// sellerWord is `seller buy PRODUCT [csr=FILE]|issue|refuse WORDS|cancel WORDS|appear|clear|balance AMOUNT|fault COMMAND KIND [TIMES] [NUMBER TEXT]`:
// it makes something happen at the seller without the module.
func sellerWord(ts *testscript.TestScript, _ bool, args []string) {
	s := stateOf(ts)
	args = withCSR(ts, args)
	rest := strings.Join(args[1:], " ")
	switch args[0] {
	case "issue":
		ts.Check(s.standIn.issue(s.orderID(ts)))
	case "refuse":
		ts.Check(s.standIn.refuse(s.orderID(ts), rest))
	case "cancel":
		ts.Check(s.standIn.cancel(s.orderID(ts), rest))
	case "appear":
		s.standIn.carryOutVanished()
	case "clear":
		s.standIn.clearFaults()
		s.standIn.forgetRequests()
	case "balance":
		ts.Check(s.standIn.setBalance(rest))
	case "buy":
		s.buyAtSeller(ts, args[1:])
	case "fault":
		times, code, text := 1, "", ""
		if len(args) > 3 {
			times = number(ts, args[3])
		}
		if len(args) > 5 {
			code, text = args[4], strings.Join(args[5:], " ")
		}
		ts.Check(s.standIn.addFault(args[1], args[2], times, code, text))
	default:
		known, err := s.standIn.runWord(args[0], args[1:])
		ts.Check(err)
		if !known {
			ts.Fatalf("seller %s: unknown", args[0])
		}
	}
}

// scrub replaces the values that differ in each run by fixed words.
func (s *scriptState) scrub(text string) string {
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

// brief returns a parameter's value for output: long values and values that differ in each run are replaced by their kind.
func brief(name, value string) string {
	switch {
	case name == "certificate_serial" || name == "told_serial":
		return "<serial>"
	case name == "earlier_serials":
		return strings.TrimSpace(strings.Repeat("<serial> ", len(strings.Fields(value))))
	case name == "reissue_tried": // TIME COUNT SERIAL
		if words := strings.Fields(value); len(words) > 2 {
			return strings.Join(words[:2], " ") + " <serial>"
		}
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

// callsWord is `calls`: it prints every call of mgrctl that the module made since the last `calls`, in order.
func callsWord(ts *testscript.TestScript, _ bool, _ []string) {
	s := stateOf(ts)
	all, err := s.panel.Requests()
	ts.Check(err)
	for _, call := range all {
		if call.Caller != s.seller.module {
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

// requestsWord is `requests`: it prints every request that the seller received since the last `requests` or `seller clear`,
// without the account's credentials.
func requestsWord(ts *testscript.TestScript, _ bool, _ []string) {
	s := stateOf(ts)
	for _, line := range s.standIn.requests() {
		show(ts, "%s\n", s.scrub(line))
	}
	s.standIn.forgetRequests()
}

// itemWord is `item`: it prints status, dates and parameters of the item.
func itemWord(ts *testscript.TestScript, _ bool, _ []string) {
	s := stateOf(ts)
	it, err := s.panel.Item(context.Background(), s.item)
	ts.Check(err)
	show(ts, "status %d\nopendate %s\nexpiredate %s\n", it.Status, it.OpenDate, it.ExpireDate)
	for _, name := range slices.Sorted(maps.Keys(it.Params)) {
		show(ts, "%s", s.scrub(fmt.Sprintf("%s=%s\n", name, brief(name, it.Params[name]))))
	}
}

// logWord is `log`: it prints what the module has logged since the last `log`, without time, process id and colour.
func logWord(ts *testscript.TestScript, _ bool, _ []string) {
	s := stateOf(ts)
	path := filepath.Join(s.panel.Root(), "var", s.seller.module+".log")
	raw, err := os.ReadFile(path)
	ts.Check(err)
	text := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(string(raw), "")
	text = regexp.MustCompile(`(?m)^\w{3} [ \d]\d \d\d:\d\d:\d\d \[\d+:1\] `).ReplaceAllString(text, "")
	show(ts, "%s", s.scrub(text))
	ts.Check(os.Truncate(path, 0))
}

// clockWord is `clock INSTANT|+DURATION`: it moves the clock of panel, seller and module.
func clockWord(ts *testscript.TestScript, _ bool, args []string) {
	s := stateOf(ts)
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

// panelFaultWord is `panelfault [FUNC KIND [TIMES] [SKIP]]`: it makes calls of mgrctl fail; without arguments it removes the faults.
func panelFaultWord(ts *testscript.TestScript, _ bool, args []string) {
	s := stateOf(ts)
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

// panelSetWord is `panelset crt_store=zip|base64|pem|refuse save_params=all|first|last|refuse error_exit=1 import_ignores=true`: it
// chooses the panel's behaviour that the protocol does not define.
func panelSetWord(ts *testscript.TestScript, _ bool, args []string) {
	s := stateOf(ts)
	settings, err := s.panel.Settings()
	ts.Check(err)
	_, values := pairs(args)
	if v, ok := values["crt_store"]; ok {
		settings.CrtStore = v
	}
	if v, ok := values["save_params"]; ok {
		settings.SaveParams = v
	}
	if v, ok := values["error_exit"]; ok {
		settings.StructuredErrorExit = number(ts, v)
	}
	if v, ok := values["import_ignores"]; ok {
		settings.ImportIgnores = v == "true"
	}
	ts.Check(s.panel.SetSettings(settings))
}

// setParamWord is `setparam name=value…`: it changes item parameters as an administrator's form does.
func setParamWord(ts *testscript.TestScript, _ bool, args []string) {
	s := stateOf(ts)
	values := map[string]string{}
	for _, arg := range args {
		k, v, _ := strings.Cut(arg, "=")
		values[k] = v
	}
	ts.Check(s.panel.SetParams(context.Background(), s.item, values))
}

// operationsWord is `operations`: it prints the running operations.
func operationsWord(ts *testscript.TestScript, _ bool, _ []string) {
	all, err := stateOf(ts).panel.Operations(context.Background())
	ts.Check(err)
	for _, op := range all {
		show(ts, "%s tries=%d manual=%t\n", op.Command, op.TryCount, op.Manual)
	}
}

func tasksWord(ts *testscript.TestScript, _ bool, _ []string) {
	all, err := stateOf(ts).panel.Tasks(context.Background())
	ts.Check(err)
	for _, task := range all {
		show(ts, "%s item=%d\n", task.Type, task.Item)
	}
}

func problemsWord(ts *testscript.TestScript, _ bool, _ []string) {
	all, err := stateOf(ts).panel.Problems(context.Background())
	ts.Check(err)
	for _, problem := range all {
		show(ts, "%s %s %s\n", problem.Name, problem.Level, problem.Params["param_errormsg"])
	}
}

// sqlWord is `sql STATEMENT`: it changes rows of the panel's database directly.
func sqlWord(ts *testscript.TestScript, _ bool, args []string) {
	_, err := stateOf(ts).panel.DB().ExecContext(context.Background(), strings.Join(args, " "))
	ts.Check(err)
}

// chargesWord is `charges`: it prints the charges of the seller.
func chargesWord(ts *testscript.TestScript, _ bool, _ []string) {
	all, err := stateOf(ts).standIn.payments()
	ts.Check(err)
	for _, charge := range all {
		show(ts, "%s %s\n", charge.command, charge.amount)
	}
}
