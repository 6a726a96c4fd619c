package namecheap_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellertest"
)

// fixtures is the directory of the recorded answers.
const fixtures = "../../../../shared/fixtures/namecheap"

// TestFixtures reads each recorded answer with the command to which it belongs.
func TestFixtures(t *testing.T) {
	known := readings()
	sellertest.Recorded(t, fixtures, "*.xml", func(t *testing.T, name, answer string) {
		s := newStage(t, says(answer))
		if read, ok := known[name]; ok {
			read(t, s)
			return
		}
		// Of a command that is not used yet: the frame is read, the result is another's.
		failure := requireFault(t, s.Check(t.Context()), fault.Client)
		assert.Contains(t, failure.Message, "answers OK without the element UserGetBalancesResult")
	})
}

type reading func(*testing.T, *stage)

func readings() map[string]reading {
	return map[string]reading{
		"error_bad_api_key.xml": func(t *testing.T, s *stage) {
			assert.Equal(t, "api_key", requireFault(t, s.Check(t.Context()), fault.Login).Object)
		},
		"error_invalid_request_ip.xml": func(t *testing.T, s *stage) {
			failure := requireFault(t, s.Check(t.Context()), fault.Address)
			assert.Equal(t, []fault.Param{{Name: "ip", Value: "203.0.113.7"}}, failure.Params)
		},
		"error_with_partial_result_legacy_backend.xml": func(t *testing.T, s *stage) {
			assert.Equal(t, 2030288, requireFault(t, s.Check(t.Context()), fault.API).Code)
		},
		"ssl_activate_dns.xml":               activates("auth_dnstxt", seller.Challenge{Domain: "test.example.org", Method: seller.MethodDNS, Host: "_4E3324A380B58813D5A2F32AA13A96F0.test.example.org", Record: "CNAME", Target: "6694010FAC8ED8F806F1EAD56A1A0478.DE6620A256BB8C356A8DD2146B00E884.5a955211b1f8c.comodoca.com"}),
		"ssl_activate_http.xml":              activates("auth_http", seller.Challenge{Domain: "test.example.org", Method: seller.MethodFile, URL: "http://test.example.org/.well-known/pki-validation/4E3324A380B58813D5A2F32AA13A96F0.txt", Body: "6694010FAC8ED8F806F1EAD56A1A0478DE6620A256BB8C356A8DD2146B00E884 comodoca.com 5a955211b1f8c"}),
		"ssl_activate_http_and_dns.xml":      activates("auth_dnstxt", seller.Challenge{Domain: "login.example.com", Method: seller.MethodDNS, Host: "_4E3324A380B58813D5A2F32AA13A96F0.login.example.com", Record: "CNAME", Target: "6694010FAC8ED8F806F1EAD56A1A0478.DE6620A256BB8C356A8DD2146B00E884.5a955211b1f8c.comodoca.com"}),
		"ssl_activate_email.xml":             activates("auth_email", seller.Challenge{Domain: "test.example.org", Method: seller.MethodEmail, Email: "admin@example.org"}),
		"ssl_create_ok.xml":                  buys(seller.Receipt{ID: 123456, Order: "1234567", Charged: "908.1600", Delivered: "Multi Domain SSL"}),
		"ssl_create_ok_replaced_product.xml": buys(seller.Receipt{ID: 909327, Order: "1030907", Charged: "9.0000", Delivered: "Standard SSL SSLcom"}),
		"ssl_reissue_dns.xml":                reissuesByDNS,
		"ssl_renew.xml":                      renews(seller.Receipt{ID: 123456, Order: "1234567", Charged: "9.0000", Delivered: "PositiveSSL"}),
		"ssl_editdcvmethod_single.xml":       editsSingle,
		"ssl_editdcvmethod_multi.xml":        editsMulti,
		"ssl_getapproveremaillist.xml":       listsApprovers,
		"ssl_getinfo_active_2026_attrs.xml":  statuses(seller.StateIssued, 12, 0, 2, "2027-04-12"),
		"ssl_getinfo_active_individual.xml":  statuses(seller.StateIssued, 0, 747253, 3, "2015-01-20"),
		"ssl_getinfo_active_pkcs7.xml":       statuses(seller.StateIssued, 12, 0, 1, "2015-01-20"),
		"ssl_getinfo_newpurchase.xml":        statuses(seller.StateNew, 12, 0, 0, ""),
		"ssl_getinfo_purchased.xml":          statuses(seller.StateWaiting, 12, 0, 0, ""),
		"ssl_getinfo_replaced.xml":           statuses(seller.StateReplaced, 12, 34351741, 0, "2026-08-07"),
		"ssl_getlist_doc.xml":                snapshots(52556, 52556, 52556),
		"ssl_getlist_empty.xml":              snapshots(0),
		"ssl_getlist_live_attrs.xml":         listsAll,
		"users_getbalances.xml":              balance,
		"users_getpricing_ssl.xml":           prices,
		"ssl_purchasemoresans.xml":           buysNames,
		"ssl_resendapproveremail.xml":        resends,
		"ssl_revokecertificate.xml":          revokes,
		"ssl_getinfo_error_unknown_id.xml": func(t *testing.T, s *stage) {
			_, err := s.OrderStatus(t.Context(), 7)
			assert.Equal(t, 2011294, requireFault(t, err, fault.API).Code)
		},
	}
}

