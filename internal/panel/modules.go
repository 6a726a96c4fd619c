package panel

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// ModuleParams returns the connection and custom parameters of a processing module, decrypted. It returns fault.Missed if the
// module is absent.
func (h *Host) ModuleParams(ctx context.Context, module int64) (map[string]string, error) {
	name, params, err := h.plainParams(ctx, module)
	if err != nil {
		return nil, err
	}
	secret, err := h.pairs(ctx, "processingcryptedparam", "SELECT intname, value FROM processingcryptedparam WHERE processingmodule=?", module)
	if err != nil {
		return nil, err
	}
	if secret, err = h.decrypted(ctx, fmt.Sprintf("the processing module %d (%s)", module, name),
		"enter %s again in the module's form (Processing modules, Edit)", secret); err != nil {
		return nil, err
	}
	maps.Copy(params, secret)
	return params, nil
}

// PlainParams returns the parameters of a processing module that the panel keeps unencrypted (table processingparam,
// docs/reference/billmanager.md §4), for uses that must not depend on CryptKey. It returns fault.Missed if the module is absent.
func (h *Host) PlainParams(ctx context.Context, module int64) (map[string]string, error) {
	_, params, err := h.plainParams(ctx, module)
	return params, err
}

// plainParams reads the name of a processing module and its unencrypted parameters in one query. It returns fault.Missed if the
// module is absent.
func (h *Host) plainParams(ctx context.Context, module int64) (name string, params map[string]string, err error) {
	found, err := h.rows(ctx, "processingparam", `SELECT pm.name, p.intname, p.value FROM processingmodule pm
 LEFT JOIN processingparam p ON p.processingmodule=pm.id WHERE pm.id=?`, module)
	switch {
	case err != nil:
		return "", nil, err
	case len(found) == 0:
		return "", nil, noModule(module)
	}
	params = map[string]string{}
	for _, row := range found {
		if row[1].Valid { // a module without parameters has one row without them
			params[row[1].String] = row[2].String
		}
	}
	return found[0][0].String, params, nil
}

// ModuleName returns the name that the administrator gave the processing module; fault.Missed if the module is absent.
func (h *Host) ModuleName(ctx context.Context, module int64) (string, error) {
	row, found, err := h.row(ctx, "processingmodule", "SELECT name FROM processingmodule WHERE id=?", module)
	if err != nil {
		return "", err
	}
	if !found {
		return "", noModule(module)
	}
	return row[0].String, nil
}

func noModule(module int64) error {
	return fault.Errorf(fault.Missed, "processingmodule", "there is no processing module %d in the panel's database", module)
}

// Modules returns the ids of all processing modules of this binary, including inactive ones: their items still hold purchases.
func (h *Host) Modules(ctx context.Context) ([]int64, error) {
	return h.ids(ctx, "processingmodule", "SELECT id FROM processingmodule WHERE module=? ORDER BY orderpriority, id", h.o.Binary)
}

// IdleModules returns the ids of the modules of Modules that are switched off and have no item that is not deleted: nothing is bought or
// renewed with them.
func (h *Host) IdleModules(ctx context.Context) ([]int64, error) {
	return h.ids(ctx, "processingmodule", `SELECT pm.id FROM processingmodule pm LEFT JOIN item i ON i.processingmodule=pm.id AND COALESCE(i.status,0)<>4
 WHERE pm.module=? AND COALESCE(pm.active,'')<>'on' AND i.id IS NULL ORDER BY pm.id`, h.o.Binary)
}

// SuitableModules returns the ids of this binary's active modules that serve a tariff, preferred ones first.
func (h *Host) SuitableModules(ctx context.Context, pricelist int64) ([]int64, error) {
	return h.ids(ctx, "processingmodule2pricelist",
		`SELECT pm.id FROM processingmodule pm JOIN processingmodule2pricelist l ON l.processingmodule=pm.id
 WHERE l.pricelist=? AND pm.module=? AND pm.active='on' ORDER BY pm.orderpriority, pm.id`, pricelist, h.o.Binary)
}

