package walk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// stepsOfWalk is how many steps a walk of Several has: then the next one begins, with another seller and seed.
const stepsOfWalk = 2000

// progressEvery is after how many steps Several writes a line.
const progressEvery = 1000

// Summary is what several walks have done.
type Summary struct {
	Result
	Seconds     float64
	Differences int
}

// String shows the figures in one line.
func (s Summary) String() string {
	var kinds []string
	for _, k := range slices.Sorted(maps.Keys(s.Kinds)) {
		c := s.Kinds[k]
		kinds = append(kinds, fmt.Sprintf("%s %d (%d failed, %d ms)", k, c.Steps, c.Failed, (c.Time/time.Duration(max(1, c.Steps))).Milliseconds()))
	}
	return fmt.Sprintf("steps %d: %s; providers %d, payments %d, reissues %d, renewals %d, kills %d, seconds %.0f, differences %d",
		s.Steps, strings.Join(kinds, ", "), s.Providers, s.Payments, s.Reissues, s.Renewals, s.Kills, s.Seconds, s.Differences)
}

// add adds what another walk has done.
func (r *Result) add(o Result) {
	r.Steps += o.Steps
	r.Payments += o.Payments
	r.Reissues += o.Reissues
	r.Renewals += o.Renewals
	r.Kills += o.Kills
	r.Providers += o.Providers
	for kind, c := range o.Kinds {
		sum := r.Kinds[kind]
		r.Kinds[kind] = Count{sum.Steps + c.Steps, sum.Failed + c.Failed, sum.Time + c.Time}
	}
}

// several are walks at the same time.
type several struct {
	mu       sync.Mutex
	sum      Result
	taken    int
	progress io.Writer
	began    time.Time
	now      func() time.Time
	cancel   context.CancelFunc
	errs     []error
}

// Several takes o.Steps steps in walks of 2,000, as many at a time as there are workers. The n-th walk has the seed o.Seed+n and
// the n-th seller, around and around, so that a difference is repeated by that seed alone. It stops at the first one.
func Several(ctx context.Context, o Options, sellers []string, workers int, progress io.Writer) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &several{sum: Result{Kinds: map[Kind]Count{}}, progress: progress, began: o.Now(), now: o.Now, cancel: cancel}
	walks := make(chan Options)
	var group sync.WaitGroup
	for range max(1, workers) {
		group.Go(func() {
			for walk := range walks {
				s.run(ctx, walk)
			}
		})
	}
	for n := 0; n*stepsOfWalk < o.Steps; n++ {
		next := o
		next.Seed, next.Steps, next.Seller = o.Seed+uint64(n), min(stepsOfWalk, o.Steps-n*stepsOfWalk), sellers[n%len(sellers)]
		walks <- next
	}
	close(walks)
	group.Wait()
	err := errors.Join(s.errs...)
	summary := Summary{Result: s.sum, Seconds: o.Now().Sub(s.began).Seconds()}
	var d *Difference
	if errors.As(err, &d) {
		summary.Differences = 1
	}
	return summary, err
}

func (s *several) run(ctx context.Context, o Options) {
	if ctx.Err() != nil {
		return
	}
	o.Progress = func(int, string) { s.step() }
	result, err := Run(ctx, o)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.add(result)
	if err == nil || len(s.errs) > 0 && errors.Is(err, context.Canceled) {
		return
	}
	s.errs = append(s.errs, err)
	s.cancel()
}

func (s *several) step() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken++; s.taken%progressEvery == 0 {
		fmt.Fprintf(s.progress, "%d steps, %.0f s\n", s.taken, s.now().Sub(s.began).Seconds())
	}
}
