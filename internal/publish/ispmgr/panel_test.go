package ispmgr_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
	"pmssl/internal/publish/ispmgr"
	"pmssl/internal/publish/publishtest"
)

func TestARecordIsPublishedReplacedAndWithdrawn(t *testing.T) {
	onEachWay(t, func(t *testing.T, p panel, made publish.Publisher) {
		ctx, before := context.Background(), p.dump(t)
		for _, r := range []publish.Record{cname("_a1.www.example.com"), txt("_a2.www.example.com"), cname("_a3.example.com")} {
			zone, ok, err := made.Zone(ctx, r.Name)
			require.NoError(t, err)
			require.True(t, ok)
			assert.Equal(t, publish.Zone{Name: "example.com", Owner: "u1"}, zone)
			require.NoError(t, made.(publish.Checker).Check(ctx, zone.Name, r))
			assert.Equal(t, before, p.dump(t), "Check writes nothing")

			kind, shown := dns.TypeCNAME, "CNAME 0123.4567.unique.ssl.com."
			if r.Type == publish.TXT {
				kind, shown = dns.TypeTXT, "TXT a text\\; with=signs & <more>"
			}
			for range 2 {
				require.NoError(t, made.Publish(ctx, zone.Name, r, nil))
				assert.Equal(t, []string{strings.ReplaceAll(shown, `\;`, ";")}, p.at(t, r.Name, kind))
			}
			former := r.Value
			r.Value = "89ab.cdef.unique.ssl.com"
			require.ErrorIs(t, made.Publish(ctx, zone.Name, r, nil), publish.ErrConflict, "the former value is not known as the module's")
			require.ErrorIs(t, made.(publish.Checker).Check(ctx, zone.Name, r), publish.ErrConflict)
			require.NoError(t, made.Publish(ctx, zone.Name, r, []string{"other", former}))
			assert.Len(t, p.at(t, r.Name, kind), 1)

			first := r
			first.Value = former
			require.NoError(t, made.Withdraw(ctx, zone.Name, first), "a value that is not there")
			assert.Len(t, p.at(t, r.Name, kind), 1)
			for range 2 {
				require.NoError(t, made.Withdraw(ctx, zone.Name, r))
				assert.Empty(t, p.at(t, r.Name, kind))
			}
		}
		assert.Equal(t, before, p.dump(t))
		for _, one := range p.requests(t, "") {
			assert.Empty(t, one.Query, "nothing stands in a URL")
			assert.True(t, one.Local || one.Method == http.MethodPost)
		}
		assert.LessOrEqual(t, len(p.requests(t, "auth")), 1, "one session serves the whole run")
	})
}

func TestWhatStandsThereIsLeftAlone(t *testing.T) {
	p := start(t)
	made := p.publisher(t)
	p.add(t, "example.com", "_b1.www.example.com", "TXT", "foreign")
	p.add(t, "example.com", "_b2.www.example.com", "CNAME", "foreign.example.net.")
	before := p.dump(t)
	for name, c := range map[string]struct {
		record publish.Record
		is     error
		says   string
	}{
		"a foreign TXT":             {txt("_b1.www.example.com"), publish.ErrConflict, "TXT foreign"},
		"a CNAME over a TXT":        {cname("_b1.www.example.com"), publish.ErrConflict, "TXT foreign"},
		"a foreign CNAME":           {cname("_b2.www.example.com"), publish.ErrConflict, "CNAME foreign.example.net"},
		"a TXT over a CNAME":        {txt("_b2.www.example.com"), publish.ErrConflict, "CNAME foreign.example.net"},
		"a host of a wildcard":      {cname("_b.host.wild.example.com"), publish.ErrWildcard, "*.wild.example.com answers for it"},
		"a name of a wildcard":      {cname("_b.a.host.wild.example.com"), publish.ErrWildcard, "*.wild.example.com answers for it"},
		"a delegated name":          {cname("_b.sub.example.com"), publish.ErrConflict, "NS record at sub.example.com"},
		"below a DNAME":             {cname("_b.alias.example.com"), publish.ErrConflict, "DNAME record at alias.example.com"},
		"a zone of another name":    {cname("_b.example.org"), nil, "not below the zone"},
		"a name without underscore": {cname("www.example.com"), nil, "underscore"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, err := range []error{
				made.Publish(context.Background(), "example.com", c.record, nil),
				made.(publish.Checker).Check(context.Background(), "example.com", c.record),
			} {
				if c.is != nil {
					require.ErrorIs(t, err, c.is)
				}
				require.ErrorContains(t, err, c.says)
				require.ErrorContains(t, err, "publisher web7 at "+p.API)
			}
			require.NoError(t, made.Publish(context.Background(), "example.com", cname("_ok.www.example.com"), nil))
			require.NoError(t, made.Withdraw(context.Background(), "example.com", cname("_ok.www.example.com")))
			assert.Equal(t, before, p.dump(t))
		})
	}
}

