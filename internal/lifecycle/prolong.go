package lifecycle

import (
	"context"
	"slices"
	"strconv"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"

	"github.com/beevik/etree"
)

// renewWindow is how many days before the end of the paid term a renewal is bought at the earliest (rules BUY-7;
// docs/reference/namecheap.md §3.7).
const renewWindow = 90

// renewFrom returns the first day on which the present term is renewed. A month's term is shorter than the window, which
// would begin before it: the renewal that brought a term would be taken for the one that follows it, or be bought twice.
func (j *Order) renewFrom() cabforum.Date {
	start, end := j.TermStart(), j.TermEnd()
	return end.AddDays(-min(renewWindow, start.DaysUntil(end)/2))
}

// Prolong buys a new term that begins where the old one ends, activates it for the present CSR and follows it. An
// interrupted run is continued by the next one: a renewal that is paid is not bought again.
func Prolong(ctx context.Context, run *item.Run) (*etree.Document, error) {
	j, err := Begin(ctx, run)
	if err != nil {
		return nil, err
	}
	if j.ID() == 0 {
		return nil, fault.Errorf(fault.Missed, itemparam.OrderID, "%s has no order at %s to renew", j.Item.Label(), j.Info.Title)
	}
	status, err := j.Newest(ctx, j.ID())
	if err != nil {
		return nil, err
	}
	bought, err := j.renewedOn(ctx, status)
	if err != nil {
		return nil, err
	}
	if bought.IsZero() {
		if err := j.renew(ctx, status); err != nil {
			return nil, err
		}
		bought, status = j.Today(), seller.OrderStatus{ID: j.ID(), State: seller.StateRenewal}
		if !j.activates() {
			status.State = seller.StateWaiting
		}
	}
	if err := j.newTerm(ctx, bought); err != nil {
		return nil, err
	}
	return nil, j.finishRenewal(ctx, status)
}

// renewedOn returns the day on which the renewal that this run is about was paid, zero if it was not: the journal holds it
// under the same running operation, or the newest id is a renewal that waits for its activation.
func (j *Order) renewedOn(ctx context.Context, status seller.OrderStatus) (cabforum.Date, error) {
	lines, err := j.Panel.Journal(ctx)
	if err != nil {
		return cabforum.Date{}, err
	}
	if own, there := j.RenewalEntry(); there {
		lines = append(slices.Clone(lines), own)
	}
	for _, line := range lines {
		if j.isRenewal(line) && j.isThisRenewal(line, status) {
			j.Log.ExtInfof("the renewal %d was paid already", line.ID)
			return cabforum.DateOf(line.Time), nil
		}
	}
	in, err := purchase.ParseIntent(j.Item.Params[itemparam.Intent])
	switch {
	case err == nil && j.CheckIntentAccount(in) != nil:
		return cabforum.Date{}, nil // for the purchase to refuse
	case status.State != seller.StateRenewal:
		return cabforum.Date{}, nil
	case err != nil || in.Kind != seller.KindRenew:
		return j.Today(), nil // nothing, or another purchase than the renewal: not resolved by it
	}
	return j.Today(), j.SaveParam(ctx, itemparam.Intent, "")
}

// isRenewal reports whether the line of the journal is a renewal of this item with an id that the item has; others are
// another account's, or an earlier item's of the same number.
func (j *Order) isRenewal(line item.JournalEntry) bool {
	return line.Item == j.Item.Item && (line.Kind == seller.KindRenew || line.Kind == seller.KindProlong) && slices.Contains(j.Lineage(), line.ID)
}

