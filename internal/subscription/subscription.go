package subscription

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/lifecycle"
	"pmssl/internal/pki"
	"pmssl/internal/xmldoc"
)

// lastDays is how near the end of a certificate may be before client and administrator are told every day that the proof
// of control is still missing (rules SWEEP-4).
const lastDays = 7

// sweep is one run of the reissue policy over all items of this module (docs/reference/validity.md §B3.5 to §B3.12, rules
// SWEEP-1).
type sweep struct {
	*item.Run
	settings cabforum.Settings
	at       time.Time // the present, or the day that is played
	dry      bool

	items, due, reissued, notified, failed int
	running                                bool
	rows                                   []sweepRow
	down                                   item.Outages
	mailDown                               bool // the mail transport failed in this run
}

// sweepRow is what the document says of one item.
type sweepRow struct {
	item                    int64
	name                    string
	expires, paidUntil, due cabforum.Date
	lead                    int
	action, result, reason  string
	open                    bool // an operation of the panel for the item is open
}

// Words of the document (rules SWEEP-5).
const (
	actionReissue = "reissue"
	actionNotify  = "tell"
	actionNone    = "none"
	actionWait    = "wait"
	resultOK      = "ok"
	resultSkipped = "skipped"
	resultError   = "error"
)

// Run reissues what is due, or tells the client, as the panel's settings say. A seller's error for one item
// never stops the others; Run.Failed then makes the exit code 1.
func Run(ctx context.Context, run *item.Run) (*etree.Document, error) {
	s, err := newSweep(ctx, run)
	if err != nil {
		return nil, err
	}
	if !s.dry {
		mine, err := run.Panel.LockSweep(ctx)
		if err != nil {
			return nil, err
		}
		if !mine {
			s.running = true
			run.Summary = "another sweep is running"
			return s.document(), nil
		}
	}
	if err := s.all(ctx); err != nil {
		return nil, err
	}
	if run.Args.Resend && !s.dry && s.notified+s.failed == 0 {
		return nil, fault.Errorf(fault.Missed, "resend", "there is nothing to tell the client of item %d now, no message was sent", run.Args.Item)
	}
	run.Failed = s.failed > 0
	run.Summary = fmt.Sprintf("items %d, due %d, reissued %d, told %d, failed %d", s.items, s.due, s.reissued, s.notified, s.failed)
	return s.document(), nil
}

func newSweep(ctx context.Context, run *item.Run) (*sweep, error) {
	if run.Args.DryRun {
		if err := run.BeginDryRun(); err != nil {
			return nil, err
		}
	}
	if run.Args.Resend && run.Args.Item == 0 {
		return nil, fault.Errorf(fault.Missed, "item", "--resend sends one client's message again and needs --item")
	}
	s := &sweep{Run: run, at: run.Now(), dry: run.Args.DryRun, down: item.Outages{}}
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
	return s, nil
}

