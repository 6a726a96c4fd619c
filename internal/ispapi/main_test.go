package ispapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"pmssl/internal/ispapi"
	"pmssl/internal/publish/publishtest"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// program is the path of the stand-in panel.
var program string

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "ispapi")
	if err == nil {
		defer os.RemoveAll(folder)
		program, err = publishtest.BuildHostPanel(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// client returns a client of the stand-in, after changes to how it is called.
func client(t *testing.T, p *publishtest.HostPanel, change ...func(s *ispapi.Server)) *ispapi.Client {
	t.Helper()
	env, _ := publishtest.Env(t)
	address, err := url.Parse(p.API)
	require.NoError(t, err)
	s := ispapi.Server{URL: address, Pin: p.Pin, Login: p.User, Password: publishtest.SecretFile(t, p.Password)}
	for _, do := range change {
		do(&s)
	}
	made, err := ispapi.New(s, env)
	require.NoError(t, err)
	return made
}

// requests counts the calls of a function at the stand-in; of all functions if none is named.
func requests(t *testing.T, p *publishtest.HostPanel, function string) int {
	t.Helper()
	var all []any
	p.Control(t, "GET", "/requests?function="+function, nil, &all)
	return len(all)
}

// against returns a client of a panel that a handler plays after the login.
func against(t testing.TB, answers func(function string, form url.Values) string) *ispapi.Client {
	t.Helper()
	return behind(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		function := r.PostForm.Get("func")
		if function == "auth" && answers("auth", r.PostForm) == "" {
			_, _ = w.Write([]byte(`<doc><auth id="abc" level="30">abc</auth></doc>`))
			return
		}
		_, _ = w.Write([]byte(answers(function, r.PostForm)))
	})
}

// behind returns a client of a server that the handler is.
func behind(t testing.TB, handler http.HandlerFunc) *ispapi.Client {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL + "/ispmgr")
	require.NoError(t, err)
	sum := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
	pin := "sha256/" + base64.StdEncoding.EncodeToString(sum[:])
	env, _ := publishtest.Env(t)
	made, err := ispapi.New(ispapi.Server{URL: address, Pin: pin, Login: "pmssl", Password: publishtest.SecretFile(t, "pw")}, env)
	require.NoError(t, err)
	return made
}
