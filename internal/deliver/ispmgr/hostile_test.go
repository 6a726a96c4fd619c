package ispmgr_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/deliver"
	"pmssl/internal/deliver/ispmgr"
	"pmssl/internal/publish"
	"pmssl/internal/publish/publishtest"
)

// script is a panel that answers each function with one document, its submission by FUNCTION!, and with FUNCTION?secure where the field
// site_secure is sent.
type script struct {
	mu      sync.Mutex
	answers map[string]string
	sent    map[string]url.Values // what was submitted
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	function := r.PostForm.Get("func")
	if r.PostForm.Get("sok") != "" {
		function += "!"
		s.sent[function] = r.PostForm
	}
	answer := s.answers[function]
	if special, known := s.answers[function+"?secure"]; known && r.PostForm.Get("site_secure") != "" {
		answer = special
	}
	if function == "auth" && answer == "" {
		answer = `<doc><auth id="abc">abc</auth></doc>`
	}
	_, _ = w.Write([]byte(answer))
}

func escaped(text string) string {
	var to strings.Builder
	_ = xml.EscapeText(&to, []byte(text))
	return to.String()
}

// scripted returns a panel with one site and one certificate, and a deliverer for it.
func scripted(t *testing.T, old deliver.Certificate) (*script, deliver.Deliverer, *publishtest.Seen) {
	t.Helper()
	s := &script{sent: map[string]url.Values{}, answers: map[string]string{
		"webdomain":        `<doc><elem><id>7</id><name>example.com</name><owner>u1</owner></elem></doc>`,
		"site.edit":        `<doc><elid>7</elid><site_name>example.com</site_name><site_owner>u1</site_owner><site_ssl_cert>c1</site_ssl_cert><site_secure>on</site_secure></doc>`,
		"site.edit!":       `<doc><ok/></doc>`,
		"sslcert":          `<doc><elem><owner>u1</owner><key>u1%#%c1</key><name>c1</name><info>example.com</info><valid_after>2026-05-11</valid_after></elem></doc>`,
		"sslcert.edit":     `<doc><cert>` + escaped(old.Leaf) + `</cert></doc>`,
		"sslcert.prolong":  `<doc><cert/><bundle/><comment>kept</comment></doc>`,
		"sslcert.prolong!": `<doc><ok/></doc>`,
		"sslcert.setcrt":   `<doc><username/><name/><cert/><key/><bundle/></doc>`,
		"sslcert.setcrt!":  `<doc><ok/></doc>`,
	}}
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL + "/ispmgr")
	require.NoError(t, err)
	sum := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
	env, seen := publishtest.Env(t)
	made, err := ispmgr.New(publish.Deploy{Name: "web7", URL: address, Pin: "sha256/" + base64.StdEncoding.EncodeToString(sum[:]), Login: "pmssl", Key: true,
		Password: publishtest.SecretFile(t, "pw"), Check: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}}, env)
	require.NoError(t, err)
	return s, made, seen
}

func TestAnAnswerThatIsNotThePanelsChangesNothing(t *testing.T) {
	ca, key := newIssuer(t), newKey(t)
	old, fresh := ca.issue(t, key, 40, "example.com"), ca.issue(t, key, 80, "example.com")
	wrong := map[string]string{
		"nothing": "", "a page": "<!DOCTYPE html><html><body>Log in\x1b[31m</body></html>", "another root": `<?xml version="1.0"?><html/>`,
		"entities": `<?xml version="1.0"?><!DOCTYPE doc [<!ENTITY a "x">]><doc>&a;</doc>`, "many octets": "<doc>" + strings.Repeat(" ", 17<<20) + "</doc>",
		"depth": "<doc>" + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + "</doc>", "cut off": "<doc><elem><name>example.com</name>",
		"another function": `<doc func="desktop"/>`, "access": `<doc><error type="access" object="x"/></doc>`, "no function": `<doc><error type="missed" object="func"/></doc>`,
		"a long refusal": `<doc><error type="license"><msg>` + strings.Repeat("é", 5000) + `</msg></error></doc>`,
	}
	for _, function := range []string{"auth", "webdomain", "site.edit", "sslcert", "sslcert.edit", "sslcert.prolong"} {
		for name, answer := range wrong {
			if function == "auth" && name == "nothing" || function == "sslcert.edit" && name == "a long refusal" {
				continue // the script logs in then; a single certificate that cannot be shown is no trouble
			}
			s, made, seen := scripted(t, old)
			s.answers[function] = answer
			err := made.Deliver(context.Background(), order, sites("u1", "example.com"), withPrivate(fresh, key))
			require.Error(t, err, "%s: %s", function, name)
			assert.Less(t, len(err.Error()), 1200, "%s: %s", function, name)
			assert.NotContains(t, err.Error(), "\x1b")
			require.NotErrorIs(t, err, deliver.ErrByHand, "%s: %s", function, name)
			assert.Empty(t, s.sent, "%s: %s", function, name)
			assert.NotContains(t, seen.Text(), "PRIVATE KEY")
		}
	}
}

