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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
	"pmssl/internal/publish/powerdns"
	"pmssl/internal/publish/publishtest"
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

func TestAChallengeIsPublishedAndWithdrawn(t *testing.T) {
	s := start(t)
	ctx, p := context.Background(), s.publisher(t)
	before := s.stored(t, "example.com")
	for _, c := range []struct {
		name, zone string
		record     publish.Record
	}{
		{"CNAME below a host", "example.com", publishtest.CNAME("_a1.www.example.com")},
		{"CNAME below the apex", "example.com", publishtest.CNAME("_a2.example.com")},
		{"TXT below a host", "example.com", publishtest.TXT("_a3.www.example.com")},
		{"TXT of the greatest length", "example.com", publish.Record{Type: publish.TXT, Name: "_a4.www.example.com", Value: strings.Repeat("x", 255)}},
		{"CNAME in a signed zone", "signed.example", publishtest.CNAME("_a5.www.signed.example")},
		{"TXT in a signed zone", "signed.example", publishtest.TXT("_a6.www.signed.example")},
		{"a host without records and without wildcards", "example.com", publishtest.CNAME("_a7.new.example.com")},
		{"a host that only has names below it", "example.com", publishtest.CNAME("_a8.hollow.example.com")},
		{"capital letters", "example.com", publishtest.CNAME("_A9.WWW.example.com")},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, publishtest.Check(ctx, p, c.zone, c.record))
			require.Empty(t, s.At(t, c.record.Name), "a check writes nothing")
			for range 2 { // a second time after it was removed
				require.NoError(t, p.Publish(ctx, c.zone, c.record, nil))
				require.Len(t, s.At(t, c.record.Name), 1)
				require.NoError(t, p.Publish(ctx, c.zone, c.record, nil), "published already")
				require.NoError(t, publishtest.Check(ctx, p, c.zone, c.record), "published already")
				lower := c.record
				if lower.Type == publish.CNAME {
					lower.Value = strings.ToLower(lower.Value) + "."
				}
				require.NoError(t, p.Withdraw(ctx, c.zone, lower))
				assert.Empty(t, s.At(t, c.record.Name))
				require.NoError(t, p.Withdraw(ctx, c.zone, c.record), "withdrawn already")
			}
		})
	}
	assert.JSONEq(t, before, s.stored(t, "example.com"))
}

func TestOwnOldValuesAreReplaced(t *testing.T) {
	s := start(t)
	ctx, p := context.Background(), s.publisher(t)
	for _, first := range []publish.Record{publishtest.CNAME("_b1.www.example.com"), publishtest.TXT("_b2.www.example.com")} {
		second := first
		second.Value = "new.ssl.com"
		require.NoError(t, p.Publish(ctx, "example.com", first, nil))
		require.ErrorIs(t, p.Publish(ctx, "example.com", second, nil), publish.ErrConflict)
		require.ErrorIs(t, p.Publish(ctx, "example.com", second, []string{"another.ssl.com"}), publish.ErrConflict)
		require.NoError(t, p.Publish(ctx, "example.com", second, []string{strings.ToUpper(publishtest.Target), publishtest.Text}))
		assert.Equal(t, []string{strings.ToLower(string(first.Type)) + " new.ssl.com"}, s.At(t, first.Name))
		require.NoError(t, p.Withdraw(ctx, "example.com", first), "the old value is gone")
		assert.Len(t, s.At(t, first.Name), 1)
		require.NoError(t, p.Withdraw(ctx, "example.com", second))
		assert.Empty(t, s.At(t, first.Name))
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
		for _, record := range []publish.Record{publishtest.CNAME(name), publishtest.TXT(name)} {
			err := p.Publish(ctx, "example.com", record, []string{"own.example.net"})
			require.ErrorIs(t, err, publish.ErrConflict, "%s", record)
			assert.ErrorContains(t, err, stands, "the error shows what stands there")
			require.ErrorIs(t, publishtest.Check(ctx, p, "example.com", record), publish.ErrConflict)
			require.NoError(t, p.Withdraw(ctx, "example.com", record))
		}
	}
	assert.JSONEq(t, before, s.stored(t, "example.com"))
}

