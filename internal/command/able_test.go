package command_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/require"
)

// ableSeller is a seller with the optional interfaces that fakeSeller does not have. It records its calls.
type ableSeller struct {
	*fakeSeller
	asked    []string
	fail     map[string]error // by the first word of what is asked
	listed   []seller.ListedCertificate
	offers   []seller.Offer
	findings []seller.Finding
	then     func() // what happens at the seller after a repeat of a proof
}

func (a *ableSeller) note(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	a.asked = append(a.asked, text)
	word, _, _ := strings.Cut(text, " ")
	return a.fail[word]
}

func (a *ableSeller) RetryChallenge(_ context.Context, id int64, r seller.Request, domain string) ([]seller.Challenge, error) {
	if err := a.note("retry %d %s", id, domain); err != nil {
		return nil, err
	}
	if a.then != nil {
		a.then()
	}
	return challengesOf(r), nil
}

func (a *ableSeller) SendApproval(_ context.Context, id int64, r seller.Request, emails []string) error {
	return a.note("send %d %s %s", id, strings.Join(emails, ","), strings.Join(r.Emails, ","))
}

func (a *ableSeller) Cancel(ctx context.Context, id int64) error { return a.note("cancel %d", id) }
func (a *ableSeller) StopRenewal(_ context.Context, id int64) error {
	return a.note("stop %d", id)
}
func (a *ableSeller) Certificates(context.Context) ([]seller.ListedCertificate, error) {
	return a.listed, a.note("list")
}
func (a *ableSeller) Offers(context.Context) ([]seller.Offer, error) {
	return a.offers, a.note("offers")
}
func (a *ableSeller) Probe(context.Context) ([]seller.Finding, error) {
	return a.findings, a.note("probe")
}

// OrderRef implements seller.OrderReferencer.
func (a *ableSeller) OrderRef(installation string, it int64) string {
	return fmt.Sprintf("pmssl-%s-%d", installation, it)
}

// able returns a fixture whose seller has all optional interfaces.
func able(t *testing.T) (*fixture, *ableSeller) {
	t.Helper()
	s := newFixture(t)
	return s, &ableSeller{fakeSeller: s.seller, fail: map[string]error{}}
}

// with returns a run with another seller and another panel.
func (s *fixture) with(theSeller seller.Seller, panel item.Panel) *item.Run {
	run := s.env()
	run.Panel, run.Info.Prototype = panel, theSeller
	run.Info.Connect = func(map[string]string) (seller.Seller, error) { return theSeller, nil }
	return run
}

// listedPanel is a panel with several modules and with the items that it created.
type listedPanel struct {
	*fakePanel
	modules []int64
	broken  map[int64]error // modules whose parameters cannot be read
	items   map[int64]*imported
	next    int64
	locked  map[int64]bool
	// orphaned items have no tariff: LoadItem returns missed, as in a panel that has not assigned them to a client yet.
	orphaned bool
	// ignores makes the panel drop the parameters that are passed with an import.
	ignores bool
	// lookedUp is called before the items of a name are read.
	lookedUp func()
}

// imported is an item that import created.
type imported struct {
	module int64
	params map[string]string
	stored string
	csr    string
	status int

	name     string
	expires  cabforum.Date
	remoteID string
}

func newListedPanel(s *fixture) *listedPanel {
	return &listedPanel{fakePanel: s.panel, modules: []int64{5}, broken: map[int64]error{}, items: map[int64]*imported{}, next: 1000, locked: map[int64]bool{}}
}

