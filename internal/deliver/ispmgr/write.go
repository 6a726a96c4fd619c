package ispmgr

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"pmssl/internal/deliver"
	"pmssl/internal/ispapi"
)

// prolong gives an entry the new certificate, and reads it back.
func (p *plan) prolong(ctx context.Context, e *entry) error {
	sent, err := p.renewal(ctx, e)
	if err != nil {
		return err
	}
	refused, err := p.api.Submit(ctx, functionProlong, sent)
	switch {
	case err != nil:
		return err
	case refused != nil:
		return refused.AsError(functionProlong)
	}
	if err := p.verify(ctx, e); err != nil {
		return err
	}
	p.log("the panel's certificate %s of %s was renewed with certificate %s", ispapi.Shown(e.name), ispapi.Shown(p.owner), p.fresh.serial)
	return nil
}

// add adds the certificate with its private key under a name that is made of it, so that a delivery that was broken off after that finds
// it.
func (p *plan) add(ctx context.Context, s site) (*entry, error) {
	name := p.fresh.entryName(s.name)
	if i := slices.IndexFunc(p.entries, func(e *entry) bool { return e.name == name }); i >= 0 {
		return p.entries[i], p.verify(ctx, p.entries[i])
	}
	private, err := p.privateKey(ctx, p.fresh)
	if err != nil {
		return nil, p.byHand(err)
	}
	sent, field, err := p.addition(ctx, name)
	if err != nil {
		return nil, err
	}
	refused, err := p.api.SubmitSecret(ctx, functionAdd, sent, url.Values{field: {private}})
	switch {
	case err != nil:
		return nil, err
	case refused != nil && !refused.OfType("exists"):
		return nil, refused.AsError(functionAdd)
	}
	added, err := p.listed(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case added == nil && refused != nil:
		return nil, refused.AsError(functionAdd)
	case added == nil:
		return nil, p.notShown(name)
	}
	p.entries = append(p.entries, added)
	if err := p.verify(ctx, added); err != nil {
		return nil, err
	}
	p.log("certificate %s was added to the panel as %s of %s", p.fresh.serial, name, ispapi.Shown(p.owner))
	return added, nil
}

// listed returns the owner's entry of a name as the panel lists it now; nil if there is none.
func (p *plan) listed(ctx context.Context, name string) (*entry, error) {
	all, err := p.listEntries(ctx, p.owner)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(e *entry) bool { return e.name == name })
	if i < 0 {
		return nil, nil
	}
	return all[i], nil
}

// verify reports by nil that an entry has the new certificate: by the certificate itself, or by its last day if the panel shows no more.
// Whether the site serves it is seen by the handshake that follows a delivery.
func (p *plan) verify(ctx context.Context, e *entry) error {
	e.stored = nil
	if err := p.look(ctx, e); err != nil {
		return err
	}
	if e.stored != nil {
		if !e.holds(p.fresh.leaf) {
			return p.notShown(e.name)
		}
		return nil
	}
	now, err := p.listed(ctx, e.name)
	switch {
	case err != nil:
		return err
	case now == nil || !slices.Contains(p.fresh.lastDays(), now.ends):
		return p.notShown(e.name)
	}
	e.stored = p.fresh.leaf
	return nil
}

func (p *plan) notShown(name string) error {
	return fmt.Errorf("the panel does not show certificate %s as its certificate %s: see there what that is", p.fresh.serial, ispapi.Shown(name))
}

