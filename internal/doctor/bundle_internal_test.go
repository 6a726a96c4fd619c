package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
)

// setTo is a panel with one option in its settings.
type setTo struct {
	item.DiagnosticPanel
	value string
}

func (s setTo) Setting(context.Context, string) (string, error) { return s.value, nil }

// authority returns a CA certificate in PEM form.
func authority(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// The places are those of crypto/x509: the first file that can be read, and every file of the folders.
func TestCACertificatesAreFoundWhereTheProgramReadsThem(t *testing.T) {
	ca := authority(t)
	for _, row := range []struct {
		name  string
		files map[string][]byte
		links map[string]string
		named string
		want  Outcome
		text  string
	}{
		{name: "a file", files: map[string][]byte{"etc/ssl/certs/ca-certificates.crt": append(ca, ca...)}, want: Passed, text: "ca-certificates.crt, 2 certificates"},
		{name: "the file of another system", files: map[string][]byte{"etc/ssl/cert.pem": ca}, want: Passed, text: "cert.pem, 1 certificates"},
		{name: "a folder alone", files: map[string][]byte{"etc/ssl/certs/a.pem": ca, "etc/ssl/certs/b.pem": ca, "etc/ssl/certs/readme": nil}, want: Passed, text: "etc/ssl/certs, 2 certificates in its files"},
		{name: "links beside the files", files: map[string][]byte{"etc/pki/tls/certs/a.pem": ca}, links: map[string]string{"etc/pki/tls/certs/0a.0": "a.pem"}, want: Passed, text: "1 certificates in its files"},
		{name: "an empty file before a good one", files: map[string][]byte{"etc/ssl/certs/ca-certificates.crt": nil, "etc/ssl/cert.pem": ca}, want: Failed, text: "no CA certificates in"},
		{name: "nothing", want: Failed, text: "no CA certificates in"},
		{name: "the file of the settings", files: map[string][]byte{"own.pem": ca}, named: "own.pem", want: Passed, text: "own.pem, 1 certificates"},
		{name: "a file of the settings without certificates", files: map[string][]byte{"own.pem": nil, "etc/ssl/cert.pem": ca}, named: "own.pem", want: Failed, text: "no CA certificates in"},
	} {
		t.Run(row.name, func(t *testing.T) {
			host := t.TempDir()
			for name, text := range row.files {
				path := filepath.Join(host, name)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
				require.NoError(t, os.WriteFile(path, text, 0o600))
			}
			for name, target := range row.links {
				require.NoError(t, os.Symlink(target, filepath.Join(host, name)))
			}
			x := &examination{o: Options{Diagnosis: item.Diagnosis{Host: host, Root: host}}}
			found := checkBundle(t.Context(), x, setTo{value: row.named})
			require.Len(t, found, 1)
			assert.Equal(t, row.want, found[0].Outcome, found[0].Text)
			assert.Contains(t, found[0].Text, row.text)
			if row.want == Failed {
				assert.Contains(t, found[0].Mend, "SSLSellerCA")
			}
		})
	}
}
