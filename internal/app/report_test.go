package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

func apiFault() *fault.Error {
	return &fault.Error{Type: fault.API, Object: "ssl.create", Message: `2011170: "Promotion code" <is> invalid & so on`, Code: 2011170,
		Params: []fault.Param{{Name: "command", Value: "namecheap.ssl.create"}}, Err: errors.New("status 200")}
}

func TestErrorDocument(t *testing.T) {
	failure := apiFault()
	text, err := render(newReport(failure, failure, unmasked).document())
	require.NoError(t, err)
	golden(t, "error.xml", string(text))
}

func TestErrorDocumentWithoutObjectOrValue(t *testing.T) {
	failure := &fault.Error{Type: fault.DB, Err: errors.New("refused")}
	text, err := render(newReport(failure, failure, unmasked).document())
	require.NoError(t, err)
	assert.Equal(t, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
		`<doc><error type="db" object=""><param name="value">refused</param><msg>refused</msg></error></doc>`+"\n", string(text))
}

func TestOperationHistoryDocument(t *testing.T) {
	failure := apiFault()
	h := history{report: newReport(failure, fmt.Errorf("open: %w", failure), unmasked), time: instant(), module: 5, moduleName: `A & "B"`,
		log: []string{"first ]]> line", "second\x1b[1m line"}}
	text, err := h.render(maxErrorXML)
	require.NoError(t, err)
	golden(t, "history.xml", text)
}

// XML 1.0, section 2.2: a document cannot contain these characters, not even escaped.
func TestForbiddenCharactersAreStripped(t *testing.T) {
	hostile := "a\x00b\x08c\x0bd\x1be\ufffef\uffffg\xffh\u0085i\U0001F512\r\n\tj"
	failure := &fault.Error{Type: "t" + hostile, Object: hostile, Message: hostile, Params: []fault.Param{{Name: hostile, Value: hostile}}}
	text, err := render(newReport(failure, failure, unmasked).document())
	require.NoError(t, err)
	doc, err := parseDocument(text)
	require.NoError(t, err)
	assert.Equal(t, "abcdefg\ufffdh\u0085i\U0001F512\r\n\tj", doc.FindElement("/doc/error/msg").Text())
	assert.Equal(t, "abcdefg\ufffdh\u0085i\U0001F512\r\n\tj", doc.FindElement("/doc/error").SelectAttrValue("object", ""))
}

func TestForbiddenCharactersOfACommandsOwnDocumentAreStripped(t *testing.T) {
	doc := etree.NewDocument()
	e := doc.CreateElement("doc").CreateElement("state")
	e.CreateAttr("words", "a\x01b")
	e.CreateCData("c\x02]]>d")
	e.CreateComment("e\x03f")
	text, err := render(doc)
	require.NoError(t, err)
	again, err := parseDocument(text)
	require.NoError(t, err)
	assert.Equal(t, "ab", again.FindElement("/doc/state").SelectAttrValue("words", ""))
	assert.Equal(t, "c]]>d", again.FindElement("/doc/state").Text())
	assert.Equal(t, "c\x02]]>d", e.Text(), "the command's document stays as it is")
}

// rules PANEL-2: an argv word is at most 128 KiB, error XML is cut to 64 KiB.
func TestOperationHistoryFitsAndStaysWellFormed(t *testing.T) {
	for name, filler := range map[string]string{
		"quotes that grow when escaped": strings.Repeat(`"&<`, 14<<10), "letters": strings.Repeat("x", 40<<10),
		"many bytes each": strings.Repeat("ж🔒", 7<<10), "ends of CDATA": strings.Repeat("]]>", 14<<10),
		"line ends": strings.Repeat("\r\n", 20<<10), "forbidden": strings.Repeat("\x01\xff", 20<<10),
	} {
		for _, limit := range []int{maxErrorXML, 4 << 10} {
			t.Run(fmt.Sprint(name, limit), func(t *testing.T) {
				failure := &fault.Error{Type: fault.API, Object: filler, Message: filler, Err: errors.New(filler)}
				for range 40 {
					failure.Params = append(failure.Params, fault.Param{Name: "p", Value: filler[:2<<10]})
				}
				h := history{report: newReport(failure, fmt.Errorf("outer: %w", failure), unmasked), time: instant(), module: 1, moduleName: "m"}
				h.object = clip(h.object, 20)
				for i := range tailLines {
					h.log = append(h.log, fmt.Sprint(i, filler[:min(len(filler), 1<<10)]))
				}
				text, err := h.render(limit)
				require.NoError(t, err)
				assert.LessOrEqual(t, len(text), limit)
				doc, err := parseDocument([]byte(text))
				require.NoError(t, err)
				assert.Equal(t, fault.API, doc.FindElement("/doc/error").SelectAttrValue("type", ""))
				assert.NotNil(t, doc.FindElement("/doc/processingmodule/error/backtrace"))
			})
		}
	}
}

func TestTheNewestLogLinesStay(t *testing.T) {
	failure := fault.Errorf(fault.Client, "x", "short")
	h := history{report: newReport(failure, failure, unmasked), time: instant()}
	for i := range tailLines {
		h.log = append(h.log, fmt.Sprintf("line %03d %s", i, strings.Repeat("x", 2000)))
	}
	text, err := h.render(maxErrorXML)
	require.NoError(t, err)
	assert.Contains(t, text, "line 099 ")
	assert.NotContains(t, text, "line 000 ")
	assert.Contains(t, text, "short")
}

// An error is reported once, however often it is wrapped, joined or given another type, and never with a name of a Go type.
func TestEachCauseIsReportedOnce(t *testing.T) {
	refused := fault.Errorf(fault.API, "x", "refused")
	endless := errors.New("x")
	for range 100_000 {
		endless = fmt.Errorf("%w", endless)
	}
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"wrapped and joined": {
			fmt.Errorf("first: %w", errors.Join(fmt.Errorf("second: %w", errors.New("third")), errors.New("fourth\nfifth"))),
			[]string{"first: second: third fourth fifth"},
		},
		"a cause that the fault's text hides": {
			&fault.Error{Type: fault.Client, Message: "no answer", Err: errors.Join(errors.New("dial: refused"), errors.New("no answer"))},
			[]string{"client: no answer", "dial: refused no answer"},
		},
		"a fault under another type": {
			&fault.Error{Type: fault.Approver, Object: "approver", Message: "refused", Err: fmt.Errorf("asking: %w", refused)},
			[]string{"approver (approver): refused", "asking: api_error (x): refused"},
		},
		"the same fault under another type": {
			&fault.Error{Type: fault.Approver, Object: "approver", Message: "refused", Err: refused},
			[]string{"approver (approver): refused"},
		},
		"wrapped without an end": {endless, []string{"x"}},
		"nothing":                {nil, nil},
	} {
		assert.Equal(t, c.want, causes(c.err), name)
	}
}

func TestClipKeepsCharactersWhole(t *testing.T) {
	assert.Equal(t, "ж…", clip("жж", 3))
	assert.Equal(t, "жж", clip("жж", 4))
	assert.Equal(t, "…", clip("\U0001F512", 2))
}
