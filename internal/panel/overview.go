package panel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/plaintext"
	"pmssl/internal/sorting"
)

const (
	// maxOverviewParam is the longest item parameter that an overview reads, in bytes, and maxOverviewStored the longest
	// certificate.crt: one item must not use up the memory for the others of its page.
	maxOverviewParam  = 64 << 10
	maxOverviewStored = 256 << 10
	// maxOpenWork is how many items with running operations, or with tasks, are listed.
	maxOpenWork = 100_000
	// maxOperationError is the longest error document of a running operation that is read, in bytes.
	maxOperationError = 64 << 10
)

// overviewParams returns the item parameters that an overview reads.
func overviewParams() []any {
	return []any{
		itemparam.Intent, itemparam.OrderID, itemparam.Lineage, itemparam.TermStart, itemparam.TermMonths, itemparam.ExpireDate,
		itemparam.Serial, itemparam.Method, itemparam.ServiceStatus, itemparam.ReissueOf, itemparam.ReissueTried, itemparam.NotifiedSerial,
		itemparam.TermEnd, itemparam.NotBefore, itemparam.WaitingTask, itemparam.ImportedCSR, itemparam.RotatedCSR, itemparam.CSRMissed,
		itemparam.Delivery, itemparam.DeployedSerial, itemparam.ChallengesPublished, itemparam.Revocation, itemparam.SiteWatch,
	}
}

// OverviewItems implements item.Overviews. A page that cannot be read as a whole is read in halves, so that one damaged row costs
// one item.
func (h *Host) OverviewItems(ctx context.Context, after int64, limit int) ([]item.OverviewItem, error) {
	modules, err := h.Modules(ctx)
	if err != nil {
		return nil, err
	}
	var all []item.OverviewItem
	for _, module := range modules { // one by one: the index of the modules has the ids of each in their order
		found, err := h.rows(ctx, "item", `SELECT i.id, LEFT(i.name, 300), i.processingmodule, p.intname, i.period, i.status, i.opendate, i.autosuspend, i.employeesuspend, i.abusesuspend
 FROM item i LEFT JOIN pricelist p ON p.id=i.pricelist
 WHERE i.processingmodule=? AND i.id>? AND COALESCE(i.status,0)<>4 ORDER BY i.id LIMIT ?`, module, after, limit)
		if err != nil {
			return nil, err
		}
		for _, row := range found {
			all = append(all, h.overviewItem(row))
		}
	}
	sorting.Func(all, func(a, b item.OverviewItem) int { return cmp.Compare(a.Item.Item, b.Item.Item) })
	all = all[:min(len(all), limit)]
	return all, h.addDetails(ctx, all)
}

// overviewItem reads the row of one item.
func (h *Host) overviewItem(row []field) item.OverviewItem {
	it := item.OverviewItem{Item: item.Item{
		Item: row[0].number(), Name: row[1].String, Module: row[2].number(), Binary: h.o.Binary, Template: row[3].String,
		Period: int(row[4].number()), Status: int(row[5].number()), Params: map[string]string{},
	}}
	it.Item.OpenDate, it.Problem = date(row[6], "opendate", it.Item.Item)
	it.Autosuspend = row[7].String == "on" && row[8].String != "on" && row[9].String != "on"
	it.Covered = it.Item.Status == statusActive || it.Item.Status == statusSuspended && it.Autosuspend
	return it
}

// addDetails adds parameters and certificates to the items. Only an error that is not about their rows is returned.
func (h *Host) addDetails(ctx context.Context, all []item.OverviewItem) error {
	if len(all) == 0 {
		return nil
	}
	err := h.addParams(ctx, all)
	if err == nil {
		err = h.addCertificates(ctx, all)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil || fault.From(err).Retry: // the connection is lost
		return err
	case len(all) == 1:
		all[0].Problem, all[0].CertificateUnread = errors.Join(all[0].Problem, err), true
		return nil
	}
	for _, it := range all {
		clear(it.Item.Params)
	}
	half := len(all) / 2
	if err := h.addDetails(ctx, all[:half]); err != nil {
		return err
	}
	return h.addDetails(ctx, all[half:])
}

