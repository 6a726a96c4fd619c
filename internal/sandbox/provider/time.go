package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/panel"
)

const day = 24 * time.Hour

// quietDays is how many days pass at most at high speed without a sweep.
const quietDays = 10

// Span is a part of the simulated time.
type Span struct {
	Days int
	// Fast leaves out the sweeps of most days without an event.
	Fast bool
	// ClientActs makes the client do each day what the letters ask for: he publishes challenges and installs certificates.
	ClientActs bool
}

// Advance simulates days: on each one the client acts if he does, the panel runs its jobs, the timer the sweep of each module, and
// a visitor opens each site. progress is called after each day. What a module refuses is no error: its log and the panel show it.
func (p *Provider) Advance(ctx context.Context, s Span, progress func(done int)) error {
	for n := range s.Days {
		if err := ctx.Err(); err != nil {
			return err
		}
		now, err := p.Clock.Advance(day)
		if err != nil {
			return err
		}
		if err := p.simulateDay(ctx, now, s, n); err != nil {
			return fmt.Errorf("on %s: %w", now.Format(time.DateOnly), err)
		}
		progress(n + 1)
	}
	_, err := p.Panel.CheckBalances(ctx)
	return err
}

func (p *Provider) simulateDay(ctx context.Context, now time.Time, s Span, n int) error {
	items, err := p.Items(ctx)
	if err != nil {
		return err
	}
	busy := !s.Fast || n == s.Days-1 || n%quietDays == 0
	for _, item := range items {
		if item.Status != statusActive && item.Status != statusProcessed {
			continue
		}
		if s.ClientActs {
			if err := p.act(ctx, item); err != nil {
				return err
			}
		}
		busy = busy || p.hasEvent(item, now, s)
	}
	if !busy {
		return nil
	}
	if err := p.runJobs(ctx, items); err != nil {
		return err
	}
	if err := p.sweepAll(ctx); err != nil {
		return err
	}
	if err := p.recordAll(ctx); err != nil {
		return err
	}
	for _, item := range items {
		p.lookInTerm(ctx, item, now)
	}
	return nil
}

// lookInTerm lets a visitor open the site of an item, within its paid term and once it has shown a certificate. A gap is counted.
func (p *Provider) lookInTerm(ctx context.Context, item *panel.Item, now time.Time) {
	if len(p.History(item.ID)) == 0 || item.Status != statusActive || now.After(termEnd(item)) {
		return
	}
	if p.Looks(item.ID).Count == 0 {
		if _, err := p.Visit(ctx, item); err != nil {
			return
		}
	}
	_, _ = p.Look(ctx, item)
}

// termEnd returns the end of the paid term of an item, or a time that does not come if it is not known.
func termEnd(item *panel.Item) time.Time {
	start, err := time.Parse(time.DateOnly, item.Params["term_start"])
	months, err2 := strconv.Atoi(item.Params["term_months"])
	if err != nil || err2 != nil {
		return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return start.AddDate(0, months, 0)
}

// States of an item of the panel (docs/reference/billmanager.md §4).
const (
	statusActive    = 2
	statusDeleted   = 4
	statusProcessed = 5
)

// act does what the letters ask the client of an item to do.
func (p *Provider) act(ctx context.Context, item *panel.Item) error {
	if Waiting(item) {
		byMail := item.Params["approver_method"] == MethodEmail
		if !byMail && (p.publishes(item) || len(Challenges(item)) == 0) {
			return nil
		}
		return p.prove(ctx, item)
	}
	if len(item.Crt) == 0 || item.Params["delivery"] != "" {
		return nil
	}
	stored, err := Leaf(item)
	if err != nil {
		return err
	}
	shown, err := p.Visit(ctx, item)
	if err == nil && shown.Equal(stored) {
		return nil
	}
	return p.Web.Install(item.Name, item.Crt)
}

// publishes reports whether the module publishes the challenges of an item by itself.
func (p *Provider) publishes(item *panel.Item) bool {
	return p.Hosts(item.Name) && p.Unattended()
}

// runJobs runs the panel's own jobs: operations that are not manual, and the synchronisation of items that wait.
func (p *Provider) runJobs(ctx context.Context, items []*panel.Item) error {
	if _, err := p.Panel.RunPending(ctx); err != nil {
		return err
	}
	for _, item := range items {
		if !Waiting(item) || item.Status == statusDeleted {
			continue
		}
		if _, err := p.Panel.Sync(ctx, item.ID); err != nil {
			return err
		}
	}
	return nil
}

// Sweep starts the sweep of a module, as the hourly timer does.
func (p *Provider) Sweep(ctx context.Context, module string) (*panel.Run, error) {
	return p.Panel.Start(ctx, module, nil, "--command", "subscription")
}

func (p *Provider) sweepAll(ctx context.Context) error {
	connected, err := p.Panel.Modules(ctx)
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for _, m := range connected {
		if done[m.Module] {
			continue
		}
		done[m.Module] = true
		if _, err := p.Sweep(ctx, m.Module); err != nil {
			return err
		}
	}
	return nil
}

// IsBusy reports whether something may happen to an item on a day: it waits, its certificate is due or is being delivered.
func (p *Provider) IsBusy(item *panel.Item, date time.Time) bool {
	if item.Params["service_status"] != "5" || item.Params["delivery"] != "" {
		return true
	}
	past := p.History(item.ID)
	return len(past) > 0 && past[len(past)-1].isDue(date)
}

// lastDays is how many days before the end of a certificate a client is written to every day.
const lastDays = 7 * day

// hasEvent reports whether a day matters at high speed: something can happen to an item beside that it goes on waiting for a person.
func (p *Provider) hasEvent(item *panel.Item, date time.Time, s Span) bool {
	waiting := Waiting(item)
	if waiting && (s.ClientActs || p.publishes(item)) || slices.ContainsFunc(item.Operations, func(o panel.Operation) bool { return !o.Manual }) {
		return true
	}
	past := p.History(item.ID)
	if len(past) == 0 {
		return false
	}
	last := past[len(past)-1]
	switch {
	case date.After(last.Leaf.NotAfter): // the term is over, or the administrator is waited for
		return false
	case waiting:
		return last.Leaf.NotAfter.Sub(date) < lastDays
	}
	return last.isDue(date) || item.Params["delivery"] != ""
}

// isDue reports whether the certificate has reached its last ten days, or half of its validity if that is later.
func (s Stored) isDue(date time.Time) bool {
	lead := min(10*day, s.Leaf.NotAfter.Sub(s.Leaf.NotBefore)/2)
	return !date.Before(s.Leaf.NotAfter.Truncate(day).Add(-lead))
}

// Items returns the certificates of the panel, deleted ones too, oldest first.
func (p *Provider) Items(ctx context.Context) ([]*panel.Item, error) {
	ids, err := p.Panel.ItemIDs(ctx, "certificate")
	var all []*panel.Item
	for _, id := range ids {
		item, failed := p.Panel.Item(ctx, id)
		if err = errors.Join(err, failed); failed == nil {
			all = append(all, item)
		}
	}
	return all, err
}

// cutWildcard returns the name behind "*." and whether the name is a wildcard.
func cutWildcard(name string) (string, bool) { return strings.CutPrefix(name, "*.") }
