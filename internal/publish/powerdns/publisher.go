// Package powerdns publishes challenges by the HTTP API of a PowerDNS Authoritative server. The API knows no prerequisites, so
// the publisher reads what stands at the name, at its host and above it before it writes, and reads back afterwards. Each
// write is one request that the server does wholly or not at all (docs/reference/unattended.md §2 and §4).
package powerdns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"pmssl/internal/plaintext"
	"pmssl/internal/publish"
)

const (
	// maxShown is how many octets of foreign records and of the server's messages errors show.
	maxShown = 200
	// attempts is how often a change is tried that the server fails at; the pause before each grows by this one.
	attempts = 5
	pause    = 200 * time.Millisecond
)

type publisher struct {
	block    publish.Block
	env      publish.Env
	api      *client
	accounts map[string]string // of the zones that Zone has found, by name
}

// New makes the publisher of a block of the kind powerdns. The API key goes over TLS, over loopback or over a unix socket only.
func New(b publish.Block, e publish.Env) (publish.Publisher, error) {
	api, err := newClient(b, e)
	if err != nil {
		return nil, fmt.Errorf("%s: publisher %s: %w", b.Pos, b.Name, err)
	}
	return &publisher{block: b, env: e, api: api, accounts: map[string]string{}}, nil
}

// Zone asks the server for the nearest zone that can hold the name. A zone that the server only copies from another one is not
// kept here: what the API writes into it is lost with the next copy.
func (p *publisher) Zone(ctx context.Context, name string) (publish.Zone, bool, error) {
	name = strings.ToLower(name)
	if !publish.IsHostName(name) {
		return publish.Zone{}, false, p.wrap(fmt.Sprintf("%q", plaintext.Clip(name, maxShown)), errors.New("this is not a host name"))
	}
	for next := name; next != ""; _, next, _ = strings.Cut(next, ".") {
		zone, ok, err := p.api.findZone(ctx, next)
		if err != nil {
			return publish.Zone{}, false, p.wrap(name, err)
		}
		if ok && zone.copied() {
			p.env.Log.Infof("publisher %s: the server copies the zone %s from another server: publish at that one", p.block.Name, next)
			return publish.Zone{}, false, nil
		}
		if ok {
			p.accounts[next] = zone.Account
			return publish.Zone{Name: next, Account: zone.Account}, true, nil
		}
	}
	return publish.Zone{}, false, nil
}

// Publish writes the record if nothing stands at its name but the values in old, and if the record does not make its host
// vanish.
func (p *publisher) Publish(ctx context.Context, zone string, r publish.Record, old []string) error {
	return p.withRecord(zone, r, func(c change) error {
		return p.repeat(ctx, func() error { return p.publish(ctx, c, old) })
	})
}

func (p *publisher) publish(ctx context.Context, c change, old []string) error {
	done, err := p.mayWrite(ctx, c, old)
	if done || err != nil {
		return err
	}
	err = p.api.patch(ctx, c.zone, rrset{
		Name: c.record.Name + ".", Type: string(c.record.Type), TTL: c.record.TTL, ChangeType: "REPLACE",
		Records: []record{{Content: c.content()}},
	})
	if err != nil && !hasStatus(err, http.StatusUnprocessableEntity) {
		return err
	}
	// 422 may be another record that came in the meantime: what stands there says more.
	standing, _, readErr := p.read(ctx, c)
	switch {
	case readErr != nil:
		return readErr
	case c.isAlone(standing):
		return nil
	case len(standing) > 0:
		return conflict(c.record.Name, standing)
	}
	return cmp.Or(err, errors.New("the server accepted the record and does not show it"))
}

// Check reports whether Publish would be refused. It only reads; whether the key may write is not to be learned from that, but
// the API has no keys that may only read.
func (p *publisher) Check(ctx context.Context, zone string, r publish.Record) error {
	return p.withRecord(zone, r, func(c change) error {
		_, err := p.mayWrite(ctx, c, nil)
		return err
	})
}

// Withdraw removes exactly this value. Other values of the same name and type, also disabled ones, stay.
func (p *publisher) Withdraw(ctx context.Context, zone string, r publish.Record) error {
	return p.withRecord(zone, r, func(c change) error {
		return p.repeat(ctx, func() error { return p.withdraw(ctx, c) })
	})
}

func (p *publisher) withdraw(ctx context.Context, c change) error {
	standing, _, err := p.read(ctx, c)
	if err != nil {
		return p.unlessZoneIsGone(ctx, c.zone, err)
	}
	ours, rest := c.split(standing)
	if len(ours) == 0 {
		return nil
	}
	set := rrset{Name: c.record.Name + ".", Type: string(c.record.Type), ChangeType: "DELETE"}
	if len(rest) > 0 {
		set.ChangeType, set.TTL = "REPLACE", cmp.Or(rest[0].TTL, c.record.TTL)
		for _, other := range rest {
			set.Records = append(set.Records, record{Content: other.Content, Disabled: other.Disabled})
		}
	}
	if err = p.api.patch(ctx, c.zone, set); err != nil {
		return err
	}
	standing, _, err = p.read(ctx, c)
	if ours, _ = c.split(standing); err == nil && len(ours) > 0 {
		return errors.New("the record still stands there after its removal: see whether something else writes it")
	}
	return err
}

