package purchase

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

const (
	// lookupTime bounds the look-ups of one order, all names together.
	lookupTime = 4 * time.Second
	// maxLookups is how many names of one order are looked up.
	maxLookups = 20
	// maxShown is how long the text on the item gets, in bytes; the log has all of it.
	maxShown = 1000
)

// The lines that the item carries about names that cannot be certified. They are known again by what does not change.
const (
	lineAbsent     = " does not exist in DNS"
	lineRestricted = "the CAA records of "
	lineMore       = " more names cannot be certified, see the log"
)

// WarnOfNames looks the request's names up before the seller is asked for them, and says in the log and on the item which
// cannot be certified: a name that does not exist, or whose CAA records allow none of the seller's CAs. It only warns: DNS
// may change at any time, and the seller's word counts.
func (j *Buyer) WarnOfNames(ctx context.Context, request seller.Request) {
	var lines []string
	if resolver := j.NameResolver(ctx); resolver != nil {
		lines = j.nameWarnings(ctx, resolver, request.AllNames())
	}
	for _, line := range lines {
		j.Log.Warningf("%s", line)
	}
	j.SaveNameWarnings(ctx, lines)
}

// nameWarnings returns the lines about names that cannot be certified, in the order of the names. All are looked up at the
// same time, so that one without an answer does not use up the time of the others.
func (j *Buyer) nameWarnings(ctx context.Context, resolver item.Resolver, names []string) []string {
	if len(names) > maxLookups {
		j.Log.ExtInfof("%d of the %d names are looked up, not %s", maxLookups, len(names), strings.Join(names[maxLookups:], " "))
		names = names[:maxLookups]
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	lines, failures := make([]string, len(names)), make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { lines[i], failures[i] = j.guardedLookup(ctx, resolver, name) })
	}
	all.Wait()
	for i, err := range failures {
		if err != nil { // no answer, no warning
			j.Log.Tracef("whether %s can be certified is not known: %s", names[i], strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	var found []string
	for _, line := range lines { // a domain and the wildcard below it can have the same
		if line != "" && !slices.Contains(found, line) {
			found = append(found, line)
		}
	}
	return found
}

// guardedLookup is nameWarning for a goroutine: it returns a panic as an error. A DNS answer must not end a run that has
// bought something.
func (j *Buyer) guardedLookup(ctx context.Context, resolver item.Resolver, name string) (line string, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			line, err = "", fmt.Errorf("a fault of the look-up: %v", reason)
		}
	}()
	return j.nameWarning(ctx, resolver, name)
}

// nameWarning returns the line about one name, empty if nothing speaks against it. A wildcard is looked up as what it is
// below.
func (j *Buyer) nameWarning(ctx context.Context, resolver item.Resolver, name string) (string, error) {
	base, wildcard := strings.CutPrefix(name, "*.")
	exists, err := resolver.Exists(ctx, base)
	switch {
	case err != nil:
		return "", err
	case !exists:
		return pki.DisplayName(base) + lineAbsent, nil
	case len(j.Info.Issuers) == 0:
		return "", nil
	}
	allowed, restricted, err := resolver.Issuers(ctx, base, wildcard)
	if err != nil || !restricted || slices.ContainsFunc(allowed, j.isSellerIssuer) {
		return "", err
	}
	return fmt.Sprintf("%s%s allow %s; one of %s is needed", lineRestricted, pki.DisplayName(name), listIssuers(allowed), strings.Join(j.Info.Issuers, ", ")), nil
}

// isSellerIssuer reports whether an issuer domain name is that of a CA behind the seller.
func (j *Buyer) isSellerIssuer(issuer string) bool {
	return slices.ContainsFunc(j.Info.Issuers, func(own string) bool { return strings.EqualFold(own, issuer) })
}

// listIssuers names issuers for people, a few of them.
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

// SaveNameWarnings puts the lines on the item, or takes those of an earlier look-up away. The parameter is the panel's: what
// somebody else says there (its own word is check, docs/reference/billmanager.md §4.1) stays. A panel that does not take it
// does not stop the order.
func (j *Buyer) SaveNameWarnings(ctx context.Context, lines []string) {
	if there := j.Item.Params[itemparam.StatusNote]; there != "" && !isNamesWarning(there) {
		return
	}
	if err := j.SaveParam(ctx, itemparam.StatusNote, noteText(lines)); err != nil {
		j.Log.Warningf("the warnings about its names could not be saved on it: %v", err)
	}
}

// noteText returns the text on the item: one line for each name, as far as there is room.
func noteText(lines []string) string {
	var text strings.Builder
	for i, line := range lines {
		if text.Len()+len(line) > maxShown {
			fmt.Fprintf(&text, "%d%s\n", len(lines)-i, lineMore)
			break
		}
		text.WriteString(line + "\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// isNamesWarning reports whether a text on the item is one of ours.
func isNamesWarning(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasSuffix(line, lineAbsent) && !strings.HasPrefix(line, lineRestricted) && !strings.HasSuffix(line, lineMore) {
			return false
		}
	}
	return true
}
