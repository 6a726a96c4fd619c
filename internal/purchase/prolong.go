package purchase

import (
	"context"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// dayTolerance is how far two dates of a seller may lie apart and mean the same (rules TIME-2).
const dayTolerance = 1

// reconcileProlong tells from the end of the order whether a renewal in place without an answer has happened: the end has
// moved to where it was to move, or it has not moved at all. Anything between is for an administrator to say.
func (j *Buyer) reconcileProlong(ctx context.Context, p seller.Purchase, in Intent) (int64, error) {
	ends, err := cabforum.ParseDate(in.Ends)
	becomes, too := cabforum.ParseDate(in.Becomes)
	if err != nil || too != nil || ends.IsZero() || becomes.IsZero() {
		return 0, j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
			"the renewal intent of item %d does not say when the order ended: compare with the seller, then run --command resolve --item %d --id %d, or --none",
			j.Item.Item, j.Item.Item, p.ID))
	}
	now := p.Quote.CurrentEnd
	switch {
	case !runsUntil(p).AddDays(dayTolerance).Before(becomes):
		return j.adopt(ctx, in.Kind, p.ID, "ends "+runsUntil(p).String()+", as the renewal of "+in.Time.Format("2006-01-02 15:04")+" was to bring")
	case now.DaysUntil(ends) > dayTolerance || ends.DaysUntil(now) > dayTolerance:
		return 0, j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
			"the order %d at %s ended %s before a renewal without answer, was to end %s, and ends %s: look there whether the renewal was paid, then run --command resolve --item %d --id %d, or --none",
			p.ID, j.Info.Title, ends, becomes, now, j.Item.Item, p.ID))
	}
	if in.Accepted {
		return 0, j.awaitNewEnd(ctx, p, in)
	}
	if err := j.checkIntentWait(in); err != nil {
		return 0, err
	}
	if err := j.checkNotInWork(ctx, p, in); err != nil {
		return 0, err
	}
	return 0, j.allowRetry(ctx, in)
}

// awaitNewEnd handles a renewal that the seller took although the end of the order has not moved: it is never paid again by a
// program. One that had no effect within a day is for an administrator.
func (j *Buyer) awaitNewEnd(ctx context.Context, p seller.Purchase, in Intent) error {
	if j.Now().Sub(in.Time) < FreshCertificate {
		return fault.Errorf(fault.Waiting, itemparam.Intent, "%s took the renewal of the order %d at %s and its end has not moved yet; nothing more is paid",
			j.Info.Title, p.ID, in.Time.Format(time.RFC3339)).Retryable()
	}
	return j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
		"%s took the renewal of the order %d at %s and it still ends %s: look there whether it was paid, then run --command resolve --item %d --id %d, or --none",
		j.Info.Title, p.ID, in.Time.Format(time.RFC3339), p.Quote.CurrentEnd, j.Item.Item, p.ID))
}

// checkNotInWork holds back where the seller works on the order: it may be the renewal, and its end moves when that is done.
func (j *Buyer) checkNotInWork(ctx context.Context, p seller.Purchase, in Intent) error {
	status, err := j.Seller.OrderStatus(ctx, p.ID)
	if err != nil || status.State != seller.StateWaiting {
		return err
	}
	return fault.Errorf(fault.Waiting, itemparam.Intent,
		"a renewal of %s had no answer, and %s works on the order %d (%s): nothing is paid before that is over; an administrator who knows better runs --command resolve --item %d --none",
		in.Time.Format(time.RFC3339), j.Info.Title, p.ID, status.StatusText, j.Item.Item).Retryable()
}

// RenewedElsewhere reports whether the order already runs to the end of the new term: the seller has renewed it by itself,
// or somebody did it there. It is taken for the renewal; paying once more would be paying twice.
func (j *Buyer) RenewedElsewhere(ctx context.Context, p seller.Purchase) (bool, error) {
	end := j.TermEnd()
	runs := runsUntil(p)
	if end.IsZero() || j.Item.Params[itemparam.Intent] != "" || runs.DaysUntil(end.AddMonths(p.Months)) > renewedMargin {
		return false, nil
	}
	j.Log.Warningf("the order %d at %s runs until %s already: it was renewed there, nothing is paid", p.ID, j.Info.Title, runs)
	return true, j.record(context.WithoutCancel(ctx), p.Kind, p.ID, "")
}

// runsUntil returns the end of the order as it is. A seller may show the certificate's end for it
// (docs/reference/ispmanager.md §9); the end that a renewal would bring then tells where the paid term ends.
func runsUntil(p seller.Purchase) cabforum.Date {
	if p.Quote.NewEnd.IsZero() {
		return p.Quote.CurrentEnd
	}
	if term := p.Quote.NewEnd.AddMonths(-p.Months); term.After(p.Quote.CurrentEnd) {
		return term
	}
	return p.Quote.CurrentEnd
}

// renewedMargin is how many days before the end of the new term an order may end and still be the renewed one.
const renewedMargin = 7
