package ispmanager

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller/sellerhttp"
)

// answer is a document of the remote (docs/reference/ispmanager.md §1.3): a form, a list, what became of a submission, or
// an error.
type answer struct {
	root     *sellerhttp.Element
	function string // attribute func of the document, empty if it has none
	failure  *failure
	ok       bool // there is an element ok
	okText   string
	okType   string
	names    []string          // fields at the top level, in their order
	fields   map[string]string // their values
	fixed    map[string]bool   // readonly="yes"
	lists    map[string][]choice
	rows     []*sellerhttp.Element
	tables   map[string][]*sellerhttp.Element // rows of each <list name="…">
	meta     metadata
	nested   *answer // /doc/doc, the form beside a submission's ok
}

// choice is an entry of a select: what the form sends for it, its text, and its picture (flags of countries).
type choice struct{ key, text, image string }

// parseAnswer reads a document. Errors are *sellerhttp.Error: of kind Foreign where it is none of BILLmanager.
func parseAnswer(body []byte) (answer, error) {
	start := bytes.TrimLeft(body, "\ufeff \t\r\n")
	if len(start) > 0 && !bytes.HasPrefix(start, []byte("<?xml")) && !bytes.HasPrefix(start, []byte("<doc")) {
		return answer{}, foreign(start)
	}
	root, err := sellerhttp.ParseXML(body)
	if err != nil {
		return answer{}, err
	}
	if !strings.EqualFold(root.Name, "doc") {
		return answer{}, foreign(start)
	}
	a := answerOf(root, true)
	if a.excessive() || a.nested != nil && a.nested.excessive() {
		return answer{}, &sellerhttp.Error{Kind: sellerhttp.Unreadable, Text: "the answer has a form, a select or a toolbar longer than any of BILLmanager's"}
	}
	return a, nil
}

// Bounds of one form: its parts are compared with each other. The longest that are known have some 60 fields, 250 countries
// to choose from and a dozen functions.
const (
	maxFields  = 2000
	maxChoices = 5000
	maxTools   = 500
)

func (a answer) excessive() bool {
	for _, list := range a.lists {
		if len(list) > maxChoices {
			return true
		}
	}
	return len(a.names) > maxFields || len(a.lists) > maxFields || a.meta.excessive()
}

func foreign(body []byte) *sellerhttp.Error {
	return &sellerhttp.Error{Kind: sellerhttp.NotSeller, Text: "what answers is not BILLmanager: " + sellerhttp.Snippet(body)}
}

func answerOf(root *sellerhttp.Element, outer bool) answer {
	a := answer{
		root: root, function: functionName(root.Attr("func")), fields: map[string]string{}, fixed: map[string]bool{},
		lists: map[string][]choice{}, tables: map[string][]*sellerhttp.Element{},
	}
	for _, e := range root.Children {
		switch name := strings.ToLower(e.Name); name {
		case "error":
			a.setFailure(e)
		case "ok":
			a.ok, a.okText, a.okType = true, e.Text(), strings.ToLower(e.Attr("type"))
		case "elem":
			a.rows = append(a.rows, e)
		case "slist":
			a.addList(e)
		case "list":
			a.tables[e.Attr("name")] = append(a.tables[e.Attr("name")], e.All("elem")...)
		case "metadata":
			a.meta = metadataOf(e)
		case "doc":
			if outer {
				a.setNested(e)
			}
		// What a document carries beside its content; tparams repeats the request, the password perhaps included.
		case "tparams", "saved_filters", "links", "branding", "addon", "tips", "messages", "user", "path", "mgr", "version":
		default:
			a.addField(e)
		}
	}
	return a
}

// setFailure keeps the first error of the document.
func (a *answer) setFailure(e *sellerhttp.Element) {
	if a.failure == nil {
		a.failure = failureOf(e)
	}
}

// setNested keeps the first document inside the document.
func (a *answer) setNested(e *sellerhttp.Element) {
	if a.nested == nil {
		inner := answerOf(e, false)
		a.nested = &inner
	}
}

func (a *answer) addList(e *sellerhttp.Element) {
	name := e.Attr("name")
	for _, one := range e.Children {
		if !strings.EqualFold(one.Name, "val") && !strings.EqualFold(one.Name, "msg") {
			continue
		}
		key := one.Attr("key")
		if !one.Has("key") { // what the remote's own pages do: the text is the value
			key = one.Text()
		}
		a.lists[name] = append(a.lists[name], choice{key: key, text: one.Text(), image: one.Attr("image")})
	}
	if a.lists[name] == nil {
		a.lists[name] = []choice{}
	}
}

