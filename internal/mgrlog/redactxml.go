package mgrlog

import (
	"html"
	"strings"
)

const (
	maxDocument = 1 << 20 // bytes of a document that are shown
	maxDepth    = 1000    // open elements, after which the rest is masked
)

// RedactXML returns a document for the log with *** for what is secret: the
// content and attributes of elements named like a secret field, attributes of
// such a name, the value that goes with a name (<param name="password" value=…>,
// <intname>password</intname><value>…), in CDATA, comments and documents inside
// texts as well. Everything else stays byte for byte. It takes any input: what
// is broken is masked rather than shown, from a secret element that is not closed
// to the end of the document. At most 1 MiB of the document is shown.
func RedactXML(doc []byte) string { return maskKeys(redactDocument(string(doc), 0)) }

// redactDocument is a lenient scanner instead of an XML parser: a parser gives up
// where a document breaks, and logs are read when documents break.
func redactDocument(doc string, depth int) string {
	if depth > maxNesting {
		return masked
	}
	// NUL bytes come from UTF-16, which hides every name.
	doc = cut(strings.ReplaceAll(doc, "\x00", ""), maxDocument)
	s := &xmlScan{doc: doc, depth: depth}
	s.run()
	return s.edited()
}

// xmlScan walks over a document and notes what to replace.
type xmlScan struct {
	doc   string
	at    int
	depth int
	open  []element
	edits []edit
	// known are secrets seen in this document; they are masked everywhere in it,
	// for panels echo what they were sent.
	known masker
}

// element is one that is open.
type element struct {
	name    string
	content int    // where its content starts
	secret  bool   // its content is secret
	values  []span // contents of its children that hold a value
	named   bool   // a child said that the value is secret
}

// edit replaces a piece of the document.
type edit struct {
	span
	by string
}

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

// markup reads what begins with "<" at s.at.
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
	default:
		s.startTag()
	}
}

// section reads a comment, CDATA or instruction and looks into it.
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

// declaration drops a DOCTYPE: its entities may hold anything.
func (s *xmlScan) declaration() {
	end, brackets := s.at, 0
	for ; end < len(s.doc); end++ {
		switch s.doc[end] {
		case '[':
			brackets++
		case ']':
			brackets--
		}
		if s.doc[end] == '>' && brackets <= 0 {
			break
		}
	}
	from := min(s.at+len("<!"), len(s.doc))
	s.replace(from, end, masked)
	s.at = min(end+1, len(s.doc))
}

func (s *xmlScan) startTag() {
	tag := readTag(s.doc, s.at)
	s.at = tag.end
	if tag.name == "" {
		return // a lone "<"
	}
	if s.inSecret() {
		if !tag.closed {
			s.push(element{name: tag.name, content: tag.end, secret: true})
		}
		return
	}
	e := element{name: tag.name, content: tag.end}
	e.secret = IsSecretField(tag.name) || s.tagNames(tag) && !isContainer(tag)
	if len(s.open) >= maxDepth {
		e.secret = true
	}
	s.attributes(tag)
	if !tag.closed {
		s.push(e)
	}
}

// tagNames tells whether an attribute says that this element is about a secret.
func (s *xmlScan) tagNames(t tag) bool {
	for _, a := range t.attrs {
		if aboutField(a.name) && IsSecretField(html.UnescapeString(a.value(s.doc))) {
			return true
		}
	}
	return false
}

func aboutField(attr string) bool {
	return namesField(attr) || strings.EqualFold(attr, "id") || strings.EqualFold(attr, "object")
}

// isContainer is an element whose content is not the value itself: an error
// about a field keeps its text, only its <param name="value"> is the value.
func isContainer(t tag) bool { return strings.EqualFold(t.name, "error") }

// attributes masks what is secret in a start tag.
func (s *xmlScan) attributes(t tag) {
	about := IsSecretField(t.name) || s.tagNames(t)
	for _, a := range t.attrs {
		value := a.value(s.doc)
		switch {
		case IsSecretField(a.name), about && !descriptive(a.name):
			s.mask(a.start, a.end)
		default:
			s.replace(a.start, a.end, redactValue(value, s.depth))
		}
	}
}

// descriptive attributes never hold the value of what they describe.
func descriptive(attr string) bool {
	switch strings.ToLower(attr) {
	case "name", "type", "crypted", "required", "object", "lang", "level", "code", "intname", "field", "xmlns", "check", "param":
		return true
	}
	return false
}

func (s *xmlScan) endTag() {
	tag := readTag(s.doc, s.at)
	start := s.at
	s.at = tag.end
	for i := len(s.open) - 1; i >= 0; i-- {
		if strings.EqualFold(s.open[i].name, tag.name) {
			for len(s.open) > i {
				s.pop(start)
			}
			return
		}
		if s.open[i].secret && !s.parentSecret(i) {
			return // only its own end tag closes a secret element
		}
	}
}

func (s *xmlScan) inSecret() bool {
	return len(s.open) > 0 && s.open[len(s.open)-1].secret
}

func (s *xmlScan) parentSecret(i int) bool { return i > 0 && s.open[i-1].secret }

func (s *xmlScan) push(e element) { s.open = append(s.open, e) }

// pop closes the innermost element, whose content ends at end.
func (s *xmlScan) pop(end int) {
	e := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	content := span{e.content, max(end, e.content)}
	if e.named {
		for _, v := range e.values {
			s.mask(v.start, v.end)
		}
	}
	if e.secret && !s.inSecret() {
		s.mask(content.start, content.end)
	}
	if len(s.open) == 0 {
		return
	}
	parent := &s.open[len(s.open)-1]
	text := s.doc[content.start:content.end]
	switch {
	case namesField(e.name) && IsSecretField(strings.TrimSpace(html.UnescapeString(text))):
		parent.named = true
	case holdsValue(e.name):
		parent.values = append(parent.values, content)
	}
}

// text looks into character data.
func (s *xmlScan) text(from, to int) {
	if from == to || s.inSecret() {
		return
	}
	s.replace(from, to, redactCharacters(s.doc[from:to], s.depth))
}

// redactCharacters redacts text or an attribute's value, with a document or a
// query in it perhaps.
func redactCharacters(text string, depth int) string {
	plain := html.UnescapeString(text)
	if clean := redactValue(plain, depth); clean != plain {
		return html.EscapeString(clean)
	}
	return text
}

// mask masks a piece and remembers it as a secret of this document.
func (s *xmlScan) mask(from, to int) {
	text := s.doc[from:to]
	if strings.TrimSpace(text) == "" {
		return
	}
	s.edits = append(s.edits, edit{span{from, to}, masked})
	text = strings.TrimSpace(html.UnescapeString(strings.TrimSuffix(strings.TrimPrefix(text, "<![CDATA["), "]]>")))
	if len(text) >= minEcho && !strings.Contains(text, "<") {
		s.known.add(text)
	}
}

// minEcho is the length from which a masked value is looked for elsewhere in the
// same document: shorter ones are words and numbers.
const minEcho = 6

func (s *xmlScan) replace(from, to int, by string) {
	if by != s.doc[from:to] {
		s.edits = append(s.edits, edit{span{from, to}, by})
	}
}
