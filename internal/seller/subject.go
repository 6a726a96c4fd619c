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

// subjectCheck returns the check for a field of a contact, of the organisation or of the CSR's subject; nil for other fields.
// The check returns why a value cannot be used; empty if it can.
func subjectCheck(name string) func(string) string {
	switch name {
	case "C":
		return countryFlaw
	case "O", "OU":
		return certified(maxOrganisation)
	case "L", "ST":
		return certified(maxPlace)
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

// contactCheck is subjectCheck for a field without its prefix.
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
		return certified(maxOrganisation)
	case "address", "city", "state":
		return certified(maxPlace)
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

// certified is latin for a value that goes into the certificate, where placeholders such as "n/a" are not allowed.
func certified(limit int) func(string) string {
	return func(text string) string {
		if why := latinFlaw(text, limit); why != "" {
			return why
		}
		return absentFlaw(text)
	}
}

// CheckContacts checks the order parameters that describe people and the organisation against what CAs accept. One fault
// reports all wrong values and all required parameters that are missing or empty; other parameters are ignored. The fault is
// of type missed if all values are right and some are missing, otherwise of type value. Its object is the first of the
// fields concerned, in alphabetical order.
func CheckContacts(params map[string]string, required ...string) error {
	var c fault.FieldErrors
	AddSubjectErrors(&c, params)
	c.Require(params, required...)
	return c.Fault()
}

// dateFlaw returns why the text is not a date YYYY-MM-DD, the form that Namecheap takes as well (docs/reference/namecheap.md
// §3.2); empty if it is one.
func dateFlaw(text string) string {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return "is not a date written YYYY-MM-DD"
	}
	return ""
}

// AddSubjectErrors adds an error for each wrong field that describes people or the organisation, in alphabetical order (see
// CheckField and CheckWithCountry). Other parameters are ignored.
func AddSubjectErrors(c *fault.FieldErrors, params map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if subjectCheck(name) == nil {
			continue
		}
		err := CheckField(name, params[name])
		if err == nil {
			err = CheckWithCountry(name, params[name], params[CountryField(name)])
		}
		if err != nil {
			c.Wrong(name, "%s", fault.From(err).Message)
		}
	}
}
