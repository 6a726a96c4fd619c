// Command sandbox-panel is the stand-in BILLmanager as a program: it creates a panel root and a database, and starts
// processing modules on request of its control address.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"pmssl/internal/sandbox/engine"
	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/panel/control"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if errors.Is(err, pflag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox-panel:", err)
		os.Exit(1)
	}
}

type options struct {
	root, dsn, listen, dbListen, clock, mgrctl string
	mariadb                                    bool
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	f := pflag.NewFlagSet("sandbox-panel", pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(out)
	f.StringVar(&o.root, "root", "", "folder for the panel root (required; a root of an earlier run is used again)")
	f.StringVar(&o.dsn, "dsn", "", "database, user:password@unix(/socket)/name or user:password@tcp(host:port)/name;\n"+
		"one that is not empty and whose name does not begin with pmssl_ is refused; default: an embedded engine in memory")
	f.BoolVar(&o.mariadb, "mariadb", false, "instead of --dsn: a private MariaDB that ends with this program. The embedded engine has no\n"+
		"@variable := value in a SELECT: modules that count addons with LIB's itemaddons need MariaDB")
	f.StringVar(&o.dbListen, "db-listen", "", "loopback address of the private database's TCP port. Modules of ISPsystem cannot set a port\n"+
		"and need 127.0.0.1:3306")
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback address of the control interface")
	f.StringVar(&o.clock, "clock", "", "file with one RFC 3339 instant, the panel's time; default: real time")
	f.StringVar(&o.mgrctl, "mgrctl", "", "program to install as sbin/mgrctl; default: sandbox-mgrctl beside this program")
	f.Usage = func() {
		fmt.Fprintf(out, "usage: sandbox-panel --root DIR [--dsn DSN | --mariadb] [--listen ADDR] [--clock FILE] [--mgrctl PATH]\n\n%s\n"+
			"Control interface (JSON; a run of a module is answered with stdout, stderr, exit code and duration in ns):\n\n%s",
			f.FlagUsages(), control.Help("http://127.0.0.1:PORT"))
	}
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.root == "":
		return o, errors.New("--root is required")
	case o.dsn != "" && (o.mariadb || o.dbListen != ""):
		return o, errors.New("--dsn names a database that exists: it cannot be combined with --mariadb or --db-listen")
	}
	return o, loopback(o.listen)
}

func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", addr, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("--listen %s: only a loopback address is served", addr)
	}
	return nil
}

// databaseName is the database that the stand-in creates in a private server.
const databaseName = "pmssl_billmgr"

// run serves until ctx ends.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	kind, dsn := "given", o.dsn
	if dsn == "" {
		s, err2 := startEngine(ctx, o)
		if err2 != nil {
			return err2
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		if dsn, err = s.CreateDatabase(ctx, databaseName); err != nil {
			return err
		}
		kind = string(s.Kind())
		if s.Addr() != "" {
			fmt.Fprintf(out, "database-tcp %s\n", s.Addr())
		}
		if o.dbListen != "" {
			dsn = fmt.Sprintf("%s:%s@tcp(%s)/%s", s.User(), s.Password(), s.Addr(), databaseName)
		}
	}
	if o.mgrctl == "" {
		if o.mgrctl, err = besideMe(); err != nil {
			return err
		}
	}
	p, err := panel.Open(ctx, panel.Config{
		Root: o.root, DSN: dsn, Mgrctl: o.mgrctl, Clock: o.clock, Env: os.Environ(), Now: time.Now, Random: rand.Reader,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	fmt.Fprintf(out, "root %s\ndatabase %s\n", p.Root(), kind)
	for _, d := range p.DatabaseDirectives() {
		fmt.Fprintf(out, "%s %s\n", d.Name, d.Value)
	}
	return serve(ctx, o.listen, p, out)
}

func startEngine(ctx context.Context, o options) (*engine.Server, error) {
	if o.mariadb {
		return engine.StartMariaDB(ctx, engine.Options{Addr: o.dbListen})
	}
	return engine.StartEmbedded(engine.Options{Addr: o.dbListen})
}

// besideMe returns the path of the sandbox-mgrctl beside this program.
func besideMe() (string, error) {
	me, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("looking for sandbox-mgrctl: %w", err)
	}
	path := filepath.Join(filepath.Dir(me), "sandbox-mgrctl")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no sandbox-mgrctl beside this program, name one with --mgrctl: %w", err)
	}
	return path, nil
}

func serve(ctx context.Context, addr string, p *panel.Panel, out io.Writer) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: control.Handler(p), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	fmt.Fprintf(out, "control http://%s\nready\n", l.Addr())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		// Close, not Shutdown: a run that hangs must not delay the end; the context of its request ends it.
		return srv.Close()
	}
}
