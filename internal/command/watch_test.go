package command_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
	"pmssl/internal/watch"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASiteThatServesItsCertificateIsLookedAtOnceADay(t *testing.T) {
	w := watchFixture(t, 100)
	doc, failed := w.sweep(t)
	assert.False(t, failed)
	assert.Contains(t, doc, `failed="0" watched="1" old="0"/>`, "no row: there is nothing to do")
	r := w.record(t)
	assert.Equal(t, watch.Current, r.Outcome)
	assert.Equal(t, w.param(itemparam.Serial), r.Serial)
	assert.Equal(t, w.at, r.Since)
	assert.Equal(t, 1, w.saves())
	w.logged(t, "item 42 (example.com): current: example.com at 192.0.2.80 serves the certificate in place")
	w.logged(t, "looked at the sites of 1 items, 0 are left for the next sweep; of all items old 0, other 0, none 0, unreachable 0, current 1")

	w.sweeps(t, 22*time.Hour)
	assert.Len(t, w.sites.looks, 1)
	w.sweeps(t, time.Hour)
	assert.Len(t, w.sites.looks, 2)
	w.sweeps(t, 5*24*time.Hour)
	assert.InDelta(t, 7, len(w.sites.looks), 1)
	assert.Equal(t, 1, w.saves(), "the item parameter is written for news only")
	assert.Empty(t, w.mailer.notices)
}

func TestAClientWhoseSiteStaysOldIsNotifiedTwice(t *testing.T) {
	w := watchFixture(t, 10)
	first := w.param(itemparam.Serial)
	w.reissue(t)
	assert.Equal(t, first, w.param(itemparam.EarlierSerials))
	assert.Len(t, w.sites.looks, 2, "right after the issue")
	r := w.record(t)
	assert.Equal(t, watch.Old, r.Outcome)
	assert.Equal(t, first, r.Served)
	issued := w.at
	assert.Equal(t, issued, r.OldSince)

	w.sweeps(t, 47*time.Hour)
	assert.Empty(t, w.mailer.notices, "a client needs some time")
	w.sweeps(t, 25*time.Hour)
	require.Len(t, w.mailer.notices, 1)
	notice := w.mailer.notices[0]
	assert.Equal(t, item.NoticeInstall, notice.Kind)
	assert.Equal(t, "example.com", notice.Domain)
	assert.Equal(t, w.param(itemparam.Serial), notice.Serial)
	assert.Equal(t, "client@example.org", notice.To.Email)
	require.Len(t, notice.Served, 1)
	assert.Equal(t, item.Served{Name: "example.com", Address: "192.0.2.80", Serial: first, Expires: notice.Served[0].Expires}, notice.Served[0])
	assert.Equal(t, "2026-10-18", notice.Served[0].Expires.String())
	assert.Empty(t, notice.Challenges)
	assert.NotEqual(t, w.param(itemparam.Serial), w.param(itemparam.NotifiedSerial), "the end of this certificate is another matter")

	w.at = time.Date(2026, 10, 15, 0, 30, 0, 0, time.UTC)
	w.sweeps(t, 14*24*time.Hour)
	require.Len(t, w.mailer.notices, 2, "once more in the last three days")
	assert.Len(t, w.record(t).Mailed, 2)
	assert.Equal(t, watch.Old, w.record(t).Outcome)
}

func TestAnInstalledCertificateEndsTheMatter(t *testing.T) {
	w := watchFixture(t, 10)
	w.reissue(t)
	w.sites.served = w.panel.stored
	w.sweeps(t, 10*24*time.Hour)
	assert.Empty(t, w.mailer.notices)
	assert.Equal(t, watch.Current, w.record(t).Outcome)
	assert.True(t, w.record(t).OldSince.IsZero())
}

// With few days left there is no time to wait.
func TestAClientWithFewDaysLeftIsNotifiedAtOnce(t *testing.T) {
	w := watchFixture(t, 6)
	w.reissue(t)
	w.sweeps(t, 23*time.Hour)
	w.sweeps(t, 2*time.Hour) // the day of the mail about the validation is over
	assert.Equal(t, 1, w.installs())
}

