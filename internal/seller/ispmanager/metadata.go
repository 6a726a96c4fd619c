package ispmanager

import (
	"slices"
	"strings"

	"pmssl/internal/seller/sellerhttp"
)

// metadata describes how the remote's own pages show an answer (docs/reference/ispmanager.md §1.3, §15.3): which fields
// a form has and which functions this user may call.
type metadata struct {
	present   bool
	fields    map[string]control
	names     []string // of the fields, in order
	buttons   []string // names of the form's buttons
	functions []tool   // of the toolbar
	rules     []rule
}

// tool is a button of a list's toolbar: the function that it calls, and its name.
type tool struct {
	function, name string
	group          bool // it acts at once on the selected rows, without a form and without sok (docs/reference/ispmanager.md §8)
}

// control is a field of a form.
type control struct{ required, readonly bool }

// rule hides a field while another one has a value.
type rule struct{ field, value, hides string }

func metadataOf(e *sellerhttp.Element) metadata {
	m := metadata{present: true, fields: map[string]control{}}
	m.walk(e, "")
	return m
}

func (m metadata) excessive() bool {
	return len(m.names) > maxFields || len(m.rules) > maxFields || len(m.buttons) > maxTools || len(m.functions) > maxTools
}

func (m *metadata) walk(e *sellerhttp.Element, within string) {
	for _, child := range e.Children {
		if m.excessive() { // the answer is refused
			return
		}
		name, inner := child.Attr("name"), within
		switch strings.ToLower(child.Name) {
		case "toolbtn":
			one := tool{functionName(child.Attr("func")), strings.ToLower(functionName(name)), strings.EqualFold(child.Attr("type"), "group")}
			if one.function != "" && !slices.ContainsFunc(m.functions, func(known tool) bool { return known.function == one.function }) {
				m.functions = append(m.functions, one)
			}
		case "button":
			if name != "" {
				m.buttons = append(m.buttons, name)
			}
		case "field":
			inner = name
		case "input", "select", "textarea", "slider", "radio", "checkbox":
			if name == "" {
				name = within
			}
			inner = name
			m.add(name, child)
		case "if":
			m.addRule(within, child)
		}
		m.walk(child, inner)
	}
}

func (m *metadata) add(name string, e *sellerhttp.Element) {
	if name == "" {
		return
	}
	if _, known := m.fields[name]; !known {
		m.names = append(m.names, name)
	}
	old := m.fields[name]
	m.fields[name] = control{required: old.required || yes(e.Attr("required")), readonly: old.readonly || yes(e.Attr("readonly"))}
}

func (m *metadata) addRule(field string, e *sellerhttp.Element) {
	value := e.Attr("value")
	if yes(e.Attr("empty")) {
		value = ""
	}
	if hides := e.Attr("hide"); field != "" && hides != "" {
		m.rules = append(m.rules, rule{field: field, value: value, hides: hides})
	}
}

// hidden reports whether the remote's page would hide the field for these values.
func (m metadata) hidden(field string, value func(string) string) bool {
	return slices.ContainsFunc(m.rules, func(r rule) bool { return r.hides == field && value(r.field) == r.value })
}

func yes(text string) bool { return strings.EqualFold(text, "yes") || strings.EqualFold(text, "on") }
