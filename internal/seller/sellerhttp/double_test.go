package sellerhttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/panellog"
	"pmssl/internal/seller/sellerhttp"
)

// clock changes only while somebody sleeps.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	slept []time.Duration
}

func newClock() *clock { return &clock{at: time.Date(2026, 7, 12, 10, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(max(0, d))
	c.slept = append(c.slept, d)
	return nil
}

func (c *clock) total() time.Duration {
	var sum time.Duration
	for _, d := range c.slept {
		sum += d
	}
	return sum
}

// until returns a context whose deadline is a time of the test's clock, so that it never fires by itself.
type until struct {
	context.Context
	at time.Time
}

func (u until) Deadline() (time.Time, bool) { return u.at, true }

// overtaken is a context whose deadline passes when its channel is closed.
type overtaken struct {
	context.Context
	over chan struct{}
}

func (o overtaken) Done() <-chan struct{} { return o.over }

func (o overtaken) Err() error {
	select {
	case <-o.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// hangsPast returns a handler that never answers, and a context whose deadline passes when the handler has the request.
func hangsPast(ctx context.Context) (http.HandlerFunc, context.Context) {
	over := make(chan struct{})
	return func(w http.ResponseWriter, r *http.Request) { close(over); hangs(w, r) }, overtaken{ctx, over}
}

// seller is a server that answers each request with the next handler, and then always with the last one.
type seller struct {
	*httptest.Server
	mu       sync.Mutex
	handlers []http.HandlerFunc
	requests []string // bodies
}

func newSeller(t *testing.T, handlers ...http.HandlerFunc) *seller {
	t.Helper()
	s := &seller{handlers: handlers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			return
		}
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI()+" "+r.PostForm.Encode())
		next := s.handlers[0]
		if len(s.handlers) > 1 {
			s.handlers = s.handlers[1:]
		}
		s.mu.Unlock()
		next(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *seller) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// drops ends the connection without an answer.
func drops(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func newClient(t *testing.T, address string, c *clock, log *panellog.Logger) *sellerhttp.Client {
	t.Helper()
	return sellerhttp.New(sellerhttp.Config{
		Seller: "Shop", Agent: "pmtest", Address: address, Now: c.Now, Sleep: c.Sleep,
		Jitter: func() float64 { return 0.5 }, Secrets: []string{"k3y/with+signs"}, Log: log,
	})
}

// ask makes a call of the class and returns the root's text.
func ask(class sellerhttp.Class, got *string) sellerhttp.Call {
	return sellerhttp.Call{
		Name: "shop.ask", Keys: "id=7", Form: url.Values{"ApiKey": {"k3y/with+signs"}, "id": {"7"}}, Class: class,
		Decode: func(body []byte) (string, error) {
			root, err := sellerhttp.ParseXML(body)
			if err != nil {
				return "", err
			}
			*got = root.Text()
			return "OK", nil
		},
	}
}

func requireError(t *testing.T, err error) *sellerhttp.Error {
	t.Helper()
	var failure *sellerhttp.Error
	require.ErrorAs(t, err, &failure)
	return failure
}
