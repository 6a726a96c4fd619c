package command_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/deliver"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
	"pmssl/internal/watch"
	"pmssl/internal/watch/crl"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules REVOKE-5, REVOKE-6: what each reason leads to under each policy.
func TestEachReasonUnderEachPolicy(t *testing.T) {
	reissued := map[crl.Reason]bool{crl.Unspecified: true, crl.CACompromise: true, crl.Superseded: true, crl.AACompromise: true, "reason 7": true}
	for _, policy := range []string{"auto", "manual", "none"} {
		for _, reason := range []crl.Reason{
			crl.Unspecified, crl.KeyCompromise, crl.CACompromise, crl.AffiliationChanged, crl.Superseded, crl.CessationOfOperation, crl.CertificateHold,
			crl.PrivilegeWithdrawn, crl.AACompromise, "reason 7",
		} {
			t.Run(policy+" "+string(reason), func(t *testing.T) {
				r := revocationFixture(t)
				r.panel.settings["SSLSubscriptionPolicy"] = policy
				serial := r.revoke(reason)
				doc, failed := r.sweep(t)
				assert.False(t, failed, doc)
				r.sweeps(t, 3*time.Hour)

				var mails []string
				reissues, tasks, action := 0, 0, `action="none" result="skipped" reason="revoked: `+string(reason)+`"`
				switch {
				case policy == "none":
				case reason == crl.KeyCompromise:
					mails, tasks, action = []string{"newkey"}, 1, `action="tell" result="ok" reason="revoked: keyCompromise"`
				case reissued[reason] && policy == "auto":
					mails, reissues, action = []string{"prove"}, 1, `action="reissue" result="ok" reason="revoked: `+string(reason)+`"`
				case reissued[reason]:
					mails, action = []string{"revoked reissue"}, `action="tell" result="ok" reason="revoked: `+string(reason)+`"`
				case policy == "manual":
					mails, tasks, action = []string{"revoked ask"}, 1, `action="tell" result="ok" reason="revoked: `+string(reason)+`"`
				default:
					tasks = 1
				}
				assert.Equal(t, mails, r.mails())
				assert.Equal(t, reissues, r.seller.reissues)
				assert.Len(t, r.panel.tasks, tasks)
				assert.Contains(t, doc, action)
				assert.Contains(t, doc, ` revoked="1"`)
				assert.Equal(t, serial, r.known().Serial)
				assert.Equal(t, reason, r.known().Reason)
				for _, n := range r.mailer.notices {
					if n.Kind != item.NoticeProve {
						assert.Equal(t, serial, n.Revoked.Serial)
						assert.Equal(t, string(reason), n.Revoked.Reason)
						assert.Equal(t, "2026-07-10", n.Revoked.On.String())
					}
				}
				assert.Equal(t, 1, r.seller.buys, "when it was opened")
			})
		}
	}
}

// A certificate that is on no list is left alone.
func TestWhatIsNotRevokedStays(t *testing.T) {
	t.Run("although the panel says that it has another serial", func(t *testing.T) {
		r := revocationFixture(t)
		r.panel.order.Params[itemparam.Serial] = "abc"
		r.put("abc", crl.Superseded)
		r.sweep(t)
		assert.Empty(t, r.known().Serial)
		assert.Zero(t, r.seller.reissues)
	})

	r := revocationFixture(t)
	r.put("abc", crl.KeyCompromise)
	doc, failed := r.sweep(t)
	assert.False(t, failed)
	assert.Equal(t, 1, r.lists.asked)
	assert.NotContains(t, doc, "revoked")
	assert.Empty(t, r.known().Serial)
	assert.Zero(t, r.seller.reissues)
	assert.Equal(t, []bool{true}, r.lists.closed)
}

// rules REVOKE-5: neither the age of the certificate nor its end keep it from being reissued, and the new one is stored although it
// ends on the same day.
func TestARevokedCertificateIsReissuedWhateverItsAge(t *testing.T) {
	r := revocationFixture(t)
	r.issueAtOnce(t)
	first := r.revoke(crl.Superseded)
	r.sweep(t)
	second := r.param(itemparam.Serial)
	assert.NotEqual(t, first, second)
	assert.Equal(t, "5", r.param(itemparam.ServiceStatus))
	assert.Equal(t, "2026-10-17", r.param(itemparam.ExpireDate), "a day before the first one")
	assert.Empty(t, r.mailer.notices)

	t.Run("a short one does not look like the end of the seller's term", func(t *testing.T) {
		r := revocationOf(t, watchFixture(t, 60))
		r.issueAtOnce(t)
		first := r.revoke(crl.Superseded)
		r.sweep(t)
		assert.NotEqual(t, first, r.param(itemparam.Serial))
		assert.NotContains(t, r.panel.order.Params, itemparam.TermEnd)
	})

	// An hour later the new one is revoked, too.
	r.at = r.at.Add(time.Hour)
	require.NoError(t, r.do(command.Reopen, "reopen"))
	assert.Equal(t, 1, r.seller.reissues, "it is not revoked, and less than a day old")
	r.revoke(crl.Superseded)
	r.sweep(t)
	assert.Equal(t, 2, r.seller.reissues)
	assert.NotEqual(t, second, r.param(itemparam.Serial))
	assert.Empty(t, r.openTasks())
}

func (r *revocation) do(f item.Func, name string) error {
	before := r.args
	r.args = item.Args{Command: name, Item: 42}
	defer func() { r.args = before }()
	_, err := f(context.Background(), r.env())
	return err
}

