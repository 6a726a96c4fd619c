package e2e

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fullChain parses what the panel stores and returns the certificates, the leaf first. The panel stores PEM, or a ZIP that has
// the full chain in one file, plain or in base64.
func fullChain(t *testing.T, stored []byte) []*x509.Certificate {
	t.Helper()
	if raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(stored))); err == nil {
		stored = raw
	}
	if bytes.HasPrefix(stored, []byte("PK")) {
		archive, err := zip.NewReader(bytes.NewReader(stored), int64(len(stored)))
		require.NoError(t, err)
		for _, file := range archive.File {
			if strings.HasSuffix(file.Name, "-fullchain.pem") {
				entry, err := file.Open()
				require.NoError(t, err)
				stored, err = io.ReadAll(entry)
				require.NoError(t, err)
			}
		}
	}
	var all []*x509.Certificate
	for block, rest := pem.Decode(stored); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		all = append(all, c)
	}
	return all
}

// crossSigned returns a certificate in PEM that another CA signs for the name and key of c.
func crossSigned(t *testing.T, c *x509.Certificate, from, to time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	other := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Other Root"}, IsCA: true, BasicConstraintsValid: true}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), RawSubject: c.RawSubject, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, other, c.PublicKey, key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// rules CERT-2: a CA certificate that is not valid today is not delivered instead of a valid one, even if it ends later.
func TestInvalidCACertificateIsNotDelivered(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startPaused(t, seller, aprilStart())
		if seller.module == "pmispmgrssl" {
			require.NoError(t, f.standIn.setSetting("certificate_form", `"chain"`))
		}
		item, _ := f.issuedItem(t)
		first := fullChain(t, f.itemOf(t, item).Crt)
		require.Greater(t, len(first), 1, "the stand-in delivers the issuing CA")
		for _, term := range [][2]time.Time{
			{aprilStart().AddDate(4, 0, 0), aprilStart().AddDate(90, 0, 0)},
			{aprilStart().AddDate(-90, 0, 0), aprilStart().AddDate(-6, 0, 0)},
		} {
			quoted, err := json.Marshal(crossSigned(t, first[1], term[0], term[1]))
			require.NoError(t, err)
			require.NoError(t, f.standIn.setSetting("extra_pem", string(quoted)))
			next, _ := f.issuedItem(t)
			chain := fullChain(t, f.itemOf(t, next).Crt)
			require.Len(t, chain, len(first))
			assert.True(t, chain[1].Equal(first[1]), "%s", chain[1].NotAfter)
		}
	})
}
