package purchase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// BuyTime is how long the seller may take for a purchase or reissue, whatever ends the run meanwhile: a signal or the
// command's deadline must not cut it in two. Recording it has the panel's own limits.
const BuyTime = 4 * time.Minute

// Purchase buys once (rules BUY-1): under the account's lock, after settling what an earlier run may have bought, with
// the intent on the item before the seller is asked and the id on disk right after.
func (j *Buyer) Purchase(ctx context.Context, p seller.Purchase) (int64, error) {
	if err := j.lockAccount(ctx); err != nil {
		return 0, err
	}
	defer j.unlock(context.WithoutCancel(ctx))
	if err := j.checkMayBuy(ctx); err != nil {
		return 0, err
	}
	p, err := j.refreshPurchase(ctx, p)
	if err != nil {
		return 0, err
	}
	// one reading serves both: what comes up after it lies above the snapshot and is found by the next run
	snapshot, err := j.Seller.OrderSnapshot(ctx)
	if err != nil {
		return 0, err
	}
	if id, err := j.reconcile(ctx, p, snapshot); err != nil || id != 0 {
		return id, err
	}
	if err := j.checkBalance(ctx, p); err != nil {
		return 0, err
	}
	if j.Dry != nil {
		return 0, j.dryPurchase(ctx, p)
	}
	taken, _, err := j.Claims(ctx, Intent{}) // read before: what is answered must be nobody's, and be told so at once
	if err != nil {
		return 0, err
	}
	if err := j.saveIntent(ctx, p, snapshot.Highest); err != nil {
		return 0, err
	}
	return j.pay(ctx, p, snapshot.Highest, taken)
}

// checkMayBuy refuses to buy where a second run could not be kept off, and while it is not known what was bought for the item
// before.
func (j *Buyer) checkMayBuy(ctx context.Context) error {
	if err := j.Panel.SingleWriter(ctx); err != nil {
		return err
	}
	if j.UnclearPurchase == nil || fault.From(j.UnclearPurchase).Type != fault.Unclear {
		return j.UnclearPurchase
	}
	return j.escalate(ctx, j.UnclearPurchase)
}

func (j *Buyer) unlock(ctx context.Context) {
	if err := j.Panel.UnlockAccount(ctx); err != nil {
		j.Log.Warningf("releasing the account's lock: %v", err)
	}
}

// saveIntent saves the intent and reads it back: where it cannot be saved, nothing is bought (rules BUY-2).
func (j *Buyer) saveIntent(ctx context.Context, p seller.Purchase, highest int64) error {
	own := j.itemIdentity()
	in := Intent{
		Account: own.account, At: j.Account, Key: own.key, Name: own.name, Kind: p.Kind, Time: j.Now().UTC().Truncate(time.Second), Product: p.Product.ID,
		Years: p.Months / 12, Snapshot: highest, Op: j.Args.Operation, Again: j.Retries[p.Kind],
	}
	if p.Months%12 != 0 {
		in.Years, in.Months = 0, p.Months
	}
	switch p.Kind {
	case seller.KindProlong:
		in.Ends, in.Becomes = p.Quote.CurrentEnd.String(), p.Quote.NewEnd.String()
	case seller.KindCreate, seller.KindSANs:
		in.SANs, in.Held, in.Counted = p.SANs, p.BoughtSANs, p.SellerSANs
	}
	if err := j.Panel.SaveParam(ctx, j.Item.Item, itemparam.Intent, in.String()); err != nil {
		return err
	}
	saved, found, err := j.Panel.Param(ctx, j.Item.Item, itemparam.Intent)
	if err != nil {
		return err
	}
	if back, err := ParseIntent(saved); !found || err != nil || back != in {
		return fault.Errorf(fault.Panel, itemparam.Intent, "the purchase intent was not found on item %d after it was saved: nothing was bought", j.Item.Item).Retryable()
	}
	j.Item.Params[itemparam.Intent] = saved
	j.Log.ExtInfof("about to buy, intent %s", saved)
	return nil
}