// rules REVOKE-5: a CA that revokes whatever it issues gets two reissues within 7 days; then a person looks.
func TestReissuesOfRevokedCertificatesDoNotGoOnForEver(t *testing.T) {
	r := revocationFixture(t)
	r.issueAtOnce(t)
	for range 6 {
		r.revoke(crl.Superseded)
		r.sweep(t)
		r.at = r.at.Add(time.Hour)
	}
	assert.Equal(t, 2, r.seller.reissues)
	require.Len(t, r.openTasks(), 1)
	assert.Contains(t, r.openTasks()[0], "reissues of revoked certificates of the item were asked for 2 times within 7 days")

	// The administrator is done with it: nothing happens by itself.
	r.sweepsEach(t, 6*time.Hour, 4*8)
	assert.Equal(t, 2, r.seller.reissues)
	assert.Len(t, r.panel.tasks, 1)

	require.NoError(t, r.do(command.Reopen, "reopen"))
	require.NoError(t, r.do(command.SyncItem, "sync_item"))
	assert.Equal(t, 3, r.seller.reissues, "a person may reissue it")
	assert.Empty(t, r.openTasks())
	r.revoke(crl.Superseded)
	r.sweep(t)
	assert.Equal(t, 4, r.seller.reissues, "a week later the next one is reissued")
}

// A reissue that the seller took and ended is not asked for again.
func TestAReissueThatTheSellerEndsIsNotRepeated(t *testing.T) {
	r := revocationFixture(t)
	r.seller.reissueRefused = true
	r.revoke(crl.Superseded)
	_, failed := r.sweep(t)
	assert.True(t, failed)
	r.sweepsEach(t, 6*time.Hour, 4*10)
	assert.Equal(t, 1, r.seller.reissues)
	assert.Equal(t, "5", r.param(itemparam.ServiceStatus))
	assert.NotEmpty(t, r.openTasks())
}

// A refusal of the seller is a person's matter, as for any reissue; an account that does not work is tried again.
func TestWhatTheSellerSaysAboutAReissue(t *testing.T) {
	for name, c := range map[string]struct {
		err                    error
		reissues, tasks, count int
	}{
		"refused":            {fault.Errorf(fault.API, "", "no"), 1, 1, 0},
		"a limit of calls":   {fault.Errorf(fault.Limit, "", "later").Retryable(), 30, 0, 0},
		"login refused":      {fault.Errorf(fault.Login, "", "no"), 30, 0, 0},
		"not now":            {fault.Errorf(fault.API, "", "later").Retryable(), 30, 0, 0},
		"an answer was lost": {&fault.Error{Type: fault.Client, Message: "lost", Retry: true, OutcomeUnknown: true, Outage: true}, 2, 1, 2},
		"it was not reached": {&fault.Error{Type: fault.Client, Message: "refused", Retry: true, Outage: true}, 30, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := revocationFixture(t)
			r.seller.reissueErr = c.err
			r.revoke(crl.Superseded)
			for range 30 {
				r.sweep(t)
				r.at = r.at.Add(time.Hour)
			}
			assert.Equal(t, c.reissues, r.seller.reissues)
			assert.Len(t, r.openTasks(), c.tasks)
			assert.Len(t, r.known().Reissued, c.count)
			assert.Empty(t, r.mailer.notices)
		})
	}
}

// rules REVOKE-5: what the seller refuses for a while is no reissue: the certificate is reissued when the seller takes it, and a task
// comes only after two reissues that it took.
func TestAPassingRefusalDoesNotCountAsAReissue(t *testing.T) {
	r := revocationFixture(t)
	r.revoke(crl.Superseded)
	r.seller.reissueErr = fault.Errorf(fault.API, "", "another request is processed").Retryable()
	r.sweeps(t, 5*time.Hour)
	assert.Empty(t, r.openTasks())
	refused := r.seller.reissues
	require.Greater(t, refused, 2)
	r.seller.reissueErr = nil
	r.issueAtOnce(t)
	r.at = r.at.Add(time.Hour)
	r.sweep(t)
	assert.Equal(t, refused+1, r.seller.reissues)
	require.Len(t, r.known().Reissued, 1)
	assert.True(t, r.known().Reissued[0].Taken)

	r.at = r.at.Add(time.Hour)
	r.revoke(crl.Superseded)
	r.sweep(t)
	assert.Equal(t, refused+2, r.seller.reissues, "the second of the week")
	assert.Empty(t, r.openTasks())
}

// An answer that was lost is found again: the certificate is reissued once.
func TestALostReissueOfARevokedCertificateIsFound(t *testing.T) {
	r := revocationFixture(t)
	r.seller.reissueErr, r.seller.reissueAnyway = &fault.Error{Type: fault.Client, Message: "lost", Retry: true, OutcomeUnknown: true}, true
	r.revoke(crl.Superseded)
	r.sweep(t)
	r.seller.reissueErr = nil
	r.issue(t)
	r.sweeps(t, 3*time.Hour)
	assert.Equal(t, 1, r.seller.reissues)
	assert.NotEqual(t, r.known().Serial, r.param(itemparam.Serial))
	assert.True(t, r.known().Reissued[0].Taken)
	assert.Empty(t, r.openTasks())
}

// rules REVOKE-5: what is under way is waited for; the new certificate is stored however it ends.
func TestAnItemUnderWayWaits(t *testing.T) {
	t.Run("a reissue", func(t *testing.T) {
		r := revocationFixture(t)
		require.NoError(t, r.do(command.Reopen, "reopen"))
		serial := r.revoke(crl.Superseded)
		doc, _ := r.sweep(t)
		assert.Contains(t, doc, `action="wait"`)
		assert.Equal(t, 1, strings.Count(doc, `<item id="42"`))
		assert.Equal(t, serial, r.known().Serial)
		assert.Equal(t, 1, r.seller.reissues)
		r.issue(t)
		r.sweep(t)
		assert.NotEqual(t, serial, r.param(itemparam.Serial))
		assert.Equal(t, 1, r.seller.reissues)
	})
	t.Run("an operation of the panel", func(t *testing.T) {
		r := revocationFixture(t)
		r.panel.operations = 1
		r.revoke(crl.Superseded)
		doc, _ := r.sweep(t)
		assert.Contains(t, doc, `action="wait" result="skipped" reason="revoked: superseded"`)
		assert.Zero(t, r.seller.reissues)
		r.panel.operations = 0
		r.sweep(t)
		assert.Equal(t, 1, r.seller.reissues)
	})
}

