package engine_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/engine"
)

// each runs a test on every engine of this host. A missing MariaDB is noted in the log.
func each(t *testing.T, f func(t *testing.T, s *engine.Server)) {
	t.Run("embedded", func(t *testing.T) {
		s, err := engine.StartEmbedded(engine.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		f(t, s)
	})
	t.Run("mariadb", func(t *testing.T) {
		if _, _, ok := engine.FindMariaDB(); !ok {
			t.Skip("mariadbd is not installed: only the embedded engine is tested here")
		}
		s, err := engine.StartMariaDB(t.Context(), engine.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		f(t, s)
	})
}

func open(t *testing.T, s *engine.Server, name string) *sql.DB {
	dsn, err := s.CreateDatabase(t.Context(), name)
	require.NoError(t, err)
	db, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// The modules need these abilities of a server (rules BUY-1, docs/reference/billmanager.md §4).
func TestEngineServesWhatModulesNeed(t *testing.T) {
	each(t, func(t *testing.T, s *engine.Server) {
		db := open(t, s, "pmssl_needs")
		ctx := t.Context()

		t.Run("named locks exclude another connection", func(t *testing.T) {
			a, err := db.Conn(ctx)
			require.NoError(t, err)
			defer a.Close()
			b, err := db.Conn(ctx)
			require.NoError(t, err)
			defer b.Close()
			assert.Equal(t, 1, number(t, a, "SELECT GET_LOCK('pm.buy.0123', 0)"))
			assert.Equal(t, 1, number(t, a, "SELECT IS_USED_LOCK('pm.buy.0123') = CONNECTION_ID()"))
			assert.Equal(t, 0, number(t, b, "SELECT IS_USED_LOCK('pm.buy.0123') = CONNECTION_ID()"))
			assert.Equal(t, 0, number(t, b, "SELECT GET_LOCK('pm.buy.0123', 0)"))
			assert.Equal(t, 1, number(t, a, "SELECT RELEASE_LOCK('pm.buy.0123')"))
			assert.Equal(t, 1, number(t, b, "SELECT GET_LOCK('pm.buy.0123', 0)"))
		})

		t.Run("names are compared without blanks, final dot and case", func(t *testing.T) {
			a, err := db.Conn(ctx)
			require.NoError(t, err)
			defer a.Close()
			_, err = a.ExecContext(ctx, "CREATE TABLE named (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), status INT)")
			require.NoError(t, err)
			_, err = a.ExecContext(ctx, "INSERT INTO named (name, status) VALUES (' ПРИМЕР.рф. ', 2), ('other', 2), (NULL, NULL)")
			require.NoError(t, err)
			assert.Equal(t, 1, number(t, a, `SELECT COUNT(*) FROM (SELECT id FROM named WHERE LOWER(TRIM(TRAILING '.' FROM TRIM(name))) IN ('пример.рф','xn--e1afmkfd.xn--p1ai')
 UNION SELECT id FROM named WHERE status=2 AND LOWER(TRIM(TRAILING '.' FROM TRIM(name))) IN ('пример.рф')) found JOIN named i ON i.id=found.id WHERE COALESCE(i.status,0)<>4`))
		})

		t.Run("two locks on one connection", func(t *testing.T) {
			a, err := db.Conn(ctx)
			require.NoError(t, err)
			defer a.Close()
			assert.Equal(t, 1, number(t, a, "SELECT GET_LOCK('pm.1', 0)"))
			assert.Equal(t, 1, number(t, a, "SELECT GET_LOCK('pm.2', 0)"))
			assert.Equal(t, 1, number(t, a, "SELECT IS_USED_LOCK('pm.1') = CONNECTION_ID()"))
			assert.Equal(t, 1, number(t, a, "SELECT IS_USED_LOCK('pm.2') = CONNECTION_ID()"))
		})

		t.Run("a lock dies with its connection", func(t *testing.T) {
			other, err := sql.Open("mysql", s.DSN("pmssl_needs"))
			require.NoError(t, err)
			a, err := other.Conn(ctx)
			require.NoError(t, err)
			require.Equal(t, 1, number(t, a, "SELECT GET_LOCK('pm.dies', 0)"))
			require.NoError(t, a.Close())
			require.NoError(t, other.Close())
			b, err := db.Conn(ctx)
			require.NoError(t, err)
			defer b.Close()
			assert.Equal(t, 1, number(t, b, "SELECT GET_LOCK('pm.dies', 5)"))
		})

		t.Run("utf8mb4 and a megabyte of text come back unchanged", func(t *testing.T) {
			_, err := db.ExecContext(ctx, "CREATE TABLE big (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v LONGTEXT)"+
				" ENGINE=InnoDB DEFAULT CHARSET=utf8mb4")
			require.NoError(t, err)
			long := strings.Repeat("ж🔒'\"\\\n", 100_000)
			res, err := db.ExecContext(ctx, "INSERT INTO big (v) VALUES (?)", long)
			require.NoError(t, err)
			id, err := res.LastInsertId()
			require.NoError(t, err)
			var got string
			require.NoError(t, db.QueryRowContext(ctx, "SELECT v FROM big WHERE id=?", id).Scan(&got))
			assert.True(t, long == got, "%d bytes in, %d out", len(long), len(got))
		})

		t.Run("prepared statements are reusable", func(t *testing.T) {
			st, err := db.PrepareContext(ctx, "SELECT ? + 1")
			require.NoError(t, err)
			defer st.Close()
			for i := range 3 {
				var n int
				require.NoError(t, st.QueryRowContext(ctx, i).Scan(&n))
				assert.Equal(t, i+1, n)
			}
		})
	})
}

func number(t *testing.T, c *sql.Conn, query string) int {
	t.Helper()
	var n sql.NullInt64
	require.NoError(t, c.QueryRowContext(context.Background(), query).Scan(&n), query)
	return int(n.Int64)
}

func TestWrongPasswordIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s *engine.Server) {
		dsn := strings.Replace(s.DSN(""), s.Password(), "wrong", 1)
		db, err := sql.Open("mysql", dsn)
		require.NoError(t, err)
		defer db.Close()
		assert.Error(t, db.PingContext(t.Context()))
	})
}

