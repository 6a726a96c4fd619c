package hostpanel

import (
	"bytes"
	"encoding/xml"
)

// element is one node of an answer. Answers are built as a tree and written once, so that they are well-formed whatever the values
// contain.
type element struct {
	name     string
	attrs    [][2]string
	children []element
	text     string
}

func node(name string, children ...element) element { return element{name: name, children: children} }

func textNode(name, text string) element { return element{name: name, text: text} }

// with returns the element with one more attribute.
func (e element) with(name, value string) element {
	e.attrs = append(e.attrs[:len(e.attrs):len(e.attrs)], [2]string{name, value})
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
		to.WriteString(" " + a[0] + `="`)
		_ = xml.EscapeText(to, []byte(a[1])) // a buffer never fails to be written to
		to.WriteByte('"')
	}
	to.WriteByte('>')
	_ = xml.EscapeText(to, []byte(e.text))
	for _, child := range e.children {
		child.write(to)
	}
	to.WriteString("</" + e.name + ">")
}
