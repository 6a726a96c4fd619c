package seller_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/seller"
)

// readAmounts returns texts with one possible meaning.
func readAmounts() map[string]float64 {
	return map[string]float64{"0": 0, "0.00": 0, "10": 10, "500.00": 500, "908.1600": 908.16, " 12.5\n": 12.5, "007.10": 7.1,
		"999999999999.99": 999999999999.99}
}

// unknownAmounts returns texts without a certain meaning.
func unknownAmounts() []string {
	return []string{"", " ", "500,00", "1,500.00", "1.500,00", "1,500", "1 500", "1\u00a0500.00", "1'500.00", "1_500", "5e3", "0x10", "NaN", "Inf",
		"+5", "--1", "- 1", "-", ".", ".5", "5.", "1.2.3", "5-", "$5", "5 USD", "５.00", "٥", "much", "1\x00", "1000000000000",
		"1" + strings.Repeat("0", 400), "0." + strings.Repeat("1", 400)}
}

func TestParseAmount(t *testing.T) {
	for text, want := range readAmounts() {
		amount, ok := seller.ParseAmount(text)
		assert.True(t, ok, "%q", text)
		assert.InDelta(t, want, amount, 0, "%q", text)
	}
	for _, text := range append(unknownAmounts(), "-1", "-3.10") {
		amount, ok := seller.ParseAmount(text)
		assert.False(t, ok, "%q", text)
		assert.Zero(t, amount, "%q", text)
	}
}

func TestBalanceMayBeNegative(t *testing.T) {
	for text, want := range map[string]float64{"-3.10": -3.1, "-0.01": -0.01, "12.50": 12.5} {
		amount, ok := seller.ParseBalance(text)
		assert.True(t, ok, "%q", text)
		assert.InDelta(t, want, amount, 0, "%q", text)
	}
	for _, text := range unknownAmounts() {
		_, ok := seller.ParseBalance(text)
		assert.False(t, ok, "%q", text)
	}
}

// The amount equals what strconv reads from the same digits: no digit is dropped.
func FuzzAmount(f *testing.F) {
	for text := range readAmounts() {
		f.Add(text)
	}
	for _, text := range append(unknownAmounts(), "-1") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		amount, ok := seller.ParseBalance(text)
		if !ok {
			return
		}
		plain := strings.TrimSpace(text)
		assert.Empty(t, strings.Trim(strings.TrimPrefix(plain, "-"), "0123456789."), "%q", text)
		want, err := strconv.ParseFloat(plain, 64)
		assert.NoError(t, err)
		assert.InDelta(t, want, amount, 0, "%q", text)
	})
}
