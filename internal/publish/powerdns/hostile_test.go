package powerdns_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
	"pmssl/internal/publish/powerdns"
	"pmssl/internal/publish/publishtest"
)

const key = "the-key-of-the-test"

// against returns a publisher for an API that a handler plays.
func against(t testing.TB, handler http.HandlerFunc, change ...func(e *publish.Env)) publish.Publisher {
	t.Helper()
	api := httptest.NewServer(handler)
	t.Cleanup(api.Close)
	address, err := url.Parse(api.URL)
	require.NoError(t, err)
	env, _ := publishtest.Env(t)
	env.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	for _, do := range change {
		do(&env)
	}
	p, err := powerdns.New(publish.Block{Name: "ns2", URL: address, APIKey: publishtest.SecretFile(t, key)}, env)
	require.NoError(t, err)
	return p
}

// saying returns a handler that always answers the same.
func saying(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestAnAnswerThatIsNotTheAPIsIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		says    string
	}{
		"not JSON":           {saying(200, "<html>"), "not the JSON"},
		"another shape":      {saying(200, `"zones"`), "not the JSON"},
		"nothing":            {saying(200, ""), "not the JSON"},
		"too long":           {saying(200, strings.Repeat(" ", 1<<20)+"[]"), "octets"},
		"a server's failure": {saying(500, "line one\nline two\x1b[31m"), "500 line one line two"},
		"a long message":     {saying(422, `{"error":"`+strings.Repeat("é", 1000)+`"}`), "…"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		}, "302"},
		"a long text that is no HTTP": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if assert.NoError(t, err) {
				_, _ = conn.Write([]byte(strings.Repeat("x", 60_000) + "\r\n\r\n"))
				_ = conn.Close()
			}
		}, "malformed HTTP"},
		"no answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "webserver-allow-from"},
	} {
		t.Run(name, func(t *testing.T) {
			p := against(t, c.handler)
			_, _, err := p.Zone(context.Background(), "example.com")
			require.ErrorContains(t, err, c.says)
			assert.Less(t, len(err.Error()), 900)
			assert.NotContains(t, err.Error(), key)
			require.Error(t, p.Publish(context.Background(), "example.com", publishtest.CNAME("_a.www.example.com"), nil))
			require.Error(t, p.Withdraw(context.Background(), "example.com", publishtest.CNAME("_a.www.example.com")))
		})
	}
}

func TestTheAPIsAnswerIsForTheZoneAndTheName(t *testing.T) {
	p := against(t, saying(200, `[{"name":"example.net.","account":"bm1"},{"name":"www.example.com"},{"name":""}]`))
	zone, ok, err := p.Zone(context.Background(), "www.example.com")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, "www.example.com", zone.Name)
	p = against(t, saying(200, `{"name":"example.net."}`))
	require.ErrorContains(t, p.Publish(context.Background(), "example.com", publishtest.CNAME("_a.www.example.com"), nil), "another zone")
}

// Writing a record set deletes its disabled records. They may be among those that the search does not show.
func TestASearchThatDoesNotShowAllIsAnError(t *testing.T) {
	hits := strings.Repeat(`{"object_type":"record","zone":"example.com.","name":"x.example.com.","type":"CNAME","content":"_a.www.example.com."},`, 1000)
	p := against(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet:
			t.Error("nothing is written")
		case strings.Contains(r.URL.Path, "search-data"):
			_, _ = w.Write([]byte("[" + strings.TrimSuffix(hits, ",") + "]"))
		default:
			_, _ = w.Write([]byte(`{"name":"example.com.","rrsets":[]}`))
		}
	})
	require.ErrorContains(t, p.Publish(context.Background(), "example.com", publishtest.CNAME("_a.www.example.com"), nil), "1000 records and more")
	require.ErrorContains(t, p.Withdraw(context.Background(), "example.com", publishtest.CNAME("_a.www.example.com")), "1000 records and more")
}

