package command

import (
	"context"
	"errors"
	"strconv"

	"pmssl/internal/cabforum"
	"pmssl/internal/cert"
)

// create makes the item of a certificate, or completes the one that an interrupted import made of it. What the seller
// delivers is looked at first: nothing is left behind of one that cannot be read.
func (t *takeover) create(ctx context.Context, l cert.Listed) (outcome, error) {
	chain, err := t.chain(ctx, l)
	if err != nil {
		return outcomeSkipped, err
	}
	half, err := t.halfMade(ctx, l, chain)
	if err != nil {
		return outcomeSkipped, err
	}
	if half.Item != 0 {
		t.Log.Infof("import: item %d was made for a certificate of %s by an import that was interrupted, id %d goes on it", half.Item, canonical(l.CommonName), l.ID)
		t.held.take(l, half.Item)
		return outcomeResumed, t.fill(ctx, half, l, chain)
	}
	return outcomeImported, t.make(ctx, l, chain)
}

// halfMade returns the item that an import made and left before it could say whose it is: a panel may ignore the parameters that
// are handed over with a new item. It is known by its name, the end of the certificate and the module (rules IMPORT-1). Of
// several equal ones the oldest is taken, they are interchangeable. Item 0 if there is none.
func (t *takeover) halfMade(ctx context.Context, l cert.Listed, chain cert.Chain) (cert.Order, error) {
	bare, err := t.Panel.WithoutOrder(ctx, t.Args.Module, canonical(l.CommonName))
	if err != nil {
		return cert.Order{}, err
	}
	for _, item := range bare {
		if item.Expires != chain.Ends() || t.held.holds(item.Item) {
			continue
		}
		if item.RemoteID != "" && item.RemoteID != "0" && item.RemoteID != strconv.FormatInt(l.ID, 10) {
			continue
		}
		order, ours, err := t.unfinished(ctx, l, item.Item)
		if err != nil || ours && (order.Template == "" || order.Template == l.Template) {
			return order, err
		}
	}
	return cert.Order{}, nil
}

// make makes the item of a certificate.
func (t *takeover) make(ctx context.Context, l cert.Listed, chain cert.Chain) error {
	order := cert.Order{
		Module: t.Args.Module, Template: l.Template, Period: l.Months, Status: itemActive, Params: map[string]string{},
	}
	if t.dry != nil {
		t.dry.record(dryImport, "id", l.ID, "name", canonical(l.CommonName), "product", l.Template, "months", l.Months, "valid_until", chain.Ends())
		return nil
	}
	item, err := t.Panel.ImportService(ctx, cert.Import{
		Module: order.Module, Template: l.Template, Name: canonical(l.CommonName), RemoteID: strconv.FormatInt(l.ID, 10),
		Status: itemActive, Service: cert.ServiceIssued, Months: l.Months, Expires: chain.Ends(),
		// An interruption right after this call must not leave an item without its id: it would be imported once more.
		Params: map[string]string{cert.ParamOrderID: strconv.FormatInt(l.ID, 10), cert.ParamLineage: formatIDs(l.Lineage())},
	})
	if err != nil {
		return err
	}
	t.held.take(l, item)
	order.Item = item
	return t.fill(ctx, order, l, chain)
}

// errNotIssued is wrapped if an order of which the list does not say whether it was issued was not.
var errNotIssued = errors.New("is not issued: left alone")

// chain is the certificate as the seller delivers it. No CSR of ours exists: the leaf is told by its name.
func (t *takeover) chain(ctx context.Context, l cert.Listed) (cert.Chain, error) {
	report, err := t.seller.Report(ctx, l.ID)
	if err != nil {
		return cert.Chain{}, err
	}
	if l.Unsaid && report.State != cert.StateIssued {
		return cert.Chain{}, errNotIssued
	}
	if len(report.PEM) == 0 {
		return cert.Chain{}, cert.Faultf(cert.FaultDelivered, "certificate", "%s shows id %d as issued and delivers no certificate", t.Trade.Title, l.ID).Again()
	}
	chain, err := cert.NamedChain(report.PEM, canonical(l.CommonName), t.Now())
	for _, warning := range chain.Warnings {
		t.Log.Warningf("import: id %d of %s: %s; stored all the same", l.ID, plainWords(l.CommonName, maxName), warning)
	}
	return chain, err
}

