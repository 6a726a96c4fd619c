package sellerhttp_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/panellog"
	"pmssl/internal/seller/sellerhttp"
)

const longKey = "0123456789abcdef0123456789abcdef"

// withKey returns a client whose only secret is the key.
func withKey(address, key string) *sellerhttp.Client {
	c := newClock()
	return sellerhttp.New(sellerhttp.Config{
		Seller: "Shop", Agent: "pmtest", Address: address, Now: c.Now, Sleep: c.Sleep,
		Jitter: func() float64 { return 0.5 }, Secrets: []string{key}, Log: panellog.Discard(),
	})
}

// A key that the seller repeats is masked before the text is shortened, so that no part of the key remains at the cut.
func TestSecretsAreMaskedBeforeAnAnswerIsShortened(t *testing.T) {
	for name, answer := range map[string]func(pad string) http.HandlerFunc{
		"a page":       func(pad string) http.HandlerFunc { return says(200, "<html>"+pad+longKey) },
		"no XML":       func(pad string) http.HandlerFunc { return says(200, pad+longKey) },
		"another code": func(pad string) http.HandlerFunc { return says(403, pad+longKey) },
		"a broken tag": func(pad string) http.HandlerFunc { return says(200, "<doc></"+pad+longKey+">") },
		"a charset": func(pad string) http.HandlerFunc {
			return says(200, `<?xml version="1.0" encoding="`+pad+longKey+`"?><doc/>`)
		},
		"type of media": func(pad string) http.HandlerFunc { return typed("text/xml; charset=" + pad + longKey) },
	} {
		t.Run(name, func(t *testing.T) {
			for pad := range 130 {
				s := newSeller(t, answer(strings.Repeat("x", pad)))
				var got string
				err := withKey(s.URL, longKey).Do(t.Context(), ask(sellerhttp.Once, &got))
				s.Close()
				if name != "type of media" || pad < 60 { // a longer one is cut, and what is cut is not read
					require.Error(t, err)
				}
				require.NotContains(t, fmt.Sprint(err), longKey[:6], "behind %d bytes", pad)
			}
		})
	}
}

func typed(contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte("<doc/>"))
	}
}

// No value that is read from an answer contains the key: plain, escaped in XML or a URL, or in base64.
func TestAnswersAreReadWithoutTheKey(t *testing.T) {
	const key = "a&longer-<key>-than-16"
	for _, written := range []string{"a&amp;longer-&lt;key&gt;-than-16", url.QueryEscape(key), "YSZsb25nZXItPGtleT4tdGhhbi0xN"} {
		s := newSeller(t, says(200, "<doc>your key "+written+" is known</doc>"))
		var got string
		require.NoError(t, withKey(s.URL, key).Do(t.Context(), ask(sellerhttp.Read, &got)))
		assert.Contains(t, got, "your key ***")
		assert.NotContains(t, got, "longer")
		assert.NotContains(t, got, "YSZsb25n")
	}
}

// A short word that was typed as the key by mistake does not make the seller's answers unreadable.
func TestShortSecretsAreNotMaskedInDocuments(t *testing.T) {
	for _, key := range []string{"doc", "root", "utf-8"} {
		s := newSeller(t, says(200, `<?xml version="1.0" encoding="utf-8"?><doc>root</doc>`))
		var got string
		require.NoError(t, withKey(s.URL, key).Do(t.Context(), ask(sellerhttp.Read, &got)))
		assert.Equal(t, "root", got)
	}
	s := newSeller(t, says(403, "root"))
	var got string
	err := withKey(s.URL, "root").Do(t.Context(), ask(sellerhttp.Once, &got))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "root", "in words for people it is masked all the same")
}
