package exampleseller

import (
	"context"
	"fmt"
	"strconv"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// OrderRef returns the installation and the item's number.
func (c *Client) OrderRef(installation string, it int64) string {
	return fmt.Sprintf("%s-%d", installation, it)
}

// Buy pays for a new order or for the next term of one. The request that pays is sent once (rules BUY-3).
func (c *Client) Buy(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	if err := checkPurchase(p); err != nil {
		return seller.Receipt{}, err
	}
	command, params := "order", []string{"product", p.Product.Names[0], "ref", p.OrderRef, "csr", p.Request.CSR.PEM, "method", methodName(p.Request.Method)}
	if p.Kind == seller.KindProlong {
		command, params = "prolong", []string{"id", idText(p.ID)}
	}
	answer, err := c.call(ctx, sellerhttp.Purchase, command, append(params, "months", strconv.Itoa(p.Months))...)
	if err != nil {
		return seller.Receipt{}, purchaseFault(err)
	}
	id := idOf(answer.Attr("id"))
	if id == 0 || p.Kind == seller.KindProlong && id != p.ID {
		f := fault.Errorf(fault.Unclear, command, "%s accepted the purchase and does not name the order", Title).Retryable()
		f.OutcomeUnknown, f.Accepted = true, true
		return seller.Receipt{}, f
	}
	return seller.Receipt{ID: id, Charged: answer.Attr("charged")}, nil
}

// checkPurchase refuses a purchase that the seller does not sell, before any request.
func checkPurchase(p seller.Purchase) error {
	switch {
	case p.Kind != seller.KindOrder && p.Kind != seller.KindProlong:
		return fault.Errorf(fault.Value, "kind", "%s has no purchases of the kind %q", Title, p.Kind)
	case !p.Product.Orderable() || len(p.Product.Names) == 0:
		return fault.Errorf(fault.Value, "product", "%s does not sell the product %q any more; use %q", Title, p.Product.ID, p.Product.Successor)
	case p.Months != 12 && p.Months != 24:
		return fault.Errorf(fault.Value, "period", "%s sells terms of 12 and 24 months, not of %d", Title, p.Months)
	case p.Kind == seller.KindOrder && p.OrderRef == "":
		return fault.Errorf(fault.Missed, "ref", "an order at %s needs an order reference", Title)
	case p.Kind == seller.KindProlong && p.ID <= 0:
		return fault.Errorf(fault.Missed, itemparam.OrderID, "a renewal at %s needs the id of the order", Title)
	}
	return nil
}

func purchaseFault(err error) *fault.Error {
	f := sentOnceFault(err, "the certificate may have been bought or not")
	if f.OutcomeUnknown {
		f.Type = fault.Unclear
	}
	return f
}

// RenewalQuote reads the order's end. A renewal adds whole months to it.
func (c *Client) RenewalQuote(ctx context.Context, id int64, months int) (seller.RenewalQuote, error) {
	answer, err := c.ask(ctx, sellerhttp.Read, "status", "id", idText(id))
	if err != nil {
		return seller.RenewalQuote{}, err
	}
	end, err := cabforum.ParseDate(answer.Child("order").Attr("ends"))
	if err != nil {
		return seller.RenewalQuote{}, fault.Errorf(fault.Client, "status", "%s does not show the end of the order %d: %w", Title, id, err)
	}
	return seller.RenewalQuote{CurrentEnd: end, NewEnd: end.AddMonths(months)}, nil
}
