package command_test

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/require"
)

// now returns the time of every test in this package.
func now() time.Time { return time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC) }

// fakePanel is a panel in memory that records its call-backs in order.
type fakePanel struct {
	order    item.Item
	stored   string
	key      string // certificate.pkey
	keyReads int
	pairs    *item.KeyPairs // in var/pmssl-keys
	pairsErr error          // the file cannot be read
	made     []item.KeyPair // new pairs that were ever saved
	closed   error          // the table certificate cannot be written
	calls    []string
	journal  []item.JournalEntry
	claims   []item.Claim
	settings map[string]string
	suitable []int64
	// fail makes the first call whose text begins with the key return the error.
	fail      map[string]error
	lostLocks bool
	cluster   error  // of SingleWriter
	onLock    func() // while the account's lock is waited for
	// mangle, if set, returns the value that is kept of an item parameter.
	mangle func(name, value string) string
	garble bool // certificate.save of a ZIP stores something else

	tasks      []string
	texts      []string // of the tasks
	operations int
	swept      bool // another sweep is running
	record     *item.SweepRecord
	// autosuspend says that the panel suspended the item, problem why it cannot be read by an overview.
	autosuspend bool
	problem     error
	recordErr   error // the record of the last sweep can be neither read nor written
	client      item.Recipient
	before      func(call string) // called before each call-back
}

func (p *fakePanel) call(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if p.before != nil {
		p.before(text)
	}
	if err := p.fails(text); err != nil {
		return err
	}
	p.calls = append(p.calls, text)
	return nil
}

// fails returns the error that the call is to have.
func (p *fakePanel) fails(text string) error {
	for prefix, err := range p.fail {
		if strings.HasPrefix(text, prefix) {
			delete(p.fail, prefix)
			return err
		}
	}
	return nil
}

func (p *fakePanel) LoadItem(_ context.Context, it int64) (item.Item, error) {
	if it != p.order.Item {
		return item.Item{}, fault.Errorf(fault.Missed, "item", "item %d does not exist", it)
	}
	order := p.order
	order.Stored = p.stored
	if p.order.Params[itemparam.RotatedCSR] != "" {
		order.HeldKey, order.HeldKeyProblem = p.heldKey()
	}
	order.Params = map[string]string{}
	for k, v := range p.order.Params {
		order.Params[k] = v
	}
	return order, nil
}

