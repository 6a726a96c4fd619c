package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
)

const (
	// secondLook is the time between the two looks after which a record counts as seen everywhere.
	secondLook = 10 * time.Second
	// issueWait is how long one run waits for the certificate after the seller was asked to look.
	issueWait = time.Minute
	// issuePause is the time between two questions to the seller in that wait.
	issuePause = 20 * time.Second
	// maxRounds is how often one run publishes anew because the seller's answer brought other values.
	maxRounds = 2
)

// Unattended is what a run of the module could do about an order's challenges without the client.
type Unattended struct {
	// ByHand is why the client has to act; empty if the module does everything itself, or does nothing of the kind.
	ByHand string
	// Passes says that ByHand is a trouble that passes by itself, such as a server that does not answer.
	Passes bool
	// Since is when the oldest of the present challenges was published; zero if none is.
	Since time.Time
	// Unseen is which of them is not seen everywhere, and where; empty if all are, or if that was not looked at.
	Unseen string
	// SellerError is what the seller failed with when it was asked to look, or about the certificate after that. That fails no
	// command; a sweep sees by it that the seller does not work.
	SellerError error
}

// publishChallenges does what is due about the challenges of an order that waits: it publishes them, looks whether they are
// seen, asks the seller to look and waits a little for the certificate (docs/reference/unattended.md §5). It returns what the
// seller says now and true if that is news. Whatever stands in the way ends in the log and in j.Unattended.ByHand: the client
// is written to as without it. The end of the run is an error: it says nothing about the challenges.
func (j *Order) publishChallenges(ctx context.Context, id int64) (seller.OrderStatus, bool, error) {
	if j.Publishing == nil || j.Dry != nil {
		return seller.OrderStatus{}, false, nil
	}
	if j.Publishing.Mode() == publish.Off {
		return seller.OrderStatus{}, false, j.switchedOff(ctx, id)
	}
	for range maxRounds {
		again, err := j.publishRound(ctx, id)
		if over := ctx.Err(); err != nil && over != nil {
			return seller.OrderStatus{}, false, fault.Errorf(fault.Interrupted, itemparam.ChallengesPublished,
				"%s: the run ended while its challenges were published, the next one goes on: %w", j.Item.Label(), over).Retryable()
		}
		if err != nil {
			j.byHand(err)
			return seller.OrderStatus{}, false, nil
		}
		if !again {
			break
		}
	}
	return j.awaitIssue(ctx, id)
}

// switchedOff removes what was published for an order that waits. What goes wrong with that is no reason to do nothing else for
// the order.
func (j *Order) switchedOff(ctx context.Context, id int64) error {
	if list, err := j.published(); err == nil {
		j.rememberRemoved(ctx, id, list)
	}
	err := j.withdrawListed(ctx, false)
	if err != nil && ctx.Err() == nil {
		j.Log.Errorf("what was published for it could not be removed: %v", err)
		return nil
	}
	return err
}

// byHand notes and logs why the client has to act.
func (j *Order) byHand(why error) {
	var settings *settingsError
	spared := errors.As(why, &settings) && !j.Unattended.Since.IsZero()
	j.Unattended.ByHand, j.Unattended.Passes = why.Error(), spared || passes(why)
	j.Log.Infof("its challenges are left to the client: %v", why)
}

// publishRound publishes the present values and asks the seller to look. True if the seller gave other values meanwhile.
func (j *Order) publishRound(ctx context.Context, id int64) (again bool, err error) {
	list, err := j.published()
	if err != nil {
		return false, err
	}
	if err := j.refuseHarmful(ctx, id, list); err != nil {
		return false, err
	}
	order, placed, err := j.place(ctx, list)
	if err != nil {
		var settings *settingsError
		var stays []publishedRecord // what passes by itself, or is wrong with the settings, says nothing against them
		if errors.As(err, &settings) || passes(err) {
			stays = slices.DeleteFunc(slices.Clone(list), func(r publishedRecord) bool { return r.ID != id })
		}
		return false, j.notPublished(ctx, id, order, stays, list, err)
	}
	up, err := j.putUp(ctx, order, id, list, placed)
	if err != nil {
		var stays []publishedRecord
		if up.stood && passes(err) {
			stays = up.present
		}
		return false, j.notPublished(ctx, id, order, stays, slices.Concat(up.present, up.rest), err)
	}
	return j.proveBy(ctx, id, up)
}

