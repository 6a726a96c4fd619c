package panel_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// certificateRow returns what the table certificate has of the item.
func certificateRow(t *testing.T, db *sql.DB, it int64) (pair item.KeyPair, crt string) {
	t.Helper()
	require.NoError(t, db.QueryRow("SELECT csr, COALESCE(pkey, ''), crt FROM certificate WHERE item=?", it).Scan(&pair.CSR, &pair.Key, &crt))
	return pair, crt
}

// rotating returns a panel that holds the old pair of item 42, and a certificate.
func rotating(t *testing.T) (*fixture, *sql.DB, item.KeyPairs) {
	t.Helper()
	w, db := samplePanel(t)
	pairs := keyPairs(t, 42)
	run(t, db, "UPDATE certificate SET csr=?, pkey=?, crt='CRT' WHERE item=42", pairs.Old.CSR, pairs.Old.Key)
	other := keyPairs(t, 43).Old
	run(t, db, "INSERT INTO certificate (item, csr, pkey, crt) VALUES (43, ?, ?, 'OTHER')", other.CSR, other.Key)
	return w, db, pairs
}

// rules ROTATE-4: the pair is replaced as a whole, once, and only that of the item.
func TestThePairInThePanelIsReplaced(t *testing.T) {
	w, db, pairs := rotating(t)
	untouched, _ := certificateRow(t, db, 43)
	for range 2 {
		require.NoError(t, w.ReplaceKey(t.Context(), pairs))
		pair, crt := certificateRow(t, db, 42)
		assert.Equal(t, pairs.New, pair)
		assert.Equal(t, "CRT", crt)
		other, _ := certificateRow(t, db, 43)
		assert.Equal(t, untouched, other)
	}
	order, err := w.LoadItem(t.Context(), 42)
	require.NoError(t, err)
	assert.Equal(t, pairs.New.CSR, order.CSR)
	key, err := w.PrivateKey(t.Context(), 42)
	require.NoError(t, err)
	assert.Equal(t, pairs.New.Key, key)
	assert.Empty(t, w.calls(), "no command line has the key")
	assert.Contains(t, w.logged(), "UPDATE certificate SET csr=?, pkey=? WHERE item=? AND csr=?, item 42")
	w.withoutKeys(pairs)
}

func TestAPairIsReplacedWhateverTheTextLooksLike(t *testing.T) {
	w, db, pairs := rotating(t)
	run(t, db, "UPDATE certificate SET csr=?, pkey=NULL WHERE item=42", "\n"+strings.ReplaceAll(pairs.Old.CSR, "\n", "\r\n"))
	require.NoError(t, w.ReplaceKey(t.Context(), pairs))
	pair, _ := certificateRow(t, db, 42)
	assert.Equal(t, pairs.New, pair)
}

func TestWhatTheClientChangedIsKept(t *testing.T) {
	for name, change := range map[string]func(pair *item.KeyPair, other item.KeyPair){
		"another CSR with its key": func(pair *item.KeyPair, other item.KeyPair) { *pair = other },
		"another key":              func(pair *item.KeyPair, other item.KeyPair) { pair.Key = other.Key },
		"no CSR":                   func(pair *item.KeyPair, _ item.KeyPair) { pair.CSR = "" },
	} {
		t.Run(name, func(t *testing.T) {
			w, db, pairs := rotating(t)
			theirs := pairs.Old
			change(&theirs, keyPairs(t, 42).Old)
			run(t, db, "UPDATE certificate SET csr=?, pkey=? WHERE item=42", theirs.CSR, theirs.Key)
			err := w.ReplaceKey(t.Context(), pairs)
			require.ErrorIs(t, err, item.ErrOtherCSR)
			pair, _ := certificateRow(t, db, 42)
			assert.Equal(t, theirs, pair)
			w.withoutKeys(pairs, err.Error())
		})
	}
}

// What the database does not do, or does by halves, leaves the old pair.
func TestAPairThatIsNotStoredWholeIsNotReplaced(t *testing.T) {
	for name, c := range map[string]struct{ sql, says string }{
		"a short column":      {"ALTER TABLE certificate MODIFY pkey VARCHAR(200)", "was not read back"},
		"a trigger":           {"CREATE TRIGGER changed BEFORE UPDATE ON certificate FOR EACH ROW SET NEW.pkey=CONCAT(NEW.pkey, 'x')", "was not read back"},
		"a refusal":           {"CREATE TRIGGER refused BEFORE UPDATE ON certificate FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT='the table is closed'", "the table is closed"},
		"two rows of the CSR": {"INSERT INTO certificate (item, csr, pkey, crt) SELECT item, csr, pkey, crt FROM certificate WHERE item=42", "2 rows were changed"},
		"another table":       {"ALTER TABLE certificate RENAME COLUMN pkey TO secret", "Unknown column 'pkey'"},
	} {
		t.Run(name, func(t *testing.T) {
			w, db, pairs := rotating(t)
			var before item.KeyPair
			if name == "a short column" {
				run(t, db, "UPDATE certificate SET pkey=''")
			}
			run(t, db, c.sql)
			if name != "another table" {
				before, _ = certificateRow(t, db, 42)
			}
			err := w.ReplaceKey(t.Context(), pairs)
			require.ErrorContains(t, err, c.says)
			assert.Equal(t, fault.DB, fault.From(err).Type)
			if name != "another table" {
				pair, _ := certificateRow(t, db, 42)
				assert.Equal(t, before, pair)
			}
			w.withoutKeys(pairs, err.Error())
			require.NoError(t, w.LockItem(t.Context(), 42), "the connection serves further queries")
		})
	}
}

func TestAReplacementThatIsCutOffIsUndone(t *testing.T) {
	w, db, pairs := rotating(t)
	holder, err := db.Begin()
	require.NoError(t, err)
	_, err = holder.Exec("UPDATE certificate SET crt='HELD' WHERE item=42")
	require.NoError(t, err)
	var held int64 // the list of processes may still show the statement of this connection
	require.NoError(t, holder.QueryRow("SELECT CONNECTION_ID()").Scan(&held))
	other := w.host()
	defer other.Close()
	done := make(chan error)
	go func() { done <- other.ReplaceKey(t.Context(), pairs) }()
	waiting := func() bool {
		var id int64
		err := db.QueryRow("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'UPDATE certificate%' AND DB=DATABASE() AND ID<>?", held).Scan(&id)
		if err != nil {
			return false
		}
		_, err = db.Exec("KILL ?", id)
		return err == nil
	}
	require.Eventually(t, waiting, 20*time.Second, 5*time.Millisecond)
	require.Error(t, <-done)
	require.NoError(t, holder.Rollback())
	pair, crt := certificateRow(t, db, 42)
	assert.Equal(t, pairs.Old, pair)
	assert.Equal(t, "CRT", crt)
	require.NoError(t, other.ReplaceKey(t.Context(), pairs), "the next one connects anew")
	pair, _ = certificateRow(t, db, 42)
	assert.Equal(t, pairs.New, pair)
}
