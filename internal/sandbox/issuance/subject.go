package issuance

import (
	"cmp"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"unicode/utf8"
)

// Organization is what an order says of the organisation that the subject of an OV or EV leaf names.
type Organization struct {
	Name         string `json:"name"`
	Country      string `json:"country,omitempty"` // ISO 3166-1 alpha-2
	State        string `json:"state,omitempty"`
	Locality     string `json:"locality,omitempty"`
	Street       string `json:"street,omitempty"`
	PostalCode   string `json:"postal_code,omitempty"`
	Registration string `json:"registration,omitempty"` // number, or the date of incorporation (EVG 7.1.4.2.5)
	// Where the organisation is registered, for EV.
	IncorporationCountry  string `json:"incorporation_country,omitempty"`
	IncorporationState    string `json:"incorporation_state,omitempty"`
	IncorporationLocality string `json:"incorporation_locality,omitempty"`
}

// Values for what an order leaves open. A public authority would find them out when it vets the organisation.
const (
	defaultName         = "Sandbox Ltd"
	defaultCountry      = "GB"
	defaultLocality     = "London"
	defaultRegistration = "01234567"
	businessCategory    = "Private Organization" // EVG 7.1.4.2.3
)

// complete fills in what the order leaves open: from the CSR, then with the stand-in's own values.
func (o Organization) complete(request Request) Organization {
	subject := request.Subject
	o.Name = cmp.Or(strings.TrimSpace(o.Name), first(subject.Organization), defaultName)
	o.Country = cmp.Or(asCountry(o.Country), asCountry(first(subject.Country)), defaultCountry)
	if o.State == "" && o.Locality == "" {
		o.State, o.Locality = first(subject.Province), first(subject.Locality)
	}
	if strings.TrimSpace(o.State) == "" && strings.TrimSpace(o.Locality) == "" { // BR 7.1.2.7.4: one of both
		o.Locality = defaultLocality
	}
	o.Registration = cmp.Or(strings.TrimSpace(o.Registration), defaultRegistration)
	o.IncorporationCountry = cmp.Or(asCountry(o.IncorporationCountry), o.Country)
	return o
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return strings.TrimSpace(values[0])
}

// asCountry returns a code in capitals, or "" if it is none.
func asCountry(code string) string {
	if !IsCountry(code) {
		return ""
	}
	return strings.ToUpper(code)
}

// Subject returns the subject of a leaf: the common name alone for domain validation (BR 7.1.2.7.2); for other levels what BR
// 7.1.2.7.4 and the EV Guidelines 7.1.4.2 ask for, in the order of BR 7.1.4.2.
func Subject(level, commonName string, organization Organization, request Request) pkix.Name {
	if len(commonName) > 64 { // RFC 5280 appendix A, ub-common-name
		commonName = ""
	}
	name := pkix.Name{CommonName: commonName}
	if level == "dv" {
		return name
	}
	o := organization.complete(request)
	add := func(value string, limit int, id ...int) {
		if value = cut(strings.TrimSpace(value), limit); value != "" {
			name.ExtraNames = append(name.ExtraNames, pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier(id), Value: value})
		}
	}
	if level == "ev" {
		add(o.IncorporationLocality, 128, 1, 3, 6, 1, 4, 1, 311, 60, 2, 1, 1)
		add(o.IncorporationState, 128, 1, 3, 6, 1, 4, 1, 311, 60, 2, 1, 2)
		add(o.IncorporationCountry, 2, 1, 3, 6, 1, 4, 1, 311, 60, 2, 1, 3)
		add(businessCategory, 128, 2, 5, 4, 15)
		add(o.Registration, 64, 2, 5, 4, 5)
	}
	add(o.Country, 2, 2, 5, 4, 6)
	add(o.State, 128, 2, 5, 4, 8)
	add(o.Locality, 128, 2, 5, 4, 7)
	add(o.PostalCode, 16, 2, 5, 4, 17)
	add(o.Street, 128, 2, 5, 4, 9)
	add(o.Name, 64, 2, 5, 4, 10)
	add(commonName, 64, 2, 5, 4, 3)
	return name
}

// cut shortens a text to a number of characters (RFC 5280 appendix A).
func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:limit]))
}

// IsCountry reports whether a code is assigned in ISO 3166-1 alpha-2.
func IsCountry(code string) bool {
	const assigned = " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ" +
		" CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR" +
		" GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP" +
		" KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT" +
		" MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW" +
		" SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG" +
		" UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "
	return len(code) == 2 && strings.Contains(assigned, " "+strings.ToUpper(code)+" ")
}
