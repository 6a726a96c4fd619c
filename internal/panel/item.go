package panel

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/sorting"
)

// itemQuery selects the item with its client, tariff and module (docs/reference/billmanager.md §4). Left joins return the item
// also if one of these is missing, so that the fault can name it.
const itemQuery = `SELECT i.name, i.account, a.name, p.project, i.processingmodule, pm.module, i.pricelist, p.id,
 i.lastpricelist, p.intname, it.intname, i.period, i.status, i.opendate, i.expiredate, i.remoteid
 FROM item i
 LEFT JOIN account a ON a.id=i.account
 LEFT JOIN pricelist p ON p.id=i.pricelist
 LEFT JOIN itemtype it ON it.id=p.itemtype
 LEFT JOIN processingmodule pm ON pm.id=i.processingmodule
 WHERE i.id=?`

// LoadItem loads an item with its parameters and certificate. The parameters come from addons, tariff, item and encrypted values,
// in the C++ framework's order; later ones override (docs/reference/billmanager.md §4). It returns fault.Missed if the item or
// its tariff is absent.
func (h *Host) LoadItem(ctx context.Context, id int64) (item.Item, error) {
	row, found, err := h.row(ctx, "item", itemQuery, id)
	if err != nil {
		return item.Item{}, err
	}
	if !found {
		return item.Item{}, fault.Errorf(fault.Missed, "item", "there is no item %d in the panel's database", id)
	}
	order := item.Item{
		Item: id, Name: row[0].String, Account: row[1].number(), AccountName: row[2].String, Project: row[3].number(),
		Module: row[4].number(), Binary: row[5].String, Pricelist: row[6].number(), LastPrice: row[8].number(),
		Template: row[9].String, ItemType: row[10].String, Period: int(row[11].number()), Status: int(row[12].number()),
		RemoteID: row[15].String,
	}
	if !row[7].Valid {
		return item.Item{}, fault.Errorf(fault.Missed, "pricelist", "there is no tariff %d, with which item %d was ordered", order.Pricelist, id)
	}
	if order.OpenDate, err = date(row[13], "opendate", id); err != nil {
		return item.Item{}, err
	}
	if order.ExpireDate, err = date(row[14], "expiredate", id); err != nil {
		return item.Item{}, err
	}
	if err := h.loadParams(ctx, &order); err != nil {
		return item.Item{}, err
	}
	if order.CSR, order.Stored, err = h.certificate(ctx, id); err != nil {
		return item.Item{}, err
	}
	if order.Params[itemparam.RotatedCSR] != "" {
		h.loadHeldKey(ctx, &order)
	}
	return order, nil
}

// loadHeldKey reads which key the item's file of key pairs holds. The key itself is read when it is used.
func (h *Host) loadHeldKey(ctx context.Context, order *item.Item) {
	pairs, found, err := h.KeyPairs(ctx, order.Item)
	if err != nil {
		order.HeldKeyProblem = fault.From(err).Message
		return
	}
	if csr, err := pki.ReadCSR(pairs.New.CSR); found && err == nil {
		order.HeldKey = csr.KeyHash()
	}
}

// date reads the date in a column; a time of day behind it is ignored.
func date(value field, column string, id int64) (cabforum.Date, error) {
	text := value.String
	if len(text) > len(cabforum.DateFormat) {
		text = text[:len(cabforum.DateFormat)]
	}
	d, err := cabforum.ParseDate(text)
	if err != nil {
		return cabforum.Date{}, fault.Errorf(fault.DB, "item."+column, "item %d: %w", id, err)
	}
	return d, nil
}