func TestARowOrAFormThatShowsSomethingElse(t *testing.T) {
	ca, key := newIssuer(t), newKey(t)
	old, fresh := ca.issue(t, key, 40, "example.com"), ca.issue(t, key, 80, "example.com")
	for name, c := range map[string]struct{ function, old, new, says string }{
		"the site twice":                   {"webdomain", "<doc>", "<doc><elem><name>example.com</name><owner>u2</owner></elem>", "the site example.com twice"},
		"a site without name":              {"webdomain", "<doc>", "<doc><elem><id>1</id></elem>", "has no name"},
		"fewer sites than counted":         {"webdomain", "</doc>", "<p_elems>9</p_elems></doc>", "1 of 9 rows"},
		"another owner in the list":        {"webdomain", "u1", "u2", "belongs to u2 now"},
		"no owner in the list":             {"webdomain", "u1", "", "belongs to  now"},
		"another owner in the form":        {"site.edit", "u1", "u2", "shows the owner u2, the list of sites u1"},
		"another site in the form":         {"site.edit", "example.com", "example.net", "shows the site example.net"},
		"no site in the form":              {"site.edit", "example.com", "", "shows the site "},
		"a certificate without name":       {"sslcert", "<doc>", "<doc><elem><key>x</key></elem>", "has no name"},
		"a key of two certificates":        {"sslcert", "u1%#%c1", "u1%#%c1, u1%#%c2", "for no certificate or for several"},
		"a key of another owner":           {"sslcert", "u1%#%", "u2%#%", "the key u2%#%c1 of another one"},
		"a key of another name":            {"sslcert", "%#%c1", "%#%c2", "the key u1%#%c2 of another one"},
		"the certificate twice":            {"sslcert", "<doc>", "<doc><elem><owner>u1</owner><name>c1</name></elem>", "has the certificate c1 twice"},
		"the form of another certificate":  {"sslcert.prolong", "<doc>", "<doc><elid>u1%#%c2</elid>", "is for another one"},
		"the form of another name":         {"sslcert.prolong", "<doc>", "<doc><name>c2</name>", "is for another one"},
		"a form that wants the key":        {"sslcert.prolong", "<doc>", `<doc><metadata><form><field name="key"><textarea name="key" required="yes"/></field></form></metadata>`, "wants the field key"},
		"a form that hides the chain":      {"sslcert.prolong", "<doc>", `<doc><metadata><form><field name="comment"><select name="comment"><if value="kept" hide="bundle"/></select></field></form></metadata>`, "hides the field bundle"},
		"a panel that does not say its ok": {"sslcert.prolong!", "<ok/>", "", "no <ok/>"},
		"a panel that leads elsewhere":     {"sslcert.prolong!", "<ok/>", `<ok type="url">x</ok>`, "no <ok/>"},
		"a panel that asks without end":    {"sslcert.prolong!", "<doc>", `<doc func="confirm">`, "does not show"},
		"a panel that refuses":             {"sslcert.prolong!", "<ok/>", `<error type="value" object="cert"><msg>wrong</msg></error>`, "refuses sslcert.prolong: value/cert: wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			s, made, _ := scripted(t, old)
			s.answers[c.function] = strings.Replace(s.answers[c.function], c.old, c.new, 1)
			err := made.Deliver(context.Background(), order, sites("u1", "example.com"), withPrivate(fresh, key))
			require.ErrorContains(t, err, c.says)
			if !strings.HasSuffix(c.function, "!") {
				assert.Empty(t, s.sent)
			}
		})
	}
}