func (p *fakePanel) ModuleParams(context.Context, int64) (map[string]string, error) {
	return map[string]string{"username": "shop"}, nil
}
func (p *fakePanel) PlainParams(ctx context.Context, module int64) (map[string]string, error) {
	return p.ModuleParams(ctx, module)
}
func (p *fakePanel) Modules(context.Context) ([]int64, error) { return []int64{5}, nil }
func (p *fakePanel) ModulesOf(_ context.Context, items []int64) (map[int64]int64, error) {
	modules := map[int64]int64{}
	for _, it := range items {
		modules[it] = p.order.Module
	}
	return modules, nil
}
func (p *fakePanel) SuitableModules(context.Context, int64) ([]int64, error) {
	return p.suitable, nil
}
func (p *fakePanel) LockItem(context.Context, int64) error   { return nil }
func (p *fakePanel) UnlockItem(context.Context, int64) error { return nil }
func (p *fakePanel) LockSweep(context.Context) (bool, error) { return !p.swept, nil }
func (p *fakePanel) SaveSweep(_ context.Context, record item.SweepRecord) error {
	if p.recordErr != nil {
		return p.recordErr
	}
	p.record = &record
	return nil
}
func (p *fakePanel) LastSweep(context.Context) (item.SweepRecord, bool, error) {
	if p.record == nil || p.recordErr != nil {
		return item.SweepRecord{}, false, p.recordErr
	}
	return *p.record, true, nil
}
func (p *fakePanel) OverviewItems(ctx context.Context, after int64, limit int) ([]item.OverviewItem, error) {
	if p.order.Item <= after || limit < 1 || p.order.Status == item.ItemDeleted {
		return nil, nil
	}
	order, err := p.LoadItem(ctx, p.order.Item)
	return []item.OverviewItem{{Item: order, Covered: order.Status == 2 || p.autosuspend, Autosuspend: p.autosuspend, Problem: p.problem}}, err
}
func (p *fakePanel) OpenWork(context.Context) (map[int64]item.OpenWork, []string, error) {
	return map[int64]item.OpenWork{p.order.Item: {Operations: p.operations}}, nil, nil
}
func (p *fakePanel) ModuleOverviews(context.Context) ([]item.ModuleOverview, []string, error) {
	return []item.ModuleOverview{{Module: 5, Name: "Seller", Active: true}}, nil, nil
}
func (p *fakePanel) ActiveItems(context.Context) (int, error) { return 1, nil }
func (p *fakePanel) CountOperations(context.Context, int64) (int, error) {
	return p.operations, nil
}
func (p *fakePanel) Client(context.Context, int64) (item.Recipient, error) {
	if p.client.Email == "" {
		return p.client, fault.Errorf(fault.Missed, "user", "nobody")
	}
	return p.client, nil
}
func (p *fakePanel) Brand(context.Context, int64) (string, error) { return "https://bill.example", nil }
func (p *fakePanel) WaitingItems(context.Context) ([]int64, error) {
	if s := p.order.Params[itemparam.ServiceStatus]; (s == "3" || s == "4") && p.order.Status != item.ItemDeleted {
		return []int64{p.order.Item}, nil
	}
	return nil, nil
}
func (p *fakePanel) PublishedItems(context.Context) ([]int64, error) {
	if p.order.Params[itemparam.ChallengesPublished] != "" {
		return []int64{p.order.Item}, nil
	}
	return nil, nil
}
func (p *fakePanel) DeferredItems(context.Context) ([]int64, error) {
	if p.order.Params[itemparam.ChallengesDeferred] != "" {
		return []int64{p.order.Item}, nil
	}
	return nil, nil
}
func (p *fakePanel) PendingDeliveries(context.Context) ([]item.PendingDelivery, error) {
	if state := p.order.Params[itemparam.Delivery]; state != "" {
		return []item.PendingDelivery{{Item: p.order.Item, State: state}}, nil
	}
	return nil, nil
}
func (p *fakePanel) PrivateKey(context.Context, int64) (string, error) {
	p.keyReads++
	return p.key, nil
}
func (p *fakePanel) heldKey() (key, problem string) {
	switch {
	case p.pairsErr != nil:
		return "", p.pairsErr.Error()
	case p.pairs == nil:
		return "", ""
	}
	csr, err := pki.ReadCSR(p.pairs.New.CSR)
	if err != nil {
		return "", ""
	}
	return csr.KeyHash(), ""
}
func (p *fakePanel) KeyPairs(context.Context, int64) (item.KeyPairs, bool, error) {
	if p.pairsErr != nil || p.pairs == nil {
		return item.KeyPairs{}, false, p.pairsErr
	}
	return *p.pairs, true, nil
}
func (p *fakePanel) SaveKeyPairs(_ context.Context, pairs item.KeyPairs) error {
	if err := p.call("save keys"); err != nil {
		return err
	}
	if p.pairs != nil {
		return fault.Errorf(fault.Panel, "keys", "the file exists")
	}
	p.pairs, p.made = &pairs, append(p.made, pairs.New)
	return nil
}
func (p *fakePanel) RemoveKeyPairs(context.Context, int64) error {
	if p.pairs == nil {
		return p.pairsErr
	}
	if err := p.call("remove keys"); err != nil {
		return err
	}
	p.pairs, p.pairsErr = nil, nil
	return nil
}
func (p *fakePanel) ItemsWithKeyPairs(context.Context) ([]int64, error) {
	if p.pairs == nil {
		return nil, nil
	}
	return []int64{p.order.Item}, nil
}
func (p *fakePanel) ReplaceKey(_ context.Context, pairs item.KeyPairs) error {
	if p.order.CSR == pairs.New.CSR && p.key == pairs.New.Key {
		return nil
	}
	if pki.CSRHash(p.order.CSR) != pki.CSRHash(pairs.Old.CSR) {
		return fault.Errorf(fault.Value, "csr", "%w", item.ErrOtherCSR)
	}
	if err := cmp.Or(p.call("replace key"), p.closed); err != nil {
		return err
	}
	p.order.CSR, p.key = pairs.New.CSR, pairs.New.Key
	return nil
}
func (p *fakePanel) ExpiringBefore(_ context.Context, until cabforum.Date) ([]int64, error) {
	if end := p.order.Params[itemparam.ExpireDate]; end != "" && end <= until.String() {
		return []int64{p.order.Item}, nil
	}
	return nil, nil
}
func (p *fakePanel) RevokedItems(context.Context) ([]item.RevokedItem, error) {
	if state := p.order.Params[itemparam.Revocation]; state != "" && p.order.Status != item.ItemDeleted {
		return []item.RevokedItem{{Item: p.order.Item, State: state}}, nil
	}
	return nil, nil
}
func (p *fakePanel) WatchedItems(_ context.Context, only int64, f func(item.WatchedItem)) error {
	if serial := p.order.Params[itemparam.Serial]; serial != "" && (only == 0 || only == p.order.Item) {
		f(item.WatchedItem{Item: p.order.Item, Serial: serial})
	}
	return nil
}
func (p *fakePanel) WatchedSites(_ context.Context, items []int64) ([]item.WatchedSite, error) {
	if p.stored == "" || !slices.Contains(items, p.order.Item) {
		return nil, nil
	}
	params := p.order.Params
	return []item.WatchedSite{{Item: p.order.Item, Name: p.order.Name, Stored: p.stored, Serial: params[itemparam.Serial],
		Earlier: params[itemparam.EarlierSerials], Watch: params[itemparam.SiteWatch]}}, nil
}
func (p *fakePanel) LockAccount(context.Context, string) error {
	if p.onLock != nil {
		p.onLock()
	}
	return p.call("lock account")
}
func (p *fakePanel) UnlockAccount(context.Context) error { return p.call("unlock account") }
func (p *fakePanel) SingleWriter(context.Context) error  { return p.cluster }
func (p *fakePanel) HoldsLocks(context.Context) error {
	if p.lostLocks {
		return fault.Errorf(fault.Locked, "item", "the lock was lost").Retryable()
	}
	return nil
}
func (p *fakePanel) Param(_ context.Context, _ int64, name string) (string, bool, error) {
	v, ok := p.order.Params[name]
	return v, ok, nil
}
func (p *fakePanel) SaveParam(_ context.Context, _ int64, name, value string) error {
	if err := p.call("save %s=%s", name, value); err != nil {
		return err
	}
	if p.mangle != nil {
		value = p.mangle(name, value)
	}
	p.order.Params[name] = value
	return nil
}

