package ispapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"pmssl/internal/plaintext"
	"pmssl/internal/publish"
)

const (
	// requestTime bounds one request, the connection and its answer included.
	requestTime = 60 * time.Second
	// maxLogins bounds the logins of one run. The first one serves for all, as long as the panel keeps the session; more would
	// look like an attack and lock the user out.
	maxLogins = 3
	// maxSession is how long a session's id may be.
	maxSession = 200
)

// remote is a panel that is reached by HTTPS. Login, session and all parameters go in the bodies of POST requests only.
type remote struct {
	server   Server
	env      publish.Env
	http     *http.Client
	base     string
	session  string // empty before the first login
	logins   int
	refused  error    // why no login is tried any more in this run
	masked   []string // secrets that no error shows
	password string
}

// newRemote makes the client of a panel with a URL.
func newRemote(s Server, e publish.Env) (*remote, error) {
	if err := checkURL(s.URL); err != nil {
		return nil, err
	}
	config, err := tlsConfig(s, e)
	if err != nil {
		return nil, err
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &remote{server: s, env: e, base: s.URL.String(), http: &http.Client{
		Transport: &http.Transport{ // without a proxy, whatever the environment says
			DialContext:            e.Dial,
			TLSClientConfig:        config,
			Protocols:              protocols,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func checkURL(u *url.URL) error {
	switch {
	case u == nil:
		return errors.New("neither a URL nor mgr is named")
	case u.Scheme != "https" || u.Host == "":
		return errors.New("the password would pass the network in the clear: the URL has to begin with https://")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the URL has more than host, port and path")
	case panelName(u) == "":
		return fmt.Errorf("the path %q of the URL leads to neither panel: it ends in /ispmgr for ISPmanager and in /dnsmgr for DNSmanager", u.Path)
	}
	return nil
}

// panelName returns which panel a URL leads to, ispmgr or dnsmgr; empty if neither.
func panelName(u *url.URL) string {
	if name := path.Base(u.Path); name == "ispmgr" || name == "dnsmgr" {
		return name
	}
	return ""
}

// tlsConfig returns how the panel's certificate is checked. A pin names the public key: with it neither names, dates nor the
// issuer count, because panels have certificates of their own.
func tlsConfig(s Server, e publish.Env) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, Time: e.Now}
	if s.Pin == "" {
		return config, nil
	}
	encoded, found := strings.CutPrefix(s.Pin, "sha256/")
	if sum, err := base64.StdEncoding.DecodeString(encoded); !found || err != nil || len(sum) != sha256.Size {
		return nil, errors.New("the pin is not sha256/ and 44 characters of base64")
	}
	config.InsecureSkipVerify = true // of name and chain; the key is compared here
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the panel sent no certificate")
		}
		sum := sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
		if seen := "sha256/" + base64.StdEncoding.EncodeToString(sum[:]); seen != s.Pin {
			return fmt.Errorf("the key of the panel's certificate is not the pinned one but %s: if the panel got a new certificate, "+
				"compare this with it on its host, then write it as pin", seen)
		}
		return nil
	}
	return config, nil
}

func (c *remote) Place() string { return c.base }

func (c *remote) Panel() string { return panelName(c.server.URL) }

// Call asks the panel for a function, with a login before the first one and a second one if the panel has ended the session.
func (c *remote) Call(ctx context.Context, function string, params url.Values) (*Element, *Refusal, error) {
	return c.call(ctx, function, params, nil)
}

// call is Call with further parameters, which may be secrets.
func (c *remote) call(ctx context.Context, function string, params, secrets url.Values) (*Element, *Refusal, error) {
	for again := false; ; again = true {
		if err := c.login(ctx); err != nil {
			return nil, nil, err
		}
		all := url.Values{"auth": {c.session}}
		maps.Copy(all, secrets)
		root, refused, err := c.post(ctx, function, params, all)
		if err != nil || !refused.OfType("auth") {
			return root, refused, err
		}
		c.session = "" // a function is not carried out without one, so it can be repeated
		if again {
			return nil, nil, fmt.Errorf("%w: the panel does not keep a session after the login as %s (%s): if it binds sessions to addresses, "+
				"this host has to reach it from one address", publish.ErrDenied, c.server.Login, refused.Error())
		}
	}
}

// login opens a session if none is open. The panel locks users out who fail at it, so a login that is refused is the last one of
// the run.
func (c *remote) login(ctx context.Context) error {
	switch {
	case c.session != "":
		return nil
	case c.refused != nil:
		return c.refused
	case c.logins >= maxLogins:
		return fmt.Errorf("%w: the panel ended %d sessions in one run: see its log", publish.ErrDenied, c.logins)
	}
	if c.password == "" {
		password, err := publish.ReadSecret(c.server.Password)
		if err != nil {
			return err
		}
		c.learn(password)
		c.password = password
	}
	c.logins++
	root, refused, err := c.post(ctx, "auth", nil, url.Values{"username": {c.server.Login}, "password": {c.password}})
	if err != nil {
		return err
	}
	c.session, c.refused = c.sessionOf(root, refused)
	if c.refused == nil {
		c.learn(c.session)
	}
	return c.refused
}

// sessionOf returns the id of the session in the answer to a login.
func (c *remote) sessionOf(root *Element, refused *Refusal) (string, error) {
	user := c.server.Login
	switch {
	case refused.OfType("auth", "badpassword"):
		return "", fmt.Errorf("%w: user %s or the password in %s is wrong; no further login is tried in this run", publish.ErrDenied, user, c.server.Password)
	case refused.contains("captcha"):
		return "", fmt.Errorf("%w: the panel asks for a captcha after failed logins: log in as %s once with a browser", publish.ErrDenied, user)
	case refused != nil:
		return "", fmt.Errorf("%w: the panel does not let user %s in: %s", publish.ErrDenied, user, refused.Error())
	}
	auth := root.Child("auth")
	if auth == nil {
		return "", fmt.Errorf("%w: the panel answers the login of user %s without a session: two-factor authentication may be on for it; "+
			"switch it off for this user", publish.ErrDenied, user)
	}
	id := cmp.Or(auth.Attr("id"), auth.Text)
	if id == "" || len(id) > maxSession || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("the panel answers the login with a session that is none")
	}
	return id, nil
}

