package panel

import (
	"context"
	"strconv"

	"pmssl/internal/itemparam"
)

// Kinds of addons: pricelist.addontype (docs/reference/billmanager.md §4, AddonTypes).
const (
	addonFlag   = 1
	addonNumber = 2
	addonChoice = 3
)

// addon is one addon of the item's tariff and, if the client has it, the child item with the client's choice.
type addon struct {
	intname  string // itemtype.intname of the addon
	kind     int64
	included field // pricelist.addonlimit
	flag     field // pricelist.addonbool
	choice   field // intname of the tariff's own enumeration item
	child    field // id of the child item, NULL if absent
	limit    field // the child's own addonlimit
	extra    field // the child's intvalue
	chosen   field // intname of the child's enumeration item
	ticked   field // the child's boolvalue
}

// addons are the addons of one item's tariff.
type addons []addon

// addonQuery selects the tariff's addons with the item's children that are not deleted (item.status 4). The SANs are summed up in
// Go and not in SQL: so the result is the same on every engine, and a strict server need not convert texts.
const addonQuery = `SELECT it.intname, ap.addontype, ap.addonlimit, ap.addonbool, te.intname,
 c.id, c.addonlimit, c.intvalue, ce.intname, c.boolvalue
 FROM pricelist ap
 JOIN itemtype it ON it.id=ap.itemtype
 LEFT JOIN item c ON c.pricelist=ap.id AND c.parent=? AND c.status<>4
 LEFT JOIN enumerationitem ce ON ce.id=c.enumerationitem
 LEFT JOIN enumerationitem te ON te.id=ap.enumerationitem
 WHERE ap.parent=?
 ORDER BY ap.id, c.id`

func (h *Host) addons(ctx context.Context, id, tariff int64) (addons, error) {
	if tariff == 0 {
		return nil, nil
	}
	found, err := h.rows(ctx, "pricelist", addonQuery, id, tariff)
	if err != nil {
		return nil, err
	}
	var all addons
	for _, r := range found {
		all = append(all, addon{
			intname: r[0].String, kind: r[1].number(), included: r[2], flag: r[3], choice: r[4],
			child: r[5], limit: r[6], extra: r[7], chosen: r[8], ticked: r[9],
		})
	}
	return all, nil
}

// sans returns the number of further names that the client ordered: the sum over the addons of type altname (rules PANEL-5). An
// addon that the client did not change counts with the tariff's own number. 0 if the tariff has no such addon.
func (all addons) sans() int {
	sum := int64(0)
	for _, a := range all {
		if a.intname == itemparam.AltName {
			sum += a.quantity()
		}
	}
	return int(min(max(sum, 0), 1_000_000)) // a product has at most 250; a larger number is an error or an attack
}

// quantity is `IF(addontype=2, IFNULL(child's limit, tariff's limit) + IFNULL(intvalue, 0), number of the choice)`.
func (a addon) quantity() int64 {
	switch {
	case a.kind == addonNumber && a.limit.Valid:
		return a.limit.number() + a.extra.number()
	case a.kind == addonNumber:
		return a.included.number() + a.extra.number()
	case a.child.Valid:
		return a.chosen.number()
	}
	return a.choice.number()
}

// params returns the addons as parameters, by the name of their type. The number of SANs is left out: its name, altname, is also
// that of the parameter with the list of names.
func (all addons) params() map[string]string {
	params := map[string]string{}
	for _, a := range all {
		if a.intname != itemparam.AltName {
			params[a.intname] = a.text()
		}
	}
	return params
}

// text returns the addon's value as the text of a parameter.
func (a addon) text() string {
	own := a.child.Valid
	switch {
	case a.kind == addonNumber:
		return strconv.FormatInt(a.quantity(), 10)
	case a.kind == addonFlag && own:
		return a.ticked.String
	case a.kind == addonFlag:
		return a.flag.String
	case a.kind == addonChoice && own:
		return a.chosen.String
	case a.kind == addonChoice:
		return a.choice.String
	}
	return ""
}
