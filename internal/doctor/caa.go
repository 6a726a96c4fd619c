package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"pmssl/internal/dnscheck"
	"pmssl/internal/item"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// issuers are the issuer domain names of CAs that matter for an item, as CAA records have them (RFC 8659 4.2).
type issuers struct {
	// seller are those of all CAs that the seller sells; empty if they are not known.
	seller []string
	// product are those of the CA that issues new orders of the item's product, stored those of the one that issued the certificate in
	// place; empty if not known. A reissue may be of either.
	product, stored []string
}

// issuersOf returns the CAs that matter for an item.
func (x *examination) issuersOf(it item.Item) issuers {
	all := issuers{seller: x.o.Info.Issuers}
	if product, found := seller.FindProduct(x.o.Info.Products, it.Template); found {
		all.product = product.Issuers
	}
	if chain, err := pki.StoredLeaf(it.Stored); err == nil {
		all.stored = pki.CAADomains(chain.Leaf)
	}
	return all
}

// known returns the sets of names of which CAA records have to allow one each.
func (i issuers) known() [][]string {
	var sets [][]string
	for _, set := range [][]string{i.product, i.stored} {
		if len(set) > 0 && !slices.ContainsFunc(sets, func(other []string) bool { return anyOf(other, set) }) {
			sets = append(sets, set)
		}
	}
	if len(sets) == 0 && len(i.seller) == 1 {
		sets = append(sets, i.seller)
	}
	return sets
}

// anyOf reports whether two lists have a name in common.
func anyOf(one, other []string) bool {
	return slices.ContainsFunc(one, func(name string) bool { return slices.Contains(other, name) })
}

// checkCAA compares the CAA records of a name with the CAs that may issue its certificate.
func checkCAA(ctx context.Context, resolver *dnscheck.Resolver, name string, all issuers) Finding {
	bare, wildcard := strings.CutPrefix(name, "*.")
	a, err := resolver.Authorization(ctx, bare, wildcard)
	shown := pki.DisplayName(name)
	switch {
	case err != nil:
		return unanswered(ctx, "let the zone's name servers answer questions for CAA (RFC 8659): a CA that gets no answer does not issue", "%s: CAA: %v", shown, err)
	case !a.Restricted:
		return passed("%s: no CAA record restricts who issues", shown)
	}
	outcome, why, missing := all.compare(a.Allowed)
	f := Finding{Outcome: outcome, Text: fmt.Sprintf("%s: CAA allows %s%s", shown, orNobody(a.Allowed), why)}
	if outcome > Unchecked {
		f.Mend = allowing(ctx, resolver, bare, a, missing)
	}
	return f
}

// compare returns what it means for an item that these CAs are allowed: the outcome, words about what is wrong, and the issuer domain
// name that is missing.
func (i issuers) compare(allowed []string) (outcome Outcome, why, missing string) {
	sets := i.known()
	var absent []string
	for _, set := range sets {
		if !anyOf(set, allowed) {
			absent = append(absent, set[0])
		}
	}
	first := slices.Concat(absent, i.seller, []string{"the CA's name"})[0]
	switch {
	case len(i.seller) > 0 && !anyOf(i.seller, allowed):
		return Failed, fmt.Sprintf(", and none of the seller's CAs (%s)", strings.Join(i.seller, ", ")), first
	case len(allowed) == 0:
		return Failed, "", first
	case len(sets) == 0:
		return Unchecked, "; which CA issues this certificate is not known", ""
	case len(absent) == 0:
		return Passed, "", ""
	case len(absent) == len(sets):
		return Failed, fmt.Sprintf(", and not the CA of this certificate (%s)", strings.Join(absent, ", ")), first
	case len(i.product) > 0 && first == i.product[0]:
		return Warned, fmt.Sprintf(", and not the CA of new orders of this product (%s)", first), first
	}
	return Warned, fmt.Sprintf(", and not the CA of the certificate in place (%s), which may issue its reissues", first), first
}

func orNobody(all []string) string {
	if len(all) == 0 {
		return "nobody"
	}
	return strings.Join(all, ", ")
}

// allowing returns the mend of a name for which a CA may not issue. The records that count may be those of a parent, which records of
// the name itself would replace, or of the target of an alias, beside which no other record can stand (RFC 8659 3, RFC 1034 3.6.2).
func allowing(ctx context.Context, resolver *dnscheck.Resolver, name string, a dnscheck.Authorization, issuer string) string {
	place := a.Owner
	if zone, unknown := zoneOf(ctx, resolver, a.Owner); unknown == nil {
		place = fmt.Sprintf("%s in zone %s", a.Owner, zone)
	}
	if a.Forbidden() {
		return fmt.Sprintf("remove the CAA record with the critical property %q of %s: no CA knows it, and so none issues", a.Property, place)
	}
	mend := fmt.Sprintf("add one to the CAA records of %s: %s. CAA 0 %s %q", place, a.Owner, a.Property, issuer)
	switch {
	case a.Owner != a.Domain:
		return fmt.Sprintf("%s. %s is an alias (CNAME) of it: whoever keeps that zone has to add it, or give %s address records in the place of the alias; no CAA record can stand beside an alias", mend, a.Domain, a.Domain)
	case a.Domain != strings.ToLower(name):
		return mend + fmt.Sprintf(". %s inherits them; records of its own would replace all of them", name)
	}
	return mend
}
