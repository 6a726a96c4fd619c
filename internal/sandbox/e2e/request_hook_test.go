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

// requestHook lets things happen around the requests that it is meant for.
type requestHook struct {
	matches   func(form url.Values) bool
	nth       int64 // of the requests that are meant; the others pass
	afterWork bool  // between the seller's work and its answer, else before the seller sees the request
	action    func()
	rewrite   func(body []byte) []byte // nil: the seller's answer stays
	status    int                      // not 0: what is answered instead of the seller's answer
	seen      atomic.Int64
}

// requestCounter are the requests by what they ask for.
type requestCounter struct {
	mu   sync.Mutex
	seen map[step]int
}

// count adds a request; forgotten starts anew.
func (c *requestCounter) count(s step) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[step]int{}
	}
	c.seen[s]++
}

func (c *requestCounter) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = nil
}

// all are the counts of the steps that were asked for.
func (c *requestCounter) all() map[step]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}

// intercept counts each request, shows it to whoever watches, and adds up what the answers take.
func (f *fixture) intercept(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		f.activeRequests.Add(1)
		defer f.activeRequests.Done()
		form, err := formOf(r)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		f.requestCounts.count(f.standIn.stepOf(form))
		watch := f.hook.Load()
		if watch != nil && (!watch.matches(form) || watch.seen.Add(1) != watch.nth) {
			watch = nil
		}
		if watch != nil && !watch.afterWork {
			watch.action()
			if watch.status != 0 {
				rw.WriteHeader(watch.status)
				return
			}
		}
		asked := time.Now()
		if watch != nil && watch.afterWork {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			watch.action()
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
		f.answerTime.Add(int64(time.Since(asked)))
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

// beforeRequest lets something happen right before the seller sees the first request for a step.
func (f *fixture) beforeRequest(s step, happens func()) { f.beforeNthRequest(s, 1, happens) }

// beforeNthRequest is before for the nth of these requests.
func (f *fixture) beforeNthRequest(s step, nth int64, happens func()) {
	f.hook.Store(&requestHook{matches: f.asksFor(s), nth: nth, action: happens})
}

// afterRequest lets something happen when the seller has carried the first request for a step out and not answered yet.
func (f *fixture) afterRequest(s step, happens func()) {
	f.hook.Store(&requestHook{matches: f.asksFor(s), nth: 1, afterWork: true, action: happens})
}

func (f *fixture) asksFor(s step) func(url.Values) bool {
	return func(form url.Values) bool { return f.standIn.stepOf(form) == s }
}
