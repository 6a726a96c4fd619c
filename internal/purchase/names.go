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

// BuyMissingNames makes sure that the order at the seller holds the request's names. What is missing is bought first, once,
// provided that the client ordered it in the panel; fewer names than were bought need nothing.
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

// nameCapacity returns how many further names the order can carry, -1 where that is not known, and how many were bought beyond
// those included. What we bought is certain. The seller's own count is read in two ways (docs/reference/namecheap.md
// §3.10): it decides only where nothing else does, by the larger reading.
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

// saveNamesBought writes down how many names beyond those included are bought, when the purchase of the intent is resolved. It
// may be done twice: the intent tells the sum, not the step.
func (j *Buyer) saveNamesBought(ctx context.Context) error {
	total, counts := j.namesBoughtByIntent()
	if !counts {
		return nil
	}
	return j.SaveParam(ctx, itemparam.SANsBought, strconv.Itoa(total))
}

// namesBoughtByIntent returns how many names beyond those included are bought when the purchase of the intent has happened; false
// where it concerns no names.
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

// restoreNamesBought counts the names that the journal remembers for the item's orders and the item does not.
func (j *Buyer) restoreNamesBought(ctx context.Context, lines []item.JournalEntry) error {
	limit, ref := 0, seller.AccountHash(j.Account)
	for _, line := range lines {
		if line.Item == j.Item.Item && line.Account == ref && slices.Contains(j.Lineage(), line.ID) {
			limit = max(limit, line.SANs)
		}
	}
	if text := j.Item.Params[itemparam.SANsBought]; limit > 0 {
		if known, err := strconv.Atoi(text); err != nil || known < limit {
			j.Log.ExtInfof("%d further names were bought by the journal, the item counts %q", limit, text)
			return j.SaveParam(ctx, itemparam.SANsBought, strconv.Itoa(limit))
		}
	}
	return nil
}

// ReconcileOpenNames resolves a purchase of names that an earlier run left without an answer, whether the names are still
// wanted or not. Afterwards nothing of it is open.
func (j *Buyer) ReconcileOpenNames(ctx context.Context, status seller.OrderStatus, request seller.Request) error {
	if in, err := ParseIntent(j.Item.Params[itemparam.Intent]); err != nil || in.Kind != seller.KindSANs {
		return nil // none, or not for here to resolve
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

// reconcileNames tells from the seller's count whether a purchase of names without an answer has happened. Both readings of
// the count move by the number that was bought.
func (j *Buyer) reconcileNames(ctx context.Context, p seller.Purchase, in Intent) (int64, error) {
	switch {
	case in.Counted < 0 || p.SellerSANs < 0:
		return 0, j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
			"%d names for the order %d had no answer and %s does not tell how many it holds: look there, then run --command resolve --item %d --id %d, or --none",
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
		"the order %d at %s held %d names before a purchase of %d without answer and holds %d: look there, then run --command resolve --item %d --id %d, or --none",
		p.ID, j.Info.Title, in.Counted, in.SANs, p.SellerSANs, j.Item.Item, p.ID))
}
