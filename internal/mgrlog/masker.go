package mgrlog

import (
	"slices"
	"sort"
	"strings"
	"sync/atomic"
)

// masked stands where a secret was.
const masked = "***"

// minSecret is the length in bytes under which a value is no secret: masking
// "on" or "1" would blank out the log.
const minSecret = 4

const (
	// maskSteps bounds the search through one text to a fraction of a second.
	maskSteps = 32 << 20
	// Below that the search is linear: hundreds of secrets in an honest text take far fewer steps for each byte.
	stepsPerByte = 64
	stepsAtLeast = 4 << 10
)

// Masker returns a function that replaces the given values in a text by ***, however they are written there: plain,
// URL-encoded, escaped for XML or JSON, or inside base64. It is for a part of the program that must hide its own secrets
// and only those; PEM private keys are masked as well. Values under four bytes are ignored.
func Masker(secrets ...string) func(text string) string {
	m := &masker{}
	m.add(secrets...)
	return m.mask
}

// masker finds registered secrets and private keys in any text.
type masker struct {
	patterns atomic.Pointer[patternSet]
}

// patternSet is immutable: readers take it without a lock.
type patternSet struct {
	all     map[string]bool
	byFirst [256][]string
}

func (m *masker) add(values ...string) {
	for {
		old := m.patterns.Load()
		next := old.with(values)
		if m.patterns.CompareAndSwap(old, next) {
			return
		}
	}
}

func (p *patternSet) with(values []string) *patternSet {
	next := &patternSet{all: map[string]bool{}}
	if p != nil {
		for v := range p.all {
			next.all[v] = true
		}
	}
	for _, v := range values {
		for _, form := range secretForms(v) {
			if len(form) >= minSecret {
				next.all[form] = true
			}
		}
	}
	for v := range next.all {
		next.byFirst[v[0]] = append(next.byFirst[v[0]], v)
	}
	return next
}

// mask replaces secrets and private keys by ***.
func (m *masker) mask(text string) string {
	return replaceSpans(text, append(m.patterns.Load().spans(text), privateKeySpans(text)...))
}

// span is a piece of a text, end exclusive.
type span struct{ start, end int }

// spans finds every occurrence of every pattern, escaped or not.
func (p *patternSet) spans(text string) []span {
	if p == nil || len(p.all) == 0 {
		return nil
	}
	var found []span
	steps := min(maskSteps, stepsAtLeast+stepsPerByte*len(text))
	for i := range len(text) {
		end := longest(p.byFirst[text[i]], text[i:], &steps)
		if escapeStart(text[i]) {
			if dec, w := decodeEscape(text[i:]); w > 0 {
				end = max(end, longest(p.byFirst[dec[0]], text[i:], &steps))
			}
		}
		if steps < 0 {
			// Only a text made for it gets here; what was not searched is not shown.
			return append(found, span{i, len(text)})
		}
		if end > 0 {
			found = append(found, span{i, i + end})
		}
	}
	return found
}

// longest is the length of the longest match of the patterns at the start of
// text, 0 without one.
func longest(patterns []string, text string, steps *int) int {
	end := 0
	for _, p := range patterns {
		end = max(end, matchEscaped(text, p, steps))
	}
	return end
}

// replaceSpans puts *** where the spans are; touching ones become one.
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
