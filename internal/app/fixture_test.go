package app

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
	"pmssl/internal/panel"
	"pmssl/internal/panellog"
	"pmssl/internal/seller"
)

func updating() bool { return flag.Lookup("update").Value.String() == "true" }

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files anew")
	flag.Parse()
	os.Exit(m.Run())
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if updating() {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// instant returns the time of all tests.
func instant() time.Time { return time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC) }

// fakePanel is a panel that records its calls. A call of a method that it does not implement panics.
type fakePanel struct {
	item.Panel
	calls    []string
	errorXML string
	problem  string
	taskText string

	order    item.Item
	orderErr error
	params   map[string]string
	idle     bool
	tries    int
	tasks    int
	kind     string
	broken   map[string]error // by call
	panics   string           // call that panics
	deadline bool             // the context of the last call had a deadline and had not ended
	closed   int
	hang     func(context.Context) error // instead of runningoperation.edit
}

func (p *fakePanel) note(ctx context.Context, call string, args ...any) error {
	words := call
	for _, a := range args {
		words += fmt.Sprintf(" %v", a)
	}
	p.calls = append(p.calls, words)
	if ctx != nil {
		_, bounded := ctx.Deadline()
		p.deadline = bounded && ctx.Err() == nil
	}
	if p.panics == call {
		panic("planted in " + call)
	}
	return p.broken[call]
}

func (p *fakePanel) LoadItem(_ context.Context, it int64) (item.Item, error) {
	p.order.Item = it
	return p.order, p.orderErr
}

func (p *fakePanel) ModuleParams(context.Context, int64) (map[string]string, error) {
	return p.params, nil
}

func (p *fakePanel) DoNothing() bool { return p.idle }

func (p *fakePanel) EditOperation(ctx context.Context, op int64, text string) error {
	p.errorXML = text
	if p.hang != nil {
		return p.hang(ctx)
	}
	return p.note(ctx, "runningoperation.edit", op)
}

func (p *fakePanel) Tries(ctx context.Context, op int64) (int, int, error) {
	return p.tries, p.tasks, p.broken["tries"]
}

func (p *fakePanel) SetManual(ctx context.Context, op int64) error {
	return p.note(ctx, "runningoperation.setmanual", op)
}

func (p *fakePanel) TaskType(ctx context.Context, name string, it int64) (string, error) {
	return p.kind, p.note(ctx, "task.gettype", name, it)
}

func (p *fakePanel) EditTask(ctx context.Context, it, op int64, kind, params string) error {
	p.taskText = params
	return p.note(ctx, "task.edit", it, op, kind)
}

func (p *fakePanel) SaveParam(ctx context.Context, it int64, name, value string) error {
	return p.note(ctx, "service.saveparam", it, name, value)
}

func (p *fakePanel) Escalate(ctx context.Context, it, op int64, name, text string) error {
	return p.note(ctx, "manual", it, op, name, text)
}

func (p *fakePanel) RegisterProblem(ctx context.Context, name string, module int64, moduleName, text string) error {
	p.problem = text
	return p.note(ctx, "problems.register", name, module, moduleName)
}

func (p *fakePanel) RollbackPricelist(ctx context.Context, it int64) error {
	return p.note(ctx, "service.changepricelist.rollback", it)
}

func (p *fakePanel) ModuleName(context.Context, int64) (string, error) {
	return "Our Namecheap", p.broken["name"]
}

func (p *fakePanel) Close() error {
	p.closed++
	if p.panics == "close" {
		panic("planted in close")
	}
	return p.broken["close"]
}

// fakeSeller is a prototype that implements ApproverLister.
type fakeSeller struct{ seller.Seller }

func (fakeSeller) Approvers(context.Context, string, seller.Product) ([]string, error) {
	return nil, nil
}