// proveBy has the seller look at records that are published, once they are seen.
func (j *Order) proveBy(ctx context.Context, id int64, up standing) (again bool, err error) {
	if seen, err := j.see(ctx, up); err != nil || !seen {
		return false, err
	}
	return j.ask(ctx, id, up)
}

// notPublished handles challenges that could not be published for all names: what is published is removed again (rules
// UNATT-3), but for the records that are to stay, and the order is moved to files if a record cannot stand in DNS. It returns
// why unless the order was moved.
func (j *Order) notPublished(ctx context.Context, id int64, order publish.Order, stay, list []publishedRecord, why error) error {
	if ctx.Err() != nil {
		return why
	}
	remove := slices.DeleteFunc(slices.Clone(list), func(r publishedRecord) bool { return slices.Contains(stay, r) })
	j.Unattended.Since = oldest(stay)
	if since, _, asks := j.history(list, id); len(stay) == 0 && asks > 0 {
		j.Unattended.Since = since
		j.rememberRemoved(ctx, id, list)
	}
	if len(remove) > 0 {
		if _, err := j.withdraw(ctx, stay, remove); err != nil {
			return errors.Join(why, err)
		}
	}
	if errors.Is(why, publish.ErrConflict) || errors.Is(why, publish.ErrWildcard) {
		if moved, failed := j.moveToFile(ctx, id, order.Names); moved || failed != nil {
			return failed
		}
	}
	return why
}

// place returns where the order's present challenges go. An error says why they cannot be published.
func (j *Order) place(ctx context.Context, list []publishedRecord) (publish.Order, []publish.Placement, error) {
	order, records, err := j.records()
	if err != nil {
		return order, nil, err
	}
	for _, entry := range list {
		order.Standing = append(order.Standing, entry.Record)
	}
	placed, err := j.Publishing.Place(ctx, order, records)
	if refusal := (*publish.Refusal)(nil); err != nil && !errors.As(err, &refusal) {
		return order, nil, &settingsError{err}
	}
	if err == nil && j.Publishing.Mode() == publish.Dry { // the log says now what would be published
		err = fault.Errorf(fault.Value, publish.SettingMode, "%s is dry", publish.SettingMode)
	}
	return order, placed, err
}

// records returns the order's challenges as the item holds them, as records.
func (j *Order) records() (publish.Order, []publish.Record, error) {
	order := publish.Order{Item: j.Item.Item, Account: j.Item.Account}
	request, err := j.Request()
	if err != nil {
		return order, nil, err
	}
	order.Names = request.AllNames()
	if request.Method == seller.MethodEmail {
		return order, nil, fault.Errorf(fault.Value, itemparam.Method, "the order is validated by e-mail")
	}
	text := j.Item.Params[j.ChallengeParam()]
	if text == "" {
		return order, nil, fault.Errorf(fault.Missed, j.ChallengeParam(), "%s has not said yet what is to be published", j.Info.Title).Retryable()
	}
	challenges, err := seller.ParseChallengeText(request.Method, text)
	if err != nil {
		return order, nil, err
	}
	var records []publish.Record
	for _, c := range challenges {
		r := recordOf(c)
		r.Domain = domainOf(r, order.Names)
		records = append(records, r)
	}
	if len(records) == 0 {
		return order, nil, fault.Errorf(fault.Value, j.ChallengeParam(), "the parameter %s names no record", j.ChallengeParam())
	}
	return order, records, nil
}

