package panel

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"pmssl/internal/fault"
)

// maxKey is the limit of the key file in bytes.
const maxKey = 64 << 10

// decrypted decrypts the parameters in place and registers each value with the log as a secret. Empty values stay empty
// (docs/reference/billmanager.md §7). Errors name the parameter and its owner, never the value; remedy is a format that says
// where the administrator enters the parameter.
func (h *Host) decrypted(ctx context.Context, owner, remedy string, values map[string]string) (map[string]string, error) {
	for name, value := range values {
		if value == "" {
			continue
		}
		key, err := h.cryptKey(ctx)
		if err != nil {
			return nil, err
		}
		plain, err := decrypt(key, value)
		if err != nil {
			return nil, fault.Errorf(fault.Value, name, "%s of %s cannot be decrypted with the panel's key (%w): the key was replaced, or comes from "+
				"another panel, after the value was stored; %s", name, owner, err, fmt.Sprintf(remedy, name))
		}
		h.o.Log.Secret(plain)
		values[name] = plain
	}
	return values, nil
}

// decrypt decrypts one block of RSA PKCS #1 v1.5 in base64 (docs/reference/billmanager.md §7).
func decrypt(key *rsa.PrivateKey, value string) (string, error) {
	block, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
	if err != nil {
		return "", errors.New("it is not base64")
	}
	if len(block) != key.Size() {
		return "", fmt.Errorf("it has %d bytes, the key makes blocks of %d", len(block), key.Size())
	}
	// The padding attack needs an oracle that answers an attacker; who can write into the panel's database needs no attack.
	//lint:ignore SA1019 it is the panel's format
	plain, err := rsa.DecryptPKCS1v15(nil, key, block)
	if err != nil {
		return "", err
	}
	return string(plain), nil
}

// cryptKey returns the panel's key. It reads the file at the first call.
func (h *Host) cryptKey(ctx context.Context) (*rsa.PrivateKey, error) {
	if h.key != nil {
		return h.key, nil
	}
	settings, err := h.requiredSettings(ctx, settingKey)
	if err != nil {
		return nil, err
	}
	name := h.path(settings[settingKey])
	text, err := readBounded(name, maxKey)
	if err != nil {
		remedy := fileRemedy(name, err)
		if errors.Is(err, fs.ErrNotExist) {
			remedy = "put it back from a backup, or correct CryptKey in etc/billmgr.conf: without it nothing that the panel stores encrypted can be read"
		}
		return nil, fault.Errorf(fault.Panel, settingKey, "the panel's key %s cannot be read (%w): %s", name, withoutPath(err), remedy)
	}
	if h.key, err = parseKey(text); err != nil {
		return nil, fault.Errorf(fault.Value, settingKey, "the panel's key %s cannot be used (%w): put it back from a backup, or correct CryptKey in etc/billmgr.conf", name, err)
	}
	return h.key, nil
}

// parseKey returns the RSA private key in PEM text. It accepts PKCS #1 and PKCS #8 under either label
// (docs/reference/billmanager.md §7).
func parseKey(text []byte) (*rsa.PrivateKey, error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, errors.New("there is no private key in PEM form")
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return nil, errors.New("it is protected by a passphrase, which the panel does not use")
		}
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("it is neither PKCS #1 nor PKCS #8")
		}
		if key, ok := key.(*rsa.PrivateKey); ok {
			return key, nil
		}
		return nil, errors.New("it is not an RSA key, the panel encrypts with RSA")
	}
}
