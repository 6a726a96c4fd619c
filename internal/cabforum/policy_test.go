package cabforum_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pmssl/internal/cabforum"

	"github.com/stretchr/testify/assert"
)

// docs/reference/validity.md §B3.5.
func TestPolicySettings(t *testing.T) {
	for name, row := range map[string]struct {
		policy, before string
		want           cabforum.Settings
		warnings       []string
	}{
		"nothing set":      {"", "", cabforum.Settings{Policy: cabforum.PolicyAuto, Lead: 10}, nil},
		"auto":             {"auto", "30", cabforum.Settings{Policy: cabforum.PolicyAuto, Lead: 30}, nil},
		"manual":           {"manual", "0", cabforum.Settings{Policy: cabforum.PolicyManual, Lead: 0}, nil},
		"none":             {"none", "200", cabforum.Settings{Policy: cabforum.PolicyNone, Lead: 200}, nil},
		"blanks and case":  {" None\t", " 7 ", cabforum.Settings{Policy: cabforum.PolicyNone, Lead: 7}, nil},
		"above 200":        {"", "201", cabforum.Settings{Lead: 200}, []string{`SSLSubscriptionBefore "201" is above 200; taken as 200`}},
		"far above":        {"", strings.Repeat("9", 60), cabforum.Settings{Lead: 200}, []string{`SSLSubscriptionBefore "` + strings.Repeat("9", 40) + `"… is above 200; taken as 200`}},
		"below 0":          {"", "-1", cabforum.Settings{Lead: 10}, []string{`SSLSubscriptionBefore "-1" is below 0; taken as 10`}},
		"far below":        {"", "-" + strings.Repeat("9", 30), cabforum.Settings{Lead: 10}, []string{`SSLSubscriptionBefore "-` + strings.Repeat("9", 30) + `" is below 0; taken as 10`}},
		"not a number":     {"", "ten", cabforum.Settings{Lead: 10}, []string{`SSLSubscriptionBefore "ten" is not a whole number of days; taken as 10`}},
		"a fraction":       {"", "10.5", cabforum.Settings{Lead: 10}, []string{`SSLSubscriptionBefore "10.5" is not a whole number of days; taken as 10`}},
		"a flag":           {"on", "on", cabforum.Settings{Lead: 10}, []string{`SSLSubscriptionPolicy "on" is none of auto, manual and none; taken as auto`, `SSLSubscriptionBefore "on" is not a whole number of days; taken as 10`}},
		"unknown policy":   {"automatic", "5", cabforum.Settings{Lead: 5}, []string{`SSLSubscriptionPolicy "automatic" is none of auto, manual and none; taken as auto`}},
		"a line in a line": {"no\nne", "", cabforum.Settings{Lead: 10}, []string{`SSLSubscriptionPolicy "no\nne" is none of auto, manual and none; taken as auto`}},
	} {
		t.Run(name, func(t *testing.T) {
			got, warnings := cabforum.ParseSettings(row.policy, row.before)
			assert.Equal(t, row.want, got)
			assert.Equal(t, row.warnings, warnings)
		})
	}
}

func TestParseSettingsReadsPolicyString(t *testing.T) {
	for _, p := range []cabforum.Policy{cabforum.PolicyAuto, cabforum.PolicyManual, cabforum.PolicyNone} {
		got, warnings := cabforum.ParseSettings(p.String(), "")
		assert.Equal(t, p, got.Policy)
		assert.Empty(t, warnings)
	}
}

func FuzzParseSettings(f *testing.F) {
	for _, seed := range [][2]string{{"", ""}, {"auto", "10"}, {"manual", "-1"}, {"none", "201"}, {"x", "1e3"}, {"\x00", "+5"}, {"NONE", "0x10"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, policy, before string) {
		got, warnings := cabforum.ParseSettings(policy, before)
		assert.True(t, got.Lead >= 0 && got.Lead <= cabforum.MaxLead, "lead %d", got.Lead)
		assert.LessOrEqual(t, len(warnings), 2)
		for _, w := range warnings {
			assert.True(t, utf8.ValidString(w) && !strings.ContainsAny(w, "\n\r\x00\x1b"), "%q", w)
			assert.Less(t, len(w), 400)
		}
		again, _ := cabforum.ParseSettings(got.Policy.String(), before)
		assert.Equal(t, got, again)
	})
}
