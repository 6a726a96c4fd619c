package sellerhttp_test

import (
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/panellog"
	"pmssl/internal/seller/sellerhttp"
)

// without returns a client of a seller with no known status for "too many calls".
func without(address string, change func(*sellerhttp.Config)) *sellerhttp.Client {
	c := newClock()
	config := sellerhttp.Config{
		Seller: "Shop", Agent: "pmtest", Address: address, Now: c.Now, Sleep: c.Sleep, Jitter: func() float64 { return 0.5 },
		Log: panellog.Discard(), NoLimit: true,
	}
	if change != nil {
		change(&config)
	}
	return sellerhttp.New(config)
}

func TestASellerWithoutAKnownLimit(t *testing.T) {
	for status, want := range map[int]sellerhttp.Kind{405: sellerhttp.NotSeller, 429: sellerhttp.Unavailable} {
		s := newSeller(t, says(status, "no"))
		var got string
		failure := requireError(t, without(s.URL, nil).Do(t.Context(), ask(sellerhttp.Purchase, &got)))
		assert.Equal(t, want, failure.Kind)
		assert.True(t, failure.Sent)
		assert.NotContains(t, failure.Text, "before execution")
		assert.Equal(t, 1, s.count())
	}
}

func TestRedirectHost(t *testing.T) {
	s := newSeller(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://elsewhere.example:81/path?secret=1", http.StatusFound)
	})
	var got string
	failure := requireError(t, without(s.URL, nil).Do(t.Context(), ask(sellerhttp.Once, &got)))
	assert.Equal(t, "elsewhere.example:81", failure.RedirectHost)
	assert.Equal(t, 1, s.count(), "nobody goes there")
}

func TestWritesHaveTheirOwnTimeout(t *testing.T) {
	never := make(chan struct{})
	s := newSeller(t, func(http.ResponseWriter, *http.Request) { <-never })
	t.Cleanup(func() { close(never) })
	client := without(s.URL, func(c *sellerhttp.Config) { c.WriteTimeout = 20 * time.Millisecond })
	var got string
	failure := requireError(t, client.Do(t.Context(), ask(sellerhttp.Purchase, &got)))
	assert.Equal(t, sellerhttp.Timeout, failure.Kind)
	assert.True(t, failure.Sent)
}

// A file is passed on unchanged, whatever its content type, and is not logged.
func TestFilesAreNotChanged(t *testing.T) {
	const file = "PK\x03\x04\xff\xfe<html>"
	s := newSeller(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/zip; charset=koi8-r")
		_, _ = w.Write([]byte(file))
	})
	log := panellog.Discard()
	client := without(s.URL, func(c *sellerhttp.Config) { c.Log = log })
	var got string
	err := client.Do(t.Context(), sellerhttp.Call{Name: "file", Raw: true, Decode: func(body []byte) (string, error) {
		got = string(body)
		return "OK", nil
	}})
	require.NoError(t, err)
	assert.Equal(t, file, got)
	for _, line := range log.Tail(100) {
		assert.NotContains(t, line, "PK\x03")
	}
}

func TestEachAnswerIsReportedWithItsDate(t *testing.T) {
	dated := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", "Thu, 02 Apr 2026 10:00:00 GMT")
		_, _ = w.Write([]byte(good))
	}
	var dates []string
	secure := true
	client := without(newSeller(t, says(500, ""), dated).URL, func(config *sellerhttp.Config) {
		config.Answered = func(date string, state *tls.ConnectionState) {
			dates, secure = append(dates, date), state != nil
		}
	})
	var got string
	require.NoError(t, client.Do(t.Context(), ask(sellerhttp.Read, &got)))
	require.Len(t, dates, 2, "a failure of the seller is an answer too")
	assert.Equal(t, "Thu, 02 Apr 2026 10:00:00 GMT", dates[1])
	assert.False(t, secure)
}
