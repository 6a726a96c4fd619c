package ispmanager

import (
	"strconv"
	"strings"
	"testing"

	"pmssl/internal/sellerhttp"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func repeated(n int, element func(i string) string) string {
	var text strings.Builder
	for i := range n {
		text.WriteString(element(strconv.Itoa(i)))
	}
	return text.String()
}

// Everything in a form is compared with everything else: a form without end would hold the process up.
func TestFormsHaveBounds(t *testing.T) {
	for name, body := range map[string]string{
		"fields":    repeated(maxFields+1, func(i string) string { return "<f" + i + "/>" }),
		"selects":   repeated(maxFields+1, func(i string) string { return `<slist name="s` + i + `"/>` }),
		"choices":   `<slist name="s">` + repeated(maxChoices+1, func(i string) string { return `<val key="` + i + `"/>` }) + `</slist>`,
		"described": `<metadata><form>` + repeated(maxFields+1, func(i string) string { return `<input name="f` + i + `"/>` }) + `</form></metadata>`,
		"buttons":   `<metadata><form>` + repeated(maxTools+1, func(i string) string { return `<button name="b` + i + `"/>` }) + `</form></metadata>`,
		"functions": `<metadata><toolbar>` + repeated(90000, func(i string) string { return `<toolbtn func="certificate.f` + i + `"/>` }) + `</toolbar></metadata>`,
		"rules":     `<metadata><form><field name="f">` + repeated(maxFields+1, func(i string) string { return `<if hide="f` + i + `"/>` }) + `</field></form></metadata>`,
		"nested":    `<doc>` + repeated(maxFields+1, func(i string) string { return "<f" + i + "/>" }) + `</doc>`,
	} {
		_, err := parseAnswer([]byte(`<doc func="f">` + body + `</doc>`))
		var trouble *sellerhttp.Trouble
		require.ErrorAs(t, err, &trouble, name)
		assert.Equal(t, sellerhttp.Unreadable, trouble.Kind, name)
	}
	_, err := parseAnswer([]byte(`<doc>` + repeated(300, func(i string) string { return "<f" + i + `/><slist name="f` + i + `"><val key="1"/></slist>` }) + `</doc>`))
	assert.NoError(t, err)
}