// A certificate that is revoked and ends soon is worked on once.
func TestARevokedCertificateThatEndsSoonIsReissuedOnce(t *testing.T) {
	r := revocationOf(t, watchFixture(t, 5))
	r.revoke(crl.Superseded)
	doc, _ := r.sweep(t)
	assert.Contains(t, doc, `due="1" reissued="1"`)
	assert.Equal(t, 1, strings.Count(doc, `<item id="42"`))
	assert.Equal(t, 1, r.seller.reissues)

	t.Run("one that is withdrawn is not", func(t *testing.T) {
		r := revocationOf(t, watchFixture(t, 5))
		r.revoke(crl.PrivilegeWithdrawn)
		r.sweepsEach(t, 8*time.Hour, 6)
		assert.Zero(t, r.seller.reissues)
		assert.Len(t, r.panel.tasks, 1)
	})
}

func TestNothingIsReissuedAfterTheTerm(t *testing.T) {
	r := revocationFixture(t)
	r.panel.order.Params[itemparam.TermMonths] = "3"
	r.revoke(crl.Superseded)
	doc, _ := r.sweep(t)
	assert.Contains(t, doc, `action="none" result="skipped" reason="term_over"`)
	assert.Zero(t, r.seller.reissues)
}

// rules REVOKE-6, BR 6.1.1.3: a key that is known to others gets no certificate, whoever asks; another key does.
func TestAKeyThatIsKnownToOthersGetsNoCertificate(t *testing.T) {
	r := revocationFixture(t)
	serial := r.revoke(crl.KeyCompromise)
	r.sweep(t)
	for name, f := range map[string]item.Func{"reopen": command.Reopen, "setparam": command.SetParam} {
		if name == "setparam" {
			r.panel.order.Params[itemparam.Requested] = "something else"
		}
		err := r.do(f, name)
		failure := fault.From(err)
		require.NotNil(t, failure, name)
		assert.Equal(t, fault.Value, failure.Type, name)
		assert.False(t, failure.Retry, name)
		assert.Equal(t, "item 42 (example.com): certificate "+serial+" was revoked on 2026-07-10 because its private key is known to others (keyCompromise), and the CSR is "+
			"for the same key, for which no authority issues a certificate (BR 6.1.1.3): make a new key and a CSR for it, and reissue the certificate with that CSR", failure.Message)
	}
	assert.Zero(t, r.seller.reissues)
	assert.Len(t, r.openTasks(), 1)

	former := r.pair
	r.pair = newPair(t, "example.com")
	r.panel.order.CSR = r.pair.csr
	require.NoError(t, r.do(command.Reopen, "reopen"))
	assert.Equal(t, 1, r.seller.reissues)
	r.issue(t)
	r.sweep(t)
	assert.NotEqual(t, serial, r.param(itemparam.Serial))
	assert.Empty(t, r.openTasks(), "it is closed when the certificate is stored")
	assert.Equal(t, []string{"newkey"}, r.mails()[:1])

	// The former key stays refused, in whatever CSR, as long as the module remembers it.
	r.panel.order.CSR = csrOf(t, former)
	assert.ErrorContains(t, r.do(command.Reopen, "reopen"), "for the same key")
	assert.Equal(t, 1, r.seller.reissues)
}

// The order that a renewal bought takes no such key either.
func TestAKeyThatIsKnownToOthersIsNotActivated(t *testing.T) {
	r := revocationFixture(t)
	r.revoke(crl.KeyCompromise)
	r.sweep(t)
	r.seller.change(101, func(o *seller.OrderStatus) { o.State = seller.StateNew })
	err := r.do(command.Reopen, "reopen")
	assert.ErrorContains(t, err, "make a new key and a CSR for it")
	assert.Equal(t, []int64{101}, r.seller.activated[:1])
	assert.Len(t, r.seller.activated, 1, "only when it was opened")
}

// A CA may find out later that the key is known to others (BR 7.2.2).
func TestAReasonThatChangesIsAnswered(t *testing.T) {
	r := revocationFixture(t)
	r.panel.settings["SSLSubscriptionPolicy"] = "manual"
	serial := r.revoke(crl.Superseded)
	r.sweep(t)
	assert.Equal(t, []string{"revoked reissue"}, r.mails())
	r.put(serial, crl.KeyCompromise)
	r.sweeps(t, 2*time.Hour)
	assert.Equal(t, []string{"revoked reissue", "newkey"}, r.mails())
	assert.Len(t, r.openTasks(), 1)
}

func TestACertificateThatIsOnHoldNoMoreIsForgotten(t *testing.T) {
	r := revocationFixture(t)
	r.revoke(crl.CertificateHold)
	r.sweep(t)
	assert.Len(t, r.openTasks(), 1)
	r.lists.unknown = true
	r.lists.entries = nil
	r.sweep(t)
	assert.NotEmpty(t, r.known().Serial, "the list could not be read")
	r.lists.unknown = false
	r.sweep(t)
	assert.Empty(t, r.param(itemparam.Revocation))

	t.Run("any other one stays revoked", func(t *testing.T) {
		r := revocationFixture(t)
		r.revoke(crl.Superseded)
		r.panel.settings["SSLSubscriptionPolicy"] = "manual"
		r.sweep(t)
		r.lists.entries = nil
		r.sweeps(t, 3*time.Hour)
		assert.NotEmpty(t, r.known().Serial)
	})
}

// rules REVOKE-2, REVOKE-4: a list that cannot be used changes nothing, and is told once.
func TestAListThatCannotBeUsedChangesNothing(t *testing.T) {
	r := revocationFixture(t)
	r.revoke(crl.Superseded)
	r.lists.unknown, r.lists.failure = true, &crl.Failure{URL: listURL, First: true, Err: errors.New("HTTP 503")}
	doc, failed := r.sweep(t)
	assert.False(t, failed)
	assert.NotContains(t, doc, "revoked=")
	assert.Zero(t, r.seller.reissues)
	r.logged(t, "the list of revoked certificates "+listURL+" cannot be used: HTTP 503; its certificates are not checked")

	r.lists.unknown = false
	r.sweep(t)
	assert.Equal(t, 1, r.seller.reissues, "a copy that counts is used")
	r.logged(t, "HTTP 503; what is known of it counts until 2026-07-17T09:00:00Z")

	t.Run("no folder for copies", func(t *testing.T) {
		r := revocationFixture(t)
		r.revoke(crl.Superseded)
		r.lists.broken = errors.New("no folder")
		_, failed := r.sweep(t)
		assert.False(t, failed)
		assert.Equal(t, 1, r.seller.reissues)
		r.logged(t, "no folder")
	})
}

