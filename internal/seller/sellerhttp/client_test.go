package sellerhttp_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
	"pmssl/internal/seller/sellerhttp"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const good = `<a>fine</a>`

func TestSecretsAreInThePOSTBodyOnly(t *testing.T) {
	s := newSeller(t, says(200, good))
	var got string
	require.NoError(t, newClient(t, s.URL+"/xml.response", newClock(), nil).Do(t.Context(), ask(sellerhttp.Read, &got)))
	assert.Equal(t, "fine", got)
	assert.Equal(t, []string{"POST /xml.response ApiKey=k3y%2Fwith%2Bsigns&id=7"}, s.requests)
}

func TestReadsAreRepeated(t *testing.T) {
	cut := func(w http.ResponseWriter, _ *http.Request) { // content that ends before its announced length
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("<a>fi"))
	}
	for name, failure := range map[string]http.HandlerFunc{
		"405 over the limit": says(405, "<html>"), "429": says(429, ""), "500": says(500, "<html>oops"), "503": says(503, ""),
		"connection dropped": drops, "content cut off": cut, "document cut off": says(200, "<a>fi"), "empty": says(200, ""),
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newSeller(t, failure, failure, says(200, good)), newClock()
			var got string
			require.NoError(t, newClient(t, s.URL, c, nil).Do(t.Context(), ask(sellerhttp.Read, &got)))
			assert.Equal(t, "fine", got)
			assert.Equal(t, 3, s.count())
			require.Len(t, c.slept, 2)
			assert.Equal(t, 2*c.slept[0], c.slept[1], "the wait doubles")
		})
	}
}

func TestReadsEndWithTheLastError(t *testing.T) {
	for name, tc := range map[string]struct {
		fault http.HandlerFunc
		kind  sellerhttp.Kind
		edge  string
	}{
		"405":                  {says(405, ""), sellerhttp.Limited, fault.Limit},
		"405 with a huge page": {says(405, strings.Repeat("x", sellerhttp.MaxBody+1)), sellerhttp.Limited, fault.Limit},
		"502":                  {says(502, ""), sellerhttp.Unavailable, fault.Client},
		"dropped":              {drops, sellerhttp.Dropped, fault.Client},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newSeller(t, tc.fault), newClock()
			var got string
			failure := requireError(t, newClient(t, s.URL, c, nil).Do(t.Context(), ask(sellerhttp.Read, &got)))
			assert.Equal(t, tc.kind, failure.Kind)
			assert.True(t, failure.Sent)
			assert.Equal(t, tc.edge, failure.Fault().Type)
			assert.True(t, failure.Fault().Retry)
			assert.Equal(t, 6, s.count())
			if tc.kind == sellerhttp.Limited {
				assert.Greater(t, c.total(), time.Minute, "a limit of calls a minute must have time to pass")
			}
		})
	}
}

func TestReadsStopAtTheDeadline(t *testing.T) {
	s, c := newSeller(t, says(503, "")), newClock()
	ctx := until{t.Context(), c.Now().Add(4 * time.Second)}
	var got string
	failure := requireError(t, newClient(t, s.URL, c, nil).Do(ctx, ask(sellerhttp.Read, &got)))
	assert.Equal(t, sellerhttp.Unavailable, failure.Kind)
	assert.Equal(t, 3, s.count(), "1 s and 2 s fit before the deadline, 4 s do not")
	assert.Equal(t, 3*time.Second, c.total())
}

// Rules TIME-4: the caller gets an error before the command's deadline, and it says what was wrong with the seller, not that
// the deadline was reached.
func TestSellerFailureIsReportedBeforeTheDeadline(t *testing.T) {
	for name, failure := range map[string]http.HandlerFunc{"500": says(500, ""), "405": says(405, ""), "dropped": drops} {
		t.Run(name, func(t *testing.T) {
			s, c := newSeller(t, failure), newClock()
			var got string
			failure := requireError(t, newClient(t, s.URL, c, nil).Do(until{t.Context(), c.Now().Add(9 * time.Second)}, ask(sellerhttp.Read, &got)))
			assert.NotEqual(t, sellerhttp.Timeout, failure.Kind)
			assert.True(t, failure.Fault().SellerFails())
			assert.Less(t, c.total(), 9*time.Second)
		})
	}
	t.Run("hangs", func(t *testing.T) {
		handler, ctx := hangsPast(t.Context())
		s, c := newSeller(t, handler), newClock()
		var got string
		failure := requireError(t, newClient(t, s.URL, c, nil).Do(ctx, ask(sellerhttp.Read, &got)))
		assert.Equal(t, sellerhttp.Timeout, failure.Kind)
		assert.True(t, failure.Fault().SellerFails())
		assert.Equal(t, 1, s.count())
	})
	t.Run("is out of order, then hangs", func(t *testing.T) {
		handler, ctx := hangsPast(t.Context())
		s, c := newSeller(t, says(502, ""), handler), newClock()
		var got string
		failure := requireError(t, newClient(t, s.URL, c, nil).Do(ctx, ask(sellerhttp.Read, &got)))
		assert.Equal(t, sellerhttp.Unavailable, failure.Kind)
		assert.Equal(t, 2, s.count())
	})
}

