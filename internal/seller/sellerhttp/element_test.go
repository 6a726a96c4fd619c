package sellerhttp_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/seller/sellerhttp"
)

func TestNamesAreFoundInAnyCaseAndWithoutNamespace(t *testing.T) {
	root, err := sellerhttp.ParseXML([]byte("\ufeff<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- c -->\n" +
		`<n:Doc xmlns:n="urn:x" n:STATUS=" ok "><Row id="1"/><ROW ID="2"> a<![CDATA[ <b> ]]></ROW></n:Doc>`))
	require.NoError(t, err)
	assert.Equal(t, "Doc", root.Name)
	assert.Equal(t, "ok", root.Attr("Status"))
	require.Len(t, root.All("row"), 2)
	assert.Equal(t, "1", root.Child("row").Attr("Id"))
	assert.Equal(t, "a <b>", root.All("Row")[1].Text())
}

func TestAbsentElementsAreEmpty(t *testing.T) {
	var none *sellerhttp.Element
	assert.Nil(t, none.Child("a").Child("b"))
	assert.Empty(t, none.All("a"))
	assert.Empty(t, none.Attr("a")+none.Text())
}

func TestHostileDocuments(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		kind sellerhttp.Kind
	}{
		"nothing":             {"", sellerhttp.Truncated},
		"blanks":              {" \n", sellerhttp.Truncated},
		"only a declaration":  {`<?xml version="1.0"?>`, sellerhttp.Truncated},
		"end missing":         {"<a><b></b>", sellerhttp.Truncated},
		"cut in a tag":        {"<a><b", sellerhttp.Truncated},
		"cut in CDATA":        {"<a><![CDATA[x", sellerhttp.Truncated},
		"cut in an attribute": {`<a b="`, sellerhttp.Truncated},
		"HTML":                {" <HTML><body>", sellerhttp.NotSeller},
		"text":                {"hello", sellerhttp.NotSeller},
		"DTD":                 {`<!DOCTYPE a><a/>`, sellerhttp.Unreadable},
		"entity":              {"<a>&boom;</a>", sellerhttp.Unreadable},
		"wrong nesting":       {"<a><b></a></b>", sellerhttp.Unreadable},
		"two roots":           {"<a/><b/>", sellerhttp.Unreadable},
		"text behind":         {"<a/>x", sellerhttp.Unreadable},
		"too deep":            {strings.Repeat("<a>", 41) + strings.Repeat("</a>", 41), sellerhttp.Unreadable},
		"too many elements":   {"<a>" + strings.Repeat("<b/>", 100000) + "</a>", sellerhttp.Unreadable},
		"foreign charset":     {`<?xml version="1.0" encoding="KOI8-R"?><a/>`, sellerhttp.Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sellerhttp.ParseXML([]byte(tc.text))
			assert.Equal(t, tc.kind, requireError(t, err).Kind, "%v", err)
		})
	}
	_, err := sellerhttp.ParseXML([]byte(strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40)))
	require.NoError(t, err, "the depth that is allowed")
}

func FuzzParseXML(f *testing.F) {
	for _, seed := range []string{
		"", "<a/>", `<?xml version="1.0" encoding="utf-8"?><a b="c"><d>e</d></a>`, "<a><![CDATA[x]]></a>", `<!DOCTYPE a><a/>`, "<a>&#0;</a>", "<a", "\xff\xfe<",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		root, err := sellerhttp.ParseXML(body)
		if err == nil {
			require.NotNil(t, root)
			return
		}
		var failure *sellerhttp.Error
		require.True(t, errors.As(err, &failure), "%v", err)
		require.NotEmpty(t, failure.Text)
		require.Less(t, len(failure.Text), 600)
	})
}
