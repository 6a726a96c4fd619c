package powerdns_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
	"pmssl/internal/publish/powerdns"
	"pmssl/internal/publish/publishtest"
)

const (
	target = "S1f0.S2e9.u7.sectigo.com"
	text   = "c5a7 sectigo.com u7"
)

type server struct{ *publishtest.Peer }

func start(t *testing.T) *server {
	t.Parallel()
	return &server{publishtest.Start(t, publishtest.PowerDNS, "example.com", "signed.example")}
}

// publisher returns the sample's publisher for the server, with changes to its block.
func (s *server) publisher(t *testing.T, change ...func(b *publish.Block, e *publish.Env)) publish.Publisher {
	t.Helper()
	env, _ := publishtest.Env(t)
	block := publishtest.Sample(t, "powerdns.conf")
	block.URL = &url.URL{Scheme: "http", Host: s.Second}
	block.APIKey = publishtest.SecretFile(t, s.Secret(t))
	for _, do := range change {
		do(&block, &env)
	}
	p, err := powerdns.New(block, env)
	require.NoError(t, err)
	return p
}

// at returns what is served at a name, as type and value in lower case.
func (s *server) at(t *testing.T, name string) []string {
	t.Helper()
	var all []string
	for _, kind := range []uint16{dns.TypeA, dns.TypeCNAME, dns.TypeSRV, dns.TypeTXT} {
		answer, err := publishtest.Ask(context.Background(), s.Addr, name, kind)
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

// patch changes a record set as the administrator can, past the publisher.
func (s *server) patch(t *testing.T, zone, name, kind string, records ...map[string]any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"rrsets": []any{map[string]any{
		"name": name + ".", "type": kind, "ttl": 60, "changetype": "REPLACE", "records": records,
	}}})
	require.NoError(t, err)
	request, err := http.NewRequest(http.MethodPatch, "http://"+s.Second+"/api/v1/servers/localhost/zones/"+zone+".", bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("X-API-Key", s.Secret(t))
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	said, _ := io.ReadAll(answer.Body)
	require.Equal(t, http.StatusNoContent, answer.StatusCode, "%s", said)
}

// stored returns the whole zone as the API shows it, disabled records included.
func (s *server) stored(t *testing.T, zone string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+s.Second+"/api/v1/servers/localhost/zones/"+zone+".", nil)
	require.NoError(t, err)
	request.Header.Set("X-API-Key", s.Secret(t))
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	return string(said)
}

// pdnsutil runs the server's own tool on its data.
func (s *server) pdnsutil(t *testing.T, words ...string) {
	t.Helper()
	out, err := exec.Command("pdnsutil", append([]string{"--config-dir=" + s.Dir}, words...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func cname(name string) publish.Record {
	return publish.Record{Domain: "example.com", Type: publish.CNAME, Name: name, Value: target}
}

func txt(name string) publish.Record {
	return publish.Record{Domain: "example.com", Type: publish.TXT, Name: name, Value: text}
}

func check(ctx context.Context, p publish.Publisher, zone string, r publish.Record) error {
	return p.(publish.Checker).Check(ctx, zone, r)
}

func TestAChallengeIsPublishedAndWithdrawn(t *testing.T) {
	s := start(t)
	ctx, p := context.Background(), s.publisher(t)
	before := s.stored(t, "example.com")
	for _, c := range []struct {
		name, zone string
		record     publish.Record
	}{
		{"CNAME below a host", "example.com", cname("_a1.www.example.com")},
		{"CNAME below the apex", "example.com", cname("_a2.example.com")},
		{"TXT below a host", "example.com", txt("_a3.www.example.com")},
		{"TXT of the greatest length", "example.com", publish.Record{Type: publish.TXT, Name: "_a4.www.example.com", Value: strings.Repeat("x", 255)}},
		{"CNAME in a signed zone", "signed.example", cname("_a5.www.signed.example")},
		{"TXT in a signed zone", "signed.example", txt("_a6.www.signed.example")},
		{"a host without records and without wildcards", "example.com", cname("_a7.new.example.com")},
		{"a host that only has names below it", "example.com", cname("_a8.hollow.example.com")},
		{"capital letters", "example.com", cname("_A9.WWW.example.com")},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, check(ctx, p, c.zone, c.record))
			require.Empty(t, s.at(t, c.record.Name), "a check writes nothing")
			for range 2 { // a second time after it was removed
				require.NoError(t, p.Publish(ctx, c.zone, c.record, nil))
				require.Len(t, s.at(t, c.record.Name), 1)
				require.NoError(t, p.Publish(ctx, c.zone, c.record, nil), "published already")
				require.NoError(t, check(ctx, p, c.zone, c.record), "published already")
				lower := c.record
				if lower.Type == publish.CNAME {
					lower.Value = strings.ToLower(lower.Value) + "."
				}
				require.NoError(t, p.Withdraw(ctx, c.zone, lower))
				assert.Empty(t, s.at(t, c.record.Name))
				require.NoError(t, p.Withdraw(ctx, c.zone, c.record), "withdrawn already")
			}
		})
	}
	assert.JSONEq(t, before, s.stored(t, "example.com"))
}