// The mail about an old site must not suppress that about the end of the same certificate.
func TestTheEndOfACertificateIsToldAfterItsInstallation(t *testing.T) {
	w := watchFixture(t, 10)
	w.reissue(t)
	w.sweeps(t, 3*24*time.Hour)
	require.Equal(t, 1, w.installs())
	w.sites.served = w.panel.stored
	w.panel.settings["SSLSubscriptionPolicy"] = "manual"
	w.at = w.at.AddDate(0, 0, 190)
	w.sweep(t)
	require.Len(t, w.mailer.notices, 2)
	assert.Equal(t, item.NoticeExpires, w.mailer.notices[1].Kind)
}

func TestStatesOlderThanTheWatchAreOnlyShown(t *testing.T) {
	w := watchFixture(t, 100)
	w.panel.order.Params[itemparam.EarlierSerials] = "abc"
	w.sites.answer = func(context.Context, watch.Target) (watch.Look, error) { return oldLook(), nil }
	doc, _ := w.sweep(t)
	assert.Contains(t, doc, `action="none" result="ok" reason="" site="old: example.com at 192.0.2.80 serves an old one"`)
	assert.Contains(t, doc, `old="1"`)
	w.sweeps(t, 100*24*time.Hour)
	assert.Zero(t, w.installs())
	assert.Equal(t, w.param(itemparam.Serial), w.record(t).First)
}

// oldLook is a look at a site that serves an old certificate.
func oldLook() watch.Look {
	return watch.Look{Places: []watch.Place{{Name: "example.com", Address: "192.0.2.80", Outcome: watch.Old, Serial: "abc", Expires: now().AddDate(1, 0, 0), Why: "serves an old one"}}}
}

// An item whose first certificate was issued while sites were watched is none that was there before.
func TestANewItemIsNotifiedToo(t *testing.T) {
	w := watchFixture(t, 100)
	require.NoError(t, os.WriteFile(w.state, []byte(`{"version":1,"begun":"2026-04-01T00:00:00Z"}`+"\n"), 0o600))
	w.sites.answer = func(context.Context, watch.Target) (watch.Look, error) { return oldLook(), nil }
	w.sweeps(t, 4*24*time.Hour)
	assert.Equal(t, 1, w.installs())
}

func TestWhatIsOnlyShown(t *testing.T) {
	for name, row := range map[string]struct {
		prepare func(w *watching)
	}{
		"without a sender":          {func(w *watching) { delete(w.panel.settings, item.SettingMailFrom) }},
		"with the policy none":      {func(w *watching) { w.panel.settings["SSLSubscriptionPolicy"] = "none" }},
		"another certificate":       {func(w *watching) { w.sites.served = strings.Join(signed(t, newPair(t, "example.com"), now(), 300), "") }},
		"a site that is dead":       {func(w *watching) { w.sites.served = "" }},
		"the certificate's own end": {func(w *watching) { w.at = w.at.AddDate(0, 0, 250) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := watchFixture(t, 10)
			w.reissue(t)
			row.prepare(w)
			for range 12 {
				w.at = w.at.AddDate(0, 0, 1)
				doc, _ := w.sweep(t)
				assert.Contains(t, doc, `watched="1"`)
			}
			assert.Zero(t, w.installs())
		})
	}
}

func TestOneMailADay(t *testing.T) {
	w := watchFixture(t, 10)
	w.reissue(t)
	w.at = w.at.Add(48 * time.Hour)
	w.panel.order.Params["told_on"] = w.at.Format(time.DateOnly) // as after the mail of a delivery
	doc, failed := w.sweep(t)
	assert.False(t, failed)
	assert.Contains(t, doc, `action="tell" result="skipped" reason="told today"`)
	assert.Zero(t, w.installs())
	w.sweeps(t, 24*time.Hour)
	assert.Equal(t, 1, w.installs(), "the next day")
}

