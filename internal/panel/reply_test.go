package panel_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/panel"
)

func TestReplyHasFieldsAndRows(t *testing.T) {
	fields, rows, refusal, err := panel.ParseReply([]byte(`<?xml version="1.0" encoding="UTF-8"?>
<doc lang="ru" func="task.gettype"><task_type>7</task_type><tparams><elid>7</elid></tparams><elem><DBHost>localhost</DBHost></elem><elem><CryptKey> etc/b.pem </CryptKey><x><y>deep</y></x></elem></doc>`))
	require.NoError(t, err)
	assert.Equal(t, "7", fields["task_type"])
	assert.Equal(t, []map[string]string{{"DBHost": "localhost"}, {"CryptKey": "etc/b.pem", "x": ""}}, rows)
	assert.Empty(t, refusal)
}

// docs/reference/billmanager.md §6: type, object and value, and the panel's ready text.
func TestRefusalHasThePanelsText(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"the panel's document": {refusalXML("value", "elid", "1", "Field Code has a wrong value"), "Field Code has a wrong value (type value, object elid, value 1)"},
		"without a text":       {`<doc><error type="missed" object="item"><param name="value">9</param></error></doc>`, "type missed, object item, value 9"},
		"value as attribute":   {`<doc><error type="open" object="" value="text"/></doc>`, "type open, value text"},
		"without anything":     {`<doc><error/></doc>`, "type "},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, refusal, err := panel.ParseReply([]byte(c.text))
			require.NoError(t, err)
			assert.Equal(t, c.want, refusal)
		})
	}
}

func TestHostileReplyIsRefused(t *testing.T) {
	deep := strings.Repeat("<doc>", 101) + strings.Repeat("</doc>", 101)
	for name, text := range map[string]string{
		"empty":                    " \n",
		"text":                     "OK\n",
		"HTML":                     "<html><body>502</body></html>",
		"document type":            `<!DOCTYPE doc [<!ENTITY a "b">]><doc>&a;</doc>`,
		"undeclared entity":        `<doc>&a;</doc>`,
		"nested too deep":          deep,
		"cut off":                  `<doc><elem><a>1</a>`,
		"two roots":                `<doc/><doc/>`,
		"wrong end":                `<doc><a></b></doc>`,
		"another charset declared": `<?xml version="1.0" encoding="windows-1251"?><doc/>`,
		"not UTF-8":                "<doc><a>\xff\xfe</a></doc>",
		"too many rows":            "<doc>" + strings.Repeat("<elem/>", 10_001) + "</doc>",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := panel.ParseReply([]byte(text))
			assert.Error(t, err)
		})
	}
}

func TestReplyThatIsNotXMLAndOneCutOffHaveDifferentErrors(t *testing.T) {
	for text, want := range map[string]string{
		"garbage": "the answer is not XML", "OK\n": "the answer is not XML", "<!-- doc -->": "the answer is not XML",
		"<doc>": "the answer is cut off", "<doc><a>1</a>": "the answer is cut off", "<doc><a": "not XML",
	} {
		_, _, _, err := panel.ParseReply([]byte(text))
		assert.ErrorContains(t, err, want, text)
	}
}

func TestReplyNestedToTheLimitIsAccepted(t *testing.T) {
	_, _, _, err := panel.ParseReply([]byte("<doc>" + strings.Repeat("<a>", 99) + strings.Repeat("</a>", 99) + "</doc>"))
	assert.NoError(t, err)
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{"", okAnswer, refusalXML("client", "open", "billmgr", "x"), "<doc><elem><a>b</a></elem></doc>", "<doc><error><param/><msg/></error></doc>",
		"<doc><error><msg><msg/></msg></error></doc>", "<doc></doc></doc>", "<!DOCTYPE a><doc/>", "<doc:a xmlns:doc='x'/>", "<doc><![CDATA[x]]></doc>", "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		fields, rows, refusal, err := panel.ParseReply(text)
		if err != nil && (fields != nil || rows != nil || refusal != "") {
			t.Errorf("a malformed answer is not used in part: %v, but %v %v %q", err, fields, rows, refusal)
		}
		if err == nil && !strings.Contains(string(text), "doc") {
			t.Errorf("an answer without a document was accepted")
		}
	})
}
