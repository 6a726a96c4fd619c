package ctl

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"pmssl/internal/sandbox/panel/root"
)

// Item states (docs/reference/billmanager.md §4): 1 ordered, 2 active, 3 suspended, 4 deleted, 5 being processed.
const (
	statusActive    = 2
	statusSuspended = 3
	statusDeleted   = 4
)

// change is the change that a call-back makes to its item.
type change func(r *request, item int64) error

// post returns the handler of a call-back: it changes the item, then deletes its running operation of that command.
// Without sok it is a form, and nothing changes.
func post(command string, do change) handler {
	return func(r *request) (Reply, error) {
		item, err := r.row("item")
		if err != nil {
			return Reply{}, err
		}
		if !r.sok() {
			return Reply{Fields: []Pair{{"elid", r.params["elid"]}}}, nil
		}
		if do != nil {
			if err := do(r, item); err != nil {
				return Reply{}, err
			}
		}
		return confirmed, r.endOperations(item, command)
	}
}

// endOperations deletes the item's running operations of these commands.
func (r *request) endOperations(item int64, commands ...string) error {
	for _, c := range commands {
		if err := r.exec("DELETE FROM runningoperation WHERE item=? AND intname=?", item, c); err != nil {
			return err
		}
	}
	return nil
}

// openType handles <itemtype>.open. It also ends reopen, because sslstore and BD call only certificate.open after a
// reissue.
func openType(kind string) handler {
	return func(r *request) (Reply, error) {
		var n int
		err := r.db.QueryRowContext(r.ctx, "SELECT COUNT(*) FROM itemtype WHERE intname=?", kind).Scan(&n)
		if err != nil {
			return Reply{}, err
		}
		if n == 0 {
			return Reply{}, &Error{Type: "missed", Object: "func", Value: r.function}
		}
		reply, err := post("open", opened)(r)
		if err != nil || !r.sok() {
			return reply, err
		}
		item, err := r.id("elid")
		if err != nil {
			return Reply{}, err
		}
		return reply, r.endOperations(item, "transfer", "reopen")
	}
}

// opened makes the item active. The term begins today unless it has begun.
func opened(r *request, item int64) error {
	old, err := r.item(item)
	if err != nil {
		return err
	}
	if err := r.setItem(item, "status", old.status, statusActive); err != nil {
		return err
	}
	if !old.open.Valid {
		if err := r.setItem(item, "opendate", old.open, r.day()); err != nil {
			return err
		}
	}
	if old.expire.Valid {
		return nil
	}
	return r.setItem(item, "expiredate", old.expire, addMonths(r.now, old.period).Format(time.DateOnly))
}

// prolonged moves the end of the paid term by the item's period.
func prolonged(r *request, item int64) error {
	old, err := r.item(item)
	if err != nil {
		return err
	}
	from := r.now
	if old.expire.Valid {
		if from, err = time.Parse(time.DateOnly, old.expire.String); err != nil {
			return err
		}
	}
	return r.setItem(item, "expiredate", old.expire, addMonths(from, old.period).Format(time.DateOnly))
}

func suspended(r *request, item int64) error { return r.setStatus(item, statusSuspended) }
func resumed(r *request, item int64) error   { return r.setStatus(item, statusActive) }
func closed(r *request, item int64) error    { return r.setStatus(item, statusDeleted) }

func (r *request) setStatus(item int64, status int) error {
	old, err := r.item(item)
	if err != nil {
		return err
	}
	return r.setItem(item, "status", old.status, status)
}

// itemRow is the part of an item that call-backs use.
type itemRow struct {
	status, period int
	open, expire   sql.NullString // YYYY-MM-DD
}

func (r *request) item(id int64) (itemRow, error) {
	var i itemRow
	err := r.db.QueryRowContext(r.ctx, `SELECT status, IFNULL(period, 0), DATE_FORMAT(opendate, '%Y-%m-%d'),
		DATE_FORMAT(expiredate, '%Y-%m-%d') FROM item WHERE id=?`, id).Scan(&i.status, &i.period, &i.open, &i.expire)
	return i, err
}

// setItem changes a column of an item and records the change in its history, with the caller's name as address
// (docs/reference/billmanager.md §4). column is status, opendate or expiredate, and never comes from a caller.
func (r *request) setItem(item int64, column string, old, value any) error {
	if err := r.exec("UPDATE item SET "+column+"=? WHERE id=?", value, item); err != nil {
		return err
	}
	return r.exec("INSERT INTO history_item (reference, changedate, changedfields, request_action, request_ip, username, "+
		column+", "+column+"_new) VALUES (?, ?, ?, ?, ?, 'root', ?, ?)",
		item, r.stamp(), column, r.function, r.caller, old, value)
}