func TestANameBelowAWildcardThatExistsIsWritten(t *testing.T) {
	p := start(t)
	ctx, made := context.Background(), p.publisher(t)
	p.add(t, "example.com", "own.wild.example.com", "A", "192.0.2.3")
	p.add(t, "example.com", "x.empty.wild.example.com", "A", "192.0.2.3")
	for _, name := range []string{"_c.own.wild.example.com", "_c.empty.wild.example.com", "_c.wild.example.com", "_c.new.example.com"} {
		require.NoError(t, made.Publish(ctx, "example.com", cname(name), nil), name)
	}
	assert.Equal(t, []string{"A 192.0.2.3"}, p.at(t, "own.wild.example.com", dns.TypeA))
	assert.Equal(t, []string{"A 192.0.2.2"}, p.at(t, "other.wild.example.com", dns.TypeA))
}

func TestTheZoneWithTheLongestNameCounts(t *testing.T) {
	onEachWay(t, func(t *testing.T, p panel, made publish.Publisher) {
		ctx := context.Background()
		p.zone(t, "x.example.com", "u2")
		p.zone(t, "wwww.example.com", "u3")
		p.zone(t, "xn--e1afmkfd.xn--p1ai", "u4")
		p.Control(t, "POST", "/zones", object{"name": "copied.example.com", "owner": "u1", "slave": true}, nil)
		p.zone(t, "twice.example.com", "u1")
		p.zone(t, "twice.example.com", "u2")
		for name, want := range map[string]publish.Zone{
			"example.com": {Name: "example.com", Owner: "u1"}, "a.b.example.com": {Name: "example.com", Owner: "u1"},
			"a.x.example.com": {Name: "x.example.com", Owner: "u2"}, "x.example.com": {Name: "x.example.com", Owner: "u2"},
			"ax.example.com":          {Name: "example.com", Owner: "u1"},
			"a.xn--e1afmkfd.xn--p1ai": {Name: "xn--e1afmkfd.xn--p1ai", Owner: "u4"},
			"example.org":             {}, "com": {}, "a.copied.example.com": {},
		} {
			zone, ok, err := made.Zone(ctx, name)
			require.NoError(t, err, name)
			assert.Equal(t, want, zone, name)
			assert.Equal(t, want.Name != "", ok, name)
		}
		_, _, err := made.Zone(ctx, "a.twice.example.com")
		require.ErrorContains(t, err, "twice")
		_, _, err = made.Zone(ctx, "a/b.example.com")
		require.ErrorContains(t, err, "not a host name")
	})
}

func TestZonesWithNamesOfManyScripts(t *testing.T) {
	for _, unicode := range []bool{true, false} {
		onEachWay(t, func(t *testing.T, p panel, made publish.Publisher) {
			p.set(t, object{"unicode": unicode})
			const zone = "xn--e1afmkfd.xn--p1ai"
			p.zone(t, zone, "u4", record{Name: zone, Type: "A", Value: "192.0.2.1"}, record{Name: "*." + zone, Type: "A", Value: "192.0.2.1"})
			ctx, before := context.Background(), p.dump(t)
			r := publish.Record{Domain: zone, Type: publish.CNAME, Name: "_d." + zone, Value: "xn--80ak6aa92e.ssl.com"}
			require.NoError(t, made.Publish(ctx, zone, r, nil))
			assert.Equal(t, []string{"CNAME xn--80ak6aa92e.ssl.com."}, p.at(t, r.Name, dns.TypeCNAME))
			former := r.Value
			r.Value = "new.ssl.com"
			require.NoError(t, made.Publish(ctx, zone, r, []string{former}))
			require.NoError(t, made.Withdraw(ctx, zone, r))
			assert.Equal(t, before, p.dump(t))
			host := publish.Record{Domain: "a." + zone, Type: publish.CNAME, Name: "_d.a." + zone, Value: "x.ssl.com"}
			require.ErrorIs(t, made.Publish(ctx, zone, host, nil), publish.ErrWildcard)
		})
	}
}