func TestOnlyTheFormsOwnFieldsGoBackWithARenewal(t *testing.T) {
	ca, key := newIssuer(t), newKey(t)
	old, fresh := ca.issue(t, key, 40, "example.com"), ca.issue(t, key, 80, "example.com")
	s, made, _ := scripted(t, old)
	s.answers["sslcert.prolong"] = `<doc><cert>` + escaped(old.Leaf) + `</cert><bundle/><comment>kept</comment><private>` + escaped(key.text) + `</private></doc>`
	require.ErrorContains(t, made.Deliver(context.Background(), order, sites("u1", "example.com"), fresh), "does not show certificate "+fresh.Serial+" as its certificate c1")
	assert.Equal(t, url.Values{"func": {"sslcert.prolong"}, "out": {"xml"}, "lang": {"en"}, "auth": {"abc"}, "sok": {"ok"}, "elid": {"u1%#%c1"}, "cert": {fresh.Leaf},
		"bundle": {fresh.Chain}, "comment": {"kept"}}, s.sent["sslcert.prolong!"])
}

func TestTheKeyGoesIntoItsFieldOnly(t *testing.T) {
	ca, key, other := newIssuer(t), newKey(t), newKey(t)
	s, made, seen := scripted(t, ca.issue(t, other, 40, "example.com"))
	s.answers["sslcert.setcrt"] = `<doc><username/><slist name="username"><val key="u1"/><val key="u2"/></slist><name/><cert/><key>` + escaped(other.text) + `</key><bundle/><type>existing</type></doc>`
	s.answers["sslcert.setcrt!"] = `<doc><error type="value" object="key"><msg>` + escaped(key.text) + `</msg></error></doc>`
	fresh := withPrivate(ca.issue(t, key, 80, "example.com"), key)
	err := made.Deliver(context.Background(), order, sites("u1", "example.com"), fresh)
	require.ErrorContains(t, err, "the panel refuses sslcert.setcrt: value/key")
	sent := s.sent["sslcert.setcrt!"]
	assert.Equal(t, key.text, sent.Get("key"))
	sent.Del("key")
	assert.NotContains(t, sent.Encode(), "PRIVATE")
	assert.Equal(t, []string{"u1", "existing", "ok"}, []string{sent.Get("username"), sent.Get("type"), sent.Get("sok")})
	for _, line := range strings.Split(strings.TrimSpace(key.text), "\n") {
		assert.NotContains(t, err.Error(), line)
		assert.NotContains(t, seen.Text(), line)
	}
	s.answers["sslcert.setcrt"] = strings.ReplaceAll(s.answers["sslcert.setcrt"], `key="u1"`, `key="u3"`)
	delete(s.sent, "sslcert.setcrt!")
	require.ErrorContains(t, made.Deliver(context.Background(), order, sites("u1", "example.com"), fresh), "does not offer the user u1 as owner")
	assert.Empty(t, s.sent)
}

func TestASiteThatOffersACertificateInSeveralWays(t *testing.T) {
	ca, key := newIssuer(t), newKey(t)
	old := ca.issue(t, key, 40, "example.com")
	for list, says := range map[string]string{
		`<val key="u1%#%c1"/><val key="c1"/>`: "offers certificate c1 in 2 ways", `<val key="c9"/>`: "in 0 ways", ``: "in 0 ways",
	} {
		s, made, _ := scripted(t, old)
		s.answers["site.edit"] = `<doc><site_name>example.com</site_name><site_ssl_cert>ssl_not_used</site_ssl_cert><site_secure>off</site_secure><slist name="site_ssl_cert">` + list + `</slist></doc>`
		require.ErrorContains(t, made.Deliver(context.Background(), order, sites("u1", "example.com"), old), says)
		assert.NotContains(t, s.sent, "site.edit!")
	}
}

func TestASiteThatOffersCertificatesOnlyWithTLS(t *testing.T) {
	ca, key := newIssuer(t), newKey(t)
	old := ca.issue(t, key, 40, "example.com")
	s, made, _ := scripted(t, old)
	s.answers["site.edit"] = `<doc><site_name>example.com</site_name><site_ssl_cert/><site_secure>off</site_secure><slist name="site_ssl_cert"/></doc>`
	s.answers["site.edit?secure"] = `<doc><site_name>example.com</site_name><site_ssl_cert/><site_secure>on</site_secure><slist name="site_ssl_cert"><val key="u1%#%c1"/></slist></doc>`
	s.answers["site.edit!?secure"] = `<doc><ok/></doc>`
	require.ErrorContains(t, made.Deliver(context.Background(), order, sites("u1", "example.com"), old), "accepted certificate u1%#%c1 for the site and does not show it")
	assert.Equal(t, url.Values{"func": {"site.edit"}, "out": {"xml"}, "lang": {"en"}, "auth": {"abc"}, "sok": {"ok"}, "elid": {"7"}, "site_ssl_cert": {"u1%#%c1"}, "site_secure": {"on"}},
		s.sent["site.edit!"])
}

