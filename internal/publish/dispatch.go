package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/plaintext"
)

// Options are what a Service works with.
type Options struct {
	Mode   Mode
	Best   bool
	Folder string // of the configuration files, absolute: etc/pmssl of the panel
	Env    Env
	Facts  Facts
	// Constructors make the publishers of each kind.
	Constructors map[Kind]Constructor
	// Look looks at a published record; the block says at which addresses a file is to be seen.
	Look func(ctx context.Context, b Block, p Placement) (Sight, error)
}

// New returns a Service. It reads the configuration at its first use; what is wrong there is the error of Place, with file
// and line. It is for one goroutine.
func New(o Options) Service {
	return &service{o: o, publishers: map[string]Publisher{}}
}

type service struct {
	o          Options
	read       bool
	config     Config
	err        error
	publishers map[string]Publisher // by the block's name
	silent     Silences
}

var _ Service = (*service)(nil)

// Refusal says why records cannot be placed, by name of the certificate.
type Refusal struct {
	Reasons []Reason
}

// Reason is why the record of one name cannot be placed.
type Reason struct {
	Domain string
	Err    error
}

// Error returns all reasons in one line.
func (r *Refusal) Error() string {
	words := make([]string, len(r.Reasons))
	for i, reason := range r.Reasons {
		words[i] = pki.DisplayName(reason.Domain) + ": " + reason.Err.Error()
	}
	return strings.Join(words, "; ")
}

// Unwrap returns the errors of all names.
func (r *Refusal) Unwrap() []error {
	all := make([]error, len(r.Reasons))
	for i, reason := range r.Reasons {
		all[i] = reason.Err
	}
	return all
}

// Mode implements Service.
func (s *service) Mode() Mode { return s.o.Mode }

// Best implements Service.
func (s *service) Best() bool { return s.o.Best }

// Place implements Service. With the mode Dry it logs what would be published.
func (s *service) Place(ctx context.Context, order Order, records []Record) ([]Placement, error) {
	if err := s.load(); err != nil {
		return nil, err
	}
	var all []Placement
	var refusal Refusal
	for _, r := range records {
		p, err := s.place(ctx, order, r)
		if err == nil {
			err = fits(all, p)
		}
		if failure := (*fault.Error)(nil); errors.As(err, &failure) || err != nil && ctx.Err() != nil {
			return nil, err // the panel's database, or the end of the run: that says nothing of the name
		}
		if err != nil {
			refusal.Reasons = append(refusal.Reasons, Reason{r.Domain, err})
			continue
		}
		all = append(all, p)
	}
	if len(refusal.Reasons) > 0 {
		return nil, &refusal
	}
	for _, p := range all {
		if s.o.Mode == Dry {
			s.o.Env.Log.Infof("would publish %s by publisher %s in zone %s (%s)", p.Record, p.Publisher, p.Zone, p.Evidence)
		}
	}
	return all, nil
}

// fits refuses two aliases in one place: a name has one CNAME record (RFC 1034 3.6.2).
func fits(placed []Placement, p Placement) error {
	for _, other := range placed {
		if p.Record.Type == CNAME && other.Record.SamePlace(p.Record) && !other.Record.Same(p.Record) {
			return fmt.Errorf("%s and %s stand in the same place, which takes one of them", other.Record, p.Record)
		}
	}
	return nil
}

// load reads the configuration once. Of one with a mistake, which is the error, only what can be read is kept: for Withdraw.
func (s *service) load() error {
	if s.read {
		return s.err
	}
	s.read = true
	files, err := ReadFiles(s.o.Folder)
	if err == nil {
		s.config, err = Load(files)
	}
	if err == nil && len(s.config.Publishers) == 0 {
		err = noPublisher("no publisher is configured in %s/*.conf", s.o.Folder)
	}
	if err != nil {
		s.err = fmt.Errorf("nothing is published: %w", err)
		s.config = Readable(files)
	}
	return s.err
}

// publisher returns the publisher of a block.
func (s *service) publisher(b Block) (Publisher, error) {
	if made, there := s.publishers[b.Name]; there {
		return made, nil
	}
	constructor := s.o.Constructors[b.Kind]
	if constructor == nil {
		return nil, fmt.Errorf("%s: this program has no publisher of kind %s", b.Pos, b.Kind)
	}
	made, err := constructor(b, s.o.Env)
	if err != nil {
		return nil, fmt.Errorf("%s: publisher %s: %w", b.Pos, b.Name, err)
	}
	s.publishers[b.Name] = made
	return made, nil
}

// ask calls the block's publisher, unless it did not answer several times in this run.
func (s *service) ask(ctx context.Context, b Block, name string, call func() error) error {
	return s.silent.Ask(ctx, b.Name, name, call)
}

// zone asks the block's publisher for the zone of a name.
func (s *service) zone(ctx context.Context, b Block, made Publisher, name string) (zone Zone, kept bool, err error) {
	err = s.ask(ctx, b, "zone", func() (err error) {
		zone, kept, err = made.Zone(ctx, name)
		return err
	})
	return zone, kept, err
}

