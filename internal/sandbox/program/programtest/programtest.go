// Package programtest tests the commands around the stand-in sellers.
package programtest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Run is a command without its process: it serves until the context ends.
type Run func(ctx context.Context, args []string, stdout io.Writer) error

// Started is a running program: the words that it printed after "api",
// "control" and "account", and how to end it.
type Started struct {
	API, Control, Account string
	Stop                  func() error
}

// Start runs a program until it has told its default account.
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
		case "account":
			p.Account = value
		}
	}
	if p.Account == "" {
		require.Failf(t, "program did not start", "%v", <-ended)
	}
	return p
}

// Get is the body that an address answers.
func Get(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	return Body(t, answer, err)
}

// Body is the body of an answer, which must be there.
func Body(t *testing.T, answer *http.Response, err error) string {
	t.Helper()
	require.NoError(t, err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(content)
}

// LoopbackOnly wants every other address to be refused: the account is
// well-known and the control has no password.
func LoopbackOnly(t *testing.T, run Run) {
	t.Helper()
	for _, flag := range []string{"--listen", "--control"} {
		for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", "rubbish"} {
			err := run(context.Background(), []string{flag, address}, io.Discard)
			assert.ErrorContains(t, err, address, flag)
		}
	}
}

// WrongArguments wants them to be errors.
func WrongArguments(t *testing.T, run Run) {
	t.Helper()
	for name, args := range map[string][]string{
		"unknown option": {"--nothing"}, "argument": {"surplus"}, "algorithm": {"--ca-key", "dsa"}, "CA directory": {"--ca", "/dev/null/ca"},
	} {
		assert.Error(t, run(context.Background(), args, io.Discard), name)
	}
}

// Help wants --help to describe the control address, as docs/testing.md says, the
// options of every seller, and those that are further.
func Help(t *testing.T, run Run, control string, further ...string) {
	t.Helper()
	var out bytes.Buffer
	assert.ErrorIs(t, run(context.Background(), []string{"--help"}, &out), pflag.ErrHelp)
	assert.Contains(t, out.String(), control)
	for _, flag := range append(further, "--listen", "--control", "--clock", "--ca", "--ca-key", "--state") {
		assert.Contains(t, out.String(), flag)
	}
}
