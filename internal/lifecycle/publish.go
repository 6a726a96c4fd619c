package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
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
}

// publishChallenges does what is due about the challenges of an order that waits: it publishes them, looks whether they are
// seen, asks the seller to look and waits a little for the certificate (docs/reference/unattended.md §5). It returns what the
// seller says now and true if that is news. Whatever stands in the way ends in the log and in j.Unattended.ByHand: the client
// is written to as without it.
func (j *Order) publishChallenges(ctx context.Context, id int64) (seller.OrderStatus, bool, error) {
	if j.Publishing == nil || j.Dry != nil {
		return seller.OrderStatus{}, false, nil
	}
	if j.Publishing.Mode() == publish.Off {
		return seller.OrderStatus{}, false, j.WithdrawAll(ctx)
	}
	for range maxRounds {
		again, err := j.publishRound(ctx, id)
		if err != nil {
			j.byHand(err)
			return seller.OrderStatus{}, false, nil
		}
		if !again {
			return j.awaitIssue(ctx, id)
		}
	}
	return j.awaitIssue(ctx, id)
}

// byHand notes and logs why the client has to act.
func (j *Order) byHand(why error) {
	j.Unattended.ByHand, j.Unattended.Passes = why.Error(), passes(why)
	j.Log.Infof("its challenges are left to the client: %v", why)
}

// passes reports whether a trouble may pass by itself: a panel that is busy, a server that does not answer.
func passes(err error) bool {
	for _, lasting := range []error{publish.ErrNotOwner, publish.ErrConflict, publish.ErrWildcard, publish.ErrDenied} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	var network net.Error
	return fault.From(err).Retry || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded)
}

