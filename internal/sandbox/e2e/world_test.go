package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/panel"
)

// module is the name under which the panel knows the binary.
const module = "pmnamecheap"

// databases numbers the panels' databases.
var databases atomic.Int64

// world is one panel with one seller, made for one test.
type world struct {
	panel  *panel.Panel
	seller *namecheap.Server
	clock  *namecheap.Clock
	server *httptest.Server
	watch  atomic.Pointer[func(command string)] // called with the body of each request, before the seller sees it
	answer atomic.Int64                         // nanoseconds that the seller has taken for its answers
	tariff map[string]int64
	module int64
}

// worldOptions says what differs between worlds.
type worldOptions struct {
	dir       string // empty and short: the panel's root is laid out below
	binary    string // the module to install
	simulated bool   // stop the time at start
	start     time.Time
	env       []string // further environment of the module
}

// newWorld lays out a panel in an own database and starts a seller on loopback.
func newWorld(o worldOptions) (*world, error) {
	ctx := context.Background()
	dsn, err := built.server.CreateDatabase(ctx, fmt.Sprintf("pmssl_e2e_%d_%d", os.Getpid(), databases.Add(1)))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(o.dir, "clock")
	w := &world{tariff: map[string]int64{}}
	settings := namecheap.DefaultSettings()
	settings.RateLimit.Enabled = false // the buckets would not fill while the clock is stopped
	w.clock = namecheap.NewClock(time.Now, "")
	config := panel.Config{Root: filepath.Join(o.dir, "mgr5"), DSN: dsn, Mgrctl: built.mgrctl, Now: time.Now, Random: rand.Reader}
	env := append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}, o.env...)
	if o.simulated {
		if err := os.WriteFile(file, []byte(o.start.UTC().Format(time.RFC3339)), 0o600); err != nil {
			return nil, err
		}
		w.clock = namecheap.NewClock(time.Now, file)
		config.Clock = file
		env = append(env, "PMSSL_CLOCK="+file)
	}
	if w.seller, err = namecheap.New(namecheap.Config{Clock: w.clock, Settings: &settings}); err != nil {
		return nil, err
	}
	w.server = httptest.NewServer(w.watched(w.seller))
	config.Env = append(env, "NAMECHEAP_API_URL="+w.server.URL+namecheap.Path)
	if w.panel, err = panel.Open(ctx, config); err != nil {
		w.server.Close()
		return nil, err
	}
	if err := errors.Join(w.lookUpNothing(), w.install(o.binary)); err != nil {
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
	return w.panel.Install(module, binary)
}

// watched shows each request's body to whoever watches, and adds up what the answers take.
func (w *world) watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if watch := w.watch.Load(); watch != nil {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(rw, err.Error(), http.StatusBadRequest)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			(*watch)(string(body))
		}
		asked := time.Now()
		next.ServeHTTP(rw, r)
		w.answer.Add(int64(time.Since(asked)))
	})
}

func (w *world) close() {
	w.server.Close()
	_ = w.panel.Close()
}

// connection is what the administrator types into the wizard for the seller's default account.
func connection() map[string]string {
	return map[string]string{
		"username": namecheap.DefaultUser, "api_user": namecheap.DefaultUser, "api_key": namecheap.DefaultKey,
		"client_ip": "127.0.0.1", "sandbox": "off",
	}
}

// connect walks the wizard and switches the module's own limits off, which would wait for a clock that stands still.
func (w *world) connect(ctx context.Context, params map[string]string) (*panel.Connected, error) {
	done, err := w.panel.Connect(ctx, module, panel.Connection{Name: "Namecheap", Params: params})
	if err != nil || done.ID == 0 {
		return done, err
	}
	w.module = done.ID
	for _, limit := range []string{"limit_minute", "limit_hour", "limit_day"} {
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
