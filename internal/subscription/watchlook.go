package subscription

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/pki"
	"pmssl/internal/watch"
)

// noteLook acts on one look. It returns an error only if the run itself ends; other errors are those of the item. looking is the
// context of the looks, which may end before that of the run.
func (s *sweep) noteLook(ctx, looking context.Context, l siteLook) error {
	w := s.watched
	switch {
	case ctx.Err() != nil:
		return sweepEnded(ctx.Err())
	case w.stopped != "", l.err != nil && looking.Err() != nil: // left for the next sweep
		w.page = append(w.page, l.site)
		return nil
	case l.err != nil:
		s.failLook(l, l.err)
		w.state.Note(s.seenAt(l))
		return nil
	case l.look.Unresolved:
		w.unresolved = append(w.unresolved, l)
		if len(w.unresolved) >= maxUnresolved {
			w.stopped = fmt.Sprintf("DNS has no answer for the sites of %d items in a row: %s", len(w.unresolved), l.look.Worst().Why)
			for _, unknown := range w.unresolved {
				w.page = append(w.page, unknown.site)
				s.postpone(unknown)
			}
			w.unresolved = nil
		}
		return nil
	}
	if err := s.noteUnresolved(ctx); err != nil {
		return err
	}
	return s.applyRecovered(ctx, l)
}

// postpone leaves an item for the next sweep, behind those that this sweep has no look at: it may be that only the zones of a few items
// do not answer, and these must not keep the others from being looked at for ever. What was seen before stays.
func (s *sweep) postpone(l siteLook) {
	seen, known := s.watched.state.Seen(l.site.Item)
	if !known || seen.Serial != l.site.Serial {
		seen = s.seenAt(l)
		seen.Outcome = ""
	}
	seen.Looked = s.Now().Add(-watchAgain)
	s.watched.state.Note(seen)
}

// applyRecovered is applyLook; a panic is an error of that item, which is looked at again tomorrow.
func (s *sweep) applyRecovered(ctx context.Context, l siteLook) error {
	var over error
	if err := s.recovered(func() error { over = s.applyLook(ctx, l); return nil }); err != nil {
		s.failLook(l, err)
		s.watched.state.Note(s.seenAt(l))
	}
	return over
}

