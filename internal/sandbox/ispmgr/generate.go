package ispmgr

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
)

// generate makes a key and a CSR, as the remote does for crt_type=generate
// (docs/reference/ispmanager.md §4.1).
func (c *call) generate() *Problem {
	if c.get("CN") == "" {
		return badValue(c.settings.remoteName("CN"), "")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), c.server.random)
	if err != nil {
		return internalError(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return internalError(err)
	}
	subject := pkix.Name{CommonName: c.get("CN"), Country: nonEmpty(countryCode(c.get("field_country"))), Province: nonEmpty(c.get("ST")),
		Locality: nonEmpty(c.get("L")), Organization: nonEmpty(c.get("O")), OrganizationalUnit: nonEmpty(c.get("OU"))}
	request, err := x509.CreateCertificateRequest(c.server.random, &x509.CertificateRequest{Subject: subject}, key)
	if err != nil {
		return internalError(err)
	}
	c.params["csr"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request}))
	c.params["key"] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
	return nil
}

func nonEmpty(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}
