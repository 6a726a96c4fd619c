package crl

import (
	"crypto/x509"
	"time"
)

// The limits that tests name.
const (
	MaxList     = maxList
	MaxLists    = maxLists
	MaxKept     = maxKept
	FetchAgain  = fetchAgain
	RetryAfter  = retryAfter
	ClockSkew   = clockSkew
	CopySuffix  = copySuffix
	IndexName   = indexName
	EntriesRead = chunk
)

// SetFetchTime shortens the time of one fetch.
func (s *Store) SetFetchTime(d time.Duration) { s.fetchTime = d }

// Name returns the name of the copy of a query's list.
func (q Query) Name() string { return q.name() }

// ReadEntries reads a list as the package does, for the fuzz target. It returns the header and all entries.
func ReadEntries(der []byte) (*x509.RevocationList, []x509.RevocationListEntry, error) {
	parts, err := split(der)
	if err != nil {
		return nil, nil, err
	}
	list, err := parts.header()
	if err != nil {
		return nil, nil, err
	}
	var all []x509.RevocationListEntry
	err = parts.eachEntry(func(e x509.RevocationListEntry) error {
		all = append(all, e)
		return nil
	})
	return list, all, err
}

// Repeat returns the list with its entries repeated until they have so many bytes, without a valid signature, and calls f for
// each of its entries.
func Repeat(der []byte, size int, f func()) (entries int, err error) {
	parts, err := split(der)
	if err != nil {
		return 0, err
	}
	one := parts.entries
	for parts.entries = make([]byte, 0, size+len(one)); len(parts.entries) < size; {
		parts.entries = append(parts.entries, one...)
	}
	err = parts.eachEntry(func(x509.RevocationListEntry) error {
		entries++
		f()
		return nil
	})
	return entries, err
}

// ReadIndex reads the file with what is known about lists, and returns how many there are.
func ReadIndex(folder string, now time.Time) (int, error) {
	f, err := openFolder(folder, true)
	if err != nil {
		return 0, err
	}
	if f.root != nil {
		defer f.root.Close()
	}
	lists, err := f.readIndex(now)
	return len(lists), err
}
