package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
)

func sweepChecks() []Check {
	return []Check{
		{ID: "maintenance", Group: "Sweep", Title: "modules are on", Needs: []string{"root"}, Limit: panelLimit, run: withPanel(checkDoNothing),
			About: "`etc/billmgr.DoNothing` does not exist. With it the modules run no sweep, and no order, reissue, renewal or sync."},
		{ID: "timer", Group: "Sweep", Title: "hourly timer", Limit: panelLimit, run: withPanel(checkTimer),
			About: "The systemd timer of the sweep is enabled and its service is there, or another timer or a line of cron runs the sweep each hour, for this root. This is read from links, units with their drop-ins, and the files that cron does not ignore; systemctl is not asked, so a timer that was stopped until the next start is not seen: the next check is for that. A host on which nothing starts the sweep is a warning if the database shows that another host of the panel runs it: sites were looked at, and not from here."},
		{ID: "last_sweep", Group: "Sweep", Title: "last sweep", Needs: []string{"root"}, After: []string{"timer"}, Limit: hostLimit, run: withPanel(checkLastSweep),
			About: "The last sweep of this host, of `var/NAME.sweep`, ended well, and the last one that has worked on every item not more than 3 hours ago. If another host of the panel runs the sweep (see the check before), this is not checked here: ask there."},
		{ID: "purchases", Group: "Sweep", Title: "purchases", Needs: []string{"database"}, Limit: panelLimit, run: withPanel(checkPurchases),
			About: "No purchase has an unknown outcome for more than an hour, no line of the purchase journal is missing or damaged."},
		{ID: "operations", Group: "Sweep", Title: "operations and tasks", Needs: []string{"database"}, Limit: panelLimit, run: withPanel(checkOperations),
			About: "No running operation of the module's items was set to manual: such an order stands still until a person starts it again. Open tasks of the administrator are a warning."},
		{ID: "challenges", Group: "Sweep", Title: "challenges", Needs: []string{"database"}, Limit: panelLimit, run: withPanel(checkDeferred),
			About: "No item waits for more than a day for a sweep that has time for its challenges."},
		{ID: "keys", Group: "Sweep", Title: "key changes", Needs: []string{"database"}, Limit: panelLimit, run: withPanel(checkKeyChanges),
			About: "Items whose key is being changed. Each has a file in `var/pmssl-keys` until the certificate for the new key is at all servers; more than a week is a warning."},
	}
}

func checkDoNothing(_ context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	if p.DoNothing() {
		path := filepath.Join(x.o.Root, "etc/billmgr.DoNothing")
		return []Finding{failed("when the maintenance is over: rm "+path, "%s exists: nothing is ordered, synchronised or reissued", path)}
	}
	return []Finding{passed("etc/billmgr.DoNothing does not exist")}
}

// overdueSweep is the age of the last sweep from which on the check fails: the timer starts one each hour, and one takes up to 55
// minutes.
const overdueSweep = 3 * time.Hour

// clockStep is how far ahead a sweep may have ended: a clock is corrected by minutes.
const clockStep = 5 * time.Minute

func checkLastSweep(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	path := filepath.Join(x.o.Root, "var", x.o.Binary+".sweep")
	start := "systemctl start " + timerUnit + x.o.Binary + ".service"
	record, there, err := p.LastSweep(ctx)
	switch {
	case denied(err):
		return []Finding{unchecked("%s", message(err))}
	case err != nil:
		return []Finding{warned("remove "+path+"; the next sweep writes it again", "%s", message(err))}
	case x.isSweptElsewhere():
		return []Finding{unchecked("another host of the panel runs the sweep: ask doctor there (the record of a sweep is in a file of its host)")}
	case !there:
		return []Finding{warned("wait for the timer, or run one now: "+start, "no sweep has run on this host yet (%s is missing)", path)}
	}
	return []Finding{x.swept(record, start)}
}

func (x *examination) isSweptElsewhere() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.sweptElsewhere
}

