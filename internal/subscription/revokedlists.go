package subscription

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"pmssl/internal/item"
	"pmssl/internal/lifecycle"
	"pmssl/internal/pki"
	"pmssl/internal/sorting"
	"pmssl/internal/watch"
	"pmssl/internal/watch/crl"
)

const (
	// listTime is how long a sweep looks for revoked certificates on their lists (rules REVOKE-4).
	listTime = 3 * time.Minute
	// issuerTime is how much of that the certificates of issuers may take that no chain has.
	issuerTime = 30 * time.Second
	// maxCandidates is how many items are loaded to find the certificate of one issuer: a seller may have delivered one without
	// its chain.
	maxCandidates = 3
)

// revokedItems is what a sweep knows about revoked certificates, by item.
type revokedItems struct {
	records map[int64]lifecycle.Revocation // of earlier sweeps
	inPlace map[int64]string               // serial in place of the items of records, as far as listed
	found   map[int64]crl.Entry            // certificates in place that are on their lists
	lists   map[int64]watch.List           // of found
	issuers map[string]*x509.Certificate   // that signed the lists, by watch.List.Issuer
	earlier map[int64][]crl.Entry          // replaced certificates that are served and on their lists
	// unlisted are the items of records whose certificate in place is not on its list.
	unlisted map[int64]bool
	looks    map[int64]watch.Look // of this sweep at the sites of these items
}

// count returns how many items have a revoked certificate in place, as far as their lists could be read.
func (r revokedItems) count() int { return len(r.found) }

// held is a certificate that may be on a list.
type held struct {
	item    int64
	serial  string
	earlier bool // it was replaced, and is served
}

// listSearch is the search for the certificates of all items on their lists.
type listSearch struct {
	held       map[watch.List][]held
	issuers    map[string]*x509.Certificate // by watch.List.Issuer
	candidates map[string][]int64           // items whose chain should have the issuer
	leaves     map[string]*x509.Certificate // of candidates without it
	unknown    []int64                      // items whose certificate in place was not read before
	without    int                          // items whose certificate names no list
}

// findRevoked looks for the revoked certificates of all items, or of the one of --item, on the lists that they name (rules
// REVOKE-4). Whatever goes wrong with that does not keep the sweep from what is due.
func (s *sweep) findRevoked(ctx context.Context) error {
	s.revoked = revokedItems{
		records: map[int64]lifecycle.Revocation{}, inPlace: map[int64]string{}, found: map[int64]crl.Entry{}, lists: map[int64]watch.List{},
		earlier: map[int64][]crl.Entry{}, unlisted: map[int64]bool{}, looks: map[int64]watch.Look{},
	}
	recorded, err := s.Panel.RevokedItems(ctx)
	if err != nil {
		return err
	}
	for _, it := range recorded {
		if r := lifecycle.ParseRevocation(it.State); r.Serial != "" && (s.Args.Item == 0 || s.Args.Item == it.Item) {
			s.revoked.records[it.Item] = r
		}
	}
	if s.watched == nil || s.CRLs == nil {
		return nil
	}
	err = s.recovered(func() error { return s.searchLists(ctx) })
	if over := ctx.Err(); over != nil {
		return sweepEnded(over)
	}
	if err != nil {
		s.Log.Errorf("revoked certificates are not looked for in this run: %v", err)
	}
	return nil
}

// searchLists asks the lists of all items.
func (s *sweep) searchLists(ctx context.Context) error {
	looking, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	search := &listSearch{held: map[watch.List][]held{}, issuers: map[string]*x509.Certificate{}, candidates: map[string][]int64{},
		leaves: map[string]*x509.Certificate{}}
	if err := s.listHeld(ctx, search); err != nil {
		return err
	}
	err := errors.Join(s.readUnknown(ctx, looking, search), s.readIssuers(ctx, search))
	if !s.dry {
		if unsaved := s.watched.service.Write(s.watched.state); unsaved != nil {
			s.Log.Warningf("%v", unsaved)
		}
	}
	if err != nil {
		return err
	}
	lists, err := s.CRLs(s.watched.settings, s.dry)
	if err != nil {
		s.Log.Warningf("%v", err)
	}
	s.fetchIssuers(looking, lists, search)
	return s.askLists(looking, lists, search)
}

