package ispmanager

import (
	"sync"
	"time"
)

// answersLast is how long an answer is used again.
const answersLast = time.Minute

// remembered is an answer that one client uses again for a while. It is safe for concurrent use.
type remembered[T any] struct {
	mu     sync.Mutex
	answer T
	at     time.Time // when it was asked for; zero if there is none
}

// recall returns the answer if it is not older than answersLast.
func (r *remembered[T]) recall(now time.Time) (T, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	age := now.Sub(r.at)
	return r.answer, !r.at.IsZero() && age >= 0 && age < answersLast
}

// keep replaces the answer by one that was asked for at a time.
func (r *remembered[T]) keep(answer T, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer, r.at = answer, at
}

// drop forgets the answer.
func (r *remembered[T]) drop() {
	var none T
	r.keep(none, time.Time{})
}

// dropAnswers forgets what a submission may have changed.
func (c *Client) dropAnswers() {
	c.rows.drop()
	c.whole.drop()
	c.balance.drop()
}
