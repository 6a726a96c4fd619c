package purchase

import (
	"context"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// dayTolerance is the number of days by which two dates of a seller may differ and still be the same date (rules TIME-2).
const dayTolerance = 1

// reconcileProlong decides by the end of the order whether a renewal in place without an answer has happened: the end has
// moved as quoted, or not at all. Any other end is escalated to the administrator.
func (j *Buyer) reconcileProlong(ctx context.Context, p seller.Purchase, in Intent) (int64, error) {
	ends, err := cabforum.ParseDate(in.Ends)
	becomes, err2 := cabforum.ParseDate(in.Becomes)
	if err != nil || err2 != nil || ends.IsZero() || becomes.IsZero() {
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
			"the order %d at %s ended %s before a renewal without an answer, was to end %s after it, and ends %s now: check there whether the renewal was paid, then run --command resolve --item %d --id %d, or --none",
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

// awaitNewEnd handles a renewal that the seller accepted while the end of the order has not moved. The module never pays it
// again; after a day it escalates to the administrator.
func (j *Buyer) awaitNewEnd(ctx context.Context, p seller.Purchase, in Intent) error {
	if j.Now().Sub(in.Time) < FreshCertificate {
		return fault.Errorf(fault.Waiting, itemparam.Intent, "%s accepted the renewal of the order %d at %s and its end has not moved yet; nothing more is paid",
			j.Info.Title, p.ID, in.Time.Format(time.RFC3339)).Retryable()
	}
	return j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
		"%s accepted the renewal of the order %d at %s and it still ends %s: check there whether it was paid, then run --command resolve --item %d --id %d, or --none",
		j.Info.Title, p.ID, in.Time.Format(time.RFC3339), p.Quote.CurrentEnd, j.Item.Item, p.ID))
}

// checkNotInWork returns fault.Waiting while the seller works on the order: that may be the renewal, which moves the end only
// when it is done.
func (j *Buyer) checkNotInWork(ctx context.Context, p seller.Purchase, in Intent) error {
	status, err := j.Seller.OrderStatus(ctx, p.ID)
	if err != nil || status.State != seller.StateWaiting {
		return err
	}
	return fault.Errorf(fault.Waiting, itemparam.Intent,
		"a renewal of %s had no answer, and %s works on the order %d (%s): nothing is paid before that is done; if it is not the renewal, run --command resolve --item %d --none",
		in.Time.Format(time.RFC3339), j.Info.Title, p.ID, status.StatusText, j.Item.Item).Retryable()
}

// RenewedElsewhere reports whether the order already runs to the end of the new term: the seller renewed it by itself, or
// somebody renewed it there. It records that as the renewal, so that it is not paid twice.
func (j *Buyer) RenewedElsewhere(ctx context.Context, p seller.Purchase) (bool, error) {
	end := j.TermEnd()
	runs := runsUntil(p)
	if end.IsZero() || j.Item.Params[itemparam.Intent] != "" || runs.DaysUntil(end.AddMonths(p.Months)) > renewedMargin {
		return false, nil
	}
	j.Log.Warningf("the order %d at %s runs until %s already: it was renewed there, nothing is paid", p.ID, j.Info.Title, runs)
	return true, j.record(context.WithoutCancel(ctx), p.Kind, p.ID, "")
}

// runsUntil returns the day until which the order is paid now. A seller may show the certificate's end instead
// (docs/reference/ispmanager.md §9); the paid term then ends the renewal's months before the quoted new end.
func runsUntil(p seller.Purchase) cabforum.Date {
	if p.Quote.NewEnd.IsZero() {
		return p.Quote.CurrentEnd
	}
	if term := p.Quote.NewEnd.AddMonths(-p.Months); term.After(p.Quote.CurrentEnd) {
		return term
	}
	return p.Quote.CurrentEnd
}

// renewedMargin is the number of days by which a renewed order may end before the end of the new term.
const renewedMargin = 7
