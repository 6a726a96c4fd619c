package purchase

import (
	"context"
	"slices"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// RestoreFromJournal reads the purchase journal: an id that is there for this item and not on the item is put on the item (rules
// BUY-2), if it is known to be this item's: numbers of items begin anew with a restored database (rules BUY-9). What is not
// known keeps the run from buying, see j.doubt. The last line of an id decides whose it is. An intent that such an id
// resolves is dropped.
func (j *Buyer) RestoreFromJournal(ctx context.Context) error {
	lines, err := j.Panel.Journal(ctx)
	if err != nil {
		return err
	}
	lines = j.appendPendingEntries(ctx, lines)
	forgotten, err := j.missingEntries(ctx, lines)
	if err != nil {
		return err
	}
	for _, line := range forgotten {
		if slices.Contains(j.Lineage(), line.ID) {
			continue // two lines for one id
		}
		if odd := j.checkOwnEntry(ctx, line); odd != nil {
			j.Log.Errorf("%v", odd)
			j.UnclearPurchase = odd
			continue
		}
		j.Log.ExtInfof("id %d was bought %s and is put on the item from the journal", line.ID, line.Time.Format(time.RFC3339))
		if err := j.insertID(ctx, line.ID); err != nil {
			return err
		}
	}
	if id := j.ID(); id != 0 { // an interruption may have come between the id and its lineage
		if err := j.SaveID(ctx, id); err != nil {
			return err
		}
	}
	if err := j.dropResolvedIntent(ctx, lines); err != nil {
		return err
	}
	return j.restoreNamesBought(ctx, lines)
}

// missingEntries lists the journal's lines of this item and account whose ids are on no item and were not released by an
// administrator. A sweep comes here for each of its items: nothing is made of the whole journal without need.
func (j *Buyer) missingEntries(ctx context.Context, lines []item.JournalEntry) ([]item.JournalEntry, error) {
	ref := seller.AccountHash(j.Account)
	released := item.ParseIDs(j.Item.Params[itemparam.Released])
	own := slices.DeleteFunc(slices.Clone(lines), func(line item.JournalEntry) bool {
		return line.Item != j.Item.Item || line.Kind == seller.KindSANs || slices.Contains(j.Lineage(), line.ID) || slices.Contains(released, line.ID)
	})
	if len(own) == 0 {
		return nil, nil
	}
	owner := map[int64]int64{}
	for _, line := range lines {
		if line.Account == ref {
			owner[line.ID] = line.Item
		}
	}
	var found []item.JournalEntry
	for _, line := range own {
		holder, err := j.ownerOf(ctx, line.ID)
		switch {
		case err != nil:
			return nil, err
		case line.Account != ref:
			j.Log.Warningf("the journal holds id %d of another account at the seller; left alone", line.ID)
		case owner[line.ID] != j.Item.Item, holder.Item != 0: // an administrator gave it to another item, perhaps on another host
			j.Log.ExtInfof("the journal's id %d is another item's by now; left alone", line.ID)
		case boughtBefore(line, j.Item): // a line from before this item existed is another item's
			j.Log.Warningf("the journal's id %d of %s is older than the item; left alone", line.ID, line.Time.Format(time.RFC3339))
		default:
			found = append(found, line)
		}
	}
	return found, nil
}

// checkOwnEntry returns a fault unless the journal's line is known to be a purchase of this item: by the item's intent, by
// the key or the name of its CSR or, for a line of the version before, by what the seller shows.
func (j *Buyer) checkOwnEntry(ctx context.Context, line item.JournalEntry) error {
	if j.entryFitsIntent(line) {
		return nil
	}
	bought, own := entryIdentity(line), j.itemIdentity()
	odd := own.contradicts(bought)
	if odd == "" && own.matches(bought) {
		return nil
	}
	if odd == "" { // the line does not say
		status, err := j.Seller.OrderStatus(ctx, line.ID)
		if err != nil {
			return err
		}
		if odd = own.contradicts(statusIdentity(status)); odd == "" && own.matches(statusIdentity(status)) {
			return nil
		}
	}
	if odd == "" {
		odd = "nobody can tell whom: neither the journal nor " + j.Info.Title + " shows a key or a name"
	}
	return fault.Errorf(fault.Unclear, itemparam.OrderID,
		"item %d (%s): the purchase journal says that id %d was bought for this item on %s, and it is for %s: look at %s whose it is, then run --command resolve --item %d --id %d, or --none",
		j.Item.Item, j.Item.Name, line.ID, line.Time.Format("2006-01-02 15:04"), odd, j.Info.Title, j.Item.Item, line.ID)
}

// entryFitsIntent reports whether the line is the purchase of the intent on the item.
func (j *Buyer) entryFitsIntent(line item.JournalEntry) bool {
	in, err := ParseIntent(j.Item.Params[itemparam.Intent])
	return err == nil && in.Kind == line.Kind && (!j.bringsNewID(in.Kind) || line.ID > in.Snapshot) && !line.Time.Before(in.Time) &&
		line.Time.Before(in.Time.Add(BuyTime+IntentWait)) && in.identity().contradicts(entryIdentity(line)) == ""
}

// releaseIDs notes that ids of the journal are not this item's, by the administrator's word.
func (j *Buyer) releaseIDs(ctx context.Context, ids []int64) error {
	all := item.ParseIDs(j.Item.Params[itemparam.Released])
	for _, id := range ids {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return j.SaveParam(ctx, itemparam.Released, item.FormatIDs(all))
}

// RenewalEntry returns what the item itself says of the renewal that was paid last, as a line of the journal: the journal is
// one host's (rules BUY-14). False if it says nothing.
func (j *Buyer) RenewalEntry() (item.JournalEntry, bool) {
	words := strings.Fields(j.Item.Params[itemparam.Renewal])
	if len(words) != 3 {
		return item.JournalEntry{}, false
	}
	at, err := time.Parse(time.RFC3339, words[0])
	numbers := item.ParseIDs(words[1] + " " + words[2])
	if err != nil || len(numbers) == 0 {
		return item.JournalEntry{}, false
	}
	line := item.JournalEntry{Time: at, Item: j.Item.Item, Kind: seller.KindRenew, ID: numbers[0]}
	if len(numbers) > 1 {
		line.Op = numbers[1]
	}
	return line, true
}
