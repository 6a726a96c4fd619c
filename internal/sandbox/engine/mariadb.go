package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// FindMariaDB returns the paths of mariadbd and its installer. ok is false if one of them is missing.
func FindMariaDB() (mariadbd, installDB string, ok bool) {
	mariadbd = find("mariadbd", "/usr/sbin", "/usr/libexec", "/usr/local/sbin")
	installDB = find("mariadb-install-db", "/usr/bin", "/usr/local/bin")
	return mariadbd, installDB, mariadbd != "" && installDB != ""
}

// find searches PATH and then the folders of distributions for servers, which the PATH of a user often lacks.
func find(name string, folders ...string) string {
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	for _, f := range folders {
		if p, err := exec.LookPath(filepath.Join(f, name)); err == nil {
			return p
		}
	}
	return ""
}

// ErrNoMariaDB is returned by StartMariaDB if the server's programs are not installed.
var ErrNoMariaDB = errors.New("mariadbd or mariadb-install-db is not installed")

// StartMariaDB initialises a private data directory and starts mariadbd on a private socket (docs/testing.md:
// --no-defaults, --user=root, --skip-networking unless Options.Addr asks for a port). The server is killed when this
// process dies. ctx limits only the start.
func StartMariaDB(ctx context.Context, o Options) (*Server, error) {
	mariadbd, installDB, ok := FindMariaDB()
	if !ok {
		return nil, ErrNoMariaDB
	}
	s, err := prepare(MariaDB, o)
	if err != nil {
		return nil, err
	}
	if err := s.install(ctx, installDB); err != nil {
		return nil, errors.Join(err, s.discard())
	}
	if err := s.run(ctx, mariadbd, o); err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return s, nil
}

func (s *Server) dataDir() string { return filepath.Join(s.dir, "data") }

// asRoot adds --user=root if this process runs as root; mariadbd refuses the option to other users.
func asRoot(args []string) []string {
	if os.Geteuid() != 0 {
		return args
	}
	return append(args, "--user=root")
}

// install creates the system tables. It uses a folder of its own for temporary files, because two installations at the
// same time would use the same names.
func (s *Server) install(ctx context.Context, installDB string) error {
	cmd := exec.CommandContext(ctx, installDB, asRoot([]string{
		"--no-defaults", "--datadir=" + s.dataDir(), "--tmpdir=" + s.dir, "--auth-root-authentication-method=normal", "--skip-test-db",
		"--force", // hosts that cannot resolve their own name are served too
		"--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=8M",
	})...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("mariadb-install-db in %s: %w: %s", s.dataDir(), err, bytes.TrimSpace(tail(out, 2048)))
	}
	return nil
}

func tail(b []byte, n int) []byte {
	if len(b) > n {
		return b[len(b)-n:]
	}
	return b
}

func (s *Server) run(ctx context.Context, mariadbd string, o Options) error {
	initFile := filepath.Join(s.dir, "init.sql")
	if err := os.WriteFile(initFile, []byte(s.initSQL()), 0o600); err != nil {
		return fmt.Errorf("writing the server's first statements: %w", err)
	}
	network, err := s.networkOptions(o.Addr)
	if err != nil {
		return err
	}
	args := append([]string{
		"--no-defaults", "--datadir=" + s.dataDir(), "--socket=" + s.socket, "--tmpdir=" + s.dir,
		"--pid-file=" + filepath.Join(s.dir, "db.pid"), "--init-file=" + initFile,
		"--character-set-server=utf8mb4", "--max-allowed-packet=64M",
		// The data is temporary and needs no durability.
		"--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--sync-frm=0", "--innodb-doublewrite=0",
		"--innodb-log-file-size=8M", "--innodb-buffer-pool-size=64M", "--performance-schema=OFF", "--debug-no-sync",
	}, append(network, o.Args...)...)

	log := o.Log
	var output bytes.Buffer
	if log == nil {
		log = io.Discard
	}
	cmd := exec.Command(mariadbd, asRoot(args)...)
	cmd.Stdout, cmd.Stderr = log, io.MultiWriter(log, &limited{b: &output, n: 8192})
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}

	started, gone := make(chan error, 1), make(chan struct{})
	go func() {
		// The parent-death signal is bound to the thread that forks: it must live until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // being killed is the normal end; other errors are in the log
		}
		close(gone)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting mariadbd: %w", err)
	}
	s.stop = func() error {
		// The data directory is removed next, so nothing needs to be flushed.
		err := cmd.Process.Kill()
		<-gone
		if errors.Is(err, os.ErrProcessDone) {
			return nil
		}
		return err
	}
	if err := s.await(ctx, gone); err != nil {
		_ = s.stop()
		s.stop = nil
		return fmt.Errorf("mariadbd: %w: %s", err, bytes.TrimSpace(tail(output.Bytes(), 2048)))
	}
	return nil
}

func (s *Server) networkOptions(addr string) ([]string, error) {
	if addr == "" {
		return []string{"--skip-networking"}, nil
	}
	free, err := freeAddr(addr)
	if err != nil {
		return nil, err
	}
	s.addr = free
	host, port, err := net.SplitHostPort(free)
	if err != nil {
		return nil, err
	}
	return []string{"--bind-address=" + host, "--port=" + port, "--skip-name-resolve"}, nil
}

// initSQL returns the statements that create the account and set a password for root, one a line, as --init-file
// requires.
func (s *Server) initSQL() string {
	var b bytes.Buffer
	for _, host := range []string{"localhost", "127.0.0.1"} {
		fmt.Fprintf(&b, "CREATE USER '%s'@'%s' IDENTIFIED BY '%s';\n", account, host, s.password)
		fmt.Fprintf(&b, "GRANT ALL PRIVILEGES ON *.* TO '%s'@'%s' WITH GRANT OPTION;\n", account, host)
	}
	fmt.Fprintf(&b, "ALTER USER 'root'@'localhost' IDENTIFIED BY '%s';\n", s.password)
	return b.String()
}

// limited keeps the first n bytes that are written to it.
type limited struct {
	b *bytes.Buffer
	n int
}

func (l *limited) Write(p []byte) (int, error) {
	if free := l.n - l.b.Len(); free > 0 {
		l.b.Write(p[:min(free, len(p))])
	}
	return len(p), nil
}
