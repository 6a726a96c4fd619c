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

// answer is a document of the remote (docs/reference/ispmanager.md §1.3): a form, a list, the result of a submission,
// or an error.
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

// choice is an entry of a select: the key that the form sends, its text, and its picture (flags of countries).
type choice struct{ key, text, image string }

// parseAnswer reads a document. Errors are *sellerhttp.Error, of kind NotSeller if it is not a document of BILLmanager.
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
		return answer{}, &sellerhttp.Error{Kind: sellerhttp.Unreadable, Text: "the answer has a longer form, select or toolbar than BILLmanager's"}
	}
	return a, nil
}

// Limits of one form, because its parts are compared with each other. The longest known forms have some 60 fields, 250
// countries and a dozen functions.
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
	return &sellerhttp.Error{Kind: sellerhttp.NotSeller, Text: "the answer is not from BILLmanager: " + sellerhttp.Snippet(body)}
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
		// These are not content. tparams repeats the request, which may include the password.
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
		if !one.Has("key") { // as in the remote's own pages, the text is the value
			key = one.Text()
		}
		a.lists[name] = append(a.lists[name], choice{key: key, text: one.Text(), image: one.Attr("image")})
	}
	if a.lists[name] == nil {
		a.lists[name] = []choice{}
	}
}

// addField adds a field with its first value that is not empty: forms repeat a field without a value to add attributes
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

// value returns a field's value from the top level or else from the nested document, never from the copy of the request
// (docs/reference/ispmanager.md §1.3).
func (a answer) value(name string) string {
	if v := a.fields[name]; v != "" || a.nested == nil {
		return v
	}
	return a.nested.fields[name]
}

// onlyOK reports whether the document has an ok and no content.
func (a answer) onlyOK() bool {
	return a.ok && len(a.fields) == 0 && len(a.rows) == 0 && len(a.lists) == 0 && len(a.tables) == 0 && !a.meta.present &&
		a.nested == nil && a.root.Child("user") == nil
}

// isForm reports whether the document has fields.
func (a answer) isForm() bool { return len(a.fields)+len(a.lists) > 0 || len(a.meta.fields) > 0 }

// done reports whether the submission was executed: an empty ok. An ok with a text or type leads to another page
// (docs/reference/ispmanager.md §1.3).
func (a answer) done() bool { return a.failure == nil && a.ok && a.okText == "" && a.okType == "" }

// hasOtherForm reports whether the document has the form of another function, alone or beside an ok
// (docs/reference/ispmanager.md §1.3): the next step of a wizard.
func (a answer) hasOtherForm(current string) bool {
	for _, shown := range []*answer{&a, a.nested} {
		if shown != nil && shown.function != "" && shown.function != current && (shown == a.nested || !a.ok) && shown.isForm() {
			return true
		}
	}
	return false
}

// finishes reports whether the submission was executed and no further step of a wizard follows.
func (a answer) finishes(current string) bool { return a.done() && !a.hasOtherForm(current) }

// redirect returns the function to which an ok with a text leads; empty if it names none.
func (a answer) redirect() string { return functionName(a.target().Get("func")) }

// target returns the parameters of a redirect: `func=X&a=b`, perhaps after a path (docs/reference/ispmanager.md §1.3).
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

// summary returns the answer's summary for the log line.
func (a answer) summary() string {
	switch {
	case a.failure != nil:
		return "error " + a.failure.reasons()
	case a.okText != "" || a.okType != "":
		return strings.TrimSpace("ok " + a.okType + " " + plaintext.Clip(words(panellog.RedactForm(strings.TrimPrefix(a.okText, "?"))), 100))
	case a.ok:
		return "ok"
	}
	return strings.TrimSpace("answer " + a.function)
}

func (a *answer) maskFailure(mask func(string) string) {
	if f := a.failure; f != nil {
		f.kind, f.object, f.value, f.text = redacted(mask(f.kind)), redacted(mask(f.object)), redacted(mask(f.value)), redacted(mask(f.text))
	}
}

// functionName returns the text if it can be the name of a function; otherwise empty.
func functionName(text string) string {
	plain := len(text) <= 100 && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	})
	if !plain {
		return ""
	}
	return text
}

// realKeys returns the keys that are a choice, without `null` and the empty key, which mean "choose one"
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

// words returns a text of the remote as one printable line of limited length.
func words(text string) string { return plaintext.Clip(plaintext.Line(text), 1000) }

// redacted is words with *** for sessions and tokens, which the text may hold in a link.
func redacted(text string) string { return words(panellog.RedactText(text)) }
