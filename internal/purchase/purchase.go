package purchase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// BuyTime is the time limit of a purchase or reissue at the seller. Neither a signal nor the command's deadline interrupts it.
// Recording the outcome has the panel's own limits.
const BuyTime = 4 * time.Minute

// Purchase buys once (rules BUY-1): it takes the account's lock, reconciles what an earlier run may have bought, saves the
// intent on the item, sends the purchase, and writes the id to disk right after. It returns the id. The further parameters are saved
// with the id if this run makes the purchase: a next run that finds the purchase of a killed one has to find that out itself.
func (j *Buyer) Purchase(ctx context.Context, p seller.Purchase, further ...item.Param) (int64, error) {
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
	// The same list serves reconcile and the intent: an order made after it is above the snapshot and is found by the next run.
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
	// Read now: the answered id must be on no item, and nothing may come between the answer and the journal.
	taken, err := j.holdersAbove(ctx, snapshot.Highest)
	if err != nil {
		return 0, err
	}
	if err := j.saveIntent(ctx, p, snapshot.Highest); err != nil {
		return 0, err
	}
	return j.pay(ctx, p, snapshot.Highest, taken, further)
}

// checkMayBuy returns a fault if the locks would not exclude a second run, or if an earlier purchase for the item is unclear.
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

// saveIntent saves the intent and reads it back. If it fails, nothing is bought (rules BUY-2).
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

// pay sends the purchase and records its outcome. Nothing interrupts the run from here on.
func (j *Buyer) pay(ctx context.Context, p seller.Purchase, highest int64, taken map[int64]int64, further []item.Param) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, j.dropIntent(context.WithoutCancel(ctx), fault.Errorf(fault.Interrupted, j.Args.Command, "the run was interrupted before the purchase: %w", err).Retryable())
	}
	ctx = context.WithoutCancel(ctx)
	j.SetCritical(true)
	defer j.SetCritical(false)
	if err := j.Panel.HoldsLocks(ctx); err != nil {
		return 0, err // the intent stays: without the lock another run may have saved it
	}
	receipt, err := j.buy(ctx, p)
	if err == nil && receipt.ID <= 0 {
		err = &fault.Error{Type: fault.Unclear, Object: "id", Message: "the seller accepted the order and named no id", OutcomeUnknown: true, Accepted: true}
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
			"item %d (%s): %s answered the purchase with the id %d, which %s: check there what was bought, then run --command resolve --item %d --id ID, or --none",
			j.Item.Item, j.Item.Name, j.Info.Title, receipt.ID, odd, j.Item.Item)}
		j.recordUnclearAnswer(ctx, failure)
		return 0, j.escalate(ctx, failure)
	}
	j.Bought = true
	j.Log.Infof("bought %s, %d months: %s", p.Product.ID, p.Months, receipt)
	if receipt.Delivered != "" && !p.Product.Named(receipt.Delivered) {
		j.Log.ExtInfof("the seller delivers %q for %s", receipt.Delivered, p.Product.ID)
	}
	return receipt.ID, j.record(ctx, p.Kind, receipt.ID, receipt.Delivered, further...)
}

// recordUnclearAnswer saves in the intent what an unclear answer says: that the seller accepted the purchase, or that it was
// refused.
func (j *Buyer) recordUnclearAnswer(ctx context.Context, failure *fault.Error) {
	in, err := ParseIntent(j.Item.Params[itemparam.Intent])
	if err == nil {
		in.Accepted, in.Refused = failure.Accepted, failure.Refused
		err = j.SaveParam(ctx, itemparam.Intent, in.String())
	}
	if err != nil { // the next run treats it as a purchase without an answer
		j.Log.Errorf("the answer to the purchase could not be saved in the intent: %v", err)
	}
}

// SetCritical begins (true) or ends (false) the section in which nothing may end the process.
func (j *Buyer) SetCritical(critical bool) {
	if j.CriticalSection != nil {
		j.CriticalSection(critical)
	}
}

// buy sends the purchase to the seller, with the time limit BuyTime.
func (j *Buyer) buy(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, BuyTime)
	defer cancel()
	return j.Seller.Buy(ctx, p)
}