// An error about one answer says nothing about the seller: the next order may be readable.
func TestOneBadAnswerIsNotAnOutage(t *testing.T) {
	for name, failure := range map[string]http.HandlerFunc{
		"cut off": says(200, "<a>fi"), "a DTD": says(200, `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`), "too large": says(200, strings.Repeat("x", sellerhttp.MaxBody+1)),
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			failure := requireError(t, newClient(t, newSeller(t, failure).URL, newClock(), nil).Do(t.Context(), ask(sellerhttp.Read, &got)))
			assert.False(t, failure.Fault().SellerFails(), "%v", failure)
		})
	}
}

// Rules BUY-3: net/http must not repeat the request either, even on a reused connection.
func TestPurchaseIsSentOnce(t *testing.T) {
	for name, failure := range map[string]http.HandlerFunc{
		"connection dropped": drops, "405": says(405, ""), "500": says(500, ""), "document cut off": says(200, "<a>"),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
		},
	} {
		for _, class := range []sellerhttp.Class{sellerhttp.Purchase, sellerhttp.Once} {
			t.Run(name, func(t *testing.T) {
				s, c := newSeller(t, says(200, good), failure), newClock()
				client := newClient(t, s.URL, c, nil)
				var got string
				require.NoError(t, client.Do(t.Context(), ask(sellerhttp.Read, &got)), "leaves a connection open")
				failure := requireError(t, client.Do(t.Context(), ask(class, &got)))
				assert.True(t, failure.Sent)
				assert.Equal(t, 2, s.count())
				assert.Empty(t, c.slept)
			})
		}
	}
}

// Reads share a connection until the client ends it.
func TestConnectionsOfReadsAreEnded(t *testing.T) {
	var mu sync.Mutex
	var from []string
	s := newSeller(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		from = append(from, r.RemoteAddr)
		mu.Unlock()
		says(200, good)(w, r)
	})
	client := newClient(t, s.URL, newClock(), nil)
	read := func() {
		t.Helper()
		var got string
		require.NoError(t, client.Do(t.Context(), ask(sellerhttp.Read, &got)))
	}
	read()
	read()
	client.EndConnections()
	read()
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, from, 3)
	assert.Equal(t, from[0], from[1])
	assert.NotEqual(t, from[1], from[2])
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := newSeller(t, says(200, good))
	s := newSeller(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	var got string
	failure := requireError(t, newClient(t, s.URL, newClock(), nil).Do(t.Context(), ask(sellerhttp.Read, &got)))
	assert.Equal(t, sellerhttp.NotSeller, failure.Kind)
	assert.Equal(t, fault.NotSeller, failure.Fault().Type)
	assert.Zero(t, other.count())
	assert.Equal(t, 1, s.count())
}

func TestNothingWasSent(t *testing.T) {
	t.Run("connection refused", func(t *testing.T) {
		gate, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		address := "http://" + gate.Addr().String()
		require.NoError(t, gate.Close())
		var got string
		failure := requireError(t, newClient(t, address, newClock(), nil).Do(t.Context(), ask(sellerhttp.Purchase, &got)))
		assert.Equal(t, sellerhttp.Unreachable, failure.Kind)
		assert.False(t, failure.Sent)
		c := newClock()
		requireError(t, newClient(t, address, c, nil).Do(t.Context(), ask(sellerhttp.Read, &got)))
		assert.Equal(t, 3*time.Second, c.total(), "somebody may be waiting in the panel's form")
	})
	t.Run("certificate of a stranger", func(t *testing.T) {
		asked := false
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		defer s.Close()
		var got string
		failure := requireError(t, newClient(t, s.URL, newClock(), nil).Do(t.Context(), ask(sellerhttp.Purchase, &got)))
		assert.Equal(t, sellerhttp.Unverified, failure.Kind)
		assert.Equal(t, fault.NotSeller, failure.Fault().Type)
		assert.False(t, failure.Sent)
		assert.False(t, asked)
	})
	t.Run("command already ended", func(t *testing.T) {
		s := newSeller(t, says(200, good))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var got string
		failure := requireError(t, newClient(t, s.URL, newClock(), nil).Do(ctx, ask(sellerhttp.Purchase, &got)))
		assert.False(t, failure.Sent)
		assert.Zero(t, s.count())
	})
}

