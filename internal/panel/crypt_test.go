package panel_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/pem"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

var panelKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// writeKey writes the panel's key, PKCS #1.
func (w *fixture) writeKey() *rsa.PrivateKey {
	w.t.Helper()
	key, err := panelKey()
	require.NoError(w.t, err)
	w.write("etc/test.pem", asPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)))
	return key
}

func asPEM(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func encrypt(t *testing.T, key *rsa.PrivateKey, plain string) string {
	t.Helper()
	//lint:ignore SA1019 it is the panel's format
	block, err := rsa.EncryptPKCS1v15(rand.Reader, &key.PublicKey, []byte(plain))
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(block)
}

func withModule(t *testing.T, crypted string) (*fixture, *sql.DB) {
	w, db := withDB(t)
	run(t, db, "INSERT INTO processingmodule (id, name, module, active, orderpriority) VALUES (5, 'Namecheap', ?, 'on', 1)", binary)
	run(t, db, "INSERT INTO processingparam (processingmodule, intname, value) VALUES (5, 'username', 'reseller'), (5, 'api_key', 'old plain one'), (6, 'username', 'other')")
	run(t, db, "INSERT INTO processingcryptedparam (processingmodule, intname, value) VALUES (5, 'api_key', ?), (5, 'empty', ''), (5, 'none', NULL)", crypted)
	return w, db
}

// docs/reference/billmanager.md §7: RSA PKCS #1 v1.5 in base64; empty stays empty.
func TestModuleParamsAreDecrypted(t *testing.T) {
	key, err := panelKey()
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	value := encrypt(t, key, "Planted-api-key-value")
	for name, text := range map[string]string{
		"PKCS #1":                asPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
		"PKCS #8":                asPEM("PRIVATE KEY", pkcs8),
		"PKCS #8 with old label": asPEM("RSA PRIVATE KEY", pkcs8),
		"behind a certificate":   asPEM("CERTIFICATE", []byte("x")) + asPEM("PRIVATE KEY", pkcs8),
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := withModule(t, value[:70]+"\r\n"+value[70:]+"\n")
			w.write("etc/test.pem", text)
			params, err := w.ModuleParams(t.Context(), 5)
			require.NoError(t, err)
			assert.Equal(t, map[string]string{"username": "reseller", "api_key": "Planted-api-key-value", "empty": "", "none": ""}, params)
			w.log.Debugf("the key is %s", params["api_key"])
			assert.NotContains(t, w.logged(), "Planted-api-key-value", "decrypted values are registered as secrets")
			assert.Empty(t, w.calls())
		})
	}
}

func TestAValueThatCannotBeDecryptedIsNamedButNotShown(t *testing.T) {
	key, err := panelKey()
	require.NoError(t, err)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pkcs1 := asPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	curveDER, err := x509.MarshalPKCS8PrivateKey(curve)
	require.NoError(t, err)
	plain := "Plain-value-that-was-never-encrypted"
	for name, c := range map[string]struct{ key, value, names string }{
		"not base64":            {pkcs1, plain, "api_key"},
		"not one block":         {pkcs1, base64.StdEncoding.EncodeToString([]byte(plain)), "api_key"},
		"another key":           {pkcs1, encrypt(t, other, plain), "api_key"},
		"no key in the file":    {"nothing\n", encrypt(t, key, plain), "CryptKey"},
		"a key of another kind": {asPEM("PRIVATE KEY", curveDER), encrypt(t, key, plain), "CryptKey"},
		"a protected key":       {asPEM("ENCRYPTED PRIVATE KEY", []byte("x")), encrypt(t, key, plain), "passphrase"},
		"a broken key":          {asPEM("RSA PRIVATE KEY", []byte("x")), encrypt(t, key, plain), "CryptKey"},
		"no file":               {"", encrypt(t, key, plain), "CryptKey"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := withModule(t, c.value)
			if c.key != "" {
				w.write("etc/test.pem", c.key)
			}
			_, err := w.ModuleParams(t.Context(), 5)
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.names)
			if c.names == "api_key" { // rules ERR-1
				assert.Contains(t, err.Error(), "api_key of the processing module 5 (Namecheap) cannot be decrypted with the panel's key")
				assert.Contains(t, err.Error(), "enter api_key again in the module's form")
			} else {
				assert.Contains(t, err.Error(), filepath.Join(w.root, "etc/test.pem"))
				assert.Contains(t, err.Error(), "from a backup")
			}
			assert.NotContains(t, err.Error(), c.value)
			assert.NotContains(t, err.Error(), plain)
			assert.NotContains(t, w.logged(), c.value)
		})
	}
}

func TestEmptyValuesNeedNoKey(t *testing.T) {
	w, _ := withModule(t, "")
	params, err := w.ModuleParams(t.Context(), 5)
	require.NoError(t, err)
	assert.Equal(t, "", params["api_key"])
}

func TestUnknownModuleIsMissed(t *testing.T) {
	w, _ := withDB(t)
	_, err := w.ModuleParams(t.Context(), 99)
	require.Error(t, err)
	assert.Equal(t, fault.Missed, fault.From(err).Type)
	assert.True(t, strings.Contains(err.Error(), "99"))
}

// The wizard's address list, among others, must be readable without CryptKey.
func TestPlainParamsNeedNoKey(t *testing.T) {
	w, _ := withModule(t, "not encrypted with the panel's key")
	w.write("etc/test.pem", "nothing\n")
	params, err := w.PlainParams(t.Context(), 5)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"username": "reseller", "api_key": "old plain one"}, params)
	_, err = w.PlainParams(t.Context(), 99)
	require.Error(t, err)
	assert.Equal(t, fault.Missed, fault.From(err).Type)
}
