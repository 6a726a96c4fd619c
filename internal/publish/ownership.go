package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"pmssl/internal/pki"
)

// Facts are what the panel's database knows of hosting and domains. Errors are *fault.Error.
type Facts interface {
	// Hostings lists the items of the account that stand on one of the processing modules and are active or suspended
	// (item.status 2 or 3), with the user name that the item parameter of this name holds.
	Hostings(ctx context.Context, account int64, modules []int64, userParam string) ([]Hosting, error)
	// NamedItems lists the items of every account whose name, or item parameter domain, is one of the names (A-labels, lower
	// case), whatever their status is short of deleted; certificates and their parts are left out.
	NamedItems(ctx context.Context, names []string) ([]NamedItem, error)
	// OthersBelow lists, of the same items, those of other accounts whose name stands one label below one of the parents.
	OthersBelow(ctx context.Context, parents []string, account int64) ([]NamedItem, error)
}

// Hosting is one hosting item of an account.
type Hosting struct {
	Item   int64
	Module int64
	User   string
	Active bool // item.status 2; otherwise suspended
}

// NamedItem is an item that carries a name.
type NamedItem struct {
	Item    int64
	Account int64
	Name    string // as in Facts.NamedItems: A-labels, lower case
	// Domain says that its type is domain and that it carries no second name: the name is registered for the account.
	Domain    bool
	Active    bool // item.status 2
	Suspended bool // item.status 3
}

// ErrNotOwner is a refusal of the ownership rule: nothing shows that the name is the client's own, or something shows that
// it is not. The text says what was looked for, and what the administrator can do.
var ErrNotOwner = errors.New("not shown to be the client's own name")

// Claim is one question for the ownership rule: may the record be written into the zone for the order's account?
type Claim struct {
	Order  Order
	Record Record
	Block  Block   // the publisher's
	Zone   Zone    // as the publisher reports it now
	Allows []Allow // of the configuration
	// Withdraw asks for removing exactly the record's value instead of writing it. A suspended item is evidence for that,
	// and another account's item is no obstacle: the module only removes what it wrote itself.
	Withdraw bool
}

// evidence is one fact that shows that a name and all below it are the account's own.
type evidence struct {
	name  string // the owned name
	words string // which fact it is, for the log
	allow bool   // an administrator's line
}

// Evidence applies the ownership rule (docs/reference/unattended.md §3). The default is to refuse: it returns the fact that
// allows the record, in words for the log, or an error that wraps ErrNotOwner. Facts that cannot be read are the error of
// Facts.
func (c Claim) Evidence(ctx context.Context, facts Facts) (string, error) {
	host, err := c.Record.Host(c.Order, c.Block.Higher || c.Withdraw) // the block's words may have changed since it was written
	if err != nil {
		return "", err
	}
	return c.decide(ctx, facts, host, c.collect, c.nothing)
}

// decide applies the rule to the evidence that collect returns, given the items that carry a name of the claim or a parent of it.
// nothing returns the refusal of a claim without evidence.
func (c Claim) decide(ctx context.Context, facts Facts, host string, collect func(context.Context, Facts, []NamedItem) ([]evidence, error),
	nothing func(host string) error) (string, error) {
	registrable, err := c.registrable(host)
	if err != nil {
		return "", err
	}
	proved := c.proved(host)
	named, err := facts.NamedItems(ctx, namesUpTo(bareNames(proved), registrable))
	if err != nil {
		return "", err
	}
	found, err := collect(ctx, facts, named)
	if err != nil {
		return "", err
	}
	// An owned name above the registrable one would reach over a public suffix.
	found = slices.DeleteFunc(found, func(e evidence) bool { return !within(e.name, registrable) })
	best := strongest(found, host) // evidence below the host would be written above it
	if best.name == "" {
		return "", nothing(host)
	}
	if c.Withdraw {
		return best.words, nil
	}
	below, err := c.othersBelow(ctx, facts, found, proved)
	if err == nil {
		err = c.contradicted(found, proved, slices.Concat(named, below))
	}
	if err != nil {
		return "", err
	}
	return best.words, nil
}

