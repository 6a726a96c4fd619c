package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/panel"
)

// databases numbers the panels' databases.
var databases atomic.Int64

// world is one panel with one seller, made for one test.
type world struct {
	trade  trade
	panel  *panel.Panel
	shop   shop
	clock  *clock.Clock
	server *httptest.Server
	watch  atomic.Pointer[watcher]
	answer atomic.Int64 // nanoseconds that the seller has taken for its answers
	asked  counters
	busy   sync.WaitGroup // requests that the seller works on
	tariff map[string]int64
	module int64
	// config is the panel's, from which a second host of it is made.
	config panel.Config
}

// worldOptions says what differs between worlds.
type worldOptions struct {
	dir       string // empty and short: the panel's root is laid out below
	trade     trade  // the seller, and the module to install
	simulated bool   // stop the time at start; the module is the one whose clock can be moved
	start     time.Time
	env       []string // further environment of the module
	options   []string // further lines of billmgr.conf
}

// newWorld lays out a panel in an own database and starts a seller on loopback.
func newWorld(o worldOptions) (*world, error) {
	ctx := context.Background()
	dsn, err := built.server.CreateDatabase(ctx, fmt.Sprintf("pmssl_e2e_%d_%d", os.Getpid(), databases.Add(1)))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(o.dir, "clock")
	w := &world{trade: o.trade, tariff: map[string]int64{}}
	w.clock = clock.New(time.Now, "")
	binary := built.product(o.trade)
	config := panel.Config{Root: filepath.Join(o.dir, "mgr5"), DSN: dsn, Mgrctl: built.mgrctl, Now: time.Now, Random: rand.Reader}
	env := append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}, o.env...)
	if o.simulated {
		if err := os.WriteFile(file, []byte(o.start.UTC().Format(time.RFC3339)), 0o600); err != nil {
			return nil, err
		}
		w.clock = clock.New(time.Now, file)
		binary, config.Clock = built.simclock(o.trade), file
		env = append(env, "PMSSL_CLOCK="+file)
	}
	if w.shop, err = o.trade.open(w.clock); err != nil {
		return nil, err
	}
	w.server = httptest.NewServer(w.watched(w.shop))
	config.Env = append(env, w.shop.environment(w.server.URL)...)
	w.config = config
	if w.panel, err = panel.Open(ctx, config); err != nil {
		w.server.Close()
		return nil, err
	}
	if err := errors.Join(w.lookUpNothing(o.options...), w.install(binary)); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// install puts the module into the panel while no other test starts a process: a child that is just being started would
// hold the copy open for writing, and starting the module then fails with "text file busy".
func (w *world) install(binary string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return w.panel.Install(w.trade.module, binary)
}

func (w *world) close() {
	w.server.Close()
	_ = w.panel.Close()
}

// connect walks the wizard with the given values in place of the default account's, and switches the module's own limits
// off, which would wait for a clock that stands still.
func (w *world) connect(ctx context.Context, values map[string]string) (*panel.ConnectResult, error) {
	params := w.shop.connection(w.server.URL)
	maps.Copy(params, values)
	done, err := w.panel.Connect(ctx, w.trade.module, panel.Connection{Name: w.trade.title, Params: params})
	if err != nil || done.ID == 0 {
		return done, err
	}
	w.module = done.ID
	for _, limit := range w.trade.limits {
		if _, err := w.panel.Mgrctl(ctx, "processing.saveparam", fmt.Sprintf("elid=%d", w.module), "param="+limit, "value=0"); err != nil {
			return done, err
		}
	}
	return done, w.panel.ClearRequests()
}

// tariffFor is the tariff that sells a template; it is made at its first use.
func (w *world) tariffFor(ctx context.Context, template string, sans *panel.SANAddon) (int64, error) {
	if id, ok := w.tariff[template]; ok {
		return id, nil
	}
	id, err := w.panel.AddTariff(ctx, panel.Tariff{Name: template, IntName: template, Modules: []int64{w.module}, SANs: sans})
	if err == nil {
		w.tariff[template] = id
	}
	return id, err
}
