package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/program/programtest"
)

func call(t *testing.T, api, function string, pairs ...string) string {
	t.Helper()
	values := url.Values{"authinfo": {ispmgr.DefaultUser + ":" + ispmgr.DefaultPassword}, "out": {"xml"}, "func": {function}}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	answer, err := http.PostForm(api, values)
	return programtest.Body(t, answer, err)
}

func TestProgramServesAndKeepsItsState(t *testing.T) {
	dir := t.TempDir()
	clock := filepath.Join(dir, "clock")
	require.NoError(t, os.WriteFile(clock, []byte("2026-04-02T10:00:00Z"), 0o600))
	args := []string{"--listen", "127.0.0.1:0", "--control=127.0.0.1:0", "--clock", clock, "--ca", filepath.Join(dir, "ca"), "--state", filepath.Join(dir, "state.json")}

	p := programtest.Start(t, run, args...)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+/billmgr$`, p.API)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+$`, p.Control)
	assert.Equal(t, "user="+ispmgr.DefaultUser+" password="+ispmgr.DefaultPassword, p.Account)
	assert.Contains(t, call(t, p.API, "whoami"), `balance="1000.00"`)
	call(t, p.API, "certificate.filter", "CN", "example", "sok", "ok")
	assert.Contains(t, programtest.Get(t, p.Control+"/state"), "2026-04-02T10:00:00Z")
	root := programtest.Get(t, p.Control+"/ca/root.pem")
	require.NoError(t, p.Stop())

	p = programtest.Start(t, run, args...)
	assert.Contains(t, call(t, p.API, "certificate.filter"), "<CN>example</CN>")
	assert.Equal(t, root, programtest.Get(t, p.Control+"/ca/root.pem"))
	require.NoError(t, p.Stop())
}

func TestOnlyLoopbackAddressesAreAccepted(t *testing.T) { programtest.LoopbackOnly(t, run) }

func TestWrongArguments(t *testing.T) { programtest.WrongArguments(t, run) }

func TestHelp(t *testing.T) { programtest.Help(t, run, ispmgr.ControlHelp) }

func TestListsAreShared(t *testing.T) { programtest.SharedLists(t, run) }
