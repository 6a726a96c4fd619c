package app

import (
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/plaintext"
)

// legal returns the text without the characters that XML 1.0 forbids (XML 1.0, section 2.2), so that a control character
// from a seller does not make the answer unreadable for the panel. Bytes that are not UTF-8 become U+FFFD.
func legal(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r':
			return r
		case r < 0x20, r == 0xFFFE, r == 0xFFFF:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// clean applies legal to every text and attribute of the element and its children.
func clean(e *etree.Element) {
	for i := range e.Attr {
		e.Attr[i].Value = legal(e.Attr[i].Value)
	}
	for _, token := range e.Child {
		switch t := token.(type) {
		case *etree.CharData:
			t.Data = legal(t.Data)
		case *etree.Comment:
			t.Data = legal(t.Data)
		case *etree.Element:
			clean(t)
		}
	}
}

// render returns the document as UTF-8 with an XML declaration and a newline at its end; nil for no document. It replaces the
// document's own declaration, which may name another charset.
func render(doc *etree.Document) ([]byte, error) {
	if doc == nil || doc.Root() == nil {
		return nil, nil
	}
	out := etree.NewDocument()
	out.WriteSettings = writeSettings()
	out.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	out.CreateText("\n")
	root := doc.Root().Copy()
	clean(root)
	out.SetRoot(root)
	out.CreateText("\n")
	return out.WriteToBytes()
}

// writeSettings returns settings that escape what a parser would otherwise normalise: carriage returns, and line ends in
// attributes.
func writeSettings() etree.WriteSettings {
	return etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true}
}

// clip returns the text, cut between characters to at most limit bytes and then followed by an ellipsis. Bytes that are not
// UTF-8 stay: the log shows them quoted.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return plaintext.Head(text, limit) + "…"
}
