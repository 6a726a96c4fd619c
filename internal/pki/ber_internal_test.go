package pki

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCheckBERAcceptsProperNesting(t *testing.T) {
	for rule, raw := range map[string][]byte{
		"primitive":                      {0x05, 0},
		"empty sequence":                 {0x30, 0},
		"sequence of two":                {0x30, 4, 5, 0, 5, 0},
		"length in two bytes":            {0x30, 0x81, 2, 5, 0},
		"indefinite":                     {0x30, 0x80, 5, 0, 0, 0},
		"indefinite within definite":     {0x30, 6, 0x30, 0x80, 5, 0, 0, 0},
		"definite within indefinite":     {0x30, 0x80, 0x30, 2, 5, 0, 0, 0},
		"tag of three bytes":             {0x3f, 0x81, 0x01, 2, 5, 0},
		"tag of two bytes, not compound": {0x1f, 0x21, 1, 0xff},
	} {
		assert.NoError(t, checkBER(raw), rule)
	}
}

// Reading takes time in proportion to the length; the fuzzer reports a slow run as a hang.
func FuzzPKCS7(f *testing.F) {
	f.Add([]byte{0x30, 0x80, 0x30, 2, 5, 0, 0, 0})
	f.Add([]byte{0x30, 4, 0x30, 2, 0x30, 8})
	f.Add([]byte{0x3f, 0x81, 0x01, 2, 5, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if certificates, err := bundled(raw); err == nil {
			for _, der := range certificates {
				assert.Contains(t, string(raw), string(der), "a certificate is returned as it stands in the bundle")
				_ = shownSubject(outlineOf(der).subject)
			}
		}
	})
}
