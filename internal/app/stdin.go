package app

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
)

const (
	maxInput = 4 << 20 // bytes of stdin
	maxDepth = 100     // elements within elements
)

// readInput reads stdin to its end: at most 4 MiB of UTF-8, a byte order mark taken off. It gives up with the context:
// a caller that never closes the pipe must not hold the process after its deadline or a signal.
func readInput(ctx context.Context, stdin io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(io.LimitReader(stdin, maxInput+1))
		done <- result{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, fault.Errorf(fault.Input, "stdin", "the caller did not close stdin: %w", ctx.Err())
	case r := <-done:
		if r.err != nil {
			return nil, fault.Errorf(fault.Input, "stdin", "stdin cannot be read: %w", r.err)
		}
		return acceptText(r.data)
	}
}

// acceptText checks size and encoding of what came in and takes a byte order mark off.
func acceptText(data []byte) ([]byte, error) {
	if len(data) > maxInput {
		return nil, fault.Errorf(fault.Input, "stdin", "stdin is longer than %d MiB", maxInput>>20)
	}
	if bytes.HasPrefix(data, []byte{0xFE, 0xFF}) || bytes.HasPrefix(data, []byte{0xFF, 0xFE}) {
		return nil, fault.Errorf(fault.Input, "stdin", "stdin is UTF-16, only UTF-8 is read")
	}
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	if !utf8.Valid(data) {
		return nil, fault.Errorf(fault.Input, "stdin", "stdin is not UTF-8")
	}
	return data, nil
}

// parseDocument reads a document that somebody else wrote: well-formed, one root, at most 100 levels deep, no DTD, no
// processing instruction, no prefix without its namespace, no declared charset but UTF-8 (rules ARCH-9). Whatever is
// wrong is Input.
func parseDocument(data []byte) (*etree.Document, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fault.Errorf(fault.Input, "stdin", "a document is expected on stdin and it is empty")
	}
	if err := inspect(data); err != nil {
		return nil, fault.Errorf(fault.Input, "stdin", "the document on stdin is not accepted: %w", err)
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{CharsetReader: onlyUTF8, MaxDepth: maxDepth}
	if err := doc.ReadFromBytes(data); err != nil {
		return nil, fault.Errorf(fault.Input, "stdin", "the document on stdin is not accepted: %w", err)
	}
	if doc.Root() == nil {
		return nil, fault.Errorf(fault.Input, "stdin", "the document on stdin has no element")
	}
	return doc, nil
}

// inspect walks the tokens before a tree is built. encoding/xml leaves out some of what makes a document well-formed
// (one root, unlike attributes, declared prefixes), and etree's own charset reader would pass foreign bytes through.
func inspect(data []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	decoder.CharsetReader = onlyUTF8
	i := inspector{spaces: map[string][]string{"xml": {xmlSpace}}}
	for {
		at := decoder.InputOffset()
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			return i.close()
		}
		if err != nil {
			return err
		}
		if err := i.take(token, at); err != nil {
			return err
		}
	}
}

// xmlSpace is what the prefix xml stands for, always (Namespaces in XML 1.0, section 3).
const xmlSpace = "http://www.w3.org/XML/1998/namespace"

// inspector is the state of a walk over raw tokens.
type inspector struct {
	open  []opened
	roots int
	// spaces are the namespaces that a prefix stands for, the innermost last.
	spaces map[string][]string
}

// opened is an element that is not closed yet.
type opened struct {
	name     xml.Name
	prefixes []string // declared by it
}

// take looks at one token, which begins at the offset.
func (i *inspector) take(token xml.Token, at int64) error {
	switch t := token.(type) {
	case xml.StartElement:
		return i.start(t)
	case xml.EndElement:
		return i.end(t)
	case xml.CharData:
		if len(i.open) == 0 && len(bytes.TrimSpace(t)) > 0 {
			return errors.New("there is text outside the root element")
		}
	case xml.Directive:
		return errors.New("a document type declaration (DTD) is not allowed")
	case xml.ProcInst:
		if at != 0 || t.Target != "xml" {
			return fmt.Errorf("a processing instruction (%q) is not allowed, except the XML declaration at the very start", clip(t.Target, 64))
		}
		return declaresUTF8(t)
	}
	return nil
}

