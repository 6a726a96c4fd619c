package panellog

import (
	"sort"
	"strings"
)

// tag is a start or end tag, as far as it could be read.
type tag struct {
	name   string // local name
	attrs  []attribute
	others []span // what is between the attributes
	end    int    // offset behind ">", or where reading stopped
	closed bool   // <name/>
}

// attribute is the name of an attribute and the position of its value in the document, without quotes.
type attribute struct {
	name       string
	start, end int
}

func (a attribute) value(doc string) string { return doc[a.start:a.end] }

const xmlSpace = " \t\r\n"

// readTag reads the tag at doc[at] == '<'. Unlike an XML parser it accepts blanks before the name, values without quotes,
// and a missing end.
func readTag(doc string, at int) tag {
	at = skip(doc, at+1, xmlSpace+"/")
	end := until(doc, at, xmlSpace+"/><=\"'")
	t := tag{name: local(doc[at:end])}
	other := end
	for at = end; ; {
		at = skip(doc, at, xmlSpace+"\"'=")
		if at >= len(doc) || doc[at] == '<' || doc[at] == '>' {
			break
		}
		if doc[at] == '/' {
			at++
			continue
		}
		start, known := at, len(t.attrs)
		at = t.readAttribute(doc, at)
		if len(t.attrs) > known {
			t.others = append(t.others, span{other, start})
			other = at
		}
	}
	t.others = append(t.others, span{other, at})
	t.end = at
	if at < len(doc) && doc[at] == '>' {
		t.end = at + 1
		t.closed = doc[at-1] == '/'
	}
	return t
}

// quotedEnd returns the end of the value whose opening quote is at the offset: at the next such quote, else at the end of
// the text.
func quotedEnd(doc string, at int) int {
	start := at + 1
	if i := strings.IndexByte(doc[start:], doc[at]); i >= 0 {
		return start + i
	}
	return len(doc)
}

// readAttribute reads name="value" and returns the offset behind it.
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
		// Not XML, so the end of the secret is not known.
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

// skip returns the offset of the first byte from at on that is not in the set.
func skip(doc string, at int, set string) int {
	for at < len(doc) && strings.IndexByte(set, doc[at]) >= 0 {
		at++
	}
	return at
}

// until returns the offset of the first byte from at on that is in the set.
func until(doc string, at int, set string) int {
	for at < len(doc) && strings.IndexByte(set, doc[at]) < 0 {
		at++
	}
	return at
}

// local returns a name without its namespace prefix.
func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }

// edited returns the document with its edits; an outer edit replaces the inner ones. The secrets that were found are masked
// in the rest of the document too.
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
			e.start, by = at, masked // cannot happen: edits do not overlap in part
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
	// A document may contain a hundred thousand others. Of their secrets only the values are searched, which is fast.
	return maskAll(exactSet(s.known), b.String(), false)
}
