package purchase

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/parallel"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

const (
	// lookupTime limits the look-ups of one order, all names together.
	lookupTime = 4 * time.Second
	// maxLookups is the number of names of one order that are looked up.
	maxLookups = 20
	// maxNote is the length of the text on the item in bytes; the log has all of it.
	maxNote = 1000
)

// The constant parts of the warnings on the item about names that cannot be certified. isNamesWarning recognises the warnings
// by them.
const (
	lineAbsent     = " does not exist in DNS"
	lineRestricted = "the CAA records of "
	lineMore       = " more names cannot be certified, see the log"
)

// WarnOfNames looks the request's names up before they are sent to the seller, and warns in the log and on the item of names
// that cannot be certified: a name that does not exist, or whose CAA records allow none of the seller's CAs. It only warns:
// DNS may change at any time, and the seller decides.
func (j *Buyer) WarnOfNames(ctx context.Context, request seller.Request) {
	j.warnOfNames(ctx, request, len(j.Info.Issuers) > 0)
}

// NameObstacles does the same for an order that is not issued, and returns what it warns of. Where the seller's CAs are not known,
// each name whose CAA records restrict who may issue is an obstacle.
func (j *Buyer) NameObstacles(ctx context.Context, request seller.Request) []item.NameObstacle {
	return j.warnOfNames(ctx, request, true)
}

// warnOfNames looks the request's names up, with caa also their CAA records, warns of obstacles and returns them.
func (j *Buyer) warnOfNames(ctx context.Context, request seller.Request, caa bool) (found []item.NameObstacle) {
	var lines []string
	if resolver := j.NameResolver(ctx); resolver != nil {
		for _, o := range j.lookUpNames(ctx, resolver, request.AllNames(), caa) {
			if line := ObstacleText(o); !slices.Contains(lines, line) { // a domain and its wildcard can have the same one
				found, lines = append(found, o), append(lines, line)
			}
		}
	}
	for _, line := range lines {
		j.Log.Warningf("%s", line)
	}
	j.SaveNameWarnings(ctx, lines)
	return found
}

// lookUpNames returns why names cannot be certified, in the order of the names. All names are looked up at the same time, so that
// one without an answer does not use up the time of the others.
func (j *Buyer) lookUpNames(ctx context.Context, resolver item.Resolver, names []string, caa bool) []item.NameObstacle {
	if len(names) > maxLookups {
		j.Log.ExtInfof("%d of the %d names are looked up, not %s", maxLookups, len(names), strings.Join(names[maxLookups:], " "))
		names = names[:maxLookups]
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	all, failures := make([]*item.NameObstacle, len(names)), make([]error, len(names))
	var lookups parallel.Group
	for i, name := range names {
		lookups.Go(func() { all[i], failures[i] = j.guardedLookup(ctx, resolver, name, caa) })
	}
	lookups.Wait()
	var found []item.NameObstacle
	for i, err := range failures {
		switch {
		case err != nil: // a look-up without an answer produces no warning
			j.Log.Tracef("whether %s can be certified is not known: %s", names[i], strings.ReplaceAll(err.Error(), "\n", "; "))
		case all[i] != nil:
			found = append(found, *all[i])
		}
	}
	return found
}

// guardedLookup is lookUpName for a goroutine: it returns a panic as an error. A DNS answer must not end a run that has
// bought something.
func (j *Buyer) guardedLookup(ctx context.Context, resolver item.Resolver, name string, caa bool) (o *item.NameObstacle, err error) {
	if caught := parallel.Catch(func() { o, err = j.lookUpName(ctx, resolver, name, caa) }); caught != nil {
		return nil, fmt.Errorf("the look-up panicked: %w", caught)
	}
	return o, err
}

// lookUpName returns why a name cannot be certified; nil if DNS shows no reason. A wildcard is looked up without "*.".
func (j *Buyer) lookUpName(ctx context.Context, resolver item.Resolver, name string, caa bool) (*item.NameObstacle, error) {
	base, wildcard := strings.CutPrefix(name, "*.")
	exists, err := resolver.Exists(ctx, base)
	switch {
	case err != nil:
		return nil, err
	case !exists:
		return &item.NameObstacle{Name: base, Absent: true}, nil
	case !caa:
		return nil, nil
	}
	allowed, restricted, err := resolver.Issuers(ctx, base, wildcard)
	if err != nil || !restricted || slices.ContainsFunc(allowed, j.isSellerIssuer) {
		return nil, err
	}
	return &item.NameObstacle{Name: name, Allowed: allowed, Needed: j.Info.Issuers}, nil
}

// ObstacleText returns an obstacle as one line for people.
func ObstacleText(o item.NameObstacle) string {
	if o.Absent {
		return pki.DisplayName(o.Name) + lineAbsent
	}
	line := fmt.Sprintf("%s%s allow %s", lineRestricted, pki.DisplayName(o.Name), listIssuers(o.Allowed))
	if len(o.Needed) > 0 {
		line += "; one of " + strings.Join(o.Needed, ", ") + " is needed"
	}
	return line
}

// isSellerIssuer reports whether an issuer domain name belongs to one of the seller's CAs.
func (j *Buyer) isSellerIssuer(issuer string) bool {
	return slices.ContainsFunc(j.Info.Issuers, func(own string) bool { return strings.EqualFold(own, issuer) })
}

// listIssuers returns the issuers as a text: "nobody", "only …", or the first three and the number of others.
func listIssuers(issuers []string) string {
	const limit = 3
	switch {
	case len(issuers) == 0:
		return "nobody"
	case len(issuers) > limit:
		return fmt.Sprintf("%s and %d others", strings.Join(issuers[:limit], ", "), len(issuers)-limit)
	}
	return "only " + strings.Join(issuers, ", ")
}

// SaveNameWarnings saves the warnings on the item, or deletes those of an earlier look-up. The parameter belongs to the panel: a
// text that this module did not write (the panel's own is "check", docs/reference/billmanager.md §4.1) stays. If the panel
// does not save it, the order goes on.
func (j *Buyer) SaveNameWarnings(ctx context.Context, lines []string) {
	if old := j.Item.Params[itemparam.StatusNote]; old != "" && !isNamesWarning(old) {
		return
	}
	if err := j.SaveParam(ctx, itemparam.StatusNote, noteText(lines)); err != nil {
		j.Log.Warningf("the warnings about its names could not be saved on it: %v", err)
	}
}

// noteText returns the text for the item: one line for each name, at most maxNote bytes.
func noteText(lines []string) string {
	var text strings.Builder
	for i, line := range lines {
		if text.Len()+len(line) > maxNote {
			fmt.Fprintf(&text, "%d%s\n", len(lines)-i, lineMore)
			break
		}
		text.WriteString(line + "\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// isNamesWarning reports whether this module wrote the text on the item.
func isNamesWarning(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasSuffix(line, lineAbsent) && !strings.HasPrefix(line, lineRestricted) && !strings.HasSuffix(line, lineMore) {
			return false
		}
	}
	return true
}