func (i *inspector) start(e xml.StartElement) error {
	if len(i.open) == 0 {
		i.roots++
	}
	if len(i.open) >= maxDepth {
		return fmt.Errorf("elements are more than %d levels deep", maxDepth)
	}
	o := opened{name: e.Name}
	for _, a := range e.Attr {
		if a.Name.Space != "xmlns" {
			continue
		}
		if err := bindable(a.Name.Local, a.Value); err != nil {
			return err
		}
		i.spaces[a.Name.Local] = append(i.spaces[a.Name.Local], a.Value)
		o.prefixes = append(o.prefixes, a.Name.Local)
	}
	i.open = append(i.open, o)
	if _, err := i.resolve(e.Name); err != nil {
		return err
	}
	if err := i.distinct(e.Attr); err != nil {
		return fmt.Errorf("element %q: %w", clip(e.Name.Local, 64), err)
	}
	return nil
}

// bindable refuses declarations of prefixes that Namespaces in XML 1.0 (section 3) does not allow.
func bindable(prefix, space string) error {
	switch {
	case prefix == "xml" && space != xmlSpace, prefix == "xmlns":
		return fmt.Errorf("the prefix %s cannot be declared anew", prefix)
	case prefix != "xml" && space == xmlSpace, space == "":
		return fmt.Errorf("the prefix %q is declared as something that it cannot be", clip(prefix, 64))
	}
	return nil
}

// resolve returns the name with the namespace of its prefix.
func (i *inspector) resolve(name xml.Name) (xml.Name, error) {
	if strings.Contains(name.Local, ":") {
		return name, fmt.Errorf("%q is no name", clip(name.Local, 64))
	}
	if name.Space == "" {
		return name, nil
	}
	bound := i.spaces[name.Space]
	if len(bound) == 0 {
		return name, fmt.Errorf("the prefix of %q is not declared", clip(name.Space+":"+name.Local, 64))
	}
	return xml.Name{Space: bound[len(bound)-1], Local: name.Local}, nil
}

func (i *inspector) distinct(attrs []xml.Attr) error {
	seen := make(map[xml.Name]bool, len(attrs))
	for _, a := range attrs {
		name := a.Name
		if name.Space != "xmlns" {
			var err error
			if name, err = i.resolve(name); err != nil {
				return err
			}
		}
		if seen[name] {
			return fmt.Errorf("attribute %q stands twice", clip(a.Name.Local, 64))
		}
		seen[name] = true
	}
	return nil
}

func (i *inspector) end(e xml.EndElement) error {
	if len(i.open) == 0 {
		return fmt.Errorf("the end tag of element %q has no beginning", clip(e.Name.Local, 64))
	}
	last := i.open[len(i.open)-1]
	if last.name != e.Name {
		return fmt.Errorf("element %q is closed by the end tag of element %q", clip(last.name.Local, 64), clip(e.Name.Local, 64))
	}
	for _, prefix := range last.prefixes {
		bound := i.spaces[prefix]
		i.spaces[prefix] = bound[:len(bound)-1]
	}
	i.open = i.open[:len(i.open)-1]
	return nil
}

// close looks at what is left at the end of the document.
func (i *inspector) close() error {
	if len(i.open) > 0 {
		return fmt.Errorf("element %q is not closed: %w", clip(i.open[len(i.open)-1].name.Local, 64), io.ErrUnexpectedEOF)
	}
	if i.roots != 1 {
		return fmt.Errorf("a document has one root element, this one has %d", i.roots)
	}
	return nil
}

// declaresUTF8 looks at the encoding of an XML declaration itself: encoding/xml does not see one with blanks around
// the equals sign.
func declaresUTF8(t xml.ProcInst) error {
	_, rest, found := strings.Cut(string(t.Inst), "encoding")
	if !found {
		return nil
	}
	rest = strings.TrimSpace(rest)
	rest, found = strings.CutPrefix(rest, "=")
	rest = strings.TrimSpace(rest)
	if !found || len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
		return errors.New("the encoding of the XML declaration cannot be read")
	}
	name, _, closed := strings.Cut(rest[1:], rest[:1])
	if !closed {
		return errors.New("the encoding of the XML declaration cannot be read")
	}
	_, err := onlyUTF8(name, nil)
	return err
}

// onlyUTF8 returns a charset reader that converts nothing: the bytes are UTF-8 or the document is refused.
func onlyUTF8(charset string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(charset)) {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return input, nil
	}
	return nil, fmt.Errorf("charset %q is not read, only UTF-8", clip(charset, 64))
}
