package subscription

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/cabforum"
	"pmssl/internal/deliver"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/parallel"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
	"pmssl/internal/xmldoc"
)

// lastDays is the number of days before the end of a certificate in which client and administrator are notified daily that
// the proof of control is still missing (rules SWEEP-4).
const lastDays = 7

// reasonUnattended is why the client of a reissue that waits is not written to.
const reasonUnattended = "unattended"

// waitTime is how long a sweep waits in all for challenges to be seen and for certificates (docs/reference/unattended.md §5).
const waitTime = 10 * time.Minute

// publishTime is how long publishers, and looks at what is published, may take for one item: a hundred records need less.
const publishTime = 6 * time.Minute

// sweep is one run of the reissue policy over all items of this module (docs/reference/validity.md §B3.5 to §B3.12, rules
// SWEEP-1).
type sweep struct {
	*item.Run
	settings cabforum.Settings
	at       time.Time // now, or the simulated day
	dry      bool

	items    int
	failed   int
	running  bool // another sweep is running
	rows     []sweepRow
	revoked  revokedItems
	watched  *watchedSites
	rotation lifecycle.Rotation // of reissues that are due
	accounts map[int64]*account // by processing module
	fewer    int                // how many items can be worked on at once, if that is fewer than itemsAtOnce; else 0

	// What follows is shared by the items that are worked on at once.
	due, reissued, notified atomic.Int64
	down                    item.Outages
	mails                   mailQueue
	timeSpent               atomic.Bool // there is no time left for publishers and looks
	deliverBudget           *publish.Budget
	services                publish.Queue // calls of publishers and deliverers
}

// sweepRow is the document's element about one item.
type sweepRow struct {
	item                    int64
	name                    string
	expires, paidUntil, due cabforum.Date
	lead                    int
	action, result, reason  string
	open                    bool   // an operation of the panel for the item is open
	site                    string // what its sites serve, if that is told

	// What the work on the item has found out about its revoked certificate (keepRevoked).
	inPlace    string // serial that was read; empty if none was
	notRevoked bool   // the certificate in place is not the one that is on its list
}

// Values of the document (rules SWEEP-5).
const (
	actionReissue = "reissue"
	actionNotify  = "tell"
	actionNone    = "none"
	actionWait    = "wait"
	resultOK      = "ok"
	resultSkipped = "skipped"
	resultError   = "error"
)

// Run reissues due certificates or notifies their clients, as the panel's settings say. An error of one item does not stop the
// others; run.Failed then makes the exit code 1.
func Run(ctx context.Context, run *item.Run) (*etree.Document, error) {
	s, err := newSweep(ctx, run)
	if err != nil {
		return nil, err
	}
	if err := s.sweepOnce(ctx); err != nil {
		return nil, err
	}
	if s.running {
		run.Summary = "another sweep is running"
		return s.answer(), nil
	}
	if run.Args.Resend && !s.dry && int(s.notified.Load())+s.failed == 0 {
		return nil, fault.Errorf(fault.Missed, "resend", "there is nothing to notify the client of item %d about now; no notice was sent", run.Args.Item)
	}
	run.Failed = s.failed > 0
	run.Summary = fmt.Sprintf("items %d, due %d, reissued %d, notified %d, failed %d", s.items, s.due.Load(), s.reissued.Load(), s.notified.Load(), s.failed)
	if n := s.revoked.count(); n > 0 {
		run.Summary += fmt.Sprintf(", revoked %d", n)
	}
	if s.watched != nil && !s.dry {
		run.Summary += fmt.Sprintf(", sites looked at %d, old %d", s.watched.looked, s.watched.old())
	}
	return s.answer(), nil
}

