package manifest_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/panel/manifest"
)

func read(t *testing.T, module string) *manifest.Manifest {
	t.Helper()
	text, err := os.ReadFile("../../../../etc/xml/billmgr_mod_" + module + ".xml")
	require.NoError(t, err)
	m, err := manifest.Parse(text)
	require.NoError(t, err)
	return m
}

func TestTheFieldsOfAFormKeepTheirOrderAndKind(t *testing.T) {
	assert.Equal(t, []manifest.Field{
		{Name: "username", Kind: manifest.Text, Required: true}, {Name: "api_user", Kind: manifest.Text, Required: true},
		{Name: "api_key", Kind: manifest.Password, Required: true}, {Name: "client_ip", Kind: manifest.Select},
		{Name: "sandbox", Kind: manifest.Checkbox}, {Name: "alter_approver_methods", Kind: manifest.Checkbox},
	}, read(t, "pmnamecheap").Form("processing.edit.pmnamecheap"))
	assert.Len(t, read(t, "pmnamecheap").Form("organization.pmnamecheap"), 7)
	assert.Empty(t, read(t, "pmispmgrssl").Form("organization.pmispmgrssl"))
}

func TestAMessageIsEnglishWhereALanguageLacksIt(t *testing.T) {
	m := read(t, "pmnamecheap")
	for lang, want := range map[string]string{"en": "API key", "ru": "Ключ API", "es": "Clave de la API", "de": "API key"} {
		got, there := m.Message(lang, "processing.edit.pmnamecheap", "api_key")
		assert.True(t, there, lang)
		assert.Equal(t, want, got, lang)
	}
	_, there := m.Message("en", "processing.edit.pmnamecheap", "nothing")
	assert.False(t, there)
}

func TestAnUnknownKindOfFieldIsRefused(t *testing.T) {
	for name, field := range map[string]string{
		"type":     `<field name="x"><input type="date" name="x"/></field>`,
		"no input": `<field name="x"/>`,
	} {
		_, err := manifest.Parse([]byte(`<mgrdata><metadata name="f"><form><page name="p">` + field + `</page></form></metadata></mgrdata>`))
		assert.ErrorContains(t, err, "field x", name)
	}
	_, err := manifest.Parse([]byte("<mgrdata>"))
	assert.Error(t, err)
}
