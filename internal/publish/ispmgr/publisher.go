// Package ispmgr publishes challenges in the zones of ISPmanager 6 and DNSmanager: over HTTPS with a login, or by mgrctl on this
// host. The panels know no prerequisites, so the publisher reads a zone's records before it writes, fills in the panel's own form,
// and reads back afterwards (docs/reference/unattended.md §2 and §4).
package ispmgr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/ispapi"
	"pmssl/internal/publish"
)

// attempts is how often a record is deleted that still stands there: the panel may keep the same record several times.
const attempts = 3

type publisher struct {
	block  publish.Block
	env    publish.Env
	api    *ispapi.Client
	owners map[string]string // of the zones that Zone has found, by name
}

// New makes the publisher of a block of the kind ispmgr.
func New(b publish.Block, e publish.Env) (publish.Publisher, error) {
	api, err := ispapi.New(ispapi.Server{URL: b.URL, Pin: b.Pin, Login: b.Login, Password: b.Password, Mgr: b.Mgr}, e)
	if err != nil {
		return nil, fmt.Errorf("%s: publisher %s: %w", b.Pos, b.Name, err)
	}
	return &publisher{block: b, env: e, api: api, owners: map[string]string{}}, nil
}

// Zone returns the panel's zone with the longest name that holds the name, and its owner. A zone that the panel only copies from
// another server is not kept here: what is written into it is lost with the next copy.
func (p *publisher) Zone(ctx context.Context, name string) (publish.Zone, bool, error) {
	name = strings.ToLower(name)
	if !publish.IsHostName(name) {
		return publish.Zone{}, false, p.wrap(fmt.Sprintf("%q", ispapi.Shown(name)), errors.New("this is not a host name"))
	}
	zones, err := p.zones(ctx)
	if err != nil {
		return publish.Zone{}, false, p.wrap(name, err)
	}
	found, ok, err := nearest(zones, name)
	switch {
	case err != nil:
		return publish.Zone{}, false, p.wrap(name, err)
	case !ok:
		return publish.Zone{}, false, nil
	case found.copied:
		p.env.Log.Infof("publisher %s: the panel copies the zone %s from another server: publish at that one", p.block.Name, found.zone.Name)
		return publish.Zone{}, false, nil
	}
	p.owners[found.zone.Name] = found.zone.Owner
	return found.zone, true, nil
}

// Check reports whether Publish would be refused: it reads the zone's records and the form, and writes nothing.
func (p *publisher) Check(ctx context.Context, zone string, r publish.Record) error {
	return p.withRecord(ctx, zone, r, func(c change, found bool) error {
		if !found {
			return errNoZone
		}
		all, err := p.records(ctx, c.zone, c.key)
		if err != nil {
			return err
		}
		current, _, foreign := c.split(at(all, c.record.Name), nil)
		switch {
		case len(foreign) > 0:
			return conflict(c.record.Name, foreign)
		case len(current) > 0:
			return nil
		}
		if err = c.harmless(all); err == nil {
			_, err = p.form(ctx, c, standingRecord{})
		}
		return err
	})
}

// errNoZone is that the panel does not keep the zone that a record is to be written into.
var errNoZone = errors.New("the panel does not have this zone any more, or only copies it from another server")

// Publish writes the record if nothing stands at its name but the values in old, and if it does not make its host vanish. One of
// the old values is changed into the new one, so that the name is never empty in between.
func (p *publisher) Publish(ctx context.Context, zone string, r publish.Record, old []string) error {
	return p.withRecord(ctx, zone, r, func(c change, found bool) error {
		if !found {
			return errNoZone
		}
		all, err := p.records(ctx, c.zone, c.key)
		if err != nil {
			return err
		}
		current, former, foreign := c.split(at(all, c.record.Name), old)
		if len(foreign) > 0 {
			return conflict(c.record.Name, foreign)
		}
		if len(current) > 0 && len(former) == 0 {
			return nil
		}
		if len(current)+len(former) == 0 {
			err = c.harmless(all)
		}
		if err == nil {
			err = p.write(ctx, c, all, current, former)
		}
		return err
	})
}

// write makes the change's record the only one at its name, and reads back.
func (p *publisher) write(ctx context.Context, c change, all, current, former []standingRecord) error {
	var err error
	switch {
	case len(current) > 0:
	case len(former) > 0:
		if err = removable(all, former[0]); err == nil {
			err = p.edit(ctx, c, former[0])
		}
		former = former[1:]
	default:
		err = p.edit(ctx, c, standingRecord{})
	}
	if err != nil {
		return err
	}
	after, err := p.records(ctx, c.zone, c.key)
	if err != nil {
		return err
	}
	for _, r := range former {
		if after, err = p.remove(ctx, c, after, r); err != nil {
			return err
		}
	}
	return p.verify(ctx, c, all, after)
}

