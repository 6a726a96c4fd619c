package panel

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
)

// pair is one parameter of a call-back, name and value.
type pair struct{ name, value string }

// itemElement returns elid, which names the item or another element that the function works on.
func itemElement(id int64) pair { return pair{"elid", strconv.FormatInt(id, 10)} }

// sok returns sok=ok, which submits a form instead of only reading it (docs/reference/billmanager.md §5.2).
func sok() pair { return pair{"sok", "ok"} }

// callback is one call of a panel function.
type callback struct {
	name   string
	params []pair
	// secret is a parameter that is passed in the child's environment instead of its argv (rules PANEL-1).
	secret *pair
	// repeat makes a call that must not be lost: it is repeated while the panel does not answer.
	repeat bool
}

// words returns the function and its parameters as argv words, without the secret one.
func (c callback) words() []string {
	words := []string{c.name}
	for _, p := range c.params {
		words = append(words, p.name+"="+p.value)
	}
	return words
}

const (
	// maxQueryValue is the length in bytes up to which a value is logged as a whole; of a longer one queryHead bytes are
	// logged.
	maxQueryValue = 512
	queryHead     = 64
)

// query returns the call in the form of the panel's own log (rules LOG-5): names plain, values percent-encoded, *** for
// secrets. A long value, such as a bundle of certificates, is cut and identified by its size and SHA-256.
func (c callback) query() string {
	var b strings.Builder
	b.WriteString("func=" + c.name)
	for _, word := range panellog.RedactArgs(c.words())[1:] {
		name, value, _ := strings.Cut(word, "=")
		b.WriteString("&" + name + "=" + queryValue(value))
	}
	if c.secret != nil {
		b.WriteString("&" + c.secret.name + "=***")
	}
	return b.String()
}

// queryValue encodes everything but ASCII letters, digits and the dot, as the panel does.
func queryValue(value string) string {
	if value == "***" {
		return value
	}
	shown, rest := value, ""
	if len(value) > maxQueryValue {
		shown = strings.ToValidUTF8(value[:queryHead], "")
		rest = fmt.Sprintf("…(%d bytes, SHA-256 %x)", len(value), sha256.Sum256([]byte(value)))
	}
	var b strings.Builder
	for i := range len(shown) {
		switch c := shown[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String() + rest
}

// String returns the call as arguments of mgrctl for a shell, so that an administrator can repeat it. Secrets are replaced by
// ***.
func (c callback) String() string {
	words := panellog.RedactArgs(c.words())
	if c.secret != nil {
		words = append(words, c.secret.name+"=***")
	}
	for i, word := range words {
		words[i] = shellWord(word)
	}
	return strings.Join(words, " ")
}

// shellWord quotes a word for bash, on one line, so that a lost call can be pasted into a shell.
func shellWord(word string) string {
	if !strings.ContainsAny(word, " \t\r\n\"'\\$`<>|&;()*?#~![]{}") {
		return word
	}
	escaped := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(word)
	return "$'" + escaped + "'"
}

// check returns a fault for parameters that execve would refuse or cut.
func (c callback) check() error {
	for _, p := range c.params {
		word := p.name + "=" + p.value
		switch {
		case len(word) > maxWord:
			return fault.Errorf(fault.Panel, c.name, "parameter %s has %d bytes, mgrctl takes at most %d in one argument", p.name, len(p.value), maxWord-len(p.name)-1)
		case strings.ContainsRune(word, 0):
			return fault.Errorf(fault.Panel, c.name, "parameter %s holds a zero byte, which cannot be passed to mgrctl", p.name)
		case !utf8.ValidString(word):
			return fault.Errorf(fault.Panel, c.name, "parameter %s is not UTF-8, which the panel requires", p.name)
		}
	}
	return nil
}
