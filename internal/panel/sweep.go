package panel

import (
	"context"
	"maps"
	"slices"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
)

// fromOwnItems joins the processing modules with their items; activeStates selects this binary's.
const fromOwnItems = ` FROM processingmodule pm JOIN item i ON i.processingmodule=pm.id `

// activeStates selects the items of this binary that are active, or suspended by the panel itself (rules SWEEP-2; item.status of
// docs/reference/billmanager.md §4).
const activeStates = ` pm.module=? AND (i.status=2 OR i.status=3 AND i.autosuspend='on' AND COALESCE(i.employeesuspend,'off')<>'on'
 AND COALESCE(i.abusesuspend,'off')<>'on')`

// ActiveItems counts the items that the sweep watches.
func (h *Host) ActiveItems(ctx context.Context) (int, error) {
	row, found, err := h.row(ctx, "item", "SELECT COUNT(*)"+fromOwnItems+"WHERE"+activeStates, h.o.Binary)
	if err != nil || !found {
		return 0, err
	}
	return int(row[0].number()), nil
}

// WaitingItems returns the items whose order or reissue the seller works on: service status 3 or 4 (rules SWEEP-1).
func (h *Host) WaitingItems(ctx context.Context) ([]int64, error) {
	return h.ids(ctx, "itemparam", "SELECT i.id"+fromOwnItems+
		"JOIN itemparam s ON s.item=i.id AND s.intname=? WHERE"+activeStates+" AND s.value IN ('3','4') ORDER BY i.id",
		itemparam.ServiceStatus, h.o.Binary)
}

// ExpiringBefore returns the items whose stored certificate ends on or before the date, soonest first, by one query that uses the
// panel's indexes (rules SWEEP-1, 6). Dates in parameters are YYYY-MM-DD, so texts compare like dates.
func (h *Host) ExpiringBefore(ctx context.Context, until cabforum.Date) ([]int64, error) {
	return h.ids(ctx, "itemparam", "SELECT i.id"+fromOwnItems+
		"JOIN itemparam e ON e.item=i.id AND e.intname=? WHERE"+activeStates+" AND e.value<>'' AND e.value<=? ORDER BY e.value, i.id",
		itemparam.ExpireDate, h.o.Binary, until.String())
}

// modulesPage is how many items' modules are read by one query.
const modulesPage = 1000

// ModulesOf returns the processing modules of the items.
func (h *Host) ModulesOf(ctx context.Context, items []int64) (map[int64]int64, error) {
	modules := map[int64]int64{}
	for page := range slices.Chunk(items, modulesPage) {
		args := make([]any, len(page))
		for i, it := range page {
			args[i] = it
		}
		err := h.each(ctx, func(row []field) { modules[row[0].number()] = row[1].number() }, "item",
			"SELECT id, processingmodule FROM item WHERE processingmodule IS NOT NULL AND id IN ("+marks(len(page))+")", args...)
		if err != nil {
			return nil, err
		}
	}
	return modules, nil
}

// CountOperations counts the item's open running operations.
func (h *Host) CountOperations(ctx context.Context, it int64) (int, error) {
	row, found, err := h.row(ctx, "runningoperation", "SELECT COUNT(*) FROM runningoperation WHERE item=?", it)
	if err != nil || !found {
		return 0, err
	}
	return int(row[0].number()), nil
}

// Client returns the recipient of the account's mails: its enabled user of level 16 with the lowest id (rules SWEEP-6).
// fault.Missed if the account has no such user or the address is empty.
func (h *Host) Client(ctx context.Context, account int64) (item.Recipient, error) {
	row, found, err := h.row(ctx, "user",
		"SELECT email, realname, name, language FROM `user` WHERE account=? AND level=16 AND enabled='on' ORDER BY id LIMIT 1", account)
	if err != nil {
		return item.Recipient{}, err
	}
	if !found || strings.TrimSpace(row[0].String) == "" {
		return item.Recipient{}, fault.Errorf(fault.Missed, "user", "account %d has no enabled user with a mail address, so no mail can be sent", account)
	}
	client := item.Recipient{Email: strings.TrimSpace(row[0].String), Name: row[1].String, Lang: row[3].String}
	if client.Name == "" {
		client.Name = row[2].String
	}
	return client, nil
}

// Brand returns the address of the project's billing panel, or the project's name; empty if neither is known. Clients know the
// panel by it.
func (h *Host) Brand(ctx context.Context, project int64) (string, error) {
	row, found, err := h.row(ctx, "project", "SELECT billurl, name FROM project WHERE id=?", project)
	if err != nil || !found {
		return "", err
	}
	if address := strings.TrimSpace(row[0].String); address != "" {
		return address, nil
	}
	return strings.TrimSpace(row[1].String), nil
}

// UnlockItem releases the item's lock, if this run holds it. Each goroutine of a sweep holds one item at a time, on a Host of its own.
func (h *Host) UnlockItem(ctx context.Context, id int64) error {
	names, held := h.items[id]
	delete(h.items, id)
	if !held || h.db == nil {
		return nil
	}
	if slices.Equal(h.lastItemLocks, names) {
		h.lastItemLocks = nil
	}
	return h.releaseLocks(ctx, names)
}

// LockSweep takes the lock `<bin>.subscription.<8 hex of DBName>` and that of the previous version without waiting (rules BUY-1).
// It returns false if another sweep holds one. The locks are held until the process ends.
func (h *Host) LockSweep(ctx context.Context) (bool, error) {
	names, err := h.lockNames(ctx, "subscription.", "")
	if err != nil {
		return false, err
	}
	for i, name := range names {
		row, found, err := h.row(ctx, "GET_LOCK", "SELECT GET_LOCK(?, 0)", name)
		if err != nil {
			return false, err
		}
		if !found || row[0].number() != 1 {
			return false, h.releaseLocks(ctx, names[:i])
		}
	}
	h.sweepLocks = names
	return true, nil
}

