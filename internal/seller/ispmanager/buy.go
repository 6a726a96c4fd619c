package ispmanager

import (
	"context"
	"slices"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Buy makes one payment: a new order with its CSR (kind order, docs/reference/ispmanager.md §4) or more months for an
// existing order (kind prolong, docs/reference/ispmanager.md §8). The request that pays is sent once. A fault with
// OutcomeUnknown says that the purchase may have happened; any other fault says that nothing was bought.
func (c *Client) Buy(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	if p.Kind == seller.KindProlong {
		return c.prolong(ctx, p)
	}
	if err := checkOrder(p); err != nil {
		return seller.Receipt{}, err
	}
	return c.order(ctx, p)
}

// PreviewOrder walks through the steps of an order up to the one that pays, which is not submitted (seller.OrderPreviewer).
func (c *Client) PreviewOrder(ctx context.Context, p seller.Purchase) (seller.Finding, error) {
	if err := checkOrder(p); err != nil {
		return seller.Finding{}, err
	}
	s := orderRun{client: c, p: p}
	f, _, err := s.prepare(ctx)
	return seller.Finding{Title: "order, last step", Function: f.function, OK: err == nil}, err
}

// checkOrder refuses what is no new order, or none that this client can make.
func checkOrder(p seller.Purchase) error {
	switch {
	case p.Kind != seller.KindOrder:
		return fault.Errorf(fault.Value, "kind", "%[2]s has no purchases of the kind %[1]q", p.Kind, Title)
	case p.OrderRef == "":
		return fault.Errorf(fault.Internal, "remoteid", "an order at %s needs an order reference", Title)
	case p.Product.Discontinued:
		return fault.Errorf(fault.Value, "product", "%s does not sell the product %q any more; use %q", Title, p.Product.ID, p.Product.Successor)
	case p.Months <= 0:
		return fault.Errorf(fault.Value, "period", "%s sells terms of whole months, not of %d", Title, p.Months)
	}
	return nil
}

// orderRun is a purchase in progress.
type orderRun struct {
	client *Client
	p      seller.Purchase
	tariff tariff
	basket map[string]bool // ids of the basket's entries before the order; nil if it could not be read
	known  int64           // the highest id before the order
	// balance is the balance before the order; nil if unknown. The balance after it proves nothing, because the order may have
	// been paid from it.
	balance *seller.Money
	step    string // the function that pays
	// contradicted says that the list has an order for another name under the id of the answer.
	contradicted bool
}

// order reads the state before, walks through the wizard, pays, and finds out the result (docs/reference/ispmanager.md §4.6).
func (c *Client) order(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	s := orderRun{client: c, p: p}
	f, j, err := s.prepare(ctx)
	if err != nil {
		return seller.Receipt{}, err
	}
	s.step = f.function
	params := j.submission("sok", "ok", "skipbasket", "on", "clicked_button", "finish", "remoteid", p.OrderRef, "autoprolong", offKey(f.field("autoprolong")))
	if params.Get("project") == "" && s.tariff.project != "" {
		params.Set("project", s.tariff.project)
	}
	reply, err := c.call(ctx, sellerhttp.Purchase, f.function, params)
	return s.outcome(ctx, reply, err)
}

// prepare reads the state before the order and walks through the wizard to the step that pays, whose form it fills and does not
// submit.
func (s *orderRun) prepare(ctx context.Context) (form, *wizardRun, error) {
	var err error
	if s.tariff, err = s.client.tariffFor(ctx, s.p.Product, s.p.Months); err != nil {
		return form{}, nil, err
	}
	if err := s.recordBefore(ctx); err != nil {
		return form{}, nil, err
	}
	j := &wizardRun{client: s.client, carried: pairs("pricelist", idText(s.tariff.id), "period", idText(int64(s.p.Months)))}
	fill := orderValues{request: s.p.Request, pricelist: s.tariff.id, months: s.p.Months, ref: s.p.OrderRef}
	j.own, j.further = fill.value, fill.documented
	f, err := j.toLastStep(ctx)
	if err != nil {
		return form{}, nil, s.cleanUp(ctx, err)
	}
	if lacking := fill.missingField(j.carried); lacking != "" {
		return form{}, nil, refuseField(f.field(lacking), "no step of the order takes the value that this order needs; nothing was bought")
	}
	if err := ctx.Err(); err != nil {
		return form{}, nil, fault.Errorf(fault.Interrupted, f.function, "the run ended before the purchase: %w", err).Retryable()
	}
	return f, j, nil
}

// recordBefore records the orders, the balance and the basket before the order. It refuses an order whose reference is in
// the list already. The list is that of the snapshot on which the purchase was decided, if this client has just read it.
func (s *orderRun) recordBefore(ctx context.Context) error {
	rows, known := s.client.whole.recall(s.client.now())
	if !known {
		var err error
		if rows, err = s.client.wholeList(ctx); err != nil {
			return err
		}
	}
	s.known = highest(rows)
	for _, r := range rows {
		if r.ref == s.p.OrderRef && r.item.number != itemDeleted && !slices.Contains(s.p.Released, r.id) {
			return &fault.Error{Type: fault.Unclear, Object: "remoteid", Retry: true, OutcomeUnknown: true,
				Message: Title + " already has an order with our reference " + r.ref + ": id " + idText(r.id) + "; nothing was ordered"}
		}
	}
	s.checkFunds(ctx)
	return nil
}

// checkFunds records the balance and the entries of the basket.
func (s *orderRun) checkFunds(ctx context.Context) {
	if balance, err := s.client.balanceBefore(ctx); err == nil {
		s.balance = &balance
	} else {
		s.client.log.Warningf("the balance of the account at %s could not be read before the purchase: %v", Title, err)
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

// toLastStep walks to the step that pays. It fills the step and does not submit it.
func (j *wizardRun) toLastStep(ctx context.Context) (form, error) {
	f, err := j.start(ctx)
	for err == nil && !f.buys() {
		f, err = j.next(ctx, f)
	}
	return f, err
}

// start opens the wizard at the documented step of the CSR (docs/reference/ispmanager.md §4.1), or at the beginning of the
// order if the remote does not have that step.
func (j *wizardRun) start(ctx context.Context) (form, error) {
	f, first := j.begin(ctx, "certificate.order.csr")
	if refused := failureIn(first); refused == nil || refused.refusesAccess() {
		return f, first
	}
	j.client.log.ExtInfof("%s does not open the step of the CSR (%v); starting with the list of tariffs", Title, first)
	f, err := j.begin(ctx, "certificate.order")
	if failureIn(err) != nil {
		return form{}, first // the error of the documented step
	}
	return f, err
}