func activates(method string, want seller.Challenge) reading {
	return func(t *testing.T, s *stage) {
		challenges, err := s.Activate(t.Context(), 953413, request(t, "standard_ssl", method, "admin@example.org", "test.example.org"))
		require.NoError(t, err)
		assert.Equal(t, []seller.Challenge{want}, challenges)
	}
}

func buys(want seller.Receipt) reading {
	return func(t *testing.T, s *stage) {
		receipt, err := s.Buy(t.Context(), purchase(t, "standard_ssl", 12, 0))
		require.NoError(t, err)
		assert.Equal(t, want, receipt)
	}
}

func renews(want seller.Receipt) reading {
	return func(t *testing.T, s *stage) {
		receipt, err := s.Buy(t.Context(), renewal(t, "positivessl", 12))
		require.NoError(t, err)
		assert.Equal(t, want, receipt)
	}
}

func reissuesByDNS(t *testing.T, s *stage) {
	id, challenges, err := s.Reissue(t.Context(), 34351740, request(t, "standard_ssl", "auth_dnscname", "", "oneiric.dev"))
	require.NoError(t, err)
	assert.EqualValues(t, 34351741, id)
	assert.Equal(t, []seller.Challenge{{
		Domain: "oneiric.dev", Method: seller.MethodDNS, Record: "CNAME", Host: "_6958EA56A4FE23DDF2C3EDA7B9B956A5.oneiric.dev",
		Target: "46513AD29B078AF908AD3CDF354A8599.6CD5AE645BCCE1FAA847D98385AFF6CE.69ff68dc5168c.comodoca.com",
	}}, challenges)
}

func editsSingle(t *testing.T, s *stage) {
	challenges, err := s.Challenges(t.Context(), 893024, request(t, "standard_ssl", "auth_http", "", "example.com"))
	require.NoError(t, err)
	require.Len(t, challenges, 1)
	assert.Equal(t, "http://example.com/.well-known/pki-validation/2689665E8233592B5981D44FCD1F38F9.txt", challenges[0].URL)
	challenges, err = s.Challenges(t.Context(), 893024, request(t, "standard_ssl", "auth_dnstxt", "", "example.com"))
	require.NoError(t, err)
	assert.Empty(t, challenges, "the unused block carries no value")
}

func editsMulti(t *testing.T, s *stage) {
	challenges, err := s.Challenges(t.Context(), 897918, request(t, "san_certificate", "auth_dnstxt", "", "example.com", "example.net", "example.org"))
	require.NoError(t, err)
	require.Len(t, challenges, 3)
	assert.Equal(t, "_2689665E8233592B5981D44FCD1F38F9.example.com", challenges[0].Host)
	assert.Equal(t, "_2689665E8233592B5981D44FCD1F38F9.example.org", challenges[2].Host)
}

func listsApprovers(t *testing.T, s *stage) {
	emails, err := s.Approvers(t.Context(), "domain.com", product(t, "positivessl"))
	require.NoError(t, err)
	assert.Equal(t, []string{"3db85a8e21b54bab848eb8f01d5d78c5.protect@whoisguard.com", "postmaster@domain.com", "sslwebmaster@domain.com",
		"ssladministrator@domain.com", "mis@domain.com"}, emails)
}

func statuses(state seller.State, months int, replacedBy int64, certificates int, expires string) reading {
	return func(t *testing.T, s *stage) {
		status, err := s.OrderStatus(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, state, status.State)
		assert.Equal(t, months, status.Months)
		assert.Equal(t, replacedBy, status.ReplacedBy)
		assert.Len(t, status.PEM, certificates)
		assert.Equal(t, expires, status.Expires.String())
	}
}

func snapshots(highest int64, want ...int64) reading {
	return func(t *testing.T, s *stage) {
		snapshot, err := s.OrderSnapshot(t.Context())
		require.NoError(t, err)
		assert.Equal(t, highest, snapshot.Highest)
		assert.Equal(t, want, ids(snapshot.Orders))
	}
}

func balance(t *testing.T, s *stage) {
	money, err := s.Balance(t.Context())
	require.NoError(t, err)
	assert.Equal(t, seller.Money{Text: "0.00", Currency: "USD"}, money)
}

func prices(t *testing.T, s *stage) {
	offers, err := s.Offers(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"positivessl 12=8.88USD 24=15.76USD", "instantssl 12=18.88USD"}, offerLines(offers))
}

func buysNames(t *testing.T, s *stage) {
	p := names(t, 2)
	p.ID = 1111
	receipt, err := s.Buy(t.Context(), p)
	require.NoError(t, err)
	assert.Equal(t, seller.Receipt{ID: 1111, Order: "111", Charged: "23.3000", Delivered: "positivessl multi domain"}, receipt)
}

func resends(t *testing.T, s *stage) {
	s = newStage(t, post("admin@example.com", s.answers[0]))
	require.NoError(t, s.SendApproval(t.Context(), 1044702, request(t, "standard_ssl", "auth_email", "admin@example.com", "example.com"), nil))
}

func revokes(t *testing.T, s *stage) {
	replaced := registry{map[string]string{"8111110": certificate("replaced", 9), "9": certificate("expired", 0)}, s.answers[0]}
	require.NoError(t, newStage(t, replaced.serve).Cancel(t.Context(), 8111110))
}

func listsAll(t *testing.T, s *stage) {
	snapshots(909327, 909327, 909327)(t, s)
	all, err := s.Certificates(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, []int64{743585}, all[0].Older, "one order of the CA")
	assert.Equal(t, "positivessl", all[0].Template)
	assert.Equal(t, "standard_ssl", all[1].Template)
}
