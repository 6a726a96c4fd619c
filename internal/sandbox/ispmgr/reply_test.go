package ispmgr_test

import (
	"encoding/xml"
	"strings"
)

// reply is what came back over HTTP.
type reply struct {
	status int
	kind   string
	body   string
	root   xmlNode
}

// xmlNode is any element.
type xmlNode struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []xmlNode  `xml:",any"`
	Text     string     `xml:",chardata"`
}

// all finds the elements under a path of names, below the node.
func (n xmlNode) all(path ...string) []xmlNode {
	if len(path) == 0 {
		return []xmlNode{n}
	}
	var found []xmlNode
	for _, child := range n.Children {
		if child.XMLName.Local == path[0] {
			found = append(found, child.all(path[1:]...)...)
		}
	}
	return found
}

func (n xmlNode) first(path ...string) xmlNode {
	if found := n.all(path...); len(found) > 0 {
		return found[0]
	}
	return xmlNode{}
}

func (n xmlNode) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (n xmlNode) text(path ...string) string { return strings.TrimSpace(n.first(path...).Text) }

// keys are those of an slist.
func (n xmlNode) keys(name string) []string {
	var keys []string
	for _, list := range n.all("slist") {
		if list.attr("name") == name {
			for _, value := range list.all("val") {
				keys = append(keys, value.attr("key"))
			}
		}
	}
	return keys
}

// problem is "type object" of the error, "" where there is none.
func (r reply) problem() string {
	e := r.root.first("error")
	return strings.TrimSpace(e.attr("type") + " " + e.attr("object"))
}