// loadParams reads the item's addons and parameters.
func (h *Host) loadParams(ctx context.Context, order *item.Item) error {
	addons, err := h.addons(ctx, order.Item, order.Pricelist)
	if err != nil {
		return err
	}
	order.SANs = addons.sans()
	tariff, err := h.pairs(ctx, "pricelistparam", "SELECT intname, value FROM pricelistparam WHERE pricelist=?", order.Pricelist)
	if err != nil {
		return err
	}
	plain, err := h.pairs(ctx, "itemparam", "SELECT intname, value FROM itemparam WHERE item=?", order.Item)
	if err != nil {
		return err
	}
	secret, err := h.pairs(ctx, "itemcryptedparam", "SELECT intname, value FROM itemcryptedparam WHERE item=?", order.Item)
	if err != nil {
		return err
	}
	if secret, err = h.decrypted(ctx, fmt.Sprintf("item %d (%s)", order.Item, order.Name), "enter %s again on the item's page, or restore the key", secret); err != nil {
		return err
	}
	order.Params = addons.params()
	for _, source := range []map[string]string{tariff, plain, secret} {
		maps.Copy(order.Params, source)
	}
	return nil
}

// certificate reads the CSR and the certificate that the panel stores for the item; both empty if it stores none. The private key
// is not read with them: only a delivery needs it.
func (h *Host) certificate(ctx context.Context, id int64) (csr, stored string, err error) {
	found, err := h.certificateRows(ctx, "id", "csr, crt", "certificate WHERE item=?", id)
	if err != nil {
		return "", "", err
	}
	for _, row := range found {
		if row[0].String != "" {
			csr = row[0].String
		}
		if row[1].String != "" {
			stored = row[1].String
		}
	}
	return csr, stored, nil
}

// certificateRows reads these columns of rows of the table certificate; id is the name of its column id in from. The panel is known to
// write one row for an item. If there are more, the newest comes last, so that every reader chooses the same one (rules PANEL-13). The
// column id is inferred (docs/reference/billmanager.md §4): without it the rows are in the order of what they hold.
func (h *Host) certificateRows(ctx context.Context, id, columns, from string, args ...any) ([][]field, error) {
	found, err := h.rows(ctx, "certificate", "SELECT "+id+", "+columns+" FROM "+from, args...)
	if absent(err) {
		found, err = h.rows(ctx, "certificate", "SELECT 0, "+columns+" FROM "+from, args...)
	}
	if err != nil {
		return nil, err
	}
	sorting.Func(found, func(a, b []field) int { // not by the database, which would sort certificates of a page in a file
		if order := cmp.Compare(a[0].number(), b[0].number()); order != 0 {
			return order
		}
		return slices.CompareFunc(a, b, func(x, y field) int { return strings.Compare(x.String, y.String) })
	})
	for i := range found {
		found[i] = found[i][1:]
	}
	return found, nil
}

// StoredCertificate reads certificate.crt of the item; empty if nothing is stored.
func (h *Host) StoredCertificate(ctx context.Context, id int64) (string, error) {
	_, stored, err := h.certificate(ctx, id)
	return stored, err
}

// PrivateKey reads certificate.pkey of the item; empty if the panel holds no key. It registers the key with the log as a secret.
func (h *Host) PrivateKey(ctx context.Context, id int64) (string, error) {
	found, err := h.certificateRows(ctx, "id", "pkey", "certificate WHERE item=?", id)
	if err != nil {
		return "", err
	}
	key := ""
	for _, row := range found {
		if row[0].String != "" {
			key = row[0].String
			h.o.Log.Secret(key)
		}
	}
	return key, nil
}

// Param reads one unencrypted item parameter from the database. It returns false for an absent or empty one: for the panel both
// are the same (docs/reference/billmanager.md §15).
func (h *Host) Param(ctx context.Context, id int64, name string) (string, bool, error) {
	found, err := h.rows(ctx, "itemparam", "SELECT intname, value FROM itemparam WHERE item=? AND intname=?", id, name)
	if err != nil {
		return "", false, err
	}
	for _, row := range found {
		if row[0].String == name && row[1].String != "" { // the database ignores letter case
			return row[1].String, true, nil
		}
	}
	return "", false, nil
}
