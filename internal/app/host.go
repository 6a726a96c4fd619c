package app

import (
	"context"

	"pmssl/internal/item"
)

// host is the panel as the app needs it: what the commands see, and what is told it of a failure
// (docs/reference/billmanager.md §1.6).
type host interface {
	item.Panel

	// DoNothing reports whether the administrator switched all modules off (docs/reference/billmanager.md §1.5).
	DoNothing() bool
	// EditOperation adds an error document to the running operation's history.
	EditOperation(ctx context.Context, operation int64, errorXML string) error
	// Tries returns how often the operation has run, and how many tasks exist for it.
	Tries(ctx context.Context, operation int64) (tries, tasks int, err error)
	// SetManual stops the panel's automatic re-runs.
	SetManual(ctx context.Context, operation int64) error
	// TaskType returns the type of task for a failed command; empty if the panel wants none.
	TaskType(ctx context.Context, command string, it int64) (string, error)
	// EditTask opens a task of that type for the administrator.
	EditTask(ctx context.Context, it, operation int64, kind, params string) error
	// RegisterProblem puts a problem of a processing module on the administrator's list.
	RegisterProblem(ctx context.Context, name string, module int64, moduleName, text string) error
	// RollbackPricelist takes the change of an item's tariff back.
	RollbackPricelist(ctx context.Context, it int64) error
	// ModuleName returns the name that the administrator gave the processing module.
	ModuleName(ctx context.Context, module int64) (string, error)
	// Close releases the locks and the database.
	Close() error
}

// watchedHost stands between the commands and the panel. It remembers what a command learned of its item on the way:
// after a failure the item may not be readable any more, and the failure's handling needs it. And it masks the run's
// secrets in what commands hand to the panel: a seller's words may repeat what was sent to it, and the panel keeps its
// calls in its own log.
type watchedHost struct {
	host
	item int64
	// order is the item of the command line as it was read last; Item is 0 if it never was.
	order   item.Item
	secrets *secrets // is told the parameters of each processing module that is read
}

// LoadItem implements command.Panel.
func (w *watchedHost) LoadItem(ctx context.Context, it int64) (item.Item, error) {
	order, err := w.host.LoadItem(ctx, it)
	w.secrets.learnItem(order.Params)
	if err == nil && it == w.item {
		w.order = order
		w.order.Item = it
	}
	return order, err
}

// ModuleParams implements command.Panel.
func (w *watchedHost) ModuleParams(ctx context.Context, module int64) (map[string]string, error) {
	params, err := w.host.ModuleParams(ctx, module)
	w.secrets.learnParams(params)
	return params, err
}

// SaveParam implements command.Panel.
func (w *watchedHost) SaveParam(ctx context.Context, it int64, name, value string) error {
	return w.host.SaveParam(ctx, it, name, w.secrets.maskValue(value))
}

// Escalate implements command.Panel.
func (w *watchedHost) Escalate(ctx context.Context, it, operation int64, command, text string) error {
	return w.host.Escalate(ctx, it, operation, command, w.secrets.mask(text))
}
