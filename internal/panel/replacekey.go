package panel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/pki"
)

// ReplaceKey puts the new CSR and key in the place of the old ones into the panel's table certificate, and reads them back; if they
// are there already it changes nothing. The error wraps item.ErrOtherCSR if the panel has neither CSR.
//
// This is the module's only write to the panel's database. Everything else goes through the panel's functions, but none is known
// that takes a key other than in its command line, which everybody on the host can read, or from the environment by -e, whose values
// the panel prints into its own log (docs/reference/billmanager.md §5.2). A condition on the old CSR keeps what the client changed.
func (h *Host) ReplaceKey(ctx context.Context, pairs item.KeyPairs) error {
	h.learnKeys(pairs)
	text, err := h.replaceable(ctx, pairs)
	if err != nil || text == "" {
		return err
	}
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	h.o.Log.Named("db").Tracef("%s, item %d", replaceKey, pairs.Item) // without its values
	err = db.replaceKey(ctx, pairs, text)
	if err == nil {
		return nil
	}
	if connectionLost(err) && !errors.Is(err, errNotReplaced) {
		h.db = nil
		clear(h.items)
		_ = db.close() // it is broken already, and what was not committed is undone
	}
	return h.dbFault(ctx, db.address, "certificate", queryHint(err))
}

const (
	certificatePair = "SELECT csr, pkey FROM certificate WHERE item=?"
	replaceKey      = "UPDATE certificate SET csr=?, pkey=? WHERE item=? AND csr=?"
)

// errNotReplaced says that the database does not have the new pair after it was written; that is undone.
var errNotReplaced = errors.New("the new key was not stored")

// replaceable returns the old CSR as the panel has it; empty if it has the new pair.
func (h *Host) replaceable(ctx context.Context, pairs item.KeyPairs) (string, error) {
	found, err := h.certificateRows(ctx, "id", "csr, pkey", "certificate WHERE item=?", pairs.Item)
	if err != nil {
		return "", err
	}
	text, key := lastPair(found)
	switch hash := pki.CSRHash(text); {
	case hash == pki.CSRHash(pairs.New.CSR) && key == pairs.New.Key:
		return "", nil
	case hash == pki.CSRHash(pairs.Old.CSR) && (key == pairs.Old.Key || key == ""): // the client may have removed his key
		return text, nil
	}
	return "", fault.Errorf(fault.Value, "csr", "item %d: the new key is not put into the panel: %w", pairs.Item, item.ErrOtherCSR)
}

// lastPair returns CSR and key of the rows of one item; the panel is known to write one row.
func lastPair(rows [][]field) (csr, key string) {
	for _, row := range rows {
		if row[0].String != "" {
			csr, key = row[0].String, row[1].String
		}
	}
	return csr, key
}

// replaceKey runs the statement and checks what it did. The transaction undoes what the database did not store whole, such as a key
// that is too long for its column.
func (d *database) replaceKey(ctx context.Context, pairs item.KeyPairs, old string) error {
	d.meter.left, d.meter.over = maxRead, false
	tx, err := d.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	err = replaceIn(ctx, tx, pairs, old)
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func replaceIn(ctx context.Context, tx *sql.Tx, pairs item.KeyPairs, old string) error {
	statement, err := tx.PrepareContext(ctx, replaceKey) // prepared: the values are no part of a text that an error could quote
	if err != nil {
		return err
	}
	defer statement.Close()
	done, err := statement.ExecContext(ctx, pairs.New.CSR, pairs.New.Key, pairs.Item, old)
	if err != nil {
		return err
	}
	changed, err := done.RowsAffected()
	if err != nil {
		return err
	}
	if changed != 1 {
		return fmt.Errorf("%w: %d rows were changed instead of one", errNotReplaced, changed)
	}
	var csr, key sql.NullString
	if err := tx.QueryRowContext(ctx, certificatePair+" AND csr=?", pairs.Item, pairs.New.CSR).Scan(&csr, &key); err != nil {
		return fmt.Errorf("%w: %w", errNotReplaced, err)
	}
	if csr.String != pairs.New.CSR || key.String != pairs.New.Key {
		return fmt.Errorf("%w: it was not read back as it was written", errNotReplaced)
	}
	return nil
}
