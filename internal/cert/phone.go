package cert

import "strings"

// DottedPhone writes a telephone number as registries and CAs want it, `+CC.NNNNNNNNNN` (the form of RFC 5733 2.5): the
// calling code of E.164, a dot, the digits after it. The number has to begin with `+` or `00`: without one nobody can tell the
// calling code from an area's. The complaint says why a number cannot be written so and is empty where it can.
func DottedPhone(text string) (dotted, complaint string) {
	number := strings.TrimSpace(text)
	if rest, found := strings.CutPrefix(number, "00"); found {
		number = "+" + rest
	}
	if why := phoneFlaw(number); why != "" {
		return "", why
	}
	if !strings.HasPrefix(number, "+") {
		return "", "does not begin with + and the country's code, such as +1.2025550123"
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
	code := callingCode(digits)
	if code == 0 || len(digits)-code < 4 {
		return "", "does not begin with a country's code (E.164)"
	}
	return "+" + digits[:code] + "." + digits[code:], ""
}

// callingCode is the length of the calling code in front, 0 where none begins so. The codes of E.164 are free of prefixes: one
// digit for the zones 1 and 7, two for those listed, three for the rest.
func callingCode(digits string) int {
	if len(digits) < 3 || digits[0] == '0' {
		return 0
	}
	switch digits[0] {
	case '1', '7':
		return 1
	}
	switch digits[:2] {
	case "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
		"51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66",
		"81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98":
		return 2
	}
	return 3
}