// publishRound publishes the present values and asks the seller to look. True if the seller gave other values meanwhile.
func (j *Order) publishRound(ctx context.Context, id int64) (again bool, err error) {
	list, err := j.published()
	if err != nil {
		return false, err
	}
	order, placed, err := j.place(ctx, list)
	if err != nil {
		return false, errors.Join(err, j.withdraw(ctx, list, nil))
	}
	list, err = j.putUp(ctx, order, id, list, placed)
	if errors.Is(err, publish.ErrConflict) || errors.Is(err, publish.ErrWildcard) {
		if moved, failed := j.moveToFile(ctx, id, order.Names); moved || failed != nil {
			return false, failed
		}
	}
	if err != nil {
		return false, err
	}
	if seen, err := j.see(ctx, list); err != nil || !seen {
		return false, err
	}
	return j.ask(ctx, id, list)
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

// putUp brings what is published to what is placed: the list is saved first, then the records are written, and those that
// are not wanted any more are removed. It returns the list of the present ones.
func (j *Order) putUp(ctx context.Context, order publish.Order, id int64, list []publishedRecord, placed []publish.Placement) ([]publishedRecord, error) {
	var present []publishedRecord
	stale := slices.Clone(list)
	for _, p := range placed {
		entry := publishedRecord{Publisher: p.Publisher, Zone: p.Zone, Record: p.Record, ID: id, At: j.Now().UTC()}
		at := slices.IndexFunc(stale, func(old publishedRecord) bool {
			return old.Publisher == p.Publisher && old.Zone == p.Zone && old.Record.Same(p.Record) && old.ID == id
		})
		if at >= 0 {
			entry = stale[at]
			entry.Stays = time.Time{} // it is wanted again
			stale = slices.Delete(stale, at, at+1)
		} else {
			entry.Asked, entry.Asks = questions(list, id)
		}
		present = append(present, entry)
	}
	j.lookAgain(present)
	if err := j.savePublished(ctx, slices.Concat(present, stale)); err != nil {
		return nil, err
	}
	for i, p := range placed {
		if !present[i].Seen.IsZero() {
			continue
		}
		if err := j.Publishing.Publish(ctx, order, p, earlierValues(stale, present[i])); err != nil {
			return nil, errors.Join(err, j.withdraw(ctx, slices.Concat(present, stale), nil))
		}
	}
	j.Unattended.Since = oldest(present)
	return present, j.withdraw(ctx, slices.Concat(present, stale), present)
}

// lookAgain forgets that records were seen where the seller is about to be asked once more: the client may have removed them
// meanwhile.
func (j *Order) lookAgain(list []publishedRecord) {
	if len(list) == 0 || list[0].Asks == 0 {
		return
	}
	if due := askDue(list); due.IsZero() || j.Now().Before(due) {
		return
	}
	for i := range list {
		list[i].Seen = time.Time{}
	}
}

// questions returns when the seller was asked last to look at the challenges of an id, and how often: other values for the id
// are no reason to ask more often.
func questions(list []publishedRecord, id int64) (asked time.Time, asks int) {
	for _, entry := range list {
		if entry.ID == id && entry.Asks > asks {
			asked, asks = entry.Asked, entry.Asks
		}
	}
	return asked, asks
}

// earlierValues returns the values that the module wrote earlier in the place of the record.
func earlierValues(stale []publishedRecord, now publishedRecord) []string {
	var values []string
	for _, old := range stale {
		if old.Publisher == now.Publisher && old.Zone == now.Zone && old.Record.SamePlace(now.Record) {
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
func (j *Order) see(ctx context.Context, list []publishedRecord) (bool, error) {
	if !slices.ContainsFunc(list, func(r publishedRecord) bool { return r.Seen.IsZero() }) {
		return true, nil
	}
	for look := range 2 {
		if look > 0 && !j.pause(ctx, secondLook) {
			return false, nil
		}
		if all, err := j.lookOnce(ctx, list); err != nil || !all {
			return false, err
		}
	}
	for i := range list {
		if list[i].Seen.IsZero() {
			list[i].Seen = j.Now().UTC()
		}
	}
	return true, j.savePublished(ctx, list)
}

// lookOnce looks at each record that was not seen yet.
func (j *Order) lookOnce(ctx context.Context, list []publishedRecord) (all bool, err error) {
	for i, entry := range list {
		if !entry.Seen.IsZero() {
			continue
		}
		sight, err := j.Publishing.Look(ctx, entry.placement())
		if err != nil {
			return false, err
		}
		list[i].Pause = int(sight.NegativeTTL / time.Second)
		if sight.HostGone {
			err := fault.Errorf(fault.Value, "dns", "%s took the host above it out of DNS (%s) and is removed at once", entry.Record, sight.Why)
			return false, errors.Join(err, j.withdraw(ctx, list, nil))
		}
		if !sight.Seen {
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
		if err != nil {
			return status, false, err
		}
		if status.State != seller.StateWaiting {
			return status, true, nil
		}
		if waited >= issueWait || !j.pause(ctx, issuePause) {
			return status, false, nil
		}
	}
}

// pause waits, and reports whether there was time for it: a sweep waits a few minutes in all, whatever its items need.
func (j *Order) pause(ctx context.Context, d time.Duration) bool {
	return j.Waits.Take(d) && j.Sleep(ctx, d) == nil
}

const (
	// sellerTime is how long the seller may take for challenges that are published before the client is written to.
	sellerTime = 48 * time.Hour
	// troubleTime is how long a trouble that passes by itself may last before that.
	troubleTime = 6 * time.Hour
)

// AwaitsNobody reports whether no person has to act for a reissue that waits: its challenges are published and the seller
// had less than two days to look at them, or what keeps the module from publishing them may pass by itself and began a few
// hours ago at most.
func (j *Order) AwaitsNobody() bool {
	switch u := j.Unattended; {
	case u.ByHand == "":
		return !u.Since.IsZero() && j.Now().Sub(u.Since) < sellerTime
	case u.Passes:
		return j.Now().Sub(j.Attempts().Last) < troubleTime
	}
	return false
}

// Overdue returns what the administrator has to know of challenges that are published and of no use: the seller had two days
// to look at them. Empty if there is nothing of the kind.
func (j *Order) Overdue() string {
	u := j.Unattended
	if u.ByHand != "" || u.Since.IsZero() || j.AwaitsNobody() {
		return ""
	}
	return fmt.Sprintf("its challenges are published since %s and %s has not issued the certificate: look for the reason at %s, and in the log",
		u.Since.Format(time.RFC3339), j.Info.Title, j.Info.Title)
}
