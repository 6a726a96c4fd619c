package app

import (
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/plaintext"
)

// legal strips what XML 1.0 does not allow in a document (XML 1.0, section 2.2): a seller's control character must not
// make our answer unreadable for the panel. Bytes that are no UTF-8 become U+FFFD.
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

// clean makes every text and attribute below the element legal.
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

// render returns the bytes of a document with the XML declaration, a newline at its end; nothing for nil. The document's
// own declaration is replaced: ours is UTF-8, whatever was read.
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

// writeSettings escape what a parser would otherwise normalise: carriage returns, and line ends in attributes.
func writeSettings() etree.WriteSettings {
	return etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true}
}

// clip shortens a text to at most so many bytes at a character's border and marks the cut. Words of the command line keep
// their bytes that are not UTF-8: the log shows them quoted.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return plaintext.Head(text, limit) + "…"
}
