package doctor

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
