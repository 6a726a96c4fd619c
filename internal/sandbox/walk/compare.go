package walk

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/sandbox/model"
)

// state is one side of a comparison, in lines.
type state struct {
	items    map[int64]string
	payments []int64 // ids of the orders that were paid for
	orders   string  // at the seller
	count    int     // of items in the panel
}

// compare compares system and model: whether the run succeeded, and what both have then. Closed items are compared once more and then
// forgotten.
func (w *walk) compare(ctx context.Context, wantOK, haveOK bool) error {
	want, have, err := w.states(ctx)
	if err != nil {
		return err
	}
	found := differences(want, have)
	if undetermined := w.m.TakeUndetermined(); wantOK != haveOK && !undetermined {
		found = append([]string{fmt.Sprintf("the run succeeds: the model says %v, the system %v", wantOK, haveOK)}, found...)
	}
	found = append(found, w.overpaid(have.payments)...)
	if len(found) > 0 {
		return w.report(want, have, found)
	}
	for _, i := range w.m.Items() {
		if i.Status == model.Deleted {
			w.m.Forget(i.ID)
			w.free = append(w.free, i.Name)
		}
	}
	return nil
}

// states returns both sides.
func (w *walk) states(ctx context.Context) (want, have state, err error) {
	orders, err := w.seller.Orders()
	if err != nil {
		return want, have, err
	}
	payments, err := w.seller.Payments()
	if err != nil {
		return want, have, err
	}
	serials := map[int64][]string{}
	for _, o := range orders {
		serials[o.ID] = o.Serials
		have.orders += fmt.Sprintf("%d:%d ", o.ID, len(o.Serials))
	}
	for _, p := range payments {
		have.payments = append(have.payments, p.Order)
	}
	want = w.expected(serials)
	if have.items, have.count, err = w.panelItems(ctx); err != nil {
		return want, have, err
	}
	return want, have, nil
}

// expected returns the model's side. Serials are known by number only: the seller says what they are.
func (w *walk) expected(serials map[int64][]string) state {
	s := state{items: map[int64]string{}, payments: w.m.Payments()}
	for _, o := range w.m.Orders() {
		s.orders += fmt.Sprintf("%d:%d ", o.ID, len(o.Leaves))
	}
	for _, i := range w.m.Items() {
		serial, end := "", ""
		if leaf, stored := w.m.LeafOf(i); stored {
			end = leaf.End().String()
			if all := serials[i.Stored.Order]; i.Stored.Number < len(all) {
				serial = all[i.Stored.Number]
			}
		}
		var lineage []string
		for _, id := range i.Lineage {
			lineage = append(lineage, strconv.FormatInt(id, 10))
		}
		operation := ""
		if op := i.Operation; op != nil {
			operation = fmt.Sprintf("%s tries=%d manual=%v", op.Command, op.Tries, op.Manual)
		}
		months := ""
		if i.TermMonths > 0 {
			months = strconv.Itoa(i.TermMonths)
		}
		s.items[i.ID] = line(i.Status, string(i.Service), i.Expire.String(), map[string]string{
			"lineage": strings.Join(lineage, " "), "custom_order_id": last(lineage), "term_start": i.TermStart.String(), "term_months": months, "paid_until": i.PaidUntil().String(),
			"certificate_serial": serial, "certificate_expiredate": end,
		}, operation)
	}
	s.count = w.items
	return s
}

func last(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// line shows an item.
func line(status int, service, expire string, params map[string]string, operation string) string {
	text := fmt.Sprintf("status=%d service=%s expires=%s", status, service, expire)
	for _, name := range parameters() {
		text += " " + name + "=" + params[name]
	}
	return text + " operation=" + operation
}

// parameters returns the item parameters that are compared.
func parameters() []string {
	return []string{"lineage", "custom_order_id", "term_start", "term_months", "paid_until", "certificate_serial", "certificate_expiredate"}
}

// panelItems returns the items of the panel that the model has, and how many there are in all.
func (w *walk) panelItems(ctx context.Context) (items map[int64]string, count int, err error) {
	db := w.p.Panel.DB()
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM item").Scan(&count); err != nil {
		return nil, 0, err
	}
	ids := "0"
	for _, i := range w.m.Items() {
		ids += "," + strconv.FormatInt(i.ID, 10)
	}
	params, err := w.panelParams(ctx, ids)
	if err != nil {
		return nil, 0, err
	}
	operations, err := w.panelOperations(ctx)
	if err != nil {
		return nil, 0, err
	}
	rows, err := db.QueryContext(ctx, "SELECT id, status, IFNULL(DATE_FORMAT(expiredate, '%Y-%m-%d'), '') FROM item WHERE id IN ("+ids+")")
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	items = map[int64]string{}
	for rows.Next() {
		var id int64
		var status int
		var expire string
		if err := rows.Scan(&id, &status, &expire); err != nil {
			return nil, 0, err
		}
		items[id] = line(status, service(params[id]["service_status"]), expire, params[id], operations[id])
	}
	return items, count, rows.Err()
}

