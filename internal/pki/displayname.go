package pki

import (
	"strings"

	"golang.org/x/net/idna"
)

// DisplayName returns a domain name as people recognise it: an internationalised one in its own script, with the A-labels
// behind it in brackets, because those are what certificates and DNS zones carry. Every other text comes back as it is.
func DisplayName(ascii string) string {
	base, wildcard := strings.CutPrefix(ascii, "*.")
	unicode, err := idna.Lookup.ToUnicode(base)
	if err != nil || unicode == base {
		return ascii
	}
	if back, err := idna.Lookup.ToASCII(unicode); err != nil || back != base { // not what the A-labels say
		return ascii
	}
	if wildcard {
		unicode = "*." + unicode
	}
	return unicode + " (" + ascii + ")"
}

// DisplayNames are several names for people, with commas between them.
func DisplayNames(names []string) string {
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = DisplayName(name)
	}
	return strings.Join(shown, ", ")
}
