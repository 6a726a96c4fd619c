package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/pki"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
	"pmssl/internal/subscription"
	"pmssl/internal/watch"
)

const (
	// warnDays and criticalDays are how many days before the end of its certificate an item that does not go on by itself counts
	// as warning and as critical. In the first ones the sweep notifies daily (rules SWEEP-4).
	warnDays     = 7
	criticalDays = 3
	// endingDays is how many days before its end a paid term counts as ending.
	endingDays = 30
	// manualTries is the number of failed runs after which the panel leaves an operation to its administrator. A renewal is left to
	// them after the first, with a task (docs/reference/billmanager.md §1.6).
	manualTries = 10
)

// Item states of the panel (docs/reference/billmanager.md §4).
const (
	itemSuspended  = 3
	itemProcessing = 5
)

// facts is all that is known about one item.
type facts struct {
	item.OverviewItem
	handle    *item.Handle
	work      item.OpenWork
	now       time.Time
	today     cabforum.Date
	stored    *pki.Chain // nil if none is stored or it cannot be read
	problems  []string   // what cannot be read
	forecast  subscription.Forecast
	published lifecycle.PublishedState
	delivery  lifecycle.DeliveryState
	delivers  bool // a delivery is noted
	record    watch.Record
	seen      watch.Seen
	failure   string // of the last sweep
}

// classifier makes rows of items.
type classifier struct {
	run      *item.Run
	forecast *subscription.Forecaster
	texts    texts
	now      time.Time
}

// row returns what is shown about an item.
func (c *classifier) row(ov item.OverviewItem, work item.OpenWork, seen watch.Seen, failure string) Row {
	f := c.facts(ov, work, seen, failure)
	j := f.handle
	r := Row{
		Item: ov.Item.Item, Module: ov.Item.Module, Domain: c.texts.domain(ov.Item.Name), Product: c.product(ov.Item.Template),
		PaidUntil: j.TermEnd(), Lineage: lastIDs(j.Lineage()),
		Action: f.forecast.Action, Reason: c.texts.clean(f.forecast.Reason, maxText), Error: c.texts.clean(f.lastError(), maxError),
	}
	if !r.PaidUntil.IsZero() {
		r.TermStart = j.TermStart()
	}
	if !f.forecast.At.IsZero() {
		r.Day = cabforum.DateOf(f.forecast.At)
	}
	if f.stored != nil {
		r.Begins, r.Ends, r.Serial = f.stored.Leaf.NotBefore.UTC(), f.stored.Leaf.NotAfter.UTC(), f.stored.Serial()
	}
	f.site(&r)
	r.Place = c.texts.clean(r.Place, maxText)
	r.State, r.WaitsFor = f.state()
	r.Severity = f.severity(r.State, r.WaitsFor)
	return r
}

// facts reads all that the item's row is made of.
func (c *classifier) facts(ov item.OverviewItem, work item.OpenWork, seen watch.Seen, failure string) *facts {
	f := &facts{OverviewItem: ov, work: work, now: c.now, today: cabforum.DateOf(c.now), seen: seen, failure: failure}
	f.handle = item.NewHandle(c.run, ov.Item)
	if ov.Problem != nil {
		f.problems = append(f.problems, messages(ov.Problem)...)
	}
	f.readCertificate()
	f.read()
	f.forecast = c.forecast.Of(ov.Item, ov.Covered, work.Operations > 0, f.stored)
	if f.unreadable() { // what the sweep does then depends on what cannot be read
		f.forecast = subscription.Forecast{Action: subscription.ForecastNone}
	}
	return f
}