// repeat does something again that the server failed at: a database that another change has locked is answered with 500.
func (p *publisher) repeat(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if n == attempts || !hasStatus(err, http.StatusInternalServerError) {
			return err
		}
		if p.env.Sleep(ctx, time.Duration(n)*pause) != nil {
			return err
		}
	}
}

func hasStatus(err error, status int) bool {
	var refused *statusError
	return errors.As(err, &refused) && refused.status == status
}

// unlessZoneIsGone returns nil if the server answers and has no such zone any more: its records are gone with it.
func (p *publisher) unlessZoneIsGone(ctx context.Context, zone string, err error) error {
	if !hasStatus(err, http.StatusNotFound) {
		return err
	}
	if _, ok, findErr := p.api.findZone(ctx, zone); findErr == nil && !ok {
		return nil
	}
	return err
}

// mayWrite reports by nil that the record may be written; done says that it stands there already.
func (p *publisher) mayWrite(ctx context.Context, c change, old []string) (done bool, err error) {
	standing, zone, err := p.read(ctx, c)
	switch {
	case err != nil:
		return false, err
	case c.isAlone(standing):
		return true, nil
	case p.isAnothers(c.zone, zone.Account):
		return false, errors.New("the zone got another account in the meantime")
	case zone.copied():
		return false, fmt.Errorf("%w: the server copies this zone from another server: publish at that one", publish.ErrDenied)
	case len(standing) > 0 && !c.replaceable(standing, old):
		return false, conflict(c.record.Name, standing)
	}
	if zone.Kind == "Master" && zone.SOAEditAPI == "" {
		p.env.Log.Warningf("publisher %s: the serial of the zone %s does not grow with changes by the API, so its secondaries do not see them: "+
			"run pdnsutil set-meta %s SOA-EDIT-API DEFAULT", p.block.Name, c.zone, c.zone)
	}
	if len(standing) > 0 {
		return false, nil
	}
	return false, p.harmless(ctx, c)
}

// isAnothers reports whether a zone got another account since Zone has found it: evidence was for the former one.
func (p *publisher) isAnothers(zone, account string) bool {
	before, known := p.accounts[zone]
	return known && before != account
}

// harmless reports by nil that a new record is seen in DNS and does not change what DNS says of other names: no delegation and
// no DNAME stands above it, and its host has records of its own or is not served by a wildcard.
func (p *publisher) harmless(ctx context.Context, c change) error {
	hostExists := c.host == c.zone
	for _, parent := range publish.ParentsOf(c.record.Name, c.zone) {
		sets, _, err := p.api.rrsets(ctx, c.zone, parent)
		if err != nil {
			return err
		}
		for _, set := range sets {
			if set.Type == "DNAME" || set.Type == "NS" && parent != c.zone {
				return fmt.Errorf("%w: a %s record at %s leads everything below it elsewhere", publish.ErrConflict, set.Type, parent)
			}
		}
		hostExists = hostExists || parent == c.host && len(sets) > 0
	}
	if hostExists {
		return nil
	}
	return p.noWildcard(ctx, c)
}

// noWildcard reports by nil that no wildcard can answer for the host.
func (p *publisher) noWildcard(ctx context.Context, c change) error {
	for _, parent := range publish.ParentsOf(c.host, c.zone) {
		sets, _, err := p.api.rrsets(ctx, c.zone, "*."+parent)
		if err != nil {
			return err
		}
		if len(sets) > 0 {
			return fmt.Errorf("%w: %s has no records of its own, and *.%s answers for it; give it its own address records",
				publish.ErrWildcard, c.host, parent)
		}
	}
	return nil
}

// read returns all records at the change's name, and the zone. Disabled records, which the zone's answer leaves out, come from
// the server's search: writing the set would delete them.
func (p *publisher) read(ctx context.Context, c change) ([]standingRecord, zoneData, error) {
	sets, zone, err := p.api.rrsets(ctx, c.zone, c.record.Name)
	if err != nil {
		return nil, zone, err
	}
	var standing []standingRecord
	for _, set := range sets {
		for _, r := range set.Records {
			standing = append(standing, standingRecord{Type: set.Type, TTL: set.TTL, Content: r.Content, Disabled: r.Disabled})
		}
	}
	hidden, err := p.api.disabled(ctx, c.zone, c.record.Name)
	for _, r := range hidden {
		if !slices.Contains(standing, r) {
			standing = append(standing, r)
		}
	}
	return standing, zone, err
}

// withRecord checks the record and gives each error the publisher, the zone and the record in front.
func (p *publisher) withRecord(zone string, r publish.Record, do func(c change) error) error {
	r.Name = strings.ToLower(r.Name)
	r.TTL = cmp.Or(r.TTL, p.block.TTL, publish.DefaultTTL)
	err := r.CheckDNS(zone)
	if err == nil {
		err = do(change{zone: zone, record: r, host: r.HostIn(zone)})
	}
	if err != nil {
		return p.wrap(fmt.Sprintf("zone %s: %s", zone, r), err)
	}
	return nil
}

func (p *publisher) wrap(what string, err error) error {
	return fmt.Errorf("publisher %s at %s: %s: %w", p.block.Name, p.api.place, what, err)
}
