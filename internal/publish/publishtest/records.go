package publishtest

import (
	"context"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
)

// Values of the challenges CNAME and TXT. Servers keep the case of a target, or do not.
const (
	Target = "S1f0.S2e9.u7.sectigo.com"
	Text   = "c5a7 sectigo.com u7"
)

// CNAME returns a challenge by a CNAME record of this name.
func CNAME(name string) publish.Record {
	return publish.Record{Domain: "example.com", Type: publish.CNAME, Name: name, Value: Target}
}

// TXT returns a challenge by a TXT record of this name.
func TXT(name string) publish.Record {
	return publish.Record{Domain: "example.com", Type: publish.TXT, Name: name, Value: Text}
}

// Check reports whether the publisher would refuse the record; it has to be a publish.Checker.
func Check(ctx context.Context, p publish.Publisher, zone string, r publish.Record) error {
	return p.(publish.Checker).Check(ctx, zone, r)
}

// At returns what a name server serves at a name, as type and value in lower case, in the order of the types.
func (p *Peer) At(t testing.TB, name string) []string {
	t.Helper()
	var all []string
	for _, kind := range []uint16{dns.TypeA, dns.TypeCNAME, dns.TypeSRV, dns.TypeTXT} {
		answer, err := Ask(context.Background(), p.Addr, name, kind)
		require.NoError(t, err)
		for _, rr := range answer.Answer {
			if rr.Header().Rrtype == kind && strings.EqualFold(rr.Header().Name, dns.Fqdn(name)) {
				value := strings.TrimPrefix(rr.String(), rr.Header().String())
				all = append(all, strings.ToLower(dns.TypeToString[kind]+" "+strings.Trim(value, ".\"")))
			}
		}
	}
	return all
}
