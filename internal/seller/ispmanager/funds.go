package ispmanager

import (
	"context"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const functionBasket = "basket"

// entry is one order in the basket: chosen and not paid for (docs/reference/ispmanager.md §4.5).
type entry struct{ id, text string }

// basket lists what lies in the account's basket: the table itemlist, or rows of the document itself
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

// inBasket returns the entries of the basket that this order left there: new ones that name our common name or mark, or all
// new ones where there is but one.
func (s *sale) inBasket(ctx context.Context) ([]entry, error) {
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

// short returns what was missing for the order; empty if the money sufficed or that is not known.
func (s *sale) short() string {
	price := s.tariff.price(s.p.Months)
	switch {
	case s.balance == nil, price.Text == "", s.balance.Amount >= price.Amount,
		s.balance.Currency != "" && price.Currency != "" && !strings.EqualFold(price.Currency, s.balance.Currency):
		return ""
	}
	return "the account holds " + moneyText(*s.balance) + ", the price is " + moneyText(price)
}

// spent reports that money left the account since the order was sent: the list may be slower than the payment. Empty where
// it did not or that is not known.
func (s *sale) spent(ctx context.Context) string {
	if s.balance == nil {
		return ""
	}
	now, err := s.client.Balance(ctx)
	if err != nil || now.Amount >= s.balance.Amount {
		return ""
	}
	return "the account held " + moneyText(*s.balance) + " before and holds " + moneyText(now) + " now; nothing was deleted"
}

func moneyText(m seller.Money) string { return strings.TrimSpace(m.Text + " " + m.Currency) }

// leaveNothing removes what an order that could not be paid left at the remote, and looks whether it is gone. Then it is
// certain that nothing was bought; otherwise the fault names what is still there.
func (s *sale) leaveNothing(ctx context.Context, unpaid []int64, said *fault.Error) (seller.Receipt, error) {
	for _, id := range unpaid {
		if err := s.client.Cancel(ctx, id); err != nil {
			s.client.log.Warningf("the unpaid order %d at %s could not be deleted: %v", id, Title, err)
		}
	}
	if err := s.clearBasket(ctx); err != nil {
		return seller.Receipt{}, unclear(said, "nothing was paid, and the basket could not be read")
	}
	remains, err := s.remains(ctx)
	switch {
	case err != nil:
		return seller.Receipt{}, unclear(said, "nothing was paid, and whether the order is gone could not be read ("+fault.From(err).Message+")")
	case remains != "":
		return seller.Receipt{}, unclear(said, "nothing was paid, but "+remains+" is still there; delete it by hand in the account at "+Title)
	}
	return seller.Receipt{}, s.noMoney(said)
}

// clearBasket deletes what this order left in the basket; whether that worked tells remains.
func (s *sale) clearBasket(ctx context.Context) error {
	left, err := s.inBasket(ctx)
	for _, one := range left {
		params := pairs("clicked_button", "delete", "id", one.id, "elid", one.id, "sok", "ok")
		if _, err := s.client.ask(ctx, sellerhttp.Once, functionBasket, params); err != nil {
			s.client.log.Warningf("the entry %s of the basket at %s could not be deleted: %v", one.id, Title, err)
		}
	}
	return err
}

// retreat ends an order that did not come to the step that buys. Where a step may have ordered all the same, what it left
// in the basket is removed: each new attempt would leave another one.
func (s *sale) retreat(ctx context.Context, why error) error {
	if !fault.From(why).OutcomeUnknown || s.basket == nil {
		return why
	}
	if err := s.clearBasket(ctx); err != nil {
		return why
	}
	remains, err := s.remains(ctx)
	switch {
	case err != nil:
		return why
	case remains != "":
		return unclear(why, remains+" is there")
	}
	f := *fault.From(why)
	f.Type, f.Message = fault.API, f.Message+"; list and basket show no order"
	return refused(&f)
}

// remains names what of this order is still at the remote.
func (s *sale) remains(ctx context.Context) (string, error) {
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

// noMoney returns the definite refusal of an order that was not paid for and is gone.
func (s *sale) noMoney(said *fault.Error) *fault.Error {
	text := s.short()
	if text == "" {
		text = "the order was not paid for from the balance"
		if s.balance != nil {
			text += ", the account holds " + moneyText(*s.balance)
		}
	}
	return &fault.Error{Type: fault.API, Object: "balance", Err: said,
		Message: Title + ": " + text + "; top it up. Nothing was bought and nothing was left behind (" + said.Message + ")"}
}
