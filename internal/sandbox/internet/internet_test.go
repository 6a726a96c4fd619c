package internet_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/standin"
)

// timer is a clock that a test moves.
type timer struct{ unix atomic.Int64 }

func (t *timer) now() time.Time          { return time.Unix(t.unix.Load(), 0).UTC() }
func (t *timer) advance(d time.Duration) { t.unix.Add(int64(d / time.Second)) }

func start(t *testing.T) (*internet.World, *timer) {
	t.Helper()
	at := &timer{}
	at.unix.Store(time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC).Unix())
	w, err := internet.NewWorld(filepath.Join(t.TempDir(), "dial"), at.now)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, w.Close()) })
	_, err = w.AddZone("example.com", "@ A 192.0.2.80\nwww A 192.0.2.80\nwww AAAA 2001:db8::80\n*.wild A 192.0.2.80\nx.hollow A 192.0.2.80\n"+
		"alias CNAME www.example.net.\nchild NS ns.elsewhere.example.\n")
	require.NoError(t, err)
	_, err = w.AddZone("example.net", "www A 192.0.2.80\n")
	require.NoError(t, err)
	return w, at
}

// ask puts a question to a public address, as the product's resolver does.
func ask(t *testing.T, w *internet.World, server, name string, kind uint16) *dns.Msg {
	t.Helper()
	conn, err := w.From("here")(t.Context(), "udp", net.JoinHostPort(server, "53"))
	require.NoError(t, err)
	defer conn.Close()
	answer, _, err := new(dns.Client).ExchangeWithConn(new(dns.Msg).SetQuestion(dns.Fqdn(name), kind), &dns.Conn{Conn: conn})
	require.NoError(t, err)
	return answer
}

func TestTheResolverFollowsReferralsAndAliases(t *testing.T) {
	w, _ := start(t)
	for name, row := range map[string]struct{ code, answers int }{
		"www.example.com": {dns.RcodeSuccess, 1}, "alias.example.com": {dns.RcodeSuccess, 2}, "a.wild.example.com": {dns.RcodeSuccess, 1},
		"hollow.example.com": {dns.RcodeSuccess, 0}, "none.example.com": {dns.RcodeNameError, 0}, "example.invalid": {dns.RcodeNameError, 0},
		"x.child.example.com": {dns.RcodeServerFailure, 0},
	} {
		answer := ask(t, w, internet.ResolverAddress, name, dns.TypeA)
		assert.Equal(t, row.code, answer.Rcode, name)
		assert.Len(t, answer.Answer, row.answers, name)
	}
	referral := ask(t, w, internet.RootAddress, "example.com", dns.TypeNS)
	assert.False(t, referral.Authoritative)
	assert.Len(t, referral.Ns, 2)
}

// exchange sends an update, signed with a secret.
func exchange(t *testing.T, w *internet.World, server, secret string, update *dns.Msg) int {
	t.Helper()
	conn, err := w.From("here")(t.Context(), "tcp", net.JoinHostPort(server, "53"))
	require.NoError(t, err)
	defer conn.Close()
	update.SetTsig(dns.Fqdn(internet.KeyName), dns.HmacSHA256, 300, 0)
	wire := &dns.Conn{Conn: conn, TsigSecret: map[string]string{dns.Fqdn(internet.KeyName): secret}}
	require.NoError(t, wire.WriteMsg(update))
	answer, err := wire.ReadMsg()
	if err != nil {
		require.ErrorIs(t, err, dns.ErrAuth)
	}
	return answer.Rcode
}

func record(t *testing.T, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	require.NoError(t, err)
	return rr
}