// record records a purchase in the journal and on the item, with further parameters, and then deletes the intent (rules BUY-2).
func (j *Buyer) record(ctx context.Context, kind string, id int64, delivered string, further ...item.Param) error {
	line := item.JournalEntry{Time: j.Now().UTC(), Item: j.Item.Item, Kind: kind, ID: id, Account: seller.AccountHash(j.Account), Op: j.Args.Operation}
	buyer := j.itemIdentity()
	if in, err := ParseIntent(j.Item.Params[itemparam.Intent]); err == nil && in.Key != "" { // the client may have changed the CSR since
		buyer = in.identity()
	}
	line.Key, line.Name = buyer.key, buyer.name
	line.SANs, _ = j.namesBoughtByIntent()
	renewal := kind == seller.KindRenew || kind == seller.KindProlong
	if end := j.TermEnd(); renewal && !end.IsZero() {
		line.TermStart = end.String()
	}
	unjournaled := j.Panel.AppendJournal(ctx, line)
	if unjournaled != nil {
		// The id is still saved on the item below. If that fails too, the intent remains and finds the purchase again.
		j.Log.Errorf("id %d could not be written to the purchase journal: %v", id, unjournaled)
	}
	further = append(further, j.resolvedParams()...)
	if renewal { // one in place changes nothing else on the item that another host could see
		further = append(further, renewalParam(line))
	}
	if err := j.saveBought(ctx, id, delivered, further); err != nil {
		return err
	}
	if unjournaled != nil {
		j.keepEntryOnItem(ctx, line, unjournaled)
	}
	return j.SaveParam(ctx, itemparam.Intent, "")
}

// saveBought saves the id, and then its lineage with further parameters and the name of what was delivered. If that name is what
// cannot be saved, the purchase is recorded without it.
func (j *Buyer) saveBought(ctx context.Context, id int64, delivered string, further []item.Param) error {
	if delivered == "" {
		return j.SaveID(ctx, id, further...)
	}
	err := j.SaveID(ctx, id, append(slices.Clone(further), item.Param{Name: itemparam.Delivered, Value: delivered})...)
	if err == nil {
		return nil
	}
	j.Log.Warningf("%v", err)
	return j.SaveID(ctx, id, further...)
}

// resolvedParams returns what the item has to have before the intent is dropped, beside the id: the names that are bought and, after a
// first purchase, the first day of the term. The next run of one that was killed returns the same, because the intent is still there.
func (j *Buyer) resolvedParams() []item.Param {
	var params []item.Param
	if total, counts := j.namesBoughtByIntent(); counts {
		params = append(params, item.Param{Name: itemparam.SANsBought, Value: strconv.Itoa(total)})
	}
	in, err := ParseIntent(j.Item.Params[itemparam.Intent])
	if err != nil || in.Kind != seller.KindCreate && in.Kind != seller.KindOrder {
		return params
	}
	return append(params, item.Param{Name: itemparam.TermStart, Value: j.TermStartOn(cabforum.DateOf(in.Time)).String()})
}

// dropIntent deletes the intent of a purchase that certainly did not happen, and returns the reason.
func (j *Buyer) dropIntent(ctx context.Context, reason error) error {
	if err := j.SaveParam(ctx, itemparam.Intent, ""); err != nil {
		j.Log.Errorf("the intent of a purchase that did not happen could not be dropped: %v", err)
	}
	return reason
}

// checkBalance returns a fault if the account at the seller is empty, and warns if it holds less than the known price or the
// administrator's threshold (rules BUY-8). The seller is not asked if the balance that the module has kept is sufficient.
func (j *Buyer) checkBalance(ctx context.Context, p seller.Purchase) error {
	reporter, ok := j.Seller.(seller.BalanceReporter)
	if !ok {
		return nil
	}
	if threshold := j.ModuleParams["threshold"]; strings.TrimSpace(threshold) != "" {
		if _, ok := seller.ParseAmount(threshold); !ok {
			j.Log.Warningf("the minimal balance %q of the module's form cannot be read: write it as 10 or 10.50", item.Brief(threshold))
		}
	}
	if j.keptBalanceSuffices(ctx, p) {
		return nil
	}
	balance, err := reporter.Balance(ctx)
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
	for _, text := range j.lowBalance(ctx, p, balance) {
		j.Log.Warningf("the account at %s holds %s %s%s", j.Info.Title, balance.Text, balance.Currency, text)
	}
	return nil
}