// forItem returns the publisher for the records of the order's item, if it wants to know the item.
func forItem(made Publisher, order Order) Publisher {
	if perItem, wants := made.(ItemPublisher); wants {
		return perItem.ForItem(order.Item)
	}
	return made
}

// place finds publisher, zone and evidence of a record. Where the publisher's block allows it, a record that cannot stand
// in its place goes below the next higher owned name.
func (s *service) place(ctx context.Context, order Order, r Record) (Placement, error) {
	b, err := s.choose(ctx, order, r)
	if err != nil {
		return Placement{}, err
	}
	p, err := s.placeWith(ctx, order, b, r)
	first := err
	for b.Higher && (errors.Is(err, ErrConflict) || errors.Is(err, ErrWildcard)) {
		label, host, _ := strings.Cut(r.Name, ".")
		_, above, found := strings.Cut(host, ".")
		if !found {
			break
		}
		r.Name = label + "." + above
		if again, other := s.choose(ctx, order, r); other != nil || again.Name != b.Name {
			break // the block is not for that name
		}
		p, err = s.placeWith(ctx, order, b, r)
	}
	if err != nil {
		return Placement{}, first
	}
	return p, nil
}

// choose returns the block for a record: the one with the longest zone above its name; before `*`, a block without zones on
// whose modules the account has an active item.
func (s *service) choose(ctx context.Context, order Order, r Record) (Block, error) {
	best, general, longest := -1, -1, 0
	var byModule []Block
	for i, b := range s.config.Publishers {
		if !slices.Contains(b.Types, r.Type) {
			continue
		}
		if len(b.Zones) == 0 {
			byModule = append(byModule, b)
		}
		if slices.Contains(b.Zones, "*") {
			general = i
		}
		if length := b.zoneOf(r.Name); length > longest {
			best, longest = i, length
		}
	}
	if best >= 0 {
		return s.config.Publishers[best], nil
	}
	found, err := s.onModules(ctx, order, r, byModule)
	switch {
	case err != nil:
		return Block{}, err
	case found != nil:
		return *found, nil
	case general >= 0:
		return s.config.Publishers[general], nil
	}
	return Block{}, noPublisher("no publisher in %s is for %s records of %s", s.o.Folder, r.Type, plaintext.Clip(plaintext.Line(r.Name), maxHost))
}

// zoneOf returns the length of the block's longest zone that holds the name; 0 if none does but `*`.
func (b Block) zoneOf(name string) int {
	longest := 0
	for _, zone := range b.Zones {
		if within(name, zone) {
			longest = max(longest, len(zone))
		}
	}
	return longest
}

// onModules returns the one block on whose modules the account has an active item; nil if there is none.
func (s *service) onModules(ctx context.Context, order Order, r Record, blocks []Block) (*Block, error) {
	var found *Block
	for i, b := range blocks {
		hostings, err := Claim{Order: order, Block: b}.hostings(ctx, s.o.Facts)
		if err != nil {
			return nil, err
		}
		if len(hostings) == 0 {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("account %d has items on the modules of publishers %s and %s: add a line `zone %s` to the one that serves it",
				order.Account, found.Name, b.Name, r.Name)
		}
		found = &blocks[i]
	}
	return found, nil
}

// placeWith asks the block's publisher for the zone, applies the ownership rule and looks for dangers.
func (s *service) placeWith(ctx context.Context, order Order, b Block, r Record) (Placement, error) {
	made, err := s.publisher(b)
	if err != nil {
		return Placement{}, err
	}
	zone, kept, err := s.zone(ctx, b, made, r.Name)
	if err != nil {
		return Placement{}, fmt.Errorf("publisher %s: %w", b.Name, err)
	}
	switch {
	case !kept && b.zoneOf(r.Name) > 0: // the block promises it
		return Placement{}, fmt.Errorf("publisher %s keeps no zone for %s", b.Name, r.Name)
	case !kept:
		return Placement{}, noPublisher("publisher %s keeps no zone for %s", b.Name, r.Name)
	}
	evidence, err := s.evidence(ctx, order, b, zone, r, false)
	if err != nil {
		return Placement{}, err
	}
	if err := s.ask(ctx, b, "check", func() error { return check(ctx, made, zone.Name, order, r) }); err != nil {
		return Placement{}, fmt.Errorf("publisher %s, zone %s: %w", b.Name, zone.Name, err)
	}
	return Placement{Publisher: b.Name, Zone: zone.Name, Record: r, Evidence: evidence}, nil
}

// check asks a publisher that can say so whether it would refuse the record. What stands in its place is no conflict where
// the module wrote there itself: Publish replaces its own values and no others.
func check(ctx context.Context, made Publisher, zone string, order Order, r Record) error {
	checker, can := made.(Checker)
	if !can {
		return nil
	}
	err := checker.Check(ctx, zone, r)
	if errors.Is(err, ErrConflict) && slices.ContainsFunc(order.Standing, r.SamePlace) {
		return nil
	}
	return err
}

