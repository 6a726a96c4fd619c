package seller

import (
	"errors"
	"strconv"
	"strings"
)

// ErrUnknownAmount is the cause of a fault about an amount of money that is there and cannot be read for certain. What is
// unknown is not taken for zero: it is neither saved nor a reason to refuse a purchase.
var ErrUnknownAmount = errors.New("the amount cannot be read")

const (
	maxAmountDigits = 12 // before the point: more is no amount, and a float64 holds it exactly together with the fraction
	maxFraction     = 8  // behind the point
)

// ParseAmount returns the sum of money that a text writes as digits, or as digits, a point and digits: "10", "10.50". Every
// other text gives false. "1,500" means fifteen hundred to some and one and a half to others, so that a text with a comma,
// a blank, a sign or an exponent is unknown and never a guess (rules MONEY-1).
func ParseAmount(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	whole, fraction, pointed := strings.Cut(text, ".")
	if !digits(whole, maxAmountDigits) || pointed && !digits(fraction, maxFraction) {
		return 0, false
	}
	amount, err := strconv.ParseFloat(text, 64)
	return amount, err == nil
}

// ParseBalance is ParseAmount for what an account holds: a minus before the amount says that it owes.
func ParseBalance(text string) (float64, bool) {
	if owed, found := strings.CutPrefix(strings.TrimSpace(text), "-"); found {
		amount, ok := ParseAmount(owed)
		return -amount, ok && strings.TrimSpace(owed) == owed
	}
	return ParseAmount(text)
}

// digits reports whether the text is one to so many decimal digits.
func digits(text string, limit int) bool {
	return text != "" && len(text) <= limit && strings.Trim(text, "0123456789") == ""
}
