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
	// minFolded is the number of letters and digits from which a value is found also where it is split or written in
	// another letter case. A shorter one would be found by chance, in words that have nothing to do with it.
	minFolded = 8
	// minCut is the same from which the beginning of a value is masked where a text was cut inside it.
	minCut = 16
)

// foldedPattern is a secret, or an encoding of it, with its letters and digits only.
type foldedPattern struct {
	text string
	cut  bool // its beginning at the end of a text is masked too
}

// foldedSet finds folded patterns by their first eight bytes.
type foldedSet struct {
	all   map[string]bool
	byKey map[uint64][]foldedPattern
	// some says which keys there are, by 12 bits of their hash: most places of a text are passed over by it.
	some [64]uint64
}

func newFoldedSet() *foldedSet {
	return &foldedSet{all: map[string]bool{}, byKey: map[uint64][]foldedPattern{}}
}

func foldedKey(s string) uint64 { return binary.LittleEndian.Uint64([]byte(s[:minFolded])) }

func keyBit(key uint64) (word, bit uint64) {
	h := key * 0x9E3779B97F4A7C15 >> 52
	return h >> 6, 1 << (h & 63)
}

func (f *foldedSet) add(text string, cut bool) {
	if len(text) < minFolded || f.all[text] || strings.IndexByte(text, barrier) >= 0 {
		return
	}
	f.all[text] = true
	key := foldedKey(text)
	f.byKey[key] = append(f.byKey[key], foldedPattern{text, cut && len(text) >= minCut})
	word, bit := keyBit(key)
	f.some[word] |= bit
}

// spans finds every pattern in a folded view, as places in the original. With cut, the text may end inside a secret.
func (f *foldedSet) spans(view layer, cut bool) []span {
	var found []span
	budget := stepsAtLeast + stepsPerByte*len(view.text)
	for i := 0; i+minFolded <= len(view.text); i++ {
		key := foldedKey(view.text[i:])
		if word, bit := keyBit(key); f.some[word]&bit == 0 {
			continue
		}
		rest, end := view.text[i:], 0
		for _, p := range f.byKey[key] {
			if budget--; !sameNext(rest, p.text) {
				continue // keys begin alike, and there may be thousands
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
			// Only a text made for it gets here; what was not searched is not shown.
			return append(found, view.at(i, len(view.text)))
		}
		if end > 0 {
			found = append(found, view.at(i, i+end))
		}
	}
	return found
}

// sameNext reports whether a text can go on as a pattern does behind the first minFolded bytes: whether the next minFolded
// ones are the same where both have as many.
func sameNext(text, pattern string) bool {
	end := min(len(text), len(pattern), 2*minFolded)
	return text[minFolded:end] == pattern[minFolded:end]
}

// addSecret adds the folded forms of a value: itself with its own escapes decoded or not, and its encodings, also of the
// value in another letter case or escaped.
func (f *foldedSet) addSecret(value string) {
	cut := !strings.Contains(value, ":") // the beginning of user:password is no secret
	all := layers(value)
	for _, view := range foldedViews(all) {
		f.add(view.text, cut)
	}
	if lines := strings.Split(value, "\n"); len(lines) > 1 {
		for _, line := range lines { // a key, of which one line is enough
			if len(line) >= 2*minCut {
				f.add(layer{text: line}.folded(false).text, false)
			}
		}
	}
	if view := all[0].folded(false); len(view.text) < minFolded && len(value) < minFolded {
		return // short values are found by the patterns of the other search
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

// addEncodings adds base64 in all three positions, hex and decimal bytes of a text.
func (f *foldedSet) addEncodings(text string, cut bool) {
	for _, encoded := range base64Forms(text) {
		f.add(layer{text: encoded}.folded(false).text, cut)
	}
	f.add(hex.EncodeToString([]byte(text)), cut)
	f.add(layer{text: fmt.Sprint([]byte(text))}.folded(false).text, false)
}

// writtenForms returns the ways to write a value before it is encoded as a whole.
func writtenForms(value string) []string {
	forms := []string{value, strings.ToLower(value), strings.ToUpper(value), html.EscapeString(value), escapeXML(value), url.QueryEscape(value), url.PathEscape(value)}
	if quoted, err := json.Marshal(value); err == nil {
		forms = append(forms, string(quoted[1:len(quoted)-1]))
	}
	plain := strconv.Quote(value) // JSON that leaves & and < alone
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

// base64Forms returns the parts of a text's base64 that do not depend on what stands before or after it, for the three
// positions that it can begin at.
func base64Forms(text string) []string {
	var forms []string
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + text))
		forms = append(forms, encoded[(before*8+5)/6:(before+len(text))*8/6])
	}
	return forms
}
