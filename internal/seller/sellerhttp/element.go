package sellerhttp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"

	"pmssl/internal/plaintext"
	"pmssl/internal/safexml"
)

const (
	maxDepth    = 40     // the deepest known answer, getInfo with its chain, has 8 levels
	maxElements = 100000 // a list of a hundred rows has some 110
)

// Element is an XML element of an answer, without name spaces. Names of elements and attributes are compared without regard
// to case. All methods work on nil, which is an absent element.
type Element struct {
	Name     string
	Children []*Element
	attrs    map[string]string // by lower-case local name
	text     strings.Builder
}

// Child returns the first child of that name, nil if absent.
func (e *Element) Child(name string) *Element {
	if e != nil {
		for _, child := range e.Children {
			if strings.EqualFold(child.Name, name) {
				return child
			}
		}
	}
	return nil
}

// All returns the children of that name.
func (e *Element) All(name string) []*Element {
	var found []*Element
	if e != nil {
		for _, child := range e.Children {
			if strings.EqualFold(child.Name, name) {
				found = append(found, child)
			}
		}
	}
	return found
}

// Attr returns the attribute's value without blanks around it; empty if absent.
func (e *Element) Attr(name string) string {
	if e == nil {
		return ""
	}
	return strings.TrimSpace(e.attrs[strings.ToLower(name)])
}

// Has reports whether the element has the attribute, even an empty one.
func (e *Element) Has(name string) bool {
	if e == nil {
		return false
	}
	_, found := e.attrs[strings.ToLower(name)]
	return found
}

// Text returns the element's own text, CDATA included, without white space around it.
func (e *Element) Text() string {
	if e == nil {
		return ""
	}
	return strings.TrimSpace(e.text.String())
}

// ParseXML reads an untrusted document: UTF-8 only, no DTD, limited depth and number of elements, exactly one root. Errors are
// *Error: Truncated if the end is missing, NotSeller if it is not XML at all, otherwise Unreadable.
func ParseXML(body []byte) (*Element, error) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	start := bytes.TrimSpace(body)
	switch {
	case len(start) == 0:
		return nil, &Error{Kind: Truncated, Text: "the answer is empty"}
	case page(start):
		return nil, &Error{Kind: NotSeller, Text: "the answer is an HTML page, not the API's: " + Snippet(body)}
	case start[0] != '<':
		return nil, &Error{Kind: NotSeller, Text: "the answer is not XML: " + Snippet(body)}
	}
	var p parser
	rules := safexml.Rules{Depth: maxDepth, Elements: maxElements, Instructions: true}
	if err := safexml.Walk(body, rules, p.add); err != nil {
		return nil, parseError(err)
	}
	return p.root, nil
}

// parseError returns the *Error for an error of safexml: Truncated if the document ends too early, otherwise Unreadable.
func parseError(err error) *Error {
	text := plaintext.Clip(plaintext.Line(err.Error()), 200)
	var wrong *safexml.Error
	switch {
	case errors.As(err, &wrong) && (wrong.Kind == safexml.Incomplete || wrong.Kind == safexml.Syntax && wrong.AtEnd):
		return &Error{Kind: Truncated, Text: "the answer ends in the middle", Err: err}
	case errors.As(err, &wrong) && wrong.Kind == safexml.Syntax:
		return &Error{Kind: Unreadable, Text: "the answer is not well-formed: " + text, Err: err}
	}
	return &Error{Kind: Unreadable, Text: "the answer is not accepted: " + text, Err: err}
}

// parser builds the tree of elements from tokens.
type parser struct {
	root *Element
	open []*Element
}

func (p *parser) add(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		p.start(t)
	case xml.EndElement:
		p.open = p.open[:len(p.open)-1]
	case xml.CharData:
		if len(p.open) > 0 {
			p.open[len(p.open)-1].text.Write(t)
		}
	}
	return nil
}

func (p *parser) start(t xml.StartElement) {
	e := &Element{Name: t.Name.Local}
	for _, a := range t.Attr {
		if e.attrs == nil {
			e.attrs = make(map[string]string, len(t.Attr))
		}
		e.attrs[strings.ToLower(a.Name.Local)] = a.Value
	}
	if len(p.open) > 0 {
		parent := p.open[len(p.open)-1]
		parent.Children = append(parent.Children, e)
	} else {
		p.root = e
	}
	p.open = append(p.open, e)
}