// What is known of a certificate in place is enough where its list cannot be read any more.
func TestAKnownRevocationIsAnsweredWithoutTheList(t *testing.T) {
	r := revocationFixture(t)
	r.panel.operations = 1
	r.revoke(crl.Superseded)
	r.sweep(t)
	r.lists.unknown = true
	r.panel.operations = 0
	r.sweep(t)
	assert.Equal(t, 1, r.seller.reissues)

	t.Run("nor with watching switched off", func(t *testing.T) {
		r := revocationFixture(t)
		r.revoke(crl.KeyCompromise)
		r.sweep(t)
		r.panel.settings[watch.SettingWatch] = "off"
		r.lists.asked = 0
		r.at = r.at.AddDate(0, 0, 95)
		r.sweep(t)
		assert.Zero(t, r.lists.asked)
		assert.Zero(t, r.seller.reissues, "it is due, and its key is known to others")
	})
}

// rules REVOKE-6: a site that serves a revoked certificate: its client is told in the same sweep, once.
func TestAClientWhoseSiteServesARevokedCertificateIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		reason crl.Reason
		atOnce bool // the seller issues at once
		mails  []string
	}{
		"reissued and waiting":    {"auto", crl.Superseded, false, []string{"prove", "revoked wait"}},
		"reissued at once":        {"auto", crl.Superseded, true, []string{"revoked install"}},
		"withdrawn":               {"auto", crl.PrivilegeWithdrawn, false, []string{"revoked ask"}},
		"its key is known":        {"auto", crl.KeyCompromise, false, []string{"newkey"}},
		"the client reissues":     {"manual", crl.Superseded, false, []string{"revoked reissue"}},
		"withdrawn, told already": {"manual", crl.PrivilegeWithdrawn, false, []string{"revoked ask"}},
		"nobody is told":          {"none", crl.Superseded, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := revocationFixture(t)
			r.panel.settings["SSLSubscriptionPolicy"] = c.policy
			r.sites.served = r.panel.stored
			r.sweep(t)
			if c.atOnce {
				r.issueAtOnce(t)
			}
			serial := r.revoke(c.reason)
			r.at = r.at.Add(time.Hour)
			_, failed := r.sweep(t)
			assert.False(t, failed)
			assert.Equal(t, c.mails, r.mails())
			r.sweeps(t, 3*time.Hour)
			assert.Equal(t, c.mails, r.mails(), "once")
			for _, n := range r.mailer.notices {
				if n.Kind == item.NoticeRevoked && c.policy == "auto" {
					assert.Equal(t, serial, n.Revoked.Serial)
					require.Len(t, n.Served, 1)
					assert.Equal(t, "example.com", n.Served[0].Name)
					assert.Equal(t, "192.0.2.80", n.Served[0].Address)
				}
			}
		})
	}
}

// A CA may revoke the certificate that a reissue replaced: that is no concern of the one in place, but of a site that serves it.
func TestAReplacedCertificateThatIsRevokedAndServed(t *testing.T) {
	r := revocationOf(t, watchFixture(t, 10))
	r.sites.served = r.panel.stored
	first := r.param(itemparam.Serial)
	r.watching.reissue(t)
	r.put(first, crl.Superseded)
	r.sweep(t)
	r.at = r.at.Add(time.Hour)
	doc, failed := r.sweep(t)
	assert.False(t, failed)
	assert.Equal(t, []string{"revoked install"}, r.mails(), doc)
	assert.Equal(t, 1, r.seller.reissues)
	r.sweeps(t, 24*time.Hour)
	assert.Equal(t, []string{"revoked install"}, r.mails())
	assert.Empty(t, r.openTasks())
}

func TestWithoutASenderAServedRevokedCertificateIsOnlyShown(t *testing.T) {
	r := revocationFixture(t)
	delete(r.panel.settings, item.SettingMailFrom)
	r.sites.served = r.panel.stored
	r.revoke(crl.PrivilegeWithdrawn)
	doc, failed := r.sweep(t)
	assert.False(t, failed)
	assert.Contains(t, doc, "revoked: privilegeWithdrawn")
	assert.Empty(t, r.mailer.notices)

	r = revocationFixture(t)
	delete(r.panel.settings, item.SettingMailFrom)
	r.revoke(crl.KeyCompromise)
	doc, failed = r.sweep(t)
	assert.False(t, failed)
	assert.Contains(t, doc, `action="tell" result="skipped" reason="no sender"`)
	assert.Len(t, r.openTasks(), 1)
	r.panel.settings[item.SettingMailFrom] = "ssl@hosting.example"
	r.sweep(t)
	assert.Equal(t, []string{"newkey"}, r.mails())
}

// rules SWEEP-11: a mail that this server cannot send is sent by the next sweep, one whose recipient is refused on the next day.
func TestAMailAboutARevokedCertificateThatFailsIsSentLater(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		hours int // until it is tried again
	}{
		"the transport": {fault.Errorf(fault.Client, fault.ObjectMail, "no"), 1},
		"the recipient": {fault.Errorf(fault.Client, fault.ObjectRecipient, "no"), 15},
	} {
		t.Run(name, func(t *testing.T) {
			r := revocationFixture(t)
			r.revoke(crl.KeyCompromise)
			r.mailer.err = c.err
			_, failed := r.sweep(t)
			assert.True(t, failed)
			r.mailer.err = nil
			require.Len(t, r.panel.tasks, 1)
			r.panel.tasks[0] += " closed" // by an administrator
			for hour := 1; hour <= 24; hour++ {
				r.at = r.at.Add(time.Hour)
				r.sweep(t)
				assert.Equal(t, hour >= c.hours, len(r.mailer.notices) == 1, hour)
			}
			assert.Len(t, r.panel.tasks, 1)
		})
	}
}

