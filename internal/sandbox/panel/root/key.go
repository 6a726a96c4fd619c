package root

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// keyBits is the size of a panel's key (docs/reference/billmanager.md §7 speaks of 245 bytes of text, which is RSA-2048).
const keyBits = 2048

// NewKey makes a panel's key: RSA, PKCS#1 PEM.
func NewKey(random io.Reader) ([]byte, error) {
	key, err := rsa.GenerateKey(random, keyBits)
	if err != nil {
		return nil, fmt.Errorf("making the panel's key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), nil
}

// createKey writes etc/billmgr.pem unless there is one: the given key, or a new one if that is nil.
func (d Dir) createKey(key []byte, random io.Reader) (err error) {
	path := d.Path("etc", "billmgr.pem")
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if key == nil {
		if key, err = NewKey(random); err != nil {
			return err
		}
	}
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return fmt.Errorf("writing the panel's key: %w", err)
	}
	return nil
}

// Cipher encrypts and decrypts values as the panel does: RSA PKCS#1 v1.5, one block, standard base64
// (docs/reference/billmanager.md §7).
type Cipher struct{ key *rsa.PrivateKey }

// Cipher loads the key that CryptKey names (PKCS#1 or PKCS#8 PEM).
func (d Dir) Cipher(c Conf) (*Cipher, error) {
	path := or(c.Get("CryptKey"), "etc/billmgr.pem")
	if !filepath.IsAbs(path) {
		path = d.Path(path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the panel's key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM block in it", path)
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return &Cipher{key: key}, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: neither PKCS#1 nor PKCS#8: %w", path, err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: not an RSA key", path)
	}
	return &Cipher{key: key}, nil
}

// ErrTooLong is returned for a value that does not fit into one RSA block.
var ErrTooLong = errors.New("value is bigger than the key allows")

// Encrypt returns the base64 of one PKCS#1 v1.5 block.
func (c *Cipher) Encrypt(value string, random io.Reader) (string, error) {
	//lint:ignore SA1019 the panel's padding is PKCS#1 v1.5; its modules read no other
	sealed, err := rsa.EncryptPKCS1v15(random, &c.key.PublicKey, []byte(value))
	if errors.Is(err, rsa.ErrMessageTooLong) {
		return "", ErrTooLong
	}
	if err != nil {
		return "", fmt.Errorf("encrypting: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// Decrypt reads what Encrypt wrote; empty stays empty.
func (c *Cipher) Decrypt(value string) (string, error) {
	if value == "" {
		return "", nil
	}
	sealed, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return "", fmt.Errorf("encrypted value: %w", err)
	}
	//lint:ignore SA1019 the panel's padding is PKCS#1 v1.5
	plain, err := rsa.DecryptPKCS1v15(nil, c.key, sealed)
	if err != nil {
		return "", fmt.Errorf("encrypted value: %w", err)
	}
	return string(plain), nil
}

// ParamTables names the two tables of an owner's parameters and the column of the owner.
type ParamTables struct{ Plain, Crypted, Owner string }

// ItemParams returns the tables of a service's parameters.
func ItemParams() ParamTables {
	return ParamTables{Plain: "itemparam", Crypted: "itemcryptedparam", Owner: "item"}
}

// ProcessingParams returns the tables of a module's connection parameters.
func ProcessingParams() ParamTables {
	return ParamTables{Plain: "processingparam", Crypted: "processingcryptedparam", Owner: "processingmodule"}
}
