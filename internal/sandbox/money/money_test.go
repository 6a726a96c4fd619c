package money_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/money"
)

func TestAmountsAreDecimalTexts(t *testing.T) {
	for text, want := range map[string]money.Cents{`"8.88"`: 888, `8.88`: 888, `"-1.5"`: -150, `0`: 0, `"9.0000"`: 900} {
		var amount money.Cents
		require.NoError(t, json.Unmarshal([]byte(text), &amount), text)
		assert.Equal(t, want, amount, text)
	}
	for _, text := range []string{`"x"`, `true`, `"1e12"`, `"NaN"`, `{}`} {
		var amount money.Cents
		assert.Error(t, json.Unmarshal([]byte(text), &amount), text)
	}
	encoded, err := json.Marshal(money.Cents(905))
	require.NoError(t, err)
	assert.Equal(t, `"9.05"`, string(encoded))
	assert.Equal(t, "9.0500", money.Cents(905).Decimals(4))
}
