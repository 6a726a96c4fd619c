package ispapi_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/ispapi"
	"pmssl/internal/publish"
	"pmssl/internal/publish/publishtest"
)

func TestAnAnswerThatIsNotThePanelsIsAnError(t *testing.T) {
	bomb := `<!DOCTYPE doc [<!ENTITY a "` + strings.Repeat("x", 1000) + `">]><doc>` + strings.Repeat("&a;", 1000) + `</doc>`
	for name, c := range map[string]struct{ answer, says string }{
		"nothing":             {"", "empty"},
		"a page":              {"<!DOCTYPE html><html><body>Log in\x1b[31m</body></html>", "not ISPmanager or DNSmanager, it says: <!DOCTYPE html>"},
		"JSON":                {`{"doc":{}}`, "not ISPmanager"},
		"another root":        {`<?xml version="1.0"?><html/>`, "not ISPmanager"},
		"entities":            {`<?xml version="1.0"?>` + bomb, "DTD"},
		"depth":               {"<doc>" + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + "</doc>", "levels deep"},
		"many elements":       {"<doc>" + strings.Repeat("<a/>", 600_000) + "</doc>", "elements"},
		"many octets":         {"<doc>" + strings.Repeat(" ", 17<<20) + "</doc>", "octets"},
		"another charset":     {`<?xml version="1.0" encoding="KOI8-R"?><doc/>`, "charset"},
		"cut off":             {"<doc><elem><name>example.com</name>", "not closed"},
		"another function":    {`<doc func="desktop"/>`, "answers with desktop"},
		"ok":                  {"<doc><ok/></doc>", "ok without a list"},
		"fewer than it says":  {"<doc><elem><name>example.com</name></elem><p_elems>5</p_elems></doc>", "1 of 5 rows"},
		"an unknown function": {`<doc><error type="missed" object="func"/></doc>`, "no function domain"},
		"another refusal":     {`<doc><error type="license" object="x"><msg>` + strings.Repeat("é", 5000) + `</msg></error></doc>`, "refuses domain: license/x"},
	} {
		t.Run(name, func(t *testing.T) {
			made := against(t, func(function string, _ url.Values) string {
				if function == "auth" {
					return ""
				}
				return c.answer
			})
			_, err := made.List(context.Background(), "domain", nil)
			require.ErrorContains(t, err, c.says)
			assert.Less(t, len(err.Error()), 900)
		})
	}
}

func TestALoginThatIsAnsweredOtherwise(t *testing.T) {
	for name, c := range map[string]struct{ answer, says string }{
		"two factors":      {"<doc><ok/></doc>", "two-factor"},
		"older panels":     {"<doc><authfail/></doc>", "is wrong"},
		"a blocked user":   {`<doc><error type="auth" object="disabled"><msg>User is disabled</msg></error></doc>`, "User is disabled"},
		"a session of two": {"<doc><auth>a b</auth></doc>", "none"},
		"a long session":   {"<doc><auth>" + strings.Repeat("a", 300) + "</auth></doc>", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			logins := 0
			made := against(t, func(string, url.Values) string { logins++; return c.answer })
			for range 2 {
				_, err := made.List(context.Background(), "domain", nil)
				require.ErrorContains(t, err, c.says)
			}
			assert.Equal(t, 1, (logins+1)/2) // the handler asks twice about a login that is answered
		})
	}
}

func TestAWrongPasswordIsSentOnceInARun(t *testing.T) {
	p := publishtest.StartHostPanel(t, program)
	wrong := func(s *ispapi.Server) { s.Password = publishtest.SecretFile(t, "wrong-one") }
	made := client(t, p, wrong)
	for range 3 {
		_, err := made.List(context.Background(), "domain", nil)
		require.ErrorIs(t, err, publish.ErrDenied)
		require.ErrorContains(t, err, "is wrong")
		require.NotContains(t, err.Error(), "wrong-one")
	}
	assert.Equal(t, 1, requests(t, p, "auth"))
	for range 4 {
		_, err := client(t, p, wrong).List(context.Background(), "domain", nil)
		require.ErrorIs(t, err, publish.ErrDenied)
	}
	_, err := client(t, p).List(context.Background(), "domain", nil)
	require.ErrorIs(t, err, publish.ErrDenied)
	require.ErrorContains(t, err, "captcha")
}

func TestTheCertificateIsCheckedByItsPinOrWholly(t *testing.T) {
	p := publishtest.StartHostPanel(t, program)
	other := make([]byte, 32)
	_, _ = rand.Read(other)
	for _, pin := range []string{"sha256/" + base64.StdEncoding.EncodeToString(other), ""} {
		made := client(t, p, func(s *ispapi.Server) { s.Pin = pin })
		_, err := made.List(context.Background(), "domain", nil)
		require.ErrorContains(t, err, "certificate")
		if pin != "" {
			require.ErrorContains(t, err, p.Pin)
		}
	}
	assert.Zero(t, requests(t, p, ""), "no password goes to another server")
}

