package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
	"pmssl/internal/sorting"
)

// migrateStep is the number of items after which the log shows the progress of a migration.
const migrateStep = 50

// migrator is one migration: items that the panel's own module has ordered get what an order of this module has.
type migrator struct {
	*item.Run
	seller   seller.Seller
	account  *Order // an Order without an item, to read the owners of the account's ids
	products []seller.Product
	orders   orderIndex
	renewals []seller.OrderSummary // paid, not activated, and of no item
	owners   purchase.OwnerIndex
	index    unmigratedIndex
	serials  map[string][]int64 // serial of a stored certificate -> items of the panel, of any module
	statuses map[int64]shown    // by id at the seller
	rows     []MigrationRow
	named    int64 // the order that the administrator named for the item; 0 if none
	stopped  error // the seller fails for this account: no further item is looked at
}

// Migrate matches the items of a processing module that carry none of this module's parameters to the orders of the seller's account
// (rules MIGRATE-1 to MIGRATE-7). With --yes it writes to those with exactly one certain order what an order of this module has.
// Nothing is bought, and nothing changes at the seller: its client sends only what reads.
func Migrate(ctx context.Context, run *item.Run) (Migration, error) {
	if !run.Info.DryRun {
		return Migration{}, fault.Errorf(fault.Internal, "migrate", "the client of %s is not set to reading only: nothing was done", run.Info.Title)
	}
	named, err := namedOrder(run.Args)
	if err != nil {
		return Migration{}, err
	}
	apply := run.Args.Yes
	if !apply {
		if err := run.BeginDryRun(); err != nil {
			return Migration{}, err
		}
	}
	m, err := newMigrator(ctx, run)
	if err != nil {
		return Migration{}, err
	}
	m.named = named
	if err := m.all(ctx, apply); err != nil {
		return Migration{}, err
	}
	found := Migration{Applied: apply, Rows: m.rows}
	run.Failed = found.Count(MigrationFailed)+found.Count(MigrationUnchecked) > 0
	run.Summary = fmt.Sprintf("items %d, matches %d, migrated %d, failed %d, unchecked %d", len(m.rows), found.Count(MigrationMatch),
		found.Count(MigrationMigrated), found.Count(MigrationFailed), found.Count(MigrationUnchecked))
	return found, nil
}

// namedOrder returns the id of --id, 0 without it.
func namedOrder(args item.Args) (int64, error) {
	if args.ID == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(args.ID, 10, 64)
	switch {
	case err != nil || id <= 0:
		return 0, fault.Errorf(fault.Value, "id", "%q is not an id of the seller", item.Brief(args.ID))
	case args.Item == 0:
		return 0, fault.Errorf(fault.Missed, "item", "--id names the order of one item: give --item too")
	}
	return id, nil
}

// newMigrator reads the account's orders, the items and who holds which order.
func newMigrator(ctx context.Context, run *item.Run) (*migrator, error) {
	theSeller, err := item.Dial(ctx, run, run.Args.Module)
	if err != nil {
		return nil, err
	}
	lister, ok := theSeller.(seller.CertificateLister)
	if !ok {
		return nil, item.Unsupported(run, "listing certificates")
	}
	// The sweep's lock excludes an import, which would make new items of the same orders, and a sweep.
	free, err := run.Panel.LockSweep(ctx)
	if err != nil {
		return nil, err
	}
	if !free {
		return nil, fault.Errorf(fault.Locked, "migrate", "a sweep or an import is running: start this again later").Retryable()
	}
	m := &migrator{Run: run, seller: theSeller, statuses: map[int64]shown{}, account: FromHandle(&item.Handle{
		Run: run, Log: run.Log, Seller: theSeller, Account: theSeller.Account(), Item: item.Item{Module: run.Args.Module}})}
	m.products = item.Catalogue(ctx, run, theSeller)
	m.account.Info.Products = m.products
	// The list is read before the items: an order made meanwhile is not in the list, or its id is on its item already.
	listed, err := lister.Certificates(ctx)
	if err != nil {
		return nil, err
	}
	m.orders = indexOrders(listed)
	if m.index, err = m.unmigrated(ctx); err != nil {
		return nil, err
	}
	if m.serials, err = readSerials(ctx, run.Panel); err != nil {
		return nil, err
	}
	if m.owners, err = m.readOwners(ctx); err != nil {
		return nil, err
	}
	m.renewals, err = m.unusedRenewals(ctx)
	return m, err
}

// unusedRenewals returns the account's renewals that are paid and not activated, and that no item and no line of the journal has. The seller
// shows neither name nor key of them. A seller that renews in place has none.
func (m *migrator) unusedRenewals(ctx context.Context) ([]seller.OrderSummary, error) {
	if _, inPlace := m.seller.(seller.Prolonger); inPlace {
		return nil, nil
	}
	snapshot, err := m.seller.OrderSnapshot(ctx)
	if err != nil {
		return nil, err
	}
	var unused []seller.OrderSummary
	for _, order := range snapshot.Orders {
		if order.State != seller.StateRenewal {
			continue
		}
		holder, _, err := m.owners.Owner(ctx, seller.ListedCertificate{ID: order.ID, OrderRef: order.OrderRef})
		if err != nil {
			return nil, err
		}
		if holder == 0 {
			unused = append(unused, order)
		}
	}
	return unused, nil
}

