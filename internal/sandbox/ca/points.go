package ca

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strconv"
)

// Hosts in the simulated Internet that certificates of the authority name.
const (
	CRLHost    = "crl.sandbox-ca.example" // CRL distribution points, RFC 5280 4.2.1.13
	IssuerHost = "crt.sandbox-ca.example" // certificates of issuers, RFC 5280 4.2.2.1
)

// shards is the number of lists of the intermediate. A certificate is on the list of the remainder of its serial number.
const shards = 4

// Paths below the hosts.
const (
	rootListPath         = "/root.crl"
	rootPath             = "/root.crt"
	intermediateCertPath = "/intermediate.crt"
)

func listPath(shard int) string { return "/" + strconv.Itoa(shard) + ".crl" }

func shardOf(serial *big.Int) int {
	return int(new(big.Int).Mod(serial, big.NewInt(shards)).Int64())
}

// CRLURL returns the address of the list that a leaf with this serial number is on, once it is revoked.
func CRLURL(serial *big.Int) string { return "http://" + CRLHost + listPath(shardOf(serial)) }

// CRLURLs returns the addresses of all lists of the intermediate.
func CRLURLs() []string {
	var all []string
	for shard := range shards {
		all = append(all, "http://"+CRLHost+listPath(shard))
	}
	return all
}

// keyID returns the identifier of a public key: the first 160 bits of its SHA-256 (RFC 7093 2, method 1), as crypto/x509 makes
// it for authorities.
func keyID(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, fmt.Errorf("decode public key: %w", err)
	}
	sum := sha256.Sum256(info.Key.Bytes)
	return sum[:20], nil
}
