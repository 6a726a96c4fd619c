package cert

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// AsciiName brings a domain name into the form that certificates carry: lower case, A-labels (RFC 5280 7.2), without a
// trailing dot. A leading `*.` is kept. Names that no public CA may certify are faults of type value that say why: IP
// addresses, single labels, internal names, wildcards over a public suffix (BR 3.2.2.6, 7.1.4.2.1).
func AsciiName(field, name string) (string, error) {
	text := strings.TrimSuffix(strings.TrimSpace(name), ".")
	base, wildcard := strings.CutPrefix(text, "*.")
	fail := func(why string) (string, error) {
		return "", Faultf(FaultValue, field, "%q cannot be certified: %s", clip(name, 300), why)
	}
	switch {
	case base == "":
		return fail("the name is empty")
	case strings.Contains(base, "*"):
		return fail("an asterisk is allowed only as the whole first label")
	}
	if _, err := netip.ParseAddr(strings.Trim(base, "[]")); err == nil {
		return fail("it is an IP address")
	}
	ascii, err := nameProfile().ToASCII(base)
	if err != nil {
		return fail("it is not a valid domain name (" + err.Error() + ")")
	}
	ascii = strings.ToLower(ascii)
	if len(ascii) > 253-len("*.") {
		return fail("it is longer than 253 characters")
	}
	if !strings.Contains(ascii, ".") {
		return fail("it has only one label; public certificates need a full domain name")
	}
	if top := ascii[strings.LastIndexByte(ascii, '.')+1:]; reserved(top) || strings.HasSuffix(ascii, ".home.arpa") {
		return fail("." + top + " is reserved for internal use")
	}
	suffix, icann := publicsuffix.PublicSuffix(ascii)
	if wildcard {
		if icann && suffix == ascii {
			return fail("a wildcard may not cover the public suffix ." + suffix)
		}
		return "*." + ascii, nil
	}
	return ascii, nil
}

// reserved top-level names never resolve in public (RFC 6762, RFC 6761, ICANN's reservation of .internal). Other unknown
// ones are left to the seller: the root zone grows faster than this program is updated.
func reserved(top string) bool {
	switch top {
	case "local", "localhost", "internal", "invalid", "onion":
		return true
	}
	return false
}

// nameProfile is the strict look-up profile of UTS 46: letters, digits and hyphens, lengths checked, CheckHyphens as in
// registrations.
func nameProfile() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.BidiRule())
}

// Covers tells whether a certificate's name (which may begin with `*.`) stands for the wanted one. A wildcard stands
// for exactly one further label (RFC 6125 6.4.3) and, as a wanted name, only for itself.
func Covers(has, wanted string) bool {
	has, wanted = strings.ToLower(has), strings.ToLower(wanted)
	if has == wanted {
		return true
	}
	base, wildcard := strings.CutPrefix(has, "*.")
	if !wildcard || strings.HasPrefix(wanted, "*.") {
		return false
	}
	_, rest, found := strings.Cut(wanted, ".")
	return found && rest == base
}

func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