func newSweep(ctx context.Context, run *item.Run) (*sweep, error) {
	if run.Args.DryRun {
		if err := run.BeginDryRun(); err != nil {
			return nil, err
		}
	}
	if run.Args.Resend && run.Args.Item == 0 {
		return nil, fault.Errorf(fault.Missed, "item", "--resend sends the notice to one client again and needs --item")
	}
	run.Waits = item.NewWaits(waitTime)
	s := &sweep{Run: run, at: run.Now(), dry: run.Args.DryRun, mails: newMailQueue(), deliverBudget: deliver.NewBudget(run.Now, deliverTime)}
	if run.Args.Date != "" {
		if !run.Args.DryRun {
			return nil, fault.Errorf(fault.Value, "date", "--date simulates a day and needs --dry-run")
		}
		day, err := cabforum.ParseDate(run.Args.Date)
		if err != nil || day.IsZero() {
			return nil, fault.Errorf(fault.Value, "date", "--date %q is not a date of the form YYYY-MM-DD", run.Args.Date)
		}
		s.at = day.Midnight()
	}
	settings, warnings, err := item.SubscriptionSettings(ctx, run.Panel)
	if err != nil {
		return nil, err
	}
	for _, warning := range warnings {
		run.Log.Warningf("%s", warning)
	}
	s.settings = settings
	return s, s.readRotation(ctx)
}

// filterNamed returns the items, with --item only that one if it is among them.
func (s *sweep) filterNamed(items []int64, err error) ([]int64, error) {
	if err != nil || s.Args.Item == 0 {
		return items, err
	}
	for _, it := range items {
		if it == s.Args.Item {
			return []int64{it}, nil
		}
	}
	return nil, nil
}

// Commands of the panel that stand for the sweep's work on one item. The panel has types of tasks for these commands, but none
// for the sweep (docs/reference/billmanager.md §1.6).
const (
	asSync    = "sync_item"
	asReissue = "reopen"
)

// workOn works on one item under its lock, as the panel's command would. It returns an error only if the run itself ends; other
// errors are recorded in the item's row. base is the run of the goroutine, place that of the item in the order of the sweep.
func (s *sweep) workOn(ctx context.Context, base *item.Run, place int, t task) (outcome, error) {
	if err := ctx.Err(); err != nil {
		return outcome{}, sweepEnded(err)
	}
	run, taken := s.runFor(base, place, t)
	row := &sweepRow{item: t.item}
	var j *sweptItem
	err := s.recovered(func() (err error) {
		if j, err = t.begin(ctx, &run); err != nil {
			return err
		}
		row.name, row.paidUntil = j.Item.Name, j.TermEnd()
		err = t.work(ctx, j, row)
		s.endTurn(ctx, j, taken)
		return err
	})
	label := item.Item{Item: t.item, Name: row.name}.Label()
	if released := base.Panel.UnlockItem(context.WithoutCancel(ctx), t.item); released != nil {
		s.Log.Warningf("%s: %v", label, released)
	}
	if over := ctx.Err(); item.Interrupted(over, err) {
		s.Log.Warningf("%s: %v", label, err)
		return outcome{}, sweepEnded(over)
	}
	done := outcome{row: row, shown: row.action != "" || err != nil}
	switch {
	case err != nil && fault.From(err).Type == fault.Locked:
		row.result, row.reason = resultSkipped, "another run holds the item"
	case err != nil:
		row.result, row.reason = resultError, err.Error()
		s.Log.Errorf("%s: %v", label, err)
		s.noteOutage(j, err)
	}
	if j != nil {
		done.seller = j.Seller
		if connected, ok := j.Seller.(seller.Connected); ok {
			connected.EndConnections()
		}
		s.noteOutage(j, j.Unattended.SellerError)
	}
	return done, nil
}

// keep puts what became of an item into the document. The outcomes of a group are kept in its order, whichever ended first.
func (s *sweep) keep(done outcome) {
	if done.row == nil {
		return
	}
	s.keepRevoked(done.row)
	if done.row.result == resultError && done.shown {
		s.failed++
	}
	if done.shown {
		s.rows = append(s.rows, *done.row)
	}
}

// runFor returns the run for one item, with the limits of time for it, and what publishers take of the sweep's time. What it waits
// for its turn at them counts for neither.
func (s *sweep) runFor(base *item.Run, place int, t task) (item.Run, *turn) {
	run := *base
	run.Args, run.Outages = item.Args{Command: t.as, Item: t.item}, &s.down
	taken := &turn{Service: run.Publishing, now: run.Now}
	if run.Publishing != nil {
		run.Publishing = publish.InTurn(publish.Limit(taken, run.Now, publishTime), &s.services, place)
	}
	if run.Delivering != nil {
		limited := deliver.Limit(run.Delivering, deliver.NewBudget(run.Now, deliverItemTime), s.deliverBudget)
		run.Delivering = deliver.InTurn(limited, &s.services, place)
	}
	return run, taken
}

