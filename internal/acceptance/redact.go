package acceptance

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"unicode"

	"pmssl/internal/item"
	"pmssl/internal/pki"
	"pmssl/internal/plaintext"
)

// redactor takes what belongs to the account, the item and its client out of a text for the report (rules ACCEPT-5): known values
// by their value, and by their form what looks like an address, a name of a host, a path or a number.
type redactor struct {
	known []string            // known values, longest first
	mask  func(string) string // of the run's secrets; nil if none are known
	salt  string              // of this walk, so that a number's hash cannot be looked up
}

// minKnown is the length in bytes from which a known value is replaced wherever it stands.
const minKnown = 3

// newRedactor returns the redactor of an item and the parameters of its module.
func newRedactor(it item.Item, params map[string]string, mask func(string) string, salt string) redactor {
	r := redactor{mask: mask, salt: salt}
	values := append(slices.Collect(maps.Values(it.Params)), slices.Collect(maps.Values(params))...)
	values = append(values, it.Name, it.AccountName, it.RemoteID)
	if csr, err := pki.ReadCSR(it.CSR); err == nil {
		values = append(values, csr.Email, csr.Subject.State, csr.Subject.Locality, csr.Subject.Organisation, csr.Subject.Unit)
	}
	for _, value := range values {
		for _, part := range append(strings.FieldsFunc(value, func(c rune) bool { return unicode.IsSpace(c) || c == ',' }), strings.TrimSpace(value)) {
			if len(part) >= minKnown && !common(part) {
				r.known = append(r.known, part)
			}
		}
	}
	slices.SortFunc(r.known, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	r.known = slices.Compact(r.known)
	return r
}

// common reports whether a value is a word of the panel or of this program, which says nothing about anybody.
func common(value string) bool {
	if strings.HasPrefix(value, "auth_") {
		return true
	}
	return slices.Contains([]string{"off", "the", "and", "for", "not", "yes", "open"}, strings.ToLower(value))
}

// maxNote is the length in bytes of a text in the report.
const maxNote = 400

// text returns the text as one line without values that belong to anybody.
func (r redactor) text(text string) string {
	if r.mask != nil {
		text = r.mask(text)
	}
	text = plaintext.Line(text)
	for _, value := range r.known {
		text = replaceFold(text, value, "[value]")
	}
	words := strings.FieldsFunc(text, unicode.IsSpace)
	for i, word := range words {
		words[i] = r.word(word)
	}
	return plaintext.Clip(strings.Join(words, " "), maxNote)
}

// replaceFold replaces a value in any letter case.
func replaceFold(text, value, with string) string {
	var b strings.Builder
	lower, wanted := strings.ToLower(text), strings.ToLower(value)
	if len(lower) != len(text) || wanted == "" { // letters whose lower case has another length: exactly then
		return strings.ReplaceAll(text, value, with)
	}
	for {
		at := strings.Index(lower, wanted)
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:at] + with)
		text, lower = text[at+len(wanted):], lower[at+len(wanted):]
	}
}

// word returns one word: an address, a host or a path is replaced, a long number is shortened to a hash.
func (r redactor) word(word string) string {
	switch {
	case strings.Contains(word, "[value]"):
		return "[value]"
	case strings.Contains(word, "@"):
		return "[address]"
	case strings.Contains(word, "://"):
		return "[url]"
	case hostLike(word):
		return "[host]"
	case strings.Count(word, "/") > 1:
		return "[path]"
	}
	return r.numbers(word)
}

// hostLike reports whether a word contains a name with a dot that is no function of a seller or panel, nor a number or version.
func hostLike(word string) bool {
	name := strings.Trim(word, `"'()[]{}<>,;:!?.`)
	for _, known := range []string{"namecheap.", "certificate.", "service.", "pricelist.", "dashboard.", "processing.", "runningoperation.", "task.", "organization."} {
		if strings.HasPrefix(strings.ToLower(name), known) {
			return false
		}
	}
	at := strings.LastIndex(name, ".")
	return at > 0 && at < len(name)-1 && strings.ContainsFunc(name[at+1:], func(c rune) bool { return unicode.IsLetter(c) })
}

// numbers replaces each run of more than four digits by a hash.
func (r redactor) numbers(word string) string {
	var b strings.Builder
	for len(word) > 0 {
		n := 0
		for n < len(word) && word[n] >= '0' && word[n] <= '9' {
			n++
		}
		switch {
		case n == 0:
			b.WriteByte(word[0])
			n = 1
		case n <= 4:
			b.WriteString(word[:n])
		default:
			sum := sha256.Sum256([]byte(r.salt + word[:n]))
			b.WriteString("#" + hex.EncodeToString(sum[:])[:6])
		}
		word = word[n:]
	}
	return b.String()
}
