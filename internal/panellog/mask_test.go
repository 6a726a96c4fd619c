package panellog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/panellog"
)

// Mask is for texts that leave the program by another way than the log.
func TestMaskMasksLikeTheLog(t *testing.T) {
	log := panellog.Discard()
	log.Secret(`pla<nt"ed &secret`)
	for name, text := range map[string]string{
		"plain": `pla<nt"ed &secret`, "URL": "pla%3Cnt%22ed+%26secret", "XML": "pla&lt;nt&quot;ed &amp;secret",
		"JSON": `pla<nt\"ed \u0026secret`, "base64": "cGxhPG50ImVkICZzZWNyZXQ",
	} {
		masked := log.Mask("a " + text + " b")
		assert.True(t, strings.HasPrefix(masked, "a ***"), "%s: %s", name, masked)
		assert.NotContains(t, masked, "pla", name)
		assert.Equal(t, masked, panellog.Masker(`pla<nt"ed &secret`)("a "+text+" b"), name)
	}
	key := "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----"
	assert.Equal(t, "a *** b", log.Mask("a "+key+" b"))
	var none *panellog.Logger
	assert.Equal(t, "a *** planted", none.Mask("a "+key+" planted"))
	assert.Equal(t, "nothing is known", panellog.Masker("", "abc")("nothing is known"))
}
