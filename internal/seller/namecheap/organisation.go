package namecheap

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
)

// subjectField is one parameter of activate and reissue that describes the organisation or its representative
// (docs/reference/namecheap.md §3.2).
type subjectField struct {
	name  string // Namecheap's parameter
	from  string // the item parameter (docs/reference/billmanager.md §4.1)
	limit int    // the longest value, in characters
	form  form
}

// form is the form that Namecheap requires of a value.
type form int

const (
	asIs    form = iota
	dotted       // +NNN.NNNNNNNNNN
	number       // digits only (4011900)
	country      // code of ISO 3166-1
)

// Item parameters of ours that only EV needs, beside those of docs/reference/billmanager.md §4.1.
const (
	paramIncorporationCountry  = "org_incorporation_country"
	paramIncorporationState    = "org_incorporation_state"
	paramIncorporationLocality = "org_incorporation_locality"
	paramIncorporationDate     = "org_incorporation_date"
	paramTradeName             = "org_dba"
)

// subjectFields returns the fields that are sent for a level. The panel's org_incorporating_agency and the technical contact
// have no counterpart at Namecheap since 2017 (docs/reference/namecheap.md §3.2).
func subjectFields(level seller.Level) []subjectField {
	organisation := []subjectField{
		{"AdminOrganizationName", "org_name", 255, asIs}, {"OrganizationDepartment", "org_division", 255, asIs},
		{"OrganizationDUNS", "org_duns", 20, number}, {"AdminAddress1", "org_address", 255, asIs},
		{"AdminCity", "org_city", 255, asIs}, {"AdminStateProvince", "org_state", 255, asIs},
		{"AdminPostalCode", "org_postcode", 255, asIs}, {"AdminCountry", "org_country", 2, country},
		{"AdminPhone", "org_phone", 32, dotted},
	}
	switch level {
	case seller.OV:
		return append(organisation,
			subjectField{"OrganizationRepFirstName", "adm_fname", 60, asIs}, subjectField{"OrganizationRepLastName", "adm_lname", 60, asIs},
			subjectField{"OrganizationRepTitle", "adm_jtitle", 60, asIs}, subjectField{"OrganizationRepPhone", "adm_phone", 255, dotted},
			subjectField{"OrganizationRepEmailAddress", "adm_email", 128, asIs})
	case seller.EV:
		return append(organisation,
			subjectField{"CompanyIncorporationCountry", paramIncorporationCountry, 2, country},
			subjectField{"CompanyIncorporationStateProvince", paramIncorporationState, 255, asIs},
			subjectField{"CompanyIncorporationLocality", paramIncorporationLocality, 100, asIs},
			subjectField{"CompanyIncorporationDate", paramIncorporationDate, 100, asIs},
			subjectField{"CompanyDBA", paramTradeName, 100, asIs},
			subjectField{"CompanyRegistrationNumber", "org_registration_number", 100, asIs})
	}
	return nil
}

// ValidateOrder checks an order against Namecheap's own rules before anything is bought: the validation method and, for OV and
// EV, the organisation's data (docs/reference/namecheap.md §3.2). One fault of type missed or value reports all errors in that
// data, each with its field. It sends no request.
func (c *Client) ValidateOrder(r seller.Request) error {
	if err := checkMethod(r); err != nil {
		return err
	}
	_, err := organisationParams(r)
	return err
}

// organisationParams returns the parameters that describe the organisation, as name, value pairs; none for DV. Empty fields are
// not sent.
func organisationParams(r seller.Request) ([]string, error) {
	fields := subjectFields(r.Product.Level)
	used := map[string]string{}
	for _, f := range fields {
		used[f.from] = strings.TrimSpace(r.Params[f.from])
	}
	var problems fault.FieldErrors
	seller.AddSubjectErrors(&problems, used)
	var pairs []string
	for _, f := range fields {
		if used[f.from] == "" || seller.CheckField(f.from, used[f.from]) != nil ||
			seller.CheckWithCountry(f.from, used[f.from], used[seller.CountryField(f.from)]) != nil {
			continue
		}
		value, problem := f.formatted(used[f.from])
		if problem != "" {
			problems.Wrong(f.from, "%q %s", plaintext.Clip(used[f.from], 100), problem)
			continue
		}
		pairs = append(pairs, f.name, value)
	}
	problems.Require(used, requiredFields(r)...)
	if err := problems.Fault(); err != nil {
		return nil, err
	}
	return pairs, nil
}

// requiredFields returns the item parameters that Namecheap requires for the level (errors 2010326, 2010396, 2010667). The
// organisation's name may be in the CSR instead.
func requiredFields(r seller.Request) []string {
	var required []string
	if r.Product.Level != seller.DV && r.CSR.Subject.Organisation == "" {
		required = append(required, "org_name")
	}
	if r.Product.Level == seller.EV {
		required = append(required, "org_address", "org_city", "org_state", "org_country", "org_postcode", paramIncorporationCountry)
	}
	return required
}

// formatted returns the value in the form that Namecheap requires; problem says why that is not possible.
func (f subjectField) formatted(value string) (text, problem string) {
	switch f.form {
	case dotted:
		if value, problem = seller.DottedPhone(value); problem != "" {
			return "", problem
		}
	case number:
		value = strings.ReplaceAll(value, "-", "") // D-U-N-S numbers are printed 15-048-3782
		if strings.Trim(value, "0123456789") != "" || value == "" {
			return "", "is not a number"
		}
	case country:
		value = seller.Country(value)
	}
	if utf8.RuneCountInString(value) > f.limit {
		return "", "is longer than the " + strconv.Itoa(f.limit) + " characters that " + Title + " takes"
	}
	return value, ""
}