// PendingDeliveries lists the items of this binary with a certificate that is still to be delivered (docs/reference/unattended.md
// §7), with the parameter that says how far that is.
func (h *Host) PendingDeliveries(ctx context.Context) ([]item.PendingDelivery, error) {
	found, err := h.rows(ctx, "itemparam", "SELECT i.id, s.value"+fromOwnItems+
		"JOIN itemparam s ON s.item=i.id AND s.intname=? WHERE pm.module=? AND s.value<>'' ORDER BY i.id", itemparam.Delivery, h.o.Binary)
	if err != nil {
		return nil, err
	}
	pending := make([]item.PendingDelivery, len(found))
	for i, row := range found {
		pending[i] = item.PendingDelivery{Item: row[0].number(), State: row[1].String}
	}
	return pending, nil
}

// PublishedItems lists the items of this binary with a record of published challenges (docs/reference/unattended.md §5). One
// that was suspended or closed is among them: its challenges have to be removed all the same.
func (h *Host) PublishedItems(ctx context.Context) ([]int64, error) {
	return h.ids(ctx, "itemparam", "SELECT i.id"+fromOwnItems+
		"JOIN itemparam s ON s.item=i.id AND s.intname=? WHERE pm.module=? AND s.value<>'' ORDER BY i.id",
		itemparam.ChallengesPublished, h.o.Binary)
}

// DeferredItems lists the items of this binary that had no turn in earlier sweeps, those that wait longest first (rules UNATT-9).
func (h *Host) DeferredItems(ctx context.Context) ([]int64, error) {
	return h.ids(ctx, "itemparam", "SELECT i.id"+fromOwnItems+
		"JOIN itemparam s ON s.item=i.id AND s.intname=? WHERE pm.module=? AND s.value<>'' ORDER BY s.value, i.id",
		itemparam.ChallengesDeferred, h.o.Binary)
}

// WatchedItems calls f for each item whose sites are watched, in no order; with only for this item at most. One query in the order in
// which the server finds the rows takes a twentieth of the time of pages. f must not use the panel: the rows are still being read.
func (h *Host) WatchedItems(ctx context.Context, only int64, f func(item.WatchedItem)) error {
	query := "SELECT i.id, s.value" + fromOwnItems + "JOIN itemparam s ON s.item=i.id AND s.intname=? WHERE" + activeStates + " AND s.value<>''"
	args := []any{itemparam.Serial, h.o.Binary}
	if only != 0 {
		query, args = query+" AND i.id=?", append(args, only)
	}
	return h.each(ctx, func(row []field) { f(item.WatchedItem{Item: row[0].number(), Serial: row[1].String}) }, "itemparam", query, args...)
}

// RevokedItems lists the items with what is known about a revoked certificate of theirs.
func (h *Host) RevokedItems(ctx context.Context) ([]item.RevokedItem, error) {
	found, err := h.rows(ctx, "itemparam", "SELECT i.id, s.value"+fromOwnItems+
		"JOIN itemparam s ON s.item=i.id AND s.intname=? WHERE"+activeStates+" AND s.value<>'' ORDER BY i.id", itemparam.Revocation, h.o.Binary)
	if err != nil {
		return nil, err
	}
	var all []item.RevokedItem
	for _, row := range found {
		all = append(all, item.RevokedItem{Item: row[0].number(), State: row[1].String})
	}
	return all, nil
}

// maxWatched is the longest certificate.crt in bytes that is read to look at sites: one that is longer must not use up the memory
// for the others of its page. Certificates with their chains are below 100 KiB.
const maxWatched = 1 << 20

// WatchedSites returns what is needed to look at the sites of the items: their names, certificates and parameters.
func (h *Host) WatchedSites(ctx context.Context, items []int64) ([]item.WatchedSite, error) {
	if len(items) == 0 {
		return nil, nil
	}
	var args []any
	for _, it := range items {
		args = append(args, it)
	}
	in := " IN (" + marks(len(items)) + ")"
	found, err := h.certificateRows(ctx, "c.id", "i.id, i.name, c.crt", "item i JOIN certificate c ON c.item=i.id WHERE i.id"+in+
		" AND LENGTH(c.crt) BETWEEN 1 AND ?", append(args[:len(args):len(args)], maxWatched)...)
	if err != nil {
		return nil, err
	}
	sites := map[int64]*item.WatchedSite{}
	for _, row := range found {
		sites[row[0].number()] = &item.WatchedSite{Item: row[0].number(), Name: row[1].String, Stored: row[2].String}
	}
	params, err := h.rows(ctx, "itemparam", "SELECT item, intname, value FROM itemparam WHERE item"+in+" AND intname IN (?, ?, ?)",
		append(args[:len(args):len(args)], itemparam.Serial, itemparam.EarlierSerials, itemparam.SiteWatch)...)
	if err != nil {
		return nil, err
	}
	for _, row := range params {
		site := sites[row[0].number()]
		if site == nil {
			continue
		}
		switch row[1].String { // the collation of the table may equate further names
		case itemparam.Serial:
			site.Serial = row[2].String
		case itemparam.EarlierSerials:
			site.Earlier = row[2].String
		case itemparam.SiteWatch:
			site.Watch = row[2].String
		}
	}
	var all []item.WatchedSite
	for _, it := range slices.Sorted(maps.Keys(sites)) {
		all = append(all, *sites[it])
	}
	return all, nil
}
