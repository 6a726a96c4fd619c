package seller_test

import (
	"testing"

	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
)

func TestParseIDAndParseCount(t *testing.T) {
	for _, c := range []struct {
		name, text string
		id         int64
		count      int
		isCount    bool
	}{
		{name: "digits", text: " 42 ", id: 42, count: 42, isCount: true},
		{name: "zero", text: "0", isCount: true},
		{name: "empty", text: ""},
		{name: "negative", text: "-7"},
		{name: "a word", text: "many"},
		{name: "beyond 32 bits", text: "4294967296", id: 4294967296},
		{name: "beyond 64 bits", text: "18446744073709551616"},
		{name: "a fraction", text: "1.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.id, seller.ParseID(c.text))
			count, ok := seller.ParseCount(c.text)
			assert.Equal(t, c.count, count)
			assert.Equal(t, c.isCount, ok)
		})
	}
}
