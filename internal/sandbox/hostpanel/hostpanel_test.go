package hostpanel_test

import (
	"crypto/rand"
	"io"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/hostpanel"
)

type fixture struct {
	*hostpanel.Panel
	now   time.Time
	names *hostpanel.NameServer
	http  *httptest.Server
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{now: time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)}
	f.Panel = hostpanel.New(hostpanel.Config{Now: func() (time.Time, error) { return f.now, nil }, Random: rand.Reader})
	var err error
	f.names, err = f.ServeDNS("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(f.names.Close)
	f.http = httptest.NewServer(f.Panel)
	t.Cleanup(f.http.Close)
	require.NoError(t, f.PutUser(hostpanel.User{Name: "u1", Password: "one", Level: hostpanel.LevelUser}))
	require.NoError(t, f.PutZone(hostpanel.Zone{Name: "example.com", Owner: "u1", Records: []hostpanel.Record{
		{Name: "example.com", Type: "NS", Value: "ns1.example.com."}, {Name: "www.example.com", Type: "A", Value: "192.0.2.1"},
		{Name: "*.wild.example.com", Type: "A", Value: "192.0.2.2"}, {Name: "sub.example.com", Type: "NS", Value: "ns.example.net."},
		{Name: "a.b.c.example.com", Type: "TXT", Value: "deep"}, {Name: "to.example.com", Type: "CNAME", Value: "www.example.com."},
	}}))
	return f
}

// call posts a function with name, value pairs and returns the answer.
func (f *fixture) call(t *testing.T, function string, pairs ...string) string {
	t.Helper()
	form := url.Values{"func": {function}, "out": {"xml"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	answer, err := f.http.Client().PostForm(f.http.URL+"/ispmgr", form)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(text)
}

func (f *fixture) login(t *testing.T, user, password string) string {
	t.Helper()
	found := regexp.MustCompile(`<auth id="([^"]+)"`).FindStringSubmatch(f.call(t, "auth", "username", user, "password", password))
	require.Len(t, found, 2)
	return found[1]
}

func (f *fixture) ask(t *testing.T, name string, kind uint16, network string) *dns.Msg {
	t.Helper()
	answer, _, err := (&dns.Client{Net: network}).Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), kind), f.names.Address())
	require.NoError(t, err)
	return answer
}

// RFC 1034 4.3.2, RFC 4592, RFC 2308.
func TestDNSAnswersFromTheZones(t *testing.T) {
	f := newFixture(t)
	for name, c := range map[string]struct {
		kind          uint16
		code, answers int
		authority     string
	}{
		"www.example.com":      {dns.TypeA, dns.RcodeSuccess, 1, ""},
		"WWW.Example.com":      {dns.TypeTXT, dns.RcodeSuccess, 0, "SOA"},
		"example.com":          {dns.TypeSOA, dns.RcodeSuccess, 1, ""},
		"none.example.com":     {dns.TypeA, dns.RcodeNameError, 0, "SOA"},
		"b.c.example.com":      {dns.TypeA, dns.RcodeSuccess, 0, "SOA"}, // an empty non-terminal
		"x.wild.example.com":   {dns.TypeA, dns.RcodeSuccess, 1, ""},
		"x.y.wild.example.com": {dns.TypeA, dns.RcodeSuccess, 1, ""},
		"to.example.com":       {dns.TypeA, dns.RcodeSuccess, 2, ""},
		"a.sub.example.com":    {dns.TypeA, dns.RcodeSuccess, 0, "NS"},
		"example.net":          {dns.TypeA, dns.RcodeRefused, 0, ""},
	} {
		for _, network := range []string{"udp", "tcp"} {
			answer := f.ask(t, name, c.kind, network)
			assert.Equal(t, c.code, answer.Rcode, name)
			assert.Len(t, answer.Answer, c.answers, name)
			assert.Equal(t, c.authority != "NS" && c.code != dns.RcodeRefused, answer.Authoritative, name)
			if c.authority == "" {
				assert.Empty(t, answer.Ns, name)
				continue
			}
			require.Len(t, answer.Ns, 1, name)
			assert.Equal(t, c.authority, dns.TypeToString[answer.Ns[0].Header().Rrtype], name)
		}
	}
}

func TestARecordBelowAWildcardHidesIt(t *testing.T) {
	f := newFixture(t)
	require.NoError(t, f.AddRecord("example.com", hostpanel.Record{Name: "_x.host.wild.example.com", Type: "TXT", Value: "v"}))
	assert.Empty(t, f.ask(t, "host.wild.example.com", dns.TypeA, "udp").Answer)
	assert.Len(t, f.ask(t, "other.wild.example.com", dns.TypeA, "udp").Answer, 1)
}

func TestFrozenDNSAnswersFromEarlier(t *testing.T) {
	f := newFixture(t)
	f.Freeze()
	require.NoError(t, f.AddRecord("example.com", hostpanel.Record{Name: "new.example.com", Type: "A", Value: "192.0.2.3"}))
	assert.Equal(t, dns.RcodeNameError, f.ask(t, "new.example.com", dns.TypeA, "udp").Rcode)
	f.Thaw()
	assert.Len(t, f.ask(t, "new.example.com", dns.TypeA, "udp").Answer, 1)
}