// readCertificate reads the stored certificate, and notes what is wrong with it.
func (f *facts) readCertificate() {
	it := f.Item
	if strings.TrimSpace(it.Stored) != "" {
		chain, err := pki.StoredLeaf(it.Stored)
		if err != nil {
			f.problems = append(f.problems, fault.From(err).Message)
			return
		}
		f.stored = &chain
		if f.leftOut() && f.work.Operations == 0 && f.inTerm() {
			f.problems = append(f.problems, fmt.Sprintf("a certificate is stored, although the item has the status %d in the panel: the sweep leaves it out until the panel "+
				"shows it as active; open it in the panel, or delete it there", it.Status))
		}
		return
	}
	if f.lostCertificate() {
		f.problems = append(f.problems, fmt.Sprintf("no certificate is stored, although the item has the service status issued%s: run --command sync_item --item %d, "+
			"or the import again if it was interrupted", withSerial(it.Params[itemparam.Serial]), it.Item))
	}
}

func withSerial(serial string) string {
	if serial == "" {
		return ""
	}
	return " and the serial " + serial
}

// leftOut reports whether the item has a status in the panel that the module knows no certificate in: it is neither active, nor
// suspended, nor worked on.
func (f *facts) leftOut() bool {
	return !f.Covered && f.Item.Status != itemSuspended && f.Item.Status != itemProcessing
}

// lostCertificate reports whether the panel lacks the certificate that the module has stored. The sweep fails for such an item once
// its certificate is due.
func (f *facts) lostCertificate() bool {
	issued := f.handle.HasStatus(item.ServiceIssued) && (f.Item.Params[itemparam.Serial] != "" || f.Item.Params[itemparam.OrderID] != "")
	return issued && f.Problem == nil && f.Covered && f.inTerm()
}

// messages returns the texts of joined errors.
func messages(err error) []string {
	var texts []string
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			texts = append(texts, messages(one)...)
		}
		return texts
	}
	return []string{fault.From(err).Message}
}

// problem notes an item parameter that cannot be read.
func (f *facts) problem(name string, err error) {
	if err != nil {
		f.problems = append(f.problems, fmt.Sprintf("the item parameter %s cannot be read (%v): correct or delete it", name, err))
	}
}

// read reads the parameters, and notes those that cannot be read.
func (f *facts) read() {
	f.readTerm()
	f.readObjects()
	if err := f.handle.CheckIDs(); err != nil {
		f.problems = append(f.problems, fault.From(err).Message)
	}
	if f.stored != nil && f.Covered {
		if wrong := subscription.WrongDate(f.Item, *f.stored); wrong != "" {
			f.problems = append(f.problems, wrong)
		}
	}
}

// readTerm checks the parameters with dates and numbers.
func (f *facts) readTerm() {
	params := f.Item.Params
	for _, name := range []string{itemparam.TermStart, itemparam.TermEnd, itemparam.ExpireDate} {
		_, err := cabforum.ParseDate(params[name])
		f.problem(name, err)
	}
	if months := params[itemparam.TermMonths]; months != "" {
		if n, err := strconv.Atoi(months); err != nil || n <= 0 {
			f.problem(itemparam.TermMonths, errNotMonths)
		}
	}
}

// readObjects reads the parameters with JSON.
func (f *facts) readObjects() {
	params := f.Item.Params
	var err error
	f.published, err = lifecycle.ParsePublishedState(params[itemparam.ChallengesPublished], f.now)
	f.problem(itemparam.ChallengesPublished, err)
	f.delivery, f.delivers, err = lifecycle.ParseDeliveryState(params[itemparam.Delivery], f.now)
	f.problem(itemparam.Delivery, err)
	var reissue struct {
		ID int64 `json:"id"`
	}
	if raw := params[itemparam.ReissueOf]; raw != "" && (json.Unmarshal([]byte(raw), &reissue) != nil || reissue.ID <= 0) {
		f.problem(itemparam.ReissueOf, errNotJSON)
	}
	if raw := params[itemparam.Revocation]; raw != "" && lifecycle.ParseRevocation(raw).Serial == "" {
		f.problem(itemparam.Revocation, errNotJSON)
	}
	if raw := params[itemparam.SiteWatch]; raw != "" {
		var known bool
		if f.record, known = watch.ParseRecord(raw); !known {
			f.problem(itemparam.SiteWatch, errNotJSON)
		}
	}
}

