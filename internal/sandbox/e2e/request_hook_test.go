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

// requestHook runs an action at one of the requests that it matches.
type requestHook struct {
	matches   func(form url.Values) bool
	nth       int64 // which of the matching requests, counted from 1
	afterWork bool  // run the action after the seller has carried the request out and before it answers, else before the seller sees it
	action    func()
	rewrite   func(body []byte) []byte // changes the seller's answer; nil leaves it unchanged
	status    int                      // HTTP status that replaces the seller's answer; 0 leaves it unchanged
	seen      atomic.Int64
}

// requestCounter counts requests by their step.
type requestCounter struct {
	mu   sync.Mutex
	seen map[step]int
}

// count adds a request.
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

// all returns the counts of the steps that were requested since the last forget.
func (c *requestCounter) all() map[step]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}

// requestsAtWork counts requests that a stand-in is carrying out. Other than of a sync.WaitGroup, one may begin while somebody waits: that of
// a killed program may arrive after its end.
type requestsAtWork struct {
	mu    sync.Mutex
	n     int
	ended sync.Cond
}

func (r *requestsAtWork) Add(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended.L = &r.mu
	if r.n += n; r.n == 0 {
		r.ended.Broadcast()
	}
}

func (r *requestsAtWork) Done() { r.Add(-1) }

// Wait returns when no request is carried out.
func (r *requestsAtWork) Wait() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended.L = &r.mu
	for r.n != 0 {
		r.ended.Wait()
	}
}

// intercept wraps the stand-in's handler: it counts each request, runs the fixture's hook and adds up the time that the
// seller's answers take.
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
		hook := f.hook.Load()
		if hook != nil && (!hook.matches(form) || hook.seen.Add(1) != hook.nth) {
			hook = nil
		}
		if hook != nil && !hook.afterWork {
			hook.action()
			if hook.status != 0 {
				rw.WriteHeader(hook.status)
				return
			}
		}
		if now, err := f.clock.Now(); err == nil {
			rw.Header().Set("Date", now.UTC().Add(time.Duration(f.sellerAhead.Load())).Format(http.TimeFormat)) // the seller's clock, which doctor compares with the host's
		}
		began := time.Now()
		if delay := f.sellerDelay.Load(); delay > 0 {
			time.Sleep(time.Duration(delay))
		}
		if hook != nil && hook.afterWork {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			hook.action()
			if hook.status != 0 {
				rw.WriteHeader(hook.status)
				return
			}
			maps.Copy(rw.Header(), answer.Header())
			body := answer.Body.Bytes()
			if hook.rewrite != nil {
				body = hook.rewrite(body)
			}
			rw.WriteHeader(answer.Code)
			_, _ = rw.Write(body) // the write fails if the module has been killed meanwhile
		} else {
			next.ServeHTTP(rw, r)
		}
		f.answerTime.Add(int64(time.Since(began)))
	})
}

// formOf returns the form of a request and restores the body for the next reader.
func formOf(r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body)) // the stand-in itself rejects a malformed form
	return form, nil
}

// beforeRequest runs the action right before the seller sees the first request for a step.
func (f *fixture) beforeRequest(s step, action func()) { f.beforeNthRequest(s, 1, action) }

// beforeNthRequest is beforeRequest for the nth of these requests.
func (f *fixture) beforeNthRequest(s step, nth int64, action func()) {
	f.hook.Store(&requestHook{matches: f.asksFor(s), nth: nth, action: action})
}

// afterRequest runs the action when the seller has carried out the first request for a step and has not answered yet.
func (f *fixture) afterRequest(s step, action func()) {
	f.hook.Store(&requestHook{matches: f.asksFor(s), nth: 1, afterWork: true, action: action})
}

func (f *fixture) asksFor(s step) func(url.Values) bool {
	return func(form url.Values) bool { return f.standIn.stepOf(form) == s }
}
