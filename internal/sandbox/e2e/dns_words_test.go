package e2e

import (
	"os"
	"path/filepath"
	"strings"

	"pmssl/internal/sandbox/nameserver"

	"github.com/rogpeppe/go-internal/testscript"
)

// dnsWords returns the script words about DNS.
func dnsWords() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){"dns": dnsWord}
}

// disableDNS switches the module's DNS look-ups off and adds the options. A later line of the settings can name a stand-in
// resolver.
func (f *fixture) disableDNS(options ...string) error {
	lines := append([]string{"SSLResolver off"}, options...)
	return os.WriteFile(filepath.Join(f.panel.Root(), "etc", "billmgr.conf.d", "dns.conf"), []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

// dnsWord is `dns NXDOMAIN NAME|caa NAME TAG VALUE`: it adds an answer to the stand-in resolver. All other names exist and allow
// every CA.
func dnsWord(ts *testscript.TestScript, _ bool, args []string) {
	s := stateOf(ts)
	if s.dns == nil {
		var err error
		s.dns, err = nameserver.Start()
		ts.Check(err)
		ts.Defer(func() { _ = s.dns.Close() })
		optionWord(ts, false, []string{"SSLResolver", s.dns.Address()})
	}
	switch {
	case len(args) == 2 && args[0] == "NXDOMAIN":
		s.dns.Remove(args[1])
	case len(args) > 3 && args[0] == "caa":
		s.dns.AddCAA(args[1], args[2], strings.Join(args[3:], " "))
	default:
		ts.Fatalf("usage: dns NXDOMAIN NAME | dns caa NAME TAG VALUE")
	}
}
