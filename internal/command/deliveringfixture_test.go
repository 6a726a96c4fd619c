package command_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeDelivery is a deliver.Service in memory. Its calls are among the panel's, so that their order shows and each can be made to
// fail.
type fakeDelivery struct {
	t          *testing.T
	panel      *fakePanel
	mode       publish.Mode
	configured bool
	impossible bool
	targets    []deliver.Target
	reasons    []deliver.Reason
	broken     error             // of Targets
	refuse     map[string]error  // by block: what Deliver says
	served     map[string]string // by block: the serial that is shown, in hex
	ends       time.Time         // of what is shown instead of the certificate; long after these tests if zero
	noKey      map[string]error  // by block: what CheckKey says
	// slow is how many looks after a delivery still show the former certificate.
	slow    int
	pending map[string]string // by block: what is shown after that
	left    int
	keys    []string // that were handed over
	names   []string // of the certificate that was asked for
}

var _ deliver.Service = (*fakeDelivery)(nil)

func (f *fakeDelivery) Mode() publish.Mode { return f.mode }
func (f *fakeDelivery) Configured() bool   { return f.configured }

func (f *fakeDelivery) Possible(_ context.Context, order deliver.Order, _ []string) bool {
	assert.Equal(f.t, int64(42), order.Item)
	return !f.impossible
}

func (f *fakeDelivery) Targets(ctx context.Context, _ deliver.Order, names []string) ([]deliver.Target, []deliver.Reason, error) {
	assert.NoError(f.t, ctx.Err())
	f.names = names
	if err := f.panel.call("targets"); err != nil {
		return nil, nil, err
	}
	return f.targets, f.reasons, f.broken
}

func (f *fakeDelivery) Deliver(ctx context.Context, _ deliver.Order, t deliver.Target, c deliver.Certificate) error {
	assert.Equal(f.t, publish.On, f.mode)
	assert.Equal(f.t, c.Serial, f.state().Serial, "what is delivered is noted on the item (rules DELIVER-2)")
	assert.True(f.t, strings.HasPrefix(c.Leaf, "-----BEGIN CERTIFICATE-----"))
	assert.Contains(f.t, c.Chain, "-----BEGIN CERTIFICATE-----")
	if err := f.panel.call("deliver %s", t.Block); err != nil {
		return err
	}
	if t.Key {
		key, err := c.Key(ctx)
		if err != nil {
			return err
		}
		f.keys = append(f.keys, key)
	}
	if err := f.refuse[t.Block]; err != nil {
		return err
	}
	f.pending[t.Block], f.left = c.Serial, f.slow
	return nil
}

func (f *fakeDelivery) CheckKey(_ context.Context, _ deliver.Order, t deliver.Target, names []string) error {
	assert.Equal(f.t, "example.com", names[0])
	return f.noKey[t.Block]
}

func (f *fakeDelivery) Seen(_ context.Context, t deliver.Target, serial string) (deliver.Sight, error) {
	if err := f.panel.call("see %s", t.Block); err != nil {
		return deliver.Sight{}, err
	}
	if ready, delivered := f.pending[t.Block]; delivered {
		if f.left--; f.left < 0 {
			f.served[t.Block] = ready
			delete(f.pending, t.Block)
		}
	}
	if f.served[t.Block] == serial {
		return deliver.Sight{Seen: true}, nil
	}
	sight := deliver.Sight{Why: t.Sites[0] + " at 192.0.2.80:443 shows certificate " + f.served[t.Block]}
	if serial, shown := new(big.Int).SetString(f.served[t.Block], 16); shown {
		sight.Served = &x509.Certificate{SerialNumber: serial, NotAfter: f.ends}
		if sight.Served.NotAfter.IsZero() {
			sight.Served.NotAfter = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		}
	}
	return sight, nil
}

// deliveryState is the item parameter.
type deliveryState struct {
	Serial, Why, Mailed string
	Since, Last         time.Time
	Tries               int
	Done                []string
	Told                bool
	Task                int64
}

// state returns the item parameter; the zero value if there is none.
func (f *fakeDelivery) state() deliveryState {
	var state deliveryState
	if text := f.panel.order.Params[itemparam.Delivery]; text != "" {
		require.NoError(f.t, json.Unmarshal([]byte(text), &state), text)
	}
	return state
}

// delivering is an item of five years whose reissue 102 was asked for and is issued at the seller. The web server web7 shows the
// former certificate.
type delivering struct {
	*publishing
	delivery *fakeDelivery
	former   string // serial of the former certificate
}

func deliveringFixture(t *testing.T) *delivering {
	t.Helper()
	p := publishingFixture(t, 10)
	p.service.mode = publish.Off
	require.NoError(t, p.do(command.Reopen, "reopen"))
	p.issue(t)
	p.panel.calls = nil
	p.panel.settings[item.SettingMailFrom] = "ssl@hosting.example"
	d := &delivering{publishing: p, former: p.serial(t)}
	d.delivery = &fakeDelivery{t: t, panel: p.panel, mode: publish.On, configured: true, served: map[string]string{"web7": d.former, "lb1": d.former},
		pending: map[string]string{}, refuse: map[string]error{}, targets: []deliver.Target{{Block: "web7", Sites: []string{"example.com", "www.example.com"}}}}
	return d
}

// serial returns the serial of the stored certificate.
func (p *publishing) serial(t *testing.T) string {
	t.Helper()
	stored, err := pki.StoredLeaf(p.panel.stored)
	require.NoError(t, err)
	return stored.Serial()
}

func (d *delivering) env() *item.Run {
	run := d.publishing.env()
	run.Delivering = d.delivery
	return run
}

func (d *delivering) sweep(t *testing.T, change ...func(*item.Run)) (doc string, failed bool) {
	t.Helper()
	d.args = item.Args{Command: "subscription"}
	run := d.env()
	for _, c := range change {
		c(run)
	}
	answer, err := command.Subscription(d.ctx, run)
	require.NoError(t, err)
	return output(t, answer), run.Failed
}

// sweeps runs a sweep each hour until the time has passed.
func (d *delivering) sweeps(t *testing.T, long time.Duration) {
	t.Helper()
	for end := d.at.Add(long); d.at.Before(end); {
		next := d.at.Add(time.Hour)
		d.at = next
		d.sweep(t)
		d.at = next // whatever the sweep waited
	}
}

func (d *delivering) do(f item.Func, name string) error {
	d.args = item.Args{Command: name, Item: 42}
	_, err := f(d.ctx, d.env())
	return err
}

// deployed checks that the stored certificate is on its servers and nothing is left to do.
func (d *delivering) deployed(t *testing.T) {
	t.Helper()
	assert.Equal(t, d.serial(t), d.param(itemparam.DeployedSerial))
	assert.NotEqual(t, d.former, d.param(itemparam.DeployedSerial))
	assert.Empty(t, d.param(itemparam.Delivery))
	for _, target := range d.delivery.targets {
		assert.Equal(t, d.serial(t), d.delivery.served[target.Block])
	}
}

// openTasks counts the tasks that are not closed.
func (d *delivering) openTasks() int {
	return len(slices.DeleteFunc(slices.Clone(d.panel.tasks), func(task string) bool { return strings.HasSuffix(task, " closed") }))
}

// keyText returns the pair's private key as the panel keeps it.
func keyText(t *testing.T, pair keyPair) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
