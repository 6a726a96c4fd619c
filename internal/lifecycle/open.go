package lifecycle

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// Open buys the item's certificate, activates it and saves the challenges for the client. It can be started again after any
// interruption: for an item that has an id at the seller nothing is bought (rules BUY-6).
func Open(ctx context.Context, run *item.Run) (*etree.Document, error) {
	j, err := Begin(ctx, run)
	if err != nil {
		return nil, err
	}
	if j.Item.Status == item.ItemDeleted {
		return nil, fault.Errorf(fault.Value, "item", "%s is deleted: nothing is bought for it", j.Item.Label())
	}
	id, fresh, err := j.buyOnce(ctx)
	if err != nil {
		return nil, err
	}
	if err := j.SaveTerm(ctx); err != nil {
		return nil, err
	}
	if err := j.processPaid(ctx, id, fresh); err != nil {
		return nil, err
	}
	return nil, j.Panel.Post(ctx, j.Item.Item, "open")
}

// buyOnce returns the item's id at the seller. If the item has none, it buys one; fresh reports whether this run bought it.
func (j *Order) buyOnce(ctx context.Context) (id int64, fresh bool, err error) {
	if id := j.ID(); id != 0 {
		j.Log.ExtInfof("it has id %d at %s already: nothing is bought", id, j.Info.Title)
		return id, false, nil
	}
	request, err := j.Request()
	if err != nil {
		return 0, false, j.withContactErrors(request, err)
	}
	if err := j.checkOrderable(request); err != nil {
		return 0, false, err
	}
	if err := j.warnOfBilling(ctx); err != nil {
		return 0, false, err
	}
	// Saved with the id: the CSR is handed in with the order, or is about to be.
	submitted := item.Param{Name: itemparam.Requested, Value: j.requestDigest()}
	if j.activates() {
		submitted.Value += " " + submissionPending
	} else {
		j.WarnOfNames(ctx, request)
	}
	p, err := j.orderPurchase(ctx, request)
	if err != nil {
		return 0, false, err
	}
	id, err = j.Purchase(ctx, p, append(j.TermParams(), submitted)...)
	j.boughtNow = j.Bought
	return id, j.Bought, err
}

// orderPurchase returns the purchase of the item's first order.
func (j *Order) orderPurchase(ctx context.Context, request seller.Request) (seller.Purchase, error) {
	p := seller.Purchase{Kind: seller.KindCreate, Product: request.Product, Months: j.Item.Period, SANs: request.ExtraSANs(j.Item.SANs), Request: request}
	if !j.activates() {
		p.Kind = seller.KindOrder
	}
	p.Released = item.ParseIDs(j.Item.Params[itemparam.Released])
	var err error
	p.OrderRef, err = j.OrderRef(ctx)
	return p, err
}

// PreviewOrder walks through the steps of the item's first order as Open would, up to the form that buys. It buys nothing and changes
// nothing on the item. A seller without such steps is a fault.
func PreviewOrder(ctx context.Context, run *item.Run) (seller.Finding, error) {
	j, err := Connect(ctx, run)
	if err != nil {
		return seller.Finding{}, err
	}
	previewer, ok := j.Seller.(seller.OrderPreviewer)
	if !ok {
		return seller.Finding{}, item.Unsupported(run, "looking at an order before it is paid")
	}
	if err := j.LoadProducts(ctx); err != nil {
		return seller.Finding{}, err
	}
	request, err := j.Request()
	if err != nil {
		return seller.Finding{}, j.withContactErrors(request, err)
	}
	if err := j.checkOrderable(request); err != nil {
		return seller.Finding{}, err
	}
	p, err := j.orderPurchase(ctx, request)
	if err != nil {
		return seller.Finding{}, err
	}
	return previewer.PreviewOrder(ctx, p)
}

// activates reports whether the seller takes the CSR in a separate call after the purchase.
func (j *Order) activates() bool {
	_, ok := j.Seller.(seller.Activator)
	return ok
}

