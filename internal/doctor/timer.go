package doctor

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pmssl/internal/item"
)

const timerUnit = "pmssl-subscription@"

// defaultRoot is the panel's root for a module whose environment names none.
const defaultRoot = "/usr/local/mgr5"

// checkTimer looks for what starts the sweep each hour: a timer of systemd or a line of cron. One that works is enough.
func checkTimer(ctx context.Context, x *examination, p item.DiagnosticPanel) []Finding {
	name := timerUnit + x.o.Binary + ".timer"
	timer := x.unit(name)
	lines, hidden := x.cronLines()
	starters := append(x.timers(name, timer), lines...)
	works := slices.IndexFunc(starters, func(f Finding) bool { return f.Outcome == Passed })
	switch {
	case works >= 0:
		return []Finding{starters[works]}
	case len(starters) > 0:
		return starters
	case hidden != "":
		return []Finding{unchecked("%s is not enabled, and %s cannot be read: run doctor as root", name, hidden)}
	}
	return []Finding{x.nothingStarts(ctx, p, name, timer)}
}

// timers returns a finding for each enabled timer of systemd that starts the sweep: the package's, and others.
func (x *examination) timers(name string, timer unit) []Finding {
	var found []Finding
	for _, enabled := range x.enabledTimers() {
		switch {
		case enabled == name && timer.masked: // nothingStarts names it
		case enabled == name && timer.path == "":
			found = append(found, failed("install the units again (make install-systemd, or the package), then: systemctl daemon-reload", "%s is enabled, and its unit %s.timer is missing", name, timerUnit))
		case enabled == name:
			found = append(found, x.checkUnit(timer))
		default:
			if other := x.unit(enabled); other.path != "" && !other.masked && x.sweeps(x.triggered(other)) {
				found = append(found, x.checkUnit(other))
			}
		}
	}
	return found
}

// triggered returns the service that a timer starts.
func (x *examination) triggered(timer unit) unit {
	service := strings.TrimSuffix(timer.name, ".timer") + ".service"
	if named := timer.values("Timer", "Unit"); len(named) > 0 {
		service = timer.expand(named[len(named)-1])
	}
	return x.unit(service)
}

// sweeps reports whether a service runs the sweep of this module.
func (x *examination) sweeps(service unit) bool {
	return slices.ContainsFunc(service.values("Service", "ExecStart"), func(line string) bool {
		_, is := x.sweepRoot(service.expand(line), "")
		return is
	})
}

// checkUnit returns whether an enabled timer starts the sweep of this panel. systemd skips a unit silently whose condition is not met.
func (x *examination) checkUnit(timer unit) Finding {
	again := "install the units again: make install-systemd, or the package"
	service := x.triggered(timer)
	for _, u := range []unit{timer, service} {
		switch {
		case u.unread != nil && denied(u.unread):
			return unchecked("%s is enabled, and its files cannot be read: run doctor as root", timer.name)
		case u.unread != nil:
			return failed(again, "%s: %v", u.shown(), bare(u.unread))
		case u.masked:
			return failed("systemctl unmask "+u.name, "%s is enabled, and %s is masked", timer.name, u.name)
		}
		if f := x.conditions(timer.name, u); f != nil {
			return *f
		}
	}
	if f := x.checkService(timer.name, service, again); f != nil {
		return *f
	}
	for _, line := range service.values("Service", "ExecStart") {
		if root, is := x.sweepRoot(service.expand(line), service.root()); is && !service.hasOtherEnvironment() && !x.isRoot(root) {
			return failed("make install-systemd MGR5_ROOT="+x.o.Root+", then: systemctl daemon-reload", "%s is enabled, and %s runs the sweep of another root: %s", timer.name, service.path, root)
		}
	}
	return passed("%s is enabled (%s)", timer.name, timer.path)
}

// checkService returns the finding about the service of an enabled timer that does not sweep, or of which that is not known; nil if it does.
func (x *examination) checkService(timer string, service unit, again string) *Finding {
	var f Finding
	switch commands := service.values("Service", "ExecStart"); {
	case service.path == "":
		f = failed(again, "%s is enabled, and %s, which it starts, is missing", timer, service.name)
	case !x.sweeps(service):
		f = unchecked("%s is enabled, and %s starts %s: whether that runs a sweep is not known", timer, service.path, cmp.Or(some(commands), "nothing"))
	default:
		return nil
	}
	return &f
}

// root returns the panel's root that the environment of a service names; empty if it names none.
func (u *unit) root() string {
	root := ""
	for _, line := range u.values("Service", "Environment") {
		for _, word := range strings.Fields(u.expand(line)) {
			if value, is := strings.CutPrefix(strings.Trim(word, `"'`), "MGR5_ROOT="); is {
				root = value
			}
		}
	}
	return root
}

// hasOtherEnvironment reports whether variables of a service are set elsewhere: its root is not known then.
func (u *unit) hasOtherEnvironment() bool {
	return len(u.values("Service", "EnvironmentFile"))+len(u.values("Service", "PassEnvironment")) > 0
}

