package powerdns

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/publish"
)

func TestTheTextOfATXTRecordIsReadFromItsStrings(t *testing.T) {
	for content, want := range map[string]string{
		`"a b"`:   "a b",
		`"a" "b"`: "ab",
		`""`:      "",
		` "a"`:    "a",
		`"a""b"`:  "ab",
	} {
		got, ok := plainText(content)
		assert.True(t, ok, content)
		assert.Equal(t, want, got, content)
	}
	for _, content := range []string{``, `a`, `"a`, `"a\"b"`, `"a" b`, `"`} {
		_, ok := plainText(content)
		assert.False(t, ok, content)
	}
}

func FuzzPlainText(f *testing.F) {
	f.Add(`"a" "b"`)
	f.Fuzz(func(t *testing.T, content string) {
		text, ok := plainText(content)
		if ok && (strings.ContainsAny(text, `"\`) || len(text) > len(content)) {
			t.Fatalf("%q is read as %q", content, text)
		}
		r := publish.Record{Type: publish.TXT, Name: "_a.example.com", Value: text}
		c := change{zone: "example.com", record: r}
		if back, ok := plainText(c.content()); r.CheckDNS("example.com") == nil && (!ok || back != text) {
			t.Fatalf("%q is written as %q and read as %q", text, c.content(), back)
		}
	})
}
