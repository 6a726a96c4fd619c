package app

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
	"pmssl/internal/seller"
)

const (
	// maxSecrets is how many secrets one document may bring: each is looked for in every text that leaves the run. The
	// panel's forms have a handful.
	maxSecrets = 256
	// minValueSecret is the length in bytes from which a secret is masked in values that something is done with, a DNS
	// record or a file's content. Keys of sellers are longer; a shorter word can be a part of such a value by chance.
	minValueSecret = 16
)

// secrets are the values of this run that must not leave it: the crypted connection parameters, wherever they came from.
// The log knows them and masks; what goes to the panel is masked by the same (rules ARCH-8).
type secrets struct {
	names  map[string]bool // of crypted parameters
	values []string        // long ones
	log    *panellog.Logger
}

func newSecrets(info seller.Info, log *panellog.Logger) *secrets {
	s := &secrets{names: map[string]bool{}, log: log}
	for _, p := range info.Params {
		if p.Crypted {
			s.names[p.Name] = true
		}
	}
	return s
}

// learnParams takes the crypted ones out of a processing module's parameters.
func (s *secrets) learnParams(params map[string]string) {
	var found []string
	for name, value := range params {
		if s.secret(name) {
			found = append(found, value)
		}
	}
	s.add(found)
}

// minItemSecret is the length in bytes from which an item's value counts as a secret: shorter ones are choices of a form,
// such as the kind of a key.
const minItemSecret = 8

// learnItem names the secret parameters of an item to the log, a private key above all. What is done with them stays as
// it is.
func (s *secrets) learnItem(params map[string]string) {
	for name, value := range params {
		if s.secret(name) && len(value) >= minItemSecret {
			s.log.Secret(value)
		}
	}
}

// learnArgs names the secrets of the command line to the log: --password VALUE, and check_param's --param NAME --value
// VALUE.
func (s *secrets) learnArgs(args *arguments) {
	for i, name := range args.Params {
		if i < len(args.Values) && s.secret(name) {
			s.log.Secret(args.Values[i])
		}
	}
	s.log.Secret(args.password)
}

// secret reports whether a parameter of this name holds a secret.
func (s *secrets) secret(name string) bool { return s.names[name] || panellog.IsSecretField(name) }

// learnDocument does the same with a form's document, where they stand in the clear. A document with more secrets than
// any form has is Input.
func (s *secrets) learnDocument(root *etree.Element) error {
	found := s.collect(nil, root)
	slices.Sort(found)
	if found = slices.Compact(found); len(found) > maxSecrets {
		return fault.Errorf(fault.Input, "stdin", "the document on stdin has more than %d secret values", maxSecrets)
	}
	s.add(found)
	return nil
}

// collect appends the secret texts of the element and of all below it.
func (s *secrets) collect(found []string, e *etree.Element) []string {
	if text := strings.TrimSpace(e.Text()); text != "" && s.secret(e.Tag) {
		found = append(found, text)
	}
	for _, child := range e.ChildElements() {
		found = s.collect(found, child)
	}
	return found
}

func (s *secrets) add(values []string) {
	for _, value := range values {
		if len(value) >= minValueSecret && !slices.Contains(s.values, value) {
			s.values = append(s.values, value)
		}
	}
	s.log.Secret(values...)
}

// mask replaces every secret that the log knows in a text for people.
func (s *secrets) mask(text string) string { return s.log.Mask(text) }

// maskValue does it for a value that something is done with: only what cannot be a part of it by chance is replaced.
func (s *secrets) maskValue(text string) string {
	if len(s.values) == 0 {
		return text
	}
	return panellog.Masker(s.values...)(text)
}
