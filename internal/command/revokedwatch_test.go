package command_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/watch"
	"pmssl/internal/watch/crl"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// installable returns an item whose site serves a replaced certificate; the mail about that is due in two days.
func installable(t *testing.T) *revocation {
	t.Helper()
	w := watchFixture(t, 10)
	served := w.panel.stored
	w.reissue(t)
	r := revocationOf(t, w)
	r.sites.served = served
	return r
}

// rules WATCH-6: a site that serves an old certificate is better off than with one that is revoked.
func TestNobodyIsAskedToInstallARevokedCertificate(t *testing.T) {
	r := installable(t)
	r.revoke(crl.PrivilegeWithdrawn)
	r.sweeps(t, 5*24*time.Hour)
	assert.Zero(t, r.installs())
	assert.Len(t, r.openTasks(), 1)

	t.Run("nor when an administrator wants the mail again", func(t *testing.T) {
		r.args = item.Args{Item: 42, Resend: true}
		r.at = r.at.Add(time.Hour)
		assert.ErrorContains(t, r.trySweep(), "there is nothing to notify the client of item 42 about now")
		assert.Zero(t, r.installs())
	})
}

// rules WATCH-6: a run that is killed while it writes to the client does not write twice.
func TestAKilledRunDoesNotWriteTwiceAboutAnOldCertificate(t *testing.T) {
	for n := 1; ; n++ {
		r := installable(t)
		r.at = r.at.Add(48 * time.Hour)
		happened := r.panel.killed(n, func() { r.sweep(t) })
		r.sweepsEach(t, 6*time.Hour, 20)
		assert.LessOrEqual(t, r.installs(), 1, n)
		if !happened {
			assert.Equal(t, 1, r.installs())
			break
		}
	}
}

// places has the sites show these certificates, each at a name of its own.
func (r *revocation) places(t *testing.T, served ...watch.Place) {
	t.Helper()
	stored, err := pki.StoredLeaf(r.panel.stored)
	require.NoError(t, err)
	for i := range served {
		served[i].Name, served[i].Address, served[i].Expires = "example.com", "192.0.2.80", r.at.AddDate(0, 1, 0)
		if served[i].CRL == (watch.List{}) {
			served[i].CRL = watch.ListOf(stored.Leaf)
		}
	}
	r.sites.answer = func(context.Context, watch.Target) (watch.Look, error) {
		return watch.Look{Places: slices.Clone(served)}, nil
	}
}

// rules REVOKE-6: one place is enough, whatever the others serve.
func TestARevokedCertificateIsToldWhereverItIsServed(t *testing.T) {
	current := func(r *revocation) watch.Place {
		return watch.Place{Outcome: watch.Current, Serial: r.param(itemparam.Serial)}
	}
	t.Run("in place, behind a CDN with another one", func(t *testing.T) {
		r := revocationFixture(t)
		r.places(t, watch.Place{Outcome: watch.Other, Serial: "cd"}, current(r))
		r.revoke(crl.PrivilegeWithdrawn)
		r.sweeps(t, 3*time.Hour)
		require.Equal(t, []string{"revoked ask"}, r.mails())
		assert.Len(t, r.mailer.notices[0].Served, 1)
	})
	t.Run("in place, beside an old one", func(t *testing.T) {
		r := installable(t)
		r.places(t, watch.Place{Outcome: watch.Old, Serial: "abc"}, current(r))
		r.revoke(crl.PrivilegeWithdrawn)
		r.sweeps(t, 3*time.Hour)
		assert.Equal(t, []string{"revoked ask"}, r.mails())
	})
	t.Run("replaced, behind another old one", func(t *testing.T) {
		r := installable(t)
		r.places(t, watch.Place{Outcome: watch.Old, Serial: "abc"}, watch.Place{Outcome: watch.Old, Serial: "def"})
		r.sweeps(t, 24*time.Hour)
		r.put("def", crl.Superseded)
		r.sweeps(t, 3*time.Hour)
		require.Equal(t, []string{"revoked install"}, r.mails())
		assert.Equal(t, "def", r.mailer.notices[0].Revoked.Serial)
	})
	t.Run("two replaced ones", func(t *testing.T) {
		r := installable(t)
		r.places(t, watch.Place{Outcome: watch.Old, Serial: "abc"}, watch.Place{Outcome: watch.Old, Serial: "def"})
		r.sweeps(t, 24*time.Hour)
		r.put("def", crl.Superseded)
		r.put("abc", crl.Superseded)
		r.sweeps(t, 6*time.Hour)
		assert.Equal(t, []string{"revoked install", "revoked install"}, r.mails(), "each once")
	})
	t.Run("replaced, by one that is revoked as well", func(t *testing.T) {
		r := installable(t)
		first := r.param(itemparam.EarlierSerials)
		r.sweeps(t, 24*time.Hour)
		r.put(first, crl.Superseded)
		r.revoke(crl.PrivilegeWithdrawn)
		r.sweeps(t, 3*time.Hour)
		require.Equal(t, []string{"revoked ask"}, r.mails(), "nobody should install that")
		assert.Equal(t, first, r.mailer.notices[0].Revoked.Serial)
	})
}