// What the module delivers itself is not the client's work, and a client who was told that the delivery failed knows.
func TestAClientIsNotToldTwiceAboutADelivery(t *testing.T) {
	w := watchFixture(t, 10)
	w.reissue(t)
	w.at = w.at.Add(48 * time.Hour)
	pending := `{"serial":"` + w.param(itemparam.Serial) + `","since":"` + w.at.Format(time.RFC3339) + `","tries":1}`
	w.panel.order.Params[itemparam.Delivery] = pending
	doc, failed := w.sweep(t)
	assert.False(t, failed)
	assert.Zero(t, w.installs())
	assert.NotContains(t, doc, "<item ", "the module still tries")
	looks := len(w.sites.looks)

	w.panel.order.Params[itemparam.Delivery] = strings.Replace(pending, `"tries":1`, `"tries":6,"told":true,"mailed":"2026-10-10"`, 1)
	w.at = w.at.Add(time.Hour)
	w.sweep(t)
	assert.Len(t, w.sites.looks, looks+1, "looked at again at once")
	assert.Zero(t, w.installs(), "told when the delivery failed")
	assert.Equal(t, []string{"2026-10-10"}, w.record(t).Mailed)
	w.sweeps(t, 10*24*time.Hour)
	assert.Equal(t, 1, w.installs(), "once more in the last three days")

	t.Run("the module that delivers nothing any more is not waited for", func(t *testing.T) {
		w := watchFixture(t, 10)
		w.reissue(t)
		w.delivery.mode = publish.Off
		w.panel.order.Params[itemparam.Delivery] = `{"serial":"` + w.param(itemparam.Serial) + `","since":"` + w.at.Format(time.RFC3339) + `","tries":1}`
		w.sweeps(t, 3*24*time.Hour)
		assert.Equal(t, 1, w.installs())
	})
	t.Run("the module that finds no site of the client is not waited for", func(t *testing.T) {
		w := watchFixture(t, 10)
		w.reissue(t)
		w.panel.order.Params[itemparam.Delivery] = `{"serial":"` + w.param(itemparam.Serial) + `","since":"` + w.at.AddDate(0, 0, 2).Format(time.RFC3339) + `","tries":1,"not_owner":true}`
		w.sweeps(t, 3*24*time.Hour)
		assert.Equal(t, 1, w.installs())
	})
	t.Run("in the last days the module is not waited for long", func(t *testing.T) {
		w := watchFixture(t, 3)
		w.reissue(t)
		w.at = w.at.Add(24 * time.Hour)
		pending := `{"serial":"` + w.param(itemparam.Serial) + `","since":"` + w.at.Format(time.RFC3339) + `","tries":1}`
		w.panel.order.Params[itemparam.Delivery] = pending
		w.sweep(t)
		assert.Zero(t, w.installs(), "the second try may do it")
		w.panel.order.Params[itemparam.Delivery] = strings.Replace(pending, `"tries":1`, `"tries":2`, 1)
		w.sweeps(t, time.Hour)
		assert.Equal(t, 1, w.installs())
	})
	t.Run("the delivery of an earlier certificate does not count", func(t *testing.T) {
		w := watchFixture(t, 10)
		w.reissue(t)
		w.panel.order.Params[itemparam.Delivery] = `{"serial":"abc","since":"2026-10-08T00:00:00Z","tries":6,"told":true,"mailed":"2026-10-08"}`
		w.sweeps(t, 3*24*time.Hour)
		assert.Equal(t, 1, w.installs())
	})
}

func TestAMailThatFailedIsSentByTheNextSweep(t *testing.T) {
	w := watchFixture(t, 10)
	w.reissue(t)
	w.at = w.at.Add(48 * time.Hour)
	w.mailer.err = fault.Errorf(fault.Client, fault.ObjectMail, "no mail server").Retryable()
	for range 2 {
		doc, failed := w.sweep(t)
		assert.True(t, failed)
		assert.Contains(t, doc, `result="error" reason="client (mail): no mail server"`)
		w.at = w.at.Add(time.Hour)
	}
	w.mailer.err = nil
	doc, failed := w.sweep(t)
	assert.False(t, failed)
	assert.Contains(t, doc, `action="tell" result="ok"`)
	assert.Contains(t, doc, `told="1"`)
	assert.Equal(t, 1, w.installs())

	t.Run("a refused recipient is tried the next day", func(t *testing.T) {
		w := watchFixture(t, 10)
		w.reissue(t)
		w.at = w.at.Add(48 * time.Hour)
		w.mailer.err = fault.Errorf(fault.Client, fault.ObjectRecipient, "550 no such user")
		_, failed := w.sweep(t)
		assert.True(t, failed)
		w.mailer.err = nil
		w.at = w.at.Add(time.Hour)
		_, failed = w.sweep(t)
		assert.False(t, failed)
		assert.Zero(t, w.installs())
		w.sweeps(t, 24*time.Hour)
		assert.Equal(t, 1, w.installs())
	})
}

