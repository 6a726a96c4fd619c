package lifecycle

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// kindMigrate is the kind of a line of the purchase journal about a migrated order: nothing was bought.
const kindMigrate = "migrate"

// migrationMark is the item parameter migration: the order that the item is being given (rules PARAM-46).
type migrationMark struct {
	ID   int64     `json:"id"`
	Time time.Time `json:"time"`
}

// migrate gives an item its order, under the locks of the item and of the account (rules MIGRATE-6). What the decision was made on
// is read again under the locks.
func (m *migrator) migrate(ctx context.Context, u unmigrated, c candidate, row MigrationRow) (MigrationRow, error) {
	if err := m.Panel.LockItem(ctx, u.item.Item); err != nil {
		return row, err
	}
	defer m.unlock(ctx, "the lock of item "+strconv.FormatInt(u.item.Item, 10), func(ctx context.Context) error { return m.Panel.UnlockItem(ctx, u.item.Item) })
	if err := m.Panel.SingleWriter(ctx); err != nil {
		return row, err
	}
	if err := m.Panel.LockAccount(ctx, m.account.Account); err != nil {
		return row, err
	}
	defer m.unlock(ctx, "the account's lock", m.Panel.UnlockAccount)
	now, err := m.checkUnchanged(ctx, u, c)
	if err != nil {
		return row, err
	}
	j := FromHandle(item.NewHandle(m.Run, now))
	j.Seller, j.Account = m.seller, m.account.Account
	j.Info.Products = m.products
	if err := m.write(ctx, j, u, c); err != nil {
		return row, err
	}
	j.Log.Infof("migrated: its order is id %d at %s, term from %s for %d months", c.order.ID, m.Info.Title, j.TermStart(), j.TermMonths())
	row.State = MigrationMigrated
	row.TermStart, row.TermMonths, row.PaidUntil = j.TermStart(), j.TermMonths(), j.TermEnd()
	return row, nil
}

// unlock releases a lock, also after the run was told to end.
func (m *migrator) unlock(ctx context.Context, what string, release func(context.Context) error) {
	if err := release(context.WithoutCancel(ctx)); err != nil {
		m.Log.Warningf("releasing %s: %v", what, err)
	}
}

// checkUnchanged reads the item again. It returns a fault if the item, the holder of the order or the purchases without an answer are
// not what the decision was made on.
func (m *migrator) checkUnchanged(ctx context.Context, u unmigrated, c candidate) (item.Item, error) {
	now, err := m.Panel.LoadItem(ctx, u.item.Item)
	if err != nil {
		return now, err
	}
	was := u.item
	if err := m.checkIdle(ctx, was); err != nil {
		return now, err
	}
	if !unmigratedNow(now) || migrationInputs(now) != migrationInputs(was) {
		return now, fault.Errorf(fault.Locked, "item", "%s was changed meanwhile: nothing was written to it, start this again", was.Label()).Retryable()
	}
	owners, err := m.readOwners(ctx)
	if err != nil {
		return now, err
	}
	holder, why, err := owners.Owner(ctx, c.order)
	if err != nil {
		return now, err
	}
	if holder != 0 && holder != was.Item {
		return now, fault.Errorf(fault.Locked, "item", "%s: id %d %s item %d now: nothing was written to it", was.Label(), c.order.ID, why, holder).Retryable()
	}
	if c.buyers = c.openPurchases(owners, was.Item); len(c.buyers) > 0 {
		return now, fault.Errorf(fault.Locked, "item", "%s: nothing was written to it, for %s", was.Label(), c.buyersReason()).Retryable()
	}
	return now, nil
}

// checkIdle returns a fault if the panel runs an operation for the item: it may be about to order.
func (m *migrator) checkIdle(ctx context.Context, it item.Item) error {
	open, err := m.Panel.CountOperations(ctx, it.Item)
	if err == nil && open > 0 {
		err = fault.Errorf(fault.Locked, "item", "%s has %d running operations: let them end first, nothing was written to it", it.Label(), open).Retryable()
	}
	return err
}

// migrationInput is what a decision about an item is made on.
type migrationInput struct {
	module                int64
	csr, stored, template string
	name, names, noted    string
	opened, expires       cabforum.Date
	status, period        int
}

