package cabforum

import "slices"

// Method is the way in which control over a name is proved, as far as order forms tell them apart.
type Method int

// The ways. The sections of BR 3.2.2.4 behind each: see the method sections.
const (
	MethodUnknown Method = iota // nothing is said about it
	MethodEmail                 // a letter to the domain's approver
	MethodDNS                   // a record in the domain's zone
	MethodFile                  // a file on the domain's web server
)

// String returns the word for texts.
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

// sections returns those of BR 3.2.2.4 and 3.2.2.5 by which a CA may have meant the way.
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

// Sunset is a line of BR 1.2.2: methods of validation that come to an end. A certificate issued on MustNot or later does
// not rely on them, nor on earlier validations by them; from ShouldNot on it is advised against. A zero date is none.
type Sunset struct {
	Sections           []string
	ShouldNot, MustNot Date
}

// Sunsets returns the table of BR 1.2.2 as far as validation methods are concerned, in order of time.
func Sunsets() []Sunset {
	return []Sunset{
		{[]string{"3.2.2.4.2", "3.2.2.4.15"}, Date{}, Date{2025, 7, 15}}, // contacts out of WHOIS
		{[]string{"3.2.2.4.8"}, Date{}, Date{2026, 3, 15}},               // IP address
		{[]string{"3.2.2.4.16", "3.2.2.4.17", "3.2.2.5.2", "3.2.2.5.3", "3.2.2.5.5"}, Date{}, Date{2027, 3, 15}},
		{[]string{"3.2.2.4.4", "3.2.2.4.13", "3.2.2.4.14"}, Date{2026, 3, 15}, Date{2028, 3, 15}}, // e-mail to approvers
	}
}

// SunsetOf finds the end of a section's method; false if none is planned.
func SunsetOf(section string) (Sunset, bool) {
	for _, s := range Sunsets() {
		if slices.Contains(s.Sections, section) {
			return s, true
		}
	}
	return Sunset{}, false
}

// Sunset returns when the validation method comes to an end: the day on which the last of its sections does; false if it
// does not (BR 1.2.2).
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

// Allowed reports whether a certificate issued on the date may rely on the validation method, be it new or reused: e-mail
// not from 2028-03-15 on (BR 1.2.2), a file never for wildcard names (BR 3.2.2.4.18, 3.2.2.4.19). What is unknown is not
// objected to.
func (m Method) Allowed(issued Date, wildcard bool) bool {
	if m == MethodFile && wildcard {
		return false
	}
	s, ends := m.Sunset()
	return !ends || issued.Before(s.MustNot)
}

// Discouraged reports whether a certificate issued on the date should not rely on the validation method although it may:
// e-mail from 2026-03-15 until it ends (BR 1.2.2).
func (m Method) Discouraged(issued Date) bool {
	s, ends := m.Sunset()
	return ends && !s.ShouldNot.IsZero() && !issued.Before(s.ShouldNot) && issued.Before(s.MustNot)
}
