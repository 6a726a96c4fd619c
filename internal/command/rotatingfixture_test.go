package command_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/deliver"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rotating is an item of five years whose certificate is due and on its server, which may be given the key. The panel holds the key,
// and SSLRotateKey is on.
type rotating struct {
	*fixture
	t        *testing.T
	ctx      context.Context
	delivery *fakeDelivery
	first    string // serial of the certificate in place at the beginning
}

// eachReissuer runs the test at a seller that gives a reissue an id of its own, and at one that keeps it.
func eachReissuer(t *testing.T, test func(t *testing.T, begin func(t *testing.T) *rotating)) {
	t.Helper()
	t.Run("an id of its own", func(t *testing.T) {
		test(t, func(t *testing.T) *rotating { return rotatingOf(t, sweepFixture(t, 10)) })
	})
	t.Run("in place", func(t *testing.T) {
		test(t, func(t *testing.T) *rotating {
			s := placedFixture(t, 60)
			s.at = time.Date(2026, 10, 8, 9, 0, 0, 0, time.UTC)
			return rotatingOf(t, s)
		})
	})
}

func rotatingFixture(t *testing.T) *rotating {
	t.Helper()
	return rotatingOf(t, sweepFixture(t, 10))
}

func rotatingOf(t *testing.T, s *fixture) *rotating {
	t.Helper()
	r := &rotating{fixture: s, t: t, ctx: t.Context()}
	r.first = r.stored().Serial()
	r.panel.key = keyText(t, s.pair)
	r.panel.settings[item.SettingRotateKey] = "on"
	r.panel.settings[item.SettingMailFrom] = "ssl@hosting.example"
	r.panel.order.Params[itemparam.DeployedSerial] = r.first
	r.delivery = &fakeDelivery{t: t, panel: s.panel, mode: publish.On, configured: true, served: map[string]string{"web7": r.first},
		pending: map[string]string{}, refuse: map[string]error{},
		targets: []deliver.Target{{Block: "web7", Sites: []string{"example.com", "www.example.com"}, Key: true}}}
	return r
}

func (r *rotating) env() *item.Run {
	run := r.fixture.env()
	run.Rand, run.Delivering, run.Waits = rand.Reader, r.delivery, item.NewWaits(90*time.Second)
	run.Sleep = func(ctx context.Context, d time.Duration) error {
		r.at = r.at.Add(d)
		return ctx.Err()
	}
	return run
}

func (r *rotating) sweep() (doc string, failed bool) {
	r.t.Helper()
	r.args = item.Args{Command: "subscription"}
	run := r.env()
	answer, err := command.Subscription(r.ctx, run)
	require.NoError(r.t, err)
	return output(r.t, answer), run.Failed
}

func (r *rotating) do(f item.Func, name string) error {
	r.args = item.Args{Command: name, Item: 42}
	_, err := f(r.ctx, r.env())
	return err
}

// sweeps runs a sweep each hour until the time has passed. The seller issues what waits.
func (r *rotating) sweeps(long time.Duration) {
	r.t.Helper()
	for end := r.at.Add(long); r.at.Before(end); {
		next := r.at.Add(time.Hour)
		r.at = next
		r.issue()
		r.sweep()
		r.keysAreThere()
		r.at = next // whatever the sweep waited
	}
}

// completes runs a sweep each hour until the change of the key is complete, for 30 hours at most; then one more, and one at their end,
// which are to change nothing.
func (r *rotating) completes() {
	r.t.Helper()
	end := r.at.Add(30 * time.Hour)
	for r.at.Before(end) && !r.complete() {
		r.sweeps(time.Hour)
	}
	for _, at := range []time.Time{r.at, end} {
		r.at = at
		r.sweeps(time.Hour)
	}
}

// complete reports whether a new certificate is in place and on its server, and nothing is left of the change.
func (r *rotating) complete() bool {
	serial := r.stored().Serial()
	return serial != r.first && r.param(itemparam.DeployedSerial) == serial && r.panel.pairs == nil && r.param(itemparam.RotatedCSR)+r.param(itemparam.Delivery) == ""
}

