package hostpanel_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/hostpanel"
)

// issuer issues certificates for one key.
type issuer struct {
	authority *ca.Authority
	key       *ecdsa.PrivateKey
	keyPEM    string
}

func newIssuer(t *testing.T) issuer {
	t.Helper()
	authority, err := ca.New(ca.ECDSA, rand.Reader)
	require.NoError(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return issuer{authority, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}
}

func (i issuer) issue(t *testing.T, names ...string) (leaf *x509.Certificate, text string) {
	t.Helper()
	begin := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, i.key)
	require.NoError(t, err)
	csr, err := x509.ParseCertificateRequest(der)
	require.NoError(t, err)
	leaf, err = i.authority.Sign(ca.Request{CSR: csr, Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: begin, NotAfter: begin.AddDate(0, 0, 47)})
	require.NoError(t, err)
	return leaf, ca.EncodePEM(leaf)
}

func (i issuer) chain() string { return ca.EncodePEM(i.authority.Intermediate()) }

// served returns the serial and the number of certificates that a handshake for a name shows.
func served(t *testing.T, address, name string) string {
	t.Helper()
	connection, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		return err.Error()
	}
	defer connection.Close()
	shown := connection.ConnectionState().PeerCertificates
	return fmt.Sprintf("%x of %d", shown[0].SerialNumber, len(shown))
}