// chosen keeps the one item that --item names.
func (s *sweep) chosen(items []int64, err error) ([]int64, error) {
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

// The panel's words for what the sweep does to one item. It has types of tasks for these and none for the sweep's own
// command (docs/reference/billmanager.md §1.6).
const (
	asSync    = "sync_item"
	asReissue = "reopen"
)

// each works on one item under its lock, as the panel's command would. Only the end of the run itself is an error here.
func (s *sweep) each(ctx context.Context, it int64, as string, work func(context.Context, *sweptItem, *sweepRow) error) error {
	if err := ctx.Err(); err != nil {
		return sweepEnded(err)
	}
	run := *s.Run
	run.Args, run.Outages = item.Args{Command: as, Item: it}, s.down
	row := &sweepRow{item: it}
	start := beginItem
	if s.dry {
		start = connectItem // which writes nothing, not even what the journal remembers
	}
	j, err := start(ctx, &run)
	if err == nil {
		row.name, row.paidUntil = j.Item.Name, j.TermEnd()
		err = work(ctx, j, row)
	}
	label := item.Item{Item: it, Name: row.name}.Label()
	if released := s.Panel.UnlockItem(context.WithoutCancel(ctx), it); released != nil {
		s.Log.Warningf("%s: %v", label, released)
	}
	if over := ctx.Err(); item.Interrupted(over, err) {
		s.Log.Warningf("%s: %v", label, err)
		return sweepEnded(over)
	}
	switch {
	case err != nil && fault.From(err).Type == fault.Locked:
		row.result, row.reason = resultSkipped, "another run holds the item"
	case err != nil:
		row.result, row.reason = resultError, err.Error()
		s.failed++
		s.Log.Errorf("%s: %v", label, err)
		s.note(j, err)
	}
	if row.action != "" || err != nil {
		s.rows = append(s.rows, *row)
	}
	return nil
}

// sweepEnded returns the fault of a sweep whose context is over.
func sweepEnded(err error) error {
	return fault.Errorf(fault.Interrupted, "subscription", "the sweep was interrupted, the next one goes on: %w", err).Retryable()
}

// reconcile syncs an item that the seller works on, and tells who has to act where the proof is missing.
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
	if down := s.down[j.Account]; down != nil {
		s.left(row, actionWait, down)
		return nil
	}
	if err := j.inspect(ctx); err != nil {
		return err
	}
	if j.Item.Stored == "" { // the first certificate: the client was shown what to publish with the order
		return nil
	}
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		return err
	}
	decision := cabforum.ReissueCheck{Settings: s.settings, Active: true, Held: lifecycle.ValidityOf(stored)}.Decide(s.at)
	row.expires, row.due, row.lead = stored.Ends(), decision.DueOn, decision.Lead
	if !j.HasStatus(item.ServiceWaiting) {
		return nil
	}
	if j.NotYetValid {
		row.reason = "the certificate is not valid yet"
		return nil
	}
	return s.remind(ctx, j, row, stored)
}

// inspect syncs an order unless it waits as it did.
func (j *sweptItem) inspect(ctx context.Context) error {
	if waits, err := j.StillWaiting(ctx); err != nil || waits {
		return err
	}
	status, err := j.Newest(ctx, j.ID())
	if err != nil {
		return err
	}
	outcome, err := j.ApplyStatus(ctx, status)
	return errors.Join(outcome.Ended, err)
}

// remind tells the client what a waiting reissue needs, once, and every day when the end is near (rules SWEEP-4).
func (s *sweep) remind(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain) error {
	if s.settings.Policy == cabforum.PolicyNone {
		row.reason = string(cabforum.ReasonPolicy)
		return nil
	}
	left := j.Today().DaysUntil(stored.Ends())
	kind, once := item.NoticeProve, true
	if left < lastDays {
		kind, once = item.NoticeWaiting, false
		text := fmt.Sprintf("the reissue %d of %s still waits for proof of control and the certificate ends %s", j.ID(), row.name, stored.Ends())
		j.Log.Warningf("%s", text)
		if err := j.OpenTaskUntilStored(ctx, asReissue, text); err != nil {
			return err
		}
	}
	return s.notifyClient(ctx, j, row, kind, once)
}

func (s *sweep) notifyClient(ctx context.Context, j *sweptItem, row *sweepRow, kind string, once bool) error {
	if why := j.whyNotNotified(once); why != "" && !s.Args.Resend {
		row.reason = why
		return nil
	}
	if s.mailDown { // a transport that hangs costs one timeout a sweep
		return fault.Errorf(fault.Client, fault.ObjectMail, "the client of item %d (%s) was not told: the mail transport failed for an earlier message of this run", j.Item.Item, row.name).Retryable()
	}
	err := j.notifyClient(ctx, s.Mailer, kind)
	if err != nil {
		s.mailDown = transportFailed(err)
		return err
	}
	s.notified++
	return nil
}

// document returns the answer (rules SWEEP-5).
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
		{"date", cabforum.DateOf(s.at).String()}, {"running", running}, {"items", strconv.Itoa(s.items)}, {"due", strconv.Itoa(s.due)},
		{"reissued", strconv.Itoa(s.reissued)}, {"told", strconv.Itoa(s.notified)}, {"failed", strconv.Itoa(s.failed)},
	} {
		node.CreateAttr(a.name, a.value)
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
	}
	return doc
}
