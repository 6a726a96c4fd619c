package command_test

import (
	"context"
	"testing"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules SWEEP-10: for the item of --item there is always a row or an error.
func TestTheSweepAlwaysReportsTheNamedItem(t *testing.T) {
	for name, c := range map[string]struct {
		before int // days before the end of the certificate
		given  func(*fixture)
		says   string
		fault  string
		acts   bool
	}{
		"healthy":             {before: 100, says: `due="2026-10-08" lead="10" action="none" result="skipped" reason="early"`},
		"due":                 {before: 10, says: `action="reissue" result="ok"`, acts: true},
		"without certificate": {before: 100, given: func(s *fixture) { s.panel.stored = "" }, says: `action="none" result="skipped" reason="nothing"`},
		"policy none": {before: 100, given: func(s *fixture) { s.panel.settings["SSLSubscriptionPolicy"] = "none" },
			says: `action="none" result="skipped" reason="policy"`},
		"unreadable certificate": {before: 100, given: func(s *fixture) { s.panel.stored = "garbage" }, says: `action="none" result="error"`},
		"a date that is not the certificate's": {before: 5, given: func(s *fixture) { s.panel.order.Params[itemparam.ExpireDate] = "2030-01-01" },
			says: `reason="the item parameter certificate_expiredate is 2030-01-01, but the stored certificate expires on 2026-10-18: run --command sync_item --item 42"`},
		"unknown":           {before: 100, given: func(s *fixture) { s.args.Item = 999 }, fault: fault.Missed},
		"of another module": {before: 100, given: func(s *fixture) { s.panel.order.Binary = "pmother" }, fault: fault.Value},
	} {
		t.Run(name, func(t *testing.T) {
			s := sweepFixture(t, c.before)
			s.args.Item = 42
			if c.given != nil {
				c.given(s)
			}
			answer, err := command.Subscription(context.Background(), s.env())
			if c.fault != "" {
				assert.Equal(t, c.fault, fault.From(err).Type)
				return
			}
			assert.NoError(t, err)
			assert.Contains(t, output(t, answer), c.says)
			assert.Equal(t, c.acts, s.seller.reissues > 0)
		})
	}
}

// connectedSeller counts how often its connections are ended.
type connectedSeller struct {
	*fakeSeller
	ended *int
}

func (c connectedSeller) EndConnections() { *c.ended++ }

// A sweep over thousands of items does not keep a connection open for each.
func TestTheSweepEndsTheConnectionsOfAnItem(t *testing.T) {
	s := sweepFixture(t, 5)
	ended := 0
	run := s.env()
	run.Info.Connect = func(map[string]string) (seller.Seller, error) { return connectedSeller{s.seller, &ended}, nil }
	_, err := command.Subscription(t.Context(), run)
	require.NoError(t, err)
	assert.NotZero(t, ended)
}