// service returns a service_status as the model has it.
func service(status string) string {
	names := map[string]model.Service{"": model.NotOrdered, "3": model.Waiting, "4": model.Waiting, "5": model.Issued, "6": model.Refused}
	if name, known := names[status]; known {
		return string(name)
	}
	return status
}

func (w *walk) panelParams(ctx context.Context, ids string) (map[int64]map[string]string, error) {
	rows, err := w.p.Panel.DB().QueryContext(ctx, "SELECT item, intname, IFNULL(value, '') FROM itemparam WHERE item IN ("+ids+") AND intname IN ('service_status','"+
		strings.Join(parameters(), "','")+"')")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[int64]map[string]string{}
	for rows.Next() {
		var id int64
		var name, value string
		if err := rows.Scan(&id, &name, &value); err != nil {
			return nil, err
		}
		if all[id] == nil {
			all[id] = map[string]string{}
		}
		all[id][name] = value
	}
	return all, rows.Err()
}

func (w *walk) panelOperations(ctx context.Context) (map[int64]string, error) {
	operations, err := w.p.Operations(ctx)
	all := map[int64]string{}
	for _, op := range operations {
		if all[op.Item] != "" {
			all[op.Item] += ", "
		}
		all[op.Item] += fmt.Sprintf("%s tries=%d manual=%v", op.Command, op.TryCount, op.Manual)
	}
	return all, err
}

// differences returns what differs, in lines.
func differences(want, have state) []string {
	var found []string
	for _, id := range slices.Sorted(maps.Keys(want.items)) {
		if want.items[id] != have.items[id] {
			found = append(found, fmt.Sprintf("item %d", id), "  model:  "+want.items[id], "  system: "+have.items[id])
		}
	}
	if !slices.Equal(want.payments, have.payments) {
		found = append(found, fmt.Sprintf("payments: the model has %d, the last ones for %v, the system %d, the last ones for %v",
			len(want.payments), tail(want.payments), len(have.payments), tail(have.payments)))
	}
	if want.orders != have.orders {
		found = append(found, "orders at the seller and their certificates", "  model:  "+want.orders, "  system: "+have.orders)
	}
	if want.count != have.count {
		found = append(found, fmt.Sprintf("items of the panel: the model has %d, the system %d", want.count, have.count))
	}
	return found
}

func tail(ids []int64) []int64 { return ids[max(0, len(ids)-5):] }

// lines shows one side.
func (s state) lines() []string {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(s.items)) {
		all = append(all, fmt.Sprintf("item %d %s", id, s.items[id]))
	}
	return append(all, fmt.Sprintf("%d payments, the last ones for %v; %d items", len(s.payments), tail(s.payments), s.count))
}

func (w *walk) report(want, have state, found []string) error {
	d := &Difference{
		Seller: w.o.Seller, Seed: w.o.Seed, Step: w.step, Steps: slices.Clone(w.history), Found: found, Expect: want.lines(), Actual: have.lines(),
		Message: "none",
	}
	if w.last != nil {
		d.Message = strings.Join(w.last.Args, " ") + ": " + w.last.Failure() + " " + w.last.Stdout
	}
	return d
}

// overpaid checks, apart from the prediction, that no more was paid for an item than its order and its renewals.
func (w *walk) overpaid(payments []int64) []string {
	paid := map[int64]int{}
	for _, id := range payments {
		if o := w.m.OrderOf(id); o != nil {
			paid[o.Item]++
		}
	}
	var found []string
	for _, i := range w.m.Items() {
		if paid[i.ID] > 1+i.Renewed {
			found = append(found, fmt.Sprintf("item %d: %d payments for one order and %d renewals", i.ID, paid[i.ID], i.Renewed))
		}
	}
	return found
}

// checkLogs checks that no log has a secret.
func (w *walk) checkLogs() error {
	files, err := filepath.Glob(filepath.Join(w.p.Panel.Root(), "var", "*.log"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, secret := range []string{w.seller.Secret(), "PRIVATE KEY"} {
			if bytes.Contains(text, []byte(secret)) {
				return fmt.Errorf("%s has a secret", filepath.Base(file))
			}
		}
	}
	return nil
}
