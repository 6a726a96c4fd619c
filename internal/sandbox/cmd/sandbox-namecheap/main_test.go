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

	"pmssl/internal/sandbox/namecheap"
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

func get(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(body)
}

func command(name string, pairs ...string) string {
	values := url.Values{
		"ApiUser": {namecheap.DefaultUser}, "ApiKey": {namecheap.DefaultKey}, "UserName": {namecheap.DefaultUser},
		"ClientIp": {"127.0.0.1"}, "Command": {name},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return "?" + values.Encode()
}

func TestProgramServesAndKeepsItsState(t *testing.T) {
	dir := t.TempDir()
	clock := filepath.Join(dir, "clock")
	require.NoError(t, os.WriteFile(clock, []byte("2026-04-02T10:00:00Z"), 0o600))
	args := []string{"--listen", "127.0.0.1:0", "--control=127.0.0.1:0", "--clock", clock, "--ca", filepath.Join(dir, "ca"), "--state", filepath.Join(dir, "state.json")}

	p := start(t, args...)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+/xml\.response$`, p.api)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+$`, p.control)
	assert.Equal(t, "user=sandbox key="+namecheap.DefaultKey, p.account)
	bought := get(t, p.api+command("namecheap.ssl.create", "Type", "PositiveSSL", "Years", "1"))
	assert.Contains(t, bought, `Created="04/02/2026"`)
	assert.Contains(t, get(t, p.control+"/state"), `"newpurchase"`)
	root := get(t, p.control+"/ca/root.pem")
	require.NoError(t, p.stop())

	p = start(t, append(args, "--no-rate-limit")...)
	assert.Contains(t, get(t, p.api+command("namecheap.ssl.getList")), `Status="newpurchase"`)
	assert.Contains(t, get(t, p.control+"/settings"), `"enabled": false`, "the flag goes before the state file")
	assert.Equal(t, root, get(t, p.control+"/ca/root.pem"))
	stored, err := os.ReadFile(filepath.Join(dir, "ca", "root.pem"))
	require.NoError(t, err)
	assert.Equal(t, root, string(stored))
	require.NoError(t, p.stop())
}

// The key is well-known and the control has no password: others must not reach them.
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
	assert.Contains(t, out.String(), namecheap.ControlHelp)
	for _, flag := range []string{"--listen", "--control", "--clock", "--ca", "--ca-key", "--state", "--no-rate-limit"} {
		assert.Contains(t, out.String(), flag)
	}
}