func TestExistingDatabaseIsAnError(t *testing.T) {
	each(t, func(t *testing.T, s *engine.Server) {
		_, err := s.CreateDatabase(t.Context(), "pmssl_once")
		require.NoError(t, err)
		_, err = s.CreateDatabase(t.Context(), "pmssl_once")
		assert.Error(t, err)
		for _, bad := range []string{"", "a`; DROP DATABASE b", "A", strings.Repeat("x", 65)} {
			_, err = s.CreateDatabase(t.Context(), bad)
			assert.Error(t, err, bad)
		}
	})
}

func TestCloseLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *engine.Server) {
		dir := filepath.Dir(s.Socket())
		require.FileExists(t, s.Socket())
		require.NoError(t, s.Close())
		require.NoError(t, s.Close(), "closing twice is harmless")
		_, err := os.Stat(dir)
		assert.ErrorIs(t, err, os.ErrNotExist)
		db, err := sql.Open("mysql", s.DSN(""))
		require.NoError(t, err)
		defer db.Close()
		assert.Error(t, db.PingContext(t.Context()), "nobody answers any more")
	})
}

func TestTooLongSocketPathFailsBeforeTheStart(t *testing.T) {
	_, err := engine.StartEmbedded(engine.Options{Dir: "/tmp/" + strings.Repeat("x", 100)})
	assert.ErrorContains(t, err, "choose a shorter folder")
}

func TestOnlyLoopbackIsServed(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":3306", "192.0.2.1:3306", "nonsense"} {
		_, err := engine.StartEmbedded(engine.Options{Addr: addr})
		assert.Error(t, err, addr)
	}
}
