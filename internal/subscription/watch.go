package subscription

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/item"
	"pmssl/internal/parallel"
	"pmssl/internal/pki"
	"pmssl/internal/sorting"
	"pmssl/internal/watch"
)

const (
	// watchTime is how long a sweep looks at sites (rules WATCH-3).
	watchTime = 5 * time.Minute
	// watchAgain is how old a look may become: a day, less what the times of two sweeps differ.
	watchAgain = 23 * time.Hour
	// sitesPage is how many certificates are loaded by one query.
	sitesPage = 50
	// looksAtOnce is how many items are looked at at once. The connections have a limit of their own.
	looksAtOnce = 40
	// maxUnresolved is how many items in a row may have no answer of DNS before the resolver counts as down (rules WATCH-7).
	maxUnresolved = 20
	// maxUnsaved is how many item parameters in a row may not be saved before the panel counts as down.
	maxUnsaved = 3
)

// watchedSites is the part of a sweep that looks at sites.
type watchedSites struct {
	service  watch.Service
	settings watch.Settings
	state    *watch.State
	due      []dueSite
	page     []item.WatchedSite // loaded, and not looked at yet

	looked     int
	unresolved []siteLook // in a row without an answer of DNS
	unsaved    int        // in a row
	stopped    string     // why watching ended before its time
}

// dueSite is an item to look at.
type dueSite struct {
	item   int64
	looked int64 // seconds since 1970; 0 if the certificate in place was never looked for
	serial string
}

// siteLook is the result of one look.
type siteLook struct {
	site  item.WatchedSite
	chain pki.Chain
	look  watch.Look
	err   error
}

// old returns how many items have a site with an old certificate, as far as known.
func (w *watchedSites) old() int { return w.state.Count(watch.Old) }

// openWatch reads the settings, and what earlier sweeps remembered about sites and their certificates.
func (s *sweep) openWatch(ctx context.Context) error {
	if s.Watch == nil {
		return nil
	}
	settings, why, warnings, err := item.WatchSettings(ctx, s.Panel)
	if err != nil {
		return err
	}
	for _, warning := range warnings {
		s.Log.Warningf("%s", warning)
	}
	if !settings.On {
		s.Log.ExtInfof("sites are not watched: %s; revoked certificates are not looked for either", why)
		return nil
	}
	w := &watchedSites{service: s.Watch(settings), settings: settings}
	if w.state, err = w.service.Read(s.Now()); err != nil {
		s.Log.Warningf("%v", err)
	}
	s.watched = w
	return nil
}

// watchSites looks at the sites of the items that were not looked at for a day or whose certificate is new; with --item at those
// of this item. It comes last in a sweep: nothing that is due waits for it.
func (s *sweep) watchSites(ctx context.Context) error {
	w := s.watched
	if s.dry || w == nil {
		return nil
	}
	if err := s.findDueSites(ctx); err != nil {
		return err
	}
	err := s.lookAtSites(ctx)
	if unsaved := w.service.Write(w.state); unsaved != nil {
		s.Log.Warningf("%v", unsaved)
	}
	s.reportSites(w)
	return err
}

// reportSites logs what this run saw.
func (s *sweep) reportSites(w *watchedSites) {
	if w.stopped != "" {
		s.Log.Warningf("sites are not looked at any more in this run: %s", w.stopped)
	}
	if w.looked+len(w.due)+len(w.page) == 0 {
		return
	}
	counts := ""
	for _, o := range watch.Outcomes() {
		counts += fmt.Sprintf(", %s %d", o, w.state.Count(o))
	}
	s.Log.Infof("looked at the sites of %d items, %d are left for the next sweep; of all items%s", w.looked, len(w.due)+len(w.page), counts[1:])
}

// findDueSites lists the items to look at, the oldest look first (rules WATCH-5).
func (s *sweep) findDueSites(ctx context.Context) error {
	w := s.watched
	var all []int64
	err := s.Panel.WatchedItems(ctx, s.Args.Item, func(it item.WatchedItem) {
		all = append(all, it.Item)
		if looked, due := s.siteDue(it); due {
			w.due = append(w.due, dueSite{it.Item, looked, it.Serial})
		}
	})
	if err != nil {
		return err
	}
	slices.Sort(all)
	sorting.Func(w.due, func(a, b dueSite) int { return cmp.Or(cmp.Compare(a.looked, b.looked), cmp.Compare(a.item, b.item)) })
	if s.Args.Item == 0 {
		w.state.Keep(func(it int64) bool {
			_, watched := slices.BinarySearch(all, it)
			return watched
		})
	}
	return nil
}

