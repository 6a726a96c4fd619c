package ispmgr

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/publish"
)

const (
	// maxFields bounds a form. The panel's has about 20 fields.
	maxFields = 500
	// slowTTL is in seconds; panels that refuse a shorter one take it.
	slowTTL = 300
)

// form is what domain.record.edit answers when it is called without sok: its fields and what may be chosen. Nothing is sent that
// the form does not know (docs/reference/unattended.md §2).
type form struct {
	names    []string
	values   map[string]string
	choices  map[string][]string // keys of each select
	required map[string]bool
	rules    []rule
}

// rule hides a field while another one has a value.
type rule struct{ field, value, hides string }

// formOf reads a form.
func formOf(root *element) (form, error) {
	f := form{values: map[string]string{}, choices: map[string][]string{}, required: map[string]bool{}}
	if name := root.attr("func"); name != "" && name != functionEdit {
		return f, fmt.Errorf("the panel answers with %s", shown(name))
	}
	for _, e := range root.children {
		switch e.name {
		case "slist":
			f.addList(e)
		case "metadata":
			f.addMetadata(e, "")
		case "error", "ok", "elem", "list", "doc", "tparams", "saved_filters", "links", "branding", "addon", "tips", "messages", "user", "path", "mgr", "version":
		default:
			f.addValue(e)
		}
		if len(f.names) > maxFields || len(f.rules) > maxFields {
			return f, fmt.Errorf("the form has more than %d fields", maxFields)
		}
	}
	return f, nil
}

func (f *form) add(name string) {
	if name != "" && !slices.Contains(f.names, name) && len(f.names) <= maxFields {
		f.names = append(f.names, name)
	}
}

// addValue takes the first value of a field: forms repeat it empty where they only add attributes.
func (f *form) addValue(e *element) {
	if len(e.children) > 0 {
		return
	}
	f.add(e.name)
	if f.values[e.name] == "" {
		f.values[e.name] = e.text
	}
}

func (f *form) addList(e *element) {
	name := e.attr("name")
	f.add(name)
	if f.choices[name] == nil {
		f.choices[name] = []string{}
	}
	for _, one := range e.children {
		if one.name != "val" && one.name != "msg" {
			continue
		}
		key, keyed := one.attrs["key"]
		if !keyed {
			key = one.text
		}
		f.choices[name] = append(f.choices[name], key)
	}
}

// addMetadata reads how the panel's own page draws the form: which fields must be filled, and which are hidden when.
func (f *form) addMetadata(e *element, within string) {
	for _, child := range e.children {
		name, inner := child.attr("name"), within
		switch child.name {
		case "field":
			inner = name
		case "input", "select", "textarea", "slider", "radio", "checkbox":
			if name == "" {
				name = within
			}
			inner = name
			f.add(name)
			f.required[name] = f.required[name] || child.attr("required") == "yes"
		case "if":
			if hides := child.attr("hide"); within != "" && hides != "" && len(f.rules) <= maxFields {
				f.rules = append(f.rules, rule{field: within, value: child.attr("value"), hides: hides})
			}
		}
		f.addMetadata(child, inner)
	}
}

func (f form) has(name string) bool { return slices.Contains(f.names, name) }

// hidden reports whether the panel's page would not show a field with these values.
func (f form) hidden(name string, sent url.Values) bool {
	return slices.ContainsFunc(f.rules, func(r rule) bool { return r.hides == name && sent.Get(r.field) == r.value })
}

// target returns the field that holds the value of a kind of record.
func target(kind publish.Type) string {
	if kind == publish.CNAME {
		return "domain"
	}
	return "value"
}

