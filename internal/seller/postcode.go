package seller

import (
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

// postcodes lists the formats of postal codes by ISO 3166-1 country code: 9 is a digit, A a letter, X either. Blanks, hyphens,
// dots and a country prefix are ignored. Countries that are missing here are not checked: they have no postal codes, or the
// format is changing.
const postcodes = `
AD 999 AR 9999 A9999AAA AT 9999 AU 9999 BE 9999 BG 9999 BR 99999999 BY 999999 CA A9A9A9 CH 9999 CL 9999999 CN 999999
CY 9999 CZ 99999 DE 99999 DK 9999 EE 99999 EG 99999 9999999 ES 99999 FI 99999 FR 99999 GR 99999 HR 99999 HU 9999 ID 99999 IE A9XXXXX
IL 9999999 99999 IN 999999 IS 999 IT 99999 JP 9999999 KR 99999 999999 KZ 999999 A99A9A9 LI 9999 LT 99999 LU 9999 LV 9999
MC 99999 MD 9999 ME 99999 MK 9999 MX 99999 MY 99999 NL 9999AA NO 9999 NZ 9999 PH 9999 PL 99999 PT 9999999 9999 RO 999999 RS 99999 999999
RU 999999 SE 99999 SG 999999 SI 9999 SK 99999 SM 99999 TH 99999 TR 99999 UA 99999 US 99999 999999999 UZ 999999 999999 VA 99999 ZA 9999
GB A99AA A999AA AA99AA AA999AA A9A9AA AA9A9AA
GG AA99AA AA999AA IM AA99AA AA999AA JE AA99AA AA999AA
`

// postcodeForms returns the formats of a country's postal codes; nil if they are not known.
func postcodeForms(country string) []string {
	words := strings.Fields(postcodes)
	at := slices.Index(words, country)
	if at < 0 {
		return nil
	}
	var forms []string
	for _, word := range words[at+1:] {
		if len(word) == 2 {
			break
		}
		forms = append(forms, word)
	}
	return forms
}

// postcodeFlaw returns why a postal code has none of the formats of its country; empty if it has one or the formats are not
// known.
func postcodeFlaw(text, country string) string {
	country = Country(country)
	forms := postcodeForms(country)
	if country == "" || len(forms) == 0 {
		return ""
	}
	code := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .-", r) {
			return -1
		}
		return r
	}, strings.ToUpper(text))
	if country == "FR" || country == "MC" {
		code, _, _ = strings.Cut(code, "CEDEX")
	}
	for _, own := range []string{"", country, country[:1], postcodePrefix(country)} { // D-10115, DE-10115, L-1234
		if rest, found := strings.CutPrefix(code, own); found && slices.ContainsFunc(forms, func(form string) bool { return fitsForm(rest, form) }) {
			return ""
		}
	}
	return "is not a postal code of " + country + ", which has the form " + strings.Join(forms, " or ") + " (9 is a digit, A a letter)"
}

// postcodePrefix returns the letters that people of some countries write before a postal code: the country's vehicle
// registration code.
func postcodePrefix(country string) string {
	switch country {
	case "AT":
		return "A"
	case "FI":
		return "FIN"
	case "HR":
		return "HR"
	case "SI":
		return "SLO"
	}
	return country
}

func fitsForm(code, form string) bool {
	if len(code) != len(form) {
		return false
	}
	for i := range len(form) {
		digit, letter := code[i] >= '0' && code[i] <= '9', code[i] >= 'A' && code[i] <= 'Z'
		if form[i] == '9' && !digit || form[i] == 'A' && !letter || form[i] == 'X' && !digit && !letter {
			return false
		}
	}
	return true
}

// states returns the two-letter codes of a country's states, territories and provinces; empty if they are not known.
func states(country string) string {
	switch country {
	case "US":
		return "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY " +
			"DC AS GU MP PR VI UM FM MH PW AA AE AP"
	case "CA":
		return "AB BC MB NB NL NF NS NT NU ON PE QC PQ SK YT"
	}
	return ""
}

// stateFlaw returns why a two-letter state code is not one of the country's; empty if it is. Full names are not checked,
// because they have many spellings.
func stateFlaw(text, country string) string {
	country = Country(country)
	known, code := states(country), strings.ToUpper(strings.TrimSpace(text))
	if known == "" || len(code) != 2 || slices.Contains(strings.Fields(known), code) {
		return ""
	}
	return "is not a state or province of " + country
}

// absentFlaw returns why a text is a placeholder for no value, such as "-" or "n/a", which a CA must not put into a
// certificate (BR 7.1.4.1); empty if it is not.
func absentFlaw(text string) string {
	word := strings.ToLower(strings.Trim(text, " .-_/"))
	switch word {
	case "", "n/a", "n.a", "none", "null", "nil", "not applicable", "undefined", "unknown":
		return "is a placeholder for no value; leave the field empty or enter the value"
	}
	return ""
}

// CheckWithCountry checks a postal code or state of an order form against its country. Other fields pass, and everything
// passes if the country is not known. Errors are faults of type value whose object is the field's name.
func CheckWithCountry(name, value, country string) error {
	value = strings.TrimSpace(value)
	why := ""
	switch _, field, _ := strings.Cut(name, "_"); {
	case value == "" || subjectCheck(name) == nil:
	case field == "postcode":
		why = postcodeFlaw(value, country)
	case field == "state":
		why = stateFlaw(value, country)
	}
	if why != "" {
		return fault.Errorf(fault.Value, name, "%q %s", plaintext.Clip(value, 100), why)
	}
	return nil
}

// CountryField returns the name of the country field that belongs to a field: org_country for org_postcode.
func CountryField(name string) string {
	prefix, _, _ := strings.Cut(name, "_")
	return prefix + "_country"
}
