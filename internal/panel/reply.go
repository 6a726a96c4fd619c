package panel

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"pmssl/internal/safexml"
)

const (
	// maxDepth is the limit of nested elements in an answer; the panel's own documents have about ten levels.
	maxDepth = 100
	// maxRows is the limit of <elem> rows in an answer; paramlist has a few hundred.
	maxRows = 10_000
)

// reply is an answer of mgrctl in its xml format (docs/reference/billmanager.md §5.1).
type reply struct {
	fields  map[string]string   // text of the direct children of <doc>
	rows    []map[string]string // the children of each <elem>
	refusal *refusal            // nil if the panel executed the call
}

// refusal is the panel's error document (docs/reference/billmanager.md §6).
type refusal struct {
	kind, object, value string
	message             string // the panel's text for people
}

// unanswered reports whether the refusal says that the panel's core does not answer on its socket (docs/reference/billmanager.md
// §1.6).
func (r *refusal) unanswered() bool {
	return r.kind == "client" && r.object == "open" && r.value == "billmgr"
}

// String returns the panel's text, followed by type, object and value in brackets.
func (r *refusal) String() string {
	var words []string
	if r.message != "" {
		words = append(words, r.message)
	}
	details := "type " + r.kind
	if r.object != "" {
		details += ", object " + r.object
	}
	if r.value != "" {
		details += ", value " + r.value
	}
	if len(words) == 0 {
		return details
	}
	return words[0] + " (" + details + ")"
}

// parseReply reads an answer, which is treated as hostile: UTF-8 only, no DTD, limited depth and rows. The caller limits the
// size.
func parseReply(text []byte) (reply, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return reply{}, errors.New("the answer is empty")
	}
	if !utf8.Valid(text) {
		return reply{}, errors.New("the answer is not UTF-8")
	}
	p := replyParser{answer: reply{fields: map[string]string{}}}
	rules := safexml.Rules{Depth: maxDepth, Instructions: true, TextOutside: true}
	err := safexml.Walk(text, rules, p.take)
	var wrong *safexml.Error
	switch {
	case err == nil:
		return p.answer, nil
	case !errors.As(err, &wrong):
		return reply{}, err
	case wrong.Kind == safexml.Incomplete && !p.seen:
		return reply{}, errors.New("the answer is not XML")
	case wrong.Kind == safexml.Incomplete:
		return reply{}, errors.New("the answer is cut off")
	case wrong.Kind == safexml.Syntax:
		return reply{}, fmt.Errorf("the answer is not XML: %w", err)
	}
	return reply{}, fmt.Errorf("the answer is refused: %w", err)
}

// replyParser collects the answer while safexml walks over its document.
type replyParser struct {
	answer reply
	seen   bool     // the root element was read
	open   []string // names of the open elements, the root first
	text   strings.Builder
	param  string // name of the open <param> of an error
}

func (p *replyParser) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return p.start(token)
	case xml.EndElement:
		p.end(token)
	case xml.CharData:
		p.text.Write(token)
	}
	return nil
}

func (p *replyParser) start(e xml.StartElement) error {
	name := e.Name.Local
	if len(p.open) == 0 && name != "doc" {
		return fmt.Errorf("the answer is not the panel's: its root element is %.50q", name)
	}
	p.seen = true
	p.open = append(p.open, name)
	p.text.Reset()
	switch p.path() {
	case "doc/elem":
		if len(p.answer.rows) >= maxRows {
			return fmt.Errorf("the answer has more than %d rows", maxRows)
		}
		p.answer.rows = append(p.answer.rows, map[string]string{})
	case "doc/error":
		if p.answer.refusal == nil {
			p.answer.refusal = &refusal{kind: attribute(e, "type"), object: attribute(e, "object"), value: attribute(e, "value")}
		}
	case "doc/error/param":
		p.param = attribute(e, "name")
	}
	return nil
}

func (p *replyParser) end(e xml.EndElement) {
	text := strings.TrimSpace(p.text.String())
	switch path := p.path(); {
	case path == "doc/error/param" && p.param == "value" && p.answer.refusal.value == "":
		p.answer.refusal.value = text
	case path == "doc/error/msg":
		p.answer.refusal.message = text
	case len(p.open) == 3 && strings.HasPrefix(path, "doc/elem/"):
		p.answer.rows[len(p.answer.rows)-1][e.Name.Local] = text
	case len(p.open) == 2 && path != "doc/error" && path != "doc/elem":
		p.answer.fields[e.Name.Local] = text
	}
	p.open = p.open[:len(p.open)-1]
	p.text.Reset()
}

// path returns the names of the open elements, at most four, with slashes between them.
func (p *replyParser) path() string { return strings.Join(p.open[:min(len(p.open), 4)], "/") }

// attribute returns the value of an element's attribute; empty if absent.
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
