package panellog

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
)

const (
	// minFolded is the number of letters and digits from which a value is found even if it is split or in another letter case.
	// A shorter one would be found by chance in unrelated words.
	minFolded = 8
	// minCut is the number from which the beginning of a value at the end of a text is masked, because the text may be cut.
	minCut = 16
)

// foldedPattern is a secret or an encoding of it, reduced to letters and digits.
type foldedPattern struct {
	text string
	cut  bool // the beginning of it at the end of a text is masked too
}

// foldedSet finds folded patterns by their first eight bytes.
type foldedSet struct {
	all   map[string]bool
	byKey map[uint64][]foldedPattern
	// present has a bit for each key, by 12 bits of the key's hash: it excludes most positions of a text quickly.
	present [64]uint64
}

func newFoldedSet() *foldedSet {
	return &foldedSet{all: map[string]bool{}, byKey: map[uint64][]foldedPattern{}}
}

// foldedKey returns the first minFolded bytes as a number.
func foldedKey(s string) uint64 { return binary.LittleEndian.Uint64([]byte(s[:minFolded])) }

// keyBit returns the position of a key in foldedSet.present.
func keyBit(key uint64) (word, bit uint64) {
	h := key * 0x9E3779B97F4A7C15 >> 52
	return h >> 6, 1 << (h & 63)
}

// add adds a folded pattern; cut says whether its beginning counts at the end of a text.
func (f *foldedSet) add(text string, cut bool) {
	if len(text) < minFolded || f.all[text] || strings.IndexByte(text, barrier) >= 0 {
		return
	}
	f.all[text] = true
	key := foldedKey(text)
	f.byKey[key] = append(f.byKey[key], foldedPattern{text, cut && len(text) >= minCut})
	word, bit := keyBit(key)
	f.present[word] |= bit
}

// spans returns the positions in the original of every pattern in a folded view. With cut, the text may end inside a secret.
func (f *foldedSet) spans(view layer, cut bool) []span {
	var found []span
	budget := stepsAtLeast + stepsPerByte*len(view.text)
	for i := 0; i+minFolded <= len(view.text); i++ {
		key := foldedKey(view.text[i:])
		if word, bit := keyBit(key); f.present[word]&bit == 0 {
			continue
		}
		rest, end := view.text[i:], 0
		for _, p := range f.byKey[key] {
			if budget--; !sameNext(rest, p.text) {
				continue // thousands of private keys may begin with the same bytes
			}
			budget -= len(p.text) / minFolded
			switch {
			case strings.HasPrefix(rest, p.text):
				end = max(end, len(p.text))
			case cut && p.cut && strings.HasPrefix(p.text, rest):
				end = len(rest)
			}
		}
		if budget < 0 {
			// Only a text made to be expensive gets here. The rest of it was not searched, so it is masked.
			return append(found, view.at(i, len(view.text)))
		}
		if end > 0 {
			found = append(found, view.at(i, i+end))
		}
	}
	return found
}

// sameNext reports whether the text and the pattern agree in the second minFolded bytes, as far as both have them.
func sameNext(text, pattern string) bool {
	end := min(len(text), len(pattern), 2*minFolded)
	return text[minFolded:end] == pattern[minFolded:end]
}

// addSecret adds the folded forms of a value: the value with its own escapes decoded or not, and the encodings of it, of its upper
// and lower case, and of its escaped forms.
func (f *foldedSet) addSecret(value string) {
	cut := !strings.Contains(value, ":") // the beginning of user:password is not secret
	all := layers(value)
	for _, view := range foldedViews(all) {
		f.add(view.text, cut)
	}
	if lines := strings.Split(value, "\n"); len(lines) > 1 {
		for _, line := range lines { // in a private key each line is secret
			if len(line) >= 2*minCut {
				f.add(layer{text: line}.folded(false).text, false)
			}
		}
	}
	if view := all[0].folded(false); len(view.text) < minFolded && len(value) < minFolded {
		return // patternSet finds short values
	}
	for _, source := range writtenForms(value) {
		f.addEncodings(source, cut)
	}
	for _, text := range base64Forms(value) {
		for _, twice := range base64Forms(text) {
			f.add(layer{text: twice}.folded(false).text, false)
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
		f.add(layer{text: encoded}.folded(false).text, cut)
	}
	f.add(hex.EncodeToString([]byte(text)), cut)
	f.add(layer{text: fmt.Sprint([]byte(text))}.folded(false).text, false)
}

// writtenForms returns the forms of a value that may be encoded as a whole: letter cases and escapes.
func writtenForms(value string) []string {
	forms := []string{value, strings.ToLower(value), strings.ToUpper(value), html.EscapeString(value), escapeXML(value), url.QueryEscape(value), url.PathEscape(value)}
	if quoted, err := json.Marshal(value); err == nil {
		forms = append(forms, string(quoted[1:len(quoted)-1]))
	}
	plain := strconv.Quote(value) // JSON that does not escape & and <
	forms = append(forms, plain[1:len(plain)-1])
	seen := map[string]bool{}
	var once []string
	for _, form := range forms {
		if !seen[form] {
			seen[form] = true
			once = append(once, form)
		}
	}
	return once
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
