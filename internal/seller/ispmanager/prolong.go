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

// RenewalQuote reads the form of the renewal: until when the order is paid, and until when it would be after so many months
// (docs/reference/ispmanager.md §8). A period that is not offered is API that names those that are.
func (c *Client) RenewalQuote(ctx context.Context, id int64, months int) (seller.RenewalQuote, error) {
	_, extension, err := c.prolongForm(ctx, id, months)
	return extension, err
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
		return nil, seller.RenewalQuote{}, refuseField(f.field("period"), "the form of a renewal has no such field")
	}
	return values, c.extension(ctx, id, months, f), nil
}

// extension reads the two ends off the form; the new one is shown for the period that is chosen there.
func (c *Client) extension(ctx context.Context, id int64, months int, f form) seller.RenewalQuote {
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

// prolong pays for more months of an order (docs/reference/ispmanager.md §8). It is not idempotent: the end of the term is
// read before and after, and the request is sent once.
func (c *Client) prolong(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	if p.ID <= 0 || p.Months <= 0 {
		return seller.Receipt{}, fault.Errorf(fault.Missed, itemparam.OrderID, "a renewal at %s needs the id of the order and its months", Title)
	}
	values, before, err := c.prolongForm(ctx, p.ID, p.Months)
	if err != nil {
		return seller.Receipt{}, err
	}
	if before.CurrentEnd.IsZero() { // without it nobody could tell afterwards whether it was paid
		return seller.Receipt{}, fault.Errorf(fault.API, functionProlong, "%s does not show until when the order %d is paid; nothing was bought", Title, p.ID)
	}
	if err := c.noRenewalUnderWay(ctx, p.ID); err != nil {
		return seller.Receipt{}, err
	}
	for name, own := range map[string]string{"elid": idText(p.ID), "period": strconv.Itoa(p.Months), "sok": "ok"} {
		values.Set(name, own)
	}
	s := sale{client: c, p: p, step: functionProlong}
	if s.tariff, err = c.tariffFor(ctx, p.Product, p.Months); err != nil {
		c.log.ExtInfof("the price of the renewal is not known: %v", err) // the remote's own form offered the period
	}
	s.checkFunds(ctx)
	reply, sent := c.call(ctx, sellerhttp.Purchase, functionProlong, values)
	if sent != nil && certain(sent) {
		return seller.Receipt{}, faultOf(sent)
	}
	return s.prolonged(ctx, before.CurrentEnd, reply, sent)
}

// noRenewalUnderWay refuses to pay for an order that the remote renews already, by itself or for a request of ours without
// an answer: the end of the order moves only when that is done (item_status_5_prolong, docs/reference/ispmanager.md §5).
// The list is read anew, and has to hold still: one that a report used is up to a minute old, and a walk that did not close
// may lack the order (rules BUY-10).
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
	return fault.Errorf(fault.API, functionProlong, "%s renews the order %d already (%s); nothing was paid, its end is looked at again later",
		Title, id, stateWords(r.item, r.service)).Retryable()
}

// prolonged compares the end of the term with what it was.
func (s *sale) prolonged(ctx context.Context, ended cabforum.Date, reply answer, sent error) (seller.Receipt, error) {
	receipt := seller.Receipt{ID: s.p.ID, Charged: s.tariff.price(s.p.Months).Text}
	if until := dateOf(reply.value("newexpiredate")); sent == nil && reply.clean() && until.After(ended) {
		return receipt, nil
	}
	said := s.said(reply, sent)
	now, err := s.client.RenewalQuote(ctx, s.p.ID, s.p.Months)
	switch {
	case err != nil:
		return seller.Receipt{}, unclear(said, "the renewal may have been paid or not, and its end could not be read ("+fault.From(err).Message+")")
	case now.CurrentEnd.After(ended):
		return receipt, nil
	case sent == nil && reply.clean(): // the end may move later
		return seller.Receipt{}, taken(said, "the renewal was taken and its end is "+now.CurrentEnd.String()+" as before")
	}
	return s.nothing(ctx, reply, sent, said)
}
