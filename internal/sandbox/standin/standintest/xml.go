// Package standintest holds what the tests of the stand-in sellers have in common: reading answers,
// comparing them with fixtures, making keys and requests.
package standintest

import (
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Node is any element.
type Node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []Node     `xml:",any"`
	Chars    string     `xml:",chardata"`
}

// Read returns the body of an answer and, if it is XML, its root element.
func Read(t *testing.T, answer *http.Response) (body string, root Node) {
	t.Helper()
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	if strings.HasPrefix(string(content), "<?xml") {
		require.NoError(t, xml.Unmarshal(content, &root), string(content))
	}
	return string(content), root
}

// All finds the elements under a path of names, below the node.
func (n Node) All(path ...string) []Node {
	if len(path) == 0 {
		return []Node{n}
	}
	var found []Node
	for _, child := range n.Children {
		if child.XMLName.Local == path[0] {
			found = append(found, child.All(path[1:]...)...)
		}
	}
	return found
}

// First returns the first element of All, or an empty node if there is none.
func (n Node) First(path ...string) Node {
	if found := n.All(path...); len(found) > 0 {
		return found[0]
	}
	return Node{}
}

// Has reports whether the element has an attribute.
func (n Node) Has(name string) bool {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return true
		}
	}
	return false
}

// Attr returns the value of an attribute, or "" if there is none.
func (n Node) Attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// Text returns the text of the first element under a path, without blanks around it.
func (n Node) Text(path ...string) string { return strings.TrimSpace(n.First(path...).Chars) }