func (p *fakePanel) SaveParams(ctx context.Context, it int64, params []item.Param) error {
	return saveEach(ctx, p, it, params)
}

// saveEach saves parameters that belong together one after the other, so that a fault hits between any two of them.
func saveEach(ctx context.Context, p interface {
	SaveParam(ctx context.Context, it int64, name, value string) error
}, it int64, params []item.Param) error {
	for _, one := range params {
		if err := p.SaveParam(ctx, it, one.Name, one.Value); err != nil {
			return err
		}
	}
	return nil
}

func (p *fakePanel) DropParam(_ context.Context, _ int64, name string) error {
	if err := p.call("drop %s", name); err != nil {
		return err
	}
	delete(p.order.Params, name)
	return nil
}
func (p *fakePanel) ItemsNamed(context.Context, int64, string) ([]seller.NamedItem, error) {
	return nil, nil
}
func (p *fakePanel) UnmigratedItems(context.Context, int64) ([]int64, error) { return nil, nil }
func (p *fakePanel) HeldCertificates(context.Context, int64, int) ([]item.HeldCertificate, error) {
	return nil, nil
}
func (p *fakePanel) EachClaim(_ context.Context, _ []int64, f func(item.Claim)) error {
	if err := p.fails("claims"); err != nil {
		return err
	}
	for _, c := range p.claims {
		f(c)
	}
	return nil
}
func (p *fakePanel) StoredCertificate(context.Context, int64) (string, error) { return p.stored, nil }
func (p *fakePanel) EachPurchase(_ context.Context, account string, f func(item.JournalEntry)) error {
	for _, line := range p.journal {
		if line.Account == account {
			f(line)
		}
	}
	return nil
}
func (p *fakePanel) JournalOf(_ context.Context, it int64, ids ...int64) ([]item.JournalEntry, error) {
	return item.EntriesOf(p.journal, it, ids...), nil
}
func (p *fakePanel) ExpectItems([]int64) {}
func (p *fakePanel) JournalOwners(_ context.Context, account string, ids []int64) (map[int64]int64, error) {
	owners := map[int64]int64{}
	for _, line := range p.journal {
		if line.Account == account && slices.Contains(ids, line.ID) {
			owners[line.ID] = line.Item
		}
	}
	return owners, nil
}
func (p *fakePanel) AppendJournal(_ context.Context, line item.JournalEntry) error {
	if err := p.call("journal %d", line.ID); err != nil {
		return err
	}
	p.journal = append(p.journal, line)
	return nil
}
func (p *fakePanel) SetStatus(_ context.Context, _ int64, status item.ServiceStatus) error {
	if err := p.call("setstatus %d", status); err != nil {
		return err
	}
	p.order.Params[itemparam.ServiceStatus] = strconv.Itoa(int(status))
	return nil
}
func (p *fakePanel) SetExpireDate(_ context.Context, _ int64, date cabforum.Date) error {
	return p.call("setexpiredate %s", date)
}
func (p *fakePanel) SaveCertificatePEM(_ context.Context, _ int64, pem string) error {
	if err := p.call("certificate.save pem"); err != nil {
		return err
	}
	p.stored = pem
	return nil
}
func (p *fakePanel) SaveCertificateZIP(_ context.Context, _ int64, zip []byte) error {
	if err := p.call("certificate.save zip"); err != nil {
		return err
	}
	p.stored = string(zip)
	if p.garble {
		p.stored = "garbled"
	}
	return nil
}
func (p *fakePanel) OpenCertificate(context.Context, int64) error { return p.call("certificate.open") }
func (p *fakePanel) FailCertificate(context.Context, int64) error {
	return p.call("certificate.failed")
}
func (p *fakePanel) Post(_ context.Context, _ int64, what string) error {
	return p.call("post%s", what)
}
func (p *fakePanel) Escalate(_ context.Context, it, operation int64, name, text string) error {
	if task := fmt.Sprint(it, operation, name); !slices.Contains(p.tasks, task) { // one open task is enough
		p.tasks, p.texts = append(p.tasks, task), append(p.texts, text)
	} else {
		return nil
	}
	return p.call("manual %d %d %s", it, operation, name)
}
func (p *fakePanel) Hostings(context.Context, int64, []int64, string) ([]publish.Hosting, error) {
	return nil, nil
}

