package panellog_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/panellog"
)

// request returns a CSR in DER for the names; the first one is the common name too.
func request(t *testing.T, names ...string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	asked := &x509.CertificateRequest{Subject: pkix.Name{CommonName: names[0]}}
	if len(names) > 1 {
		asked.DNSNames = names
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, asked, key)
	require.NoError(t, err)
	return der
}

// rules LOG-4.
func TestRequestsAreShownByHashAndNames(t *testing.T) {
	der := request(t, "example.com", "www.example.com")
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	want := fmt.Sprintf("[CERTIFICATE REQUEST, %d bytes, SHA-256 %x, example.com www.example.com]", len(text)-1, sha256.Sum256(der))
	l := panellog.Discard()
	for name, c := range map[string]struct{ text, want string }{
		"in a text":        {"csr: " + text + "end", "csr: " + want + "\n    end"},
		"with CRLF":        {strings.ReplaceAll(text, "\n", "\r\n"), strings.Replace(want, fmt.Sprint(len(text)-1), fmt.Sprint(len(text)-1+strings.Count(text, "\n")-1), 1) + `\r`},
		"on one line":      {strings.ReplaceAll(text, "\n", " "), want + " "},
		"in a document":    {panellog.RedactXML([]byte("<csr>" + text + "</csr>")), "<csr>" + want + "\n    </csr>"},
		"in a form":        {panellog.RedactForm("csr=" + url.QueryEscape(text) + "&a=1"), "csr=" + url.QueryEscape(want+"\n") + "&a=1"},
		"cut":              {text[:200], strings.ReplaceAll(text[:200], "\n", "\n    ")},
		"line for bash":    {strings.ReplaceAll(text, "\n", `\n`), strings.ReplaceAll(text, "\n", `\n`)},
		"no base64":        {strings.ReplaceAll(text, "M", "!"), fmt.Sprintf("[CERTIFICATE REQUEST, %d bytes, no base64, SHA-256 of the text %x]", len(text)-1, sha256.Sum256([]byte(strings.TrimSpace(strings.ReplaceAll(text, "M", "!")))))},
		"two in one entry": {text + text, want + "\n    " + want},
	} {
		l.Infof("%s", c.text)
		assert.Equal(t, strings.TrimSuffix("Jan  1 00:00:00 [0:1] main INFO "+c.want, "\n"), l.Tail(1)[0], name)
	}
}

func TestNamesOfARequestCannotForgeALine(t *testing.T) {
	der := request(t, "a]\nMay  7 <b>&c=\"d\"\u202e")
	got := panellog.ShortenPEM(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})))
	assert.Contains(t, got, ", a??May??7??b??c=?d?\u202e]")
}

func TestManyNamesAreCounted(t *testing.T) {
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("n%d.example.com", i))
	}
	got := panellog.ShortenPEM(string(pem.EncodeToMemory(&pem.Block{Type: "NEW CERTIFICATE REQUEST", Bytes: request(t, names...)})))
	assert.Contains(t, got, "n9.example.com and 20 more]")
	assert.NotContains(t, got, "n10.")
}
