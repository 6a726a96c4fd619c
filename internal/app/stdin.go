package app

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"unicode/utf8"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/parallel"
	"pmssl/internal/safexml"
)

const (
	maxInput = 4 << 20 // bytes of stdin
	maxDepth = 100     // elements within elements
)

// readInput reads stdin to its end and returns it without a byte order mark: at most 4 MiB of UTF-8. It returns when the
// context ends, so that a caller that never closes the pipe does not hold the process after its deadline or a signal.
func readInput(ctx context.Context, stdin io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	parallel.Go(func() {
		data, err := io.ReadAll(io.LimitReader(stdin, maxInput+1))
		done <- result{data, err}
	}, func(caught *parallel.Panic) { done <- result{err: caught} })
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

// acceptText checks the size and the encoding of the data and returns it without a byte order mark.
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

// parseDocument parses a document from outside. It accepts well-formed UTF-8 with one root, at most 100 levels, no DTD, no
// processing instruction and no prefix without its namespace (rules ARCH-9). Errors are faults of type xml.
func parseDocument(data []byte) (*etree.Document, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fault.Errorf(fault.Input, "stdin", "stdin is empty, a document is expected")
	}
	if err := safexml.Walk(data, documentRules(), func(xml.Token) error { return nil }); err != nil {
		return nil, fault.Errorf(fault.Input, "stdin", "the document on stdin is not accepted: %w", err)
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{CharsetReader: sameBytes, MaxDepth: maxDepth}
	if err := doc.ReadFromBytes(data); err != nil {
		return nil, fault.Errorf(fault.Input, "stdin", "the document on stdin is not accepted: %w", err)
	}
	if doc.Root() == nil {
		return nil, fault.Errorf(fault.Input, "stdin", "the document on stdin has no element")
	}
	return doc, nil
}

// documentRules returns the strict rules for a document from the panel or an administrator (rules ARCH-9). They are checked
// before etree builds a tree, because etree passes bytes of other charsets through.
func documentRules() safexml.Rules {
	return safexml.Rules{Depth: maxDepth, Namespaces: true, ASCII: true}
}

// sameBytes is a charset reader that converts nothing: safexml.Walk has accepted the charset.
func sameBytes(_ string, input io.Reader) (io.Reader, error) { return input, nil }