// assign makes a site use an entry. Only the fields that change are sent, because the panel keeps the others
// (docs/reference/unattended.md §2); the site's form is read before and after.
func (p *plan) assign(ctx context.Context, s site, e *entry) error {
	if !p.block.Key {
		return fmt.Errorf("%w: the site does not use the panel's certificate %s, and block %s says `key no`: choose it for the site in the panel",
			deliver.ErrByHand, ispapi.Shown(e.name), p.block.Name)
	}
	before, choice, err := p.offered(ctx, s, e)
	if err != nil {
		return err
	}
	sent := url.Values{"elid": {s.key}, fieldCertificate: {choice}, "sok": {"ok"}}
	if s.form.Has(fieldSecure) && s.form.Values[fieldSecure] != on {
		sent.Set(fieldSecure, on)
	}
	if missing := before.form.Missing(sent); missing != "" {
		return fmt.Errorf("%s: the form wants the field %s, which is empty: nothing is sent", functionSite, ispapi.Shown(missing))
	}
	refused, err := p.api.Submit(ctx, functionSite, sent)
	switch {
	case err != nil:
		return err
	case refused != nil:
		return refused.AsError(functionSite)
	}
	after, err := p.readSite(ctx, s.siteRow)
	if err != nil {
		return err
	}
	if after.form.Values[fieldCertificate] != choice || after.form.Values[fieldSecure] == off {
		return fmt.Errorf("%s: the panel accepted certificate %s for the site and does not show it", functionSite, ispapi.Shown(choice))
	}
	p.warnOfChanges(before, after)
	p.log("the site %s uses the panel's certificate %s now", s.name, ispapi.Shown(e.name))
	return nil
}

// offered reads a site's form and how it names an entry. A site without TLS may offer certificates only once TLS is asked for.
func (p *plan) offered(ctx context.Context, s site, e *entry) (site, string, error) {
	before, err := p.readSite(ctx, s.siteRow)
	if err != nil {
		return site{}, "", err
	}
	choice, err := p.choice(before.form, e)
	if err == nil || before.form.Values[fieldSecure] != off {
		return before, choice, err
	}
	if before, err = p.readSite(ctx, s.siteRow, fieldSecure, on); err != nil {
		return site{}, "", err
	}
	choice, err = p.choice(before.form, e)
	return before, choice, err
}

// choice returns the value by which a site's form offers an entry.
func (p *plan) choice(form ispapi.Form, e *entry) (string, error) {
	offered, listed := form.Choices[fieldCertificate]
	if !listed {
		return e.name, nil
	}
	var fit []string
	for _, value := range offered {
		if slices.Contains(e.choices(p.owner), value) && !slices.Contains(fit, value) {
			fit = append(fit, value)
		}
	}
	if len(fit) != 1 {
		return "", fmt.Errorf("%s: the form offers certificate %s in %d ways: nothing is sent", functionSite, ispapi.Shown(e.name), len(fit))
	}
	return fit[0], nil
}

// warnOfChanges logs the first field of a site that is another one since the certificate was put on it.
func (p *plan) warnOfChanges(before, after site) {
	for _, name := range before.form.Names {
		was, is := before.form.Values[name], after.form.Values[name]
		if name != fieldCertificate && name != fieldSecure && was != "" && was != is && after.form.Has(name) {
			p.env.Log.Warningf("item %d: deploy %s: the field %s of the site %s was %s and is %s since its certificate was changed: see the panel's log",
				p.item, p.block.Name, ispapi.Shown(name), before.name, ispapi.Shown(was), ispapi.Shown(is))
			return
		}
	}
}

// log writes what was changed at the panel.
func (p *plan) log(format string, args ...any) {
	p.env.Log.Infof("item %d: deploy %s: %s", p.item, p.block.Name, fmt.Sprintf(format, args...))
}

// anyCertificate stands for a certificate in forms that are only read: these must have fields for it and its chain.
func anyCertificate() certificate { return certificate{text: "x", chain: "x"} }

// check reads the forms that a delivery would fill in.
func (p *plan) check(ctx context.Context) error {
	p.fresh = anyCertificate()
	for _, s := range p.sites {
		e := p.current(s)
		var err error
		switch {
		case e != nil:
			if err = p.look(ctx, e); err == nil {
				_, err = p.renewal(ctx, e)
			}
		case p.block.Key && p.block.Mgr == "":
			_, _, err = p.addition(ctx, s.name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
