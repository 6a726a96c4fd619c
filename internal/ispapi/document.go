package ispapi

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"pmssl/internal/plaintext"
	"pmssl/internal/publish"
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

// Element is an element of an answer.
type Element struct {
	Name     string
	Text     string // of its own, without blanks around it
	Children []*Element

	attrs map[string]string
}

// Attr returns an attribute's value, empty if it is absent.
func (e *Element) Attr(name string) string {
	if e == nil {
		return ""
	}
	return e.attrs[name]
}

// Child returns the first child of this name; nil if there is none.
func (e *Element) Child(name string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Value returns the text of the first child of this name that has one.
func (e *Element) Value(name string) string {
	for _, c := range e.Children {
		if c.Name == name && c.Text != "" {
			return c.Text
		}
	}
	return ""
}

// Has reports whether there is a child of this name.
func (e *Element) Has(name string) bool { return e.Child(name) != nil }

// Parse returns the root element of an answer, and the refusal in it if it has one.
func Parse(body []byte) (*Element, *Refusal, error) {
	root, err := parseXML(body)
	if err != nil {
		return nil, nil, err
	}
	return root, refusalIn(root), nil
}

// parseXML returns the root element of an answer.
func parseXML(body []byte) (*Element, error) {
	start := bytes.TrimLeft(body, "\ufeff \t\r\n")
	if len(start) == 0 {
		return nil, errors.New("the answer is empty")
	}
	if !bytes.HasPrefix(start, []byte("<?xml")) && !bytes.HasPrefix(start, []byte("<doc")) {
		return nil, notThePanel(start)
	}
	top := &Element{}
	open := []*Element{top}
	err := safexml.Walk(start, safexml.Rules{Depth: maxDepth, Elements: maxElements, ASCII: true}, func(token xml.Token) error {
		last := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			next := &Element{Name: t.Name.Local}
			for _, a := range t.Attr {
				if next.attrs == nil {
					next.attrs = make(map[string]string, len(t.Attr))
				}
				next.attrs[a.Name.Local] = a.Value
			}
			last.Children = append(last.Children, next)
			open = append(open, next)
		case xml.EndElement:
			last.Text = strings.TrimSpace(last.Text)
			open = open[:len(open)-1]
		case xml.CharData:
			if len(last.Text) < maxText {
				last.Text += string(t[:min(len(t), maxText-len(last.Text))])
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the answer is not the XML of a panel: %w", err)
	}
	root := top.Children[0]
	if root.Name != "doc" {
		return nil, notThePanel(start)
	}
	return root, nil
}

func notThePanel(body []byte) error {
	return fmt.Errorf("what answers is not ISPmanager or DNSmanager, it says: %s", Shown(string(body[:min(len(body), 4*maxShown)])))
}

// Shown returns words of the panel for an error: one line, not endless.
func Shown(text string) string {
	return plaintext.Clip(plaintext.Line(strings.ToValidUTF8(text, "?")), maxShown)
}

// Refusal is the panel's error document. Its words come from outside: Error returns them fit for a message.
type Refusal struct {
	Kind, Object, Value, Text string
}

// AsError returns the error for a function that the panel refuses; publish.ErrDenied if the user or its rights are the reason.
func (r *Refusal) AsError(function string) error {
	switch {
	case r.OfType("access"):
		return fmt.Errorf("%w: the user may not use %s, or not for this object (%w): see the samples of etc/pmssl for the rights that it needs", publish.ErrDenied, function, r)
	case r.OfType("missed", "func"):
		return fmt.Errorf("%w: the panel has no function %s for this user: %w", publish.ErrDenied, function, r)
	case r.OfType("auth"):
		return fmt.Errorf("%w: %s: %w", publish.ErrDenied, function, r)
	}
	return fmt.Errorf("the panel refuses %s: %w", function, r)
}

// refusalIn returns the error of a document; nil if it has none. <authfail/> is how older panels refuse a login.
func refusalIn(root *Element) *Refusal {
	if root.Has("authfail") {
		return &Refusal{Kind: "auth", Object: "badpassword"}
	}
	e := root.Child("error")
	if e == nil {
		return nil
	}
	r := &Refusal{Kind: e.Attr("type"), Object: e.Attr("object"), Text: e.Value("msg")}
	for _, param := range e.Children {
		if param.Name != "param" {
			continue
		}
		switch param.Attr("name") {
		case "object":
			if r.Object == "" {
				r.Object = param.Text
			}
		case "value":
			r.Value = param.Text
		}
	}
	if r.Text == "" {
		r.Text = e.Value("detail")
	}
	return r
}

// OfType reports whether the error has this type, and this object if one is given.
func (r *Refusal) OfType(kind string, object ...string) bool {
	if r == nil || !strings.EqualFold(r.Kind, kind) {
		return false
	}
	return len(object) == 0 || strings.EqualFold(r.Object, object[0])
}

// contains reports whether the error's type contains a word.
func (r *Refusal) contains(word string) bool {
	return r != nil && strings.Contains(strings.ToLower(r.Kind), word)
}

// Gone reports whether what was asked about does not exist. A function that does not exist says nothing about that.
func (r *Refusal) Gone() bool { return r.OfType("missed") && !r.OfType("missed", "func") }

// Error returns type, object, value and words of the panel.
func (r *Refusal) Error() string {
	words := strings.Trim(r.Kind+"/"+r.Object, "/")
	if r.Value != "" {
		words += " (" + r.Value + ")"
	}
	if r.Text != "" {
		words += ": " + r.Text
	}
	return Shown(words)
}

// confirmation reports whether the panel asks for a submission once more (docs/reference/unattended.md §2).
func confirmation(root *Element, r *Refusal) bool {
	switch root.Attr("func") {
	case "confirm", "referer_confirm":
		return true
	}
	return r.OfType("confirm") || r.OfType("referer_confirm")
}

// done reports whether the panel says that a submission was carried out: an <ok> that leads nowhere else.
func done(root *Element) bool {
	ok := root.Child("ok")
	return ok != nil && ok.Text == "" && ok.Attr("type") == ""
}
