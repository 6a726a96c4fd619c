package panel

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
)

const (
	// maxFacts is how many rows of hosting or named items are taken. What is left out could be another client's claim: more
	// is an error.
	maxFacts = 10_000
	// paramDomain is the item parameter in which hosting items and domains carry their name (inferred,
	// docs/reference/unattended.md §3).
	paramDomain = "domain"
)

// Types of items (docs/reference/billmanager.md §4).
const (
	typeDomain      = "domain"
	typeCertificate = "certificate"
)

// States of items (docs/reference/billmanager.md §4).
const (
	statusActive    = 2
	statusSuspended = 3
)

var _ publish.Facts = (*Host)(nil)

// Hostings lists the items of the account on the processing modules that are active or suspended, with the user name that
// the item parameter of this name holds; an item without the parameter has none. One query.
func (h *Host) Hostings(ctx context.Context, account int64, modules []int64, userParam string) ([]publish.Hosting, error) {
	if len(modules) == 0 {
		return nil, nil
	}
	args := []any{userParam, account}
	for _, module := range modules {
		args = append(args, module)
	}
	rows, err := h.facts(ctx, `SELECT i.id, i.processingmodule, i.status, u.intname, u.value
 FROM item i LEFT JOIN itemparam u ON u.item=i.id AND u.intname=?
 WHERE i.account=? AND i.status IN (2,3) AND i.processingmodule IN (`+marks(len(modules))+`) ORDER BY i.id`, args)
	if err != nil {
		return nil, err
	}
	var all []publish.Hosting
	users := map[int64][]string{} // by item
	for _, row := range rows {
		hosting := publish.Hosting{Item: row[0].number(), Module: row[1].number(), Active: row[2].number() == statusActive}
		if len(all) == 0 || all[len(all)-1].Item != hosting.Item {
			all = append(all, hosting)
		}
		if row[3].String == userParam { // the collation of the table may equate further names
			users[hosting.Item] = append(users[hosting.Item], row[4].String)
		}
	}
	for i, hosting := range all {
		if names := users[hosting.Item]; len(names) == 1 { // which of two is right is not known
			all[i].User = names[0]
		}
	}
	return all, nil
}

// NamedItems lists the items of every account whose name or parameter domain is one of the names (A-labels, lower case):
// those that are deleted, certificates and their parts are left out. The database holds names as they were typed, with
// A-labels or U-labels; it is asked for both, and what its collation equates is compared again here. One query.
func (h *Host) NamedItems(ctx context.Context, names []string) ([]publish.NamedItem, error) {
	if len(names) == 0 {
		return nil, nil
	}
	spelled := spellings(names)
	is := func(column string) string { return plainName(column) + " IN (" + marks(len(spelled)) + ")" }
	return h.named(ctx, is, spelled, 0, func(name string) bool { return slices.Contains(names, name) })
}

// OthersBelow lists, of the same items, those of other accounts whose name or parameter domain stands one label below one of
// the parents. One query.
func (h *Host) OthersBelow(ctx context.Context, parents []string, account int64) ([]publish.NamedItem, error) {
	if len(parents) == 0 {
		return nil, nil
	}
	spelled := spellings(parents)
	for i, parent := range spelled {
		spelled[i] = "%." + parent.(string) // neither % nor _ is in a domain name
	}
	below := func(column string) string {
		return "(" + strings.TrimPrefix(strings.Repeat(" OR "+plainName(column)+" LIKE ?", len(spelled)), " OR ") + ")"
	}
	return h.named(ctx, below, spelled, account, func(name string) bool {
		_, parent, _ := strings.Cut(name, ".")
		return slices.Contains(parents, parent)
	})
}

// spellings lists names with A-labels as arguments of a query, and with U-labels where they have any.
func spellings(names []string) []any {
	var all []any
	for _, name := range names {
		all = append(all, name)
		if shown, err := idna.Lookup.ToUnicode(name); err == nil && shown != name {
			all = append(all, shown)
		}
	}
	return all
}

