package sellerhttp

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

// Rules ERR-1: an error on the way to the seller says what to do.
func TestTransportErrorsSayWhatToDo(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		require.NoError(t, err)
		return at
	}
	leaf := &x509.Certificate{DNSNames: []string{"portal.example"}, Issuer: pkix.Name{CommonName: "Office Proxy CA"}, NotBefore: day("2026-01-01"), NotAfter: day("2026-06-01")}
	unverified := func(err error) error {
		return &tls.CertificateVerificationError{UnverifiedCertificates: []*x509.Certificate{leaf}, Err: err}
	}
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 443}, Err: err}
	}
	own := Trust{File: "/usr/local/mgr5/etc/ca.pem", Roots: x509.NewCertPool()}
	for name, row := range map[string]struct {
		err   error
		now   string
		trust Trust
		sent  bool
		kind  string
		text  string
	}{
		"unknown issuer": {err: unverified(x509.UnknownAuthorityError{Cert: leaf}), trust: own, kind: fault.NotSeller,
			text: "the TLS certificate that was presented is issued by the CA CN=Office Proxy CA, which is not among the CA certificates of " +
				"/usr/local/mgr5/etc/ca.pem, which SSLSellerCA names. If the seller does not use this CA, there is a proxy in between"},
		"another name": {err: unverified(x509.HostnameError{Certificate: leaf, Host: "api.seller.example"}), kind: fault.NotSeller,
			text: "the TLS certificate that was presented is for portal.example, not for api.seller.example: DNS or a proxy leads to another host, or the address is wrong"},
		"ended": {err: unverified(x509.CertificateInvalidError{Cert: leaf, Reason: x509.Expired}), now: "2026-07-01", kind: fault.NotSeller,
			text: "the TLS certificate that was presented (portal.example) expired on 2026-06-01, and this server's clock says 2026-07-01T00:00:00Z: " +
				"correct the clock if it is wrong; otherwise the seller must renew the certificate"},
		"a clock that is behind": {err: unverified(x509.CertificateInvalidError{Cert: leaf, Reason: x509.Expired}), now: "2016-07-01", kind: fault.NotSeller,
			text: "the TLS certificate that was presented (portal.example) is valid only from 2026-01-01, and this server's clock says 2016-07-01T00:00:00Z: " +
				"correct the clock if it is wrong; otherwise the seller must renew the certificate"},
		"no TLS": {err: tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, kind: fault.NotSeller,
			text: "the answer from api.seller.example is not TLS: the port in the address is wrong, or there is a proxy in between"},
		"no such name": {err: dial(&net.DNSError{Err: "no such host", Name: "api.seller.example", Server: "192.0.2.53:53", IsNotFound: true}), kind: fault.Client,
			text: "cannot be reached: the name api.seller.example does not exist in DNS (asked 192.0.2.53:53): check the address, then this server's /etc/resolv.conf"},
		"DNS is silent": {err: dial(&net.DNSError{Err: "i/o timeout", Name: "api.seller.example", Server: "192.0.2.53:53", IsTimeout: true}), kind: fault.Client,
			text: "cannot be reached: the name api.seller.example could not be looked up, DNS gives no answer (asked 192.0.2.53:53): check this server's /etc/resolv.conf (i/o timeout)"},
		"refused": {err: dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), kind: fault.Client,
			text: "cannot be reached: 192.0.2.7:443 refuses the connection: nothing serves this port there, or a firewall refuses it"},
		"no connection in time": {err: dial(os.ErrDeadlineExceeded), kind: fault.Client,
			text: "cannot be reached: no connection to api.seller.example in time: check that no firewall blocks this server's connections to port 443"},
		"no answer in time":     {err: context.DeadlineExceeded, sent: true, kind: fault.Client, text: "did not answer in time"},
		"half an answer":        {err: errors.New("unexpected EOF"), sent: true, kind: fault.Client, text: "the connection ended before the answer was complete: unexpected EOF"},
		"no route to that host": {err: dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), kind: fault.Client, text: "cannot be reached: dial tcp 192.0.2.7:443: connect: network is unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			if row.now == "" {
				row.now = "2026-03-01"
			}
			c := Config{Address: "https://api.seller.example/xml.response", Trust: row.trust, Now: func() time.Time { return day(row.now) }}
			failure := c.transportError(&url.Error{Op: "Post", URL: c.Address, Err: row.err}, row.sent)
			assert.Equal(t, row.text, failure.Text)
			assert.Equal(t, row.kind, failure.Fault().Type)
			assert.Equal(t, row.sent, failure.Sent)
		})
	}
}

func TestTheBundleThatWasSearchedIsNamed(t *testing.T) {
	dir := t.TempDir()
	bundle, empty := filepath.Join(dir, "bundle.crt"), filepath.Join(dir, "empty.crt")
	require.NoError(t, os.WriteFile(bundle, authority(t), 0o600))
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	missing := filepath.Join(dir, "missing.crt")
	assert.Equal(t, "not among the CA certificates of "+bundle+": update them (package ca-certificates); for a CA of your own, set SSLSellerCA in etc/billmgr.conf to its file",
		Trust{}.searched([]string{missing, empty, bundle}, nil))
	assert.Equal(t, "unknown, because this server has no CA certificates (looked for "+missing+", "+empty+", "+missing+
		"): install the package ca-certificates, or set SSLSellerCA in etc/billmgr.conf to a file", Trust{}.searched([]string{missing, empty}, []string{missing}))
	assert.Contains(t, Trust{}.searched([]string{missing}, []string{missing, dir}), "not among the CA certificates of "+dir+":", "the files of a folder count")
}

func TestTrustOf(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, text, 0o600))
		return path
	}
	named := func(path string) func() (string, error) { return func() (string, error) { return path, nil } }
	good := write("good", authority(t))
	trust, err := TrustOf(named(good))
	require.NoError(t, err)
	assert.Equal(t, good, trust.File)
	assert.NotNil(t, trust.Roots)
	trust, err = TrustOf(named(""))
	require.NoError(t, err)
	assert.Nil(t, trust.Roots, "the system's")
	for _, path := range []string{filepath.Join(dir, "missing"), dir, write("empty", nil), write("text", []byte("no certificate"))} {
		_, err := TrustOf(named(path))
		failure := fault.From(err)
		require.NotNil(t, failure, path)
		assert.Equal(t, fault.Value, failure.Type)
		assert.Equal(t, "SSLSellerCA", failure.Object)
		assert.Contains(t, failure.Message, path)
	}
}

// rules CLI-2.
func TestProxySettingsAreIgnored(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	assert.Nil(t, transport(Config{Address: "https://api.seller.example/"}, true).Proxy)
}

// authority returns a CA certificate in PEM.
func authority(t *testing.T) []byte {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Planted CA"}, NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
}