// place returns the index of the item among items that are ordered by id; -1 if it is not among them.
func place(all []item.OverviewItem, id int64) int {
	at, found := slices.BinarySearchFunc(all, id, func(it item.OverviewItem, id int64) int { return cmp.Compare(it.Item.Item, id) })
	if !found {
		return -1
	}
	return at
}

func idsOf(all []item.OverviewItem) []any {
	ids := make([]any, len(all))
	for i, it := range all {
		ids[i] = it.Item.Item
	}
	return ids
}

func (h *Host) addParams(ctx context.Context, all []item.OverviewItem) error {
	names := overviewParams()
	args := append([]any{maxOverviewParam + 1}, idsOf(all)...)
	found, err := h.rows(ctx, "itemparam", "SELECT item, intname, LEFT(value, ?) FROM itemparam WHERE item IN ("+marks(len(all))+
		") AND intname IN ("+marks(len(names))+")", append(args, names...)...)
	if err != nil {
		return err
	}
	for _, row := range found {
		at := place(all, row[0].number())
		if at < 0 || !slices.Contains(names, any(row[1].String)) { // the collation of the table may equate further names
			continue
		}
		if len(row[2].String) > maxOverviewParam {
			all[at].Problem = errors.Join(all[at].Problem, fault.Errorf(fault.Value, row[1].String, "the item parameter %s has more than %d bytes", row[1].String, maxOverviewParam))
			continue
		}
		all[at].Item.Params[row[1].String] = row[2].String
	}
	return nil
}

func (h *Host) addCertificates(ctx context.Context, all []item.OverviewItem) error {
	found, err := h.certificateRows(ctx, "id", "item, LEFT(csr, 64), CASE WHEN LENGTH(crt)<=? THEN crt ELSE '' END, LENGTH(crt)",
		"certificate WHERE item IN ("+marks(len(all))+")", append([]any{maxOverviewStored}, idsOf(all)...)...)
	if err != nil {
		return err
	}
	lengths := make([]int64, len(all))
	for _, row := range found {
		at := place(all, row[0].number())
		if at < 0 {
			continue
		}
		if row[1].String != "" {
			all[at].Item.CSR = row[1].String
		}
		if length := row[3].number(); length > 0 { // of several the newest one counts, whether it can be read or not
			all[at].Item.Stored, lengths[at] = row[2].String, length
		}
	}
	for at, length := range lengths {
		if it := &all[at]; length > maxOverviewStored {
			it.Problem = errors.Join(it.Problem, fault.Errorf(fault.Value, "certificate", "the stored certificate has %d bytes, at most %d are read", length, maxOverviewStored))
			it.CertificateUnread = true
		}
	}
	return nil
}

// OpenWork implements item.Overviews. Running operations and tasks are few compared with items, so each is read by one query.
func (h *Host) OpenWork(ctx context.Context) (map[int64]item.OpenWork, []string, error) {
	work := map[int64]item.OpenWork{}
	var problems []string
	for _, read := range []func(context.Context, map[int64]item.OpenWork) error{h.openOperations, h.openTasks, h.operationErrors} {
		err := read(ctx, work)
		switch {
		case err == nil:
		case ctx.Err() != nil || fault.From(err).Retry:
			return nil, nil, err
		default:
			problems = append(problems, plaintext.Line(err.Error()))
		}
	}
	return work, problems, nil
}

