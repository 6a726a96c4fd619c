package ispmgr

import (
	"bytes"
	"encoding/xml"
)

// element is one node of an answer. Answers are built as a tree and written
// once, so that they are well-formed whatever the values contain.
type element struct {
	name     string
	attrs    []attribute
	children []element
	text     string
}

type attribute struct{ name, value string }

func node(name string, children ...element) element { return element{name: name, children: children} }

func textNode(name, text string) element { return element{name: name, text: text} }

// with returns the element with one more attribute; their order is kept.
func (e element) with(name, value string) element {
	e.attrs = append(e.attrs[:len(e.attrs):len(e.attrs)], attribute{name, value})
	return e
}

// plus returns the element with more children.
func (e element) plus(children ...element) element {
	e.children = append(e.children[:len(e.children):len(e.children)], children...)
	return e
}

func (e element) write(to *bytes.Buffer) {
	to.WriteString("<" + e.name)
	for _, a := range e.attrs {
		to.WriteString(" " + a.name + `="`)
		escape(to, a.value)
		to.WriteByte('"')
	}
	if e.text == "" && len(e.children) == 0 {
		to.WriteString("/>")
		return
	}
	to.WriteByte('>')
	escape(to, e.text)
	for _, child := range e.children {
		child.write(to)
	}
	to.WriteString("</" + e.name + ">")
}

func escape(to *bytes.Buffer, text string) {
	// A bytes.Buffer never fails to be written to.
	_ = xml.EscapeText(to, []byte(text))
}
