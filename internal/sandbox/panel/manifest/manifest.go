// Package manifest reads the manifest of a processing module, as the panel does (docs/reference/billmanager.md §9): the fields of its
// forms, and its messages in each language.
package manifest

import (
	"encoding/xml"
	"fmt"
)

// Kinds of fields.
const (
	Text     = "text"
	Password = "password"
	Checkbox = "checkbox"
	Select   = "select"
)

// Field is a field of a form, with the kind of its input.
type Field struct {
	Name, Kind string
	Required   bool
}

// Manifest is a manifest that was read.
type Manifest struct {
	forms    map[string][]Field
	messages map[messageName]string
}

type messageName struct{ lang, section, name string }

// document is the part of a manifest that is read.
type document struct {
	Metadata []struct {
		Name  string `xml:"name,attr"`
		Pages []struct {
			Fields []field `xml:"field"`
		} `xml:"form>page"`
	} `xml:"metadata"`
	Langs []struct {
		Name     string `xml:"name,attr"`
		Messages []struct {
			Name string `xml:"name,attr"`
			Msgs []struct {
				Name string `xml:"name,attr"`
				Text string `xml:",chardata"`
			} `xml:"msg"`
		} `xml:"messages"`
	} `xml:"lang"`
}

type field struct {
	Name  string `xml:"name,attr"`
	Input *struct {
		Type     string `xml:"type,attr"`
		Required string `xml:"required,attr"`
	} `xml:"input"`
	Select *struct {
		Required string `xml:"required,attr"`
	} `xml:"select"`
}

// Parse reads a manifest. Fields of a kind that this package does not know are an error.
func Parse(text []byte) (*Manifest, error) {
	var d document
	if err := xml.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	m := &Manifest{forms: map[string][]Field{}, messages: map[messageName]string{}}
	for _, form := range d.Metadata {
		for _, page := range form.Pages {
			for _, f := range page.Fields {
				read, err := f.read()
				if err != nil {
					return nil, fmt.Errorf("manifest: form %s: %w", form.Name, err)
				}
				m.forms[form.Name] = append(m.forms[form.Name], read)
			}
		}
	}
	for _, lang := range d.Langs {
		for _, section := range lang.Messages {
			for _, msg := range section.Msgs {
				m.messages[messageName{lang.Name, section.Name, msg.Name}] = msg.Text
			}
		}
	}
	return m, nil
}

func (f field) read() (Field, error) {
	switch {
	case f.Select != nil:
		return Field{Name: f.Name, Kind: Select, Required: f.Select.Required == "yes"}, nil
	case f.Input == nil:
		return Field{}, fmt.Errorf("the field %s has neither input nor select", f.Name)
	}
	switch kind := f.Input.Type; kind {
	case Text, Password, Checkbox:
		return Field{Name: f.Name, Kind: kind, Required: f.Input.Required == "yes"}, nil
	default:
		return Field{}, fmt.Errorf("the field %s has an input of the unknown type %q", f.Name, kind)
	}
}

// Form returns the fields of a form in their order; none if the manifest has no such form.
func (m *Manifest) Form(name string) []Field { return m.forms[name] }

// Message returns a message in a language, in English if it is missing there, and whether there is one.
func (m *Manifest) Message(lang, section, name string) (string, bool) {
	for _, l := range []string{lang, "en"} {
		if text, there := m.messages[messageName{l, section, name}]; there {
			return text, true
		}
	}
	return "", false
}
