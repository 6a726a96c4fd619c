// Package walk lets a provider of the sandbox and the model of internal/sandbox/model take the same random steps: the real modules, a stand-in
// panel and a stand-in seller on one side, the prediction on the other. After each step both are compared. A difference ends the
// walk: a fault of the product, of the model, or of a rule.
package walk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/model"
	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/provider"
)

// Options are the settings of a walk and what it needs of the operating system.
type Options struct {
	Bin    string // folder with sandbox-mgrctl, and with the modules below simclock
	Engine string // embedded or mariadb
	Seller string // of provider.Sellers
	// Seed decides every step: the same one gives the same walk.
	Seed  uint64
	Steps int
	// Kills says that one run of so many is killed at one of its system calls, of those that a kill may come at (Step.Kill); 0 kills none.
	Kills int
	// Show is how many steps a difference shows; 0 means 30.
	Show int
	// Disturb is called before each comparison, so that a test can change the system behind the model's back. It may be nil.
	Disturb func(ctx context.Context, step int, p *provider.Provider) error
	// Progress is called after each step with its line. It may be nil.
	Progress func(step int, line string)
	Now      func() time.Time
	Random   io.Reader
}

// Bounds of one provider. A fresh one keeps the seller's list and the panel's tables short.
const (
	stepsOfProvider = 2000
	yearsOfProvider = 9
	// maxLive is how many items a provider has at most.
	maxLive = 14
)

// Result is what a walk has done.
type Result struct {
	Steps     int
	Kinds     map[Kind]Count
	Payments  int
	Reissues  int
	Renewals  int
	Providers int
	Kills     int // runs that were killed
}

// Count counts the steps of one kind.
type Count struct {
	Steps  int
	Failed int // those whose run failed, as predicted
	Time   time.Duration
}

// Difference is a step after which system and model did not agree.
type Difference struct {
	Seller  string
	Seed    uint64
	Step    int
	Steps   []string // the last ones, the newest at the end
	Found   []string // what differs
	Expect  []string // by the model
	Actual  []string
	Message string // of the last run of a module
}

// Error shows everything that is needed to repeat the walk.
func (d *Difference) Error() string {
	text := fmt.Sprintf("%s: seed %d, step %d: system and model differ\n", d.Seller, d.Seed, d.Step)
	for _, part := range []struct {
		title string
		lines []string
	}{{"differences", d.Found}, {"the last steps", d.Steps}, {"the model", d.Expect}, {"the system", d.Actual}} {
		text += part.title + ":\n"
		for _, line := range part.lines {
			text += "  " + line + "\n"
		}
	}
	return text + "the last run: " + d.Message
}

// walk is a walk under way.
type walk struct {
	o       Options
	random  *rand.Rand
	result  Result
	history []string
	step    int
	line    string // of the latest step

	// The provider of the moment.
	p      *provider.Provider
	m      *model.Model
	seller provider.Seller
	module int64
	tariff int64
	began  int // step
	names  int // that were used
	items  int // that were placed in the panel
	free   []string
	last   *panel.Run
	until  time.Time
}

// Run walks. The error is a *Difference if system and model did not agree.
func Run(ctx context.Context, o Options) (Result, error) {
	w := &walk{o: o, random: rand.New(rand.NewPCG(o.Seed, 0x9e3779b97f4a7c15)), result: Result{Kinds: map[Kind]Count{}}} //nolint:gosec // repeatable on purpose
	err := w.run(ctx)
	return w.result, errors.Join(err, w.stop())
}

func (w *walk) run(ctx context.Context) error {
	for w.step = 1; w.step <= w.o.Steps; w.step++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.renewProvider(ctx); err != nil {
			return err
		}
		s := w.choose()
		if err := w.take(ctx, s); err != nil {
			return fmt.Errorf("%s: seed %d, step %d: %s: %w", w.o.Seller, w.o.Seed, w.step, s, err)
		}
		w.result.Steps++
		if w.o.Progress != nil {
			w.o.Progress(w.step, w.line)
		}
	}
	return w.checkLogs()
}

// take takes a step on both sides and compares them.
func (w *walk) take(ctx context.Context, s Step) (err error) {
	began := w.o.Now()
	if w.last, err = w.driveKilled(ctx, &s); err != nil {
		return err
	}
	orders := len(w.m.Orders())
	want := predict(w.m, s)
	have := want
	if w.last != nil {
		have = w.last.OK()
	}
	if s.Kind == Sweep {
		if err := w.numbered(ctx, orders); err != nil {
			return err
		}
	}
	w.tally(s, have, w.o.Now().Sub(began))
	if w.o.Disturb != nil {
		if err := w.o.Disturb(ctx, w.step, w.p); err != nil {
			return err
		}
	}
	return w.compare(ctx, want, have)
}

