package internet

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Zone is a zone of a name server, with the versions that it had. It is safe for concurrent use.
type Zone struct {
	name string // fully qualified, lower case
	now  func() time.Time

	mu       sync.Mutex
	versions []version
	changes  []Change
}

// Change is one record that a dynamic update added or removed.
type Change struct {
	At     time.Time
	Added  bool
	Record string // in one line, without its time to live
}

// version is a zone from a time on. Its records are never changed.
type version struct {
	at   time.Time
	sets recordSets
}

// recordSets are all records of a zone by their name, fully qualified and in lower case.
type recordSets map[string][]dns.RR

// NewZone reads a zone in the form of a zone file. now is the time that decides which version a server with a lag shows.
func NewZone(name, text string, now func() time.Time) (*Zone, error) {
	z := &Zone{name: dns.CanonicalName(name), now: now}
	sets := recordSets{}
	parser := dns.NewZoneParser(strings.NewReader(text), z.name, "")
	parser.SetDefaultTTL(300)
	for rr, more := parser.Next(); more; rr, more = parser.Next() {
		sets.add(rr)
	}
	if err := parser.Err(); err != nil {
		return nil, fmt.Errorf("zone %s: %w", name, err)
	}
	if sets.ofType(z.name, dns.TypeSOA) == nil {
		return nil, fmt.Errorf("zone %s has no SOA record", name)
	}
	z.versions = []version{{at: now(), sets: sets}}
	return z, nil
}

// Name returns the zone's name without a final dot.
func (z *Zone) Name() string { return strings.TrimSuffix(z.name, ".") }

// Add adds records in the form of a zone file, as the zone's owner does.
func (z *Zone) Add(text string) error { return z.edit(text, recordSets.add) }

// Remove removes exactly these records.
func (z *Zone) Remove(text string) error {
	return z.edit(text, func(sets recordSets, rr dns.RR) bool { return sets.remove(rr) })
}

func (z *Zone) edit(text string, do func(recordSets, dns.RR) bool) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	sets := z.latest().clone()
	parser := dns.NewZoneParser(strings.NewReader(text), z.name, "")
	parser.SetDefaultTTL(300)
	for rr, more := parser.Next(); more; rr, more = parser.Next() {
		do(sets, rr)
	}
	if err := parser.Err(); err != nil {
		return fmt.Errorf("zone %s: %w", z.name, err)
	}
	z.replace(sets)
	return nil
}

// Dump returns all records of the newest version, sorted, a line for each; of the SOA record it leaves the serial out.
func (z *Zone) Dump() string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return Dump(slices.Concat(slices.Collect(maps.Values(z.latest()))...))
}

// Dump returns records sorted, a line for each; of SOA records it leaves the serials out.
func Dump(records []dns.RR) string {
	var lines []string
	for _, rr := range records {
		rr = dns.Copy(rr)
		if soa, is := rr.(*dns.SOA); is {
			soa.Serial = 0
		}
		lines = append(lines, strings.ToLower(rr.Header().Name)+strings.TrimPrefix(rr.String(), rr.Header().Name))
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n") + "\n"
}

// Changes returns what dynamic updates have changed, oldest first.
func (z *Zone) Changes() []Change {
	z.mu.Lock()
	defer z.mu.Unlock()
	return slices.Clone(z.changes)
}

// at returns the zone as it was at a time; before its first version it is that one.
func (z *Zone) at(when time.Time) recordSets {
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, v := range slices.Backward(z.versions) {
		if !v.at.After(when) {
			return v.sets
		}
	}
	return z.versions[0].sets
}

// latest returns the newest version. The caller holds the lock.
func (z *Zone) latest() recordSets { return z.versions[len(z.versions)-1].sets }

// replace makes the sets the newest version, with the next serial. The caller holds the lock.
func (z *Zone) replace(sets recordSets) {
	for i, rr := range sets[z.name] {
		if soa, is := rr.(*dns.SOA); is {
			next := dns.Copy(soa).(*dns.SOA)
			next.Serial++
			sets[z.name] = slices.Clone(sets[z.name])
			sets[z.name][i] = next
		}
	}
	z.versions = append(z.versions, version{at: z.now(), sets: sets})
}

func (s recordSets) clone() recordSets { return maps.Clone(s) }

// ofType returns the records of a type at a name.
func (s recordSets) ofType(name string, kind uint16) []dns.RR {
	var found []dns.RR
	for _, rr := range s[name] {
		if rr.Header().Rrtype == kind || kind == dns.TypeANY {
			found = append(found, rr)
		}
	}
	return found
}

// add adds a record unless it is there, and reports whether it did. An alias and other records exclude each other: then
// nothing is added (RFC 2136 3.4.2.2). An alias replaces an alias.
func (s recordSets) add(rr dns.RR) bool {
	rr = canonical(rr)
	name := rr.Header().Name
	if slices.ContainsFunc(s[name], func(old dns.RR) bool { return dns.IsDuplicate(old, rr) }) {
		return false
	}
	aliases := s.ofType(name, dns.TypeCNAME)
	isAlias := rr.Header().Rrtype == dns.TypeCNAME
	if isAlias != (len(aliases) > 0) && len(s[name]) > 0 {
		return false
	}
	if isAlias {
		s[name] = []dns.RR{rr}
		return true
	}
	s[name] = append(slices.Clone(s[name]), rr)
	return true
}

// remove removes exactly this record, and reports whether it was there.
func (s recordSets) remove(rr dns.RR) bool {
	rr = canonical(rr)
	name := rr.Header().Name
	left := slices.DeleteFunc(slices.Clone(s[name]), func(old dns.RR) bool { return dns.IsDuplicate(old, rr) })
	if len(left) == len(s[name]) {
		return false
	}
	s[name] = left
	if len(left) == 0 {
		delete(s, name)
	}
	return true
}

// canonical returns a copy of a record with its name in lower case and the class IN.
func canonical(rr dns.RR) dns.RR {
	rr = dns.Copy(rr)
	rr.Header().Name, rr.Header().Class = dns.CanonicalName(rr.Header().Name), dns.ClassINET
	return rr
}
