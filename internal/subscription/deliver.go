package subscription

import (
	"cmp"
	"context"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/deliver"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
	"pmssl/internal/sorting"
	"pmssl/internal/watch"
)

const (
	// deliverTime is how long deliveries, and looks at them, may take in one sweep; deliverItemTime for one item
	// (docs/reference/unattended.md §7): so that a program that hangs is ended by its own limit, and the error says so.
	deliverTime     = 5 * time.Minute
	deliverItemTime = deliver.ProgramTime + time.Minute
)

// reasonInstall is why the client of an item is written to whose certificate could not be delivered.
const reasonInstall = "install"

// deliveries does what is due about certificates that are still to be delivered, for those first that had no turn for longest.
func (s *sweep) deliveries(ctx context.Context) error {
	if s.dry || s.Delivering == nil || s.Delivering.Mode() != publish.On {
		return nil
	}
	pending, err := s.Panel.PendingDeliveries(ctx)
	if err != nil {
		return err
	}
	var tasks []task
	for n, it := range distinct(s.dueDeliveries(pending)) {
		tasks = append(tasks, task{item: it, as: asSync, begin: loadItem, work: func(ctx context.Context, j *sweptItem, row *sweepRow) error {
			return s.deliver(ctx, j, row, n+1)
		}})
	}
	started, err := s.workOnAll(ctx, tasks, func() bool { return !s.deliverBudget.Spent() })
	if err == nil && started < len(tasks) {
		s.Log.Infof("%v", deliver.ErrTimeSpent)
	}
	return err
}

// dueDeliveries returns the items about whose delivery something is due, those first that had no turn for longest.
func (s *sweep) dueDeliveries(pending []item.PendingDelivery) []int64 {
	type turn struct {
		it    int64
		since time.Time
	}
	var due []turn
	for _, p := range pending {
		if s.Args.Item != 0 && s.Args.Item != p.Item {
			continue
		}
		if is, since := lifecycle.DeliveryDue(p.State, s.Now()); is {
			due = append(due, turn{p.Item, since})
		}
	}
	sorting.Func(due, func(a, b turn) int { return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.it, b.it)) })
	items := make([]int64, len(due))
	for i, one := range due {
		items[i] = one.it
	}
	return items
}

// showDelivery logs, with the mode Dry, where the certificate of the item of --item would be delivered.
func (s *sweep) showDelivery(ctx context.Context, order item.Item) {
	if s.dry || s.Delivering == nil {
		return
	}
	run, _ := s.runFor(s.Run, 0, task{item: order.Item, as: asSync})
	sweptOf(item.NewHandle(&run, order)).ShowDelivery(ctx)
}

// deliver does what is due about one delivery, the nth of this sweep, and tells the client if a person has to install the certificate
// (rules DELIVER-4).
func (s *sweep) deliver(ctx context.Context, j *sweptItem, row *sweepRow, n int) error {
	j.SweepTurn = s.at.Add(time.Duration(n)*time.Microsecond - time.Second)
	if err := j.Deliver(ctx); err != nil {
		return err
	}
	if !j.InstallDue() || s.settings.Policy == cabforum.PolicyNone {
		return nil
	}
	from, err := j.Panel.Setting(ctx, item.SettingMailFrom)
	if err != nil || from == "" { // the administrator has the task
		return err
	}
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		return err
	}
	if day := j.watchMailed(stored.Serial()); day != "" {
		return j.NoteInstallMail(ctx, day)
	}
	row.action, row.result, row.expires = actionNotify, resultOK, stored.Ends()
	if row.reason = j.whyNotNotified(false); row.reason != "" {
		return nil
	}
	row.reason = reasonInstall
	return s.tellInstall(ctx, j, row)
}

// watchMailed returns the day of the first mail that said that a site does not serve the certificate; empty if there was none.
func (j *sweptItem) watchMailed(serial string) string {
	record, known := watch.ParseRecord(j.Item.Params[itemparam.SiteWatch])
	if !known || record.Serial != serial || len(record.Mailed) == 0 {
		return ""
	}
	return record.Mailed[0]
}

// tellInstall writes to the client. That is noted first: a run that is killed meanwhile does not write twice. While no mail is sent
// nothing is noted: with many items the panel would have much to save in each sweep.
func (s *sweep) tellInstall(ctx context.Context, j *sweptItem, row *sweepRow) error {
	if s.mails.failed.Load() {
		return s.notifyClient(ctx, j, row, item.NoticeInstall, false)
	}
	if err := j.NoteInstallMail(ctx, j.Today().String()); err != nil {
		return err
	}
	err := s.notifyClient(ctx, j, row, item.NoticeInstall, false)
	if err != nil && !staysUnsent(err) { // the fault is on this server: the next sweep tries again
		if dropped := j.NoteInstallMail(context.WithoutCancel(ctx), ""); dropped != nil {
			j.Log.Warningf("the notice is not sent again: %v", dropped)
		}
	}
	return err
}
