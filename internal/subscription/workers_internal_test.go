package subscription

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/lifecycle"
	"pmssl/internal/seller"
)

// crowdPanel is a panel with any item. The module of an item is its number divided by 1000; 0 is none.
type crowdPanel struct {
	item.Panel
	mu     sync.Mutex
	closed int
	held   map[int64]bool // items that are locked
	double []int64        // items that were locked twice at once
	// expected has the items whose lines of the journal are kept.
	expected []int64
}

func (p *crowdPanel) ExpectItems(items []int64) { p.expected = items }

func (p *crowdPanel) ModulesOf(_ context.Context, items []int64) (map[int64]int64, error) {
	modules := map[int64]int64{}
	for _, it := range items {
		if module := it / 1000; module != 0 {
			modules[it] = module
		}
	}
	return modules, nil
}

func (p *crowdPanel) ModuleParams(_ context.Context, module int64) (map[string]string, error) {
	return map[string]string{"account": strconv.FormatInt(module, 10)}, nil
}

func (p *crowdPanel) lock(it int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[it] {
		p.double = append(p.double, it)
	}
	p.held[it] = true
}

func (p *crowdPanel) UnlockItem(_ context.Context, it int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, it)
	return nil
}

// silentLog writes nothing.
type silentLog struct{}

func (silentLog) Errorf(string, ...any)   {}
func (silentLog) Warningf(string, ...any) {}
func (silentLog) Infof(string, ...any)    {}
func (silentLog) ExtInfof(string, ...any) {}
func (silentLog) Tracef(string, ...any)   {}
func (silentLog) Debugf(string, ...any)   {}

// crowdSeller is a seller whose calls are limited. Nothing is asked of it.
type crowdSeller struct {
	seller.Seller
	reads int // of a minute; 0 is no limit
}

func (s crowdSeller) CallsUsed() ([]seller.CallUsage, error) {
	if s.reads == 0 {
		return nil, nil
	}
	return []seller.CallUsage{{Span: "minute", Limit: s.reads, Reads: s.reads}}, nil
}

// crowd is a sweep whose work on an item is a function of the test.
type crowd struct {
	*sweep
	panel    *crowdPanel
	refused  int  // connections that the database does not give, after the first of them was asked for
	asked    int  // workers that were asked for
	silent   bool // the seller is not asked
	reads    int  // crowdSeller.reads
	mu       sync.Mutex
	begun    []int64
	now, top int // items that are worked on, and the most of them
	work     func(ctx context.Context, it int64) error
}

func newCrowd(work func(ctx context.Context, it int64) error) *crowd {
	c := &crowd{panel: &crowdPanel{held: map[int64]bool{}}, work: work}
	run := &item.Run{
		Panel: c.panel, Log: silentLog{}, Now: time.Now,
		Info:     seller.Info{Title: "Seller", Account: func(params map[string]string) string { return params["account"] }},
		Answered: func() bool { return !c.silent },
	}
	run.Worker = func(context.Context) (*item.Run, func() error, error) {
		if c.asked++; c.refused > 0 && c.asked >= c.refused {
			return nil, nil, errors.New("too many connections")
		}
		worker := *run
		return &worker, func() error { c.panel.closed++; return nil }, nil
	}
	c.sweep = &sweep{Run: run, mails: newMailQueue()}
	return c
}

// tasks returns the work on these items.
func (c *crowd) tasks(items ...int64) []task {
	return tasksOf(items, task{as: asReissue, asks: true, begin: c.begin, work: func(ctx context.Context, j *sweptItem, row *sweepRow) error {
		row.action, row.result = actionReissue, resultOK
		return c.work(ctx, row.item)
	}})
}

