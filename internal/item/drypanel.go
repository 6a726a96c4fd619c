package item

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
)

// panelReads is the part of Panel that changes nothing. It includes the locks: a dry run waits for another run of the same
// item and holds its own locks briefly.
type panelReads interface {
	ModuleParams(ctx context.Context, module int64) (map[string]string, error)
	PlainParams(ctx context.Context, module int64) (map[string]string, error)
	Modules(ctx context.Context) ([]int64, error)
	SuitableModules(ctx context.Context, pricelist int64) ([]int64, error)
	LockItem(ctx context.Context, it int64) error
	UnlockItem(ctx context.Context, it int64) error
	LockAccount(ctx context.Context, account string) error
	UnlockAccount(ctx context.Context) error
	HoldsLocks(ctx context.Context) error
	SingleWriter(ctx context.Context) error
	ActiveItems(ctx context.Context) (int, error)
	WaitingItems(ctx context.Context) ([]int64, error)
	PublishedItems(ctx context.Context) ([]int64, error)
	DeferredItems(ctx context.Context) ([]int64, error)
	PendingDeliveries(ctx context.Context) ([]PendingDelivery, error)
	PrivateKey(ctx context.Context, it int64) (string, error)
	KeyPairs(ctx context.Context, it int64) (KeyPairs, bool, error)
	ItemsWithKeyPairs(ctx context.Context) ([]int64, error)
	ExpiringBefore(ctx context.Context, until cabforum.Date) ([]int64, error)
	WatchedItems(ctx context.Context, only int64, f func(WatchedItem)) error
	WatchedSites(ctx context.Context, items []int64) ([]WatchedSite, error)
	RevokedItems(ctx context.Context) ([]RevokedItem, error)
	LastSweep(ctx context.Context) (SweepRecord, bool, error)
	ModulesOf(ctx context.Context, items []int64) (map[int64]int64, error)
	CountOperations(ctx context.Context, it int64) (int, error)
	Client(ctx context.Context, account int64) (Recipient, error)
	Brand(ctx context.Context, project int64) (string, error)
	EachClaim(ctx context.Context, modules []int64, f func(Claim)) error
	ExpectItems(items []int64)
	ItemsNamed(ctx context.Context, module int64, name string) ([]seller.NamedItem, error)
	UnmigratedItems(ctx context.Context, module int64) ([]int64, error)
	HeldCertificates(ctx context.Context, after int64, limit int) ([]HeldCertificate, error)
	OpenTask(ctx context.Context, it int64, command string) (int64, error)
	InstallationID(ctx context.Context) (string, error)
	Setting(ctx context.Context, name string) (string, error)
	Overviews
	publish.Facts
}

// dryPanel is the panel of a dry run. It keeps changes in memory and returns them when they are read back, so that the
// command's code goes on as in a real run. It embeds panelReads and not Panel: a new method of Panel does not compile until
// it is written here, so none reaches the real panel by mistake.
type dryPanel struct {
	panelReads
	real    Panel
	dry     *DryRun
	params  map[int64]map[string]*string // by item and name; nil for a deleted parameter
	stored  map[int64]string
	journal []JournalEntry
}

var _ Panel = (*dryPanel)(nil)

func newDryPanel(real Panel, dry *DryRun) *dryPanel {
	return &dryPanel{panelReads: real, real: real, dry: dry, params: map[int64]map[string]*string{}, stored: map[int64]string{}}
}

// LockSweep implements Panel. It takes no lock: the lock is held until the process ends, and would keep a real sweep from
// running.
func (p *dryPanel) LockSweep(context.Context) (bool, error) { return true, nil }

// SaveSweep implements Panel. It keeps nothing: the record is about sweeps that acted.
func (p *dryPanel) SaveSweep(context.Context, SweepRecord) error { return nil }

// LoadItem implements Panel.
func (p *dryPanel) LoadItem(ctx context.Context, it int64) (Item, error) {
	order, err := p.real.LoadItem(ctx, it)
	if err != nil {
		return order, err
	}
	order.Params = maps.Clone(order.Params)
	if order.Params == nil {
		order.Params = map[string]string{}
	}
	for name, value := range p.params[it] {
		if value == nil {
			delete(order.Params, name)
		} else {
			order.Params[name] = *value
		}
	}
	if stored, saved := p.stored[it]; saved {
		order.Stored = stored
	}
	if p.dry.item.Item == 0 {
		p.dry.item = order
	}
	return order, nil
}

// Param implements Panel.
func (p *dryPanel) Param(ctx context.Context, it int64, name string) (string, bool, error) {
	if value, changed := p.params[it][name]; changed {
		if value == nil {
			return "", false, nil
		}
		return *value, true, nil
	}
	return p.real.Param(ctx, it, name)
}

// StoredCertificate implements Panel.
func (p *dryPanel) StoredCertificate(ctx context.Context, it int64) (string, error) {
	if stored, saved := p.stored[it]; saved {
		return stored, nil
	}
	return p.real.StoredCertificate(ctx, it)
}

// EachPurchase implements Panel.
func (p *dryPanel) EachPurchase(ctx context.Context, account string, f func(JournalEntry)) error {
	err := p.real.EachPurchase(ctx, account, f)
	for _, line := range p.journal {
		if err == nil && line.Account == account {
			f(line)
		}
	}
	return err
}

