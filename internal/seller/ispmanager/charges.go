package ispmanager

import (
	"context"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// functionExpense lists the account's expenses: what was taken from its balance (docs/reference/ispmanager.md §2).
const functionExpense = "expense"

// Charges lists the account's expenses of the days from first to last, whatever service they are for. The list is one that did not
// change while it was read (rules BUY-10).
func (c *Client) Charges(ctx context.Context, first, last cabforum.Date) ([]seller.Charge, error) {
	all, err := sellerhttp.ListWalk[seller.Charge]{
		Seller: Title, Call: functionExpense, List: "of expenses", MaxPages: maxPages, MaxRows: maxRows, Log: c.log,
		ID: func(charge seller.Charge) int64 { return charge.ID }, Page: c.chargesPage,
	}.Consistent(ctx)
	if err != nil {
		return nil, err
	}
	var found []seller.Charge
	for _, charge := range all {
		if !charge.Date.Before(first) && !charge.Date.After(last) {
			found = append(found, charge)
		}
	}
	return found, nil
}

// chargesPage reads one page of the list of expenses.
func (c *Client) chargesPage(ctx context.Context, number int) (sellerhttp.ListPage[seller.Charge], error) {
	var page sellerhttp.ListPage[seller.Charge]
	reply, err := c.read(ctx, functionExpense, pairs("p_cnt", strconv.Itoa(pageSize), "p_num", strconv.Itoa(number), "p_col", newestFirst))
	if err != nil {
		return page, err
	}
	if reply.function != "" && reply.function != functionExpense {
		return page, fault.Errorf(fault.Client, functionExpense, "%s answers with %s instead of the list of expenses", Title, reply.function)
	}
	page.Total, page.Counted = countOf(reply.value("p_elems"))
	for _, e := range reply.rows {
		charge := chargeOf(e)
		if charge.ID == 0 {
			return page, fault.Errorf(fault.Client, functionExpense, "%s's list of expenses has a row with the unreadable id %q", Title, redacted(e.Child("id").Text()))
		}
		page.Rows = append(page.Rows, charge)
	}
	return page, nil
}

// chargeOf reads a row of the list; its id is 0 if that is unreadable.
func chargeOf(e *sellerhttp.Element) seller.Charge {
	text := words(e.Child("amount").Text())
	charge := seller.Charge{
		ID: seller.ParseID(e.Child("id").Text()), Date: dateOf(e.Child("realdate").Text()), Text: redacted(e.Child("locale_name").Text()),
		Amount: seller.Money{Text: text}, Unreadable: true,
	}
	parts := strings.Fields(text)
	if len(parts) != 2 {
		return charge
	}
	if amount, ok := seller.ParseAmount(parts[0]); ok {
		charge.Amount, charge.Unreadable = seller.Money{Amount: amount, Text: parts[0], Currency: parts[1]}, false
	}
	return charge
}