// ItemsNamed returns the active items of the processing module with this name, the oldest first.
func (h *Host) ItemsNamed(ctx context.Context, module int64, name string) ([]seller.NamedItem, error) {
	found, err := h.rows(ctx, "item", `SELECT i.id, i.expiredate, i.remoteid, ip.intname, ip.value FROM item i
 LEFT JOIN itemparam ip ON ip.item=i.id AND ip.intname IN (?,?,?)
 WHERE i.processingmodule=? AND i.name=? AND i.status=2 ORDER BY i.id`,
		itemparam.Intent, itemparam.OrderID, itemparam.Lineage, module, name)
	if err != nil {
		return nil, err
	}
	var all []seller.NamedItem
	var dates []field
	for _, row := range found {
		id := row[0].number()
		if len(all) == 0 || all[len(all)-1].Item != id {
			all, dates = append(all, seller.NamedItem{Item: id, RemoteID: strings.TrimSpace(row[2].String)}), append(dates, row[1])
		}
		it, value := &all[len(all)-1], row[4].String
		switch row[3].String {
		case itemparam.Intent:
			it.Intent = value
		case itemparam.OrderID:
			it.OrderID = value
		case itemparam.Lineage:
			it.Lineage = value
		}
	}
	for i := range all {
		if it := &all[i]; it.Bare() { // no date of another one is needed, or keeps the certificates of the name from being imported
			if it.Expires, err = date(dates[i], "expiredate", it.Item); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

const (
	// maxHeldCSR and maxHeldCertificate are the longest CSR and the longest stored certificate in bytes that HeldCertificates
	// reads: a page of them must not use up the memory.
	maxHeldCSR         = 64 << 10
	maxHeldCertificate = 256 << 10
)

// HeldCertificates returns what at most limit items hold, whatever their module and state, those with an id above after, lowest first. An
// item with several rows has all of them in one answer, so that the next one may begin after it. A CSR or certificate that is too long to
// be one is returned empty.
func (h *Host) HeldCertificates(ctx context.Context, after int64, limit int) ([]item.HeldCertificate, error) {
	found, err := h.rows(ctx, "certificate", `SELECT i.id, i.status, CASE WHEN LENGTH(c.csr)<=? THEN c.csr ELSE '' END, CASE WHEN LENGTH(c.crt)<=? THEN c.crt ELSE '' END
 FROM (SELECT DISTINCT i.id, i.status FROM item i JOIN certificate c ON c.item=i.id
  WHERE i.id>? AND (LENGTH(c.csr)>0 OR LENGTH(c.crt)>0) ORDER BY i.id LIMIT ?) i JOIN certificate c ON c.item=i.id
 WHERE LENGTH(c.csr)>0 OR LENGTH(c.crt)>0 ORDER BY i.id`, maxHeldCSR, maxHeldCertificate, after, limit)
	if err != nil {
		return nil, err
	}
	all := make([]item.HeldCertificate, 0, len(found))
	for _, row := range found {
		all = append(all, item.HeldCertificate{Item: row[0].number(), Status: int(row[1].number()), CSR: row[2].String, Stored: row[3].String})
	}
	return all, nil
}

// UnmigratedItems returns the items of the processing module that are not deleted and carry none of this module's parameters, or
// the parameter migration, lowest first.
func (h *Host) UnmigratedItems(ctx context.Context, module int64) ([]int64, error) {
	var args []any
	for _, name := range itemparam.Own() {
		args = append(args, name)
	}
	own := len(args)
	args = append(args, itemparam.Migration, module)
	return h.ids(ctx, "item", `SELECT DISTINCT i.id FROM item i
 LEFT JOIN itemparam ip ON ip.item=i.id AND ip.intname IN (`+marks(own)+`) AND ip.value<>''
 LEFT JOIN itemparam m ON m.item=i.id AND m.intname=? AND m.value<>''
 WHERE i.processingmodule=? AND COALESCE(i.status,0)<>4 AND (ip.item IS NULL OR m.item IS NOT NULL) ORDER BY i.id`, args...)
}
