package cabforum

import "slices"

// Method is a method of domain validation (BR 3.2.2.4), as far as order forms distinguish them.
type Method int

// The methods. The zero value is an unknown method, which is never taken for one of the others.
const (
	MethodUnknown Method = iota
	MethodEmail          // an e-mail to the domain's approver
	MethodDNS            // a record in the domain's zone
	MethodFile           // a file on the domain's web server
)

// String returns the method's name for logs and texts: e-mail, DNS, file or unknown.
func (m Method) String() string {
	switch m {
	case MethodEmail:
		return "e-mail"
	case MethodDNS:
		return "DNS"
	case MethodFile:
		return "file"
	}
	return "unknown"
}

// sections returns the sections of BR 3.2.2.4 that a CA may apply for the method.
func (m Method) sections() []string {
	switch m {
	case MethodEmail:
		return []string{"3.2.2.4.4", "3.2.2.4.13", "3.2.2.4.14"}
	case MethodDNS:
		return []string{"3.2.2.4.7", "3.2.2.4.21", "3.2.2.4.22"}
	case MethodFile:
		return []string{"3.2.2.4.18", "3.2.2.4.19"}
	}
	return nil
}

// Sunset is a row of BR 1.2.2: validation methods that end. A certificate issued on MustNot or later must not rely on
// them, nor on earlier validations by them. A certificate issued on ShouldNot or later should not. A zero date means that
// BR 1.2.2 gives none.
type Sunset struct {
	Sections           []string
	ShouldNot, MustNot Date
}

// Sunsets returns the table of BR 1.2.2 as far as validation methods are concerned, in order of time.
func Sunsets() []Sunset {
	return []Sunset{
		{[]string{"3.2.2.4.2", "3.2.2.4.15"}, Date{}, Date{2025, 7, 15}}, // contacts from WHOIS
		{[]string{"3.2.2.4.8"}, Date{}, Date{2026, 3, 15}},               // IP address
		{[]string{"3.2.2.4.16", "3.2.2.4.17", "3.2.2.5.2", "3.2.2.5.3", "3.2.2.5.5"}, Date{}, Date{2027, 3, 15}},
		{[]string{"3.2.2.4.4", "3.2.2.4.13", "3.2.2.4.14"}, Date{2026, 3, 15}, Date{2028, 3, 15}}, // e-mail to approvers
	}
}

// SunsetOf returns the row of BR 1.2.2 with the section; false if the table does not have it.
func SunsetOf(section string) (Sunset, bool) {
	for _, s := range Sunsets() {
		if slices.Contains(s.Sections, section) {
			return s, true
		}
	}
	return Sunset{}, false
}

// Sunset returns the row of BR 1.2.2 by which the validation method ends: the latest one among its sections; false if one
// of its sections does not end.
func (m Method) Sunset() (Sunset, bool) {
	var last Sunset
	for _, section := range m.sections() {
		s, ends := SunsetOf(section)
		if !ends {
			return Sunset{}, false
		}
		if last.MustNot.IsZero() || s.MustNot.After(last.MustNot) {
			last = s
		}
	}
	return last, !last.MustNot.IsZero()
}

// Allowed reports whether a certificate issued on the date may rely on a new or earlier validation by the method: not by
// e-mail from 2028-03-15 on (BR 1.2.2), and never by a file for wildcard names (BR 3.2.2.4.18, 3.2.2.4.19). An unknown
// method is allowed.
func (m Method) Allowed(issued Date, wildcard bool) bool {
	if m == MethodFile && wildcard {
		return false
	}
	s, ends := m.Sunset()
	return !ends || issued.Before(s.MustNot)
}

// Discouraged reports whether a certificate issued on the date may rely on the method and should not: e-mail from
// 2026-03-15 until it ends (BR 1.2.2).
func (m Method) Discouraged(issued Date) bool {
	s, ends := m.Sunset()
	return ends && !s.ShouldNot.IsZero() && !issued.Before(s.ShouldNot) && issued.Before(s.MustNot)
}