// pay sends the one request and records its outcome. From here on nothing interrupts the run.
func (j *Buyer) pay(ctx context.Context, p seller.Purchase, highest int64, taken map[int64]int64) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, j.dropIntent(context.WithoutCancel(ctx), fault.Errorf(fault.Interrupted, j.Args.Command, "the run was interrupted before the purchase: %w", err).Retryable())
	}
	ctx = context.WithoutCancel(ctx)
	j.SetCritical(true)
	defer j.SetCritical(false)
	if err := j.Panel.HoldsLocks(ctx); err != nil {
		return 0, err // the intent stays: without the lock it may be another run's by now
	}
	receipt, err := j.buy(ctx, p)
	if err == nil && receipt.ID <= 0 {
		err = &fault.Error{Type: fault.Unclear, Object: "id", Message: "the seller took the order and named no id", OutcomeUnknown: true, Accepted: true}
	}
	if err != nil {
		if failure := fault.From(err); failure.OutcomeUnknown {
			if failure.Accepted || failure.Refused {
				j.recordUnclearAnswer(ctx, failure)
			}
			j.Log.Errorf("the purchase has no clear answer, the intent stays")
			return 0, err
		}
		j.Log.Warningf("nothing was bought")
		return 0, j.dropIntent(ctx, err)
	}
	if odd := j.wrongAnsweredID(p.Kind, receipt.ID, highest, taken); odd != "" {
		failure := &fault.Error{Type: fault.Unclear, Object: "id", OutcomeUnknown: true, Accepted: true, Message: fmt.Sprintf(
			"item %d (%s): %s answered the purchase with the id %d, which %s: look there what was bought, then run --command resolve --item %d --id ID, or --none",
			j.Item.Item, j.Item.Name, j.Info.Title, receipt.ID, odd, j.Item.Item)}
		j.recordUnclearAnswer(ctx, failure)
		return 0, j.escalate(ctx, failure)
	}
	j.Bought = true
	j.Log.Infof("bought %s, %d months: %s", p.Product.ID, p.Months, receipt)
	if receipt.Delivered != "" && !p.Product.Named(receipt.Delivered) {
		j.Log.ExtInfof("the seller delivers %q for %s", receipt.Delivered, p.Product.ID)
	}
	return receipt.ID, j.record(ctx, p.Kind, receipt.ID, receipt.Delivered)
}

// recordUnclearAnswer writes on the intent what an answer that proves nothing says: that the seller took the purchase, or that it
// was refused.
func (j *Buyer) recordUnclearAnswer(ctx context.Context, failure *fault.Error) {
	in, err := ParseIntent(j.Item.Params[itemparam.Intent])
	if err == nil {
		in.Accepted, in.Refused = failure.Accepted, failure.Refused
		err = j.SaveParam(ctx, itemparam.Intent, in.String())
	}
	if err != nil { // it is looked up like one without an answer then
		j.Log.Errorf("what was answered to the purchase could not be written on its intent: %v", err)
	}
}

// SetCritical tells whoever watches over the run that it must not be ended now.
func (j *Buyer) SetCritical(now bool) {
	if j.CriticalSection != nil {
		j.CriticalSection(now)
	}
}

// buy sends the request, within its own time.
func (j *Buyer) buy(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, BuyTime)
	defer cancel()
	return j.Seller.Buy(ctx, p)
}