// swept returns the finding about the last sweep: what counts is how long ago one has worked on every item (rules SWEEP-12).
func (x *examination) swept(record item.SweepRecord, start string) Finding {
	age := x.o.Now().Sub(record.Ended).Round(time.Minute)
	text := fmt.Sprintf("ended %s (%s ago): %s", minute(record.Ended), age, record.Result)
	switch {
	case record.Error != "":
		text += ": " + record.Error
	case record.Result != item.SweepInterrupted:
		text += fmt.Sprintf(", %d items, %d failed", record.Items, record.Failed)
	}
	complete := x.o.Now().Sub(record.Completed).Round(time.Minute)
	switch {
	case record.Completed.IsZero():
		text += "; none has worked on every item yet"
	case !record.Completed.Equal(record.Ended):
		text += fmt.Sprintf("; the last one that has worked on every item ended %s (%s ago)", minute(record.Completed), complete)
	}
	timer := "systemctl status " + timerUnit + x.o.Binary + ".timer; then " + start
	log := "read the last lines of " + filepath.Join(x.o.Root, "var", x.o.Binary+".log") + ", or run a sweep by hand: " + x.o.Binary + " --command subscription"
	switch {
	case age < -clockStep, complete < -clockStep: // it would count as recent until then
		return failed("correct this host's clock, then "+start, "%s: that is in the future", text)
	case age > overdueSweep:
		return failed(timer, "%s", text)
	case record.Completed.IsZero():
		return warned(log, "%s", text)
	case complete > overdueSweep:
		return failed(log, "%s", text)
	case record.Result != item.SweepOK:
		return warned(log, "%s", text)
	}
	return passed("%s", text)
}

// minute returns a time for people.
func minute(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }

// maxListed is how many stuck items are read, maxShown how many are shown.
const maxListed, maxShown = 1000, 5

// ofItem names an item for people.
func ofItem(id int64, name string) string {
	if name == "" {
		return fmt.Sprintf("item %d", id)
	}
	return fmt.Sprintf("item %d (%s)", id, pki.DisplayName(name))
}

// some joins the first texts and says how many more there are.
func some(all []string) string {
	if len(all) <= maxShown {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:maxShown], ", "), len(all)-maxShown)
}

// oldIntent is the age from which on a purchase without an outcome waits for a person.
const oldIntent = time.Hour

func checkPurchases(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	flagged, err := p.FlaggedItems(ctx, []string{itemparam.Intent, itemparam.Unjournaled}, maxListed)
	if err != nil {
		return []Finding{unchecked("%s", message(err))}
	}
	var found []Finding
	var stuck, unjournaled []string
	for _, f := range flagged {
		switch {
		case f.Param == itemparam.Unjournaled:
			unjournaled = append(unjournaled, ofItem(f.Item, f.Name))
		case x.isOld(f.Value, "time", oldIntent):
			stuck = append(stuck, ofItem(f.Item, f.Name))
		}
	}
	if len(stuck) > 0 {
		found = append(found, failed(x.o.Binary+" --command resolve --item N shows what the seller has; docs/troubleshooting.md says how to decide",
			"a purchase without a known outcome: %s", some(stuck)))
	}
	if len(unjournaled) > 0 {
		found = append(found, failed("make var writable (see the checks of permissions and space); the next command of the item writes the line",
			"a purchase that is not in the journal yet: %s", some(unjournaled)))
	}
	journal, good := x.checkJournal(ctx, p)
	if found = append(found, journal...); len(found) == 0 {
		found = append(found, passed("none without an outcome, %d in the journal", good))
	}
	return found
}