func TestPanelsThatShowAndAskInOtherWays(t *testing.T) {
	for name, settings := range map[string]object{
		"confirm": {"confirm": true}, "referer_confirm": {"referer_confirm": true}, "short names": {"short_names": true},
		"quotes": {"quotes": true}, "no description of forms": {"metadata": false}, "no pages": {"all_at_once": true}, "a long TTL": {"min_ttl": 300},
	} {
		t.Run(name, func(t *testing.T) {
			onEachWay(t, func(t *testing.T, p panel, made publish.Publisher) {
				p.set(t, settings)
				ctx, before := context.Background(), p.dump(t)
				for _, r := range []publish.Record{cname("_e.www.example.com"), txt("_f.www.example.com"), cname("_e.example.com")} {
					require.NoError(t, made.Publish(ctx, "example.com", r, nil))
					former := r.Value
					r.Value = "new.ssl.com"
					require.NoError(t, made.Publish(ctx, "example.com", r, []string{former}))
					require.NoError(t, made.Publish(ctx, "example.com", r, nil))
					require.NoError(t, made.Withdraw(ctx, "example.com", r))
				}
				assert.Equal(t, before, p.dump(t))
			})
		})
	}
}

func TestATTLThatIsRefusedAltogetherIsAnError(t *testing.T) {
	p := start(t)
	p.set(t, object{"min_ttl": 3600})
	require.ErrorContains(t, p.publisher(t).Publish(context.Background(), "example.com", cname("_g.www.example.com"), nil), "value/ttl (300)")
}

func TestARecordThatTheDNSDoesNotShowIsNotCalledPublished(t *testing.T) {
	p := start(t)
	ctx, made, before := context.Background(), p.publisher(t), p.dump(t)
	p.set(t, object{"append_zone": true})
	err := made.Publish(ctx, "example.com", cname("_h.www.example.com"), nil)
	require.ErrorContains(t, err, "wrote the record as _h.www.example.com.example.com")
	assert.Equal(t, before, p.dump(t), "what came elsewhere is removed")
	p.set(t, object{"append_zone": false})
	p.fault(t, object{"function": "domain.record.edit", "submit": true, "kind": "body", "text": "<doc><ok/></doc>"})
	require.ErrorContains(t, made.Publish(ctx, "example.com", cname("_h.www.example.com"), nil), "accepted the record and does not show it")
}

func TestALostAnswerIsMadeUpForByTheNextRun(t *testing.T) {
	p := start(t)
	ctx, made, before := context.Background(), p.publisher(t), p.dump(t)
	for _, kind := range []string{"drop_before", "drop_after", "truncate"} {
		for _, function := range []string{"domain", "domain.record", "domain.record.edit", "domain.record.delete"} {
			for skip := range 2 {
				r := cname("_i.www.example.com")
				p.fault(t, object{"function": function, "kind": kind, "times": 1, "skip": skip})
				_ = made.Publish(ctx, "example.com", r, nil)
				p.Control(t, "DELETE", "/faults", nil, nil)
				require.NoError(t, made.Publish(ctx, "example.com", r, nil))
				assert.Len(t, p.at(t, r.Name, dns.TypeCNAME), 1)
				p.fault(t, object{"function": function, "kind": kind, "times": 1, "skip": skip})
				_ = made.Withdraw(ctx, "example.com", r)
				p.Control(t, "DELETE", "/faults", nil, nil)
				require.NoError(t, made.Withdraw(ctx, "example.com", r))
				assert.Equal(t, before, p.dump(t))
			}
		}
	}
}

func TestASessionThatEndedIsOpenedOnceMore(t *testing.T) {
	p := start(t)
	ctx, made := context.Background(), p.publisher(t)
	require.NoError(t, made.Publish(ctx, "example.com", cname("_j.www.example.com"), nil))
	p.Control(t, "POST", "/sessions/end", nil, nil)
	require.NoError(t, made.Withdraw(ctx, "example.com", cname("_j.www.example.com")))
	assert.Len(t, p.requests(t, "auth"), 2)
	p.set(t, object{"session_life": "0s"})
	time.Sleep(time.Millisecond)
	err := made.Withdraw(ctx, "example.com", cname("_j.www.example.com"))
	require.ErrorIs(t, err, publish.ErrDenied)
	require.ErrorIs(t, made.Withdraw(ctx, "example.com", cname("_j.www.example.com")), publish.ErrDenied)
	assert.LessOrEqual(t, len(p.requests(t, "auth")), 3)
}

