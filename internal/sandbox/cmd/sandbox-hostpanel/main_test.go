package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/hostpanel"
	"pmssl/internal/sandbox/hostpanel/hostctl"
	"pmssl/internal/sandbox/program/programtest"
)

func TestProgramServesPanelDNSControlAndMgrctl(t *testing.T) {
	p := programtest.Start(t, run)
	assert.Regexp(t, `^https://127\.0\.0\.1:\d+/ispmgr$`, p.API)
	assert.Equal(t, "user="+hostpanel.DefaultUser+" password="+hostpanel.DefaultPassword, p.Account)
	assert.Contains(t, programtest.Get(t, p.Control+"/"), "POST /zones")
	answer, err := http.Post(p.Control+"/zones", "application/json", strings.NewReader(`{"name":"example.com","owner":"u1"}`))
	assert.Contains(t, programtest.Body(t, answer, err), "true")

	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "etc"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc", "sandbox-hostpanel"), []byte(p.Control+"\n"), 0o600))
	var out, complaints bytes.Buffer
	require.Zero(t, hostctl.Run(t.Context(), root, []string{"-m", "ispmgr", "-o", "xml", "domain"}, &out, &complaints), &complaints)
	assert.Contains(t, out.String(), "<name>example.com</name>")
	assert.NotZero(t, hostctl.Run(t.Context(), t.TempDir(), []string{"-m", "ispmgr", "domain"}, &out, &complaints))
	assert.Contains(t, complaints.String(), "no such manager")
	require.NoError(t, p.Stop())
	assert.NotZero(t, hostctl.Run(context.Background(), root, []string{"-m", "ispmgr", "domain"}, &out, &complaints))
}

func TestOnlyLoopbackAddressesAreAccepted(t *testing.T) {
	for _, flag := range []string{"--listen", "--control", "--dns", "--sites"} {
		for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "rubbish"} {
			assert.ErrorContains(t, run(context.Background(), []string{flag, address}, io.Discard), address, flag)
		}
	}
	assert.Error(t, run(context.Background(), []string{"surplus"}, io.Discard))
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	assert.ErrorIs(t, run(context.Background(), []string{"--help"}, &out), pflag.ErrHelp)
	assert.Contains(t, out.String(), hostpanel.ControlHelp)
}
