// Package execute publishes challenges by a program of the administrator, called as lego's exec provider calls its own:
// PROGRAM present|cleanup FQDN. VALUE (docs/reference/unattended.md §4).
package execute

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"pmssl/internal/plaintext"
	"pmssl/internal/program"
	"pmssl/internal/publish"
)

// The first argument of the program.
const (
	present = "present"
	cleanup = "cleanup"
)

// runTime is how long one call of the program may take.
const runTime = 60 * time.Second

type publisher struct {
	block   publish.Block
	env     publish.Env
	item    int64 // 0 if not known
	runTime time.Duration
}

var (
	_ publish.ItemPublisher = (*publisher)(nil)
	_ publish.Checker       = (*publisher)(nil)
)

// New makes the publisher of a block of the kind exec.
func New(b publish.Block, e publish.Env) (publish.Publisher, error) {
	return &publisher{block: b, env: e, runTime: runTime}, nil
}

// ForItem returns the publisher that names the item to its program.
func (p *publisher) ForItem(item int64) publish.Publisher {
	named := *p
	named.item = item
	return &named
}

// Zone returns the longest of the block's zones that holds the name. Where only `*` does, it is the registrable domain by the
// public suffix list: the program cannot be asked.
func (p *publisher) Zone(_ context.Context, name string) (publish.Zone, bool, error) {
	if !publish.IsHostName(name) {
		return publish.Zone{}, false, fmt.Errorf("%q is not a host name", plaintext.Clip(name, 300))
	}
	longest, general := "", false
	for _, zone := range p.block.Zones {
		general = general || zone == "*"
		if (name == zone || publish.Below(name, zone)) && len(zone) > len(longest) {
			longest = zone
		}
	}
	if longest == "" && general {
		if registrable, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
			longest = registrable
		}
	}
	return publish.Zone{Name: longest}, longest != "", nil
}

// Publish lets the program remove the values in old and write the record. The program decides whether it may: its exit code
// says so.
func (p *publisher) Publish(ctx context.Context, zone string, r publish.Record, old []string) error {
	if err := p.Check(ctx, zone, r); err != nil {
		return err
	}
	for _, value := range old {
		earlier := r
		earlier.Value = value
		if earlier.Same(r) {
			continue
		}
		if err := p.call(ctx, cleanup, zone, earlier); err != nil {
			return err
		}
	}
	return p.call(ctx, present, zone, r)
}

// Withdraw lets the program remove the record.
func (p *publisher) Withdraw(ctx context.Context, zone string, r publish.Record) error {
	return p.call(ctx, cleanup, zone, r)
}

// Check reports whether Publish would be refused as far as that is known without a call of the program: whether it may be
// run.
func (p *publisher) Check(_ context.Context, zone string, r publish.Record) error {
	if err := r.CheckDNS(zone); err != nil {
		return err
	}
	return program.Check(p.block.Program)
}

// call runs the program for one record. The FQDN ends with a dot and so does the target of a CNAME: a program that writes
// zone files need not add one.
func (p *publisher) call(ctx context.Context, verb, zone string, r publish.Record) error {
	if err := p.Check(ctx, zone, r); err != nil {
		return err
	}
	value := r.Value
	if r.Type == publish.CNAME {
		value = strings.TrimSuffix(value, ".") + "."
	}
	ctx, cancel := context.WithTimeout(ctx, p.runTime)
	defer cancel()
	began := p.env.Now()
	out := program.Run(ctx, program.Command{
		Program: p.block.Program, Args: []string{verb, r.Name + ".", value}, Environ: p.environ(zone, r), Root: p.env.Root,
	})
	p.env.Log.Debugf("publisher %s: %s %s %s. ended after %d ms (%v); its output: %s; its errors: %s", p.block.Name, p.block.Program, verb, r.Name,
		p.env.Now().Sub(began).Milliseconds(), out.Err, out.Output(), out.Errors())
	if out.Err == nil {
		return nil
	}
	return fmt.Errorf("%s %s %s.: %w: %s", p.block.Program, verb, r.Name, out.Reason(ctx, p.runTime), out.LastError())
}

// environ returns everything that the program finds in its environment.
func (p *publisher) environ(zone string, r publish.Record) []string {
	return append(program.Path(p.env.Environ), "PMSSL_RRTYPE="+string(r.Type), "PMSSL_ZONE="+zone, "PMSSL_ITEM="+strconv.FormatInt(p.item, 10))
}
