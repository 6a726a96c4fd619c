package ctl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Pair is a name and its value.
type Pair struct{ Name, Value string }

// Reply is the answer of a function: a confirmation, a form, a list or an error.
type Reply struct {
	OK     bool     // <ok/>
	Fields []Pair   // a form
	List   bool     // a list, empty or not
	Rows   [][]Pair // its rows
	Err    *Error
}

// Error is the panel's error (docs/reference/billmanager.md §6).
type Error struct {
	Type, Object, Value string
	// Message is the text; "" means that it is made from the other fields.
	Message string
}

func (e *Error) Error() string {
	s := "Error: Type: '" + e.Type + "'"
	if e.Object != "" {
		s += " Object: '" + e.Object + "'"
	}
	if e.Value != "" {
		s += " Value: '" + e.Value + "'"
	}
	return s
}

func (e *Error) message() string {
	if e.Message != "" {
		return e.Message
	}
	switch e.Type {
	case "missed":
		return fmt.Sprintf("The object '%s' with the identifier '%s' is not found", e.Object, e.Value)
	case "value":
		return fmt.Sprintf("The value '%s' of the field '%s' is not allowed", e.Value, e.Object)
	}
	return strings.TrimPrefix(e.Error(), "Error: ")
}

// call is the part of a request that its answer repeats.
type call struct {
	function string
	lang     string
	params   map[string]string // with out, without func
}

// Formats of mgrctl -o (docs/reference/billmanager.md §5.1).
const (
	formatText  = "text"
	formatXML   = "xml"
	formatDevel = "devel"
	formatJSON  = "json"
	formatXJSON = "xjson"
	formatSJSON = "sjson"
	formatBJSON = "bjson"
)

func knownFormat(f string) bool {
	return slices.Contains([]string{
		formatText, formatXML, formatDevel, formatJSON, formatXJSON, formatSJSON, formatBJSON,
	}, f)
}

// render returns the bytes for stdout. devel equals xml, because what else the real one adds is not public. json and
// xjson equal sjson, whose form is known from an example.
func render(format string, c call, r Reply) []byte {
	switch format {
	case formatXML, formatDevel:
		return xmlDoc(c, r)
	case formatBJSON:
		return jsonLine(bjson(r))
	case formatJSON, formatXJSON, formatSJSON:
		return sjson(document(c, r))
	}
	return text(r)
}

// text returns mgrctl's default form: OK, a line for each row, or a line for each field. Errors go to stderr instead.
func text(r Reply) []byte {
	var b bytes.Buffer
	for _, row := range r.Rows {
		words := make([]string, len(row))
		for i, p := range row {
			words[i] = p.Name + "=" + p.Value
		}
		b.WriteString(strings.Join(words, " ") + "\n")
	}
	for _, p := range r.Fields {
		b.WriteString(p.Name + "=" + p.Value + "\n")
	}
	if b.Len() == 0 && !r.List && r.Err == nil {
		b.WriteString("OK\n")
	}
	return b.Bytes()
}

// bjson returns the short JSON that LIB reads: keys ok, model, elem and error.
func bjson(r Reply) map[string]any {
	doc := map[string]any{}
	if r.Err != nil {
		doc["error"] = map[string]string{
			"type": r.Err.Type, "object": r.Err.Object, "value": r.Err.Value, "msg": r.Err.message(),
		}
		return doc
	}
	if r.OK {
		doc["ok"] = true
	}
	if r.List {
		rows := make([]map[string]string, len(r.Rows))
		for i, row := range r.Rows {
			rows[i] = object(row)
		}
		doc["elem"] = rows
	} else if len(r.Fields) > 0 || !r.OK {
		doc["model"] = object(r.Fields)
	}
	return doc
}

func object(pairs []Pair) map[string]string {
	m := map[string]string{}
	for _, p := range pairs {
		m[p.Name] = p.Value
	}
	return m
}

func jsonLine(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("encoding %T: %v", v, err)) // strings and maps of strings always encode
	}
	return b.Bytes()
}

// node is an element of the answer's document.
type node struct {
	name     string
	attrs    []Pair
	text     string
	children []*node
	many     bool // a JSON array even for a single element
}

func leaf(name, text string) *node { return &node{name: name, text: text} }

