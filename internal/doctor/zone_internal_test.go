package doctor

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
	"pmssl/internal/publish"
)

// exampleZone is a zone with two name servers.
func exampleZone(t *testing.T, more ...string) *fakeDNS {
	return &fakeDNS{t: t, zones: map[string][]string{"example.com": append([]string{
		"example.com. NS a.example.com.", "example.com. NS b.example.com.", "a.example.com. A 192.0.2.53", "b.example.com. A 192.0.2.54",
	}, more...)}}
}

func TestEveryNameServerIsAskedForItsSerial(t *testing.T) {
	found := checkServers(t.Context(), exampleZone(t).resolver(), "example.com")
	assert.Equal(t, Passed, Worst(found), "%v", found)
	assert.Contains(t, found[0].Text, "serial 7 at 2 addresses of name servers")
}

// The answer for an alias is from the zone of its target, where the client's challenge does not stand.
func TestTheZoneIsThatOfTheNameItself(t *testing.T) {
	f := exampleZone(t, "www.example.com. CNAME edge.cdn.example.", "a.deep.example.com. CNAME gone.cdn.example.")
	f.zones["cdn.example"] = []string{"edge.cdn.example. A 192.0.2.80"}
	f.zones["com"], f.zones["co.uk"] = nil, nil
	for name, want := range map[string]string{
		"www.example.com": "example.com", "a.deep.example.com": "example.com", "example.com": "example.com", "edge.cdn.example": "cdn.example",
		"not-delegated.com": "", "www.not-delegated.com": "", "shop.co.uk": "", "host.nowhere": "",
	} {
		zone, why := zoneOf(t.Context(), f.resolver(), name)
		assert.Equal(t, want, zone, name)
		assert.Equal(t, want == "", why != nil, name)
	}
}

// What a zone's owner writes does not keep doctor busy.
func TestAZoneWithHundredsOfNameServersIsAskedABoundedNumberOfQuestions(t *testing.T) {
	f := exampleZone(t)
	for i := range 500 {
		f.zones["example.com"] = append(f.zones["example.com"], fmt.Sprintf("example.com. NS n%d.example.com.", i), fmt.Sprintf("n%d.example.com. A 198.51.100.%d", i, i%250))
	}
	checkServers(t.Context(), f.resolver(), "example.com")
	assert.Less(t, len(f.asked), 2*maxNameServers+maxServers+5)
}

// A question for which a check has no time left is not to be mended.
func TestAQuestionWithoutTimeIsNoCross(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := exampleZone(t)
	x := &examination{subject: &subject{names: []string{"shop.example.com"}, item: item.Item{Params: map[string]string{}}},
		o: Options{Diagnosis: item.Diagnosis{Dial: f.dial, Publishing: func(item.DiagnosticPanel) item.PublishingParts { return item.PublishingParts{} }}}}
	for name, found := range map[string][]Finding{
		"zone": checkServers(ctx, f.resolver(), "example.com"), "CAA": {checkCAA(ctx, f.resolver(), "shop.example.com", issuers{})},
		"addresses": {checkAddresses(ctx, f.resolver(), "shop.example.com")}, "item": checkItemDNS(ctx, x, resolving{}), "site": checkItemSite(ctx, x, resolving{}),
		"DNSSEC": {signed(ctx, f.resolver(), "example.com")},
	} {
		assert.Equal(t, Unchecked, Worst(found), "%s: %v", name, found)
	}
}

// resolving is a panel with a resolver in its settings.
type resolving struct{ item.DiagnosticPanel }

func (resolving) Setting(_ context.Context, name string) (string, error) {
	return map[string]string{"SSLResolver": resolverAddress}[name], nil
}

func TestTheNamesOfAnItemAreShownInTheirOrder(t *testing.T) {
	f := exampleZone(t, "shop.example.com. A 192.0.2.80", "www.example.com. A 192.0.2.81")
	x := &examination{subject: &subject{names: []string{"shop.example.com", "www.example.com", "*.example.com"}, item: item.Item{Params: map[string]string{}}},
		o: Options{Diagnosis: item.Diagnosis{Dial: f.dial}}}
	var texts []string
	for _, found := range checkItemDNS(t.Context(), x, resolving{}) {
		texts = append(texts, found.Text)
	}
	all := strings.Join(texts, "\n")
	assert.Equal(t, 1, strings.Count(all, "zone example.com: serial"), "%s", all)
	assert.Less(t, strings.Index(all, "192.0.2.80"), strings.Index(all, "192.0.2.81"))
}

func TestATestRecordIsGoneOnceEveryNameServerSaysSo(t *testing.T) {
	r := recordFor(publish.CNAME, "shop.example.com", "0f")
	p := publish.Placement{Publisher: "ns1", Zone: "example.com", Record: r}
	line := r.Name + ". CNAME " + r.Value + "."
	at := func(server string, rcode int, authoritative bool, records ...string) func(string, dns.Question) *dns.Msg {
		return func(asked string, q dns.Question) *dns.Msg {
			if asked != server+":53" || q.Name != r.Name+"." {
				return nil
			}
			answer := &dns.Msg{}
			answer.Rcode, answer.Authoritative = rcode, authoritative
			for _, text := range records {
				rr, err := dns.NewRR(text)
				require.NoError(t, err)
				answer.Answer = append(answer.Answer, rr)
			}
			return answer
		}
	}
	for _, row := range []struct {
		name   string
		answer func(string, dns.Question) *dns.Msg
		more   []string
		want   string // empty if it is gone
	}{
		{name: "gone"},
		{name: "it stands", more: []string{line}, want: "it has the record"},
		{name: "it stands at one of them", answer: at("192.0.2.54", dns.RcodeSuccess, true, line), want: "b.example.com (192.0.2.54): it has the record"},
		{name: "a wildcard answers", answer: at("192.0.2.54", dns.RcodeSuccess, true, r.Name+". CNAME other.example.")},
		{name: "one is broken", answer: at("192.0.2.54", dns.RcodeServerFailure, true), want: "it does not answer for"},
		{name: "one does not have the zone", answer: at("192.0.2.54", dns.RcodeSuccess, false), want: "it does not answer for"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := exampleZone(t, row.more...)
			f.answer = row.answer
			why := recordStands(t.Context(), f.resolver(), p)
			if row.want == "" {
				assert.Empty(t, why)
				return
			}
			assert.Contains(t, why, row.want)
		})
	}
	assert.Contains(t, recordStands(t.Context(), (&fakeDNS{t: t}).resolver(), p), "no name server")
}