// killed runs the function and ends it right before the nth call of panel or server, as kill -9 does. False if it makes fewer.
func (r *rotating) killed(n int, run func()) bool {
	calls, reached := 0, false
	r.panel.before = func(string) {
		if calls++; calls == n {
			reached = true
			runtime.Goexit()
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run()
	}()
	<-done
	r.panel.before = nil
	return reached
}

func (r *rotating) stored() pki.Chain {
	r.t.Helper()
	stored, err := pki.StoredLeaf(r.panel.stored)
	require.NoError(r.t, err)
	return stored
}

// order returns what the seller has of the newest order, and its id.
func (r *rotating) order() (int64, seller.OrderStatus) {
	if r.remote != nil {
		return 500, r.remote.statuses[500]
	}
	return r.seller.next, r.seller.statuses[r.seller.next]
}

func (r *rotating) reissues() int { return r.seller.reissues + reissuesOf(r.fixture) }

// pairOf returns the pair of a CSR: the client's first one, or one that the module has made.
func (r *rotating) pairOf(csr string) keyPair {
	r.t.Helper()
	for _, made := range r.panel.made {
		if pki.CSRHash(made.CSR) == pki.CSRHash(csr) {
			block, _ := pem.Decode([]byte(made.Key))
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			require.NoError(r.t, err)
			return keyPair{key: key.(*ecdsa.PrivateKey), csr: made.CSR, cn: r.pair.cn}
		}
	}
	require.Equal(r.t, pki.CSRHash(r.pair.csr), pki.CSRHash(csr), "the seller has a CSR that nobody made")
	return r.pair
}

// issue has the seller issue the newest order, if it waits.
func (r *rotating) issue() {
	r.t.Helper()
	id, status := r.order()
	if status.State != seller.StateWaiting {
		return
	}
	pair := r.pairOf(status.CSR)
	if r.remote != nil {
		r.remote.issue(r.t, id, pair, r.at, 199)
		return
	}
	r.seller.issue(r.t, id, pair, r.at, 199)
}

// asked checks that the seller has a reissue for a new key with the same names, and returns its CSR.
func (r *rotating) asked() pki.CSR {
	r.t.Helper()
	_, status := r.order()
	csr, err := pki.ParseCSR(status.CSR)
	require.NoError(r.t, err)
	old, err := pki.ParseCSR(r.panel.order.CSR)
	require.NoError(r.t, err)
	require.False(r.t, csr.SameKey(old.PublicKey), "it is for the key of the panel's CSR: %v", r.log.lines)
	assert.Equal(r.t, old.CommonName, csr.CommonName)
	return csr
}

// keysAreThere checks that no key is lost: that of the certificate in place is in the panel or in the file, and so is the new one while
// the seller may issue a certificate for it.
func (r *rotating) keysAreThere() {
	r.t.Helper()
	held := []string{r.panel.key}
	if r.panel.pairs != nil {
		held = append(held, r.panel.pairs.Old.Key, r.panel.pairs.New.Key)
	}
	fits := func(leaf *x509.Certificate) bool {
		return slices.ContainsFunc(held, func(key string) bool { _, ok := pki.FittingKey(key, leaf); return ok })
	}
	assert.True(r.t, fits(r.stored().Leaf), "the key of the certificate in place")
	if _, status := r.order(); status.State == seller.StateWaiting {
		csr, err := pki.ParseCSR(status.CSR)
		require.NoError(r.t, err)
		assert.True(r.t, fits(&x509.Certificate{PublicKey: csr.PublicKey}), "the key of the reissue")
	}
}

// finished checks that the certificate in place is for the newest of so many new keys, that panel and server have it with its key, and
// that nothing else is left.
func (r *rotating) finished(keys int) {
	r.t.Helper()
	stored := r.stored()
	require.Len(r.t, r.panel.made, keys)
	csr, err := pki.ParseCSR(r.panel.order.CSR)
	require.NoError(r.t, err)
	assert.True(r.t, csr.SameKey(stored.Leaf.PublicKey), "the panel's CSR is that of the certificate")
	_, fits := csr.FittingKey(r.panel.key)
	assert.True(r.t, fits, "the panel has its key")
	if keys > 0 {
		assert.Equal(r.t, r.panel.made[keys-1], item.KeyPair{CSR: r.panel.order.CSR, Key: r.panel.key})
	}
	assert.Equal(r.t, "5", r.param(itemparam.ServiceStatus))
	assert.Equal(r.t, stored.Serial(), r.param(itemparam.DeployedSerial))
	assert.Equal(r.t, stored.Serial(), r.delivery.served["web7"])
	assert.Nil(r.t, r.panel.pairs, "the pairs are removed")
	assert.Empty(r.t, r.param(itemparam.RotatedCSR))
	assert.Empty(r.t, r.param(itemparam.Delivery))
	assert.Empty(r.t, r.installMails())
}

// installMails returns the mails about certificates that could not be delivered. The fixture publishes no challenges, so there are others.
func (r *rotating) installMails() []item.Notice {
	return slices.DeleteFunc(slices.Clone(r.mailer.notices), func(n item.Notice) bool { return n.Kind != item.NoticeInstall })
}

// noKeyShown checks that no private key is in the log, in a call of the panel, an item parameter, a task or a mail.
func (r *rotating) noKeyShown() {
	r.t.Helper()
	texts := slices.Concat(r.log.lines, r.panel.calls, r.panel.texts)
	for _, value := range r.panel.order.Params {
		texts = append(texts, value)
	}
	all := strings.Join(texts, "\n")
	for _, pair := range append(r.panel.made, item.KeyPair{Key: keyText(r.t, r.pair)}) {
		assert.NotContains(r.t, all, strings.Split(pair.Key, "\n")[1])
	}
}

func (r *rotating) logged() string { return strings.Join(r.log.lines, "\n") }

// position returns the place of the first call with the prefix, -1 if there is none.
func (r *rotating) position(prefix string) int {
	return slices.IndexFunc(r.panel.calls, func(call string) bool { return strings.HasPrefix(call, prefix) })
}

func (r *rotating) count(prefix string) int {
	return len(slices.DeleteFunc(slices.Clone(r.panel.calls), func(call string) bool { return !strings.HasPrefix(call, prefix) }))
}

// refuseNewKeys has the seller refuse every CSR but the client's first one.
func (r *rotating) refuseNewKeys(err error) {
	refuses := func(csr string) error {
		if pki.CSRHash(csr) == pki.CSRHash(r.pair.csr) {
			return nil
		}
		return err
	}
	r.seller.refuses = refuses
	if r.remote != nil {
		r.remote.refuses = refuses
	}
}

var errAway = errors.New("it is away")
