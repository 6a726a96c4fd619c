package publish

import (
	"context"
	"fmt"
	"slices"

	"pmssl/internal/pki"
)

// SiteClaim is one question for the ownership rule: may a certificate be put on the site for the account?
type SiteClaim struct {
	Item, Account int64
	// Site is a host name that the site serves: A-labels, lower case, no wildcard.
	Site string
	// Owner is the user name of the site's owner as its server reports it now; empty if it knows none.
	Owner  string
	Deploy Deploy  // the block of the site's server
	Allows []Allow // of the configuration
}

// Evidence applies the ownership rule as Claim.Evidence does. What counts is evidence 1 on a panel, the owner of the site's row, and
// evidence 4, an administrator's line (docs/reference/unattended.md §7): who has the domain need not have the site.
func (c SiteClaim) Evidence(ctx context.Context, facts Facts) (string, error) {
	if !canonical(c.Site) {
		return "", refuse("%s is no host name", quoted(c.Site))
	}
	own := c.claim()
	collect := func(ctx context.Context, facts Facts, _ []NamedItem) ([]evidence, error) {
		hostings, err := c.hostings(ctx, facts)
		return slices.Concat(own.ownedZone(hostings), own.allowed()), err
	}
	return own.decide(ctx, facts, c.Site, collect, func(string) error { return c.nothing() })
}

// claim returns the claim to the site and nothing else, as that to a file on it would be.
func (c SiteClaim) claim() Claim {
	return Claim{
		Order:  Order{Item: c.Item, Account: c.Account, Names: []string{c.Site}},
		Record: Record{Domain: c.Site, Type: File, Name: c.Site},
		Block:  Block{Name: c.Deploy.Name, Kind: c.Deploy.Kind, Modules: c.Deploy.Modules, User: c.Deploy.User},
		Zone:   Zone{Name: c.Site, Owner: c.Owner},
		Allows: c.Allows,
	}
}

// hostings lists the account's active items on the panel of the block.
func (c SiteClaim) hostings(ctx context.Context, facts Facts) ([]Hosting, error) {
	if c.Deploy.Kind != KindISPmgr {
		return nil, nil
	}
	return c.claim().hostings(ctx, facts)
}

// Possible reports whether the rule may say yes whoever the site's owner is: without an active item on the block's modules, and
// without a line for the account, its server need not be asked.
func (c SiteClaim) Possible(ctx context.Context, facts Facts) (bool, error) {
	if strongest(c.claim().allowed(), c.Site).allow {
		return true, nil
	}
	found, err := c.hostings(ctx, facts)
	return len(found) > 0, err
}

// nothing returns the refusal of a claim without evidence.
func (c SiteClaim) nothing() error {
	wanted := ""
	if c.Deploy.Kind == KindISPmgr {
		wanted = fmt.Sprintf("a site whose owner (here %q) is the user of its active item on a module of deploy %s (%s), or ", c.Owner, c.Deploy.Name, numbers(c.Deploy.Modules))
	}
	return refuse("nothing shows that the site %s belongs to account %d: wanted is %sa line `allow %s account %d` in etc/pmssl",
		pki.DisplayName(c.Site), c.Account, wanted, c.Site, c.Account)
}
