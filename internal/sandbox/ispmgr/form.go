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

// form is what a function answers without sok (ispmanager-billing-api 1.3).
type form struct {
	function string
	fields   []field
}

func (f *form) add(fields ...field) { f.fields = append(f.fields, fields...) }

// withExtras adds the fields that this installation has of its own.
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

// laidOver fills what was sent into the fields; a parameter that was not sent
// leaves the field's own value.
func (c *call) laidOver(f form) form {
	for i, field := range f.fields {
		if sent, given := c.params[field.name]; given && !field.readonly {
			f.fields[i].value = strings.TrimSpace(sent)
		}
	}
	return f
}

// check holds what was sent against a form: a required field must be sent, a
// select has one of its keys.
func (c *call) check(f form) *Problem {
	for _, field := range f.fields {
		sent := c.get(field.name)
		switch {
		case field.hidden || field.readonly:
		case field.required && (sent == "" || sent == noCountry && strings.HasSuffix(field.name, "country")):
			return badValue(c.settings.shownName(field.name), sent)
		case sent != "" && field.options != nil && !slices.ContainsFunc(field.options, func(o option) bool { return o.key == sent }):
			return badValue(c.settings.shownName(field.name), sent)
		}
	}
	return nil
}

// formAnswer is the document of a form.
func (c *call) formAnswer(f form) answer {
	content, metadata := c.formParts(f)
	return answer{content: content, metadata: metadata, function: f.function}
}

func (c *call) formParts(f form) (content, metadata []element) {
	page := node("page").with("name", "page1")
	for _, field := range f.fields {
		name := c.settings.shownName(field.name)
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

// shownName is this installation's name of a field. A number at the end of a
// name stays ("approver_email_2").
func (s *Settings) shownName(name string) string { return renamed(name, s.FieldNames) }

// ourNames puts parameters under our names. What is sent under a name of ours
// that this installation does not have is lost, as with any unknown parameter.
func (s *Settings) ourNames(sent parameters) parameters {
	ours := map[string]string{}
	for our, shown := range s.FieldNames {
		ours[shown] = our
	}
	params := parameters{}
	for name, value := range sent {
		if s.shownName(name) == name {
			params[renamed(name, ours)] = value
		} else if our := renamed(name, ours); our != name {
			params[our] = value
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
