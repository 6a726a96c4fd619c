package ispmgr_test

import (
	"archive/zip"
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

func unzip(t *testing.T, packed []byte) string {
	t.Helper()
	reader, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	require.NoError(t, err)
	var all strings.Builder
	for _, file := range reader.File {
		content, err := file.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(content)
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}

func TestFormsOfACertificate(t *testing.T) {
	text := func(_ *testing.T, body string) string { return body }
	packed := func(t *testing.T, body string) string { return unzip(t, []byte(body)) }
	encoded := func(t *testing.T, body string) string {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(body))
		require.NoError(t, err)
		return unzip(t, raw)
	}
	for form, want := range map[string]struct {
		certificates int
		kind         string
		download     func(*testing.T, string) string
		edit         func(*testing.T, string) string
	}{
		ispmgr.FormLeaf:      {1, "application/x-x509-ca-cert", text, text},
		ispmgr.FormChain:     {2, "application/x-x509-ca-cert", text, text},
		ispmgr.FormBundle:    {3, "application/x-x509-ca-cert", text, text},
		ispmgr.FormZIP:       {3, "application/zip", packed, encoded},
		ispmgr.FormBase64ZIP: {3, "application/x-x509-ca-cert", encoded, encoded},
	} {
		t.Run(form, func(t *testing.T) {
			s := newStandIn(t, func(c *ispmgr.Settings) { c.CertificateIn, c.CertificateForm = ispmgr.InBoth, form })
			id := s.issued("example.com")
			leaf := s.certificate(id).Certificate
			r := s.call("certificate.file", "elid", id)
			assert.Equal(t, want.kind, r.kind)
			s.set(func(c *ispmgr.Settings) { c.DownloadDocument = true })
			for _, pem := range []string{
				want.download(t, r.body), want.edit(t, s.ok("certificate.edit", "elid", id).root.Text("crt")),
				want.edit(t, s.ok("certificate.file", "elid", id).root.Text("crt")),
			} {
				assert.Equal(t, want.certificates, strings.Count(pem, "BEGIN CERTIFICATE"))
				assert.Contains(t, pem, strings.TrimSpace(leaf))
			}
		})
	}
}

func TestWhereTheCertificateIs(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) {
		c.CertificateIn, c.Functions.Download = ispmgr.InDownload, "certificate.download"
	})
	id := s.buy("example.com")
	assert.Equal(t, "missed crt", s.call("certificate.download", "elid", id).problem(), "nothing is issued")
	require.NoError(t, s.Issue(standintest.Number(t, id)))
	assert.Empty(t, s.ok("certificate.edit", "elid", id).root.All("crt"))
	assert.Contains(t, s.call("certificate.download", "elid", id).body, "BEGIN CERTIFICATE")
	s.set(func(c *ispmgr.Settings) { c.CertificateIn = ispmgr.InEdit })
	assert.Equal(t, "access deny", s.call("certificate.download", "elid", id).problem())
}

func TestLeavesAreSignedByTheAuthority(t *testing.T) {
	s := newStandIn(t)
	for _, test := range []struct {
		product, cn string
		names       []string
	}{
		{"3033", "example.com", []string{"example.com", "www.example.com"}},
		{"3033", "www.example.net", []string{"www.example.net", "example.net"}},
		{"27650", "*.example.org", []string{"*.example.org", "example.org"}},
		{"27648", "multi.example.org", []string{"multi.example.org"}},
	} {
		leaf := standintest.Certificate(t, s.certificate(s.issued(test.cn, "pricelist", test.product)).Certificate)
		assert.Equal(t, test.names, leaf.DNSNames)
		roots, between := x509.NewCertPool(), x509.NewCertPool()
		roots.AddCert(standintest.Certificate(t, controlText(t, s, "/ca/root.pem")))
		between.AddCert(standintest.Certificate(t, controlText(t, s, "/ca/intermediate.pem")))
		_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: today})
		assert.NoError(t, err)
	}
}
