package app

import (
	"slices"
	"strings"
	"sync"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/panellog"
	"pmssl/internal/seller"
)

const (
	// maxSecrets limits the number of secrets in one document, because every text that leaves the run is searched for each
	// of them. The panel's forms have fewer than ten.
	maxSecrets = 256
	// minValueSecret is the length in bytes from which a secret is masked in values that are used and not only shown, such as
	// a DNS record or the content of a file. Keys of sellers are longer; a shorter secret could be part of such a value by
	// chance.
	minValueSecret = 16
)

// secrets holds the secret values of this run: the crypted connection parameters, wherever they came from. They are masked
// in the log, on stdout and in what is sent to the panel (rules ARCH-8).
type secrets struct {
	names map[string]bool  // names of crypted parameters
	log   *panellog.Logger // masks every secret

	mu     sync.Mutex
	values []string // secrets of at least minValueSecret bytes
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

// learnParams registers the secret parameters of a processing module.
func (s *secrets) learnParams(params map[string]string) {
	var found []string
	for name, value := range params {
		if s.secret(name) {
			found = append(found, value)
		}
	}
	s.add(found)
}

// minItemSecret is the length in bytes from which an item's value counts as a secret. Shorter values are choices of a form,
// such as the type of a key.
const minItemSecret = 8

// learnItem registers the secret parameters of an item with the log only, above all its private key. maskValue leaves them
// alone: they must be saved unchanged. A sweep reads thousands of items, and each secret costs the log memory: the hash of a public key,
// which this module saves under a name that looks like a secret's, is none.
func (s *secrets) learnItem(params map[string]string) {
	for name, value := range params {
		if name == itemparam.LeafKey && isHash(value) {
			continue
		}
		if s.secret(name) && len(value) >= minItemSecret {
			s.log.Secret(value)
		}
	}
}

// isHash reports whether the value is a SHA-256 in hexadecimal digits.
func isHash(value string) bool {
	return len(value) == 64 && strings.Trim(value, "0123456789abcdef") == ""
}

// learnArgs registers the secrets of the command line with the log: --password VALUE, and --param NAME --value VALUE of
// check_param.
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

// learnDocument registers the secrets of a form's document, which contains them unencrypted. It returns a fault of type xml
// for a document with more than maxSecrets.
func (s *secrets) learnDocument(root *etree.Element) error {
	found := s.collect(nil, root)
	slices.Sort(found)
	if found = slices.Compact(found); len(found) > maxSecrets {
		return fault.Errorf(fault.Input, "stdin", "the document on stdin has more than %d secret values", maxSecrets)
	}
	s.add(found)
	return nil
}

// collect appends the secret texts of the element and its descendants to found.
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
	s.mu.Lock()
	for _, value := range values {
		if len(value) >= minValueSecret && !slices.Contains(s.values, value) {
			s.values = append(s.values, value)
		}
	}
	s.mu.Unlock()
	s.log.Secret(values...)
}

// mask returns a text for people with every secret replaced.
func (s *secrets) mask(text string) string { return s.log.Mask(text) }

// maskValue returns a value that is used, with only those secrets replaced that cannot be part of it by chance
// (minValueSecret).
func (s *secrets) maskValue(text string) string {
	s.mu.Lock()
	values := s.values // which is only appended to
	s.mu.Unlock()
	if len(values) == 0 {
		return text
	}
	return panellog.Masker(values...)(text)
}
