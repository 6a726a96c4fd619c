package seller_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/seller"
)

// Rules BUY-1: with another hash there would be another lock, and two runs could buy for one account at the same time.
func TestAccountHash(t *testing.T) {
	assert.Equal(t, "ba7816bf8f01cfea", seller.AccountHash("abc"), "FIPS 180-4, first example")
}
