package ispmgr_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
)

// FuzzRequest checks that every request gets a document or a page, and that nothing is charged
// without an order.
func FuzzRequest(f *testing.F) {
	clock := ispmgr.NewClock(func() time.Time { return today }, "")
	seller, err := ispmgr.New(ispmgr.Config{Clock: clock})
	require.NoError(f, err)
	f.Add("func=whoami&out=xml", "authinfo=x:y")
	f.Add("func=certificate&out=devel&p_cnt=-1&p_num=99999999999", "")
	f.Add("func=certificate.order.csr&out=xml&sok=ok&crt_type=generate&pricelist=3033&period=12&CN=a.example.com", "field_country=182")
	f.Add("func=certificate.edit&out=xml&elid=\x00", "%41=1&]]>=2")
	f.Fuzz(func(t *testing.T, query, body string) {
		request := httptest.NewRequest(http.MethodPost, ispmgr.Path, strings.NewReader(body))
		request.URL.RawQuery = query + "&authinfo=" + ispmgr.DefaultUser + ":" + ispmgr.DefaultPassword
		recorder := httptest.NewRecorder()
		seller.ServeHTTP(recorder, request)
		r := read(t, recorder.Result()) // fails on XML that is not well-formed
		require.True(t, strings.HasPrefix(r.body, "<?xml") || strings.HasPrefix(r.body, "<!DOCTYPE html>"), r.body)
		require.Empty(t, seller.Charges())
	})
}
