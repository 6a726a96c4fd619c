package ispmanager

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
)

// form is the answer of a function that is called without sok: its fields, their values and their choices
// (docs/reference/ispmanager.md §15.1).
type form struct {
	function string
	answer
}

// field is one field of a form.
type field struct {
	function string // of the form
	name     string
	value    string   // the form's own
	list     []choice // choices of a select
	listed   bool     // whether it is a select
	required bool
	fixed    bool // it cannot be changed
}

// filler returns our value of a field; false if there is none and the form's own value stays.
type filler func(f field) (value string, known bool, err error)

// openForm reads the form of a function; it changes nothing. If the answer does not describe its fields, openForm reads
// it again in the output format of the remote's own pages, which does.
func (c *Client) openForm(ctx context.Context, function string, params url.Values) (form, error) {
	reply, err := c.read(ctx, function, params)
	if err != nil {
		return form{}, err
	}
	f := formOf(function, reply)
	if f.meta.present || reply.redirect() != "" {
		return f, nil
	}
	more := url.Values{}
	for name, values := range params {
		more[name] = values
	}
	more.Set("out", "devel")
	if reply, err = c.read(ctx, function, more); err != nil {
		c.log.ExtInfof("%s (%s) describes no fields: %v", Title, function, err)
		return f, nil
	}
	if detailed := formOf(function, reply); detailed.meta.present && detailed.isForm() {
		return detailed, nil
	}
	return f, nil
}

// formOf returns the form in an answer: the document itself, or the one nested in it beside an ok
// (docs/reference/ispmanager.md §1.3).
func formOf(function string, reply answer) form {
	f := form{function: function, answer: reply}
	if !reply.isForm() && reply.nested != nil {
		f.answer = *reply.nested
		if !f.meta.present {
			f.meta = reply.meta
		}
	}
	if f.answer.function != "" {
		f.function = f.answer.function
	}
	return f
}

// sendable reports whether a field of a form may be sent back. Control parameters are not fields
// (docs/reference/ispmanager.md §1.4); private keys and other secrets are never sent (docs/reference/ispmanager.md
// §13).
func sendable(name string) bool {
	switch name {
	case "sok", "snext", "func", "out", "lang", "clicked_button", "skipbasket", "plid", "p_cnt", "p_num", "p_elems", "progressid", "sfrom":
		return false
	}
	return name != "" && len(name) <= 100 && !panellog.IsSecretField(name)
}

// fieldNames returns the form's fields in the order of its page.
func (f form) fieldNames() []string {
	names := slices.Clone(f.meta.names)
	for _, name := range f.names {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var selects []string
	for name := range f.lists {
		if !slices.Contains(names, name) {
			selects = append(selects, name)
		}
	}
	slices.Sort(selects)
	return slices.DeleteFunc(append(names, selects...), func(name string) bool { return !sendable(name) })
}

// has reports whether the form has the field.
func (f form) has(name string) bool { return slices.Contains(f.fieldNames(), name) }

func (f form) field(name string) field {
	list, listed := f.lists[name]
	control := f.meta.fields[name]
	return field{
		function: f.function, name: name, value: f.fields[name], list: list, listed: listed, required: control.required,
		fixed: control.readonly || f.fixed[name],
	}
}

// fill returns the form's values with ours in place of its own. It checks that each value of a select is offered and
// that no required field is empty (docs/reference/ispmanager.md §15.1, §15.2). further are fields that are sent
// although the form does not show them. Faults are of type API and name the function, the field and its choices.
func (f form) fill(own filler, further ...string) (url.Values, error) {
	filled := url.Values{}
	var missing []field
	for _, name := range append(f.fieldNames(), further...) {
		one := f.field(name)
		value, err := f.valueFor(one, own)
		if err != nil {
			return nil, err
		}
		switch {
		case value != "":
			filled.Set(name, value)
		case one.required:
			missing = append(missing, one)
		}
	}
	for _, one := range missing {
		if !f.meta.hidden(one.name, filled.Get) {
			return nil, refuseField(one, "the required field has no value: give the order a parameter of that name (contacts are adm_fname, adm_email and so on) and start the operation again")
		}
	}
	return filled, nil
}

func (f form) valueFor(one field, own filler) (string, error) {
	value, known, err := own(one)
	switch {
	case err != nil:
		return "", err
	case !known:
		return f.ownValue(one), nil
	case one.fixed && one.value != "":
		return f.fixedValue(one, value)
	case value != "" && one.listed && !offers(one.list, value):
		return "", refuseField(one, "the value "+plaintext.Clip(words(value), 100)+" is not offered")
	}
	return value, nil
}

// fixedValue returns the value of a field that cannot be changed. It refuses another tariff, term or CSR than ours,
// because the form would order something else. A tariff may be shown by its name; then the id with which the form was
// requested is sent.
func (f form) fixedValue(one field, known string) (string, error) {
	same := strings.Join(strings.Fields(one.value), " ") == strings.Join(strings.Fields(known), " ")
	switch one.name {
	case "csr", "crt_type", "period", "elid":
		if known != "" && !same {
			return "", refuseField(one, "it is fixed to another value than the order's")
		}
	case "pricelist":
		if seller.ParseID(one.value) == 0 {
			return known, nil
		}
		if known != "" && !same {
			return "", refuseField(one, "it is fixed to the tariff "+redacted(one.value)+", the order is for "+words(known))
		}
	}
	return one.value, nil
}

// ownValue returns the form's own value if it is offered. A required select with only one choice has that value.
func (f form) ownValue(one field) string {
	if !one.listed {
		return one.value
	}
	keys := realKeys(one.list)
	switch {
	case slices.Contains(keys, one.value):
		return one.value
	case one.required && len(keys) == 1:
		return keys[0]
	}
	return ""
}

// refuseField returns the fault of a field that cannot be filled; nothing was submitted. It names the function, the
// field and its choices (docs/reference/ispmanager.md §15.2).
func refuseField(one field, why string) *fault.Error {
	text := Title + " (" + words(one.function) + "), field " + words(one.name) + ": " + why
	if one.listed {
		keys := realKeys(one.list)
		if len(keys) > 30 {
			keys = append(keys[:30:30], "…")
		}
		text += "; offered are " + plaintext.Clip(redacted(strings.Join(keys, ", ")), 400)
	}
	return &fault.Error{Type: fault.API, Object: one.name, Message: text}
}
