package sellerhttp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"pmssl/internal/panellog"
)

// Limits are the most calls of an account in a sliding minute, hour and day; 0 disables the module's own limit (rules
// CLI-3).
type Limits struct{ Minute, Hour, Day int }

// MaxLimit is the largest limit that can be set: it bounds the size of the rate limiter's file.
const MaxLimit = 100000

// slack is added to each window: calls that we count a minute apart arrive at the seller a little closer together.
const slack = time.Second

// purchaseWait is how long a purchase waits for its turn at the most: the locks under which it is made were checked
// before (rules BUY-1), and nobody looks after them meanwhile.
const purchaseWait = 15 * time.Second

// maxReserveWait is how long any call waits for its turn: as long as a minute's limit lasts. A limit of an hour or a day is
// reported at once, or one account would hold a sweep for as long.
const maxReserveWait = time.Minute + 5*time.Second

// window is one limit over one span.
type window struct {
	name  string
	span  time.Duration
	limit int
}

// windows returns those that have a limit.
func (l Limits) windows() []window {
	all := []window{{"minute", time.Minute, l.Minute}, {"hour", time.Hour, l.Hour}, {"day", 24 * time.Hour, l.Day}}
	return slices.DeleteFunc(all, func(w window) bool { return w.limit <= 0 })
}

// usable returns how many of the window's calls a class may use: reads leave a fifth (at most 40) free, so that a purchase
// does not stand in their queue.
func (w window) usable(class Class) int {
	if class == Read {
		return w.limit - min(w.limit/5, 40)
	}
	return w.limit
}

// reserve returns the earliest instant at which a call of the class stays below every limit, given the instants of earlier
// calls (ascending); not after now where that is at once. The window that decides comes with it.
func reserve(windows []window, taken []time.Time, now time.Time, class Class) (time.Time, window) {
	at, tightest := now, window{}
	for _, w := range windows {
		usable := w.usable(class)
		if len(taken) < usable {
			continue
		}
		if free := taken[len(taken)-usable].Add(w.span + slack); free.After(at) {
			at, tightest = free, w
		}
	}
	return at, tightest
}

// RateLimiter counts the calls of one account in a file that all processes of the host share.
type RateLimiter struct {
	Path   string
	Limits Limits
	Now    func() time.Time
	Sleep  func(context.Context, time.Duration) error
	Log    *panellog.Logger

	warned sync.Once
}

// Take waits for a turn, within the context's deadline and a minute, and counts one call. Where the turn comes too late it returns at once a
// *Error of kind Exhausted that says when; nothing is counted then. A budget that cannot be kept because its
// file cannot be written is warned of once and does not stop the work.
func (b *RateLimiter) Take(ctx context.Context, class Class) error {
	windows := b.Limits.windows()
	if len(windows) == 0 {
		return nil
	}
	for {
		at, tightest, err := b.try(ctx, windows, class)
		var failure *Error
		switch {
		case errors.As(err, &failure):
			return failure
		case err != nil:
			b.warned.Do(func() { b.Log.Warningf("calls to the seller are not counted: %v", err) })
			return nil
		case at.IsZero():
			return nil
		}
		text := fmt.Sprintf("the limit of %d calls per %s for this account is reached; the next call is possible at %s",
			tightest.limit, tightest.name, at.UTC().Format(time.RFC3339))
		wait := max(0, at.Sub(b.Now()))
		if !inTime(ctx, b.Now(), wait) || wait > maxReserveWait || class == Purchase && wait > purchaseWait {
			return &Error{Kind: Exhausted, Text: text, When: at.UTC()}
		}
		b.Log.ExtInfof("%s, waiting %s", text, wait)
		if err := b.Sleep(ctx, wait); err != nil {
			if failure := ended(ctx, err, false); failure != nil {
				return failure
			}
			return &Error{Kind: Exhausted, Text: text, When: at.UTC()}
		}
	}
}

// try counts a call and returns the zero time, or counts none and tells when its turn comes.
func (b *RateLimiter) try(ctx context.Context, windows []window, class Class) (time.Time, window, error) {
	book, err := openLedger(ctx, b.Path)
	if err != nil {
		return time.Time{}, window{}, err
	}
	defer book.close()
	now := b.Now().Truncate(time.Microsecond) // after the wait for the lock, in the file's unit
	taken, problem, err := book.read(now, windows[len(windows)-1].span+slack)
	if err != nil {
		return time.Time{}, window{}, err
	}
	if problem != "" {
		b.Log.Warningf("the file of calls %s is begun anew: %s", b.Path, problem)
	}
	if at, tightest := reserve(windows, taken, now, class); at.After(now) {
		return at, tightest, nil
	}
	return time.Time{}, window{}, book.append(now)
}
