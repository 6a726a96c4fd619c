package ispmgr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pmssl/internal/deliver"
	"pmssl/internal/ispapi"
	"pmssl/internal/sorting"
)

// plan is the delivery to the sites of one owner.
type plan struct {
	*deliverer
	item    int64
	fresh   certificate
	owner   string
	sites   []site
	rows    []siteRow // all sites of the panel
	entries []*entry  // the owner's certificates
	refused []string  // why certificates with the same key are not renewed
}

// open reads the sites and the certificates of their owner.
func (d *deliverer) open(ctx context.Context, owner string, names []string) (*plan, error) {
	p := &plan{deliverer: d, owner: owner}
	var err error
	if p.sites, p.rows, err = d.named(ctx, owner, names); err != nil {
		return nil, err
	}
	if p.entries, err = d.listEntries(ctx, owner); err != nil {
		return nil, err
	}
	return p, nil
}

// deliver brings the certificate to each site. What keeps one site from it does not keep the others.
func (p *plan) deliver(ctx context.Context) error {
	if err := p.identify(ctx); err != nil {
		return err
	}
	var failed []error
	for _, s := range p.sites {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.deliverTo(ctx, s); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return joined(failed)
}

// joined joins the errors of several sites. They wrap deliver.ErrByHand only if each of them does: otherwise trying again brings
// some sites on.
func joined(failed []error) error {
	var passing, lasting []error
	for _, err := range failed {
		if errors.Is(err, deliver.ErrByHand) {
			lasting = append(lasting, err)
		} else {
			passing = append(passing, err)
		}
	}
	if len(passing) == 0 || len(lasting) == 0 {
		return errors.Join(failed...)
	}
	return fmt.Errorf("%w\n%v", errors.Join(passing...), errors.Join(lasting...))
}

// deliverTo puts the certificate in place for one site.
func (p *plan) deliverTo(ctx context.Context, s site) error {
	current := p.current(s)
	chosen := p.choose(current)
	if (chosen == nil || chosen != current) && !p.fresh.covers(s.name) {
		return p.byHand(fmt.Errorf("%w: the site %s keeps the one that it has, because certificate %s is for an alias of it only", deliver.ErrByHand, s.name, p.fresh.serial))
	}
	var err error
	switch {
	case chosen == nil:
		if chosen, err = p.add(ctx, s); err != nil {
			return err
		}
	case !chosen.holds(p.fresh.leaf):
		if err := p.prolong(ctx, chosen); err != nil {
			return err
		}
	}
	if chosen == current && s.form.Values[fieldSecure] != off {
		return nil
	}
	return p.assign(ctx, s, chosen)
}

// current returns the certificate that a site uses; nil if it uses none of its owner's.
func (p *plan) current(s site) *entry {
	value := s.form.Values[fieldCertificate]
	i := slices.IndexFunc(p.entries, func(e *entry) bool { return value != "" && slices.Contains(e.choices(p.owner), value) })
	if i < 0 {
		return nil
	}
	return p.entries[i]
}

// choose returns the certificate that a site is to have: the one that it uses if that can be renewed or is so already, else one that
// holds the new certificate, else one that can be renewed. nil means that one has to be added.
func (p *plan) choose(current *entry) *entry {
	if current != nil && p.renewable(current) {
		return current
	}
	for _, fits := range []func(e *entry) bool{func(e *entry) bool { return e.holds(p.fresh.leaf) }, p.renewable} {
		if i := slices.IndexFunc(p.entries, fits); i >= 0 {
			return p.entries[i]
		}
	}
	return nil
}

// renewable reports whether an entry has the same key, and no site loses its certificate when the entry gets the new one: either that
// has all names of the old one, or all sites that the panel lists with the entry.
func (p *plan) renewable(e *entry) bool {
	if !e.sameKey(p.fresh.leaf) {
		return false
	}
	lost := p.uncovered(e.stored.DNSNames)
	if len(lost) == 0 {
		return true
	}
	if users := p.users(e); len(users) > 0 && len(p.uncovered(users)) == 0 {
		return true
	}
	why := fmt.Sprintf("certificate %s of the panel is not renewed, because it also holds %s", ispapi.Shown(e.name), ispapi.Shown(strings.Join(lost, ", ")))
	if !slices.Contains(p.refused, why) {
		p.refused = append(p.refused, why)
	}
	return false
}

// uncovered returns the names that the new certificate is not for.
func (p *plan) uncovered(names []string) []string {
	var lost []string
	for _, name := range names {
		if name = strings.ToLower(name); !p.fresh.covers(name) {
			lost = append(lost, name)
		}
	}
	return lost
}

// users returns the sites that use an entry, by the panel's list of certificates. Nothing is known if the list shows a word that is no
// site of the owner.
func (p *plan) users(e *entry) []string {
	words := strings.FieldsFunc(e.used, func(r rune) bool { return r == ',' || r == ';' || r <= ' ' })
	names := asciiNames(e.used)
	if len(names) != len(words) {
		return nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(p.rows, func(r siteRow) bool { return r.name == name && r.owner == p.owner }) {
			return nil
		}
	}
	return names
}

// identify learns what the certificates are that may be meant: those that the sites use and, unless these can all be renewed, those that
// this delivery may have added before and those with the same names. Where the panel does not show the certificate that a site uses, the
// one that it serves is taken.
func (p *plan) identify(ctx context.Context) error {
	used, others := p.byInterest()
	if err := p.lookAt(ctx, used); err != nil {
		return err
	}
	for _, s := range p.sites {
		e := p.current(s)
		if e == nil || e.stored != nil || s.form.Values[fieldSecure] == off {
			continue
		}
		shown, err := p.handshake(ctx, s.name)
		if err != nil {
			p.env.Log.ExtInfof("deploy %s, site %s: no certificate is seen there: %v", p.block.Name, s.name, err)
			continue
		}
		e.stored = shown
	}
	if err := ctx.Err(); err != nil || !slices.ContainsFunc(p.sites, p.needsAnother) {
		return err
	}
	return p.lookAt(ctx, others)
}

// needsAnother reports whether the certificate that a site uses cannot be renewed.
func (p *plan) needsAnother(s site) bool {
	e := p.current(s)
	return e == nil || !p.renewable(e)
}

func (p *plan) lookAt(ctx context.Context, all []*entry) error {
	for _, e := range all[:min(len(all), maxEntryForms)] {
		if err := p.look(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// byInterest returns the certificates that the sites use, and others that may be meant, the likeliest first.
func (p *plan) byInterest() (used, others []*entry) {
	var similar []*entry
	for _, e := range p.entries {
		switch {
		case slices.ContainsFunc(p.sites, func(s site) bool { return p.current(s) == e }):
			used = append(used, e)
		case p.isAdded(e):
			others = append(others, e)
		case e.overlap(p.fresh.leaf.DNSNames):
			similar = append(similar, e)
		}
	}
	sorting.Stable(similar, func(a, b *entry) int { return strings.Compare(b.ends, a.ends) })
	return used, append(others, similar...)
}

// isAdded reports whether an entry has the name that this delivery gives.
func (p *plan) isAdded(e *entry) bool {
	return slices.ContainsFunc(p.sites, func(s site) bool { return e.name == p.fresh.entryName(s.name) })
}

// byHand adds to an error of that kind which certificates were found.
func (p *plan) byHand(err error) error {
	if !errors.Is(err, deliver.ErrByHand) {
		return err
	}
	why := p.refused
	if len(why) == 0 {
		why = []string{fmt.Sprintf("no certificate of user %s in the panel has the key of certificate %s", ispapi.Shown(p.owner), p.fresh.serial)}
	}
	return fmt.Errorf("%s: %w", strings.Join(why, "; "), err)
}
