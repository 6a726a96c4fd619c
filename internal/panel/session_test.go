package panel_test

import (
	"database/sql"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

// plainUser is an account like the panel's on a shared server: without SUPER, so that init_connect applies to it.
const plainUser = "billplain"

// plainAccount makes plainUser for every host, with the rights on one database.
func plainAccount(t *testing.T, db *sql.DB, database, require string) {
	t.Helper()
	run(t, db, fmt.Sprintf("CREATE OR REPLACE USER '%s'@'%%' IDENTIFIED BY '%s' %s; GRANT ALL ON %s.* TO '%s'@'%%'", plainUser, dbPassword, require, database, plainUser))
	t.Cleanup(func() { run(t, db, "DROP USER '"+plainUser+"'@'%'") })
}

// global sets variables of the whole server until the end of the test.
func global(t *testing.T, db *sql.DB, values map[string]string) {
	t.Helper()
	for name, value := range values {
		var before string
		require.NoError(t, db.QueryRow("SELECT @@GLOBAL."+name).Scan(&before), name)
		_, err := db.Exec("SET GLOBAL " + name + "=" + value)
		require.NoError(t, err, name)
		t.Cleanup(func() {
			if strings.Trim(before, "0123456789") == "" && before != "" {
				run(t, db, "SET GLOBAL "+name+"="+before)
				return
			}
			run(t, db, "SET GLOBAL "+name+"='"+before+"'")
		})
	}
}

// plainPanel returns samplePanel's database with a host that connects while the server has these variables.
func plainPanel(t *testing.T, values map[string]string) (*fixture, *sql.DB) {
	t.Helper()
	_, db := samplePanel(t)
	var name string
	require.NoError(t, db.QueryRow("SELECT DATABASE()").Scan(&name))
	plainAccount(t, db, name, "")
	w := newFixture(t, "DBHost localhost", "DBUser "+plainUser, "DBPassword "+dbPassword, "DBName "+name, "DBSocket "+mariadb.socket, "CryptKey etc/test.pem")
	w.writeKey()
	global(t, db, values)
	return w, db
}

// Whatever the server's defaults and init_connect are, a value that the panel saves is read the next time, and comparisons, limits
// and quotes mean the same.
func TestQueriesDoNotDependOnTheServersDefaults(t *testing.T) {
	for name, values := range map[string]map[string]string{
		"the usual":             {},
		"no autocommit":         {"autocommit": "0"},
		"serializable":          {"autocommit": "0", "tx_isolation": "'SERIALIZABLE'"},
		"read uncommitted":      {"tx_isolation": "'READ-UNCOMMITTED'"},
		"init_connect":          {"init_connect": "'SET autocommit=0'"},
		"a transaction is open": {"init_connect": "'START TRANSACTION WITH CONSISTENT SNAPSHOT'"},
		"another database":      {"init_connect": "'USE information_schema'"},
		"another character set": {"init_connect": "'SET NAMES latin1'"},
		"ANSI quotes":           {"sql_mode": "'ANSI'"},
		"no backslash escapes":  {"sql_mode": "'NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH,ONLY_FULL_GROUP_BY'"},
		"Oracle":                {"sql_mode": "'ORACLE'"},
		"Kiribati":              {"time_zone": "'+13:00'"},
		"far west":              {"time_zone": "'-12:00'"},
		"one row":               {"sql_select_limit": "1"},
		"few rows examined":     {"init_connect": "'SET sql_big_selects=0, max_join_size=1'"},
		"short statements":      {"init_connect": "'SET max_statement_time=0.000001'"},
	} {
		t.Run(name, func(t *testing.T) {
			w, db := plainPanel(t, values)
			order, err := w.LoadItem(t.Context(), 42)
			require.NoError(t, err)
			assert.Equal(t, "ООО «Ромашка»", order.Params["org_name"])
			assert.Equal(t, "2026-04-02", order.OpenDate.String())
			assert.Equal(t, "2026-10-19", order.ExpireDate.String())
			assert.Equal(t, "Клиент 🔒", order.AccountName)

			const evil = `\' OR "1"='1`
			_, found, err := w.Param(t.Context(), 42, evil)
			require.NoError(t, err)
			assert.False(t, found)

			run(t, db, "INSERT INTO itemparam (item, intname, value) VALUES (42, 'purchase_intent', 'saved'), (42, ?, 'quoted')", evil)
			value, found, err := w.Param(t.Context(), 42, "purchase_intent")
			require.NoError(t, err)
			assert.True(t, found, "a value that the panel saved after the first query is read")
			assert.Equal(t, "saved", value)
			value, _, err = w.Param(t.Context(), 42, evil)
			require.NoError(t, err)
			assert.Equal(t, "quoted", value)
			require.NoError(t, w.LockItem(t.Context(), 42))
			require.NoError(t, w.UnlockItem(t.Context(), 42))
		})
	}
}

// The server ends no query and no idle connection before the module does: with the connection the locks would be lost.
func TestTheServerHasNoLimitsOfItsOwn(t *testing.T) {
	w, _ := plainPanel(t, map[string]string{"init_connect": "'SET max_statement_time=5, wait_timeout=7, sql_big_selects=0, max_join_size=1'"})
	for name, want := range map[string]string{
		"max_statement_time": "0", "wait_timeout": "28800", "max_join_size": "18446744073709551615",
		"sql_select_limit": "9223372036854775807", "autocommit": "1", "sql_mode": "", "time_zone": "+00:00",
		"collation_connection": "utf8mb4_general_ci", "character_set_client": "utf8mb4", "tx_isolation": "READ-COMMITTED",
	} {
		got, err := w.SessionVariable(t.Context(), name)
		require.NoError(t, err)
		assert.Equal(t, want, got, name)
	}
}

// A value that the panel may still roll back is not read.
func TestUncommittedValuesAreNotRead(t *testing.T) {
	w, db := plainPanel(t, map[string]string{"tx_isolation": "'READ-UNCOMMITTED'"})
	change, err := db.Begin()
	require.NoError(t, err)
	_, err = change.Exec("INSERT INTO itemparam (item, intname, value) VALUES (42, 'purchase_intent', 'half')")
	require.NoError(t, err)
	_, found, err := w.Param(t.Context(), 42, "purchase_intent")
	require.NoError(t, err)
	assert.False(t, found)
	require.NoError(t, change.Rollback())
}

func TestFailingInitConnectIsNamedInTheFault(t *testing.T) {
	w, _ := plainPanel(t, map[string]string{"init_connect": "'SELECT no_such_function()'"})
	_, err := w.LoadItem(t.Context(), 42)
	require.Error(t, err)
	assert.Equal(t, fault.DB, fault.From(err).Type)
	assert.Contains(t, err.Error(), "init_connect")
	assert.NotContains(t, err.Error(), dbPassword)
}

// The server or the account accepts TLS connections only.
func TestDatabaseConnectionByTLS(t *testing.T) {
	_, db := samplePanel(t)
	var name, version string
	require.NoError(t, db.QueryRow("SELECT DATABASE(), VERSION()").Scan(&name, &version))
	for title, c := range map[string]struct {
		secureOnly string // require_secure_transport
		require    string // of the account
		conf       []string
		words      []string // of the error; none: it works
	}{
		"not required, not set": {secureOnly: "OFF"},
		"required by the server, not set": {
			secureOnly: "ON",
			words:      []string{"the server takes TLS connections only", "SSLDatabaseCA"},
		},
		"required for the account, not set": {
			secureOnly: "OFF", require: "REQUIRE SSL",
			words: []string{"not encrypted", "REQUIRE SSL", "SSLDatabaseCA"},
		},
		"set": {secureOnly: "ON", require: "REQUIRE SSL", conf: []string{"SSLDatabaseCA CA", "SSLDatabaseTLSName db.example"}},
		"set, any name": {
			secureOnly: "ON", conf: []string{"SSLDatabaseCA CA", "SSLDatabaseTLSName any"},
		},
		"by the socket": {
			secureOnly: "ON", require: "REQUIRE SSL",
			conf: []string{"SSLDatabaseCA CA", "SSLDatabaseTLSName db.example", "DBHost localhost", "DBSocket SOCKET"},
		},
		"the name does not fit": {
			secureOnly: "ON", conf: []string{"SSLDatabaseCA CA"},
			words: []string{"127.0.0.1", "SSLDatabaseTLSName"},
		},
		"another CA": {
			secureOnly: "ON", conf: []string{"SSLDatabaseCA OTHER", "SSLDatabaseTLSName db.example"},
			words: []string{"does not chain to one in the file of SSLDatabaseCA"},
		},
		"another CA, any name": {
			secureOnly: "ON", conf: []string{"SSLDatabaseCA OTHER", "SSLDatabaseTLSName any"},
			words: []string{"does not chain to one in the file of SSLDatabaseCA"},
		},
		"no such file":       {secureOnly: "ON", conf: []string{"SSLDatabaseCA etc/none.pem"}, words: []string{"SSLDatabaseCA", "etc/none.pem"}},
		"no certificate":     {secureOnly: "ON", conf: []string{"SSLDatabaseCA etc/billmgr.conf"}, words: []string{"SSLDatabaseCA", "no certificate"}},
		"a name without CA":  {secureOnly: "OFF", conf: []string{"SSLDatabaseTLSName db.example"}, words: []string{"SSLDatabaseCA"}},
		"the wrong password": {secureOnly: "ON", conf: []string{"SSLDatabaseCA CA", "SSLDatabaseTLSName any", "DBPassword wrong"}, words: []string{"Access denied"}},
	} {
		t.Run(title, func(t *testing.T) {
			plainAccount(t, db, name, c.require)
			run(t, db, "SET GLOBAL require_secure_transport="+c.secureOnly)
			t.Cleanup(func() { run(t, db, "SET GLOBAL require_secure_transport=OFF") })
			conf := []string{"DBHost " + mariadb.addr, "DBUser " + plainUser, "DBPassword " + dbPassword, "DBName " + name, "CryptKey etc/test.pem"}
			for _, line := range c.conf {
				conf = append(conf, strings.NewReplacer("SOCKET", mariadb.socket, " CA", " "+mariadb.ca, "OTHER", filepath.Join(mariadb.dir, "other-ca.pem")).Replace(line))
			}
			w := newFixture(t, conf...)
			w.writeKey()
			_, err := w.LoadItem(t.Context(), 42)
			if c.words == nil {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			for _, words := range c.words {
				assert.Contains(t, err.Error(), words)
			}
			assert.NotContains(t, err.Error(), dbPassword)
		})
	}
}

// A server without TLS gets neither a name nor a password if the administrator requires TLS.
func TestRequiredTLSIsNotGivenUp(t *testing.T) {
	server(t) // which made the file with the CA
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	heard := make(chan []byte, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		// Handshake of protocol version 10: version, connection id, scramble, capabilities without CLIENT_SSL.
		hello := "\x0a5.7.0\x00\x01\x00\x00\x00abcdefgh\x00\x00\x82\x2d\x02\x00\x08\x00\x15" + strings.Repeat("\x00", 10) + "ijklmnopqrst\x00mysql_native_password\x00"
		_, _ = conn.Write(append([]byte{byte(len(hello)), 0, 0, 0}, hello...))
		said, _ := io.ReadAll(conn)
		heard <- said
	}()
	w := newFixture(t, "DBHost "+listener.Addr().String(), "DBUser u", "DBPassword "+dbPassword, "DBName x", "SSLDatabaseCA "+mariadb.ca)
	_, err = w.LoadItem(t.Context(), 42)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "does not offer TLS")
	assert.Contains(t, err.Error(), "SSLDatabaseCA")
	assert.Empty(t, string(<-heard))
}
