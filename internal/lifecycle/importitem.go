package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/xmldoc"
)

// create creates the item of a certificate, or completes the item that an interrupted import created for it. It reads the
// certificate from the seller first, so that no item is left of one that cannot be read. The items of the name are read last: the panel
// may carry out what an import asked for that was killed a moment ago.
func (t *importer) create(ctx context.Context, l seller.ListedCertificate) (outcome, error) {
	chain, err := t.chain(ctx, l)
	if err != nil {
		return outcomeSkipped, err
	}
	if err := t.readHeld(ctx); err != nil {
		return outcomeSkipped, err
	}
	named, err := t.Panel.ItemsNamed(ctx, t.Args.Module, canonical(l.CommonName))
	if err != nil {
		return outcomeSkipped, err
	}
	if it := holderOf(named, l); it != 0 {
		t.Log.Infof("import: id %d of %s is on item %d, which the panel has made while this import was at work", l.ID, item.DisplayLine(l.CommonName, item.MaxName), it)
		t.owners.Assign(l, it)
		return t.resume(ctx, l, it)
	}
	begun, err := t.findUnfinished(ctx, l, chain, named)
	if err != nil {
		return outcomeSkipped, err
	}
	if begun.Item != 0 {
		t.Log.Infof("import: item %d was created for a certificate of %s by an import that was interrupted, id %d is saved on it", begun.Item, canonical(l.CommonName), l.ID)
		t.owners.Assign(l, begun.Item)
		return outcomeResumed, t.fill(ctx, begun, l, chain)
	}
	if t.isHeld(l, chain) {
		return outcomeSkipped, nil
	}
	return outcomeImported, t.make(ctx, l, chain, named)
}

// holderOf returns the item that holds an id of the certificate's order; 0 if none does.
func holderOf(named []seller.NamedItem, l seller.ListedCertificate) int64 {
	ids := l.Lineage()
	for _, it := range named {
		for _, id := range append(item.ParseIDs(it.OrderID), item.ParseIDs(it.Lineage)...) {
			if slices.Contains(ids, id) {
				return it.Item
			}
		}
	}
	return 0
}

// readHeld reads which item holds which key and serial, once in a run.
func (t *importer) readHeld(ctx context.Context) (err error) {
	if t.held == nil {
		t.held, err = readHeldKeys(ctx, t.Panel)
	}
	return err
}

// isHeld reports whether an item of the panel holds the key or the serial of a certificate already (rules IMPORT-4), and names the
// item in the log and in the document.
func (t *importer) isHeld(l seller.ListedCertificate, chain pki.Chain) bool {
	found, held := t.held.find(chain)
	if !held {
		return false
	}
	t.Log.Warningf("import: id %d of %s is not imported, because %s", l.ID, item.DisplayLine(l.CommonName, item.MaxName), found)
	node := t.failures.CreateElement("held")
	xmldoc.SetAttributes(node, "id", l.ID, "name", l.CommonName, "item", found.item, "by", found.by, "reason", found)
	return true
}

// findUnfinished returns the item that an interrupted import created without its ids: a panel may ignore the parameters of a new item. It
// is one of those with the certificate's name, and has the certificate's end and the module (rules IMPORT-1). Of several equal items it
// returns the oldest; they are interchangeable. Item is 0 if there is none.
func (t *importer) findUnfinished(ctx context.Context, l seller.ListedCertificate, chain pki.Chain, named []seller.NamedItem) (item.Item, error) {
	for _, it := range named {
		order, unfinished, err := t.isUnfinished(ctx, l, chain, it)
		if err != nil || unfinished {
			return order, err
		}
	}
	return item.Item{}, nil
}

// isUnfinished reports whether an interrupted import made the item for the certificate, without its ids, and returns the item.
func (t *importer) isUnfinished(ctx context.Context, l seller.ListedCertificate, chain pki.Chain, it seller.NamedItem) (item.Item, bool, error) {
	if !fits(it, l, chain) || t.owners.HasItem(it.Item) || t.second[it.Item] {
		return item.Item{}, false, nil
	}
	order, own, err := t.loadUnfinished(ctx, l, it.Item)
	if err != nil || !own || order.Template != "" && order.Template != l.Template {
		return item.Item{}, false, err
	}
	return order, true, nil
}

// fits reports whether an item without an order may be one that an import made for the certificate.
func fits(it seller.NamedItem, l seller.ListedCertificate, chain pki.Chain) bool {
	return it.Bare() && it.Expires == chain.Ends() && (it.RemoteID == "" || it.RemoteID == "0" || it.RemoteID == strconv.FormatInt(l.ID, 10))
}