func TestRecordsAreAddedChangedAndDeletedByForms(t *testing.T) {
	f := newFixture(t)
	session := f.login(t, hostpanel.DefaultUser, hostpanel.DefaultPassword)
	assert.Contains(t, f.call(t, "domain", "auth", session), "<owner>u1</owner>")
	assert.Contains(t, f.call(t, "domain.record.edit", "auth", session, "plid", "example.com"), `<val key="cname">`)
	add := []string{"auth", session, "plid", "example.com", "name", "_x.www.example.com.", "ttl", "60", "rtype", "cname", "domain", "a.example.net.", "sok", "ok"}
	assert.Contains(t, f.call(t, "domain.record.edit", add...), "<ok></ok>")
	assert.Contains(t, f.call(t, "domain.record.edit", add...), `type="exists"`)
	assert.Len(t, f.ask(t, "_x.www.example.com", dns.TypeCNAME, "udp").Answer, 1)
	const key = "_x.www.example.com. CNAME  a.example.net."
	assert.Contains(t, f.call(t, "domain.record", "auth", session, "elid", "example.com"), "<rkey>"+key+"</rkey>")
	assert.Contains(t, f.call(t, "domain.record.edit", "auth", session, "plid", "example.com", "elid", key), "<domain>a.example.net.</domain>")
	assert.Contains(t, f.call(t, "domain.record.edit", append(slices.Clone(add), "elid", key, "domain", "b.example.net.")...), "<ok></ok>")
	assert.Contains(t, f.call(t, "domain.record.delete", "auth", session, "plid", "example.com", "elid", key), `type="missed"`)
	assert.Contains(t, f.call(t, "domain.record.delete", "auth", session, "plid", "example.com", "elid", strings.Replace(key, "a.", "b.", 1)), "<ok></ok>")
	assert.Equal(t, dns.RcodeNameError, f.ask(t, "_x.www.example.com", dns.TypeCNAME, "udp").Rcode)
	assert.Contains(t, f.call(t, "domain.record.edit", append(slices.Clone(add), "name", "www.example.com.")...), `type="exists"`)
	assert.Contains(t, f.call(t, "domain.record.edit", append(slices.Clone(add), "ttl", "5")...), `object="ttl"`)
	assert.Contains(t, f.call(t, "domain.record.edit", append(slices.Clone(add), "name", "_x.example.net.")...), `type="value"`)
}

func TestUsersSeeTheirOwnZonesOnly(t *testing.T) {
	f := newFixture(t)
	require.NoError(t, f.PutZone(hostpanel.Zone{Name: "other.example", Owner: "u2"}))
	session := f.login(t, "u1", "one")
	list := f.call(t, "domain", "auth", session)
	assert.Contains(t, list, "example.com")
	assert.NotContains(t, list, "other.example")
	assert.NotContains(t, list, "<owner>")
	assert.Contains(t, f.call(t, "domain.record", "auth", session, "elid", "other.example"), `type="access"`)
	require.NoError(t, f.PutUser(hostpanel.User{Name: "u1", Password: "one", Level: hostpanel.LevelUser, Functions: []string{"domain"}}))
	assert.Contains(t, f.call(t, "domain.record", "auth", session, "elid", "example.com"), `type="access"`)
}

func TestSessionsEndAndWrongPasswordsLockOut(t *testing.T) {
	f := newFixture(t)
	session := f.login(t, "u1", "one")
	f.now = f.now.Add(50 * time.Minute)
	assert.NotContains(t, f.call(t, "domain", "auth", session), "<error")
	f.now = f.now.Add(61 * time.Minute)
	assert.Contains(t, f.call(t, "domain", "auth", session), `type="auth"`)
	for range 5 {
		assert.Contains(t, f.call(t, "auth", "username", "u1", "password", "two"), "badpassword")
	}
	assert.Contains(t, f.call(t, "auth", "username", "u1", "password", "one"), "captcha")
}

func TestMgrctlNeedsNoLogin(t *testing.T) {
	f := newFixture(t)
	out, _, code := f.Mgrctl([]string{"-m", "dnsmgr", "-o", "xml", "domain"})
	assert.Zero(t, code)
	assert.Contains(t, out, "<user>u1</user>")
	_, complaint, code := f.Mgrctl([]string{"-m", "billmgr", "domain"})
	assert.NotZero(t, code)
	assert.Contains(t, complaint, "missed")
}

func TestSettingsThatAreAskedTwice(t *testing.T) {
	f := newFixture(t)
	session := f.login(t, hostpanel.DefaultUser, hostpanel.DefaultPassword)
	settings := hostpanel.DefaultSettings()
	settings.Confirm = true
	f.SetSettings(settings)
	const key = "www.example.com. A  192.0.2.1"
	assert.Contains(t, f.call(t, "domain.record.delete", "auth", session, "plid", "example.com", "elid", key), `func="confirm"`)
	assert.Len(t, f.ask(t, "www.example.com", dns.TypeA, "udp").Answer, 1)
	assert.Contains(t, f.call(t, "domain.record.delete", "auth", session, "plid", "example.com", "elid", key, "sok", "yes"), "<ok></ok>")
	settings.Confirm, settings.RefererConfirm = false, true
	f.SetSettings(settings)
	assert.Contains(t, f.call(t, "domain.record.delete", "auth", session, "plid", "example.com", "elid", "x", "sok", "yes"), "referer_confirm", "without a Referer")
}