// readOwners reads who holds which order, without what another module wrote on the items that are to be migrated.
func (m *migrator) readOwners(ctx context.Context) (purchase.OwnerIndex, error) {
	return m.account.OwnerIndex(ctx, func(c item.Claim) bool {
		_, unmigrated := m.index.items[c.Item]
		return unmigrated && c.Lineage == "" && c.Intent == ""
	})
}

// unmigrated loads the module's items without parameters of this module. Of such items of the other modules that use the account it
// knows the keys: the account's orders may be theirs.
func (m *migrator) unmigrated(ctx context.Context) (unmigratedIndex, error) {
	x := unmigratedIndex{items: map[int64]unmigrated{}, keys: map[string][]int64{}}
	modules, err := m.account.AccountModules(ctx)
	if err != nil {
		return x, err
	}
	for _, module := range modules {
		if err := m.addUnmigrated(ctx, x, module); err != nil {
			return x, err
		}
	}
	return x, nil
}

// addUnmigrated adds a module's items without parameters of this module to the index.
func (m *migrator) addUnmigrated(ctx context.Context, x unmigratedIndex, module int64) error {
	ids, err := m.Panel.UnmigratedItems(ctx, module)
	if err != nil {
		return err
	}
	own := module == m.Args.Module
	for _, id := range ids {
		it, err := m.Panel.LoadItem(ctx, id)
		failure := fault.From(err)
		switch missed := failure != nil && failure.Type == fault.Missed; {
		case missed && own:
			m.rows = append(m.rows, MigrationRow{Item: id, State: MigrationFailed, Reason: failure.Message})
		case missed:
		case err != nil:
			return err
		case it.ItemType == "" || it.ItemType == item.ItemtypeCertificate:
			x.add(readUnmigrated(it), own)
		}
	}
	if !own {
		return nil
	}
	return m.checkNamed(ctx, ids)
}

// checkNamed returns a fault if the item of --item is none of those to migrate.
func (m *migrator) checkNamed(ctx context.Context, ids []int64) error {
	if m.Args.Item == 0 || slices.Contains(ids, m.Args.Item) {
		return nil
	}
	it, err := m.Panel.LoadItem(ctx, m.Args.Item)
	if err != nil {
		return err
	}
	if err := sameBinary(m.Run, it); err != nil {
		return err
	}
	return fault.Errorf(fault.Value, "item", "%s is closed, or carries parameters of this module already: there is nothing to migrate", it.Label())
}

// sameBinary returns a fault if the item belongs to another processing module than --module names.
func sameBinary(run *item.Run, it item.Item) error {
	if it.Module == run.Args.Module {
		return nil
	}
	return fault.Errorf(fault.Value, "module", "%s belongs to the processing module %d, not to %d as --module says: nothing was done", it.Label(), it.Module, run.Args.Module)
}

// all decides about each item, and migrates those with a certain order if apply is true.
func (m *migrator) all(ctx context.Context, apply bool) error {
	items := m.index.sorted()
	if m.Args.Item != 0 {
		items = []int64{m.Args.Item}
		m.rows = slices.DeleteFunc(m.rows, func(r MigrationRow) bool { return r.Item != m.Args.Item })
	}
	m.Log.Infof("migrate: %d items without parameters of this module, %d orders of %s", len(items), len(m.orders.listed), m.Info.Title)
	for i, it := range items {
		u, there := m.index.items[it]
		if !there {
			continue // it has a row already: it could not be loaded
		}
		row, err := m.one(ctx, u, apply)
		if over := ctx.Err(); item.Interrupted(over, err) {
			return fault.Errorf(fault.Interrupted, "migrate", "interrupted after %d of %d items, the next run goes on: %w", i, len(items), over).Retryable()
		}
		m.rows = append(m.rows, row)
		if (i+1)%migrateStep == 0 {
			m.Log.Infof("migrate: %d of %d items", i+1, len(items))
		}
	}
	sorting.Stable(m.rows, func(a, b MigrationRow) int { return int(a.Item - b.Item) })
	return nil
}

// one decides about one item and migrates it if apply is true. The error is in the row too.
func (m *migrator) one(ctx context.Context, u unmigrated, apply bool) (MigrationRow, error) {
	row := MigrationRow{Item: u.item.Item, Name: u.item.Name, Product: u.item.Template}
	if m.stopped != nil {
		return unchecked(row, m.stopped), nil
	}
	decided, chosen, err := m.decide(ctx, u)
	if err != nil {
		if fault.From(err).SellerFails() { // each further one would fail too, and slowly (rules SWEEP-9)
			m.stopped = err
		}
		m.Log.Errorf("migrate: item %d (%s): %v", row.Item, item.DisplayLine(row.Name, item.MaxName), err)
		return unchecked(row, err), err
	}
	m.Log.ExtInfof("migrate: item %d (%s): %s: %s", row.Item, item.DisplayLine(row.Name, item.MaxName), decided.State, decided.Reason)
	if chosen == nil || !apply {
		return decided, nil
	}
	decided, err = m.migrate(ctx, u, *chosen, decided)
	if err != nil {
		m.Log.Errorf("migrate: item %d (%s): %v", row.Item, item.DisplayLine(row.Name, item.MaxName), err)
		decided.State, decided.Reason = MigrationFailed, fault.From(err).Message
	}
	return decided, err
}

// today returns the UTC date (rules TIME-1).
func (m *migrator) today() cabforum.Date { return cabforum.DateOf(m.Now()) }
