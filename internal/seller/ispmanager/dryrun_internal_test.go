package ispmanager

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/seller/sellerhttp"
)

// Rules CLI-7: opening a form changes nothing; submitting it or pressing its button may.
func TestDryRunSendsOnlyReads(t *testing.T) {
	for query, reading := range map[string]bool{
		"func=certificate.order.csr&pricelist=3":  true,
		"func=certificate&p_num=2":                true,
		"func=certificate.edit&elid=5":            true,
		"func=certificate.edit&elid=5&sok=ok":     false,
		"func=certificate.order.param&sok=":       false,
		"func=basket&clicked_button=delete&id=5":  false,
		"func=certificate.delete&elid=5&sok=ok":   false,
		"func=service.prolong&period=12&sok=ok":   false,
		"func=service.prolong&period=12&elid=123": true,
	} {
		form, err := url.ParseQuery(query)
		assert.NoError(t, err)
		assert.Equal(t, reading, reads(true)(sellerhttp.Call{Form: form}), query)
	}
	assert.Nil(t, reads(false), "a real run sends everything")
}