// begin notes that the work on an item begins.
func (c *crowd) begin(_ context.Context, run *item.Run) (*sweptItem, error) {
	it := run.Args.Item
	c.panel.lock(it)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = append(c.begun, it)
	handle := item.NewHandle(run, item.Item{Item: it, Name: fmt.Sprintf("site%d.example", it)})
	handle.Account, handle.Seller = strconv.FormatInt(it/1000, 10), crowdSeller{reads: c.reads}
	return &sweptItem{Order: lifecycle.FromHandle(handle)}, nil
}

// counted is work that counts how many items are worked on at once.
func (c *crowd) counted(work func(it int64) error) func(context.Context, int64) error {
	return func(_ context.Context, it int64) error {
		c.mu.Lock()
		c.now++
		c.top = max(c.top, c.now)
		c.mu.Unlock()
		err := work(it)
		c.mu.Lock()
		c.now--
		c.mu.Unlock()
		return err
	}
}

// rowsOf returns items and results of the document.
func (c *crowd) rowsOf() (rows []string) {
	for _, row := range c.rows {
		rows = append(rows, fmt.Sprintf("%d %s", row.item, row.result))
	}
	return rows
}

// meeting is a place where so many items wait for each other.
func meeting(n int) func() {
	var all sync.WaitGroup
	all.Add(n)
	return func() { all.Done(); all.Wait() }
}

// upTo returns the items of the first account in order.
func upTo(n int) (items []int64) {
	for it := range n {
		items = append(items, int64(1000+it))
	}
	return items
}

// rules SWEEP-13: eight items are worked on at once once the seller has answered about the first one; the document has the order in
// which they were begun, and every connection is closed.
func TestItemsAreWorkedOnAtOnceAndShownInTheirOrder(t *testing.T) {
	c := newCrowd(nil)
	meet, ended := meeting(itemsAtOnce), make(map[int64]chan struct{})
	items := upTo(1 + itemsAtOnce)
	for _, it := range items {
		ended[it] = make(chan struct{})
	}
	c.work = c.counted(func(it int64) error {
		if it == items[0] {
			return nil
		}
		meet()
		if it != items[len(items)-1] { // the last one ends first
			<-ended[it+1]
		}
		close(ended[it])
		return nil
	})
	started, err := c.workOnAll(t.Context(), c.tasks(items...), always)
	require.NoError(t, err)
	assert.Equal(t, len(items), started)
	assert.Equal(t, itemsAtOnce, c.top)
	assert.Equal(t, items[0], c.begun[0], "alone, as long as the seller has not answered")
	var want []string
	for _, it := range items {
		want = append(want, fmt.Sprintf("%d ok", it))
	}
	assert.Equal(t, want, c.rowsOf())
	assert.Equal(t, itemsAtOnce-1, c.panel.closed)
	assert.Empty(t, c.panel.double)
}

// rules SWEEP-1, SWEEP-13: with one item of a group still under work nothing of the next group begins.
func TestAGroupBeginsWhenTheOneBeforeHasEnded(t *testing.T) {
	c := newCrowd(nil)
	c.work = c.counted(func(int64) error { return nil })
	for group := range 3 {
		first := int64(1000 + 100*group)
		_, err := c.workOnAll(t.Context(), c.tasks(first, first+1, first+2, first+3), always)
		require.NoError(t, err)
		assert.Zero(t, c.now)
		assert.Len(t, c.begun, 4*(group+1))
		assert.Less(t, slices.Max(c.begun), first+100)
		assert.ElementsMatch(t, c.begun[4*group:], c.panel.expected, "the journal is read for all of them at once")
	}
}

// rules SWEEP-9: the seller is asked about one item of an account that does not work; the items after it find that known.
func TestOneItemMeetsAnAccountThatDoesNotWork(t *testing.T) {
	c := newCrowd(nil)
	var asked []int64
	c.work = c.counted(func(it int64) error {
		if c.down.Of(strconv.FormatInt(it/1000, 10)) != nil || it/1000 == 2 {
			return nil
		}
		asked = append(asked, it)
		return fault.Errorf(fault.Login, "login", "not let in")
	})
	_, err := c.workOnAll(t.Context(), c.tasks(1000, 1001, 2000, 1002, 2001, 1003), always)
	require.NoError(t, err)
	assert.Equal(t, []int64{1000}, asked)
	assert.Equal(t, 1, c.failed)
	assert.Equal(t, []string{"1000 error", "1001 ok", "2000 ok", "1002 ok", "2001 ok", "1003 ok"}, c.rowsOf())
}