// record writes a purchase down: journal, item, and then the intent is dropped (rules BUY-2).
func (j *Buyer) record(ctx context.Context, kind string, id int64, delivered string) error {
	line := item.JournalEntry{Time: j.Now().UTC(), Item: j.Item.Item, Kind: kind, ID: id, Account: seller.AccountHash(j.Account), Op: j.Args.Operation}
	who := j.itemIdentity()
	if in, err := ParseIntent(j.Item.Params[itemparam.Intent]); err == nil && in.Key != "" { // the client may have changed its CSR since
		who = in.identity()
	}
	line.Key, line.Name = who.key, who.name
	line.SANs, _ = j.namesBoughtByIntent()
	unjournaled := j.Panel.AppendJournal(ctx, line)
	if unjournaled != nil {
		// the id still goes to the item below; the intent would find it again if that failed too
		j.Log.Errorf("id %d could not be written to the purchase journal: %v", id, unjournaled)
	}
	if err := j.SaveID(ctx, id); err != nil {
		return err
	}
	if unjournaled != nil {
		j.keepEntryOnItem(ctx, line, unjournaled)
	}
	if err := j.saveNamesBought(ctx); err != nil {
		return err
	}
	if kind == seller.KindRenew || kind == seller.KindProlong { // one in place leaves nothing else on the item by which another host knows of it
		paid := line.Time.Format(time.RFC3339) + " " + strconv.FormatInt(id, 10) + " " + strconv.FormatInt(line.Op, 10)
		if err := j.SaveParam(ctx, itemparam.Renewal, paid); err != nil {
			return err
		}
	}
	if delivered != "" {
		if err := j.SaveParam(ctx, itemparam.Delivered, delivered); err != nil {
			j.Log.Warningf("%v", err)
		}
	}
	return j.SaveParam(ctx, itemparam.Intent, "")
}

// dropIntent drops the intent of a purchase that certainly did not happen and returns the reason.
func (j *Buyer) dropIntent(ctx context.Context, reason error) error {
	if err := j.SaveParam(ctx, itemparam.Intent, ""); err != nil {
		j.Log.Errorf("the intent of a purchase that did not happen could not be dropped: %v", err)
	}
	return reason
}

// checkBalance refuses where the account is empty, for a clear word instead of the seller's, and warns where it holds less than
// the known price or the administrator's threshold (rules BUY-8).
func (j *Buyer) checkBalance(ctx context.Context, p seller.Purchase) error {
	teller, ok := j.Seller.(seller.BalanceReporter)
	if !ok {
		return nil
	}
	balance, err := teller.Balance(ctx)
	if err != nil {
		if !errors.Is(err, seller.ErrUnknownAmount) && !fault.From(err).Retry {
			return err
		}
		j.Log.Warningf("the balance could not be read before the purchase: %v", err)
		return nil
	}
	if j.Dry != nil {
		j.Dry.Balance = &balance
	}
	if balance.Amount <= 0 {
		return fault.Errorf(fault.API, "balance", "the account at %s holds %s %s: top it up, nothing was bought", j.Info.Title, balance.Text, balance.Currency)
	}
	j.warnOfLowBalance(ctx, p, balance)
	return nil
}

// warnOfLowBalance logs that the account holds less than the known price or than the administrator's threshold.
func (j *Buyer) warnOfLowBalance(ctx context.Context, p seller.Purchase, balance seller.Money) {
	if pricer, ok := j.Seller.(seller.Pricer); ok {
		price, known := pricer.Price(ctx, p)
		if j.Dry != nil && known {
			j.Dry.Price = &price
		}
		if known && balance.Amount < price.Amount && strings.EqualFold(balance.Currency, price.Currency) {
			j.Log.Warningf("the account at %s holds %s %s and the purchase costs %s %s: it may be refused", j.Info.Title, balance.Text, balance.Currency, price.Text, price.Currency)
		}
	}
	threshold := j.ModuleParams["threshold"]
	least, ok := seller.ParseAmount(threshold)
	switch {
	case ok && balance.Amount < least:
		j.Log.Warningf("the account at %s holds %s %s, less than the minimal balance %s", j.Info.Title, balance.Text, balance.Currency, threshold)
	case !ok && strings.TrimSpace(threshold) != "":
		j.Log.Warningf("the minimal balance %q of the module's form cannot be read: write it as 10 or 10.50", item.Brief(threshold))
	}
}

