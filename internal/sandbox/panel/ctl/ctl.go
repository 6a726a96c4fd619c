// Package ctl is the stand-in's mgrctl: its command line, its formats and the functions that certificate modules call
// (docs/reference/billmanager.md §5). A call is one process: it reads the root's settings, works on the database and
// answers.
package ctl

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql" // the panel's database

	"pmssl/internal/sandbox/hostpanel/hostctl"
	"pmssl/internal/sandbox/panel/root"
)

// System is the operating system as a run of mgrctl uses it, without root and database.
type System struct {
	Program string   // path as called: <root>/sbin/mgrctl
	Args    []string // without the program
	Env     func(name string) (string, bool)
	Stdout  io.Writer
	Stderr  io.Writer
	Now     func() time.Time
	Random  io.Reader
	PID     int
	// KillCaller ends the process that started this one with SIGKILL, for faults.
	KillCaller func() error
}

// Main runs mgrctl and returns its exit code: 0, or 1 for an error in text form (docs/reference/billmanager.md §5.1).
// Calls for a hosting panel on the same host are handed to it (package hostctl).
func Main(ctx context.Context, w System) int {
	if hostctl.Wanted(w.Args) {
		if dir, err := w.rootDir(); err == nil {
			return hostctl.Run(ctx, string(dir), w.Args, w.Stdout, w.Stderr)
		}
	}
	m, err := open(w)
	if err != nil {
		fmt.Fprintln(w.Stderr, "ERROR", asError(err))
		return 1
	}
	return m.run(ctx)
}

// rootDir returns the panel's root: MGR5_ROOT, or the folder above the program's.
func (w System) rootDir() (root.Dir, error) {
	if dir, ok := w.Env("MGR5_ROOT"); ok && dir != "" {
		return root.Dir(dir), nil
	}
	return root.Find(w.Program)
}

type mgrctl struct {
	System
	line     commandLine
	root     root.Dir
	settings root.Settings
}

func open(w System) (*mgrctl, error) {
	m := &mgrctl{System: w}
	var err error
	if m.line, err = parse(w.Args, w.Env); err != nil {
		return nil, err
	}
	if m.root, err = w.rootDir(); err != nil {
		return nil, err
	}
	m.settings, err = m.root.ReadSettings()
	return m, err
}

const help = `usage: mgrctl [-m mgr] [ -u | -i [lang=..] | -l | [[-o fmt] [-R | func [p=v]...] [-e p=$ENV]...] ]
formats: text (default), xml, devel, json, xjson, sjson, bjson
`

func (m *mgrctl) run(ctx context.Context) int {
	switch {
	case m.line.mode == modeLock:
		return m.done(os.WriteFile(m.lockPath(), nil, 0o644))
	case m.line.mode == modeUnlock:
		err := os.Remove(m.lockPath())
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return m.done(err)
	case m.line.mode == modeInfo:
		for _, name := range functionNames() {
			fmt.Fprintln(m.Stdout, name)
		}
		return 0
	case m.line.mode == modeRestart:
		m.line.function = "exit"
	case m.line.function == "":
		fmt.Fprint(m.Stderr, help)
		return 1
	}
	return m.request(ctx)
}

func (m *mgrctl) lockPath() string { return m.root.Path("var", "billmgr.lock") }

func (m *mgrctl) done(err error) int {
	if err != nil {
		fmt.Fprintln(m.Stderr, "ERROR", asError(err))
		return 1
	}
	fmt.Fprintln(m.Stdout, "OK")
	return 0
}

// caller returns the name for the panel's log: SSH_CONNECTION up to its first blank (sshd writes four words there).
func (m *mgrctl) caller() string {
	who, _ := m.Env("SSH_CONNECTION")
	if name, _, _ := strings.Cut(strings.TrimSpace(who), " "); name != "" {
		return name
	}
	return root.LocalCaller
}

// errDown returns the error of a panel that cannot be reached (docs/reference/billmanager.md §1.6).
func errDown() error { return &Error{Type: "client", Object: "open", Value: "billmgr"} }