// listHeld lists the certificates in place by the lists that they name, and those that sites serve although they were replaced.
func (s *sweep) listHeld(ctx context.Context, search *listSearch) error {
	err := s.Panel.WatchedItems(ctx, s.Args.Item, func(it item.WatchedItem) { s.listItem(search, it) })
	slices.Sort(search.unknown)
	return err
}

// listItem lists the certificates of one item.
func (s *sweep) listItem(search *listSearch, it item.WatchedItem) {
	if _, recorded := s.revoked.records[it.Item]; recorded {
		s.revoked.inPlace[it.Item] = it.Serial
	}
	seen, known := s.watched.state.Seen(it.Item)
	if !known || seen.Serial != it.Serial {
		search.unknown = append(search.unknown, it.Item)
		return
	}
	search.add(seen)
	for _, r := range seen.Replaced {
		if r.CRL != (watch.List{}) {
			search.held[r.CRL] = append(search.held[r.CRL], held{it.Item, r.Serial, true})
		}
	}
}

// add lists a certificate in place.
func (l *listSearch) add(seen watch.Seen) {
	list := seen.CRL
	if list == (watch.List{}) {
		l.without++
		return
	}
	l.held[list] = append(l.held[list], held{seen.Item, cmp.Or(seen.Stored, seen.Serial), false})
	if len(l.candidates[list.Issuer]) < maxCandidates {
		l.candidates[list.Issuer] = append(l.candidates[list.Issuer], seen.Item)
	}
}

// readUnknown reads the certificates that were not read before, once: the sweep remembers what they name. looking ends before the
// run; what there is no time for is left to the next sweep.
func (s *sweep) readUnknown(ctx, looking context.Context, search *listSearch) error {
	for len(search.unknown) > 0 && looking.Err() == nil {
		page := search.unknown[:min(len(search.unknown), sitesPage)]
		found, err := s.Panel.WatchedSites(ctx, page)
		if err != nil {
			return err
		}
		search.unknown = search.unknown[len(page):]
		for _, site := range found {
			seen := watch.Seen{Item: site.Item, Serial: site.Serial}
			if chain, err := pki.StoredLeaf(site.Stored); err == nil {
				seen = seenOf(site, chain)
				search.readIssuer(seen.CRL, chain)
			}
			s.watched.state.Note(seen)
			search.add(seen)
		}
	}
	return nil
}

// readIssuers reads the certificates of issuers from the chains of items.
func (s *sweep) readIssuers(ctx context.Context, search *listSearch) error {
	for n := range maxCandidates {
		var items []int64
		for issuer, candidates := range search.candidates {
			if search.issuers[issuer] == nil && n < len(candidates) {
				items = append(items, candidates[n])
			}
		}
		slices.Sort(items)
		for page := range slices.Chunk(items, sitesPage) {
			found, err := s.Panel.WatchedSites(ctx, page)
			if err != nil {
				return err
			}
			for _, site := range found {
				if chain, err := pki.StoredLeaf(site.Stored); err == nil {
					search.readIssuer(watch.ListOf(chain.Leaf), chain)
				}
			}
		}
	}
	return nil
}

// readIssuer keeps the certificate that stands above a leaf in its chain, if it signed the leaf.
func (l *listSearch) readIssuer(list watch.List, chain pki.Chain) {
	if l.issuers[list.Issuer] != nil || list.Issuer == "" {
		return
	}
	if len(chain.Intermediates) > 0 && chain.Leaf.CheckSignatureFrom(chain.Intermediates[0]) == nil {
		l.issuers[list.Issuer] = chain.Intermediates[0]
		return
	}
	l.leaves[list.Issuer] = chain.Leaf
}

// fetchIssuers fetches the certificates of issuers that no chain has, from where the leaves say, for a part of the time.
func (s *sweep) fetchIssuers(looking context.Context, lists crl.Service, search *listSearch) {
	ctx, cancel := context.WithTimeout(looking, issuerTime)
	defer cancel()
	for name, leaf := range search.leaves { // in another order each time: one that hangs must not keep the others from their turn
		if search.issuers[name] != nil || ctx.Err() != nil {
			continue
		}
		issuer, err := lists.Issuer(ctx, leaf)
		if failure := (*crl.Failure)(nil); errors.As(err, &failure) && failure.First {
			s.Log.Warningf("%v", failure)
		} else if err != nil {
			s.Log.Debugf("the issuer of certificates that were stored without their chain is not known: %v", err)
		}
		if issuer != nil {
			search.issuers[name] = issuer
		}
	}
}

