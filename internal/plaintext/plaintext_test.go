package plaintext_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pmssl/internal/plaintext"

	"github.com/stretchr/testify/assert"
)

func TestClipAndHeadKeepCharactersWhole(t *testing.T) {
	for _, c := range []struct {
		name, text string
		max        int
		clip, head string
	}{
		{name: "fits", text: "жж", max: 4, clip: "жж", head: "жж"},
		{name: "cut between characters", text: "жж", max: 2, clip: "ж…", head: "ж"},
		{name: "cut inside a character", text: "жж", max: 3, clip: "ж…", head: "ж"},
		{name: "no room for one character", text: "\U0001F512", max: 2, clip: "…", head: ""},
		{name: "not UTF-8 and short", text: "a\xff", max: 2, clip: "a\xff", head: "a\xff"},
		{name: "not UTF-8 and cut", text: "a\xffbc", max: 3, clip: "ab…", head: "a\xffb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.clip, plaintext.Clip(c.text, c.max))
			assert.Equal(t, c.head, plaintext.Head(c.text, c.max))
		})
	}
}

func TestLineIsOnePrintableLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{name: "white space", text: " a\r\n\tb\u2028c ", want: "a b c"},
		{name: "control characters", text: "a\x1b[31mb\x00", want: "a[31mb"},
		{name: "direction of writing", text: "a\u202eb", want: "ab"},
		{name: "not UTF-8", text: "a\xffb", want: "ab"},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, plaintext.Line(c.text)) })
	}
}

func TestErrorIsShortAndKeepsWhatItWraps(t *testing.T) {
	assert.NoError(t, plaintext.Error(nil, 10))
	cause := errors.New("malformed \x1b[2J\nresponse " + strings.Repeat("x", 100))
	err := plaintext.Error(cause, 30)
	assert.EqualError(t, err, "malformed [2J response xxxxxxx…")
	assert.ErrorIs(t, err, cause)
}

func FuzzClip(f *testing.F) {
	f.Add("жж", 3)
	f.Add("a\xffbc", 3)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if limit < 0 {
			limit = 0
		}
		if clipped := plaintext.Clip(text, limit); clipped != text {
			assert.True(t, utf8.ValidString(clipped))
			assert.LessOrEqual(t, len(clipped), limit+len("…"))
		}
		assert.LessOrEqual(t, len(plaintext.Head(text, limit)), limit)
	})
}
