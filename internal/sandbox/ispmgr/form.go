package ispmgr

import (
	"slices"
	"strings"
)

// field is one field of a form.
type field struct {
	name, value string
	options     []option // of a select
	required    bool
	hidden      bool
	readonly    bool
}

// option is one entry of an <slist>.
type option struct{ key, text, image string }

// form is the answer of a function without sok (docs/reference/ispmanager.md §1.3).
type form struct {
	function string
	fields   []field
}

func (f *form) add(fields ...field) { f.fields = append(f.fields, fields...) }

// withExtras adds this installation's own fields.
func (c *call) withExtras(f form) form {
	for _, extra := range c.settings.ExtraFields {
		if extra.Function == f.function {
			f.add(field{name: extra.Name, value: extra.Value, options: keysOnly(extra.Options), required: extra.Required})
		}
	}
	return f
}

func keysOnly(keys []string) []option {
	var list []option
	for _, key := range keys {
		list = append(list, option{key: key, text: key})
	}
	return list
}

// withSentValues replaces the values of the fields with those that were sent; other fields keep
// their value.
func (c *call) withSentValues(f form) form {
	for i, field := range f.fields {
		if sent, given := c.params[field.name]; given && !field.readonly {
			f.fields[i].value = strings.TrimSpace(sent)
		}
	}
	return f
}

// check checks the sent values against a form: a required field must be sent, and the value of a
// select must be one of its keys.
func (c *call) check(f form) *Problem {
	for _, field := range f.fields {
		sent := c.get(field.name)
		switch {
		case field.hidden || field.readonly:
		case field.required && (sent == "" || sent == noCountry && strings.HasSuffix(field.name, "country")):
			return badValue(c.settings.remoteName(field.name), sent)
		case sent != "" && field.options != nil && !slices.ContainsFunc(field.options, func(o option) bool { return o.key == sent }):
			return badValue(c.settings.remoteName(field.name), sent)
		}
	}
	return nil
}

// formAnswer returns the document of a form.
func (c *call) formAnswer(f form) answer {
	content, metadata := c.formParts(f)
	return answer{content: content, metadata: metadata, function: f.function}
}

func (c *call) formParts(f form) (content, metadata []element) {
	page := node("page").with("name", "page1")
	for _, field := range f.fields {
		name := c.settings.remoteName(field.name)
		if field.options != nil {
			content = append(content, slist(name, field.options))
		}
		value := textNode(name, field.value)
		if field.readonly {
			value = value.with("readonly", "yes")
		}
		content = append(content, value)
		if !field.hidden {
			page = page.plus(node("field", control(name, field)).with("name", name))
		}
	}
	buttons := node("buttons", node("button").with("name", "ok").with("type", "ok"), node("button").with("name", "cancel").with("type", "cancel"))
	return content, []element{node("metadata", node("form", page, buttons)).with("name", f.function).with("type", "form")}
}

func control(name string, f field) element {
	e := node("input").with("type", "text")
	if f.options != nil {
		e = node("select")
	}
	e = e.with("name", name)
	if f.required {
		e = e.with("required", "yes")
	}
	if f.readonly {
		e = e.with("readonly", "yes")
	}
	return e
}

func slist(name string, options []option) element {
	list := node("slist").with("name", name)
	for _, o := range options {
		value := textNode("val", o.text).with("key", o.key)
		if o.image != "" {
			value = value.with("image", o.image)
		}
		list = list.plus(value)
	}
	return list
}

// remoteName returns this installation's name of a field. A number at the end of the name is kept
// ("approver_email_2").
func (s *Settings) remoteName(name string) string { return renamed(name, s.FieldNames) }

// canonicalNames returns the parameters by the names of fields in docs/reference/ispmanager.md. A
// parameter that this installation knows by another name is lost, as any unknown parameter is.
func (s *Settings) canonicalNames(sent parameters) parameters {
	canonical := map[string]string{}
	for name, remote := range s.FieldNames {
		canonical[remote] = name
	}
	params := parameters{}
	for name, value := range sent {
		if s.remoteName(name) == name {
			params[renamed(name, canonical)] = value
		} else if known := renamed(name, canonical); known != name {
			params[known] = value
		}
	}
	return params
}

func renamed(name string, names map[string]string) string {
	if other, found := names[name]; found {
		return other
	}
	if cut := strings.LastIndexByte(name, '_'); cut > 0 && strings.Trim(name[cut+1:], "0123456789") == "" && cut+1 < len(name) {
		if other, found := names[name[:cut]]; found {
			return other + name[cut:]
		}
	}
	return name
}
