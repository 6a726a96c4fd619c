package panellog

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxDocument = 1 << 20 // bytes of a document that are shown
	maxDepth    = 200     // open elements; deeper ones are masked. Real documents have at most 100
	maxEchoes   = 64      // secrets of one document that are masked in the rest of it
	maxEcho     = 1 << 10 // longest such secret in bytes
)

// RedactXML returns a document for the log with *** for secrets: the content and attributes of elements with the name of a
// secret field, attributes of such a name, and the value that belongs to such a name (<param name="password" value=…>,
// <intname>password</intname><value>…), also in CDATA, comments and documents inside texts. Everything else is unchanged.
// JSON is redacted in the same way. The input may be anything: malformed parts are masked, for example from an unclosed
// secret element to the end of the document. At most 1 MiB of a document is shown. Of a document that does not parse, the
// first 200 characters, its type and its size are shown, because its fields are not known.
func RedactXML(doc []byte) string {
	clean := maskKeys(redactDocument(string(doc), 0))
	if utf8.RuneCountInString(clean) <= maxUnparsed || parses(string(doc)) {
		return clean
	}
	return unparsed(clean, len(doc))
}

// RedactText returns a text that is not a document for the log. It masks the same as RedactXML, and shows all of the text.
func RedactText(text string) string { return maskKeys(redactDocument(text, 0)) }

// maxUnparsed is the number of characters shown of a document that does not parse.
const maxUnparsed = 200

// unparsed returns the beginning of a redacted text, with its type and its size in bytes.
func unparsed(clean string, size int) string {
	shown := []rune(clean)
	kind := http.DetectContentType([]byte(clean))
	return fmt.Sprintf("%s … (it does not parse: %s, %d bytes)", string(shown[:min(len(shown), maxUnparsed)]), kind, size)
}

// parses reports whether a document is JSON or well-formed XML.
func parses(doc string) bool {
	if startsJSON(doc) {
		return json.Valid([]byte(doc))
	}
	d := xml.NewDecoder(strings.NewReader(doc))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	elements := 0
	for {
		token, err := d.Token()
		if err != nil {
			return errors.Is(err, io.EOF) && elements > 0
		}
		if _, ok := token.(xml.StartElement); ok {
			elements++
		}
	}
}

// redactDocument redacts a document by a lenient scanner and not by an XML parser: a parser stops at malformed markup, and
// malformed documents are the ones that an administrator looks up in the log.
func redactDocument(doc string, depth int) string {
	if depth > maxNesting {
		return masked
	}
	if startsJSON(doc) && len(doc) <= maxDocument && json.Valid([]byte(doc)) {
		return redactJSON(doc, depth)
	}
	// NUL bytes come from UTF-16, and would hide every name.
	doc = cut(strings.ReplaceAll(doc, "\x00", ""), maxDocument)
	s := &xmlScan{doc: doc, depth: depth}
	s.run()
	return s.edited()
}

// xmlScan reads a document and collects the edits.
type xmlScan struct {
	doc   string
	at    int
	depth int
	open  []element
	edits []edit
	// known are the secrets found in this document. They are masked everywhere in it, because panels repeat what they were sent.
	known []string
}

// element is an open element.
type element struct {
	name        string // of the tag
	role        string // "value" for <value> and for <param name="value">
	content     int    // start of its content
	secret      bool   // its content is secret
	same        int    // open elements of the same name inside a secret element
	namesSecret bool   // its attributes name a secret field, so a value in it is secret
	children    []child
	params      call // its children, read as parameters of one call
}

// child is an element that was closed within its parent.
type child struct {
	role string
	span
}

// edit replaces a span of the document.
type edit struct {
	span
	by string
}

// run reads the whole document.
func (s *xmlScan) run() {
	for s.at < len(s.doc) {
		next := strings.IndexByte(s.doc[s.at:], '<')
		if next < 0 {
			s.text(s.at, len(s.doc))
			s.at = len(s.doc)
			break
		}
		s.text(s.at, s.at+next)
		s.at += next
		s.markup()
	}
	for len(s.open) > 0 {
		s.pop(len(s.doc))
	}
}

// markup reads the markup that begins with "<" at s.at.
func (s *xmlScan) markup() {
	rest := s.doc[s.at:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		s.section("<!--", "-->")
	case strings.HasPrefix(rest, "<![CDATA["):
		s.section("<![CDATA[", "]]>")
	case strings.HasPrefix(rest, "<!"):
		s.declaration()
	case strings.HasPrefix(rest, "<?"):
		s.section("<?", "?>")
	case strings.HasPrefix(strings.TrimLeft(rest[1:], " \t\r\n"), "/"):
		s.endTag()
	case !beginsName(strings.TrimLeft(rest[1:], xmlSpace)):
		s.at++ // a lone "<": what follows is text
	default:
		s.startTag()
	}
}

// beginsName reports whether the text can begin with an element's name. Quotes are accepted, as readTag does.
func beginsName(text string) bool {
	return text != "" && (nameByte(text[0]) || text[0] >= utf8.RuneSelf || strings.IndexByte(":=\"'>", text[0]) >= 0)
}

