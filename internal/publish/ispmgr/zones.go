package ispmgr

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/idna"

	"pmssl/internal/ispapi"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
)

const (
	functionZones   = "domain"
	functionRecords = "domain.record"
	functionEdit    = "domain.record.edit"
	functionDelete  = "domain.record.delete"
)

// maxName bounds a name that the panel shows, in octets; U-labels are longer than their A-labels.
const maxName = 1024

// zoneRow is a row of the list of zones.
type zoneRow struct {
	zone   publish.Zone
	key    string // as the panel shows the name: what other functions take
	copied bool   // the panel takes the zone from another server
}

// zones lists the panel's zones. Rows whose name is no domain name are left out, because they hold no names of certificates.
func (p *publisher) zones(ctx context.Context) ([]zoneRow, error) {
	rows, err := p.api.List(ctx, functionZones, url.Values{})
	if err == nil && len(rows) == 0 {
		// Not "no such zone": records in zones that only this user does not see any more would be forgotten.
		err = fmt.Errorf("%s: the panel shows no zone at all: see whether the module's user may see the zones of all clients", functionZones)
	}
	if err != nil {
		return nil, err
	}
	var zones []zoneRow
	for _, e := range rows {
		key := e.Value("name")
		if key == "" {
			return nil, fmt.Errorf("%s: a row of the list has no name: this is not a list of zones that the module knows", functionZones)
		}
		owner, err := p.owner(e)
		if err != nil {
			return nil, err
		}
		name, err := pki.ASCIIName("zone", key)
		if err != nil || len(key) > maxName || strings.HasPrefix(name, "*.") {
			continue
		}
		kind := strings.ToLower(e.Value("dtype") + " " + e.Child("dtype").Attr("orig"))
		zones = append(zones, zoneRow{
			zone: publish.Zone{Name: name, Owner: owner}, key: key,
			copied: strings.Contains(kind, "slave") || strings.Contains(kind, "secondary"),
		})
	}
	return zones, nil
}

// owner returns who owns the zone of a row, as far as the panel shows it: ISPmanager in the column owner, DNSmanager in user
// (docs/reference/unattended.md §2). A row in which both say something else shows nobody's.
func (p *publisher) owner(e *ispapi.Element) (string, error) {
	owner, user := e.Value("owner"), e.Value("user")
	switch {
	case p.api.Panel() == "ispmgr" || user == "":
		return owner, nil
	case owner == "" || owner == user:
		return user, nil
	}
	return "", fmt.Errorf("%s: the zone %s has the owner %s and the user %s: whose it is is not known", functionZones, ispapi.Shown(e.Value("name")), ispapi.Shown(owner), ispapi.Shown(user))
}

// nearest returns the zone with the longest name that holds the name; false if none does.
func nearest(zones []zoneRow, name string) (found zoneRow, ok bool, err error) {
	for _, z := range zones {
		switch {
		case name != z.zone.Name && !publish.Below(name, z.zone.Name), len(z.zone.Name) < len(found.zone.Name):
		case ok && z.zone.Name == found.zone.Name && (z.zone != found.zone || z.key != found.key || z.copied != found.copied):
			return zoneRow{}, false, fmt.Errorf("%s: the panel has the zone %s twice: whose it is is not known", functionZones, z.zone.Name)
		default:
			found, ok = z, true
		}
	}
	return found, ok, nil
}

// keyOf returns how the panel names a zone that Zone has found; false if it does not keep it. A zone that got another owner since
// then is an error: evidence was for the former one.
func (p *publisher) keyOf(ctx context.Context, zone string) (string, bool, error) {
	zones, err := p.zones(ctx)
	if err != nil {
		return "", false, err
	}
	z, found, err := nearest(zones, zone)
	switch {
	case err != nil:
		return "", false, err
	case !found || z.zone.Name != zone || z.copied:
		return "", false, nil
	}
	if owner, known := p.owners[zone]; known && owner != z.zone.Owner {
		return "", false, fmt.Errorf("%s: the zone %s got another owner in the meantime", functionZones, zone)
	}
	return z.key, true, nil
}

// absoluteName returns a record's name as the panel shows it in the form of ours: A-labels in lower case, without a final dot. A
// name without one that does not end in the zone's name is relative to it, and @ is the zone.
func absoluteName(text, zone string) string {
	if len(text) > maxName {
		return ""
	}
	name, absolute := strings.CutSuffix(text, ".")
	name = asciiLabels(name)
	switch {
	case absolute:
		return name
	case name == "" || name == "@":
		return zone
	case name == zone || publish.Below(name, zone):
		return name
	}
	return name + "." + zone
}

// asciiLabels returns a name with A-labels in lower case. Labels that cannot be converted stay, and are equal to none of ours.
func asciiLabels(name string) string {
	profile := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))
	labels := strings.Split(name, ".")
	for i, label := range labels {
		if strings.ContainsFunc(label, func(r rune) bool { return r >= 0x80 }) {
			if ascii, err := profile.ToASCII(label); err == nil {
				label = ascii
			}
		}
		labels[i] = strings.ToLower(label)
	}
	return strings.Join(labels, ".")
}
