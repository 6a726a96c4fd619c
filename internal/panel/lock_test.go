package panel_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/panel"
)

// second returns another run in the same root.
func (w *fixture) second() *panel.Host {
	h := w.host()
	h.SetLockTries(1, 1)
	w.t.Cleanup(func() { require.NoError(w.t, h.Close()) })
	return h
}

func hex256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func used(t *testing.T, db *sql.DB, name string) bool {
	t.Helper()
	var holder sql.NullInt64
	require.NoError(t, db.QueryRow("SELECT IS_USED_LOCK(?)", name).Scan(&holder))
	return holder.Valid
}

func faultType(err error) string {
	if err == nil {
		return ""
	}
	return fault.From(err).Type
}

// itemLock returns the name of item 42's lock.
func itemLock(database string) string { return binary + "." + hex256(database)[:8] + ".42" }

// rules BUY-1.
func TestLockNamesIdentifyThePanelAndTheAccount(t *testing.T) {
	w, db := withDB(t)
	var name string
	require.NoError(t, db.QueryRow("SELECT DATABASE()").Scan(&name))
	require.NoError(t, w.LockItem(t.Context(), 42))
	require.NoError(t, w.LockAccount(t.Context(), "https://api.example.com/ reseller"))
	assert.True(t, used(t, db, itemLock(name)))
	assert.True(t, used(t, db, binary+"."+hex256("localhost\x00" + name)[:8]+".42"), "the name that the previous version uses")
	assert.True(t, used(t, db, binary+".buy."+hex256("https://api.example.com/ reseller")[:16]))
}

func TestOneRunHoldsAnItem(t *testing.T) {
	w, _ := withDB(t)
	other := w.second()
	require.NoError(t, w.LockItem(t.Context(), 42))
	require.NoError(t, w.LockItem(t.Context(), 42), "taking it again is harmless")
	err := other.LockItem(t.Context(), 42)
	require.Error(t, err)
	assert.Equal(t, fault.Locked, fault.From(err).Type)
	assert.True(t, fault.From(err).Retry)
	assert.Contains(t, err.Error(), "item 42 (database connection ")
	require.NoError(t, other.LockItem(t.Context(), 43), "another item is free")
	require.NoError(t, w.Close())
	require.NoError(t, other.LockItem(t.Context(), 42), "locks end with the run")
}

// rules BUY-1: two hosts of one panel write the address of its database in different ways.
func TestHostsShareLocksWhateverTheyCallTheServer(t *testing.T) {
	for name, take := range map[string]func(h *panel.Host) (held bool, err error){
		"item": func(h *panel.Host) (bool, error) {
			err := h.LockItem(t.Context(), 42)
			return err == nil, err
		},
		"sweep":   func(h *panel.Host) (bool, error) { return h.LockSweep(t.Context()) },
		"account": func(h *panel.Host) (bool, error) { err := h.LockAccount(t.Context(), "a"); return err == nil, err },
	} {
		t.Run(name, func(t *testing.T) {
			w, db := withDB(t)
			var database string
			require.NoError(t, db.QueryRow("SELECT DATABASE()").Scan(&database))
			elsewhere := newFixture(t, "DBHost", "DBUser "+dbUser, "DBPassword "+dbPassword, "DBName "+database, "DBSocket "+mariadb.socket, "CryptKey etc/test.pem")
			elsewhere.SetLockTries(1, 1)
			held, err := take(w.Host)
			require.NoError(t, err)
			require.True(t, held)
			held, err = take(elsewhere.Host)
			assert.False(t, held)
			if err != nil {
				assert.Equal(t, fault.Locked, fault.From(err).Type, err.Error())
			}
		})
	}
}

// rules BUY-1: the previous version takes only the old name of a lock. A run that cannot take both names keeps neither.
func TestLocksOfThePreviousVersionAreRespected(t *testing.T) {
	w, db := withDB(t)
	w.SetLockTries(1, 1)
	var database string
	require.NoError(t, db.QueryRow("SELECT DATABASE()").Scan(&database))
	old, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer old.Close()
	panelHash := hex256("localhost\x00" + database)[:8]
	var got int
	for _, name := range []string{binary + "." + panelHash + ".42", binary + ".subscription." + panelHash} {
		require.NoError(t, old.QueryRowContext(t.Context(), "SELECT GET_LOCK(?, 0)", name).Scan(&got))
		require.Equal(t, 1, got)
	}
	assert.Equal(t, fault.Locked, faultType(w.LockItem(t.Context(), 42)))
	assert.False(t, used(t, db, itemLock(database)))
	free, err := w.LockSweep(t.Context())
	require.NoError(t, err)
	assert.False(t, free)
	assert.False(t, used(t, db, binary+".subscription."+hex256(database)[:8]))
}