// make creates the item of a certificate. before are the items that had its name.
func (t *importer) make(ctx context.Context, l seller.ListedCertificate, chain pki.Chain, before []seller.NamedItem) error {
	order := item.Item{
		Module: t.Args.Module, Template: l.Template, Period: l.Months, Status: itemActive, Params: map[string]string{},
	}
	if t.Dry != nil {
		t.held.addLeaf(0, chain, false)
		t.Dry.Record(item.DryImport, "id", l.ID, "name", canonical(l.CommonName), "product", l.Template, "months", l.Months, "valid_until", chain.Ends())
		return nil
	}
	it, err := t.Panel.ImportService(ctx, item.Import{
		Module: order.Module, Template: l.Template, Name: canonical(l.CommonName), RemoteID: strconv.FormatInt(l.ID, 10),
		Status: itemActive, Service: item.ServiceIssued, Months: l.Months, Expires: chain.Ends(),
		// After an interruption right behind this call an item without its id would be imported a second time.
		Params: map[string]string{itemparam.OrderID: strconv.FormatInt(l.ID, 10), itemparam.Lineage: item.FormatIDs(l.Lineage())},
	})
	if err != nil {
		return err
	}
	t.owners.Assign(l, it)
	order.Item = it
	t.held.addLeaf(it, chain, false) // the list may have a second order for the same key
	second := t.findSecond(ctx, it, l, chain, before)
	if err := t.fill(ctx, order, l, chain); err != nil {
		return err
	}
	return second
}

// findSecond returns a fault if another item of the certificate appeared while this one was made: the panel may carry out late what an
// import asked for that was killed. No function of the panel is known by which a module could delete an item.
func (t *importer) findSecond(ctx context.Context, it int64, l seller.ListedCertificate, chain pki.Chain, before []seller.NamedItem) error {
	named, err := t.Panel.ItemsNamed(ctx, t.Args.Module, canonical(l.CommonName))
	if err != nil {
		return err
	}
	known := map[int64]bool{it: true}
	for _, old := range before {
		known[old.Item] = true
	}
	for _, other := range named {
		if known[other.Item] {
			continue
		}
		holds, unfinished := holderOf([]seller.NamedItem{other}, l) != 0, false
		if !holds {
			if _, unfinished, err = t.isUnfinished(ctx, l, chain, other); err != nil {
				return err
			}
		}
		if holds || unfinished {
			t.second[other.Item] = true
			return twoItems(it, other.Item)
		}
	}
	return nil
}

// twoItems returns the fault of a certificate with two items, of which the second is superfluous (rules IMPORT-6).
func twoItems(it, second int64) error {
	return fault.Errorf(fault.Panel, "import", "it has two items, %d and %d, perhaps because the panel has carried out the call of an interrupted import: delete item %d in the panel. "+
		"The order is not cancelled by that, because item %d has it too", it, second, second, it)
}

// resumeOne completes the one of several items that hold the certificate's order, if none of them is complete, and returns a fault that names
// another one which is not. Of complete ones a warning is logged.
func (t *importer) resumeOne(ctx context.Context, l seller.ListedCertificate, items []int64) (outcome, error) {
	var complete, others []int64
	for _, it := range items {
		_, unfinished, err := t.loadUnfinished(ctx, l, it)
		switch {
		case err != nil:
			return outcomeSkipped, err
		case unfinished:
			others = append(others, it)
		default: // or a client's order, which sync_item completes
			complete = append(complete, it)
		}
	}
	switch {
	case len(others) == 0:
		t.Log.Warningf("import: id %d of %s is on the items %s: delete all but one of them in the panel", l.ID, item.DisplayLine(l.CommonName, item.MaxName), item.FormatIDs(items))
		return outcomeSkipped, nil
	case len(complete) > 0:
		return outcomeSkipped, twoItems(complete[0], others[0])
	}
	if _, err := t.resume(ctx, l, others[0]); err != nil {
		return outcomeSkipped, err
	}
	return outcomeSkipped, twoItems(others[0], others[1])
}

// errNotIssued says that an order is not issued, if the seller's list does not show the state.
var errNotIssued = errors.New("is not issued: skipped")

// chain reads the certificate from the seller. The panel has no CSR of it, so the leaf is found by its name.
func (t *importer) chain(ctx context.Context, l seller.ListedCertificate) (pki.Chain, error) {
	status, err := t.seller.OrderStatus(ctx, l.ID)
	if err != nil {
		return pki.Chain{}, err
	}
	if l.IssuanceUnknown && status.State != seller.StateIssued {
		return pki.Chain{}, errNotIssued
	}
	if len(status.PEM) == 0 {
		return pki.Chain{}, fault.Errorf(fault.Delivered, "certificate", "%s shows id %d as issued and delivers no certificate", t.Info.Title, l.ID).Retryable()
	}
	chain, err := pki.NamedChain(status.PEM, canonical(l.CommonName), t.Now())
	for _, warning := range chain.Warnings {
		t.Log.Warningf("import: id %d of %s: %s; stored all the same", l.ID, item.DisplayLine(l.CommonName, item.MaxName), warning)
	}
	return chain, err
}