var (
	errNotMonths = errors.New("it is not a number of months")
	errNotJSON   = errors.New("it is not what the module writes")
)

// unreadable reports whether the item cannot be read as far as the sweep needs it.
func (f *facts) unreadable() bool { return len(f.problems) > 0 }

// state returns the item's state and who is waited for.
func (f *facts) state() (state, waits string) {
	for _, rule := range []func() (string, string){f.broken, f.inactive, f.stuck, f.revoked, f.underWay, f.term, f.due, f.install} {
		if state, waits = rule(); state != "" {
			break
		}
	}
	if state == "" {
		state, waits = StateOK, WaitsNobody
	}
	if hurt := f.hurt(); hurt != "" { // what hurts a site now is the state, whoever is waited for
		state = hurt
	}
	return state, waits
}

// hurt returns the state of an item whose certificate in place has ended or is revoked inside the paid term; empty if it is neither.
func (f *facts) hurt() string {
	switch {
	case f.stored == nil || !f.paid():
		return ""
	case !f.now.Before(f.stored.Leaf.NotAfter):
		return StateExpired
	case lifecycle.ParseRevocation(f.Item.Params[itemparam.Revocation]).Serial == f.stored.Serial():
		return StateRevoked
	}
	return ""
}

// paid reports whether the item is inside its paid term, and nobody but the panel has suspended it.
func (f *facts) paid() bool { return f.inTerm() && !f.suspended() }

// suspended reports whether an employee or an abuse report has suspended the item.
func (f *facts) suspended() bool { return f.Item.Status == itemSuspended && !f.Autosuspend }

// inTerm reports whether the paid term runs.
func (f *facts) inTerm() bool {
	end := f.handle.TermEnd()
	return end.IsZero() || f.today.Before(end)
}

func (f *facts) broken() (state, waits string) {
	if f.unreadable() {
		return StateDamaged, WaitsAdministrator
	}
	raw := f.Item.Params[itemparam.Intent]
	if raw == "" {
		return "", ""
	}
	if intent, err := purchase.ParseIntent(raw); err == nil {
		if age := f.now.Sub(intent.Time); age < purchase.IntentWait && age >= -purchase.IntentWait {
			return StateUnclear, WaitsNobody // the run that buys may still go on
		}
	}
	return StateUnclear, WaitsAdministrator
}

// leftToAdministrator reports whether an operation of the panel waits for a person: the panel says so, it was run as often as the panel
// runs one, or it has failed and has a task.
func (f *facts) leftToAdministrator() bool {
	return f.work.Manual || f.work.Tries >= manualTries || f.work.Tries > 0 && f.work.Tasks > 0
}

func (f *facts) inactive() (state, waits string) {
	switch {
	case f.suspended():
		return StateSuspended, WaitsAdministrator
	case f.Item.Status == itemSuspended && f.work.Operations == 0 && !f.inTerm():
		return StateEnded, WaitsClient
	case f.Covered:
		return "", ""
	case f.leftToAdministrator() || f.work.Tasks > 0:
		return StateFailed, WaitsAdministrator
	case f.Item.Status == itemProcessing || f.work.Operations > 0:
		return f.processing()
	case f.stored != nil:
		return StateEnded, WaitsClient // inside its term it is damaged
	}
	return StateOrdered, WaitsClient // it is not paid
}

// processing returns the state of an item that the panel works on.
func (f *facts) processing() (state, waits string) {
	if f.Item.Params[itemparam.OrderID] == "" && f.stored == nil {
		return StateOrdered, WaitsNobody
	}
	if state, waits = f.underWay(); state == "" {
		return StateWaiting, WaitsNobody // the panel carries something out
	}
	return state, waits
}

