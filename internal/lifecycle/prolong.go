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

// renewWindow is the number of days before the end of the paid term from which a renewal may be bought (rules BUY-7;
// docs/reference/namecheap.md §3.7).
const renewWindow = 90

// renewFrom returns the first day on which the present term may be renewed. For a short term it is the middle of the term: the
// window would begin before the term does, and the renewal that brought the term would be taken for the next one.
func (j *Order) renewFrom() cabforum.Date {
	start, end := j.TermStart(), j.TermEnd()
	return end.AddDays(-min(renewWindow, start.DaysUntil(end)/2))
}

// Prolong buys a new term that begins where the old one ends, activates it for the present CSR and applies its status. After an
// interruption the next run continues: a paid renewal is not bought again.
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
	if bought.on.IsZero() {
		if err := j.renew(ctx, status); err != nil {
			return nil, err
		}
		bought, status = renewal{on: j.Today(), from: j.TermEnd()}, seller.OrderStatus{ID: j.ID(), State: seller.StateRenewal}
		if !j.activates() {
			status.State = seller.StateWaiting
		}
	}
	if err := j.newTerm(ctx, bought); err != nil {
		return nil, err
	}
	return nil, j.finishRenewal(ctx, status)
}

// renewal is a renewal that was paid: the day of the payment, and the first day of the term that it paid for, zero if that is not known.
type renewal struct{ on, from cabforum.Date }

// renewedOn returns this run's renewal; none if it was not paid. The journal has the renewal with the same running operation, or the
// newest id is a renewal that is not activated yet.
func (j *Order) renewedOn(ctx context.Context, status seller.OrderStatus) (renewal, error) {
	lines, err := j.Panel.JournalOf(ctx, j.Item.Item)
	if err != nil {
		return renewal{}, err
	}
	if own, there := j.RenewalEntry(); there {
		lines = append(slices.Clone(lines), own)
	}
	for _, line := range lines {
		if j.isRenewal(line) && j.isThisRenewal(line, status) {
			j.Log.ExtInfof("the renewal %d was paid already", line.ID)
			return renewal{cabforum.DateOf(line.Time), termStartOf(line)}, j.SaveRenewal(ctx, line)
		}
	}
	in, err := purchase.ParseIntent(j.Item.Params[itemparam.Intent])
	switch {
	case err == nil && j.CheckIntentAccount(in) != nil:
		return renewal{}, nil // Purchase returns the fault
	case status.State != seller.StateRenewal:
		return renewal{}, nil
	case err != nil || in.Kind != seller.KindRenew:
		return renewal{on: j.Today()}, nil // no intent, or one that the renewal does not resolve
	}
	return renewal{on: j.Today()}, j.SaveParam(ctx, itemparam.Intent, "")
}

// termStartOf returns the first day of the term that a renewal of the journal paid for; zero if that is not known.
func termStartOf(line item.JournalEntry) cabforum.Date {
	start, err := cabforum.ParseDate(line.TermStart)
	if err != nil {
		return cabforum.Date{}
	}
	return start
}

// isRenewal reports whether the journal entry is a renewal of this item with an id that the item has. Other entries belong to
// another account, or to an item of an earlier database with the same number.
func (j *Order) isRenewal(line item.JournalEntry) bool {
	return line.Item == j.Item.Item && (line.Kind == seller.KindRenew || line.Kind == seller.KindProlong) && slices.Contains(j.Lineage(), line.ID)
}

// isThisRenewal reports whether the journal entry is the renewal that this run has to buy.
func (j *Order) isThisRenewal(line item.JournalEntry, status seller.OrderStatus) bool {
	day := cabforum.DateOf(line.Time)
	if day.Before(j.Today().AddDays(-renewWindow)) {
		return false // operation numbers can repeat after years
	}
	if line.Op != 0 && line.Op == j.Args.Operation || line.ID == status.ID && status.State == seller.StateRenewal {
		return true
	}
	if from := termStartOf(line); !from.IsZero() {
		return from == j.TermEnd() // else it has brought the present term, or an earlier one
	}
	// A renewal bought in the last days of the present term is its renewal, whatever its operation: a renewal in place has no
	// id of its own, and a restored panel numbers its operations again.
	return !j.TermEnd().IsZero() && !day.Before(j.renewFrom())
}

// renew buys the renewal if the paid term is near its end. A panel that bills at the certificate's end would otherwise pay for
// the running term several times (rules BUY-7).
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
	request, err := j.renewalRequest(ctx, status)
	if err != nil {
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

// renewalRequest returns the request that the renewal is bought for.
func (j *Order) renewalRequest(ctx context.Context, status seller.OrderStatus) (seller.Request, error) {
	if err := j.AdoptCSR(ctx); err != nil {
		return seller.Request{}, err
	}
	if err := j.RefuseForeignOrder(ctx, status); err != nil {
		return seller.Request{}, err
	}
	if err := j.allowedMethod(ctx); err != nil {
		return seller.Request{}, err
	}
	request, err := j.Request()
	if err != nil {
		return seller.Request{}, err
	}
	return request, j.checkOrderable(request)
}

// newTerm starts the new term at the end of the old one, unless that is done: the renewal paid for the term that begins there. If that is
// not known, the day of the payment shows it, which is near the end of the old term and far from the end of the new one.
func (j *Order) newTerm(ctx context.Context, bought renewal) error {
	end := j.TermEnd()
	begins := bought.from == end
	if bought.from.IsZero() {
		begins = !bought.on.Before(j.renewFrom())
	}
	if !end.IsZero() && begins {
		// TermEnd belongs to the old order. It is deleted first, because a new TermStart means that this is done.
		if err := j.SaveParam(ctx, itemparam.TermEnd, ""); err != nil {
			return err
		}
		if err := j.SaveParam(ctx, itemparam.TermStart, end.String()); err != nil {
			return err
		}
	}
	// The paid term has the renewed length, whichever run started it.
	if err := j.SaveParam(ctx, itemparam.TermMonths, strconv.Itoa(j.Item.Period)); err != nil {
		return err
	}
	return j.SaveTerm(ctx)
}

// showRenewalFollowed shows a renewal that waits for its certificate as requested before the operation ends: the panel repeats a first
// sync that fails or is killed for a waiting item only, not for one that is shown as issued.
func (j *Order) showRenewalFollowed(ctx context.Context, status seller.OrderStatus) error {
	if !status.State.Activatable() && status.State != seller.StateWaiting || j.HasStatus(item.ServiceWaiting) {
		return nil
	}
	return j.SetStatus(ctx, item.ServiceRequested)
}

// finishRenewal activates the renewal, reports it to the panel and applies its status. On that report the panel moves the
// item's expiration date by the whole period, so the right date is written after it (rules STORE-3).
func (j *Order) finishRenewal(ctx context.Context, status seller.OrderStatus) error {
	if status.State.Activatable() {
		if err := j.activate(ctx, status); err != nil {
			return err
		}
	}
	if err := j.showRenewalFollowed(ctx, status); err != nil {
		return err
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
