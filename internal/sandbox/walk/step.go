package walk

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"pmssl/internal/sandbox/model"
	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/provider"
)

// Kind is what a step does.
type Kind string

// The kinds of steps.
const (
	Order    Kind = "order"
	Open     Kind = "open"
	Prove    Kind = "prove"
	Sync     Kind = "sync"
	Sweep    Kind = "sweep"
	Advance  Kind = "time"
	Reissue  Kind = "reissue"
	NewKey   Kind = "newkey"
	Renew    Kind = "renew"
	Close    Kind = "close"
	SetFault Kind = "fault"
	Retry    Kind = "retry"
	Delete   Kind = "delete"
	Pending  Kind = "pending"
	Import   Kind = "import"
	Features Kind = "features"
)

// Step is one step of a walk.
type Step struct {
	Kind   Kind
	Item   int64
	Name   string // of an order or a proof
	Months int
	For    time.Duration
	Fault  model.Fault
	// Kill is the number of the system call after which the run is killed, 0 if it is not. The panel runs it again, and synchronises the item
	// then: whether the second run finds a request and what has become of it, or makes it, depends on the call.
	Kill int
	// killed says that the run was killed, and did not end before that call.
	killed bool
	// completed says that a call-back of the killed run had completed the operation, so that the panel does not run it again.
	completed bool
}

// String shows the step in one line.
func (s Step) String() string {
	text := string(s.Kind)
	if s.Item != 0 {
		text += fmt.Sprintf(" item=%d", s.Item)
	}
	if s.Name != "" {
		text += " name=" + s.Name
	}
	if s.Months != 0 {
		text += fmt.Sprintf(" months=%d", s.Months)
	}
	if s.For != 0 {
		text += " for=" + s.For.String()
	}
	if s.Kind == SetFault {
		text += fmt.Sprintf(" %q", string(s.Fault))
	}
	if s.Kill != 0 {
		text += fmt.Sprintf(" kill=%d killed=%v", s.Kill, s.killed)
	}
	return text
}

// proofTime is how long the authority takes to see a proof. The modules keep the list of waiting orders for two minutes
// (docs/performance.md), which is over then.
const proofTime = 10 * time.Minute

// predict takes a step in the model, and reports whether the run of the module succeeds.
func predict(m *model.Model, s Step) bool {
	if !s.killed {
		return predictRun(m, s)
	}
	m.Advance(untilNextRun)
	if s.Kind == Sync { // the panel does not count its runs
		return predictRun(m, s)
	}
	m.KillRun()
	if ok := predictRun(m, s); !ok && !s.completed {
		return false
	}
	return m.Sync(s.Item)
}

// predictRun takes a step that starts a module once.
func predictRun(m *model.Model, s Step) bool {
	switch s.Kind {
	case Order:
		return m.Order(s.Item, s.Name, s.Months)
	case Open:
		return m.Open(s.Item)
	case Renew:
		return m.Renew(s.Item)
	case Close:
		return m.Close(s.Item)
	case Reissue, NewKey:
		return m.Reissue(s.Item, s.Kind == NewKey)
	case Retry:
		return m.Retry(s.Item)
	case Sync:
		return m.Sync(s.Item)
	case Sweep:
		return m.Sweep()
	case Import:
		return m.Import()
	}
	predictOutside(m, s)
	return true
}

// predictOutside takes a step that starts no module, or several.
func predictOutside(m *model.Model, s Step) {
	switch s.Kind {
	case Prove:
		m.Prove(s.Name)
	case SetFault:
		m.SetFault(s.Fault)
	case Pending:
		m.Pending()
	case Delete:
		m.DeleteOperation(s.Item)
	}
	m.Advance(s.For)
}