// A run that is killed while it tells the client does not write twice.
func TestAKilledRunDoesNotWriteTwiceAboutARevokedCertificate(t *testing.T) {
	for n := 1; ; n++ {
		r := revocationFixture(t)
		r.revoke(crl.KeyCompromise)
		happened := r.panel.killed(n, func() { r.sweep(t) })
		r.sweepsEach(t, 6*time.Hour, 6)
		assert.LessOrEqual(t, len(r.mailer.notices), 1, n)
		assert.Len(t, r.openTasks(), 1, n)
		assert.Zero(t, r.seller.reissues, n)
		if !happened {
			assert.Len(t, r.mailer.notices, 1)
			break
		}
	}
}

// rules REVOKE-5: whatever dies when, a revoked certificate is reissued once, or a person is asked; there is no loop.
func TestAKilledReissueOfARevokedCertificate(t *testing.T) {
	for _, late := range []bool{false, true} { // the seller issues later
		for n := 1; ; n++ {
			r := revocationFixture(t)
			if !late {
				r.issueAtOnce(t)
			}
			first := r.revoke(crl.Superseded)
			happened := r.panel.killed(n, func() { r.sweep(t) })
			for range 6 {
				r.sweepsEach(t, time.Hour, 1)
				if r.seller.statuses[r.seller.next].State == seller.StateWaiting {
					r.issue(t)
				}
			}
			r.sweepsEach(t, 12*time.Hour, 3)
			label := fmt.Sprintf("killed before call %d, issued later %t", n, late)
			assert.Equal(t, []string{first}, r.taken, label)
			assert.NotEqual(t, first, r.param(itemparam.Serial), label)
			assert.Equal(t, "5", r.param(itemparam.ServiceStatus), label)
			assert.Empty(t, r.openTasks(), label)
			if t.Failed() {
				t.Fatalf("%s: %s", label, strings.Join(r.panel.calls, "\n"))
			}
			if !happened {
				assert.Greater(t, n, 10)
				break
			}
		}
	}
}

// A run that is killed again and again at the same step makes two reissues at most.
func TestRunsThatAreKilledAgainAndAgain(t *testing.T) {
	for n := 1; ; n++ {
		r := revocationFixture(t)
		r.revoke(crl.Superseded)
		happened := false
		for range 15 {
			happened = r.panel.killed(n, func() { r.sweep(t) }) || happened
			r.at = r.at.Add(time.Hour)
		}
		assert.LessOrEqual(t, r.seller.reissues, 1, n)
		assert.LessOrEqual(t, len(r.known().Reissued), 2, n)
		if !happened {
			break
		}
	}
}

// A call-back that the panel refuses once is repeated.
func TestABrokenCallAboutARevokedCertificateIsRepeated(t *testing.T) {
	whole := revocationFixture(t)
	whole.issueAtOnce(t)
	whole.revoke(crl.Superseded)
	whole.sweep(t)
	var done []string
	for _, call := range whole.panel.calls {
		prefix, _, _ := strings.Cut(call, "=")
		if strings.HasPrefix(call, "reissue") || strings.Contains(strings.Join(done, "\n"), prefix) {
			continue
		}
		done = append(done, prefix)
		t.Run(prefix, func(t *testing.T) {
			r := revocationFixture(t)
			r.issueAtOnce(t)
			first := r.revoke(crl.Superseded)
			r.panel.fail[prefix] = fault.Errorf(fault.Panel, "", "broken").Retryable()
			r.sweep(t)
			r.sweeps(t, 5*time.Hour)
			r.sweepsEach(t, 12*time.Hour, 2)
			assert.Equal(t, []string{first}, r.taken)
			assert.NotEqual(t, first, r.param(itemparam.Serial))
			assert.Empty(t, r.openTasks())
		})
	}
	assert.Contains(t, done, "save revocation")
}

// rules REVOKE-5: a panel that does not keep what is saved gets no reissue: nothing would bound their number.
func TestNothingIsReissuedThatThePanelDoesNotRemember(t *testing.T) {
	r := revocationFixture(t)
	r.revoke(crl.Superseded)
	for range 5 {
		run := r.env()
		run.Panel = forgetfulPanel{r.panel}
		_, err := command.Subscription(t.Context(), run)
		require.NoError(t, err)
		assert.True(t, run.Failed)
		r.at = r.at.Add(time.Hour)
	}
	assert.Zero(t, r.seller.reissues)
}

// forgetfulPanel says that it saved the item parameter.
type forgetfulPanel struct{ *fakePanel }

func (f forgetfulPanel) SaveParam(ctx context.Context, it int64, name, value string) error {
	if name == itemparam.Revocation {
		return nil
	}
	return f.fakePanel.SaveParam(ctx, it, name, value)
}

func (f forgetfulPanel) SaveParams(ctx context.Context, it int64, params []item.Param) error {
	return saveEach(ctx, f, it, params)
}

// When the new certificate was seen, and no reissue is to be counted any more, nothing is remembered.
func TestARevocationIsForgottenOnceTheNewCertificateIsSeen(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *revocation)
		days   int
		stays  bool
	}{
		"seen":                         {func(r *revocation) { r.sites.served = r.panel.stored }, 7, false},
		"delivered":                    {func(r *revocation) { r.panel.order.Params[itemparam.DeployedSerial] = r.param(itemparam.Serial) }, 7, false},
		"its sites do not answer":      {func(*revocation) {}, 7, false},
		"watching is switched off":     {func(r *revocation) { r.panel.settings[watch.SettingWatch] = "off" }, 8, false},
		"the reissue is to be counted": {func(r *revocation) { r.sites.served = r.panel.stored }, 6, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := revocationFixture(t)
			r.issueAtOnce(t)
			r.panel.order.Params[itemparam.RevokedSerial] = r.revoke(crl.Superseded)
			r.sweep(t)
			c.change(r)
			r.at = r.at.AddDate(0, 0, c.days)
			r.sweep(t)
			r.at = r.at.Add(time.Hour)
			r.sweep(t)
			assert.Equal(t, c.stays, r.param(itemparam.Revocation) != "")
			assert.Equal(t, c.stays, r.param(itemparam.RevokedSerial) != "")
		})
	}
}

