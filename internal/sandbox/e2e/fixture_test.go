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
	"sync/atomic"
	"syscall"
	"time"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/standin"
)

// databaseNumber is the number of the last panel database.
var databaseNumber atomic.Int64

// fixture is a stand-in panel connected to one stand-in seller, made for one test.
type fixture struct {
	seller         sellerCase
	panel          *panel.Panel
	standIn        standIn
	clock          *clock.Clock
	server         *httptest.Server
	hook           atomic.Pointer[requestHook]
	answerTime     atomic.Int64 // nanoseconds that the seller has spent on its answers
	sellerDelay    atomic.Int64 // nanoseconds that each answer of the seller takes at least
	sellerAhead    atomic.Int64 // nanoseconds that the clock of the seller's HTTP answers is ahead
	requestCounts  requestCounter
	activeRequests requestsAtWork // requests that the seller is processing
	tariffs        map[string]int64
	moduleID       int64
	// config is the configuration of the panel; secondHost opens a second host with a copy of it.
	config panel.Config
}

// fixtureOptions holds what differs between fixtures.
type fixtureOptions struct {
	dir       string     // an empty folder with a short path; the panel's root is created in it
	seller    sellerCase // the seller, and the module to install
	simulated bool       // stop the clock at start and use the module with the simulated clock
	start     time.Time
	env       []string // additional environment variables of the module
	options   []string // additional lines of billmgr.conf
	// world is the Internet that module and seller see; nil: the module looks nothing up, the test proves control.
	world *internet.World
}

// newFixture creates a panel with a database of its own and starts a stand-in seller on loopback.
func newFixture(o fixtureOptions) (*fixture, error) {
	ctx := context.Background()
	dsn, err := built.server.CreateDatabase(ctx, fmt.Sprintf("pmssl_e2e_%d_%d", os.Getpid(), databaseNumber.Add(1)))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(o.dir, "clock")
	f := &fixture{seller: o.seller, tariffs: map[string]int64{}}
	f.clock = clock.New(time.Now, "")
	config := panel.Config{Root: filepath.Join(o.dir, "mgr5"), DSN: dsn, Mgrctl: built.mgrctl(), Now: time.Now, Random: rand.Reader,
		Key: built.key, LinkPrograms: true}
	env := append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}, o.env...)
	if o.simulated {
		if err := os.WriteFile(file, []byte(o.start.UTC().Format(time.RFC3339)), 0o600); err != nil {
			return nil, err
		}
		f.clock = clock.New(time.Now, file)
		config.Clock = file
		env = append(env, "PMSSL_CLOCK="+file)
	}
	var looker standin.Looker
	if o.world != nil {
		env = append(env, "PMSSL_DIAL="+o.world.File())
		looker = internet.NewAuthority(o.world.Addresses)
	}
	if f.standIn, err = o.seller.newStandIn(f.clock, looker); err != nil {
		return nil, err
	}
	if o.world != nil {
		if err := o.world.ServeCA(f.standIn.Repository()); err != nil {
			return nil, err
		}
	}
	f.server = httptest.NewServer(f.intercept(f.standIn))
	config.Env = append(env, f.standIn.moduleEnv(f.server.URL)...)
	f.config = config
	if f.panel, err = panel.Open(ctx, config); err != nil {
		f.server.Close()
		return nil, err
	}
	if err := errors.Join(f.disableDNS(o.options...), f.install(built.moduleOf(o.seller, o.simulated))); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// install copies the module into the panel. It holds ForkLock, so that no other test forks a process meanwhile: such a child
// would inherit the open copy, and starting the module would fail with "text file busy".
func (f *fixture) install(binary string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return f.panel.Install(f.seller.module, binary)
}

func (f *fixture) close() {
	f.server.Close()
	_ = f.panel.Close()
}

// connect completes the panel's connection wizard with the default account; the given values replace those of the account. It
// switches the module's own rate limits off, because they would wait for a clock that stands still.
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

// tariffFor returns the id of the tariff that sells a template and creates the tariff at its first use.
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
