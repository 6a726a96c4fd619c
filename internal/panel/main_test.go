package panel_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/exchange"
	"pmssl/internal/panel"
	"pmssl/internal/panellog"
)

// TestMain lets the test binary act as mgrctl and as a child of mgrctl too.
func TestMain(m *testing.M) {
	if folder, ok := os.LookupEnv("PANEL_TEST_MGRCTL"); ok {
		os.Exit(fakeMgrctl(folder))
	}
	code := m.Run()
	mariadb.end()
	os.Exit(code)
}

// step is the behaviour of the fake mgrctl in one call of a function.
type step struct {
	Stdout string `json:"stdout,omitempty"`
	Stderr string `json:"stderr,omitempty"`
	Code   int    `json:"code,omitempty"`
	Flood  int    `json:"flood,omitempty"` // bytes of stdout after Stdout
	SQL    string `json:"sql,omitempty"`   // what the panel changes in its database
	DSN    string `json:"dsn,omitempty"`
	// Takes has service.saveparam store parameters of the call in the database: all, first or last of those of form B, and the one of
	// form A; refuse stores those of form A and answers several of form B with an error.
	Takes string `json:"takes,omitempty"`
	// Hang starts a child that holds an flock on the file named "held", says so on the FIFO "hangs", and waits to be
	// killed.
	Hang bool `json:"hang,omitempty"`
}

// seen is one call of the fake mgrctl.
type seen struct {
	Args   []string `json:"args"` // behind `-m billmgr -o xml`
	Head   []string `json:"head"`
	Caller string   `json:"caller"`
	Folder string   `json:"folder"`
	Secret string   `json:"secret"` // what the environment gives for `-e name=$VARIABLE`
}

