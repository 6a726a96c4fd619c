package ispmanager_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellertest"
)

// fixtures is the directory of the recorded answers.
const fixtures = "../../../../shared/fixtures/ispmanager"

// TestFixtures reads each recorded answer with the command to which it belongs.
func TestFixtures(t *testing.T) {
	known := readings()
	sellertest.Recorded(t, fixtures, "*ml", func(t *testing.T, name, answer string) {
		if read, ok := known[name]; ok {
			read(t, says(answer))
			return
		}
		// Of another function: it is an answer of BILLmanager that does not name the user of this login.
		err := newRemote(t, map[string]reply{"whoami": says(answer)}).Check(t.Context())
		failure := fault.From(err)
		require.NotNil(t, failure)
		assert.NotEqual(t, fault.NotSeller, failure.Type)
		assert.False(t, failure.Retry)
	})
}

type reading func(*testing.T, reply)

func checks(kind, object string) reading {
	return func(t *testing.T, answer reply) {
		failure := requireFault(t, newRemote(t, map[string]reply{"whoami": answer}).Check(t.Context()), kind)
		assert.Equal(t, object, failure.Object)
	}
}

func offers(want ...string) reading {
	return func(t *testing.T, answer reply) {
		all, err := newRemote(t, map[string]reply{"pricelist.export": answer, "certificate.order.pricelist": answer}).Offers(t.Context())
		require.NoError(t, err)
		var ids []string
		for _, o := range all {
			ids = append(ids, o.Product.ID)
		}
		assert.Equal(t, want, ids)
	}
}

func readings() map[string]reading {
	return map[string]reading{
		"error_badpassword.xml": checks(fault.Login, "password"),
		"error_captcha.xml":     checks(fault.Auth, "username"),
		"error_access.xml":      checks(fault.Auth, "username"),
		"error_missed.xml":      checks(fault.API, "whoami"),
		"error_value.xml":       checks(fault.API, "whoami"),
		"error_funds_GUESS.xml": checks(fault.API, "whoami"),
		"twofa_pending.xml":     checks(fault.Auth, "username"),
		"html_login_page.html":  checks(fault.NotSeller, "url"),
		"whoami_RECORDED.xml": func(t *testing.T, answer reply) {
			money, err := newRemote(t, map[string]reply{"whoami": answer}).Balance(t.Context())
			require.NoError(t, err)
			assert.Equal(t, seller.Money{Amount: 12221243, Text: "12221243.00", Currency: "RUB"}, money)
		},
		"subaccount.xml":                         balances("subaccount"),
		"dashboard_info.xml":                     balances("dashboard.info"),
		"pricelist_export_certificate_SYNTH.xml": offers("positivessl", "positivessl_wildcard"),
		"order_pricelist_SYNTH.xml":              offers("positivessl"),
		"certificate_list_SYNTH.xml": func(t *testing.T, answer reply) {
			snapshot, err := newRemote(t, map[string]reply{"certificate": answer}).OrderSnapshot(t.Context())
			require.NoError(t, err)
			require.Len(t, snapshot.Orders, 2)
			assert.EqualValues(t, 1234569, snapshot.Highest)
			assert.Equal(t, "777001", snapshot.Orders[0].OrderRef)
			assert.Equal(t, seller.StateWaiting, snapshot.Orders[0].State)
			assert.Equal(t, seller.StateIssued, snapshot.Orders[1].State)
		},
		"certificate_edit_SYNTH.xml": func(t *testing.T, answer reply) {
			status, err := newRemote(t, map[string]reply{"certificate.edit": answer}).OrderStatus(t.Context(), 1234568)
			require.NoError(t, err)
			assert.Equal(t, seller.StateWaiting, status.State, "its certificate is none that can be read")
			assert.False(t, status.AutoRenews)
			require.Len(t, status.Challenges, 1)
			assert.Equal(t, "_abc.shop.example.test CNAME def.example-ca.test", status.Challenges[0].Host+" "+status.Challenges[0].Record+" "+status.Challenges[0].Target)
		},
		"order_param_ok.xml":       buys(1234567),
		"order_param_ok_no_id.xml": buys(0),
		"service_prolong_ok.xml": func(t *testing.T, answer reply) {
			r := newRemote(t, map[string]reply{"service.prolong": renewing("2026-10-01"), "service.prolong sok": answer})
			p := order(request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
			p.Kind, p.ID = seller.KindProlong, 77
			receipt, err := r.Buy(t.Context(), p)
			require.NoError(t, err)
			assert.EqualValues(t, 77, receipt.ID)
		},
		"delete_ok.xml": func(t *testing.T, answer reply) {
			require.NoError(t, newRemote(t, map[string]reply{"certificate.delete": answer}).Cancel(t.Context(), 7))
		},
		"order_csr_form_SYNTH.xml": func(t *testing.T, answer reply) {
			// Its countries are Russia and Turkey: an order from Germany ends before anything is bought.
			_, err := newRemote(t, map[string]reply{"certificate.order.csr": answer}).Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
			assert.Equal(t, "field_country", requireFault(t, err, fault.API).Object)
		},
	}
}

func balances(function string) reading {
	return func(t *testing.T, answer reply) {
		money, err := newRemote(t, map[string]reply{"whoami": says(doc("whoami", `<user id="4" level="16"/>`)), function: answer}).Balance(t.Context())
		require.NoError(t, err)
		assert.Equal(t, seller.Money{Amount: 125.5, Text: "125.50", Currency: "EUR"}, money)
	}
}

func buys(id int64) reading {
	return func(t *testing.T, answer reply) {
		receipt, err := newRemote(t, map[string]reply{buying: answer}).Buy(t.Context(), order(request(t, "positivessl", "auth_dnscname", "", "www.example.org")))
		assert.Equal(t, id, receipt.ID)
		assert.Equal(t, id == 0, fault.From(err) != nil && fault.From(err).OutcomeUnknown, "sent to pay, and nothing is there: unclear")
	}
}
