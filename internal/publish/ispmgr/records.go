package ispmgr

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/ispapi"
	"pmssl/internal/publish"
)

// change is a record to be written or removed.
type change struct {
	zone   string // A-labels
	key    string // the zone as the panel names it
	record publish.Record
}

// standingRecord is one row of the list of a zone's records.
type standingRecord struct {
	key   string // rkey, by which the panel changes and deletes it
	name  string // A-labels, lower case, no final dot
	kind  string // CNAME, TXT and so on
	value string // of a TXT record without quotes
}

// records lists a zone's records.
func (p *publisher) records(ctx context.Context, zone, key string) ([]standingRecord, error) {
	rows, err := p.api.List(ctx, functionRecords, url.Values{"elid": {key}})
	if err != nil {
		return nil, err
	}
	all := make([]standingRecord, 0, len(rows))
	for _, e := range rows {
		if !e.Has("name") || e.Value("rtype") == "" {
			return nil, fmt.Errorf("%s: a row of the list has no name or no rtype: this is not a list of records that the module knows", functionRecords)
		}
		r := standingRecord{key: e.Value("rkey"), name: absoluteName(e.Value("name"), zone), kind: kindOf(e.Value("rtype")), value: e.Value("value")}
		if r.kind == string(publish.TXT) {
			r.value = plainText(r.value)
		}
		all = append(all, r)
	}
	return all, nil
}

// kindOf returns the type at the beginning of a column that may also describe it: TXT, or TXT (text).
func kindOf(text string) string {
	kind, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return strings.ToUpper(kind)
}

// plainText returns the text of a TXT record that may be shown as strings in quotes. What has escapes stays as it is, because no
// value of ours has any.
func plainText(shown string) string {
	if !strings.HasPrefix(shown, `"`) {
		return shown
	}
	var text strings.Builder
	for rest := shown; rest != ""; {
		one, after, closed := strings.Cut(strings.TrimPrefix(rest, `"`), `"`)
		if rest[0] != '"' || !closed || strings.Contains(one, `\`) {
			return shown
		}
		text.WriteString(one)
		rest = strings.TrimLeft(after, " \t")
	}
	return text.String()
}

// is reports whether a record is of the change's name and type and has this value.
func (c change) is(r standingRecord, value string) bool {
	if r.name != c.record.Name || r.kind != string(c.record.Type) {
		return false
	}
	return c.sameValue(r.value, value)
}

// sameValue compares a value of the panel with one of ours.
func (c change) sameValue(theirs, ours string) bool {
	if c.record.Type == publish.CNAME {
		theirs = asciiLabels(theirs)
	}
	return publish.SameValue(c.record.Type, theirs, ours)
}

// at returns what stands at a name.
func at(all []standingRecord, name string) []standingRecord {
	var found []standingRecord
	for _, r := range all {
		if r.name == name {
			found = append(found, r)
		}
	}
	return found
}

// split separates the records at the change's name: those with its value, those with one of the old values, and others.
func (c change) split(standing []standingRecord, old []string) (current, former, foreign []standingRecord) {
	for _, r := range standing {
		switch {
		case c.is(r, c.record.Value):
			current = append(current, r)
		case slices.ContainsFunc(old, func(value string) bool { return c.is(r, value) }):
			former = append(former, r)
		default:
			foreign = append(foreign, r)
		}
	}
	return current, former, foreign
}

// conflict is the error about what stands at a name.
func conflict(name string, standing []standingRecord) error {
	var all []string
	for _, r := range standing {
		all = append(all, r.kind+" "+r.value)
	}
	return fmt.Errorf("%w: %s holds %s", publish.ErrConflict, name, ispapi.Shown(strings.Join(all, ", ")))
}

// harmless reports by nil that a new record is seen in DNS and does not change what DNS says of other names: no delegation, DNAME
// or alias stands above it, and no name above it exists only through a wildcard, which would hide from then on (RFC 4592 2.2).
func (c change) harmless(all []standingRecord) error {
	parents := publish.ParentsOf(c.record.Name, c.zone)
	for _, r := range all {
		if !slices.Contains(parents, r.name) {
			continue
		}
		if r.kind == "DNAME" || r.kind == "NS" && r.name != c.zone {
			return fmt.Errorf("%w: a %s record at %s leads everything below it elsewhere", publish.ErrConflict, r.kind, r.name)
		}
	}
	for i, parent := range parents {
		if parent == c.zone || exists(all, parent) {
			if i > 0 && len(at(all, "*."+parent)) > 0 {
				return fmt.Errorf("%w: %s has no records of its own, and *.%s answers for it; give it its own address records",
					publish.ErrWildcard, parents[0], parent)
			}
			return nil
		}
	}
	return nil
}

// exists reports whether a name has records, or names below it have; the wildcard's own name is one of these.
func exists(all []standingRecord, name string) bool {
	return slices.ContainsFunc(all, func(r standingRecord) bool { return r.name == name || publish.Below(r.name, name) })
}

// removable reports by nil that deleting by the record's key deletes nothing else. The panel takes several keys at once, separated
// by commas, and a key is made of the record's name, type and value.
func removable(all []standingRecord, r standingRecord) error {
	switch {
	case r.key == "":
		return fmt.Errorf("%s: the row of %s has no rkey: the panel cannot be told which record to change", functionRecords, r.name)
	case strings.ContainsAny(r.key, ",\r\n\x00"):
		return fmt.Errorf("%s: the key %q stands for several records: remove the record by hand", functionRecords, ispapi.Shown(r.key))
	}
	for _, other := range all {
		if other.key == r.key && (other.name != r.name || other.kind != r.kind || other.value != r.value) {
			return fmt.Errorf("%s: the key %q stands for %s %s as well: remove the record by hand", functionRecords, ispapi.Shown(r.key), ispapi.Shown(other.name), ispapi.Shown(other.kind))
		}
	}
	return nil
}
