package panellog

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

const (
	// minFolded is the number of letters and digits from which a value is found even if it is split or in another letter case.
	// A shorter one would be found by chance in unrelated words.
	minFolded = 8
	// minLine is the length in bytes from which each line of a value is secret.
	minLine = 32
)

// foldedSet holds secrets and encodings of them, reduced to letters and digits.
type foldedSet struct{ patternTree }

func newFoldedSet() *foldedSet { return &foldedSet{} }

// add adds a folded pattern and reports whether it can be found; cut says whether its beginning counts where a text was cut.
func (f *foldedSet) add(text string, cut bool) bool {
	if len(text) < minFolded || strings.IndexByte(text, barrier) >= 0 {
		return false
	}
	f.patternTree.add(text, cut)
	return true
}

// addSecret adds the folded forms of a value: the value with its own escapes decoded or not, with its own tags or without, and
// the encodings of it, of its upper and lower case, and of its escaped forms. It reports whether the value itself can be found.
func (f *foldedSet) addSecret(value string) bool {
	cut := !strings.Contains(value, ":") // the beginning of user:password is not secret
	forms := foldings(value)
	whole := f.add(forms[0], cut)
	for _, text := range forms[1:] {
		f.add(text, cut)
	}
	if lines := strings.Split(value, "\n"); len(lines) > 1 {
		for _, line := range lines { // in a private key each line is secret
			if len(line) >= minLine {
				f.add(folded(line), false)
			}
		}
	}
	if len(forms[0]) >= minFolded || len(value) >= minFolded {
		f.addEncoded(value, cut)
	}
	return whole
}

// addEncoded adds the encodings of a value in each of its written forms, in base64 of base64, and in UTF-16.
func (f *foldedSet) addEncoded(value string, cut bool) {
	for _, source := range writtenForms(value) {
		f.addEncodings(source, cut)
	}
	for _, text := range base64Forms(value) {
		for _, twice := range base64Forms(text) {
			f.add(folded(twice), false)
		}
	}
	units := utf16.Encode([]rune(value))
	wide := make([]byte, 0, 2*len(units))
	for _, unit := range units {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	f.addEncodings(string(wide), false)
}

// addEncodings adds the text's base64 at all three offsets, its hex, and its bytes in decimal.
func (f *foldedSet) addEncodings(text string, cut bool) {
	for _, encoded := range base64Forms(text) {
		f.add(folded(encoded), cut)
	}
	f.add(hex.EncodeToString([]byte(text)), cut)
	f.add(folded(fmt.Sprint([]byte(text))), false)
}

// writtenForms returns the forms of a value that may be encoded as a whole: letter cases and escapes, and two escapes of a value
// that is no private key.
func writtenForms(value string) []string {
	forms := append([]string{value, strings.ToLower(value), strings.ToUpper(value)}, escapedForms(value)...)
	if len(value) <= maxExact {
		for _, escaped := range escapedForms(value) {
			if escaped != value {
				forms = append(forms, escapedForms(escaped)...)
			}
		}
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

// escapedForms returns a text as HTML, XML, a form, a path, JSON and Go write it.
func escapedForms(text string) []string {
	forms := []string{html.EscapeString(text), escapeXML(text), url.QueryEscape(text), url.PathEscape(text)}
	if quoted, err := json.Marshal(text); err == nil {
		forms = append(forms, string(quoted[1:len(quoted)-1]))
	}
	plain := strconv.Quote(text) // JSON that does not escape & and <
	return append(forms, plain[1:len(plain)-1])
}

// base64Forms returns the parts of a text's base64 that do not depend on the bytes before and behind it, one for each of the three
// offsets at which the text can begin.
func base64Forms(text string) []string {
	var forms []string
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + text))
		forms = append(forms, encoded[(before*8+5)/6:(before+len(text))*8/6])
	}
	return forms
}
