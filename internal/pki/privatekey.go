package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
)

const (
	// maxKeyText is how many bytes of a private key's text are read; one of 16384 bits has 13 KB.
	maxKeyText = 64 << 10
	// maxKeyBlocks is how many PEM blocks are looked at: some programs write the parameters of the curve in front.
	maxKeyBlocks = 4
)

// FittingKey returns, as one PEM block, the private key in a text that fits the certificate. It returns false if there is none: the
// text is no PEM, the key is encrypted, of an unknown kind, or another certificate's.
func FittingKey(text string, leaf *x509.Certificate) (string, bool) {
	return fittingKey(text, leaf.PublicKey)
}

// FittingKey is the function of the same name for the key of the CSR.
func (c CSR) FittingKey(text string) (string, bool) { return fittingKey(text, c.PublicKey) }

func fittingKey(text string, public crypto.PublicKey) (string, bool) {
	if len(text) > maxKeyText {
		return "", false
	}
	rest := []byte(text)
	for range maxKeyBlocks {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return "", false
		}
		if key := parseKey(block.Bytes); key != nil && fits(key, public) {
			return string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})), true
		}
	}
	return "", false
}

// parseKey reads a private key in one of the forms that servers read: PKCS #8, PKCS #1, SEC 1; nil if it is none.
func parseKey(der []byte) any {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key
	}
	return nil
}

// fits reports whether a private key is that of the public key.
func fits(key any, public crypto.PublicKey) bool {
	signer, can := key.(crypto.Signer)
	if !can {
		return false
	}
	own, can := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	return can && own.Equal(public)
}