func migrationInputs(it item.Item) migrationInput {
	noted := it.RemoteID
	for _, name := range hintParams() {
		noted += "," + it.Params[name]
	}
	return migrationInput{
		module: it.Module, csr: it.CSR, stored: it.Stored, template: it.Template, name: it.Name, names: it.Params[itemparam.AltName], noted: noted,
		opened: it.OpenDate, expires: it.ExpireDate, status: it.Status, period: it.Period,
	}
}

// unmigratedNow reports whether the item still carries no parameter of this module, or an interrupted migration, and is not closed.
func unmigratedNow(it item.Item) bool {
	if it.Status == item.ItemDeleted {
		return false
	}
	return it.Params[itemparam.Migration] != "" || !slices.ContainsFunc(itemparam.Own(), func(name string) bool { return it.Params[name] != "" })
}

// write writes what an order of this module has. The parameter migration is first and goes last: an item with it is migrated again,
// to the same order, and each parameter is written whatever a run before has left of it, for another order perhaps (rules MIGRATE-6). The
// term stands before the ids: an order without its term would be renewed, and paid, too early.
func (m *migrator) write(ctx context.Context, j *Order, u unmigrated, c candidate) error {
	mark, err := j.saveMark(ctx, c.order.ID)
	if err != nil {
		return err
	}
	lines, err := j.journalMigration(ctx, u, mark)
	if err != nil {
		return err
	}
	if err := j.saveMigratedTerm(ctx, u, c, mark); err != nil {
		return err
	}
	params := append([]savedParam{
		{itemparam.Released, item.FormatIDs(j.otherMigrations(lines, c.order.Lineage()))},
		{itemparam.Lineage, item.FormatIDs(c.order.Lineage())}, {itemparam.OrderID, strconv.FormatInt(c.order.ID, 10)},
	}, j.migratedParams(u, c)...)
	if err := j.saveAll(ctx, params); err != nil {
		return err
	}
	if j.behindSeller(u, c) {
		if err := j.SetStatus(ctx, item.ServiceWaiting); err != nil {
			return err
		}
	}
	return j.SaveParam(ctx, itemparam.Migration, "")
}

// saveMigratedTerm saves the paid term. If the seller does not say when it began, it counts from the item's opening date or, without
// one, from the day of the migration.
func (j *Order) saveMigratedTerm(ctx context.Context, u unmigrated, c candidate, mark migrationMark) error {
	paid, known := paidTerm(c.order, j.Item.Period, j.Item.ExpireDate, c.shown.leaf, u.stored)
	if !known {
		paid = term{start: j.Item.OpenDate, months: max(0, cmp.Or(c.order.Months, j.Item.Period))}
		if paid.start.IsZero() {
			paid.start = cabforum.DateOf(mark.Time)
		}
	}
	months := ""
	if paid.months > 0 {
		months = strconv.Itoa(paid.months)
	}
	if err := j.saveAll(ctx, []savedParam{{itemparam.TermStart, paid.start.String()}, {itemparam.TermMonths, months}}); err != nil {
		return err
	}
	return j.SaveTerm(ctx) // what the panel shows as paid until
}

// otherMigrations returns the ids of the journal's lines about migrations of the item to other orders, which were interrupted, with what
// is released already: the next run would put them on the item again (rules BUY-2).
func (j *Order) otherMigrations(lines []item.JournalEntry, lineage []int64) []int64 {
	released := item.ParseIDs(j.Item.Params[itemparam.Released])
	for _, line := range lines {
		if line.Item == j.Item.Item && line.Kind == kindMigrate && line.Account == seller.AccountHash(j.Account) {
			released = append(released, line.ID)
		}
	}
	slices.Sort(released)
	return slices.DeleteFunc(slices.Compact(released), func(id int64) bool { return slices.Contains(lineage, id) })
}

// readMark reads the parameter migration; false if it is absent or cannot be read.
func readMark(it item.Item) (migrationMark, bool) {
	var mark migrationMark
	err := json.Unmarshal([]byte(it.Params[itemparam.Migration]), &mark)
	return mark, err == nil && mark.ID > 0 && !mark.Time.IsZero()
}