func TestWatchingIsSwitchedOff(t *testing.T) {
	for name, row := range map[string]struct{ option, value, says string }{
		"by its option":         {watch.SettingWatch, "off", "sites are not watched: SSLSubscriptionWatch is off"},
		"without look-ups":      {"SSLResolver", "off", "sites are not watched: SSLResolver is off"},
		"with a wrong resolver": {"SSLResolver", "ns.example", "sites are not watched: SSLResolver is off"},
	} {
		t.Run(name, func(t *testing.T) {
			w := watchFixture(t, 100)
			w.panel.settings[row.option] = row.value
			doc, failed := w.sweep(t)
			assert.False(t, failed)
			assert.Empty(t, w.sites.looks)
			assert.NotContains(t, doc, "watched=")
			assert.Equal(t, 1, strings.Count(strings.Join(w.log.lines, "\n"), row.says), "said once")
			assert.NoFileExists(t, w.state)
		})
	}
}

func TestOptionsOfWatching(t *testing.T) {
	w := watchFixture(t, 100)
	w.panel.settings["SSLResolver"] = "192.0.2.2"
	w.sweep(t)
	assert.Equal(t, watch.Settings{On: true, Resolver: "192.0.2.2:53"}, w.sites.settings)
	w.panel.settings[watch.SettingPrivate], w.panel.settings[watch.SettingWatch] = "on", "sometimes"
	w.sweep(t)
	assert.Equal(t, watch.Settings{On: true, Private: true, Resolver: "192.0.2.2:53"}, w.sites.settings)
	w.logged(t, `SSLSubscriptionWatch is "sometimes": possible are on and off; taken as on`)
}

func TestADryRunLooksAtNothing(t *testing.T) {
	w := watchFixture(t, 100)
	w.args.DryRun = true
	doc, _ := w.sweep(t)
	assert.Empty(t, w.sites.looks)
	assert.NotContains(t, doc, "watched=")
	assert.NoFileExists(t, w.state)
	assert.Empty(t, w.panel.calls)
}

func TestANamedItemIsLookedAtAtOnce(t *testing.T) {
	w := watchFixture(t, 100)
	w.sweep(t)
	w.args.Item = 42
	doc, failed := w.sweep(t)
	assert.False(t, failed)
	assert.Len(t, w.sites.looks, 2)
	assert.Contains(t, doc, `watched="1" old="0"`)
	assert.Contains(t, doc, `action="none" result="skipped" reason="early" site="current: example.com at 192.0.2.80 serves the certificate in place"/>`)
	assert.Equal(t, 1, strings.Count(doc, "<item "), "one row")

	w.args.Item = 0
	w.at = w.at.Add(22 * time.Hour)
	w.sweep(t)
	assert.Len(t, w.sites.looks, 2, "that look counts too")
}

func TestResendWritesToTheClientOfAnOldSiteAgain(t *testing.T) {
	w := watchFixture(t, 10)
	w.reissue(t)
	w.sweeps(t, 3*24*time.Hour)
	require.Equal(t, 1, w.installs())
	w.args.Item, w.args.Resend = 42, true
	doc, failed := w.sweep(t)
	assert.False(t, failed)
	assert.Contains(t, doc, `told="1"`)
	assert.Equal(t, 2, w.installs())
	w.sweep(t)
	assert.Equal(t, 3, w.installs())
	assert.Len(t, w.record(t).Mailed, 2)

	w.sites.served = w.panel.stored
	_, err := command.Subscription(t.Context(), w.env())
	require.ErrorContains(t, err, "nothing to notify the client of item 42")
}