func (c *remote) learn(secret string) {
	c.masked = append(c.masked, secret, url.QueryEscape(secret))
	c.env.Learn(secret)
}

// mask hides the login's secrets in words of the panel: it repeats what it was sent.
func (c *remote) mask(text string) string {
	for _, secret := range c.masked {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}

// post sends one request and reads its answer.
func (c *remote) post(ctx context.Context, function string, params, secrets url.Values) (*Element, *Refusal, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	form := url.Values{"out": {"xml"}}
	for _, set := range []url.Values{params, secrets, {"func": {function}, "lang": {"en"}}} {
		maps.Copy(form, set)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	request.Header.Set("Referer", c.base) // panels refuse changes that seem to come from another site
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, plaintext.Error(err, 2*maxShown)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%s: reading the panel's answer: %w", function, err)
	case len(body) > maxBody:
		return nil, nil, fmt.Errorf("%s: the panel's answer has more than %d octets", function, maxBody)
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return nil, nil, fmt.Errorf("%s: the panel leads to another address: correct the url of the block (%s)", function, Shown(response.Status))
	}
	return c.read(function, response.StatusCode, body)
}

// read parses an answer. Panels send their error documents with the status 200; whatever else comes is told by its status.
func (c *remote) read(function string, status int, body []byte) (*Element, *Refusal, error) {
	root, err := parseXML(body)
	switch {
	case err != nil && status != http.StatusOK:
		return nil, nil, fmt.Errorf("%s: status %d: %s", function, status, c.mask(err.Error()))
	case err != nil:
		return nil, nil, fmt.Errorf("%s: %s", function, c.mask(err.Error()))
	}
	refused := refusalIn(root)
	if refused != nil {
		refused.Kind, refused.Object, refused.Value, refused.Text = c.mask(refused.Kind), c.mask(refused.Object), c.mask(refused.Value), c.mask(refused.Text)
	}
	if status != http.StatusOK && refused == nil {
		return nil, nil, fmt.Errorf("%s: the panel answers with status %d", function, status)
	}
	return root, refused, nil
}
