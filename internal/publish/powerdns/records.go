package powerdns

import (
	"fmt"
	"strings"

	"pmssl/internal/plaintext"
	"pmssl/internal/publish"
)

// change is a record to be written or removed.
type change struct {
	zone   string
	record publish.Record
	host   string // that the record is a challenge for
}

// standingRecord is one record at a name.
type standingRecord struct {
	Type     string
	TTL      int
	Content  string // as the API writes it
	Disabled bool   // kept by the server, but not served
}

// content returns the value as the API takes it: a target with a final dot, a text in quotes.
func (c change) content() string {
	if c.record.Type == publish.CNAME {
		return strings.TrimSuffix(c.record.Value, ".") + "."
	}
	return `"` + c.record.Value + `"`
}

// is reports whether a record has the change's type and this value.
func (c change) is(r standingRecord, value string) bool {
	if r.Type != string(c.record.Type) {
		return false
	}
	if c.record.Type == publish.TXT {
		text, ok := plainText(r.Content)
		return ok && text == value
	}
	return publish.SameValue(c.record.Type, r.Content, value)
}

// isAlone reports whether the change's record is served and nothing else stands at its name.
func (c change) isAlone(standing []standingRecord) bool {
	return len(standing) == 1 && !standing[0].Disabled && c.is(standing[0], c.record.Value)
}

// replaceable reports whether all records there are the module's own: have the value of the change or one of the old ones.
func (c change) replaceable(standing []standingRecord, old []string) bool {
	for _, r := range standing {
		known := c.is(r, c.record.Value)
		for _, value := range old {
			known = known || c.is(r, value)
		}
		if !known {
			return false
		}
	}
	return true
}

// split separates the records that have the change's value from others of its type; other types are in neither.
func (c change) split(standing []standingRecord) (ours, rest []standingRecord) {
	for _, r := range standing {
		switch {
		case c.is(r, c.record.Value):
			ours = append(ours, r)
		case r.Type == string(c.record.Type):
			rest = append(rest, r)
		}
	}
	return ours, rest
}

// conflict is the error about what stands at a name.
func conflict(name string, standing []standingRecord) error {
	var all []string
	for _, r := range standing {
		text := r.Type + " " + r.Content
		if r.Disabled {
			text += " (disabled)"
		}
		all = append(all, text)
	}
	return fmt.Errorf("%w: %s holds %s", publish.ErrConflict, name, plaintext.Clip(plaintext.Line(strings.Join(all, ", ")), maxShown))
}

// plainText returns the text of a TXT record's content, which is one or more strings in quotes. It reports false for escapes,
// which no value of ours has, and for what is not such a list.
func plainText(content string) (string, bool) {
	var text strings.Builder
	rest := strings.TrimSpace(content)
	for rest != "" {
		if rest[0] != '"' {
			return "", false
		}
		one, after, closed := strings.Cut(rest[1:], `"`)
		if !closed || strings.Contains(one, `\`) {
			return "", false
		}
		text.WriteString(one)
		rest = strings.TrimLeft(after, " \t")
	}
	return text.String(), content != ""
}
