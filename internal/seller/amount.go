package seller

import (
	"errors"
	"strconv"
	"strings"
)

// ErrUnknownAmount is the cause of a fault about an amount of money that the seller gives in a form with no certain meaning.
// An unknown amount does not count as zero: it is not saved, and no purchase is refused because of it.
var ErrUnknownAmount = errors.New("the amount cannot be read")

const (
	maxAmountDigits = 12 // before the decimal point: a float64 holds so many digits exactly together with the fraction
	maxFraction     = 8  // after the decimal point
)

// ParseAmount reads an amount of money written as digits, or as digits, a decimal point and digits: "10", "10.50". For any
// other text it returns false. "1,500" is fifteen hundred in some countries and one and a half in others, so a text with a
// comma, a blank, a sign or an exponent is never guessed (rules MONEY-1).
func ParseAmount(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	whole, fraction, pointed := strings.Cut(text, ".")
	if !digits(whole, maxAmountDigits) || pointed && !digits(fraction, maxFraction) {
		return 0, false
	}
	amount, err := strconv.ParseFloat(text, 64)
	return amount, err == nil
}

// ParseBalance is ParseAmount for the balance of an account, which may be negative: a minus stands before the amount.
func ParseBalance(text string) (float64, bool) {
	if owed, found := strings.CutPrefix(strings.TrimSpace(text), "-"); found {
		amount, ok := ParseAmount(owed)
		return -amount, ok && strings.TrimSpace(owed) == owed
	}
	return ParseAmount(text)
}

// digits reports whether the text consists of 1 to limit decimal digits.
func digits(text string, limit int) bool {
	return text != "" && len(text) <= limit && strings.Trim(text, "0123456789") == ""
}
