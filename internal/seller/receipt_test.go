package seller_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/seller"
)

func TestReceiptStringLeavesOutEmptyValues(t *testing.T) {
	for want, receipt := range map[string]seller.Receipt{
		`id 101, seller's order 7, charged 8.8800, delivered as "Standard SSL"`: {ID: 101, Order: "7", Charged: "8.8800", Delivered: "Standard SSL"},
		`id 102, charged 9.0000, delivered as "PositiveSSL"`:                    {ID: 102, Charged: "9.0000", Delivered: "PositiveSSL"},
		`id 103`: {ID: 103},
	} {
		assert.Equal(t, want, receipt.String())
	}
}