func TestTextsBesideOursStay(t *testing.T) {
	s := start(t)
	ctx, p, record := context.Background(), s.publisher(t), publishtest.TXT("_d1.www.example.com")
	served, off, ours := map[string]any{"content": `"foreign" "text"`}, map[string]any{"content": `"off"`, "disabled": true}, map[string]any{"content": `"` + publishtest.Text + `"`}
	s.patch(t, "example.com", record.Name, "TXT", served, off)
	before := s.stored(t, "example.com")
	s.patch(t, "example.com", record.Name, "TXT", served, ours, off)
	require.ErrorIs(t, p.Publish(ctx, "example.com", record, nil), publish.ErrConflict)
	require.NoError(t, p.Withdraw(ctx, "example.com", record))
	assert.Equal(t, []string{`txt foreign" "text`}, s.At(t, record.Name))
	assert.JSONEq(t, before, s.stored(t, "example.com"), "the disabled record is there too")
}

func TestAHostThatOnlyAWildcardServesStays(t *testing.T) {
	s := start(t)
	ctx, p := context.Background(), s.publisher(t)
	require.Equal(t, []string{"a 192.0.2.13"}, s.At(t, "shop.wild.example.com"))
	before := s.stored(t, "example.com")
	for _, name := range []string{"_e1.shop.wild.example.com", "_e1.deep.shop.wild.example.com", "_e1.shop.text.example.com"} {
		require.ErrorIs(t, p.Publish(ctx, "example.com", publishtest.CNAME(name), nil), publish.ErrWildcard)
		require.ErrorIs(t, publishtest.Check(ctx, p, "example.com", publishtest.TXT(name)), publish.ErrWildcard)
	}
	assert.JSONEq(t, before, s.stored(t, "example.com"))
	// The wildcard's own parent has no records, but a wildcard does not answer for it.
	require.NoError(t, p.Publish(ctx, "example.com", publishtest.CNAME("_e2.wild.example.com"), nil))
	assert.Equal(t, []string{"a 192.0.2.13"}, s.At(t, "shop.wild.example.com"))
}

func TestNamesOfOtherZonesAreNotWritten(t *testing.T) {
	s := start(t)
	ctx, p := context.Background(), s.publisher(t)
	before := s.stored(t, "example.com")
	for _, name := range []string{"_f1.child.example.com", "_f1.www.child.example.com", "_f1.www.other.example.com"} {
		require.ErrorIs(t, p.Publish(ctx, "example.com", publishtest.CNAME(name), nil), publish.ErrConflict, name)
		require.ErrorIs(t, publishtest.Check(ctx, p, "example.com", publishtest.CNAME(name)), publish.ErrConflict, name)
	}
	for _, name := range []string{"example.com", "www.example.com", "_f1.example.net", "_f1.www.example.com.example.net"} {
		require.ErrorContains(t, p.Publish(ctx, "example.com", publishtest.CNAME(name), nil), "publisher ns2")
	}
	require.ErrorContains(t, p.Publish(ctx, "example.net", publishtest.CNAME("_f1.example.net"), nil), "404")
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
	require.ErrorIs(t, p.Publish(context.Background(), "example.com", publishtest.CNAME("_g1.www.example.com"), nil), publish.ErrDenied)
	assert.Empty(t, s.At(t, "_g1.www.example.com"))
}

func TestAPrimaryWhoseSerialDoesNotGrowIsWarnedOf(t *testing.T) {
	s := start(t)
	s.pdnsutil(t, "set-kind", "example.com", "primary")
	env, seen := publishtest.Env(t)
	p := s.publisher(t, func(_ *publish.Block, e *publish.Env) { *e = env })
	require.NoError(t, p.Publish(context.Background(), "example.com", publishtest.CNAME("_h1.www.example.com"), nil))
	assert.Contains(t, seen.Text(), "SOA-EDIT-API")
	env, seen = publishtest.Env(t)
	p = s.publisher(t, func(_ *publish.Block, e *publish.Env) { *e = env })
	s.pdnsutil(t, "set-meta", "example.com", "SOA-EDIT-API", "DEFAULT")
	require.NoError(t, p.Publish(context.Background(), "example.com", publishtest.CNAME("_h2.www.example.com"), nil))
	assert.NotContains(t, seen.Text(), "SOA-EDIT-API")
}

