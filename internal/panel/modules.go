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

// ModuleParams returns the connection and custom parameters of a processing module, decrypted. A module that is not there
// is Missed.
func (h *Host) ModuleParams(ctx context.Context, module int64) (map[string]string, error) {
	name, err := h.ModuleName(ctx, module)
	if err != nil {
		return nil, err
	}
	params, err := h.plainParams(ctx, module)
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
// docs/reference/billmanager.md §4): for what has to work where CryptKey does not. A module that is not there is
// Missed.
func (h *Host) PlainParams(ctx context.Context, module int64) (map[string]string, error) {
	if _, err := h.ModuleName(ctx, module); err != nil {
		return nil, err
	}
	return h.plainParams(ctx, module)
}

func (h *Host) plainParams(ctx context.Context, module int64) (map[string]string, error) {
	return h.pairs(ctx, "processingparam", "SELECT intname, value FROM processingparam WHERE processingmodule=?", module)
}

// ModuleName returns the name that the administrator gave the processing module; fault.Missed if the module is absent.
func (h *Host) ModuleName(ctx context.Context, module int64) (string, error) {
	row, found, err := h.row(ctx, "processingmodule", "SELECT name FROM processingmodule WHERE id=?", module)
	if err != nil {
		return "", err
	}
	if !found {
		return "", fault.Errorf(fault.Missed, "processingmodule", "there is no processing module %d in the panel's database", module)
	}
	return row[0].String, nil
}

// Modules lists the ids of all processing modules that this binary serves, those switched off too: their items still hold
// what was bought.
func (h *Host) Modules(ctx context.Context) ([]int64, error) {
	return h.ids(ctx, "processingmodule", "SELECT id FROM processingmodule WHERE module=? ORDER BY orderpriority, id", h.o.Binary)
}

// SuitableModules lists the active modules of this binary that serve a tariff, preferred ones first.
func (h *Host) SuitableModules(ctx context.Context, pricelist int64) ([]int64, error) {
	return h.ids(ctx, "processingmodule2pricelist",
		`SELECT pm.id FROM processingmodule pm JOIN processingmodule2pricelist l ON l.processingmodule=pm.id
 WHERE l.pricelist=? AND pm.module=? AND pm.active='on' ORDER BY pm.orderpriority, pm.id`, pricelist, h.o.Binary)
}

// ItemClaims lists every item of the given processing modules, deleted ones too, that carries a purchase intent, an order
// id or a lineage. One query, by item.
func (h *Host) ItemClaims(ctx context.Context, modules []int64) ([]item.Claim, error) {
	if len(modules) == 0 {
		return nil, nil
	}
	args := []any{itemparam.Intent, itemparam.OrderID, itemparam.Lineage}
	for _, module := range modules {
		args = append(args, module)
	}
	found, err := h.rows(ctx, "itemparam", `SELECT i.id, i.processingmodule, ip.intname, ip.value
 FROM item i JOIN itemparam ip ON ip.item=i.id
 WHERE ip.intname IN (?,?,?) AND i.processingmodule IN (?`+strings.Repeat(",?", len(modules)-1)+`)
 ORDER BY i.id`, args...)
	if err != nil {
		return nil, err
	}
	var all []item.Claim
	for _, row := range found {
		if row[3].String == "" {
			continue
		}
		id := row[0].number()
		if len(all) == 0 || all[len(all)-1].Item != id {
			all = append(all, item.Claim{Item: id, Module: row[1].number()})
		}
		setClaimParam(&all[len(all)-1], row[2].String, row[3].String)
	}
	return all, nil
}

// ItemsWithoutOrder lists the active items of the processing module with this name that carry neither a purchase intent nor an
// order id nor a lineage, the oldest first.
func (h *Host) ItemsWithoutOrder(ctx context.Context, module int64, name string) ([]seller.BareItem, error) {
	found, err := h.rows(ctx, "item", `SELECT i.id, i.expiredate, i.remoteid FROM item i
 LEFT JOIN itemparam ip ON ip.item=i.id AND ip.intname IN (?,?,?) AND ip.value<>''
 WHERE i.processingmodule=? AND i.name=? AND i.status=2 AND ip.item IS NULL ORDER BY i.id`,
		itemparam.Intent, itemparam.OrderID, itemparam.Lineage, module, name)
	if err != nil {
		return nil, err
	}
	var all []seller.BareItem
	for _, row := range found {
		it := seller.BareItem{Item: row[0].number(), RemoteID: strings.TrimSpace(row[2].String)}
		if it.Expires, err = date(row[1], "expiredate", it.Item); err != nil {
			return nil, err
		}
		all = append(all, it)
	}
	return all, nil
}

// setClaimParam puts a parameter of an item on its holding.
func setClaimParam(claim *item.Claim, name, value string) {
	switch name {
	case itemparam.Intent:
		claim.Intent = value
	case itemparam.OrderID:
		claim.OrderID = value
	case itemparam.Lineage:
		claim.Lineage = value
	}
}