// RFC 2136 3: prerequisites, the policy, and what an update changes.
func TestUpdatesChangeWhatTheirPrerequisitesAllow(t *testing.T) {
	w, _ := start(t)
	zone := w.Zone("example.com")
	before := zone.Dump()
	ours := record(t, "_x.www.example.com. 60 CNAME a.b.example.")
	add := func(change ...func(*dns.Msg)) *dns.Msg {
		m := new(dns.Msg).SetUpdate("example.com.")
		m.NameNotUsed([]dns.RR{ours})
		m.Insert([]dns.RR{ours})
		for _, one := range change {
			one(m)
		}
		return m
	}
	assert.Equal(t, dns.RcodeNotAuth, exchange(t, w, internet.PrimaryAddress, "AAAA", add()), "another secret")
	assert.Equal(t, dns.RcodeRefused, exchange(t, w, internet.SecondAddress, w.Secret, add()), "a secondary")
	assert.Equal(t, dns.RcodeNotAuth, exchange(t, w, internet.PrimaryAddress, w.Secret, new(dns.Msg).SetUpdate("example.org.")), "no such zone")
	assert.Equal(t, dns.RcodeNameError, exchange(t, w, internet.PrimaryAddress, w.Secret, add(func(m *dns.Msg) { m.NameUsed([]dns.RR{record(t, "a.wild.example.com. A 192.0.2.1")}) })))
	assert.Equal(t, dns.RcodeRefused, exchange(t, w, internet.PrimaryAddress, w.Secret, add(func(m *dns.Msg) { m.Insert([]dns.RR{record(t, "b.example.com. 60 A 192.0.2.1")}) })))
	assert.Equal(t, before, zone.Dump())
	assert.Empty(t, zone.Changes())

	assert.Equal(t, dns.RcodeSuccess, exchange(t, w, internet.PrimaryAddress, w.Secret, add()))
	assert.Equal(t, dns.RcodeYXDomain, exchange(t, w, internet.PrimaryAddress, w.Secret, add()))
	assert.Len(t, ask(t, w, internet.SecondAddress, "_x.www.example.com", dns.TypeCNAME).Answer, 1)
	remove := new(dns.Msg).SetUpdate("example.com.")
	remove.Used([]dns.RR{ours})
	remove.Remove([]dns.RR{dns.Copy(ours)}) // the library changes the record
	assert.Equal(t, dns.RcodeSuccess, exchange(t, w, internet.PrimaryAddress, w.Secret, remove.Copy()))
	assert.Equal(t, dns.RcodeNXRrset, exchange(t, w, internet.PrimaryAddress, w.Secret, remove))
	assert.Equal(t, before, zone.Dump())
	assert.Len(t, zone.Changes(), 2)
}

// docs/reference/unattended.md §1: what every server shows from every perspective is seen, and nothing else.
func TestTheAuthorityLooksEverywhere(t *testing.T) {
	w, at := start(t)
	authority := internet.NewAuthority(w.Addresses)
	look := func(c standin.Challenge) error { return authority.Look(context.Background(), c) }
	wanted := standin.Challenge{Kind: standin.ChallengeCNAME, Domain: "www.example.com", Name: "_x.www.example.com", Value: "A.B.example"}
	require.ErrorContains(t, look(wanted), "does not show")
	at.advance(time.Hour)
	require.NoError(t, w.Zone("example.com").Add("_x.www 60 CNAME a.b.example.\n"))
	require.NoError(t, look(wanted))

	w.Second.SetLag(30 * time.Minute)
	require.ErrorContains(t, look(wanted), "does not show", "a secondary is behind")
	at.advance(time.Hour)
	require.NoError(t, look(wanted))
	require.NoError(t, w.Unmap("[2001:db8::54]:53"))
	require.ErrorContains(t, look(wanted), "2001:db8::54", "a server cannot be reached")
	require.NoError(t, w.Map("[2001:db8::54]:53", w.Second.Target()))
	w.Block("asia", internet.PrimaryAddress+":53")
	require.ErrorContains(t, look(wanted), "from asia")
	w.Unblock("asia")

	above := wanted
	above.Domain, above.Name = "a.www.example.com", "_x.a.www.example.com"
	require.Error(t, look(above))
	above.Parents = true
	require.NoError(t, look(above))
}