// addField takes the first value of a field: forms repeat it empty where they only add attributes
// (docs/reference/ispmanager.md §1.3).
func (a *answer) addField(e *sellerhttp.Element) {
	if len(e.Children) > 0 || e.Name == "" {
		return
	}
	if _, known := a.fields[e.Name]; !known {
		a.names = append(a.names, e.Name)
	}
	if a.fields[e.Name] == "" {
		a.fields[e.Name] = e.Text()
	}
	if strings.EqualFold(e.Attr("readonly"), "yes") {
		a.fixed[e.Name] = true
	}
}

// value returns a field's value, looked for at the top level and then in the nested document, never in what repeats the
// request (docs/reference/ispmanager.md §1.3).
func (a answer) value(name string) string {
	if v := a.fields[name]; v != "" || a.nested == nil {
		return v
	}
	return a.nested.fields[name]
}

// bare reports whether there is an ok and nothing beside it.
func (a answer) bare() bool {
	return a.ok && len(a.fields) == 0 && len(a.rows) == 0 && len(a.lists) == 0 && len(a.tables) == 0 && !a.meta.present &&
		a.nested == nil && a.root.Child("user") == nil
}

// isForm reports whether there is something to fill in.
func (a answer) isForm() bool { return len(a.fields)+len(a.lists) > 0 || len(a.meta.fields) > 0 }

// clean reports whether the submission was done: an empty ok (docs/reference/ispmanager.md §1.3: one with a text or a type
// sends us on).
func (a answer) clean() bool { return a.failure == nil && a.ok && a.okText == "" && a.okType == "" }

// leadsOn reports whether the form of another function lies in the document, be it beside an ok
// (docs/reference/ispmanager.md §1.3): a wizard goes on.
func (a answer) leadsOn(current string) bool {
	for _, shown := range []*answer{&a, a.nested} {
		if shown != nil && shown.function != "" && shown.function != current && (shown == a.nested || !a.ok) && shown.isForm() {
			return true
		}
	}
	return false
}

// finishes reports whether the submission was done and no further step of a wizard follows.
func (a answer) finishes(current string) bool { return a.clean() && !a.leadsOn(current) }

// redirect returns the function to which a non-empty ok sends us, empty if it names none.
func (a answer) redirect() string { return functionName(a.target().Get("func")) }

// target returns the parameters of a redirect: `func=X&a=b`, perhaps behind a path (docs/reference/ispmanager.md §1.3).
func (a answer) target() url.Values {
	text := a.okText
	if a.okType == "url" || strings.HasPrefix(text, "/") {
		return nil // a page for people
	}
	values, err := url.ParseQuery(strings.TrimPrefix(text, "?"))
	if err != nil {
		return nil
	}
	return values
}

// classify returns the answer's word in the log line.
func (a answer) classify() string {
	switch {
	case a.failure != nil:
		return "error " + a.failure.said()
	case a.okText != "" || a.okType != "":
		return strings.TrimSpace("ok " + a.okType + " " + plaintext.Clip(words(panellog.RedactForm(strings.TrimPrefix(a.okText, "?"))), 100))
	case a.ok:
		return "ok"
	}
	return strings.TrimSpace("answer " + a.function)
}

func (a *answer) maskFailure(mask func(string) string) {
	if f := a.failure; f != nil {
		f.kind, f.object, f.value, f.text = remark(mask(f.kind)), remark(mask(f.object)), remark(mask(f.value)), remark(mask(f.text))
	}
}

// functionName returns a plausible name of a function, empty if the text is none.
func functionName(text string) string {
	plain := len(text) <= 100 && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	})
	if !plain {
		return ""
	}
	return text
}

// realKeys returns the keys that stand for a choice: `null` and the empty one are the select's "choose one"
// (docs/reference/ispmanager.md §1.3).
func realKeys(list []choice) []string {
	var keys []string
	for _, one := range list {
		if one.key != "" && one.key != "null" && !slices.Contains(keys, one.key) {
			keys = append(keys, one.key)
		}
	}
	return keys
}

// offers reports whether the list has the key.
func offers(list []choice, key string) bool {
	return slices.ContainsFunc(list, func(one choice) bool { return one.key == key })
}

// words returns a text of the remote for people: one line, not endless.
func words(text string) string { return plaintext.Clip(plaintext.Line(text), 1000) }

// remark is words for what may be anything: sessions and tokens that are named as such in it, in a link perhaps, are
// masked.
func remark(text string) string { return words(panellog.RedactText(text)) }
