// Package xmldoc builds and reads the small XML documents of the panel's protocol without path expressions.
package xmldoc

import (
	"fmt"

	"github.com/beevik/etree"
)

// New returns the empty document with which a command says that all is well.
func New() *etree.Document {
	doc := etree.NewDocument()
	doc.CreateElement("doc")
	return doc
}

// Child returns the first child element of that name. etree's own look-up takes paths, and nothing from outside may become
// a path (rules ARCH-9).
func Child(parent *etree.Element, name string) *etree.Element {
	if parent == nil {
		return nil
	}
	for _, e := range parent.ChildElements() {
		if e.Tag == name {
			return e
		}
	}
	return nil
}

// Set gives the child of that name the text, making it where it is missing.
func Set(parent *etree.Element, name, text string) {
	node := Child(parent, name)
	if node == nil {
		node = parent.CreateElement(name)
	}
	node.SetText(text)
}

// AddText adds a child element that holds a text.
func AddText(parent *etree.Element, name, text string) { parent.CreateElement(name).SetText(text) }

// SetAttributes adds pairs of name and value.
func SetAttributes(e *etree.Element, pairs ...any) {
	for i := 0; i+1 < len(pairs); i += 2 {
		e.CreateAttr(fmt.Sprint(pairs[i]), fmt.Sprint(pairs[i+1]))
	}
}
