package status

import (
	"fmt"
	"html/template"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reference returns the page by html/template, which finds the context of each value.
func reference(t *testing.T) *template.Template {
	text := strings.NewReplacer("{{.Style}}", "{{css .Style}}", "{{.Script}}", "{{js .Script}}").Replace(pageHTML)
	page, err := template.New("page").Funcs(pageFuncs()).Funcs(template.FuncMap{
		"css": func(text verbatim) template.CSS { return template.CSS(text) },
		"js":  func(text verbatim) template.JS { return template.JS(text) },
	}).Parse(text)
	require.NoError(t, err)
	return page
}

// hostile sets every text below a value to one that would break out of each place of a page, and the other fields to what is
// not zero.
func hostile(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("</script><img src=x onerror=alert(1)>\" '+`&amp;\x00{{.}} javascript:%s", v.Type().Name()))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(-1e9)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		hostile(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		hostile(v.Index(0)) // the second element stays empty
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				hostile(v.Field(i))
			}
		}
	}
}

// rules STATUS-9: html/template is the measure. Every value is between tags, in the title or in a quoted attribute without a meaning of
// its own; only the page's own style and script are elsewhere.
func TestPageHasValuesOnlyWhereTheyCanBeEscapedAlike(t *testing.T) {
	page := reference(t)
	require.NoError(t, page.Execute(new(strings.Builder), htmlPage{Report: new(Report)}))
	escapers := map[string]int{}
	for _, action := range regexp.MustCompile(`\{\{[^}]*_html_template_[^}]*\}\}`).FindAllString(page.Tree.Root.String(), -1) {
		_, escaper, _ := strings.Cut(action, " | _html_template_")
		switch escaper = strings.TrimSuffix(escaper, "}}"); escaper {
		case "htmlescaper", "attrescaper", "rcdataescaper":
		case "cssvaluefilter":
			assert.Equal(t, "{{css .Style | _html_template_cssvaluefilter}}", action)
		case "jsvalescaper":
			assert.Equal(t, "{{js .Script | _html_template_jsvalescaper}}", action)
		default:
			assert.Fail(t, "a value has a place that escaper does not escape for", action)
		}
		escapers[escaper]++
	}
	assert.Greater(t, escapers["htmlescaper"], 40)
	assert.Greater(t, escapers["attrescaper"], 15)
}

// rules STATUS-9
func TestPageIsEscapedAsByHTMLTemplate(t *testing.T) {
	full := htmlPage{}
	hostile(reflect.ValueOf(&full).Elem())
	short := full // the other branches of the template
	short.Rows = []htmlRow{full.Rows[0], full.Rows[0]}
	short.Rows[0].More, short.Rows[1].Day = "", ""
	for name, page := range map[string]htmlPage{"full": full, "short": short, "empty": {Report: new(Report)}} {
		t.Run(name, func(t *testing.T) {
			page.Style, page.Script = "b { top: 0 }", "a && b"
			var want, got strings.Builder
			require.NoError(t, reference(t).Execute(&want, page))
			own, err := pageTemplate()
			require.NoError(t, err)
			require.NoError(t, own.Execute(&got, page))
			assert.Equal(t, want.String(), got.String())
			assert.NotContains(t, got.String(), "<img")
		})
	}
}