// named lists items by a condition on columns with names, and of the names that they carry the wanted ones. Items of the account
// are left out if it is not 0.
func (h *Host) named(ctx context.Context, condition func(column string) string, args []any, but int64, wanted func(name string) bool) ([]publish.NamedItem, error) {
	// The ids first: each half reads one table, and the joins have few rows.
	rows, err := h.facts(ctx, `SELECT i.id, i.account, i.status, i.name, d.intname, d.value, it.intname, pt.intname
 FROM (SELECT id FROM item WHERE `+condition("name")+`
 UNION SELECT item FROM itemparam WHERE intname=? AND `+condition("value")+`) found
 JOIN item i ON i.id=found.id LEFT JOIN itemparam d ON d.item=i.id AND d.intname=?
 LEFT JOIN pricelist p ON p.id=i.pricelist LEFT JOIN itemtype it ON it.id=p.itemtype LEFT JOIN itemtype pt ON pt.id=it.parent
 WHERE COALESCE(i.status,0)<>4 AND (?=0 OR COALESCE(i.account,0)<>?) ORDER BY i.id`,
		slices.Concat(args, []any{paramDomain}, args, []any{paramDomain, but, but}))
	if err != nil {
		return nil, err
	}
	var all []publish.NamedItem
	for len(rows) > 0 {
		n := slices.IndexFunc(rows, func(row []field) bool { return row[0].number() != rows[0][0].number() })
		if n < 0 {
			n = len(rows)
		}
		if row := rows[0]; row[6].String != typeCertificate && row[7].String != typeCertificate {
			all = append(all, namedItem(rows[:n], wanted)...)
		}
		rows = rows[n:]
	}
	return all, nil
}

// namedItem returns the item of some rows of named once for each of the wanted names that it carries. A domain with two
// different names, or with a parameter that is no domain name, is nobody's evidence: one of the two may have been typed.
// Its name alone may be another text, as people read it.
func namedItem(rows [][]field, wanted func(name string) bool) []publish.NamedItem {
	item := rows[0]
	carried, _ := asciiNames(item[3].String)
	unread := false
	for _, row := range rows {
		if row[4].String != paramDomain { // the collation of the table may equate further names
			continue
		}
		more, read := asciiNames(row[5].String)
		carried, unread = append(carried, more...), unread || !read
	}
	slices.Sort(carried)
	carried = slices.Compact(carried)
	var all []publish.NamedItem
	for _, name := range carried {
		if wanted(name) {
			all = append(all, publish.NamedItem{
				Item: item[0].number(), Account: item[1].number(), Name: name,
				Domain: item[6].String == typeDomain && len(carried) == 1 && !unread,
				Active: item[2].number() == statusActive, Suspended: item[2].number() == statusSuspended,
			})
		}
	}
	return all
}

// asciiNames returns a name in A-labels, nothing for a blank text, and false for one that is no domain name.
func asciiNames(text string) (names []string, read bool) {
	if strings.TrimSpace(text) == "" {
		return nil, true
	}
	ascii, err := pki.ASCIIName("name", text)
	if err != nil {
		return nil, false
	}
	return []string{ascii}, true
}

// plainName returns the SQL for a column with a name as NamedItems compares it, under any collation.
func plainName(column string) string {
	for _, space := range []string{"\t", "\r", "\n"} { // TRIM knows blanks only
		column = "REPLACE(" + column + ",'" + space + "','')"
	}
	return "LOWER(TRIM(TRAILING '.' FROM TRIM(" + column + ")))"
}

// facts reads at most maxFacts rows about items.
func (h *Host) facts(ctx context.Context, query string, args []any) ([][]field, error) {
	rows, err := h.rows(ctx, "item", query+" LIMIT ?", append(args, maxFacts+1)...)
	if err == nil && len(rows) > maxFacts {
		err = fault.Errorf(fault.DB, "item", "the panel's database holds more than %d items that may own the names", maxFacts)
	}
	return rows, err
}

// marks returns the placeholders of a list.
func marks(n int) string {
	return strings.TrimPrefix(strings.Repeat(",?", n), ",")
}
