package e2e

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// watcher lets things happen around the requests that it is meant for.
type watcher struct {
	meant   func(form url.Values) bool
	nth     int64 // of the requests that are meant; the others pass
	answers bool  // between the seller's work and its answer, else before the seller sees the request
	happens func()
	rewrite func(body []byte) []byte // nil: the seller's answer stays
	status  int                      // not 0: what is answered instead of the seller's answer
	seen    atomic.Int64
}

// counters are the requests by what they ask for.
type counters struct {
	mu   sync.Mutex
	seen map[step]int
}

// count adds a request; forgotten starts anew.
func (c *counters) count(s step) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[step]int{}
	}
	c.seen[s]++
}

func (c *counters) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = nil
}

// all are the counts of the steps that were asked for.
func (c *counters) all() map[step]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}

// watched counts each request, shows it to whoever watches, and adds up what the answers take.
func (w *world) watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.busy.Add(1)
		defer w.busy.Done()
		form, err := formOf(r)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.asked.count(w.shop.step(form))
		watch := w.watch.Load()
		if watch != nil && (!watch.meant(form) || watch.seen.Add(1) != watch.nth) {
			watch = nil
		}
		if watch != nil && !watch.answers {
			watch.happens()
			if watch.status != 0 {
				rw.WriteHeader(watch.status)
				return
			}
		}
		asked := time.Now()
		if watch != nil && watch.answers {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			watch.happens()
			if watch.status != 0 {
				rw.WriteHeader(watch.status)
				return
			}
			maps.Copy(rw.Header(), answer.Header())
			body := answer.Body.Bytes()
			if watch.rewrite != nil {
				body = watch.rewrite(body)
			}
			rw.WriteHeader(answer.Code)
			_, _ = rw.Write(body) // a module that died meanwhile reads nothing
		} else {
			next.ServeHTTP(rw, r)
		}
		w.answer.Add(int64(time.Since(asked)))
	})
}

// formOf reads the form that a request carries and leaves its body to be read again.
func formOf(r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body)) // a form that cannot be read is the seller's to judge
	return form, nil
}

// before lets something happen right before the seller sees the first request for a step.
func (w *world) before(s step, happens func()) { w.beforeNth(s, 1, happens) }

// beforeNth is before for the nth of these requests.
func (w *world) beforeNth(s step, nth int64, happens func()) {
	w.watch.Store(&watcher{meant: w.asks(s), nth: nth, happens: happens})
}

// after lets something happen when the seller has carried the first request for a step out and not answered yet.
func (w *world) after(s step, happens func()) {
	w.watch.Store(&watcher{meant: w.asks(s), nth: 1, answers: true, happens: happens})
}

func (w *world) asks(s step) func(url.Values) bool {
	return func(form url.Values) bool { return w.shop.step(form) == s }
}