// domainOf returns the name of the certificate, without "*.", that a record proves control of: the host of a file, the
// longest name that the record stands below, else the first of those below the host that the record stands at. Empty if
// it is none of the order's.
func domainOf(r publish.Record, names []string) string {
	host := r.Name
	if r.Type != publish.File {
		_, host, _ = strings.Cut(r.Name, ".")
	}
	domain, parent := "", ""
	for _, name := range names {
		bare := strings.TrimPrefix(name, "*.")
		switch {
		case within(host, bare) && len(bare) > len(domain):
			domain = bare
		case within(bare, host) && parent == "":
			parent = bare
		}
	}
	return cmp.Or(domain, parent)
}

func within(name, parent string) bool { return name == parent || strings.HasSuffix(name, "."+parent) }

// recordOf returns the record of one challenge.
func recordOf(c seller.Challenge) publish.Record {
	if c.Method == seller.MethodFile {
		return publish.FileRecord(c.URL, c.Body)
	}
	return publish.DNSRecord(c.Host, c.Record, c.Target)
}

// standing is what is published for an order: the records of its present challenges, and those that are not wanted any more
// and could not be removed yet. With stood the seller was asked to look at the present ones before.
type standing struct {
	present, rest []publishedRecord
	stood         bool
}

func (j *Order) saveStanding(ctx context.Context, up standing) error {
	return j.savePublished(ctx, slices.Concat(up.present, up.rest))
}

// putUp brings what is published to what is placed: the list is saved first, then the records are written, and those that
// are not wanted any more are removed. With an error it returns what may stand.
func (j *Order) putUp(ctx context.Context, order publish.Order, id int64, list []publishedRecord, placed []publish.Placement) (standing, error) {
	up := j.compare(id, list, placed)
	if err := j.saveStanding(ctx, up); err != nil {
		return standing{rest: list}, err
	}
	for i, p := range placed {
		if !up.present[i].Seen.IsZero() {
			continue
		}
		if err := j.Publishing.Publish(ctx, order, p, earlierValues(up.rest, up.present[i])); err != nil {
			return up, err
		}
	}
	j.Unattended.Since = oldest(up.present)
	unmentioned, stale := splitRest(up, order, id)
	left, err := j.withdraw(ctx, slices.Concat(up.present, unmentioned), stale)
	return standing{up.present, slices.Concat(unmentioned, left), up.stood}, err
}

// splitRest divides the records beside the present ones. Those of names of the order that the seller's answer does not mention any
// more stay: it may have left out what is validated, and the CA may look again before it issues. The others are stale, but for those
// whose value was replaced in its place.
func splitRest(up standing, order publish.Order, id int64) (unmentioned, stale []publishedRecord) {
	for _, old := range up.rest {
		domain := old.Record.Domain
		switch {
		case slices.ContainsFunc(up.present, func(r publishedRecord) bool { return samePlace(r, old) }):
		case old.ID == id && (slices.Contains(order.Names, domain) || slices.Contains(order.Names, "*."+domain)) &&
			!slices.ContainsFunc(up.present, func(r publishedRecord) bool { return r.Record.Domain == domain }):
			unmentioned = append(unmentioned, old)
		default:
			stale = append(stale, old)
		}
	}
	return unmentioned, stale
}

// compare returns the entries of what is placed, with what is known of those that were published before, and the other
// entries of the list.
func (j *Order) compare(id int64, list []publishedRecord, placed []publish.Placement) standing {
	up := standing{rest: slices.Clone(list), stood: true}
	since, asked, asks := j.history(list, id)
	for _, p := range placed {
		entry := publishedRecord{Publisher: p.Publisher, Zone: p.Zone, Record: p.Record, ID: id, At: since, Asked: asked, Asks: asks}
		at := slices.IndexFunc(up.rest, func(old publishedRecord) bool {
			return samePlace(old, entry) && old.Record.Same(p.Record) && old.ID == id
		})
		if at >= 0 {
			entry = up.rest[at]
			entry.Stays = time.Time{} // it is wanted again
			up.rest = slices.Delete(up.rest, at, at+1)
		}
		up.stood = up.stood && at >= 0 && entry.Asks > 0
		up.present = append(up.present, entry)
	}
	for i, entry := range up.present {
		if len(earlierValues(up.rest, entry)) > 0 { // which of the two stands is not known
			up.present[i].Seen = time.Time{}
		}
	}
	j.lookAgain(up.present)
	return up
}