// JournalOf implements Panel.
func (p *dryPanel) JournalOf(ctx context.Context, it int64, ids ...int64) ([]JournalEntry, error) {
	for _, line := range p.journal {
		if line.Item == it {
			ids = append(slices.Clip(ids), line.ID)
		}
	}
	lines, err := p.real.JournalOf(ctx, it, ids...)
	return EntriesOf(append(lines[:len(lines):len(lines)], p.journal...), it, ids...), err
}

// JournalOwners implements Panel.
func (p *dryPanel) JournalOwners(ctx context.Context, account string, ids []int64) (map[int64]int64, error) {
	owners, err := p.real.JournalOwners(ctx, account, ids)
	for _, line := range p.journal {
		if err == nil && line.Account == account && slices.Contains(ids, line.ID) {
			owners[line.ID] = line.Item
		}
	}
	return owners, err
}

// AppendJournal implements Panel.
func (p *dryPanel) AppendJournal(_ context.Context, line JournalEntry) error {
	p.journal = append(p.journal, line)
	p.dry.Record(dryJournal, "kind", line.Kind, "id", line.ID)
	return nil
}

func (p *dryPanel) set(it int64, name string, value *string) {
	if p.params[it] == nil {
		p.params[it] = map[string]*string{}
	}
	p.params[it][name] = value
}

// SaveParam implements Panel.
func (p *dryPanel) SaveParam(_ context.Context, it int64, name, value string) error {
	p.set(it, name, &value)
	p.dry.Record(dryCallback, "call", "service.saveparam", "name", name, "value", value)
	return nil
}

// SaveParams implements Panel.
func (p *dryPanel) SaveParams(ctx context.Context, it int64, params []Param) error {
	for _, one := range params {
		if err := p.SaveParam(ctx, it, one.Name, one.Value); err != nil {
			return err
		}
	}
	return nil
}

// DropParam implements Panel.
func (p *dryPanel) DropParam(_ context.Context, it int64, name string) error {
	p.set(it, name, nil)
	p.dry.Record(dryCallback, "call", "service.dropparam", "name", name)
	return nil
}

// SetStatus implements Panel.
func (p *dryPanel) SetStatus(_ context.Context, it int64, status ServiceStatus) error {
	value := strconv.Itoa(int(status))
	p.set(it, itemparam.ServiceStatus, &value)
	p.dry.Record(dryCallback, "call", "service.setstatus", "value", value)
	return nil
}

// SetExpireDate implements Panel.
func (p *dryPanel) SetExpireDate(_ context.Context, _ int64, date cabforum.Date) error {
	p.dry.Record(dryCallback, "call", "service.setexpiredate", "value", date)
	return nil
}

// SaveCertificatePEM implements Panel.
func (p *dryPanel) SaveCertificatePEM(_ context.Context, it int64, pem string) error {
	return p.store(it, pem)
}

// SaveCertificateZIP implements Panel.
func (p *dryPanel) SaveCertificateZIP(_ context.Context, it int64, zip []byte) error {
	return p.store(it, string(zip))
}

func (p *dryPanel) store(it int64, stored string) error {
	p.stored[it] = stored
	p.dry.Record(dryCallback, "call", "certificate.save")
	return nil
}

// OpenCertificate implements Panel.
func (p *dryPanel) OpenCertificate(context.Context, int64) error {
	p.dry.Record(dryCallback, "call", "certificate.open")
	return nil
}

// FailCertificate implements Panel.
func (p *dryPanel) FailCertificate(context.Context, int64) error {
	p.dry.Record(dryCallback, "call", "certificate.failed")
	return nil
}

// SaveKeyPairs implements Panel. It fails, because a dry run makes no key.
func (p *dryPanel) SaveKeyPairs(context.Context, KeyPairs) error {
	return fault.Errorf(fault.Internal, "keys", "a dry run writes no key")
}

// RemoveKeyPairs implements Panel.
func (p *dryPanel) RemoveKeyPairs(ctx context.Context, it int64) error {
	if items, err := p.ItemsWithKeyPairs(ctx); err != nil || !slices.Contains(items, it) {
		return err
	}
	p.dry.Record(dryKeys, "remove", fmt.Sprintf("var/pmssl-keys/%d.json", it))
	return nil
}

// ReplaceKey implements Panel.
func (p *dryPanel) ReplaceKey(context.Context, KeyPairs) error {
	p.dry.Record(dryKeys, "replace", "CSR and key in the panel")
	return nil
}

// Post implements Panel.
func (p *dryPanel) Post(_ context.Context, _ int64, what string) error {
	p.dry.Record(dryCallback, "call", "service.post"+what)
	return nil
}

// Escalate implements Panel.
func (p *dryPanel) Escalate(_ context.Context, _, _ int64, command, text string) error {
	p.dry.Record(dryTask, "command", command, "text", text)
	return nil
}

// CloseTask implements Panel.
func (p *dryPanel) CloseTask(_ context.Context, task int64) error {
	p.dry.Record(dryCloseTask, "task", task)
	return nil
}

// SaveBalance implements Panel.
func (p *dryPanel) SaveBalance(_ context.Context, module int64, balance seller.Money) error {
	p.dry.Record(dryCallback, "call", "processing.savebalance", "module", module, "value", balance.Text)
	return nil
}

// ImportService implements Panel. It fails, because there is no item whose id it could return: import records the new item
// without calling it.
func (p *dryPanel) ImportService(context.Context, Import) (int64, error) {
	return 0, fault.Errorf(fault.Internal, "import", "a dry run creates no item")
}