func (p *fakePanel) NamedItems(context.Context, []string) ([]publish.NamedItem, error) {
	return nil, nil
}

func (p *fakePanel) OthersBelow(context.Context, []string, int64) ([]publish.NamedItem, error) {
	return nil, nil
}

func (p *fakePanel) OpenTask(_ context.Context, it int64, name string) (int64, error) {
	return int64(slices.Index(p.tasks, fmt.Sprint(it, 0, name)) + 1), nil
}
func (p *fakePanel) CloseTask(_ context.Context, task int64) error {
	if task <= int64(len(p.tasks)) {
		p.tasks[task-1] += " closed"
	}
	return p.call("close task %d", task)
}
func (p *fakePanel) InstallationID(context.Context) (string, error) { return "0badc0ffee", nil }
func (p *fakePanel) SaveBalance(_ context.Context, module int64, m seller.Money) error {
	return p.call("savebalance %d %s %s", module, m.Text, m.Currency)
}
func (p *fakePanel) ImportService(_ context.Context, s item.Import) (int64, error) {
	return 1000, p.call("import %s %s %d %s", s.Name, s.Template, s.Months, s.Expires)
}
func (p *fakePanel) Setting(_ context.Context, name string) (string, error) {
	return p.settings[name], nil
}

// fakeSeller is a seller in memory. Its ids ascend, and each method can be made to fail.
type fakeSeller struct {
	next      int64
	statuses  map[int64]seller.OrderStatus
	months    map[int64]int
	buys      int
	activated []int64
	asked     int // Proofs
	buyErr    error
	buyAnyway bool // the purchase happens although buyErr is returned
	actErr    error
	actAnyway bool
	balance   string
	hidden    map[int64]bool // bought and not yet in the list
	onBuy     func()
	onStatus  func()                 // before an order's status is returned
	listShows map[int64]seller.State // what the list says of an id instead of its report

	reissues      int
	reissueErr    error
	reissueAnyway bool // the reissue happens although reissueErr is returned
	replacedLate  bool // the old id stays issued until the new certificate is there

	// refuses returns the error of a reissue for the CSR; nil if it is taken.
	refuses func(csr string) error

	reissueRefused bool // the authority refuses what the seller accepted

	names int // further names sold

	listed map[int64]seller.State // what the list showed last
	looked int                    // Report
}