func TestThePasswordGoesToNobodyElse(t *testing.T) {
	env, _ := publishtest.Env(t)
	for address, says := range map[string]string{
		"http://192.0.2.1:1500/ispmgr": "in the clear", "https:///ispmgr": "in the clear", "https://u:p@192.0.2.1/ispmgr": "more than", "https://192.0.2.1/ispmgr?a=b": "more than",
		"https://192.0.2.1:1500": "leads to neither panel", "https://192.0.2.1:1500/billmgr": "leads to neither panel",
		"https://192.0.2.1:1500/manager/dnsmgr": "",
	} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		_, err = ispapi.New(ispapi.Server{URL: u}, env)
		if says == "" {
			require.NoError(t, err, address)
			continue
		}
		require.ErrorContains(t, err, says, address)
	}
	for _, s := range []ispapi.Server{{}, {Mgr: "billmgr"}, {URL: &url.URL{Scheme: "https", Host: "a", Path: "/ispmgr"}, Pin: "sha256/x"}} {
		_, err := ispapi.New(s, env)
		require.Error(t, err)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	p := publishtest.StartHostPanel(t, program)
	p.Control(t, "POST", "/faults", map[string]string{"kind": "redirect", "location": "https://192.0.2.1/"}, nil)
	_, err := client(t, p).List(context.Background(), "domain", nil)
	require.ErrorContains(t, err, "another address")
}

func TestALongTextThatIsNoHTTPIsNotShownWhole(t *testing.T) {
	made := behind(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			_, _ = conn.Write([]byte(strings.Repeat("x", 60_000) + "\r\n\r\n"))
			_ = conn.Close()
		}
	})
	_, err := made.List(context.Background(), "domain", nil)
	require.ErrorContains(t, err, "malformed HTTP")
	assert.Less(t, len(err.Error()), 1000)
}

