package ispmgr

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"pmssl/internal/plaintext"
	"pmssl/internal/safexml"
)

const (
	// maxBody bounds one answer in octets. A row of a list has about 400.
	maxBody = 16 << 20
	// maxElements and maxDepth bound the elements of one answer.
	maxElements = 500_000
	maxDepth    = 32
	// maxText bounds the text of one element in octets. Texts of records and names are shorter; a longer one is cut, so it is
	// equal to nothing that this package looks for.
	maxText = 16 << 10
	// maxShown is how many octets of the panel's words errors show.
	maxShown = 300
)

// element is an element of an answer.
type element struct {
	name     string
	attrs    map[string]string
	text     string // of its own, without blanks around it
	children []*element
}

// attr returns an attribute's value, empty if it is absent.
func (e *element) attr(name string) string {
	if e == nil {
		return ""
	}
	return e.attrs[name]
}

// child returns the first child of this name; nil if there is none.
func (e *element) child(name string) *element {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// value returns the text of the first child of this name that has one.
func (e *element) value(name string) string {
	for _, c := range e.children {
		if c.name == name && c.text != "" {
			return c.text
		}
	}
	return ""
}

// has reports whether there is a child of this name.
func (e *element) has(name string) bool { return e.child(name) != nil }

// parseXML returns the root element of an answer.
func parseXML(body []byte) (*element, error) {
	start := bytes.TrimLeft(body, "\ufeff \t\r\n")
	if len(start) == 0 {
		return nil, errors.New("the answer is empty")
	}
	if !bytes.HasPrefix(start, []byte("<?xml")) && !bytes.HasPrefix(start, []byte("<doc")) {
		return nil, notThePanel(start)
	}
	top := &element{}
	open := []*element{top}
	err := safexml.Walk(start, safexml.Rules{Depth: maxDepth, Elements: maxElements, ASCII: true}, func(token xml.Token) error {
		last := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			next := &element{name: t.Name.Local}
			for _, a := range t.Attr {
				if next.attrs == nil {
					next.attrs = make(map[string]string, len(t.Attr))
				}
				next.attrs[a.Name.Local] = a.Value
			}
			last.children = append(last.children, next)
			open = append(open, next)
		case xml.EndElement:
			last.text = strings.TrimSpace(last.text)
			open = open[:len(open)-1]
		case xml.CharData:
			if len(last.text) < maxText {
				last.text += string(t[:min(len(t), maxText-len(last.text))])
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the answer is not the XML of a panel: %w", err)
	}
	root := top.children[0]
	if root.name != "doc" {
		return nil, notThePanel(start)
	}
	return root, nil
}

func notThePanel(body []byte) error {
	return fmt.Errorf("what answers is not ISPmanager or DNSmanager, it says: %s", shown(string(body[:min(len(body), 4*maxShown)])))
}

// shown returns words of the panel for an error: one line, not endless.
func shown(text string) string {
	return plaintext.Clip(plaintext.Line(strings.ToValidUTF8(text, "?")), maxShown)
}

// refusal is the panel's error document.
type refusal struct {
	kind, object, value, text string
}

// refusalIn returns the error of a document; nil if it has none. <authfail/> is how older panels refuse a login.
func refusalIn(root *element) *refusal {
	if root.has("authfail") {
		return &refusal{kind: "auth", object: "badpassword"}
	}
	e := root.child("error")
	if e == nil {
		return nil
	}
	r := &refusal{kind: e.attr("type"), object: e.attr("object"), text: e.value("msg")}
	for _, param := range e.children {
		if param.name != "param" {
			continue
		}
		switch param.attr("name") {
		case "object":
			if r.object == "" {
				r.object = param.text
			}
		case "value":
			r.value = param.text
		}
	}
	if r.text == "" {
		r.text = e.value("detail")
	}
	return r
}

// parseTextRefusal reads the one line that mgrctl prints about an error (docs/reference/billmanager.md §5.1).
func parseTextRefusal(text string) *refusal {
	_, rest, found := strings.Cut(text, "Error: Type: '")
	if !found {
		return nil
	}
	r := &refusal{}
	r.kind, rest, _ = strings.Cut(rest, "'")
	if _, after, ok := strings.Cut(rest, "Object: '"); ok {
		r.object, rest, _ = strings.Cut(after, "'")
	}
	if _, after, ok := strings.Cut(rest, "Value: '"); ok {
		r.value, _, _ = strings.Cut(after, "'")
	}
	return r
}

// is reports whether the error has this type, and this object if one is given.
func (r *refusal) is(kind string, object ...string) bool {
	if r == nil || !strings.EqualFold(r.kind, kind) {
		return false
	}
	return len(object) == 0 || strings.EqualFold(r.object, object[0])
}

// contains reports whether the error's type contains a word.
func (r *refusal) contains(word string) bool {
	return r != nil && strings.Contains(strings.ToLower(r.kind), word)
}

// gone reports whether what was asked about does not exist. A function that does not exist says nothing about that.
func (r *refusal) gone() bool { return r.is("missed") && !r.is("missed", "func") }

// Error returns type, object, value and words of the panel.
func (r *refusal) Error() string {
	words := strings.Trim(r.kind+"/"+r.object, "/")
	if r.value != "" {
		words += " (" + r.value + ")"
	}
	if r.text != "" {
		words += ": " + r.text
	}
	return shown(words)
}

// confirmation reports whether the panel asks for a submission once more (docs/reference/unattended.md §2).
func confirmation(root *element, r *refusal) bool {
	switch root.attr("func") {
	case "confirm", "referer_confirm":
		return true
	}
	return r.is("confirm") || r.is("referer_confirm")
}

// done reports whether the panel says that a submission was carried out: an <ok> that leads nowhere else.
func done(root *element) bool {
	ok := root.child("ok")
	return ok != nil && ok.text == "" && ok.attr("type") == ""
}
