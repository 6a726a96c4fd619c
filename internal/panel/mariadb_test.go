package panel_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

// The database's account for the tests: not root, with a password that must never be seen.
const (
	dbUser     = "billmgr"
	dbPassword = "Planted-db-pass#w0rd"
)

// mariadb is the test package's own server, started at the first need.
var mariadb = struct {
	once   sync.Once
	dir    string
	socket string
	end    func()
	err    error
	count  atomic.Int64
}{end: func() {}}

// server starts the private server once for the whole package; without mariadbd the test is skipped, in CI it fails.
func server(t *testing.T) string {
	t.Helper()
	mariadbd, install := program("mariadbd"), program("mariadb-install-db")
	if mariadbd == "" || install == "" {
		if ci, _ := os.LookupEnv("CI"); ci == "true" {
			t.Fatal("mariadbd or mariadb-install-db is not installed, CI must have them")
		}
		t.Skip("mariadbd or mariadb-install-db is not installed: nothing about the database is tested here")
	}
	mariadb.once.Do(func() { mariadb.err = startServer(mariadbd, install) })
	require.NoError(t, mariadb.err)
	return mariadb.socket
}

func program(name string) string {
	for _, place := range []string{name, "/usr/sbin/" + name, "/usr/libexec/" + name} {
		if path, err := exec.LookPath(place); err == nil {
			return path
		}
	}
	return ""
}

func startServer(mariadbd, install string) error {
	dir, err := os.MkdirTemp("/dev/shm", "pmp-") // memory is fast, the name short: a socket's path has at most 107 bytes
	if err != nil {
		dir, err = os.MkdirTemp("", "pmp-")
	}
	if err != nil {
		return err
	}
	mariadb.dir, mariadb.socket = dir, filepath.Join(dir, "s")
	mariadb.end = func() { _ = os.RemoveAll(dir) }
	common := []string{"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0"}
	if os.Geteuid() == 0 {
		common = append(common, "--user=root")
	}
	made := exec.Command(install, append(common, "--auth-root-authentication-method=normal", "--skip-test-db", "--force")...)
	if text, err := made.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w: %s", err, text)
	}
	first := filepath.Join(dir, "first.sql")
	statements := fmt.Sprintf("CREATE USER '%s'@'localhost' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO '%s'@'localhost';\n", dbUser, dbPassword, dbUser)
	if err := os.WriteFile(first, []byte(statements), 0o600); err != nil {
		return err
	}
	return runServer(exec.Command(mariadbd, append(common, "--skip-networking", "--socket="+mariadb.socket, "--init-file="+first,
		"--pid-file="+filepath.Join(dir, "pid"), "--skip-log-bin", "--sync-frm=0", "--innodb-doublewrite=0", "--innodb-flush-method=nosync", "--performance-schema=OFF",
		"--character-set-server=utf8mb4", "--innodb-buffer-pool-size=32M")...))
}

// runServer waits for the server's own word that it is ready.
func runServer(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	ready, over := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the parent-death signal follows the thread that forked
		defer close(over)
		if err := cmd.Start(); err != nil {
			ready <- err
			return
		}
		var said bytes.Buffer
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "ready for connections") {
				ready <- nil
			}
			if said.Len() < 1<<16 {
				fmt.Fprintln(&said, lines.Text())
			}
		}
		err := cmd.Wait()
		select {
		case ready <- errors.Join(fmt.Errorf("mariadbd ended: %s", said.String()), err):
		default:
		}
	}()
	if err := <-ready; err != nil {
		return err
	}
	clean := mariadb.end
	mariadb.end = func() {
		_ = cmd.Process.Kill()
		<-over
		clean()
	}
	return nil
}

// dsn is the address of a database on the private server.
func dsn(socket, database string) string {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.Net, config.Addr, config.DBName = dbUser, dbPassword, "unix", socket, database
	config.MultiStatements, config.Collation = true, "utf8mb4_general_ci"
	return config.FormatDSN()
}

// panelDB makes a database with the panel's tables and gives a connection to it beside the host's.
func panelDB(t *testing.T) (name string, db *sql.DB) {
	t.Helper()
	socket := server(t)
	name = fmt.Sprintf("pmssl_panel_%d", mariadb.count.Add(1))
	bare, err := sql.Open("mysql", dsn(socket, ""))
	require.NoError(t, err)
	defer bare.Close()
	_, err = bare.Exec("CREATE DATABASE " + name + " DEFAULT CHARACTER SET utf8mb4")
	require.NoError(t, err)
	db, err = sql.Open("mysql", dsn(socket, name))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	schema, err := os.ReadFile("testdata/schema.sql")
	require.NoError(t, err)
	run(t, db, string(schema))
	return name, db
}

func run(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(context.Background(), query, args...)
	require.NoError(t, err, query)
}