// drive takes a step in the system. It returns the module's run, nil if there is none or if there are several, and sets the item of an
// order.
func (w *walk) drive(ctx context.Context, s *Step) (run *panel.Run, err error) {
	switch s.Kind {
	case Order:
		return w.order(ctx, s)
	case Open, Renew, Close:
		command := map[Kind]string{Open: "open", Renew: "prolong", Close: "close"}[s.Kind]
		_, run, err = w.p.Panel.Operate(ctx, s.Item, command)
		return run, err
	case Reissue:
		_, run, err = w.p.Panel.Reissue(ctx, s.Item, "", "", nil)
		return run, err
	case NewKey:
		return w.newKey(ctx, *s)
	case Sync:
		return w.p.Panel.Sync(ctx, s.Item)
	case Sweep:
		return w.p.Sweep(ctx, w.seller.Module())
	case Import:
		return w.p.Panel.Start(ctx, w.seller.Module(), nil, "--command", "import", "--module", strconv.FormatInt(w.module, 10), "--itemtype", "certificate")
	case Features:
		return w.p.Panel.Start(ctx, w.seller.Module(), nil, "--command", "features")
	}
	return w.driveOutside(ctx, *s)
}

// driveOutside takes a step that is no run of the module, or that of an operation which exists.
func (w *walk) driveOutside(ctx context.Context, s Step) (*panel.Run, error) {
	switch s.Kind {
	case Retry, Delete:
		op, err := w.operation(ctx, s.Item)
		if err != nil {
			return nil, err
		}
		if s.Kind == Delete {
			return nil, w.p.DeleteOperation(ctx, op)
		}
		return w.p.Panel.RunOperation(ctx, op)
	case Pending:
		_, err := w.p.Panel.RunPending(ctx)
		return nil, err
	case SetFault:
		return nil, w.p.SetSellerFault(w.seller.Module(), provider.Fault(s.Fault))
	case Prove:
		if _, err := w.seller.ProveDomain(s.Name); err != nil {
			return nil, err
		}
	}
	_, err := w.p.Clock.Advance(s.For)
	return nil, err
}

// numbered gives the orders that a sweep has made their ids. It works on several items at once (rules SWEEP-13), so the order in which
// its requests reach the seller is not predicted.
func (w *walk) numbered(ctx context.Context, before int) error {
	created := map[int64]int64{}
	for _, o := range w.m.Orders()[before:] {
		var id string
		err := w.p.Panel.DB().QueryRowContext(ctx, "SELECT value FROM itemparam WHERE item=? AND intname='custom_order_id'", o.Item).Scan(&id)
		if err != nil {
			return err
		}
		if created[o.ID], err = strconv.ParseInt(id, 10, 64); err != nil {
			return err
		}
	}
	if len(created) > 1 && slices.Equal(slices.Sorted(maps.Keys(created)), slices.Sorted(maps.Values(created))) {
		w.m.Renumber(created)
	}
	return nil
}

// newKey presses the client's button with a CSR for another key.
func (w *walk) newKey(ctx context.Context, s Step) (*panel.Run, error) {
	csr, err := w.csr(w.m.Item(s.Item).Name)
	if err != nil {
		return nil, err
	}
	_, run, err := w.p.Panel.Reissue(ctx, s.Item, csr, "", nil)
	return run, err
}

// order places an order without the checks of the order form, which change nothing.
func (w *walk) order(ctx context.Context, s *Step) (*panel.Run, error) {
	csr, err := w.csr(s.Name)
	if err != nil {
		return nil, err
	}
	placed, err := w.p.Panel.Order(ctx, panel.Order{
		Tariff: w.tariff, Module: w.module, Period: s.Months, CSR: csr, ExtraSANs: -1, SkipForms: true,
		Params: map[string]string{
			"approver_method": provider.MethodCNAME, "adm_fname": "Olga", "adm_lname": "Owner", "adm_jtitle": "Owner", "adm_email": "owner@example.com",
			"adm_phone": "+44.2079460000",
		},
	})
	if err != nil {
		return nil, err
	}
	s.Item = placed.Item
	w.items++
	return placed.Open, nil
}

// errNoOperation says that an item has no open operation.
var errNoOperation = errors.New("the item has no operation")

// operation returns the id of the open operation of an item.
func (w *walk) operation(ctx context.Context, item int64) (int64, error) {
	var id sql.NullInt64
	err := w.p.Panel.DB().QueryRowContext(ctx, "SELECT MAX(id) FROM runningoperation WHERE item=?", item).Scan(&id)
	if err == nil && !id.Valid {
		err = errNoOperation
	}
	return id.Int64, err
}

// csr makes a key, which nobody keeps, and a CSR for it.
func (w *walk) csr(name string) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), w.o.Random)
	if err != nil {
		return "", err
	}
	der, err := x509.CreateCertificateRequest(w.o.Random, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}}, key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), err
}