const okAnswer = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<doc lang="en" func="x" binary="/billmgr"><ok/><tparams><out>xml</out></tparams><saved_filters/></doc>` + "\n"

func fakeMgrctl(folder string) int {
	if len(os.Args) == 2 && os.Args[1] == "held" {
		return hold(folder)
	}
	head, args := os.Args[1:5], os.Args[5:]
	secret := ""
	if n := len(args); n > 2 && args[n-2] == "-e" {
		_, variable, _ := strings.Cut(args[n-1], "=$")
		secret = os.Getenv(variable)
	}
	cwd, err := os.Getwd()
	check(err)
	text, err := json.Marshal(seen{Args: args, Head: head, Caller: os.Getenv("SSH_CONNECTION"), Folder: cwd, Secret: secret})
	check(err)
	calls, err := os.OpenFile(filepath.Join(folder, "calls"), os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	check(err)
	_, err = calls.Write(append(text, '\n'))
	check(err)
	return perform(folder, pickStep(folder, args[0]))
}

// pickStep returns the nth step of the function for its nth call; the last one holds for all further calls.
func pickStep(folder, function string) step {
	text, err := os.ReadFile(filepath.Join(folder, "calls"))
	check(err)
	nth := bytes.Count(text, []byte(`{"args":["`+function+`"`)) - 1
	var all map[string][]step
	text, err = os.ReadFile(filepath.Join(folder, "steps"))
	check(err)
	check(json.Unmarshal(text, &all))
	steps := all[function]
	if len(steps) == 0 {
		return step{Stdout: okAnswer}
	}
	return steps[min(nth, len(steps)-1)]
}

func perform(folder string, s step) int {
	if s.SQL != "" {
		db, err := sql.Open("mysql", s.DSN)
		check(err)
		_, err = db.Exec(s.SQL)
		check(err)
	}
	if s.Takes != "" && !takeParams(s) {
		s.Stdout = refusalXML("value", "name", "", "one at a time")
	}
	fmt.Fprint(os.Stdout, s.Stdout)
	fmt.Fprint(os.Stderr, s.Stderr)
	if s.Flood > 0 {
		_, _ = io.CopyN(os.Stdout, zeros{}, int64(s.Flood))
	}
	if s.Hang {
		child := exec.Command(os.Args[0], "held")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		check(child.Start())
		_ = child.Wait()
	}
	return s.Code
}

// takeParams stores the parameters of service.saveparam as the step says; false if the call is refused.
func takeParams(s step) bool {
	given := map[string]string{}
	var names []string
	for _, word := range os.Args[6:] {
		name, value, _ := strings.Cut(word, "=")
		given[name] = value
		if !slices.Contains([]string{"sok", "elid", "crypted"}, name) {
			names = append(names, name)
		}
	}
	it := given["elid"]
	if name := given["name"]; name != "" {
		given[name], names = given["value"], []string{name}
	}
	switch {
	case len(names) < 2 || s.Takes == "all":
	case s.Takes == "first":
		names = names[:1]
	case s.Takes == "last":
		names = names[len(names)-1:]
	default:
		return false
	}
	db, err := sql.Open("mysql", s.DSN)
	check(err)
	for _, name := range names {
		_, err = db.Exec("DELETE FROM itemparam WHERE item=? AND intname=?", it, name)
		check(err)
		_, err = db.Exec("INSERT INTO itemparam (item, intname, value) VALUES (?, ?, ?)", it, name, given[name])
		check(err)
	}
	return true
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// hold locks the file "held" and waits to be killed.
func hold(folder string) int {
	file, err := os.OpenFile(filepath.Join(folder, "held"), os.O_CREATE|os.O_RDWR, 0o600)
	check(err)
	check(syscall.Flock(int(file.Fd()), syscall.LOCK_EX))
	if fifo, err := os.OpenFile(filepath.Join(folder, "hangs"), os.O_WRONLY, 0); err == nil {
		fmt.Fprintln(fifo, "holding")
		_ = fifo.Close()
	}
	killed := make(chan os.Signal, 1)
	signal.Notify(killed, syscall.SIGTERM)
	<-killed
	return 0
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "fake mgrctl:", err)
		os.Exit(99)
	}
}

// fixture is a panel root with a host in it and a clock that only sleeping moves.
type fixture struct {
	*panel.Host
	t      testing.TB
	root   string
	fake   string // folder of the fake mgrctl
	log    *panellog.Logger
	now    time.Time
	sleeps []time.Duration
	steps  map[string][]step // by function
	// observed has the calls that the host's observer was told.
	observed []exchange.PanelCall
}

const binary = "pmfake"

// newFixture lays out a root with these lines as etc/billmgr.conf.
func newFixture(t testing.TB, conf ...string) *fixture {
	t.Helper()
	w := &fixture{t: t, root: t.TempDir(), fake: t.TempDir(), now: time.Date(2026, 5, 7, 15, 7, 16, 0, time.UTC), steps: map[string][]step{}}
	for _, folder := range []string{"etc/billmgr.conf.d", "sbin", "var"} {
		require.NoError(t, os.MkdirAll(filepath.Join(w.root, folder), 0o750))
	}
	w.write("etc/billmgr.conf", strings.Join(conf, "\n")+"\n")
	w.write("etc/debug.conf", "SET color=off\n* 9\n")
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(w.root, "sbin/mgrctl")))
	w.log = panellog.Open(panellog.Options{Name: binary, Root: w.root, Stderr: io.Discard, Now: func() time.Time { return w.now }, Location: time.UTC, PID: 1})
	w.Host = w.host()
	w.behave("", step{})
	t.Cleanup(func() { require.NoError(t, w.Close()); require.NoError(t, w.log.Close()) })
	return w
}

// host returns one more run in the same root.
func (w *fixture) host() *panel.Host {
	return panel.New(panel.Options{
		Root: w.root, Binary: binary, Log: w.log, Rand: rand.Reader, Observer: panelObserver{w},
		Getenv: func(string) (string, bool) { return "", false },
		// GORACE: a binary with the race detector otherwise sleeps for a second at its end.
		Environ: append(os.Environ(), "PANEL_TEST_MGRCTL="+w.fake, "SSH_CONNECTION=192.0.2.7 1 192.0.2.8 22", "GORACE=atexit_sleep_ms=0"),
		Now:     func() time.Time { return w.now },
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.now = w.now.Add(d)
			w.sleeps = append(w.sleeps, d)
			return ctx.Err()
		},
	})
}

// panelObserver keeps the calls of the panel.
type panelObserver struct{ w *fixture }

func (panelObserver) SellerCall(exchange.Call) error              { return nil }
func (panelObserver) SellerAnswer(exchange.Call, exchange.Answer) {}
func (o panelObserver) PanelCall(call exchange.PanelCall)         { o.w.observed = append(o.w.observed, call) }

// withDB returns a fixture whose settings name a new database on the private server.
func withDB(t *testing.T) (*fixture, *sql.DB) {
	t.Helper()
	name, db := panelDB(t)
	w := newFixture(t, "DBHost localhost", "DBUser "+dbUser, "DBPassword "+dbPassword, "DBName "+name, "DBSocket "+mariadb.socket, "CryptKey etc/test.pem")
	return w, db
}

// yieldSleep returns a sleep that only lets other goroutines run; for hosts that work at the same time.
func yieldSleep() func(context.Context, time.Duration) error {
	return func(ctx context.Context, _ time.Duration) error { runtime.Gosched(); return ctx.Err() }
}

func (w *fixture) write(name, text string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(filepath.Join(w.root, name), []byte(text), 0o600))
}

// behave sets how the panel answers a function, call by call.
func (w *fixture) behave(function string, steps ...step) {
	w.t.Helper()
	if function != "" {
		w.steps[function] = steps
	}
	text, err := json.Marshal(w.steps)
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(filepath.Join(w.fake, "steps"), text, 0o600))
}

// calls returns the calls of mgrctl up to now.
func (w *fixture) calls() []seen {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.fake, "calls"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(w.t, err)
	var all []seen
	for line := range strings.Lines(string(text)) {
		var one seen
		require.NoError(w.t, json.Unmarshal([]byte(line), &one))
		all = append(all, one)
	}
	return all
}

// callLines returns each call of mgrctl as one line.
func (w *fixture) callLines() []string {
	w.t.Helper()
	var all []string
	for _, one := range w.calls() {
		all = append(all, strings.Join(one.Args, " "))
	}
	return all
}

// logged returns the whole log.
func (w *fixture) logged() string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.root, "var", binary+".log"))
	require.NoError(w.t, err)
	return string(text)
}

func refusalXML(kind, object, value, message string) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><doc><error type="%s" object="%s" lang="en" code="1"><param name="object" type="msg" msg="Code">%s</param><param name="value">%s</param><stack><action level="30" user="root">x</action></stack><msg>%s</msg></error></doc>`,
		kind, object, object, value, message)
}
