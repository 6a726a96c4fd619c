package namecheap

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
)

// contentInfo and signedData are RFC 2315 sections 7 and 9.1, as far as a
// bundle of certificates without a signature needs them.
type contentInfo struct {
	ContentType asn1.ObjectIdentifier
	Content     asn1.RawValue `asn1:"explicit,tag:0,optional"`
}

type signedData struct {
	Version      int
	Digests      []asn1.RawValue `asn1:"set"`
	Content      contentInfo
	Certificates asn1.RawValue
	Signers      []asn1.RawValue `asn1:"set"`
}

// degeneratePKCS7 packs a leaf (DER) and its issuers into the PEM form of a
// .p7b file.
func degeneratePKCS7(leaf []byte, issuers ...*x509.Certificate) (string, error) {
	all := append([]byte(nil), leaf...)
	for _, issuer := range issuers {
		all = append(all, issuer.Raw...)
	}
	inner, err := asn1.Marshal(signedData{
		Version: 1, Digests: []asn1.RawValue{}, Signers: []asn1.RawValue{},
		Content:      contentInfo{ContentType: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: all},
	})
	if err != nil {
		return "", err
	}
	outer, err := asn1.Marshal(contentInfo{
		ContentType: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2},
		Content:     asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner},
	})
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: outer})), nil
}