func TestCertificatesAreAddedUsedProlongedAndReplaced(t *testing.T) {
	f, own, foreign := newFixture(t), newIssuer(t), newIssuer(t)
	sites, err := f.ServeTLS("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(sites.Close)
	require.NoError(t, f.PutSite(hostpanel.Site{Name: "example.com", Owner: "u1", Aliases: []string{"www.example.com", "*.app.example.com"}, Email: "a@example.com"}))
	session := f.login(t, hostpanel.DefaultUser, hostpanel.DefaultPassword)
	call := func(function string, pairs ...string) string {
		return f.call(t, function, append(pairs, "auth", session)...)
	}
	assert.Contains(t, served(t, sites.Address(), "www.example.com"), "error")

	first, text := own.issue(t, "example.com", "www.example.com")
	add := []string{"username", "u1", "name", "c1", "cert", text, "bundle", own.chain(), "sok", "ok"}
	assert.Contains(t, call("sslcert.setcrt", append(add, "key", foreign.keyPEM)...), `object="cert"`)
	assert.Contains(t, call("sslcert.setcrt", append(add, "key", own.keyPEM)...), "<ok></ok>")
	assert.Contains(t, call("sslcert.setcrt", append(add, "key", own.keyPEM)...), `type="exists"`)
	list := call("sslcert")
	for _, part := range []string{"<owner>u1</owner><key>u1%#%c1</key><name>c1</name>", "<info>example.com www.example.com</info>", "<type>ssl_existing</type>",
		"<valid_after>2026-05-18</valid_after>", "<active>off</active>"} {
		assert.Contains(t, list, part)
	}
	assert.Contains(t, call("sslcert.edit", "elid", "u1%#%c1"), "-----BEGIN CERTIFICATE-----")

	form := call("site.edit", "elid", "1", "out", "devel")
	for _, part := range []string{"<site_name>example.com</site_name>", "<site_owner>u1</site_owner>", "<site_ssl_cert>ssl_not_used</site_ssl_cert>", `<val key="c1">`, "<metadata"} {
		assert.Contains(t, form, part)
	}
	assert.NotContains(t, call("site.edit", "elid", "1"), "<metadata", "out=devel describes forms, out=xml does not")
	assert.Contains(t, call("site.edit", "elid", "example.com", "site_ssl_cert", "c2", "sok", "ok"), `object="site_ssl_cert"`)
	assert.Contains(t, call("site.edit", "elid", "example.com", "site_ssl_cert", "c1", "sok", "ok"), "<ok></ok>")
	assert.Equal(t, "a@example.com", f.State().Sites[0].Email, "what is not sent stays")
	for _, name := range []string{"example.com", "www.example.com", "x.app.example.com"} {
		assert.Equal(t, fmt.Sprintf("%x of 2", first.SerialNumber), served(t, sites.Address(), name))
	}
	assert.Contains(t, call("sslcert"), "<webdomains>example.com</webdomains>")

	second, text := own.issue(t, "example.com")
	_, wrong := foreign.issue(t, "example.com")
	assert.Contains(t, call("sslcert.prolong", "elid", "u1%#%c1", "cert", wrong, "sok", "ok"), `type="value"`)
	assert.Contains(t, call("sslcert.prolong", "elid", "u1%#%c1"), "<bundle></bundle>")
	assert.Contains(t, call("sslcert.prolong", "elid", "u1%#%c1", "cert", text, "sok", "ok"), "<ok></ok>")
	assert.Equal(t, fmt.Sprintf("%x of 1", second.SerialNumber), served(t, sites.Address(), "example.com"))

	other, text := foreign.issue(t, "example.com")
	require.NoError(t, f.PutCertificate(hostpanel.NewCertificate{Owner: "u1", Name: "c2", Certificate: text, Key: foreign.keyPEM}))
	assert.Contains(t, call("sslcert.replace", "elid", "u1%#%c1", "new_cert", "c2", "sok", "ok"), "<ok></ok>")
	assert.Equal(t, fmt.Sprintf("%x of 1", other.SerialNumber), served(t, sites.Address(), "example.com"))
	f.RemoveCertificate("u1", "c2")
	assert.Contains(t, served(t, sites.Address(), "example.com"), "error")
}

func TestUsersSeeTheirOwnCertificatesOnly(t *testing.T) {
	f, own := newFixture(t), newIssuer(t)
	_, text := own.issue(t, "example.com")
	for _, owner := range []string{"u1", "u2"} {
		require.NoError(t, f.PutUser(hostpanel.User{Name: owner, Password: "one", Level: hostpanel.LevelUser}))
		require.NoError(t, f.PutCertificate(hostpanel.NewCertificate{Owner: owner, Name: "of-" + owner, Certificate: text, Key: own.keyPEM}))
		require.NoError(t, f.PutSite(hostpanel.Site{Name: owner + ".example", Owner: owner, Certificate: "of-" + owner}))
	}
	session := f.login(t, "u1", "one")
	list := f.call(t, "sslcert", "auth", session)
	assert.Contains(t, list, "<key>of-u1</key>")
	assert.NotContains(t, list, "u2")
	assert.NotContains(t, list, "<owner>")
	for _, function := range []string{"sslcert.edit", "sslcert.prolong", "sslcert.replace"} {
		assert.Contains(t, f.call(t, function, "auth", session, "elid", "u2%#%of-u2"), `type="access"`, function)
	}
	assert.Contains(t, f.call(t, "site.edit", "auth", session, "elid", "u2.example"), `type="access"`)
	assert.NotContains(t, f.call(t, "webdomain", "auth", session), "u2.example")
}

func TestFormsOfCertificatesFollowTheSettings(t *testing.T) {
	f, own := newFixture(t), newIssuer(t)
	_, text := own.issue(t, "example.com")
	require.NoError(t, f.PutCertificate(hostpanel.NewCertificate{Owner: "u1", Name: "c1", Certificate: text, Key: own.keyPEM}))
	require.NoError(t, f.PutSite(hostpanel.Site{Name: "example.com", Owner: "u1", Certificate: "c1", Aliases: []string{"www.example.com"}}))
	settings := hostpanel.DefaultSettings()
	settings.Fields = map[string]string{"sslcert.prolong cert": "crt"}
	settings.ExtraField, settings.HideCertificates, settings.LongChoices, settings.AliasColumn, settings.ResetFields = "captcha", true, true, true, true
	f.SetSettings(settings)
	session := f.login(t, hostpanel.DefaultUser, hostpanel.DefaultPassword)
	call := func(function string, pairs ...string) string {
		return f.call(t, function, append(pairs, "auth", session)...)
	}
	assert.Contains(t, call("sslcert.prolong", "elid", "u1%#%c1"), "<crt></crt><bundle></bundle><captcha></captcha>")
	assert.Contains(t, call("sslcert.prolong", "elid", "u1%#%c1", "crt", text, "sok", "ok"), `object="captcha"`)
	assert.Contains(t, call("sslcert.prolong", "elid", "u1%#%c1", "crt", text, "captcha", "x", "sok", "ok"), "<ok></ok>")
	assert.NotContains(t, call("sslcert.edit", "elid", "u1%#%c1"), "BEGIN CERTIFICATE")
	assert.Contains(t, call("site.edit", "elid", "1"), `<val key="u1%#%c1">`)
	assert.Contains(t, call("webdomain"), "<aliases>www.example.com</aliases>")
	assert.Contains(t, call("site.edit", "elid", "1", "site_ssl_cert", "u1%#%c1", "sok", "ok"), "<ok></ok>")
	assert.Equal(t, "c1", f.State().Sites[0].Certificate)
	assert.Empty(t, f.State().Sites[0].Email)
}

func TestNoKeyIsSeenAtTheControlAddress(t *testing.T) {
	f, own, foreign := newFixture(t), newIssuer(t), newIssuer(t)
	control := httptest.NewServer(f.Control())
	t.Cleanup(control.Close)
	post := func(path string, body any) {
		content, err := json.Marshal(body)
		require.NoError(t, err)
		answer, err := http.Post(control.URL+path, "application/json", strings.NewReader(string(content)))
		require.NoError(t, err)
		defer answer.Body.Close()
		assert.Equal(t, http.StatusOK, answer.StatusCode)
	}
	_, text := own.issue(t, "example.com")
	post("/certificates", hostpanel.NewCertificate{Owner: "u1", Name: "c1", Certificate: text, Key: own.keyPEM})
	post("/sites", hostpanel.Site{Name: "example.com", Owner: "u1", Certificate: "c1"})
	session := f.login(t, hostpanel.DefaultUser, hostpanel.DefaultPassword)
	for _, key := range []string{foreign.keyPEM, own.keyPEM} { // refused with the key in the answer, then accepted
		f.call(t, "sslcert.setcrt", "auth", session, "username", "u1", "name", "c2", "cert", text, "key", key, "sok", "ok")
	}
	assert.Len(t, f.State().Certificates, 2)
	for path, holds := range map[string]string{"/state": `"name": "c2"`, "/requests": "sslcert.setcrt"} {
		answer, err := http.Get(control.URL + path)
		require.NoError(t, err)
		defer answer.Body.Close()
		content, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		assert.NotContains(t, string(content), "PRIVATE KEY", path)
		assert.Contains(t, string(content), holds, path)
	}
}

func TestWhatDoesNotFitIsNotPutIntoThePanel(t *testing.T) {
	f, own, foreign := newFixture(t), newIssuer(t), newIssuer(t)
	_, text := own.issue(t, "example.com")
	good := hostpanel.NewCertificate{Owner: "u1", Name: "c1", Certificate: text, Chain: own.chain(), Key: own.keyPEM}
	require.NoError(t, f.PutCertificate(good))
	for name, change := range map[string]func(c *hostpanel.NewCertificate){
		"another key": func(c *hostpanel.NewCertificate) { c.Key = foreign.keyPEM }, "no certificate": func(c *hostpanel.NewCertificate) { c.Certificate = "x" },
		"two certificates": func(c *hostpanel.NewCertificate) { c.Certificate += own.chain() }, "a name of a path": func(c *hostpanel.NewCertificate) { c.Name = "../c1" },
		"no owner": func(c *hostpanel.NewCertificate) { c.Owner = "" },
	} {
		wrong := good
		change(&wrong)
		assert.Error(t, f.PutCertificate(wrong), name)
	}
	assert.ErrorIs(t, f.PutSite(hostpanel.Site{Name: "example.com", Owner: "u1", Certificate: "c9"}), hostpanel.ErrUnknown)
}
