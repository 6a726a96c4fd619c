package command

import (
	"context"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/cert"
)

// dayTolerance is how far two dates of a seller may lie apart and mean the same (contract 2).
const dayTolerance = 1

// settleProlong tells from the end of the order whether a renewal in place without an answer has happened: the end has moved
// to where it was to move, or it has not moved at all. Anything between is for an administrator to say.
func (j *job) settleProlong(ctx context.Context, p cert.Purchase, in intent) (int64, error) {
	ends, err := cabforum.ParseDate(in.Ends)
	becomes, too := cabforum.ParseDate(in.Becomes)
	if err != nil || too != nil || ends.IsZero() || becomes.IsZero() {
		return 0, j.giveUp(ctx, cert.Faultf(cert.FaultUnclear, cert.ParamIntent,
			"the renewal intent of item %d does not say when the order ended: compare with the seller, then run --command resolve --item %d --id %d, or --none",
			j.order.Item, j.order.Item, p.ID))
	}
	now := p.Extension.Ends
	switch {
	case !now.AddDays(dayTolerance).Before(becomes):
		return j.adopt(ctx, in.Kind, p.ID, "ends "+now.String()+", as the renewal of "+in.Time.Format("2006-01-02 15:04")+" was to bring")
	case now.DaysUntil(ends) > dayTolerance || ends.DaysUntil(now) > dayTolerance:
		return 0, j.giveUp(ctx, cert.Faultf(cert.FaultUnclear, cert.ParamIntent,
			"the order %d at %s ended %s before a renewal without answer, was to end %s, and ends %s: look there whether the renewal was paid, then run --command resolve --item %d --id %d, or --none",
			p.ID, j.Trade.Title, ends, becomes, now, j.order.Item, p.ID))
	}
	if in.Accepted {
		return 0, j.awaitEnd(ctx, p, in)
	}
	if err := j.early(in); err != nil {
		return 0, err
	}
	if err := j.underWork(ctx, p, in); err != nil {
		return 0, err
	}
	return 0, j.buyAgain(ctx, in)
}

// awaitEnd is a renewal that the seller took although the end of the order has not moved: it is never paid again by a program.
// One of which nothing came in a day is for an administrator.
func (j *job) awaitEnd(ctx context.Context, p cert.Purchase, in intent) error {
	if j.Now().Sub(in.Time) < freshCertificate {
		return cert.Faultf(cert.FaultWaiting, cert.ParamIntent, "%s took the renewal of the order %d at %s and its end has not moved yet; nothing more is paid",
			j.Trade.Title, p.ID, in.Time.Format(time.RFC3339)).Again()
	}
	return j.giveUp(ctx, cert.Faultf(cert.FaultUnclear, cert.ParamIntent,
		"%s took the renewal of the order %d at %s and it still ends %s: look there whether it was paid, then run --command resolve --item %d --id %d, or --none",
		j.Trade.Title, p.ID, in.Time.Format(time.RFC3339), p.Extension.Ends, j.order.Item, p.ID))
}

// underWork holds back where the seller works on the order: it may be the renewal, and its end moves when that is done.
func (j *job) underWork(ctx context.Context, p cert.Purchase, in intent) error {
	report, err := j.seller.Report(ctx, p.ID)
	if err != nil || report.State != cert.StateWaiting {
		return err
	}
	return cert.Faultf(cert.FaultWaiting, cert.ParamIntent,
		"a renewal of %s had no answer, and %s works on the order %d (%s): nothing is paid before that is over; an administrator who knows better runs --command resolve --item %d --none",
		in.Time.Format(time.RFC3339), j.Trade.Title, p.ID, report.Words, j.order.Item).Again()
}

// renewedElsewhere tells whether the order already runs to the end of the new term: the seller has renewed it by itself, or
// somebody did it there. It is taken for the renewal; paying once more would be paying twice.
func (j *job) renewedElsewhere(ctx context.Context, p cert.Purchase) (bool, error) {
	end := j.termEnd()
	if end.IsZero() || j.order.Params[cert.ParamIntent] != "" || p.Extension.Ends.DaysUntil(end.AddMonths(p.Months)) > renewedMargin {
		return false, nil
	}
	j.Log.Warningf("item %d: the order %d at %s runs until %s already: it was renewed there, nothing is paid", j.order.Item, p.ID, j.Trade.Title, p.Extension.Ends)
	return true, j.record(context.WithoutCancel(ctx), p.Kind, p.ID, "")
}

// renewedMargin is how many days before the end of the new term an order may end and still be the renewed one.
const renewedMargin = 7
