package lifecycle

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"pmssl/internal/deliver"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
)

const (
	// lookPause is the least time between a try and the next look at what it brought.
	lookPause = 5 * time.Minute
	// byHandAfter is how long a delivery is tried before client and administrator are told (docs/reference/unattended.md §7).
	byHandAfter = 48 * time.Hour
	// maxPause is the longest time between two tries, and that between two looks after byHandAfter. If the last try is longer ago, none
	// was due that could be made.
	maxPause = 24 * time.Hour
	// turnTime is how long an item was worked on in vain for others to come first in the next sweep.
	turnTime = time.Minute
	// maxWhy is how many characters of a reason are saved.
	maxWhy = 500
)

// tryPauses returns the time between a try and the one before it, for the first tries. The others have the last pause.
func tryPauses() []time.Duration {
	return []time.Duration{0, 10 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour, maxPause}
}

// delivery is the item parameter delivery: how far the stored certificate is on its way to its servers (rules DELIVER-2). Times
// are UTC.
type delivery struct {
	Serial string    `json:"serial"`
	Since  time.Time `json:"since"` // when the certificate was stored
	Tries  int       `json:"tries"`
	Last   time.Time `json:"last,omitzero"` // when the last try began, or the last daily look without one
	// Turn is when time for deliveries was last spent on the item for a minute or more without a try, or when the last sweep began in
	// which its servers were not asked: it comes before those that this sweep tried, and after those that it had no time for.
	Turn time.Time `json:"turn,omitzero"`
	// Targets are where the certificate goes, as far as the last try found out.
	Targets []deliveryTarget `json:"targets,omitempty"`
	// Unclear says that the last try could not find out the targets of all names.
	Unclear bool `json:"unclear,omitempty"`
	// NotOwner says that the last try found no evidence that any site is the client's own. Nobody is told about that.
	NotOwner bool `json:"not_owner,omitempty"`
	// Done are the blocks whose servers showed the certificate, ByHand those that cannot deliver it as things are.
	Done   []string `json:"done,omitempty"`
	ByHand []string `json:"by_hand,omitempty"`
	// Other are the blocks whose servers showed another certificate at the last look of this run, neither an earlier one of the item nor
	// one that has expired: it may be there on purpose.
	Other []string `json:"-"`
	Why   string   `json:"why,omitempty"` // why it is not over
	// Told says that the administrator has a task, Task which one if it is to be closed.
	Told bool  `json:"told,omitempty"`
	Task int64 `json:"task,omitempty"`
	// Mailed is the day of the client's mail.
	Mailed string `json:"mailed,omitempty"`
}

type deliveryTarget struct {
	Block string   `json:"block"`
	Sites []string `json:"sites"`
}

// parseDelivery reads the item parameter. One that cannot be read, which somebody edited, begins anew.
func parseDelivery(text string, now time.Time) delivery {
	var d delivery
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return delivery{Since: now}
	}
	if d.Since.IsZero() || d.Since.After(now) { // the clock was ahead when it was written
		d.Since = now
	}
	if d.Last.After(now) {
		d.Last = time.Time{}
	}
	if d.Turn.After(now) {
		d.Turn = time.Time{}
	}
	d.Tries = max(0, d.Tries)
	return d
}

// DeliveryDue reports whether something is due about a delivery, given the item parameter: a look, a try, or the client's mail. It
// returns since when it had no turn.
func DeliveryDue(text string, now time.Time) (due bool, since time.Time) {
	d := parseDelivery(text, now.UTC())
	since = d.Last
	if d.Turn.After(since) {
		since = d.Turn
	}
	return d.lookDue(now.UTC()) || d.mailDue(), since
}

// NextDelivery returns the first instant from now on at which DeliveryDue is true.
func NextDelivery(text string, now time.Time) time.Time {
	d := parseDelivery(text, now.UTC())
	for _, pause := range []time.Duration{0, lookPause, maxPause} {
		at := d.Last.Add(pause)
		if at.Before(now) {
			at = now
		}
		if due, _ := DeliveryDue(text, at); due {
			return at
		}
	}
	return now
}

// DeliveryState is what the item parameter delivery says about a certificate on its way to its servers.
type DeliveryState struct {
	Tries int
	// ByHand says that a person has to install the certificate, Told that the administrator has a task about that.
	ByHand, Told bool
	Why          string // why it is not over; empty if no try was made
}

// ParseDeliveryState reads the item parameter; false if nothing is to be delivered. An error means that it cannot be read.
func ParseDeliveryState(text string, now time.Time) (DeliveryState, bool, error) {
	if text == "" {
		return DeliveryState{}, false, nil
	}
	if err := json.Unmarshal([]byte(text), &delivery{}); err != nil {
		return DeliveryState{}, false, err
	}
	d := parseDelivery(text, now.UTC())
	return DeliveryState{Tries: d.Tries, ByHand: d.byHand(now.UTC()), Told: d.Told, Why: d.Why}, true, nil
}

// mailDue reports whether the client is still to be told.
func (d delivery) mailDue() bool { return d.Told && d.Mailed == "" }

// byHand reports whether a person has to act.
func (d delivery) byHand(now time.Time) bool {
	return !d.NotOwner && (now.Sub(d.Since) >= byHandAfter || len(d.ByHand) > 0)
}

// late reports whether looks and tries are made daily: client and administrator are told, or somebody has to change something first.
func (d delivery) late(now time.Time) bool {
	return d.Tries > 0 && (d.tooLong(now) || d.hopeless())
}

// tooLong reports whether the delivery takes so long that a person is told.
func (d delivery) tooLong(now time.Time) bool { return now.Sub(d.Since) >= byHandAfter }

