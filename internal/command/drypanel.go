package command

import (
	"context"
	"maps"
	"strconv"

	"pmssl/internal/cabforum"
	"pmssl/internal/cert"
)

// panelReads is the part of Panel that changes nothing. The locks are among them: a dry run waits for another run of the same item,
// and holds its own for moments.
type panelReads interface {
	ModuleParams(ctx context.Context, module int64) (map[string]string, error)
	PlainParams(ctx context.Context, module int64) (map[string]string, error)
	Modules(ctx context.Context) ([]int64, error)
	SuitableModules(ctx context.Context, pricelist int64) ([]int64, error)
	LockItem(ctx context.Context, item int64) error
	UnlockItem(ctx context.Context, item int64) error
	LockAccount(ctx context.Context, account string) error
	UnlockAccount(ctx context.Context) error
	HoldsLocks(ctx context.Context) error
	SingleWriter(ctx context.Context) error
	Living(ctx context.Context) (int, error)
	Unsettled(ctx context.Context) ([]int64, error)
	Ending(ctx context.Context, until cabforum.Date) ([]int64, error)
	Operations(ctx context.Context, item int64) (int, error)
	Client(ctx context.Context, account int64) (cert.Client, error)
	Brand(ctx context.Context, project int64) (string, error)
	Holdings(ctx context.Context, modules []int64) ([]cert.Holding, error)
	WithoutOrder(ctx context.Context, module int64, name string) ([]cert.BareItem, error)
	OpenTask(ctx context.Context, item int64, command string) (int64, error)
	Installation(ctx context.Context) (string, error)
	Setting(ctx context.Context, name string) (string, error)
}

// dryPanel is the panel of a dry run. It keeps changes to itself and shows them where they are read back, so that the command's
// code goes on as in a real run. A method that Panel gains does not reach the real panel through it: it has to be written here.
type dryPanel struct {
	panelReads
	real    Panel
	dry     *dryRun
	params  map[int64]map[string]*string // by item; nil for one that is dropped
	stored  map[int64]string
	journal []cert.Bought
}

var _ Panel = (*dryPanel)(nil)

func newDryPanel(real Panel, dry *dryRun) *dryPanel {
	return &dryPanel{panelReads: real, real: real, dry: dry, params: map[int64]map[string]*string{}, stored: map[int64]string{}}
}

// LockSweep implements Panel. The lock is held until the process ends and would keep a real sweep from its hour: it is not taken.
func (p *dryPanel) LockSweep(context.Context) (bool, error) { return true, nil }

// Order implements Panel.
func (p *dryPanel) Order(ctx context.Context, item int64) (cert.Order, error) {
	order, err := p.real.Order(ctx, item)
	if err != nil {
		return order, err
	}
	order.Params = maps.Clone(order.Params)
	if order.Params == nil {
		order.Params = map[string]string{}
	}
	for name, value := range p.params[item] {
		if value == nil {
			delete(order.Params, name)
		} else {
			order.Params[name] = *value
		}
	}
	if stored, saved := p.stored[item]; saved {
		order.Stored = stored
	}
	if p.dry.item.Item == 0 {
		p.dry.item = order
	}
	return order, nil
}

// Param implements Panel.
func (p *dryPanel) Param(ctx context.Context, item int64, name string) (string, bool, error) {
	if value, changed := p.params[item][name]; changed {
		if value == nil {
			return "", false, nil
		}
		return *value, true, nil
	}
	return p.real.Param(ctx, item, name)
}

// StoredCertificate implements Panel.
func (p *dryPanel) StoredCertificate(ctx context.Context, item int64) (string, error) {
	if stored, saved := p.stored[item]; saved {
		return stored, nil
	}
	return p.real.StoredCertificate(ctx, item)
}

// Journal implements Panel.
func (p *dryPanel) Journal(ctx context.Context) ([]cert.Bought, error) {
	lines, err := p.real.Journal(ctx)
	return append(lines[:len(lines):len(lines)], p.journal...), err
}

// AppendJournal implements Panel.
func (p *dryPanel) AppendJournal(_ context.Context, line cert.Bought) error {
	p.journal = append(p.journal, line)
	p.dry.record(dryJournal, "kind", line.Kind, "id", line.ID)
	return nil
}

func (p *dryPanel) set(item int64, name string, value *string) {
	if p.params[item] == nil {
		p.params[item] = map[string]*string{}
	}
	p.params[item][name] = value
}

// SaveParam implements Panel.
func (p *dryPanel) SaveParam(_ context.Context, item int64, name, value string) error {
	p.set(item, name, &value)
	p.dry.record(dryCallback, "call", "service.saveparam", "name", name, "value", value)
	return nil
}

// DropParam implements Panel.
func (p *dryPanel) DropParam(_ context.Context, item int64, name string) error {
	p.set(item, name, nil)
	p.dry.record(dryCallback, "call", "service.dropparam", "name", name)
	return nil
}

// SetStatus implements Panel.
func (p *dryPanel) SetStatus(_ context.Context, item int64, status cert.Service) error {
	value := strconv.Itoa(int(status))
	p.set(item, cert.ParamServiceStatus, &value)
	p.dry.record(dryCallback, "call", "service.setstatus", "value", value)
	return nil
}

// SetExpireDate implements Panel.
func (p *dryPanel) SetExpireDate(_ context.Context, _ int64, date cabforum.Date) error {
	p.dry.record(dryCallback, "call", "service.setexpiredate", "value", date)
	return nil
}

// SaveCertificatePEM implements Panel.
func (p *dryPanel) SaveCertificatePEM(_ context.Context, item int64, pem string) error {
	return p.store(item, pem)
}

// SaveCertificateZIP implements Panel.
func (p *dryPanel) SaveCertificateZIP(_ context.Context, item int64, zip []byte) error {
	return p.store(item, string(zip))
}

func (p *dryPanel) store(item int64, stored string) error {
	p.stored[item] = stored
	p.dry.record(dryCallback, "call", "certificate.save")
	return nil
}

// OpenCertificate implements Panel.
func (p *dryPanel) OpenCertificate(context.Context, int64) error {
	p.dry.record(dryCallback, "call", "certificate.open")
	return nil
}

// FailCertificate implements Panel.
func (p *dryPanel) FailCertificate(context.Context, int64) error {
	p.dry.record(dryCallback, "call", "certificate.failed")
	return nil
}

// Post implements Panel.
func (p *dryPanel) Post(_ context.Context, _ int64, what string) error {
	p.dry.record(dryCallback, "call", "service.post"+what)
	return nil
}

// Manual implements Panel.
func (p *dryPanel) Manual(_ context.Context, _, _ int64, command, text string) error {
	p.dry.record(dryTask, "command", command, "text", text)
	return nil
}

// CloseTask implements Panel.
func (p *dryPanel) CloseTask(_ context.Context, task int64) error {
	p.dry.record(dryCloseTask, "task", task)
	return nil
}

// SaveBalance implements Panel.
func (p *dryPanel) SaveBalance(_ context.Context, module int64, balance cert.Money) error {
	p.dry.record(dryCallback, "call", "processing.savebalance", "module", module, "value", balance.Text)
	return nil
}

// ImportService implements Panel. No item has an id yet that could be returned: import records what it would make instead.
func (p *dryPanel) ImportService(context.Context, cert.Import) (int64, error) {
	return 0, cert.Faultf(cert.FaultInternal, "import", "a dry run makes no item")
}