func TestTheAuthorityFetchesFilesByBothProtocols(t *testing.T) {
	w, _ := start(t)
	site := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Host != "www.example.com" || r.URL.Path != "/.well-known/pki-validation/X.txt" {
			http.NotFound(rw, r)
			return
		}
		_, _ = rw.Write([]byte("body\n"))
	})
	require.NoError(t, w.ServeWeb(internet.WebAddress, site))
	wanted := standin.Challenge{Kind: standin.ChallengeFile, Domain: "www.example.com", URL: "http://www.example.com/.well-known/pki-validation/X.txt", Value: "body"}
	authority := internet.NewAuthority(w.Addresses)
	require.ErrorContains(t, authority.Look(t.Context(), wanted), "2001:db8::80")
	require.NoError(t, w.ServeWeb(internet.WebIPv6, site))
	require.NoError(t, authority.Look(t.Context(), wanted))
	wanted.Value = "other"
	require.ErrorContains(t, authority.Look(t.Context(), wanted), "another content")
	again, err := internet.ReadAddresses(w.File())
	require.NoError(t, err)
	wanted.Value = "body"
	require.NoError(t, internet.NewAuthority(again).Look(t.Context(), wanted))
}

// docs/reference/unattended.md §1: a challenge that every server shows proves nothing where CAA records or wrong signatures forbid it.
func TestTheAuthorityReadsCAAAndValidates(t *testing.T) {
	w, _ := start(t)
	require.NoError(t, w.Zone("example.com").Add("_x.www 60 CNAME a.b.example.\n"))
	authority := internet.NewAuthority(w.Addresses)
	wanted := standin.Challenge{Kind: standin.ChallengeCNAME, Domain: "www.example.com", Name: "_x.www.example.com", Value: "a.b.example"}
	require.NoError(t, authority.Look(t.Context(), wanted))
	require.NoError(t, w.Zone("example.com").Add(`@ CAA 0 issue "other.example"`+"\n"))
	require.ErrorContains(t, authority.Look(t.Context(), wanted), "CAA records of example.com.")
	require.NoError(t, w.Zone("example.com").Add(`www CAA 0 issue "sectigo.com"`+"\n"))
	require.NoError(t, authority.Look(t.Context(), wanted), "the nearest ones count")

	w.SetBogus("example.com", true)
	require.ErrorContains(t, authority.Look(t.Context(), wanted), "signatures")
	assert.Equal(t, dns.RcodeServerFailure, ask(t, w, internet.ResolverAddress, "www.example.com", dns.TypeA).Rcode)
	assert.Equal(t, dns.RcodeSuccess, ask(t, w, internet.PrimaryAddress, "www.example.com", dns.TypeA).Rcode, "its own servers do not validate")
	assert.Equal(t, dns.RcodeSuccess, ask(t, w, internet.ResolverAddress, "www.example.net", dns.TypeA).Rcode)
	w.SetBogus("example.com", false)
	require.NoError(t, authority.Look(t.Context(), wanted))
}

// What certificates of the stand-in authority name is found and reached by both protocols.
func TestTheHostsOfTheCAAreServed(t *testing.T) {
	w, _ := start(t)
	fetch := func(address string) (string, error) {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return w.From("here")(ctx, network, net.JoinHostPort(address, "80"))
		}}}
		answer, err := client.Get(ca.CRLURLs()[0])
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return string(body), err
	}
	_, err := fetch(internet.CAAddress)
	require.Error(t, err, "nobody serves it yet")
	require.NoError(t, w.ServeCA(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(rw, r.Host+r.URL.Path) })))
	for _, host := range []string{ca.CRLHost, ca.IssuerHost} {
		for kind, address := range map[uint16]string{dns.TypeA: internet.CAAddress, dns.TypeAAAA: internet.CAIPv6} {
			answer := ask(t, w, internet.ResolverAddress, host, kind)
			require.Len(t, answer.Answer, 1, host)
			assert.Contains(t, answer.Answer[0].String(), address)
			body, err := fetch(address)
			require.NoError(t, err)
			assert.Equal(t, ca.CRLHost+"/0.crl", body)
		}
	}
	require.NoError(t, w.RemoveCA())
	for _, address := range []string{internet.CAAddress, internet.CAIPv6} {
		_, err = fetch(address)
		require.ErrorContains(t, err, "no route", address)
	}
}