func testInfo() seller.Info {
	return seller.Info{
		Title:        "Double",
		Params:       []seller.Param{{Name: "username"}, {Name: "api_key", Crypted: true}, {Name: "client_ip"}, {Name: "threshold"}},
		CustomParams: []seller.CustomParam{{Name: "limit_minute", Default: "20"}, {Name: "note"}},
		AddressParam: "client_ip",
		Prototype:    fakeSeller{},
		Products: []seller.Product{
			{ID: "standard_ssl", Names: []string{"Standard SSL"}, Level: seller.DV, Included: 1, MaxNames: 1},
			{ID: "standard_wildcard_ssl", Names: []string{"Standard Wildcard SSL"}, Level: seller.DV, Wildcard: true, Included: 1, MaxNames: 1},
			{ID: "san_certificate", Names: []string{"SAN Certificate"}, Level: seller.DV, MultiDomain: true, Included: 3, MaxNames: 100},
			{ID: "ev_ssl", Names: []string{"EV SSL"}, Level: seller.EV, Included: 1, MaxNames: 1},
			{ID: "rapidssl", Names: []string{"RapidSSL"}, Level: seller.DV, Discontinued: true, Successor: "standard_ssl"},
		},
	}
}

// fixture is a program with a fake System, and its output.
type fixture struct {
	panel          *fakePanel
	rows           table
	system         System
	stdout, stderr bytes.Buffer
	log9           *panellog.Logger // the log of the run, once newPanel was called
	root           string
}

func newFixture(t *testing.T, rows ...row) *fixture {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"etc", "var"} {
		require.NoError(t, os.Mkdir(filepath.Join(root, dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc", "debug.conf"), []byte("* 9\n"), 0o644))
	s := &fixture{panel: &fakePanel{broken: map[string]error{}}, rows: rows, root: root}
	s.system = System{
		Stdin:     unreadable{t},
		Getenv:    func(name string) (string, bool) { return root, name == "MGR5_ROOT" },
		Now:       instant,
		Sleep:     func(ctx context.Context, _ time.Duration) error { <-ctx.Done(); return ctx.Err() },
		RealSleep: func(ctx context.Context, _ time.Duration) error { <-ctx.Done(); return ctx.Err() },
		Jitter:    func() float64 { return 0 },
		Rand:      bytes.NewReader(nil),
		PID:       4711,
		Addresses: func() ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("192.0.2.7")}, nil
		},
	}
	if len(s.rows) == 0 {
		s.rows = commands()
	}
	return s
}

// run runs the program with these arguments and returns its exit code.
func (s *fixture) run(words ...string) int {
	s.system.Args = words
	if s.system.Stdout == nil {
		s.system.Stdout = &s.stdout
	}
	s.system.Stderr = &s.stderr
	a := app{
		program: Program{Name: "pmdouble", Version: "1.2.3", Commit: "abc", Info: func(seller.Env) seller.Info { return testInfo() }},
		system:  s.system, rows: s.rows, newPanel: newPanelOf(s),
	}
	return a.main()
}

// log returns the content of the log file.
func (s *fixture) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.root, "var", "pmdouble.log"))
	require.NoError(t, err)
	return string(text)
}

// document returns stdout, parsed.
func (s *fixture) document(t *testing.T) *etree.Document {
	t.Helper()
	require.True(t, strings.HasPrefix(s.stdout.String(), `<?xml version="1.0" encoding="UTF-8"?>`+"\n<doc>"), s.stdout.String())
	doc, err := parseDocument(s.stdout.Bytes())
	require.NoError(t, err)
	return doc
}

// failure returns the type and the text of the error document on stdout.
func (s *fixture) failure(t *testing.T) (kind, text string) {
	t.Helper()
	e := s.document(t).FindElement("/doc/error")
	require.NotNil(t, e, s.stdout.String())
	return e.SelectAttrValue("type", ""), e.FindElement("msg").Text()
}

// unreadable is a stdin that fails the test when it is read.
type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("stdin was read")
	return 0, errors.New("stdin was read")
}

// failing returns a command that returns this error.
func failing(err error) item.Func {
	return func(context.Context, *item.Run) (*etree.Document, error) { return nil, err }
}

// plain returns a row without required arguments.
func plain(run item.Func) row {
	return row{name: "act", about: "acts", run: run, tries: manyTries, uses: []string{"item", "module"}, deadline: time.Minute}
}

// newPanelOf returns a constructor that returns the fixture's panel.
func newPanelOf(s *fixture) func(panel.Options) panelAPI {
	return func(o panel.Options) panelAPI {
		s.log9 = o.Log
		return s.panel
	}
}

// catching returns a System.CatchSignals that returns the channel.
func catching(signals <-chan os.Signal) func(bool) <-chan os.Signal {
	return func(bool) <-chan os.Signal { return signals }
}
