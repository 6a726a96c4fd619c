package ispmanager

import (
	_ "embed" // the table below
	"path"
	"slices"
	"strings"

	"pmssl/internal/seller"
)

// countryTable is the table of countries of a fresh BILLmanager: id, tab, ISO 3166-1 alpha-2 (docs/reference/ispmanager.md
// §4.1; recorded, and that the remote has these ids is inferred).
//
//go:embed country_ids.tsv
var countryTable string

// countryKey finds what a form sends for an ISO code: by the flag of the list's own entries (docs/reference/ispmanager.md
// §1.3), or where the list is keyed by codes, the code. The built-in table counts only where its id is offered or there is
// no list. false if the country is not found.
func countryKey(iso string, f field) (string, bool) {
	if mended := seller.Country(iso); mended != "" {
		iso = mended
	}
	iso = strings.ToUpper(strings.TrimSpace(iso))
	if len(iso) != 2 {
		return "", false
	}
	flagged := false
	for _, one := range f.list {
		code := flagCode(one.image)
		flagged = flagged || code != ""
		if code == iso && one.key != "" && one.key != "null" {
			return one.key, true
		}
	}
	if slices.Contains(realKeys(f.list), iso) {
		return iso, true
	}
	id := countryID(iso)
	// A list with flags of which none is this country's has another table than ours: its ids mean other countries.
	return id, id != "" && (!f.listed || !flagged && offers(f.list, id))
}

// flagCode returns the ISO code of a flag's picture, /manimg/common/flag/BY.png; empty if it is none.
func flagCode(image string) string {
	code := strings.TrimSuffix(path.Base(image), path.Ext(image))
	if len(code) != 2 {
		return ""
	}
	return strings.ToUpper(code)
}

// countryCode returns the ISO code that an item parameter holds: itself, or the id of this panel's own table, which is a
// fresh BILLmanager's too; empty if it is neither.
func countryCode(text string) string {
	if code := seller.Country(text); code != "" {
		return code
	}
	text = strings.ToUpper(strings.TrimSpace(text))
	for line := range strings.Lines(countryTable) {
		if id, code, found := strings.Cut(strings.TrimSpace(line), "\t"); found && (text == code || text == id) {
			return code
		}
	}
	return ""
}

func countryID(iso string) string {
	for line := range strings.Lines(countryTable) {
		if id, code, found := strings.Cut(strings.TrimSpace(line), "\t"); found && code == iso {
			return id
		}
	}
	return ""
}
