package ispmanager

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const functionProlong = "service.prolong"

// RenewalQuote reads the form of the renewal: until when the order is paid now, and after a renewal by so many months
// (docs/reference/ispmanager.md §8). If the period is not offered, the fault is of type API and names the offered ones.
func (c *Client) RenewalQuote(ctx context.Context, id int64, months int) (seller.RenewalQuote, error) {
	_, quote, err := c.prolongForm(ctx, id, months)
	return quote, err
}

func (c *Client) prolongForm(ctx context.Context, id int64, months int) (url.Values, seller.RenewalQuote, error) {
	f, err := c.openForm(ctx, functionProlong, element(id))
	if err != nil {
		return nil, seller.RenewalQuote{}, err
	}
	values, err := f.fill(func(one field) (string, bool, error) {
		switch one.name {
		case "period":
			return strconv.Itoa(months), true, nil
		case "elid":
			return idText(id), true, nil
		}
		return "", false, nil
	})
	if err != nil {
		return nil, seller.RenewalQuote{}, err
	}
	if !f.has("period") {
		return nil, seller.RenewalQuote{}, refuseField(f.field("period"), "the form of the renewal lacks this field")
	}
	return values, c.readQuote(ctx, id, months, f), nil
}

// readQuote reads the two ends from the form, which shows the new one for the selected period only.
func (c *Client) readQuote(ctx context.Context, id int64, months int, f form) seller.RenewalQuote {
	e := seller.RenewalQuote{CurrentEnd: dateOf(f.value("expiredate")), NewEnd: dateOf(f.value("newexpiredate"))}
	if e.CurrentEnd.IsZero() {
		e.CurrentEnd = dateOf(f.value("real_expiredate")) // expiredate is a phrase for some (docs/reference/ispmanager.md §1.5)
	}
	if monthsOf(f.value("period")) != months {
		params := element(id)
		params.Set("period", strconv.Itoa(months))
		reply, err := c.read(ctx, functionProlong, params)
		if err != nil {
			c.log.ExtInfof("%s does not show the end after %d months of the order %d: %v", Title, months, id, err)
		}
		e.NewEnd = cabforum.Date{}
		if err == nil && monthsOf(reply.value("period")) == months {
			e.NewEnd = dateOf(reply.value("newexpiredate"))
		}
	}
	if e.NewEnd.IsZero() && !e.CurrentEnd.IsZero() {
		e.NewEnd = e.CurrentEnd.AddMonths(months)
	}
	return e
}

// prolong pays for more months of an order (docs/reference/ispmanager.md §8). The request is not idempotent: it is sent
// once, and the end of the order is read before and after it.
func (c *Client) prolong(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	if p.ID <= 0 || p.Months <= 0 {
		return seller.Receipt{}, fault.Errorf(fault.Missed, itemparam.OrderID, "a renewal at %s needs the id of the order and its months", Title)
	}
	values, before, err := c.prolongForm(ctx, p.ID, p.Months)
	if err != nil {
		return seller.Receipt{}, err
	}
	if before.CurrentEnd.IsZero() { // without it, the payment could not be verified afterwards
		return seller.Receipt{}, fault.Errorf(fault.API, functionProlong, "%s does not show until when the order %d is paid; nothing was bought", Title, p.ID)
	}
	if err := c.noRenewalUnderWay(ctx, p.ID); err != nil {
		return seller.Receipt{}, err
	}
	for name, own := range map[string]string{"elid": idText(p.ID), "period": strconv.Itoa(p.Months), "sok": "ok"} {
		values.Set(name, own)
	}
	s := orderRun{client: c, p: p, step: functionProlong}
	if s.tariff, err = c.tariffFor(ctx, p.Product, p.Months); err != nil {
		c.log.ExtInfof("the price of the renewal is not known: %v", err) // the remote's own form offered the period
	}
	s.checkFunds(ctx)
	reply, sent := c.call(ctx, sellerhttp.Purchase, functionProlong, values)
	if sent != nil && notSent(sent) {
		return seller.Receipt{}, faultOf(sent)
	}
	return s.prolonged(ctx, before.CurrentEnd, reply, sent)
}

// noRenewalUnderWay refuses to pay for an order that the remote is renewing already, by itself or for an earlier
// request without an answer: the order's end moves only when the renewal is done (item_status_5_prolong,
// docs/reference/ispmanager.md §5). It reads a new list that does not change meanwhile, because the list for
// OrderStatus may be a minute old and one walk may miss the order (rules BUY-10).
func (c *Client) noRenewalUnderWay(ctx context.Context, id int64) error {
	rows, err := c.list(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(rows, func(r row) bool { return r.id == id })
	if at < 0 || !strings.HasPrefix(rows[at].item.task, "prolong") {
		return nil
	}
	r := rows[at]
	return fault.Errorf(fault.API, functionProlong, "%s already renews the order %d (%s); nothing was paid, its end is read again later",
		Title, id, stateWords(r.item, r.service)).Retryable()
}

// prolonged returns the result of a renewal by comparing the order's end with the one before.
func (s *orderRun) prolonged(ctx context.Context, ended cabforum.Date, reply answer, sent error) (seller.Receipt, error) {
	receipt := seller.Receipt{ID: s.p.ID, Charged: s.tariff.price(s.p.Months).Text}
	if until := dateOf(reply.value("newexpiredate")); sent == nil && reply.done() && until.After(ended) {
		return receipt, nil
	}
	cause := s.faultOfAnswer(reply, sent)
	now, err := s.client.RenewalQuote(ctx, s.p.ID, s.p.Months)
	switch {
	case err != nil:
		return seller.Receipt{}, markUnknown(cause, "the renewal may have been paid or not, and its end could not be read ("+fault.From(err).Message+")")
	case now.CurrentEnd.After(ended):
		return receipt, nil
	case sent == nil && reply.done(): // the end may move later
		return seller.Receipt{}, acceptedFault(cause, "the renewal was accepted and the order's end is still "+now.CurrentEnd.String())
	}
	return s.notListed(ctx, reply, sent, cause)
}
