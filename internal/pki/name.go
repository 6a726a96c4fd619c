package pki

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

const (
	// maxName is the length of a domain name in characters, without the root's dot (RFC 1035 2.3.4).
	maxName = 253
	// maxTyped is how many bytes of a name are looked at before it has its final form: more than any name with U-labels
	// needs.
	maxTyped = 4 * maxName
)

// ASCIIName brings a domain name into the form that certificates carry: lower case, A-labels (RFC 5280 7.2), without a
// trailing dot. A leading `*.` is kept. Names that no public CA may certify are faults of type value on the given field
// that say why: IP addresses, single labels, internal names, labels that are not P-labels or LDH labels, wildcards over a
// public suffix (BR 3.2.2.6, 7.1.4.2.1, 7.1.2.7.12). The form is final: ASCIIName gives it back unchanged.
func ASCIIName(field, name string) (string, error) {
	base, wildcard := strings.CutPrefix(strings.TrimSpace(name), "*.")
	ascii, why := asciiBase(base)
	if why == "" {
		why = uncertifiable(ascii)
	}
	if wildcard && why == "" {
		if suffix, icann := publicsuffix.PublicSuffix(ascii); icann && suffix == ascii {
			why = "a wildcard may not cover the public suffix ." + suffix
		}
		ascii = "*." + ascii
	}
	if why == "" && len(ascii) > maxName {
		why = fmt.Sprintf("it is longer than %d characters", maxName)
	}
	if why != "" {
		return "", fault.Errorf(fault.Value, field, "%q cannot be certified: %s", plaintext.Clip(name, 300), why)
	}
	return ascii, nil
}

// asciiBase maps the name without its asterisk to A-labels, or says why that is not possible.
func asciiBase(base string) (ascii, why string) {
	switch {
	case base == "":
		return "", "the name is empty"
	case len(base) > maxTyped:
		return "", fmt.Sprintf("it is longer than %d characters", maxName)
	case strings.Contains(base, "*"):
		return "", "an asterisk is allowed only as the whole first label"
	case !utf8.ValidString(base):
		return "", "it is not text in UTF-8"
	case isAddress(base):
		return "", "it is an IP address"
	}
	ascii, err := nameProfile().ToASCII(base)
	if err != nil {
		return "", nameWords(base, err)
	}
	// The root's dot goes only now: an ideographic full stop has become a dot as well.
	ascii = strings.TrimSuffix(strings.ToLower(ascii), ".")
	if slices.Contains(strings.Split(ascii, "."), "") {
		return "", "it is not a valid domain name (a label is empty)"
	}
	return ascii, ""
}

// nameWords returns why the profile refuses a name: it names the character if one of them is the reason.
func nameWords(base string, err error) string {
	for _, r := range base {
		if alphanumeric(r) || r == '-' || r == '.' {
			continue
		}
		if _, refused := nameProfile().ToASCII("a" + string(r) + "a"); refused != nil {
			return "it is not a valid domain name: it holds " + Character(r)
		}
	}
	return "it is not a valid domain name (" + strings.TrimPrefix(err.Error(), "idna: ") + ")"
}

// uncertifiable returns why no public CA certifies a well-formed name, and is empty where one may. Names under top-level
// domains that do not exist are left to the seller: the root zone grows faster than this program is updated.
func uncertifiable(ascii string) string {
	if isAddress(ascii) { // full-width digits have become plain ones
		return "it is an IP address"
	}
	dot := strings.LastIndexByte(ascii, '.')
	if dot < 0 {
		return "it has only one label; public certificates need a full domain name"
	}
	switch top := ascii[dot+1:]; {
	case reserved(top):
		return "." + top + " is reserved for other uses"
	case strings.Trim(top, "0123456789") == "":
		return "it looks like an IP address: a top-level domain is never a number (RFC 3696 2)"
	}
	return ""
}

func isAddress(text string) bool {
	_, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return err == nil
}

// reserved top-level names never stand for a web site in public: RFC 6762 (local), RFC 6761 (localhost, invalid), RFC 7686
// (onion), ICANN's reservation of internal, and arpa with home.arpa and the reverse zones (RFC 3172, RFC 8375).
func reserved(top string) bool {
	switch top {
	case "local", "localhost", "internal", "invalid", "onion", "arpa":
		return true
	}
	return false
}

// nameProfile returns the strict look-up profile of UTS 46: letters, digits and hyphens, lengths checked, no hyphens in the
// third and fourth place except in A-labels.
func nameProfile() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.BidiRule())
}

// Covers reports whether a certificate's name (which may begin with `*.`) stands for the wanted one. A wildcard stands
// for exactly one further label (RFC 6125 6.4.3) and, as a wanted name, only for itself.
func Covers(has, wanted string) bool {
	has, wanted = strings.ToLower(has), strings.ToLower(wanted)
	if has == wanted {
		return has != ""
	}
	base, wildcard := strings.CutPrefix(has, "*.")
	label, rest, found := strings.Cut(wanted, ".")
	return wildcard && found && label != "" && label != "*" && rest != "" && rest == base
}
