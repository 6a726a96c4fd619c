package pki_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/pki/pkitest"
)

// long returns a name of exactly so many characters, with labels of at most 63.
func long(length int) string {
	const end = ".example.com"
	label := strings.Repeat("a", 61) + "."
	var name string
	for len(name)+len(label)+len(end) < length {
		name += label
	}
	return name + strings.Repeat("b", length-len(name)-len(end)) + end
}

func TestASCIINameAccepts(t *testing.T) {
	for _, c := range []struct{ rule, in, want string }{
		{"plain", "example.com", "example.com"},
		{"upper case", "WWW.Example.COM", "www.example.com"},
		{"blanks around", " example.com\n", "example.com"},
		{"the root's dot", "example.com.", "example.com"},
		{"the root's dot, ideographic", "example.com。", "example.com"},
		{"digits and hyphens", "3com-2.example.com", "3com-2.example.com"},
		{"wildcard", "*.example.com", "*.example.com"},
		{"wildcard, upper case, root's dot", "*.Example.COM.", "*.example.com"},
		{"wildcard below a private suffix", "*.github.io", "*.github.io"},
		{"U-labels", "Bücher.example.com", "xn--bcher-kva.example.com"},
		{"sharp s stays itself (not transitional)", "straße.de", "xn--strae-oqa.de"},
		{"U-labels all the way", "пример.рф", "xn--e1afmkfd.xn--p1ai"},
		{"wildcard over U-labels", "*.пример.рф", "*.xn--e1afmkfd.xn--p1ai"},
		{"A-labels, upper case", "XN--BCHER-KVA.example.com", "xn--bcher-kva.example.com"},
		{"label of 63 characters", strings.Repeat("a", 63) + ".com", strings.Repeat("a", 63) + ".com"},
		{"name of 253 characters", long(253), long(253)},
		{"wildcard of 253 characters", "*." + long(251), "*." + long(251)},
		{"unknown top-level domain: the seller knows better", "example.newtld", "example.newtld"},
		{"a name that begins like a reserved one", "local.example.com", "local.example.com"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := pki.ASCIIName("altname", c.in)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestASCIINameRefuses(t *testing.T) {
	for _, c := range []struct{ rule, in, words string }{
		{"nothing", "", "empty"},
		{"blanks", " \t", "empty"},
		{"dot", ".", "not a valid"},
		{"asterisk alone", "*", "asterisk"},
		{"asterisk and dot", "*.", "empty"},
		{"two asterisks", "*.*.example.com", "asterisk"},
		{"asterisk inside", "a.*.example.com", "asterisk"},
		{"asterisk as part of a label", "w*.example.com", "asterisk"},
		{"full-width asterisk", "＊.example.com", "not a valid"},
		{"wildcard over a top-level domain", "*.com", "one label"},
		{"wildcard over a public suffix", "*.co.uk", "public suffix"},
		{"wildcard over a public suffix, upper case", "*.CO.UK.", "public suffix"},
		{"wildcard over a public suffix by a wildcard rule", "*.foo.ck", "public suffix"},
		{"single label", "intranet", "one label"},
		{"single label with the root's dot", "com.", "one label"},
		{"a label that vanishes", "example.\u00ad", "one label"},
		{"nothing but a label that vanishes", "\u00ad", "not a valid"},
		{"nothing but ideographic dots", "。。", "not a valid"},
		{"two dots at the end", "example.com..", "not a valid"},
		{"empty label", "a..example.com", "not a valid"},
		{"dot in front", ".example.com", "not a valid"},
		{"IPv4", "192.0.2.1", "IP address"},
		{"IPv4, full-width digits", "１９２.0.2.1", "IP address"},
		{"IPv4 out of range", "1.2.3.256", "IP address"},
		{"IPv4 in hex", "0x7f.1", "IP address"},
		{"IPv6", "2001:db8::1", "IP address"},
		{"IPv6 in brackets", "[2001:db8::1]", "IP address"},
		{"wildcard over an address", "*.192.0.2.1", "IP address"},
		{"underscore", "_dmarc.example.com", "not a valid"},
		{"blank inside", "exam ple.com", "not a valid"},
		{"line break inside", "example.com\nevil.com", "not a valid"},
		{"NUL inside", "a\x00b.example.com", "not a valid"},
		{"NUL at the end", "example.com\x00", "not a valid"},
		{"not UTF-8", "\xff.example.com", "UTF-8"},
		{"port", "example.com:443", "not a valid"},
		{"path", "example.com/a", "not a valid"},
		{"URL", "https://example.com", "not a valid"},
		{"e-mail address", "a@example.com", "not a valid"},
		{"hyphen first", "-a.example.com", "not a valid"},
		{"hyphen last", "a-.example.com", "not a valid"},
		{"reserved LDH label", "ab--cd.example.com", "not a valid"},
		{"A-label that is no punycode", "xn--a.example.com", "not a valid"},
		{"A-label of plain letters", "xn--abc-.example.com", "not a valid"},
		{"label of 64 characters", strings.Repeat("a", 64) + ".com", "not a valid"},
		{"U-label of over 63 characters as A-label", strings.Repeat("ü", 60) + ".com", "not a valid"},
		{"name of 254 characters", long(254), "not a valid"},
		{"wildcard of 254 characters", "*." + long(252), "longer than 253"},
		{"a hundred kilobytes", strings.Repeat("ü", 50<<10) + ".com", "longer than 253"},
		{"mDNS", "printer.local", "reserved"},
		{"localhost", "a.localhost", "reserved"},
		{"internal", "db.Internal", "reserved"},
		{"invalid", "a.invalid", "reserved"},
		{"onion", "abc.onion", "reserved"},
		{"home network", "home.arpa", "reserved"},
		{"below the home network", "nas.home.arpa", "reserved"},
		{"reverse zone", "2.0.192.in-addr.arpa", "reserved"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := pki.ASCIIName("altname", c.in)
			assert.Empty(t, got)
			pkitest.RequireFault(t, err, fault.Value, "altname", c.words)
			assert.Less(t, len(err.Error()), 2500, "a message stays readable")
		})
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		has, wanted string
		want        bool
	}{
		{"example.com", "example.com", true},
		{"Example.COM", "example.com", true},
		{"example.com", "www.example.com", false},
		{"www.example.com", "example.com", false},
		{"*.example.com", "www.example.com", true},
		{"*.Example.com", "WWW.example.com", true},
		{"*.example.com", "example.com", false},
		{"*.example.com", "a.b.example.com", false},
		{"*.example.com", "*.example.com", true},
		{"*.example.com", "*.b.example.com", false},
		{"*.b.example.com", "*.example.com", false},
		{"www.example.com", "*.example.com", false},
		{"*.example.com", "www.example.org", false},
		{"*.example.com", "wwwexample.com", false},
		{"*.example.com", ".example.com", false},
		{"w*.example.com", "www.example.com", false},
		{"*.com", "*.com", true},
		{"*.*.com", "*.a.com", false},
		{"*.", "a.", false},
		{"*", "a", false},
		{"", "", false},
		{"", "example.com", false},
		{"example.com", "", false},
	} {
		assert.Equal(t, c.want, pki.Covers(c.has, c.wanted), "%q for %q", c.has, c.wanted)
	}
}

func FuzzASCIIName(f *testing.F) {
	for _, seed := range []string{"example.com", "*.example.com.", "Bücher.example.com", "XN--BCHER-KVA.com", "1.2.3.256", "a.co.uk", "example.\u00ad", "\xff.com", "a。b．c", "ẞ.de", "exa\u200bmple.com", "example.com.", "xn--a-.example.com"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		ascii, err := pki.ASCIIName("csr", name)
		if err != nil {
			require.Equal(t, fault.Value, fault.From(err).Type)
			require.Empty(t, ascii)
			return
		}
		base := strings.TrimPrefix(ascii, "*.")
		require.LessOrEqual(t, len(ascii), 253)
		require.Empty(t, strings.Trim(base, "abcdefghijklmnopqrstuvwxyz0123456789-."), "letters, digits, hyphens, dots")
		require.Contains(t, base, ".")
		for _, label := range strings.Split(base, ".") {
			require.True(t, len(label) > 0 && len(label) < 64 && strings.Trim(label, "-") == label, "label %q", label)
		}
		again, err := pki.ASCIIName("csr", ascii)
		require.NoError(t, err, "the form is final")
		require.Equal(t, ascii, again)
		require.True(t, pki.Covers(ascii, ascii))
	})
}
