package module

import (
	"net/url"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/command"
	"pmssl/internal/mgrlog"
)

// minSecret is the length in bytes under which a value is no secret: masking "on" would blank half of the texts out.
const minSecret = 4

// secrets are the values of this run that must not leave it: the crypted connection parameters, wherever they came from.
// The log masks them by itself; documents are masked here (design, rule 8).
type secrets struct {
	names  map[string]bool // of crypted parameters
	values []string
	log    *mgrlog.Logger
}

func newSecrets(trade command.Trade, log *mgrlog.Logger) *secrets {
	s := &secrets{names: map[string]bool{}, log: log}
	for _, p := range trade.Params {
		if p.Crypted {
			s.names[p.Name] = true
		}
	}
	return s
}

// learnParams takes the crypted ones out of a processing module's parameters.
func (s *secrets) learnParams(params map[string]string) {
	for name, value := range params {
		if s.names[name] {
			s.add(value)
		}
	}
}

// learnDocument does the same with a form's document, where they stand in the clear.
func (s *secrets) learnDocument(e *etree.Element) {
	if s.names[e.Tag] || mgrlog.IsSecretField(e.Tag) {
		s.add(strings.TrimSpace(e.Text()))
	}
	for _, child := range e.ChildElements() {
		s.learnDocument(child)
	}
}

func (s *secrets) add(value string) {
	if len(value) < minSecret {
		return
	}
	s.values = append(s.values, value)
	if escaped := url.QueryEscape(value); escaped != value {
		s.values = append(s.values, escaped)
	}
	s.log.Secret(value)
}

// mask replaces every known secret in a text.
func (s *secrets) mask(text string) string {
	for _, value := range s.values {
		text = strings.ReplaceAll(text, value, "***")
	}
	return text
}
