package ispmgr_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

func (s *standIn) fault(f ispmgr.Fault) int {
	s.t.Helper()
	id, err := s.AddFault(f)
	require.NoError(s.t, err)
	return id
}

func yes() *bool { v := true; return &v }

func no() *bool { v := false; return &v }

func TestFaultsThatLoseAnAnswer(t *testing.T) {
	for kind, bought := range map[string]int{
		ispmgr.FaultDropBefore: 0, ispmgr.FaultDropAfter: 1, ispmgr.FaultVanish: 0, ispmgr.FaultTruncate: 1,
	} {
		s := newStandIn(t)
		s.fault(ispmgr.Fault{Command: "certificate.order.param", Submit: yes(), Kind: kind, Times: 1})
		params := values("certificate.order.param", order(standintest.CSR(t, "example.com"))...)
		s.ok("certificate.order.param", order(standintest.CSR(t, "example.com"), "sok", "")...) // a form is not hit
		answer, err := http.PostForm(s.url, params)
		if kind == ispmgr.FaultTruncate {
			require.NoError(t, err)
			_, err = io.ReadAll(answer.Body)
			answer.Body.Close()
			require.Error(t, err)
		} else {
			require.Error(t, err, kind)
		}
		assert.Len(t, s.Charges(), bought, kind)
		assert.Equal(t, kind == ispmgr.FaultVanish, s.Appear() == 1, kind)
		if kind == ispmgr.FaultVanish {
			assert.Len(t, s.Charges(), 1, "executed now")
		}
		assert.Empty(t, s.Faults(), "it has hit as often as it should")
	}
}

func TestFaultsThatAnswerSomethingElse(t *testing.T) {
	s := newStandIn(t)
	for _, test := range []struct {
		fault  ispmgr.Fault
		status int
		want   string
	}{
		{ispmgr.Fault{Kind: ispmgr.FaultHTML}, 200, "<title>Authorization</title>"},
		{ispmgr.Fault{Kind: ispmgr.FaultWAF}, 403, "Just a moment..."},
		{ispmgr.Fault{Kind: ispmgr.FaultHTTP500}, 500, "Internal Server Error"},
		{ispmgr.Fault{Kind: ispmgr.FaultHTTP502}, 502, "Bad Gateway"},
		{ispmgr.Fault{Kind: ispmgr.FaultRedirect, Location: "http://elsewhere.example/"}, 302, "Found"},
		{ispmgr.Fault{Kind: ispmgr.FaultError, Type: "exists", Object: "remoteid", Text: "no <way>"}, 200, `type="exists" object="remoteid"`},
		{ispmgr.Fault{Kind: ispmgr.FaultBody, Text: "<!DOCTYPE doc []><doc/>"}, 200, "<!DOCTYPE doc []><doc/>"},
		{ispmgr.Fault{Kind: ispmgr.FaultOK, Text: "func=payment"}, 200, "<ok>func=payment</ok>"},
	} {
		id := s.fault(test.fault)
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		answer, err := client.PostForm(s.url, values("certificate.order.param", order(standintest.CSR(t, "example.com"))...))
		require.NoError(t, err)
		r := read(t, answer)
		assert.Equal(t, test.status, r.status, test.fault.Kind)
		assert.Contains(t, r.body, test.want, test.fault.Kind)
		assert.Empty(t, s.Charges(), test.fault.Kind)
		s.ClearFaults(id)
	}
	s.fault(ispmgr.Fault{Kind: ispmgr.FaultWAF, Commit: yes(), Times: 1})
	s.call("certificate.order.param", order(standintest.CSR(t, "example.com"))...)
	assert.Len(t, s.Charges(), 1, "executed behind the wall")
	s.fault(ispmgr.Fault{Kind: ispmgr.FaultHuge, Times: 1})
	answer, err := http.PostForm(s.url, values("whoami")) // not parsed here: a detector of races takes its time
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	assert.Greater(t, len(body), 8<<20)
	assert.True(t, bytes.HasSuffix(bytes.TrimSpace(body), []byte("</doc>")))
}

func TestFaultsThatTakeTheirTime(t *testing.T) {
	s := newStandIn(t)
	s.fault(ispmgr.Fault{Command: "whoami", Kind: ispmgr.FaultHang})
	client := &http.Client{Timeout: 50 * time.Millisecond}
	_, err := client.PostForm(s.url, values("whoami"))
	require.Error(t, err)
	s.ClearFaults()
	s.fault(ispmgr.Fault{Command: "whoami", Kind: ispmgr.FaultDelay, Delay: ispmgr.Duration(10 * time.Millisecond), Skip: 1, Times: 1})
	s.ok("whoami")
	s.ok("whoami")
	entries := s.Requests("whoami")
	assert.Equal(t, []string{"hang", "", "delay"}, []string{entries[0].Fault, entries[1].Fault, entries[2].Fault})
}

func TestFaultsMustMakeSense(t *testing.T) {
	s := newStandIn(t)
	for name, f := range map[string]ispmgr.Fault{
		"kind":                            {Kind: "nonsense"},
		"negative":                        {Kind: ispmgr.FaultHTML, Times: -1},
		"choice of commit":                {Kind: ispmgr.FaultVanish, Commit: yes()},
		"damage of what was not executed": {Kind: ispmgr.FaultTruncate, Commit: no()},
	} {
		_, err := s.AddFault(f)
		assert.Error(t, err, name)
	}
}
