package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const password = "pl4nted-Passw0rd-of-the-remote"

// built is the path of the binary under test, which is built once.
var built string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pmispmgrssl")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = filepath.Join(dir, "pmispmgrssl")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-X main.version=9.8.7 -X main.commit=c0ffee", "-o", built, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the binary under test: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// run starts the binary under a panel's root and returns its exit code and output.
func run(t *testing.T, root, stdin string, words ...string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), built, words...)
	cmd.Dir, cmd.Env, cmd.Stdin = "/", []string{"MGR5_ROOT=" + root}, strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func newRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"etc", "var", "sbin"} {
		require.NoError(t, os.Mkdir(filepath.Join(root, dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc", "debug.conf"), []byte("* 9\n"), 0o644))
	return root
}

func TestFeatures(t *testing.T) {
	code, out := run(t, filepath.Join(t.TempDir(), "not-there"), "", "--command", "features")
	assert.Zero(t, code)
	for _, part := range []string{
		`<param name="url"/>`, `<param name="username"/>`, `<param name="password" crypted="yes"/>`, `<param name="threshold"/>`,
		`<param name="alter_approver_methods"/>`, `<feature name="tune_connection"/>`, `<feature name="check_connection"/>`, `<template id="positivessl" name="positivessl" `,
	} {
		assert.Contains(t, out, part)
	}
	assert.NotContains(t, out, "<customparam")
}

func TestVersionIsStamped(t *testing.T) {
	_, out := run(t, newRoot(t), "", "--version")
	assert.Equal(t, "pmispmgrssl 9.8.7 (c0ffee)\n", out)
}

// check_connection tests the connection, and the password is neither in the answer nor in the log.
func TestCheckConnection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		login := r.PostFormValue("authinfo")
		if login == "reseller@example.test:"+password {
			fmt.Fprintf(w, `<doc func="whoami"><user id="4" level="16" balance="1.00" currency="EUR"/><tparams><authinfo>%s</authinfo></tparams></doc>`, login)
			return
		}
		fmt.Fprintf(w, `<doc><error type="auth" object="badpassword"><msg>Invalid: %s</msg></error></doc>`, login)
	}))
	t.Cleanup(server.Close)
	for user, want := range map[string]int{"reseller@example.test": 0, "other@example.test": 1} {
		root := newRoot(t)
		code, out := run(t, root, `<doc><processingmodule><url>`+server.URL+`</url><username>`+user+`</username><password>`+password+`</password></processingmodule></doc>`,
			"--command", "check_connection")
		assert.Equal(t, want, code, out)
		assert.Equal(t, want == 1, strings.Contains(out, "invalid_login_or_passwd"), out)
		log, err := os.ReadFile(filepath.Join(root, "var", "pmispmgrssl.log"))
		require.NoError(t, err)
		assert.Contains(t, string(log), "whoami")
		assert.NotContains(t, out+string(log), password)
	}
}