// siteDue reports whether an item is to be looked at now, and when it was looked at last.
func (s *sweep) siteDue(it item.WatchedItem) (looked int64, due bool) {
	if s.Args.Item != 0 {
		return 0, true
	}
	seen, known := s.watched.state.Seen(it.Item)
	if !known || seen.Serial != it.Serial || seen.Looked.IsZero() || s.mayServeRevoked(seen) {
		return 0, true
	}
	return seen.Looked.Unix(), s.Now().Sub(seen.Looked) >= watchAgain
}

// lookAtSites looks at the due items, several at once, and acts on each look in turn: the panel is for one at a time.
func (s *sweep) lookAtSites(ctx context.Context) error {
	w := s.watched
	looking, cancel := context.WithTimeout(ctx, watchTime)
	results, running := make(chan siteLook, looksAtOnce), 0
	var looks parallel.Group
	defer func() {
		cancel()
		for ; running > 0; running-- {
			<-results
		}
	}()
	for {
		for running < looksAtOnce && looking.Err() == nil && w.stopped == "" {
			next, found, err := s.nextSite(ctx)
			if err != nil {
				return err
			}
			if !found {
				break
			}
			running++
			looks.Go(func() {
				if caught := parallel.Catch(func() {
					target := watch.Target{Leaf: next.chain.Leaf, Earlier: serialsOf(next.site.Earlier)}
					next.look, next.err = w.service.Look(looking, target)
				}); caught != nil {
					next.err = fmt.Errorf("a fault of this program while it looked at a site: %w", caught)
				}
				results <- next
			})
		}
		if running == 0 {
			break
		}
		result := <-results
		running--
		if err := s.noteLook(ctx, looking, result); err != nil {
			return err
		}
	}
	return s.noteUnresolved(ctx)
}

// nextSite returns the next item to look at; false if none is left. Items without a readable certificate are not looked at before
// tomorrow.
func (s *sweep) nextSite(ctx context.Context) (siteLook, bool, error) {
	w := s.watched
	for {
		if len(w.page) == 0 && len(w.due) == 0 {
			return siteLook{}, false, nil
		}
		if len(w.page) == 0 {
			if err := s.loadSites(ctx); err != nil {
				return siteLook{}, false, err
			}
			continue
		}
		site := w.page[0]
		w.page = w.page[1:]
		chain, err := pki.StoredLeaf(site.Stored)
		if err == nil {
			return siteLook{site: site, chain: chain}, true, nil
		}
		s.Log.Warningf("%s: its sites are not watched: %v", item.Item{Item: site.Item, Name: site.Name}.Label(), err)
		w.state.Note(watch.Seen{Item: site.Item, Looked: s.Now(), Serial: site.Serial})
	}
}

// loadSites loads the next page of items.
func (s *sweep) loadSites(ctx context.Context) error {
	w := s.watched
	var items []int64
	for _, due := range w.due[:min(len(w.due), sitesPage)] {
		items = append(items, due.item)
	}
	found, err := s.Panel.WatchedSites(ctx, items)
	if err != nil {
		return err
	}
	for _, due := range w.due[:len(items)] { // those that are not found have no certificate
		if !slices.ContainsFunc(found, func(it item.WatchedSite) bool { return it.Item == due.item }) {
			w.state.Note(watch.Seen{Item: due.item, Looked: s.Now(), Serial: due.serial})
		}
	}
	w.due = w.due[len(items):]
	place := func(it item.WatchedSite) int { return slices.Index(items, it.Item) }
	sorting.Func(found, func(a, b item.WatchedSite) int { return cmp.Compare(place(a), place(b)) })
	w.page = found
	return nil
}

// serialsOf reads the item parameter earlier_serials.
func serialsOf(list string) []string {
	const longest = 4 << 10
	return strings.Fields(list[:min(len(list), longest)])
}