func TestOwnOldValuesAreReplaced(t *testing.T) {
	s := start(t)
	ctx, p := context.Background(), s.publisher(t)
	for _, first := range []publish.Record{cname("_b1.www.example.com"), txt("_b2.www.example.com")} {
		second := first
		second.Value = "new.ssl.com"
		require.NoError(t, p.Publish(ctx, "example.com", first, nil))
		require.ErrorIs(t, p.Publish(ctx, "example.com", second, nil), publish.ErrConflict)
		require.ErrorIs(t, p.Publish(ctx, "example.com", second, []string{"another.ssl.com"}), publish.ErrConflict)
		require.NoError(t, p.Publish(ctx, "example.com", second, []string{strings.ToUpper(target), text}))
		assert.Equal(t, []string{strings.ToLower(string(first.Type)) + " new.ssl.com"}, s.at(t, first.Name))
		require.NoError(t, p.Withdraw(ctx, "example.com", first), "the old value is gone")
		assert.Len(t, s.at(t, first.Name), 1)
		require.NoError(t, p.Withdraw(ctx, "example.com", second))
		assert.Empty(t, s.at(t, first.Name))
	}
}

func TestForeignRecordsStayAsTheyAre(t *testing.T) {
	s := start(t)
	ctx, p := context.Background(), s.publisher(t)
	s.patch(t, "example.com", "_off.www.example.com", "TXT", map[string]any{"content": `"switched off"`, "disabled": true})
	before := s.stored(t, "example.com")
	for name, stands := range map[string]string{
		"_taken.www.example.com": "elsewhere.example.net",
		"_note.www.example.com":  "a text of somebody else",
		"_busy.www.example.com":  "0 0 443 www.example.com",
		"_off.www.example.com":   "switched off",
	} {
		for _, record := range []publish.Record{cname(name), txt(name)} {
			err := p.Publish(ctx, "example.com", record, []string{"own.example.net"})
			require.ErrorIs(t, err, publish.ErrConflict, "%s", record)
			assert.ErrorContains(t, err, stands, "the error shows what stands there")
			require.ErrorIs(t, check(ctx, p, "example.com", record), publish.ErrConflict)
			require.NoError(t, p.Withdraw(ctx, "example.com", record))
		}
	}
	assert.JSONEq(t, before, s.stored(t, "example.com"))
}

func TestTextsBesideOursStay(t *testing.T) {
	s := start(t)
	ctx, p, record := context.Background(), s.publisher(t), txt("_d1.www.example.com")
	served, off, ours := map[string]any{"content": `"foreign" "text"`}, map[string]any{"content": `"off"`, "disabled": true}, map[string]any{"content": `"` + text + `"`}
	s.patch(t, "example.com", record.Name, "TXT", served, off)
	before := s.stored(t, "example.com")
	s.patch(t, "example.com", record.Name, "TXT", served, ours, off)
	require.ErrorIs(t, p.Publish(ctx, "example.com", record, nil), publish.ErrConflict)
	require.NoError(t, p.Withdraw(ctx, "example.com", record))
	assert.Equal(t, []string{`txt foreign" "text`}, s.at(t, record.Name))
	assert.JSONEq(t, before, s.stored(t, "example.com"), "the disabled record is there too")
}

