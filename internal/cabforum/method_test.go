package cabforum_test

import (
	"testing"

	"pmssl/internal/cabforum"

	"github.com/stretchr/testify/assert"
)

// BR 1.2.2: methods of validation that end, section by section.
func TestBR122SunsetsOfSections(t *testing.T) {
	for section, want := range map[string]struct{ shouldNot, mustNot string }{
		"3.2.2.4.2": {"", "2025-07-15"}, "3.2.2.4.15": {"", "2025-07-15"},
		"3.2.2.4.8": {"", "2026-03-15"}, "3.2.2.4.16": {"", "2027-03-15"}, "3.2.2.4.17": {"", "2027-03-15"},
		"3.2.2.5.2": {"", "2027-03-15"}, "3.2.2.5.3": {"", "2027-03-15"}, "3.2.2.5.5": {"", "2027-03-15"},
		"3.2.2.4.4": {"2026-03-15", "2028-03-15"}, "3.2.2.4.13": {"2026-03-15", "2028-03-15"}, "3.2.2.4.14": {"2026-03-15", "2028-03-15"},
	} {
		s, ends := cabforum.SunsetOf(section)
		assert.True(t, ends, section)
		assert.Equal(t, want.mustNot, s.MustNot.String(), section)
		assert.Equal(t, want.shouldNot, s.ShouldNot.String(), section)
	}
	for _, stays := range []string{"3.2.2.4.7", "3.2.2.4.18", "3.2.2.4.19", "3.2.2.4.21", "3.2.2.4.22"} {
		_, ends := cabforum.SunsetOf(stays)
		assert.False(t, ends, stays)
	}
}

func TestBR122MethodsByTheDateOfIssuance(t *testing.T) {
	for _, row := range []struct {
		method               cabforum.Method
		issued               string
		wildcard             bool
		allowed, discouraged bool
	}{
		{cabforum.MethodEmail, "2026-03-14", false, true, false},
		{cabforum.MethodEmail, "2026-03-15", false, true, true},
		{cabforum.MethodEmail, "2028-03-14", true, true, true},
		{cabforum.MethodEmail, "2028-03-15", false, false, false},
		{cabforum.MethodFile, "2035-01-01", false, true, false},
		{cabforum.MethodFile, "2026-01-01", true, false, false},
		{cabforum.MethodDNS, "2035-01-01", true, true, false},
		{cabforum.MethodUnknown, "2035-01-01", true, true, false},
	} {
		on := day(t, row.issued)
		assert.Equal(t, row.allowed, row.method.Allowed(on, row.wildcard), "%s on %s", row.method, row.issued)
		assert.Equal(t, row.discouraged, row.method.Discouraged(on), "%s on %s", row.method, row.issued)
	}
}
