package panel_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/panel"
)

func TestNewOpensNothing(t *testing.T) {
	h := panel.New(panel.Options{Root: "/nowhere/at/all", Binary: binary})
	require.NoError(t, h.Close())
	require.NoError(t, h.Close())
}

// paramlist returns the panel's answer with these settings.
func paramlist(pairs ...string) step {
	text := `<?xml version="1.0" encoding="UTF-8"?><doc>`
	for i := 0; i < len(pairs); i += 2 {
		text += "<elem><" + pairs[i] + ">" + pairs[i+1] + "</" + pairs[i] + "></elem>"
	}
	return step{Stdout: text + "</doc>"}
}

// Rules PANEL-4: the files, then one paramlist, then the defaults.
func TestMissingSettingsComeFromOneParamlist(t *testing.T) {
	name, _ := panelDB(t)
	w := newFixture(t, "DBUser "+dbUser, "DBSocket "+mariadb.socket)
	w.writeKey()
	w.behave("paramlist", paramlist("DBUser", "overridden by the file", "DBName", name, "DBPassword", dbPassword, "CryptKey", "etc/test.pem", "Other", "x"))
	_, err := w.Modules(t.Context())
	require.NoError(t, err)
	_, err = w.claims([]int64{1})
	require.NoError(t, err)
	assert.Equal(t, []string{"paramlist"}, w.callLines())
	assert.NotContains(t, w.logged(), dbPassword, "the answer is logged at level 9, the password is not")
	assert.Contains(t, w.logged(), "<Other>x</Other>")
}

func TestDefaultsAreUsedIfParamlistFails(t *testing.T) {
	w := newFixture(t, "DBHost 127.0.0.1:1")
	w.behave("paramlist", notRunning)
	_, err := w.Modules(t.Context())
	require.Error(t, err)
	assert.Equal(t, fault.DB, fault.From(err).Type)
	assert.Contains(t, err.Error(), "127.0.0.1:1 (database billmgr)")
	assert.Len(t, w.calls(), 1)
	assert.Empty(t, w.sleeps)
}

func TestParamlistIsNotCalledIfTheFilesHaveAllSettings(t *testing.T) {
	w, _ := withDB(t)
	_, err := w.Modules(t.Context())
	require.NoError(t, err)
	assert.Empty(t, w.calls())
}

// The fault has the type db and the address, never the password.
func TestDatabaseThatRefusesOrIsDownIsADBFault(t *testing.T) {
	socket := server(t)
	gone := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", gone)
	require.NoError(t, err)
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	require.NoError(t, listener.Close())
	const wrong = "Planted-wrong-password"
	for name, c := range map[string]struct {
		conf    []string
		address string
		retry   bool
		says    string // why this address is used, and what to do
	}{
		"wrong password":   {[]string{"DBHost localhost", "DBUser " + dbUser, "DBPassword " + wrong, "DBName x", "DBSocket " + socket}, socket, false, "Access denied"},
		"no such database": {[]string{"DBHost localhost", "DBUser " + dbUser, "DBPassword " + dbPassword, "DBName pmssl_none", "DBSocket " + socket}, "pmssl_none", false, "correct DBName in etc/billmgr.conf"},
		"nobody listens":   {[]string{"DBHost localhost", "DBUser u", "DBPassword " + wrong, "DBName x", "DBSocket " + gone}, gone, true, "connection refused; DBSocket names it: start the database server, or correct DBHost and DBSocket in etc/billmgr.conf"},
		"refused by TCP":   {[]string{"DBHost 127.0.0.1:1", "DBUser u", "DBPassword " + wrong, "DBName x"}, "127.0.0.1:1", true, "connection refused; DBHost is 127.0.0.1:1: start the database server"},
		"IPv6":             {[]string{"DBHost [::1]:1", "DBUser u", "DBPassword " + wrong, "DBName x"}, "[::1]:1", true, "; DBHost is [::1]:1: "},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t, c.conf...)
			_, err := w.LoadItem(t.Context(), 42)
			require.Error(t, err)
			failure := fault.From(err)
			assert.Equal(t, fault.DB, failure.Type)
			assert.Contains(t, failure.Message, c.address)
			assert.Contains(t, failure.Message, c.says)
			assert.Equal(t, c.retry, failure.Retry)
			for _, secret := range []string{wrong, dbPassword} {
				assert.NotContains(t, err.Error(), secret)
				assert.NotContains(t, w.logged(), secret)
			}
		})
	}
}