// document builds the answer in the shape of the one in the real log (docs/reference/billmanager.md §5.1).
func document(c call, r Reply) *node {
	doc := &node{name: "doc", attrs: []Pair{
		{"lang", c.lang}, {"func", c.function}, {"binary", "/billmgr"}, {"host", "http://"},
		{"themename", "dragon"}, {"features", "5be884bc592ba9fba23fea3cef9cb5b7"}, {"notify", ""},
		{"theme", "/manimg/dragon/"},
	}}
	if r.Err != nil {
		doc.children = []*node{errorNode(c, r.Err)}
		return doc
	}
	for _, p := range r.Fields {
		doc.children = append(doc.children, leaf(p.Name, p.Value))
	}
	for _, row := range r.Rows {
		elem := &node{name: "elem", many: true}
		for _, p := range row {
			elem.children = append(elem.children, leaf(p.Name, p.Value))
		}
		doc.children = append(doc.children, elem)
	}
	if r.OK {
		doc.children = append(doc.children, leaf("ok", ""))
	}
	tparams := &node{name: "tparams"}
	for _, name := range slices.Sorted(maps.Keys(c.params)) {
		tparams.children = append(tparams.children, leaf(name, c.params[name]))
	}
	tparams.children = append(tparams.children, leaf("func", c.function))
	doc.children = append(doc.children, tparams, leaf("saved_filters", ""))
	return doc
}

// errorNode returns COREmanager's <error> (docs/reference/billmanager.md §6).
func errorNode(c call, e *Error) *node {
	n := &node{name: "error", attrs: []Pair{
		{"type", e.Type}, {"object", e.Object}, {"lang", c.lang}, {"code", "1"},
	}}
	if e.Object != "" {
		n.children = append(n.children, &node{
			name: "param", text: e.Object, many: true,
			attrs: []Pair{{"name", "object"}, {"type", "msg"}, {"msg", e.Object}},
		})
	}
	n.children = append(n.children,
		&node{name: "param", text: e.Value, many: true, attrs: []Pair{{"name", "value"}}},
		&node{name: "param", text: "desck_empty", many: true, attrs: []Pair{{"name", "desc"}, {"type", "msg"}}},
		&node{name: "stack", children: []*node{{
			name: "action", text: c.function, attrs: []Pair{{"level", "30"}, {"user", "root"}},
		}}},
		leaf("group", e.Type+": __object__ __value__"),
		leaf("msg", e.message()),
	)
	return n
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// xmlDoc returns the xml form: the declaration, the document in one line, a line break.
func xmlDoc(c call, r Reply) []byte {
	var b bytes.Buffer
	b.WriteString(xmlHead)
	writeXML(&b, document(c, r))
	b.WriteByte('\n')
	return b.Bytes()
}

func writeXML(b *bytes.Buffer, n *node) {
	if !xmlName(n.name) {
		return // a parameter whose name cannot be an element is left out
	}
	b.WriteString("<" + n.name)
	for _, a := range n.attrs {
		b.WriteString(" " + a.Name + `="`)
		escape(b, a.Value, true)
		b.WriteByte('"')
	}
	if n.text == "" && len(n.children) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	escape(b, n.text, false)
	for _, c := range n.children {
		writeXML(b, c)
	}
	b.WriteString("</" + n.name + ">")
}

func xmlName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r != '-' && r != '.' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != ""
}

// escape writes character data; what XML 1.0 cannot hold becomes U+FFFD.
func escape(b *bytes.Buffer, s string, attr bool) {
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"' && attr:
			b.WriteString("&quot;")
		case r == '\r', r == '\n' && attr, r == '\t' && attr:
			fmt.Fprintf(b, "&#%d;", r)
		case r < ' ' && r != '\n' && r != '\t', r == 0xFFFE, r == 0xFFFF:
			b.WriteRune(0xFFFD)
		default:
			b.WriteRune(r)
		}
	}
}

// sjson renders {"doc":{"$attr":…,"child":{"$":"text"}}}: attributes in their order, then children by name, as the
// known example has them.
func sjson(doc *node) []byte {
	var b bytes.Buffer
	b.WriteString(`{"doc":`)
	writeJSON(&b, doc)
	b.WriteString("}\n")
	return b.Bytes()
}

func writeJSON(b *bytes.Buffer, n *node) {
	b.WriteByte('{')
	comma := ""
	member := func(name string) {
		b.WriteString(comma)
		comma = ","
		quote(b, name)
		b.WriteByte(':')
	}
	for _, a := range n.attrs {
		member("$" + a.Name)
		quote(b, a.Value)
	}
	if n.text != "" {
		member("$")
		quote(b, n.text)
	}
	byName := map[string][]*node{}
	for _, c := range n.children {
		byName[c.name] = append(byName[c.name], c)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		member(name)
		group := byName[name]
		if len(group) == 1 && !group[0].many {
			writeJSON(b, group[0])
			continue
		}
		for i, c := range group {
			b.WriteByte("[,"[min(i, 1)])
			writeJSON(b, c)
		}
		b.WriteByte(']')
	}
	b.WriteByte('}')
}

func quote(b *bytes.Buffer, s string) {
	b.Write(bytes.TrimSuffix(jsonLine(s), []byte("\n")))
}
