package webroot_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
	"pmssl/internal/publish/publishtest"
	"pmssl/internal/publish/webroot"
)

const (
	path = "/.well-known/pki-validation/"
	own  = path + "own.txt" // each site has it
	body = "0F5C\nsectigo.com\nt0ken"
)

// server is a web server with the snippet of its sample.
type server struct{ *publishtest.Peer }

// onEachServer runs a test against nginx and Apache.
func onEachServer(t *testing.T, test func(t *testing.T, s server)) {
	for _, kind := range []publishtest.Server{publishtest.Nginx, publishtest.Apache} {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			test(t, server{publishtest.Start(t, kind)})
		})
	}
}

// publisher returns a publisher that writes where the server reads.
func (s server) publisher(t *testing.T) publish.Publisher {
	t.Helper()
	env, _ := publishtest.Env(t)
	env.Root = s.PanelRoot()
	p, err := webroot.New(publishtest.Sample(t, "webroot.conf"), env)
	require.NoError(t, err)
	return p
}

// publish writes a challenge for a site.
func (s server) publish(t *testing.T, r publish.Record) {
	t.Helper()
	require.NoError(t, s.publisher(t).Publish(context.Background(), r.Name, r, nil))
}

func (s server) get(t *testing.T, host, path string) publishtest.Answer {
	t.Helper()
	answer, err := publishtest.Get(context.Background(), s.Addr, host, path)
	require.NoError(t, err)
	return answer
}

func challenge(host, name string) publish.Record {
	return publish.Record{Domain: host, Type: publish.File, Name: host, Path: path + name, Value: body}
}

var served = publishtest.Answer{Status: http.StatusOK, Type: "text/plain", Body: body}

func TestAPublishedChallengeIsServed(t *testing.T) {
	onEachServer(t, func(t *testing.T, s server) {
		ctx, r := context.Background(), challenge("plain.example", "A_b-9.txt")
		s.publish(t, r)
		addresses := []string{s.Addr}
		if six := s.Addr6(); six != "" {
			addresses = append(addresses, six)
		}
		for _, address := range addresses {
			for _, host := range []string{"plain.example", "PLAIN.Example", "plain.example:80", "Plain.EXAMPLE:8080", "plain.example."} {
				answer, err := publishtest.Get(ctx, address, host, r.Path)
				require.NoError(t, err)
				assert.Equal(t, served, answer, "%s at %s", host, address)
			}
		}
		require.NoError(t, s.publisher(t).Withdraw(ctx, r.Name, r))
		assert.Equal(t, http.StatusNotFound, s.get(t, "plain.example", r.Path).Status)
	})
}

func TestSitesKeepTheirOwnFiles(t *testing.T) {
	onEachServer(t, func(t *testing.T, s server) {
		s.publish(t, challenge("plain.example", "A.txt"))
		for _, site := range []string{"plain.example", "elsewhere.example"} {
			assert.Equal(t, "the site's own file\n", s.get(t, site, own).Body)
			assert.Equal(t, "the site's own start page\n", s.get(t, site, "/").Body)
		}
		assert.Equal(t, http.StatusNotFound, s.get(t, "elsewhere.example", path+"A.txt").Status, "the challenge of another site")
		data, err := os.ReadFile(filepath.Join(s.Site("plain.example"), own))
		require.NoError(t, err)
		assert.Equal(t, "the site's own file\n", string(data))

		r := challenge("plain.example", "own.txt")
		s.publish(t, r)
		assert.Equal(t, served, s.get(t, "plain.example", own), "the challenge goes before the site's file of that name")
		require.NoError(t, s.publisher(t).Withdraw(context.Background(), r.Name, r))
		assert.Equal(t, "the site's own file\n", s.get(t, "plain.example", own).Body)
	})
}