// One that the client replaced leaves no reissues to be counted.
func TestARevocationThatTheClientAnsweredIsForgottenWhenTheCertificateIsSeen(t *testing.T) {
	for name, seen := range map[string]bool{"seen": true, "not seen": false} {
		t.Run(name, func(t *testing.T) {
			r := revocationFixture(t)
			r.panel.settings["SSLSubscriptionPolicy"] = "none"
			r.revoke(crl.Superseded)
			r.sweep(t)
			r.issueAtOnce(t)
			require.NoError(t, r.do(command.Reopen, "reopen"))
			require.NoError(t, r.do(command.SyncItem, "sync_item"))
			if seen {
				r.sites.served = r.panel.stored
			}
			r.sweeps(t, 2*time.Hour)
			assert.Equal(t, seen, r.param(itemparam.Revocation) == "")
			r.at = r.at.AddDate(0, 0, 7)
			r.sweep(t)
			assert.Empty(t, r.param(itemparam.Revocation))
		})
	}
}

// A mail is remembered as long as the certificate may be served, unless nobody looks.
func TestARevocationThatWasToldIsForgottenWhenTheCertificateHasEnded(t *testing.T) {
	for watching, days := range map[string]int{"on": 398, "off": 7} {
		r := revocationFixture(t)
		r.panel.settings["SSLSubscriptionPolicy"] = "manual"
		r.revoke(crl.Superseded)
		r.sweep(t)
		require.Equal(t, []string{"revoked reissue"}, r.mails())
		noted := r.at
		r.issueAtOnce(t)
		require.NoError(t, r.do(command.Reopen, "reopen"))
		require.NoError(t, r.do(command.SyncItem, "sync_item"))
		r.sites.served = r.panel.stored
		r.panel.settings[watch.SettingWatch] = watching
		r.at = noted.AddDate(0, 0, days).Add(-time.Minute)
		r.sweep(t)
		assert.NotEmpty(t, r.param(itemparam.Revocation), watching)
		r.at = r.at.Add(time.Minute)
		r.sweep(t)
		assert.Empty(t, r.param(itemparam.Revocation), watching)
	}
}

func TestADryRunShowsWhatWouldBeDone(t *testing.T) {
	for reason, want := range map[crl.Reason]string{
		crl.Superseded:         `action="reissue" result="skipped" reason="dry run"`,
		crl.KeyCompromise:      `action="tell" result="skipped" reason="dry run"`,
		crl.PrivilegeWithdrawn: `action="none" result="skipped" reason="revoked: privilegeWithdrawn, a task"`,
	} {
		r := revocationFixture(t)
		r.sites.served = r.panel.stored
		r.revoke(reason)
		r.args.DryRun = true
		doc, failed := r.sweep(t)
		assert.False(t, failed)
		assert.Contains(t, doc, want)
		assert.True(t, r.lists.readOnly)
		assert.Empty(t, r.panel.calls)
		assert.Empty(t, r.mailer.notices)
		assert.Empty(t, r.param(itemparam.Revocation))
		assert.NoFileExists(t, r.state)
		assert.Zero(t, r.seller.reissues)
	}
}

// --item says what is known about the item, also where nothing more is done.
func TestANamedItemSaysThatItIsRevoked(t *testing.T) {
	r := revocationFixture(t)
	r.revoke(crl.PrivilegeWithdrawn)
	r.sweep(t)
	doc, _ := r.sweep(t)
	assert.NotContains(t, doc, "<item", "an administrator has the task")
	r.args.Item = 42
	doc, _ = r.sweep(t)
	assert.Contains(t, doc, `action="none" result="skipped" reason="revoked: privilegeWithdrawn"`)
	assert.Len(t, r.panel.tasks, 1)

	r = revocationFixture(t)
	r.revoke(crl.KeyCompromise)
	r.sweep(t)
	r.args.Item = 42
	doc, _ = r.sweep(t)
	assert.Contains(t, doc, `action="tell" result="skipped" reason="told already"`)
	assert.Len(t, r.mailer.notices, 1)
	r.args.Resend = true
	_, failed := r.sweep(t)
	assert.False(t, failed)
	assert.Equal(t, []string{"newkey", "newkey"}, r.mails(), "--resend")
}

// A seller that reissues in place keeps the id of its order.
func TestARevokedCertificateIsReissuedInPlace(t *testing.T) {
	start := func(t *testing.T) (r *revocation, first string) {
		r = revocationOf(t, watchingOf(t, placedFixture(t, 60)))
		r.args, r.at = item.Args{Command: "subscription"}, now().AddDate(0, 0, 50)
		first = r.revoke(crl.Superseded)
		_, failed := r.sweep(t)
		require.False(t, failed, strings.Join(r.log.lines, "\n"))
		require.Equal(t, 1, r.remote.reissues)
		require.Len(t, r.known().Reissued, 1)
		assert.True(t, r.known().Reissued[0].Taken)
		return r, first
	}
	t.Run("twice", func(t *testing.T) {
		r, first := start(t)
		r.remote.issue(t, 500, r.pair, r.at, 100)
		r.sweep(t)
		assert.NotEqual(t, first, r.param(itemparam.Serial))
		r.revoke(crl.Superseded)
		r.sweeps(t, 3*time.Hour)
		assert.Equal(t, 2, r.remote.reissues)
	})
	t.Run("the seller shows the old one again", func(t *testing.T) {
		r, first := start(t)
		r.remote.change(500, func(o *seller.OrderStatus) { o.State = seller.StateIssued })
		r.sweepsEach(t, 6*time.Hour, 4*10)
		assert.Equal(t, 1, r.remote.reissues)
		assert.Len(t, r.openTasks(), 1)
		assert.Contains(t, r.openTasks()[0], "its reissue was accepted on 2026-05-22T10:00:00Z, and it is still in place")
		assert.Equal(t, first, r.param(itemparam.Serial))
	})
}