// rules SWEEP-9: when a seller stops to answer later, what is under work fails; what was not begun is left.
func TestAnOutageIsSeenByItemsThatAreNotBegun(t *testing.T) {
	c := newCrowd(nil)
	meet := meeting(itemsAtOnce)
	c.work = c.counted(func(it int64) error {
		switch {
		case it == 1000 || c.down.Of("1") != nil:
			return nil
		}
		meet()
		return fault.Errorf(fault.NotSeller, "html", "a foreign page")
	})
	_, err := c.workOnAll(t.Context(), c.tasks(upTo(50)...), always)
	require.NoError(t, err)
	assert.Equal(t, itemsAtOnce, c.failed)
	assert.Len(t, c.rows, 50)
}

// rules SWEEP-13: how many items of an account are worked on at once depends on what is known of it.
func TestHowManyItemsOfAnAccountAreWorkedOnAtOnce(t *testing.T) {
	for name, row := range map[string]struct {
		reads   int // calls in a minute
		silent  bool
		refused int // the connection that is refused first, not counting that of the sweep
		meets   int // so many items are worked on at once, and no more
	}{
		"no limit":                         {meets: itemsAtOnce},
		"twenty calls a minute":            {reads: 16, meets: 3},
		"fewer calls than an item takes":   {reads: 2, meets: 1},
		"nothing is asked":                 {silent: true, meets: itemsAtOnce},
		"the database gives one":           {refused: 1, meets: 1},
		"the database gives one and three": {refused: 4, meets: 4},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(nil)
			c.reads, c.silent, c.refused = row.reads, row.silent, row.refused
			const alone = 1 + 2 + 4 // as many items may come before the limit is reached
			meet := meeting(row.meets)
			c.work = c.counted(func(it int64) error {
				if n := it - 1000; n >= alone && n < alone+int64(row.meets) {
					meet()
				}
				return nil
			})
			_, err := c.workOnAll(t.Context(), c.tasks(upTo(100)...), always)
			require.NoError(t, err)
			assert.LessOrEqual(t, c.top, row.meets)
			assert.Len(t, c.rows, 100)
			if row.refused == 0 {
				assert.LessOrEqual(t, c.asked, itemsAtOnce-1)
			} else {
				assert.Equal(t, row.refused, c.asked, "it is asked once for a connection that there is none of")
			}
		})
	}
}

// rules SWEEP-13: what the panel and the seller let an item wait for does not add up. A reissue at Namecheap has nineteen call-backs and
// three calls. The time is that of the bubble.
func TestASlowPanelAndASlowSellerHoldASweepUpLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sweepOf := func(several bool) time.Duration {
			c := newCrowd(func(context.Context, int64) error {
				time.Sleep(19*50*time.Millisecond + 3*200*time.Millisecond)
				return nil
			})
			if !several {
				c.Worker = nil
			}
			began := time.Now()
			_, err := c.workOnAll(t.Context(), c.tasks(upTo(200)...), always)
			require.NoError(t, err)
			require.Len(t, c.rows, 200)
			return time.Since(began)
		}
		one, several := sweepOf(false), sweepOf(true)
		assert.LessOrEqual(t, several, one/4)
		t.Logf("one after the other %s, several at once %s", one, several)
	})
}

