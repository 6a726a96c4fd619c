package command_test

import (
	"context"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// waitingByMethod returns an item whose order waits for validation by the method.
func waitingByMethod(t *testing.T, method string) (*fixture, *ableSeller) {
	t.Helper()
	s, theSeller := able(t)
	id := s.seller.add(12)
	s.seller.statuses[id] = seller.OrderStatus{State: seller.StateWaiting}
	s.panel.order.Params[itemparam.OrderID], s.panel.order.Params[itemparam.Lineage] = "101", "101"
	s.panel.order.Params[itemparam.Method] = method
	s.panel.order.Params[itemparam.TermStart] = "2026-04-02"
	s.args = item.Args{Command: "send_dv", Item: 42, Domain: "example.com"}
	return s, theSeller
}

func TestSendDVDNSRetriesTheChallenge(t *testing.T) {
	s, theSeller := waitingByMethod(t, "auth_dnscname")
	_, err := command.SendDVDNS(context.Background(), s.with(theSeller, s.panel))
	require.NoError(t, err)
	assert.Equal(t, []string{"retry 101 example.com"}, theSeller.asked)
	assert.Equal(t, "_m.example.com CNAME t.ca.example", s.panel.order.Params["auth_dnscname_value"])
	assert.Equal(t, "example.com", s.panel.order.Params[itemparam.Domains])
	assert.Equal(t, "4", s.panel.order.Params[itemparam.ServiceStatus])
}

// The certificate may be issued right after the challenge was found.
func TestTheItemIsSyncedAfterARetry(t *testing.T) {
	s, theSeller := waitingByMethod(t, "auth_dnscname")
	theSeller.then = func() { s.seller.issue(t, 101, s.pair, s.at, 199) }
	_, err := command.SendDVDNS(context.Background(), s.with(theSeller, s.panel))
	require.NoError(t, err)
	assert.NotEmpty(t, s.panel.stored)
	assert.Equal(t, "5", s.panel.order.Params[itemparam.ServiceStatus])
}

func TestWhichDomainsCanBeRetried(t *testing.T) {
	for name, c := range map[string]struct {
		domain, listed string
		refused        string
	}{
		"the common name":             {"EXAMPLE.com.", "", ""},
		"a name that is to be proved": {"auth.example.com", "example.com,auth.example.com", ""},
		"another name":                {"example.net", "example.com", "example.net is not a name of item 42, which has example.com"},
		"no name":                     {"x y", "", "cannot be certified"},
	} {
		t.Run(name, func(t *testing.T) {
			s, theSeller := waitingByMethod(t, "auth_dnscname")
			s.args.Domain, s.panel.order.Params[itemparam.Domains] = c.domain, c.listed
			_, err := command.SendDVDNS(context.Background(), s.with(theSeller, s.panel))
			if c.refused == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.refused)
			assert.Equal(t, "domain", fault.From(err).Object)
			assert.Empty(t, theSeller.asked)
		})
	}
	s, theSeller := waitingByMethod(t, "auth_dnscname")
	s.pair = newPair(t, "*.example.com")
	s.panel.order.CSR, s.panel.order.Template = s.pair.csr, "positivessl_wildcard"
	_, err := command.SendDVDNS(context.Background(), s.with(theSeller, s.panel))
	require.NoError(t, err, "the domain of a wildcard")
}

func TestApprovalEmailsAreSentAgain(t *testing.T) {
	s, theSeller := waitingByMethod(t, "")
	s.panel.order.Params[itemparam.Approver] = "old@example.com"
	s.args.Emails = "admin@example.com"
	_, err := command.SendDVEmail(context.Background(), s.with(theSeller, s.panel))
	require.NoError(t, err)
	assert.Equal(t, []string{"send 101 admin@example.com admin@example.com"}, theSeller.asked)
	assert.Equal(t, "admin@example.com", s.panel.order.Params[itemparam.Approver])
	assert.Equal(t, "4", s.panel.order.Params[itemparam.ServiceStatus])
}