// With SSLRotateKey the module makes the new key itself, if it can be brought to all servers.
func TestAKnownKeyIsReplacedByOneOfTheModule(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(k *rotating)
		policy   string
		reissues int
		mails    []string
		tasks    int
	}{
		"every server takes it":       {nil, "auto", 1, []string{"prove"}, 0},
		"a server does not":           {func(k *rotating) { k.delivery.targets[0].Key = false }, "auto", 0, []string{"newkey"}, 1},
		"the client holds the key":    {func(k *rotating) { k.panel.key = "" }, "auto", 0, []string{"newkey"}, 1},
		"it is switched off":          {func(k *rotating) { k.panel.settings[item.SettingRotateKey] = "off" }, "auto", 0, []string{"newkey"}, 1},
		"the client decides":          {nil, "manual", 0, []string{"newkey"}, 1},
		"the seller refuses the key":  {func(k *rotating) { k.seller.reissueErr = fault.Errorf(fault.API, "csr", "no") }, "auto", 1, []string{"newkey"}, 1},
		"the seller ends the reissue": {func(k *rotating) { k.seller.reissueRefused = true }, "auto", 1, []string{"newkey"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			k := rotatingOf(t, sweepFixture(t, 100))
			r := revocationOf(t, watchingOf(t, k.fixture))
			r.panel.settings["SSLSubscriptionPolicy"] = c.policy
			r.more = func(run *item.Run) {
				own := k.env()
				run.Rand, run.Delivering, run.Waits, run.Sleep = own.Rand, own.Delivering, own.Waits, own.Sleep
			}
			if c.change != nil {
				c.change(k)
			}
			serial, former := r.revoke(crl.KeyCompromise), r.panel.order.CSR
			r.sweep(t)
			for range 5 {
				r.at = r.at.Add(time.Hour)
				k.issue()
				r.sweep(t)
			}
			assert.Equal(t, c.reissues, r.seller.reissues)
			assert.Equal(t, c.mails, r.mails())
			assert.Len(t, r.openTasks(), c.tasks)
			k.noKeyShown()
			if c.tasks > 0 {
				assert.Equal(t, serial, r.param(itemparam.Serial))
				return
			}
			assert.NotEqual(t, serial, r.param(itemparam.Serial))
			assert.NotEqual(t, former, r.panel.order.CSR)
			assert.Equal(t, r.param(itemparam.Serial), r.param(itemparam.DeployedSerial))
			r.panel.order.CSR = former
			assert.ErrorContains(t, r.do(command.Reopen, "reopen"), "for the same key")
		})
	}
}

// rules REVOKE-6: a server that does not answer for a while is no reason to ask a person for a key; one that stays away is.
func TestAKnownKeyWaitsForServersThatDoNotAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		away     int // sweeps, one an hour
		reissues int
		mails    []string
		tasks    int
	}{
		"it comes back": {3, 1, []string{"prove"}, 0},
		"it stays away": {9, 0, []string{"newkey"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			k := rotatingOf(t, sweepFixture(t, 100))
			r := revocationOf(t, watchingOf(t, k.fixture))
			r.more = func(run *item.Run) {
				own := k.env()
				run.Rand, run.Delivering, run.Waits, run.Sleep = own.Rand, own.Delivering, own.Waits, own.Sleep
			}
			r.revoke(crl.KeyCompromise)
			for n := range 9 {
				k.delivery.reasons = nil
				if n < c.away {
					k.delivery.reasons = []deliver.Reason{{Name: "example.com", Err: context.DeadlineExceeded}}
				}
				r.sweep(t)
				if n < 5 {
					assert.Empty(t, r.openTasks(), "sweep %d", n)
				}
				r.at = r.at.Add(time.Hour)
				k.issue()
			}
			assert.Equal(t, c.reissues, r.seller.reissues)
			assert.Equal(t, c.mails, r.mails())
			assert.Len(t, r.openTasks(), c.tasks)
			k.noKeyShown()
		})
	}
}

// The CSR of an imported item is for the key of its certificate.
func TestAnImportedItemWhoseKeyIsKnown(t *testing.T) {
	r := revocationFixture(t)
	r.panel.order.CSR = ""
	r.revoke(crl.KeyCompromise)
	doc, failed := r.sweep(t)
	assert.False(t, failed, doc)
	r.sweeps(t, 3*time.Hour)
	assert.Equal(t, []string{"newkey"}, r.mails())
	assert.Zero(t, r.seller.reissues)

	t.Run("without a CSR the client has to give one", func(t *testing.T) {
		r := revocationFixture(t)
		r.panel.order.CSR = ""
		r.seller.change(101, func(o *seller.OrderStatus) { o.CSR = "" })
		r.revoke(crl.Superseded)
		r.sweeps(t, 3*time.Hour)
		assert.Equal(t, []string{"revoked reissue"}, r.mails())
		assert.Len(t, r.openTasks(), 1)
		assert.Zero(t, r.seller.reissues)
	})
}

// A site that goes on serving the revoked certificate is no news, and no reason to write again.
func TestASiteThatGoesOnServingARevokedCertificate(t *testing.T) {
	r := revocationFixture(t)
	r.sites.served = r.panel.stored
	r.sweep(t)
	r.issueAtOnce(t)
	r.revoke(crl.Superseded)
	r.sweep(t)
	require.Equal(t, []string{"revoked install"}, r.mails())
	r.sweepsEach(t, 24*time.Hour, 20)
	assert.Equal(t, "revoked install", r.mails()[0])
	for _, mail := range r.mails()[1:] {
		assert.Equal(t, "install", mail, "as for any old certificate")
	}
	assert.NotEmpty(t, r.known().Serial)
}

// Sites are looked at when their certificate is found to be revoked, then once a day.
func TestTheSitesOfARevokedCertificateAreLookedAtOnce(t *testing.T) {
	r := revocationFixture(t)
	r.sweep(t)
	require.Len(t, r.sites.looks, 1)
	r.revoke(crl.PrivilegeWithdrawn)
	r.sweeps(t, 5*time.Hour)
	assert.Len(t, r.sites.looks, 2)

	r = revocationFixture(t)
	r.panel.settings["SSLSubscriptionPolicy"] = "none"
	r.sweep(t)
	r.revoke(crl.PrivilegeWithdrawn)
	r.sweeps(t, 5*time.Hour)
	assert.Len(t, r.sites.looks, 1, "nobody would be told")
}

