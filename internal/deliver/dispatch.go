package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
)

// Options are what a Service works with.
type Options struct {
	Mode   publish.Mode
	Folder string // of the configuration files, absolute: etc/pmssl of the panel
	Env    publish.Env
	Facts  publish.Facts
	// Constructors make the deliverers of each kind.
	Constructors map[publish.Kind]Constructor
	// Addresses looks the addresses of a host up; none if it has none. nil: nothing is looked up.
	Addresses func(ctx context.Context, host string) ([]netip.Addr, error)
}

// ErrNoBlock says that no deploy block is for a name, or that the server of its block has no such site: its certificate is the
// client's to install.
var ErrNoBlock = errors.New("no deploy block serves it")

// New returns a Service. It reads the configuration at its first use. It is for one goroutine.
func New(o Options) Service { return &service{o: o, made: map[string]Deliverer{}} }

type service struct {
	o      Options
	read   bool
	config publish.Config
	err    error
	made   map[string]Deliverer // by the block's name
	silent publish.Silences
}

var _ Service = (*service)(nil)

// Mode implements Service.
func (s *service) Mode() publish.Mode { return s.o.Mode }

// Configured implements Service.
func (s *service) Configured() bool { return s.load() != nil || len(s.config.Deploys) > 0 }

// load reads the configuration once.
func (s *service) load() error {
	if s.read {
		return s.err
	}
	s.read = true
	files, err := publish.ReadFiles(s.o.Folder)
	if err == nil {
		s.config, err = publish.Load(files)
	}
	if err != nil {
		s.err = fmt.Errorf("nothing is delivered: %w", err)
	}
	return s.err
}

// Possible implements Service.
func (s *service) Possible(ctx context.Context, order Order, names []string) bool {
	if s.load() != nil {
		return true
	}
	for _, name := range names {
		name = strings.TrimPrefix(name, "*.")
		named, blocks, general := s.candidates(name)
		switch {
		case named != nil:
			blocks = []publish.Deploy{*named}
		case general != nil:
			blocks = append(blocks, *general)
		}
		for _, d := range blocks {
			if possible, err := s.claim(order, d, Site{}, name).Possible(ctx, s.o.Facts); possible || err != nil {
				return true
			}
		}
	}
	return false
}

// deliverer returns the deliverer of a block.
func (s *service) deliverer(d publish.Deploy) (Deliverer, error) {
	if made, there := s.made[d.Name]; there {
		return made, nil
	}
	constructor := s.o.Constructors[d.Kind]
	if constructor == nil {
		return nil, fmt.Errorf("%s: this program delivers nothing by blocks of kind %s", d.Pos, d.Kind)
	}
	made, err := constructor(d, s.o.Env)
	if err != nil {
		return nil, fmt.Errorf("%s: deploy %s: %w", d.Pos, d.Name, err)
	}
	s.made[d.Name] = made
	return made, nil
}

// Targets implements Service.
func (s *service) Targets(ctx context.Context, order Order, names []string) ([]Target, []Reason, error) {
	if err := s.load(); err != nil {
		return nil, nil, err
	}
	var all []Target
	var reasons []Reason
	sites := map[string][]Site{} // by block, for Check
	for _, name := range names {
		found, err := s.find(ctx, order, strings.TrimPrefix(name, "*."))
		if err != nil && endsRun(ctx, err) {
			return nil, nil, err
		}
		if err != nil {
			reasons = append(reasons, Reason{name, err})
		}
		for _, f := range found {
			if err := s.notThere(ctx, f, names); err != nil {
				reasons = append(reasons, Reason{name, err})
				continue
			}
			all = f.addTo(all)
			sites[f.block.Name] = append(sites[f.block.Name], f.site)
		}
	}
	for _, t := range all {
		if s.o.Mode == publish.Dry {
			s.announce(ctx, t, sites[t.Block])
		}
	}
	return all, reasons, nil
}

// endsRun reports whether an error says nothing about a name: it is one of the panel's database, or of the end of the run.
func endsRun(ctx context.Context, err error) bool {
	var failure *fault.Error
	return errors.As(err, &failure) || ctx.Err() != nil
}

// found is a site that a block's server serves, and why it is the account's own.
type found struct {
	block    publish.Deploy
	name     string // the host name that was asked for
	site     Site
	evidence string
}

