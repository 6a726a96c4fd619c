package ispmgr_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/deliver"
	"pmssl/internal/deliver/ispmgr"
	"pmssl/internal/publish"
	"pmssl/internal/publish/publishtest"
)

var order = deliver.Order{Item: 42, Account: 7}

// withPrivate returns the certificate with its private key.
func withPrivate(c deliver.Certificate, key keyPair) deliver.Certificate {
	c.Key = func(context.Context) (string, error) { return key.text, nil }
	return c
}

func TestASiteIsFoundByItsNameAndItsAliases(t *testing.T) {
	for _, column := range []bool{false, true} {
		p := start(t)
		p.set(object{"alias_column": column})
		p.site(hostedSite{Name: "xn--e1afmkfd.xn--p1ai", Owner: "u2", Aliases: []string{"www.xn--e1afmkfd.xn--p1ai"}})
		p.site(hostedSite{Name: "shop.example.com", Owner: "u2", Aliases: []string{"*.example.com", "two.example.com"}})
		p.site(hostedSite{Name: "third.example.com", Owner: "u2", Aliases: []string{"two.example.com"}})
		p.site(hostedSite{Name: "foreign.example.net", Owner: "u2", Aliases: []string{"alias.example.org"}})
		for name, want := range map[string]struct{ site, owner, says string }{
			"example.com":               {site: "example.com", owner: "u1"},
			"www.example.com":           {site: "example.com", owner: "u1"},
			"other.example.com":         {site: "shop.example.com", owner: "u2"},
			"a.other.example.com":       {},
			"two.example.com":           {says: "an alias of shop.example.com and of third.example.com"},
			"www.xn--e1afmkfd.xn--p1ai": {site: "xn--e1afmkfd.xn--p1ai", owner: "u2"},
			"example.org":               {},
			"Example.com":               {says: "not a host name"},
			"*.example.com":             {says: "not a host name"},
		} {
			site, kept, err := p.deliverer().Site(context.Background(), name)
			if want.says != "" {
				require.ErrorContains(t, err, want.says, name)
				continue
			}
			require.NoError(t, err, name)
			assert.Equal(t, want.site != "", kept, name)
			assert.Equal(t, []string{want.site, want.owner}, []string{site.Name, site.Owner}, name)
		}
		_, kept, err := p.deliverer().Site(context.Background(), "alias.example.org")
		require.NoError(t, err)
		assert.Equal(t, column, kept, "an alias of another registrable domain is found only where the list shows aliases")
		site, _, err := p.deliverer().Site(context.Background(), "example.com")
		require.NoError(t, err)
		assert.Equal(t, []string{"www.example.com"}, site.Aliases)
	}
}

// A panel may have tens of thousands of sites, and a certificate a hundred names.
func TestSitesAreListedOnceForAllNames(t *testing.T) {
	p := start(t)
	p.site(hostedSite{Name: "shop.example.com", Owner: "u2"})
	d := p.deliverer()
	for _, name := range []string{"example.com", "www.example.com", "shop.example.com", "none.example.com"} {
		_, _, err := d.Site(t.Context(), name)
		require.NoError(t, err)
	}
	assert.Len(t, p.requests("webdomain"), 1)
	ca, key := newIssuer(t), newKey(t)
	p.put("u1", "mine", ca.issue(t, key, 30, "example.com"), key, hostedSite{Name: "example.com"})
	p.put("u2", "other", ca.issue(t, key, 30, "shop.example.com"), key, hostedSite{Name: "shop.example.com"})
	require.NoError(t, d.Deliver(t.Context(), order, append(sites("u1", "example.com"), sites("u2", "shop.example.com")...),
		ca.issue(t, key, 90, "example.com", "shop.example.com")))
	assert.Len(t, p.requests("webdomain"), 2, "whose a site is is read anew before anything is changed")
	p.site(hostedSite{Name: "new.example.com", Owner: "u2"})
	p.later = time.Hour
	_, kept, err := d.Site(t.Context(), "new.example.com")
	require.NoError(t, err)
	assert.True(t, kept, "the list is not kept for long")
}

// A user without rights sees an empty list. That does not end the deliveries of all clients for the terms of their certificates.
func TestAPanelWithoutAnySiteIsAnError(t *testing.T) {
	p := start(t)
	p.fault(object{"function": "webdomain", "kind": "body", "text": `<doc func="webdomain"><p_elems>0</p_elems></doc>`})
	_, _, err := p.deliverer().Site(t.Context(), "example.com")
	require.ErrorContains(t, err, "the panel shows no site at all")
}

