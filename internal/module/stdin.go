package module

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

	"pmssl/internal/cert"
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
		return nil, cert.Faultf(cert.FaultInput, "stdin", "the caller did not close stdin: %w", ctx.Err())
	case r := <-done:
		if r.err != nil {
			return nil, cert.Faultf(cert.FaultInput, "stdin", "stdin cannot be read: %w", r.err)
		}
		return acceptText(r.data)
	}
}

// acceptText checks size and encoding of what came in and takes a byte order mark off.
func acceptText(data []byte) ([]byte, error) {
	if len(data) > maxInput {
		return nil, cert.Faultf(cert.FaultInput, "stdin", "stdin is longer than %d MiB", maxInput>>20)
	}
	if bytes.HasPrefix(data, []byte{0xFE, 0xFF}) || bytes.HasPrefix(data, []byte{0xFF, 0xFE}) {
		return nil, cert.Faultf(cert.FaultInput, "stdin", "stdin is UTF-16, only UTF-8 is read")
	}
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	if !utf8.Valid(data) {
		return nil, cert.Faultf(cert.FaultInput, "stdin", "stdin is not UTF-8")
	}
	return data, nil
}

// parseDocument reads a document that somebody else wrote: well-formed, one root, at most 100 levels deep, no DTD, no
// declared charset but UTF-8 (design, rule 9). Whatever is wrong is FaultInput.
func parseDocument(data []byte) (*etree.Document, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, cert.Faultf(cert.FaultInput, "stdin", "a document is expected on stdin and it is empty")
	}
	if err := inspect(data); err != nil {
		return nil, cert.Faultf(cert.FaultInput, "stdin", "the document on stdin is not accepted: %w", err)
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{CharsetReader: onlyUTF8, MaxDepth: maxDepth}
	if err := doc.ReadFromBytes(data); err != nil {
		return nil, cert.Faultf(cert.FaultInput, "stdin", "the document on stdin is not accepted: %w", err)
	}
	if doc.Root() == nil {
		return nil, cert.Faultf(cert.FaultInput, "stdin", "the document on stdin has no element")
	}
	return doc, nil
}

// inspect walks the tokens before a tree is built. encoding/xml leaves out some of what makes a document well-formed
// (one root, unlike attributes), and etree's own charset reader would pass foreign bytes through.
func inspect(data []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	decoder.CharsetReader = onlyUTF8
	depth, roots := 0, 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			if depth++; depth > maxDepth {
				return fmt.Errorf("elements are more than %d levels deep", maxDepth)
			}
			if err := distinct(t.Attr); err != nil {
				return fmt.Errorf("element %q: %w", clip(t.Name.Local, 64), err)
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return errors.New("there is text outside the root element")
			}
		case xml.Directive:
			return errors.New("a document type declaration (DTD) is not allowed")
		case xml.ProcInst:
			if err := declaresUTF8(t); err != nil {
				return err
			}
		}
	}
	if roots != 1 {
		return fmt.Errorf("a document has one root element, this one has %d", roots)
	}
	return nil
}

func distinct(attrs []xml.Attr) error {
	if len(attrs) < 2 {
		return nil
	}
	seen := make(map[xml.Name]bool, len(attrs))
	for _, a := range attrs {
		if seen[a.Name] {
			return fmt.Errorf("attribute %q stands twice", clip(a.Name.Local, 64))
		}
		seen[a.Name] = true
	}
	return nil
}

// declaresUTF8 looks at the encoding of an XML declaration itself: encoding/xml does not see one with blanks around
// the equals sign.
func declaresUTF8(t xml.ProcInst) error {
	if !strings.EqualFold(t.Target, "xml") {
		return nil
	}
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

// onlyUTF8 is a charset reader that converts nothing: the bytes are UTF-8 or the document is refused.
func onlyUTF8(charset string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(charset)) {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return input, nil
	}
	return nil, fmt.Errorf("charset %q is not read, only UTF-8", clip(charset, 64))
}