// addTo adds the site to the target of its block.
func (f found) addTo(all []Target) []Target {
	at := slices.IndexFunc(all, func(t Target) bool { return t.Block == f.block.Name })
	if at < 0 {
		return append(all, Target{Block: f.block.Name, Sites: []string{f.name}, Key: f.block.TakesKey(), Evidence: f.evidence})
	}
	if t := &all[at]; !slices.Contains(t.Sites, f.name) {
		t.Sites = append(t.Sites, f.name)
		slices.Sort(t.Sites)
		if !strings.Contains(t.Evidence, f.evidence) {
			t.Evidence += "; " + f.evidence
		}
	}
	return all
}

// announce logs what a target would do, for the mode Dry, and what would stand in its way.
func (s *service) announce(ctx context.Context, t Target, sites []Site) {
	d, made, err := s.block(t.Block)
	if err == nil {
		if checker, can := made.(Checker); can {
			err = s.ask(ctx, d, "check", func() error { return checker.Check(ctx, distinct(sites)) })
		}
	}
	if err != nil {
		s.o.Env.Log.Infof("deploy %s would not deliver to %s: %v", t.Block, strings.Join(t.Sites, ", "), err)
		return
	}
	with := "without the private key"
	if t.Key {
		with = "with the private key, if the panel holds it and it is needed"
	}
	s.o.Env.Log.Infof("would deliver to %s by deploy %s, %s (%s)", strings.Join(t.Sites, ", "), t.Block, with, t.Evidence)
}

// find returns the sites that serve a host name. With the error there may be some: one panel has the site, another one does not
// answer.
func (s *service) find(ctx context.Context, order Order, name string) ([]found, error) {
	named, panels, general := s.candidates(name)
	if named != nil {
		return s.one(ctx, order, *named, name)
	}
	all, err := s.onPanels(ctx, order, panels, name)
	if len(all) > 0 || err != nil && !lasts(err) {
		return all, err
	}
	if general != nil {
		return s.one(ctx, order, *general, name)
	}
	if err == nil {
		err = fmt.Errorf("%w: there is none for %s in %s", ErrNoBlock, pki.DisplayName(name), s.o.Folder)
	}
	return nil, err
}

// lasts reports whether a name has no target for a reason that does not pass by itself.
func lasts(err error) bool { return errors.Is(err, ErrNoBlock) || errors.Is(err, publish.ErrNotOwner) }

// candidates returns the blocks for a name: the one with the longest zone above it, the panels whose blocks name no zone, and
// the one with `zone *`.
func (s *service) candidates(name string) (named *publish.Deploy, panels []publish.Deploy, general *publish.Deploy) {
	longest := 0
	for i, d := range s.config.Deploys {
		if len(d.Zones) == 0 {
			panels = append(panels, d)
		}
		for _, zone := range d.Zones {
			switch {
			case zone == "*":
				general = &s.config.Deploys[i]
			case (zone == name || publish.Below(name, zone)) && len(zone) > longest:
				named, longest = &s.config.Deploys[i], len(zone)
			}
		}
	}
	return named, panels, general
}

// one returns the site on the server of one block.
func (s *service) one(ctx context.Context, order Order, d publish.Deploy, name string) ([]found, error) {
	f, err := s.locate(ctx, order, d, name)
	if err != nil {
		return nil, err
	}
	return []found{f}, nil
}

