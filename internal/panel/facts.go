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
	for _, row := range rows {
		hosting := publish.Hosting{Item: row[0].number(), Module: row[1].number(), Active: row[2].number() == statusActive}
		if row[3].String == userParam { // the collation of the table may equate further names
			hosting.User = row[4].String
		}
		all = append(all, hosting)
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
	var spellings []any
	for _, name := range names {
		spellings = append(spellings, name)
		if shown, err := idna.Lookup.ToUnicode(name); err == nil && shown != name {
			spellings = append(spellings, shown)
		}
	}
	in := " IN (" + marks(len(spellings)) + ")"
	// The ids first: each half reads one table, and the joins have few rows.
	rows, err := h.facts(ctx, `SELECT i.id, i.account, i.status, i.name, d.intname, d.value, it.intname, pt.intname
 FROM (SELECT id FROM item WHERE `+plainName("name")+in+`
 UNION SELECT item FROM itemparam WHERE intname=? AND `+plainName("value")+in+`) found
 JOIN item i ON i.id=found.id LEFT JOIN itemparam d ON d.item=i.id AND d.intname=?
 LEFT JOIN pricelist p ON p.id=i.pricelist LEFT JOIN itemtype it ON it.id=p.itemtype LEFT JOIN itemtype pt ON pt.id=it.parent
 WHERE COALESCE(i.status,0)<>4 ORDER BY i.id`,
		slices.Concat(spellings, []any{paramDomain}, spellings, []any{paramDomain}))
	if err != nil {
		return nil, err
	}
	var all []publish.NamedItem
	for _, row := range rows {
		if row[6].String != typeCertificate && row[7].String != typeCertificate {
			all = append(all, namedItem(row, names)...)
		}
	}
	return all, nil
}

// namedItem returns the item of a row of NamedItems once for each of the names that it carries. A domain with two
// different names is nobody's evidence: one of the two may have been typed.
func namedItem(row []field, names []string) []publish.NamedItem {
	carried := asciiNames(row[3].String)
	if row[4].String == paramDomain { // the collation of the table may equate further names
		carried = append(carried, asciiNames(row[5].String)...)
	}
	slices.Sort(carried)
	carried = slices.Compact(carried)
	var all []publish.NamedItem
	for _, name := range carried {
		if slices.Contains(names, name) {
			all = append(all, publish.NamedItem{
				Item: row[0].number(), Account: row[1].number(), Name: name,
				Domain: row[6].String == typeDomain && len(carried) == 1,
				Active: row[2].number() == statusActive, Suspended: row[2].number() == statusSuspended,
			})
		}
	}
	return all
}

// asciiNames returns a name in A-labels, or nothing if the text is no domain name.
func asciiNames(text string) []string {
	ascii, err := pki.ASCIIName("name", text)
	if err != nil {
		return nil
	}
	return []string{ascii}
}

// plainName returns the SQL for a column with a name as NamedItems compares it, under any collation.
func plainName(column string) string {
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
