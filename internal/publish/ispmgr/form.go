package ispmgr

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"pmssl/internal/ispapi"
	"pmssl/internal/publish"
)

// slowTTL is in seconds; panels that refuse a shorter one take it.
const slowTTL = 300

// form is the panel's form of a record.
type form struct{ ispapi.Form }

// target returns the field that holds the value of a kind of record.
func target(kind publish.Type) string {
	if kind == publish.CNAME {
		return "domain"
	}
	return "value"
}

// fill returns the parameters of a submission that writes the change's record in place of the former one, which is empty for a new
// record. What the form does not show as expected is an error, and nothing is submitted then.
func (f form) fill(c change, former standingRecord) (url.Values, error) {
	for _, name := range []string{"name", "ttl", "rtype", target(c.record.Type)} {
		if !f.Has(name) {
			return nil, fmt.Errorf("the form has no field %s: the module does not know this form and fills in nothing", name)
		}
	}
	if err := f.expected(c, former); err != nil {
		return nil, err
	}
	kind, err := f.kind(c.record.Type)
	if err != nil {
		return nil, err
	}
	ttl, err := f.ttl(c.record.TTL)
	if err != nil {
		return nil, err
	}
	value := c.record.Value
	if c.record.Type == publish.CNAME {
		value = strings.TrimSuffix(value, ".") + "."
	}
	sent := url.Values{
		"plid": {c.key}, "elid": {former.key}, "name": {c.record.Name + "."}, "ttl": {ttl}, "rtype": {kind}, target(c.record.Type): {value}, "sok": {"ok"},
	}
	return sent, f.Complete(sent, otherTypes)
}

// expected reports by nil that the form is for the zone and shows the former record.
func (f form) expected(c change, former standingRecord) error {
	if shows := f.Values["plid"]; shows != "" && shows != c.key && absoluteName(shows+".", c.zone) != c.zone {
		return fmt.Errorf("the form is for the zone %s", ispapi.Shown(shows))
	}
	if shows := f.Values["elid"]; shows != "" && shows != former.key {
		return fmt.Errorf("the form is for the record %s", ispapi.Shown(shows))
	}
	if former.key == "" {
		return nil
	}
	value := plainText(f.Values[target(c.record.Type)])
	if absoluteName(f.Values["name"], c.zone) != former.name || kindOf(f.Values["rtype"]) != former.kind || !c.sameValue(value, former.value) {
		return fmt.Errorf("the form of %s shows another record: %s %s %s", ispapi.Shown(former.key), ispapi.Shown(f.Values["name"]), ispapi.Shown(f.Values["rtype"]), ispapi.Shown(value))
	}
	return nil
}

// kind returns the key by which the form offers a type.
func (f form) kind(kind publish.Type) (string, error) {
	offered, listed := f.Choices["rtype"]
	if !listed {
		return strings.ToLower(string(kind)), nil
	}
	for _, key := range offered {
		if strings.EqualFold(key, string(kind)) {
			return key, nil
		}
	}
	return "", fmt.Errorf("%w: the form does not offer records of the type %s, only %s", publish.ErrDenied, kind, ispapi.Shown(strings.Join(offered, ", ")))
}

// ttl returns the wanted TTL if the form offers it; where it offers others, 300 seconds or else the shortest.
func (f form) ttl(wanted int) (string, error) {
	offered, listed := f.Choices["ttl"]
	best := -1
	for _, key := range offered {
		n, err := strconv.Atoi(key)
		switch {
		case err != nil || n <= 0:
		case n == wanted:
			return key, nil
		case best < 0, n == slowTTL, n < best && best != slowTTL:
			best = n
		}
	}
	switch {
	case !listed:
		return strconv.Itoa(wanted), nil
	case best < 0:
		return "", fmt.Errorf("the form offers no TTL but %s", ispapi.Shown(strings.Join(offered, ", ")))
	}
	return strconv.Itoa(best), nil
}

// otherTypes reports whether a field belongs to records of other types, whose forms share the page.
func otherTypes(name string) bool {
	switch name {
	case "ip", "domain", "value", "priority", "weight", "port", "srvdomain", "email", "tag", "flag", "flags":
		return true
	}
	return false
}
