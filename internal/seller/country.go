package seller

import "strings"

// countryCodes are the codes of ISO 3166-1 alpha-2, and XK, which the European Union and CAs use for Kosovo.
const countryCodes = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ " +
	"NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ " +
	"UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"

// Country returns the ISO 3166-1 alpha-2 code of a text, in upper case. It corrects UK and EL, which other standards use, to
// GB and GR. It returns "" if the text is no such code.
func Country(text string) string {
	code := strings.ToUpper(strings.TrimSpace(text))
	switch code {
	case "UK":
		return "GB"
	case "EL":
		return "GR"
	}
	if len(code) != 2 || !strings.Contains(countryCodes, code) || strings.Contains(code, " ") {
		return ""
	}
	return code
}

// CorrectedCountry returns a message if Country corrects the text to another code; empty if it does not.
func CorrectedCountry(text string) string {
	typed := strings.ToUpper(strings.TrimSpace(text))
	if code := Country(text); code != "" && code != typed {
		return typed + " is sent as " + code + " (ISO 3166-1)"
	}
	return ""
}

// countryFlaw returns why the text is not an ISO 3166-1 alpha-2 code; empty if it is one.
func countryFlaw(text string) string {
	switch code := strings.ToUpper(text); {
	case Country(text) != "":
		return ""
	case code == "AN":
		return "is no longer a country's code (ISO 3166-1, withdrawn in 2010); use BQ, CW or SX"
	}
	return "is not the two-letter code of a country (ISO 3166-1)"
}