func samePlace(a, b publishedRecord) bool {
	return a.Publisher == b.Publisher && a.Zone == b.Zone && a.Record.SamePlace(b.Record)
}

// lookAgain forgets that records were seen where the seller is about to be asked once more: the client may have removed them
// meanwhile.
func (j *Order) lookAgain(list []publishedRecord) {
	if _, asks := questions(list); asks == 0 {
		return
	}
	if due := askDue(list); due.IsZero() || j.Now().Before(due) {
		return
	}
	for i := range list {
		list[i].Seen = time.Time{}
	}
}

// earlierValues returns the values that the module wrote earlier in the place of the record.
func earlierValues(stale []publishedRecord, now publishedRecord) []string {
	var values []string
	for _, old := range stale {
		if samePlace(old, now) {
			values = append(values, old.Record.Value)
		}
	}
	return values
}

func oldest(list []publishedRecord) time.Time {
	var first time.Time
	for _, entry := range list {
		if first.IsZero() || entry.At.Before(first) {
			first = entry.At
		}
	}
	return first
}

// see looks whether every place shows the records, twice. Records that were seen are looked at no more.
func (j *Order) see(ctx context.Context, up standing) (bool, error) {
	if !slices.ContainsFunc(up.present, func(r publishedRecord) bool { return r.Seen.IsZero() }) {
		return true, nil
	}
	for look := range 2 {
		if look > 0 && !j.pause(ctx, secondLook) {
			return false, nil
		}
		if all, err := j.lookOnce(ctx, up); err != nil || !all {
			return false, err
		}
	}
	for i := range up.present {
		if up.present[i].Seen.IsZero() {
			up.present[i].Seen = j.Now().UTC()
		}
	}
	return true, j.saveStanding(ctx, up)
}

// lookOnce looks at each record that was not seen yet.
func (j *Order) lookOnce(ctx context.Context, up standing) (all bool, err error) {
	for i, entry := range up.present {
		if !entry.Seen.IsZero() {
			continue
		}
		sight, err := j.Publishing.Look(ctx, entry.placement())
		if err != nil {
			return false, err
		}
		up.present[i].Pause = int(sight.NegativeTTL / time.Second)
		if sight.HostGone {
			return false, j.withdrawHarmful(ctx, up, i, sight.Why)
		}
		if !sight.Seen {
			j.Unattended.Unseen = fmt.Sprintf("%s is not seen everywhere (%s)", entry.Record, sight.Why)
			j.Log.Infof("%s is published and not seen everywhere yet (%s), the next run looks again", entry.Record, sight.Why)
			return false, nil
		}
	}
	return true, nil
}

// awaitIssue asks the seller a few times whether the certificate is there, if it was asked to look in this run.
func (j *Order) awaitIssue(ctx context.Context, id int64) (seller.OrderStatus, bool, error) {
	if !j.askedNow {
		return seller.OrderStatus{}, false, nil
	}
	j.askedNow = false
	for waited := time.Duration(0); ; waited += issuePause {
		status, err := j.Seller.OrderStatus(ctx, id)
		if err != nil && ctx.Err() == nil { // the next run asks as ever
			j.Log.Warningf("whether id %d is issued could not be read at %s: %v", id, j.Info.Title, err)
			j.Unattended.SellerError = err
			return status, false, nil
		}
		if err != nil {
			return status, false, err
		}
		if status.State != seller.StateWaiting {
			return status, true, nil
		}
		// The certificate can be fetched by the next run as well; without a second look no later item would be asked about.
		if waited >= issueWait || !j.Waits.TakeSpare(issuePause) || j.Sleep(ctx, issuePause) != nil {
			return status, false, nil
		}
	}
}

// pause waits, and reports whether there was time for it: a sweep waits a few minutes in all, whatever its items need.
func (j *Order) pause(ctx context.Context, d time.Duration) bool {
	return j.Waits.Take(d) && j.Sleep(ctx, d) == nil
}
