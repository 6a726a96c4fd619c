package purchase

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// RestoreFromJournal saves on the item the ids that the purchase journal has for it and the item lacks (rules BUY-2), if they
// are known to be this item's: in a restored database the item numbers begin again (rules BUY-9). An id that is not known to
// be this item's sets UnclearPurchase, which keeps the run from buying. The last entry of an id decides whose it is. An intent
// that such an id resolves is deleted.
func (j *Buyer) RestoreFromJournal(ctx context.Context) error {
	lines, err := j.Panel.JournalOf(ctx, j.Item.Item)
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
			continue // the journal has two entries for this id
		}
		if odd := j.checkOwnEntry(ctx, line); odd != nil {
			j.Log.Errorf("%v", odd)
			j.UnclearPurchase = odd
			continue
		}
		j.Log.ExtInfof("id %d was bought %s; it was missing on the item and is restored from the journal", line.ID, line.Time.Format(time.RFC3339))
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

// missingEntries returns the journal entries of this item and account whose ids are on no item and were not released by an
// administrator, given the journal's entries about the item and its ids.
func (j *Buyer) missingEntries(ctx context.Context, lines []item.JournalEntry) ([]item.JournalEntry, error) {
	account := seller.AccountHash(j.Account)
	own := j.unknownEntries(lines)
	if len(own) == 0 {
		return nil, nil
	}
	owner := map[int64]int64{}
	for _, line := range lines {
		if line.Account == account {
			owner[line.ID] = line.Item
		}
	}
	var found []item.JournalEntry
	for _, line := range own {
		holder, err := j.ownerOf(ctx, line.ID)
		switch {
		case err != nil:
			return nil, err
		case line.Account != account:
			j.Log.Warningf("the journal has id %d for another account at the seller; ignored", line.ID)
		case owner[line.ID] != j.Item.Item, holder.Item != 0: // an administrator assigned it to another item, perhaps on another host
			j.Log.ExtInfof("id %d of the journal belongs to another item now; ignored", line.ID)
		case boughtBefore(line.Time, j.Item): // an entry older than the item belongs to an item of an earlier database
			j.Log.Warningf("id %d of the journal was bought %s, before the item was opened; ignored", line.ID, line.Time.Format(time.RFC3339))
		default:
			found = append(found, line)
		}
	}
	return found, nil
}

// unknownEntries returns the journal entries of this item whose ids it neither has nor was released from.
func (j *Buyer) unknownEntries(lines []item.JournalEntry) []item.JournalEntry {
	known := append(j.Lineage(), item.ParseIDs(j.Item.Params[itemparam.Released])...)
	var own []item.JournalEntry
	for _, line := range lines {
		if line.Item == j.Item.Item && line.Kind != seller.KindSANs && !slices.Contains(known, line.ID) {
			own = append(own, line)
		}
	}
	return own
}

// checkOwnEntry returns a fault unless the journal entry is known to be a purchase of this item: by the item's intent, by the
// key or name of its CSR or, for an entry of the previous version, by what the seller shows.
func (j *Buyer) checkOwnEntry(ctx context.Context, line item.JournalEntry) error {
	if j.entryFitsIntent(line) {
		return nil
	}
	bought, own := entryIdentity(line), j.itemIdentity()
	odd := own.contradicts(bought)
	if odd == "" && own.matches(bought) {
		return nil
	}
	if odd == "" { // the entry has neither key nor name
		status, err := j.Seller.OrderStatus(ctx, line.ID)
		if err != nil {
			return err
		}
		if odd = own.contradicts(statusIdentity(status)); odd == "" && own.matches(statusIdentity(status)) {
			return nil
		}
	}
	if odd == "" {
		odd = "an unknown client: neither the journal nor " + j.Info.Title + " shows a key or a name"
	}
	return fault.Errorf(fault.Unclear, itemparam.OrderID,
		"item %d (%s): the purchase journal says that id %d was bought for this item on %s, but it is for %s: find out at %s whose it is, then run --command resolve --item %d --id %d, or --none",
		j.Item.Item, j.Item.Name, line.ID, line.Time.Format("2006-01-02 15:04"), odd, j.Info.Title, j.Item.Item, line.ID)
}

// entryFitsIntent reports whether the entry is the purchase of the item's intent.
func (j *Buyer) entryFitsIntent(line item.JournalEntry) bool {
	in, err := ParseIntent(j.Item.Params[itemparam.Intent])
	return err == nil && in.Kind == line.Kind && (!j.bringsNewID(in.Kind) || line.ID > in.Snapshot) && !line.Time.Before(in.Time) &&
		line.Time.Before(in.Time.Add(BuyTime+IntentWait)) && in.identity().contradicts(entryIdentity(line)) == ""
}

// releaseIDs saves that an administrator said that these ids of the journal are not this item's.
func (j *Buyer) releaseIDs(ctx context.Context, ids []int64) error {
	all := item.ParseIDs(j.Item.Params[itemparam.Released])
	for _, id := range ids {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return j.SaveParam(ctx, itemparam.Released, item.FormatIDs(all))
}

// renewalParam returns the item parameter that RenewalEntry reads.
func renewalParam(line item.JournalEntry) item.Param {
	text := line.Time.Format(time.RFC3339) + " " + strconv.FormatInt(line.ID, 10) + " " + strconv.FormatInt(line.Op, 10) + " " + line.TermStart
	return item.Param{Name: itemparam.Renewal, Value: strings.TrimSpace(text)}
}

// SaveRenewal saves on the item a renewal that the journal has, if the item does not say it: a run was killed between the two. Other
// hosts of the panel see the item alone.
func (j *Buyer) SaveRenewal(ctx context.Context, line item.JournalEntry) error {
	param := renewalParam(line)
	if own, there := j.RenewalEntry(); there && !own.Time.Before(line.Time.Truncate(time.Second)) { // the item has whole seconds
		return nil
	}
	return j.SaveParam(ctx, param.Name, param.Value)
}

// RenewalEntry returns the renewal that was paid last, as the item's own parameter has it, in the form of a journal entry: the
// journal of another host is not readable here (rules BUY-14). False if the item has none.
func (j *Buyer) RenewalEntry() (item.JournalEntry, bool) {
	words := strings.Fields(j.Item.Params[itemparam.Renewal])
	if len(words) != 3 && len(words) != 4 {
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
	if len(words) > 3 {
		line.TermStart = words[3]
	}
	return line, true
}