// section reads a comment, CDATA section or instruction and redacts its content.
func (s *xmlScan) section(begin, end string) {
	from := s.at + len(begin)
	to, after := len(s.doc), len(s.doc)
	if i := strings.Index(s.doc[from:], end); i >= 0 {
		to, after = from+i, from+i+len(end)
	}
	if !s.inSecret() {
		s.replace(from, to, redactValue(s.doc[from:to], s.depth))
	}
	s.at = after
}

// declaration masks a DOCTYPE. No known peer sends one. If it declares entities, the rest of the document is masked, because
// entities may contain anything.
func (s *xmlScan) declaration() {
	end := s.at + until(s.doc[s.at:], 0, ">[")
	if end < len(s.doc) && s.doc[end] == '[' {
		end = len(s.doc)
	}
	if !s.inSecret() {
		s.replace(min(s.at+len("<!"), end), end, masked)
	}
	s.at = min(end+1, len(s.doc))
}

// startTag reads a start tag, redacts its attributes and opens its element.
func (s *xmlScan) startTag() {
	t := readTag(s.doc, s.at)
	s.at = t.end
	switch {
	case t.name == "":
		return // a lone "<"
	case s.inSecret():
		// Only the end of the secret element matters, whatever is in it.
		if top := &s.open[len(s.open)-1]; !t.closed && strings.EqualFold(t.name, top.name) {
			top.same++
		}
		return
	}
	e := element{name: t.name, role: s.role(t), content: t.end, namesSecret: s.namesSecret(t)}
	e.secret = IsSecretField(t.name) || e.namesSecret && !isErrorElement(t.name) || s.parentNamesSecret(e.role) || len(s.open) >= maxDepth
	s.attributes(t, e.secret || e.namesSecret)
	if !t.closed {
		s.open = append(s.open, e)
	}
}

// role returns the element's role among its siblings: its name, or the value of the attribute name in <param name="value">.
func (s *xmlScan) role(t tag) string {
	for _, a := range t.attrs {
		if name := html.UnescapeString(a.value(s.doc)); namesField(a.name) && (pointsAtField(name) || holdsValue(name)) {
			return name
		}
	}
	return t.name
}

// namesSecret reports whether an attribute of the tag names a secret field, or says that the element is encrypted.
func (s *xmlScan) namesSecret(t tag) bool {
	for _, a := range t.attrs {
		value := html.UnescapeString(a.value(s.doc))
		if (pointsAtField(a.name) || strings.EqualFold(a.name, "id")) && IsSecretField(value) {
			return true
		}
		if strings.EqualFold(a.name, "crypted") && on(value) {
			return true
		}
	}
	return false
}

// pointsAtField reports whether the value of an attribute with this name is the name of a field. An error's object is the
// name of the wrong field (docs/reference/billmanager.md §6).
func pointsAtField(name string) bool { return namesField(name) || strings.EqualFold(name, "object") }

// isErrorElement reports whether an element is an error. Its content is a text about the field; only its <param
// name="value"> is the field's value.
func isErrorElement(name string) bool { return strings.EqualFold(name, "error") }

// parentNamesSecret reports whether the parent names a secret field and an element of this role holds its value.
func (s *xmlScan) parentNamesSecret(role string) bool {
	return len(s.open) > 0 && s.open[len(s.open)-1].namesSecret && holdsValue(role)
}

// attributes masks or redacts the attributes of a tag, and what else is in it, because a "<" may be text and no tag. secret says
// that its element is secret.
func (s *xmlScan) attributes(t tag, secret bool) {
	for _, other := range t.others {
		s.replace(other.start, other.end, redactText(s.doc[other.start:other.end]))
	}
	for _, a := range t.attrs {
		switch {
		case strings.EqualFold(a.name, "key") && option(t.name):
			s.replace(a.start, a.end, redactCharacters(a.value(s.doc), s.depth))
		case IsSecretField(a.name), secret && !descriptive(a.name):
			s.mask(a.start, a.end, html.UnescapeString(a.value(s.doc)))
		default:
			s.replace(a.start, a.end, redactCharacters(a.value(s.doc), s.depth))
		}
	}
}

// option reports whether an element is an entry of a select. Its attribute key is the value that the form sends (tune_connection,
// docs/reference/billmanager.md §1.4).
func option(name string) bool {
	return strings.EqualFold(name, "val") || strings.EqualFold(name, "msg")
}

// descriptive reports whether an attribute describes an element and never holds its value.
func descriptive(attr string) bool {
	switch strings.ToLower(attr) {
	case "name", "type", "crypted", "required", "object", "lang", "level", "code", "intname", "field", "xmlns", "check", "param":
		return true
	}
	return false
}

