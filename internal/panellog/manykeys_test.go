package panellog_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/panellog"
)

// itemKeys returns n texts like private keys, which all begin with the same bytes.
func itemKeys(n int) []string {
	var keys []string
	for i := range n {
		der := []byte{0x30, 0x82, 0x04, 0xbd, 0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00}
		for k := range 32 {
			sum := sha256.Sum256(fmt.Append(nil, i, k))
			der = append(der, sum[:]...)
		}
		keys = append(keys, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	}
	return keys
}

// allocated returns the number of bytes allocated to register the keys one after the other, as a sweep does.
func allocated(keys []string) uint64 {
	var before, after runtime.MemStats
	log := panellog.Discard()
	runtime.ReadMemStats(&before)
	for _, key := range keys {
		log.Secret(key)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A sweep registers the private key of each item: the last of thousands must cost no more than the first.
func TestSecretsAreRegisteredInLinearTime(t *testing.T) {
	keys := itemKeys(48)
	allocated(keys[:1]) // makes the tables that are made once
	assert.Less(t, allocated(keys), 5*allocated(keys[:16]), "three times the keys, nine times the work if each makes all patterns anew")
}

// A text that begins like a key, or is encoded like one, does not mask the rest of a line.
func TestManyKeysDoNotMaskAnOrdinaryLine(t *testing.T) {
	keys := itemKeys(600)
	log := panellog.Discard()
	log.Secret(keys...)
	b64 := base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----"))
	for _, line := range []string{
		"main INFO command --item 42 --command subscription --lang en --level 5",
		"-----BEGIN CERTIFICATE-----, item 42",
		"crt=" + b64 + " elid=42",
	} {
		assert.Equal(t, line, log.Mask(line))
	}
	for name, text := range map[string]string{
		"whole":       keys[7],
		"in one line": strings.ReplaceAll(keys[599], "\n", " "),
		"a line":      strings.Split(keys[300], "\n")[3],
		"base64":      base64.StdEncoding.EncodeToString([]byte(keys[1])),
		"upper case":  strings.ToUpper(keys[2]),
	} {
		shown := log.Mask("a " + text + " z")
		assert.Less(t, len(shown), 60, name)
		assert.True(t, strings.HasPrefix(shown, "a ***"), "%s: %s", name, shown)
	}
}