// warnOfBilling warns if the panel may bill a paid term twice. A panel older than the subscription feature bills at the item's
// expiration date, which is the certificate's end; a term that one certificate cannot cover, even one year, would be billed
// again after 200 days (docs/reference/validity.md §B3.4).
func (j *Order) warnOfBilling(ctx context.Context) error {
	end := j.TermEnd()
	if end.IsZero() || !cabforum.Nominal(j.Today(), end).Before(end) {
		return nil
	}
	for _, name := range []string{settingExpireDate, cabforum.SettingPolicy} {
		value, err := j.Panel.Setting(ctx, name)
		if err != nil || value != "" {
			return err
		}
	}
	j.Log.Warningf("it is ordered for %d months, for which it needs more than one certificate, and neither %s nor %s is set in etc/billmgr.conf: a panel older than "+
		"the subscription feature bills at the certificate's end and needs %s term", j.Item.Period, cabforum.SettingPolicy, settingExpireDate, settingExpireDate)
	return nil
}

// checkOrderable returns a fault if the order cannot be bought.
func (j *Order) checkOrderable(r seller.Request) error {
	switch {
	case r.Product.Discontinued:
		return fault.Errorf(fault.Value, "pricelist", "%s is discontinued, order %s instead", r.Product.Names[0], r.Product.Successor)
	case !j.Info.Sells(r.Product):
		return fault.Errorf(fault.Value, "pricelist", "%s is an %s product: this version orders domain-validated products only", r.Product.Names[0], r.Product.Level)
	case !slices.Contains(j.Info.Terms, j.Item.Period):
		return fault.Errorf(fault.Value, "period", "a term of %d months cannot be bought at %s, possible are %s months",
			j.Item.Period, j.Info.Title, strings.ReplaceAll(item.FormatInts(j.Info.Terms), " ", ", "))
	}
	if r.Method == seller.MethodEmail && len(r.Emails) > 1 && len(r.Emails) != len(r.AllNames()) {
		return fault.Errorf(fault.Value, itemparam.Approver, "%d approvers for %d names: give one for each name, the common name's first", len(r.Emails), len(r.AllNames()))
	}
	if err := j.checkEmailMethod(r); err != nil {
		return err
	}
	return j.validate(r)
}

// validate checks an order by the seller's own rules. If the seller has none, it checks the data of persons and organisation by
// what every CA accepts; for a DV product the seller's form says which data it needs.
func (j *Order) validate(r seller.Request) error {
	if validator, ok := j.Seller.(seller.OrderValidator); ok {
		return validator.ValidateOrder(r)
	}
	if r.Product.Level == seller.DV {
		return nil
	}
	return seller.CheckContacts(r.Params)
}

// withContactErrors joins the error about CSR, names or validation method with the errors in the data of persons and
// organisation, so that the client sees all of them at once.
func (j *Order) withContactErrors(r seller.Request, wrong error) error {
	if r.Product.ID == "" { // the product is not known
		return wrong
	}
	r.Method = seller.MethodDNS // the real method was checked with the names, which are wrong here
	return fault.Join(wrong, j.validate(r))
}

// emailWarningFrom returns the day from which orders with e-mail validation get a warning: terms that begin then end after
// e-mail validation does.
func emailWarningFrom() cabforum.Date { return cabforum.Date{Year: 2027, Month: time.January, Day: 1} }

// checkEmailMethod returns a fault for an order with e-mail validation once the Forum has ended that, and warns from 2027 on.
func (j *Order) checkEmailMethod(r seller.Request) error {
	if r.Method != seller.MethodEmail {
		return nil
	}
	if err := j.checkEmailAllowed(); err != nil {
		return err
	}
	if sunset, ends := cabforum.MethodEmail.Sunset(); ends && !j.Today().Before(emailWarningFrom()) {
		j.Log.Warningf("validation by e-mail ends on %s (BR 1.2.2); reissues from that day on need DNS or a file", sunset.MustNot)
	}
	return nil
}