// insertID puts an id that was forgotten on the item: as the newest, or before the newest where that is a later one.
func (j *Buyer) insertID(ctx context.Context, id int64) error {
	newest := j.ID()
	if newest == 0 || id > newest {
		return j.SaveID(ctx, id)
	}
	line := j.Lineage()
	return j.SaveParam(ctx, itemparam.Lineage, item.FormatIDs(slices.Insert(line, len(line)-1, id)))
}

// dropResolvedIntent drops an intent whose purchase is on the item.
func (j *Buyer) dropResolvedIntent(ctx context.Context, lines []item.JournalEntry) error {
	raw := j.Item.Params[itemparam.Intent]
	if raw == "" || j.ID() == 0 {
		return nil
	}
	in, err := ParseIntent(raw)
	if err != nil {
		j.Log.Warningf("%v", err)
		return nil
	}
	if j.CheckIntentAccount(in) != nil { // ids of two accounts cannot be compared
		return nil
	}
	if !j.purchaseOnItem(in, lines) {
		return nil
	}
	j.Log.ExtInfof("the intent of %s is resolved by id %d", in.Time.Format(time.RFC3339), j.ID())
	if err := j.saveNamesBought(ctx); err != nil {
		return err
	}
	return j.SaveParam(ctx, itemparam.Intent, "")
}

// purchaseOnItem reports whether the purchase of the intent is on the item. For a first purchase any id above the snapshot shows
// it; a renewal needs its own line in the journal, because a reissue brings a new id as well.
func (j *Buyer) purchaseOnItem(in Intent, lines []item.JournalEntry) bool {
	if in.Kind == seller.KindCreate || in.Kind == seller.KindOrder {
		return j.ID() > in.Snapshot
	}
	if own, there := j.RenewalEntry(); there && (in.Kind == seller.KindRenew || in.Kind == seller.KindProlong) {
		own.Kind = in.Kind
		lines = append(slices.Clone(lines), own)
	}
	return slices.ContainsFunc(lines, func(line item.JournalEntry) bool { return j.entryIsPurchase(in, line) })
}

// entryIsPurchase reports whether the line of the journal is the purchase of the intent, with an id that the item has.
func (j *Buyer) entryIsPurchase(in Intent, line item.JournalEntry) bool {
	if line.Item != j.Item.Item || line.Kind != in.Kind || !slices.Contains(j.Lineage(), line.ID) {
		return false
	}
	if in.Kind == seller.KindProlong || in.Kind == seller.KindSANs { // the id stays as it is
		return !line.Time.Before(in.Time)
	}
	return line.ID > in.Snapshot
}

// dryPurchase goes as far into a purchase as reading goes.
func (j *Buyer) dryPurchase(ctx context.Context, p seller.Purchase) error {
	if p.Kind == seller.KindCreate { // the others look the names up before they buy
		j.WarnOfNames(ctx, p.Request)
	}
	_, err := j.buy(ctx, p)
	about := []any{
		"kind", p.Kind, "product", p.Product.ID, "months", p.Months, "names", strings.Join(p.Request.AllNames(), " "),
	}
	if p.SANs > 0 {
		about = append(about, "more_names", p.SANs)
	}
	if p.ID > 0 {
		about = append(about, "id", p.ID)
	}
	if p.Kind == seller.KindProlong {
		about = append(about, "ends", p.Quote.CurrentEnd, "becomes", p.Quote.NewEnd)
	}
	about = append(about, "proof", p.Request.Method)
	price := "unknown"
	if j.Dry.Price != nil {
		price = formatMoney(*j.Dry.Price)
	}
	about = append(about, "price", price)
	if j.Dry.Balance != nil {
		about = append(about, "balance", formatMoney(*j.Dry.Balance))
	}
	return j.Dry.Stop(err, item.DryBuy, about...)
}

func formatMoney(m seller.Money) string { return strings.TrimSpace(m.Text + " " + m.Currency) }