// isThisRenewal reports whether the renewal in the journal is the one that this run is about.
func (j *Order) isThisRenewal(line item.JournalEntry, status seller.OrderStatus) bool {
	day := cabforum.DateOf(line.Time)
	if day.Before(j.Today().AddDays(-renewWindow)) {
		return false // numbers of operations can come again after years
	}
	if line.Op != 0 && line.Op == j.Args.Operation || line.ID == status.ID && status.State == seller.StateRenewal {
		return true
	}
	// what was bought in the last days of the present term is its renewal, whichever operation asked for it: one in place
	// leaves no id of its own behind, and a panel that was restored numbers its operations anew
	return !j.TermEnd().IsZero() && !day.Before(j.renewFrom())
}

// renew buys the renewal, provided that the paid term is near its end: a panel that bills at the certificate's end would
// otherwise pay a running term again and again (rules BUY-7).
func (j *Order) renew(ctx context.Context, status seller.OrderStatus) error {
	end := j.TermEnd()
	if !end.IsZero() && j.Today().Before(j.renewFrom()) {
		return &fault.Error{
			Type: fault.Running, Object: itemparam.TermStart,
			Message: "the term of this item is paid until " + end.String() + " and can be renewed from " + j.renewFrom().String() +
				" on; a panel that bills at the certificate's end needs SSLSubscriptionExpireDate term in etc/billmgr.conf",
			Params: []fault.Param{{Name: "paid_until", Value: end.String()}, {Name: "from", Value: j.renewFrom().String()}},
		}
	}
	if err := j.RefuseForeignOrder(ctx, status); err != nil {
		return err
	}
	if err := j.allowedMethod(ctx); err != nil {
		return err
	}
	request, err := j.Request()
	if err != nil {
		return err
	}
	if err := j.checkOrderable(request); err != nil {
		return err
	}
	if err := j.ReconcileOpenNames(ctx, status, request); err != nil {
		return err
	}
	p := seller.Purchase{Kind: seller.KindRenew, Product: request.Product, Months: j.Item.Period, ID: status.ID, Request: request}
	if prolonger, ok := j.Seller.(seller.Prolonger); ok {
		p.Kind = seller.KindProlong
		if p.Quote, err = prolonger.RenewalQuote(ctx, status.ID, p.Months); err != nil {
			return err
		}
		if done, err := j.RenewedElsewhere(ctx, p); err != nil || done {
			return err
		}
	}
	_, err = j.Purchase(ctx, p)
	return err
}

// newTerm moves the term to where the old one ends. Whether that was done already tells the day of the payment: it lies
// in the last days of the old term, and far from the end of the new one.
func (j *Order) newTerm(ctx context.Context, bought cabforum.Date) error {
	end := j.TermEnd()
	if !end.IsZero() && !bought.Before(j.renewFrom()) {
		// belonged to the old order; first, because the start of the term says that the rest is done
		if err := j.SaveParam(ctx, itemparam.TermEnd, ""); err != nil {
			return err
		}
		if err := j.SaveParam(ctx, itemparam.TermStart, end.String()); err != nil {
			return err
		}
	}
	// whichever run moved the term: the one that is paid now has the length that was renewed for
	if err := j.SaveParam(ctx, itemparam.TermMonths, strconv.Itoa(j.Item.Period)); err != nil {
		return err
	}
	return j.SaveTerm(ctx)
}

// finishRenewal activates the renewal, tells the panel and follows it. The panel moves its expiration date by the whole
// period when it hears of the renewal, so the right date is written after that (rules STORE-3).
func (j *Order) finishRenewal(ctx context.Context, status seller.OrderStatus) error {
	if status.State.Activatable() {
		if err := j.activate(ctx, status); err != nil {
			return err
		}
	}
	if err := j.Panel.Post(ctx, j.Item.Item, "prolong"); err != nil {
		return err
	}
	if stored, err := pki.StoredLeaf(j.Item.Stored); err == nil {
		if err := j.expireDate(ctx, stored.Ends()); err != nil {
			return err
		}
	}
	outcome, err := j.firstSync(ctx, status, true)
	if err != nil {
		j.Log.Warningf("the first sync after the renewal failed, the panel repeats it: %v", err)
	}
	return outcome.Ended
}
