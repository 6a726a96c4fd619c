package cert_test

import (
	"testing"

	"pmssl/internal/cert"

	"github.com/stretchr/testify/assert"
)

// Contract 3.1: another mark would be another lock, and two runs could buy for one account at the same time.
func TestTheMarkOfAnAccountIsThatOfTheContract(t *testing.T) {
	assert.Equal(t, "ba7816bf8f01cfea", cert.AccountMark("abc"), "FIPS 180-4, first example")
}
