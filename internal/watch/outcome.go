package watch

import (
	"slices"
	"strings"
	"time"

	"pmssl/internal/sorting"
)

// Outcome is what a look at a site found, compared with the certificate in place (rules WATCH-2). The texts are those of the item
// parameter site_watch and of the sweep's document.
type Outcome string

// The outcomes.
const (
	Current     Outcome = "current"     // the certificate in place is served
	Old         Outcome = "old"         // a certificate is served that the one in place replaces
	Other       Outcome = "other"       // another certificate is served: of a CDN, another CA, another site
	None        Outcome = "none"        // no certificate is served: no address, port closed, no TLS, no readable certificate
	Unreachable Outcome = "unreachable" // nothing is known: no answer of DNS or of the host, no public address
)

// Outcomes returns all outcomes, the worst first: the outcome of an item is the worst of its places (rules WATCH-2).
func Outcomes() []Outcome { return []Outcome{Old, Other, None, Unreachable, Current} }

// String returns what was found, for people: "example.com at 192.0.2.80 serves …".
func (p Place) String() string {
	words := []string{p.Name}
	if p.Address != "" {
		words = append(words, "at", p.Address)
	}
	if p.Why == "" {
		p.Why = "serves the certificate in place"
	}
	return strings.TrimSpace(strings.Join(append(words, p.Why), " "))
}

// Known reports whether the outcome is one of Outcomes.
func (o Outcome) Known() bool { return slices.Contains(Outcomes(), o) }

// Place is what was found at one address of one name.
type Place struct {
	Name    string // of the host, A-labels
	Address string // IP address; empty if the name has none
	Outcome Outcome
	Serial  string    // of the certificate that is served, lower-case hex, at most maxSerial bytes; empty if none was read
	Expires time.Time // end of that certificate; zero if none was read
	CRL     List      // that it would be on; zero if none was read
	Why     string    // one printable line of at most maxWhy bytes; empty if the outcome is Current
	// minor says that the place counts only where no other one is left: a host that the certificate does not name, a name
	// without addresses, an address to which nothing is sent.
	minor bool
}

// Look is the result of one look at the sites of an item.
type Look struct {
	// Places are those that count, the worst first, then in the order of names and addresses. There is at least one.
	Places []Place
	// Unresolved says that DNS had no answer about any of the names. Many such looks in a row mean that the resolver is down.
	Unresolved bool
}

// Outcome returns the worst outcome of the places.
func (l Look) Outcome() Outcome { return l.Worst().Outcome }

// Worst returns the first place with the worst outcome.
func (l Look) Worst() Place {
	if len(l.Places) == 0 {
		return Place{Outcome: Unreachable}
	}
	return l.Places[0]
}

// Old returns the places that serve an old certificate.
func (l Look) Old() []Place {
	var old []Place
	for _, p := range l.Places {
		if p.Outcome == Old {
			old = append(old, p)
		}
	}
	return old
}

// Replaced returns the replaced certificates that places serve, each once, at most maxReplaced; not those that have ended, of which it
// does not matter whether they were revoked.
func (l Look) Replaced(now time.Time) []Replaced {
	var all []Replaced
	for _, p := range l.Old() {
		if one := (Replaced{p.Serial, p.CRL}); p.Expires.After(now) && !slices.ContainsFunc(all, func(r Replaced) bool { return r.Serial == one.Serial }) && len(all) < maxReplaced {
			all = append(all, one)
		}
	}
	return all
}

// Serves reports whether a place serves the certificate in place.
func (l Look) Serves() bool {
	return slices.ContainsFunc(l.Places, func(p Place) bool { return p.Outcome == Current })
}

// conclude returns the places that count, the worst first.
func conclude(all []Place) []Place {
	if counts := slices.DeleteFunc(slices.Clone(all), func(p Place) bool { return p.minor }); len(counts) > 0 {
		all = counts
	}
	rank := func(p Place) int { return slices.Index(Outcomes(), p.Outcome) }
	sorting.Stable(all, func(a, b Place) int { return rank(a) - rank(b) })
	return all
}
