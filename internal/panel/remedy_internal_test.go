package panel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

// rules ERR-1.
func TestJournalFaultNamesTheFileAndTheRemedy(t *testing.T) {
	h := New(Options{Root: "/usr/local/mgr5", Binary: "pmfake"})
	const name = "/usr/local/mgr5/var/pmfake.purchases"
	for _, row := range []struct {
		errno  error
		remedy string
	}{
		{syscall.ENOSPC, "(no space left on device): the disk or the quota of /usr/local/mgr5/var is full: free some space"},
		{syscall.EDQUOT, "(disk quota exceeded): the disk or the quota of /usr/local/mgr5/var is full: free some space"},
		{syscall.EROFS, "(read-only file system): the file system of /usr/local/mgr5/var is read-only: find out why (dmesg) and mount it for writing"},
		{syscall.EACCES, "(permission denied): give the file back to root (chown root, chmod 600), and check the rights of /usr/local/mgr5/var and SELinux or AppArmor"},
		{syscall.EPERM, "(operation not permitted): give the file back to root (chown root, chmod 600), and check the rights of /usr/local/mgr5/var and SELinux or AppArmor"},
		{syscall.ENOENT, "(no such file or directory): the folder /usr/local/mgr5/var is missing: check that the panel is complete and MGR5_ROOT is right"},
		{syscall.EISDIR, "(is a directory): move away what is there, and put back the file if there was one"},
		{syscall.EIO, "(input/output error): the disk fails: check dmesg, and put the file back from a backup"},
		{errors.New("odd"), "(odd): check the file and the disk of /usr/local/mgr5/var"},
	} {
		failure := fault.From(h.journalFault("written", &fs.PathError{Op: "open", Path: name, Err: row.errno}))
		assert.Equal(t, fault.Panel, failure.Type)
		assert.Equal(t, "the purchase journal "+name+" cannot be written "+row.remedy, failure.Message)
		assert.True(t, failure.Retry)
	}
}

// rules ERR-1: an absent socket is named with the source of its path, also if TCP was tried instead.
func TestAbsentDatabaseSocketIsNamed(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "etc"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc", "billmgr.conf"), []byte("DBHost localhost\nDBSocket run/gone.sock\n"), 0o600))
	h := New(Options{Root: root, Binary: "pmfake"})
	where, err := h.server(context.Background(), "localhost")
	require.NoError(t, err)
	assert.Equal(t, "tcp", where.network)
	assert.Equal(t, "localhost:3306", where.address)
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	assert.EqualError(t, where.explainUnreached(refused), "dial tcp: connect: connection refused; DBHost is localhost, and there is no socket at "+
		filepath.Join(root, "run/gone.sock")+" (DBSocket): start the database server, or correct DBHost and DBSocket in etc/billmgr.conf")
}

func TestErrorsOfConnectingHaveARemedy(t *testing.T) {
	remote := endpoint{"tcp", "db.example:3306", "DBHost is db.example"}
	for _, row := range []struct {
		err  error
		says string
	}{
		{&net.DNSError{Err: "no such host", Name: "db.example", IsNotFound: true}, "lookup db.example: no such host; DBHost is db.example: correct DBHost in etc/billmgr.conf, or this server's DNS"},
		{syscall.ECONNREFUSED, "connection refused; DBHost is db.example: start the database server, or correct DBHost and DBSocket in etc/billmgr.conf"},
		{syscall.ENOENT, "no such file or directory; DBHost is db.example: start the database server, or correct DBHost and DBSocket in etc/billmgr.conf"},
		{syscall.EACCES, "permission denied; DBHost is db.example: check the rights of the socket and its folders, and SELinux or AppArmor"},
		{os.ErrDeadlineExceeded, "i/o timeout; DBHost is db.example: check whether the database server runs (systemctl status mariadb mysql) and whether a firewall blocks the connection"},
		{&tls.CertificateVerificationError{Err: errors.New("x509: unknown")}, "tls: failed to verify certificate: x509: unknown"},
		{mysql.ErrNoTLS, mysql.ErrNoTLS.Error()},
		{&mysql.MySQLError{Number: 1045, Message: "Access denied"}, "Error 1045: Access denied"},
	} {
		assert.EqualError(t, remote.explainUnreached(row.err), row.says)
	}
}

func TestErrorsOfQueriesHaveARemedy(t *testing.T) {
	for _, row := range []struct {
		number  uint16
		message string
		says    string
	}{
		{1021, "Disk full (/tmp/#sql)", "Error 1021: Disk full (/tmp/#sql); the disk of the database server is full: free some space there"},
		{1142, "SELECT command denied", "Error 1142: SELECT command denied; the account of DBUser lacks a right that the panel's own account has: use that account"},
		{1146, "Table 'billmgr.item' doesn't exist", "Error 1146: Table 'billmgr.item' doesn't exist; the panel's database is incomplete, or DBName in etc/billmgr.conf names another one"},
		{1194, "Table 'item' is marked as crashed", "Error 1194: Table 'item' is marked as crashed; the table is damaged: have the panel's support or REPAIR TABLE repair it"},
		{1205, "Lock wait timeout exceeded", "Error 1205: Lock wait timeout exceeded"},
	} {
		err := queryHint(&mysql.MySQLError{Number: row.number, Message: row.message})
		assert.EqualError(t, err, row.says)
		var answer *mysql.MySQLError
		assert.ErrorAs(t, err, &answer, "the error number is still available")
	}
	assert.Equal(t, context.Canceled, queryHint(context.Canceled))

	ended := &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}}
	assert.ErrorContains(t, connectHint(ended, true), "; set this server's clock if it is wrong, else renew the certificate of the database server")
}
