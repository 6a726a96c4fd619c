package ispmanager

import (
	"context"
	"slices"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Buy makes one payment: a new order with its CSR (kind order, docs/reference/ispmanager.md §4) or more months for an order
// that exists (kind prolong, docs/reference/ispmanager.md §8). The request that pays leaves this host once. A fault with
// Unclear says that the purchase may have happened; every other fault says that nothing was bought.
func (c *Client) Buy(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	switch {
	case p.Kind == seller.KindProlong:
		return c.prolong(ctx, p)
	case p.Kind != seller.KindOrder:
		return seller.Receipt{}, fault.Errorf(fault.Value, "kind", "purchases of the kind %q are not made at %s", p.Kind, Title)
	case p.OrderRef == "":
		return seller.Receipt{}, fault.Errorf(fault.Internal, "remoteid", "an order at %s needs an order reference", Title)
	case p.Product.Discontinued:
		return seller.Receipt{}, fault.Errorf(fault.Value, "product", "%s does not sell the product %q any more; use %q", Title, p.Product.ID, p.Product.Successor)
	case p.Months <= 0:
		return seller.Receipt{}, fault.Errorf(fault.Value, "period", "%s sells terms of whole months, not of %d", Title, p.Months)
	}
	return c.order(ctx, p)
}

// sale is one order on its way.
type sale struct {
	client *Client
	p      seller.Purchase
	tariff tariff
	basket map[string]bool // ids of what lay in the basket before, nil if it could not be read
	known  int64           // the highest id before
	// balance is what the account held before, nil if that is not known. Afterwards it says nothing: it is low because
	// the order was paid.
	balance *seller.Money
	step    string // the function that buys
	// contradicted says that the id of the answer is an order for another name in the list.
	contradicted bool
}

// order looks, walks through the wizard, pays, and finds out what came of it (docs/reference/ispmanager.md §4.6).
func (c *Client) order(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	s := sale{client: c, p: p}
	var err error
	if s.tariff, err = c.tariffFor(ctx, p.Product, p.Months); err != nil {
		return seller.Receipt{}, err
	}
	if err := s.look(ctx); err != nil {
		return seller.Receipt{}, err
	}
	j := wizardRun{client: c, carried: pairs("pricelist", idText(s.tariff.id), "period", idText(int64(p.Months)))}
	fill := filling{request: p.Request, pricelist: s.tariff.id, months: p.Months, ref: p.OrderRef}
	j.own, j.further = fill.value, fill.documented
	f, err := j.toPurchase(ctx)
	if err != nil {
		return seller.Receipt{}, s.retreat(ctx, err)
	}
	if lacking := fill.lacking(j.carried); lacking != "" {
		return seller.Receipt{}, refuseField(f.field(lacking), "no step of the order takes it as this order needs it; nothing was bought")
	}
	if err := ctx.Err(); err != nil {
		return seller.Receipt{}, fault.Errorf(fault.Interrupted, f.function, "the run ended before the purchase: %w", err).Retryable()
	}
	s.step = f.function
	params := j.submission("sok", "ok", "skipbasket", "on", "clicked_button", "finish", "remoteid", p.OrderRef, "autoprolong", offKey(f.field("autoprolong")))
	if params.Get("project") == "" && s.tariff.project != "" {
		params.Set("project", s.tariff.project)
	}
	reply, err := c.call(ctx, sellerhttp.Purchase, f.function, params)
	return s.outcome(ctx, reply, err)
}

// look remembers what is there before the order.
func (s *sale) look(ctx context.Context) error {
	rows, err := s.client.wholeList(ctx)
	if err != nil {
		return err
	}
	s.known = highest(rows)
	for _, r := range rows {
		if r.ref == s.p.OrderRef && r.item.number != itemDeleted && !slices.Contains(s.p.Released, r.id) {
			return &fault.Error{Type: fault.Unclear, Object: "remoteid", Retry: true, OutcomeUnknown: true,
				Message: Title + " has an order with our reference " + r.ref + " already: id " + idText(r.id) + "; nothing was ordered"}
		}
	}
	s.checkFunds(ctx)
	return nil
}

// checkFunds remembers the balance and what lies in the basket.
func (s *sale) checkFunds(ctx context.Context) {
	if balance, err := s.client.Balance(ctx); err == nil {
		s.balance = &balance
	} else {
		s.client.log.Warningf("what the account at %s holds could not be read before the purchase: %v", Title, err)
	}
	entries, err := s.client.basket(ctx)
	if err != nil {
		s.client.log.ExtInfof("the basket at %s cannot be read: %v", Title, err)
		return
	}
	s.basket = map[string]bool{}
	for _, one := range entries {
		s.basket[one.id] = true
	}
}

// toPurchase walks to the step that buys; it is filled, and not submitted.
func (j *wizardRun) toPurchase(ctx context.Context) (form, error) {
	f, err := j.start(ctx)
	for err == nil && !f.buys() {
		f, err = j.next(ctx, f)
	}
	return f, err
}

// start opens the wizard at the documented step of the CSR (docs/reference/ispmanager.md §4.1), or, where the remote does
// not know that name, at the beginning of the order.
func (j *wizardRun) start(ctx context.Context) (form, error) {
	f, first := j.begin(ctx, "certificate.order.csr")
	if refused := failureIn(first); refused == nil || refused.shutsOut() {
		return f, first
	}
	j.client.log.ExtInfof("%s does not open the step of the CSR (%v), beginning with the list of tariffs", Title, first)
	f, err := j.begin(ctx, "certificate.order")
	if failureIn(err) != nil {
		return form{}, first // what the documented step said
	}
	return f, err
}