func TestACertificateOfTheSameKeyIsRenewed(t *testing.T) {
	for name, way := range map[string]func(b *publish.Deploy){"by HTTPS": func(*publish.Deploy) {}, "by mgrctl": local} {
		for setting, settings := range map[string]object{
			"as it is installed": {}, "the panel shows no certificates": {"hide_certificates": true}, "confirm": {"confirm": true},
			"referer_confirm": {"referer_confirm": true}, "no description of forms": {"metadata": false}, "long choices": {"long_choices": true},
			"other names of fields": {"fields": object{"sslcert.prolong cert": "crt", "sslcert.prolong bundle": "cacrt", "sslcert.edit cert": "crt"}},
		} {
			t.Run(name+", "+setting, func(t *testing.T) {
				p, ca, key := start(t), newIssuer(t), newKey(t)
				p.put("u1", "c1", ca.issue(t, key, 40, "example.com", "www.example.com"), key, hostedSite{Name: "example.com"})
				p.put("u2", "c1", ca.issue(t, key, 40, "example.com", "www.example.com"), key)
				p.set(settings)
				made, fresh := p.deliverer(way), ca.issue(t, key, 80, "example.com", "www.example.com")
				require.NoError(t, made.(deliver.Checker).Check(context.Background(), sites("u1", "example.com")))
				assert.Empty(t, p.changes())
				for range 2 {
					require.NoError(t, made.Deliver(context.Background(), order, sites("u1", "example.com"), fresh))
					assert.Equal(t, fresh.Serial, p.served("example.com"))
				}
				_, all := p.state()
				assert.Equal(t, fresh.Chain, all["u1/c1"].Chain)
				assert.NotEqual(t, fresh.Serial, all["u2/c1"].Serial, "another owner's certificate of the same key stays")
				submissions := 1
				if strings.HasSuffix(setting, "confirm") && (name == "by HTTPS" || setting == "confirm") || setting == "referer_confirm" {
					submissions = 2
				}
				assert.Equal(t, map[string]int{"sslcert.prolong": submissions}, p.changes(), "what is there already is not written again")
				for _, r := range p.requests("") {
					assert.Empty(t, r.Query)
					assert.NotContains(t, r.Fields, "key")
				}
				assert.Contains(t, p.log.Text(), "item 42: deploy web7: the panel's certificate c1 of u1 was renewed")
			})
		}
	}
}

func TestACertificateOfANewKeyIsAddedAndUsed(t *testing.T) {
	for setting, settings := range map[string]object{
		"as it is installed": {}, "the panel shows no certificates": {"hide_certificates": true}, "confirm": {"confirm": true}, "long choices": {"long_choices": true},
		"no description of forms": {"metadata": false},
		"other names of fields":   {"fields": object{"sslcert.setcrt cert": "certificate", "sslcert.setcrt key": "private_key", "sslcert.setcrt bundle": "ca", "sslcert.setcrt username": "owner"}},
	} {
		for begin, old := range map[string]bool{"a site without a certificate": false, "a site with one of another key": true} {
			t.Run(setting+", "+begin, func(t *testing.T) {
				p, ca, key := start(t), newIssuer(t), newKey(t)
				if old {
					other := newKey(t)
					p.put("u1", "c1", ca.issue(t, other, 40, "example.com"), other, hostedSite{Name: "example.com", Email: "a@example.com"})
				}
				p.set(settings)
				made, fresh := p.deliverer(withKey), withPrivate(ca.issue(t, key, 80, "example.com", "*.example.com"), key)
				require.NoError(t, made.(deliver.Checker).Check(context.Background(), sites("u1", "example.com")))
				assert.Empty(t, p.changes())
				for range 2 {
					require.NoError(t, made.Deliver(context.Background(), order, sites("u1", "example.com"), fresh))
					assert.Equal(t, fresh.Serial, p.served("example.com"))
				}
				hosted, all := p.state()
				added := all["u1/"+hosted[0].Certificate]
				assert.Equal(t, []string{fresh.Serial, fresh.Chain}, []string{added.Serial, added.Chain})
				assert.Regexp(t, `^example\.com_[0-9a-f]{12}$`, added.Name)
				assert.Equal(t, "a@example.com", hosted[0].Email, "the site's other settings stay")
				if setting != "confirm" {
					assert.Equal(t, map[string]int{"sslcert.setcrt": 1, "site.edit": 1}, p.changes())
				}
				assertNoKey(t, p, key, nil)
			})
		}
	}
}

