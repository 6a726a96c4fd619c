package status

import (
	"pmssl/internal/pki"
	"pmssl/internal/plaintext"
)

const (
	maxDomain   = 253
	maxText     = 120
	maxCurrency = 16
	maxError    = 400
	maxLineage  = 200
	// maxMasked is how much of a text is searched for secrets beyond what is shown of it, in bytes. A secret that begins in what is
	// shown ends there, or it is a private key, which is found by its beginning.
	maxMasked = 4 << 10
)

// texts makes texts from outside fit to be shown (rules STATUS-6). Every text of a row or of the report is made by it.
type texts struct {
	mask func(string) string // item.Run.Mask; nil if no secrets are known
}

// clean returns the text without secrets, as one printable line of at most limit bytes. They are replaced before the text is cut, and
// again after characters were left out of it.
func (t texts) clean(text string, limit int) string {
	text = plaintext.Head(text, limit+maxMasked)
	if t.mask == nil || text == "" {
		return clean(text, limit)
	}
	text = t.mask(text)
	if line := plaintext.Line(text); line != text {
		text = t.mask(line)
	}
	return clean(text, limit)
}

// domain returns a domain name with A-labels; a text that is no domain name as a printable line.
func (t texts) domain(name string) string {
	if ascii, err := pki.ASCIIName("name", name); err == nil {
		name = ascii
	}
	return t.clean(name, maxDomain)
}

// clean returns the text as one printable line of at most limit bytes.
func clean(text string, limit int) string { return plaintext.Clip(plaintext.Line(text), limit) }
