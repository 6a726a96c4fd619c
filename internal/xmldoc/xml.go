// Package xmldoc builds and reads the small XML documents of the panel's protocol without path expressions.
package xmldoc

import (
	"fmt"

	"github.com/beevik/etree"
)

// New returns the empty document that a command answers on success.
func New() *etree.Document {
	doc := etree.NewDocument()
	doc.CreateElement("doc")
	return doc
}

// Child returns the first child element with the name; nil if there is none or parent is nil. etree's own look-up interprets
// its argument as a path, and data from outside must not become a path (rules ARCH-9).
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

// Set sets the text of the child with the name; it adds the child if absent.
func Set(parent *etree.Element, name, text string) {
	node := Child(parent, name)
	if node == nil {
		node = parent.CreateElement(name)
	}
	node.SetText(text)
}

// AddText adds a child element with the text.
func AddText(parent *etree.Element, name, text string) { parent.CreateElement(name).SetText(text) }

// SetAttributes sets attributes from pairs of name and value.
func SetAttributes(e *etree.Element, pairs ...any) {
	for i := 0; i+1 < len(pairs); i += 2 {
		e.CreateAttr(fmt.Sprint(pairs[i]), fmt.Sprint(pairs[i+1]))
	}
}
