package panellog

import "bytes"

// patternTree holds patterns as a tree: those with the same beginning share the nodes of it. So a search takes as many steps for
// thousands of private keys that begin with the same bytes as for one.
type patternTree struct {
	root patternNode
	// starts has a bit for the first two bytes of each pattern: it excludes most offsets of a text quickly.
	starts [64]uint64
}

// startBit returns the position of two bytes in patternTree.starts.
func startBit(first, second byte) (word int, bit uint64) { return int(first & 63), 1 << (second & 63) }

// mayStart reports whether a pattern may begin with the two bytes.
func (t *patternTree) mayStart(first, second byte) bool {
	word, bit := startBit(first, second)
	return t.starts[word]&bit != 0
}

// patternNode is a node of the tree.
type patternNode struct {
	label  string         // the bytes between the parent and the node
	firsts []byte         // first byte of each child's label
	next   []*patternNode // the children
	ends   bool           // a pattern ends here
	cut    bool           // the beginning of a pattern that passes here is masked where a text was cut
}

// add adds a pattern; cut says whether its beginning counts where a text was cut.
func (t *patternTree) add(text string, cut bool) {
	if len(text) > 1 {
		word, bit := startBit(text[0], text[1])
		t.starts[word] |= bit
	}
	for n := &t.root; ; {
		n.cut = n.cut || cut
		if text == "" {
			n.ends = true
			return
		}
		i := bytes.IndexByte(n.firsts, text[0])
		if i < 0 {
			n.firsts = append(n.firsts, text[0])
			n.next = append(n.next, &patternNode{label: text, ends: true, cut: cut})
			return
		}
		child := n.next[i]
		if same := commonPrefix(child.label, text); same < len(child.label) {
			child = child.split(same)
			n.next[i] = child
		}
		n, text = child, text[len(child.label):]
	}
}

// split cuts the label of a node and returns the new node for its beginning.
func (n *patternNode) split(at int) *patternNode {
	upper := &patternNode{label: n.label[:at], firsts: []byte{n.label[at]}, next: []*patternNode{n}, cut: n.cut}
	n.label = n.label[at:]
	return upper
}

// commonPrefix returns the number of bytes that the beginnings of the two texts share.
func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
