package ispmgr_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The way of one order: form, purchase, list, proof, certificate.
func TestOrderIsFollowedToItsCertificate(t *testing.T) {
	s := newStandIn(t)
	user := s.ok("whoami").root.first("user")
	assert.Equal(t, "16 1000.00 EUR on", user.attr("level")+" "+user.attr("balance")+" "+user.attr("currency")+" "+user.attr("allowdeleteitem"))

	csr := csrFor(t, "example.com")
	bought := s.ok("certificate.order.param", order(csr)...)
	id := bought.root.text("id")
	assert.Equal(t, "991.00", s.balance())
	row := s.ok("certificate").root.first("elem")
	assert.Equal(t, id, row.text("id"))
	assert.Equal(t, "777001", row.text("remoteid"))
	assert.Equal(t, "5", row.first("item_status").attr("orig"))
	assert.Equal(t, "3", row.text("service_status"))

	waiting := s.ok("certificate.edit", "elid", id).root
	assert.Equal(t, "auth_dnscname", waiting.text("approver_method"))
	assert.Contains(t, waiting.text("auth_dnscname_name"), ".example.com")
	assert.NotEmpty(t, waiting.text("auth_dnscname_value"))
	assert.Equal(t, "example.com", waiting.text("domains_list"))
	assert.Empty(t, waiting.text("crt"))

	require.NoError(t, s.Prove(number(t, id)))
	issued := s.ok("certificate.edit", "elid", id).root
	leaf := certificateOf(t, issued.text("crt"))
	assert.Equal(t, "2026-04-02 2026-10-17", leaf.NotBefore.Format("2006-01-02")+" "+leaf.NotAfter.Format("2006-01-02"), "199 days, both included")
	assert.Equal(t, "5", issued.text("service_status"))
	assert.Equal(t, "2027-04-02", issued.text("expiredate"))
	assert.Equal(t, "2", s.ok("certificate").root.first("elem", "item_status").attr("orig"))
	assert.Len(t, s.Charges(), 1)
}
