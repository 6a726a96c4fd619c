package ispmanager

import (
	"context"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const functionBasket = "basket"

// entry is an unpaid order in the basket (docs/reference/ispmanager.md §4.5).
type entry struct{ id, text string }

// basket lists the entries of the account's basket: the table itemlist, or rows of the document itself
// (docs/reference/ispmanager.md §4.5).
func (c *Client) basket(ctx context.Context) ([]entry, error) {
	reply, err := c.read(ctx, functionBasket, nil)
	if err != nil {
		return nil, err
	}
	rows := append(reply.rows, reply.tables["itemlist"]...)
	if reply.nested != nil {
		rows = append(append(rows, reply.nested.rows...), reply.nested.tables["itemlist"]...)
	}
	var all []entry
	for _, e := range rows {
		id := words(e.Child("id").Text())
		if id == "" {
			return nil, fault.Errorf(fault.Client, functionBasket, "the basket at %s has an entry without id", Title)
		}
		one := entry{id: id}
		for _, child := range e.Children {
			one.text += " " + child.Text()
		}
		all = append(all, one)
	}
	return all, nil
}

// inBasket returns the entries of the basket from this order: new ones with our common name or order reference, or the
// new one if there is only one.
func (s *orderRun) inBasket(ctx context.Context) ([]entry, error) {
	if s.basket == nil {
		return nil, nil
	}
	entries, err := s.client.basket(ctx)
	if err != nil {
		return nil, err
	}
	var fresh, named []entry
	for _, one := range entries {
		if s.basket[one.id] {
			continue
		}
		fresh = append(fresh, one)
		text := strings.ToLower(one.text)
		for _, own := range []string{s.p.Request.CSR.CommonName, strings.ToLower(s.p.OrderRef)} {
			if own != "" && strings.Contains(text, own) {
				named = append(named, one)
				break
			}
		}
	}
	if len(named) == 0 && len(fresh) == 1 {
		return fresh, nil
	}
	return named, nil
}

// missingFunds returns a text about a balance below the price; empty if the balance was sufficient or is unknown.
func (s *orderRun) missingFunds() string {
	price := s.tariff.price(s.p.Months)
	switch {
	case s.balance == nil, price.Text == "", s.balance.Amount >= price.Amount,
		s.balance.Currency != "" && price.Currency != "" && !strings.EqualFold(price.Currency, s.balance.Currency):
		return ""
	}
	return "the balance is " + moneyText(*s.balance) + ", the price is " + moneyText(price)
}

// fundsSpent returns a text if the balance has decreased since the order was sent, because the list may be updated
// after the payment; empty if it has not decreased or is unknown.
func (s *orderRun) fundsSpent(ctx context.Context) string {
	if s.balance == nil {
		return ""
	}
	now, err := s.client.Balance(ctx)
	if err != nil || now.Amount >= s.balance.Amount {
		return ""
	}
	return "the balance was " + moneyText(*s.balance) + " before and is " + moneyText(now) + " now; nothing was deleted"
}

func moneyText(m seller.Money) string { return strings.TrimSpace(m.Text + " " + m.Currency) }

// removeUnpaid deletes the unpaid orders and basket entries of this order and checks that they are gone. If they are,
// nothing was bought for certain; otherwise the fault names what still exists.
func (s *orderRun) removeUnpaid(ctx context.Context, unpaid []int64, cause *fault.Error) (seller.Receipt, error) {
	for _, id := range unpaid {
		if err := s.client.Cancel(ctx, id); err != nil {
			s.client.log.Warningf("the unpaid order %d at %s could not be deleted: %v", id, Title, err)
		}
	}
	if err := s.clearBasket(ctx); err != nil {
		return seller.Receipt{}, markUnknown(cause, "nothing was paid, and the basket could not be read")
	}
	left, err := s.leftovers(ctx)
	switch {
	case err != nil:
		return seller.Receipt{}, markUnknown(cause, "nothing was paid, and whether the order still exists could not be read ("+fault.From(err).Message+")")
	case left != "":
		return seller.Receipt{}, markUnknown(cause, "nothing was paid, but "+left+" still exists; delete it by hand in the account at "+Title)
	}
	return seller.Receipt{}, s.insufficientFunds(cause)
}

// clearBasket deletes this order's entries from the basket. leftovers shows whether that succeeded.
func (s *orderRun) clearBasket(ctx context.Context) error {
	left, err := s.inBasket(ctx)
	for _, one := range left {
		params := pairs("clicked_button", "delete", "id", one.id, "elid", one.id, "sok", "ok")
		if _, err := s.client.ask(ctx, sellerhttp.Once, functionBasket, params); err != nil {
			s.client.log.Warningf("the entry %s of the basket at %s could not be deleted: %v", one.id, Title, err)
		}
	}
	return err
}

// cleanUp handles an order that did not reach the step that pays. If an earlier step may have ordered nevertheless, it
// deletes the entries in the basket, because each attempt would leave another one.
func (s *orderRun) cleanUp(ctx context.Context, why error) error {
	if !fault.From(why).OutcomeUnknown || s.basket == nil {
		return why
	}
	if err := s.clearBasket(ctx); err != nil {
		return why
	}
	left, err := s.leftovers(ctx)
	switch {
	case err != nil:
		return why
	case left != "":
		return markUnknown(why, left+" exists")
	}
	f := *fault.From(why)
	f.Type, f.Message = fault.API, f.Message+"; list and basket show no order"
	return likelyRefused(&f)
}

// leftovers names the orders and basket entries of this order that still exist at the remote; empty if there are none.
func (s *orderRun) leftovers(ctx context.Context) (string, error) {
	rows, err := s.find(ctx, answer{})
	if err != nil {
		return "", err
	}
	left, err := s.inBasket(ctx)
	if err != nil {
		return "", err
	}
	var names []string
	if len(rows) > 0 {
		names = append(names, "the order "+idsOf(rows))
	}
	for _, one := range left {
		names = append(names, "the entry "+one.id+" of the basket")
	}
	return strings.Join(names, ", "), nil
}

// insufficientFunds returns the definite refusal of an order that was not paid and no longer exists.
func (s *orderRun) insufficientFunds(cause *fault.Error) *fault.Error {
	text := s.missingFunds()
	if text == "" {
		text = "the order was not paid for from the balance"
		if s.balance != nil {
			text += ", the balance is " + moneyText(*s.balance)
		}
	}
	return &fault.Error{Type: fault.API, Object: "balance", Err: cause,
		Message: Title + ": " + text + "; top it up. Nothing was bought, and no unpaid order remains (" + cause.Message + ")"}
}