func TestTheDataOfAnotherCertificateCountForNothing(t *testing.T) {
	ca, key := newIssuer(t), newKey(t)
	for _, other := range []string{"<elid>u1%#%c2</elid>", "<name>c2</name>"} {
		s, made, _ := scripted(t, ca.issue(t, key, 40, "example.com"))
		s.answers["sslcert.edit"] = strings.Replace(s.answers["sslcert.edit"], "<doc>", "<doc>"+other, 1)
		require.ErrorIs(t, made.Deliver(context.Background(), order, sites("u1", "example.com"), ca.issue(t, key, 80, "example.com")), deliver.ErrByHand)
		assert.Empty(t, s.sent)
	}
}

func TestWhatIsStoredWronglyIsNotDelivered(t *testing.T) {
	ca, key := newIssuer(t), newKey(t)
	good := ca.issue(t, key, 80, "example.com")
	for name, change := range map[string]func(c *deliver.Certificate){
		"no leaf":            func(c *deliver.Certificate) { c.Leaf = "" },
		"two leaves":         func(c *deliver.Certificate) { c.Leaf += c.Chain },
		"a key for a leaf":   func(c *deliver.Certificate) { c.Leaf = key.text },
		"a key in the chain": func(c *deliver.Certificate) { c.Chain += key.text },
		"a long chain":       func(c *deliver.Certificate) { c.Chain = strings.Repeat(c.Chain, 11) },
		"rubbish":            func(c *deliver.Certificate) { c.Leaf = encode("CERTIFICATE", []byte("rubbish")) },
	} {
		s, made, _ := scripted(t, good)
		wrong := good
		change(&wrong)
		err := made.Deliver(context.Background(), order, sites("u1", "example.com"), wrong)
		require.ErrorContains(t, err, "the stored", name)
		assert.NotContains(t, err.Error(), "PRIVATE")
		assert.Empty(t, s.sent)
	}
}

func TestASilentPanelEndsWithTheContext(t *testing.T) {
	p, ca, key := start(t), newIssuer(t), newKey(t)
	p.put("u1", "c1", ca.issue(t, key, 40, "example.com"), key, hostedSite{Name: "example.com"})
	for _, function := range []string{"webdomain", "sslcert.edit", "sslcert.prolong"} {
		p.fault(object{"function": function, "kind": "hang"})
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(50*time.Millisecond, cancel)
		require.ErrorIs(t, p.deliverer().Deliver(ctx, order, sites("u1", "example.com"), ca.issue(t, key, 80, "example.com")), context.Canceled)
		p.clear()
	}
}

// A server that takes connections and says nothing costs seconds, and the certificate counts as unknown then.
func TestASilentSiteShowsNoKey(t *testing.T) {
	p, ca, key := start(t), newIssuer(t), newKey(t)
	p.put("u1", "c1", ca.issue(t, key, 40, "example.com"), key, hostedSite{Name: "example.com"})
	p.set(object{"hide_certificates": true})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_ = connection.Close()
		}
	}()
	address := netip.MustParseAddrPort(listener.Addr().String())
	fresh := ca.issue(t, key, 80, "example.com")
	err = p.deliverer(func(b *publish.Deploy) { b.Check = []netip.AddrPort{address} }).Deliver(context.Background(), order, sites("u1", "example.com"), fresh)
	require.ErrorIs(t, err, deliver.ErrByHand)
	assert.Contains(t, p.log.Text(), "no certificate is seen there")
	assert.Empty(t, p.changes())
	require.NoError(t, p.deliverer(func(b *publish.Deploy) { b.Check = append([]netip.AddrPort{address}, b.Check...) }).
		Deliver(context.Background(), order, sites("u1", "example.com"), fresh), "the next address answers")
}