// checkEmailAllowed returns a fault once the Forum has ended e-mail validation (BR 1.2.2).
func (j *Order) checkEmailAllowed() error {
	if sunset, ends := cabforum.MethodEmail.Sunset(); ends && !cabforum.MethodEmail.Allowed(j.Today(), false) {
		return fault.Errorf(fault.Value, itemparam.Method,
			"control over a domain cannot be proved by e-mail any more since %s (BR 1.2.2): choose DNS or a file", sunset.MustNot)
	}
	return nil
}

// processPaid activates a paid id if needed and applies the seller's status (rules BUY-6).
func (j *Order) processPaid(ctx context.Context, id int64, fresh bool) error {
	status, err := j.currentStatus(ctx, id, fresh)
	if err != nil {
		return err
	}
	if err := j.refuseOtherOrder(ctx, status); err != nil {
		return err
	}
	changed := fresh // the status at hand is older than the purchase
	if status.State.Activatable() {
		changed = true
		if err := j.activate(ctx, status); err != nil {
			return err
		}
	}
	if !status.State.Ended() {
		if err := j.nominalDate(ctx); err != nil {
			return err
		}
	}
	outcome, err := j.firstSync(ctx, status, changed)
	if failure := fault.From(err); err != nil && failure.Type == fault.Delivered && !failure.Retry {
		return err // the delivered certificate is unusable, and the panel's own sync would not change that (rules STORE-8)
	}
	if err != nil {
		// The order is accepted; the panel's own sync reads the status again (docs/reference/billmanager.md §5.2).
		j.Log.Warningf("the first sync failed, the panel repeats it: %v", err)
	}
	if err := j.showFollowed(ctx); err != nil {
		return err
	}
	return outcome.Ended
}

// showFollowed gives an item without a status of this module the status requested, so that the next sync and the sweep ask where its
// order stands.
func (j *Order) showFollowed(ctx context.Context) error {
	for _, status := range []item.ServiceStatus{item.ServiceWaiting, item.ServiceIssued, item.ServiceFailed} {
		if j.HasStatus(status) {
			return nil
		}
	}
	return j.SetStatus(ctx, item.ServiceRequested)
}

// currentStatus returns the status of a paid id. Right after the purchase it is known; otherwise it is read from the seller.
func (j *Order) currentStatus(ctx context.Context, id int64, fresh bool) (seller.OrderStatus, error) {
	switch {
	case fresh && j.activates():
		return seller.OrderStatus{ID: id, State: seller.StateNew}, nil
	case fresh: // the CSR was submitted with the order
		return seller.OrderStatus{ID: id, State: seller.StateWaiting}, nil
	}
	status, err := j.Newest(ctx, id)
	switch {
	case err != nil:
		return status, err
	case status.State == seller.StateUnknown:
		return status, fault.Errorf(fault.API, "status", "%s shows id %d in the unknown state %q", j.Info.Title, id, status.StatusText).Retryable()
	case status.State == seller.StateUnpaid:
		return status, j.unpaidFault(status.ID)
	}
	return status, nil
}

// unpaidFault returns the fault of an order that the seller accepted and that is not paid for.
func (j *Order) unpaidFault(id int64) error {
	return fault.Errorf(fault.API, "status", "the order %d at %s is not paid for: pay it there, nothing else is ordered meanwhile", id, j.Info.Title).Retryable()
}

// firstSync applies the status at hand or, if changed says that it is outdated, the one after the submission.
func (j *Order) firstSync(ctx context.Context, status seller.OrderStatus, changed bool) (Outcome, error) {
	if changed {
		var err error
		if status, err = j.statusAfterSubmission(ctx, status.ID); err != nil {
			return Outcome{}, err
		}
	}
	return j.ApplyStatus(ctx, status)
}