// assertNoKey checks that no piece of a private key is in the log, in requests but the body of one, in mgrctl's arguments and in an error.
func assertNoKey(t *testing.T, p *panel, key keyPair, err error) {
	t.Helper()
	lines := strings.Split(key.text, "\n")
	var requests any
	p.Control(t, "GET", "/requests", nil, &requests)
	for _, r := range p.requests("") {
		assert.Empty(t, r.Query)
		assert.True(t, r.Local || r.Method == "POST")
		assert.False(t, r.Local && r.Function == "sslcert.setcrt" && r.Sok != "", "no key goes by mgrctl")
	}
	for _, text := range []string{p.log.Text(), errorText(err)} {
		for i := 0; i+8 < len(lines[1]); i += 4 {
			require.NotContains(t, text, lines[1][i:i+8])
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAnAnswerThatIsLostIsMadeUpForByTheNextTry(t *testing.T) {
	for _, renew := range []bool{true, false} {
		for _, kind := range []string{"drop_before", "drop_after", "truncate"} {
			for _, function := range []string{"webdomain", "site.edit", "sslcert", "sslcert.edit", "sslcert.prolong", "sslcert.setcrt"} {
				for skip := range 3 {
					p, ca, key := start(t), newIssuer(t), newKey(t)
					if renew {
						p.put("u1", "c1", ca.issue(t, key, 40, "example.com"), key, hostedSite{Name: "example.com"})
					}
					made, fresh := p.deliverer(withKey), withPrivate(ca.issue(t, key, 80, "example.com"), key)
					p.fault(object{"function": function, "kind": kind, "times": 1, "skip": skip})
					_ = made.Deliver(context.Background(), order, sites("u1", "example.com"), fresh)
					p.clear()
					require.NoError(t, p.deliverer(withKey).Deliver(context.Background(), order, sites("u1", "example.com"), fresh))
					assert.Equal(t, fresh.Serial, p.served("example.com"))
					_, all := p.state()
					assert.Len(t, all, 1, "nothing is added twice: %s %s %d", kind, function, skip)
					if t.Failed() {
						return
					}
				}
			}
		}
	}
}

func TestADeliveryThatWasKilledAfterTheCertificateWasAddedFindsIt(t *testing.T) {
	for _, hide := range []bool{false, true} {
		p, ca, key := start(t), newIssuer(t), newKey(t)
		p.set(object{"hide_certificates": hide})
		fresh := withPrivate(ca.issue(t, key, 80, "example.com"), key)
		p.fault(object{"function": "site.edit", "submit": true, "kind": "drop_before", "times": 1})
		require.Error(t, p.deliverer(withKey).Deliver(context.Background(), order, sites("u1", "example.com"), fresh))
		assert.Empty(t, p.served("example.com"))
		fresh.Key = func(context.Context) (string, error) { return "", errors.New("the key is not asked for again") }
		require.NoError(t, p.deliverer(withKey).Deliver(context.Background(), order, sites("u1", "example.com"), fresh))
		assert.Equal(t, fresh.Serial, p.served("example.com"))
		assert.Equal(t, 1, p.changes()["sslcert.setcrt"])
	}
}

func TestOfTwoCertificatesOfOneKeyThoseAreRenewedThatSitesUse(t *testing.T) {
	p, ca, key := start(t), newIssuer(t), newKey(t)
	names := []string{"example.com", "two.example.com"}
	p.put("u1", "a1", ca.issue(t, key, 60, names...), key)
	p.put("u1", "c1", ca.issue(t, key, 40, names...), key, hostedSite{Name: "example.com"})
	fresh := ca.issue(t, key, 80, names...)
	require.NoError(t, p.deliverer().Deliver(context.Background(), order, sites("u1", "example.com"), fresh))
	_, all := p.state()
	assert.Equal(t, fresh.Serial, all["u1/c1"].Serial)
	assert.NotEqual(t, fresh.Serial, all["u1/a1"].Serial)

	p.put("u1", "a1", ca.issue(t, key, 60, names...), key, hostedSite{Name: "two.example.com"})
	fresh = ca.issue(t, key, 90, names...)
	require.NoError(t, p.deliverer().Deliver(context.Background(), order, sites("u1", names...), fresh))
	for _, name := range names {
		assert.Equal(t, fresh.Serial, p.served(name))
	}
	assert.Equal(t, map[string]int{"sslcert.prolong": 3}, p.changes())
}

func TestACertificateThatNoSiteUsesIsRenewedAndPutOnTheSiteWithKeyYesOnly(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		p, ca, key, other := start(t), newIssuer(t), newKey(t), newKey(t)
		p.put("u1", "current", ca.issue(t, other, 40, "example.com"), other, hostedSite{Name: "example.com"})
		p.put("u1", "spare", ca.issue(t, key, 40, "example.com"), key)
		fresh := ca.issue(t, key, 80, "example.com")
		err := p.deliverer(func(b *publish.Deploy) { b.Key = allowed }).Deliver(context.Background(), order, sites("u1", "example.com"), fresh)
		_, all := p.state()
		assert.Equal(t, fresh.Serial, all["u1/spare"].Serial)
		if allowed {
			require.NoError(t, err)
			assert.Equal(t, fresh.Serial, p.served("example.com"))
			continue
		}
		require.ErrorIs(t, err, deliver.ErrByHand)
		require.ErrorContains(t, err, "the site does not use the panel's certificate spare")
		assert.NotEqual(t, fresh.Serial, p.served("example.com"))
	}
}

func TestNoSiteLosesANameByARenewal(t *testing.T) {
	p, ca, key := start(t), newIssuer(t), newKey(t)
	p.put("u1", "c1", ca.issue(t, key, 40, "example.com", "shop.example.com"), key, hostedSite{Name: "example.com"}, hostedSite{Name: "shop.example.com"})
	fresh := ca.issue(t, key, 80, "example.com")
	err := p.deliverer().Deliver(context.Background(), order, sites("u1", "example.com"), fresh)
	require.ErrorIs(t, err, deliver.ErrByHand)
	require.ErrorContains(t, err, "certificate c1 of the panel is not renewed, because it also holds shop.example.com")
	assert.Empty(t, p.changes())

	require.NoError(t, p.deliverer(withKey).Deliver(context.Background(), order, sites("u1", "example.com"), withPrivate(fresh, key)))
	assert.Equal(t, fresh.Serial, p.served("example.com"))
	assert.NotEqual(t, fresh.Serial, p.served("shop.example.com"))
	assert.NotEmpty(t, p.served("shop.example.com"))

	p.put("u1", "c2", ca.issue(t, key, 40, "one.example.com", "gone.example.com"), key, hostedSite{Name: "one.example.com"})
	fresh = ca.issue(t, key, 80, "one.example.com")
	require.NoError(t, p.deliverer().Deliver(context.Background(), order, sites("u1", "one.example.com"), fresh), "nobody uses the name that is lost")
	assert.Equal(t, fresh.Serial, p.served("one.example.com"))
}

func TestWhatCannotBeDeliveredIsLeftToTheClient(t *testing.T) {
	ca, key, other := newIssuer(t), newKey(t), newKey(t)
	for name, c := range map[string]struct {
		block func(b *publish.Deploy)
		key   func(ctx context.Context) (string, error)
		says  string
	}{
		"key no":           {func(*publish.Deploy) {}, func(context.Context) (string, error) { panic("not asked for") }, "says `key no`"},
		"mgrctl":           {func(b *publish.Deploy) { local(b); b.Key = true }, func(context.Context) (string, error) { panic("not asked for") }, "url and login in place of mgr"},
		"no key":           {withKey, func(context.Context) (string, error) { return "", nil }, "holds no private key"},
		"no source of one": {withKey, nil, "holds no private key"},
		"another key":      {withKey, func(context.Context) (string, error) { return other.text, nil }, "does not fit"},
		"rubbish":          {withKey, func(context.Context) (string, error) { return "rubbish", nil }, "does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			fresh := ca.issue(t, key, 80, "example.com")
			fresh.Key = c.key
			err := p.deliverer(c.block).Deliver(context.Background(), order, sites("u1", "example.com"), fresh)
			require.ErrorIs(t, err, deliver.ErrByHand)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "no certificate of user u1 in the panel has the key of certificate "+fresh.Serial)
			require.ErrorContains(t, err, "deploy web7 at ")
			assert.Empty(t, p.changes())
			assertNoKey(t, p, other, err)
		})
	}
	p := start(t)
	fresh := ca.issue(t, key, 80, "example.com")
	fresh.Key = func(context.Context) (string, error) { return "", errors.New("the database is gone") }
	err := p.deliverer(withKey).Deliver(context.Background(), order, sites("u1", "example.com"), fresh)
	require.ErrorContains(t, err, "the database is gone")
	require.NotErrorIs(t, err, deliver.ErrByHand)
}

