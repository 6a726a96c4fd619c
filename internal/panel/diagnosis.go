package panel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"pmssl/internal/fault"
	"pmssl/internal/filelock"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/plaintext"
)

var _ item.DiagnosticPanel = (*Host)(nil)

// maxFlag is how much of a parameter is read for such lists: an intent has some 500 bytes.
const maxFlag = 8 << 10

// maxShownName is how much of an item's name is read for lists of what is stuck, in bytes.
const maxShownName = 253

// SettingLines returns the lines of the settings files that set something, in the order in which they are read. The value of
// DBPassword is left out. A file that cannot be read is a fault: the module reads none then.
func (h *Host) SettingLines(ctx context.Context) ([]item.SettingLine, []string, error) {
	if _, err := h.settings(); err != nil {
		return nil, nil, err
	}
	var lines []item.SettingLine
	var warnings []string
	for _, name := range h.confFiles() {
		text, err := readBounded(name, maxConf)
		if errors.Is(err, os.ErrNotExist) {
			warnings = append(warnings, fmt.Sprintf("%s does not exist: the documented defaults and the panel's paramlist are used", name))
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			settings := map[string]string{}
			parseConf(line, settings)
			for setting, value := range settings {
				if setting == settingPassword {
					value = ""
				}
				lines = append(lines, item.SettingLine{Name: setting, Value: value, File: name, Line: number})
			}
		}
	}
	return lines, warnings, nil
}

// DatabaseState connects to the database and reads the server's version.
func (h *Host) DatabaseState(ctx context.Context) (item.DatabaseState, error) {
	row, found, err := h.row(ctx, "version", "SELECT VERSION()")
	if err != nil {
		return item.DatabaseState{}, err
	}
	state := item.DatabaseState{Address: h.db.address, Why: h.db.why, TLS: h.db.tls}
	if found {
		state.Version = plaintext.Clip(plaintext.Line(row[0].String), 100)
	}
	return state, nil
}

// SessionDeviations compares the session with what sessionSettings has set: a proxy in front of the database may give each query
// another connection. A variable that the server does not know is left out.
func (h *Host) SessionDeviations(ctx context.Context) ([]string, error) {
	settings, err := h.requiredSettings(ctx, settingName)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, one := range []struct{ expression, want string }{
		{"DATABASE()", settings[settingName]}, {"@@session.autocommit", "1"}, {"@@session.sql_mode", ""},
		{"@@session.time_zone", "+00:00"}, {"@@session.character_set_connection", "utf8mb4"},
	} {
		row, found, err := h.row(ctx, "session", "SELECT "+one.expression)
		if err != nil || !found {
			return nil, err
		}
		if got := row[0].String; !strings.EqualFold(got, one.want) {
			wrong = append(wrong, fmt.Sprintf("%s is %q instead of %q", one.expression, plaintext.Clip(plaintext.Line(got), 100), one.want))
		}
	}
	first, err := h.connectionID(ctx)
	if err != nil {
		return nil, err
	}
	if second, err := h.connectionID(ctx); err != nil || second != first {
		return append(wrong, "two queries of one connection came to two sessions of the server"), err
	}
	return wrong, nil
}

func (h *Host) connectionID(ctx context.Context) (int64, error) {
	row, found, err := h.row(ctx, "session", "SELECT CONNECTION_ID()")
	if err != nil || !found {
		return 0, err
	}
	return row[0].number(), nil
}

// CryptKey returns the path of the panel's key if it can be used.
func (h *Host) CryptKey(ctx context.Context) (string, error) {
	if _, err := h.cryptKey(ctx); err != nil {
		return "", err
	}
	settings, err := h.requiredSettings(ctx, settingKey)
	return h.path(settings[settingKey]), err
}

// Answer calls paramlist, which changes nothing.
func (h *Host) Answer(ctx context.Context) error {
	_, err := h.call(ctx, callback{name: "paramlist"})
	return err
}

