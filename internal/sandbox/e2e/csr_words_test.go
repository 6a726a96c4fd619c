package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// newCSRWord is `newcsr FILE NAME [NAME…]`: it writes a CSR for a new key, with the first name as its common name and the others as
// further names.
func newCSRWord(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: newcsr FILE NAME [NAME…]")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(freshCSR(ts, args[1], args[2:])), 0o600))
}

func freshCSR(ts *testscript.TestScript, name string, more []string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}, DNSNames: more}, key)
	ts.Check(err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// withCSR returns the arguments of a `seller` word with the content of FILE in the place of the FILE in csr=FILE, the last of them.
func withCSR(ts *testscript.TestScript, args []string) []string {
	last := len(args) - 1
	file, given := strings.CutPrefix(args[last], "csr=")
	if !given {
		return args
	}
	return append(slices.Clone(args[:last]), "csr="+ts.ReadFile(file))
}

// buyAtSeller is `seller buy PRODUCT [csr=FILE]`: it buys a certificate with the module's account, without the panel, for the CSR of
// the file or else for that of testdata/example.csr.
func (s *scriptState) buyAtSeller(ts *testscript.TestScript, args []string) {
	last := len(args) - 1
	csr, given := strings.CutPrefix(args[last], "csr=")
	if given {
		args = args[:last]
	} else {
		raw, err := os.ReadFile(filepath.Join("testdata", "example.csr"))
		ts.Check(err)
		csr = string(raw)
	}
	ts.Check(s.standIn.buyProduct(strings.Join(args, " "), csr))
}
