package ca_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ca"
)

var issued = time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC)

func ecdsaKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func rsaKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key
}

func request(t *testing.T, key crypto.Signer) ca.Request {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "ignored.example"}}, key)
	require.NoError(t, err)
	csr, err := x509.ParseCertificateRequest(der)
	require.NoError(t, err)
	return ca.Request{
		CSR: csr, Subject: pkix.Name{CommonName: "example.com"}, DNSNames: []string{"example.com", "www.example.com"},
		NotBefore: issued, NotAfter: issued.AddDate(0, 0, 199).Add(-time.Second),
	}
}

func verify(t *testing.T, authority *ca.Authority, leaf *x509.Certificate) {
	t.Helper()
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(authority.Root())
	intermediates.AddCert(authority.Intermediate())
	chains, err := leaf.Verify(x509.VerifyOptions{
		DNSName: "www.example.com", Roots: roots, Intermediates: intermediates, CurrentTime: issued.AddDate(0, 0, 100),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	require.NoError(t, err)
	assert.Len(t, chains[0], 3, "leaf, intermediate, root")
}

func TestLeafVerifiesAgainstItsChain(t *testing.T) {
	for _, algorithm := range []ca.Algorithm{ca.ECDSA, ca.RSA} {
		t.Run(string(algorithm), func(t *testing.T) {
			authority, err := ca.New(algorithm, nil)
			require.NoError(t, err)
			for name, key := range map[string]crypto.Signer{"ecdsa leaf": ecdsaKey(t), "rsa leaf": rsaKey(t)} {
				leaf, err := authority.Sign(request(t, key))
				require.NoError(t, err, name)
				verify(t, authority, leaf)
				assert.Equal(t, key.Public(), leaf.PublicKey, name)
			}
		})
	}
}

func TestLeafHasTheRequestedContent(t *testing.T) {
	authority, err := ca.New(ca.ECDSA, nil)
	require.NoError(t, err)
	asked := request(t, ecdsaKey(t))
	leaf, err := authority.Sign(asked)
	require.NoError(t, err)

	assert.Equal(t, "example.com", leaf.Subject.CommonName, "the subject of the CSR is not copied")
	assert.Equal(t, asked.DNSNames, leaf.DNSNames)
	assert.Equal(t, asked.NotBefore, leaf.NotBefore)
	assert.Equal(t, asked.NotAfter, leaf.NotAfter)
	assert.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, leaf.ExtKeyUsage)
	assert.False(t, leaf.IsCA)
	assert.True(t, leaf.BasicConstraintsValid)
}

func TestSerialsAreRandomAndOf128Bits(t *testing.T) {
	authority, err := ca.New(ca.ECDSA, nil)
	require.NoError(t, err)
	asked := request(t, ecdsaKey(t))
	longest, seen := 0, map[string]bool{}
	for range 32 {
		leaf, err := authority.Sign(asked)
		require.NoError(t, err)
		assert.False(t, seen[leaf.SerialNumber.String()], "serial was used before")
		seen[leaf.SerialNumber.String()] = true
		longest = max(longest, leaf.SerialNumber.BitLen())
	}
	assert.Greater(t, longest, 112, "32 random numbers of 128 bits are not all this short")
	assert.LessOrEqual(t, longest, 129)
}

func TestSignRefuses(t *testing.T) {
	authority, err := ca.New(ca.ECDSA, nil)
	require.NoError(t, err)
	for name, spoil := range map[string]func(*ca.Request){
		"no CSR":                func(r *ca.Request) { r.CSR = nil },
		"no names":              func(r *ca.Request) { r.DNSNames = nil },
		"end before beginning":  func(r *ca.Request) { r.NotAfter = r.NotBefore },
		"longer than the chain": func(r *ca.Request) { r.NotAfter = r.NotBefore.AddDate(100, 0, 0) },
		"signature of another key": func(r *ca.Request) {
			other := request(t, ecdsaKey(t))
			r.CSR.PublicKey = other.CSR.PublicKey
		},
	} {
		t.Run(name, func(t *testing.T) {
			asked := request(t, ecdsaKey(t))
			spoil(&asked)
			_, err := authority.Sign(asked)
			assert.Error(t, err)
		})
	}
}

func TestUnknownAlgorithmIsRefused(t *testing.T) {
	_, err := ca.New("dsa", nil)
	assert.ErrorContains(t, err, "dsa")
}

func TestOpenKeepsTheAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	first, err := ca.Open(dir, ca.ECDSA, nil)
	require.NoError(t, err)
	leaf, err := first.Sign(request(t, ecdsaKey(t)))
	require.NoError(t, err)

	second, err := ca.Open(dir, ca.RSA, nil)
	require.NoError(t, err)
	verify(t, second, leaf)
	assert.IsType(t, &ecdsa.PublicKey{}, second.Root().PublicKey, "the algorithm matters only for a new authority")

	for _, name := range []string{"root.key", "intermediate.key"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	pem, err := os.ReadFile(filepath.Join(dir, ca.RootFile))
	require.NoError(t, err)
	assert.Equal(t, ca.EncodePEM(first.Root()), string(pem))
}

func TestOpenAtTheSameTimeGivesOneAuthority(t *testing.T) {
	dir := t.TempDir()
	serials := make([]*big.Int, 4)
	var group sync.WaitGroup
	for i := range serials {
		group.Go(func() {
			if authority, err := ca.Open(dir, ca.ECDSA, nil); err == nil {
				serials[i] = authority.Root().SerialNumber
			}
		})
	}
	group.Wait()
	for _, serial := range serials {
		require.NotNil(t, serial)
		assert.Equal(t, serials[0], serial)
	}
}

func TestOpenDoesNotReplaceADamagedAuthority(t *testing.T) {
	for _, damage := range []string{"root.pem", "intermediate.pem", "root.key"} {
		t.Run(damage, func(t *testing.T) {
			dir := t.TempDir()
			_, err := ca.Open(dir, ca.ECDSA, nil)
			require.NoError(t, err)
			require.NoError(t, os.Remove(filepath.Join(dir, damage)))
			_, err = ca.Open(dir, ca.ECDSA, nil)
			assert.ErrorContains(t, err, damage)
			require.NoError(t, os.WriteFile(filepath.Join(dir, damage), []byte("rubbish"), 0o600))
			_, err = ca.Open(dir, ca.ECDSA, nil)
			assert.ErrorContains(t, err, damage)
		})
	}
}
