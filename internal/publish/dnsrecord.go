package publish

import (
	"errors"
	"fmt"
	"strings"
)

const (
	// maxLabel is the length of a label in octets (RFC 1035 2.3.4).
	maxLabel = 63
	// maxTTL is in seconds.
	maxTTL = 86400
)

// CheckDNS reports why the record cannot be written into the zone: it is not a CNAME or TXT record, its name is not a label
// with an underscore below a host of the zone, or its value has characters that no seller uses. Publishers call it before
// they send anything, whoever has checked the record before.
func (r Record) CheckDNS(zone string) error {
	switch {
	case r.Type != CNAME && r.Type != TXT:
		return fmt.Errorf("%q is not a kind of DNS record that challenges use", string(r.Type))
	case !IsHostName(zone):
		return fmt.Errorf("the zone's name %q is not a host name", zone)
	case !IsHostName(r.Name):
		return fmt.Errorf("the record's name %q is not a host name", r.Name)
	case !Below(r.Name, zone):
		return fmt.Errorf("%s is not below the zone %s", r.Name, zone)
	case !strings.HasPrefix(r.Name, "_"):
		return fmt.Errorf("%s does not begin with an underscore: challenges have a label of their own", r.Name)
	case r.TTL < 0 || r.TTL > maxTTL:
		return fmt.Errorf("a TTL of %d seconds is not possible", r.TTL)
	}
	if r.Type == TXT && strings.ContainsAny(r.Value, `"\`) {
		return errors.New("the TXT record's text has quotes or backslashes, which servers and panels write in different ways")
	}
	return r.checkValue()
}

// HostIn returns the host that the record is a challenge for: its name without the labels in front that begin with an
// underscore. It is the zone's name or a name below it if the record's name is.
func (r Record) HostIn(zone string) string {
	host := r.Name
	for strings.HasPrefix(host, "_") && host != zone {
		_, host, _ = strings.Cut(host, ".")
	}
	return host
}

// ParentsOf returns the names above the name up to the zone, the nearest first: for a.b.example.com in the zone example.com
// b.example.com and example.com, for the zone itself none.
func ParentsOf(name, zone string) []string {
	var parents []string
	for Below(name, zone) {
		_, name, _ = strings.Cut(name, ".")
		parents = append(parents, name)
	}
	return parents
}

// Below reports whether a name lies below a zone; the zone's own name does not.
func Below(name, zone string) bool { return strings.HasSuffix(name, "."+zone) }

// IsHostName reports whether a text is a name of letters in lower case, digits, hyphens and underscores, without a final dot.
func IsHostName(name string) bool {
	if name == "" || len(name) > maxHost {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel || strings.ContainsFunc(label, notInHostNames) {
			return false
		}
	}
	return true
}

func notInHostNames(c rune) bool {
	return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_'
}
