package doctor

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
)

func TestMisspeltOptions(t *testing.T) {
	for name, want := range map[string]string{
		"SSLSubscriptionExpiredate": "SSLSubscriptionExpireDate", "sslsubscriptionpolicy": "SSLSubscriptionPolicy", "SSL_Resolver": "SSLResolver",
		"SSLSubscriptionMailForm": "SSLSubscriptionMailFrom", "SSLUnatended": "SSLUnattended", "SSLUnattendedMethods": "SSLUnattendedMethod",
		"DBPasswd": "DBPassword", "dbhost": "DBHost", "Cryptkey": "CryptKey",
		// options, and what is too different to be meant for one
		"SSLResolver": "", "DBHost": "", "DBType": "", "DefaultLang": "", "SSLCertificate": "", "MailFrom": "", "": "",
	} {
		assert.Equal(t, want, similar(name, options()), name)
	}
}

func TestValuesThatCannotBeUsed(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "ca.pem"), nil, 0o600))
	for _, c := range []struct {
		option, value string
		good          bool
	}{
		{option: "SSLSubscriptionPolicy", value: "auto", good: true},
		{option: "SSLSubscriptionPolicy", value: "automatic"},
		{option: "SSLSubscriptionBefore", value: "10", good: true},
		{option: "SSLSubscriptionBefore", value: "ten"},
		{option: "SSLSubscriptionExpireDate", value: "Term", good: true},
		{option: "SSLSubscriptionExpireDate", value: "paid"},
		{option: "SSLSubscriptionWatch", value: "off", good: true},
		{option: "SSLSubscriptionWatch", value: "never"},
		{option: "SSLUnattended", value: "dry", good: true},
		{option: "SSLUnattended", value: "yes"},
		{option: "SSLUnattendedMethod", value: "worst"},
		{option: "SSLRotateKey", value: "perhaps"},
		{option: "SSLResolver", value: "[::1]:53", good: true},
		{option: "SSLResolver", value: "ns1"},
		{option: "SSLSellerCA", value: "ca.pem", good: true},
		{option: "SSLSellerCA", value: "/nowhere.pem"},
		{option: "SSLSendmail", value: root},
		{option: "SSLDatabaseSingleWriter", value: "sure"},
	} {
		for _, o := range options() {
			if o.name == c.option {
				require.NotNil(t, o.valid, c.option)
				assert.Equal(t, c.good, o.valid(c.value, root) == nil, "%s %s", c.option, c.value)
			}
		}
	}
}

func TestTheOptionsAreThoseOfTheSettingsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/settings.md")
	require.NoError(t, err)
	documented := map[string]bool{"DBHost": true, "DBUser": true, "DBPassword": true, "DBName": true, "DBSocket": true, "CryptKey": true}
	for _, match := range regexp.MustCompile("(?m)^\\| `(SSL\\w+)` \\|").FindAllStringSubmatch(string(page), -1) {
		documented[match[1]] = true
	}
	known := map[string]bool{}
	for _, o := range options() {
		known[o.name] = true
	}
	assert.Equal(t, documented, known)
}

func FuzzSimilarNames(f *testing.F) {
	f.Add("SSLSubscriptionExpiredate")
	f.Fuzz(func(t *testing.T, name string) {
		if near := similar(name, options()); near != "" {
			assert.NotEqual(t, near, name)
			assert.LessOrEqual(t, len(name), len(near)+20)
		}
	})
}

// lines is a panel that has these lines in its settings files.
type lines struct {
	item.DiagnosticPanel
	all []item.SettingLine
}

func (l lines) SettingLines(context.Context) ([]item.SettingLine, []string, error) {
	return l.all, nil, nil
}

func TestALineWithAnEqualsSignSetsNothing(t *testing.T) {
	for _, c := range []struct{ name, near string }{
		{name: "SSLSubscriptionPolicy=none", near: "SSLSubscriptionPolicy"},
		{name: "sslresolver=off", near: "SSLResolver"},
		{name: "DBPassword=k9", near: "DBPassword"},
		{name: "DBPassword=a-long-password", near: "DBPassword"},
		{name: "SomeOption=1"},
		{name: "=1"},
	} {
		found := checkSettings(t.Context(), &examination{}, lines{all: []item.SettingLine{{Name: c.name, File: "billmgr.conf", Line: 3}}})
		if c.near == "" {
			assert.Equal(t, Passed, Worst(found), c.name)
			continue
		}
		require.Equal(t, Failed, Worst(found), c.name)
		text := found[1].Text + found[1].Mend
		assert.Contains(t, found[1].Mend, "write "+c.near+" ", c.name)
		assert.NotContains(t, text, "k9", "what follows may be a password")
		assert.NotContains(t, text, "a-long", "what follows may be a password")
	}
}
