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

// golden compares with a file of testdata, or of another directory that the name begins with.
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

// hostDouble is a panel that notes what it is told. Commands that it does not know fail the test by a nil call.
type hostDouble struct {
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
	deadline bool             // the last call came with a living context and a deadline
	closed   int
	hang     func(context.Context) error // instead of runningoperation.edit
}

func (h *hostDouble) note(ctx context.Context, call string, args ...any) error {
	words := call
	for _, a := range args {
		words += fmt.Sprintf(" %v", a)
	}
	h.calls = append(h.calls, words)
	if ctx != nil {
		_, bounded := ctx.Deadline()
		h.deadline = bounded && ctx.Err() == nil
	}
	if h.panics == call {
		panic("planted in " + call)
	}
	return h.broken[call]
}

func (h *hostDouble) LoadItem(_ context.Context, it int64) (item.Item, error) {
	h.order.Item = it
	return h.order, h.orderErr
}

func (h *hostDouble) ModuleParams(context.Context, int64) (map[string]string, error) {
	return h.params, nil
}

func (h *hostDouble) DoNothing() bool { return h.idle }

func (h *hostDouble) EditOperation(ctx context.Context, op int64, text string) error {
	h.errorXML = text
	if h.hang != nil {
		return h.hang(ctx)
	}
	return h.note(ctx, "runningoperation.edit", op)
}

func (h *hostDouble) Tries(ctx context.Context, op int64) (int, int, error) {
	return h.tries, h.tasks, h.broken["tries"]
}

func (h *hostDouble) SetManual(ctx context.Context, op int64) error {
	return h.note(ctx, "runningoperation.setmanual", op)
}

func (h *hostDouble) TaskType(ctx context.Context, name string, it int64) (string, error) {
	return h.kind, h.note(ctx, "task.gettype", name, it)
}

func (h *hostDouble) EditTask(ctx context.Context, it, op int64, kind, params string) error {
	h.taskText = params
	return h.note(ctx, "task.edit", it, op, kind)
}

func (h *hostDouble) SaveParam(ctx context.Context, it int64, name, value string) error {
	return h.note(ctx, "service.saveparam", it, name, value)
}

func (h *hostDouble) Escalate(ctx context.Context, it, op int64, name, text string) error {
	return h.note(ctx, "manual", it, op, name, text)
}

func (h *hostDouble) RegisterProblem(ctx context.Context, name string, module int64, moduleName, text string) error {
	h.problem = text
	return h.note(ctx, "problems.register", name, module, moduleName)
}

func (h *hostDouble) RollbackPricelist(ctx context.Context, it int64) error {
	return h.note(ctx, "service.changepricelist.rollback", it)
}

func (h *hostDouble) ModuleName(context.Context, int64) (string, error) {
	return "Our Namecheap", h.broken["name"]
}

func (h *hostDouble) Close() error {
	h.closed++
	if h.panics == "close" {
		panic("planted in close")
	}
	return h.broken["close"]
}

// sellerDouble is a prototype with the optional power to list approvers.
type sellerDouble struct{ seller.Seller }

func (sellerDouble) Approvers(context.Context, string, seller.Product) ([]string, error) {
	return nil, nil
}

func infoDouble() seller.Info {
	return seller.Info{
		Title:        "Double",
		Params:       []seller.Param{{Name: "username"}, {Name: "api_key", Crypted: true}, {Name: "client_ip"}, {Name: "threshold"}},
		CustomParams: []seller.CustomParam{{Name: "limit_minute", Default: "20"}, {Name: "note"}},
		AddressParam: "client_ip",
		Prototype:    sellerDouble{},
		Products: []seller.Product{
			{ID: "standard_ssl", Names: []string{"Standard SSL"}, Level: seller.DV, Included: 1, Most: 1},
			{ID: "standard_wildcard_ssl", Names: []string{"Standard Wildcard SSL"}, Level: seller.DV, Wildcard: true, Included: 1, Most: 1},
			{ID: "san_certificate", Names: []string{"SAN Certificate"}, Level: seller.DV, MultiDomain: true, Included: 3, Most: 100},
			{ID: "ev_ssl", Names: []string{"EV SSL"}, Level: seller.EV, Included: 1, Most: 1},
			{ID: "rapidssl", Names: []string{"RapidSSL"}, Level: seller.DV, Discontinued: true, Successor: "standard_ssl"},
		},
	}
}

// stage is a program in a fake world, with everything that came out of it.
type stage struct {
	host           *hostDouble
	rows           table
	system         System
	stdout, stderr bytes.Buffer
	log9           *panellog.Logger // that of the run, once the panel was made
	root           string
}

func newStage(t *testing.T, rows ...row) *stage {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"etc", "var"} {
		require.NoError(t, os.Mkdir(filepath.Join(root, dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc", "debug.conf"), []byte("* 9\n"), 0o644))
	s := &stage{host: &hostDouble{broken: map[string]error{}}, rows: rows, root: root}
	s.system = System{
		Stdin:  unreadable{t},
		Getenv: func(name string) (string, bool) { return root, name == "MGR5_ROOT" },
		Now:    instant,
		Sleep:  func(ctx context.Context, _ time.Duration) error { <-ctx.Done(); return ctx.Err() },
		Jitter: func() float64 { return 0 },
		Rand:   bytes.NewReader(nil),
		PID:    4711,
		Addresses: func() ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("192.0.2.7")}, nil
		},
	}
	if len(s.rows) == 0 {
		s.rows = commands()
	}
	return s
}

// play runs the program with these words and returns its exit code.
func (s *stage) play(words ...string) int {
	s.system.Args = words
	if s.system.Stdout == nil {
		s.system.Stdout = &s.stdout
	}
	s.system.Stderr = &s.stderr
	k := app{
		program: Program{Name: "pmdouble", Version: "1.2.3", Commit: "abc", Info: func(seller.Env) seller.Info { return infoDouble() }},
		system:  s.system, rows: s.rows, panel: stagePanel(s),
	}
	return k.main()
}

// log returns what the run left in its log.
func (s *stage) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.root, "var", "pmdouble.log"))
	require.NoError(t, err)
	return string(text)
}

// document is stdout, parsed.
func (s *stage) document(t *testing.T) *etree.Document {
	t.Helper()
	require.True(t, strings.HasPrefix(s.stdout.String(), `<?xml version="1.0" encoding="UTF-8"?>`+"\n<doc>"), s.stdout.String())
	doc, err := parseDocument(s.stdout.Bytes())
	require.NoError(t, err)
	return doc
}

// failure returns the type and the text of the error document on stdout.
func (s *stage) failure(t *testing.T) (kind, text string) {
	t.Helper()
	e := s.document(t).FindElement("/doc/error")
	require.NotNil(t, e, s.stdout.String())
	return e.SelectAttrValue("type", ""), e.FindElement("msg").Text()
}

// unreadable fails the test when a command that has no business with stdin reads it.
type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("stdin was read")
	return 0, errors.New("stdin was read")
}

// failing returns a command that ends with this error.
func failing(err error) item.Func {
	return func(context.Context, *item.Run) (*etree.Document, error) { return nil, err }
}

// plain returns a row without needs.
func plain(run item.Func) row {
	return row{name: "act", about: "acts", run: run, tries: manyTries, uses: []string{"item", "module"}, deadline: time.Minute}
}

// stagePanel hands the stage's panel out.
func stagePanel(s *stage) func(panel.Options) host {
	return func(o panel.Options) host {
		s.log9 = o.Log
		return s.host
	}
}
