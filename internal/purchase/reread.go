package purchase

import (
	"context"
	"strconv"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// lockAccount takes the account's lock and then checks that the item is unchanged since this run read it: the wait may take
// minutes, and a purchase must be decided on the data that holds under the lock (rules BUY-11).
func (j *Buyer) lockAccount(ctx context.Context) error {
	if err := j.Panel.LockAccount(ctx, j.Account); err != nil {
		return err
	}
	err := j.checkUnchanged(ctx)
	if err != nil {
		j.unlock(context.WithoutCancel(ctx))
	}
	return err
}

// checkUnchanged returns a retryable fault if anything that decides about a purchase has changed since this run read it: ids,
// lineage, intent, term, names bought, the order itself, or the paying account.
func (j *Buyer) checkUnchanged(ctx context.Context) error {
	now, err := j.Panel.LoadItem(ctx, j.Item.Item)
	if err != nil {
		return err
	}
	if now.Module == 0 { // not chosen yet: the command line names it
		now.Module = j.Item.Module
	}
	before, after := purchaseInputs(j.Item), purchaseInputs(now)
	for i, one := range before {
		if one == after[i] {
			continue
		}
		return fault.Errorf(fault.Locked, one.name, "item %d (%s): %s was changed while this run waited for the seller's account: nothing was bought, the next run uses the new value",
			j.Item.Item, j.Item.Name, one.name).Retryable()
	}
	params, err := j.Panel.ModuleParams(ctx, j.Item.Module)
	if err != nil {
		return err
	}
	theSeller, err := j.Info.Connect(params)
	if err != nil {
		return err
	}
	if theSeller.Account() != j.Account {
		return fault.Errorf(fault.Locked, "processingmodule", "item %d (%s): the account at %s was changed while this run waited: nothing was bought, the next run uses the account that is set now",
			j.Item.Item, j.Item.Name, j.Info.Title).Retryable()
	}
	return nil
}

// refreshPurchase returns the purchase with the seller's present data of the order that it is for, if the item has an intent.
// That data resolves an earlier purchase without an answer, which the seller may have carried out while this run waited for
// the account's lock (rules BUY-11).
func (j *Buyer) refreshPurchase(ctx context.Context, p seller.Purchase) (seller.Purchase, error) {
	if j.Item.Params[itemparam.Intent] == "" {
		return p, nil
	}
	switch p.Kind {
	case seller.KindProlong:
		prolonger, ok := j.Seller.(seller.Prolonger)
		if !ok {
			return p, nil
		}
		extension, err := prolonger.RenewalQuote(ctx, p.ID, p.Months)
		p.Quote = extension
		return p, err
	case seller.KindSANs:
		status, err := j.Seller.OrderStatus(ctx, p.ID)
		p.SellerSANs = status.SANs
		return p, err
	}
	return p, nil
}

// namedValue is a value and the name to report it by.
type namedValue struct{ name, value string }

// purchaseInputs returns the values of the item that decide whether and what is bought.
func purchaseInputs(order item.Item) []namedValue {
	var all []namedValue
	for _, name := range []string{
		itemparam.OrderID, itemparam.Lineage, itemparam.Intent, itemparam.TermStart, itemparam.TermMonths, itemparam.SANsBought, itemparam.AltName,
	} {
		all = append(all, namedValue{name, order.Params[name]})
	}
	return append(all, namedValue{"csr", order.RequestCSR()}, namedValue{"pricelist", order.Template}, namedValue{"period", strconv.Itoa(order.Period)},
		namedValue{"status", strconv.Itoa(order.Status)}, namedValue{"processingmodule", strconv.FormatInt(order.Module, 10)},
		namedValue{"addon", strconv.Itoa(order.SANs)})
}
