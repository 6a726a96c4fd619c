package ispmgr

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/deliver"
	"pmssl/internal/pki"
)

// maxChain bounds the certificates of a chain.
const maxChain = 10

// certificate is what is delivered.
type certificate struct {
	serial string
	leaf   *x509.Certificate
	text   string // PEM of the leaf
	chain  string // PEM of the intermediates; empty if there are none
	key    func(ctx context.Context) (string, error)
}

// read parses what is delivered: exactly one leaf, and certificates only in the chain.
func read(c deliver.Certificate) (certificate, error) {
	leaf, err := certificates(c.Leaf)
	if err != nil || len(leaf) != 1 {
		return certificate{}, errors.Join(errors.New("the stored leaf is not one certificate in PEM"), err)
	}
	chain, err := certificates(c.Chain)
	if err != nil || len(chain) > maxChain {
		return certificate{}, errors.Join(fmt.Errorf("the stored chain is not %d certificates in PEM at most", maxChain), err)
	}
	return certificate{serial: c.Serial, leaf: leaf[0], text: encode(leaf), chain: encode(chain), key: c.Key}, nil
}

func certificates(text string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return all, nil
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != "CERTIFICATE" {
			return nil, errors.Join(errors.New("a PEM block is no certificate"), err)
		}
		all = append(all, one)
	}
}

func encode(all []*x509.Certificate) string {
	var text strings.Builder
	for _, c := range all {
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // a Builder never fails
	}
	return text.String()
}

// covers reports whether the certificate is for a host name or holds a name with a wildcard.
func (c certificate) covers(name string) bool {
	return slices.ContainsFunc(c.leaf.DNSNames, func(has string) bool { return pki.Covers(strings.ToLower(has), name) })
}

// entryName returns the name that the panel's new certificate gets. It is made of the certificate, so that a delivery that was broken
// off finds what it has added.
func (c certificate) entryName(site string) string {
	sum := sha256.Sum256(c.leaf.Raw)
	return site + "_" + hex.EncodeToString(sum[:6])
}

// lastDays are the days that a panel may show as the certificate's last one, whatever its time zone.
func (c certificate) lastDays() []string {
	var days []string
	for _, shift := range []time.Duration{-24 * time.Hour, 0, 24 * time.Hour} {
		days = append(days, c.leaf.NotAfter.UTC().Add(shift).Format(time.DateOnly))
	}
	return days
}

// privateKey returns the private key in PEM if it fits the certificate, and otherwise an error that wraps deliver.ErrByHand: trying again
// brings no key.
func (d *deliverer) privateKey(ctx context.Context, c certificate) (string, error) {
	switch {
	case !d.block.Key:
		return "", fmt.Errorf("%w: block %s says `key no`", deliver.ErrByHand, d.block.Name)
	case d.block.Mgr != "":
		return "", fmt.Errorf("%w: the key would be an argument of mgrctl, which every user of this host can read: give the block url and login in place of mgr", deliver.ErrByHand)
	case c.key == nil:
		return "", fmt.Errorf("%w: the billing panel holds no private key of it", deliver.ErrByHand)
	}
	key, err := c.key(ctx)
	if err != nil {
		return "", fmt.Errorf("the private key cannot be read: %w", err)
	}
	if strings.TrimSpace(key) == "" {
		return "", fmt.Errorf("%w: the billing panel holds no private key of it", deliver.ErrByHand)
	}
	if _, err := tls.X509KeyPair([]byte(c.text), []byte(key)); err != nil {
		return "", fmt.Errorf("%w: the private key in the billing panel does not fit it", deliver.ErrByHand) // the error may hold a piece of the key
	}
	return strings.TrimSpace(key) + "\n", nil
}