func TestAUserWithTheRightsOfTheSampleMayPublish(t *testing.T) {
	p := start(t)
	block := publishtest.Sample(t, "ispmgr.conf")
	functions := []string{"domain", "domain.record", "domain.record.edit", "domain.record.delete"}
	user := func(functions ...string) {
		p.Control(t, "POST", "/users", object{"name": block.Login, "password": p.Password, "level": "admin", "functions": functions}, nil)
	}
	made := func() publish.Publisher {
		return p.publisher(t, func(b *publish.Block, _ *publish.Env) {
			own := *b
			*b = block
			b.URL, b.Pin, b.Password = own.URL, own.Pin, own.Password
		})
	}
	user(functions...)
	require.NoError(t, made().Publish(context.Background(), "example.com", cname("_k.www.example.com"), nil))
	require.NoError(t, made().Withdraw(context.Background(), "example.com", cname("_k.www.example.com")))
	for i, missing := range functions {
		user(append(append([]string{"whoami"}, functions[:i]...), functions[i+1:]...)...)
		err := made().Publish(context.Background(), "example.com", cname("_k.www.example.com"), nil)
		if err == nil {
			err = made().Withdraw(context.Background(), "example.com", cname("_k.www.example.com"))
		}
		require.ErrorIs(t, err, publish.ErrDenied)
		require.ErrorContains(t, err, "may not use "+missing)
	}
}

func TestAUserWhoseZoneItIsSeesNoOwner(t *testing.T) {
	p := start(t)
	made := p.publisher(t, func(b *publish.Block, _ *publish.Env) { b.Login, b.Password = "u1", publishtest.SecretFile(t, "x") })
	zone, ok, err := made.Zone(context.Background(), "www.example.com")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Empty(t, zone.Owner, "so the zone is no evidence")
}

func TestAZoneThatIsGoneHoldsNothing(t *testing.T) {
	onEachWay(t, func(t *testing.T, p panel, made publish.Publisher) {
		p.zone(t, "example.org", "u1")
		p.Control(t, "DELETE", "/zones/example.com", nil, nil)
		require.NoError(t, made.Withdraw(context.Background(), "example.com", cname("_l.www.example.com")))
		require.ErrorContains(t, made.Publish(context.Background(), "example.com", cname("_l.www.example.com"), nil), "does not have this zone")
	})
}

func TestLongListsAreReadWhole(t *testing.T) {
	onEachWay(t, func(t *testing.T, p panel, made publish.Publisher) {
		var records []record
		for i := range 2300 {
			records = append(records, record{Name: "r" + strings.Repeat("a", i%50) + string(rune('a'+i%26)) + ".long.example", Type: "TXT", Value: "v" + strings.Repeat("b", i%200)})
		}
		records = append(records, record{Name: "_m.www.long.example", Type: "TXT", Value: "foreign"})
		p.zone(t, "long.example", "u1", records...)
		for _, allAtOnce := range []bool{false, true} {
			p.set(t, object{"all_at_once": allAtOnce})
			r := publish.Record{Type: publish.CNAME, Name: "_m.www.long.example", Value: "x.ssl.com"}
			require.ErrorIs(t, made.Publish(context.Background(), "long.example", r, nil), publish.ErrConflict)
		}
	})
}

func TestTheSecretsAreMaskedAndNotLogged(t *testing.T) {
	p := start(t)
	env, seen := publishtest.Env(t)
	made := p.publisher(t, func(_ *publish.Block, e *publish.Env) { *e = env })
	require.NoError(t, made.Publish(context.Background(), "example.com", cname("_n.www.example.com"), nil))
	require.Len(t, seen.Secrets(), 2, "the password and the session")
	p.fault(t, object{"kind": "error", "type": "value", "object": seen.Secrets()[1], "text": "you sent " + p.Password + " and " + url.QueryEscape(p.Password)})
	err := made.Withdraw(context.Background(), "example.com", cname("_n.www.example.com"))
	for _, secret := range append(seen.Secrets(), url.QueryEscape(p.Password)) {
		assert.NotContains(t, seen.Text(), secret)
		require.NotContains(t, err.Error(), secret)
	}
}

func TestASilentPanelEndsWithTheContext(t *testing.T) {
	p := start(t)
	p.fault(t, object{"kind": "hang"})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	require.ErrorIs(t, p.publisher(t).Publish(ctx, "example.com", cname("_o.www.example.com"), nil), context.Canceled)
}

// against returns a publisher for a panel that a handler plays after the login.
func against(t testing.TB, answers func(function string, form url.Values) string) publish.Publisher {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		function := r.PostForm.Get("func")
		if function == "auth" && answers("auth", r.PostForm) == "" {
			_, _ = w.Write([]byte(`<doc><auth id="abc" level="30">abc</auth></doc>`))
			return
		}
		_, _ = w.Write([]byte(answers(function, r.PostForm)))
	}))
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL + "/ispmgr")
	require.NoError(t, err)
	env, _ := publishtest.Env(t)
	made, err := ispmgr.New(publish.Block{Name: "web7", URL: address, Pin: pinOf(server), Login: "pmssl", Password: publishtest.SecretFile(t, "pw")}, env)
	require.NoError(t, err)
	return made
}
