package app

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

func nested(depth int) string {
	return strings.Repeat("<a>", depth) + strings.Repeat("</a>", depth)
}

func accept(text string) (*etree.Document, error) {
	data, err := readInput(context.Background(), strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	return parseDocument(data)
}

func TestDocumentsThatAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"plain":                  `<doc><a>é</a></doc>`,
		"with a declaration":     `<?xml version="1.0" encoding="UTF-8"?>` + "\n<doc/>\n",
		"declared in lower case": `<?xml version='1.0' encoding='utf-8'?><doc/>`,
		"declared as ASCII":      `<?xml version="1.0" encoding="US-ASCII"?><doc/>`,
		"byte order mark":        "\xEF\xBB\xBF" + `<?xml version="1.0" encoding="UTF-8"?><doc/>`,
		"as deep as allowed":     nested(maxDepth),
		"comment and CDATA":      `<!-- c --><doc><![CDATA[<x>]]></doc><!-- d -->`,
		"namespaces":             `<doc xmlns:x="u"><x:a x:b="1" b="2"/></doc>`,
		"a prefix declared anew": `<doc xmlns:x="u"><x:a xmlns:x="v"><x:b x:c=""/></x:a><x:d/></doc>`,
		"the prefix xml":         `<doc xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang="en"/>`,
		"a default namespace":    `<doc xmlns="u"><a xmlns="" b=""/></doc>`,
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := accept(text)
			require.NoError(t, err)
			assert.NotNil(t, doc.Root())
		})
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":                     {"", "empty"},
		"blank":                     {" \n", "empty"},
		"only a byte order mark":    {"\xEF\xBB\xBF", "empty"},
		"no XML":                    {"hello", "text outside"},
		"cut off":                   {"<doc><a>", "EOF"},
		"crossed":                   {"<a><b></a></b>", "element"},
		"two roots":                 {"<a/><b/>", "one root element, this one has 2"},
		"no root":                   {"<?xml version='1.0'?><!-- c -->", "this one has 0"},
		"text after the root":       {"<a/>x", "text outside"},
		"same attribute twice":      {`<a b="1" b="2"/>`, "occurs twice"},
		"unknown entity":            {"<a>&x;</a>", "entity"},
		"DTD":                       {`<!DOCTYPE doc [<!ENTITY a "aaaa">]><doc>&a;</doc>`, "DTD"},
		"external DTD":              {`<!DOCTYPE doc SYSTEM "file:///etc/passwd"><doc/>`, "DTD"},
		"too deep":                  {nested(maxDepth + 1), "more than 100 levels"},
		"far too deep":              {strings.Repeat("<a>", 100000), "more than 100 levels"},
		"too long":                  {"<doc>" + strings.Repeat("x", maxInput) + "</doc>", "longer than 4 MiB"},
		"KOI8-R declared":           {`<?xml version="1.0" encoding="KOI8-R"?><doc/>`, `charset "KOI8-R"`},
		"declared with blanks":      {`<?xml version="1.0" encoding = 'windows-1251' ?><doc/>`, `charset "windows-1251"`},
		"declared as nothing":       {`<?xml version="1.0" encoding=?><doc/>`, "encoding of the XML declaration"},
		"bytes of another charset":  {"<doc>\xd4\xc5</doc>", "not UTF-8"},
		"declared UTF-8, is not":    {`<?xml version="1.0" encoding="UTF-8"?><doc>` + "\xd4\xc5</doc>", "not UTF-8"},
		"UTF-16":                    {"\xff\xfe<\x00d\x00", "UTF-16"},
		"control character":         {"<doc>\x01</doc>", "illegal character"},
		"zero byte":                 {"<doc>\x00</doc>", "illegal character"},
		"an instruction":            {`<doc><?php echo 1 ?></doc>`, `processing instruction ("php")`},
		"an instruction in front":   {`<?xml-stylesheet href="x"?><doc/>`, "processing instruction"},
		"an instruction behind":     {`<doc/><?a?>`, "processing instruction"},
		"two declarations":          {`<?xml version="1.0"?><?xml version="1.0"?><doc/>`, "processing instruction"},
		"a late declaration":        {"\n" + `<?xml version="1.0"?><doc/>`, "processing instruction"},
		"a declaration inside":      {`<doc><?xml version="1.0"?></doc>`, "processing instruction"},
		"a declaration in capitals": {`<?XML version="1.0"?><doc/>`, "processing instruction"},
		"undeclared prefix":         {`<doc><x:a/></doc>`, `prefix of "x:a" is not declared`},
		"prefix of an attribute":    {`<doc x:a=""/>`, `prefix of "x:a" is not declared`},
		"prefix out of its scope":   {`<doc><a xmlns:x="u"/><x:b/></doc>`, `prefix of "x:b" is not declared`},
		"prefix like a namespace":   {`<doc xmlns:x="y"><y:b/></doc>`, `prefix of "y:b" is not declared`},
		"prefix without namespace":  {`<doc xmlns:x=""/>`, "is not allowed for it"},
		"xml declared anew":         {`<doc xmlns:xml="u"/>`, "cannot be redeclared"},
		"xmlns declared":            {`<doc xmlns:xmlns="u"/>`, "cannot be redeclared"},
		"another prefix for xml":    {`<doc xmlns:x="http://www.w3.org/XML/1998/namespace"/>`, "is not allowed for it"},
		"a name of a colon":         {`<doc :a="1"/>`, "is not a name"},
		"two names for one":         {`<doc xmlns:x="u" xmlns:y="u" x:a="" y:a=""/>`, "occurs twice"},
		"a declaration twice":       {`<doc xmlns:x="u" xmlns:x="v"/>`, "occurs twice"},
		"an end too many":           {"<a/></a>", "no start tag"},
		"control character, quoted": {"<doc>&#1;</doc>", "illegal character"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := accept(c.text)
			failure := fault.From(err)
			require.NotNil(t, failure)
			assert.Equal(t, fault.Input, failure.Type)
			assert.Contains(t, failure.Message, c.want)
			assert.Less(t, len(failure.Message), 1000)
		})
	}
}

