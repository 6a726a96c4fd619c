// Package dnsupdate publishes challenges by dynamic updates of DNS zones (RFC 2136), signed with a TSIG key (RFC 8945). What
// must be true before a record is written or removed is sent along as a prerequisite, so the server decides at once and
// repeated or simultaneous runs do no harm (docs/reference/unattended.md §2 and §4).
package dnsupdate

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"pmssl/internal/publish"
)

// attempts is how often a removal is tried while others change the record at the same time.
const attempts = 3

type publisher struct {
	block     publish.Block
	env       publish.Env
	algorithm string // as TSIG writes it
	secret    func() (string, error)
}

// New makes the publisher of a block of the kind dnsupdate.
func New(b publish.Block, e publish.Env) (publish.Publisher, error) {
	algorithm, known := map[string]string{
		"": dns.HmacSHA256, "hmac-sha256": dns.HmacSHA256, "hmac-sha384": dns.HmacSHA384, "hmac-sha512": dns.HmacSHA512,
	}[b.Algorithm]
	if !known {
		return nil, fmt.Errorf("%s: publisher %s: the algorithm %q is not possible: write hmac-sha256, hmac-sha384 or hmac-sha512",
			b.Pos, b.Name, b.Algorithm)
	}
	if _, _, err := net.SplitHostPort(b.Server); err != nil {
		return nil, fmt.Errorf("%s: publisher %s: the server is not an address with a port: %w", b.Pos, b.Name, err)
	}
	if !publish.IsHostName(strings.ToLower(strings.TrimSuffix(b.KeyName, "."))) {
		return nil, fmt.Errorf("%s: publisher %s: %q is not the name of a key", b.Pos, b.Name, b.KeyName)
	}
	p := &publisher{block: b, env: e, algorithm: algorithm}
	p.secret = sync.OnceValues(p.readSecret)
	return p, nil
}

func (p *publisher) readSecret() (string, error) {
	secret, err := publish.ReadSecret(p.block.KeyFile)
	if err != nil {
		return "", err
	}
	p.env.Learn(secret)
	if octets, err := base64.StdEncoding.DecodeString(secret); err != nil || len(octets) == 0 {
		return "", fmt.Errorf("%s does not hold the secret of a TSIG key in base64, alone on a line", p.block.KeyFile)
	}
	return secret, nil
}

// Zone asks the server for the zone that holds the name. Only what the server says with authority counts: a name below a
// delegation, and a zone that the server does not have, are not kept here.
func (p *publisher) Zone(ctx context.Context, name string) (publish.Zone, bool, error) {
	zone, err := p.findZone(ctx, strings.ToLower(name))
	if err != nil {
		return publish.Zone{}, false, p.wrap(name, err)
	}
	return publish.Zone{Name: zone}, zone != "", nil
}

// Publish writes the record if its name is not in use, or holds nothing but the values in old, and if the record does not
// make its host vanish.
func (p *publisher) Publish(ctx context.Context, zone string, r publish.Record, old []string) error {
	return p.withRecord(zone, r, func(c change) error {
		standing, err := p.read(ctx, c)
		switch {
		case err != nil:
			return err
		case c.isAlone(standing):
			return nil
		case c.replaceable(standing, old):
			return p.replace(ctx, c, standing)
		}
		return p.add(ctx, c)
	})
}

// Check reports whether Publish would be refused. It sends the removal of the record on the condition that its name is not in
// use: the server checks all rights and prerequisites, and nothing changes. (A prerequisite alone tests the right to change
// the zone, but not the right to change this kind of record.)
func (p *publisher) Check(ctx context.Context, zone string, r publish.Record) error {
	return p.withRecord(zone, r, func(c change) error {
		standing, err := p.read(ctx, c)
		if err != nil || c.isAlone(standing) {
			return err
		}
		code, err := p.sendIfFree(ctx, c, removals([]dns.RR{c.rr()}))
		if err != nil || code == dns.RcodeSuccess {
			return err
		}
		return p.confirm(ctx, c)
	})
}

// Withdraw removes exactly this value, if it stands there, on the condition that the record set is as it was read.
func (p *publisher) Withdraw(ctx context.Context, zone string, r publish.Record) error {
	return p.withRecord(zone, r, func(c change) error {
		for range attempts {
			standing, err := p.read(ctx, c)
			if err != nil {
				return err
			}
			ours := c.ours(standing)
			if len(ours) == 0 {
				return nil
			}
			if _, err = p.update(ctx, c.zone, c.kind, equals(standing), removals(ours)); err != nil {
				return err
			}
		}
		if standing, err := p.read(ctx, c); err != nil || len(c.ours(standing)) == 0 {
			return err
		}
		return fmt.Errorf("the record still stands there after %d removals: see whether something else writes it", attempts)
	})
}

