package subscription

import (
	"context"

	"pmssl/internal/item"
	"pmssl/internal/parallel"
	"pmssl/internal/seller"
)

const (
	// itemsAtOnce is how many items a sweep works on at once (rules SWEEP-13).
	itemsAtOnce = 8
	// callsOfItem is how many calls of the seller the work on one item usually takes.
	callsOfItem = 5
)

// task is the work on one item.
type task struct {
	item  int64
	as    string // the panel's command that the work stands for
	begin beginner
	asks  bool // the seller may be asked
	work  func(context.Context, *sweptItem, *sweepRow) error
}

// tasksOf returns the same work for each of the items.
func tasksOf(items []int64, like task) []task {
	tasks := make([]task, len(items))
	for i, it := range items {
		tasks[i] = like
		tasks[i].item = it
	}
	return tasks
}

func itemsOf(tasks []task) []int64 {
	items := make([]int64, len(tasks))
	for i, t := range tasks {
		items[i] = t.item
	}
	return items
}

// set is a set of items.
type set map[int64]bool

func setOf(items []int64) set {
	s := set{}
	s.add(items)
	return s
}

func (s set) add(items []int64) {
	for _, it := range items {
		s[it] = true
	}
}

// without returns the items that are not in the set, each once.
func (s set) without(items []int64) []int64 {
	var rest []int64
	for _, it := range distinct(items) {
		if !s[it] {
			rest = append(rest, it)
		}
	}
	return rest
}

// distinct returns the items, each once: a list of the database may name one twice, and two goroutines would wait for each other.
func distinct(items []int64) []int64 {
	seen, rest := set{}, make([]int64, 0, len(items))
	for _, it := range items {
		if !seen[it] {
			seen[it] = true
			rest = append(rest, it)
		}
	}
	return rest
}

// always is for groups of items whose work nothing ends before its time.
func always() bool { return true }

// outcome is what became of the work on one item.
type outcome struct {
	row    *sweepRow // nil if the run ended before
	shown  bool      // the document has the row
	seller seller.Seller
}

// workOnAll works on a group of items, several at once, and returns when all work has ended: what a later group would take of the
// sweep's time, or of the seller's calls, is not taken before. The items are begun in their order, and none once more returns
// false or the run has ended. It returns how many were begun, and an error only if the run ends.
func (s *sweep) workOnAll(ctx context.Context, tasks []task, more func() bool) (int, error) {
	s.Panel.ExpectItems(itemsOf(tasks))
	atOnce := min(itemsAtOnce, len(tasks))
	if s.fewer > 0 {
		atOnce = min(atOnce, s.fewer)
	}
	if s.dry || s.Worker == nil || atOnce < 2 {
		return s.workInTurn(ctx, tasks, more)
	}
	gates, err := s.gatesOf(ctx, tasks)
	if err != nil {
		return 0, err
	}
	c := &crew{sweep: s, tasks: tasks, gates: gates, atOnce: atOnce, ended: make(chan ended, atOnce), outcomes: make([]outcome, len(tasks))}
	started := c.run(ctx, more)
	for _, done := range c.outcomes[:started] {
		s.keep(done)
	}
	if c.over == nil && ctx.Err() != nil && started < len(tasks) {
		c.over = sweepEnded(ctx.Err())
	}
	return started, c.over
}

// workInTurn is workOnAll for one item at a time.
func (s *sweep) workInTurn(ctx context.Context, tasks []task, more func() bool) (int, error) {
	for i, t := range tasks {
		if !more() {
			return i, nil
		}
		done, err := s.workOn(ctx, s.Run, i, t)
		if err != nil {
			return i, err
		}
		s.keep(done)
	}
	return len(tasks), nil
}

// account is one that the seller is asked for. Until the seller has answered about one item of it, items are begun one after the
// other, or, as long as nothing is asked about them, twice as many each time: if the account does not work, one item fails and not as
// many as are worked on at once (rules SWEEP-9), and what all items share is read once.
type account struct {
	name     string
	begun    int  // items that are worked on
	atOnce   int  // how many may be; 0 is one
	answered bool // the seller has answered about one
}

// open reports whether a further item of the account may be begun. One that does not work is not asked any more.
func (a *account) open(s *sweep) bool {
	return a == nil || a.begun < max(1, a.atOnce) || s.down.Of(a.name) != nil
}

// gatesOf returns the account of each task for which the seller may be asked; nil if none is known. Such an item says itself what is
// wrong with it.
func (s *sweep) gatesOf(ctx context.Context, tasks []task) ([]*account, error) {
	gates := make([]*account, len(tasks))
	var asking []int64
	for _, t := range tasks {
		if t.asks {
			asking = append(asking, t.item)
		}
	}
	if len(asking) == 0 {
		return gates, nil
	}
	modules, err := s.Panel.ModulesOf(ctx, asking)
	if err != nil {
		return nil, err
	}
	for i, t := range tasks {
		if module := modules[t.item]; t.asks && module != 0 {
			gates[i] = s.accountOf(ctx, module)
		}
	}
	return gates, nil
}