func (m *mgrctl) request(ctx context.Context) int {
	if err := m.delay(ctx); err != nil {
		return m.done(err)
	}
	fault, err := m.root.TakeFault(m.line.function, m.caller())
	if err != nil {
		return m.done(err)
	}
	if _, err := os.Stat(m.lockPath()); err == nil || fault != nil && fault.Kind == root.FaultDown {
		return m.done(errDown()) // before the log: a panel that does not run writes none
	}
	now, err := m.root.Clock(m.settings, m.Now)
	if err != nil {
		return m.done(err)
	}
	if err := m.root.LogRequest(now, m.PID, m.caller(), m.line.logged()); err != nil {
		return m.done(err)
	}
	if fault == nil {
		return m.answer(m.serve(ctx, now))
	}
	return m.answerFault(ctx, now, *fault)
}

// delay waits as the settings say.
func (m *mgrctl) delay(ctx context.Context) error {
	wait, err := m.settings.Wait()
	if err != nil || wait == 0 {
		return err
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answerFault answers as the fault says.
func (m *mgrctl) answerFault(ctx context.Context, now time.Time, f root.Fault) int {
	refusal := Reply{Err: &Error{Type: f.Type, Object: f.Object, Value: f.Value}}
	if f.Type == "" {
		refusal.Err.Type = "db"
	}
	switch f.Kind {
	case root.FaultError:
		return m.answer(refusal)
	case root.FaultExit:
		return max(f.Exit, 1)
	case root.FaultHang:
		return m.hang(ctx)
	case root.FaultKill:
		return m.done(m.KillCaller())
	}
	r := m.serve(ctx, now)
	switch f.Kind {
	case root.FaultErrorAfter:
		return m.answer(refusal)
	case root.FaultHangAfter:
		return m.hang(ctx)
	case root.FaultKillAfter:
		return m.done(m.KillCaller())
	case root.FaultGarbage:
		fmt.Fprint(m.Stdout, "<doc><ok/\x00\xff}{]]>")
		return 0
	case root.FaultEmpty:
		return 0
	}
	return m.answer(r)
}

// hang waits to be killed. Its line on stderr lets a test know when to kill.
func (m *mgrctl) hang(ctx context.Context) int {
	fmt.Fprintln(m.Stderr, "fault: hanging")
	<-ctx.Done()
	return 1
}

// serve opens the database and runs the function.
func (m *mgrctl) serve(ctx context.Context, now time.Time) Reply {
	f, ok := function(m.line.function)
	if !ok {
		return Reply{Err: &Error{Type: "missed", Object: "func", Value: m.line.function}}
	}
	conf, err := m.root.ReadConf()
	if err != nil {
		return Reply{Err: asError(err)}
	}
	cipher, err := m.root.Cipher(conf)
	if err != nil {
		return Reply{Err: asError(err)}
	}
	db, err := sql.Open("mysql", conf.DSN())
	if err != nil {
		return Reply{Err: asError(err)}
	}
	defer db.Close()
	unlock, err := m.root.LockDatabase()
	if err != nil {
		return Reply{Err: asError(err)}
	}
	defer unlock()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return Reply{Err: asError(err)}
	}
	reply, err := f(&request{
		ctx: ctx, db: tx, cipher: cipher, random: m.Random, conf: conf, settings: m.settings, now: now,
		caller: m.caller(), function: m.line.function, params: m.line.params, names: m.line.names,
	})
	if err != nil {
		return Reply{Err: asError(errors.Join(err, tx.Rollback()))}
	}
	if err := tx.Commit(); err != nil {
		return Reply{Err: asError(err)}
	}
	return reply
}

// asError returns any error as the panel's error type.
func asError(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	return &Error{Type: "db", Value: err.Error(), Message: err.Error()}
}

// answer prints a reply and returns the exit code.
func (m *mgrctl) answer(r Reply) int {
	format := m.line.format()
	if r.Err != nil && format == formatText {
		fmt.Fprintln(m.Stderr, "ERROR", r.Err)
		return 1
	}
	c := call{function: m.line.function, lang: m.line.lang(), params: m.line.echoed()}
	if _, err := m.Stdout.Write(render(format, c, r)); err != nil {
		return 1
	}
	if r.Err != nil {
		return m.settings.StructuredErrorExit
	}
	return 0
}