func (f *facts) stuck() (state, waits string) {
	switch {
	case f.handle.HasStatus(item.ServiceFailed), f.leftToAdministrator(), f.forecast.Reason == string(cabforum.ReasonTries):
		return StateFailed, WaitsAdministrator
	}
	return "", ""
}

func (f *facts) revoked() (state, waits string) {
	switch {
	case !f.forecast.Revoked || !f.inTerm() || f.handle.HasStatus(item.ServiceWaiting) || f.handle.HasStatus(item.ServiceRequested):
		return "", ""
	case !f.forecast.Answered && f.forecast.Action != subscription.ForecastNone:
		return StateRevoked, WaitsNobody
	case f.forecast.Told:
		return StateRevoked, WaitsClient
	}
	return StateRevoked, WaitsAdministrator
}

func (f *facts) underWay() (state, waits string) {
	waiting, requested := f.handle.HasStatus(item.ServiceWaiting), f.handle.HasStatus(item.ServiceRequested)
	switch {
	case !waiting && !requested && f.forecast.Action != subscription.ForecastSync && f.work.Operations == 0:
		return "", ""
	case f.Item.Params[itemparam.WaitingTask] != "":
		return StateWaiting, WaitsAdministrator
	case waiting:
		return f.validation()
	case f.work.Operations > 0 && !requested:
		return StateWaiting, WaitsNobody // the panel runs it again
	}
	return StateWaiting, WaitsSeller
}

// validation returns the state of an order that waits for domain validation.
func (f *facts) validation() (state, waits string) {
	switch {
	case f.published.Overdue:
		return StatePublishing, WaitsAdministrator
	case f.published.Records > 0 && f.published.Seen:
		return StatePublishing, WaitsSeller
	case f.published.Records > 0:
		return StatePublishing, WaitsNobody
	case f.Item.Params[itemparam.NotBefore] != "":
		return StateWaiting, WaitsNobody // its certificate begins in the future
	}
	return StateWaiting, WaitsClient
}

func (f *facts) term() (state, waits string) {
	switch end := f.handle.TermEnd(); {
	case f.stored == nil:
		return StateOrdered, WaitsNobody
	case !end.IsZero() && !f.today.Before(end):
		return StateEnded, WaitsClient
	}
	return "", ""
}

func (f *facts) due() (state, waits string) {
	now, tried := !f.forecast.At.After(f.now), f.forecast.Reason == string(cabforum.ReasonRecent)
	switch action := f.forecast.Action; {
	case f.forecast.Told:
		return StateDue, WaitsClient
	case now && (action == subscription.ForecastReissue || action == subscription.ForecastNotify && f.record.Outcome != watch.Old):
		return StateDue, WaitsNobody
	case tried && action != subscription.ForecastNone:
		return StateDue, WaitsNobody // the next attempt follows
	case tried, f.forecast.Undone, f.forecast.Expired, f.forecast.Reason == string(cabforum.ReasonNoGain):
		return StateDue, WaitsAdministrator
	}
	return "", ""
}

func (f *facts) install() (state, waits string) {
	switch end := f.handle.TermEnd(); {
	case f.delivers && f.delivery.ByHand && f.served() != watch.Current:
		return StateUninstalled, WaitsClient
	case f.delivers && !f.delivery.ByHand && f.forecast.Action == subscription.ForecastDeliver:
		return StateDelivering, WaitsNobody
	case f.served() == watch.Old:
		return StateUninstalled, WaitsClient
	case f.forecast.Action == subscription.ForecastRenew && f.today.DaysUntil(end) <= endingDays:
		return StateEnding, WaitsClient
	}
	return "", ""
}

// served returns the outcome of the last look at the sites with this certificate in place; empty if there was none.
func (f *facts) served() watch.Outcome {
	serial := f.Item.Params[itemparam.Serial]
	switch {
	case serial == "":
		return ""
	case f.seen.Serial == serial && f.seen.Outcome != "":
		return f.seen.Outcome
	case f.record.Serial == serial:
		return f.record.Outcome
	}
	return ""
}