// hopeless reports whether no server is left to which the certificate can be delivered as things are.
func (d delivery) hopeless() bool {
	byHand := func(t deliveryTarget) bool { return slices.Contains(d.ByHand, t.Block) }
	return len(d.ByHand) > 0 && !d.Unclear && len(slices.DeleteFunc(d.left(), byHand)) == 0
}

// over reports whether no further try is made of a delivery without a site of the client's own. One is made in any case: no sweep may
// have run for two days, or none since the first tries.
func (d delivery) over(now time.Time) bool {
	return d.NotOwner && d.Tries > 0 && d.tooLong(now) && (d.Tries >= len(tryPauses()) || now.Sub(d.Last) < maxPause)
}

// left returns the targets that do not show the certificate.
func (d delivery) left() []deliveryTarget {
	return slices.DeleteFunc(slices.Clone(d.Targets), func(t deliveryTarget) bool { return slices.Contains(d.Done, t.Block) })
}

// finished reports whether every server shows the certificate.
func (d delivery) finished() bool { return len(d.Targets) > 0 && !d.Unclear && len(d.left()) == 0 }

// lookDue reports whether the servers are looked at again: each sweep does, and daily once a person was told.
func (d delivery) lookDue(now time.Time) bool {
	if d.NotOwner { // there is nothing to look at
		return d.tryDue(now) || d.over(now)
	}
	pause := lookPause
	if d.late(now) && d.Told {
		pause = maxPause
	}
	return d.Last.IsZero() || now.Sub(d.Last) >= pause
}

// tryDue reports whether the certificate is delivered again. After the first tries, and once a person was told, that is daily, as
// long as a server is left that shows no other certificate.
func (d delivery) tryDue(now time.Time) bool {
	if d.over(now) || d.late(now) && d.replaced() {
		return false
	}
	pauses := tryPauses()
	pause := pauses[min(d.Tries, len(pauses)-1)]
	if d.late(now) {
		pause = maxPause
	}
	return d.Last.IsZero() || now.Sub(d.Last) >= pause
}

// replaced reports whether each server that is left shows another certificate.
func (d delivery) replaced() bool {
	other := func(t deliveryTarget) bool { return slices.Contains(d.Other, t.Block) }
	return len(d.Other) > 0 && !d.Unclear && len(slices.DeleteFunc(d.left(), other)) == 0
}

// noteTurn notes that the time from began to end was spent on the item without a try, if it was much.
func (d *delivery) noteTurn(before delivery, began, end time.Time) {
	if d.Last.Equal(before.Last) && end.Sub(began) >= turnTime {
		d.Turn = end
	}
}

// because notes why the delivery is not over.
func (d *delivery) because(why string) {
	d.Why = item.DisplayLine(why, maxWhy)
}

// setTargets replaces the targets.
func (d *delivery) setTargets(targets []deliver.Target) {
	d.Targets, d.Done, d.ByHand, d.Other = nil, nil, nil, nil
	for _, t := range targets {
		d.Targets = append(d.Targets, deliveryTarget{t.Block, t.Sites})
	}
}

// noteDelivery notes a certificate that is stored as one to be delivered, before its item has the status issued, so that a run that
// is killed leaves it noted (rules DELIVER-2). Of an earlier certificate nothing is delivered any more.
func (j *Order) noteDelivery(ctx context.Context, chain pki.Chain) error {
	if j.Delivering == nil || j.Dry != nil {
		return nil
	}
	raw := j.Item.Params[itemparam.Delivery]
	before := parseDelivery(raw, j.Now().UTC())
	if raw != "" && before.Serial == chain.Serial() {
		return nil
	}
	if !j.delivers() || !j.Delivering.Possible(ctx, j.deliveryOrder(), deliveryNames(chain)) {
		return j.dropDelivery(ctx)
	}
	return j.saveDelivery(ctx, delivery{Serial: chain.Serial(), Since: j.Now().UTC(), Task: before.Task})
}

// OfferDelivery notes the certificate in place, which one of its sites does not serve, as one to be delivered, and reports whether it
// did (rules DELIVER-6). It does not if a delivery is noted already, if no deploy block may be for it, or if the certificate has expired
// or was revoked.
func (j *Order) OfferDelivery(ctx context.Context) (bool, error) {
	if j.Delivering == nil || j.Dry != nil || j.Item.Params[itemparam.Delivery] != "" || !j.delivers() {
		return false, nil
	}
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		return false, nil
	}
	serial := stored.Serial()
	if serial != j.Item.Params[itemparam.Serial] || serial == j.Revocation().Serial || !stored.Leaf.NotAfter.After(j.Now()) ||
		!j.Delivering.Possible(ctx, j.deliveryOrder(), deliveryNames(stored)) {
		return false, nil
	}
	if err := j.saveDelivery(ctx, delivery{Serial: serial, Since: j.Now().UTC()}); err != nil {
		return false, err
	}
	j.Log.Infof("certificate %s is delivered by the next sweep: a site serves an old one", serial)
	return true, nil
}

// saveDelivery saves how far a delivery is.
func (j *Order) saveDelivery(ctx context.Context, d delivery) error {
	raw, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return j.SaveParam(ctx, itemparam.Delivery, string(raw))
}

// dropDelivery ends a delivery: its task is closed.
func (j *Order) dropDelivery(ctx context.Context) error {
	raw := j.Item.Params[itemparam.Delivery]
	if raw == "" {
		return nil
	}
	if d := parseDelivery(raw, j.Now().UTC()); d.Task > 0 {
		if err := j.Panel.CloseTask(ctx, d.Task); err != nil {
			j.Log.Warningf("the task %d is over and could not be closed: %v", d.Task, err)
		}
	}
	return j.SaveParam(ctx, itemparam.Delivery, "")
}
