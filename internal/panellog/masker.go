package panellog

import (
	"html"
	"slices"
	"sort"
	"strings"
	"sync"
)

// masked replaces a secret.
const masked = "***"

// minSecret is the length in bytes under which a value is not masked: masking "on" or "1" would make the log unreadable.
const minSecret = 4

const (
	// maskSteps limits the search through one text to a fraction of a second.
	maskSteps = 32 << 20
	// stepsPerByte and stepsAtLeast limit the search in shorter texts, so that it is linear. Hundreds of secrets in an ordinary
	// text take far fewer steps for each byte.
	stepsPerByte = 64
	stepsAtLeast = 4 << 10
)

// Masker returns a function that replaces the given values in a text by ***, in any of the forms that Logger.Secret lists.
// It is for code that must hide only its own secrets; PEM private keys are masked too. Values under four bytes are ignored.
func Masker(secrets ...string) func(text string) string {
	m := &masker{}
	m.add(secrets...)
	return func(text string) string { return m.maskWith(text, false) }
}

// masker finds registered secrets and private keys in texts. Secrets can be added one after the other, as a sweep does with
// the keys of thousands of items.
type masker struct {
	mu       sync.RWMutex // guards what patterns points at
	patterns *patternSet
}

// patternSet are the texts to search for.
type patternSet struct {
	values  map[string]bool // as they were registered
	all     map[string]bool
	byFirst [256][]string
	byTwo   map[[2]byte][]string // the same by their first two bytes
	folded  *foldedSet
	short   *patternSet // the patterns of values that are too short to be folded; nil if there are none
}

func (m *masker) add(values ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, value := range values {
		if value = strings.TrimSpace(value); len(value) < minSecret {
			continue
		}
		if m.patterns == nil {
			m.patterns = newPatternSet()
		}
		m.patterns.add(value)
	}
}

// maskWith masks a text with the secrets registered so far. With cut, the text may end inside a secret.
func (m *masker) maskWith(text string, cut bool) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return maskAll(m.patterns, text, cut)
}

func newPatternSet() *patternSet {
	return &patternSet{values: map[string]bool{}, all: map[string]bool{}, byTwo: map[[2]byte][]string{}, folded: newFoldedSet()}
}

// maxPlain is the length in bytes up to which a value is searched byte by byte too. A longer one is a private key. foldedSet
// finds all of it but the dashes around it, and does not become slower with many keys that begin with the same bytes.
const maxPlain = 256

// add adds a value in all its forms.
func (p *patternSet) add(value string) {
	if p.values[value] {
		return
	}
	p.values[value] = true
	p.folded.addSecret(value)
	if len(value) > maxPlain && len(layer{text: value}.folded(false).text) >= maxPlain/2 {
		return
	}
	if len(value) < 2*minFolded && p.short == nil {
		p.short = newPatternSet()
	}
	for _, form := range secretForms(value) {
		p.addForm(form)
		if len(value) < 2*minFolded {
			p.short.addForm(form)
		}
	}
}

// plainSet returns the patterns of the values and their HTML escapes, without their encodings, which take more time.
func plainSet(values []string) *patternSet {
	p := newPatternSet()
	for _, v := range values {
		if v = strings.TrimSpace(v); len(v) >= minSecret {
			p.addForm(v)
			p.addForm(html.EscapeString(v))
		}
	}
	return p
}

func (p *patternSet) addForm(form string) {
	if form = lowerASCII(form); len(form) < minSecret || p.all[form] {
		return
	}
	p.all[form] = true
	p.byFirst[form[0]] = append(p.byFirst[form[0]], form)
	two := [2]byte{form[0], form[1]}
	p.byTwo[two] = append(p.byTwo[two], form)
}

// maxPasses is the number of times that a text is masked: after a replacement a tag or an escape may end elsewhere, and show
// another secret.
const maxPasses = 3

// mask replaces secrets and private keys by ***. The text may end inside a secret.
func (m *masker) mask(text string) string { return m.maskWith(text, true) }

// maskAll masks the patterns and private keys. With cut, the text may end inside a secret.
func maskAll(p *patternSet, text string, cut bool) string {
	for range maxPasses {
		all := layers(text)
		views := foldedViews(all)
		spans := append(privateKeySpans(text), cutKeySpans(all)...)
		spans = append(spans, signatureKeySpans(text, views)...)
		spans = append(spans, p.spans(text)...)
		spans = append(spans, p.foldedSpans(all, views, cut)...)
		if len(spans) == 0 {
			return text
		}
		clean := replaceSpans(text, spans)
		if clean == text {
			return text
		}
		text = clean
	}
	return text
}

// foldedSpans finds secrets that are split, in another letter case, encoded, or escaped more than once.
func (p *patternSet) foldedSpans(all, views []layer, cut bool) []span {
	if p == nil {
		return nil
	}
	var found []span
	for _, view := range views {
		found = append(found, p.folded.spans(view, cut)...)
	}
	if p.short == nil {
		return found
	}
	for _, l := range all[1:] {
		for _, s := range p.short.spans(l.text) {
			found = append(found, l.at(s.start, s.end))
		}
	}
	return found
}

// span is a range of bytes in a text, end exclusive.
type span struct{ start, end int }

// spans finds every occurrence of every pattern, escaped or not.
func (p *patternSet) spans(text string) []span {
	if p == nil || len(p.all) == 0 {
		return nil
	}
	var found []span
	text = lowerASCII(text)
	steps := min(maskSteps, stepsAtLeast+stepsPerByte*len(text))
	for i := range len(text) {
		end := longest(p.candidates(text[i:]), text[i:], &steps)
		if escapeStart(text[i]) {
			if dec, w := decodeEscape(text[i:]); w > 0 {
				end = max(end, longest(p.byFirst[lowerASCII(dec)[0]], text[i:], &steps))
			}
		}
		if steps < 0 {
			// Only a text made to be expensive gets here. The rest of it was not searched, so it is masked.
			return append(found, span{i, len(text)})
		}
		if end > 0 {
			found = append(found, span{i, i + end})
		}
	}
	return found
}

// candidates returns the patterns that may match at the start of the text.
func (p *patternSet) candidates(text string) []string {
	if len(text) < 2 || escapeStart(text[0]) || escapeStart(text[1]) {
		return p.byFirst[text[0]]
	}
	return p.byTwo[[2]byte{text[0], text[1]}]
}

// longest returns the length of the longest match of the patterns at the start of the text, 0 if none matches.
func longest(patterns []string, text string, steps *int) int {
	end := 0
	for _, p := range patterns {
		end = max(end, matchEscaped(text, p, steps))
	}
	return end
}

// replaceSpans replaces the spans by ***; spans that touch become one.
func replaceSpans(text string, spans []span) string {
	spans = slices.DeleteFunc(spans, func(s span) bool { return s.start >= s.end })
	if len(spans) == 0 {
		return text
	}
	sort.Slice(spans, func(i, j int) bool { return spans[i].start < spans[j].start })
	var b strings.Builder
	at := 0
	for i := 0; i < len(spans); {
		start, end := spans[i].start, spans[i].end
		for i++; i < len(spans) && spans[i].start <= end; i++ {
			end = max(end, spans[i].end)
		}
		b.WriteString(text[at:start])
		b.WriteString(masked)
		at = end
	}
	b.WriteString(text[at:])
	return b.String()
}
