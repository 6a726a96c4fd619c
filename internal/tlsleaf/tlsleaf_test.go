package tlsleaf_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/tlsleaf"
)

// pair returns a self-signed certificate that has expired.
func pair(t *testing.T, serial int64) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"example.com"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestTheCertificateOfAnyServerIsRead(t *testing.T) {
	served := pair(t, 42)
	for name, change := range map[string]func(c *tls.Config){
		"TLS 1.3":                func(*tls.Config) {},
		"TLS 1.2":                func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
		"TLS 1.0":                func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 },
		"a client's certificate": func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert },
		"a cipher that is not secure": func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}
		},
		"an application protocol only": func(c *tls.Config) { c.NextProtos = []string{"h2"} },
	} {
		t.Run(name, func(t *testing.T) {
			config := &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				assert.Equal(t, "www.example.com", hello.ServerName)
				return &served, nil
			}}
			change(config)
			leaf, err := tlsleaf.Read(t.Context(), serve(t, func(conn net.Conn) { _ = tls.Server(conn, config).Handshake() }), "www.example.com")
			require.NoError(t, err)
			assert.Equal(t, int64(42), leaf.SerialNumber.Int64())
		})
	}
}

func TestWhatIsNoCertificateIsAnError(t *testing.T) {
	broken := tls.Certificate{Certificate: [][]byte{{48, 0}}, PrivateKey: pair(t, 1).PrivateKey}
	for name, handler := range map[string]func(conn net.Conn){
		"no TLS":    func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") },
		"no answer": func(net.Conn) {},
		"a certificate that is none": func(conn net.Conn) {
			_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{broken}}).Handshake()
		},
	} {
		leaf, err := tlsleaf.Read(t.Context(), serve(t, handler), "example.com")
		require.Error(t, err, name)
		assert.Nil(t, leaf, name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := tlsleaf.Read(ctx, serve(t, func(conn net.Conn) { cancel(); _, _ = io.Copy(io.Discard, conn) }), "example.com")
	require.ErrorIs(t, err, context.Canceled)
}

// serve returns a connection to a server that handles it and closes it then.
func serve(t *testing.T, handler func(net.Conn)) net.Conn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		if conn, err := listener.Accept(); err == nil {
			handler(conn)
			_ = conn.Close()
		}
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
