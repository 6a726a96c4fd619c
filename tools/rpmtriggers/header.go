package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Tags of an .rpm (rpm's documentation, "RPM Package Format" and "Tags").
const (
	regionSignatures = 62 // region of the signature header
	regionImmutable  = 63 // region of the main header

	sigDSA, sigRSA    = 267, 268
	sigSHA1           = 269
	sigSHA256         = 273
	sigSize           = 1000 // bytes of header and payload
	sigPGP, sigGPG    = 1002, 1005
	sigMD5            = 1004
	triggerScripts    = 5076
	triggerPrograms   = 5077
	triggerNames      = 5079
	triggerIndexes    = 5080
	triggerVersions   = 5081
	triggerFlags      = 5082
	triggerPriorities = 5085

	senseTriggerIn     = 1 << 16
	senseTriggerPostun = 1 << 18
	defaultPriority    = 1000000
)

// Types of the values of a header.
const (
	typeInt16       = 3
	typeInt32       = 4
	typeInt64       = 5
	typeString      = 6
	typeBinary      = 7
	typeStringArray = 8
	typeI18N        = 9
)

const (
	leadSize  = 96
	entrySize = 16
	maxHeader = 64 << 20 // bytes; a header of this project has a few thousand
)

func headerMagic() []byte { return []byte{0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0} }

// entry is one tag of a header with its value in the form of the file.
type entry struct {
	tag, kind, count int32
	data             []byte
}

// withTrigger returns the package with a script that rpm runs at the end of each transaction that installs or removes files
// whose path begins with one of the prefixes. The payload stays; the digests are made again. A package that is signed, or that
// has such a trigger already, is an error.
func withTrigger(raw []byte, script string, prefixes []string) ([]byte, error) {
	if len(raw) < leadSize || !bytes.HasPrefix(raw, []byte{0xed, 0xab, 0xee, 0xdb}) {
		return nil, errors.New("not an .rpm")
	}
	signatures, length, err := parse(raw[leadSize:], regionSignatures)
	if err != nil {
		return nil, fmt.Errorf("signature header: %w", err)
	}
	start := leadSize + (length+7)/8*8
	if start > len(raw) {
		return nil, errors.New("signature header: not complete")
	}
	header, length, err := parse(raw[start:], regionImmutable)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	payload := raw[start+length:]
	if slices.ContainsFunc(header, func(e entry) bool { return e.tag == triggerScripts }) {
		return nil, errors.New("it has a transaction file trigger already")
	}
	rebuilt := serialize(append(header, trigger(script, prefixes)...), regionImmutable)
	if signatures, err = resigned(signatures, rebuilt, len(payload)); err != nil {
		return nil, err
	}
	out := append(bytes.Clone(raw[:leadSize]), serialize(signatures, regionSignatures)...)
	out = append(out, make([]byte, (8-(len(out)-leadSize)%8)%8)...)
	return append(append(out, rebuilt...), payload...), nil
}

// trigger returns the tags of two triggers with the same script: files installed, files removed. rpmbuild writes one row for
// each pair of trigger and prefix.
func trigger(script string, prefixes []string) []entry {
	var names, versions []string
	var indexes, flags []int32
	for _, prefix := range prefixes {
		for i, flag := range []int32{senseTriggerIn, senseTriggerPostun} {
			names, versions = append(names, prefix), append(versions, "")
			indexes, flags = append(indexes, int32(i)), append(flags, flag)
		}
	}
	return []entry{
		texts(triggerScripts, script, script),
		texts(triggerPrograms, "/bin/sh", "/bin/sh"),
		texts(triggerNames, names...),
		numbers(triggerIndexes, indexes...),
		texts(triggerVersions, versions...),
		numbers(triggerFlags, flags...),
		numbers(triggerPriorities, defaultPriority, defaultPriority),
	}
}

func texts(tag int32, values ...string) entry {
	var data []byte
	for _, value := range values {
		data = append(append(data, value...), 0)
	}
	return entry{tag, typeStringArray, int32(len(values)), data}
}

func numbers(tag int32, values ...int32) entry {
	var data []byte
	for _, value := range values {
		data = binary.BigEndian.AppendUint32(data, uint32(value))
	}
	return entry{tag, typeInt32, int32(len(values)), data}
}

// resigned returns the signature header for another main header, with its own size and SHA-256. Older digests are left out, as
// nfpm does. A package that is signed is an error: the key is not here.
func resigned(signatures []entry, header []byte, payload int) ([]entry, error) {
	var out []entry
	for _, e := range signatures {
		switch e.tag {
		case sigDSA, sigRSA, sigPGP, sigGPG:
			return nil, errors.New("it is signed; add the trigger before signing")
		case sigMD5, sigSHA1:
		case sigSHA256:
			out = append(out, entry{e.tag, typeString, 1, append(fmt.Appendf(nil, "%x", sha256.Sum256(header)), 0)})
		case sigSize:
			out = append(out, numbers(e.tag, int32(len(header)+payload)))
		default:
			out = append(out, e)
		}
	}
	return out, nil
}

// parse reads a header: its tags without the region, and its length in bytes.
func parse(raw []byte, region int32) ([]entry, int, error) {
	const preamble = 16
	if len(raw) < preamble || !bytes.HasPrefix(raw, headerMagic()) {
		return nil, 0, errors.New("no header")
	}
	count, size := binary.BigEndian.Uint32(raw[8:]), binary.BigEndian.Uint32(raw[12:])
	if count > maxHeader/entrySize || size > maxHeader || preamble+int(count)*entrySize+int(size) > len(raw) {
		return nil, 0, errors.New("not complete")
	}
	store := raw[preamble+int(count)*entrySize:][:size]
	var entries []entry
	for i := range int(count) {
		word := func(n int) int32 {
			return int32(binary.BigEndian.Uint32(raw[preamble+i*entrySize+4*n:]))
		}
		e, offset := entry{tag: word(0), kind: word(1), count: word(3)}, word(2)
		if e.tag == region {
			continue
		}
		if offset < 0 || int(offset) > len(store) || e.count < 0 {
			return nil, 0, fmt.Errorf("tag %d: its value is outside of the header", e.tag)
		}
		length, err := valueLength(e, store[offset:])
		if err != nil {
			return nil, 0, fmt.Errorf("tag %d: %w", e.tag, err)
		}
		e.data = store[offset:][:length]
		entries = append(entries, e)
	}
	return entries, preamble + int(count)*entrySize + int(size), nil
}

// valueLength returns how many bytes of the store are the value of a tag.
func valueLength(e entry, store []byte) (int, error) {
	switch e.kind {
	case typeString, typeStringArray, typeI18N:
		length := 0
		for range e.count {
			end := bytes.IndexByte(store[length:], 0)
			if end < 0 {
				return 0, errors.New("its text has no end")
			}
			length += end + 1
		}
		return length, nil
	}
	length := int64(e.count) * int64(alignment(e.kind))
	if length > int64(len(store)) {
		return 0, errors.New("its value is not complete")
	}
	return int(length), nil
}

// alignment returns the size of one integer of a type, which is also its alignment in the store; 1 for all other types.
func alignment(kind int32) int {
	switch kind {
	case typeInt16:
		return 2
	case typeInt32:
		return 4
	case typeInt64:
		return 8
	}
	return 1
}

// serialize writes a header: the tags in ascending order, with the region's tag first and its trailer last.
func serialize(entries []entry, region int32) []byte {
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b entry) int { return int(a.tag) - int(b.tag) })
	var index, store []byte
	row := func(values ...int32) []byte {
		var out []byte
		for _, value := range values {
			out = binary.BigEndian.AppendUint32(out, uint32(value))
		}
		return out
	}
	for _, e := range entries {
		for len(store)%alignment(e.kind) != 0 {
			store = append(store, 0)
		}
		index = append(index, row(e.tag, e.kind, int32(len(store)), e.count)...)
		store = append(store, e.data...)
	}
	rows := int32(len(entries) + 1)
	first := row(region, typeBinary, int32(len(store)), entrySize)
	store = append(store, row(region, typeBinary, -rows*entrySize, entrySize)...)
	out := append(headerMagic(), row(rows, int32(len(store)))...)
	return append(append(append(out, first...), index...), store...)
}