func TestMissingTableAndColumnAreNamed(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, "ALTER TABLE certificate DROP COLUMN crt; DROP TABLE processingmodule2pricelist")
	_, err := w.LoadItem(t.Context(), 42)
	require.Error(t, err)
	assert.Equal(t, fault.DB, fault.From(err).Type)
	assert.Equal(t, "certificate", fault.From(err).Object)
	assert.Regexp(t, `['"]crt['"]`, err.Error())
	_, err = w.SuitableModules(t.Context(), 20)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "processingmodule2pricelist")
	_, err = w.Modules(t.Context())
	assert.NoError(t, err, "the connection is still usable")
}

func TestQueryAfterALostConnectionOpensANewOne(t *testing.T) {
	w, db := samplePanel(t)
	require.NoError(t, w.LockItem(t.Context(), 42))
	killConnection(t, w, db)
	_, err := w.LoadItem(t.Context(), 42)
	require.Error(t, err)
	assert.Equal(t, fault.DB, fault.From(err).Type)
	assert.True(t, fault.From(err).Retry)
	_, err = w.LoadItem(t.Context(), 42)
	assert.NoError(t, err, "the next query opens a new connection")
}

func TestValueOverTheLimitIsAFault(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, "UPDATE certificate SET crt=REPEAT('x', 4194305) WHERE item=42")
	_, err := w.StoredCertificate(t.Context(), 42)
	require.Error(t, err)
	assert.Equal(t, fault.DB, fault.From(err).Type)
	assert.False(t, fault.From(err).Retry)
	assert.Contains(t, err.Error(), "column crt has 4194305 bytes")
}

// By default the driver prints its messages to stderr.
func TestDriverMessagesGoToTheLog(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close() // as a server does that shuts down
		}
	}()
	w := newFixture(t, "DBHost localhost", "DBUser u", "DBPassword p", "DBName x", "DBSocket "+socket)
	_, err = w.LoadItem(t.Context(), 42)
	require.Error(t, err)
	assert.Equal(t, fault.DB, fault.From(err).Type)
	assert.True(t, fault.From(err).Retry)
	assert.Regexp(t, `db DEBUG \S+ .*EOF`, w.logged())
}

// rules RUN-1: the driver reports a cancelled query as a broken connection, and a context may have a cause of its own.
func TestAQueryCancelledByTheEndOfTheRunIsInterrupted(t *testing.T) {
	w, _ := withDB(t)
	_, err := w.Modules(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("signal terminated"))
	_, err = w.Modules(ctx)
	failure := fault.From(err)
	require.NotNil(t, failure)
	assert.Equal(t, fault.Interrupted, failure.Type, failure.Message)
	assert.True(t, failure.Retry)
	_, err = w.Modules(t.Context())
	assert.NoError(t, err, "the next query opens another connection")
}

// rules RUN-1: a query that the server does not answer ends with the run.
func TestAQueryThatWaitsEndsWithTheRun(t *testing.T) {
	w, db := withDB(t)
	_, err := w.Modules(t.Context())
	require.NoError(t, err)
	other, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer other.Close()
	_, err = other.ExecContext(t.Context(), "LOCK TABLES processingmodule WRITE")
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := w.Modules(ctx)
		ended <- err
	}()
	for waiting := 0; waiting == 0; {
		require.NoError(t, db.QueryRowContext(t.Context(),
			"SELECT COUNT(*) FROM information_schema.processlist WHERE db=DATABASE() AND state LIKE '%metadata lock'").Scan(&waiting))
	}
	cancel(errors.New("signal terminated"))
	failure := fault.From(<-ended)
	require.NotNil(t, failure)
	assert.Equal(t, fault.Interrupted, failure.Type, failure.Message)
	_, err = other.ExecContext(t.Context(), "UNLOCK TABLES")
	require.NoError(t, err)
	_, err = w.Modules(t.Context())
	assert.NoError(t, err, "the next query opens another connection")
}