func TestOnePurchaseOfAnAccountAtATime(t *testing.T) {
	w, _ := withDB(t)
	other := w.second()
	require.NoError(t, w.LockAccount(t.Context(), "a"))
	assert.Equal(t, fault.Locked, faultType(other.LockAccount(t.Context(), "a")))
	require.NoError(t, other.LockAccount(t.Context(), "b"))
	require.NoError(t, other.UnlockAccount(t.Context()))
	require.NoError(t, other.UnlockAccount(t.Context()), "unlocking twice is harmless")
	require.NoError(t, w.UnlockAccount(t.Context()))
	require.NoError(t, other.LockAccount(t.Context(), "a"))
}

func TestAccountLockWaitsUntilTheContextsDeadline(t *testing.T) {
	w, _ := withDB(t)
	other := w.second()
	other.SetLockTries(1, 0) // without a deadline it would not wait at all
	require.NoError(t, w.LockAccount(t.Context(), "a"))
	assert.Equal(t, fault.Locked, faultType(other.LockAccount(t.Context(), "a")))
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := other.LockAccount(ctx, "a")
	require.Error(t, err)
	assert.Equal(t, fault.Locked, fault.From(err).Type)
	require.NoError(t, other.LockItem(t.Context(), 1), "the deadline did not cost the connection")
	waiting, cancelWaiting := context.WithTimeout(t.Context(), time.Minute)
	defer cancelWaiting()
	got := make(chan error, 1)
	go func() { got <- other.LockAccount(waiting, "a") }()
	require.NoError(t, w.UnlockAccount(t.Context()))
	require.NoError(t, <-got)
}

// rules BUY-1: called right before the request that spends money.
func TestHoldsLocksNeedsBothLocksOnThisConnection(t *testing.T) {
	w, db := withDB(t)
	assert.Equal(t, fault.Locked, faultType(w.HoldsLocks(t.Context())), "no lock at all")
	require.NoError(t, w.LockItem(t.Context(), 42))
	assert.Equal(t, fault.Locked, faultType(w.HoldsLocks(t.Context())), "only the item's lock")
	require.NoError(t, w.LockAccount(t.Context(), "a"))
	require.NoError(t, w.HoldsLocks(t.Context()))
	killConnection(t, w, db)
	err := w.HoldsLocks(t.Context())
	require.Error(t, err)
	assert.Contains(t, []string{fault.Locked, fault.DB}, fault.From(err).Type)
	err = w.HoldsLocks(t.Context())
	require.Error(t, err, "a new connection does not restore a lost lock")
	assert.Equal(t, fault.Locked, fault.From(err).Type)
	require.NoError(t, w.UnlockAccount(t.Context()))
	assert.Equal(t, fault.Locked, faultType(w.HoldsLocks(t.Context())))
}

func TestHoldsLocksAfterAnUnlock(t *testing.T) {
	w, _ := withDB(t)
	require.NoError(t, w.LockItem(t.Context(), 42))
	require.NoError(t, w.LockAccount(t.Context(), "a"))
	require.NoError(t, w.UnlockAccount(t.Context()))
	assert.Equal(t, fault.Locked, faultType(w.HoldsLocks(t.Context())))
	require.NoError(t, w.LockAccount(t.Context(), "a"))
	require.NoError(t, w.HoldsLocks(t.Context()))
}

func TestLostItemLockIsTakenAgain(t *testing.T) {
	w, db := withDB(t)
	require.NoError(t, w.LockItem(t.Context(), 42))
	killConnection(t, w, db)
	_, err := w.Modules(t.Context())
	require.Error(t, err, "the connection is gone")
	require.NoError(t, w.LockItem(t.Context(), 42))
	assert.Equal(t, fault.Locked, faultType(w.second().LockItem(t.Context(), 42)))
}

func TestCancelledRunKeepsItsLocksWhileItAsksForMore(t *testing.T) {
	w, _ := withDB(t)
	require.NoError(t, w.LockItem(t.Context(), 42))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, fault.Locked, faultType(w.LockAccount(ctx, "a")))
	assert.Equal(t, fault.Locked, faultType(w.second().LockItem(t.Context(), 42)))
}

// killConnection kills the connection that holds the lock of item 42, on the server's side.
func killConnection(t *testing.T, w *fixture, db *sql.DB) {
	t.Helper()
	var name string
	require.NoError(t, db.QueryRow("SELECT DATABASE()").Scan(&name))
	var id sql.NullInt64
	require.NoError(t, db.QueryRow("SELECT IS_USED_LOCK(?)", itemLock(name)).Scan(&id))
	require.True(t, id.Valid, "item 42 is not locked")
	run(t, db, fmt.Sprintf("KILL %d", id.Int64))
}

// rules SWEEP-5: a sweep that is started right after another one has ended does its work.
func TestNextSweepFindsTheLockFree(t *testing.T) {
	w, _ := withDB(t)
	for range 50 {
		next := w.second()
		free, err := next.LockSweep(t.Context())
		require.NoError(t, err)
		require.True(t, free)
		require.NoError(t, next.Close())
	}
}