// recovered does the work for one item. A panic is an error of that item: the other items must not wait for it to be mended.
func (s *sweep) recovered(work func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			s.Log.Errorf("panic: %v\n%s", reason, parallel.StackOf(reason))
			err = fault.Errorf(fault.Internal, "subscription", "a fault of this program, the log has more: %v", reason)
		}
	}()
	return work()
}

// sweepEnded returns the fault of a sweep whose context has ended.
func sweepEnded(err error) error {
	return fault.Errorf(fault.Interrupted, "subscription", "the sweep was interrupted, the next one goes on: %w", err).Retryable()
}

// reconcile syncs an item that waits for the seller and reminds the client if the proof of control is missing.
func (s *sweep) reconcile(ctx context.Context, j *sweptItem, row *sweepRow) error {
	row.action, row.result = actionWait, resultOK
	if s.dry {
		row.result, row.reason = resultSkipped, "dry run"
		return nil
	}
	if j.ID() == 0 {
		row.result, row.reason = resultSkipped, "no order yet"
		return nil
	}
	if _, err := s.noteRevoked(ctx, j); err != nil {
		return err
	}
	if down := s.down.Of(j.Account); down != nil {
		s.skipForOutage(row, actionWait, down)
		return s.remindUnsynced(ctx, j, row)
	}
	if err := j.syncIfChanged(ctx); err != nil {
		if !fault.From(err).SellerFails() {
			return err
		}
		return errors.Join(err, s.remindUnsynced(ctx, j, row))
	}
	if j.Item.Stored == "" { // the first certificate: the order shows the client what to publish
		return s.firstOverdue(ctx, j)
	}
	stored, err := s.storedLeaf(j, row)
	if err != nil {
		return err
	}
	if !j.HasStatus(item.ServiceWaiting) {
		return nil
	}
	if j.NotYetValid {
		row.reason = "the certificate is not valid yet"
		return nil
	}
	return s.remind(ctx, j, row, stored)
}

// storedLeaf reads the stored certificate, and writes its dates into the row.
func (s *sweep) storedLeaf(j *sweptItem, row *sweepRow) (pki.Chain, error) {
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		return stored, err
	}
	decision := cabforum.ReissueCheck{Settings: s.settings, Active: true, Held: lifecycle.ValidityOf(stored)}.Decide(s.at)
	row.expires, row.due, row.lead = stored.Ends(), decision.DueOn, decision.Lead
	return stored, nil
}

// remindUnsynced notifies the client about a reissue that waited when the seller worked last, in the days in which the client is
// notified in any case: what to publish is known without the seller (rules SWEEP-9).
func (s *sweep) remindUnsynced(ctx context.Context, j *sweptItem, row *sweepRow) error {
	if j.Item.Stored == "" || !j.HasStatus(item.ServiceWaiting) || j.Item.Params[itemparam.NotBefore] != "" {
		return nil
	}
	stored, err := s.storedLeaf(j, row)
	if err != nil || stored.Serial() != j.Item.Params[itemparam.Serial] || !j.lastDays(row, stored) {
		return err
	}
	reason := row.reason
	err = s.remind(ctx, j, row, stored)
	row.reason = reason
	return err
}

// lastDays reports whether a certificate ends in the days in which the client is notified in any case (rules UNATT-6).
func (j *sweptItem) lastDays(row *sweepRow, stored pki.Chain) bool {
	return j.Today().DaysUntil(stored.Ends()) < min(lastDays, (row.lead+1)/2)
}

// syncIfChanged syncs the order unless it still waits, and does what is due about its challenges.
func (j *sweptItem) syncIfChanged(ctx context.Context) error {
	outcome, err := j.Follow(ctx)
	return errors.Join(outcome.Ended, err)
}

// withdraw removes what was published for an order that does not wait any more, where an earlier run could not. The challenges of
// an order that waits stand while challenges are published: this sweep may have asked for the reissue itself. A deleted item
// waits for nothing.
func (s *sweep) withdraw(ctx context.Context, j *sweptItem, row *sweepRow) error {
	waits := j.Item.Status != item.ItemDeleted && (j.HasStatus(item.ServiceWaiting) || j.HasStatus(item.ServiceRequested))
	if s.dry || waits && j.Publishing != nil && j.Publishing.Mode() == publish.On {
		return nil
	}
	row.action = actionNone
	return j.WithdrawAll(ctx)
}

