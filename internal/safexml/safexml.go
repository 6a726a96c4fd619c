// Package safexml reads XML documents from outside. It accepts only well-formed documents in UTF-8 with one root, limited
// depth and no document type declaration (rules ARCH-9).
package safexml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Rules are the limits of a document and the deviations from the strict form that its sender is known for. The caller
// limits the size.
type Rules struct {
	// Depth is the largest number of open elements.
	Depth int
	// Elements is the largest number of elements; 0 for no limit.
	Elements int
	// Namespaces refuses undeclared prefixes, and attributes of one element that are the same in their namespaces. Code that
	// uses local names only does not need it.
	Namespaces bool
	// Instructions accepts processing instructions anywhere; otherwise only the XML declaration at the very start is accepted.
	Instructions bool
	// ASCII accepts the declared charset us-ascii, a subset of UTF-8, and UTF-8 written as utf8 or with blanks around it.
	ASCII bool
	// TextOutside accepts text outside the root element.
	TextOutside bool
}

// Kind is the kind of an error in a document.
type Kind int

// The kinds of errors.
const (
	Syntax     Kind = iota // it is not well-formed
	Incomplete             // it ends before its root element does
	Charset                // it declares another character set than UTF-8
	Refused                // the rules do not allow something in it
)

// Error says why a document is not accepted.
type Error struct {
	Kind  Kind
	AtEnd bool // the error is at the end of the document: the document may be cut off
	Err   error
}

// Error returns the cause's text.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func syntaxf(format string, args ...any) error {
	return &Error{Kind: Syntax, Err: fmt.Errorf(format, args...)}
}

func refusef(format string, args ...any) error {
	return &Error{Kind: Refused, Err: fmt.Errorf(format, args...)}
}

// Walk calls visit for each start tag, end tag and text of the document, in order. Names are as written, with the prefix as
// Space. Walk checks some conditions of well-formed documents that encoding/xml does not check. Errors are *Error, except
// those of visit, which end the walk and are returned unchanged.
func Walk(data []byte, rules Rules, visit func(token xml.Token) error) error {
	w := walk{Rules: rules, decoder: xml.NewDecoder(bytes.NewReader(data)), spaces: map[string][]string{"xml": {xmlSpace}}}
	w.decoder.CharsetReader = w.charset
	for {
		start := w.decoder.InputOffset()
		token, err := w.decoder.RawToken()
		switch {
		case errors.Is(err, io.EOF):
			return w.located(w.close(), data)
		case err != nil:
			return w.located(asError(err), data)
		}
		if err := w.take(token, start); err != nil {
			return w.located(err, data)
		}
		switch token.(type) {
		case xml.StartElement, xml.EndElement, xml.CharData:
			if err := visit(token); err != nil {
				return err
			}
		}
	}
}

// asError returns the *Error that the decoder passes on from the charset reader; other errors as one of kind Syntax.
func asError(err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	return &Error{Kind: Syntax, Err: err}
}

// xmlSpace is the namespace of the prefix xml (Namespaces in XML 1.0, section 3).
const xmlSpace = "http://www.w3.org/XML/1998/namespace"

// walk is the state of a walk over raw tokens.
type walk struct {
	Rules
	decoder  *xml.Decoder
	open     []opened
	rooted   bool
	elements int
	// spaces are the namespaces that each prefix was bound to, the innermost last.
	spaces map[string][]string
}

// opened is an element that is not closed yet.
type opened struct {
	name     xml.Name
	prefixes []string // declared by it
}

// located sets AtEnd if the decoder has read the whole document, and returns the error.
func (w *walk) located(err error, data []byte) error {
	var own *Error
	if errors.As(err, &own) {
		own.AtEnd = w.decoder.InputOffset() >= int64(len(data))
	}
	return err
}

// take checks one token; at is its offset in the document.
func (w *walk) take(token xml.Token, at int64) error {
	switch t := token.(type) {
	case xml.StartElement:
		return w.start(t)
	case xml.EndElement:
		return w.end(t)
	case xml.CharData:
		if !w.TextOutside && len(w.open) == 0 && len(bytes.TrimSpace(t)) > 0 {
			return refusef("there is text outside the root element")
		}
	case xml.Directive:
		return refusef("a document type declaration (DTD) is not allowed")
	case xml.ProcInst:
		return w.instruction(t, at)
	}
	return nil
}

// instruction checks a processing instruction or the XML declaration.
func (w *walk) instruction(t xml.ProcInst, at int64) error {
	switch {
	case w.Instructions:
		return nil
	case at != 0 || t.Target != "xml":
		return refusef("a processing instruction (%.64q) is not allowed, except the XML declaration at the very start", t.Target)
	}
	return w.declaresUTF8(t)
}

