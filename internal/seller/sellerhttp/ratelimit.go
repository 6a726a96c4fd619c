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

// Limits are the maximum calls of an account in a sliding minute, hour and day. 0 disables the module's own limit (rules
// CLI-3).
type Limits struct{ Minute, Hour, Day int }

// MaxLimit is the largest limit that can be configured. It bounds the size of the rate limiter's file.
const MaxLimit = 100000

// slack is added to each window, because calls that are counted a minute apart may arrive at the seller a little closer.
const slack = time.Second

// purchaseWait is how long a purchase waits at most: its locks are checked before (rules BUY-1), but not during the wait.
const purchaseWait = 15 * time.Second

// maxReserveWait is how long any call waits at most: long enough for the minute's limit. A reached limit of an hour or a day
// is reported at once, so that one account does not stop a sweep for as long.
const maxReserveWait = time.Minute + 5*time.Second

// window is one limit over one span.
type window struct {
	name  string
	span  time.Duration
	limit int
}

// windows returns the windows that have a limit, the shortest first.
func (l Limits) windows() []window {
	all := []window{{"minute", time.Minute, l.Minute}, {"hour", time.Hour, l.Hour}, {"day", 24 * time.Hour, l.Day}}
	return slices.DeleteFunc(all, func(w window) bool { return w.limit <= 0 })
}

// usable returns how many of the window's calls a class may use. Reads leave a fifth (at most 40) free, so that a purchase
// need not wait for them.
func (w window) usable(class Class) int {
	if class == Read {
		return w.limit - min(w.limit/5, 40)
	}
	return w.limit
}

// reserve returns the earliest time at which a call of the class stays below every limit, and the window whose limit decides.
// taken are the times of earlier calls, ascending. If the call is possible at once, the time is now.
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

// Usage is how many calls of one limit were made in the last span of time.
type Usage struct {
	Span               string // minute, hour or day
	Used, Limit, Reads int    // Reads is how many of the limit calls that only read may use
}

// Used returns the use of each limit, the shortest span first. It only reads the file of calls, without its lock: an entry that
// is being written may be missing.
func (l *RateLimiter) Used() ([]Usage, error) {
	windows := l.Limits.windows()
	if len(windows) == 0 {
		return nil, nil
	}
	all, err := readLedger(l.Path)
	if err != nil {
		return nil, err
	}
	now := l.Now()
	used := make([]Usage, len(windows))
	for i, w := range windows {
		taken, _ := recent(all, now, w.span)
		used[i] = Usage{Span: w.name, Used: len(taken), Limit: w.limit, Reads: w.usable(Read)}
	}
	return used, nil
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

// Wait waits until a call is possible, within the context's deadline and maxReserveWait, and counts the call. If that would
// be too late, it returns at once a *Error of kind Exhausted with the time, and does not count the call. If the file cannot
// be used, it warns once and lets all calls pass.
func (l *RateLimiter) Wait(ctx context.Context, class Class) error {
	windows := l.Limits.windows()
	if len(windows) == 0 {
		return nil
	}
	for {
		at, tightest, err := l.try(ctx, windows, class)
		var failure *Error
		switch {
		case errors.As(err, &failure):
			return failure
		case err != nil:
			l.warned.Do(func() { l.Log.Warningf("calls to the seller are not counted: %v", err) })
			return nil
		case at.IsZero():
			return nil
		}
		text := fmt.Sprintf("the limit of %d calls per %s for this account is reached; the next call is possible at %s",
			tightest.limit, tightest.name, at.UTC().Format(time.RFC3339))
		wait := max(0, at.Sub(l.Now()))
		if !inTime(ctx, l.Now(), wait) || wait > maxReserveWait || class == Purchase && wait > purchaseWait {
			return &Error{Kind: Exhausted, Text: text, When: at.UTC()}
		}
		l.Log.ExtInfof("%s, waiting %s", text, wait)
		if err := l.Sleep(ctx, wait); err != nil {
			if failure := interrupted(ctx, err, false); failure != nil {
				return failure
			}
			return &Error{Kind: Exhausted, Text: text, When: at.UTC()}
		}
	}
}

// try counts the call and returns the zero time if it is possible now. Otherwise it returns when it will be, and counts
// nothing.
func (l *RateLimiter) try(ctx context.Context, windows []window, class Class) (time.Time, window, error) {
	calls, err := openLedger(ctx, l.Path)
	if err != nil {
		return time.Time{}, window{}, err
	}
	defer calls.close()
	now := l.Now().Truncate(time.Microsecond) // after the wait for the lock, in the file's unit
	taken, problem, err := calls.read(now, windows[len(windows)-1].span+slack)
	if err != nil {
		return time.Time{}, window{}, err
	}
	if problem != "" {
		l.Log.Warningf("the file of calls %s starts empty again: %s", l.Path, problem)
	}
	if at, tightest := reserve(windows, taken, now, class); at.After(now) {
		return at, tightest, nil
	}
	return time.Time{}, window{}, calls.append(now)
}
