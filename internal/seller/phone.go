package seller

import (
	"slices"
	"strings"
)

// Length of a telephone number with its country code, in digits: E.164 allows at most 15, and none has fewer than 7.
const (
	minDigits = 7
	maxDigits = 15
)

// phoneGaps holds the characters besides brackets that people write between the digits of a number, including the dashes and
// blanks of word processors.
const phoneGaps = " .-/\u2010\u2011\u2012\u2013\u00a0\u2009\u202f"

// callingCodes lists the E.164 calling codes of two and three digits. The calling codes of one digit are 1 and 7.
const callingCodes = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 " +
	"81 82 84 86 90 91 92 93 94 95 98 " +
	"211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 242 243 244 245 246 247 248 249 " +
	"250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 " +
	"370 371 372 373 374 375 376 377 378 379 380 381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 " +
	"590 591 592 593 594 595 596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 " +
	"800 808 850 852 853 855 856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 " +
	"992 993 994 995 996 998"

// trunkZeroCodes lists the calling codes of countries in which people dial 0 before an area code (a trunk zero) and no
// national number begins with 0.
const trunkZeroCodes = "20 27 31 32 33 40 41 43 44 46 49 61 62 63 64 66 81 82 84 86 90 92 93 94 95 98 212 213 234 254 255 256 " +
	"353 355 358 359 380 381 382 383 385 386 387 389 421 961 962 963 964 966 967 971 972 977 996"

// DottedPhone returns a telephone number in the form that CAs require, `+CC.NNNNNNNNNN` (RFC 5733 2.5): the E.164 calling
// code, a dot, the other digits. The number must begin with `+` or `00`, because otherwise its first digits may be an area
// code. A trunk zero after the calling code, such as "(0)", is dropped: it is dialled inside the country only. problem says
// why a number has no such form; it is empty if it has one.
func DottedPhone(text string) (dotted, problem string) {
	number, why := plainPhone(text)
	switch {
	case why != "":
		return "", why
	case !strings.HasPrefix(number, "+"):
		return "", "does not begin with + and the country's code, such as +1.2025550123"
	}
	digits := number[1:]
	code := callingCode(digits)
	if code == 0 || len(digits)-code < 4 {
		return "", "does not begin with a country's code (E.164)"
	}
	national := digits[code:]
	if why := nationalFlaw(digits[:code], national); why != "" {
		return "", why
	}
	return "+" + digits[:code] + "." + national, ""
}

// WithoutTrunkZero returns a telephone number as typed, but without a trunk zero in brackets. Any other text is returned
// unchanged.
func WithoutTrunkZero(text string) string {
	dotted, problem := DottedPhone(text)
	if problem != "" {
		return text
	}
	bare := strings.Join(strings.Fields(strings.Replace(text, "(0)", " ", 1)), " ")
	if again, problem := DottedPhone(bare); problem == "" && again == dotted {
		return bare
	}
	return text
}

// phoneFlaw returns why the text is not an E.164 telephone number with country code; empty if it is one. The plus and
// separators are optional. With a plus, the digits must fit the numbering plan of the country.
func phoneFlaw(text string) string {
	number, why := plainPhone(text)
	if why != "" || !strings.HasPrefix(number, "+") {
		return why
	}
	_, problem := DottedPhone(text)
	return problem
}

// plainPhone returns the digits of a number without a trunk zero. A plus stands before them if the number was written with
// `+` or `00`.
func plainPhone(text string) (number, problem string) {
	const noNumber = "is not a telephone number with the country's code, such as +1.2025550123"
	number = strings.TrimSpace(text)
	if strings.HasPrefix(number, "(+") { // (+49) 30 1234567
		number = strings.Replace(number[1:], ")", " ", 1)
	}
	international := strings.HasPrefix(number, "+")
	number = strings.TrimPrefix(number, "+")
	if rest, found := strings.CutPrefix(number, "00"); found && !international {
		international, number = true, rest
	}
	if international {
		number = dropTrunkZero(number)
	}
	digits := digitsOf(number)
	if strings.Trim(digits, "0123456789") != "" || len(digits) < minDigits || len(digits) > maxDigits {
		return "", noNumber
	}
	if international {
		return "+" + digits, ""
	}
	return digits, ""
}

// digitsOf returns the number without brackets and phoneGaps.
func digitsOf(number string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("()"+phoneGaps, r) {
			return -1
		}
		return r
	}, number)
}

// dropTrunkZero drops the zero of "44 (0)20 7946 0000" and, for trunkZeroCodes, of "44 (020) 7946 0000" and "44 020 7946
// 0000". A zero that is part of the national number stays, with or without brackets.
func dropTrunkZero(number string) string {
	code := callingCode(digitsOf(number))
	if code == 0 {
		return number
	}
	at, seen := 0, 0
	for i, r := range number { // where the calling code ends
		if r >= '0' && r <= '9' {
			seen++
		}
		if at = i + len(string(r)); seen == code {
			break
		}
	}
	calling, national := digitsOf(number[:at]), strings.TrimLeft(number[at:], phoneGaps)
	inBrackets := strings.HasPrefix(national, "(0)")
	if keepsLeadingZero(calling) || !inBrackets && !slices.Contains(strings.Fields(trunkZeroCodes), calling) {
		return number
	}
	if inBrackets {
		return number[:at] + " " + national[len("(0)"):]
	}
	for _, front := range []string{"(0", "0"} {
		if rest, found := strings.CutPrefix(national, front); found {
			return number[:at] + " " + rest
		}
	}
	return number
}

// keepsLeadingZero reports whether national numbers of the calling code may begin with 0: Italy, San Marino, the Vatican, and
// countries in Africa whose new numbers do.
func keepsLeadingZero(calling string) bool {
	return slices.Contains([]string{"39", "378", "379", "225", "226", "229", "241", "242"}, calling)
}

// nationalFlaw returns why a national number does not fit the country's numbering plan; empty if it fits or the plan is not
// known.
func nationalFlaw(calling, national string) string {
	const ten = 10
	switch {
	case calling == "1" && (len(national) != ten || national[0] < '2'):
		return "is not a number of +1, which has ten digits after it, the first from 2 to 9"
	case calling == "7" && len(national) != ten:
		return "is not a number of +7, which has ten digits after it"
	case slices.Contains(strings.Fields(trunkZeroCodes), calling) && national[0] == '0':
		return "begins with two zeros after the country's code"
	}
	return ""
}

// callingCode returns the length of the calling code at the start of the digits; 0 if there is none. No E.164 calling code is
// the beginning of another one.
func callingCode(digits string) int {
	if digits != "" && (digits[0] == '1' || digits[0] == '7') {
		return 1
	}
	for _, length := range []int{2, 3} {
		if len(digits) >= length && slices.Contains(strings.Fields(callingCodes), digits[:length]) {
			return length
		}
	}
	return 0
}