// addMonths adds months and stays within the target month. Periods that are not months (-100 is a trial) add nothing.
func addMonths(t time.Time, months int) time.Time {
	if months <= 0 {
		return t
	}
	first := time.Date(t.Year(), t.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// setStatus handles service.setstatus: the parameter service_status (docs/reference/billmanager.md §4.1), not the
// status of the item.
func setStatus(r *request) (Reply, error) {
	item, err := r.row("item")
	if err != nil {
		return Reply{}, err
	}
	status, err := r.need("service_status")
	if err != nil {
		return Reply{}, err
	}
	if !slices.Contains([]string{"0", "1", "2", "3", "4", "5", "6"}, status) {
		return Reply{}, &Error{Type: "value", Object: "service_status", Value: status}
	}
	return confirmed, r.setParam(root.ItemParams(), item, "service_status", status, false)
}

// setExpireDate handles service.setexpiredate, YYYY-MM-DD.
func setExpireDate(r *request) (Reply, error) {
	item, err := r.row("item")
	if err != nil {
		return Reply{}, err
	}
	date, err := r.need("expiredate")
	if err != nil {
		return Reply{}, err
	}
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return Reply{}, &Error{Type: "value", Object: "expiredate", Value: date}
	}
	old, err := r.item(item)
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.setItem(item, "expiredate", old.expire, date)
}

// saveParam handles service.saveparam in both forms of docs/reference/billmanager.md §5.2: name= value=, and
// <param>=<value>. The first form without a value deletes.
func saveParam(r *request) (Reply, error) {
	item, err := r.row("item")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return Reply{Fields: []Pair{{"elid", r.params["elid"]}}}, nil
	}
	crypted := r.params["crypted"] == "on"
	if name, formA := r.params["name"]; formA {
		if name == "" {
			return Reply{}, &Error{Type: "value", Object: "name"}
		}
		if r.params["value"] == "" {
			return confirmed, r.dropParam(root.ItemParams(), item, name)
		}
		return confirmed, r.setParam(root.ItemParams(), item, name, r.params["value"], crypted)
	}
	pairs := r.data("elid", "crypted")
	if len(pairs) == 0 {
		return Reply{}, &Error{Type: "value", Object: "name"}
	}
	if pairs, err = r.saved(pairs); err != nil {
		return Reply{}, err
	}
	for _, p := range pairs {
		if err := r.setParam(root.ItemParams(), item, p.Name, p.Value, crypted); err != nil {
			return Reply{}, err
		}
	}
	return confirmed, nil
}

// saved returns those of the parameters of one call that the panel stores.
func (r *request) saved(pairs []Pair) ([]Pair, error) {
	if len(pairs) == 1 {
		return pairs, nil
	}
	slices.SortFunc(pairs, func(a, b Pair) int { return slices.Index(r.names, a.Name) - slices.Index(r.names, b.Name) })
	switch r.settings.SaveParams {
	case root.SaveFirst:
		return pairs[:1], nil
	case root.SaveLast:
		return pairs[len(pairs)-1:], nil
	case root.SaveRefuse:
		return nil, &Error{Type: "value", Object: pairs[1].Name, Value: pairs[1].Value}
	}
	return pairs, nil
}

// dropParam handles service.dropparam. A missing parameter is not an error.
func dropParam(r *request) (Reply, error) {
	item, err := r.row("item")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return Reply{Fields: []Pair{{"elid", r.params["elid"]}}}, nil
	}
	name, err := r.need("name")
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.dropParam(root.ItemParams(), item, name)
}

// confirmItem checks the item and changes nothing: poststat updates the panel's statistics, which the stand-in does not
// keep.
func confirmItem(r *request) (Reply, error) {
	_, err := r.row("item")
	return confirmed, err
}

// nextModule handles service.getnextmodule: the next module, by order priority, that serves the item's tariff. The name
// of the field in the answer is inferred.
func nextModule(r *request) (Reply, error) {
	item, err := r.row("item")
	if err != nil {
		return Reply{}, err
	}
	var next int64
	err = r.db.QueryRowContext(r.ctx, `SELECT pm.id FROM item i
		JOIN processingmodule2pricelist m ON m.pricelist=i.pricelist
		JOIN processingmodule pm ON pm.id=m.processingmodule
		WHERE i.id=? AND pm.active='on' AND pm.id > IFNULL(i.processingmodule, 0) ORDER BY pm.id LIMIT 1`, item).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return Reply{}, &Error{Type: "no_suitable_module", Object: "item", Value: r.params["elid"]}
	}
	if err != nil {
		return Reply{}, err
	}
	if err := r.exec("UPDATE item SET processingmodule=? WHERE id=?", next, item); err != nil {
		return Reply{}, err
	}
	reply, err := r.form("SELECT id AS processingmodule, module FROM processingmodule WHERE id=?", next)
	reply.OK = true
	return reply, err
}

// rollbackPricelist restores the former tariff of an item.
func rollbackPricelist(r *request) (Reply, error) {
	item, err := r.row("item")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return Reply{Fields: []Pair{{"elid", r.params["elid"]}}}, nil
	}
	return confirmed, r.exec(
		"UPDATE item SET pricelist=lastpricelist, lastpricelist=NULL WHERE id=? AND IFNULL(lastpricelist, 0) > 0", item)
}

// certificateFailed records that no certificate will be issued. What else the panel does then (a mail, a refund) is not
// visible to a module.
func certificateFailed(r *request) (Reply, error) {
	item, err := r.row("item")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return Reply{Fields: []Pair{{"elid", r.params["elid"]}}}, nil
	}
	return confirmed, r.exec("INSERT INTO history_item (reference, changedate, changedfields, request_action, request_ip,"+
		" username) VALUES (?, ?, '', ?, ?, 'root')", item, r.stamp(), r.function, strings.TrimSpace(r.caller))
}
