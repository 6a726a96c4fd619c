// Package ispmgr delivers certificates to the sites of a hosting server with ISPmanager 6, by the panel's own forms. A certificate of
// the site's owner with the same key is renewed; otherwise one is added with its private key, where the block allows that, and put on
// the site. Each form is read before it is filled in, and what was written is read back (docs/reference/unattended.md §2 and §7).
package ispmgr

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pmssl/internal/deliver"
	"pmssl/internal/ispapi"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
)

// panelName is the panel that has sites; a DNSmanager has none.
const panelName = "ispmgr"

type deliverer struct {
	block publish.Deploy
	env   publish.Env
	api   *ispapi.Client
	known []siteRow // the panel's sites as they were listed last; read-only
	at    time.Time // when that was
}

var (
	_ deliver.Checker    = (*deliverer)(nil)
	_ deliver.KeyChecker = (*deliverer)(nil)
)

// New makes the deliverer of a block of the kind ispmgr.
func New(b publish.Deploy, e publish.Env) (deliver.Deliverer, error) {
	api, err := ispapi.New(ispapi.Server{URL: b.URL, Pin: b.Pin, Login: b.Login, Password: b.Password, Mgr: b.Mgr}, e)
	if err == nil && api.Panel() != panelName {
		err = fmt.Errorf("%s is a DNSmanager, which has no sites: the URL of an ISPmanager ends in /ispmgr", api.Place())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: deploy %s: %w", b.Pos, b.Name, err)
	}
	return &deliverer{block: b, env: e, api: api}, nil
}

// Site returns the panel's site with this name or alias, and its owner as the list of sites shows it. The panel lists sites without
// their aliases; these are read from the forms of sites of the same registrable domain only.
func (d *deliverer) Site(ctx context.Context, name string) (deliver.Site, bool, error) {
	if !publish.IsHostName(name) {
		return deliver.Site{}, false, d.wrap(fmt.Sprintf("%q", ispapi.Shown(name)), errors.New("this is not a host name"))
	}
	found, kept, err := d.find(ctx, name)
	if err != nil {
		return deliver.Site{}, false, d.wrap("site "+name, err)
	}
	if !kept {
		return deliver.Site{}, false, nil
	}
	return deliver.Site{Name: found.name, Aliases: found.aliases, Owner: found.owner}, true, nil
}

// Deliver renews or adds the certificate for each owner of the sites. What is in place already is left as it is.
func (d *deliverer) Deliver(ctx context.Context, order deliver.Order, sites []deliver.Site, c deliver.Certificate) error {
	fresh, err := read(c)
	if err != nil {
		return d.wrap("certificate "+c.Serial, err)
	}
	d.known = nil // whose the sites are is read anew before anything is changed
	return d.eachOwner(sites, func(owner string, names []string) error {
		p, err := d.open(ctx, owner, names)
		if err == nil {
			p.item, p.fresh = order.Item, fresh
			err = p.deliver(ctx)
		}
		return err
	})
}

// Check reports whether Deliver would be refused for a reason that shows without the certificate: a right that is missing, a form that
// is not known. It changes nothing.
func (d *deliverer) Check(ctx context.Context, sites []deliver.Site) error {
	return d.eachOwner(sites, func(owner string, names []string) error {
		p, err := d.open(ctx, owner, names)
		if err == nil {
			err = p.check(ctx)
		}
		return err
	})
}

// CheckKey reports whether a certificate for the names and another key could be added for each of the sites. It changes nothing.
func (d *deliverer) CheckKey(ctx context.Context, sites []deliver.Site, names []string) error {
	for _, s := range sites {
		if !slices.ContainsFunc(names, func(name string) bool { return pki.Covers(name, s.Name) }) {
			return d.wrap("site "+s.Name, errors.New("the certificate is for an alias of it only, so it gets none but a renewed one"))
		}
	}
	return d.eachOwner(sites, func(owner string, names []string) error {
		p, err := d.open(ctx, owner, names)
		if err == nil {
			p.fresh = anyCertificate()
			_, _, err = p.addition(ctx, names[0])
		}
		return err
	})
}

// eachOwner calls a function for each owner of sites, with the names of its sites, and joins the errors.
func (d *deliverer) eachOwner(sites []deliver.Site, do func(owner string, names []string) error) error {
	owned := map[string][]string{}
	for _, s := range sites {
		if !slices.Contains(owned[s.Owner], s.Name) {
			owned[s.Owner] = append(owned[s.Owner], s.Name)
		}
	}
	var failed []error
	for _, owner := range slices.Sorted(maps.Keys(owned)) {
		names := slices.Sorted(slices.Values(owned[owner]))
		if err := do(owner, names); err != nil {
			failed = append(failed, d.wrap("site "+strings.Join(names, ", "), err))
		}
	}
	return joined(failed)
}

func (d *deliverer) wrap(what string, err error) error {
	return fmt.Errorf("deploy %s at %s: %s: %w", d.block.Name, d.api.Place(), what, err)
}
