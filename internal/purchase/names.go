package purchase

import (
	"context"
	"slices"
	"strconv"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// BuyMissingNames buys the names of the request that the order at the seller has no capacity for, if the client ordered them
// in the panel. It does nothing if the capacity suffices.
func (j *Buyer) BuyMissingNames(ctx context.Context, status seller.OrderStatus, request seller.Request) error {
	if err := j.ReconcileOpenNames(ctx, status, request); err != nil {
		return err
	}
	holds, bought := j.nameCapacity(status, request.Product)
	missing := len(request.Names) - holds
	if !request.Product.MultiDomain || holds < 0 || missing <= 0 {
		return nil
	}
	if !j.Info.MoreNames || request.Product.PaidNames(j.Item.SANs) < len(request.Names) {
		return fault.Errorf(fault.Value, itemparam.AltName, "%d further names, the order at %s holds at most %d and the client ordered no more: nothing was sent",
			len(request.Names), j.Info.Title, holds)
	}
	j.Log.ExtInfof("%d further names, id %d at %s holds %d: buying %d more", len(request.Names), status.ID, j.Info.Title, holds, missing)
	_, err := j.Purchase(ctx, seller.Purchase{
		Kind: seller.KindSANs, Product: request.Product, Months: j.Item.Period, ID: status.ID, SANs: missing, BoughtSANs: bought, SellerSANs: status.SANs, Request: request,
	})
	return err
}

// CheckNameCapacity returns a fault if the order at the seller is known to hold fewer further names than the request has.
func (j *Buyer) CheckNameCapacity(status seller.OrderStatus, request seller.Request) error {
	holds, _ := j.nameCapacity(status, request.Product)
	if !request.Product.MultiDomain || holds < 0 || len(request.Names) <= holds {
		return nil
	}
	return fault.Errorf(fault.Value, itemparam.AltName, "%d further names, the order %d at %s holds at most %d", len(request.Names), status.ID, j.Info.Title, holds)
}

// nameCapacity returns how many further names the order can carry, -1 if not known, and how many of them were bought beyond
// the included ones. The module's own record comes first. The seller's count can be read in two ways
// (docs/reference/namecheap.md §3.10); it is used, in its larger reading, only if there is no record.
func (j *Buyer) nameCapacity(status seller.OrderStatus, product seller.Product) (holds, bought int) {
	included := product.Included - 1
	if text, known := j.Item.Params[itemparam.SANsBought]; known {
		if n, err := strconv.Atoi(text); err == nil && n >= 0 {
			return included + n, n
		}
		j.Log.Warningf("the parameter %s holds %q, which is not a number; ignored", itemparam.SANsBought, text)
	}
	if status.SANs < 0 {
		return -1, 0
	}
	return included + status.SANs, status.SANs
}

// namesBoughtByIntent returns how many names beyond the included ones are bought once the purchase of the intent has happened: the
// intent holds the total, not the difference. False if the intent is not about names.
func (j *Buyer) namesBoughtByIntent() (total int, counts bool) {
	in, err := ParseIntent(j.Item.Params[itemparam.Intent])
	if err != nil || in.Kind != seller.KindCreate && in.Kind != seller.KindSANs {
		return 0, false
	}
	if product, known := seller.FindProduct(j.Info.Products, in.Product); !known || !product.MultiDomain {
		return 0, false
	}
	return in.Held + in.SANs, true
}

// restoreNamesBought saves the number of names bought for the item's orders from the journal, if the item has a smaller number
// or none.
func (j *Buyer) restoreNamesBought(ctx context.Context, lines []item.JournalEntry) error {
	bought, account := 0, seller.AccountHash(j.Account)
	for _, line := range lines {
		if line.Item == j.Item.Item && line.Account == account && slices.Contains(j.Lineage(), line.ID) {
			bought = max(bought, line.SANs)
		}
	}
	if text := j.Item.Params[itemparam.SANsBought]; bought > 0 {
		if known, err := strconv.Atoi(text); err != nil || known < bought {
			j.Log.ExtInfof("the journal shows %d further names bought, the item %q: the journal's number is saved", bought, text)
			return j.SaveParam(ctx, itemparam.SANsBought, strconv.Itoa(bought))
		}
	}
	return nil
}

// ReconcileOpenNames resolves a purchase of names that an earlier run left without an answer, whether or not the names are
// still wanted. Afterwards the item has no such intent.
func (j *Buyer) ReconcileOpenNames(ctx context.Context, status seller.OrderStatus, request seller.Request) error {
	if in, err := ParseIntent(j.Item.Params[itemparam.Intent]); err != nil || in.Kind != seller.KindSANs {
		return nil // no intent, or one of another kind
	}
	if err := j.lockAccount(ctx); err != nil {
		return err
	}
	defer j.unlock(context.WithoutCancel(ctx))
	p, err := j.refreshPurchase(ctx, seller.Purchase{Kind: seller.KindSANs, Product: request.Product, ID: status.ID, SellerSANs: status.SANs, Request: request})
	if err != nil {
		return err
	}
	id, err := j.reconcile(ctx, p, seller.OrderSnapshot{})
	if err != nil || id != 0 {
		return err
	}
	return j.SaveParam(ctx, itemparam.Intent, "")
}

// reconcileNames decides by the seller's count whether a purchase of names without an answer has happened. In both readings
// the count grows by the number of names bought.
func (j *Buyer) reconcileNames(ctx context.Context, p seller.Purchase, in Intent) (int64, error) {
	switch {
	case in.Counted < 0 || p.SellerSANs < 0:
		return 0, j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
			"%d names for the order %d had no answer and %s does not show how many it holds: check there, then run --command resolve --item %d --id %d, or --none",
			in.SANs, p.ID, j.Info.Title, j.Item.Item, p.ID))
	case p.SellerSANs == in.Counted+in.SANs:
		return j.adopt(ctx, in.Kind, p.ID, "holds "+strconv.Itoa(p.SellerSANs)+" names, as the purchase was to bring")
	case p.SellerSANs == in.Counted:
		if err := j.checkIntentWait(in); err != nil {
			return 0, err
		}
		return 0, j.allowRetry(ctx, in)
	}
	return 0, j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
		"the order %d at %s held %d names before a purchase of %d without an answer and holds %d now: check there, then run --command resolve --item %d --id %d, or --none",
		p.ID, j.Info.Title, in.Counted, in.SANs, p.SellerSANs, j.Item.Item, p.ID))
}
