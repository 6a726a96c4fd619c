package namecheap

import (
	"time"

	"pmssl/internal/sandbox/issuance"
	"pmssl/internal/sandbox/standin"
)

// bucket is a token bucket: it holds size tokens at most and fills up once per
// window.
type bucket struct {
	tokens float64
	last   time.Time
}

func (b *bucket) fill(size int, window time.Duration, now time.Time) {
	elapsed := now.Sub(b.last)
	if b.last.IsZero() || elapsed < 0 || elapsed >= window {
		b.tokens = float64(size) // new, or the clock was turned back
	} else {
		b.tokens = min(float64(size), b.tokens+float64(size)*elapsed.Seconds()/window.Seconds())
	}
	b.last = now
}

// bucketSet are the three windows of one key (docs/reference/namecheap.md §1.4).
type bucketSet struct{ minute, hour, day bucket }

// takeToken reports whether the account may make one more call now, and counts the call.
func (s *Server) takeToken(account *Account, now time.Time) bool {
	limit := s.settings.RateLimit
	if !limit.Enabled {
		return true
	}
	set := s.buckets[standin.AccountName(account.User)]
	if set == nil {
		set = &bucketSet{}
		s.buckets[standin.AccountName(account.User)] = set
	}
	windows := []struct {
		bucket *bucket
		size   int
		window time.Duration
	}{{&set.minute, limit.Minute, time.Minute}, {&set.hour, limit.Hour, time.Hour}, {&set.day, limit.Day, issuance.Day}}
	for _, w := range windows {
		w.bucket.fill(w.size, w.window, now)
		if w.size > 0 && w.bucket.tokens < 1 {
			return false
		}
	}
	for _, w := range windows {
		w.bucket.tokens--
	}
	return true
}
