package nameserver

import (
	"encoding/binary"
	"strings"
)

// Constants of RFC 1035 4.1: length and bits of the header, response codes, limits of names.
const (
	header = 12

	flagResponse           = 1 << 15
	flagRecursionDesired   = 1 << 8
	flagRecursionAvailable = 1 << 7
	codeFormatError        = 1
	codeNameError          = 3

	classIN = 1
	typeCAA = 257 // RFC 8659 7
	ttl     = 60  // time to live of a record, in seconds

	longestLabel = 63
	// firstQuestion is a pointer to the name of the first question (4.1.4).
	firstQuestion = 0xC000 | header
)

// answer returns the message that answers a query, or nil if the packet is not a query.
func (s *Server) answer(query []byte) []byte {
	if len(query) < header || binary.BigEndian.Uint16(query[2:])&flagResponse != 0 {
		return nil
	}
	reply := make([]byte, header)
	copy(reply, query[:2])
	flags := binary.BigEndian.Uint16(query[2:])&flagRecursionDesired | flagResponse | flagRecursionAvailable
	name, rest, ok := readName(query[header:])
	if !ok || len(rest) < 4 || binary.BigEndian.Uint16(query[4:]) != 1 {
		binary.BigEndian.PutUint16(reply[2:], flags|codeFormatError)
		return reply
	}
	kind := binary.BigEndian.Uint16(rest)
	reply = append(reply, query[header:len(query)-len(rest)+4]...)
	binary.BigEndian.PutUint16(reply[4:], 1)
	properties, exists := s.lookUp(strings.ToLower(name))
	switch {
	case !exists:
		flags |= codeNameError
	case kind == typeCAA:
		binary.BigEndian.PutUint16(reply[6:], uint16(len(properties)))
		for _, one := range properties {
			reply = appendCAA(reply, one)
		}
	}
	binary.BigEndian.PutUint16(reply[2:], flags)
	return reply
}

// readName reads an uncompressed name, as questions have it.
func readName(wire []byte) (name string, rest []byte, ok bool) {
	var labels []string
	for len(wire) > 0 {
		length := int(wire[0])
		if length == 0 {
			return strings.Join(labels, "."), wire[1:], true
		}
		if length > longestLabel || len(wire) <= length {
			return "", nil, false
		}
		labels = append(labels, string(wire[1:1+length]))
		wire = wire[1+length:]
	}
	return "", nil, false
}

// appendCAA appends a CAA record for the name of the question (RFC 8659 4.1).
func appendCAA(reply []byte, p property) []byte {
	data := append([]byte{0, byte(len(p.tag))}, p.tag+p.value...)
	reply = binary.BigEndian.AppendUint16(reply, firstQuestion)
	reply = binary.BigEndian.AppendUint16(reply, typeCAA)
	reply = binary.BigEndian.AppendUint16(reply, classIN)
	reply = binary.BigEndian.AppendUint32(reply, ttl)
	reply = binary.BigEndian.AppendUint16(reply, uint16(len(data)))
	return append(reply, data...)
}
