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
	// maxTyped is the longest name that is converted, in bytes; names with U-labels need fewer.
	maxTyped = 4 * maxName
)

// ASCIIName returns a domain name in the form of certificates: lower case, A-labels (RFC 5280 7.2), without a trailing
// dot. A leading `*.` is kept. A name that no public CA may certify is a fault of type value on the given field that
// says why: IP addresses, single labels, internal names, labels that are not P-labels or LDH labels, wildcards over a
// public suffix (BR 3.2.2.6, 7.1.4.2.1, 7.1.2.7.12). ASCIIName returns its own results unchanged.
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

// asciiBase converts the name without its asterisk to A-labels; why says why that is not possible.
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
	// The trailing dot is removed only now, because it may have been an ideographic full stop before.
	ascii = strings.TrimSuffix(strings.ToLower(ascii), ".")
	if slices.Contains(strings.Split(ascii, "."), "") {
		return "", "it is not a valid domain name (a label is empty)"
	}
	return ascii, ""
}

// nameWords returns why the profile refuses a name. It names the character if one is the reason.
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

// uncertifiable returns why no public CA certifies a well-formed name; empty if one may. It does not check whether the
// top-level domain exists, because the root zone changes more often than this program: the seller does.
func uncertifiable(ascii string) string {
	if isAddress(ascii) { // full-width digits are ASCII digits now
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

// reserved reports whether a top-level domain is never used for public web sites: RFC 6762 (local), RFC 6761
// (localhost, invalid), RFC 7686 (onion), ICANN's reservation of internal, and arpa with home.arpa and the reverse
// zones (RFC 3172, RFC 8375).
func reserved(top string) bool {
	switch top {
	case "local", "localhost", "internal", "invalid", "onion", "arpa":
		return true
	}
	return false
}

// nameProfile returns the strict lookup profile of UTS 46: letters, digits and hyphens, checked lengths, and hyphens in
// the third and fourth place in A-labels only.
func nameProfile() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.BidiRule())
}

// Covers reports whether a certificate's name (which may begin with `*.`) covers the wanted name. A wildcard covers
// exactly one further label (RFC 6125 6.4.3); as a wanted name, only the same wildcard covers it.
func Covers(has, wanted string) bool {
	has, wanted = strings.ToLower(has), strings.ToLower(wanted)
	if has == wanted {
		return has != ""
	}
	base, wildcard := strings.CutPrefix(has, "*.")
	label, rest, found := strings.Cut(wanted, ".")
	return wildcard && found && label != "" && label != "*" && rest != "" && rest == base
}
