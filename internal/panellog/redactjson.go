package panellog

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// jsonScan reads a valid JSON document and collects the edits.
type jsonScan struct {
	*xmlScan
	dec *json.Decoder
	end int // end of the last token
}

// jsonValue is the position of a value in the document, with its quotes.
type jsonValue struct {
	span
	text   string // the content of a string
	quoted bool
}

// startsJSON reports whether a text begins as a JSON object or list.
func startsJSON(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n\ufeff")
	return text != "" && (text[0] == '{' || text[0] == '[') && strings.Contains(text, `"`)
}

// redactJSON masks the values of secret names, and values that belong to a secret name ({"name": "password", "value": …}).
func redactJSON(doc string, depth int) string {
	start := len(doc) - len(strings.TrimLeft(doc, " \t\r\n\ufeff"))
	s := &jsonScan{xmlScan: &xmlScan{doc: doc, depth: depth}, dec: json.NewDecoder(strings.NewReader(doc[start:]))}
	s.dec.UseNumber()
	if _, ok := s.value(start, 0); !ok {
		return masked // nested too deep, or not JSON after all
	}
	return s.edited()
}

// token reads the next token and returns its position.
func (s *jsonScan) token(base int) (token json.Token, at span, ok bool) {
	from := skip(s.doc, base+s.end, " \t\r\n:,")
	token, err := s.dec.Token()
	if err != nil {
		return nil, span{}, false
	}
	s.end = int(s.dec.InputOffset())
	return token, span{from, base + s.end}, true
}

// value reads one value with its content and redacts strings in it.
func (s *jsonScan) value(base, depth int) (jsonValue, bool) {
	token, at, ok := s.token(base)
	if !ok || depth > maxDepth {
		return jsonValue{}, false
	}
	v := jsonValue{span: at}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			ok = s.object(base, depth)
		} else {
			ok = s.list(base, depth)
		}
		v.end = base + s.end
	case string:
		v.text, v.quoted = token, true
	}
	return v, ok
}

// list reads the rest of a list and redacts its values.
func (s *jsonScan) list(base, depth int) bool {
	for s.dec.More() {
		v, ok := s.value(base, depth+1)
		if !ok {
			return false
		}
		s.clean(v)
	}
	_, _, ok := s.token(base)
	return ok
}

// object reads the rest of an object and masks or redacts its values.
func (s *jsonScan) object(base, depth int) bool {
	var c call
	var names []string
	var values []jsonValue
	for s.dec.More() {
		name, _, ok := s.token(base)
		if !ok {
			return false
		}
		v, ok := s.value(base, depth+1)
		if !ok {
			return false
		}
		text, _ := name.(string)
		names, values = append(names, text), append(values, v)
		c.observe(text, v.text)
	}
	for i, v := range values {
		switch {
		case !c.secret(names[i]):
			s.clean(v)
		case v.quoted:
			s.mask(v.start+1, v.end-1, v.text)
		default:
			s.mask(v.start, v.end, jsonTexts(s.doc[v.start:v.end])...)
		}
	}
	_, _, ok := s.token(base)
	return ok
}

// jsonTexts returns the texts of a secret that is not a string: a number, or a list or object as it is and the strings in it that
// are long enough to be secrets of their own.
func jsonTexts(doc string) []string {
	if len(doc) > maxEcho {
		return nil
	}
	var value any
	if err := json.Unmarshal([]byte(doc), &value); err != nil {
		return nil
	}
	switch value.(type) {
	case float64:
		return []string{doc}
	case []any, map[string]any:
		if texts := stringsIn(nil, value); len(texts) > 0 {
			return append(texts, doc)
		}
	}
	return nil
}

// stringsIn appends the strings in a value that have minFolded bytes.
func stringsIn(found []string, value any) []string {
	switch value := value.(type) {
	case string:
		if len(value) >= minFolded {
			found = append(found, value)
		}
	case []any:
		for _, v := range value {
			found = stringsIn(found, v)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			found = stringsIn(found, value[name])
		}
	}
	return found
}

// clean redacts a string that is not secret as a whole.
func (s *jsonScan) clean(v jsonValue) {
	if !v.quoted {
		return
	}
	if clean := redactValue(v.text, s.depth+1); clean != v.text {
		if quoted, err := json.Marshal(clean); err == nil {
			s.replace(v.start, v.end, string(quoted))
		}
	}
}
