package main

import (
	"encoding/base64"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Invented secrets that, like the password, must not appear in the log or in an answer.
const (
	token      = "9f3c1a7be2d04c55pl4nted"
	privateKey = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGpl4nted\n-----END PRIVATE KEY-----"
)

// Whatever the remote answers: the password in any encoding, session ids, login tokens and private keys are neither in the log at
// its highest level nor in the answer to the panel.
func TestNoAnswerRevealsASecret(t *testing.T) {
	login := "reseller@example.test:" + password
	coded := base64.StdEncoding.EncodeToString([]byte(login))
	refusal := func(text string) string {
		return `<doc><error type="value" object="x"><param name="value">` + html.EscapeString(text) + `</param><msg>` + html.EscapeString(text) + `</msg></error></doc>`
	}
	for name, answer := range map[string]string{
		"a session":                `<doc><auth id="` + token + `" level="16">` + token + `</auth></doc>`,
		"a repeated request":       `<doc func="whoami"><tparams><auth>` + token + `</auth><authinfo>` + login + `</authinfo></tparams></doc>`,
		"words with a session":     refusal("the session auth=" + token + " has expired"),
		"words with a link":        refusal(`log in at <a href="/billmgr?func=logon&auth=` + token + `">here</a>`),
		"words with the login":     refusal(login),
		"words with coded login":   refusal("Authorization: Basic " + coded),
		"words with escaped login": refusal(url.QueryEscape(login)),
		"words with a key":         refusal(privateKey),
		"a detail":                 `<doc><error type="auth" object="auth=` + token + `"><detail>auth=` + token + `</detail></error></doc>`,
		"a type":                   `<doc><error type="auth=` + token + `" object="x"><msg>x</msg></error></doc>`,
		"a redirect":               `<doc><ok>func=totp.confirm&amp;auth=` + token + `&amp;key=` + token + `</ok></doc>`,
		"a page to go to":          `<doc><ok type="url">/billmgr?auth=` + token + `</ok></doc>`,
		"a key":                    `<doc func="whoami"><key>` + privateKey + `</key><pkey>` + token + `</pkey></doc>`,
		"a page":                   `<html><a href="/billmgr?auth=` + token + `">` + login + `</a></html>`,
		"a text":                   `auth=` + token + ` ` + login,
		"JSON":                     `{"auth":"` + token + `","authinfo":"` + login + `"}`,
		"another document":         `<api token="` + token + `"><auth>` + token + `</auth></api>`,
		"a broken document":        `<doc><auth>` + token + `</doc><a/>`,
		"a document type":          `<!DOCTYPE doc [<!ENTITY auth "` + token + `">]><doc>&auth;</doc>`,
		"a level":                  `<doc><user id="1" level="auth=` + token + `"/></doc>`,
		"a comment":                `<doc><!-- auth=` + token + ` ` + login + ` --></doc>`,
		"a function":               `<doc func="auth=` + token + `"><ok>func=a</ok></doc>`,
		"metadata":                 `<doc><metadata><toolbar><toolbtn func="x" href="?auth=` + token + `"/></toolbar></metadata></doc>`,
	} {
		for _, code := range []int{http.StatusOK, http.StatusFound, http.StatusForbidden, http.StatusBadRequest} {
			t.Run(name+" "+http.StatusText(code), func(t *testing.T) {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Set-Cookie", "billmgrses5="+token)
					w.Header().Set("Location", "http://u:"+password+"@else.example.test/"+token+"?auth="+token)
					w.WriteHeader(code)
					_, _ = w.Write([]byte(answer))
				}))
				t.Cleanup(server.Close)
				root := newRoot(t)
				exit, out := run(t, root, `<doc><processingmodule><url>`+server.URL+`</url><username>reseller@example.test</username><password>`+password+`</password></processingmodule></doc>`,
					"--command", "check_connection")
				assert.Equal(t, 1, exit, out)
				log, err := os.ReadFile(filepath.Join(root, "var", "pmispmgrssl.log"))
				require.NoError(t, err)
				assert.Contains(t, string(log), "whoami")
				for _, secret := range []string{token, password, url.QueryEscape(password), coded, "MIGHAgEA"} {
					assert.NotContains(t, out, secret)
					assert.NotContains(t, string(log), secret)
				}
			})
		}
	}
}
