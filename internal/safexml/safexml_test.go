package safexml_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"pmssl/internal/safexml"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func ignore(xml.Token) error { return nil }

func strict() safexml.Rules { return safexml.Rules{Depth: 3, Namespaces: true} }

func lenient() safexml.Rules {
	return safexml.Rules{Depth: 3, Elements: 4, Instructions: true, ASCII: true, TextOutside: true}
}

func TestDocumentIsAcceptedOrRefusedByItsRules(t *testing.T) {
	const accepted = safexml.Kind(-1)
	for _, c := range []struct {
		name, text      string
		strict, lenient safexml.Kind
	}{
		{name: "plain", text: `<?xml version="1.0" encoding="UTF-8"?><a b="1">x<c/></a>`, strict: accepted, lenient: accepted},
		{name: "DTD", text: "<!DOCTYPE a><a/>", strict: safexml.Refused, lenient: safexml.Refused},
		{name: "entity", text: "<a>&b;</a>", strict: safexml.Syntax, lenient: safexml.Syntax},
		{name: "allowed depth", text: "<a><a><a/></a></a>", strict: accepted, lenient: accepted},
		{name: "too deep", text: "<a><a><a><a/></a></a></a>", strict: safexml.Refused, lenient: safexml.Refused},
		{name: "allowed number of elements", text: "<a><a/><a/><a/></a>", strict: accepted, lenient: accepted},
		{name: "too many elements", text: "<a><a/><a/><a/><a/></a>", strict: accepted, lenient: safexml.Refused},
		{name: "undeclared prefix", text: "<x:a/>", strict: safexml.Syntax, lenient: accepted},
		{name: "instruction", text: "<a><?b?></a>", strict: safexml.Refused, lenient: accepted},
		{name: "text outside", text: "<a/>x", strict: safexml.Refused, lenient: accepted},
		{name: "us-ascii", text: `<?xml version="1.0" encoding="us-ascii"?><a/>`, strict: safexml.Charset, lenient: accepted},
		{name: "another charset", text: `<?xml version="1.0" encoding="KOI8-R"?><a/>`, strict: safexml.Charset, lenient: safexml.Charset},
		{name: "not UTF-8", text: "<a>\xff</a>", strict: safexml.Syntax, lenient: safexml.Syntax},
		{name: "two roots", text: "<a/><b/>", strict: safexml.Refused, lenient: safexml.Refused},
		{name: "no root", text: "<!-- c -->", strict: safexml.Incomplete, lenient: safexml.Incomplete},
		{name: "cut between tags", text: "<a><b/>", strict: safexml.Incomplete, lenient: safexml.Incomplete},
		{name: "cut inside a tag", text: "<a><b", strict: safexml.Syntax, lenient: safexml.Syntax},
		{name: "crossed", text: "<a><b></a></b>", strict: safexml.Syntax, lenient: safexml.Syntax},
		{name: "one end tag too many", text: "<a/></a>", strict: safexml.Syntax, lenient: safexml.Syntax},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []struct {
				rules safexml.Rules
				want  safexml.Kind
			}{{strict(), c.strict}, {lenient(), c.lenient}} {
				err := safexml.Walk([]byte(c.text), r.rules, ignore)
				if r.want == accepted {
					require.NoError(t, err)
					continue
				}
				var wrong *safexml.Error
				require.ErrorAs(t, err, &wrong)
				assert.Equal(t, r.want, wrong.Kind, "%v", err)
			}
		})
	}
}

func TestErrorSaysWhetherItIsAtTheEnd(t *testing.T) {
	for text, want := range map[string]bool{"<a><b": true, "<a><b></a></b>": false} {
		var wrong *safexml.Error
		require.ErrorAs(t, safexml.Walk([]byte(text), lenient(), ignore), &wrong)
		assert.Equal(t, want, wrong.AtEnd, text)
	}
}

func TestErrorOfVisitEndsTheWalk(t *testing.T) {
	stop, seen := errors.New("stop"), 0
	err := safexml.Walk([]byte("<a><b/><c/></a>"), strict(), func(token xml.Token) error {
		seen++
		if _, ends := token.(xml.EndElement); ends {
			return stop
		}
		return nil
	})
	assert.Same(t, stop, err)
	assert.Equal(t, 3, seen)
}

// FuzzWalk checks that an accepted document is balanced, within its limits, and accepted by encoding/xml too.
func FuzzWalk(f *testing.F) {
	for _, seed := range []string{
		"<doc/>", `<?xml version="1.0" encoding="UTF-8"?><doc><a b="c">d</a></doc>`, "<!DOCTYPE a><a/>", `<?xml encoding = "x"?><a/>`,
		"<a><![CDATA[]]]]><![CDATA[>]]></a>", "<a xmlns='u' xmlns:b='v' b:c='d'/>", "<a>&#1;</a>", "<a\r\nb='\t'/>", "<a:b></c:b>", "<a/>x<?y?>",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, narrow bool) {
		rules := lenient()
		if narrow {
			rules = strict()
		}
		open, elements := 0, 0
		err := safexml.Walk(data, rules, func(token xml.Token) error {
			switch token.(type) {
			case xml.StartElement:
				open, elements = open+1, elements+1
				require.LessOrEqual(t, open, rules.Depth)
			case xml.EndElement:
				open--
				require.GreaterOrEqual(t, open, 0)
			}
			return nil
		})
		var wrong *safexml.Error
		if err != nil {
			require.ErrorAs(t, err, &wrong)
			return
		}
		require.Zero(t, open)
		require.Positive(t, elements)
		decoder := xml.NewDecoder(strings.NewReader(string(data)))
		decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
		for err == nil {
			_, err = decoder.Token()
		}
		require.ErrorIs(t, err, io.EOF)
	})
}
