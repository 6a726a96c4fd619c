package panel

import (
	"context"
	"strconv"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

// maxTaskText is the limit of the text of an administrator's task in bytes: half the limit of one argument (rules PANEL-2).
const maxTaskText = 64 << 10

// EditOperation saves the error document with the running operation: runningoperation.edit. The caller limits the document to
// 64 KiB (rules PANEL-2).
func (h *Host) EditOperation(ctx context.Context, op int64, errorXML string) error {
	return h.ask(ctx, callback{name: "runningoperation.edit", params: []pair{sok(), itemElement(op), {"errorxml", errorXML}}})
}

// Tries reads how often the running operation was started and how many tasks it has. It returns fault.Missed if the operation is
// absent.
func (h *Host) Tries(ctx context.Context, op int64) (trycount, tasks int, err error) {
	row, found, err := h.row(ctx, "runningoperation", "SELECT trycount FROM runningoperation WHERE id=?", op)
	if err != nil {
		return 0, 0, err
	}
	if !found {
		return 0, 0, fault.Errorf(fault.Missed, "runningoperation", "there is no running operation %d", op)
	}
	tasks, err = h.count(ctx, "task", "SELECT COUNT(*) FROM task WHERE runningoperation=?", op)
	return int(row[0].number()), tasks, err
}

// SetManual stops the panel's automatic re-runs of the operation: runningoperation.setmanual.
func (h *Host) SetManual(ctx context.Context, op int64) error {
	return h.ask(ctx, callback{name: "runningoperation.setmanual", repeat: true, params: []pair{itemElement(op), sok()}})
}

// TaskType returns the type of task that the panel opens for a failed command: task.gettype. Empty if it opens none.
func (h *Host) TaskType(ctx context.Context, command string, id int64) (string, error) {
	params := []pair{{"operation", command}}
	if id > 0 {
		params = append(params, pair{"item", strconv.FormatInt(id, 10)})
	}
	answer, err := h.call(ctx, callback{name: "task.gettype", repeat: true, params: params})
	if err != nil {
		return "", err
	}
	return answer.fields["task_type"], nil
}

// EditTask opens a task for the administrator: task.edit. op is 0 if no running operation is concerned; params is the
// text of the task.
func (h *Host) EditTask(ctx context.Context, id, op int64, kind, params string) error {
	args := []pair{{"item", strconv.FormatInt(id, 10)}, sok()}
	if op > 0 {
		args = append(args, pair{"runningoperation", strconv.FormatInt(op, 10)})
	}
	args = append(args, pair{"type", kind}, pair{"params", plaintext.Clip(params, maxTaskText)})
	return h.ask(ctx, callback{name: "task.edit", repeat: true, params: args})
}

// Escalate stops the panel's automatic re-runs of the operation and opens a task with the text (docs/reference/billmanager.md
// §1.6). It reads the task type first: if it failed after SetManual, nobody would run the operation again or know of it. An
// operation gets at most one task; without an operation (sync_item runs every few minutes) an item has at most one open task of
// the type.
func (h *Host) Escalate(ctx context.Context, id, operation int64, command, text string) error {
	if operation > 0 {
		tasks, err := h.count(ctx, "task", "SELECT COUNT(*) FROM task WHERE runningoperation=?", operation)
		if err != nil {
			return err
		}
		if tasks > 0 {
			h.log.ExtInfof("operation %d already has a task, no other one is opened", operation)
			return h.SetManual(ctx, operation)
		}
	}
	kind, err := h.TaskType(ctx, command, id)
	if err != nil {
		return err
	}
	if operation > 0 {
		if err := h.SetManual(ctx, operation); err != nil {
			return err
		}
	}
	if kind == "" {
		h.log.Warningf("the panel has no task type for %s, no task is opened for item %d: %s", command, id, text)
		return nil
	}
	if operation == 0 {
		open, err := h.openTask(ctx, id, kind)
		if err != nil {
			return err
		}
		if open != 0 {
			h.log.ExtInfof("item %d already has an open task of type %s (%d), no other one is opened", id, kind, open)
			return nil
		}
	}
	return h.EditTask(ctx, id, operation, kind, text)
}

// OpenTask returns the id of the item's newest open task of the type that the panel opens for the command; 0 if there is
// none.
func (h *Host) OpenTask(ctx context.Context, id int64, command string) (int64, error) {
	kind, err := h.TaskType(ctx, command, id)
	if err != nil || kind == "" {
		return 0, err
	}
	return h.openTask(ctx, id, kind)
}

// openTask returns the id of the item's newest open task of the type; 0 if there is none.
func (h *Host) openTask(ctx context.Context, id int64, kind string) (int64, error) {
	row, found, err := h.row(ctx, "task", "SELECT MAX(id) FROM task WHERE item=? AND type=? AND (status IS NULL OR status<>2)", id, kind)
	if err != nil || !found {
		return 0, err
	}
	return row[0].number(), nil
}

// CloseTask deletes a task from the administrator's list: task.delete (docs/reference/billmanager.md §5.2). The panel's function
// for closing a task with a note is not known. For an absent task it does nothing.
func (h *Host) CloseTask(ctx context.Context, task int64) error {
	there, err := h.count(ctx, "task", "SELECT COUNT(*) FROM task WHERE id=?", task)
	if err != nil || there == 0 {
		return err
	}
	return h.ask(ctx, callback{name: "task.delete", params: []pair{itemElement(task), sok()}})
}

// RegisterProblem shows a problem with a processing module to the administrator: problems.register. name is the panel's
// word for it, processingmodule_connect for a seller that cannot be reached (docs/reference/billmanager.md §1.6).
func (h *Host) RegisterProblem(ctx context.Context, name string, module int64, moduleName, text string) error {
	id := strconv.FormatInt(module, 10)
	return h.ask(ctx, callback{name: "problems.register", repeat: true, params: []pair{
		{"name", name}, {"id", id}, {"param_pm_name", moduleName}, {"param_pm_id", id},
		{"param_errormsg", plaintext.Clip(text, maxTaskText)}, sok(), {"level", "error"}}})
}

// RollbackPricelist reverts a change of tariff: service.changepricelist.rollback (docs/reference/billmanager.md §1.6,
// failed setparam).
func (h *Host) RollbackPricelist(ctx context.Context, id int64) error {
	return h.ask(ctx, callback{name: "service.changepricelist.rollback", params: []pair{sok(), itemElement(id)}})
}