func TestAHostThatOnlyAWildcardServesStays(t *testing.T) {
	s := start(t)
	ctx, p := context.Background(), s.publisher(t)
	require.Equal(t, []string{"a 192.0.2.13"}, s.at(t, "shop.wild.example.com"))
	before := s.stored(t, "example.com")
	for _, name := range []string{"_e1.shop.wild.example.com", "_e1.deep.shop.wild.example.com", "_e1.shop.text.example.com"} {
		require.ErrorIs(t, p.Publish(ctx, "example.com", cname(name), nil), publish.ErrWildcard)
		require.ErrorIs(t, check(ctx, p, "example.com", txt(name)), publish.ErrWildcard)
	}
	assert.JSONEq(t, before, s.stored(t, "example.com"))
	// The wildcard's own parent has no records, but a wildcard does not answer for it.
	require.NoError(t, p.Publish(ctx, "example.com", cname("_e2.wild.example.com"), nil))
	assert.Equal(t, []string{"a 192.0.2.13"}, s.at(t, "shop.wild.example.com"))
}

func TestNamesOfOtherZonesAreNotWritten(t *testing.T) {
	s := start(t)
	ctx, p := context.Background(), s.publisher(t)
	before := s.stored(t, "example.com")
	for _, name := range []string{"_f1.child.example.com", "_f1.www.child.example.com", "_f1.www.other.example.com"} {
		require.ErrorIs(t, p.Publish(ctx, "example.com", cname(name), nil), publish.ErrConflict, name)
		require.ErrorIs(t, check(ctx, p, "example.com", cname(name)), publish.ErrConflict, name)
	}
	for _, name := range []string{"example.com", "www.example.com", "_f1.example.net", "_f1.www.example.com.example.net"} {
		require.ErrorContains(t, p.Publish(ctx, "example.com", cname(name), nil), "publisher ns2")
	}
	require.ErrorContains(t, p.Publish(ctx, "example.net", cname("_f1.example.net"), nil), "404")
	assert.JSONEq(t, before, s.stored(t, "example.com"))
}

func TestTheZoneComesWithItsAccount(t *testing.T) {
	s := start(t)
	p := s.publisher(t)
	s.pdnsutil(t, "set-account", "example.com", "bm77")
	for name, want := range map[string]publish.Zone{
		"example.com":             {Name: "example.com", Account: "bm77"},
		"a.b.EXAMPLE.com":         {Name: "example.com", Account: "bm77"},
		"none.www.signed.example": {Name: "signed.example"},
		"example.net":             {},
		"ample.com":               {},
	} {
		zone, ok, err := p.Zone(context.Background(), name)
		require.NoError(t, err, name)
		assert.Equal(t, want.Name != "", ok, name)
		assert.Equal(t, want, zone, name)
	}
	_, _, err := p.Zone(context.Background(), "*.example.com")
	assert.ErrorContains(t, err, "not a host name")
}

func TestAZoneThatIsCopiedFromElsewhereIsNotWritten(t *testing.T) {
	s := start(t)
	s.pdnsutil(t, "set-kind", "example.com", "secondary")
	p := s.publisher(t)
	_, ok, err := p.Zone(context.Background(), "www.example.com")
	require.NoError(t, err)
	assert.False(t, ok)
	require.ErrorIs(t, p.Publish(context.Background(), "example.com", cname("_g1.www.example.com"), nil), publish.ErrDenied)
	assert.Empty(t, s.at(t, "_g1.www.example.com"))
}

func TestAPrimaryWhoseSerialDoesNotGrowIsWarnedOf(t *testing.T) {
	s := start(t)
	s.pdnsutil(t, "set-kind", "example.com", "primary")
	env, seen := publishtest.Env(t)
	p := s.publisher(t, func(_ *publish.Block, e *publish.Env) { *e = env })
	require.NoError(t, p.Publish(context.Background(), "example.com", cname("_h1.www.example.com"), nil))
	assert.Contains(t, seen.Text(), "SOA-EDIT-API")
	env, seen = publishtest.Env(t)
	p = s.publisher(t, func(_ *publish.Block, e *publish.Env) { *e = env })
	s.pdnsutil(t, "set-meta", "example.com", "SOA-EDIT-API", "DEFAULT")
	require.NoError(t, p.Publish(context.Background(), "example.com", cname("_h2.www.example.com"), nil))
	assert.NotContains(t, seen.Text(), "SOA-EDIT-API")
}

