package pki

import (
	"bytes"
	"errors"
	"slices"
)

// maxBERDepth is how deep the elements of a PKCS #7 bundle may be nested; real ones have fewer than 15 levels.
const maxBERDepth = 32

// Identifier octets (X.690 8.1.2).
const (
	tagSequence = 0x30
	tagSet      = 0x31
	tagContext0 = 0xa0 // [0], constructed
)

// element is one BER element (X.690 8.1).
type element struct {
	tag     byte   // its first byte
	content []byte // without the two zero bytes that end an indefinite length
	full    []byte // header and content
}

// readElement reads the element at the start of raw and returns what follows it.
func readElement(raw []byte) (element, []byte, error) {
	rest, err := skipElement(raw, 0)
	if err != nil {
		return element{}, nil, err
	}
	h, err := readHeader(raw)
	if err != nil {
		return element{}, nil, err
	}
	e := element{tag: raw[0], full: raw[:len(raw)-len(rest)], content: h.rest[:len(h.rest)-len(rest)]}
	if h.indefinite {
		e.content = e.content[:len(e.content)-2]
	}
	return e, rest, nil
}

// children returns the elements that the element holds.
func (e element) children() ([]element, error) {
	var all []element
	for rest := e.content; len(rest) > 0; {
		var child element
		var err error
		if child, rest, err = readElement(rest); err != nil {
			return nil, err
		}
		all = append(all, child)
	}
	return all, nil
}

// canonical reports whether every length in the element is encoded as DER requires (X.690 10.1).
func canonical(e element) bool {
	const severalBytes = 0x1f
	if e.tag&severalBytes == severalBytes || !bytes.Equal(e.full, encode(e.tag, e.content)) {
		return false
	}
	if e.tag&0x20 == 0 {
		return true
	}
	parts, err := e.children()
	return err == nil && !slices.ContainsFunc(parts, func(part element) bool { return !canonical(part) })
}

// checkBER walks once through one BER element (X.690 8.1) and all that it contains. It refuses elements that are not
// properly nested before anything of them is read.
func checkBER(raw []byte) error {
	rest, err := skipElement(raw, 0)
	if err == nil && len(rest) > 0 {
		err = errors.New("something follows the outermost element")
	}
	return err
}

// skipElement checks the element at the start of raw and returns what follows it.
func skipElement(raw []byte, depth int) ([]byte, error) {
	if depth > maxBERDepth {
		return nil, errors.New("elements are nested too deep")
	}
	h, err := readHeader(raw)
	switch {
	case err != nil:
		return nil, err
	case h.indefinite:
		return skipUntilEnd(h.rest, depth)
	case h.constructed:
		for content := h.rest[:h.length]; len(content) > 0; {
			if content, err = skipElement(content, depth+1); err != nil {
				return nil, err
			}
		}
	}
	return h.rest[h.length:], nil
}

// skipUntilEnd checks the content of an element of indefinite length, up to its two zero bytes. It expects at least one
// element, as the parser that reads the content afterwards.
func skipUntilEnd(raw []byte, depth int) ([]byte, error) {
	for {
		var err error
		if raw, err = skipElement(raw, depth+1); err != nil {
			return nil, err
		}
		if len(raw) < 2 {
			return nil, errors.New("an element of indefinite length does not end")
		}
		if raw[0] == 0 && raw[1] == 0 {
			return raw[2:], nil
		}
	}
}

// header is the tag and length of one element.
type header struct {
	constructed bool
	indefinite  bool
	length      int    // of the content, 0 where indefinite
	rest        []byte // what follows the header, at least length bytes
}

func readHeader(raw []byte) (header, error) {
	if len(raw) < 2 {
		return header{}, errors.New("an element is cut short")
	}
	h := header{constructed: raw[0]&0x20 != 0, rest: raw[2:]}
	if raw[0]&0x1f == 0x1f { // a tag of several bytes, all but its last with the top bit set
		end := slices.IndexFunc(raw[1:], func(b byte) bool { return b < 0x80 })
		if raw = raw[1+max(end, 0):]; end < 0 || len(raw) < 2 {
			return header{}, errors.New("an element is cut short")
		}
		h.rest = raw[2:]
	}
	switch first := raw[1]; {
	case first == 0x80:
		h.indefinite = true
		if !h.constructed {
			return header{}, errors.New("a primitive element has indefinite length")
		}
	case first < 0x80:
		h.length = int(first)
	default:
		size := int(first & 0x7f)
		if size > 3 || size > len(h.rest) {
			return header{}, errors.New("an element is longer than the bundle")
		}
		for _, b := range h.rest[:size] {
			h.length = h.length<<8 | int(b)
		}
		h.rest = h.rest[size:]
	}
	if h.length > len(h.rest) {
		return header{}, errors.New("an element is longer than what holds it")
	}
	return h, nil
}