// onPanels returns the site on each of the panels that has it: a site may stand on two servers. Only panels on which the account
// may have a site are asked.
func (s *service) onPanels(ctx context.Context, order Order, panels []publish.Deploy, name string) ([]found, error) {
	var all []found
	var problems []error
	for _, d := range panels {
		possible, err := s.claim(order, d, Site{}, name).Possible(ctx, s.o.Facts)
		if err != nil {
			return nil, err
		}
		if !possible {
			continue
		}
		f, err := s.locate(ctx, order, d, name)
		if err != nil && endsRun(ctx, err) {
			return nil, err
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		all = append(all, f)
	}
	// What does not pass by itself says nothing if another panel has the site, or did not answer.
	if passing := slices.DeleteFunc(slices.Clone(problems), lasts); len(all) > 0 || len(passing) > 0 {
		problems = passing
	}
	return all, errors.Join(problems...)
}

func (s *service) claim(order Order, d publish.Deploy, site Site, name string) publish.SiteClaim {
	return publish.SiteClaim{Item: order.Item, Account: order.Account, Site: name, Owner: site.Owner, Deploy: d, Allows: s.config.Allows}
}

// locate asks a block's server for the site, and applies the ownership rule.
func (s *service) locate(ctx context.Context, order Order, d publish.Deploy, name string) (found, error) {
	made, err := s.deliverer(d)
	if err != nil {
		return found{}, err
	}
	var site Site
	var kept bool
	err = s.ask(ctx, d, "site", func() (err error) {
		site, kept, err = made.Site(ctx, name)
		return err
	})
	if err != nil {
		return found{}, fmt.Errorf("deploy %s: %w", d.Name, err)
	}
	if !kept {
		return found{}, fmt.Errorf("%w: the server of deploy %s has no site %s", ErrNoBlock, d.Name, pki.DisplayName(name))
	}
	evidence, err := s.claim(order, d, site, name).Evidence(ctx, s.o.Facts)
	if err != nil {
		return found{}, err
	}
	s.o.Env.Log.ExtInfof("the site %s is the client's own: %s", name, evidence)
	return found{d, name, site, evidence}, nil
}

func (s *service) ask(ctx context.Context, d publish.Deploy, call string, f func() error) error {
	if d.Kind == publish.KindExec { // a program that hangs takes so much of a sweep that it is not called again
		return s.silent.AskAtMost(ctx, 1, d.Name, call, f)
	}
	return s.silent.Ask(ctx, d.Name, call, f)
}

// block returns a block and its deliverer by the block's name.
func (s *service) block(name string) (publish.Deploy, Deliverer, error) {
	if err := s.load(); err != nil {
		return publish.Deploy{}, nil, err
	}
	for _, d := range s.config.Deploys {
		if d.Name == name {
			made, err := s.deliverer(d)
			return d, made, err
		}
	}
	return publish.Deploy{}, nil, fmt.Errorf("%w: no deploy %s stands in %s any more", ErrNoBlock, name, s.o.Folder)
}

// Deliver implements Service.
func (s *service) Deliver(ctx context.Context, order Order, t Target, c Certificate) error {
	if s.o.Mode != publish.On {
		return fmt.Errorf("%s is not on: certificate %s is not delivered", publish.SettingMode, c.Serial)
	}
	d, made, err := s.block(t.Block)
	if err != nil {
		return err
	}
	sites, err := s.sites(ctx, order, d, t)
	if err != nil {
		return err
	}
	if !d.TakesKey() {
		c.Key = nil
	}
	err = s.ask(ctx, d, "deliver", func() error { return made.Deliver(ctx, order, sites, c) })
	if err != nil {
		return fmt.Errorf("deploy %s: certificate %s is not delivered to %s: %w", d.Name, c.Serial, strings.Join(t.Sites, ", "), err)
	}
	s.o.Env.Log.Infof("deploy %s: delivered certificate %s to %s (%s)", d.Name, c.Serial, strings.Join(t.Sites, ", "), t.Evidence)
	return nil
}

// CheckKey implements Service.
func (s *service) CheckKey(ctx context.Context, order Order, t Target, names []string) error {
	d, made, err := s.block(t.Block)
	if err != nil {
		return err
	}
	if !d.TakesKey() {
		return fmt.Errorf("deploy %s does not say `key yes`, or calls its panel by mgrctl, which is given no key", d.Name)
	}
	sites, err := s.sites(ctx, order, d, t)
	if err != nil {
		return err
	}
	return s.ask(ctx, d, "check", func() error {
		switch checker := made.(type) {
		case KeyChecker:
			return checker.CheckKey(ctx, sites, names)
		case Checker:
			return checker.Check(ctx, sites)
		}
		return nil
	})
}

// sites returns the sites of a target, which must be the account's own now.
func (s *service) sites(ctx context.Context, order Order, d publish.Deploy, t Target) ([]Site, error) {
	var sites []Site
	for _, name := range t.Sites {
		f, err := s.locate(ctx, order, d, name)
		if err != nil {
			return nil, err
		}
		sites = append(sites, f.site)
	}
	return distinct(sites), nil
}

// distinct returns the sites, each once: several names of a certificate may be served by one.
func distinct(sites []Site) []Site {
	var once []Site
	for _, site := range sites {
		if !slices.ContainsFunc(once, func(other Site) bool { return other.Name == site.Name }) {
			once = append(once, site)
		}
	}
	return once
}