// keptBalanceSuffices reports whether the balance that the module has kept is above zero and neither below the known price nor below
// the administrator's threshold. A dry run shows the balance, so it always reads it.
func (j *Buyer) keptBalanceSuffices(ctx context.Context, p seller.Purchase) bool {
	keeper, ok := j.Seller.(seller.BalanceKeeper)
	if !ok || j.Dry != nil {
		return false
	}
	balance, known := keeper.KeptBalance()
	return known && balance.Amount > 0 && len(j.lowBalance(ctx, p, balance)) == 0
}

// lowBalance returns what is to be said of a balance that is below the known price or the administrator's threshold.
func (j *Buyer) lowBalance(ctx context.Context, p seller.Purchase, balance seller.Money) []string {
	var texts []string
	if pricer, ok := j.Seller.(seller.Pricer); ok {
		price, known := pricer.Price(ctx, p)
		if j.Dry != nil && known {
			j.Dry.Price = &price
		}
		if known && balance.Amount < price.Amount && strings.EqualFold(balance.Currency, price.Currency) {
			texts = append(texts, fmt.Sprintf(" and the purchase costs %s %s: it may be refused", price.Text, price.Currency))
		}
	}
	threshold := j.ModuleParams["threshold"]
	if least, ok := seller.ParseAmount(threshold); ok && balance.Amount < least {
		texts = append(texts, ", less than the minimal balance "+threshold)
	}
	return texts
}

// insertID adds a missing id to the item's ids: as the newest, or before the newest if that is higher.
func (j *Buyer) insertID(ctx context.Context, id int64) error {
	newest := j.ID()
	if newest == 0 || id > newest {
		return j.SaveID(ctx, id)
	}
	line := j.Lineage()
	return j.SaveParam(ctx, itemparam.Lineage, item.FormatIDs(slices.Insert(line, len(line)-1, id)))
}

// dropResolvedIntent deletes the intent if its purchase is on the item.
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
	if err := j.SaveParams(ctx, j.resolvedParams()...); err != nil {
		return err
	}
	return j.SaveParam(ctx, itemparam.Intent, "")
}

// purchaseOnItem reports whether the purchase of the intent is on the item. For a first purchase any id above the snapshot
// shows that. A renewal needs its own journal entry, because a reissue brings a new id too.
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

// entryIsPurchase reports whether the journal entry is the purchase of the intent, with an id that the item has.
func (j *Buyer) entryIsPurchase(in Intent, line item.JournalEntry) bool {
	if line.Item != j.Item.Item || line.Kind != in.Kind || !slices.Contains(j.Lineage(), line.ID) {
		return false
	}
	if in.Kind == seller.KindProlong || in.Kind == seller.KindSANs { // the id stays as it is
		return !line.Time.Before(in.Time)
	}
	return line.ID > in.Snapshot
}

// dryPurchase records the purchase that a real run would make.
func (j *Buyer) dryPurchase(ctx context.Context, p seller.Purchase) error {
	if p.Kind == seller.KindCreate { // the other kinds look the names up before Purchase
		j.WarnOfNames(ctx, p.Request)
	}
	_, err := j.buy(ctx, p)
	details := []any{
		"kind", p.Kind, "product", p.Product.ID, "months", p.Months, "names", strings.Join(p.Request.AllNames(), " "),
	}
	if p.SANs > 0 {
		details = append(details, "more_names", p.SANs)
	}
	if p.ID > 0 {
		details = append(details, "id", p.ID)
	}
	if p.Kind == seller.KindProlong {
		details = append(details, "ends", p.Quote.CurrentEnd, "becomes", p.Quote.NewEnd)
	}
	details = append(details, "proof", p.Request.Method)
	price := "unknown"
	if j.Dry.Price != nil {
		price = formatMoney(*j.Dry.Price)
	}
	details = append(details, "price", price)
	if j.Dry.Balance != nil {
		details = append(details, "balance", formatMoney(*j.Dry.Balance))
	}
	return j.Dry.Stop(err, item.DryBuy, details...)
}

func formatMoney(m seller.Money) string { return strings.TrimSpace(m.Text + " " + m.Currency) }
