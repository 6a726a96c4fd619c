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

// itemKeys returns what looks like the private keys of n items: all begin with the same bytes.
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

// learned returns how many bytes are allocated to learn the keys one after the other, as a sweep does.
func learned(keys []string) uint64 {
	var before, after runtime.MemStats
	log := panellog.Discard()
	runtime.ReadMemStats(&before)
	for _, key := range keys {
		log.Secret(key)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A sweep learns the private key of each item that has one: the last of thousands must cost no more than the first.
func TestSecretsAreLearnedInLinearTime(t *testing.T) {
	keys := itemKeys(48)
	learned(keys[:1]) // the tables that are made once
	assert.Less(t, learned(keys), 5*learned(keys[:16]), "three times the keys, nine times the work if each makes all patterns anew")
}

// Keys begin alike: what begins as they do, or is encoded like them, is no reason to mask the rest of a text.
func TestManyKeysLeaveAnHonestLineAlone(t *testing.T) {
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
