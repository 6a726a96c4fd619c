package seller_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

func TestCountriesAreThoseOfISO3166(t *testing.T) {
	for text, want := range map[string]string{
		"DE": "DE", "de": "DE", " gb ": "GB", "UK": "GB", "uk": "GB", "EL": "GR", "SS": "SS", "CW": "CW", "XK": "XK",
		"ZZ": "", "XX": "", "AN": "", "EN": "", "EU": "", "SU": "", "AA": "", "U1": "", "D": "", "DEU": "", "Germany": "", "": "", "A ": "", " D": "", "D E": "", "ДЕ": "",
	} {
		assert.Equal(t, want, seller.Country(text), text)
		err := seller.CheckField("org_country", text)
		if want != "" || text == "" {
			assert.NoError(t, err, text)
		} else {
			assert.ErrorContains(t, err, "ISO 3166-1", text)
		}
	}
	assert.Equal(t, "UK is sent as GB (ISO 3166-1)", seller.CorrectedCountry("uk"))
	assert.Equal(t, "EL is sent as GR (ISO 3166-1)", seller.CorrectedCountry("EL"))
	assert.Empty(t, seller.CorrectedCountry("de")+seller.CorrectedCountry("ZZ"))
}

// A CA may call the number from abroad: the trunk zero is dialled inside a country only.
func TestTrunkZerosAreDropped(t *testing.T) {
	for _, c := range []struct{ rule, text, want string }{
		{"Great Britain", "+44 (0)20 7946 0000", "+44.2079460000"},
		{"Great Britain, without a blank", "+44(0)2079460000", "+44.2079460000"},
		{"Great Britain, 00 for +", "0044 (0) 20 7946 0000", "+44.2079460000"},
		{"Great Britain, the area code in brackets", "+44 (020) 7946 0000", "+44.2079460000"},
		{"Great Britain, without brackets", "+44 020 7946 0000", "+44.2079460000"},
		{"Germany", "+49 (0)30 1234567", "+49.301234567"},
		{"Germany, hyphens", "+49-(0)-30-1234567", "+49.301234567"},
		{"Germany, the code in brackets", "(+49) 30 1234567", "+49.301234567"},
		{"France", "+33 (0)1 23 45 67 89", "+33.123456789"},
		{"the Netherlands", "+31 (0)20 123 4567", "+31.201234567"},
		{"Switzerland", "+41 (0)44 123 45 67", "+41.441234567"},
		{"Austria", "+43 (0)1 1234567", "+43.11234567"},
		{"Ireland", "+353 (0)1 234 5678", "+353.12345678"},
		{"Ukraine", "+380 (0)44 123 45 67", "+380.441234567"},
		{"Australia", "+61 (0)2 1234 5678", "+61.212345678"},
		{"Japan", "+81 (0)3-1234-5678", "+81.312345678"},
		{"Italy keeps its zero", "+39 06 1234 5678", "+39.0612345678"},
		{"Italy, with brackets: the zero belongs to the number", "+39 (0)6 1234 5678", "+39.0612345678"},
		{"Italy, mobile", "+39 333 123 4567", "+39.3331234567"},
		{"San Marino", "+378 0549 123456", "+378.0549123456"},
		{"the Ivory Coast", "+225 07 12 34 56 78", "+225.0712345678"},
		{"Russia", "+7 (495) 123-45-67", "+7.4951234567"},
		{"America", "+1 (202) 555-0123", "+1.2025550123"},
		{"no trunk zero in Spain", "+34 912 345 678", "+34.912345678"},
		{"a no-break space and a dash of a word processor", "+44\u00a020 7946\u20130000", "+44.2079460000"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			dotted, problem := seller.DottedPhone(c.text)
			assert.Empty(t, problem)
			assert.Equal(t, c.want, dotted)
			assert.NoError(t, seller.CheckField("org_phone", c.text))
			again, problem := seller.DottedPhone(seller.WithoutTrunkZero(c.text))
			assert.Empty(t, problem)
			assert.Equal(t, c.want, again)
		})
	}
	assert.Equal(t, "+44 20 7946 0000", seller.WithoutTrunkZero("+44 (0)20 7946 0000"))
	assert.Equal(t, "+39 (0)6 1234 5678", seller.WithoutTrunkZero("+39 (0)6 1234 5678"))
	assert.Equal(t, "030 (0) 12", seller.WithoutTrunkZero("030 (0) 12"))
}

func TestImpossibleTelephoneNumbersAreRefused(t *testing.T) {
	for rule, text := range map[string]string{
		"America with seven digits": "+1 555-0123", "America with eleven": "+1 202 555 01234", "an area code of 1": "+1 102 555 0123",
		"Russia with the inner 8": "+7 8 495 123-45-67", "a code that nobody has": "+999 123 456 789", "another one": "+210 123 456 789",
		"two trunk zeros": "+44 (0)020 7946 0000", "an extension": "+1 202 555 0123 x5", "words": "call me",
	} {
		_, problem := seller.DottedPhone(text)
		assert.NotEmpty(t, problem, rule)
		assert.Error(t, seller.CheckField("adm_phone", text), rule)
	}
}

