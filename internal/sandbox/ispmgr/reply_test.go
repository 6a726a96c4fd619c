package ispmgr_test

import (
	"strings"

	"pmssl/internal/sandbox/standin/standintest"
)

// reply is an answer over HTTP.
type reply struct {
	status int
	kind   string
	body   string
	root   standintest.Node
}

// keysOf returns the keys of an slist of a form.
func keysOf(n standintest.Node, name string) []string {
	var keys []string
	for _, list := range n.All("slist") {
		if list.Attr("name") == name {
			for _, value := range list.All("val") {
				keys = append(keys, value.Attr("key"))
			}
		}
	}
	return keys
}

// problem returns "type object" of the error, or "" if there is none.
func (r reply) problem() string {
	e := r.root.First("error")
	return strings.TrimSpace(e.Attr("type") + " " + e.Attr("object"))
}
