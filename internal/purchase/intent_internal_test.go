package purchase

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzIntent checks that any text is either an intent, which is written as it was read, or a fault that says what to do.
func FuzzIntent(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", `{"kind":"create"}`, `{"kind":"create","time":"2026-04-02T10:00:00Z","product":"positivessl","years":1,"snapshot":0,"op":9}`,
		`{"kind":"order","time":"2026-04-02T10:00:00Z","snapshot":"7","op":"1","account":"73468cd8cc61471f","at":"https://a.example shop","key":"00ff","name":"xn--e1afmkfd.xn--p1ai"}`,
		`{"kind":"renew","time":"2026-04-02T10:00:00+02:00","snapshot":1,"refused":true,"looked":"2026-04-02T10:01:00Z","again":1}`,
		`{"kind":"sans","time":"2026-04-02T10:00:00Z","snapshot":-1,"sans":1,"held":2,"counted":-1,"accepted":true,"account":7}`,
		`{"kind":"0","time":"0000-01-01T0:00:00+01:00","snApshot":0,"00000":0}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in, err := ParseIntent(text)
		if err != nil {
			assert.ErrorContains(t, err, "resolve")
			return
		}
		again, err := ParseIntent(in.String())
		require.NoError(t, err)
		assert.Equal(t, in, again)
	})
}
