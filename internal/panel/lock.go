package panel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// LockItem locks the item until UnlockItem, Close or the end of the process, by the database's named lock
// `<bin>.<8 hex of DBName>.<item>` on the pinned connection (rules BUY-1). It returns fault.Locked, retryable, if another run
// holds the lock for over 30 s. Locking twice is allowed.
func (h *Host) LockItem(ctx context.Context, id int64) error {
	if _, held := h.items[id]; held {
		return nil
	}
	names, err := h.lockNames(ctx, "", "."+strconv.FormatInt(id, 10))
	if err != nil {
		return err
	}
	busy, err := h.getLocks(ctx, names, h.limits.itemTries)
	if err != nil {
		return err
	}
	if busy != "" {
		return fault.Errorf(fault.Locked, "item", "another run holds item %d%s, this one waited %d s; it is tried again later",
			id, h.holder(ctx, busy), h.limits.itemTries).Retryable()
	}
	h.items[id], h.lastItemLocks = names, names
	return nil
}

// lockNames returns the names of a lock that all hosts of one panel share, in the order in which every run takes them (rules
// BUY-1). A name is head, a hash that identifies the panel, and tail. The first hash is of the database's name in lower case:
// hosts may write the server's address in different ways. The second hash includes that address, as the previous version does:
// during an upgrade both versions run. It can be removed in the next version.
func (h *Host) lockNames(ctx context.Context, head, tail string) ([]string, error) {
	settings, err := h.requiredSettings(ctx, settingHost, settingName)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, panel := range []string{strings.ToLower(settings[settingName]), settings[settingHost] + "\x00" + settings[settingName]} {
		names = append(names, h.o.Binary+"."+head+digest(panel)[:8]+tail)
	}
	return names, nil
}

// getLocks takes all of the locks or none, one after the other, within tries seconds in all. It returns the name of the lock that
// another run holds; empty if all were taken.
func (h *Host) getLocks(ctx context.Context, names []string, tries int) (busy string, err error) {
	for i, name := range names {
		got, left, err := h.getLock(ctx, name, tries)
		if err == nil && got {
			tries = max(left, 1)
			continue
		}
		return name, errors.Join(err, h.releaseLocks(ctx, names[:i]))
	}
	return "", nil
}

// releaseLocks releases the locks, the last one first. If the connection broke, they are released already.
func (h *Host) releaseLocks(ctx context.Context, names []string) error {
	if h.db == nil || len(names) == 0 {
		return nil
	}
	var columns []string
	var args []any
	for _, name := range slices.Backward(names) {
		columns, args = append(columns, "RELEASE_LOCK(?)"), append(args, name)
	}
	if _, _, err := h.row(context.WithoutCancel(ctx), "RELEASE_LOCK", "SELECT "+strings.Join(columns, ", "), args...); err != nil {
		return err
	}
	h.log.Tracef("locks %s released", strings.Join(names, ", "))
	return nil
}

// LockAccount locks purchases with the seller's account until UnlockAccount, by the lock
// `<bin>.buy.<first 16 hex of SHA-256 of account>`; account is the seller's address and the account's name. It waits until the
// deadline of ctx, or five minutes without one, and then returns fault.Locked, retryable.
func (h *Host) LockAccount(ctx context.Context, account string) error {
	name := h.o.Binary + ".buy." + seller.AccountHash(account)
	if h.accountLock == name {
		return nil
	}
	if h.accountLock != "" {
		return fault.Errorf(fault.Internal, "account", "a run buys for one account at a time")
	}
	tries := h.limits.buyTries
	if _, limited := ctx.Deadline(); limited {
		tries = math.MaxInt
	}
	got, _, err := h.getLock(ctx, name, tries)
	if err != nil {
		return err
	}
	if !got {
		return fault.Errorf(fault.Locked, "account", "another run buys with the same account%s, and there is no time left to wait; it is tried again later",
			h.holder(context.WithoutCancel(ctx), name)).Retryable()
	}
	h.accountLock = name
	return nil
}

// getLock tries to take a lock, one second each try, and returns how many tries are left. A cancelled query would cost the
// connection and all its locks, so the queries ignore ctx; it is checked between them.
func (h *Host) getLock(ctx context.Context, name string, tries int) (got bool, left int, err error) {
	for ; tries > 0; tries-- {
		if ctx.Err() != nil {
			return false, tries, nil
		}
		row, found, err := h.row(context.WithoutCancel(ctx), "GET_LOCK", "SELECT GET_LOCK(?, 1)", name)
		switch {
		case err != nil:
			return false, tries, err
		case !found || !row[0].Valid:
			return false, tries, fault.Errorf(fault.DB, "GET_LOCK", "the database at %s does not give locks: it answered NULL for %s", h.db.address, name)
		case row[0].number() == 1:
			h.log.Tracef("lock %s taken", name)
			return true, tries, nil
		}
		h.log.Tracef("lock %s is held by another run", name)
	}
	return false, 0, nil
}

// holder returns in words which connection holds a lock, for the administrator's SHOW PROCESSLIST; empty if not known.
func (h *Host) holder(ctx context.Context, name string) string {
	row, found, err := h.row(ctx, "IS_USED_LOCK", "SELECT IS_USED_LOCK(?)", name)
	if err != nil || !found || !row[0].Valid {
		return ""
	}
	return " (database connection " + row[0].String + ")"
}

// UnlockAccount releases the account's lock. Without a lock it does nothing.
func (h *Host) UnlockAccount(ctx context.Context) error {
	name := h.accountLock
	h.accountLock = ""
	if name == "" || h.db == nil { // the connection broke, which released the lock
		return nil
	}
	return h.releaseLocks(ctx, []string{name})
}

// HoldsLocks checks that this connection still holds the locks of the item that was locked last and of the account (rules BUY-1).
// It returns fault.Locked, retryable, if one is lost or was never taken, and fault.DB if the database does not answer.
func (h *Host) HoldsLocks(ctx context.Context) error {
	var columns, names, of []string
	var args []any
	for _, lock := range []struct {
		of    string
		names []string
	}{{"item", h.lastItemLocks}, {"account", h.accountLockNames()}} {
		if len(lock.names) == 0 {
			return fault.Errorf(fault.Locked, lock.of, "the lock of the %s was never taken, nothing is bought", lock.of).Retryable()
		}
		for _, name := range lock.names {
			columns, args = append(columns, "IS_USED_LOCK(?)=CONNECTION_ID()"), append(args, name)
			names, of = append(names, name), append(of, lock.of)
		}
	}
	row, found, err := h.row(ctx, "IS_USED_LOCK", "SELECT "+strings.Join(columns, ", "), args...)
	if err != nil {
		return err
	}
	for i, name := range names {
		if !found || row[i].number() != 1 {
			return fault.Errorf(fault.Locked, of[i], "the lock %s was lost because the connection to the database broke; nothing is bought", name).Retryable()
		}
	}
	return nil
}

// accountLockNames returns the name of the account's lock; nil if none is held.
func (h *Host) accountLockNames() []string {
	if h.accountLock == "" {
		return nil
	}
	return []string{h.accountLock}
}

// digest returns the SHA-256 in lower-case hex.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return strings.ToLower(hex.EncodeToString(sum[:]))
}