func TestASiteGetsNoCertificateWithoutItsOwnNameButARenewedOne(t *testing.T) {
	p, ca, key, other := start(t), newIssuer(t), newKey(t), newKey(t)
	own := ca.issue(t, other, 40, "example.com")
	p.put("u1", "own", own, other, hostedSite{Name: "example.com", Aliases: []string{"www.example.com"}})
	fresh := withPrivate(ca.issue(t, key, 80, "www.example.com"), key)
	err := p.deliverer(withKey).Deliver(context.Background(), order, sites("u1", "example.com"), fresh)
	require.ErrorIs(t, err, deliver.ErrByHand)
	require.ErrorContains(t, err, "is for an alias of it only")
	assert.Equal(t, own.Serial, p.served("example.com"))
	assert.Empty(t, p.changes())

	p.put("u1", "alias", ca.issue(t, key, 40, "www.example.com"), key, hostedSite{Name: "example.com", Aliases: []string{"www.example.com"}})
	require.NoError(t, p.deliverer().Deliver(context.Background(), order, sites("u1", "example.com"), fresh))
	assert.Equal(t, fresh.Serial, p.served("www.example.com"), "it had a certificate of the alias before")
}

func TestOneSiteDoesNotKeepTheOthersFromTheCertificate(t *testing.T) {
	p, ca, key, other := start(t), newIssuer(t), newKey(t), newKey(t)
	p.put("u1", "a", ca.issue(t, other, 40, "example.com"), other, hostedSite{Name: "example.com"})
	p.put("u1", "b", ca.issue(t, key, 40, "two.example.com"), key, hostedSite{Name: "two.example.com"})
	fresh := ca.issue(t, key, 80, "www.example.com", "two.example.com")
	err := p.deliverer().Deliver(context.Background(), order, sites("u1", "example.com", "two.example.com"), fresh)
	require.ErrorIs(t, err, deliver.ErrByHand)
	require.ErrorContains(t, err, "is for an alias of it only")
	assert.Equal(t, fresh.Serial, p.served("two.example.com"))

	p.site(hostedSite{Name: "away.example.com", Owner: "u2"})
	fresh = ca.issue(t, key, 90, "www.example.com", "two.example.com", "away.example.com")
	all := append(sites("u1", "example.com", "two.example.com"), sites("u3", "away.example.com")...)
	err = p.deliverer().Deliver(context.Background(), order, all, fresh)
	require.ErrorContains(t, err, "belongs to u2 now")
	require.ErrorContains(t, err, "is for an alias of it only")
	require.NotErrorIs(t, err, deliver.ErrByHand, "the next try may bring some sites on")
	assert.Equal(t, fresh.Serial, p.served("two.example.com"))
}