// fill saves on a new item everything that an ordered item has. The ids come first, so that the next import knows the item
// after an interruption. The serial comes last: an item without it is unfinished. The item is locked meanwhile.
func (t *importer) fill(ctx context.Context, order item.Item, l seller.ListedCertificate, chain pki.Chain) (err error) {
	if err := t.Panel.LockItem(ctx, order.Item); err != nil {
		return err
	}
	defer func() {
		if err := t.Panel.UnlockItem(context.WithoutCancel(ctx), order.Item); err != nil {
			t.Log.Warningf("releasing the lock of %s: %v", order.Label(), err)
		}
	}()
	j := FromHandle(item.NewHandle(t.Run, order))
	j.Seller, j.Account = t.seller, t.account.Account
	for _, p := range []struct{ name, value string }{
		{itemparam.OrderID, strconv.FormatInt(l.ID, 10)},
		{itemparam.Lineage, item.FormatIDs(l.Lineage())},
		{itemparam.TermStart, termStart(l, chain).String()},
		{itemparam.Delivered, l.Type},
	} {
		if err := j.SaveParam(ctx, p.name, p.value); err != nil {
			return err
		}
	}
	if err := j.SaveTerm(ctx); err != nil {
		return err
	}
	if err := j.saveCertificate(ctx, chain); err != nil {
		return err
	}
	if err := j.SaveParam(ctx, itemparam.ExpireDate, chain.Ends().String()); err != nil {
		return err
	}
	if err := j.expireDate(ctx, chain.Ends()); err != nil {
		return err
	}
	if err := j.SetStatus(ctx, item.ServiceIssued); err != nil {
		return err
	}
	j.Log.Infof("id %d of %s imported, certificate %s ends %s, paid until %s", l.ID, t.Info.Title, chain.Serial(), chain.Ends(), j.TermEnd())
	return j.SaveParam(ctx, itemparam.Serial, chain.Serial())
}

// termStart returns the first day of the term: the order's date, or the certificate's if the seller shows none.
func termStart(l seller.ListedCertificate, chain pki.Chain) cabforum.Date {
	if !l.Created.IsZero() {
		return l.Created
	}
	return cabforum.DateOf(chain.Leaf.NotBefore)
}

// resume completes an item that an interrupted import left unfinished. It skips every other item.
func (t *importer) resume(ctx context.Context, l seller.ListedCertificate, it int64) (outcome, error) {
	order, own, err := t.loadUnfinished(ctx, l, it)
	if err != nil || !own {
		return outcomeSkipped, err
	}
	chain, err := t.chain(ctx, l)
	if err != nil {
		return outcomeSkipped, err
	}
	return outcomeResumed, t.fill(ctx, order, l, chain)
}

// loadUnfinished loads an item and reports whether an import left it unfinished. An item with a CSR was ordered in this panel;
// sync_item stores its certificate. An interrupted migration is completed by the next one (rules MIGRATE-8).
func (t *importer) loadUnfinished(ctx context.Context, l seller.ListedCertificate, it int64) (item.Item, bool, error) {
	if _, finished, err := t.Panel.Param(ctx, it, itemparam.Serial); err != nil || finished {
		return item.Item{}, false, err
	}
	order, err := t.Panel.LoadItem(ctx, it)
	switch failure := fault.From(err); {
	case err == nil && (order.CSR != "" || order.Status != itemActive || order.Params[itemparam.Migration] != "" || ofAnotherModule(order, l)):
		return item.Item{}, false, nil
	case err == nil:
	case failure.Type == fault.Missed: // without a tariff: so the panel keeps an imported item until it has a client
		order = item.Item{Item: it, Module: t.Args.Module, Template: l.Template, Status: itemActive, Params: map[string]string{}}
	default:
		return item.Item{}, false, err
	}
	if order.Period <= 0 {
		order.Period = l.Months
	}
	return order, true, nil
}

// ofAnotherModule reports whether an item without a lineage was not made by an import of the certificate: import stores a certificate
// after the lineage, and makes the item with the certificate's name. The id that such an item carries may have another meaning (rules
// IMPORT-5).
func ofAnotherModule(order item.Item, l seller.ListedCertificate) bool {
	if order.Params[itemparam.Lineage] != "" {
		return false
	}
	return order.Stored != "" || order.Name != "" && canonical(order.Name) != canonical(l.CommonName)
}
