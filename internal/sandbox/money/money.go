// Package money holds the amounts that the stand-in sellers charge.
package money

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Cents is an amount in hundredths of a currency. In JSON it is a decimal string, "8.88".
type Cents int64

// String returns the amount with two decimals, such as "8.88".
func (m Cents) String() string { return m.Decimals(2) }

// Decimals returns the amount with n decimals, at least two.
func (m Cents) Decimals(n int) string {
	return strconv.FormatFloat(float64(m)/100, 'f', n, 64)
}

// MarshalJSON implements json.Marshaler.
func (m Cents) MarshalJSON() ([]byte, error) { return json.Marshal(m.String()) }

// UnmarshalJSON implements json.Unmarshaler. It accepts "8.88" and 8.88.
func (m *Cents) UnmarshalJSON(text []byte) error {
	var number json.Number
	if err := json.Unmarshal(text, &number); err != nil {
		return fmt.Errorf("an amount is a decimal number such as \"8.88\": %w", err)
	}
	amount, err := number.Float64()
	if err != nil || math.Abs(amount) > 1e9 || math.IsNaN(amount) {
		return fmt.Errorf("an amount is a decimal number of at most 1000000000, not %q", number)
	}
	*m = Cents(math.Round(amount * 100))
	return nil
}
