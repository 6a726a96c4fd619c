package ispmanager_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// newEcho returns a BILLmanager that accepts every login and has one answer.
func newEcho(t *testing.T, answer reply) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.ParseForm() == nil {
			answer(w, q.PostForm)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}