// remind notifies the client about what a waiting reissue needs: once, and daily when the end is near (rules SWEEP-4).
func (s *sweep) remind(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain) error {
	if s.settings.Policy == cabforum.PolicyNone {
		row.reason = string(cabforum.ReasonPolicy)
		return nil
	}
	left := j.Today().DaysUntil(stored.Ends())
	if !j.lastDays(row, stored) && j.AwaitsNobody() {
		row.reason = reasonUnattended
		return nil
	}
	kind, once := item.NoticeProve, true
	if left < lastDays {
		kind, once = item.NoticeWaiting, false
	}
	if j.Overdue() {
		text := fmt.Sprintf("the reissue %d of %s: ", j.ID(), row.name)
		if err := s.escalateOverdue(ctx, j, asReissue, text, j.whyNotNotified(once) == ""); err != nil {
			return err
		}
	}
	if left < lastDays {
		text := fmt.Sprintf("the reissue %d of %s still waits for proof of control and the certificate expires on %s", j.ID(), row.name, stored.Ends())
		j.Log.Warningf("%s", text)
		if err := j.OpenTaskUntilStored(ctx, asReissue, text); err != nil {
			return err
		}
	}
	return s.notifyClient(ctx, j, row, kind, once)
}

// notifyClient sends a notice unless the client was notified already.
func (s *sweep) notifyClient(ctx context.Context, j *sweptItem, row *sweepRow, kind string, once bool) error {
	if err := ctx.Err(); err != nil { // what was not done in a run that has ended is no news for the client
		return err
	}
	if why := j.whyNotNotified(once); why != "" && !s.Args.Resend {
		row.reason = why
		return nil
	}
	return s.sendNotice(ctx, j, kind)
}

// sendNotice sends a notice, unless the mail transport failed in this run.
func (s *sweep) sendNotice(ctx context.Context, j *sweptItem, kind string) error {
	if s.mails.failed.Load() { // nothing is noted on the item then
		return mailFailed(j.Item.Item, j.Item.Name)
	}
	if err := j.notifyClient(ctx, queuedMailer{&s.mails, j.Mailer, j.Item}, kind); err != nil {
		return err
	}
	s.notified.Add(1)
	return nil
}

// document returns the document about the sweep (rules SWEEP-5).
func (s *sweep) document() *etree.Document {
	doc := xmldoc.New()
	node := doc.Root().CreateElement("subscription")
	mode := "apply"
	if s.dry {
		mode = "dry-run"
	}
	running := "no"
	if s.running {
		running = "yes"
	}
	for _, a := range []struct{ name, value string }{
		{"policy", s.settings.Policy.String()}, {"before", strconv.Itoa(s.settings.Lead)}, {"mode", mode},
		{"date", cabforum.DateOf(s.at).String()}, {"running", running}, {"items", strconv.Itoa(s.items)}, {"due", strconv.FormatInt(s.due.Load(), 10)},
		{"reissued", strconv.FormatInt(s.reissued.Load(), 10)}, {"told", strconv.FormatInt(s.notified.Load(), 10)}, {"failed", strconv.Itoa(s.failed)},
	} {
		node.CreateAttr(a.name, a.value)
	}
	if n := s.revoked.count(); n > 0 {
		node.CreateAttr("revoked", strconv.Itoa(n))
	}
	if s.watched != nil && !s.dry {
		node.CreateAttr("watched", strconv.Itoa(s.watched.looked))
		node.CreateAttr("old", strconv.Itoa(s.watched.old()))
	}
	for _, row := range s.rows {
		it := node.CreateElement("item")
		for _, a := range []struct{ name, value string }{
			{"id", strconv.FormatInt(row.item, 10)}, {"name", row.name}, {"expiredate", row.expires.String()},
			{"paid_until", row.paidUntil.String()}, {"due", row.due.String()}, {"lead", strconv.Itoa(row.lead)},
			{"action", row.action}, {"result", row.result}, {"reason", row.reason},
		} {
			it.CreateAttr(a.name, a.value)
		}
		if row.site != "" {
			it.CreateAttr("site", row.site)
		}
	}
	return doc
}