func TestARefusalSaysWhatToDo(t *testing.T) {
	s := start(t)
	ctx := context.Background()
	const wrong = "not-the-key"
	p := s.publisher(t, func(b *publish.Block, _ *publish.Env) { b.APIKey = publishtest.SecretFile(t, wrong) })
	_, _, zoneErr := p.Zone(ctx, "example.com")
	for _, err := range []error{zoneErr, p.Publish(ctx, "example.com", cname("_i1.www.example.com"), nil), p.Withdraw(ctx, "example.com", cname("_i1.www.example.com"))} {
		require.ErrorIs(t, err, publish.ErrDenied)
		assert.ErrorContains(t, err, "compare the key file with api-key")
		assert.NotContains(t, err.Error(), wrong)
	}
	p = s.publisher(t, func(b *publish.Block, _ *publish.Env) { b.ServerID = "another" })
	_, _, err := p.Zone(ctx, "example.com")
	require.ErrorContains(t, err, "serverid")
	require.Error(t, p.Withdraw(ctx, "example.com", cname("_i1.www.example.com")))
	p = s.publisher(t, func(b *publish.Block, _ *publish.Env) { b.APIKey = filepath.Join(t.TempDir(), "none") })
	require.ErrorContains(t, p.Withdraw(ctx, "example.com", cname("_i1.www.example.com")), "no such file")
}

func TestARecordOfAZoneThatIsGoneNeedsNoWithdrawal(t *testing.T) {
	s := start(t)
	s.pdnsutil(t, "delete-zone", "example.com")
	require.NoError(t, s.publisher(t).Withdraw(context.Background(), "example.com", cname("_j1.www.example.com")))
}

func TestSimultaneousRunsLeaveOneRecord(t *testing.T) {
	s := start(t)
	ctx, record := context.Background(), cname("_k1.www.example.com")
	all := func(do func(p publish.Publisher) error) {
		var runs sync.WaitGroup
		for range 8 {
			p := s.publisher(t)
			runs.Go(func() { assert.NoError(t, do(p)) })
		}
		runs.Wait()
	}
	all(func(p publish.Publisher) error { return p.Publish(ctx, "example.com", record, nil) })
	assert.Len(t, s.at(t, record.Name), 1)
	all(func(p publish.Publisher) error { return p.Withdraw(ctx, "example.com", record) })
	assert.Empty(t, s.at(t, record.Name))
}

func TestAServerThatIsDownIsAnErrorAndItsRecordsLast(t *testing.T) {
	s := start(t)
	ctx, p, record := context.Background(), s.publisher(t), cname("_l1.www.example.com")
	require.NoError(t, p.Publish(ctx, "example.com", record, nil))
	s.Stop()
	err := p.Withdraw(ctx, "example.com", record)
	require.ErrorContains(t, err, "connection refused")
	require.NotErrorIs(t, err, publish.ErrDenied)
	s.Restart(t)
	assert.Len(t, s.at(t, record.Name), 1)
	require.NoError(t, p.Withdraw(ctx, "example.com", record))
}

func TestTheAPIIsReachedByASocketAndByTLS(t *testing.T) {
	s := start(t)
	ctx := context.Background()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: s.Second})

	socket := filepath.Join(t.TempDir(), "api.socket")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	local := &httptest.Server{Listener: listener, Config: &http.Server{Handler: proxy}}
	local.Start()
	t.Cleanup(local.Close)
	p := s.publisher(t, func(b *publish.Block, _ *publish.Env) { b.URL, b.Socket = nil, socket })
	require.NoError(t, p.Publish(ctx, "example.com", cname("_m1.www.example.com"), nil))
	assert.Len(t, s.at(t, "_m1.www.example.com"), 1)

	far := httptest.NewTLSServer(http.StripPrefix("/pdns", proxy))
	t.Cleanup(far.Close)
	p = s.publisher(t, func(b *publish.Block, _ *publish.Env) {
		b.URL, err = url.Parse(far.URL + "/pdns/")
		require.NoError(t, err)
	})
	require.ErrorContains(t, p.Publish(ctx, "example.com", cname("_m2.www.example.com"), nil), "certificate")
	roots := x509.NewCertPool()
	roots.AddCert(far.Certificate())
	powerdns.Trust(p, roots)
	require.NoError(t, p.Publish(ctx, "example.com", cname("_m2.www.example.com"), nil))
	assert.Len(t, s.at(t, "_m2.www.example.com"), 1)
}

func TestTheKeyIsMaskedAndNotLogged(t *testing.T) {
	s := start(t)
	env, seen := publishtest.Env(t)
	p := s.publisher(t, func(_ *publish.Block, e *publish.Env) { *e = env })
	require.NoError(t, p.Publish(context.Background(), "example.com", cname("_n1.www.example.com"), nil))
	assert.Equal(t, []string{s.Secret(t)}, seen.Secrets())
	assert.NotContains(t, seen.Text(), s.Secret(t))
}