// rules REVOKE-6: what was seen before the revocation was known may be over: it was reissued and delivered since.
func TestOnlyWhatWasSeenSinceTheRevocationIsKnownIsTold(t *testing.T) {
	r, m := massRevoked(t, 25)
	entries := r.lists.entries
	r.lists.entries = nil
	r.places(t, watch.Place{Outcome: watch.Current, Serial: r.param(itemparam.Serial)})
	looked := r.sites.answer
	r.sweepMass(t, m)
	r.lists.entries = entries
	r.sites.answer = func(context.Context, watch.Target) (watch.Look, error) {
		return watch.Look{Unresolved: true, Places: []watch.Place{{Outcome: watch.Unreachable}}}, nil
	}
	r.at = r.at.Add(time.Hour)
	r.sweepMass(t, m)
	assert.NotContains(t, r.mails(), "revoked wait")
	r.sites.answer = looked
	r.at = r.at.Add(time.Hour)
	r.sweepMass(t, m)
	assert.Contains(t, r.mails(), "revoked wait")
}

// A certificate that is on hold no more is as good as any other.
func TestACertificateThatIsOnHoldNoMoreIsNotTold(t *testing.T) {
	r := revocationFixture(t)
	r.revoke(crl.CertificateHold)
	r.sweeps(t, 2*time.Hour)
	require.Len(t, r.openTasks(), 1)
	r.lists.entries = nil
	r.sites.served = r.panel.stored
	r.at = r.at.Add(24 * time.Hour) // its sites are looked at in the same sweep
	r.sweep(t)
	assert.Empty(t, r.mails())
	assert.Empty(t, r.param(itemparam.Revocation))
}

// rules REVOKE-6: the client is not asked for a new key while a reissue is under way, but has to know.
func TestAKnownKeyIsToldWhileAReissueIsUnderWay(t *testing.T) {
	r := revocationOf(t, watchFixture(t, 10))
	r.sweep(t)
	require.Equal(t, "4", r.param(itemparam.ServiceStatus))
	r.mailer.notices = nil
	r.sites.served = r.panel.stored
	r.revoke(crl.KeyCompromise)
	r.sweeps(t, 3*time.Hour)
	assert.Equal(t, []string{"revoked wait"}, r.mails())
	assert.Empty(t, r.openTasks())
}

// rules REVOKE-4: what a site serves was checked by nobody: only hosts are asked whose lists certificates in place name, and after those.
func TestAURLThatOnlyASiteNamesIsAskedLast(t *testing.T) {
	r := installable(t)
	stored, err := pki.StoredLeaf(r.panel.stored)
	require.NoError(t, err)
	at := func(url string) watch.List { return watch.List{URL: url, Issuer: watch.ListOf(stored.Leaf).Issuer} }
	foreign := watch.Place{Outcome: watch.Old, Serial: "abc", CRL: at("http://api.bank.example/pay?now")}
	own := watch.Place{Outcome: watch.Old, Serial: "def", CRL: at("http://crl.ca.example/2.crl")}
	other := watch.Place{Outcome: watch.Old, Serial: "cd", CRL: watch.List{URL: own.CRL.URL, Issuer: "00"}}
	r.places(t, foreign, own, other)
	r.lists.anyURL = true
	r.sweeps(t, 24*time.Hour)
	for range 10 { // maps have no order
		r.lists.urls = nil
		r.sweeps(t, time.Hour)
		assert.Equal(t, []string{listURL, own.CRL.URL}, r.lists.urls)
	}
}

// A certificate that somebody put into the panel by hand is looked for, although the item parameter is that of the one before.
func TestACertificateThatWasStoredByHandIsLookedFor(t *testing.T) {
	r := revocationFixture(t)
	serial := r.param(itemparam.Serial)
	r.panel.order.Params[itemparam.Serial] = "abc"
	r.put(serial, crl.PrivilegeWithdrawn)
	r.put("abc", crl.Superseded)
	r.sweep(t)
	assert.Equal(t, serial, r.known().Serial)
	assert.Len(t, r.openTasks(), 1)
	assert.Zero(t, r.seller.reissues)
}

// hurried is a panel with many revoked certificates of which some cannot be worked on, each of which takes time.
type hurried struct {
	mass
	r      *revocation
	broken func(it int64) bool
	ending []int64
}

func (h hurried) LoadItem(ctx context.Context, it int64) (item.Item, error) {
	h.r.at = h.r.at.Add(5 * time.Minute)
	if h.broken(it) {
		return item.Item{}, fault.Errorf(fault.Panel, "item", "the panel does not answer").Retryable()
	}
	return h.mass.LoadItem(ctx, it)
}

func (h hurried) ExpiringBefore(context.Context, cabforum.Date) ([]int64, error) {
	return h.ending, nil
}

