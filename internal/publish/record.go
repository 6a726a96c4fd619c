package publish

import (
	"net/url"
	"strings"
)

// Type is the kind of a record.
type Type string

// The kinds of records that sellers ask for.
const (
	CNAME Type = "CNAME"
	TXT   Type = "TXT"
	File  Type = "file" // served by HTTP below a fixed path, not a DNS record
)

// Record is one challenge. Host names are A-labels in lower case without a final dot. The JSON form is part of the item
// parameter challenges_published (rules PARAM).
type Record struct {
	// Domain is the certificate's name that the challenge is for, without "*.".
	Domain string `json:"domain"`
	Type   Type   `json:"type"`
	// Name is the record's full name (_5d41.example.com); for a file the host that serves it.
	Name string `json:"name"`
	// Path is where a file is served, from the first slash on; empty for DNS records.
	Path string `json:"path,omitempty"`
	// Value is a CNAME's target without a final dot, a TXT record's text, or a file's whole content.
	Value string `json:"value"`
	// TTL is in seconds, 0 for the publisher's own. Not used for files.
	TTL int `json:"ttl,omitempty"`
}

// Same reports whether two records are the same challenge: the TTL does not count, nor the case of a CNAME's target, which
// servers may lower (docs/reference/unattended.md §2).
func (r Record) Same(other Record) bool {
	if r.Type != other.Type || !strings.EqualFold(r.Name, other.Name) || r.Path != other.Path {
		return false
	}
	return SameValue(r.Type, r.Value, other.Value)
}

// SameValue compares two values of a kind of record: targets of CNAMEs without case and without a final dot, the rest
// byte by byte.
func SameValue(kind Type, a, b string) bool {
	if kind == CNAME {
		return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
	}
	return a == b
}

// SamePlace reports whether two records stand in the same place, whatever their values are.
func (r Record) SamePlace(other Record) bool {
	return r.Type == other.Type && strings.EqualFold(r.Name, other.Name) && r.Path == other.Path
}

// String returns the record in one line for logs: name, type and value, of a file its URL.
func (r Record) String() string {
	if r.Type == File {
		return "http://" + r.Name + r.Path
	}
	return r.Name + " " + string(r.Type) + " " + r.Value
}

// DNSRecord returns the record of a seller's words for one: name and target without final dots, in lower case but for the
// text of a TXT record.
func DNSRecord(name, kind, value string) Record {
	r := Record{Type: Type(strings.ToUpper(kind)), Name: hostName(name), Value: value}
	if r.Type == CNAME {
		r.Value = hostName(value)
	}
	return r
}

// FileRecord returns the record of a file that is to be found at the URL; its Name is empty if that is not a URL of the form
// http://HOST/PATH.
func FileRecord(address, body string) Record {
	r := Record{Type: File, Value: body}
	if u, err := url.Parse(address); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.RawQuery == "" && u.Port() == "" {
		r.Name, r.Path = hostName(u.Hostname()), u.Path
	}
	return r
}

func hostName(name string) string {
	return strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
}