func TestASiteThatChangedHandsIsNotTouched(t *testing.T) {
	p, ca, key := start(t), newIssuer(t), newKey(t)
	p.put("u2", "c1", ca.issue(t, key, 40, "example.com"), key, hostedSite{Name: "example.com"})
	fresh := withPrivate(ca.issue(t, key, 80, "example.com"), key)
	err := p.deliverer(withKey).Deliver(context.Background(), order, sites("u1", "example.com"), fresh)
	require.ErrorContains(t, err, "the site example.com belongs to u2 now, not to u1")
	p.site(hostedSite{Name: "other.example.com", Owner: "u1"})
	p.Control(t, "DELETE", "/sites/example.com", nil, nil)
	err = p.deliverer(withKey).Deliver(context.Background(), order, sites("u1", "example.com"), fresh)
	require.ErrorContains(t, err, "does not have the site example.com any more")
	require.ErrorContains(t, p.deliverer().(deliver.Checker).Check(context.Background(), sites("u1", "example.com")), "any more")
	assert.Empty(t, p.changes())
}

func TestSitesOfTwoOwnersGetACertificateEach(t *testing.T) {
	p, ca, key := start(t), newIssuer(t), newKey(t)
	p.site(hostedSite{Name: "shop.example.com", Owner: "u2"})
	fresh := withPrivate(ca.issue(t, key, 80, "example.com", "shop.example.com"), key)
	require.NoError(t, p.deliverer(withKey).Deliver(context.Background(), order, append(sites("u1", "example.com"), sites("u2", "shop.example.com")...), fresh))
	_, all := p.state()
	owners := map[string]int{}
	for _, c := range all {
		owners[c.Owner]++
	}
	assert.Equal(t, map[string]int{"u1": 1, "u2": 1}, owners)
}