// add writes the record if its name is not in use. Where the name is in use, another run may have been faster.
func (p *publisher) add(ctx context.Context, c change) error {
	code, err := p.sendIfFree(ctx, c, []dns.RR{c.rr()})
	if err != nil {
		return err
	}
	p.env.Log.Debugf("publisher %s: adding %s: the server answers %s", p.block.Name, c.record, rcode(code))
	return p.confirm(ctx, c)
}

// sendIfFree sends an update on the condition that the record's name is not in use, and that its host has records of its own.
// A host without any is safe too, if no wildcard stands above it that now answers for it.
func (p *publisher) sendIfFree(ctx context.Context, c change, body []dns.RR) (code int, err error) {
	free := unused(c.record.Name)
	if c.host == c.zone {
		return p.update(ctx, c.zone, c.kind, free, body)
	}
	code, err = p.update(ctx, c.zone, c.kind, append(used(c.host), free...), body)
	if err != nil || code != dns.RcodeNameError {
		return code, err
	}
	var wildcards []string
	for _, parent := range publish.ParentsOf(c.host, c.zone) {
		wildcards = append(wildcards, "*."+parent)
	}
	code, err = p.update(ctx, c.zone, c.kind, append(unused(wildcards...), free...), body)
	if err != nil || code != dns.RcodeYXDomain {
		return code, err
	}
	// Either the name is in use or a wildcard is. A prerequisite takes names literally, a question does not.
	inUse, err := p.update(ctx, c.zone, c.kind, used(c.record.Name), nil)
	if err == nil && inUse == dns.RcodeNameError {
		err = fmt.Errorf("%w: %s has no records of its own; give it its own address records", publish.ErrWildcard, c.host)
	}
	return code, err
}

// replace writes the record in place of earlier ones of the module, if these still stand there.
func (p *publisher) replace(ctx context.Context, c change, standing []dns.RR) error {
	body := append(removals(standing), c.rr())
	code, err := p.update(ctx, c.zone, c.kind, equals(standing), body)
	if err != nil {
		return err
	}
	p.env.Log.Debugf("publisher %s: replacing %s: the server answers %s", p.block.Name, c.record, rcode(code))
	return p.confirm(ctx, c)
}

// confirm reads back: servers answer NOERROR to a CNAME beside another record and do nothing.
func (p *publisher) confirm(ctx context.Context, c change) error {
	standing, err := p.read(ctx, c)
	if err != nil || c.isAlone(standing) {
		return err
	}
	return fmt.Errorf("%w: %s holds %s", publish.ErrConflict, c.record.Name, p.describe(ctx, c))
}

// withRecord checks the record and gives each error the publisher, the zone and the record in front.
func (p *publisher) withRecord(zone string, r publish.Record, do func(c change) error) error {
	r.Name = strings.ToLower(r.Name)
	r.TTL = cmp.Or(r.TTL, p.block.TTL, publish.DefaultTTL)
	err := r.CheckDNS(zone)
	if err == nil {
		err = do(newChange(zone, r))
	}
	if err != nil {
		return p.wrap(fmt.Sprintf("zone %s: %s", zone, r), err)
	}
	return nil
}

func (p *publisher) wrap(what string, err error) error {
	return fmt.Errorf("publisher %s at %s: %s: %w", p.block.Name, p.block.Server, what, err)
}

// findZone returns the zone that holds the name, "" if the server has none.
func (p *publisher) findZone(ctx context.Context, name string) (string, error) {
	if !publish.IsHostName(name) {
		return "", errors.New("this is not a host name")
	}
	for next := name; next != ""; _, next, _ = strings.Cut(next, ".") {
		answer, err := p.query(ctx, next, dns.TypeSOA)
		switch {
		case err != nil:
			return "", err
		case foreign(answer):
			return "", nil
		case answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError:
			return "", p.refusal(next, answer, dns.TypeSOA)
		case led(answer):
			continue // an alias: the SOA record that follows is another name's
		}
		zone := apex(answer, next)
		if zone == "" {
			return "", errors.New("the server answers with authority and names no zone")
		}
		return zone, nil
	}
	return "", nil
}