// A read whose last attempt did not leave this host may have been carried out by an attempt before.
func TestAReadThatOneAttemptSentIsNotUnsent(t *testing.T) {
	s, c := newSeller(t, says(503, "")), newClock()
	client := sellerhttp.New(sellerhttp.Config{
		Seller: "Shop", Agent: "pmtest", Address: s.URL, Now: c.Now, Jitter: func() float64 { return 0.5 },
		Sleep: func(ctx context.Context, d time.Duration) error {
			s.Close()
			return c.Sleep(ctx, d)
		},
	})
	var got string
	failure := requireError(t, client.Do(t.Context(), ask(sellerhttp.Read, &got)))
	assert.Equal(t, sellerhttp.Unreachable, failure.Kind)
	assert.Equal(t, 1, s.count())
	assert.False(t, failure.Unsent())
}

// Rules RUN-1: net/http returns the cause of a cancelled context, which need not be context.Canceled.
func TestACancelledCommandIsNotAFailureOfTheSeller(t *testing.T) {
	signalled := errors.New("signal terminated")
	for name, row := range map[string]struct {
		class  sellerhttp.Class
		answer string // that was sent before the end
		before bool   // the run ends before the request
		cause  error
		sent   bool
	}{
		"no answer to a read":           {class: sellerhttp.Read, sent: true},
		"no answer, a cause of its own": {class: sellerhttp.Read, cause: signalled, sent: true},
		"half an answer":                {class: sellerhttp.Read, answer: "<ApiResponse Status=", cause: signalled, sent: true},
		"no answer to a purchase":       {class: sellerhttp.Purchase, cause: signalled, sent: true},
		"ended before":                  {class: sellerhttp.Read, before: true, cause: signalled},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			s := newSeller(t, func(w http.ResponseWriter, r *http.Request) {
				if row.answer != "" {
					_, _ = w.Write([]byte(row.answer))
					w.(http.Flusher).Flush()
				}
				cancel(row.cause)
				<-r.Context().Done()
			})
			if row.before {
				cancel(row.cause)
			}
			var got string
			failure := requireError(t, newClient(t, s.URL, newClock(), nil).Do(ctx, ask(row.class, &got)))
			assert.Equal(t, sellerhttp.Interrupted, failure.Kind)
			assert.Equal(t, row.sent, failure.Sent)
			require.ErrorIs(t, failure, context.Cause(ctx))
			reason := failure.Fault()
			assert.Equal(t, fault.Interrupted, reason.Type)
			assert.True(t, reason.Retry)
			assert.Contains(t, reason.Message, "was told to end before the answer came")
			assert.LessOrEqual(t, s.count(), 1, "nothing is repeated")
		})
	}
}

// Rules ERR-1: a lock or the rate limiter may have used up the command's time, not the seller.
func TestTheCommandsDeadlineIsNotTheSellersTimeout(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	s := newSeller(t, func(http.ResponseWriter, *http.Request) {})
	var got string
	failure := requireError(t, newClient(t, s.URL, newClock(), nil).Do(ctx, ask(sellerhttp.Read, &got)))
	assert.Equal(t, "gave no answer before the command's deadline", failure.Text)
	assert.Equal(t, fault.Client, failure.Fault().Type)
	assert.Zero(t, s.count())
}

