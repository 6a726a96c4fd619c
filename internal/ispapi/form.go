package ispapi

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

const (
	// maxFields bounds a form. The panel's has about 20 fields.
	maxFields = 500
	// maxFieldName is how long a field's name may be, in octets.
	maxFieldName = 100
)

// Form is what a function answers when it is called without sok: its fields and what may be chosen. Nothing is sent that the form
// does not know (docs/reference/unattended.md §2).
type Form struct {
	Names   []string            // of its fields, in the order of the document
	Values  map[string]string   // what the form shows
	Choices map[string][]string // keys of each select

	required map[string]bool
	rules    []rule
}

// rule hides a field while another one has a value.
type rule struct{ field, value, hides string }

// formOf reads a form.
func formOf(function string, root *Element) (Form, error) {
	f := Form{Values: map[string]string{}, Choices: map[string][]string{}, required: map[string]bool{}}
	if name := root.Attr("func"); name != "" && name != function {
		return f, fmt.Errorf("the panel answers with %s", Shown(name))
	}
	for _, e := range root.Children {
		switch e.Name {
		case "slist":
			f.addList(e)
		case "metadata":
			f.addMetadata(e, "")
		case "error", "ok", "elem", "list", "doc", "tparams", "saved_filters", "links", "branding", "addon", "tips", "messages", "user", "path", "mgr", "version":
		default:
			f.addValue(e)
		}
		if len(f.Names) > maxFields || len(f.rules) > maxFields {
			return f, fmt.Errorf("the form has more than %d fields", maxFields)
		}
	}
	return f, nil
}

func (f *Form) add(name string) {
	if name != "" && !slices.Contains(f.Names, name) && len(f.Names) <= maxFields {
		f.Names = append(f.Names, name)
	}
}

// addValue takes the first value of a field: forms repeat it empty where they only add attributes.
func (f *Form) addValue(e *Element) {
	if len(e.Children) > 0 {
		return
	}
	f.add(e.Name)
	if f.Values[e.Name] == "" {
		f.Values[e.Name] = e.Text
	}
}

func (f *Form) addList(e *Element) {
	name := e.Attr("name")
	f.add(name)
	if f.Choices[name] == nil {
		f.Choices[name] = []string{}
	}
	for _, one := range e.Children {
		if one.Name != "val" && one.Name != "msg" {
			continue
		}
		key, keyed := one.attrs["key"]
		if !keyed {
			key = one.Text
		}
		f.Choices[name] = append(f.Choices[name], key)
	}
}

// addMetadata reads how the panel's own page draws the form: which fields must be filled, and which are hidden when.
func (f *Form) addMetadata(e *Element, within string) {
	for _, child := range e.Children {
		name, inner := child.Attr("name"), within
		switch child.Name {
		case "field":
			inner = name
		case "input", "select", "textarea", "slider", "radio", "checkbox":
			if name == "" {
				name = within
			}
			inner = name
			f.add(name)
			f.required[name] = f.required[name] || child.Attr("required") == "yes"
		case "if":
			if hides := child.Attr("hide"); within != "" && hides != "" && len(f.rules) <= maxFields {
				f.rules = append(f.rules, rule{field: within, value: child.Attr("value"), hides: hides})
			}
		}
		f.addMetadata(child, inner)
	}
}

// Has reports whether the form has a field of this name.
func (f Form) Has(name string) bool { return slices.Contains(f.Names, name) }

// hidden reports whether the panel's page would not show a field with these values.
func (f Form) hidden(name string, sent url.Values) bool {
	return slices.ContainsFunc(f.rules, func(r rule) bool { return r.hides == name && sent.Get(r.field) == r.value })
}

// Complete adds to the parameters of a submission the form's own values of all other fields that its page would show, but for those
// that the caller leaves out. A field that must be filled and has no value is an error, and so is a parameter whose field the page
// would hide.
func (f Form) Complete(sent url.Values, leaveOut func(field string) bool) error {
	for _, name := range f.Names {
		switch {
		case control(name) || !isFieldName(name):
			continue
		case sent.Has(name):
			if f.hidden(name, sent) {
				return fmt.Errorf("the form hides the field %s with these values: the module does not know this form and fills in nothing", name)
			}
			continue
		case leaveOut(name) || f.hidden(name, sent):
			continue
		case f.Values[name] != "":
			sent.Set(name, f.Values[name])
		case f.required[name]:
			return fmt.Errorf("the form wants the field %s, which the module does not know: it fills in nothing", Shown(name))
		}
	}
	return nil
}

// Missing returns the first field that the form's page shows, with its own values but for those that are sent, and that must be filled in
// and is empty; nothing if there is none. It is for forms of which only some fields are sent.
func (f Form) Missing(sent url.Values) string {
	all := url.Values{}
	for name, value := range f.Values {
		all.Set(name, value)
	}
	maps.Copy(all, sent)
	for _, name := range f.Names {
		if f.required[name] && all.Get(name) == "" && !control(name) && !f.hidden(name, all) {
			return name
		}
	}
	return ""
}

// isFieldName reports whether a name can be that of a parameter: a letter, then letters, digits, _ . and -.
func isFieldName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return name != "" && len(name) <= maxFieldName && strings.IndexByte(letters, name[0]) >= 0 && strings.Trim(name, letters+"0123456789_.-") == ""
}

// control reports whether a field is a parameter of the call and none of the object that the form is for.
func control(name string) bool {
	switch name {
	case "sok", "func", "out", "lang", "auth", "authinfo", "clicked_button", "elid", "plid", "elname", "p_cnt", "p_num", "p_elems", "progressid", "sfrom", "snext":
		return true
	}
	return false
}