// fill gives a new item everything that an item of ours has. The ids come first: whatever interrupts the rest, the next
// import knows whose they are. The serial comes last: without it the import is not done. The item is locked, so that
// nothing else works on it half done.
func (t *takeover) fill(ctx context.Context, order cert.Order, l cert.Listed, chain cert.Chain) (err error) {
	if err := t.Panel.LockItem(ctx, order.Item); err != nil {
		return err
	}
	defer func() {
		if free := t.Panel.UnlockItem(context.WithoutCancel(ctx), order.Item); free != nil {
			t.Log.Warningf("releasing the lock of item %d: %v", order.Item, free)
		}
	}()
	j := &job{Run: t.Run, order: order, seller: t.seller, account: t.account.account}
	for _, p := range []struct{ name, value string }{
		{cert.ParamOrderID, strconv.FormatInt(l.ID, 10)},
		{cert.ParamLineage, formatIDs(l.Lineage())},
		{cert.ParamTermStart, started(l, chain).String()},
		{cert.ParamDelivered, l.Type},
	} {
		if err := j.save(ctx, p.name, p.value); err != nil {
			return err
		}
	}
	if err := j.saveTerm(ctx); err != nil {
		return err
	}
	if err := j.saveCertificate(ctx, chain); err != nil {
		return err
	}
	if err := j.save(ctx, cert.ParamExpireDate, chain.Ends().String()); err != nil {
		return err
	}
	if err := j.expireDate(ctx, chain.Ends()); err != nil {
		return err
	}
	if err := j.setStatus(ctx, cert.ServiceIssued); err != nil {
		return err
	}
	t.Log.Infof("item %d: id %d of %s imported, certificate %s ends %s, paid until %s", order.Item, l.ID, t.Trade.Title, chain.Serial(), chain.Ends(), j.termEnd())
	return j.save(ctx, cert.ParamSerial, chain.Serial())
}

// started is the first day of the term: the order's, or the certificate's where the seller does not tell.
func started(l cert.Listed, chain cert.Chain) cabforum.Date {
	if !l.Created.IsZero() {
		return l.Created
	}
	return cabforum.DateOf(chain.Leaf.NotBefore)
}

// resume completes an item that an interrupted import left half done, and leaves every other one alone.
func (t *takeover) resume(ctx context.Context, l cert.Listed, item int64) (outcome, error) {
	order, ours, err := t.unfinished(ctx, l, item)
	if err != nil || !ours {
		return outcomeSkipped, err
	}
	chain, err := t.chain(ctx, l)
	if err != nil {
		return outcomeSkipped, err
	}
	return outcomeResumed, t.fill(ctx, order, l, chain)
}

// unfinished loads an item and reports whether an import left it half done. An item with a CSR was ordered here, its
// certificate is the business of sync_item.
func (t *takeover) unfinished(ctx context.Context, l cert.Listed, item int64) (cert.Order, bool, error) {
	if _, whole, err := t.Panel.Param(ctx, item, cert.ParamSerial); err != nil || whole {
		return cert.Order{}, false, err
	}
	order, err := t.Panel.Order(ctx, item)
	switch fault := cert.FaultOf(err); {
	case err == nil && (order.CSR != "" || order.Status != itemActive):
		return cert.Order{}, false, nil
	case err == nil:
	case fault.Type == cert.FaultMissed: // without a tariff, as the panel keeps what was imported until it has a client
		order = cert.Order{Item: item, Module: t.Args.Module, Template: l.Template, Status: itemActive, Params: map[string]string{}}
	default:
		return cert.Order{}, false, err
	}
	if order.Period <= 0 {
		order.Period = l.Months
	}
	return order, true, nil
}
