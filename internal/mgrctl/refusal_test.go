package mgrctl_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/mgrctl"
)

func TestTheErrorInTextForm(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		want mgrctl.Refusal
		has  bool
	}{
		"type, object and value": {"ERROR Error: Type: 'client' Object: 'open' Value: 'billmgr'\n", mgrctl.Refusal{Kind: "client", Object: "open", Value: "billmgr"}, true},
		"no value":               {"ERROR Error: Type: 'access' Object: 'domain'", mgrctl.Refusal{Kind: "access", Object: "domain"}, true},
		"no object":              {"ERROR Error: Type: 'missed' Value: '42'", mgrctl.Refusal{Kind: "missed", Value: "42"}, true},
		"a type alone":           {"Error: Type: 'auth'", mgrctl.Refusal{Kind: "auth"}, true},
		"after other lines":      {"warning\nERROR Error: Type: 'value' Object: 'elid' Value: ''", mgrctl.Refusal{Kind: "value", Object: "elid"}, true},
		"a quote that is open":   {"Error: Type: 'value' Object: 'elid", mgrctl.Refusal{Kind: "value", Object: "elid"}, true},
		"another text":           {"mgrctl: not found", mgrctl.Refusal{}, false},
		"nothing":                {"", mgrctl.Refusal{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, has := mgrctl.ParseRefusal(row.text)
			assert.Equal(t, row.has, has)
			assert.Equal(t, row.want, got)
		})
	}
}

func FuzzParseRefusal(f *testing.F) {
	f.Add("ERROR Error: Type: 'client' Object: 'open' Value: 'billmgr'\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, has := mgrctl.ParseRefusal(text)
		for _, part := range []string{got.Kind, got.Object, got.Value} {
			assert.NotContains(t, part, "'")
			assert.LessOrEqual(t, len(part), len(text))
		}
		assert.True(t, has || got == mgrctl.Refusal{})
	})
}
