package command_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/deliver"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
	"pmssl/internal/watch"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// offering is an item whose certificate was stored before deliveries were switched on; its site serves the former one. Now a deploy
// block is for it.
type offering struct {
	*watching
	t *testing.T
}

func offeringFixture(t *testing.T) *offering {
	t.Helper()
	w := watchFixture(t, 10)
	w.sweep(t)
	w.at = w.at.Add(time.Hour)
	former := w.param(itemparam.Serial)
	w.reissue(t)
	require.Empty(t, w.param(itemparam.Delivery))
	w.delivery = &fakeDelivery{t: t, panel: w.panel, mode: publish.On, configured: true, served: map[string]string{"web7": former},
		pending: map[string]string{}, refuse: map[string]error{}, targets: []deliver.Target{{Block: "web7", Sites: []string{"example.com"}}}}
	return &offering{w, t}
}

// run makes a sweep. What is delivered is served.
func (o *offering) run() {
	o.t.Helper()
	run := o.env()
	run.Delivering, run.Waits = o.delivery, item.NewWaits(time.Minute)
	_, err := command.Subscription(context.Background(), run)
	require.NoError(o.t, err)
	if o.delivery.served["web7"] == o.param(itemparam.Serial) {
		o.sites.served = o.panel.stored
	}
}

// runs makes a sweep each hour for so long.
func (o *offering) runs(long time.Duration) {
	o.t.Helper()
	for end := o.at.Add(long); o.at.Before(end); {
		o.at = o.at.Add(time.Hour)
		o.run()
	}
}

func (o *offering) count(prefix string) int {
	n := 0
	for _, call := range o.panel.calls {
		if strings.HasPrefix(call, prefix) {
			n++
		}
	}
	return n
}

// rules DELIVER-6: who switches deliveries on need not wait for the next reissue of each certificate.
func TestACertificateWhoseSiteServesAnOldOneIsDelivered(t *testing.T) {
	o := offeringFixture(t)
	o.runs(26 * time.Hour)
	assert.Equal(t, 1, o.count("deliver web7"))
	assert.Equal(t, o.param(itemparam.Serial), o.param(itemparam.DeployedSerial))
	assert.Empty(t, o.param(itemparam.Delivery))
	o.runs(72 * time.Hour)
	assert.Zero(t, o.installs())
	assert.Empty(t, o.panel.tasks)
	assert.Equal(t, 1, o.count("deliver web7"))
	assert.False(t, o.record(t).Offered, "once the site serves it, nothing is remembered")
}

// The client's mail is due in the same look: the module goes first.
func TestTheModuleDeliversBeforeTheClientIsNotified(t *testing.T) {
	o := offeringFixture(t)
	configured := o.delivery
	o.delivery = &fakeDelivery{t: t, panel: o.panel, mode: publish.Off}
	o.runs(30 * time.Hour)
	require.Zero(t, o.installs())
	o.delivery = configured
	o.runs(72 * time.Hour)
	assert.Equal(t, o.param(itemparam.Serial), o.param(itemparam.DeployedSerial))
	assert.Zero(t, o.installs())
}

func TestWhatIsNotDeliveredBecauseASiteIsLookedAt(t *testing.T) {
	for name, change := range map[string]func(o *offering){
		"the site serves the certificate": func(o *offering) { o.sites.served = o.panel.stored },
		"the site serves another one": func(o *offering) {
			o.sites.served = strings.Join(signed(o.t, newPair(o.t, "example.com"), o.at, 90), "\n")
		},
		"nothing answers":           func(o *offering) { o.sites.served = "" },
		"the mode is off":           func(o *offering) { o.delivery.mode = publish.Off },
		"the mode is dry":           func(o *offering) { o.delivery.mode = publish.Dry },
		"there is no deploy block":  func(o *offering) { o.delivery.configured = false },
		"no deploy block is for it": func(o *offering) { o.delivery.impossible = true },
		"the watch is off":          func(o *offering) { o.panel.settings[watch.SettingWatch] = "off" },
		"its CA has revoked it": func(o *offering) {
			o.panel.order.Params[itemparam.Revocation] = fmt.Sprintf(`{"serial":%q,"reason":"cessationOfOperation","noted":%q}`, o.param(itemparam.Serial), o.at.UTC().Format(time.RFC3339))
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := offeringFixture(t)
			change(o)
			o.runs(26 * time.Hour)
			assert.Zero(t, o.count("save "+itemparam.Delivery), o.panel.calls)
			assert.Zero(t, o.count("targets"))
		})
	}
}

// A certificate that cannot be delivered is tried once, not each day, and its client is notified as before.
func TestACertificateIsOfferedOnce(t *testing.T) {
	o := offeringFixture(t)
	o.delivery.targets, o.delivery.reasons = nil, []deliver.Reason{{Name: "example.com", Err: publish.ErrNotOwner}}
	o.runs(96 * time.Hour)
	assert.Equal(t, 6, o.count("targets"), "the tries of one delivery")
	assert.Equal(t, 1, o.installs())
	t.Run("until its site has served it", func(t *testing.T) {
		old := o.sites.served
		o.delivery.targets, o.delivery.reasons = []deliver.Target{{Block: "web7", Sites: []string{"example.com"}}}, nil
		o.sites.served = o.panel.stored
		o.runs(26 * time.Hour)
		o.sites.served = old // restored from a backup
		o.runs(50 * time.Hour)
		assert.Equal(t, o.param(itemparam.Serial), o.param(itemparam.DeployedSerial))
	})
}

// A delivery that somebody must do by hand now is told as every other one.
func TestAnOfferedDeliveryThatFailsIsTold(t *testing.T) {
	o := offeringFixture(t)
	o.delivery.refuse["web7"] = deliver.ErrByHand
	o.runs(96 * time.Hour)
	assert.Equal(t, 1, o.installs())
	require.Len(t, o.panel.tasks, 1)
}

// A run that is killed at any step is repeated.
func TestAnOfferThatIsKilledIsRepeated(t *testing.T) {
	for n := 1; ; n++ {
		o := offeringFixture(t)
		o.at = o.at.Add(24 * time.Hour)
		calls, reached := 0, false
		o.panel.before = func(string) {
			if calls++; calls == n {
				reached = true
				runtime.Goexit()
			}
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			o.run()
			o.at = o.at.Add(time.Hour)
			o.run()
		}()
		<-done
		o.panel.before = nil
		o.runs(50 * time.Hour)
		require.Equal(t, o.param(itemparam.Serial), o.param(itemparam.DeployedSerial), "killed before call %d", n)
		require.Empty(t, o.param(itemparam.Delivery))
		require.Zero(t, o.installs())
		if !reached {
			require.Greater(t, n, 5)
			return
		}
	}
}