func TestNothingButChallengesIsServed(t *testing.T) {
	onEachServer(t, func(t *testing.T, s server) {
		r := challenge("plain.example", "A.txt")
		s.publish(t, r)
		folder := filepath.Join(s.PanelRoot(), "var", "pmssl-challenges")
		secret := filepath.Join(s.PanelRoot(), "var", "secret.txt")
		require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o644))
		require.NoError(t, os.Symlink(secret, filepath.Join(folder, "plain.example", path, "link.txt")))
		require.NoError(t, os.Symlink("plain.example", filepath.Join(folder, "elsewhere.example")))
		for _, c := range []struct{ name, host, path string }{
			{"a link to a file", "plain.example", path + "link.txt"},
			{"a link to a host's folder", "elsewhere.example", r.Path},
			{"a path upwards", "plain.example", path + "../../../../secret.txt"},
			{"a path upwards, encoded", "plain.example", path + "%2e%2e/%2e%2e/%2e%2e/%2e%2e/secret.txt"},
			{"a path upwards with encoded slashes", "plain.example", path + "..%2f..%2f..%2f..%2fsecret.txt"},
			{"a host upwards", "..", "/secret.txt"},
			{"a host that is a path", "../../var/pmssl-challenges/plain.example", r.Path},
			{"a host with a slash", "elsewhere.example/../plain.example", r.Path},
			{"no host", "", r.Path},
			{"the inner path", "plain.example", "/.pmssl-challenges/plain.example" + r.Path},
			{"the inner path of another host", "strict.example", "/.pmssl-challenges/plain.example" + r.Path},
			{"a folder", "plain.example", path},
			{"upper case in the path", "plain.example", strings.ToUpper(r.Path)},
			{"a zero byte", "plain.example", r.Path + "%00.txt"},
		} {
			answer := s.get(t, c.host, c.path)
			assert.NotEqual(t, body, answer.Body, c.name)
			assert.NotContains(t, answer.Body, "secret", c.name)
			assert.GreaterOrEqual(t, answer.Status, 400, c.name)
		}
		assert.Equal(t, served, s.get(t, "plain.example", r.Path), "the right request still works")
	})
}

// What the pages of the samples say about the order of redirects and other rules of a site.
func TestNginxServesChallengesInSitesWithRedirects(t *testing.T) {
	s := server{publishtest.Start(t, publishtest.Nginx)}
	for _, site := range []string{"first", "within", "strict", "locked", "spa"} {
		r := challenge(site+".example", "A.txt")
		s.publish(t, r)
		assert.Equal(t, served, s.get(t, r.Name, r.Path), site)
		assert.NotEqual(t, served, s.get(t, r.Name, path+"B.txt"), site)
	}
	r := challenge("last.example", "A.txt")
	s.publish(t, r)
	answer := s.get(t, r.Name, r.Path)
	assert.Equal(t, http.StatusMovedPermanently, answer.Status, "a redirect before the include wins")
	assert.Equal(t, "https://last.example"+r.Path, answer.Location)
}

func TestANodeOfNginxAsksThePanelsHost(t *testing.T) {
	s := server{publishtest.Start(t, publishtest.Nginx)}
	r := challenge("node.example", "A.txt")
	s.publish(t, r)
	assert.Equal(t, served, s.get(t, "node.example", r.Path))
	assert.Equal(t, served, s.get(t, "NODE.example:80", r.Path))
	assert.Equal(t, "the site's own file\n", s.get(t, "node.example", own).Body)
	assert.Equal(t, http.StatusNotFound, s.get(t, "node.example", path+"B.txt").Status)
	assert.NotEqual(t, body, s.get(t, "node.example", "/.pmssl-challenges"+r.Path).Body, "the inner path")
	assert.Equal(t, "https://node.example/x", s.get(t, "node.example", "/x").Location)
}

func TestApacheServesChallengesInSitesWithRedirects(t *testing.T) {
	s := server{publishtest.Start(t, publishtest.Apache)}
	for _, site := range []string{"strict", "earlier", "first", "htaccess", "nested", "redirect-on", "proxied-on", "merge", "off", "locked"} {
		r := challenge(site+".example", "A.txt")
		s.publish(t, r)
		assert.Equal(t, served, s.get(t, r.Name, r.Path), site)
		assert.Equal(t, served, s.get(t, strings.ToUpper(r.Name)+":80", r.Path), site)
	}
	for site, status := range map[string]int{ // the sample says what to do about them
		"redirect": http.StatusMovedPermanently, "proxied": http.StatusServiceUnavailable, "inherit": http.StatusMovedPermanently,
	} {
		r := challenge(site+".example", "A.txt")
		s.publish(t, r)
		assert.Equal(t, status, s.get(t, r.Name, r.Path).Status, site)
	}
}

func TestSitesOfApacheKeepTheMeaningOfTheirRules(t *testing.T) {
	s := server{publishtest.Start(t, publishtest.Apache)}
	s.publish(t, challenge("plain.example", "A.txt"))
	for _, site := range []string{"earlier", "first", "htaccess", "merge"} {
		assert.Equal(t, "https://"+site+".example/x", s.get(t, site+".example", "/x").Location)
	}
	assert.Equal(t, "the page below\n", s.get(t, "nested.example", "/below/page.html").Body, "rules of the folder above are not inherited")
	assert.Equal(t, "the page below\n", s.get(t, "plain.example", "/dormant/text.html").Body, "rules without RewriteEngine On stay off")
	assert.Equal(t, "the site's own file\n", s.get(t, "strict.example", own).Body, "a site without FollowSymLinks")
	assert.Equal(t, http.StatusForbidden, s.get(t, "locked.example", own).Status)
	assert.Equal(t, http.StatusServiceUnavailable, s.get(t, "proxied.example", own).Status)
}