// panicking is a stdin whose reader has a fault.
type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("planted") }

func TestAPanicWhileStdinIsReadIsItsError(t *testing.T) {
	_, err := readInput(t.Context(), panicking{})
	require.ErrorContains(t, err, "stdin cannot be read: planted")
}

func TestStdinMayHoldFourMegabytes(t *testing.T) {
	data, err := readInput(context.Background(), strings.NewReader(strings.Repeat("x", 4<<20)))
	require.NoError(t, err)
	assert.Len(t, data, 4<<20)
	_, err = readInput(context.Background(), strings.NewReader(strings.Repeat("x", 4<<20+1)))
	assert.Equal(t, fault.Input, fault.From(err).Type)
}

// If the caller keeps the pipe open, reading ends with the deadline.
func TestReadingEndsWithTheContext(t *testing.T) {
	open, hold := io.Pipe()
	defer hold.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := readInput(ctx, open)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestAReaderThatFailsIsNamed(t *testing.T) {
	broken, writer := io.Pipe()
	require.NoError(t, writer.CloseWithError(io.ErrNoProgress))
	_, err := readInput(context.Background(), broken)
	assert.Equal(t, fault.Input, fault.From(err).Type)
	assert.ErrorIs(t, err, io.ErrNoProgress)
}

func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		"<doc/>", `<?xml version="1.0" encoding="UTF-8"?><doc><a b="c">d</a></doc>`, "\xEF\xBB\xBF<doc/>", "<!DOCTYPE a><a/>",
		`<?xml encoding = "x"?><a/>`, "<a><![CDATA[]]]]><![CDATA[>]]></a>", "<a xmlns='u' xmlns:b='v' b:c='d'/>", nested(101), "<a>&#1;</a>", "<a\r\nb='\t'/>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := acceptText(data)
		if err != nil {
			return
		}
		doc, err := parseDocument(text)
		if err != nil {
			if fault.From(err).Type != fault.Input {
				t.Fatalf("fault type %v", err)
			}
			return
		}
		// An accepted document can be written, as tune_connection does, and is accepted again.
		out, err := render(doc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseDocument(out); err != nil {
			t.Fatalf("%q came back as %q: %v", data, out, err)
		}
	})
}