func (s *service) evidence(ctx context.Context, order Order, b Block, zone Zone, r Record, withdraw bool) (string, error) {
	found, err := Claim{Order: order, Record: r, Block: b, Zone: zone, Allows: s.config.Allows, Withdraw: withdraw}.Evidence(ctx, s.o.Facts)
	if err == nil {
		s.o.Env.Log.ExtInfof("%s is the client's own: %s", r.Name, found)
	}
	return found, err
}

// placed returns block and publisher of a placement, which may be of an earlier configuration.
func (s *service) placed(p Placement) (Block, Publisher, error) {
	if err := s.load(); err != nil {
		return Block{}, nil, err
	}
	return s.named(p)
}

// named is placed for Withdraw: a mistake elsewhere in the configuration leaves no record where it is.
func (s *service) named(p Placement) (Block, Publisher, error) {
	mistake := s.load()
	for _, b := range s.config.Publishers {
		if b.Name == p.Publisher && slices.Contains(b.Types, p.Record.Type) {
			made, err := s.publisher(b)
			return b, made, err
		}
	}
	if mistake != nil {
		return Block{}, nil, mistake
	}
	return Block{}, nil, noPublisher("no publisher %s for %s records stands in %s any more: put its block back, or remove %s in zone %s by hand",
		p.Publisher, p.Record.Type, s.o.Folder, p.Record, p.Zone)
}

// Publish implements Service.
func (s *service) Publish(ctx context.Context, order Order, p Placement, old []string) error {
	if s.o.Mode != On {
		return fmt.Errorf("%s is not on: %s is not published", SettingMode, p.Record)
	}
	b, made, err := s.placed(p)
	if err != nil {
		return err
	}
	zone, kept, err := s.zone(ctx, b, made, p.Record.Name)
	if err != nil {
		return fmt.Errorf("publisher %s: %w", b.Name, err)
	}
	if !kept || zone.Name != p.Zone {
		return fmt.Errorf("publisher %s does not keep %s in zone %s any more", b.Name, p.Record.Name, p.Zone)
	}
	evidence, err := s.evidence(ctx, order, b, zone, p.Record, false)
	if err != nil {
		return err
	}
	r := p.Record
	if r.TTL == 0 && r.Type != File {
		r.TTL = b.TTL
	}
	if err := s.ask(ctx, b, "publish", func() error { return forItem(made, order).Publish(ctx, zone.Name, r, old) }); err != nil {
		return fmt.Errorf("publisher %s, zone %s: %s is not published: %w", b.Name, zone.Name, r, err)
	}
	s.o.Env.Log.Infof("publisher %s: published %s in zone %s (%s)", b.Name, r, zone.Name, evidence)
	return nil
}

// Look implements Service.
func (s *service) Look(ctx context.Context, p Placement) (Sight, error) {
	b, _, err := s.placed(p)
	if err != nil {
		return Sight{}, err
	}
	return s.o.Look(ctx, b, p)
}

// Withdraw implements Service. It works in every mode, and as long as the record's own publisher can be read: what was published
// has to go.
func (s *service) Withdraw(ctx context.Context, order Order, p Placement) error {
	b, made, err := s.named(p)
	if err != nil {
		return err
	}
	zone, kept, err := s.formerZone(ctx, b, made, p)
	if err != nil {
		return fmt.Errorf("publisher %s: %w", b.Name, err)
	}
	if !kept {
		s.o.Env.Log.Infof("publisher %s: zone %s is gone, and %s with it", b.Name, p.Zone, p.Record)
		return nil
	}
	if _, err := s.evidence(ctx, order, b, zone, p.Record, true); err != nil {
		return err
	}
	if err := s.ask(ctx, b, "withdraw", func() error { return forItem(made, order).Withdraw(ctx, zone.Name, p.Record) }); err != nil {
		return fmt.Errorf("publisher %s, zone %s: %s is not withdrawn: %w", b.Name, zone.Name, p.Record, err)
	}
	s.o.Env.Log.Infof("publisher %s: withdrew %s from zone %s", b.Name, p.Record, zone.Name)
	return nil
}

// formerZone returns the zone that a record was written into, as it is now: a zone that was cut out of it later does not
// hold the record. A webroot and a program know only the zones of their block: that one is not in it any more says nothing of
// what they wrote.
func (s *service) formerZone(ctx context.Context, b Block, made Publisher, p Placement) (Zone, bool, error) {
	if b.Kind == KindWebroot || b.Kind == KindExec {
		return Zone{Name: p.Zone}, true, nil
	}
	for _, name := range []string{p.Record.Name, p.Zone} {
		zone, kept, err := s.zone(ctx, b, made, name)
		if err != nil || kept && zone.Name == p.Zone {
			return zone, kept, err
		}
	}
	return Zone{}, false, nil
}