func TestCancellationEndsTheWaitForTheRateLimiter(t *testing.T) {
	clock, ctx := newClock(), context.Background()
	ctx, cancel := context.WithCancelCause(ctx)
	limiter := &sellerhttp.RateLimiter{
		Path: filepath.Join(t.TempDir(), "calls"), Limits: sellerhttp.Limits{Minute: 1}, Now: clock.Now, Log: panellog.Discard(),
		Sleep: func(ctx context.Context, _ time.Duration) error {
			cancel(errors.New("signal terminated"))
			return ctx.Err()
		},
	}
	require.NoError(t, limiter.Wait(ctx, sellerhttp.Read))
	failure := requireError(t, limiter.Wait(ctx, sellerhttp.Read))
	assert.Equal(t, fault.Interrupted, failure.Fault().Type)
	assert.False(t, failure.Sent)
}

func TestUnusableAnswers(t *testing.T) {
	typed := func(kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		kind   sellerhttp.Kind
		edge   string
	}{
		"HTML":                       {typed("text/html", "<!DOCTYPE html><html>login</html>"), sellerhttp.NotSeller, fault.NotSeller},
		"HTML in another charset":    {typed("text/html; charset=windows-1251", "<html>\xcf</html>"), sellerhttp.NotSeller, fault.NotSeller},
		"JSON":                       {typed("application/json", `{"a":1}`), sellerhttp.NotSeller, fault.NotSeller},
		"404":                        {says(404, good), sellerhttp.NotSeller, fault.NotSeller},
		"charset of the header":      {typed("text/xml; charset=windows-1251", good), sellerhttp.Unreadable, fault.Client},
		"charset of the document":    {typed("text/xml", `<?xml version="1.0" encoding="windows-1251"?><a/>`), sellerhttp.Unreadable, fault.Client},
		"bytes that are not UTF-8":   {typed("text/xml", "<a>\xff</a>"), sellerhttp.Unreadable, fault.Client},
		"document type declaration":  {typed("text/xml", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`), sellerhttp.Unreadable, fault.Client},
		"one byte more than allowed": {typed("text/xml", "<a>"+strings.Repeat("x", sellerhttp.MaxBody-6)+"</a>"), sellerhttp.TooLarge, fault.Client},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSeller(t, tc.answer)
			var got string
			failure := requireError(t, newClient(t, s.URL, newClock(), nil).Do(t.Context(), ask(sellerhttp.Read, &got)))
			assert.Equal(t, tc.kind, failure.Kind, failure.Text)
			assert.Equal(t, tc.edge, failure.Fault().Type)
			assert.False(t, failure.Fault().Retry)
			assert.Equal(t, 1, s.count(), "nothing that a second request would better")
		})
	}
	t.Run("the longest that is allowed", func(t *testing.T) {
		s := newSeller(t, typed("text/xml", "<a>"+strings.Repeat("x", sellerhttp.MaxBody-7)+"</a>"))
		var got int
		require.NoError(t, newClient(t, s.URL, newClock(), nil).Do(t.Context(), sellerhttp.Call{
			Decode: func(body []byte) (string, error) { got = len(body); return "", nil },
		}))
		assert.Equal(t, sellerhttp.MaxBody, got)
	})
}

func TestAKeyThatTheSellerRepeatsIsMasked(t *testing.T) {
	s := newSeller(t, says(404, "you sent ApiKey=k3y%2Fwith%2Bsigns, that is k3y/with+signs"))
	log := panellog.Discard()
	var got string
	err := newClient(t, s.URL, newClock(), log).Do(t.Context(), ask(sellerhttp.Read, &got))
	shown := requireError(t, err).Fault().Error() + strings.Join(log.Tail(100), "\n")
	assert.Contains(t, shown, "you sent ApiKey=***")
	assert.NotContains(t, shown, "k3y/with+signs")
	assert.NotContains(t, shown, "k3y%2Fwith%2Bsigns")
}

func TestLogLines(t *testing.T) {
	s := newSeller(t, says(503, "down"), says(200, good))
	log := panellog.Discard()
	var got string
	require.NoError(t, newClient(t, s.URL, newClock(), log).Do(t.Context(), ask(sellerhttp.Read, &got)))
	text := strings.Join(log.Tail(100), "\n")
	for _, line := range []string{
		"shop.ask id=7: HTTP 503, out of order (HTTP 503), 4 bytes, 0 ms",
		"shop.ask id=7: HTTP 200, OK, 11 bytes, 0 ms",
		"attempt 2 of 6 follows in 1s",
		"id=7", "<a>fine</a>",
	} {
		assert.Contains(t, text, line)
	}
	assert.NotContains(t, text, "k3y")
}
