package seller

import (
	"maps"
	"slices"
	"strings"
	"time"

	"pmssl/internal/fault"
)

// Prefixes of the fields of the two contacts and of the organisation (docs/reference/billmanager.md §4.1).
const (
	prefixAdmin = "adm_"
	prefixTech  = "tech_"
	prefixOrg   = "org_"
)

// subjectCheck returns what a field of a contact, of the organisation or of the CSR's subject has to fit; nil if the name
// is none of them.
func subjectCheck(name string) func(string) string {
	switch name {
	case "C":
		return countryFlaw
	case "O", "OU":
		return present(maxOrganisation)
	case "L", "ST":
		return present(maxPlace)
	case "emailAddress":
		return emailFlaw
	}
	for _, prefix := range []string{prefixAdmin, prefixTech, prefixOrg} {
		if field, found := strings.CutPrefix(name, prefix); found {
			return contactCheck(field)
		}
	}
	return nil
}

func contactCheck(field string) func(string) string {
	switch field {
	case "email":
		return emailFlaw
	case "phone":
		return phoneFlaw
	case "country", "incorporation_country":
		return countryFlaw
	case "incorporation_date":
		return dateFlaw
	case "incorporation_state", "incorporation_locality", "dba", "name", "division":
		return present(maxOrganisation)
	case "address", "city", "state":
		return present(maxPlace)
	case "postcode":
		return latin(maxPostcode)
	case "fname", "lname", "jtitle", "duns", "incorporating_agency", "registration_number":
		return latin(maxOrganisation)
	}
	return nil
}

func latin(limit int) func(string) string {
	return func(text string) string { return latinFlaw(text, limit) }
}

// present is latin for what goes into the certificate, where a value must not say that there is none.
func present(limit int) func(string) string {
	return func(text string) string {
		if why := latinFlaw(text, limit); why != "" {
			return why
		}
		return absentFlaw(text)
	}
}

// CheckContacts holds the parameters of an order that describe people and the organisation against what a CA takes, and
// reports everything that is wrong at once: values, and those of the required parameters that are missing or empty. Other
// parameters are not looked at. The fault is of type missed where something is missing and nothing else is wrong, else of
// type value; its object is the first of the fields concerned, in alphabetical order.
func CheckContacts(params map[string]string, required ...string) error {
	var c fault.FieldErrors
	AddSubjectErrors(&c, params)
	c.Require(params, required...)
	return c.Fault()
}

// dateFlaw wants a day as ISO 8601 writes it, which the seller's form of the field is too (docs/reference/namecheap.md
// §3.2).
func dateFlaw(text string) string {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return "is not a date written YYYY-MM-DD"
	}
	return ""
}

// AddSubjectErrors notes what is wrong with the fields that describe people and the organisation: what CAs do not take
// (CheckField, CheckTogether), in alphabetical order. Other parameters are not looked at.
func AddSubjectErrors(c *fault.FieldErrors, params map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if subjectCheck(name) == nil {
			continue
		}
		err := CheckField(name, params[name])
		if err == nil {
			err = CheckTogether(name, params[name], params[CountryField(name)])
		}
		if err != nil {
			c.Wrong(name, "%s", fault.From(err).Message)
		}
	}
}