// fill returns the parameters of a submission that writes the change's record in place of the former one, which is empty for a new
// record. What the form does not show as expected is an error, and nothing is submitted then.
func (f form) fill(c change, former standingRecord) (url.Values, error) {
	for _, name := range []string{"name", "ttl", "rtype", target(c.record.Type)} {
		if !f.has(name) {
			return nil, fmt.Errorf("the form has no field %s: the module does not know this form and fills in nothing", name)
		}
	}
	if err := f.expected(c, former); err != nil {
		return nil, err
	}
	kind, err := f.kind(c.record.Type)
	if err != nil {
		return nil, err
	}
	ttl, err := f.ttl(c.record.TTL)
	if err != nil {
		return nil, err
	}
	value := c.record.Value
	if c.record.Type == publish.CNAME {
		value = strings.TrimSuffix(value, ".") + "."
	}
	sent := url.Values{
		"plid": {c.key}, "elid": {former.key}, "name": {c.record.Name + "."}, "ttl": {ttl}, "rtype": {kind}, target(c.record.Type): {value}, "sok": {"ok"},
	}
	return sent, f.rest(sent)
}

// expected reports by nil that the form is for the zone and shows the former record.
func (f form) expected(c change, former standingRecord) error {
	if shows := f.values["plid"]; shows != "" && shows != c.key && absoluteName(shows+".", c.zone) != c.zone {
		return fmt.Errorf("the form is for the zone %s", shown(shows))
	}
	if shows := f.values["elid"]; shows != "" && shows != former.key {
		return fmt.Errorf("the form is for the record %s", shown(shows))
	}
	if former.key == "" {
		return nil
	}
	value := plainText(f.values[target(c.record.Type)])
	if absoluteName(f.values["name"], c.zone) != former.name || kindOf(f.values["rtype"]) != former.kind || !c.sameValue(value, former.value) {
		return fmt.Errorf("the form of %s shows another record: %s %s %s", shown(former.key), shown(f.values["name"]), shown(f.values["rtype"]), shown(value))
	}
	return nil
}

// kind returns the key by which the form offers a type.
func (f form) kind(kind publish.Type) (string, error) {
	offered, listed := f.choices["rtype"]
	if !listed {
		return strings.ToLower(string(kind)), nil
	}
	for _, key := range offered {
		if strings.EqualFold(key, string(kind)) {
			return key, nil
		}
	}
	return "", fmt.Errorf("%w: the form does not offer records of the type %s, only %s", publish.ErrDenied, kind, shown(strings.Join(offered, ", ")))
}

// ttl returns the wanted TTL if the form offers it; where it offers others, 300 seconds or else the shortest.
func (f form) ttl(wanted int) (string, error) {
	offered, listed := f.choices["ttl"]
	best := -1
	for _, key := range offered {
		n, err := strconv.Atoi(key)
		switch {
		case err != nil || n <= 0:
		case n == wanted:
			return key, nil
		case best < 0, n == slowTTL, n < best && best != slowTTL:
			best = n
		}
	}
	switch {
	case !listed:
		return strconv.Itoa(wanted), nil
	case best < 0:
		return "", fmt.Errorf("the form offers no TTL but %s", shown(strings.Join(offered, ", ")))
	}
	return strconv.Itoa(best), nil
}

// rest adds the form's own values of all other fields that its page would show for this type. A field that must be filled and has
// no value is an error.
func (f form) rest(sent url.Values) error {
	usable := regexp.MustCompile(`^[A-Za-z][0-9A-Za-z_.-]{0,99}$`)
	for _, name := range f.names {
		switch {
		case control(name) || !usable.MatchString(name):
			continue
		case sent.Has(name):
			if f.hidden(name, sent) {
				return fmt.Errorf("the form hides the field %s for records of this type: the module does not know this form and fills in nothing", name)
			}
			continue
		case otherTypes(name) || f.hidden(name, sent):
			continue
		case f.values[name] != "":
			sent.Set(name, f.values[name])
		case f.required[name]:
			return fmt.Errorf("the form wants the field %s, which the module does not know: it fills in nothing", shown(name))
		}
	}
	return nil
}

// control reports whether a field is a parameter of the call and none of the record.
func control(name string) bool {
	switch name {
	case "sok", "func", "out", "lang", "auth", "authinfo", "clicked_button", "elid", "plid", "elname", "p_cnt", "p_num", "p_elems", "progressid", "sfrom", "snext":
		return true
	}
	return false
}

// otherTypes reports whether a field belongs to records of other types, whose forms share the page.
func otherTypes(name string) bool {
	switch name {
	case "ip", "domain", "value", "priority", "weight", "port", "srvdomain", "email", "tag", "flag", "flags":
		return true
	}
	return false
}
