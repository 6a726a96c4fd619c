package panel

import (
	"context"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
)

// EachClaim calls f with the claim of each item of the processing modules, deleted items included, that has a purchase intent, an order
// id, a lineage or a renewal; ordered by item. They are read in pages, because those of a large panel are more than a query may return: an id
// that moves to another item meanwhile may be seen on both or on neither. f must not use the panel.
func (h *Host) EachClaim(ctx context.Context, modules []int64, f func(item.Claim)) error {
	for after, more := int64(0), len(modules) > 0; more; {
		items, last, err := h.claimsPage(ctx, modules, after, f)
		if err != nil {
			return err
		}
		after, more = last, items == h.limits.claims
	}
	return nil
}

// claimsPage calls f with the claims of the next items after this one. It returns how many items were read, and the last one.
func (h *Host) claimsPage(ctx context.Context, modules []int64, after int64, f func(item.Claim)) (items int, last int64, err error) {
	args := []any{after}
	for _, module := range modules {
		args = append(args, module)
	}
	var claim item.Claim
	pass := func() {
		if claim.Intent != "" || claim.OrderID != "" || claim.Lineage != "" || claim.Renewal != "" {
			f(claim)
		}
	}
	err = h.each(ctx, func(row []field) {
		if id := row[0].number(); id != claim.Item {
			pass()
			claim = item.Claim{Item: id, Module: row[1].number(), Name: row[4].String, Status: int(row[5].number())}
			items++
		}
		setClaimParam(&claim, row[2].String, row[3].String)
	}, "itemparam", `SELECT x.id, x.processingmodule, ip.intname, ip.value, x.name, x.status
 FROM (SELECT id, processingmodule, name, status FROM item WHERE id>? AND processingmodule IN (`+marks(len(modules))+`) ORDER BY id LIMIT ?) x
 LEFT JOIN itemparam ip ON ip.item=x.id AND ip.intname IN (?,?,?,?) ORDER BY x.id`,
		append(args, h.limits.claims, itemparam.Intent, itemparam.OrderID, itemparam.Lineage, itemparam.Renewal)...)
	if err != nil {
		return 0, 0, err
	}
	pass()
	return items, claim.Item, nil
}

// setClaimParam sets the field of the claim that the item parameter belongs to; an empty value sets nothing.
func setClaimParam(claim *item.Claim, name, value string) {
	if value == "" {
		return
	}
	switch name {
	case itemparam.Intent:
		claim.Intent = value
	case itemparam.OrderID:
		claim.OrderID = value
	case itemparam.Lineage:
		claim.Lineage = value
	case itemparam.Renewal:
		claim.Renewal = value
	}
}
