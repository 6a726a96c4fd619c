package cabforum

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The names of the panel's options (docs/reference/validity.md §B3.5).
const (
	SettingPolicy = "SSLSubscriptionPolicy"
	SettingBefore = "SSLSubscriptionBefore"
)

const (
	// DefaultLead is how many days before its end a certificate is reissued if the panel's settings do not say.
	DefaultLead = 10
	// MaxLead is the longest lead that the settings can ask for, in days.
	MaxLead = 200
)

// Policy says what happens when a certificate inside a paid term nears its end.
type Policy int

// The policies; the zero value is the documented default.
const (
	PolicyAuto   Policy = iota // it is reissued
	PolicyManual               // the client is notified
	PolicyNone                 // nothing
)

// String returns the policy as the setting SSLSubscriptionPolicy has it.
func (p Policy) String() string {
	switch p {
	case PolicyManual:
		return "manual"
	case PolicyNone:
		return "none"
	}
	return "auto"
}

// Settings is the reissue policy of a panel.
type Settings struct {
	Policy Policy
	Lead   int // days before the certificate's end, 0 to MaxLead
}

// ParseSettings reads the values of SSLSubscriptionPolicy and SSLSubscriptionBefore; empty means not set. An invalid value is
// replaced as docs/reference/validity.md §B3.5 says. The second result has one warning for each replaced value.
func ParseSettings(policy, before string) (Settings, []string) {
	var warnings []string
	settings := Settings{Lead: DefaultLead}
	parsed, ok := parsePolicy(policy)
	settings.Policy = parsed
	if !ok {
		warnings = append(warnings, fmt.Sprintf("%s %s is none of auto, manual and none; taken as auto", SettingPolicy, quoted(policy)))
	}
	lead, warning := parseLead(before)
	settings.Lead = lead
	if warning != "" {
		warnings = append(warnings, warning)
	}
	return settings, warnings
}

func parsePolicy(text string) (Policy, bool) {
	word := strings.ToLower(strings.TrimSpace(text))
	for _, p := range []Policy{PolicyAuto, PolicyManual, PolicyNone} {
		if word == p.String() {
			return p, true
		}
	}
	return PolicyAuto, word == ""
}

func parseLead(text string) (lead int, warning string) {
	word := strings.TrimSpace(text)
	if word == "" {
		return DefaultLead, ""
	}
	// A number too large for an int is still a number: Atoi gives the nearest one with ErrRange.
	days, err := strconv.Atoi(word)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return DefaultLead, fmt.Sprintf("%s %s is not a whole number of days; taken as %d", SettingBefore, quoted(word), DefaultLead)
	case days < 0:
		return DefaultLead, fmt.Sprintf("%s %s is below 0; taken as %d", SettingBefore, quoted(word), DefaultLead)
	case days > MaxLead:
		return MaxLead, fmt.Sprintf("%s %s is above %d; taken as %d", SettingBefore, quoted(word), MaxLead, MaxLead)
	}
	return days, ""
}

// quoted returns the first 40 bytes of a setting's value as a Go string literal, with an ellipsis behind it if the value is
// longer. The value may hold anything, so it is escaped.
func quoted(text string) string {
	const limit = 40
	if len(text) > limit {
		return strconv.Quote(text[:limit]) + "…"
	}
	return strconv.Quote(text)
}