func newSeller() *fakeSeller {
	return &fakeSeller{next: 100, statuses: map[int64]seller.OrderStatus{}, months: map[int64]int{}, balance: "100.00", hidden: map[int64]bool{}}
}

func (s *fakeSeller) Account() string             { return "https://seller.example account" }
func (s *fakeSeller) Check(context.Context) error { return nil }
func (s *fakeSeller) Balance(context.Context) (seller.Money, error) {
	n, ok := seller.ParseBalance(s.balance)
	if !ok {
		return seller.Money{}, fault.Errorf(fault.API, "balance", "the seller gives %q as the balance: %w", s.balance, seller.ErrUnknownAmount)
	}
	return seller.Money{Amount: n, Text: s.balance, Currency: "USD"}, nil
}
func (s *fakeSeller) OrderSnapshot(context.Context) (seller.OrderSnapshot, error) {
	snapshot := seller.OrderSnapshot{}
	for id, r := range s.statuses {
		if s.hidden[id] {
			continue
		}
		snapshot.Highest = max(snapshot.Highest, id)
		if shown, other := s.listShows[id]; other {
			r = seller.OrderStatus{ID: id, State: shown}
		}
		if r.State.Activatable() {
			snapshot.Orders = append(snapshot.Orders, seller.OrderSummary{ID: id, State: r.State, Months: s.months[id], CommonName: r.CommonName, Type: r.Type})
		}
	}
	return snapshot, nil
}

// add adds a paid certificate that is not activated.
func (s *fakeSeller) add(months int) int64 {
	s.next++
	s.statuses[s.next] = seller.OrderStatus{ID: s.next, State: seller.StateNew}
	s.months[s.next] = months
	return s.next
}
func (s *fakeSeller) Buy(_ context.Context, p seller.Purchase) (seller.Receipt, error) {
	s.buys++
	if s.onBuy != nil {
		s.onBuy()
	}
	if s.buyErr != nil && !s.buyAnyway {
		return seller.Receipt{}, s.buyErr
	}
	if p.Kind == seller.KindSANs {
		s.names += p.SANs
		status := s.statuses[p.ID]
		status.SANs += p.SANs
		s.statuses[p.ID] = status
		return seller.Receipt{ID: p.ID}, s.buyErr
	}
	id := s.add(p.Months)
	if p.Kind == seller.KindRenew {
		s.statuses[id] = seller.OrderStatus{ID: id, State: seller.StateRenewal}
	}
	if s.buyErr != nil {
		return seller.Receipt{}, s.buyErr
	}
	return seller.Receipt{ID: id, Order: "7", Charged: "8.8800", Delivered: "Standard SSL"}, nil
}
func (s *fakeSeller) Activate(_ context.Context, id int64, r seller.Request) ([]seller.Challenge, error) {
	if s.actErr != nil && !s.actAnyway {
		return nil, s.actErr
	}
	s.activated = append(s.activated, id)
	status := s.statuses[id]
	status.State, status.CSR = seller.StateWaiting, r.CSR.PEM
	s.statuses[id] = status
	if s.actErr != nil {
		return nil, s.actErr
	}
	return challengesOf(r), nil
}
func (s *fakeSeller) Challenges(_ context.Context, _ int64, r seller.Request) ([]seller.Challenge, error) {
	s.asked++
	return challengesOf(r), nil
}
func challengesOf(r seller.Request) []seller.Challenge {
	var out []seller.Challenge
	for _, name := range r.AllNames() {
		out = append(out, seller.Challenge{Domain: name, Method: r.Method, Host: "_m." + name, Record: "CNAME", Target: "t.ca.example"})
	}
	return out
}
func (s *fakeSeller) CachedStatus(_ context.Context, id int64) (seller.State, bool, error) {
	state, known := s.listed[id]
	return state, known, nil
}
func (s *fakeSeller) OrderStatus(_ context.Context, id int64) (seller.OrderStatus, error) {
	s.looked++
	if s.onStatus != nil {
		s.onStatus()
	}
	r, ok := s.statuses[id]
	if !ok {
		return r, &fault.Error{Type: fault.API, Message: "2011294: CertificateId is not valid", Code: 2011294}
	}
	r.ID = id
	return r, nil
}