func TestMgrctlThatFails(t *testing.T) {
	env, _ := publishtest.Env(t)
	program := filepath.Join(env.Root, "sbin", "mgrctl")
	require.NoError(t, os.Mkdir(filepath.Dir(program), 0o755))
	made, err := ispapi.New(ispapi.Server{Mgr: "ispmgr"}, env)
	require.NoError(t, err)
	_, err = made.List(context.Background(), "domain", nil)
	require.ErrorContains(t, err, "mgrctl cannot be started")
	for name, c := range map[string]struct{ script, says string }{
		"an error in text":        {`echo "ERROR Error: Type: 'access' Object: 'domain' Value: ''" >&2; exit 1`, "may not use domain"},
		"an exit code":            {`echo broken >&2; exit 3`, "exit status 3: broken"},
		"nothing":                 {`exit 0`, "the answer is empty"},
		"a document and a code":   {`echo '<doc><elem/></doc>'; exit 1`, "mgrctl failed"},
		"an endless answer":       {`cat /dev/zero`, "more than"},
		"an error in a document":  {`echo '<doc><error type="missed" object="func"><msg>none</msg></error></doc>'`, "no function domain"},
		"a table and no document": {`echo 'name=example.com owner=u1'`, "not ISPmanager"},
	} {
		t.Run(name, func(t *testing.T) {
			next := filepath.Join(t.TempDir(), "mgrctl")
			require.NoError(t, os.WriteFile(next, []byte("#!/bin/sh\n"+c.script+"\n"), 0o755))
			require.NoError(t, os.Rename(next, program))
			_, err := made.List(context.Background(), "domain", nil)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestMgrctlRunsInThePanelsFolderWithTheGivenEnvironment(t *testing.T) {
	env, _ := publishtest.Env(t)
	env.Environ = []string{"PATH=/usr/bin:/bin", "SSH_CONNECTION=192.0.2.7 1 192.0.2.8 22"}
	program := filepath.Join(env.Root, "sbin", "mgrctl")
	require.NoError(t, os.Mkdir(filepath.Dir(program), 0o755))
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n(pwd; env; for a in \"$@\"; do echo \"$a\"; done) >seen\necho '<doc/>'\n"), 0o755))
	made, err := ispapi.New(ispapi.Server{Mgr: "dnsmgr"}, env)
	require.NoError(t, err)
	rows, err := made.List(context.Background(), "domain", nil)
	require.NoError(t, err)
	assert.Empty(t, rows)
	text, err := os.ReadFile(filepath.Join(env.Root, "seen"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "\n-m\ndnsmgr\n-o\nxml\ndomain\nlang=en\n")
	assert.Contains(t, string(text), "SSH_CONNECTION=pmssl\n")
	assert.NotContains(t, string(text), "192.0.2.7")
}

// docs/reference/unattended.md §2: without out=devel a form may come without its description, and what it demands is not seen.
func TestAFormIsReadWithItsDescription(t *testing.T) {
	asked := ""
	made := against(t, func(function string, form url.Values) string {
		if function == "auth" {
			return ""
		}
		asked = form.Get("out")
		return `<doc><name>a</name><metadata><form><field name="view"><input name="view" required="yes"/></field></form></metadata></doc>`
	})
	form, err := made.Form(context.Background(), "site.edit", url.Values{"elid": {"1"}})
	require.NoError(t, err)
	assert.Equal(t, "devel", asked)
	require.ErrorContains(t, form.Complete(url.Values{}, func(string) bool { return false }), "wants the field view")
	_, err = made.Read(context.Background(), "site.edit", nil)
	require.NoError(t, err)
	assert.Equal(t, "xml", asked)

	env, _ := publishtest.Env(t)
	require.NoError(t, os.Mkdir(filepath.Join(env.Root, "sbin"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(env.Root, "sbin", "mgrctl"), []byte("#!/bin/sh\nfor a in \"$@\"; do echo \"$a\"; done >seen\necho '<doc/>'\n"), 0o755))
	here, err := ispapi.New(ispapi.Server{Mgr: "ispmgr"}, env)
	require.NoError(t, err)
	_, err = here.Form(context.Background(), "site.edit", url.Values{"elid": {"1"}})
	require.NoError(t, err)
	words, err := os.ReadFile(filepath.Join(env.Root, "seen"))
	require.NoError(t, err)
	assert.Equal(t, "-m\nispmgr\n-o\ndevel\nsite.edit\nlang=en\nelid=1\n", string(words))
}

// A private key is in no error, whatever the panel does with it.
func TestASecretIsNotRepeated(t *testing.T) {
	const key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYr4xUG2nPcTFD0ab\n-----END PRIVATE KEY-----\n"
	for name, answer := range map[string]string{
		"a refusal":        `<doc><error type="value" object="key"><param name="value">` + key + `</param><msg>wrong: ` + key + `</msg></error></doc>`,
		"the object":       `<doc><error type="value" object="MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYr4xUG2nPcTFD0ab"/></doc>`,
		"the type":         `<doc><error type="MIGHAgEAMBMGByqGSM49"/></doc>`,
		"a page":           `<html>` + key + `</html>`,
		"a page in pieces": `<html>` + strings.Repeat("x", 280) + "MIGHAgEAMBMGByqGSM49AgEG",
		"nothing said":     `<doc><tparams><key>` + key + `</key></tparams></doc>`,
	} {
		t.Run(name, func(t *testing.T) {
			sent := ""
			made := against(t, func(function string, form url.Values) string {
				if function == "auth" {
					return ""
				}
				sent = form.Get("key")
				return answer
			})
			refused, err := made.SubmitSecret(context.Background(), "sslcert.setcrt", url.Values{"sok": {"ok"}, "name": {"c1"}}, url.Values{"key": {key}})
			if err == nil {
				require.NotNil(t, refused)
				err = refused.AsError("sslcert.setcrt")
			}
			assert.Equal(t, key, sent)
			assert.NotContains(t, err.Error(), "MIGHAgEA")
			assert.NotContains(t, err.Error(), "AQQgYr4x")
			require.ErrorContains(t, err, "sslcert.setcrt")
		})
	}
}

func TestASecretIsNoArgumentOfMgrctl(t *testing.T) {
	env, _ := publishtest.Env(t)
	here, err := ispapi.New(ispapi.Server{Mgr: "ispmgr"}, env)
	require.NoError(t, err)
	_, err = here.SubmitSecret(context.Background(), "sslcert.setcrt", url.Values{}, url.Values{"key": {"k"}})
	require.ErrorIs(t, err, ispapi.ErrPublicArguments)
}

func TestASecretSurvivesTheEndOfASession(t *testing.T) {
	p := publishtest.StartHostPanel(t, program)
	made := client(t, p)
	_, err := made.List(context.Background(), "sslcert", nil)
	require.NoError(t, err)
	p.Control(t, "POST", "/sessions/end", nil, nil)
	refused, err := made.SubmitSecret(context.Background(), "sslcert.setcrt", url.Values{"sok": {"ok"}}, url.Values{"key": {"x"}})
	require.NoError(t, err)
	require.Equal(t, "value/username", refused.Error())
	assert.Equal(t, 2, requests(t, p, "auth"))
}
