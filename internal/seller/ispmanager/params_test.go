package ispmanager_test

import (
	"net/url"
	"strings"
	"testing"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
	"pmssl/internal/seller/ispmanager"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func connectTo(address, user, password string) (*ispmanager.Client, error) {
	return ispmanager.New(ispmanager.Options{
		Params: map[string]string{"url": address, "username": user, "password": password}, Binary: "pmispmgrssl", Log: panellog.Discard(),
	})
}

func TestAddressesAreNormalised(t *testing.T) {
	for typed, want := range map[string]string{
		"https://api.ispmanager.com/billmgr":                   "https://api.ispmanager.com/billmgr",
		" https://api-eu.ispmanager.com ":                      "https://api-eu.ispmanager.com/billmgr",
		"api.ispmanager.ru":                                    "https://api.ispmanager.ru/billmgr",
		"API.ispmanager.ru/":                                   "https://api.ispmanager.ru/billmgr",
		"https://host.example/manager/billmgr":                 "https://host.example/manager/billmgr",
		"https://host.example/manager/billmgr/billmgr":         "https://host.example/manager/billmgr",
		"https://host.example/billmgr/?func=logon&out=xml#top": "https://host.example/billmgr",
		"https://host.example:1500/billmgrs/":                  "https://host.example:1500/billmgrs/billmgr",
		"http://127.0.0.1:8080":                                "http://127.0.0.1:8080/billmgr",
		"http://localhost/billmgr":                             "http://localhost/billmgr",
	} {
		c, err := connectTo(typed, "U", "p")
		require.NoError(t, err, typed)
		assert.Equal(t, want+" u", c.Account())
		assert.Equal(t, want+" u", ispmanager.AccountOf(map[string]string{"url": typed, "username": " U "}))
	}
}

func TestUnusableParameters(t *testing.T) {
	for name, tc := range map[string]struct{ url, user, password, kind, object string }{
		"no address":           {"  ", "u", "p", fault.Missed, "url"},
		"no user":              {"host.example", " ", "p", fault.Missed, "username"},
		"no password":          {"host.example", "u", "", fault.Missed, "password"},
		"user with a colon":    {"host.example", "u:v", "p", fault.Value, "username"},
		"user of two lines":    {"host.example", "u\nv", "p", fault.Value, "username"},
		"plain http":           {"http://host.example/billmgr", "u", "p", fault.Value, "url"},
		"another scheme":       {"ftp://host.example", "u", "p", fault.Value, "url"},
		"login in the address": {"https://u:secret@host.example", "u", "p", fault.Value, "url"},
		"no host":              {"https:///billmgr", "u", "p", fault.Value, "url"},
		"no URL":               {"https://host example/%zz", "u", "p", fault.Value, "url"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := connectTo(tc.url, tc.user, tc.password)
			failure := requireFault(t, err, tc.kind)
			assert.Equal(t, tc.object, failure.Object)
			assert.NotContains(t, failure.Error(), "secret")
		})
	}
}

func TestPasswordMayHaveColons(t *testing.T) {
	_, err := connectTo("host.example", "u", "a:b:c")
	assert.NoError(t, err)
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"", "host", "https://h/billmgr/billmgr", "http://[::1]:80/x?y#z", "HTTPS://H/%62illmgr", "//h", "a://b", "h:1/billmgr", "0/Billmgr"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		c, err := connectTo(strings.ToLower(typed), "u", "p") // the account, from which the address is read here, is lower case
		if err != nil {
			return
		}
		address, _, _ := strings.Cut(c.Account(), " u")
		parsed, err := url.Parse(address)
		require.NoError(t, err)
		require.True(t, strings.HasSuffix(parsed.Path, "/billmgr"), address)
		require.Empty(t, parsed.RawQuery+parsed.Fragment)
		require.Nil(t, parsed.User)
		again, err := connectTo(address, "u", "p")
		require.NoError(t, err, address)
		require.Equal(t, c.Account(), again.Account(), "the form is final")
	})
}