func TestARefusalSaysWhatToDo(t *testing.T) {
	s := start(t)
	ctx := context.Background()
	const wrong = "not-the-key"
	p := s.publisher(t, func(b *publish.Block, _ *publish.Env) { b.APIKey = publishtest.SecretFile(t, wrong) })
	_, _, zoneErr := p.Zone(ctx, "example.com")
	for _, err := range []error{zoneErr, p.Publish(ctx, "example.com", publishtest.CNAME("_i1.www.example.com"), nil), p.Withdraw(ctx, "example.com", publishtest.CNAME("_i1.www.example.com"))} {
		require.ErrorIs(t, err, publish.ErrDenied)
		assert.ErrorContains(t, err, "compare the key file with api-key")
		assert.NotContains(t, err.Error(), wrong)
	}
	p = s.publisher(t, func(b *publish.Block, _ *publish.Env) { b.ServerID = "another" })
	_, _, err := p.Zone(ctx, "example.com")
	require.ErrorContains(t, err, "serverid")
	require.Error(t, p.Withdraw(ctx, "example.com", publishtest.CNAME("_i1.www.example.com")))
	p = s.publisher(t, func(b *publish.Block, _ *publish.Env) { b.APIKey = filepath.Join(t.TempDir(), "none") })
	require.ErrorContains(t, p.Withdraw(ctx, "example.com", publishtest.CNAME("_i1.www.example.com")), "no such file")
}

func TestARecordOfAZoneThatIsGoneNeedsNoWithdrawal(t *testing.T) {
	s := start(t)
	s.pdnsutil(t, "delete-zone", "example.com")
	require.NoError(t, s.publisher(t).Withdraw(context.Background(), "example.com", publishtest.CNAME("_j1.www.example.com")))
}

func TestSimultaneousRunsLeaveOneRecord(t *testing.T) {
	s := start(t)
	ctx, record := context.Background(), publishtest.CNAME("_k1.www.example.com")
	all := func(do func(p publish.Publisher) error) {
		var runs sync.WaitGroup
		for range 8 {
			p := s.publisher(t)
			runs.Go(func() { assert.NoError(t, do(p)) })
		}
		runs.Wait()
	}
	all(func(p publish.Publisher) error { return p.Publish(ctx, "example.com", record, nil) })
	assert.Len(t, s.At(t, record.Name), 1)
	all(func(p publish.Publisher) error { return p.Withdraw(ctx, "example.com", record) })
	assert.Empty(t, s.At(t, record.Name))
}

func TestAServerThatIsDownIsAnErrorAndItsRecordsLast(t *testing.T) {
	s := start(t)
	ctx, p, record := context.Background(), s.publisher(t), publishtest.CNAME("_l1.www.example.com")
	require.NoError(t, p.Publish(ctx, "example.com", record, nil))
	s.Stop()
	err := p.Withdraw(ctx, "example.com", record)
	require.ErrorContains(t, err, "connection refused")
	require.NotErrorIs(t, err, publish.ErrDenied)
	s.Restart(t)
	assert.Len(t, s.At(t, record.Name), 1)
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
	require.NoError(t, p.Publish(ctx, "example.com", publishtest.CNAME("_m1.www.example.com"), nil))
	assert.Len(t, s.At(t, "_m1.www.example.com"), 1)

	far := httptest.NewTLSServer(http.StripPrefix("/pdns", proxy))
	t.Cleanup(far.Close)
	p = s.publisher(t, func(b *publish.Block, _ *publish.Env) {
		b.URL, err = url.Parse(far.URL + "/pdns/")
		require.NoError(t, err)
	})
	require.ErrorContains(t, p.Publish(ctx, "example.com", publishtest.CNAME("_m2.www.example.com"), nil), "certificate")
	roots := x509.NewCertPool()
	roots.AddCert(far.Certificate())
	powerdns.Trust(p, roots)
	require.NoError(t, p.Publish(ctx, "example.com", publishtest.CNAME("_m2.www.example.com"), nil))
	assert.Len(t, s.At(t, "_m2.www.example.com"), 1)
}

func TestTheKeyIsMaskedAndNotLogged(t *testing.T) {
	s := start(t)
	env, seen := publishtest.Env(t)
	p := s.publisher(t, func(_ *publish.Block, e *publish.Env) { *e = env })
	require.NoError(t, p.Publish(context.Background(), "example.com", publishtest.CNAME("_n1.www.example.com"), nil))
	assert.Equal(t, []string{s.Secret(t)}, seen.Secrets())
	assert.NotContains(t, seen.Text(), s.Secret(t))
}
