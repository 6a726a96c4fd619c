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
	"pmssl/internal/cert"
	"pmssl/internal/command"

	"github.com/stretchr/testify/require"
)

// ableSeller is a seller with every optional power but those of fakeSeller's opposite kind. It notes what it is asked.
type ableSeller struct {
	*fakeSeller
	asked    []string
	fail     map[string]error // by the first word of what is asked
	listed   []cert.Listed
	offers   []cert.Offer
	findings []cert.Finding
	then     func() // what happens at the seller after a repeat of a proof
}

func (a *ableSeller) note(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	a.asked = append(a.asked, text)
	word, _, _ := strings.Cut(text, " ")
	return a.fail[word]
}

func (a *ableSeller) RetryProof(_ context.Context, id int64, r cert.Request, domain string) ([]cert.Proof, error) {
	if err := a.note("retry %d %s", id, domain); err != nil {
		return nil, err
	}
	if a.then != nil {
		a.then()
	}
	return proofsOf(r), nil
}

func (a *ableSeller) SendApproval(_ context.Context, id int64, r cert.Request, emails []string) error {
	return a.note("send %d %s %s", id, strings.Join(emails, ","), strings.Join(r.Emails, ","))
}

func (a *ableSeller) Cancel(ctx context.Context, id int64) error { return a.note("cancel %d", id) }
func (a *ableSeller) StopRenewal(_ context.Context, id int64) error {
	return a.note("stop %d", id)
}
func (a *ableSeller) Certificates(context.Context) ([]cert.Listed, error) {
	return a.listed, a.note("list")
}
func (a *ableSeller) Offers(context.Context) ([]cert.Offer, error) { return a.offers, a.note("offers") }
func (a *ableSeller) Probe(context.Context) ([]cert.Finding, error) {
	return a.findings, a.note("probe")
}

// Mark implements command.Marker.
func (a *ableSeller) Mark(installation string, item int64) string {
	return fmt.Sprintf("pmssl-%s-%d", installation, item)
}

// able gives the stage a seller with all powers.
func able(t *testing.T) (*stage, *ableSeller) {
	t.Helper()
	s := newStage(t)
	return s, &ableSeller{fakeSeller: s.seller, fail: map[string]error{}}
}

// with is the stage's world with another seller and another panel.
func (s *stage) with(seller command.Seller, panel command.Panel) *command.Run {
	run := s.world()
	run.Panel, run.Trade.Prototype = panel, seller
	run.Trade.Connect = func(map[string]string) (command.Seller, error) { return seller, nil }
	return run
}

// housePanel is a panel with several modules and items of its own making.
type housePanel struct {
	*fakePanel
	modules []int64
	broken  map[int64]error // modules whose parameters cannot be read
	items   map[int64]*imported
	next    int64
	locked  map[int64]bool
	// orphaned items have no tariff: Order is FaultMissed, as in a panel that has not given them to a client yet.
	orphaned bool
	// ignores makes the panel forget the parameters that are handed over with an import.
	ignores bool
}

// imported is an item that import made.
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

func newHouse(s *stage) *housePanel {
	return &housePanel{fakePanel: s.panel, modules: []int64{5}, broken: map[int64]error{}, items: map[int64]*imported{}, next: 1000, locked: map[int64]bool{}}
}

func (h *housePanel) Modules(context.Context) ([]int64, error) { return h.modules, nil }
func (h *housePanel) ModuleParams(ctx context.Context, module int64) (map[string]string, error) {
	if err := h.broken[module]; err != nil {
		return nil, err
	}
	return h.fakePanel.ModuleParams(ctx, module)
}
func (h *housePanel) PlainParams(ctx context.Context, module int64) (map[string]string, error) {
	return h.fakePanel.ModuleParams(ctx, module)
}
func (h *housePanel) LockItem(_ context.Context, item int64) error {
	h.locked[item] = true
	return nil
}
func (h *housePanel) UnlockItem(_ context.Context, item int64) error {
	delete(h.locked, item)
	return nil
}
func (h *housePanel) ImportService(_ context.Context, s cert.Import) (int64, error) {
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
func (h *housePanel) WithoutOrder(_ context.Context, module int64, name string) ([]cert.BareItem, error) {
	var all []cert.BareItem
	for _, id := range slices.Sorted(maps.Keys(h.items)) {
		i := h.items[id]
		if i.module == module && i.name == name && i.status == 2 && i.params[cert.ParamOrderID] == "" && i.params[cert.ParamLineage] == "" {
			all = append(all, cert.BareItem{Item: id, Expires: i.expires, RemoteID: i.remoteID})
		}
	}
	return all, nil
}
func (h *housePanel) Order(ctx context.Context, item int64) (cert.Order, error) {
	i, there := h.items[item]
	switch {
	case !there:
		return h.fakePanel.Order(ctx, item)
	case h.orphaned:
		return cert.Order{}, cert.Faultf(cert.FaultMissed, "pricelist", "there is no tariff")
	}
	return cert.Order{Item: item, Module: i.module, Status: i.status, Period: 12, Params: maps.Clone(i.params), CSR: i.csr, Stored: i.stored}, nil
}
func (h *housePanel) SaveParam(_ context.Context, item int64, name, value string) error {
	if err := h.call("save %d %s", item, name); err != nil {
		return err
	}
	h.items[item].params[name] = value
	return nil
}
func (h *housePanel) Param(ctx context.Context, item int64, name string) (string, bool, error) {
	if i, there := h.items[item]; there {
		value, found := i.params[name]
		return value, found, nil
	}
	return h.fakePanel.Param(ctx, item, name)
}
func (h *housePanel) StoredCertificate(_ context.Context, item int64) (string, error) {
	if i, there := h.items[item]; there {
		return i.stored, nil
	}
	return h.stored, nil
}
func (h *housePanel) SaveCertificateZIP(_ context.Context, item int64, zip []byte) error {
	if err := h.call("certificate.save %d", item); err != nil {
		return err
	}
	h.items[item].stored = string(zip)
	return nil
}
func (h *housePanel) SetStatus(_ context.Context, item int64, status cert.Service) error {
	if err := h.call("setstatus %d %d", item, status); err != nil {
		return err
	}
	h.items[item].params[cert.ParamServiceStatus] = fmt.Sprint(int(status))
	return nil
}
func (h *housePanel) SetExpireDate(_ context.Context, item int64, date cabforum.Date) error {
	return h.call("setexpiredate %d %s", item, date)
}
func (h *housePanel) Holdings(context.Context, []int64) ([]cert.Holding, error) {
	all := append([]cert.Holding(nil), h.holdings...)
	for id, i := range h.items {
		all = append(all, cert.Holding{Item: id, Module: i.module, OrderID: i.params[cert.ParamOrderID], Lineage: i.params[cert.ParamLineage]})
	}
	return all, nil
}

// sell puts an issued certificate for the name on the seller's list.
func (a *ableSeller) sell(t *testing.T, s *stage, name string, older ...int64) cert.Listed {
	t.Helper()
	id := a.add(12)
	a.issue(t, id, newPair(t, name), s.at.AddDate(0, -1, 0), 199)
	created, err := cabforum.ParseDate("2026-03-01")
	require.NoError(t, err)
	l := cert.Listed{ID: id, Older: older, State: cert.StateIssued, CommonName: name, Template: "positivessl", Type: "PositiveSSL", Months: 24, Created: created}
	a.listed = append(a.listed, l)
	return l
}

// markOf is an account in the journal (contract 3.1).
func markOf(account string) string {
	sum := sha256.Sum256([]byte(account))
	return hex.EncodeToString(sum[:])[:16]
}
