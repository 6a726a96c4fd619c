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

// databaseNumber numbers the panels' databases.
var databaseNumber atomic.Int64

// fixture is one panel with one seller, made for one test.
type fixture struct {
	seller         sellerCase
	panel          *panel.Panel
	standIn        standIn
	clock          *clock.Clock
	server         *httptest.Server
	hook           atomic.Pointer[requestHook]
	answerTime     atomic.Int64 // nanoseconds that the seller has taken for its answers
	requestCounts  requestCounter
	activeRequests sync.WaitGroup // requests that the seller works on
	tariffs        map[string]int64
	moduleID       int64
	// config is the panel's, from which a second host of it is made.
	config panel.Config
}

// fixtureOptions says what differs between worlds.
type fixtureOptions struct {
	dir       string     // empty and short: the panel's root is laid out below
	seller    sellerCase // the seller, and the module to install
	simulated bool       // stop the time at start; the module is the one whose clock can be moved
	start     time.Time
	env       []string // further environment of the module
	options   []string // further lines of billmgr.conf
}

// newFixture lays out a panel in an own database and starts a seller on loopback.
func newFixture(o fixtureOptions) (*fixture, error) {
	ctx := context.Background()
	dsn, err := built.server.CreateDatabase(ctx, fmt.Sprintf("pmssl_e2e_%d_%d", os.Getpid(), databaseNumber.Add(1)))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(o.dir, "clock")
	f := &fixture{seller: o.seller, tariffs: map[string]int64{}}
	f.clock = clock.New(time.Now, "")
	binary := built.shippedBinary(o.seller)
	config := panel.Config{Root: filepath.Join(o.dir, "mgr5"), DSN: dsn, Mgrctl: built.mgrctl, Now: time.Now, Random: rand.Reader}
	env := append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}, o.env...)
	if o.simulated {
		if err := os.WriteFile(file, []byte(o.start.UTC().Format(time.RFC3339)), 0o600); err != nil {
			return nil, err
		}
		f.clock = clock.New(time.Now, file)
		binary, config.Clock = built.simclockBinary(o.seller), file
		env = append(env, "PMSSL_CLOCK="+file)
	}
	if f.standIn, err = o.seller.newStandIn(f.clock); err != nil {
		return nil, err
	}
	f.server = httptest.NewServer(f.intercept(f.standIn))
	config.Env = append(env, f.standIn.moduleEnv(f.server.URL)...)
	f.config = config
	if f.panel, err = panel.Open(ctx, config); err != nil {
		f.server.Close()
		return nil, err
	}
	if err := errors.Join(f.disableDNS(o.options...), f.install(binary)); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// install puts the module into the panel while no other test starts a process: a child that is just being started would
// hold the copy open for writing, and starting the module then fails with "text file busy".
func (f *fixture) install(binary string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return f.panel.Install(f.seller.module, binary)
}

func (f *fixture) close() {
	f.server.Close()
	_ = f.panel.Close()
}

// connect walks the wizard with the given values in place of the default account's, and switches the module's own limits
// off, which would wait for a clock that stands still.
func (f *fixture) connect(ctx context.Context, values map[string]string) (*panel.ConnectResult, error) {
	params := f.standIn.connectionParams(f.server.URL)
	maps.Copy(params, values)
	done, err := f.panel.Connect(ctx, f.seller.module, panel.Connection{Name: f.seller.title, Params: params})
	if err != nil || done.ID == 0 {
		return done, err
	}
	f.moduleID = done.ID
	for _, limit := range f.seller.limitParams {
		if _, err := f.panel.Mgrctl(ctx, "processing.saveparam", fmt.Sprintf("elid=%d", f.moduleID), "param="+limit, "value=0"); err != nil {
			return done, err
		}
	}
	return done, f.panel.ClearRequests()
}

// tariffFor is the tariff that sells a template; it is made at its first use.
func (f *fixture) tariffFor(ctx context.Context, template string, sans *panel.SANAddon) (int64, error) {
	if id, ok := f.tariffs[template]; ok {
		return id, nil
	}
	id, err := f.panel.AddTariff(ctx, panel.Tariff{Name: template, IntName: template, Modules: []int64{f.moduleID}, SANs: sans})
	if err == nil {
		f.tariffs[template] = id
	}
	return id, err
}
