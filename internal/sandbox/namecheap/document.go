package namecheap

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
)

// element is one node of an answer. Answers are built as a tree and written
// once, so that they are well-formed whatever the values contain.
type element struct {
	name     string
	attrs    []attribute
	children []element
	text     string
	cdata    bool
	padded   bool // white space around the text, inside and outside of the CDATA section
}

type attribute struct{ name, value string }

func node(name string, children ...element) element { return element{name: name, children: children} }

func textNode(name, text string) element { return element{name: name, text: text} }

func cdataNode(name, text string) element { return element{name: name, text: text, cdata: true} }

// with returns the element with one more attribute; their order is kept.
func (e element) with(name, value string) element {
	e.attrs = append(e.attrs[:len(e.attrs):len(e.attrs)], attribute{name, value})
	return e
}

func (e element) withInt(name string, value int64) element {
	return e.with(name, strconv.FormatInt(value, 10))
}

func (e element) withBool(name string, value bool) element {
	return e.with(name, strconv.FormatBool(value))
}

// plus returns the element with more children.
func (e element) plus(children ...element) element {
	e.children = append(e.children[:len(e.children):len(e.children)], children...)
	return e
}

func (e element) write(to *bytes.Buffer, indent string) {
	to.WriteString(indent + "<" + e.name)
	for _, a := range e.attrs {
		to.WriteString(" " + a.name + `="`)
		escape(to, a.value)
		to.WriteByte('"')
	}
	switch {
	case len(e.children) > 0:
		to.WriteString(">\n")
		for _, child := range e.children {
			child.write(to, indent+"  ")
		}
		to.WriteString(indent + "</" + e.name + ">\n")
	case e.cdata && e.padded:
		to.WriteString(">\n" + indent + "  <![CDATA[\n" + cdata(e.text) + "\n]]>\n" + indent + "</" + e.name + ">\n")
	case e.cdata:
		to.WriteString("><![CDATA[" + cdata(e.text) + "]]></" + e.name + ">\n")
	case e.text != "":
		to.WriteByte('>')
		escape(to, e.text)
		to.WriteString("</" + e.name + ">\n")
	default:
		to.WriteString(" />\n")
	}
}

func escape(to *bytes.Buffer, text string) {
	// A bytes.Buffer never fails to be written to.
	_ = xml.EscapeText(to, []byte(text))
}

// cdata makes a text safe inside a CDATA section: characters that XML 1.0 does
// not allow become U+FFFD, and "]]>" is split over two sections.
func cdata(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 {
			return r
		}
		return '\uFFFD'
	}, text)
	return strings.ReplaceAll(text, "]]>", "]]]]><![CDATA[>")
}