func TestALostFileMeansThatAllIsLookedAtAgain(t *testing.T) {
	for name, lose := range map[string]func(path string) error{
		"removed": os.Remove,
		"torn":    func(path string) error { return os.Truncate(path, 60) },
		"garbage": func(path string) error { return os.WriteFile(path, []byte("garbage"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			w := watchFixture(t, 10)
			w.reissue(t)
			w.sweeps(t, 3*24*time.Hour)
			require.Equal(t, 1, w.installs())
			looks, saves := len(w.sites.looks), w.saves()
			require.NoError(t, lose(w.state))
			_, failed := w.sweep(t)
			assert.False(t, failed)
			assert.Len(t, w.sites.looks, looks+1)
			assert.Equal(t, saves, w.saves(), "what is on the item is still true")
			w.sweeps(t, 2*24*time.Hour)
			assert.Equal(t, 1, w.installs(), "no second mail")
			assert.Empty(t, w.record(t).First)
		})
	}
}

func TestAnUnreadableFileIsLogged(t *testing.T) {
	w := watchFixture(t, 100)
	require.NoError(t, os.Mkdir(w.state, 0o700))
	_, failed := w.sweep(t)
	assert.False(t, failed, "no sweep fails for that")
	w.logged(t, "all sites are looked at again")
	w.logged(t, "what was seen at sites cannot be kept")
	assert.Equal(t, watch.Current, w.record(t).Outcome)
}

func TestACertificateThatWasReplacedMeanwhileIsNotTold(t *testing.T) {
	w := watchFixture(t, 10)
	w.reissue(t)
	w.at = w.at.Add(48 * time.Hour)
	w.sites.answer = func(context.Context, watch.Target) (watch.Look, error) {
		w.panel.order.Params[itemparam.Serial] = "feed"
		return oldLook(), nil
	}
	w.sweep(t)
	assert.Zero(t, w.installs())
	w.sites.answer = nil
	looks := len(w.sites.looks)
	w.at = w.at.Add(time.Hour)
	w.sweep(t)
	assert.Len(t, w.sites.looks, looks+1, "the new one is looked for")
}

// rules ARCH-13
func TestAPanicOfALookIsAnErrorOfItsItem(t *testing.T) {
	w := watchFixture(t, 100)
	w.sites.answer = func(context.Context, watch.Target) (watch.Look, error) { panic("planted") }
	doc, failed := w.sweep(t)
	assert.True(t, failed)
	assert.Contains(t, doc, "a fault of this program while it looked at a site: planted")
}

func TestAnItemWithoutAReadableCertificateWaitsForTomorrow(t *testing.T) {
	for name, stored := range map[string]string{"unreadable": "hello", "none": ""} {
		t.Run(name, func(t *testing.T) {
			w := watchFixture(t, 100)
			w.panel.stored = stored
			for range 3 {
				doc, failed := w.sweep(t)
				assert.False(t, failed)
				assert.Contains(t, doc, `watched="0"`)
			}
			assert.Empty(t, w.sites.looks)
			if stored != "" {
				assert.Equal(t, 1, strings.Count(strings.Join(w.log.lines, "\n"), "its sites are not watched"))
			}
		})
	}
}

func TestAFailedLookIsAnErrorOfItsItem(t *testing.T) {
	w, c := crowded(t, 3)
	n := 0
	w.sites.answer = func(context.Context, watch.Target) (watch.Look, error) {
		if n++; n == 2 {
			return watch.Look{}, errors.New("a fault of this program")
		}
		return watch.Look{Places: []watch.Place{{Outcome: watch.Current}}}, nil
	}
	doc, run := w.sweepCrowd(t, c)
	assert.True(t, run.Failed)
	assert.Contains(t, doc, `watched="2"`)
	assert.Equal(t, 1, strings.Count(doc, `result="error" reason="a fault of this program"`))
	assert.Len(t, c.saved, 2)
	_, run = w.sweepCrowd(t, c)
	assert.False(t, run.Failed, "not again before tomorrow")
}

func TestTheOldestLookComesFirst(t *testing.T) {
	w, c := crowded(t, 300)
	var order []int64
	w.sweepCrowd(t, c)
	assert.Len(t, w.sites.looks, 300)
	assert.Equal(t, 6, c.pages, "certificates are loaded by 50")
	state, err := w.sites.Read(w.at)
	require.NoError(t, err)
	for it := range int64(300) {
		seen, _ := state.Seen(it + 1)
		seen.Looked = w.at.Add(-time.Duration(24+(it*7)%300) * time.Hour)
		if it == 299 {
			seen.Serial = "another" // replaced since then
		}
		state.Note(seen)
	}
	require.NoError(t, w.sites.Write(state))
	recorder := &orderedCrowd{crowd: c, order: &order}
	run := w.env()
	run.Panel = recorder
	_, err = command.Subscription(t.Context(), run)
	require.NoError(t, err)
	require.Len(t, order, 300)
	assert.Equal(t, int64(300), order[0], "the new certificate")
	last := int64(1 << 60)
	for _, it := range order[1:] {
		age := ((it - 1) * 7) % 300
		assert.LessOrEqual(t, age, last)
		last = age
	}
}

// orderedCrowd keeps the order in which sites are loaded.
type orderedCrowd struct {
	*crowd
	order *[]int64
}

func (c *orderedCrowd) WatchedSites(ctx context.Context, items []int64) ([]item.WatchedSite, error) {
	*c.order = append(*c.order, items...)
	return c.crowd.WatchedSites(ctx, items)
}

// While the resolver is down nothing is known about any site.
func TestAResolverThatIsDownChangesNothing(t *testing.T) {
	w, c := crowded(t, 100)
	w.sweepCrowd(t, c)
	require.Len(t, c.saved, 100)
	clear(c.saved)
	unresolved := watch.Look{Unresolved: true, Places: []watch.Place{{Name: "example.com", Outcome: watch.Unreachable, Why: "DNS does not answer"}}}
	w.sites.answer = func(context.Context, watch.Target) (watch.Look, error) { return unresolved, nil }
	w.at = w.at.AddDate(0, 0, 1)
	doc, run := w.sweepCrowd(t, c)
	assert.False(t, run.Failed)
	assert.Empty(t, c.saved)
	assert.Contains(t, doc, `watched="0"`)
	w.logged(t, "sites are not looked at any more in this run: DNS has no answer for the sites of 20 items in a row: DNS does not answer")
	w.logged(t, "looked at the sites of 0 items, 100 are left for the next sweep")

	t.Run("the next sweep looks again", func(t *testing.T) {
		w.sites.answer = nil
		doc, _ := w.sweepCrowd(t, c)
		assert.Contains(t, doc, `watched="100"`)
	})
	t.Run("a client's zones do not stand before the others for ever", func(t *testing.T) {
		w, c := crowded(t, 100)
		w.sites.answer = func(_ context.Context, target watch.Target) (watch.Look, error) {
			if len(target.Earlier) > 0 {
				return unresolved, nil
			}
			return watch.Look{Places: []watch.Place{{Outcome: watch.Current}}}, nil
		}
		c.lost = 60 // so that those that are looked at together are all among them
		doc, _ := w.sweepCrowd(t, c)
		assert.Contains(t, doc, `watched="0"`)
		for range 8 {
			w.at = w.at.Add(time.Hour)
			w.sweepCrowd(t, c)
		}
		for it := int64(61); it <= 100; it++ {
			assert.Contains(t, c.saved[it], string(watch.Current), it)
		}
	})
	t.Run("zones that do not answer are no such case", func(t *testing.T) {
		n := 0
		w.sites.answer = func(context.Context, watch.Target) (watch.Look, error) {
			if n++; n%10 == 0 {
				return watch.Look{Places: []watch.Place{{Outcome: watch.Current}}}, nil
			}
			return unresolved, nil
		}
		clear(c.saved)
		w.at = w.at.AddDate(0, 0, 1)
		doc, _ := w.sweepCrowd(t, c)
		assert.Contains(t, doc, `watched="100"`)
		r, _ := watch.ParseRecord(c.saved[1])
		assert.Equal(t, watch.Unreachable, r.Outcome)
	})
}

func TestAPanelThatSavesNothingEndsTheLooks(t *testing.T) {
	w, c := crowded(t, 100)
	c.refuse = fault.Errorf(fault.Panel, "mgrctl", "the panel does not answer").Retryable()
	doc, run := w.sweepCrowd(t, c)
	assert.True(t, run.Failed)
	assert.Equal(t, 3, strings.Count(doc, `result="error"`))
	w.logged(t, "the panel saved no item parameter 3 times in a row")
	c.refuse = nil
	_, run = w.sweepCrowd(t, c)
	assert.False(t, run.Failed)
	assert.Len(t, c.saved, 97, "the three are looked at tomorrow")
}

// rules WATCH-3: what the item remembers is remembered here too, although the run ends right after it was saved.
func TestALookThatIsSavedIsNotRepeatedAfterTheEndOfTheRun(t *testing.T) {
	w, c := crowded(t, 200)
	ctx, cancel := context.WithCancel(t.Context())
	w.sites.answer = func(context.Context, watch.Target) (watch.Look, error) {
		return watch.Look{Places: []watch.Place{{Outcome: watch.Current}}}, nil
	}
	c.afterSave = func() {
		if len(c.saved) == 7 {
			cancel()
		}
	}
	run := w.env()
	run.Panel = c
	_, err := command.Subscription(ctx, run)
	require.Error(t, err)
	assert.Equal(t, fault.Interrupted, fault.From(err).Type)
	state, err := w.sites.Read(w.at)
	require.NoError(t, err)
	assert.Len(t, c.saved, 7)
	assert.Equal(t, 7, state.Count(watch.Current))
}

func TestTheEndOfTheRunEndsTheLooks(t *testing.T) {
	w, c := crowded(t, 200)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	w.sites.answer = func(context.Context, watch.Target) (watch.Look, error) {
		if n++; n == 60 {
			cancel()
		}
		return watch.Look{Places: []watch.Place{{Outcome: watch.Current}}}, ctx.Err()
	}
	run := w.env()
	run.Panel = c
	_, err := command.Subscription(ctx, run)
	require.Error(t, err)
	assert.Equal(t, fault.Interrupted, fault.From(err).Type)
	looked := len(c.saved)
	assert.Less(t, looked, 60)
	state, err := w.sites.Read(w.at)
	require.NoError(t, err)
	assert.Equal(t, looked, state.Count(watch.Current), "what was seen is kept")
}

func TestItemsThatAreNotWatchedAnyMoreAreForgotten(t *testing.T) {
	w, c := crowded(t, 5)
	w.sweepCrowd(t, c)
	c.items = 2
	w.sweepCrowd(t, c)
	state, err := w.sites.Read(w.at)
	require.NoError(t, err)
	for it, want := range map[int64]bool{1: true, 2: true, 3: false, 5: false} {
		_, known := state.Seen(it)
		assert.Equal(t, want, known, it)
	}
}

// The last twenty are kept, each once, without the one in place.
func TestReplacedSerialsAreKept(t *testing.T) {
	w := watchFixture(t, 10)
	first := w.param(itemparam.Serial)
	var many []string
	for range 20 {
		many = append(many, "e"+strings.Repeat("0", len(many)))
	}
	w.panel.order.Params[itemparam.EarlierSerials] = strings.Join(append(many, first), " ")
	w.reissue(t)
	assert.Equal(t, strings.Join(append(many[1:], first), " "), w.param(itemparam.EarlierSerials))
	written, next := w.position("save "+itemparam.EarlierSerials), w.position("save "+itemparam.Serial)
	assert.NotEqual(t, -1, written)
	assert.Less(t, written, next, "before the serial of the new certificate")
}

func (w *watching) position(prefix string) int {
	for n, call := range w.panel.calls {
		if strings.HasPrefix(call, prefix) {
			return n
		}
	}
	return -1
}
