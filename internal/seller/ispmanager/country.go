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

// countryKey returns the key that a form sends for an ISO code: the one whose entry has the country's flag
// (docs/reference/ispmanager.md §1.3), or the code itself if the list has it as a key. The built-in table is used only
// if the list has its id or there is no list. It returns false if the country is not found.
func countryKey(iso string, f field) (string, bool) {
	if corrected := seller.Country(iso); corrected != "" {
		iso = corrected
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
	// If the list has flags but not this country's, its ids are from another table and mean other countries.
	return id, id != "" && (!f.listed || !flagged && offers(f.list, id))
}

// flagCode returns the ISO code of a flag's picture, /manimg/common/flag/BY.png; empty if it is not one.
func flagCode(image string) string {
	code := strings.TrimSuffix(path.Base(image), path.Ext(image))
	if len(code) != 2 {
		return ""
	}
	return strings.ToUpper(code)
}

// countryCode returns the ISO code of an item parameter, which holds the code or the id in this panel's table (the same
// as a fresh BILLmanager's); empty if it is neither.
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