func (r *revocation) sweepHurried(t *testing.T, h hurried) {
	t.Helper()
	run := r.env()
	run.Panel = h
	_, err := command.Subscription(t.Context(), run)
	require.NoError(t, err)
	r.at = r.at.Add(time.Hour)
}

// rules REVOKE-4: what fails in each sweep does not take the time of the others for ever.
func TestRevokedCertificatesThatFailDoNotTakeTheTurnOfOthers(t *testing.T) {
	r, m := massRevoked(t, 12)
	h := hurried{mass: m, r: r, broken: func(it int64) bool { return it <= 8 }}
	for range 40 {
		r.sweepHurried(t, h)
	}
	assert.Equal(t, 4, r.seller.reissues)
}

// rules REVOKE-4: what ends goes first.
func TestRevokedCertificatesThatEndComeFirst(t *testing.T) {
	r, m := massRevoked(t, 30)
	h := hurried{mass: m, r: r, broken: func(int64) bool { return false }, ending: []int64{29, 17}}
	r.sweepHurried(t, h)
	assert.Equal(t, 3, r.seller.reissues)
	for _, it := range h.ending {
		assert.Equal(t, "4", m.params[it][itemparam.ServiceStatus], it)
	}
}

// sameName is a panel whose first item has a certificate of another authority with the same name.
type sameName struct {
	mass
	other string
}

func (s sameName) WatchedSites(ctx context.Context, items []int64) ([]item.WatchedSite, error) {
	all, err := s.mass.WatchedSites(ctx, items)
	for i := range all {
		if all[i].Item == 1 {
			all[i].Stored = s.other
		}
	}
	return all, err
}

// rules REVOKE-4: serial numbers are one authority's.
func TestAListOfAnotherIssuerOfTheSameNameIsNotUsed(t *testing.T) {
	r, m := massRevoked(t, 2)
	run := r.env()
	run.Panel = sameName{m, strings.Join(signed(t, newPair(t, "example.com"), now(), 300), "")}
	_, err := command.Subscription(t.Context(), run)
	require.NoError(t, err)
	assert.Zero(t, r.seller.reissues)
	assert.Empty(t, m.params[2][itemparam.Revocation])
}

// rules REVOKE-3: a seller may deliver certificates without their chain.
func TestTheIssuerOfALeafWithoutItsChainIsFetched(t *testing.T) {
	leafOnly := func(t *testing.T) (*revocation, pki.Chain) {
		r := revocationFixture(t)
		chain, err := pki.StoredLeaf(r.panel.stored)
		require.NoError(t, err)
		r.panel.stored = chain.LeafPEM()
		r.revoke(crl.PrivilegeWithdrawn)
		return r, chain
	}
	t.Run("it is", func(t *testing.T) {
		r, chain := leafOnly(t)
		r.lists.issuer = chain.Intermediates[0]
		r.sweeps(t, 3*time.Hour)
		assert.Equal(t, 3, r.lists.asked)
		assert.Equal(t, chain.Serial(), r.known().Serial)
		assert.Len(t, r.openTasks(), 1)
	})
	t.Run("it cannot be", func(t *testing.T) {
		r, _ := leafOnly(t)
		r.lists.failure = &crl.Failure{URL: "http://ca.example/1.crt", First: true, Err: context.DeadlineExceeded, Issuer: true}
		_, failed := r.sweep(t)
		assert.False(t, failed)
		assert.Zero(t, r.lists.asked)
		assert.Empty(t, r.known().Serial)
		r.logged(t, "the certificate http://ca.example/1.crt of the issuer of certificates that were stored without their chain cannot be used: context deadline exceeded")
	})
	t.Run("another item has it", func(t *testing.T) {
		r := revocationFixture(t)
		r.sweep(t)
		assert.Equal(t, 1, r.lists.asked)
		assert.Zero(t, r.lists.issuers)
	})
}

// rules REVOKE-6: behind one address may be several servers, of which one has the revoked certificate. That is told once.
func TestASiteThatServesARevokedCertificateNowAndThen(t *testing.T) {
	r := installable(t)
	old := r.sites.served
	r.put(r.param(itemparam.EarlierSerials), crl.Superseded)
	for range 15 {
		r.sites.served = old
		r.sweepsEach(t, 12*time.Hour, 2)
		r.sites.served = r.panel.stored
		r.sweepsEach(t, 12*time.Hour, 2)
	}
	assert.Equal(t, 1, strings.Count(strings.Join(r.mails(), ","), "revoked install"), r.mails())
	assert.LessOrEqual(t, r.installs(), 2)
}

// rules REVOKE-6: that a certificate was revoked does not matter any more once it has ended.
func TestACertificateThatHasEndedIsNotTold(t *testing.T) {
	r := installable(t)
	serial := r.param(itemparam.EarlierSerials)
	r.places(t, watch.Place{Outcome: watch.Old, Serial: serial})
	r.at = r.at.AddDate(0, 2, 0) // that of places ends in a month
	r.put(serial, crl.Superseded)
	r.sweeps(t, 48*time.Hour)
	assert.NotContains(t, r.mails(), "revoked install")
	assert.Contains(t, r.mails(), "install")
}
