package dnscheck_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyNXDOMAINOfTheNameItselfMeansThatItDoesNotExist(t *testing.T) {
	z := serve(t, &zone{records: map[string][]string{
		"example.com.":       {"A 192.0.2.1"},
		"six.example.com.":   {"AAAA 2001:db8::1"},
		"empty.example.com.": {},
		"alias.example.com.": {"CNAME gone.example.net."},
	}})
	for name, exists := range map[string]bool{
		"example.com": true, "EXAMPLE.com": true, "six.example.com": true, "empty.example.com": true,
		"alias.example.com": true, // the target does not exist, the name does (RFC 6604 3)
		"exampel.com":       false,
		"no.example.com":    false,
	} {
		got, err := z.resolver().Exists(background(t), name)
		require.NoError(t, err, name)
		assert.Equal(t, exists, got, name)
	}
	assert.Zero(t, z.tcp.Load(), "short answers come by UDP")
}

func TestUnusableAnswerIsAnError(t *testing.T) {
	for rule, row := range map[string]struct {
		zone *zone
		says string
	}{
		"SERVFAIL":              {&zone{rcode: map[string]int{"example.com. A": dns.RcodeServerFailure}}, "SERVFAIL"},
		"REFUSED":               {&zone{rcode: map[string]int{"example.com. A": dns.RcodeRefused}}, "REFUSED"},
		"a code without a name": {&zone{change: func(m *dns.Msg) { m.Rcode = 12 }}, "code 12"},
		"another question":      {&zone{change: func(m *dns.Msg) { m.Question[0].Name = "example.net." }}, "another question"},
		"another type":          {&zone{change: func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeMX }}, "another question"},
		"no question":           {&zone{change: func(m *dns.Msg) { m.Question = nil }}, "0 questions"},
		"a query":               {&zone{change: func(m *dns.Msg) { m.Response = false }}, "not an answer"},
		"no recursion":          {&zone{change: func(m *dns.Msg) { m.RecursionAvailable = false }}, "recursive"},
		"not DNS at all": {&zone{before: func(w dns.ResponseWriter, q *dns.Msg, _ string) bool {
			_, _ = w.Write(append([]byte{byte(q.Id >> 8), byte(q.Id)}, "this is no answer at all"...))
			return true
		}}, "example.com"},
	} {
		t.Run(rule, func(t *testing.T) {
			z := serve(t, row.zone)
			_, err := z.resolver().Exists(background(t), "example.com")
			require.ErrorContains(t, err, row.says)
			assert.ErrorContains(t, err, z.address, "the error names the server")
			_, restricted, err := z.resolver().Issuers(background(t), "example.com", false)
			if rule != "SERVFAIL" && rule != "REFUSED" { // these two answer only the query for A so
				require.Error(t, err)
			}
			assert.False(t, restricted)
		})
	}
}

func TestQueryToASilentServerTimesOut(t *testing.T) {
	z := serve(t, &zone{before: func(dns.ResponseWriter, *dns.Msg, string) bool { return true }})
	_, err := asking(z.address, 20*time.Millisecond).Exists(background(t), "example.com")
	var late net.Error
	require.ErrorAs(t, err, &late)
	assert.True(t, late.Timeout())
}

func TestCancelledContextEndsAQuery(t *testing.T) {
	ctx, cancel := context.WithCancel(background(t))
	z := serve(t, &zone{before: func(dns.ResponseWriter, *dns.Msg, string) bool { cancel(); return true }})
	_, err := z.resolver().Exists(ctx, "example.com")
	require.ErrorIs(t, err, context.Canceled)
	_, err = z.resolver().Exists(ctx, "example.com")
	require.ErrorIs(t, err, context.Canceled)
	assert.EqualValues(t, 1, z.udp.Load(), "no query is sent after the cancellation")
}

func TestForgedIDIsIgnoredByUDPAndRefusedByTCP(t *testing.T) {
	forge := func(w dns.ResponseWriter, query *dns.Msg) {
		forged := new(dns.Msg).SetRcode(query, dns.RcodeNameError)
		forged.Id++
		forged.RecursionAvailable = true
		_ = w.WriteMsg(forged)
	}
	z := serve(t, &zone{
		records: map[string][]string{"example.com.": {"A 192.0.2.1"}},
		before:  func(w dns.ResponseWriter, q *dns.Msg, _ string) bool { forge(w, q); return false },
	})
	exists, err := z.resolver().Exists(background(t), "example.com")
	require.NoError(t, err)
	assert.True(t, exists)

	z = serve(t, &zone{
		records: map[string][]string{"example.com.": {"A 192.0.2.1"}},
		before: func(w dns.ResponseWriter, q *dns.Msg, network string) bool {
			if network == "tcp" {
				forge(w, q)
			}
			return network == "tcp"
		},
		change: func(m *dns.Msg) { m.Answer = append(m.Answer, ballast()...) },
	})
	_, err = z.resolver().Exists(background(t), "example.com")
	require.ErrorIs(t, err, dns.ErrId)
}

// ballast returns more records than an answer by UDP can hold.
func ballast() []dns.RR {
	var all []dns.RR
	for i := range 100 {
		record, err := dns.NewRR(fmt.Sprintf("example.com. 60 IN A 192.0.2.%d", i))
		if err != nil {
			panic(err)
		}
		all = append(all, record)
	}
	return all
}

func TestTruncatedAnswerIsReadByTCP(t *testing.T) {
	z := serve(t, &zone{records: map[string][]string{"example.com.": {"A 192.0.2.1"}}, change: func(m *dns.Msg) { m.Answer = append(m.Answer, ballast()...) }})
	exists, err := z.resolver().Exists(background(t), "example.com")
	require.NoError(t, err)
	assert.True(t, exists)
	assert.EqualValues(t, 1, z.udp.Load())
	assert.EqualValues(t, 1, z.tcp.Load())

	z = serve(t, &zone{change: func(m *dns.Msg) { m.Truncated = true; m.Answer = ballast() }})
	_, err = z.resolver().Exists(background(t), "example.com")
	require.ErrorContains(t, err, "TCP")
}
