package command_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/command"
	"pmssl/internal/fault"
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
		"the seller does not work now":   {"auth_email", fault.Errorf(fault.Limit, "calls", "too many"), []seller.Method{seller.MethodDNS}, 0, "auth_dnscname"},
		"the outcome may be a reissue":   {"auth_email", &fault.Error{Type: fault.Client, OutcomeUnknown: true, Retry: true}, []seller.Method{seller.MethodDNS}, 0, "auth_dnscname"},
		"it may be accepted another day": {"auth_email", fault.Errorf(fault.API, "id", "not now").Retryable(), []seller.Method{seller.MethodDNS}, 0, "auth_dnscname"},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.service.best = true
			p.panel.order.Params[itemparam.Method], p.panel.order.Params[itemparam.Approver] = row.word, "admin@example.com"
			mail := &mailOnlySeller{askedSeller: p.asked, refuses: row.refuses}
			run := p.env()
			run.Info.Prototype = mail
			run.Info.Connect = func(map[string]string) (seller.Seller, error) { return mail, nil }
			_, err := command.Subscription(t.Context(), run)
			require.NoError(t, err)
			assert.Equal(t, row.asked, mail.asked)
			assert.Equal(t, row.reissue, p.seller.reissues)
			assert.Equal(t, row.method, p.param(itemparam.Method))
		})
	}
}