func TestUnknownFormsAreNotFilledIn(t *testing.T) {
	for name, c := range map[string]struct {
		settings object
		renew    bool
		says     string
	}{
		"a further required field when renewing": {object{"extra_field": "captcha"}, true, "sslcert.prolong: the form wants the field captcha"},
		"a further required field when adding":   {object{"extra_field": "captcha"}, false, "sslcert.setcrt: the form wants the field captcha"},
		"no field for the certificate":           {object{"fields": object{"sslcert.prolong cert": "x"}}, true, "no field for the certificate"},
		"no field for the chain":                 {object{"fields": object{"sslcert.prolong bundle": "x"}}, true, "no field for the chain"},
		"two fields for the chain":               {object{"fields": object{"sslcert.prolong name": "chain"}}, true, "several fields that may be for the chain (bundle, chain)"},
		"no field for the key":                   {object{"fields": object{"sslcert.setcrt key": "x"}}, false, "no field for the private key"},
		"no field for the name":                  {object{"fields": object{"sslcert.setcrt name": "x"}}, false, "no field for the certificate's name"},
		"no field for the owner":                 {object{"fields": object{"sslcert.setcrt username": "x"}}, false, "no field for the owner"},
		"a site's form without a certificate":    {object{"fields": object{"site.edit site_ssl_cert": "x"}}, true, "no field site_name or site_ssl_cert"},
		"a site's form without a name":           {object{"fields": object{"site.edit site_name": "x"}}, true, "no field site_name or site_ssl_cert"},
	} {
		t.Run(name, func(t *testing.T) {
			p, ca, key := start(t), newIssuer(t), newKey(t)
			if c.renew {
				p.put("u1", "c1", ca.issue(t, key, 40, "example.com"), key, hostedSite{Name: "example.com"})
			}
			p.set(c.settings)
			made, fresh := p.deliverer(withKey), withPrivate(ca.issue(t, key, 80, "example.com"), key)
			err := made.Deliver(context.Background(), order, sites("u1", "example.com"), fresh)
			require.ErrorContains(t, err, c.says)
			require.NotErrorIs(t, err, deliver.ErrByHand)
			require.ErrorContains(t, made.(deliver.Checker).Check(context.Background(), sites("u1", "example.com")), c.says)
			assert.Empty(t, p.changes())
			assertNoKey(t, p, key, err)
		})
	}
	t.Run("a required field of the site that is empty", func(t *testing.T) {
		p, ca, key := start(t), newIssuer(t), newKey(t)
		fresh := withPrivate(ca.issue(t, key, 80, "example.com"), key)
		p.fault(object{"function": "site.edit", "submit": true, "kind": "drop_before", "times": 1})
		require.Error(t, p.deliverer(withKey).Deliver(context.Background(), order, sites("u1", "example.com"), fresh))
		p.set(object{"extra_field": "captcha"})
		require.ErrorContains(t, p.deliverer(withKey).Deliver(context.Background(), order, sites("u1", "example.com"), fresh), "site.edit: the form wants the field captcha")
		assert.Equal(t, 1, p.changes()["site.edit"], "the one that was lost")
	})
}

func TestAPanelThatChangesMoreIsLogged(t *testing.T) {
	p, ca, key := start(t), newIssuer(t), newKey(t)
	p.set(object{"reset_fields": true})
	fresh := withPrivate(ca.issue(t, key, 80, "example.com"), key)
	require.NoError(t, p.deliverer(withKey).Deliver(context.Background(), order, sites("u1", "example.com"), fresh))
	assert.Contains(t, p.log.Text(), "the field site_email of the site example.com was a@example.com and is ")
}

