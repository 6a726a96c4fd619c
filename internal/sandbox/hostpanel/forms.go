package hostpanel

// field is one field of a form.
type field struct {
	name, value string
	kind        string // text, textarea, checkbox or select; text if empty
	required    bool
	choices     []string
}

// write adds the fields of a form to its document: their values, what may be chosen and, for those who ask for `out=devel`, how the
// panel's own page draws them.
func (p *Panel) write(doc element, r request, fields []field) element {
	fields = p.renamed(r.function, fields)
	var drawn []element
	for _, f := range fields {
		doc = doc.plus(textNode(f.name, f.value))
		input := node("input").with("type", "text")
		switch f.kind {
		case "textarea":
			input = node("textarea")
		case "checkbox":
			input = node("input").with("type", "checkbox")
		case "select":
			input = node("select")
			list := node("slist").with("name", f.name)
			for _, choice := range f.choices {
				list = list.plus(textNode("val", choice).with("key", choice))
			}
			doc = doc.plus(list)
		}
		input = input.with("name", f.name)
		if f.required {
			input = input.with("required", "yes")
		}
		drawn = append(drawn, node("field", input).with("name", f.name))
	}
	if !p.described(r) {
		return doc
	}
	return doc.plus(node("metadata", node("form", drawn...)).with("name", r.function).with("type", "form"))
}

// described reports whether a form's description is sent with it.
func (p *Panel) described(r request) bool { return p.settings.Metadata && r.get("out") == "devel" }

// renamed gives the fields of a form the names that the settings say, and adds the one that they demand.
func (p *Panel) renamed(function string, fields []field) []field {
	for i, f := range fields {
		fields[i].name = p.named(function, f.name)
	}
	if extra := p.settings.ExtraField; extra != "" {
		fields = append(fields, field{name: extra, required: true})
	}
	return fields
}

// named returns the name that a field of a function has.
func (p *Panel) named(function, name string) string {
	if other, renamed := p.settings.Fields[function+" "+name]; renamed {
		return other
	}
	return name
}

// sent returns the value of a field of a submission, and whether it came.
func (p *Panel) sent(r request, name string) (string, bool) {
	name = p.named(r.function, name)
	return r.get(name), r.params.Has(name)
}