// A panic is an error of its item; the others are worked on.
func TestAPanicIsTheErrorOfItsItem(t *testing.T) {
	c := newCrowd(nil)
	c.work = c.counted(func(it int64) error {
		if it == 1002 {
			c.mu.Lock()
			c.now--
			c.mu.Unlock()
			panic("planted")
		}
		return nil
	})
	_, err := c.workOnAll(t.Context(), c.tasks(upTo(6)...), always)
	require.NoError(t, err)
	assert.Equal(t, []string{"1000 ok", "1001 ok", "1002 error", "1003 ok", "1004 ok", "1005 ok"}, c.rowsOf())
	assert.Equal(t, 1, c.failed)
	assert.Contains(t, c.rows[2].reason, "planted")
	assert.Empty(t, c.panel.held)
}

// rules RUN-1: when the run ends, nothing more is begun, and what is under work ends by itself.
func TestNothingIsBegunAfterTheEndOfTheRun(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	defer end()
	c := newCrowd(nil)
	meet := meeting(itemsAtOnce)
	var finished sync.Map
	c.work = func(ctx context.Context, it int64) error {
		if it == 1000 {
			return nil
		}
		meet()
		end()
		if it%2 == 0 { // a critical section, which is completed
			finished.Store(it, true)
			return nil
		}
		<-ctx.Done()
		return fault.Errorf(fault.Interrupted, "x", "waited for the seller: %w", ctx.Err()).Retryable()
	}
	started, err := c.workOnAll(ctx, c.tasks(upTo(50)...), always)
	require.Error(t, err)
	assert.Equal(t, fault.Interrupted, fault.From(err).Type)
	assert.Equal(t, 1+itemsAtOnce, started)
	assert.Zero(t, c.failed)
	for _, it := range []int64{1002, 1004, 1006, 1008} {
		_, done := finished.Load(it)
		assert.True(t, done, it)
	}
	assert.Empty(t, c.panel.held, "locks are released")
	assert.Equal(t, itemsAtOnce-1, c.panel.closed)
}

// rules UNATT-9: a group may end before its items do.
func TestAGroupIsLeftWhenItsTimeIsSpent(t *testing.T) {
	c := newCrowd(nil)
	c.work = c.counted(func(it int64) error {
		if it == 1004 {
			c.timeSpent.Store(true)
		}
		return nil
	})
	c.reads = 1 // one at a time
	started, err := c.workOnAll(t.Context(), c.tasks(upTo(20)...), func() bool { return !c.timeSpent.Load() })
	require.NoError(t, err)
	assert.Equal(t, 5, started)
	assert.Len(t, c.rows, 5)
}

// An item that a list names twice is worked on once: two goroutines would wait for its lock.
func TestAnItemThatIsListedTwiceIsWorkedOnOnce(t *testing.T) {
	assert.Equal(t, []int64{3, 1, 2}, distinct([]int64{3, 1, 3, 2, 1}))
	assert.Equal(t, []int64{3, 2}, setOf([]int64{1}).without([]int64{3, 1, 3, 2, 1}))
}

// failingMailer has a transport that does not answer.
type failingMailer struct {
	mu   sync.Mutex
	sent int
}

func (m *failingMailer) Send(context.Context, item.Notice) error {
	m.mu.Lock()
	m.sent++
	m.mu.Unlock()
	return fault.Errorf(fault.Client, fault.ObjectMail, "the transport does not answer").Retryable()
}

// rules SWEEP-11: a mail transport that hangs costs one timeout in a sweep, however many clients are to be notified at once.
func TestAFailingMailTransportIsTriedOnce(t *testing.T) {
	queue, mailer := newMailQueue(), &failingMailer{}
	var all sync.WaitGroup
	meet := meeting(itemsAtOnce)
	for it := range int64(itemsAtOnce) {
		all.Go(func() {
			meet()
			err := queuedMailer{&queue, mailer, item.Item{Item: it, Name: "example.com"}}.Send(t.Context(), item.Notice{})
			assert.True(t, transportFailed(err))
		})
	}
	all.Wait()
	assert.Equal(t, 1, mailer.sent)
}