// The account is evidence. Between the look at the zone and the write it may become another client's.
func TestAZoneThatGotAnotherAccountIsNotWritten(t *testing.T) {
	p := against(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet:
			t.Error("nothing is written")
		case strings.Contains(r.URL.Path, "search-data"):
			_, _ = w.Write([]byte(`[]`))
		case r.URL.Query().Get("rrset_name") != "":
			_, _ = w.Write([]byte(`{"name":"example.com.","account":"bm8","rrsets":[]}`))
		default:
			_, _ = w.Write([]byte(`[{"name":"example.com.","account":"bm7"}]`))
		}
	})
	zone, ok, err := p.Zone(context.Background(), "example.com")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "bm7", zone.Account)
	require.ErrorContains(t, p.Publish(context.Background(), "example.com", publishtest.CNAME("_a.www.example.com"), nil), "got another account in the meantime")
	require.ErrorContains(t, publishtest.Check(context.Background(), p, "example.com", publishtest.CNAME("_a.www.example.com")), "got another account")
}

func TestARecordThatIsAcceptedIsReadBack(t *testing.T) {
	p := against(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPatch:
			w.WriteHeader(http.StatusNoContent)
		case strings.Contains(r.URL.Path, "search-data"):
			_, _ = w.Write([]byte("[]"))
		default:
			name := r.URL.Query().Get("rrset_name")
			sets := []any{}
			if name == "www.example.com." {
				sets = append(sets, map[string]any{"name": name, "type": "A", "records": []any{map[string]any{"content": "192.0.2.1"}}})
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"name": "example.com.", "kind": "Native", "rrsets": sets})
		}
	})
	require.ErrorContains(t, p.Publish(context.Background(), "example.com", publishtest.CNAME("_a.www.example.com"), nil), "does not show it")
}

func TestAChangeThatTheServerFailsAtIsTriedAgain(t *testing.T) {
	for failures, works := range map[int32]bool{0: true, 1: true, 4: true, 5: false} {
		var left atomic.Int32
		left.Store(failures)
		slept := 0
		p := against(t, func(w http.ResponseWriter, r *http.Request) {
			if left.Add(-1) >= 0 {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			if strings.Contains(r.URL.Path, "search-data") {
				_, _ = w.Write([]byte(`[]`))
				return
			}
			_, _ = w.Write([]byte(`{"name":"example.com.","rrsets":[]}`))
		}, func(e *publish.Env) { e.Sleep = func(context.Context, time.Duration) error { slept++; return nil } })
		err := p.Withdraw(context.Background(), "example.com", publishtest.CNAME("_a.www.example.com"))
		assert.Equal(t, works, err == nil, "%d: %v", failures, err)
		assert.Equal(t, min(int(failures), 4), slept)
	}
}

func TestTheKeyGoesToNobodyElse(t *testing.T) {
	env, _ := publishtest.Env(t)
	for address, says := range map[string]string{
		"http://192.0.2.1:8081":       "in the clear",
		"http://api.example.com":      "in the clear",
		"ftp://127.0.0.1":             "in the clear",
		"https://":                    "in the clear",
		"http://127.0.0.1:8081/?a=b":  "more than",
		"https://user:pw@example.com": "more than",
		"http://[::1]:8081":           "",
		"http://localhost:8081":       "",
		"https://192.0.2.1/pdns":      "",
	} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		_, err = powerdns.New(publish.Block{Name: "ns2", Pos: "ns2.conf:4", URL: u}, env)
		if says == "" {
			require.NoError(t, err, address)
			continue
		}
		require.ErrorContains(t, err, says, address)
		require.ErrorContains(t, err, "ns2.conf:4")
	}
	_, err := powerdns.New(publish.Block{Name: "ns2"}, env)
	require.Error(t, err)
}

func TestANameThatResolvesElsewhereGetsNoKey(t *testing.T) {
	env, _ := publishtest.Env(t)
	sent := make(chan []byte, 1)
	env.Dial = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			data := make([]byte, 4096)
			n, _ := theirs.Read(data)
			sent <- data[:n]
		}()
		return elsewhere{ours}, nil
	}
	p, err := powerdns.New(publish.Block{
		Name: "ns2", URL: &url.URL{Scheme: "http", Host: "localhost:8081"}, APIKey: publishtest.SecretFile(t, key),
	}, env)
	require.NoError(t, err)
	_, _, err = p.Zone(context.Background(), "example.com")
	require.ErrorContains(t, err, "not this host")
	assert.Empty(t, <-sent)
}

// elsewhere is a connection to another host.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8081} }

func TestASilentServerEndsWithTheContext(t *testing.T) {
	p := against(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	require.ErrorIs(t, p.Publish(ctx, "example.com", publishtest.CNAME("_a.www.example.com"), nil), context.Canceled)
}
