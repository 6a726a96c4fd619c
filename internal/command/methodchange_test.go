package command_test

import (
	"context"
	"strings"
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

// changingSeller is a seller that can change the validation method of a waiting order.
type changingSeller struct{ *ableSeller }

// ChangeMethod implements seller.MethodChanger.
func (c changingSeller) ChangeMethod(_ context.Context, id int64, r seller.Request) ([]seller.Challenge, error) {
	if err := c.note("change %d %s %s", id, r.Method, strings.Join(r.Emails, ",")); err != nil {
		return nil, err
	}
	return challengesOf(r), nil
}

// changingFixture returns an item whose order waits for validation by the method, with its challenges saved.
func changingFixture(t *testing.T, method string) (*fixture, changingSeller) {
	t.Helper()
	s, theSeller := waitingByMethod(t, method)
	s.panel.order.Params[itemparam.ServiceStatus] = "4"
	s.panel.order.Params[itemparam.Domains] = "example.com"
	s.panel.order.Params[itemparam.Approver] = "old@example.com"
	if method != "" && method != "auth_email" {
		s.panel.order.Params[method+"_value"] = "old value"
	}
	return s, changingSeller{theSeller}
}

func TestSendDVDNSChangesTheMethodToDNS(t *testing.T) {
	s, theSeller := changingFixture(t, "auth_email")
	_, err := command.SendDVDNS(context.Background(), s.with(theSeller, s.panel))
	require.NoError(t, err)
	assert.Equal(t, []string{"change 101 DNS old@example.com"}, theSeller.asked)
	params := s.panel.order.Params
	assert.Equal(t, "auth_dnstxt", params[itemparam.Method])
	assert.Equal(t, "_m.example.com CNAME t.ca.example", params["auth_dnstxt_value"])
	assert.Equal(t, "example.com", params[itemparam.Domains])
	assert.Equal(t, "old@example.com", params[itemparam.Approver], "kept for a later change")
}

func TestSendDVEmailChangesTheMethodToEmail(t *testing.T) {
	for _, method := range []string{"auth_dnscname", "auth_http"} {
		t.Run(method, func(t *testing.T) {
			s, theSeller := changingFixture(t, method)
			s.args.Emails = "admin@example.com"
			_, err := command.SendDVEmail(context.Background(), s.with(theSeller, s.panel))
			require.NoError(t, err)
			assert.Equal(t, []string{"change 101 e-mail admin@example.com"}, theSeller.asked)
			params := s.panel.order.Params
			assert.Equal(t, "auth_email", params[itemparam.Method])
			assert.Equal(t, "admin@example.com", params[itemparam.Approver])
			assert.NotContains(t, params, method+"_value", "the old challenge is no longer valid")
		})
	}
}

func TestARefusedChangeOfTheMethodLeavesTheItem(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		run    item.Func
		given  string // the addresses of send_dv_email, the new way of setparam
		at     time.Time
		asked  int
	}{
		"to DNS":                    {"auth_email", command.SendDVDNS, "", time.Time{}, 1},
		"to e-mail":                 {"auth_http", command.SendDVEmail, "admin@example.com", time.Time{}, 1},
		"by changed parameters":     {"auth_dnstxt", command.SetParam, "auth_http", time.Time{}, 1},
		"with too many addresses":   {"auth_http", command.SendDVEmail, "a@example.com,b@example.com", time.Time{}, 0},
		"after the end of e-mail":   {"auth_http", command.SendDVEmail, "admin@example.com", time.Date(2028, 3, 15, 0, 0, 0, 0, time.UTC), 0},
		"with an unknown method":    {"auth_http", command.SetParam, "auth_pigeon", time.Time{}, 0},
		"to e-mail after its end":   {"auth_http", command.SetParam, "auth_email", time.Date(2028, 3, 15, 0, 0, 0, 0, time.UTC), 0},
		"without any approver":      {"auth_http", command.SendDVEmail, ",", time.Time{}, 0},
		"to a plainly bad approver": {"auth_http", command.SendDVEmail, "admin", time.Time{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, theSeller := changingFixture(t, c.method)
			theSeller.fail["change"] = fault.Errorf(fault.API, "", "not now")
			s.args.Emails = c.given
			if strings.HasPrefix(c.given, "auth_") {
				s.panel.order.Params[itemparam.Method] = c.given
			}
			if !c.at.IsZero() {
				s.at = c.at
			}
			_, err := c.run(context.Background(), s.with(theSeller, s.panel))
			require.Error(t, err)
			assert.Len(t, theSeller.asked, c.asked)
			assert.Empty(t, s.panel.calls)
		})
	}
}

func TestAChangedMethodIsSubmittedToTheSeller(t *testing.T) {
	for name, c := range map[string]struct{ from, to, asked string }{
		"e-mail to DNS": {"auth_email", "auth_dnscname", "change 101 DNS old@example.com"},
		"file to DNS":   {"auth_http", "auth_dnstxt", "change 101 DNS old@example.com"},
		"DNS to e-mail": {"auth_dnstxt", "auth_email", "change 101 e-mail old@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			s, theSeller := changingFixture(t, c.from)
			s.panel.order.Params[itemparam.Method] = c.to
			_, err := command.SetParam(context.Background(), s.with(theSeller, s.panel))
			require.NoError(t, err)
			assert.Equal(t, []string{c.asked}, theSeller.asked)
			assert.NotContains(t, s.panel.order.Params, c.from+"_value")
			assert.Contains(t, s.panel.calls, "postsetparam")

			theSeller.asked, s.panel.calls = nil, nil
			_, err = command.SetParam(context.Background(), s.with(changingSeller{theSeller.ableSeller}, s.panel))
			require.NoError(t, err)
			assert.Equal(t, []string{"postsetparam"}, s.panel.calls, "nothing has changed")
		})
	}
	t.Run("an order that was issued meanwhile needs none", func(t *testing.T) {
		s, theSeller := changingFixture(t, "auth_http")
		s.seller.statuses[101] = seller.OrderStatus{State: seller.StateIssued}
		s.panel.order.Params[itemparam.Method] = "auth_email"
		_, err := command.SetParam(context.Background(), s.with(theSeller, s.panel))
		require.NoError(t, err)
		assert.Empty(t, theSeller.asked)
		assert.Equal(t, []string{"postsetparam"}, s.panel.calls)
	})
}