// mass is a panel with many items like that of the fixture, each with parameters of its own.
type mass struct {
	*fakePanel
	params map[int64]map[string]string
}

func (m mass) LoadItem(ctx context.Context, it int64) (item.Item, error) {
	order, err := m.fakePanel.LoadItem(ctx, 42)
	order.Item, order.Params = it, maps.Clone(m.params[it])
	return order, err
}

func (m mass) Param(_ context.Context, it int64, name string) (string, bool, error) {
	value, there := m.params[it][name]
	return value, there, nil
}

func (m mass) SaveParam(_ context.Context, it int64, name, value string) error {
	m.params[it][name] = value
	return nil
}

func (m mass) SaveParams(ctx context.Context, it int64, params []item.Param) error {
	return saveEach(ctx, m, it, params)
}

func (m mass) DropParam(_ context.Context, it int64, name string) error {
	delete(m.params[it], name)
	return nil
}

func (m mass) SetStatus(_ context.Context, it int64, status item.ServiceStatus) error {
	m.params[it][itemparam.ServiceStatus] = strconv.Itoa(int(status))
	return nil
}

func (m mass) items() []int64 { return slices.Sorted(maps.Keys(m.params)) }

func (m mass) with(name string, values ...string) (found []int64) {
	for _, it := range m.items() {
		if slices.Contains(values, m.params[it][name]) {
			found = append(found, it)
		}
	}
	return found
}

func (m mass) WaitingItems(context.Context) ([]int64, error) {
	return m.with(itemparam.ServiceStatus, "3", "4"), nil
}

func (m mass) ExpiringBefore(context.Context, cabforum.Date) ([]int64, error) { return nil, nil }

func (m mass) RevokedItems(context.Context) (all []item.RevokedItem, err error) {
	for _, it := range m.items() {
		if state := m.params[it][itemparam.Revocation]; state != "" {
			all = append(all, item.RevokedItem{Item: it, State: state})
		}
	}
	return all, nil
}

func (m mass) WatchedItems(_ context.Context, only int64, f func(item.WatchedItem)) error {
	for _, it := range m.items() {
		if only == 0 || only == it {
			f(item.WatchedItem{Item: it, Serial: m.params[it][itemparam.Serial]})
		}
	}
	return nil
}

func (m mass) WatchedSites(_ context.Context, items []int64) (all []item.WatchedSite, err error) {
	for _, it := range items {
		all = append(all, item.WatchedSite{Item: it, Name: "example.com", Stored: m.stored, Serial: m.params[it][itemparam.Serial]})
	}
	return all, nil
}

// massRevoked returns items whose certificates are all revoked.
func massRevoked(t *testing.T, n int64) (*revocation, mass) {
	t.Helper()
	r := revocationFixture(t)
	r.seller.replacedLate = true
	r.revoke(crl.Superseded)
	m := mass{fakePanel: r.panel, params: map[int64]map[string]string{}}
	for it := range n {
		m.params[it+1] = maps.Clone(r.panel.order.Params)
	}
	return r, m
}

func (r *revocation) sweepMass(t *testing.T, m mass) (doc string) {
	t.Helper()
	run := r.env()
	run.Panel = m
	answer, err := command.Subscription(t.Context(), run)
	require.NoError(t, err)
	return output(t, answer)
}

// rules REVOKE-4: a CA that revokes all certificates at once takes a quarter of an hour of a sweep; the others have the rest. Each
// sweep goes on.
func TestAMassRevocationLeavesTimeForOthers(t *testing.T) {
	r, m := massRevoked(t, 7)
	r.then = func() { r.at = r.at.Add(6 * time.Minute) }
	for _, want := range []int{3, 6, 7, 7} {
		doc := r.sweepMass(t, m)
		assert.Contains(t, doc, ` revoked="7"`)
		assert.Equal(t, want, r.seller.reissues)
		r.at = r.at.Add(time.Hour)
	}
}

// rules SWEEP-9: if the account does not work, its other items are left.
func TestAMassRevocationWhileTheSellerIsDown(t *testing.T) {
	r, m := massRevoked(t, 5)
	r.seller.reissueErr = fault.Errorf(fault.Limit, "", "later").Retryable()
	doc := r.sweepMass(t, m)
	assert.Equal(t, 1, r.seller.reissues)
	assert.Equal(t, 4, strings.Count(doc, "left for the next sweep"))
	assert.Equal(t, 1, strings.Count(doc, `result="error"`))
}

// The certificate of an item is read once, then the sweep remembers what it names.
func TestCertificatesAreReadOnce(t *testing.T) {
	w, c := crowded(t, 120)
	r := revocationOf(t, w)
	sweep := func() int {
		c.pages = 0
		run := r.env()
		run.Panel = c
		_, err := command.Subscription(context.Background(), run)
		require.NoError(t, err)
		return c.pages
	}
	r.lists.serials = 0
	pages := sweep()
	assert.Equal(t, 120, r.lists.serials)
	assert.Equal(t, 6, pages, "three pages for the lists, three for the sites")
	r.at = r.at.Add(time.Hour)
	assert.Equal(t, 1, sweep(), "one page for the certificate of the issuer")
	assert.Equal(t, 240, r.lists.serials)
	assert.Equal(t, []bool{true, true}, r.lists.closed)

	t.Run("also where no site can be looked at", func(t *testing.T) {
		w, c := crowded(t, 120)
		r := revocationOf(t, w)
		r.sites.answer = func(context.Context, watch.Target) (watch.Look, error) {
			return watch.Look{Unresolved: true, Places: []watch.Place{{Outcome: watch.Unreachable}}}, nil
		}
		for _, want := range []int{5, 3} {
			c.pages = 0
			run := r.env()
			run.Panel = c
			_, err := command.Subscription(context.Background(), run)
			require.NoError(t, err)
			assert.Equal(t, want, c.pages)
		}
	})
}
