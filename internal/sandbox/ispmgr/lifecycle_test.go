package ispmgr_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/standin/standintest"
)

// One order: form, purchase, list, validation, certificate.
func TestOrderIsFollowedToItsCertificate(t *testing.T) {
	s := newStandIn(t)
	user := s.ok("whoami").root.First("user")
	assert.Equal(t, "16 1000.00 EUR on", user.Attr("level")+" "+user.Attr("balance")+" "+user.Attr("currency")+" "+user.Attr("allowdeleteitem"))

	csr := standintest.CSR(t, "example.com")
	bought := s.ok("certificate.order.param", order(csr)...)
	id := bought.root.Text("id")
	assert.Equal(t, "991.00", s.balance())
	row := s.ok("certificate").root.First("elem")
	assert.Equal(t, id, row.Text("id"))
	assert.Equal(t, "777001", row.Text("remoteid"))
	assert.Equal(t, "5", row.First("item_status").Attr("orig"))
	assert.Equal(t, "3", row.Text("service_status"))

	waiting := s.ok("certificate.edit", "elid", id).root
	assert.Equal(t, "auth_dnscname", waiting.Text("approver_method"))
	assert.Contains(t, waiting.Text("auth_dnscname_name"), ".example.com")
	assert.NotEmpty(t, waiting.Text("auth_dnscname_value"))
	assert.Equal(t, "example.com", waiting.Text("domains_list"))
	assert.Empty(t, waiting.Text("crt"))

	require.NoError(t, s.Prove(standintest.Number(t, id)))
	issued := s.ok("certificate.edit", "elid", id).root
	leaf := standintest.Certificate(t, issued.Text("crt"))
	assert.Equal(t, "2026-04-02 2026-10-17", leaf.NotBefore.Format("2006-01-02")+" "+leaf.NotAfter.Format("2006-01-02"), "199 days, both included")
	assert.Equal(t, "5", issued.Text("service_status"))
	assert.Equal(t, "2027-04-02", issued.Text("expiredate"))
	assert.Equal(t, "2", s.ok("certificate").root.First("elem", "item_status").Attr("orig"))
	assert.Len(t, s.Charges(), 1)
}
