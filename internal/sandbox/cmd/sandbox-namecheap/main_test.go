package main

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/program/programtest"
)

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

	p := programtest.Start(t, run, args...)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+/xml\.response$`, p.API)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+$`, p.Control)
	assert.Equal(t, "user=sandbox key="+namecheap.DefaultKey, p.Account)
	bought := programtest.Get(t, p.API+command("namecheap.ssl.create", "Type", "PositiveSSL", "Years", "1"))
	assert.Contains(t, bought, `Created="04/02/2026"`)
	assert.Contains(t, programtest.Get(t, p.Control+"/state"), `"newpurchase"`)
	root := programtest.Get(t, p.Control+"/ca/root.pem")
	require.NoError(t, p.Stop())

	p = programtest.Start(t, run, append(args, "--no-rate-limit")...)
	assert.Contains(t, programtest.Get(t, p.API+command("namecheap.ssl.getList")), `Status="newpurchase"`)
	assert.Contains(t, programtest.Get(t, p.Control+"/settings"), `"enabled": false`, "the flag goes before the state file")
	assert.Equal(t, root, programtest.Get(t, p.Control+"/ca/root.pem"))
	stored, err := os.ReadFile(filepath.Join(dir, "ca", "root.pem"))
	require.NoError(t, err)
	assert.Equal(t, root, string(stored))
	require.NoError(t, p.Stop())
}

func TestOnlyLoopbackAddressesAreAccepted(t *testing.T) { programtest.LoopbackOnly(t, run) }

func TestWrongArguments(t *testing.T) { programtest.WrongArguments(t, run) }

func TestHelp(t *testing.T) { programtest.Help(t, run, namecheap.ControlHelp, "--no-rate-limit") }

func TestListsAreShared(t *testing.T) { programtest.SharedLists(t, run) }