func (s *fakeSeller) Reissue(_ context.Context, id int64, r seller.Request) (int64, []seller.Challenge, error) {
	s.reissues++
	if s.refuses != nil {
		if err := s.refuses(r.CSR.PEM); err != nil {
			return 0, nil, err
		}
	}
	if s.reissueErr != nil && !s.reissueAnyway {
		return 0, nil, s.reissueErr
	}
	s.next++
	s.statuses[s.next] = seller.OrderStatus{State: seller.StateWaiting, CSR: r.CSR.PEM, CommonName: r.CSR.CommonName}
	if s.reissueRefused {
		s.statuses[s.next] = seller.OrderStatus{State: seller.StateRefused, CSR: r.CSR.PEM, CommonName: r.CSR.CommonName}
	}
	if !s.replacedLate {
		old := s.statuses[id]
		old.State, old.ReplacedBy = seller.StateReplaced, s.next
		s.statuses[id] = old
	}
	if s.reissueErr != nil {
		return 0, nil, s.reissueErr
	}
	return s.next, challengesOf(r), nil
}
func (s *fakeSeller) FindReissues(_ context.Context, id int64, _ string) ([]int64, error) {
	var found []int64
	for other, r := range s.statuses {
		if other > id && (r.State == seller.StateWaiting || r.State == seller.StateIssued) {
			found = append(found, other)
		}
	}
	slices.Sort(found)
	return found, nil
}

// issue issues the certificate of an id, valid for so many days from the given time.
func (s *fakeSeller) issue(t *testing.T, id int64, pair keyPair, from time.Time, days int) {
	t.Helper()
	s.issueNames(t, id, pair, from, days)
}

// issueNames is issue with further names.
func (s *fakeSeller) issueNames(t *testing.T, id int64, pair keyPair, from time.Time, days int, names ...string) {
	t.Helper()
	s.change(id, func(r *seller.OrderStatus) {
		r.State, r.PEM, r.StatusText, r.Type = seller.StateIssued, signed(t, pair, from, days, names...), "active", "standard ssl sslcom"
	})
}

func (s *fakeSeller) change(id int64, what func(*seller.OrderStatus)) {
	r := s.statuses[id]
	what(&r)
	s.statuses[id] = r
}

// recordingLog is a log that keeps its lines.
type recordingLog struct{ lines []string }

func (q *recordingLog) add(format string, args ...any) {
	q.lines = append(q.lines, fmt.Sprintf(format, args...))
}
func (q *recordingLog) Errorf(format string, args ...any)   { q.add(format, args...) }
func (q *recordingLog) Warningf(format string, args ...any) { q.add(format, args...) }
func (q *recordingLog) Infof(format string, args ...any)    { q.add(format, args...) }
func (q *recordingLog) ExtInfof(format string, args ...any) { q.add(format, args...) }
func (q *recordingLog) Tracef(format string, args ...any)   { q.add(format, args...) }
func (q *recordingLog) Debugf(format string, args ...any)   { q.add(format, args...) }

// keyPair is a client's key with its CSR.
type keyPair struct {
	key *ecdsa.PrivateKey
	csr string
	cn  string
}

func newPair(t *testing.T, cn string) keyPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: cn}}, key)
	require.NoError(t, err)
	return keyPair{key: key, cn: cn, csr: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))}
}

// csrOf returns a CSR for the pair's key and name.
func csrOf(t *testing.T, pair keyPair) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: pair.cn}}, pair.key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// listURL is the list of revoked certificates that leaves name.
const listURL = "http://crl.ca.example/0.crl"

// signed returns a leaf certificate and its intermediate, in the seller's order.
func signed(t *testing.T, pair keyPair, from time.Time, days int, more ...string) []string {
	t.Helper()
	return signedFor(t, pair, from, days, append([]string{pair.cn, "www." + pair.cn}, more...)...)
}

