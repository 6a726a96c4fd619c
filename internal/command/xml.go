package command

import "github.com/beevik/etree"

// answer is the empty document with which a command says that all is well.
func answer() *etree.Document {
	doc := etree.NewDocument()
	doc.CreateElement("doc")
	return doc
}

// child is the first child element of that name. etree's own look-up takes paths, and nothing from outside may become
// a path (design rule 9).
func child(parent *etree.Element, name string) *etree.Element {
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

// set gives the child of that name the text, making it where it is missing.
func set(parent *etree.Element, name, text string) {
	node := child(parent, name)
	if node == nil {
		node = parent.CreateElement(name)
	}
	node.SetText(text)
}
