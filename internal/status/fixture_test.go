package status_test

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/deliver"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/pki/pkitest"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
	"pmssl/internal/status"
	"pmssl/internal/watch"
)

// now is the time of the tests.
func now() time.Time { return time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC) }

// panel is a panel that only reads. A call of a method that it does not have panics: no other one may be called.
type panel struct {
	item.Panel
	items    []item.OverviewItem
	work     map[int64]item.OpenWork
	problems []string
	modules  []item.ModuleOverview
	unread   []string // of ModuleOverviews
	params   error    // of ModuleParams
	asked    bool     // ModuleParams was called
	record   *item.SweepRecord
	settings map[string]string
	loaded   item.Item
}

func (p *panel) OverviewItems(_ context.Context, after int64, limit int) ([]item.OverviewItem, error) {
	var page []item.OverviewItem
	for _, it := range p.items {
		if it.Item.Item > after && len(page) < limit {
			page = append(page, it)
		}
	}
	return page, nil
}

func (p *panel) OpenWork(context.Context) (map[int64]item.OpenWork, []string, error) {
	return p.work, p.problems, nil
}
func (p *panel) ModuleOverviews(context.Context) ([]item.ModuleOverview, []string, error) {
	return p.modules, p.unread, nil
}
func (p *panel) ModuleParams(context.Context, int64) (map[string]string, error) {
	p.asked = true
	return nil, p.params
}
func (p *panel) Setting(_ context.Context, name string) (string, error) { return p.settings[name], nil }
func (p *panel) LastSweep(context.Context) (item.SweepRecord, bool, error) {
	if p.record == nil {
		return item.SweepRecord{}, false, nil
	}
	return *p.record, true, nil
}
func (p *panel) LoadItem(_ context.Context, it int64) (item.Item, error) {
	if p.loaded.Item != it {
		return item.Item{}, fault.Errorf(fault.Missed, "item", "there is no item %d in the panel's database", it)
	}
	return p.loaded, nil
}

// counting is a seller with limits of calls.
type counting struct {
	seller.Seller
	used []seller.CallUsage
	err  error
}

func (c counting) CallsUsed() ([]seller.CallUsage, error) { return c.used, c.err }

// delivering is a deliver.Service that is switched on.
type delivering struct{ deliver.Service }

func (delivering) Mode() publish.Mode { return publish.On }

// noLog drops lines.
type noLog struct{}

func (noLog) Errorf(string, ...any)   {}
func (noLog) Warningf(string, ...any) {}
func (noLog) Infof(string, ...any)    {}
func (noLog) ExtInfof(string, ...any) {}
func (noLog) Tracef(string, ...any)   {}
func (noLog) Debugf(string, ...any)   {}

// fixture is a panel with certificates.
type fixture struct {
	*panel
	t      *testing.T
	root   pkitest.Authority
	key    *ecdsa.PrivateKey
	seller counting
	folder string
	args   item.Args
	mask   func(string) string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return &fixture{
		t: t, root: pkitest.NewRoot(t, "Root"), key: pkitest.NewKey(t), folder: t.TempDir(), args: item.Args{Command: "status"},
		panel: &panel{settings: map[string]string{item.SettingMailFrom: "ssl@hosting.example"}, modules: []item.ModuleOverview{{Module: 5, Name: "Our seller", Active: true}}},
	}
}

// run returns a run of the command.
func (f *fixture) run() *item.Run {
	return &item.Run{
		Binary: "pmtest", Args: f.args, Panel: f.panel, Log: noLog{}, Now: now, Mask: f.mask, Delivering: delivering{},
		Info: seller.Info{Title: "Seller", Prototype: counting{}, Products: []seller.Product{{ID: "positivessl", Names: []string{"PositiveSSL"}}},
			Connect: func(map[string]string) (seller.Seller, error) { return f.seller, nil }},
		Watch: func(watch.Settings) watch.Service {
			return watch.New(watch.Options{State: filepath.Join(f.folder, "pmtest.watch")})
		},
		TempFile: func() (*os.File, error) { return os.CreateTemp(f.folder, "rows") },
	}
}

// read returns the report.
func (f *fixture) read() *status.Report {
	f.t.Helper()
	report, err := status.Read(f.t.Context(), f.run())
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = report.Close() })
	return report
}

// rows returns the report's rows.
func (f *fixture) rows() []status.Row {
	f.t.Helper()
	var all []status.Row
	require.NoError(f.t, f.read().Each(func(row *status.Row) (bool, error) { all = append(all, *row); return true, nil }))
	return all
}

// one returns the row of the only item.
func (f *fixture) one() status.Row {
	f.t.Helper()
	all := f.rows()
	require.Len(f.t, all, 1)
	return all[0]
}

// issued adds an active item of a year whose certificate ends so many days from now, and returns it.
func (f *fixture) issued(id int64, days int) *item.OverviewItem {
	f.t.Helper()
	ends := now().AddDate(0, 0, days)
	chain := pkitest.PEM(f.root.Leaf(f.t, &f.key.PublicKey, []string{"example.com"}, pkitest.Serial(1000+id), pkitest.Between(ends.AddDate(0, 0, -180), ends)))
	stored, err := pki.StoredLeaf(chain)
	require.NoError(f.t, err)
	f.items = append(f.items, item.OverviewItem{Covered: true, Item: item.Item{
		Item: id, Name: fmt.Sprintf("item%d.example", id), Module: 5, Binary: "pmtest", Template: "positivessl", Period: 12, Status: 2, CSR: "-----BEGIN",
		OpenDate: cabforum.DateOf(now()).AddDays(-100), Stored: chain,
		Params: map[string]string{itemparam.ServiceStatus: "5", itemparam.OrderID: "7", itemparam.Lineage: "6 7", itemparam.Serial: stored.Serial(), itemparam.ExpireDate: stored.Ends().String()},
	}})
	return &f.items[len(f.items)-1]
}

// watched writes what earlier sweeps saw at sites.
func (f *fixture) watched(lines string) {
	f.t.Helper()
	text := `{"version":1,"begun":"2026-01-01T00:00:00Z"}` + "\n" + lines + "\n"
	require.NoError(f.t, os.WriteFile(filepath.Join(f.folder, "pmtest.watch"), []byte(text), 0o600))
}

func serialOf(it *item.OverviewItem) string { return it.Item.Params[itemparam.Serial] }