// FlaggedItems lists the items of this binary that carry one of the item parameters.
func (h *Host) FlaggedItems(ctx context.Context, params []string, limit int) ([]item.FlaggedItem, error) {
	if len(params) == 0 {
		return nil, nil
	}
	args := []any{}
	for _, param := range params {
		args = append(args, param)
	}
	found, err := h.rows(ctx, "itemparam", "SELECT i.id, LEFT(i.name, ?), s.intname, LEFT(s.value, ?)"+fromOwnItems+
		"JOIN itemparam s ON s.item=i.id AND s.intname IN ("+marks(len(params))+") WHERE pm.module=? AND s.value<>'' AND COALESCE(i.status,0)<>4 ORDER BY i.id LIMIT ?",
		slices.Concat([]any{maxShownName, maxFlag}, args, []any{h.o.Binary, limit})...)
	if err != nil {
		return nil, err
	}
	var all []item.FlaggedItem
	for _, row := range found {
		if slices.Contains(params, row[2].String) { // the collation of the table may equate further names
			all = append(all, item.FlaggedItem{Item: row[0].number(), Name: row[1].String, Param: row[2].String, Value: row[3].String})
		}
	}
	return all, nil
}

// aheadLook is how far ahead of this host's clock the time of a look may be.
const aheadLook = 5 * time.Minute

// LastLook returns the newest time in the item parameters site_watch (rules PARAM-42), which only sweeps write. One that is in the
// future is left out.
func (h *Host) LastLook(ctx context.Context) (time.Time, error) {
	var last time.Time
	limit := h.o.Now().Add(aheadLook)
	err := h.each(ctx, func(row []field) {
		var record struct{ Since time.Time }
		if json.Unmarshal([]byte(row[0].String), &record) == nil && record.Since.After(last) && record.Since.Before(limit) {
			last = record.Since
		}
	}, "itemparam", "SELECT LEFT(s.value, ?)"+fromOwnItems+"JOIN itemparam s ON s.item=i.id AND s.intname=? WHERE pm.module=?", maxFlag, itemparam.SiteWatch, h.o.Binary)
	return last, err
}

// maxTries is the number of runs after which the panel's framework makes an operation manual (docs/reference/billmanager.md §1.6).
const maxTries = 10

// ManualOperations lists the running operations that the panel does not run by itself. The columns manual and intname are inferred
// (docs/reference/billmanager.md §4): without them it lists those that have run as often as the panel runs one.
func (h *Host) ManualOperations(ctx context.Context, limit int) ([]item.ManualOperation, error) {
	const from = fromOwnItems + "JOIN runningoperation o ON o.item=i.id WHERE pm.module=? AND "
	found, err := h.rows(ctx, "runningoperation", "SELECT o.id, i.id, LEFT(i.name, ?), o.trycount, LEFT(o.intname, 64)"+from+
		"o.manual='on' ORDER BY o.id LIMIT ?", maxShownName, h.o.Binary, limit)
	if absent(err) {
		found, err = h.rows(ctx, "runningoperation", "SELECT o.id, i.id, LEFT(i.name, ?), o.trycount, ''"+from+
			"o.trycount>=? ORDER BY o.id LIMIT ?", maxShownName, h.o.Binary, maxTries, limit)
	}
	if err != nil {
		return nil, err
	}
	var all []item.ManualOperation
	for _, row := range found {
		all = append(all, item.ManualOperation{
			ID: row[0].number(), Item: row[1].number(), Name: row[2].String, Tries: int(row[3].number()), Command: row[4].String,
		})
	}
	return all, nil
}

// OpenTasks lists the administrator's open tasks about this binary's items.
func (h *Host) OpenTasks(ctx context.Context, limit int) ([]item.TaskOfItem, error) {
	found, err := h.rows(ctx, "task", "SELECT t.id, i.id, LEFT(t.type, 64), LEFT(i.name, ?)"+fromOwnItems+
		"JOIN task t ON t.item=i.id WHERE pm.module=? AND (t.status IS NULL OR t.status<>2) ORDER BY t.id LIMIT ?", maxShownName, h.o.Binary, limit)
	if err != nil {
		return nil, err
	}
	var all []item.TaskOfItem
	for _, row := range found {
		all = append(all, item.TaskOfItem{ID: row[0].number(), Item: row[1].number(), Kind: row[2].String, Name: row[3].String})
	}
	return all, nil
}

