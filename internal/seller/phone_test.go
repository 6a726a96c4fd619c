package seller_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

func TestDottedPhone(t *testing.T) {
	for _, c := range []struct{ rule, text, want, problem string }{
		{"one digit", "+1 (202) 555-0123", "+1.2025550123", ""},
		{"one digit, dotted already", "+7.4951234567", "+7.4951234567", ""},
		{"two digits", "+49 30 1234567", "+49.301234567", ""},
		{"two digits, 00 for +", "0044 20 7946 0000", "+44.2079460000", ""},
		{"three digits", "+380 44 123 45 67", "+380.441234567", ""},
		{"three digits, a dot elsewhere", "+35.314710000", "+353.14710000", ""},
		{"no plus", "8 (495) 123-45-67", "", "does not begin with +"},
		{"an extension", "+1.2025550123 x5", "", "is not a telephone number"},
		{"no such code", "+0123456789", "", "country's code"},
		{"a code and less than any subscriber has", "+353 1234", "+353.1234", ""},
		{"a code and next to nothing", "+353 123", "", "is not a telephone number"},
		{"empty", "", "", "is not a telephone number"},
		{"digits of another script", "+١٢٣٤٥٦٧٨٩", "", "is not a telephone number"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			dotted, problem := seller.DottedPhone(c.text)
			assert.Equal(t, c.want, dotted)
			if c.problem == "" {
				assert.Empty(t, problem)
			} else {
				assert.Contains(t, problem, c.problem)
			}
		})
	}
}

func FuzzDottedPhone(f *testing.F) {
	for _, seed := range []string{"+1.2025550123", "0049301234567", "+", "00", "+999", "8 800", "+44 (0)20 7946 0000", "+39 (0)6 1234 5678", "(+49) 30 1234567", "0044 (020) 7946 0000", "+1 555-0123"} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`^\+[1-9][0-9]{0,2}\.[0-9]{4,14}$`)
	f.Fuzz(func(t *testing.T, text string) {
		dotted, problem := seller.DottedPhone(text)
		if (dotted == "") == (problem == "") || dotted != "" && !form.MatchString(dotted) {
			t.Fatalf("%q: %q, %q", text, dotted, problem)
		}
		if again, _ := seller.DottedPhone(dotted); dotted != "" && again != dotted {
			t.Fatalf("%q is not final: %q", dotted, again)
		}
		if sent, _ := seller.DottedPhone(seller.WithoutTrunkZero(text)); sent != dotted {
			t.Fatalf("%q is another number without its trunk zero: %q, not %q", text, sent, dotted)
		}
	})
}

func TestIncorporationFields(t *testing.T) {
	for _, c := range []struct{ rule, name, value, refused string }{
		{"a country", "org_incorporation_country", "GB", ""},
		{"a country's name", "org_incorporation_country", "England", "two-letter"},
		{"a day", "org_incorporation_date", "1999-12-31", ""},
		{"a day that is none", "org_incorporation_date", "1999-02-30", "YYYY-MM-DD"},
		{"a day as Americans write it", "org_incorporation_date", "12/31/1999", "YYYY-MM-DD"},
		{"a place", "org_incorporation_locality", "Лондон", "Latin"},
		{"a state", "org_incorporation_state", "Delaware", ""},
		{"a trade name", "org_dba", "Example Hosting", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			err := seller.CheckField(c.name, c.value)
			if c.refused == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, c.refused)
		})
	}
}

// parts returns a fault without its cause.
func parts(err error) fault.Error {
	failure := *fault.From(err)
	failure.Err = nil
	return failure
}

func TestFieldErrorsAreReportedAtOnce(t *testing.T) {
	var c fault.FieldErrors
	assert.NoError(t, c.Fault())
	c.Require(map[string]string{"org_name": " ", "org_city": "Cologne"}, "org_name", "org_city", "org_name")
	assert.Equal(t, fault.Error{Type: fault.Missed, Object: "org_name", Message: "missing org_name"}, parts(c.Fault()))
	c.Wrong("adm_phone", "%q is %s", "x", "odd")
	assert.Equal(t, fault.Error{Type: fault.Value, Object: "adm_phone", Message: `adm_phone: "x" is odd; missing org_name`}, parts(c.Fault()))

	all := fault.Join(nil, fault.Errorf(fault.Value, "csr", "the CSR is none"), c.Fault())
	assert.Equal(t, fault.Error{Type: fault.Value, Object: "adm_phone", Message: `csr: the CSR is none; adm_phone: "x" is odd; missing org_name`}, parts(all))
	only := fault.Errorf(fault.Missed, "csr", "there is none")
	assert.Same(t, only, fault.From(fault.Join(nil, only)))
	assert.NoError(t, fault.Join(nil, nil))
}