// openOperations counts running operations. The columns manual and intname are inferred (docs/reference/billmanager.md §4): without them
// nothing is known of what they say.
func (h *Host) openOperations(ctx context.Context, work map[int64]item.OpenWork) error {
	const query = "SELECT i.id, COUNT(*), MAX(o.trycount), %s" + fromOwnItems + "JOIN runningoperation o ON o.item=i.id WHERE pm.module=? GROUP BY i.id LIMIT ?"
	found, err := h.rows(ctx, "runningoperation", fmt.Sprintf(query, "SUM(CASE WHEN o.manual='on' THEN 1 ELSE 0 END), "+
		"SUM(CASE WHEN o.intname IN ('close', 'suspend', 'cancel_prolong') THEN 1 ELSE 0 END)"), h.o.Binary, maxOpenWork+1)
	if absent(err) {
		found, err = h.rows(ctx, "runningoperation", fmt.Sprintf(query, "0, 0"), h.o.Binary, maxOpenWork+1)
	}
	if err != nil {
		return err
	}
	for _, row := range found {
		one := work[row[0].number()]
		one.Operations, one.Tries = int(row[1].number()), int(row[2].number())
		one.Manual, one.Ending = row[3].number() > 0, row[4].number() == row[1].number()
		work[row[0].number()] = one
	}
	return tooMany(len(found), "running operations")
}

func (h *Host) openTasks(ctx context.Context, work map[int64]item.OpenWork) error {
	found, err := h.rows(ctx, "task", "SELECT i.id, COUNT(*)"+fromOwnItems+
		"JOIN task t ON t.item=i.id WHERE pm.module=? AND (t.status IS NULL OR t.status<>2) GROUP BY i.id LIMIT ?", h.o.Binary, maxOpenWork+1)
	if err != nil {
		return err
	}
	for _, row := range found {
		one := work[row[0].number()]
		one.Tasks = int(row[1].number())
		work[row[0].number()] = one
	}
	return tooMany(len(found), "tasks")
}

func tooMany(n int, what string) error {
	if n <= maxOpenWork {
		return nil
	}
	return fault.Errorf(fault.DB, "item", "more than %d items have %s: those beyond are not shown", maxOpenWork, what)
}

// operationErrors reads the errors of running operations, by pages. The column is inferred (docs/reference/billmanager.md §4): a
// panel without it is no problem.
func (h *Host) operationErrors(ctx context.Context, work map[int64]item.OpenWork) error {
	const page = 100
	items := slices.Sorted(maps.Keys(work))
	items = slices.DeleteFunc(items, func(it int64) bool { return work[it].Operations == 0 })
	for part := range slices.Chunk(items, page) {
		args := []any{maxOperationError}
		for _, it := range part {
			args = append(args, it)
		}
		found, err := h.rows(ctx, "runningoperation", "SELECT item, LEFT(errorxml, ?) FROM runningoperation WHERE item IN ("+marks(len(part))+") ORDER BY id", args...)
		if err != nil && (ctx.Err() != nil || fault.From(err).Retry) {
			return err
		}
		if err != nil {
			h.log.ExtInfof("errors of running operations are not shown: %v", err)
			return nil
		}
		for _, row := range found {
			if text := operationError(row[1].String); text != "" {
				one := work[row[0].number()]
				one.Error = text
				work[row[0].number()] = one
			}
		}
	}
	return nil
}

// ModuleOverviews implements item.Overviews.
func (h *Host) ModuleOverviews(ctx context.Context) (all []item.ModuleOverview, problems []string, err error) {
	found, err := h.rows(ctx, "processingmodule", "SELECT id, LEFT(name, 300), active FROM processingmodule WHERE module=? ORDER BY id", h.o.Binary)
	if err != nil {
		return nil, nil, err
	}
	balances, err := h.balances()
	if err != nil {
		problems = append(problems, plaintext.Line(err.Error()))
	}
	for _, row := range found {
		all = append(all, item.ModuleOverview{Module: row[0].number(), Name: row[1].String, Active: row[2].String == "on", Balance: balances[row[0].number()]})
	}
	return all, problems, nil
}
