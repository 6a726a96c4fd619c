package panel_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/engine"
	"pmssl/internal/sandbox/panel"
	_ "pmssl/internal/sandbox/panel/ctl" // mgrctl is built from it: a change of it must make these tests run again
	"pmssl/internal/sandbox/panel/root"
)

// programs is shared by all tests: the mgrctl binary and one server of each kind, created on first use.
type programs struct {
	once    sync.Once
	err     error
	dir     string
	mgrctl  string
	servers map[engine.Kind]*engine.Server
	key     []byte // of all panels: making one for each test costs more than the tests
	mu      sync.Mutex
	count   int
}

var shared programs

func TestMain(m *testing.M) {
	code := m.Run()
	for _, s := range shared.servers {
		if err := s.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// servers returns the running servers by kind. Without mariadbd there is only the embedded one, which the log notes.
func servers(t *testing.T) map[engine.Kind]*engine.Server {
	t.Helper()
	shared.once.Do(func() { shared.err = shared.start() })
	require.NoError(t, shared.err)
	if shared.servers[engine.MariaDB] == nil {
		t.Log("mariadbd is not installed: the panel is tested on the embedded engine alone")
	}
	return shared.servers
}

func (s *programs) start() (err error) {
	if s.dir, err = os.MkdirTemp("", "panel-test-"); err != nil {
		return err
	}
	if s.key, err = root.NewKey(rand.Reader); err != nil {
		return err
	}
	s.mgrctl = filepath.Join(s.dir, "mgrctl")
	if out, err := exec.Command("go", "build", "-o", s.mgrctl, "../cmd/mgrctl").CombinedOutput(); err != nil {
		return fmt.Errorf("building mgrctl: %w: %s", err, out)
	}
	s.servers = map[engine.Kind]*engine.Server{}
	if s.servers[engine.Embedded], err = engine.StartEmbedded(engine.Options{}); err != nil {
		return err
	}
	if _, _, ok := engine.FindMariaDB(); ok {
		m, err := engine.StartMariaDB(context.Background(), engine.Options{})
		if err != nil {
			return err
		}
		s.servers[engine.MariaDB] = m
	}
	return nil
}

// start is the instant of every test's clock.
const start = "2026-11-22T10:00:00Z"

// on runs a test on a fresh panel on each engine.
func on(t *testing.T, f func(t *testing.T, p *panel.Panel)) {
	for _, kind := range []engine.Kind{engine.Embedded, engine.MariaDB} {
		s := servers(t)[kind]
		if s == nil {
			continue
		}
		t.Run(string(kind), func(t *testing.T) { f(t, fresh(t, s)) })
	}
}

func fresh(t *testing.T, s *engine.Server) *panel.Panel {
	t.Helper()
	shared.mu.Lock()
	shared.count++
	name := fmt.Sprintf("pmssl_t%d", shared.count)
	shared.mu.Unlock()
	dsn, err := s.CreateDatabase(t.Context(), name)
	require.NoError(t, err)
	dir := t.TempDir()
	clock := filepath.Join(dir, "clock")
	require.NoError(t, os.WriteFile(clock, []byte(start+"\n"), 0o600))
	p, err := panel.Open(t.Context(), panel.Config{
		Root: filepath.Join(dir, "mgr5"), DSN: dsn, Mgrctl: shared.mgrctl, Clock: clock, Now: time.Now, Random: rand.Reader, Key: shared.key,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// module installs testdata/module.sh, a module in a few lines of shell.
func module(t *testing.T, p *panel.Panel) {
	t.Helper()
	require.NoError(t, p.Install("pmfake.sh", "testdata/module.sh"))
}

// connected connects the fake module and returns its id.
func connected(t *testing.T, p *panel.Panel) int64 {
	t.Helper()
	module(t, p)
	c, err := p.Connect(t.Context(), "pmfake.sh", panel.Connection{
		Name: "Fake CA", Params: map[string]string{"url": "https://ca.example", "password": "right"}, Threshold: "10",
	})
	require.NoError(t, err)
	require.NotZero(t, c.ID, "tune %+v check %+v", c.Tune, c.Check)
	return c.ID
}

func ordered(t *testing.T, p *panel.Panel, params map[string]string) *panel.OrderResult {
	t.Helper()
	tariff, err := p.AddTariff(t.Context(), panel.Tariff{
		Name: "Fake DV", IntName: "fake_dv", Modules: []int64{connected(t, p)}, Prices: map[int]string{12: "9.50"},
	})
	require.NoError(t, err)
	o, err := p.Order(t.Context(), panel.Order{Tariff: tariff, Period: 12, CSR: csr(t), Params: params})
	require.NoError(t, err)
	return o
}

func csr(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/example.csr")
	require.NoError(t, err)
	return string(text)
}

func functions(t *testing.T, p *panel.Panel) []string {
	t.Helper()
	all, err := p.Requests()
	require.NoError(t, err)
	var names []string
	for _, r := range all {
		names = append(names, r.Func)
	}
	return names
}

func TestOrderThatSucceeds(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		o := ordered(t, p, nil)
		require.NotNil(t, o.Open)
		require.True(t, o.Open.OK(), o.Open.Failure())
		require.NotNil(t, o.Approver)
		assert.Contains(t, o.Approver.Stdout, "<approver>admin@example.com</approver>")
		assert.Contains(t, o.Approver.Stdout, "BEGIN CERTIFICATE REQUEST", "the CSR is on stdin")

		i, err := p.Item(t.Context(), o.Item)
		require.NoError(t, err)
		assert.Equal(t, 2, i.Status)
		assert.Equal(t, "example.com", i.Name)
		assert.Equal(t, "2026-11-22", i.OpenDate)
		assert.Equal(t, "2027-11-22", i.ExpireDate)
		assert.Equal(t, "3", i.Params["service_status"])
		assert.Empty(t, i.Operations, "service.postopen deletes the operation")
		assert.Equal(t, []string{"service.setstatus", "service.postopen"}, functions(t, p))

		requests, err := p.Requests()
		require.NoError(t, err)
		assert.Equal(t, "pmfake.sh", requests[0].Caller)
	})
}

func TestModuleIsStartedAsThePanelDoes(t *testing.T) {
	on(t, func(t *testing.T, p *panel.Panel) {
		o := ordered(t, p, nil)
		assert.Equal(t, strings.Fields(fmt.Sprintf("--command open --item %d --runningoperation %d --lang en --level 16",
			o.Item, o.Operation)), o.Open.Args)
		assert.Contains(t, o.Open.Stderr, "cwd "+p.Root()+"\n")
		assert.Contains(t, o.Open.Stderr, "root "+p.Root()+"\n")
		assert.Contains(t, o.Open.Stderr, "stdin /dev/null\n")
	})
}