func TestWhatThePanelAcceptsAndDoesNotShowIsAnError(t *testing.T) {
	for _, function := range []string{"sslcert.prolong", "sslcert.setcrt", "site.edit"} {
		for _, hide := range []bool{false, true} {
			p, ca, key := start(t), newIssuer(t), newKey(t)
			old := newKey(t)
			if function == "sslcert.prolong" {
				old = key
			}
			p.put("u1", "c1", ca.issue(t, old, 40, "example.com"), old, hostedSite{Name: "example.com"})
			p.set(object{"hide_certificates": hide})
			p.fault(object{"function": function, "submit": true, "kind": "body", "text": "<doc><ok/></doc>"})
			err := p.deliverer(withKey).Deliver(context.Background(), order, sites("u1", "example.com"), withPrivate(ca.issue(t, key, 80, "example.com"), key))
			require.ErrorContains(t, err, "does not show", function)
		}
	}
}

func TestAUserWithTheRightsOfTheSampleMayDeliver(t *testing.T) {
	functions := []string{"webdomain", "site.edit", "sslcert", "sslcert.edit", "sslcert.prolong", "sslcert.setcrt"}
	sample, err := os.ReadFile("../../../etc/samples/pmssl/deploy-ispmgr.conf")
	require.NoError(t, err)
	require.Contains(t, string(sample), "#      "+strings.Join(functions, "   ")+"\n")
	p, ca, key := start(t), newIssuer(t), newKey(t)
	user := func(functions ...string) {
		p.Control(t, "POST", "/users", object{"name": "module", "password": p.Password, "level": "admin", "functions": functions}, nil)
	}
	made := func() deliver.Deliverer { return p.deliverer(withKey, func(b *publish.Deploy) { b.Login = "module" }) }
	deliverBoth := func(d deliver.Deliverer) error {
		next := newKey(t)
		err := d.Deliver(context.Background(), order, sites("u1", "example.com"), withPrivate(ca.issue(t, next, 80, "example.com"), next))
		if err != nil {
			return err
		}
		return d.Deliver(context.Background(), order, sites("u1", "example.com"), ca.issue(t, next, 90, "example.com"))
	}
	p.put("u1", "c1", ca.issue(t, key, 40, "example.com"), key, hostedSite{Name: "example.com"})
	user(functions...)
	require.NoError(t, deliverBoth(made()))
	for i, missing := range functions {
		user(append(append([]string{"whoami"}, functions[:i]...), functions[i+1:]...)...)
		err := deliverBoth(made())
		require.ErrorIs(t, err, publish.ErrDenied, missing)
		require.ErrorContains(t, err, "may not use "+missing)
		require.NotErrorIs(t, err, deliver.ErrByHand)
	}
}

// rules ROTATE-1: a certificate of the same key is renewed by another form, which may be the only one that works.
func TestWhetherACertificateOfAnotherKeyWouldBeTaken(t *testing.T) {
	names := []string{"example.com", "www.example.com"}
	for name, c := range map[string]struct {
		begin func(p *panel)
		names []string
		login string
		says  string
	}{
		"it would":                 {names: names},
		"for an alias only":        {names: names[1:], says: "an alias of it only"},
		"a wildcard for the alias": {names: []string{"*.example.com"}, says: "an alias of it only"},
		"the form is not known":    {names: names, begin: func(p *panel) { p.set(object{"fields": object{"sslcert.setcrt key": "x"}}) }, says: "sslcert.setcrt: the form has no field for the private key"},
		"the user lacks the right": {names: names, login: "module", says: "sslcert.setcrt"},
		"the owner has changed":    {names: names, begin: func(p *panel) { p.site(hostedSite{Name: "example.com", Owner: "u2"}) }, says: "belongs to u2 now"},
	} {
		t.Run(name, func(t *testing.T) {
			p, ca, key := start(t), newIssuer(t), newKey(t)
			p.put("u1", "mine", ca.issue(t, key, 40, names...), key, hostedSite{Name: "example.com", Aliases: names[1:]})
			p.Control(t, "POST", "/users", object{"name": "module", "password": p.Password, "level": "admin",
				"functions": []string{"webdomain", "site.edit", "sslcert", "sslcert.edit", "sslcert.prolong"}}, nil)
			if c.begin != nil {
				c.begin(p)
			}
			d := p.deliverer(withKey, func(b *publish.Deploy) {
				if c.login != "" {
					b.Login = c.login
				}
			})
			err := d.(deliver.KeyChecker).CheckKey(t.Context(), sites("u1", "example.com"), c.names)
			if c.says == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.says)
			}
			assert.Empty(t, p.changes())
		})
	}
}

