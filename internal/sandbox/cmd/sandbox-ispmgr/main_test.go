package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
)

// started is a running program: the words that it printed after "api",
// "control" and "account", and how to end it.
type started struct {
	api, control, account string
	stop                  func() error
}

func start(t *testing.T, args ...string) started {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, args, writer)
		writer.CloseWithError(io.EOF)
		ended <- err
	}()
	p := started{stop: func() error { cancel(); return <-ended }}
	lines := bufio.NewScanner(reader)
	for p.account == "" && lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "api":
			p.api = value
		case "control":
			p.control = value
		case "account":
			p.account = value
		}
	}
	if p.account == "" {
		t.Fatalf("program did not start: %v", <-ended)
	}
	return p
}

func body(t *testing.T, answer *http.Response, err error) string {
	t.Helper()
	require.NoError(t, err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(content)
}

func get(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	return body(t, answer, err)
}

func call(t *testing.T, api, function string, pairs ...string) string {
	t.Helper()
	values := url.Values{"authinfo": {ispmgr.DefaultUser + ":" + ispmgr.DefaultPassword}, "out": {"xml"}, "func": {function}}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	answer, err := http.PostForm(api, values)
	return body(t, answer, err)
}

func TestProgramServesAndKeepsItsState(t *testing.T) {
	dir := t.TempDir()
	clock := filepath.Join(dir, "clock")
	require.NoError(t, os.WriteFile(clock, []byte("2026-04-02T10:00:00Z"), 0o600))
	args := []string{"--listen", "127.0.0.1:0", "--control=127.0.0.1:0", "--clock", clock, "--ca", filepath.Join(dir, "ca"), "--state", filepath.Join(dir, "state.json")}

	p := start(t, args...)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+/billmgr$`, p.api)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+$`, p.control)
	assert.Equal(t, "user="+ispmgr.DefaultUser+" password="+ispmgr.DefaultPassword, p.account)
	assert.Contains(t, call(t, p.api, "whoami"), `balance="1000.00"`)
	call(t, p.api, "certificate.filter", "CN", "example", "sok", "ok")
	assert.Contains(t, get(t, p.control+"/state"), "2026-04-02T10:00:00Z")
	root := get(t, p.control+"/ca/root.pem")
	require.NoError(t, p.stop())

	p = start(t, args...)
	assert.Contains(t, call(t, p.api, "certificate.filter"), "<CN>example</CN>")
	assert.Equal(t, root, get(t, p.control+"/ca/root.pem"))
	require.NoError(t, p.stop())
}

// The password is well-known and the control has none: others must not reach them.
func TestOnlyLoopbackAddressesAreAccepted(t *testing.T) {
	for _, flag := range []string{"--listen", "--control"} {
		for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", "rubbish"} {
			err := run(context.Background(), []string{flag, address}, io.Discard)
			assert.ErrorContains(t, err, address, flag)
		}
	}
}

func TestWrongArguments(t *testing.T) {
	for name, args := range map[string][]string{
		"unknown option": {"--nothing"}, "argument": {"surplus"}, "algorithm": {"--ca-key", "dsa"}, "CA directory": {"--ca", "/dev/null/ca"},
	} {
		assert.Error(t, run(context.Background(), args, io.Discard), name)
	}
}

// contract.md 8: --help describes the control address.
func TestHelp(t *testing.T) {
	var out bytes.Buffer
	assert.ErrorIs(t, run(context.Background(), []string{"--help"}, &out), pflag.ErrHelp)
	assert.Contains(t, out.String(), ispmgr.ControlHelp)
	for _, flag := range []string{"--listen", "--control", "--clock", "--ca", "--ca-key", "--state"} {
		assert.Contains(t, out.String(), flag)
	}
}
