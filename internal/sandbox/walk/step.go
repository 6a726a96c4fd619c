package walk

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
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
	return text
}

// proofTime is how long the authority takes to see a proof. The modules keep the list of waiting orders for two minutes
// (docs/performance.md), which is over then.
const proofTime = 10 * time.Minute

// apply takes a step on both sides. It reports whether the system's run succeeded; a *Difference says that the model
// expected otherwise.
func (w *walk) apply(ctx context.Context, s Step) (ok bool, err error) {
	switch s.Kind {
	case Advance, Prove, SetFault:
		return true, w.applyOutside(s)
	case Order:
		return w.order(ctx, s)
	case Pending:
		_, err = w.p.Panel.RunPending(ctx)
		w.m.Pending()
		return true, err
	case Delete:
		op, err := w.operation(ctx, s.Item)
		if err != nil {
			return false, err
		}
		w.m.DeleteOperation(s.Item)
		return true, w.p.DeleteOperation(ctx, op)
	}
	run, want, err := w.applyRun(ctx, s)
	if err != nil {
		return false, err
	}
	w.last = run
	if run.OK() != want {
		return run.OK(), w.difference(ctx, fmt.Sprintf("the run succeeds: the model says %v, the system %v", want, run.OK()))
	}
	return run.OK(), nil
}

// applyOutside is what happens without a run of the module.
func (w *walk) applyOutside(s Step) error {
	switch s.Kind {
	case SetFault:
		w.m.SetFault(s.Fault)
		return w.p.SetSellerFault(w.seller.Module(), provider.Fault(s.Fault))
	case Prove:
		w.m.Prove(s.Name)
		if _, err := w.seller.ProveDomain(s.Name); err != nil {
			return err
		}
	}
	w.m.Advance(s.For)
	_, err := w.p.Clock.Advance(s.For)
	return err
}

// applyRun starts the module for a step. It returns the run and whether the model expects it to succeed.
func (w *walk) applyRun(ctx context.Context, s Step) (run *panel.Run, want bool, err error) {
	switch s.Kind {
	case Open:
		_, run, err = w.p.Panel.Operate(ctx, s.Item, "open")
		return run, w.m.Open(s.Item), err
	case Renew:
		_, run, err = w.p.Panel.Operate(ctx, s.Item, "prolong")
		return run, w.m.Renew(s.Item), err
	case Close:
		_, run, err = w.p.Panel.Operate(ctx, s.Item, "close")
		return run, w.m.Close(s.Item), err
	case Reissue:
		_, run, err = w.p.Panel.Reissue(ctx, s.Item, "", "", nil)
		return run, w.m.Reissue(s.Item, false), err
	case NewKey:
		return w.newKey(ctx, s)
	case Retry:
		op, err := w.operation(ctx, s.Item)
		if err != nil {
			return nil, false, err
		}
		run, err = w.p.Panel.RunOperation(ctx, op)
		return run, w.m.Retry(s.Item), err
	case Sync:
		run, err = w.p.Panel.Sync(ctx, s.Item)
		return run, w.m.Sync(s.Item), err
	case Sweep:
		return w.sweep(ctx)
	case Import:
		run, err = w.p.Panel.Start(ctx, w.seller.Module(), nil, "--command", "import", "--module", strconv.FormatInt(w.module, 10), "--itemtype", "certificate")
		return run, w.m.Import(), err
	}
	run, err = w.p.Panel.Start(ctx, w.seller.Module(), nil, "--command", "features")
	return run, true, err
}

// sweep runs a sweep. It works on several items at once (rules SWEEP-13), so the order of the seller's new ids is not predicted.
func (w *walk) sweep(ctx context.Context) (*panel.Run, bool, error) {
	run, err := w.p.Sweep(ctx, w.seller.Module())
	if err != nil {
		return nil, false, err
	}
	before := w.m.Orders()
	want := w.m.Sweep()
	created := map[int64]int64{}
	for _, o := range w.m.Orders()[len(before):] {
		var id string
		err := w.p.Panel.DB().QueryRowContext(ctx, "SELECT value FROM itemparam WHERE item=? AND intname='custom_order_id'", o.Item).Scan(&id)
		if err != nil {
			return nil, false, err
		}
		if created[o.ID], err = strconv.ParseInt(id, 10, 64); err != nil {
			return nil, false, err
		}
	}
	have, got := slices.Sorted(maps.Keys(created)), slices.Sorted(maps.Values(created))
	if len(created) > 1 && slices.Equal(have, got) {
		w.m.Renumber(created)
	}
	return run, want, nil
}

func (w *walk) newKey(ctx context.Context, s Step) (*panel.Run, bool, error) {
	csr, err := w.csr(w.m.Item(s.Item).Name)
	if err != nil {
		return nil, false, err
	}
	_, run, err := w.p.Panel.Reissue(ctx, s.Item, csr, "", nil)
	return run, w.m.Reissue(s.Item, true), err
}

// order places an order without the checks of the order form, which change nothing.
func (w *walk) order(ctx context.Context, s Step) (bool, error) {
	csr, err := w.csr(s.Name)
	if err != nil {
		return false, err
	}
	placed, err := w.p.Panel.Order(ctx, panel.Order{
		Tariff: w.tariff, Module: w.module, Period: s.Months, CSR: csr, ExtraSANs: -1, SkipForms: true,
		Params: map[string]string{
			"approver_method": provider.MethodCNAME, "adm_fname": "Olga", "adm_lname": "Owner", "adm_jtitle": "Owner", "adm_email": "owner@example.com",
			"adm_phone": "+44.2079460000",
		},
	})
	if err != nil {
		return false, err
	}
	w.last = placed.Open
	w.items++
	if want := w.m.Order(placed.Item, s.Name, s.Months); want != placed.Open.OK() {
		return placed.Open.OK(), w.difference(ctx, fmt.Sprintf("the order is opened: the model says %v, the system %v", want, placed.Open.OK()))
	}
	return placed.Open.OK(), nil
}

// operation returns the id of the open operation of an item.
func (w *walk) operation(ctx context.Context, item int64) (id int64, err error) {
	err = w.p.Panel.DB().QueryRowContext(ctx, "SELECT MAX(id) FROM runningoperation WHERE item=?", item).Scan(&id)
	return id, err
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