func (h *listedPanel) Modules(context.Context) ([]int64, error) { return h.modules, nil }
func (h *listedPanel) ModuleParams(ctx context.Context, module int64) (map[string]string, error) {
	if err := h.broken[module]; err != nil {
		return nil, err
	}
	return h.fakePanel.ModuleParams(ctx, module)
}
func (h *listedPanel) PlainParams(ctx context.Context, module int64) (map[string]string, error) {
	return h.fakePanel.ModuleParams(ctx, module)
}
func (h *listedPanel) LockItem(_ context.Context, it int64) error {
	h.locked[it] = true
	return nil
}
func (h *listedPanel) UnlockItem(_ context.Context, it int64) error {
	delete(h.locked, it)
	return nil
}
func (h *listedPanel) ImportService(_ context.Context, s item.Import) (int64, error) {
	if err := h.call("import %s %s %d %s", s.Name, s.Template, s.Months, s.Expires); err != nil {
		return 0, err
	}
	h.next++
	i := &imported{module: s.Module, params: maps.Clone(s.Params), status: s.Status, name: s.Name, expires: s.Expires, remoteID: s.RemoteID}
	if h.ignores {
		i.params, i.remoteID = map[string]string{}, ""
	}
	h.items[h.next] = i
	return h.next, h.call("imported %d", h.next)
}
func (h *listedPanel) ItemsNamed(_ context.Context, module int64, name string) ([]seller.NamedItem, error) {
	if h.lookedUp != nil {
		h.lookedUp()
	}
	var all []seller.NamedItem
	for _, id := range slices.Sorted(maps.Keys(h.items)) {
		i := h.items[id]
		if i.module == module && i.name == name && i.status == 2 {
			all = append(all, seller.NamedItem{
				Item: id, Expires: i.expires, RemoteID: i.remoteID, OrderID: i.params[itemparam.OrderID], Lineage: i.params[itemparam.Lineage], Intent: i.params[itemparam.Intent],
			})
		}
	}
	return all, nil
}
func (h *listedPanel) HeldCertificates(_ context.Context, after int64, limit int) ([]item.HeldCertificate, error) {
	var all []item.HeldCertificate
	for _, id := range slices.Sorted(maps.Keys(h.items)) {
		if i := h.items[id]; id > after && len(all) < limit && i.csr+i.stored != "" {
			all = append(all, item.HeldCertificate{Item: id, Status: i.status, CSR: i.csr, Stored: i.stored})
		}
	}
	return all, nil
}
func (h *listedPanel) LoadItem(ctx context.Context, it int64) (item.Item, error) {
	i, there := h.items[it]
	switch {
	case !there:
		return h.fakePanel.LoadItem(ctx, it)
	case h.orphaned:
		return item.Item{}, fault.Errorf(fault.Missed, "pricelist", "there is no tariff")
	}
	return item.Item{Item: it, Name: i.name, Module: i.module, Status: i.status, Period: 12, Params: maps.Clone(i.params), CSR: i.csr, Stored: i.stored}, nil
}
func (h *listedPanel) SaveParam(_ context.Context, it int64, name, value string) error {
	if err := h.call("save %d %s", it, name); err != nil {
		return err
	}
	h.items[it].params[name] = value
	return nil
}

func (h *listedPanel) SaveParams(ctx context.Context, it int64, params []item.Param) error {
	return saveEach(ctx, h, it, params)
}
func (h *listedPanel) Param(ctx context.Context, it int64, name string) (string, bool, error) {
	if i, there := h.items[it]; there {
		value, found := i.params[name]
		return value, found, nil
	}
	return h.fakePanel.Param(ctx, it, name)
}
func (h *listedPanel) StoredCertificate(_ context.Context, it int64) (string, error) {
	if i, there := h.items[it]; there {
		return i.stored, nil
	}
	return h.stored, nil
}
func (h *listedPanel) SaveCertificateZIP(_ context.Context, it int64, zip []byte) error {
	if err := h.call("certificate.save %d", it); err != nil {
		return err
	}
	h.items[it].stored = string(zip)
	return nil
}
func (h *listedPanel) SetStatus(_ context.Context, it int64, status item.ServiceStatus) error {
	if err := h.call("setstatus %d %d", it, status); err != nil {
		return err
	}
	h.items[it].params[itemparam.ServiceStatus] = fmt.Sprint(int(status))
	return nil
}
func (h *listedPanel) SetExpireDate(_ context.Context, it int64, date cabforum.Date) error {
	return h.call("setexpiredate %d %s", it, date)
}
func (h *listedPanel) EachClaim(_ context.Context, _ []int64, f func(item.Claim)) error {
	for _, c := range h.claims {
		f(c)
	}
	for _, id := range slices.Sorted(maps.Keys(h.items)) {
		i := h.items[id]
		f(item.Claim{Item: id, Status: i.status, Module: i.module, OrderID: i.params[itemparam.OrderID], Lineage: i.params[itemparam.Lineage]})
	}
	return nil
}

// sell adds an issued certificate for the name to the seller's list.
func (a *ableSeller) sell(t *testing.T, s *fixture, name string, older ...int64) seller.ListedCertificate {
	t.Helper()
	id := a.add(12)
	a.issue(t, id, newPair(t, name), s.at.AddDate(0, -1, 0), 199)
	created, err := cabforum.ParseDate("2026-03-01")
	require.NoError(t, err)
	l := seller.ListedCertificate{ID: id, Older: older, State: seller.StateIssued, CommonName: name, Template: "positivessl", Type: "PositiveSSL", Months: 24, Created: created}
	a.listed = append(a.listed, l)
	return l
}

// refOf returns the digest of an account as the journal has it (rules BUY-1).
func refOf(account string) string {
	sum := sha256.Sum256([]byte(account))
	return hex.EncodeToString(sum[:])[:16]
}
