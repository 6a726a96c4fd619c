package ctl

import (
	"database/sql"
	"encoding/json"
	"errors"
)

// editOperation handles runningoperation.edit: saves errorxml and the manual switch; without sok it is the read form.
func editOperation(r *request) (Reply, error) {
	op, err := r.row("runningoperation")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return r.form(`SELECT id AS elid, item, intname, trycount, errorxml, manual FROM runningoperation WHERE id=?`, op)
	}
	if doc, given := r.params["errorxml"]; given {
		if err := r.exec("UPDATE runningoperation SET errorxml=? WHERE id=?", doc, op); err != nil {
			return Reply{}, err
		}
		if err := r.exec(`INSERT INTO runningoperation_errorhistory (runningoperation, item, intname, cdate, errorxml)
			SELECT id, item, intname, ?, errorxml FROM runningoperation WHERE id=?`, r.stamp(), op); err != nil {
			return Reply{}, err
		}
	}
	switch manual := r.params["manual"]; manual {
	case "":
		return confirmed, nil
	case "on", "off":
		return confirmed, r.exec("UPDATE runningoperation SET manual=? WHERE id=?", manual, op)
	default:
		return Reply{}, &Error{Type: "value", Object: "manual", Value: manual}
	}
}

// setManual handles runningoperation.setmanual: the panel stops running the operation by itself.
func setManual(r *request) (Reply, error) {
	op, err := r.row("runningoperation")
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.exec("UPDATE runningoperation SET manual='on' WHERE id=?", op)
}

// startOperation handles runningoperation.start, the administrator's re-run: the panel runs the operation in its next
// round, manual or not.
func startOperation(r *request) (Reply, error) {
	op, err := r.row("runningoperation")
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.exec("UPDATE runningoperation SET rerun='on' WHERE id=?", op)
}

func deleteOperation(r *request) (Reply, error) {
	op, err := r.row("runningoperation")
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.exec("DELETE FROM runningoperation WHERE id=?", op)
}

// taskType handles task.gettype: the type of task for a failed command, or an empty one if the panel creates none.
func taskType(r *request) (Reply, error) {
	operation, err := r.need("operation")
	if err != nil {
		return Reply{}, err
	}
	var name string
	err = r.db.QueryRowContext(r.ctx, "SELECT intname FROM tasktype WHERE operation=?", operation).Scan(&name)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Reply{}, err
	}
	return Reply{Fields: []Pair{{"task_type", name}}}, nil
}

// editTask handles task.edit without elid: a new task for the administrator.
func editTask(r *request) (Reply, error) {
	item, err := r.rowOf("item", "item")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return Reply{Fields: []Pair{{"item", r.params["item"]}}}, nil
	}
	kind, err := r.need("type")
	if err != nil {
		return Reply{}, err
	}
	var op sql.NullInt64
	if r.params["runningoperation"] != "" {
		if op.Int64, err = r.rowOf("runningoperation", "runningoperation"); err != nil {
			return Reply{}, err
		}
		op.Valid = true
	}
	more, err := json.Marshal(object(r.data("item", "type", "runningoperation", "elid")))
	if err != nil {
		return Reply{}, err
	}
	id, err := r.insert(`INSERT INTO task (runningoperation, item, type, status, params, cdate) VALUES (?, ?, ?, 0, ?, ?)`,
		op, item, kind, string(more), r.stamp())
	return created("elid", id), err
}

// created returns the answer with the id of a new row and <ok/>.
func created(name string, id int64) Reply {
	return Reply{OK: true, Fields: []Pair{{name, itoa(id)}}}
}

func deleteTask(r *request) (Reply, error) {
	id, err := r.row("task")
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.exec("DELETE FROM task WHERE id=?", id)
}

// createSimpleTask handles task.simple.create: elid is a department.
func createSimpleTask(r *request) (Reply, error) {
	department, err := r.id("elid")
	if err != nil {
		return Reply{}, err
	}
	id, err := r.insert(`INSERT INTO task (department, type, status, specification, cdate) VALUES (?, 'simple', 0, ?, ?)`,
		department, r.params["specification"], r.stamp())
	return created("elid", id), err
}

// registerProblem handles problems.register: each call inserts a row.
func registerProblem(r *request) (Reply, error) {
	name, err := r.need("name")
	if err != nil {
		return Reply{}, err
	}
	if !r.sok() {
		return Reply{Fields: []Pair{{"name", name}}}, nil
	}
	more, err := json.Marshal(object(r.data("name", "id", "level")))
	if err != nil {
		return Reply{}, err
	}
	return confirmed, r.exec("INSERT INTO problems (name, elid, level, params, cdate) VALUES (?, ?, ?, ?, ?)",
		name, r.params["id"], r.params["level"], string(more), r.stamp())
}
