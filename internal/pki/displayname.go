package pki

import (
	"strings"

	"golang.org/x/net/idna"
)

// DisplayName returns a domain name for people: an internationalised one in its own script, followed by the A-labels in
// brackets, because certificates and DNS zones have those. Any other text is returned unchanged.
func DisplayName(ascii string) string {
	base, wildcard := strings.CutPrefix(ascii, "*.")
	unicode, err := idna.Lookup.ToUnicode(base)
	if err != nil || unicode == base {
		return ascii
	}
	if back, err := idna.Lookup.ToASCII(unicode); err != nil || back != base { // the A-labels do not match
		return ascii
	}
	if wildcard {
		unicode = "*." + unicode
	}
	return unicode + " (" + ascii + ")"
}

// DisplayNames returns several names for people, separated by commas.
func DisplayNames(names []string) string {
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = DisplayName(name)
	}
	return strings.Join(shown, ", ")
}