func TestPostcodesFitTheirCountry(t *testing.T) {
	for _, c := range []struct{ country, good, bad string }{
		{"DE", "10117|D-10117|DE-10117", "1011|101177|SW1A 1AA|-"}, {"GB", "SW1A 1AA|sw1a1aa|M1 1AE|EC1A 1BB|B33 8TH|CR2 6XH|DN55 1PT|BF1 0AX", "12345|SW1A|SW1A 1A1"},
		{"UK", "SW1A 1AA", "12345"}, {"FR", "75008|F-75008|75008 CEDEX 08", "7500|75A08"}, {"US", "20500|20500-0003|09012", "2050|205000|SW1A 1AA"},
		{"CA", "K1A 0B1|k1a0b1", "K1A|12345"}, {"NL", "1012 AB|NL-1012 AB", "1012|10122"}, {"BE", "1000|B-1000", "10000"}, {"LU", "1234|L-1234", "12345"},
		{"CH", "8001|CH-8001", "80011"}, {"AT", "1010|A-1010", "10101"}, {"IT", "00184|I-00184", "0018"}, {"ES", "28013", "2801"}, {"PT", "1000-001|1000", "100-01"},
		{"PL", "00-950|00950", "0095"}, {"CZ", "110 00", "1100"}, {"SK", "811 01", "8110"}, {"SE", "111 22|SE-111 22", "1112"}, {"DK", "1050|DK-1050", "105"},
		{"NO", "0150|NO-0150", "01500"}, {"FI", "00100|FI-00100|FIN-00100", "0010"}, {"IE", "D02 X285|A65F4E2", "12345"}, {"GR", "105 57", "1055"},
		{"EL", "105 57", "1055"}, {"HU", "1051", "10511"}, {"RO", "010011", "01001"}, {"BG", "1000", "10000"}, {"LT", "LT-01103|01103", "0110"},
		{"LV", "LV-1050|1050", "10500"}, {"EE", "10111", "1011"}, {"RU", "101000", "10100"}, {"UA", "01001", "010011"}, {"BY", "220030", "22003"},
		{"KZ", "010000|A15E8T7", "01000"}, {"TR", "06100", "0610"}, {"IL", "9190401|91904", "919"}, {"JP", "100-0001", "1000"}, {"KR", "03051|110-062", "0305"},
		{"CN", "100000", "10000"}, {"IN", "110001|110 001", "11000"}, {"SG", "018956", "18956"}, {"AU", "2600", "26000"}, {"NZ", "6011", "601"},
		{"ZA", "0001", "001"}, {"BR", "70150-900", "7015"}, {"MX", "06000", "0600"}, {"AR", "1001|C1001AAB", "10"},
		{"AE", "00000|-|none at all", ""}, {"HK", "999077|x", ""}, {"ZZ", "anything", ""}, {"", "anything", ""},
	} {
		for _, code := range split(c.good) {
			assert.NoError(t, seller.CheckWithCountry("org_postcode", code, c.country), c.country)
		}
		for _, code := range split(c.bad) {
			err := seller.CheckWithCountry("org_postcode", code, c.country)
			if assert.Error(t, err, "%s %s", c.country, code) {
				assert.Equal(t, "org_postcode", fault.From(err).Object)
			}
		}
	}
}

func split(list string) []string {
	var words []string
	word := ""
	for _, r := range list + "|" {
		if r != '|' {
			word += string(r)
			continue
		}
		if word != "" {
			words = append(words, word)
		}
		word = ""
	}
	return words
}

func TestStatesAndPlaceholders(t *testing.T) {
	for _, c := range []struct {
		name, value, country string
		good                 bool
	}{
		{"org_state", "CA", "US", true}, {"org_state", "California", "US", true}, {"org_state", "ZZ", "US", false}, {"org_state", "ON", "CA", true},
		{"org_state", "XX", "CA", false}, {"org_state", "NW", "DE", true}, {"org_state", "Berlin", "DE", true}, {"org_state", "75", "FR", true},
		{"org_city", "Paris", "FR", true}, {"org_postcode", "1", "", true}, {"csr", "x", "DE", true},
	} {
		err := seller.CheckWithCountry(c.name, c.value, c.country)
		assert.Equal(t, c.good, err == nil, "%s=%s (%s): %v", c.name, c.value, c.country, err)
	}
	for _, word := range []string{"-", ".", "n/a", "N/A", "none", "null", " . "} {
		for _, field := range []string{"org_state", "org_city", "org_name", "org_division", "org_address", "O", "L", "ST"} {
			assert.ErrorContains(t, seller.CheckField(field, word), "no value", "%s=%s", field, word)
		}
	}
	assert.NoError(t, seller.CheckField("org_state", "NA"), "Naples has this code")
	require.ErrorContains(t, seller.CheckContacts(map[string]string{"org_country": "DE", "org_postcode": "SW1A 1AA"}), `org_postcode: "SW1A 1AA" is not a postal code of DE`)
	assert.NoError(t, seller.CheckContacts(map[string]string{"org_country": "DE", "org_postcode": "10117", "adm_postcode": "SW1A 1AA"}))
}

func TestEmailAddresses(t *testing.T) {
	for address, words := range map[string]string{
		"admin@example.com": "", "first.last+ssl@sub.example.co.uk": "", "o'neil@example.ie": "", "ADMIN@EXAMPLE.COM": "", "a@xn--bcher-kva.example.com": "",
		"admin@localhost": "one label", "admin@server.local": "reserved", "admin@[192.0.2.1]": "e-mail", "admin@192.0.2.1": "IP address", "admin@example.com.": "e-mail",
		"müller@example.com": `U+00FC`, "admin@bücher.example.com": "write admin@xn--bcher-kva.example.com", "admin@exa_mple.com": "U+005F",
		"a..b@example.com": "is not an e-mail address", "admin@": "is not an e-mail address", "a b@example.com": "is not an e-mail address", "Admin <admin@example.com>": "is not an e-mail address",
		"a1234567890123456789012345678901234567890123456789012345678901234@example.com": "more than 64 characters",
	} {
		for _, field := range []string{"adm_email", "approver_email", "emailAddress"} {
			err := seller.CheckField(field, address)
			if words == "" {
				assert.NoError(t, err, address)
			} else {
				assert.ErrorContains(t, err, words, address)
			}
		}
	}
}