// noteUnresolved acts on the looks that had no answer of DNS, while it answers about others.
func (s *sweep) noteUnresolved(ctx context.Context) error {
	looks := s.watched.unresolved
	s.watched.unresolved = nil
	for _, l := range looks {
		if err := s.applyRecovered(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// applyLook keeps what a look saw, on the item if that is news, and notifies the client if that is due.
func (s *sweep) applyLook(ctx context.Context, l siteLook) error {
	w := s.watched
	w.looked++
	s.keepLook(l)
	earlier, known := watch.ParseRecord(l.site.Watch)
	fresh := l.chain.Leaf.NotBefore.After(w.state.Begun)
	next := earlier.Next(l.look, l.chain.Serial(), s.Now(), known, fresh)
	again, err := s.actOnOld(ctx, &l, &next)
	if next.News(earlier) {
		s.Log.Infof("%s: %s: %s", siteLabel(l), next.Outcome, l.look.Worst())
		err = errors.Join(err, s.saveRecord(ctx, &l, next))
	}
	s.showLook(l, next.News(earlier) && next.Outcome == watch.Old)
	if err == nil && !again { // also if the run ended meanwhile: the item has it
		w.state.Note(s.seenAt(l))
	}
	if over := ctx.Err(); over != nil {
		return sweepEnded(over)
	}
	if err != nil {
		s.failLook(l, err)
		if !again {
			w.state.Note(s.seenAt(l))
		}
	}
	return nil
}

// staysUnsent reports whether a notice that failed is not tried again today: the recipient was refused, or there is none.
func staysUnsent(err error) bool {
	failure := fault.From(err)
	return recipientRefused(err) || failure.Type == fault.Missed && failure.Object == "user"
}

// seenAt returns what is remembered of a look.
func (s *sweep) seenAt(l siteLook) watch.Seen {
	seen := seenOf(l.site, l.chain)
	seen.Looked = s.Now()
	if l.err == nil {
		seen.Outcome, seen.Replaced = l.look.Outcome(), l.look.Replaced(s.Now())
		seen.InPlace = l.look.Serves() && l.chain.Leaf.NotAfter.After(s.Now())
		for _, e := range s.knownRevoked(l.site.Item) {
			seen.Revoked = append(seen.Revoked, e.Serial)
		}
	}
	return seen
}

// seenOf returns what is remembered of a stored certificate whose sites were not looked at.
func seenOf(site item.WatchedSite, stored pki.Chain) watch.Seen {
	seen := watch.Seen{Item: site.Item, Serial: site.Serial, CRL: watch.ListOf(stored.Leaf)}
	if serial := stored.Serial(); serial != site.Serial {
		seen.Stored = serial
	}
	return seen
}

// saveRecord writes the item parameter, unless this look wrote the same before. After several failures in a row the panel counts as
// down: the next sweep goes on.
func (s *sweep) saveRecord(ctx context.Context, l *siteLook, record watch.Record) error {
	text, err := record.Text()
	if err != nil {
		return fault.Errorf(fault.Internal, itemparam.SiteWatch, "%w", err)
	}
	if text == l.site.Watch {
		return nil
	}
	if err := s.Panel.SaveParam(ctx, l.site.Item, itemparam.SiteWatch, text); err != nil {
		if s.watched.unsaved++; s.watched.unsaved >= maxUnsaved {
			s.watched.stopped = fmt.Sprintf("the panel saved no item parameter %d times in a row", maxUnsaved)
		}
		return err
	}
	s.watched.unsaved = 0
	l.site.Watch = text
	return nil
}

func siteLabel(l siteLook) string { return item.Item{Item: l.site.Item, Name: l.site.Name}.Label() }

// failLook records an error in the row of the item. An item that failed before counts once.
func (s *sweep) failLook(l siteLook, err error) {
	row := s.siteRow(l)
	if fault.From(err).Type == fault.Locked && row.result != resultError {
		row.result, row.reason = resultSkipped, "another run holds the item"
		return
	}
	s.Log.Errorf("%s: %v", siteLabel(l), err)
	if row.result != resultError {
		row.result, row.reason = resultError, err.Error()
		s.failed++
	}
}

// showLook puts what a look saw into the document: of the item of --item, and of an item whose site newly serves an old certificate.
func (s *sweep) showLook(l siteLook, newlyOld bool) {
	if s.Args.Item == 0 && !newlyOld {
		return
	}
	row := s.siteRow(l)
	row.site = string(l.look.Outcome()) + ": " + l.look.Worst().String()
}

// siteRow returns the document's row about the item; one that says nothing else if there is none yet.
func (s *sweep) siteRow(l siteLook) *sweepRow {
	at := slices.IndexFunc(s.rows, func(row sweepRow) bool { return row.item == l.site.Item })
	if at < 0 {
		at = len(s.rows)
		s.rows = append(s.rows, sweepRow{item: l.site.Item, name: l.site.Name, expires: l.chain.Ends(), action: actionNone, result: resultOK})
	}
	return &s.rows[at]
}

// notifyOld notifies the client whose site serves an old certificate, if that is due (rules WATCH-6), and notes that in the record.
// again says that the next sweep has to look again: it may notify the client then.
func (s *sweep) notifyOld(ctx context.Context, l *siteLook, record *watch.Record) (again bool, err error) {
	wanted, err := s.installNoticeDue(ctx, *l, *record)
	if !wanted || err != nil {
		return err != nil, err
	}
	run := *s.Run
	run.Args = item.Args{Command: asSync, Item: l.site.Item}
	defer func() {
		if released := s.Panel.UnlockItem(context.WithoutCancel(ctx), l.site.Item); released != nil {
			s.Log.Warningf("%s: %v", siteLabel(*l), released)
		}
	}()
	order, err := lifecycle.Load(ctx, &run)
	if err != nil || order.Item.Params[itemparam.Serial] != l.site.Serial { // replaced meanwhile
		return true, err
	}
	if again, settled := s.deliveryTold(*l, order, record); settled {
		return again, nil
	}
	j := &sweptItem{Order: order, served: s.servedAt(l.look.Old())}
	why := j.whyNotNotified(false)
	if why == "" || s.Args.Resend {
		why, err = "", s.tellOld(ctx, j, l, record)
	}
	if row := s.siteRow(*l); row.action == actionNone {
		row.action, row.result, row.reason = actionNotify, resultOK, why
		if why != "" {
			row.result = resultSkipped
		}
	}
	return err != nil && !staysUnsent(err), err
}

// tellOld writes to the client. That is noted on the item first: a run that is killed meanwhile does not write twice. While no mail is
// sent nothing is noted.
func (s *sweep) tellOld(ctx context.Context, j *sweptItem, l *siteLook, record *watch.Record) error {
	if s.mails.failed.Load() {
		return s.sendNotice(ctx, j, item.NoticeInstall)
	}
	noted := *record
	noted.AddMail(j.Today().String())
	if err := s.saveRecord(ctx, l, noted); err != nil {
		return err
	}
	err := s.notifyClient(ctx, j, &sweepRow{}, item.NoticeInstall, false)
	if err == nil {
		*record = noted
		return nil
	}
	if dropped := s.saveRecord(context.WithoutCancel(ctx), l, *record); dropped != nil {
		j.Log.Warningf("the notice is not sent again: %v", dropped)
	}
	return err
}

// urgentTries is how often the module tries to deliver a certificate itself before its client is notified, if what is served ends in
// the last days.
const urgentTries = 2

// deliveryTold reports whether the client is not to be notified because of the delivery of the certificate: while the module tries
// that itself, or because the client was told when it failed. Then it is looked at again in the next sweep if again says so.
func (s *sweep) deliveryTold(l siteLook, order *lifecycle.Order, record *watch.Record) (again, settled bool) {
	day, tries, pending := order.InstallTold()
	urgent := tries >= urgentTries && record.LastDays(l.look, l.chain.Leaf.NotAfter, s.Now())
	switch {
	case s.Args.Resend:
		return false, false
	case pending && !urgent:
		return true, true
	case day != "" && len(record.Mailed) == 0:
		record.AddMail(day)
		return false, !record.MailDue(l.look, l.chain.Leaf.NotAfter, s.Now())
	}
	return false, false
}

// installNoticeDue reports whether the client is to be notified now that the site serves an old certificate.
func (s *sweep) installNoticeDue(ctx context.Context, l siteLook, record watch.Record) (bool, error) {
	again := s.Args.Resend && s.notified.Load() == 0 && record.Outcome == watch.Old
	switch {
	case s.settings.Policy == cabforum.PolicyNone, s.isKnownRevoked(l.site.Item, l.chain.Serial()): // which nobody should install
		return false, nil
	case !again && !record.MailDue(l.look, l.chain.Leaf.NotAfter, s.Now()):
		return false, nil
	}
	from, err := s.Panel.Setting(ctx, item.SettingMailFrom)
	return strings.TrimSpace(from) != "", err
}

// servedAt returns places for a notice.
func (s *sweep) servedAt(places []watch.Place) []item.Served {
	var served []item.Served
	for _, p := range places {
		served = append(served, item.Served{Name: p.Name, Address: p.Address, Serial: p.Serial, Expires: cabforum.DateOf(p.Expires), Expired: !p.Expires.After(s.Now())})
	}
	return served
}