// registrable returns the name above the host that can be registered: nothing above it is anybody's own. An error refuses hosts
// that no evidence can be for.
func (c Claim) registrable(host string) (string, error) {
	registrable, err := publicsuffix.EffectiveTLDPlusOne(c.Record.Domain)
	switch {
	case err != nil || !within(host, registrable):
		return "", refuse("%s is a public suffix or stands above a registered name: nobody's own", host)
	case c.Order.Account <= 0:
		return "", refuse("item %d has no account", c.Order.Item)
	case !within(host, c.Zone.Name):
		return "", refuse("%s is not in the zone %s that publisher %s names for it", host, c.Zone.Name, c.Block.Name)
	}
	return registrable, nil
}

// proved lists the certificate's names that the record is a proof for: a CA that has seen it at the host may certify the host and
// every name below (BR 3.2.2.4.7), so the challenges of an order need not be as many as its names.
func (c Claim) proved(host string) []string {
	names := []string{c.Record.Domain}
	for _, name := range c.Order.Names {
		if c.Record.Type != File && within(strings.TrimPrefix(name, "*."), host) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// othersBelow lists what other accounts have at names that wildcards of the certificate cover, but for those of which an
// administrator's line says that the account may have them all.
func (c Claim) othersBelow(ctx context.Context, facts Facts, own []evidence, proved []string) ([]NamedItem, error) {
	var parents []string
	for _, name := range proved {
		if parent, wildcard := strings.CutPrefix(name, "*."); wildcard && canonical(parent) && !strongest(own, parent).allow {
			parents = append(parents, parent)
		}
	}
	if len(parents) == 0 {
		return nil, nil
	}
	return facts.OthersBelow(ctx, parents, c.Order.Account)
}

// strength orders evidence: an administrator's line before all, then the longer name.
func (e evidence) strength() int {
	strength := strings.Count(e.name, ".")
	if e.allow {
		strength += 1000 // a name has at most 127 labels
	}
	return strength
}

// collect lists the evidence of all four kinds, whatever name it is for.
func (c Claim) collect(ctx context.Context, facts Facts, named []NamedItem) ([]evidence, error) {
	hostings, err := c.hostings(ctx, facts)
	if err != nil {
		return nil, err
	}
	if c.Record.Type == File && len(c.Block.Modules) > 0 && len(hostings) == 0 && !c.Withdraw {
		return nil, refuse("account %d has no active item on processing module %s, where the sites of publisher %s live",
			c.Order.Account, numbers(c.Block.Modules), c.Block.Name)
	}
	found := slices.Concat(c.ownedZone(hostings), c.ownedDomains(named), c.allowed())
	if c.Block.Kind == KindPowerDNS && c.Record.Type != File && c.Zone.Account == "bm"+strconv.FormatInt(c.Order.Account, 10) {
		found = append(found, evidence{name: c.Zone.Name, words: fmt.Sprintf("zone %s has the account %s", c.Zone.Name, c.Zone.Account)})
	}
	return found, nil
}

// ownedDomains are evidence 2: domains that are registered for the account.
func (c Claim) ownedDomains(named []NamedItem) []evidence {
	var found []evidence
	for _, item := range named {
		if item.Account == c.Order.Account && item.Domain && (item.Active || c.Withdraw && item.Suspended) {
			found = append(found, evidence{name: item.Name, words: fmt.Sprintf("domain item %d (%s) of the account", item.Item, item.Name)})
		}
	}
	return found
}

// allowed are evidence 4: the administrator's lines for the account.
func (c Claim) allowed() []evidence {
	var found []evidence
	for _, line := range c.Allows {
		if line.Account == c.Order.Account {
			found = append(found, evidence{name: line.Zone, words: fmt.Sprintf("%s: allow %s account %d", line.Pos, line.Zone, line.Account), allow: true})
		}
	}
	return found
}

// hostings lists the account's items on the block's modules that count for this claim. A block without modules has none.
func (c Claim) hostings(ctx context.Context, facts Facts) ([]Hosting, error) {
	if len(c.Block.Modules) == 0 {
		return nil, nil
	}
	user := c.Block.User
	if user == "" {
		user = DefaultUser
	}
	all, err := facts.Hostings(ctx, c.Order.Account, c.Block.Modules, user)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(h Hosting) bool {
		return !slices.Contains(c.Block.Modules, h.Module) || !h.Active && !c.Withdraw
	}), nil
}

// ownedZone is evidence 1: the zone's owner on that server is the user name of one of the account's items there. Zones of
// root are the administrator's, whatever an item says.
func (c Claim) ownedZone(hostings []Hosting) []evidence {
	if c.Block.Kind != KindISPmgr || c.Zone.Owner == "" || c.Zone.Owner == "root" {
		return nil
	}
	for _, h := range hostings {
		if h.User == c.Zone.Owner {
			return []evidence{{name: c.Zone.Name, words: fmt.Sprintf("%s belongs to user %s of item %d", c.Zone.Name, h.User, h.Item)}}
		}
	}
	return nil
}

// contradicted returns a refusal if another account has an equal or better claim to one of the names that the record is a proof
// for: each name is looked at with the strongest evidence for it.
func (c Claim) contradicted(own []evidence, proved []string, others []NamedItem) error {
	for _, name := range proved {
		for _, line := range c.Allows {
			target, reached := reach(name, line.Zone)
			if line.Account == c.Order.Account || !reached {
				continue
			}
			if e := strongest(own, target); line.Zone != e.name && within(line.Zone, e.name) {
				return refuse("%s: %s is for account %d, which is closer than the evidence for account %d (%s)",
					line.Pos, line.Zone, line.Account, c.Order.Account, e.words)
			}
		}
		for _, item := range others {
			target, reached := reach(name, item.Name)
			if item.Account == c.Order.Account || !reached {
				continue
			}
			if e := strongest(own, target); !e.allow && within(item.Name, e.name) {
				return refuse("item %d of account %d carries the name %s as well; if account %d may have certificates for it, add `allow %s account %d` to etc/pmssl",
					item.Item, item.Account, item.Name, c.Order.Account, target, c.Order.Account)
			}
		}
	}
	return nil
}

// reach reports whether who has the name at has something to say about a certificate for the name: it is the certificate's
// name, stands above it, or is covered by it as a wildcard. The target is the name that both are about.
func reach(name, at string) (target string, reached bool) {
	bare, wildcard := strings.CutPrefix(name, "*.")
	switch {
	case within(bare, at):
		return bare, true
	case wildcard && pki.Covers(name, at):
		return at, true
	}
	return "", false
}

// strongest returns the strongest evidence for a name; none if there is no evidence for it.
func strongest(all []evidence, name string) evidence {
	var best evidence
	for _, e := range all {
		if within(name, e.name) && (best.name == "" || e.strength() > best.strength()) {
			best = e
		}
	}
	return best
}

// nothing returns the refusal of a claim without evidence.
func (c Claim) nothing(host string) error {
	wanted := fmt.Sprintf("an active domain item of account %d", c.Order.Account)
	switch {
	case c.Record.Type == File:
	case c.Block.Kind == KindISPmgr:
		wanted += fmt.Sprintf(", or a zone whose owner (here %q) is the user of its active item on a module of publisher %s (%s)",
			c.Zone.Owner, c.Block.Name, numbers(c.Block.Modules))
	case c.Block.Kind == KindPowerDNS:
		wanted += fmt.Sprintf(", or the field account of the zone %s with bm%d (here %q)", c.Zone.Name, c.Order.Account, c.Zone.Account)
	}
	return refuse("nothing shows that %s belongs to account %d: wanted is %s, or a line `allow %s account %d` in etc/pmssl",
		pki.DisplayName(host), c.Order.Account, wanted, host, c.Order.Account)
}

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotOwner, fmt.Sprintf(format, args...))
}

// within reports whether the name is the parent or stands below it. Both are A-labels in lower case.
func within(name, parent string) bool {
	return parent != "" && (name == parent || strings.HasSuffix(name, "."+parent))
}

// namesUpTo lists the names and what stands above them, up to the last one.
func namesUpTo(names []string, last string) []string {
	var all []string
	for _, name := range names {
		for found := true; found && within(name, last); _, name, found = strings.Cut(name, ".") {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func numbers(ids []int64) string {
	if len(ids) == 0 {
		return "none"
	}
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(words, ", ")
}
