package command_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// mailOnlySeller refuses reissues that are not validated by e-mail.
type mailOnlySeller struct {
	*askedSeller
	refuses *fault.Error
	asked   []seller.Method
}

func (m *mailOnlySeller) Reissue(ctx context.Context, id int64, r seller.Request) (int64, []seller.Challenge, error) {
	m.asked = append(m.asked, r.Method)
	if r.Method != seller.MethodEmail {
		return 0, nil, m.refuses
	}
	return m.fakeSeller.Reissue(ctx, id, r)
}

// What publishing makes possible must not cost a certificate that e-mail would bring.
func TestAReissueThatIsRefusedAfterTheItemWasMovedIsAskedForByEmail(t *testing.T) {
	refused := fault.Errorf(fault.API, "approver_method", "not for this product")
	for name, row := range map[string]struct {
		word    string
		refuses *fault.Error
		asked   []seller.Method
		reissue int
		method  string
	}{
		"moved, and refused":             {"auth_email", refused, []seller.Method{seller.MethodDNS, seller.MethodEmail}, 1, "auth_email"},
		"the client's own choice":        {"auth_dnscname", refused, []seller.Method{seller.MethodDNS}, 0, "auth_dnscname"},
		"the seller does not work now":   {"auth_email", fault.Errorf(fault.Limit, "calls", "too many"), []seller.Method{seller.MethodDNS}, 0, "auth_email"},
		"the outcome may be a reissue":   {"auth_email", &fault.Error{Type: fault.Client, OutcomeUnknown: true, Retry: true}, []seller.Method{seller.MethodDNS}, 0, "auth_dnscname"},
		"it may be accepted another day": {"auth_email", fault.Errorf(fault.API, "id", "not now").Retryable(), []seller.Method{seller.MethodDNS}, 0, "auth_dnscname"},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.service.best = true
			p.panel.order.Params[itemparam.Method], p.panel.order.Params[itemparam.Approver] = row.word, "admin@example.com"
			mail := &mailOnlySeller{askedSeller: p.asked, refuses: row.refuses}
			mail.sweep(t, p)
			assert.Equal(t, row.asked, mail.asked)
			assert.Equal(t, row.reissue, p.seller.reissues)
			assert.Equal(t, row.method, p.param(itemparam.Method))
		})
	}
}

func (m *mailOnlySeller) sweep(t *testing.T, p *publishing) {
	t.Helper()
	p.args = item.Args{Command: "subscription"}
	run := p.env()
	run.Info.Prototype = m
	run.Info.Connect = func(map[string]string) (seller.Seller, error) { return m, nil }
	_, err := command.Subscription(t.Context(), run)
	require.NoError(t, err)
}

// The same holds if the seller says only in a later run that it does not take the other method.
func TestAMovedReissueThatIsRefusedLaterIsAskedForByEmail(t *testing.T) {
	for name, first := range map[string]*fault.Error{
		"the seller did not work":           fault.Errorf(fault.Limit, "calls", "too many").Retryable(),
		"the outcome was a reissue, or not": {Type: fault.Client, OutcomeUnknown: true, Retry: true},
		"not now":                           fault.Errorf(fault.API, "id", "not now").Retryable(),
		"the login was refused":             fault.Errorf(fault.Auth, "username", "no such account"),
	} {
		for _, byReopen := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", byReopen), func(t *testing.T) {
				p := publishingFixture(t, 10)
				p.service.best = true
				p.panel.order.Params[itemparam.Method], p.panel.order.Params[itemparam.Approver] = "auth_email", "admin@example.com"
				mail := &mailOnlySeller{askedSeller: p.asked, refuses: first}
				mail.sweep(t, p)
				require.Zero(t, p.seller.reissues)
				mail.refuses = fault.Errorf(fault.API, "approver_method", "not for this product")
				p.at = p.at.Add(25 * time.Hour)
				if byReopen {
					p.args = item.Args{Command: "reopen", Item: 42}
					run := p.env()
					run.Info.Prototype = mail
					run.Info.Connect = func(map[string]string) (seller.Seller, error) { return mail, nil }
					_, err := command.Reopen(t.Context(), run)
					require.NoError(t, err)
				} else {
					mail.sweep(t, p)
				}
				assert.Equal(t, 1, p.seller.reissues)
				assert.Equal(t, "auth_email", p.param(itemparam.Method))
			})
		}
	}
}

// An item that was moved for a reissue which the seller took has its method for good.
func TestAMovedReissueThatWasTakenIsNoReasonToAskByEmailLater(t *testing.T) {
	p := publishingFixture(t, 10)
	p.service.best = true
	p.panel.order.Params[itemparam.Method], p.panel.order.Params[itemparam.Approver] = "auth_email", "admin@example.com"
	p.asked.then = func() { p.issue(t) }
	p.sweep(t)
	require.Equal(t, 1, p.seller.reissues)
	mail := &mailOnlySeller{askedSeller: p.asked, refuses: fault.Errorf(fault.API, "approver_method", "not for this product")}
	p.at = p.at.AddDate(0, 0, 190)
	mail.sweep(t, p)
	assert.Equal(t, []seller.Method{seller.MethodDNS}, mail.asked)
	assert.Equal(t, "auth_dnscname", p.param(itemparam.Method))
}

// BR 1.2.2: once e-mail is not allowed any more, a reissue is not asked for by e-mail.
func TestAMovedReissueIsNotAskedForByEmailAfterItsEnd(t *testing.T) {
	p := publishingFixture(t, 10)
	p.service.best = true
	p.panel.order.Params[itemparam.Method], p.panel.order.Params[itemparam.Approver] = "auth_email", "admin@example.com"
	p.at = time.Date(2028, 3, 15, 0, 0, 0, 0, time.UTC)
	mail := &mailOnlySeller{askedSeller: p.asked, refuses: fault.Errorf(fault.API, "approver_method", "not for this product")}
	mail.sweep(t, p)
	assert.Equal(t, []seller.Method{seller.MethodDNS}, mail.asked)
	assert.Equal(t, "auth_dnscname", p.param(itemparam.Method))
}
