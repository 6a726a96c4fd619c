package panel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"pmssl/internal/cert"
)

// LockItem keeps other runs off the item until Close or the end of the process: the database's named lock
// `<bin>.<8 hex of host and DBName>.<item>` on the pinned connection (contract 3.1). FaultLocked, retryable, where
// another run holds it for over 30 s. Taking it twice is harmless.
func (h *Host) LockItem(ctx context.Context, id int64) error {
	if _, held := h.items[id]; held {
		return nil
	}
	settings, err := h.host(ctx, settingHost, settingName)
	if err != nil {
		return err
	}
	mark := digest(settings[settingHost] + "\x00" + settings[settingName])
	name := fmt.Sprintf("%s.%s.%d", h.o.Binary, mark[:8], id)
	got, err := h.getLock(ctx, name, h.limits.itemTries)
	if err != nil {
		return err
	}
	if !got {
		return cert.Faultf(cert.FaultLocked, "item", "another run holds item %d%s, this one waits %d s at the most; it is tried again later",
			id, h.holder(ctx, name), h.limits.itemTries).Again()
	}
	h.items[id], h.lastItem = name, name
	// A server may close connections that are silent for a minute; a purchase waits longer for its seller.
	if _, _, err := h.row(ctx, "wait_timeout", "SET SESSION wait_timeout=28800"); err != nil {
		h.log.Warningf("the database keeps its own limit for silent connections: %v", err)
	}
	return nil
}

// LockAccount keeps other purchases of the seller's account off until UnlockAccount, by the lock
// `<bin>.buy.<first 16 hex of SHA-256 of account>`; account is the seller's address and the account's name. It waits as
// long as ctx lasts, five minutes where ctx has no deadline; then FaultLocked, retryable.
func (h *Host) LockAccount(ctx context.Context, account string) error {
	name := h.o.Binary + ".buy." + cert.AccountMark(account)
	if h.accounts == name {
		return nil
	}
	if h.accounts != "" {
		return cert.Faultf(cert.FaultInternal, "account", "a run buys for one account at a time")
	}
	tries := h.limits.buyTries
	if _, limited := ctx.Deadline(); limited {
		tries = math.MaxInt
	}
	got, err := h.getLock(ctx, name, tries)
	if err != nil {
		return err
	}
	if !got {
		return cert.Faultf(cert.FaultLocked, "account", "another run buys for the same account%s, there is no time left to wait; it is tried again later",
			h.holder(context.WithoutCancel(ctx), name)).Again()
	}
	h.accounts = name
	return nil
}

// getLock asks for a lock second by second. A query that is cancelled halfway costs the connection and all locks with
// it, so the questions themselves are not bound to ctx; it is looked at between them.
func (h *Host) getLock(ctx context.Context, name string, tries int) (bool, error) {
	for try := 0; try < tries; try++ {
		if ctx.Err() != nil {
			return false, nil
		}
		row, found, err := h.row(context.WithoutCancel(ctx), "GET_LOCK", "SELECT GET_LOCK(?, 1)", name)
		switch {
		case err != nil:
			return false, err
		case !found || !row[0].Valid:
			return false, cert.Faultf(cert.FaultDB, "GET_LOCK", "the database at %s does not give locks: it answered NULL for %s", h.db.address, name)
		case row[0].number() == 1:
			h.log.Tracef("lock %s taken", name)
			return true, nil
		}
		h.log.Tracef("lock %s is held by another run", name)
	}
	return false, nil
}

// holder names the connection that holds a lock, for the administrator's SHOW PROCESSLIST; empty where it is not known.
func (h *Host) holder(ctx context.Context, name string) string {
	row, found, err := h.row(ctx, "IS_USED_LOCK", "SELECT IS_USED_LOCK(?)", name)
	if err != nil || !found || !row[0].Valid {
		return ""
	}
	return " (database connection " + row[0].String + ")"
}

// UnlockAccount lets other purchases of the account go on. Without a lock it does nothing.
func (h *Host) UnlockAccount(ctx context.Context) error {
	name := h.accounts
	h.accounts = ""
	if name == "" || h.db == nil { // the connection broke: the lock went with it
		return nil
	}
	if _, _, err := h.row(context.WithoutCancel(ctx), "RELEASE_LOCK", "SELECT RELEASE_LOCK(?)", name); err != nil {
		return err
	}
	h.log.Tracef("lock %s released", name)
	return nil
}

// HoldsLocks asks the database whether the lock of the item that was locked last and the account's lock are still ours
// (contract 3.1). FaultLocked, retryable, where one is lost or was never taken; FaultDB where the database does not tell.
func (h *Host) HoldsLocks(ctx context.Context) error {
	for _, lock := range []struct{ of, name string }{{"item", h.lastItem}, {"account", h.accounts}} {
		if lock.name == "" {
			return cert.Faultf(cert.FaultLocked, lock.of, "the lock of the %s was never taken, nothing is bought", lock.of).Again()
		}
		row, found, err := h.row(ctx, "IS_USED_LOCK", "SELECT IS_USED_LOCK(?)=CONNECTION_ID()", lock.name)
		if err != nil {
			return err
		}
		if !found || row[0].number() != 1 {
			return cert.Faultf(cert.FaultLocked, lock.of, "the lock %s is not ours any more, the connection to the database broke; nothing is bought", lock.name).Again()
		}
	}
	return nil
}

// digest is the lower-case hex of SHA-256.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return strings.ToLower(hex.EncodeToString(sum[:]))
}