// tally counts a step and keeps its line.
func (w *walk) tally(s Step, ok bool, took time.Duration) {
	count := w.result.Kinds[s.Kind]
	count.Steps++
	count.Time += took
	if !ok {
		count.Failed++
	}
	w.result.Kinds[s.Kind] = count
	w.line = fmt.Sprintf("%d %s %s: ok=%v", w.step, w.m.Now().Format(time.RFC3339), s, ok)
	w.remember(w.line)
}

func (w *walk) remember(line string) {
	w.history = append(w.history, line)
	w.history = w.history[max(0, len(w.history)-cmp.Or(w.o.Show, 30)):]
}

// renewProvider starts a provider if there is none yet or the present one has lived long enough.
func (w *walk) renewProvider(ctx context.Context) error {
	if w.p != nil && w.step-w.began < stepsOfProvider && w.m.Now().Before(w.until) {
		return nil
	}
	if w.p != nil {
		if err := w.checkLogs(); err != nil {
			return err
		}
	}
	if err := w.stop(); err != nil {
		return err
	}
	return w.start(ctx)
}

func (w *walk) stop() error {
	if w.p == nil {
		return nil
	}
	counts := w.m.Counts()
	w.result.Payments += counts.Payments
	w.result.Reissues += counts.Reissues
	w.result.Renewals += counts.Renewals
	err := w.p.Close()
	w.p = nil
	return err
}

// start starts a provider at a time and with settings that the seed chooses.
func (w *walk) start(ctx context.Context) error {
	first := time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)
	began := first.Add(time.Duration(w.random.IntN(1100*24*60)) * time.Minute)
	w.began, w.until, w.names, w.items, w.free = w.step, began.AddDate(yearsOfProvider, 0, 0), 0, 0, nil
	c := w.settings(began)
	var err error
	w.p, err = provider.Start(ctx, provider.Options{
		Bin: w.o.Bin, Sellers: []string{w.o.Seller}, Engine: w.o.Engine, Start: began, LookEvery: 100 * 365 * 24 * time.Hour, Now: w.o.Now, Random: w.o.Random,
	})
	if err != nil {
		w.p = nil
		return err
	}
	w.seller, w.m = w.p.Sellers[0], model.New(c)
	w.result.Providers++
	w.remember(fmt.Sprintf("%d a new provider, %s, %+v", w.step, began.Format(time.RFC3339), c))
	return w.connect(ctx, c)
}

// settings chooses the panel's settings. Most providers have the defaults.
func (w *walk) settings(began time.Time) model.Config {
	c := model.Config{Start: began, FirstOrder: firstOrder(w.o.Seller), Seller: model.Namecheap}
	if w.o.Seller == "ispmgr" {
		c.Seller = model.ISPmanager
	}
	c.Policy = []string{"auto", "auto", "auto", "auto", "auto", "auto", "manual", "none"}[w.random.IntN(8)]
	c.Before = []int{10, 10, 10, 0, 3, 30, 200}[w.random.IntN(7)]
	c.ByTerm = w.random.IntN(3) == 0
	return c
}

// lines returns the settings as lines of billmgr.conf.
func lines(c model.Config, sendmail string) string {
	text := fmt.Sprintf("SSLResolver off\nSSLSendmail %s\nSSLSubscriptionPolicy %s\nSSLSubscriptionBefore %d\n", sendmail, c.Policy, c.Before)
	if c.ByTerm {
		text += "SSLSubscriptionExpireDate term\n"
	}
	return text
}

// firstOrder is the number of a stand-in's first order.
func firstOrder(seller string) int64 {
	if seller == "ispmgr" {
		return 1234501
	}
	return 34350001
}

// connect writes the settings, connects the module and adds its tariff. Names are not looked up, because the model knows no DNS, and mails
// are not kept.
func (w *walk) connect(ctx context.Context, c model.Config) error {
	sendmail := filepath.Join(w.p.Dir(), "bin", "walk-sendmail")
	err := errors.Join(
		os.WriteFile(sendmail, []byte("#!/bin/sh\nexec cat >/dev/null\n"), 0o700),
		clock.WriteFile(filepath.Join(w.p.Panel.Root(), "etc", "billmgr.conf.d", "walk.conf"), []byte(lines(c, sendmail)), 0o600),
	)
	if err != nil {
		return err
	}
	if err := w.seller.Deposit(1_000_000); err != nil {
		return err
	}
	done, err := w.p.Connect(ctx, w.seller.Module(), panel.Connection{Name: w.seller.Title(), Params: w.seller.Connection(false)})
	if err != nil {
		return err
	}
	if done.ID == 0 {
		return errors.New("the connection was refused")
	}
	w.module = done.ID
	tariffs, err := w.p.Tariffs(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(tariffs, func(t panel.ListedTariff) bool { return t.IntName == "positivessl" })
	if at < 0 {
		return errors.New("there is no tariff positivessl")
	}
	w.tariff = tariffs[at].ID
	return nil
}