// DamagedJournal reads the purchase journal under its lock, and returns what is wrong with its lines: of a line that is being written
// nothing can be said. A journal that does not exist has none. fault.Locked if another process keeps the lock.
func (h *Host) DamagedJournal(ctx context.Context) (good int, damage []error, err error) {
	file, err := openJournal(h.journalName(), os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, h.journalFault("read", err)
	}
	defer file.Close()
	if err := h.flock(ctx, file, filelock.Shared); err != nil {
		return 0, nil, fault.Errorf(fault.Locked, "purchases", "the purchase journal %s is not read: %w", file.Name(), err).Retryable()
	}
	info, err := journalInfo(file)
	if err != nil {
		return 0, nil, h.journalFault("read", err)
	}
	found, err := eachEntry(io.NewSectionReader(file, 0, info.Size()), func(shortEntry, int64) { good++ })
	if err != nil {
		return 0, nil, h.journalFault("read", err)
	}
	return good, found.all(), nil
}

// usedColumns returns the tables and columns that the module's queries use (docs/reference/billmanager.md §4).
func usedColumns() map[string][]string {
	return map[string][]string{
		"account":                    {"id", "name"},
		"certificate":                {"item", "pkey", "csr", "crt"},
		"enumerationitem":            {"id", "intname"},
		"item":                       {"id", "name", "remoteid", "parent", "account", "pricelist", "lastpricelist", "processingmodule", "period", "status", "opendate", "expiredate", "autosuspend", "employeesuspend", "abusesuspend", "addonlimit", "intvalue", "boolvalue", "enumerationitem"},
		"itemcryptedparam":           {"item", "intname", "value"},
		"itemparam":                  {"item", "intname", "value"},
		"itemtype":                   {"id", "intname", "parent"},
		"pricelist":                  {"id", "project", "intname", "itemtype", "parent", "addontype", "addonlimit", "addonbool", "enumerationitem"},
		"pricelistparam":             {"pricelist", "intname", "value"},
		"processingcryptedparam":     {"processingmodule", "intname", "value"},
		"processingmodule":           {"id", "name", "module", "active", "orderpriority"},
		"processingmodule2pricelist": {"processingmodule", "pricelist"},
		"processingparam":            {"processingmodule", "intname", "value"},
		"project":                    {"id", "billurl", "name"},
		"runningoperation":           {"id", "item", "trycount"},
		"task":                       {"id", "runningoperation", "item", "type", "status"},
		"user":                       {"id", "account", "level", "enabled", "email", "realname", "name", "language"},
	}
}

// MissingColumns asks for each table and its columns without reading a row. What the server refuses because of rights, and a lost
// connection, is an error: it says nothing of what is there.
func (h *Host) MissingColumns(ctx context.Context) ([]string, error) {
	var missing []string
	all := usedColumns()
	for _, table := range slices.Sorted(maps.Keys(all)) {
		gone, err := h.missingOf(ctx, table, all[table])
		if err != nil {
			return missing, err
		}
		missing = append(missing, gone...)
	}
	return missing, nil
}

// missingOf returns the table if it is missing, else its missing columns.
func (h *Host) missingOf(ctx context.Context, table string, columns []string) ([]string, error) {
	err := h.probe(ctx, table, columns)
	if err == nil || !absent(err) {
		return nil, err
	}
	if err := h.probe(ctx, table, nil); err != nil {
		if absent(err) {
			return []string{table}, nil
		}
		return nil, err
	}
	var missing []string
	for _, column := range columns {
		err := h.probe(ctx, table, []string{column})
		switch {
		case err == nil:
		case absent(err):
			missing = append(missing, table+"."+column)
		default:
			return missing, err
		}
	}
	return missing, nil
}

// absent reports whether the server's answer to a question that reads nothing is that something does not exist. Servers have
// different numbers for that, so every answer counts but those about rights, and those that end the connection.
func absent(err error) bool {
	var answer *mysql.MySQLError
	return errors.As(err, &answer) && !connectionLost(err) && !slices.Contains([]uint16{1044, 1142, 1143, 1370}, answer.Number)
}

// probe asks for columns of a table, or for the table alone, and reads no row.
func (h *Host) probe(ctx context.Context, table string, columns []string) error {
	what := "1"
	if len(columns) > 0 {
		what = "`" + strings.Join(columns, "`, `") + "`"
	}
	_, err := h.rows(ctx, table, "SELECT "+what+" FROM `"+table+"` WHERE 1=0")
	return err
}