func TestAUserMayDeliverToTheOwnSites(t *testing.T) {
	p, ca, key := start(t), newIssuer(t), newKey(t)
	p.put("u2", "c1", ca.issue(t, key, 40, "example.com"), key)
	made := p.deliverer(withKey, func(b *publish.Deploy) { b.Login, b.Password = "u1", publishtest.SecretFile(t, "x") })
	fresh := withPrivate(ca.issue(t, key, 80, "example.com"), key)
	require.NoError(t, made.Deliver(context.Background(), order, sites("u1", "example.com"), fresh))
	assert.Equal(t, fresh.Serial, p.served("example.com"))
	fresh = ca.issue(t, key, 90, "example.com")
	require.NoError(t, made.Deliver(context.Background(), order, sites("u1", "example.com"), fresh))
	assert.Equal(t, fresh.Serial, p.served("example.com"))
	assert.Equal(t, map[string]int{"sslcert.setcrt": 1, "site.edit": 1, "sslcert.prolong": 1}, p.changes())
}

// An owner may have hundreds of certificates: only those are looked into that matter.
func TestFewCertificatesAreLookedInto(t *testing.T) {
	p, ca, key, other := start(t), newIssuer(t), newKey(t), newKey(t)
	for i := range 120 {
		p.put("u1", fmt.Sprintf("old%d", i), ca.issue(t, other, 30, "example.com"), other)
		p.put("u1", fmt.Sprintf("far%d", i), ca.issue(t, other, 30, "example.net"), other)
	}
	p.put("u1", "c1", ca.issue(t, key, 40, "example.com"), key, hostedSite{Name: "example.com"})
	fresh := ca.issue(t, key, 80, "example.com")
	require.NoError(t, p.deliverer().Deliver(context.Background(), order, sites("u1", "example.com"), fresh))
	assert.Len(t, p.requests("sslcert.edit"), 2, "before and after the renewal")
	p.put("u1", "c1", ca.issue(t, other, 40, "example.com"), other, hostedSite{Name: "example.com"})
	require.ErrorIs(t, p.deliverer().Deliver(context.Background(), order, sites("u1", "example.com"), fresh), deliver.ErrByHand)
	assert.LessOrEqual(t, len(p.requests("sslcert.edit")), 2+51)
}

func TestAnEndedSessionIsOpenedOnceMoreAndAWrongPasswordIsNotTriedAgain(t *testing.T) {
	p, ca, key := start(t), newIssuer(t), newKey(t)
	p.put("u1", "c1", ca.issue(t, key, 40, "example.com"), key, hostedSite{Name: "example.com"})
	made := p.deliverer()
	_, _, err := made.Site(context.Background(), "example.com")
	require.NoError(t, err)
	p.Control(t, "POST", "/sessions/end", nil, nil)
	require.NoError(t, made.Deliver(context.Background(), order, sites("u1", "example.com"), ca.issue(t, key, 80, "example.com")))
	assert.Len(t, p.requests("auth"), 2)
	wrong := p.deliverer(func(b *publish.Deploy) { b.Password = publishtest.SecretFile(t, "another") })
	for range 3 {
		_, _, err = wrong.Site(context.Background(), "example.com")
		require.ErrorIs(t, err, publish.ErrDenied)
	}
	assert.Len(t, p.requests("auth"), 3)
}

func TestABlockOfADNSmanagerIsRefused(t *testing.T) {
	env, _ := publishtest.Env(t)
	for _, b := range []publish.Deploy{{Mgr: "dnsmgr"}, {URL: &url.URL{Scheme: "https", Host: "192.0.2.1", Path: "/dnsmgr"}}, {}} {
		b.Name, b.Pos = "web7", "web7.conf:3"
		_, err := ispmgr.New(b, env)
		require.ErrorContains(t, err, "web7.conf:3: deploy web7: ")
	}
}
