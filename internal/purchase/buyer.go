package purchase

import (
	"context"
	"slices"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
)

// Begin locks and loads the item, connects its seller, and restores to the item the purchases that only the journal holds. It returns
// fault.Missed for an order of another module that is not migrated (rules MIGRATE-8).
func Begin(ctx context.Context, run *item.Run) (*Buyer, error) {
	j, err := Connect(ctx, run)
	if err != nil {
		return nil, err
	}
	if err := j.LoadProducts(ctx); err != nil {
		return j, err
	}
	if err := j.refuseUnmigrated(ctx); err != nil {
		return j, err
	}
	return j, j.RestoreFromJournal(ctx)
}

// Buyer is a locked and loaded item that purchases can be made for.
type Buyer struct{ *item.Handle }

// Connect is item.Connect, returned as a Buyer.
func Connect(ctx context.Context, run *item.Run) (*Buyer, error) {
	j, err := item.Connect(ctx, run)
	if j == nil {
		return nil, err
	}
	return &Buyer{j}, err
}

// ConnectUnchecked is item.ConnectUnchecked, returned as a Buyer.
func ConnectUnchecked(ctx context.Context, run *item.Run) (*Buyer, error) {
	j, err := item.ConnectUnchecked(ctx, run)
	if j == nil {
		return nil, err
	}
	return &Buyer{j}, err
}

// refuseUnmigrated returns fault.Missed if the item's order is another module's (Unmigrated). Its term is not known then: it would count
// from the opening date, and a term that is paid would be bought again (rules MIGRATE-8).
func (j *Buyer) refuseUnmigrated(ctx context.Context) error {
	unmigrated, err := j.Unmigrated(ctx)
	if err != nil || !unmigrated {
		return err
	}
	return fault.Errorf(fault.Missed, itemparam.OrderID, "%s has the id %d of another module's order, and its term is not known: run --command migrate --module %d --item %d",
		j.Item.Label(), j.ID(), j.Item.Module, j.Item.Item)
}

// Unmigrated reports whether the item's id at the seller is known from another module alone, which may mean something else by it, or
// whether the item's migration was interrupted (rules MIGRATE-8).
func (j *Buyer) Unmigrated(ctx context.Context) (bool, error) {
	params := j.Item.Params
	if params[itemparam.Migration] != "" {
		return true, nil
	}
	own := slices.ContainsFunc(itemparam.Own(), func(name string) bool { return params[name] != "" })
	if own || j.ID() == 0 {
		return false, nil
	}
	lines, err := j.Panel.JournalOf(ctx, j.Item.Item)
	bought := slices.ContainsFunc(lines, func(line item.JournalEntry) bool { return line.Item == j.Item.Item && line.ID == j.ID() })
	return !bought, err
}
