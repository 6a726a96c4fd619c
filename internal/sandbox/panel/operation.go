package panel

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/panel/root"
)

// addOperation inserts a row of runningoperation, as the panel does before the first start (docs/reference/billmanager.md
// §1.6).
func (p *Panel) addOperation(ctx context.Context, item int64, command, lang string) (int64, error) {
	now, err := p.Now()
	if err != nil {
		return 0, err
	}
	if lang == "" {
		if lang, err = p.text(ctx, "SELECT language FROM user WHERE account=? ORDER BY id LIMIT 1", firstAccount); err != nil {
			return 0, err
		}
	}
	return p.insert(ctx, `INSERT INTO runningoperation (item, intname, trycount, manual, rerun, lang, level, cdate)
		VALUES (?, ?, 0, 'off', 'off', ?, ?, ?)`, item, command, lang, clientLevel, now.Format(time.DateTime))
}

// Operate creates a running operation for a command of the item (suspend, resume, prolong, reopen, setparam, close,
// open) and runs it once.
func (p *Panel) Operate(ctx context.Context, item int64, command string) (op int64, run *Run, err error) {
	if _, err := p.itemModule(ctx, item); err != nil {
		return 0, nil, err
	}
	if op, err = p.addOperation(ctx, item, command, ""); err != nil {
		return 0, nil, err
	}
	run, err = p.RunOperation(ctx, op)
	return op, run, err
}

// RunOperation starts one running operation, whether it is manual or not: trycount goes up by one before the start.
func (p *Panel) RunOperation(ctx context.Context, op int64) (*Run, error) {
	var item int64
	var command, lang, level string
	err := p.db.QueryRowContext(ctx, "SELECT item, intname, lang, level FROM runningoperation WHERE id=?", op).
		Scan(&item, &command, &lang, &level)
	if err != nil {
		return nil, fmt.Errorf("running operation %d: %w", op, err)
	}
	module, err := p.itemModule(ctx, item)
	if err != nil {
		return nil, err
	}
	if _, err := p.db.ExecContext(ctx,
		"UPDATE runningoperation SET trycount=trycount+1, rerun='off' WHERE id=?", op); err != nil {
		return nil, err
	}
	return p.Start(ctx, module, nil, "--command", command, "--item", strconv.FormatInt(item, 10),
		"--runningoperation", strconv.FormatInt(op, 10), "--lang", lang, "--level", level)
}

// RunPending starts every running operation that is not manual, and those that runningoperation.start asked for, in
// the order of ids, as the panel does periodically.
func (p *Panel) RunPending(ctx context.Context) ([]*Run, error) {
	ops, err := p.ids(ctx, "SELECT id FROM runningoperation WHERE manual='off' OR rerun='on' ORDER BY id")
	if err != nil {
		return nil, err
	}
	var runs []*Run
	for _, op := range ops {
		run, err := p.RunOperation(ctx, op)
		if err != nil {
			return runs, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// Sync starts sync_item for the item, without a running operation.
func (p *Panel) Sync(ctx context.Context, item int64) (*Run, error) {
	return p.plain(ctx, "sync_item", item)
}

// CancelProlong starts cancel_prolong for the item, without a running operation.
func (p *Panel) CancelProlong(ctx context.Context, item int64) (*Run, error) {
	return p.plain(ctx, "cancel_prolong", item)
}

func (p *Panel) plain(ctx context.Context, command string, item int64) (*Run, error) {
	module, err := p.itemModule(ctx, item)
	if err != nil {
		return nil, err
	}
	return p.Start(ctx, module, nil, "--command", command, "--item", strconv.FormatInt(item, 10))
}

// itemModule returns the name of the module that serves an item.
func (p *Panel) itemModule(ctx context.Context, item int64) (string, error) {
	name, err := p.text(ctx, "SELECT pm.module FROM item i JOIN processingmodule pm ON pm.id=i.processingmodule WHERE i.id=?", item)
	if err != nil {
		return "", fmt.Errorf("module of item %d: %w", item, err)
	}
	return name, nil
}

// Reissue does what the client's button does: the present altname is saved as old_altname, the new CSR, key and names
// are stored, and reopen runs as an operation. An empty csr keeps the present one; nil altNames keep the present list.
func (p *Panel) Reissue(ctx context.Context, item int64, csr, key string, altNames []string) (op int64, run *Run, err error) {
	if err := p.storeReissue(ctx, item, csr, key, altNames); err != nil {
		return 0, nil, err
	}
	return p.Operate(ctx, item, "reopen")
}

func (p *Panel) storeReissue(ctx context.Context, item int64, csr, key string, altNames []string) error {
	old, err := p.Item(ctx, item)
	if err != nil {
		return err
	}
	params := map[string]string{"old_altname": old.Params["altname"]}
	if altNames != nil {
		params["altname"] = strings.Join(altNames, " ")
	}
	for name, value := range params {
		if err := p.setParam(ctx, root.ItemParams(), item, name, value, false); err != nil {
			return err
		}
	}
	if csr == "" {
		return nil
	}
	return p.SetCSR(ctx, item, csr, key)
}

// SetCSR stores another CSR (and key) on the item and starts nothing.
func (p *Panel) SetCSR(ctx context.Context, item int64, csr, key string) error {
	res, err := p.db.ExecContext(ctx, "UPDATE certificate SET csr=?, pkey=? WHERE item=?", csr, key, item)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	// No row, or the same values again: MariaDB counts changed rows.
	n, err := p.ids(ctx, "SELECT id FROM certificate WHERE item=?", item)
	if err == nil && len(n) == 0 {
		err = fmt.Errorf("item %d has no certificate row", item)
	}
	return err
}

// SetParams stores item parameters (an empty value deletes) and starts nothing. An administrator's form changes a
// service in this way: no mgrctl call, nothing in the request log.
func (p *Panel) SetParams(ctx context.Context, item int64, params map[string]string) error {
	for name, value := range params {
		if value == "" {
			if err := p.dropParam(ctx, root.ItemParams(), item, name); err != nil {
				return err
			}
			continue
		}
		if err := p.setParam(ctx, root.ItemParams(), item, name, value, false); err != nil {
			return err
		}
	}
	return nil
}