// verify reports by nil that the change's record stands alone at its name, and that everything else is as before. A record with
// the change's value that came elsewhere is removed: the panel has taken the name in another way than it is meant.
func (p *publisher) verify(ctx context.Context, c change, before, after []standingRecord) error {
	current, _, foreign := c.split(at(after, c.record.Name), nil)
	if len(foreign) > 0 {
		return conflict(c.record.Name, foreign)
	}
	p.warnOfLosses(c, before, after)
	if len(current) > 0 {
		return nil
	}
	for _, r := range after {
		if r.name == c.record.Name || r.kind != string(c.record.Type) || !c.sameValue(r.value, c.record.Value) || slices.Contains(before, r) {
			continue
		}
		_, err := p.remove(ctx, c, after, r)
		return errors.Join(fmt.Errorf("the panel wrote the record as %s: the module does not know how this panel takes names", ispapi.Shown(r.name)), err)
	}
	return errors.New("the panel accepted the record and does not show it")
}

// warnOfLosses logs the first record at another name that is gone since the zone was read: by this module's change, or by somebody
// else's. The SOA record is another one after each change.
func (p *publisher) warnOfLosses(c change, before, after []standingRecord) {
	left := make(map[standingRecord]bool, len(after))
	for _, r := range after {
		left[r] = true
	}
	for _, r := range before {
		if r.name != c.record.Name && r.kind != "SOA" && !left[r] {
			p.env.Log.Warningf("publisher %s, zone %s: the record %s %s %s is gone since the zone was read: see the panel's log for who removed it",
				p.block.Name, c.zone, ispapi.Shown(r.name), ispapi.Shown(r.kind), ispapi.Shown(r.value))
			return
		}
	}
}

// Withdraw removes exactly this value. Other records of the same name stay.
func (p *publisher) Withdraw(ctx context.Context, zone string, r publish.Record) error {
	return p.withRecord(ctx, zone, r, func(c change, found bool) error {
		if !found {
			return nil // the zone is gone, and the record with it
		}
		all, err := p.records(ctx, c.zone, c.key)
		if err != nil {
			return err
		}
		current, _, _ := c.split(at(all, c.record.Name), nil)
		if len(current) == 0 {
			return nil
		}
		after, err := p.remove(ctx, c, all, current[0])
		if err == nil {
			p.warnOfLosses(c, all, after)
		}
		return err
	})
}

// remove deletes a record, and the same record again as long as the panel still shows it. It returns the zone's records afterwards.
func (p *publisher) remove(ctx context.Context, c change, all []standingRecord, r standingRecord) ([]standingRecord, error) {
	for range attempts {
		if err := removable(all, r); err != nil {
			return all, err
		}
		refused, err := p.api.Submit(ctx, functionDelete, url.Values{"plid": {c.key}, "elid": {r.key}})
		if err == nil && refused != nil && !refused.Gone() {
			err = refused.AsError(functionDelete)
		}
		if err != nil {
			return all, err
		}
		if all, err = p.records(ctx, c.zone, c.key); err != nil {
			return all, err
		}
		if !slices.ContainsFunc(all, func(s standingRecord) bool { return s.name == r.name && s.kind == r.kind && s.value == r.value }) {
			return all, nil
		}
	}
	return all, errors.New("the record still stands there after its removal: see whether something else writes it")
}

// edit submits the form of a record that stands there, or of a new one if former is empty. A panel that refuses the TTL is given a
// longer one.
func (p *publisher) edit(ctx context.Context, c change, former standingRecord) error {
	filled, err := p.form(ctx, c, former)
	if err != nil {
		return err
	}
	refused, err := p.api.Submit(ctx, functionEdit, filled)
	if err == nil && refused.OfType("value", "ttl") && c.record.TTL < slowTTL {
		filled.Set("ttl", fmt.Sprint(slowTTL))
		refused, err = p.api.Submit(ctx, functionEdit, filled)
	}
	switch {
	case err != nil:
		return err
	case refused.OfType("exists"):
		return fmt.Errorf("%w: the panel says that a record exists there (%w)", publish.ErrConflict, refused)
	case refused != nil:
		return refused.AsError(functionEdit)
	}
	return nil
}

// form reads the form for a record and fills it in.
func (p *publisher) form(ctx context.Context, c change, former standingRecord) (url.Values, error) {
	read, err := p.api.Form(ctx, functionEdit, url.Values{"plid": {c.key}, "elid": {former.key}})
	if err != nil {
		return nil, err
	}
	filled, err := form{read}.fill(c, former)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", functionEdit, err)
	}
	return filled, nil
}

// withRecord checks the record, finds how the panel names the zone, and gives each error the publisher, the zone and the record in
// front.
func (p *publisher) withRecord(ctx context.Context, zone string, r publish.Record, do func(c change, found bool) error) error {
	r.Name = strings.ToLower(r.Name)
	r.TTL = cmp.Or(r.TTL, p.block.TTL, publish.DefaultTTL)
	err := r.CheckDNS(zone)
	if err == nil {
		var key string
		var found bool
		if key, found, err = p.keyOf(ctx, zone); err == nil {
			err = do(change{zone: zone, key: key, record: r}, found)
		}
	}
	if err != nil {
		return p.wrap(fmt.Sprintf("zone %s: %s", zone, r), err)
	}
	return nil
}

func (p *publisher) wrap(what string, err error) error {
	return fmt.Errorf("publisher %s at %s: %s: %w", p.block.Name, p.api.Place(), what, err)
}