// checkJournal returns what is wrong with the purchase journal, and how many lines of it are purchases.
func (x *examination) checkJournal(ctx context.Context, p item.DiagnosticPanel) (found []Finding, good int) {
	good, damage, err := p.DamagedJournal(ctx)
	switch {
	case err != nil && fault.From(err).Type == fault.Locked:
		return []Finding{unchecked("%s", message(err))}, good
	case err != nil:
		return []Finding{because("see the message; nothing is bought until the journal can be read", err)}, good
	}
	journal := filepath.Join(x.o.Root, "var", x.o.Binary+".purchases")
	mend := "compare the line with the seller's list of orders, then correct or remove it: keep a copy of " + journal
	for _, one := range damage[:min(len(damage), maxShown)] {
		found = append(found, warned(mend, "%s: %v", journal, one))
	}
	if more := len(damage) - maxShown; more > 0 {
		found = append(found, warned(mend, "%s: %d or more further lines", journal, more))
	}
	return found, good
}

// isOld reports whether the time in a JSON text, under the key, is older than the age. A text without a time is old: nobody
// works on it.
func (x *examination) isOld(text, key string, age time.Duration) bool {
	var fields map[string]json.RawMessage
	var at time.Time
	if json.Unmarshal([]byte(text), &fields) != nil || json.Unmarshal(fields[key], &at) != nil {
		return true
	}
	return x.o.Now().Sub(at) > age
}

func checkOperations(ctx context.Context, _ *examination, p item.DiagnosticPanel) []Finding {
	operations, err := p.ManualOperations(ctx, maxListed)
	if err != nil {
		return []Finding{unchecked("%s", message(err))}
	}
	tasks, err := p.OpenTasks(ctx, maxListed)
	if err != nil {
		return []Finding{unchecked("%s", message(err))}
	}
	var manual, open []string
	for _, o := range operations {
		manual = append(manual, fmt.Sprintf("%s of %s", cmp.Or(o.Command, fmt.Sprintf("operation %d", o.ID)), ofItem(o.Item, o.Name)))
	}
	for _, t := range tasks {
		open = append(open, fmt.Sprintf("%s for %s", t.Kind, ofItem(t.Item, t.Name)))
	}
	var found []Finding
	if len(manual) > 0 {
		found = append(found, failed("read the operation's error in the panel (Running operations), remove the cause, then start it again there", "%d operations wait for you: %s", len(manual), some(manual)))
	}
	if len(open) > 0 {
		found = append(found, warned("read the tasks in the panel (Tasks) and close them when they are done", "%d tasks are open: %s", len(open), some(open)))
	}
	if len(found) == 0 {
		return []Finding{passed("none waits for a person")}
	}
	return found
}

// oldDeferral is how long an item may wait for its turn.
const oldDeferral = 24 * time.Hour

func checkDeferred(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	flagged, err := p.FlaggedItems(ctx, []string{itemparam.ChallengesDeferred}, maxListed)
	if err != nil {
		return []Finding{unchecked("%s", message(err))}
	}
	var late []string
	for _, f := range flagged {
		if since, err := time.Parse(time.RFC3339, strings.TrimSpace(f.Value)); err != nil || x.o.Now().Sub(since) > oldDeferral {
			late = append(late, ofItem(f.Item, f.Name))
		}
	}
	if len(late) > 0 {
		return []Finding{warned("look in the log for publishers that do not answer: they take the time of the others", "no sweep had time for the challenges of %s", some(late))}
	}
	return []Finding{passed("%d items wait for their turn", len(flagged))}
}

// oldKeyChange is the age of a file with key pairs from which on it is a warning.
const oldKeyChange = 7 * 24 * time.Hour

func checkKeyChanges(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	items, err := p.ItemsWithKeyPairs(ctx)
	if err != nil {
		return []Finding{because("see the message, and docs/unattended.md, section Keys", err)}
	}
	var late []string
	for _, id := range items {
		path := filepath.Join(x.o.Root, "var/pmssl-keys", fmt.Sprint(id)+".json")
		if info, err := os.Stat(path); err == nil && x.o.Now().Sub(info.ModTime()) > oldKeyChange {
			late = append(late, ofItem(id, ""))
		}
	}
	if len(late) > 0 {
		return []Finding{warned("see docs/unattended.md, section Keys; do not remove the files in var/pmssl-keys", "the new key is not in use after a week: %s", some(late))}
	}
	return []Finding{passed("%d items get a new key", len(items))}
}