// accountOf returns the account of a processing module; two modules may have the same.
func (s *sweep) accountOf(ctx context.Context, module int64) *account {
	if known, there := s.accounts[module]; there {
		return known
	}
	if s.accounts == nil {
		s.accounts = map[int64]*account{}
	}
	params, err := s.Panel.ModuleParams(ctx, module)
	if err != nil {
		s.accounts[module] = nil
		return nil
	}
	name := s.Info.Account(params)
	for _, other := range s.accounts {
		if other != nil && other.name == name {
			s.accounts[module] = other
			return other
		}
	}
	s.accounts[module] = &account{name: name}
	return s.accounts[module]
}

// worker is what one goroutine works with.
type worker struct {
	run   *item.Run
	close func() error
}

// ended is the end of the work on one item.
type ended struct {
	place  int
	worker *worker
	done   outcome
	err    error
}

// crew is the goroutines that work on one group of items.
type crew struct {
	sweep    *sweep
	tasks    []task
	gates    []*account // of tasks
	atOnce   int        // how many workers there may be
	group    parallel.Group
	workers  []*worker
	idle     []*worker
	ended    chan ended
	outcomes []outcome
	over     error // the run ends
}

// run works on the tasks, and returns how many of them it has begun.
func (c *crew) run(ctx context.Context, more func() bool) (started int) {
	defer c.close()
	for started < len(c.tasks) {
		w := c.next(ctx, started)
		if ctx.Err() != nil || c.over != nil || !more() {
			c.idle = append(c.idle, w)
			break
		}
		c.begin(ctx, w, started)
		started++
	}
	for len(c.idle) < len(c.workers) {
		c.await()
	}
	c.group.Wait()
	return started
}

// next waits until there is a worker for the task, and until its account takes one more.
func (c *crew) next(ctx context.Context, place int) *worker {
	for {
		c.collect()
		if c.gates[place].open(c.sweep) {
			if w := c.take(ctx); w != nil {
				return w
			}
		}
		c.await()
	}
}

// take returns a worker that has nothing to do; nil if there is none. The run of the sweep is the first worker. A server that has no
// connection for a further one leaves those that there are.
func (c *crew) take(ctx context.Context) *worker {
	if last := len(c.idle) - 1; last >= 0 {
		w := c.idle[last]
		c.idle = c.idle[:last]
		return w
	}
	if len(c.workers) >= c.atOnce {
		return nil
	}
	w := &worker{run: c.sweep.Run, close: func() error { return nil }}
	if len(c.workers) > 0 {
		var err error
		if w.run, w.close, err = c.sweep.Worker(ctx); err != nil {
			c.atOnce = len(c.workers)
			if ctx.Err() == nil {
				c.sweep.fewer = c.atOnce
				c.sweep.Log.Warningf("the sweep works on %d items at once instead of %d: %v", c.atOnce, itemsAtOnce, err)
			}
			return nil
		}
	}
	c.workers = append(c.workers, w)
	return w
}

// begin begins the work on a task.
func (c *crew) begin(ctx context.Context, w *worker, place int) {
	if gate := c.gates[place]; gate != nil {
		gate.begun++
	}
	c.group.Go(func() {
		end := ended{place: place, worker: w}
		defer func() { c.ended <- end }() // also if it panics, which group passes on
		end.done, end.err = c.sweep.workOn(ctx, w.run, place, c.tasks[place])
	})
}

// collect takes what has ended.
func (c *crew) collect() {
	for {
		select {
		case end := <-c.ended:
			c.end(end)
		default:
			return
		}
	}
}

// await waits for the end of the work on one item.
func (c *crew) await() { c.end(<-c.ended) }

// end takes the end of the work on one item.
func (c *crew) end(end ended) {
	theSeller := end.done.seller
	end.done.seller = nil // else the clients of all items would be kept until the last one has ended
	c.idle = append(c.idle, end.worker)
	c.outcomes[end.place] = end.done
	if c.over == nil {
		c.over = end.err
	}
	gate := c.gates[end.place]
	if gate == nil {
		return
	}
	gate.begun--
	answered := end.worker.run.Answered == nil || end.worker.run.Answered()
	switch {
	case gate.answered || c.sweep.down.Of(gate.name) != nil:
	case answered && theSeller != nil:
		gate.atOnce, gate.answered = atOnceFor(theSeller), true
	default: // nothing was asked about this item, and perhaps nothing is about the others
		gate.atOnce = min(itemsAtOnce, 2*max(1, gate.atOnce))
	}
}

// atOnceFor returns how many items of an account are worked on at once: fewer if its calls are limited, so that they do not wait for
// each other's calls with their items locked.
func atOnceFor(theSeller seller.Seller) int {
	atOnce := itemsAtOnce
	if reporter, ok := theSeller.(seller.UsageReporter); ok {
		used, _ := reporter.CallsUsed() // the seller's client warns if its file cannot be used
		for _, limit := range used {
			atOnce = min(atOnce, max(1, limit.Reads/callsOfItem))
		}
	}
	return atOnce
}

// close closes what was opened for the group: connections that nobody uses for long are cut off by some servers.
func (c *crew) close() {
	for _, w := range c.workers {
		if err := w.close(); err != nil {
			c.sweep.Log.Warningf("closing the database: %v", err)
		}
	}
}
