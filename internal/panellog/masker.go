package panellog

import (
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
	// stepsPerByte and stepsAtLeast limit a search, so that it is linear in the text. Hundreds of secrets in an ordinary text take
	// far fewer steps for each byte.
	stepsPerByte = 64
	stepsAtLeast = 4 << 10
)

// Masker returns a function that replaces the given values in a text by ***, in any of the forms that Logger.Secret lists.
// It is for code that must hide only its own secrets; PEM private keys are masked too. Values under four bytes are ignored.
//
// The forms of the values are made at the first text: most clients never have anything to mask.
func Masker(secrets ...string) func(text string) string {
	values := slices.Clone(secrets)
	made := sync.OnceValue(func() *masker {
		m := &masker{}
		m.add(values...)
		return m
	})
	return func(text string) string { return made().maskWith(text, false) }
}

// masker finds registered secrets and private keys in texts. Secrets can be added one after the other, as a sweep does with
// the keys of thousands of items.
type masker struct {
	mu       sync.RWMutex // guards what patterns points at
	patterns *patternSet
}

// patternSet are the texts to search for.
type patternSet struct {
	values map[string]bool // as they were registered
	exact  patternTree     // forms of values that are searched character by character, in lower case
	folded *foldedSet
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
	return &patternSet{values: map[string]bool{}, folded: newFoldedSet()}
}

// maxExact is the length in bytes up to which a value is searched character by character too. A longer one is a private key.
// foldedSet finds all of it but the dashes around it.
const maxExact = 256

// add adds a value in all its forms.
func (p *patternSet) add(value string) {
	if p.values[value] {
		return
	}
	p.values[value] = true
	whole := p.folded.addSecret(value)
	if whole && len(value) > maxExact && len(folded(value)) >= maxExact/2 {
		return
	}
	for _, form := range secretForms(value) {
		p.addForm(form)
	}
}

// exactSet returns the patterns of the values themselves, without their encodings, which take more time.
func exactSet(values []string) *patternSet {
	p := newPatternSet()
	for _, v := range values {
		p.addForm(strings.TrimSpace(v))
	}
	return p
}

func (p *patternSet) addForm(form string) {
	if len(form) >= minSecret {
		p.exact.add(lowerASCII(form), false)
	}
}

// maxPasses is the number of times that a text is masked: after a replacement a tag or an escape may end elsewhere, and show
// another secret. A text that is not done then is masked as a whole.
const maxPasses = 8

// mask replaces secrets and private keys by ***. The text may end inside a secret.
func (m *masker) mask(text string) string { return m.maskWith(text, true) }

// maskAll masks the patterns and private keys. With cut, the text may end inside a secret.
func maskAll(p *patternSet, text string, cut bool) string {
	for range maxPasses {
		all := layers(text)
		escapes, done := escapeReadings(text)
		if !done {
			return masked
		}
		asFolded := foldedReadings(all, escapes, cut)
		spans := append(privateKeySpans(text), cutKeySpans(all)...)
		spans = append(spans, signatureKeySpans(asFolded)...)
		if p != nil {
			spans = append(spans, p.folded.spans(asFolded, cut)...)
			spans = append(spans, p.exact.spans(exactReadings(text, escapes), false)...)
		}
		if len(spans) == 0 {
			return text
		}
		clean := replaceSpans(text, spans)
		if clean == text {
			return text
		}
		text = clean
	}
	return masked
}

// span is a range of bytes in a text, end exclusive.
type span struct{ start, end int }

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