// site writes into the row what the sites serve. The record of another certificate says nothing about this one.
func (f *facts) site(r *Row) {
	outcome, serial := f.served(), f.Item.Params[itemparam.Serial]
	if outcome == "" {
		return
	}
	r.Served = string(outcome)
	if f.record.Serial == serial && !f.record.Since.IsZero() {
		r.Looked = f.record.Since.UTC()
	}
	if f.seen.Serial == serial && !f.seen.Looked.IsZero() {
		r.Looked = f.seen.Looked.UTC()
	}
	if f.record.Serial == serial && f.record.Outcome == outcome && outcome != watch.Current {
		r.Place = watch.Place{Name: f.record.Name, Address: f.record.Address, Why: f.record.Why}.String()
	}
}

// severity returns how bad the state is: worse as the certificate's end comes near (rules STATUS-10).
func (f *facts) severity(state, waits string) Severity {
	left := f.daysLeft()
	switch state {
	case StateExpired, StateRevoked:
		return Critical
	case StateDamaged, StateUnclear, StateFailed:
		if left < warnDays {
			return Critical
		}
		return Warning
	case StateUninstalled:
		return byDays(left, Warning)
	case StateWaiting, StatePublishing, StateDue:
		if waits == WaitsAdministrator {
			return byDays(left, Warning)
		}
		return byDays(left, OK)
	}
	return OK
}

// daysLeft returns how many days the certificate lasts that a site needs; warnDays if none is known to be needed. If it cannot be
// read, and nothing else says when it ends, it may have ended.
func (f *facts) daysLeft() int {
	switch {
	case !f.needed():
		return warnDays
	case f.stored != nil:
		return f.today.DaysUntil(cabforum.DateOf(f.stored.Leaf.NotAfter))
	}
	end, err := cabforum.ParseDate(f.Item.Params[itemparam.ExpireDate])
	switch {
	case err == nil && !end.IsZero():
		return f.today.DaysUntil(end)
	case err != nil, f.CertificateUnread, strings.TrimSpace(f.Item.Stored) != "", f.handle.HasStatus(item.ServiceIssued), f.Item.Params[itemparam.Serial] != "":
		return 0
	}
	return warnDays // it has none yet
}

// needed reports whether a site needs the certificate: its term runs, or an operation has failed that was to go on with it. The
// client may have paid for that.
func (f *facts) needed() bool {
	failed := f.work.Operations > 0 && !f.work.Ending && (f.leftToAdministrator() || f.work.Tries > 1)
	return f.paid() || failed && !f.suspended()
}

// byDays returns the severity by the days to the end of the certificate, at least the given one.
func byDays(left int, least Severity) Severity {
	switch {
	case left < criticalDays:
		return Critical
	case left < warnDays:
		return Warning
	}
	return least
}

// lastError returns the error that is shown: what cannot be read, what the last sweep or the panel's operation failed with, why a
// delivery is not over.
func (f *facts) lastError() string {
	var words []string
	words = append(words, f.problems...)
	switch {
	case len(words) > 0:
	case f.failure != "":
		words = append(words, f.failure)
	case f.work.Error != "":
		words = append(words, f.work.Error)
	case f.delivers && f.delivery.Why != "":
		words = append(words, f.delivery.Why)
	default:
		if rotated, there := f.Item.Rotated(); there && rotated.GaveUp != "" {
			words = append(words, rotated.GaveUp)
		}
	}
	return strings.Join(words, "; ")
}

// product returns the seller's name of the template's product, or the template.
func (c *classifier) product(template string) string {
	if product, found := seller.FindProduct(c.run.Info.Products, template); found && len(product.Names) > 0 {
		return clean(product.Names[0], maxText) // a text of this program
	}
	return c.texts.clean(template, maxText)
}

// lastIDs returns the last ids of a long lineage.
func lastIDs(ids []int64) []int64 { return ids[max(0, len(ids)-maxLineage):] }
