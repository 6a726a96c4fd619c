package panellog

import (
	"sort"
	"strings"
)

// tag is a start or end tag as far as it could be read.
type tag struct {
	name   string // local name
	attrs  []attribute
	end    int  // behind ">", or where reading stopped
	closed bool // <name/>
}

// attribute has its value's place in the document, quotes excluded.
type attribute struct {
	name       string
	start, end int
}

func (a attribute) value(doc string) string { return doc[a.start:a.end] }

const xmlSpace = " \t\r\n"

// readTag reads the tag at doc[at] == '<'. It goes on where XML would stop: with
// blanks before the name, without quotes, without the end.
func readTag(doc string, at int) tag {
	at = skip(doc, at+1, xmlSpace+"/")
	end := until(doc, at, xmlSpace+"/><=\"'")
	t := tag{name: local(doc[at:end])}
	for at = end; ; {
		at = skip(doc, at, xmlSpace+"\"'=")
		switch {
		case at >= len(doc) || doc[at] == '<':
			t.end = at
			return t
		case doc[at] == '>':
			t.end = at + 1
			t.closed = doc[at-1] == '/'
			return t
		case doc[at] == '/':
			at++
		default:
			at = t.readAttribute(doc, at)
		}
	}
}

// quotedEnd returns where the value ends whose opening quote is at the offset: at the same quote, else at the end of the
// text.
func quotedEnd(doc string, at int) int {
	start := at + 1
	if i := strings.IndexByte(doc[start:], doc[at]); i >= 0 {
		return start + i
	}
	return len(doc)
}

// readAttribute reads name="value" and returns where it ends.
func (t *tag) readAttribute(doc string, at int) int {
	end := until(doc, at, xmlSpace+"/><=\"'")
	if end == at {
		return at + 1
	}
	name := local(doc[at:end])
	at = skip(doc, end, xmlSpace)
	if at >= len(doc) || doc[at] != '=' {
		return at
	}
	at = skip(doc, at+1, xmlSpace)
	if at < len(doc) && (doc[at] == '"' || doc[at] == '\'') {
		stop := quotedEnd(doc, at)
		t.attrs = append(t.attrs, attribute{name, at + 1, stop})
		return min(stop+1, len(doc))
	}
	if IsSecretField(name) {
		// No XML, so nobody knows where the secret ends.
		t.attrs = append(t.attrs, attribute{name, at, len(doc)})
		return len(doc)
	}
	stop := until(doc, at, xmlSpace+"<>")
	if stop < len(doc) && doc[stop] == '>' && stop > at && doc[stop-1] == '/' {
		stop--
	}
	t.attrs = append(t.attrs, attribute{name, at, stop})
	return stop
}

func skip(doc string, at int, set string) int {
	for at < len(doc) && strings.IndexByte(set, doc[at]) >= 0 {
		at++
	}
	return at
}

func until(doc string, at int, set string) int {
	for at < len(doc) && strings.IndexByte(set, doc[at]) < 0 {
		at++
	}
	return at
}

// local returns a name without its namespace prefix.
func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }

// edited returns the document with its edits made, outer ones before inner ones, and
// with the secrets that were found masked wherever else they stand.
func (s *xmlScan) edited() string {
	sort.SliceStable(s.edits, func(i, j int) bool {
		a, b := s.edits[i], s.edits[j]
		return a.start < b.start || a.start == b.start && a.end > b.end
	})
	var b strings.Builder
	at := 0
	for _, e := range s.edits {
		if e.end <= at {
			continue
		}
		by := e.by
		if e.start < at {
			e.start, by = at, masked // never met: edits lie inside one another or apart
		}
		b.WriteString(s.doc[at:e.start])
		b.WriteString(by)
		at = e.end
	}
	b.WriteString(s.doc[at:])
	if len(s.known) == 0 {
		return maskKeys(b.String())
	}
	if s.depth == 0 {
		return Masker(s.known...)(b.String())
	}
	// A document may hold a hundred thousand others: what they echo is looked for as it is written, not in disguise.
	return maskAll(plainSet(s.known), b.String(), false)
}
