package app

import (
	"context"
	"slices"
	"strings"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
)

// panelAPI is the panel as this package needs it: what the commands use, and the calls that report a failure
// (docs/reference/billmanager.md §1.6).
type panelAPI interface {
	item.Panel

	// DoNothing reports whether the administrator switched off all modules (docs/reference/billmanager.md §1.5).
	DoNothing() bool
	// EditOperation adds an error document to the running operation's history.
	EditOperation(ctx context.Context, operation int64, errorXML string) error
	// Tries returns the number of runs of the operation and the number of tasks that exist for it.
	Tries(ctx context.Context, operation int64) (tries, tasks int, err error)
	// SetManual makes the operation manual: the panel no longer runs it by itself.
	SetManual(ctx context.Context, operation int64) error
	// TaskType returns the type of the task for a failed command; empty if the panel has none.
	TaskType(ctx context.Context, command string, it int64) (string, error)
	// EditTask opens a task of that type for the administrator.
	EditTask(ctx context.Context, it, operation int64, kind, params string) error
	// RegisterProblem adds a problem of a processing module to the administrator's list.
	RegisterProblem(ctx context.Context, name string, module int64, moduleName, text string) error
	// RollbackPricelist undoes the change of an item's tariff.
	RollbackPricelist(ctx context.Context, it int64) error
	// ModuleName returns the name that the administrator gave the processing module.
	ModuleName(ctx context.Context, module int64) (string, error)
	// Close releases the locks and the database.
	Close() error
}

// watchedPanel is the panel that the commands use. It keeps the item that a command read, because the handling of a failure
// needs it and can perhaps no longer read it. It masks the run's secrets in what commands send to the panel: a seller's
// answer may repeat what was sent to it, and the panel writes its calls into its own log.
type watchedPanel struct {
	panelAPI
	item int64 // of the command line
	// order is that item as it was read last; order.Item is 0 if it was never read.
	order   item.Item
	secrets *secrets // learns the secret parameters of each item and processing module that is read
}

// LoadItem implements item.Panel.
func (w *watchedPanel) LoadItem(ctx context.Context, it int64) (item.Item, error) {
	order, err := w.panelAPI.LoadItem(ctx, it)
	w.secrets.learnItem(order.Params)
	if err == nil && it == w.item {
		w.order = order
		w.order.Item = it
	}
	return order, err
}

// ModuleParams implements item.Panel.
func (w *watchedPanel) ModuleParams(ctx context.Context, module int64) (map[string]string, error) {
	params, err := w.panelAPI.ModuleParams(ctx, module)
	w.secrets.learnParams(params)
	return params, err
}

// minKeyLine is the length in bytes from which a line of a private key's text is masked alone: the lines of its body have 64.
const minKeyLine = 40

// PrivateKey implements item.Panel. Each line of the key is a secret too, because the programs that get the key may print some.
func (w *watchedPanel) PrivateKey(ctx context.Context, it int64) (string, error) {
	key, err := w.panelAPI.PrivateKey(ctx, it)
	w.learnKey(key)
	return key, err
}

func (w *watchedPanel) learnKey(key string) {
	if key == "" {
		return
	}
	found := slices.DeleteFunc(strings.Fields(key), func(line string) bool { return len(line) < minKeyLine })
	w.secrets.add(append(found, key))
}

// KeyPairs implements item.Panel.
func (w *watchedPanel) KeyPairs(ctx context.Context, it int64) (item.KeyPairs, bool, error) {
	pairs, found, err := w.panelAPI.KeyPairs(ctx, it)
	w.learnKey(pairs.Old.Key)
	w.learnKey(pairs.New.Key)
	return pairs, found, err
}

// SaveKeyPairs implements item.Panel.
func (w *watchedPanel) SaveKeyPairs(ctx context.Context, pairs item.KeyPairs) error {
	w.learnKey(pairs.Old.Key)
	w.learnKey(pairs.New.Key)
	return w.panelAPI.SaveKeyPairs(ctx, pairs)
}

// SaveParam implements item.Panel. A CSR is saved as it is: it has the number of its key, of which the text of the private key has
// parts too.
func (w *watchedPanel) SaveParam(ctx context.Context, it int64, name, value string) error {
	return w.panelAPI.SaveParam(ctx, it, name, w.masked(name, value))
}

// SaveParams implements item.Panel.
func (w *watchedPanel) SaveParams(ctx context.Context, it int64, params []item.Param) error {
	params = slices.Clone(params)
	for i, p := range params {
		params[i].Value = w.masked(p.Name, p.Value)
	}
	return w.panelAPI.SaveParams(ctx, it, params)
}

func (w *watchedPanel) masked(name, value string) string {
	if name == itemparam.RotatedCSR || name == itemparam.ImportedCSR {
		return value
	}
	return w.secrets.maskValue(value)
}

// Escalate implements item.Panel.
func (w *watchedPanel) Escalate(ctx context.Context, it, operation int64, command, text string) error {
	return w.panelAPI.Escalate(ctx, it, operation, command, w.secrets.mask(text))
}