// signedFor is signed for exactly these names.
func signedFor(t *testing.T, pair keyPair, from time.Time, days int, names ...string) []string {
	t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"}, NotBefore: from.AddDate(-1, 0, 0),
		NotAfter: from.AddDate(9, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	issuer := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Test Issuer"}, NotBefore: root.NotBefore,
		NotAfter: root.NotAfter, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	issuerDER, err := x509.CreateCertificate(rand.Reader, issuer, root, caKey.Public(), caKey)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	require.NoError(t, err)
	leaf := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: pair.cn}, DNSNames: names, CRLDistributionPoints: []string{listURL},
		NotBefore: from, NotAfter: from.AddDate(0, 0, days).Add(-time.Second), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, issuer, pair.key.Public(), caKey)
	require.NoError(t, err)
	var out []string
	for _, der := range [][]byte{leafDER, issuerDER} {
		out = append(out, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	}
	return out
}

// fakeMailer keeps the notices.
type fakeMailer struct {
	notices []item.Notice
	err     error
	tried   int
}

func (f *fakeMailer) Send(_ context.Context, l item.Notice) error {
	f.tried++
	if f.err != nil {
		return f.err
	}
	f.notices = append(f.notices, l)
	return nil
}

// fixture is one item with its panel, seller and log.
type fixture struct {
	panel  *fakePanel
	seller *fakeSeller
	log    *recordingLog
	mailer *fakeMailer
	pair   keyPair
	at     time.Time
	args   item.Args
	remote *fakeRemote // takes the seller's place where it is set

	moreNames bool // the seller sells further names
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	pair := newPair(t, "example.com")
	opened, err := cabforum.ParseDate("2026-04-02")
	require.NoError(t, err)
	return &fixture{
		pair: pair, at: now(), seller: newSeller(), log: &recordingLog{}, mailer: &fakeMailer{},
		args: item.Args{Command: "open", Item: 42, Operation: 9},
		panel: &fakePanel{
			order: item.Item{Item: 42, Module: 5, Binary: "pmtest", Template: "positivessl", ItemType: "certificate", Period: 12, Status: 5,
				OpenDate: opened, CSR: pair.csr, Params: map[string]string{itemparam.Method: "auth_dnscname"}},
			fail: map[string]error{}, settings: map[string]string{},
			client: item.Recipient{Email: "client@example.org", Name: "A Client", Lang: "en"},
		},
	}
}

func products() []seller.Product {
	return []seller.Product{
		{ID: "positivessl", Names: []string{"PositiveSSL"}, Level: seller.DV, Included: 1, MaxNames: 1},
		{ID: "positivessl_wildcard", Names: []string{"PositiveSSL Wildcard"}, Level: seller.DV, Wildcard: true, Included: 1, MaxNames: 1},
		{ID: "san_certificate", Names: []string{"SAN Certificate"}, Level: seller.DV, MultiDomain: true, Included: 3, MaxNames: 100},
		{ID: "ev_ssl", Names: []string{"EV SSL"}, Level: seller.EV, Included: 1, MaxNames: 1},
		{ID: "rapidssl", Names: []string{"RapidSSL"}, Level: seller.DV, Included: 1, MaxNames: 1, Discontinued: true, Successor: "positivessl"},
	}
}

func (s *fixture) run(f item.Func) error {
	_, err := f(context.Background(), s.env())
	return err
}

func (s *fixture) env() *item.Run {
	if s.remote != nil {
		return s.remoteEnv()
	}
	return s.sellerEnv()
}

func (s *fixture) sellerEnv() *item.Run {
	return &item.Run{
		Binary: "pmtest", Args: s.args, Format: s.args.Format, Panel: s.panel, Log: s.log, Mailer: s.mailer, Now: func() time.Time { return s.at },
		Addresses: func() ([]netip.Addr, error) { return nil, nil },
		Info: seller.Info{
			DryRun: true, // counts in dry runs only
			Title:  "Seller", Products: products(), Terms: []int{12, 24, 36, 48, 60}, MoreNames: s.moreNames,
			Params: []seller.Param{{Name: "username"}, {Name: "api_key", Crypted: true}}, AddressParam: "client_ip",
			Prototype: s.seller, Account: func(map[string]string) string { return s.seller.Account() },
			Connect: func(map[string]string) (seller.Seller, error) { return s.seller, nil },
		},
	}
}
