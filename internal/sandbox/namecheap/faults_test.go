package namecheap_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/standin/standintest"
)

// raw posts a create and returns what a client gets: status and body, or the error of the
// connection.
func (s *standIn) raw() (status int, contentType string, body []byte, err error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm(s.url, form("ssl.create", "Type", "PositiveSSL", "Years", "1"))
	if err != nil {
		return 0, "", nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header.Get("Content-Type"), body, err
}

func (s *standIn) fault(f namecheap.Fault) {
	s.t.Helper()
	_, err := s.AddFault(f)
	require.NoError(s.t, err)
}

func (s *standIn) bought() int {
	s.t.Helper()
	state, err := s.State()
	require.NoError(s.t, err)
	require.Len(s.t, state.Charges, len(state.Certificates), "each purchase was paid")
	return len(state.Certificates)
}

func TestFaults(t *testing.T) {
	yes := true
	isXML := func(t *testing.T, body []byte, want bool) {
		t.Helper()
		err := xml.Unmarshal(body, new(standintest.Node))
		assert.Equal(t, want, err == nil, "%v", err)
	}
	tests := []struct {
		name   string
		fault  namecheap.Fault
		bought int
		check  func(t *testing.T, status int, contentType string, body []byte, err error)
	}{
		{"drop before", namecheap.Fault{Kind: namecheap.FaultDropBefore}, 0, func(t *testing.T, _ int, _ string, _ []byte, err error) {
			assert.Error(t, err)
		}},
		{"drop after", namecheap.Fault{Kind: namecheap.FaultDropAfter}, 1, func(t *testing.T, _ int, _ string, _ []byte, err error) {
			assert.Error(t, err)
		}},
		{"405", namecheap.Fault{Kind: namecheap.FaultHTTP405}, 0, func(t *testing.T, status int, _ string, _ []byte, err error) {
			require.NoError(t, err)
			assert.Equal(t, 405, status)
		}},
		{"500", namecheap.Fault{Kind: namecheap.FaultHTTP500}, 0, func(t *testing.T, status int, _ string, _ []byte, err error) {
			require.NoError(t, err)
			assert.Equal(t, 500, status)
		}},
		{"500 after the commit", namecheap.Fault{Kind: namecheap.FaultHTTP500, Commit: &yes}, 1, func(t *testing.T, status int, _ string, _ []byte, err error) {
			require.NoError(t, err)
			assert.Equal(t, 500, status)
		}},
		{"502", namecheap.Fault{Kind: namecheap.FaultHTTP502}, 0, func(t *testing.T, status int, contentType string, body []byte, _ error) {
			assert.Equal(t, 502, status)
			assert.Contains(t, contentType, "text/html")
			assert.Contains(t, string(body), "<html>")
		}},
		{"HTML", namecheap.Fault{Kind: namecheap.FaultHTML}, 0, func(t *testing.T, status int, contentType string, body []byte, _ error) {
			assert.Equal(t, 200, status)
			assert.Contains(t, contentType, "text/html")
			assert.Contains(t, string(body), "<html>")
		}},
		{"redirect", namecheap.Fault{Kind: namecheap.FaultRedirect}, 0, func(t *testing.T, status int, _ string, _ []byte, _ error) {
			assert.Equal(t, 302, status)
		}},
		{"API error", namecheap.Fault{Kind: namecheap.FaultAPIError, Number: "4050900", Text: "Error occured from database"}, 0, func(t *testing.T, status int, _ string, body []byte, _ error) {
			assert.Equal(t, 200, status)
			assert.Contains(t, string(body), `<Error Number="4050900">Error occured from database</Error>`)
			isXML(t, body, true)
		}},
		{"truncated", namecheap.Fault{Kind: namecheap.FaultTruncate}, 1, func(t *testing.T, status int, _ string, body []byte, err error) {
			assert.Equal(t, 200, status)
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
			isXML(t, body, false)
		}},
		{"charset", namecheap.Fault{Kind: namecheap.FaultCharset}, 1, func(t *testing.T, _ int, contentType string, body []byte, _ error) {
			assert.Contains(t, contentType, "utf-8")
			assert.Contains(t, string(body), "caf\xe9")
			isXML(t, body, false)
		}},
		{"charset declared otherwise", namecheap.Fault{Kind: namecheap.FaultCharset, Charset: "windows-1251"}, 1, func(t *testing.T, _ int, contentType string, body []byte, _ error) {
			assert.Contains(t, contentType, "windows-1251")
			assert.Contains(t, string(body), `encoding="windows-1251"`)
			assert.Contains(t, string(body), "café")
		}},
		{"huge", namecheap.Fault{Kind: namecheap.FaultHuge}, 1, func(t *testing.T, _ int, _ string, body []byte, err error) {
			require.NoError(t, err)
			assert.Greater(t, len(body), 8<<20)
			isXML(t, body, true)
			assert.True(t, bytes.HasSuffix(bytes.TrimSpace(body), []byte("</ApiResponse>")))
		}},
		{"vanish", namecheap.Fault{Kind: namecheap.FaultVanish}, 0, func(t *testing.T, _ int, _ string, _ []byte, err error) {
			assert.Error(t, err)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStandIn(t)
			test.fault.Command, test.fault.Times = "create", 1
			s.fault(test.fault)
			s.ok("users.getBalances")
			status, contentType, body, err := s.raw()
			test.check(t, status, contentType, body, err)
			assert.Equal(t, test.bought, s.bought())
			require.Len(t, s.Requests("create"), 1)
			assert.Equal(t, test.fault.Kind, s.Requests("create")[0].Fault)
			s.buy("PositiveSSL") // once only
			assert.Equal(t, test.bought+1, s.bought())
		})
	}
}

func TestFaultsMatchSkipAndRepeat(t *testing.T) {
	s := newStandIn(t)
	s.fault(namecheap.Fault{Command: "namecheap.ssl.CREATE", Kind: namecheap.FaultHTTP500, Skip: 1, Times: 2})
	s.fault(namecheap.Fault{Command: "getList", Kind: namecheap.FaultHTTP502})
	var statuses []int
	for range 5 {
		status, _, _, err := s.raw()
		require.NoError(t, err)
		statuses = append(statuses, status)
	}
	assert.Equal(t, []int{200, 500, 500, 200, 200}, statuses)
	for range 3 {
		assert.Equal(t, 502, s.call("ssl.getList").status, "until it is cleared")
	}
	require.Len(t, s.Faults(), 1)
	s.ClearFaults(s.Faults()[0].ID)
	assert.Equal(t, 200, s.call("ssl.getList").status)
}

func TestFaultsAreChecked(t *testing.T) {
	s := newStandIn(t)
	no := false
	for _, f := range []namecheap.Fault{
		{Kind: "nonsense"}, {Kind: namecheap.FaultHTML, Times: -1}, {Kind: namecheap.FaultVanish, Commit: &no}, {Kind: namecheap.FaultHuge, Commit: &no},
	} {
		_, err := s.AddFault(f)
		assert.Error(t, err, "%+v", f)
	}
	assert.Empty(t, s.Faults())
}

// A slow commit: the seller accepts the request, and shows its effect only later.
func TestVanishedRequestsAppearLater(t *testing.T) {
	s := newStandIn(t)
	s.fault(namecheap.Fault{Command: "create", Kind: namecheap.FaultVanish, Times: 1})
	_, _, _, err := s.raw()
	require.Error(t, err)
	assert.Empty(t, s.ok("ssl.getList").result("SSLListResult").Children)
	assert.Equal(t, "1000.00", s.balance())
	assert.Equal(t, 1, s.Appear())
	assert.Len(t, s.ok("ssl.getList").result("SSLListResult").Children, 1)
	assert.Equal(t, "991.12", s.balance())
	assert.Zero(t, s.Appear(), "once")
}

// nap is a Sleep that waits for nothing: it records what it was asked for and
// what was bought by then.
type nap struct {
	mu     sync.Mutex
	seller *namecheap.Server
	fail   error
	waits  []time.Duration
	bought int
}

func (n *nap) sleep(_ context.Context, d time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waits = append(n.waits, d)
	state, err := n.seller.State()
	n.bought = len(state.Certificates)
	return errors.Join(err, n.fail)
}

func (n *nap) seen() (waits []time.Duration, bought int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.waits, n.bought
}

func delayed(t *testing.T, fail error) (*standIn, *nap) {
	t.Helper()
	n := &nap{fail: fail, bought: -1}
	seller, err := namecheap.New(namecheap.Config{Clock: namecheap.NewClock(func() time.Time { return today }, ""), Sleep: n.sleep})
	require.NoError(t, err)
	n.seller = seller
	return serve(t, seller), n
}

func TestDelay(t *testing.T) {
	yes := true
	for name, test := range map[string]struct {
		fault        namecheap.Fault
		boughtByThen int
	}{
		"before the commit":         {namecheap.Fault{Kind: namecheap.FaultDelay}, 0},
		"after the commit":          {namecheap.Fault{Kind: namecheap.FaultDelay, Commit: &yes}, 1},
		"with another fault's drop": {namecheap.Fault{Kind: namecheap.FaultDropAfter}, 1},
		"with a refusal of its own": {namecheap.Fault{Kind: namecheap.FaultHTTP500}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, n := delayed(t, nil)
			test.fault.Delay, test.fault.Times = namecheap.Duration(90*time.Second), 1
			s.fault(test.fault)
			s.raw()
			waits, bought := n.seen()
			assert.Equal(t, []time.Duration{90 * time.Second}, waits)
			assert.Equal(t, test.boughtByThen, bought)
		})
	}
}

func TestClientThatGivesUpBeforeTheCommitBoughtNothing(t *testing.T) {
	s, n := delayed(t, context.Canceled)
	s.fault(namecheap.Fault{Kind: namecheap.FaultDelay, Delay: namecheap.Duration(time.Second), Times: 1})
	s.raw()
	waits, _ := n.seen()
	assert.Len(t, waits, 1)
	assert.Zero(t, s.bought())
}
