package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
)

// pairsPanel keeps key pairs.
type pairsPanel struct {
	keyPanel
	pairs item.KeyPairs
	on    func() // each call
}

func (p pairsPanel) KeyPairs(context.Context, int64) (item.KeyPairs, bool, error) {
	return p.pairs, true, nil
}

func (p pairsPanel) SaveKeyPairs(context.Context, item.KeyPairs) error {
	p.on()
	return nil
}

// rules ROTATE-2, ARCH-8: new keys are masked before they are written anywhere, and each line of them.
func TestKeyPairsAreMaskedBeforeTheyAreWritten(t *testing.T) {
	line := func(word string) string { return strings.Repeat(word, 56/len(word)) }
	key := func(word string) string {
		return "-----BEGIN PRIVATE KEY-----\n" + line(word) + "\nQQ==\n-----END PRIVATE KEY-----\n"
	}
	pairs := item.KeyPairs{Item: 42, Old: item.KeyPair{Key: key("UGxhbnRl")}, New: item.KeyPair{Key: key("TmV3UGxh")}}
	for name, call := range map[string]func(p *watchedPanel) error{
		"written": func(p *watchedPanel) error { return p.SaveKeyPairs(t.Context(), pairs) },
		"read": func(p *watchedPanel) error {
			_, _, err := p.KeyPairs(t.Context(), 42)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			invocation := publishingWith(settingsPanel{}).invocation
			secrets := newSecrets(invocation.info, invocation.rootLog)
			masked := func() {
				for _, word := range []string{"UGxhbnRl", "TmV3UGxh"} {
					assert.NotContains(t, secrets.mask("it printed "+line(word)), word)
				}
			}
			require.NoError(t, call(&watchedPanel{panelAPI: pairsPanel{pairs: pairs, on: masked}, secrets: secrets}))
			masked()
		})
	}
}

// The text of an RSA key has the number of the CSR: what masks the key would damage the CSR.
func TestTheCSRForANewKeyIsSavedAsItIs(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	invocation := publishingWith(settingsPanel{}).invocation
	secrets := newSecrets(invocation.info, invocation.rootLog)
	saved := ""
	panel := &watchedPanel{panelAPI: keyPanel{key: text, saved: &saved}, secrets: secrets}
	_, err = panel.PrivateKey(t.Context(), 42)
	require.NoError(t, err)
	shared := false
	for n := range 3 { // base64 repeats its alignment after three bytes
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: strings.Repeat("a", n+1) + ".example.com"}}, key)
		require.NoError(t, err)
		value, err := json.Marshal(item.RotatedCSR{CSR: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))})
		require.NoError(t, err)
		shared = shared || secrets.maskValue(string(value)) != string(value)
		for _, name := range []string{itemparam.RotatedCSR, itemparam.ImportedCSR} {
			require.NoError(t, panel.SaveParam(t.Context(), 42, name, string(value)))
			assert.Equal(t, string(value), saved)
		}
	}
	assert.True(t, shared, "the test needs a CSR that has a part of the key's text")
}
