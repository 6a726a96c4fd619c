// Package programtest tests the commands around the stand-in sellers.
package programtest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Run is the main function of a command: it serves until the context ends.
type Run func(ctx context.Context, args []string, stdout io.Writer) error

// Started is a running program: what it printed after "api", "control", "crl" and "account", and a
// function that stops it.
type Started struct {
	API, Control, CRL, Account string
	Stop                       func() error
}

// Start runs a program and waits until it has printed its default account.
func Start(t *testing.T, run Run, args ...string) Started {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, args, writer)
		writer.CloseWithError(io.EOF)
		ended <- err
	}()
	p := Started{Stop: func() error { cancel(); return <-ended }}
	lines := bufio.NewScanner(reader)
	for p.Account == "" && lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "api":
			p.API = value
		case "control":
			p.Control = value
		case "crl":
			p.CRL = value
		case "account":
			p.Account = value
		}
	}
	if p.Account == "" {
		require.Failf(t, "program did not start", "%v", <-ended)
	}
	return p
}

// Get requests an address and returns the body of the answer.
func Get(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	return Body(t, answer, err)
}

// Body returns the body of an answer. It fails the test if err is not nil.
func Body(t *testing.T, answer *http.Response, err error) string {
	t.Helper()
	require.NoError(t, err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(content)
}

// LoopbackOnly checks that the program refuses every other address: the account is well-known and
// the control address has no authentication.
func LoopbackOnly(t *testing.T, run Run) {
	t.Helper()
	for _, flag := range []string{"--listen", "--control", "--crl"} {
		for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", "rubbish"} {
			err := run(context.Background(), []string{flag, address}, io.Discard)
			assert.ErrorContains(t, err, address, flag)
		}
	}
}

// WrongArguments checks that wrong arguments are errors.
func WrongArguments(t *testing.T, run Run) {
	t.Helper()
	for name, args := range map[string][]string{
		"unknown option": {"--nothing"}, "argument": {"surplus"}, "algorithm": {"--ca-key", "dsa"}, "CA directory": {"--ca", "/dev/null/ca"},
	} {
		assert.Error(t, run(context.Background(), args, io.Discard), name)
	}
}

// Help checks that --help describes the control address (docs/testing.md), the options of every
// seller, and the further ones.
func Help(t *testing.T, run Run, control string, further ...string) {
	t.Helper()
	var out bytes.Buffer
	assert.ErrorIs(t, run(context.Background(), []string{"--help"}, &out), pflag.ErrHelp)
	assert.Contains(t, out.String(), control)
	for _, flag := range append(further, "--listen", "--control", "--crl", "--clock", "--ca", "--ca-key", "--state") {
		assert.Contains(t, out.String(), flag)
	}
}

// SharedLists checks that two programs with the same directory of the CA serve what one of them revokes.
func SharedLists(t *testing.T, run Run) {
	t.Helper()
	dir := t.TempDir()
	first, second := Start(t, run, "--ca", dir), Start(t, run, "--ca", dir)
	answer, err := http.Post(first.Control+"/revocations", "application/json", strings.NewReader(`{"serial":"4c","reason":"keyCompromise"}`))
	assert.Contains(t, Body(t, answer, err), `"reason": "keyCompromise"`)
	for _, p := range []Started{first, second} {
		assert.Contains(t, Get(t, p.Control+"/crl"), p.CRL, "the control says where they are")
		list, err := x509.ParseRevocationList([]byte(Get(t, p.CRL+"/0.crl")))
		require.NoError(t, err)
		require.Len(t, list.RevokedCertificateEntries, 1)
		assert.Equal(t, int64(0x4c), list.RevokedCertificateEntries[0].SerialNumber.Int64())
		issuer, err := x509.ParseCertificate([]byte(Get(t, p.CRL+"/intermediate.crt")))
		require.NoError(t, err)
		assert.NoError(t, list.CheckSignatureFrom(issuer))
	}
	require.NoError(t, first.Stop())
	require.NoError(t, second.Stop())
}