// isRoot reports whether a path leads to the panel's root.
func (x *examination) isRoot(path string) bool {
	if path == x.o.Root {
		return true
	}
	one, err := os.Stat(path)
	own, failed := os.Stat(x.o.Root)
	return err == nil && failed == nil && os.SameFile(one, own)
}

// conditions returns the finding about a unit whose condition is not met; nil if each is. Of those with "|" one is enough.
func (x *examination) conditions(timer string, u unit) *Finding {
	var triggers []string
	met := false
	for _, value := range u.waitsFor() {
		word, trigger := strings.CutPrefix(value, "|")
		word, without := strings.CutPrefix(word, "!")
		path := u.expand(word)
		root, module := strings.CutSuffix(path, "/processing/"+x.o.Binary)
		own := module && x.isRoot(root)
		if own {
			path = filepath.Join(x.o.Root, "processing", x.o.Binary)
		}
		_, err := os.Lstat(x.ownPath(path))
		fits := (err == nil) != without
		switch {
		case trigger:
			triggers, met = append(triggers, word), met || fits
		case !without && module && !own:
			f := failed("make install-systemd MGR5_ROOT="+x.o.Root+", then: systemctl daemon-reload", "%s is enabled, and %s is for another root: it waits for %s", timer, u.path, word)
			return &f
		case !fits:
			f := failed("correct the condition: systemctl edit "+u.name, "%s is enabled, and systemd skips %s: ConditionPathExists=%s is not met", timer, u.name, value)
			return &f
		}
	}
	if len(triggers) > 0 && !met {
		f := failed("correct the conditions: systemctl edit "+u.name, "%s is enabled, and systemd skips %s: none of %s exists", timer, u.name, some(triggers))
		return &f
	}
	return nil
}

// ownPath returns the path of a file of this host or of the panel.
func (x *examination) ownPath(path string) string {
	if strings.HasPrefix(path, x.o.Root+"/") {
		return path
	}
	return x.hostPath(path)
}

// sweepRoot reports whether a command line runs a sweep over all items of this module, and the root of the panel that it works on; root
// is that of its environment, empty if that names none.
func (x *examination) sweepRoot(line, root string) (string, bool) {
	words := strings.Fields(line)
	for i, word := range words {
		words[i] = strings.Trim(word, `"';&|()`)
	}
	// Nothing finds the program without its path: it is in the panel's folder.
	at := slices.IndexFunc(words, func(word string) bool { return strings.HasSuffix(word, "/"+x.o.Binary) })
	if at < 0 {
		return "", false
	}
	for _, word := range words[:at] {
		if value, is := strings.CutPrefix(word, "MGR5_ROOT="); is {
			root = strings.Trim(value, `"'`)
		}
	}
	if root == "" {
		root = defaultRoot
	}
	args := strings.ReplaceAll(strings.Join(words[at+1:], " "), "=", " ")
	sweep := strings.Contains(args+" ", "--command subscription ") || strings.Contains(args+" ", "-c subscription ")
	for _, part := range []string{"--item", "-i", "--dry-run"} { // one item, or nothing
		sweep = sweep && !slices.Contains(strings.Fields(args), part)
	}
	return filepath.Clean(root), sweep
}

// nothingStarts returns the finding about a host on which nothing starts the sweep.
func (x *examination) nothingStarts(ctx context.Context, p item.DiagnosticPanel, name string, timer unit) Finding {
	enable := "systemctl enable --now " + name
	state := name + " is not enabled"
	switch {
	case timer.masked:
		state, enable = name+" is masked", "systemctl unmask "+name+" && "+enable
	case timer.path == "":
		enable = "make install-systemd, or install the package; then: systemctl daemon-reload && " + enable
	}
	if last, is := x.elsewhere(ctx, p); is {
		x.mu.Lock()
		x.sweptElsewhere = true
		x.mu.Unlock()
		return warned("if that host still has the timer, all is well: doctor there says so. Otherwise: "+enable,
			"nothing starts the sweep on this host (%s). Another host of the panel has run sweeps: a site was looked at on %s, and not from here", state, last.UTC().Format(time.DateOnly))
	}
	return failed(enable, "nothing starts the sweep on this host: %s. If another host of the panel runs it, enable the timer here all the same: one sweep works at a time", state)
}

const (
	// oldTrace is the age up to which a trace of a sweep counts: a certificate lasts 200 days at most, and the site of each new one is
	// looked at.
	oldTrace = 200 * 24 * time.Hour
	// ownTrace is how long after the last sweep of this host a trace may be its own: a sweep that was killed leaves no record, and neither
	// does one for a single item.
	ownTrace = 24 * time.Hour
)

// elsewhere reports whether another host of the panel has run sweeps, and when the last one left a trace in the database: sweeps alone
// look at sites. The record of a sweep itself is in a file of its host (rules SWEEP-12).
func (x *examination) elsewhere(ctx context.Context, p item.DiagnosticPanel) (last time.Time, is bool) {
	last, err := p.LastLook(ctx)
	if err != nil || last.IsZero() || x.o.Now().Sub(last) > oldTrace {
		return last, false
	}
	record, there, err := p.LastSweep(ctx)
	return last, err == nil && (!there || last.Sub(record.Ended) > ownTrace)
}
