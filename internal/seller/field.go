package seller

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/plaintext"
)

// Longest values of the fields of a subject, in characters (BR 7.1.4.2, after the upper bounds of RFC 5280 A.1).
const (
	maxOrganisation = 64  // organisation, unit, person, title, registration
	maxPlace        = 128 // street, city, state
	maxPostcode     = 40
	maxEmail        = 254 // RFC 5321 4.5.3.1.3, without the angle brackets
	maxLocal        = 64  // RFC 5321 4.5.3.1.1
)

// CheckField checks one field of an order form against what CAs and the panel's own check `certificatelatin` accept. The
// name is the one under which the panel stores the field (docs/reference/billmanager.md §4.1): CSR, names, approvers,
// validation method, contacts, organisation. An unknown field and an empty value pass; NewRequest and CheckContacts report
// what is missing. Errors are faults of type value whose object is the field's name.
func CheckField(name, value string) error {
	if strings.TrimSpace(value) == "" {
		return nil
	}
	switch base := withoutNumber(name); {
	case name == "csr":
		_, err := pki.ParseCSR(value)
		return err
	case name == "CN" || name == "domain":
		_, err := pki.ASCIIName(name, value)
		return err
	case name == itemparam.AltName || name == "altname_input":
		return checkNames(name, value)
	case name == itemparam.Method:
		_, err := ParseMethod(value)
		return err
	case base == itemparam.Approver:
		_, err := ParseEmails(name, value)
		return err
	}
	if check := subjectCheck(name); check != nil {
		if why := check(strings.TrimSpace(value)); why != "" {
			return fault.Errorf(fault.Value, name, "%q %s", plaintext.Clip(value, 100), why)
		}
	}
	return nil
}

// withoutNumber returns a field's name without its number: approver_email for approver_email_2.
func withoutNumber(name string) string {
	base := strings.TrimRight(name, "0123456789")
	if base == name {
		return name
	}
	return strings.TrimSuffix(base, "_")
}

func checkNames(field, list string) error {
	words := SplitNames(list)
	if len(words) > maxNames {
		return fault.Errorf(fault.Value, field, "the order has more than %d names", maxNames)
	}
	for _, word := range words {
		if _, err := pki.ASCIIName(field, word); err != nil {
			return err
		}
	}
	return nil
}

// SplitNames splits a list of names as the panel and sellers write it, at blanks, line breaks and commas.
func SplitNames(list string) []string { return strings.Fields(strings.ReplaceAll(list, ",", " ")) }

// MappedNames returns one message for each name of a list that is sent in another form than typed: U-labels, full-width
// characters, a trailing dot (UTS 46). Upper case alone is no difference. Names that cannot be certified are left out.
func MappedNames(list string) []string {
	var mapped []string
	for _, word := range SplitNames(list) {
		if ascii, err := pki.ASCIIName("", word); err == nil && ascii != pki.LowerASCII(word) {
			mapped = append(mapped, fmt.Sprintf("%q is sent as %s", plaintext.Clip(word, 300), ascii))
		}
	}
	return mapped
}

// ParseEmails reads a comma-separated list of approvers' addresses (parameter approver_email). Each has to be one plain
// address; a list without any is a fault of type missed, a bad address one of type value, both on the given field.
func ParseEmails(field, list string) ([]string, error) {
	emails := splitEmails(list)
	if len(emails) == 0 {
		return nil, fault.Errorf(fault.Missed, field, "there is no e-mail address")
	}
	if len(emails) > maxNames {
		return nil, fault.Errorf(fault.Value, field, "there are more than %d e-mail addresses", maxNames)
	}
	for _, one := range emails {
		if why := emailFlaw(one); why != "" {
			return nil, fault.Errorf(fault.Value, field, "%q %s", plaintext.Clip(one, 300), why)
		}
	}
	return emails, nil
}

// emailFlaw returns why the text cannot be used as an e-mail address; empty if it can.
func emailFlaw(text string) string {
	if !pki.PlainAddress(text) || utf8.RuneCountInString(text) > maxEmail {
		return "is not an e-mail address"
	}
	local, domain := text[:strings.LastIndexByte(text, '@')], text[strings.LastIndexByte(text, '@')+1:]
	if len(local) > maxLocal {
		return "is not an e-mail address: more than " + strconv.Itoa(maxLocal) + " characters stand before the @"
	}
	for _, r := range local {
		if r >= utf8.RuneSelf {
			return "holds " + pki.Character(r) + " before the @; CAs send e-mail to addresses in Latin letters only"
		}
	}
	ascii, err := pki.ASCIIName("", domain)
	switch {
	case err != nil:
		return "is not an e-mail address that can be reached from outside: " + fault.From(err).Message
	case ascii != pki.LowerASCII(domain):
		return "has a domain in a form to which CAs send no e-mail; write " + local + "@" + ascii
	}
	return ""
}

// latinFlaw returns why the text fails the panel's check certificatelatin: printable ASCII of at most limit characters.
func latinFlaw(text string, limit int) string {
	for _, r := range text {
		if r < ' ' || r > '~' {
			return "has characters other than Latin letters, digits and plain punctuation"
		}
	}
	if len(text) > limit {
		return "is longer than " + strconv.Itoa(limit) + " characters"
	}
	return ""
}