// queries returns the questions to lists whose issuer is known, the name of each issuer, and how many lists are left out because it is
// not.
func (l *listSearch) queries() (all []crl.Query, byIssuer map[*x509.Certificate]string, unverified int) {
	byIssuer = map[*x509.Certificate]string{}
	hosts := l.hostsInPlace()
	for list, certificates := range l.held {
		issuer := l.issuers[list.Issuer]
		switch {
		case issuer == nil:
			unverified++
			continue
		case !hosts[[2]string{list.Issuer, list.Host()}]:
			continue
		}
		byIssuer[issuer] = list.Issuer
		query := crl.Query{URL: list.URL, Issuer: issuer, Serials: make([]string, len(certificates))}
		for i, one := range certificates {
			query.Serials[i] = one.serial
		}
		all = append(all, query)
	}
	return all, byIssuer, unverified
}

// onlyReplaced reports whether no certificate in place names the list.
func (l *listSearch) onlyReplaced(list watch.List) bool {
	return !slices.ContainsFunc(l.held[list], func(one held) bool { return !one.earlier })
}

// hostsInPlace returns the issuers of certificates in place, each with the hosts of their lists. What sites serve was not checked by
// anybody: who has a site could otherwise have this server ask any URL.
func (l *listSearch) hostsInPlace() map[[2]string]bool {
	hosts := map[[2]string]bool{}
	for list := range l.held {
		if !l.onlyReplaced(list) {
			hosts[[2]string{list.Issuer, list.Host()}] = true
		}
	}
	return hosts
}

// askLists asks one list after the other until there is no time left: those that certificates in place name, then the others.
func (s *sweep) askLists(looking context.Context, lists crl.Service, search *listSearch) error {
	s.revoked.issuers = search.issuers
	queries, byIssuer, unverified := search.queries()
	listOf := func(q crl.Query) watch.List { return watch.List{URL: q.URL, Issuer: byIssuer[q.Issuer]} }
	lists.Sort(queries)
	sorting.Stable(queries, func(a, b crl.Query) int {
		first, second := search.onlyReplaced(listOf(a)), search.onlyReplaced(listOf(b))
		switch {
		case first == second:
			return 0
		case second:
			return -1
		}
		return 1
	})
	asked := 0
	for _, query := range queries {
		answer, err := lists.Ask(looking, query)
		if err != nil {
			break
		}
		asked++
		s.logAnswer(answer)
		if list := listOf(query); answer.Known {
			s.revoked.apply(list, search.held[list], answer.Revoked)
		}
	}
	s.Log.ExtInfof("asked %d of %d lists of revoked certificates: %d items have one in place; no list is known of %d items, the issuer of %d lists is not, and %d items are left for the next sweep",
		asked, len(queries), s.revoked.count(), search.without, unverified, len(search.unknown))
	if err := lists.Close(s.Args.Item == 0 && len(search.unknown) == 0, queries); err != nil {
		s.Log.Warningf("%v", err)
	}
	return nil
}

// logAnswer logs what is wrong with a list; once as a warning.
func (s *sweep) logAnswer(a crl.Answer) {
	if a.Failure == nil {
		return
	}
	log := s.Log.Debugf
	if a.Failure.First {
		log = s.Log.Warningf
	}
	if a.Known {
		log("%v; what is known of it counts until %s", a.Failure, a.NextUpdate.UTC().Format(time.RFC3339))
		return
	}
	log("%v; its certificates are not checked", a.Failure)
}

// apply keeps what a list says about the certificates that name it.
func (r revokedItems) apply(list watch.List, all []held, revoked []crl.Entry) {
	entries := map[string]crl.Entry{}
	for _, e := range revoked {
		entries[e.Serial] = e
	}
	for _, one := range all {
		e, is := entries[one.serial]
		switch {
		case is && one.earlier:
			r.earlier[one.item] = append(r.earlier[one.item], e)
		case is:
			r.found[one.item], r.lists[one.item] = e, list
		case !one.earlier && r.records[one.item].Serial == one.serial:
			r.unlisted[one.item] = true
		}
	}
}