// If the seller refuses, the addresses on the item do not change.
func TestARefusedResendKeepsTheApprovers(t *testing.T) {
	s, theSeller := waitingByMethod(t, "")
	s.args.Emails = "admin@example.com"
	theSeller.fail["send"] = fault.Errorf(fault.API, "", "no such approver")
	_, err := command.SendDVEmail(context.Background(), s.with(theSeller, s.panel))
	assert.Equal(t, fault.API, faultType(t, err))
	assert.Empty(t, s.panel.calls)
}

func TestOnlyWaitingOrdersAreRetried(t *testing.T) {
	dns, email := command.SendDVDNS, command.SendDVEmail
	for name, c := range map[string]struct {
		run    item.Func
		method string
		set    func(s *fixture, theSeller *ableSeller)
		says   string
	}{
		"issued": {dns, "auth_dnscname", func(s *fixture, _ *ableSeller) {
			s.seller.statuses[101] = seller.OrderStatus{State: seller.StateIssued}
		}, "does not wait for domain validation: Seller shows id 101 as issued"},
		"issued, by e-mail": {email, "", func(s *fixture, _ *ableSeller) {
			s.seller.statuses[101] = seller.OrderStatus{State: seller.StateIssued}
		}, "does not wait for domain validation"},
		"not activated":             {dns, "auth_dnscname", func(s *fixture, _ *ableSeller) { s.seller.statuses[101] = seller.OrderStatus{State: seller.StateNew} }, "does not wait for domain validation"},
		"no order":                  {dns, "auth_dnscname", func(s *fixture, _ *ableSeller) { s.panel.order.Params = map[string]string{} }, "open it first"},
		"an order by e-mail":        {dns, "auth_email", func(s *fixture, _ *ableSeller) { s.panel.order.Params[itemparam.Approver] = "a@example.com" }, "use send_dv_email"},
		"an order by DNS":           {email, "auth_dnscname", nil, "validated by DNS, not by e-mail"},
		"too many addresses":        {email, "", func(s *fixture, _ *ableSeller) { s.args.Emails = "a@example.com,b@example.com" }, "2 addresses for 1 names"},
		"a bad address":             {email, "", func(s *fixture, _ *ableSeller) { s.args.Emails = "a@example.com,b@" }, "is not an e-mail address"},
		"no address":                {email, "", func(s *fixture, _ *ableSeller) { s.args.Emails = "," }, "no e-mail address"},
		"the seller refuses":        {dns, "auth_dnscname", func(_ *fixture, a *ableSeller) { a.fail["retry"] = fault.Errorf(fault.API, "", "not yet") }, "not yet"},
		"e-mail has come to an end": {email, "", func(s *fixture, _ *ableSeller) { s.at = time.Date(2028, 3, 15, 0, 0, 0, 0, time.UTC) }, "any more since 2028-03-15 (BR 1.2.2)"},
	} {
		t.Run(name, func(t *testing.T) {
			s, theSeller := waitingByMethod(t, c.method)
			s.args.Emails = "a@example.com"
			if c.set != nil {
				c.set(s, theSeller)
			}
			_, err := c.run(context.Background(), s.with(theSeller, s.panel))
			require.ErrorContains(t, err, c.says)
			assert.Empty(t, s.panel.calls)
		})
	}
	t.Run("the last day of e-mail", func(t *testing.T) {
		s, theSeller := waitingByMethod(t, "")
		s.args.Emails, s.at = "a@example.com", time.Date(2028, 3, 14, 23, 59, 59, 0, time.UTC)
		_, err := command.SendDVEmail(context.Background(), s.with(theSeller, s.panel))
		require.NoError(t, err)
	})
	t.Run("sellers without the ability", func(t *testing.T) {
		s, _ := waitingByMethod(t, "auth_dnscname")
		s.args.Emails = "a@example.com"
		require.ErrorContains(t, s.run(dns), "does not support checking a challenge again")
		require.ErrorContains(t, s.run(email), "does not support sending approval e-mails")
	})
}
