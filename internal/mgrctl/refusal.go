package mgrctl

import "strings"

// Refusal is an error of the panel in the text form: its type, and the object and the value that it is about, where it has them.
type Refusal struct{ Kind, Object, Value string }

// ParseRefusal reads the error that mgrctl prints to its standard error in place of a document:
// `ERROR Error: Type: 'client' Object: 'open' Value: 'billmgr'`. It returns false if the text has none.
func ParseRefusal(stderr string) (Refusal, bool) {
	_, rest, found := strings.Cut(stderr, "Error: Type: '")
	if !found {
		return Refusal{}, false
	}
	var r Refusal
	r.Kind, rest, _ = strings.Cut(rest, "'")
	if _, after, ok := strings.Cut(rest, "Object: '"); ok {
		r.Object, rest, _ = strings.Cut(after, "'")
	}
	if _, after, ok := strings.Cut(rest, "Value: '"); ok {
		r.Value, _, _ = strings.Cut(after, "'")
	}
	return r, true
}
