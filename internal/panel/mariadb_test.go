package panel_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

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
	addr   string // host:port
	ca     string // file with the CA certificate of the server
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
	statements := fmt.Sprintf("CREATE USER '%s'@'localhost' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO '%s'@'localhost' WITH GRANT OPTION;\n", dbUser, dbPassword, dbUser)
	if err := os.WriteFile(first, []byte(statements), 0o600); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free now
	if err != nil {
		return err
	}
	mariadb.addr = listener.Addr().String()
	_, port, err := net.SplitHostPort(mariadb.addr)
	if err = errors.Join(err, listener.Close(), makeCertificates(dir)); err != nil {
		return err
	}
	mariadb.ca = filepath.Join(dir, "ca.pem")
	return runServer(exec.Command(mariadbd, append(common, "--bind-address=127.0.0.1", "--port="+port, "--skip-name-resolve",
		"--ssl-cert="+filepath.Join(dir, "server.pem"), "--ssl-key="+filepath.Join(dir, "server.key"), "--socket="+mariadb.socket, "--init-file="+first,
		"--pid-file="+filepath.Join(dir, "pid"), "--skip-log-bin", "--sync-frm=0", "--innodb-doublewrite=0", "--innodb-flush-method=nosync", "--performance-schema=OFF",
		"--character-set-server=utf8mb4", "--innodb-buffer-pool-size=32M")...))
}

// makeCertificates writes a CA, a certificate of the server for the name db.example and its key, and another CA.
func makeCertificates(dir string) error {
	authority, key, err := makeCertificate(dir, "ca.pem", nil, nil)
	if err != nil {
		return err
	}
	if _, _, err = makeCertificate(dir, "other-ca.pem", nil, nil); err != nil {
		return err
	}
	_, private, err := makeCertificate(dir, "server.pem", authority, key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "server.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// makeCertificate writes a CA certificate, or one for the server if there is an issuer.
func makeCertificate(dir, name string, issuer *x509.Certificate, issuerKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	made := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(name))), Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	if issuer == nil {
		made.IsCA, made.KeyUsage = true, x509.KeyUsageCertSign
		issuer, issuerKey = made, key
	} else {
		made.DNSNames, made.ExtKeyUsage = []string{"db.example"}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	der, err := x509.CreateCertificate(rand.Reader, made, issuer, key.Public(), issuerKey)
	if err != nil {
		return nil, nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return made, key, os.WriteFile(filepath.Join(dir, name), text, 0o600)
}

// runServer starts the server and waits until it reports that it is ready.
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

// dsn returns the address of a database on the private server.
func dsn(socket, database string) string {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.Net, config.Addr, config.DBName = dbUser, dbPassword, "unix", socket, database
	config.MultiStatements, config.Collation = true, "utf8mb4_general_ci"
	config.Params = map[string]string{"autocommit": "1", "sql_mode": "''"} // whatever defaults a test sets on the server
	return config.FormatDSN()
}

// panelDB creates a database with the panel's tables and returns its name and a connection of its own.
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
