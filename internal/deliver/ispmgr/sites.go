package ispmgr

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"pmssl/internal/ispapi"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
)

const (
	functionSites = "webdomain"
	functionSite  = "site.edit"
	// maxSiteForms bounds the forms that are read in search of an alias.
	maxSiteForms = 50
	// maxAliases bounds the aliases of a site.
	maxAliases = 1000
	// listTime is how long a list of sites is used: a certificate has up to a hundred names, and a panel tens of thousands of sites.
	listTime = time.Minute
)

// Fields of a site's form (docs/reference/unattended.md §2).
const (
	fieldSiteName    = "site_name"
	fieldSiteOwner   = "site_owner"
	fieldAliases     = "site_aliases"
	fieldSecure      = "site_secure"
	fieldCertificate = "site_ssl_cert"
)

// siteRow is a row of the list of sites.
type siteRow struct {
	key     string // by which the form is asked for: the row's id, or else the name as it is shown
	name    string // A-labels
	owner   string // empty if the list shows none to this user
	aliases []string
	listed  bool // the list shows aliases
}

// site is a site with its form.
type site struct {
	siteRow
	form ispapi.Form
}

// sites returns the panel's sites, from a list that is not older than listTime.
func (d *deliverer) sites(ctx context.Context) ([]siteRow, error) {
	now := d.env.Now()
	if age := now.Sub(d.at); d.known != nil && age >= 0 && age < listTime {
		return d.known, nil
	}
	rows, err := d.listSites(ctx)
	if err != nil {
		return nil, err
	}
	d.known, d.at = rows, now
	return rows, nil
}

// listSites lists the panel's sites. Rows whose name no certificate can hold are left out.
func (d *deliverer) listSites(ctx context.Context) ([]siteRow, error) {
	rows, err := d.api.List(ctx, functionSites, url.Values{})
	if err == nil && len(rows) == 0 {
		// Not "no such site": the delivery would be over for good.
		err = fmt.Errorf("%s: the panel shows no site at all: see whether the module's user may see the sites of all clients", functionSites)
	}
	if err != nil {
		return nil, err
	}
	var all []siteRow
	seen := map[string]bool{}
	for _, e := range rows {
		text := e.Value("name")
		if text == "" {
			return nil, fmt.Errorf("%s: a row of the list has no name: this is not a list of sites that the module knows", functionSites)
		}
		name, err := pki.ASCIIName("site", text)
		if err != nil || strings.HasPrefix(name, "*.") {
			continue
		}
		if seen[name] {
			return nil, fmt.Errorf("%s: the panel has the site %s twice: whose it is is not known", functionSites, name)
		}
		seen[name] = true
		row := siteRow{key: e.Value("id"), name: name, owner: e.Value("owner"), aliases: asciiNames(e.Value("aliases")), listed: e.Has("aliases")}
		if row.key == "" {
			row.key = text
		}
		all = append(all, row)
	}
	return all, nil
}

// asciiNames returns the names of a field that lists them, in A-labels. What is no name of a certificate is left out.
func asciiNames(text string) []string {
	var names []string
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r <= ' ' }) {
		if name, err := pki.ASCIIName("alias", one); err == nil && len(names) < maxAliases && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// find returns the site that serves a host name: by its own name, else by an alias, else by an alias with a wildcard.
func (d *deliverer) find(ctx context.Context, name string) (site, bool, error) {
	rows, err := d.sites(ctx)
	if err != nil {
		return site{}, false, err
	}
	if i := slices.IndexFunc(rows, func(r siteRow) bool { return r.name == name }); i >= 0 {
		found, err := d.readSite(ctx, rows[i])
		return found, err == nil, err
	}
	var exact, wild []site
	for _, row := range candidates(rows, name) {
		if row.listed && !slices.ContainsFunc(row.aliases, func(alias string) bool { return pki.Covers(alias, name) }) {
			continue
		}
		one, err := d.readSite(ctx, row)
		switch {
		case err != nil:
			return site{}, false, err
		case slices.Contains(one.aliases, name):
			exact = append(exact, one)
		case slices.ContainsFunc(one.aliases, func(alias string) bool { return pki.Covers(alias, name) }):
			wild = append(wild, one)
		}
	}
	return single(name, exact, wild)
}

// single returns the only site that has a name: an alias without a wildcard counts more than one with it.
func single(name string, exact, wild []site) (site, bool, error) {
	all := exact
	if len(all) == 0 {
		all = wild
	}
	switch len(all) {
	case 0:
		return site{}, false, nil
	case 1:
		return all[0], true, nil
	}
	return site{}, false, fmt.Errorf("%s is an alias of %s and of %s: which of them serves it is not known", name, all[0].name, all[1].name)
}

// candidates returns the sites of which a name may be an alias, nearest names first: those whose list entry shows aliases, and those of
// the same registrable domain.
func candidates(rows []siteRow, name string) []siteRow {
	registrable, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return nil
	}
	var near, others []siteRow
	for _, row := range rows {
		switch {
		case publish.Below(name, row.name) || publish.Below(row.name, name):
			near = append(near, row)
		case row.listed && len(row.aliases) > 0, row.name == registrable, publish.Below(row.name, registrable):
			others = append(others, row)
		}
	}
	all := append(near, others...)
	return all[:min(len(all), maxSiteForms)]
}

// readSite reads a site's form. A form that shows another site or another owner than the list is an error.
func (d *deliverer) readSite(ctx context.Context, row siteRow, more ...string) (site, error) {
	params := url.Values{"elid": {row.key}}
	for i := 0; i+1 < len(more); i += 2 {
		params.Set(more[i], more[i+1])
	}
	form, err := d.api.Form(ctx, functionSite, params)
	if err != nil {
		return site{}, err
	}
	name, err := pki.ASCIIName("site", form.Values[fieldSiteName])
	owner := form.Values[fieldSiteOwner]
	switch {
	case !form.Has(fieldSiteName) || !form.Has(fieldCertificate):
		return site{}, fmt.Errorf("%s: the form has no field %s or %s: the module does not know this form", functionSite, fieldSiteName, fieldCertificate)
	case err != nil || name != row.name:
		return site{}, fmt.Errorf("%s: the form of %s shows the site %s", functionSite, row.name, ispapi.Shown(form.Values[fieldSiteName]))
	case owner != "" && row.owner != "" && owner != row.owner:
		return site{}, fmt.Errorf("%s: the form of %s shows the owner %s, the list of sites %s", functionSite, row.name, ispapi.Shown(owner), ispapi.Shown(row.owner))
	}
	row.aliases = asciiNames(form.Values[fieldAliases])
	return site{row, form}, nil
}

// named returns the sites of these names, which must still belong to the owner.
func (d *deliverer) named(ctx context.Context, owner string, names []string) ([]site, []siteRow, error) {
	rows, err := d.sites(ctx)
	if err != nil {
		return nil, nil, err
	}
	var found []site
	for _, name := range names {
		i := slices.IndexFunc(rows, func(r siteRow) bool { return r.name == name })
		if i < 0 {
			return nil, nil, fmt.Errorf("the panel does not have the site %s any more", name)
		}
		if rows[i].owner != owner {
			return nil, nil, fmt.Errorf("the site %s belongs to %s now, not to %s", name, ispapi.Shown(rows[i].owner), ispapi.Shown(owner))
		}
		one, err := d.readSite(ctx, rows[i])
		if err != nil {
			return nil, nil, err
		}
		found = append(found, one)
	}
	if len(found) == 0 {
		return nil, nil, errors.New("no site is named")
	}
	return found, rows, nil
}