// start checks a start tag and opens its element.
func (w *walk) start(e xml.StartElement) error {
	if len(w.open) == 0 {
		if w.rooted {
			return refusef("a document has one root element, this one has 2 or more")
		}
		w.rooted = true
	}
	if len(w.open) >= w.Depth {
		return refusef("elements are more than %d levels deep", w.Depth)
	}
	if w.elements++; w.Elements > 0 && w.elements > w.Elements {
		return refusef("there are more than %d elements", w.Elements)
	}
	o := opened{name: e.Name}
	if w.Namespaces {
		for _, a := range e.Attr {
			if a.Name.Space != "xmlns" {
				continue
			}
			if err := bindable(a.Name.Local, a.Value); err != nil {
				return err
			}
			w.spaces[a.Name.Local] = append(w.spaces[a.Name.Local], a.Value)
			o.prefixes = append(o.prefixes, a.Name.Local)
		}
	}
	w.open = append(w.open, o)
	if w.Namespaces {
		return w.names(e)
	}
	return nil
}

// names checks the names of an element and its attributes.
func (w *walk) names(e xml.StartElement) error {
	if _, err := w.resolve(e.Name); err != nil {
		return err
	}
	if err := w.distinct(e.Attr); err != nil {
		return syntaxf("element %.64q: %w", e.Name.Local, err)
	}
	return nil
}

// bindable returns an error if Namespaces in XML 1.0 (section 3) does not allow the declaration of the prefix.
func bindable(prefix, space string) error {
	switch {
	case prefix == "xml" && space != xmlSpace, prefix == "xmlns":
		return syntaxf("the prefix %s cannot be redeclared", prefix)
	case prefix != "xml" && space == xmlSpace, space == "":
		return syntaxf("the prefix %.64q is declared for a namespace that is not allowed for it", prefix)
	}
	return nil
}

// resolve returns the name with the namespace of its prefix.
func (w *walk) resolve(name xml.Name) (xml.Name, error) {
	if strings.Contains(name.Local, ":") {
		return name, syntaxf("%.64q is not a name", name.Local)
	}
	if name.Space == "" {
		return name, nil
	}
	bound := w.spaces[name.Space]
	if len(bound) == 0 {
		return name, syntaxf("the prefix of %.64q is not declared", name.Space+":"+name.Local)
	}
	return xml.Name{Space: bound[len(bound)-1], Local: name.Local}, nil
}

// distinct returns an error if two attributes have the same name in the same namespace.
func (w *walk) distinct(attrs []xml.Attr) error {
	seen := make(map[xml.Name]bool, len(attrs))
	for _, a := range attrs {
		name := a.Name
		if name.Space != "xmlns" {
			var err error
			if name, err = w.resolve(name); err != nil {
				return err
			}
		}
		if seen[name] {
			return fmt.Errorf("attribute %.64q occurs twice", a.Name.Local)
		}
		seen[name] = true
	}
	return nil
}

// end checks an end tag and closes its element.
func (w *walk) end(e xml.EndElement) error {
	if len(w.open) == 0 {
		return syntaxf("the end tag of element %.64q has no start tag", e.Name.Local)
	}
	last := w.open[len(w.open)-1]
	if last.name != e.Name {
		return syntaxf("element %.64q is closed by the end tag of element %.64q", last.name.Local, e.Name.Local)
	}
	for _, prefix := range last.prefixes {
		bound := w.spaces[prefix]
		w.spaces[prefix] = bound[:len(bound)-1]
	}
	w.open = w.open[:len(w.open)-1]
	return nil
}

// close checks that the document ended completely.
func (w *walk) close() error {
	if len(w.open) > 0 {
		return &Error{Kind: Incomplete,
			Err: fmt.Errorf("element %.64q is not closed: %w", w.open[len(w.open)-1].name.Local, io.ErrUnexpectedEOF)}
	}
	if !w.rooted {
		return &Error{Kind: Incomplete, Err: errors.New("a document has one root element, this one has 0")}
	}
	return nil
}

// declaresUTF8 checks the encoding in an XML declaration: encoding/xml ignores one with blanks around the equals sign.
func (w *walk) declaresUTF8(t xml.ProcInst) error {
	_, rest, found := strings.Cut(string(t.Inst), "encoding")
	if !found {
		return nil
	}
	rest = strings.TrimSpace(rest)
	rest, found = strings.CutPrefix(rest, "=")
	rest = strings.TrimSpace(rest)
	if !found || len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
		return syntaxf("the encoding of the XML declaration cannot be read")
	}
	name, _, closed := strings.Cut(rest[1:], rest[:1])
	if !closed {
		return syntaxf("the encoding of the XML declaration cannot be read")
	}
	_, err := w.charset(name, nil)
	return err
}

// charset is a charset reader that converts nothing: it returns the input for UTF-8 and an error for other charsets.
func (w *walk) charset(name string, input io.Reader) (io.Reader, error) {
	if strings.EqualFold(name, "utf-8") {
		return input, nil
	}
	if w.ASCII {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "utf-8", "utf8", "us-ascii", "ascii":
			return input, nil
		}
	}
	return nil, &Error{Kind: Charset, Err: fmt.Errorf("charset %.64q is not supported, only UTF-8", name)}
}