// endTag reads an end tag and closes its element.
func (s *xmlScan) endTag() {
	t := readTag(s.doc, s.at)
	start := s.at
	s.at = t.end
	if s.inSecret() {
		s.endInSecret(t, start)
		return
	}
	s.attributes(t, false)
	for i := len(s.open) - 1; i >= 0; i-- {
		if strings.EqualFold(s.open[i].name, t.name) {
			for len(s.open) > i {
				s.pop(start)
			}
			return
		}
	}
}

// endInSecret handles an end tag inside a secret element: only the element's own end tag closes it.
func (s *xmlScan) endInSecret(t tag, start int) {
	top := &s.open[len(s.open)-1]
	switch {
	case !strings.EqualFold(top.name, t.name):
	case top.same > 0:
		top.same--
	default:
		s.pop(start)
		s.attributes(t, true)
	}
}

// inSecret reports whether the innermost open element is secret.
func (s *xmlScan) inSecret() bool {
	return len(s.open) > 0 && s.open[len(s.open)-1].secret
}

// pop closes the innermost element, whose content ends at end.
func (s *xmlScan) pop(end int) {
	e := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	for _, c := range e.children {
		if e.params.secret(c.role) {
			s.mask(c.start, c.end, contentTexts(s.doc[c.start:c.end])...)
		}
	}
	content := span{e.content, max(end, e.content)}
	if e.secret {
		s.mask(content.start, content.end, contentTexts(s.doc[content.start:content.end])...)
	}
	if len(s.open) == 0 {
		return
	}
	parent := &s.open[len(s.open)-1]
	parent.children = append(parent.children, child{e.role, content})
	if content.end-content.start > maxEcho {
		return // too long for the name of a field or a switch
	}
	if pointsAtField(e.role) {
		parent.params.observe("name", plainContent(s.doc[content.start:content.end]))
	} else if strings.EqualFold(e.role, "crypted") {
		parent.params.observe("crypted", plainContent(s.doc[content.start:content.end]))
	}
}

// plainContent returns the text of an element without children.
func plainContent(content string) string {
	content = strings.TrimSpace(content)
	if inner, ok := strings.CutPrefix(content, "<![CDATA["); ok {
		return strings.TrimSpace(strings.TrimSuffix(inner, "]]>"))
	}
	return strings.TrimSpace(html.UnescapeString(content))
}

// text redacts character data.
func (s *xmlScan) text(from, to int) {
	if from < to && !s.inSecret() {
		s.replace(from, to, redactCharacters(s.doc[from:to], s.depth))
	}
}

// redactCharacters redacts character data or an attribute's value, which may contain a document or a query.
func redactCharacters(text string, depth int) string {
	plain := html.UnescapeString(text)
	clean := redactValue(plain, depth)
	switch {
	case clean == plain:
		return text
	case plain == text:
		return clean
	}
	return html.EscapeString(clean)
}

// mask masks a span and adds the texts of it to the known secrets of this document.
func (s *xmlScan) mask(from, to int, texts ...string) {
	if strings.TrimSpace(s.doc[from:to]) == "" {
		return
	}
	s.edits = append(s.edits, edit{span{from, to}, masked})
	if to-from > maxEcho {
		return
	}
	for _, text := range texts {
		if text = strings.TrimSpace(text); len(s.known) < maxEchoes && len(text) >= minSecret && !slices.Contains(s.known, text) {
			s.known = append(s.known, text)
		}
	}
}

// contentTexts returns the texts of a secret element: its content as it is, and if that has markup, the parts of it that are
// long enough to be secrets of their own. "<w>" may be an element, or three characters of a password that nobody escaped.
func contentTexts(content string) []string {
	if len(content) > maxEcho {
		return nil
	}
	if !strings.Contains(content, "<") {
		return []string{html.UnescapeString(content)}
	}
	var parts []string
	var part strings.Builder
	elements := false
	for at := 0; at < len(content); {
		end := len(content)
		switch rest := content[at:]; {
		case strings.HasPrefix(rest, "<![CDATA["):
			end = min(end, endOf(content, "]]>", at))
			part.WriteString(strings.TrimSuffix(content[at+len("<![CDATA["):end], "]]>"))
		case strings.HasPrefix(rest, "<!--"):
			end = min(end, endOf(content, "-->", at))
		case rest[0] == '<':
			elements, end = true, max(at+1, readTag(content, at).end)
			parts = append(parts, part.String())
			part.Reset()
		default:
			end = at + until(rest, 0, "<")
			part.WriteString(html.UnescapeString(content[at:end]))
		}
		at = end
	}
	parts = append(parts, part.String())
	if !elements {
		return parts
	}
	parts = slices.DeleteFunc(parts, func(text string) bool { return len(strings.TrimSpace(text)) < minFolded })
	if strings.TrimSpace(removeTags(content, true)) != "" {
		parts = append(parts, content, html.UnescapeString(content))
	}
	return parts
}

// replace adds an edit, unless it changes nothing.
func (s *xmlScan) replace(from, to int, by string) {
	if by != s.doc[from:to] {
		s.edits = append(s.edits, edit{span{from, to}, by})
	}
}
