package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
	"pmssl/internal/seller"
)

// leafOf returns a certificate in PEM form that a CA of this organisation has issued.
func leafOf(t *testing.T, organisation string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca := &x509.Certificate{Subject: pkix.Name{Organization: []string{organisation}}, IsCA: true}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"shop.example.com"}, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// A tick says that the CA of this certificate is allowed, and not that another one of the seller's is.
func TestCAAIsComparedWithTheCAOfTheCertificate(t *testing.T) {
	products := []seller.Product{{ID: "known", Issuers: []string{"ssl.com"}}, {ID: "unknown"}}
	sells := []string{"ssl.com", "sectigo.com", "comodoca.com"}
	for _, row := range []struct {
		name     string
		sells    []string
		template string
		issuer   string // organisation of the CA of the stored certificate; none is stored if empty
		records  []string
		want     Outcome
		text     string
	}{
		{name: "no records", sells: sells, template: "known", want: Passed, text: "no CAA record restricts"},
		{name: "the product's CA", sells: sells, template: "known", records: []string{"ssl.com"}, want: Passed},
		{name: "another CA of the seller", sells: sells, template: "known", records: []string{"comodoca.com"}, want: Failed, text: "CAA allows comodoca.com, and not the CA of this certificate (ssl.com)"},
		{name: "the CA of the certificate in place", sells: sells, template: "unknown", issuer: "Sectigo Limited", records: []string{"comodoca.com"}, want: Passed},
		{name: "not that of the certificate in place", sells: sells, template: "unknown", issuer: "Sectigo Limited", records: []string{"ssl.com"}, want: Failed, text: "(sectigo.com)"},
		{name: "both, one is allowed", sells: sells, template: "known", issuer: "Sectigo Limited", records: []string{"sectigo.com"}, want: Warned, text: "not the CA of new orders of this product (ssl.com)"},
		{name: "both, the other one is allowed", sells: sells, template: "known", issuer: "Sectigo Limited", records: []string{"ssl.com"}, want: Warned, text: "not the CA of the certificate in place (sectigo.com)"},
		{name: "both are allowed", sells: sells, template: "known", issuer: "Sectigo Limited", records: []string{"ssl.com", "sectigo.com"}, want: Passed},
		{name: "none of the seller's", sells: sells, template: "known", records: []string{"other.example"}, want: Failed, text: "none of the seller's CAs (ssl.com, sectigo.com, comodoca.com)"},
		{name: "nothing is known", template: "unknown", issuer: "Somebody", records: []string{"sectigo.com"}, want: Unchecked, text: "which CA issues this certificate is not known"},
		{name: "one of the seller's, and which is not known", sells: sells, template: "unknown", records: []string{"sectigo.com"}, want: Unchecked, text: "is not known"},
		{name: "only the certificate is known", template: "unknown", issuer: "DigiCert Inc", records: []string{"digicert.com"}, want: Passed},
		{name: "nobody", template: "unknown", records: []string{";"}, want: Failed, text: "CAA allows nobody"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var lines []string
			for _, record := range row.records {
				lines = append(lines, `shop.example.com. CAA 0 issue "`+record+`"`)
			}
			it := item.Item{Template: row.template}
			if row.issuer != "" {
				it.Stored = leafOf(t, row.issuer)
			}
			x := &examination{o: Options{Info: seller.Info{Issuers: row.sells, Products: products}}}
			f := checkCAA(t.Context(), exampleZone(t, lines...).resolver(), "shop.example.com", x.issuersOf(it))
			assert.Equal(t, row.want, f.Outcome, f.Text)
			assert.Contains(t, f.Text, row.text)
			assert.Equal(t, row.want > Unchecked, f.Mend != "")
		})
	}
}

// The mend is for the records that count: RFC 8659 3 and 4.3, RFC 1034 3.6.2.
func TestTheMendOfCAARecordsNamesTheirPlace(t *testing.T) {
	for _, row := range []struct {
		name, asked string
		records     []string
		mend        []string
		not         string
	}{
		{name: "its own", asked: "shop.example.com", records: []string{`shop.example.com. CAA 0 issue "other.example"`},
			mend: []string{`add one to the CAA records of shop.example.com in zone example.com: shop.example.com. CAA 0 issue "ssl.com"`}, not: "inherits"},
		{name: "of the parent", asked: "shop.example.com", records: []string{`example.com. CAA 0 issue "other.example"`},
			mend: []string{`the CAA records of example.com in zone example.com: example.com. CAA 0 issue "ssl.com"`, "shop.example.com inherits them; records of its own would replace all of them"}},
		{name: "of an alias", asked: "www.example.com", records: []string{"www.example.com. CNAME edge.cdn.example.", `ZONE cdn.example`, `edge.cdn.example. CAA 0 issue "other.example"`},
			mend: []string{`the CAA records of edge.cdn.example in zone cdn.example: edge.cdn.example. CAA 0 issue "ssl.com"`, "www.example.com is an alias (CNAME) of it", "no CAA record can stand beside an alias"}, not: `www.example.com. CAA`},
		{name: "a wildcard by issue", asked: "*.example.com", records: []string{`example.com. CAA 0 issue "other.example"`}, mend: []string{`example.com. CAA 0 issue "ssl.com"`}, not: "issuewild"},
		{name: "a wildcard by issuewild", asked: "*.example.com", records: []string{`example.com. CAA 0 issue "ssl.com"`, `example.com. CAA 0 issuewild ";"`}, mend: []string{`example.com. CAA 0 issuewild "ssl.com"`}},
		{name: "a critical property", asked: "shop.example.com", records: []string{`shop.example.com. CAA 128 strange "x"`, `shop.example.com. CAA 0 issue "ssl.com"`},
			mend: []string{`remove the CAA record with the critical property "strange" of shop.example.com in zone example.com`}, not: "add one"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := exampleZone(t)
			zone := "example.com"
			for _, record := range row.records {
				if len(record) > 5 && record[:5] == "ZONE " {
					zone = record[5:]
					continue
				}
				f.zones[zone] = append(f.zones[zone], record)
			}
			found := checkCAA(t.Context(), f.resolver(), row.asked, issuers{product: []string{"ssl.com"}})
			require.Equal(t, Failed, found.Outcome, found.Text)
			for _, want := range row.mend {
				assert.Contains(t, found.Mend, want)
			}
			if row.not != "" {
				assert.NotContains(t, found.Mend, row.not)
			}
		})
	}
}