// savedParam is an item parameter and its value.
type savedParam struct{ name, value string }

// saveAll saves parameters in their order.
func (j *Order) saveAll(ctx context.Context, params []savedParam) error {
	for _, p := range params {
		if err := j.SaveParam(ctx, p.name, p.value); err != nil {
			return err
		}
	}
	return nil
}

// saveMark saves the parameter migration and reads it back. The time of an interrupted migration to the same order stays.
func (j *Order) saveMark(ctx context.Context, id int64) (migrationMark, error) {
	if mark, there := readMark(j.Item); there && mark.ID == id {
		return mark, nil
	}
	mark := migrationMark{ID: id, Time: j.Now().UTC().Truncate(time.Second)}
	raw, err := json.Marshal(mark)
	if err != nil {
		return mark, err
	}
	if err := j.SaveParam(ctx, itemparam.Migration, string(raw)); err != nil {
		return mark, err
	}
	saved, _, err := j.Panel.Param(ctx, j.Item.Item, itemparam.Migration)
	if err == nil && saved != string(raw) {
		err = fault.Errorf(fault.Panel, itemparam.Migration, "the parameter was not found on %s after it was saved: nothing else was written", j.Item.Label()).Retryable()
	}
	return mark, err
}

// journalMigration adds the order to the purchase journal, unless its last line about the order says the same: the journal knows whose
// the order is, should the item lose its parameters (rules BUY-2). It returns the journal's lines about the item and the order before that.
func (j *Order) journalMigration(ctx context.Context, u unmigrated, mark migrationMark) ([]item.JournalEntry, error) {
	line := item.JournalEntry{Time: mark.Time, Item: j.Item.Item, Kind: kindMigrate, ID: mark.ID, Account: seller.AccountHash(j.Account), Name: u.csr.CommonName}
	if len(u.keys) > 0 {
		line.Key = u.keys[0]
	}
	lines, err := j.Panel.JournalOf(ctx, j.Item.Item, mark.ID)
	if err != nil {
		return nil, err
	}
	var last int64
	for _, old := range lines {
		if old.Account == line.Account && old.ID == line.ID {
			last = old.Item
		}
	}
	if last == line.Item {
		return lines, nil
	}
	return lines, j.Panel.AppendJournal(ctx, line)
}

// migratedParams returns what an order of this module knows about its certificate and its request. It is about the certificate in
// the panel: a newer one at the seller is stored by the next sync.
func (j *Order) migratedParams(u unmigrated, c candidate) []savedParam {
	requested, key, names, ends, serial := "", "", "", "", ""
	if u.csr.PEM != "" && c.shown.csrKey == u.csr.KeyHash() && j.namesFit(u, c) {
		requested = j.requestDigest()
	}
	if u.stored != nil {
		key, names, ends, serial = keyDigest(*u.stored), j.namesOf(*u.stored), u.stored.Ends().String(), u.stored.Serial()
	}
	return []savedParam{
		{itemparam.Delivered, c.order.Type}, {itemparam.Requested, requested}, {itemparam.LeafKey, key}, {itemparam.LeafNames, names},
		{itemparam.ExpireDate, ends}, {itemparam.Serial, serial},
	}
}

// namesFit reports whether the seller was handed the item's present names: its certificate has them, or none was issued and it shows
// the item's own CSR.
func (j *Order) namesFit(u unmigrated, c candidate) bool {
	if c.shown.leaf == nil {
		return pki.CSRHash(c.shown.status.CSR) == pki.CSRHash(u.csr.PEM)
	}
	return c.shown.leaf.Check(u.csr, j.wanted(u.csr)) == nil
}

// behindSeller reports whether a sync has something to do that neither the panel nor a sweep would start for an issued item: the
// seller has another certificate than the panel, or works on one, or the panel has none.
func (j *Order) behindSeller(u unmigrated, c candidate) bool {
	status := c.shown.status
	switch status.State {
	case seller.StateWaiting:
		return !status.Inferred || u.stored == nil
	case seller.StateIssued:
		return u.stored == nil || c.shown.leaf != nil && c.shown.leaf.Serial() != u.stored.Serial()
	case seller.StateReplaced:
		return u.stored == nil
	}
	return false
}
