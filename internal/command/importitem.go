package command

import (
	"context"
	"strconv"

	"pmssl/internal/cabforum"
	"pmssl/internal/cert"
)

// create makes the item of a certificate. What the seller delivers is looked at first: nothing is left behind of one
// that cannot be read.
func (t *takeover) create(ctx context.Context, l cert.Listed) error {
	chain, err := t.chain(ctx, l)
	if err != nil {
		return err
	}
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

// chain is the certificate as the seller delivers it. No CSR of ours exists: the leaf is told by its name.
func (t *takeover) chain(ctx context.Context, l cert.Listed) (cert.Chain, error) {
	report, err := t.seller.Report(ctx, l.ID)
	if err != nil {
		return cert.Chain{}, err
	}
	if len(report.PEM) == 0 {
		return cert.Chain{}, cert.Faultf(cert.FaultDelivered, "certificate", "%s shows id %d as issued and delivers no certificate", t.Trade.Title, l.ID).Again()
	}
	return cert.NamedChain(report.PEM, canonical(l.CommonName), t.Now())
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

// resume completes an item that an interrupted import left half done, and leaves every other one alone: an item with a CSR
// was ordered here, its certificate is the business of sync_item.
func (t *takeover) resume(ctx context.Context, l cert.Listed, item int64) (done bool, err error) {
	if _, whole, err := t.Panel.Param(ctx, item, cert.ParamSerial); err != nil || whole {
		return false, err
	}
	order, err := t.Panel.Order(ctx, item)
	switch fault := cert.FaultOf(err); {
	case err == nil && (order.CSR != "" || order.Status != itemActive):
		return false, nil
	case err == nil:
	case fault.Type == cert.FaultMissed: // without a tariff, as the panel keeps what was imported until it has a client
		order = cert.Order{Item: item, Module: t.Args.Module, Template: l.Template, Status: itemActive, Params: map[string]string{}}
	default:
		return false, err
	}
	if order.Period <= 0 {
		order.Period = l.Months
	}
	chain, err := t.chain(ctx, l)
	if err != nil {
		return false, err
	}
	if t.dry != nil {
		t.dry.record(dryComplete, "item", item, "id", l.ID, "name", canonical(l.CommonName), "valid_until", chain.Ends())
		return true, nil
	}
	return true, t.fill(ctx, order, l, chain)
}
