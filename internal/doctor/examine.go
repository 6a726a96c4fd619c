package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/parallel"
	"pmssl/internal/seller"
)

// Options are what an examination works with.
type Options struct {
	item.Diagnosis

	Binary string
	Info   seller.Info
	Now    func() time.Time
	// Item and Module narrow the examination; 0 for all modules and no item.
	Item, Module int64
	Probe        bool   // write and remove one record or file
	Recipient    string // send a test mail to this address; empty for none
	// Protect is called with true before Probe writes and with false after the removal: in between nothing ends the process. nil if
	// the run need not be protected.
	Protect func(bool)
	// Random gives the names of what Probe writes.
	Random func() (string, error)
}

// Report is the result of an examination.
type Report struct {
	Program, Version string
	Root             string
	At               time.Time
	Results          []Result // in the order of the table
}

// Result is the result of one check.
type Result struct {
	Check    Check
	Outcome  Outcome
	Findings []Finding
}

// Failed reports whether a check failed.
func (r Report) Failed() bool { return r.Count(Failed) > 0 }

// Count returns how many checks have the outcome.
func (r Report) Count(outcome Outcome) int {
	n := 0
	for _, result := range r.Results {
		if result.Outcome == outcome {
			n++
		}
	}
	return n
}

// Problems returns a text for each finding that is not in order, for the log: one line, and after it the stack of a fault of this
// program.
func (r Report) Problems() []string {
	var lines []string
	for _, result := range r.Results {
		for _, f := range result.Findings {
			if f.Outcome != Passed {
				line := fmt.Sprintf("%s: %s: %s", result.Check.ID, f.Outcome, f.Text)
				if len(f.stack) > 0 {
					line += "\n" + string(f.stack)
				}
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// maxAtOnce is how many checks run at the same time: each may hold a connection to the database.
const maxAtOnce = 4

// examination is an examination that is under way.
type examination struct {
	o      Options
	panels pool

	mu            sync.Mutex
	conversations []conversation
	subject       *subject // the item of --item, once it was loaded
	// sweptElsewhere says that nothing starts the sweep on this host, and that another host of the panel has run sweeps.
	sweptElsewhere bool

	synced func(folder string) error // replaces the sync of a folder in tests
}

// Examine runs the checks of the table.
func Examine(ctx context.Context, o Options) Report { return examine(ctx, o, Checks()) }

func examine(ctx context.Context, o Options, checks []Check) Report {
	x := &examination{o: o, panels: pool{open: o.Panel}}
	defer x.panels.close()
	report := Report{Program: o.Binary, Version: o.Version, Root: o.Root, At: o.Now()}
	checks = slices.DeleteFunc(slices.Clone(checks), func(c Check) bool { return c.Applies != nil && !c.Applies(x) })
	results := make([]Result, len(checks))
	ended := map[string]chan struct{}{}
	place := map[string]int{}
	for i, c := range checks {
		ended[c.ID], place[c.ID] = make(chan struct{}), i
	}
	turns := make(chan struct{}, maxAtOnce)
	var all parallel.Group
	for i, c := range checks {
		all.Go(func() {
			defer close(ended[c.ID])
			for _, id := range slices.Concat(c.Needs, c.After) {
				if done, there := ended[id]; there {
					<-done
				}
			}
			turns <- struct{}{}
			defer func() { <-turns }()
			findings := missing(c, func(id string) (Result, bool) {
				at, there := place[id]
				if !there {
					return Result{}, false
				}
				return results[at], true
			})
			if findings == nil {
				findings = x.attempt(ctx, c)
			}
			results[i] = result(c, findings, o.Mask)
		})
	}
	all.Wait()
	report.Results = results
	return report
}

// maxFindings is how many findings of one check are shown: a folder may have any number of wrong files.
const maxFindings = 100

func result(c Check, findings []Finding, mask func(string) string) Result {
	if len(findings) == 0 {
		findings = []Finding{passed("nothing to check")}
	}
	if more := len(findings) - maxFindings; more > 0 {
		rest := Finding{Outcome: Worst(findings[maxFindings:]), Text: fmt.Sprintf("%d more findings", more)}
		if rest.Outcome > Unchecked {
			rest.Mend = "mend these first, and run doctor again"
		}
		findings = append(findings[:maxFindings:maxFindings], rest)
	}
	for i, f := range findings {
		findings[i] = f.clean(mask)
	}
	return Result{Check: c, Outcome: Worst(findings), Findings: findings}
}

// missing returns a finding if a check that this one needs failed or was not made; nil otherwise.
func missing(c Check, of func(id string) (Result, bool)) []Finding {
	var titles []string
	for _, id := range c.Needs {
		if r, there := of(id); there && (r.Outcome == Failed || r.Outcome == Unchecked) {
			titles = append(titles, `"`+r.Check.Title+`"`)
		}
	}
	if len(titles) == 0 {
		return nil
	}
	return []Finding{unchecked("needs %s, which did not succeed", strings.Join(titles, " and "))}
}

// attempt runs a check within its limit. A check that panics or that does not end has failed; the latter goes on in its
// goroutine, and what it holds stays its own. One for which the run has no time is not made.
func (x *examination) attempt(run context.Context, c Check) []Finding {
	if run.Err() != nil {
		return []Finding{unchecked("the run was ended before")}
	}
	ctx, cancel := context.WithTimeout(run, c.Limit)
	defer cancel()
	done := make(chan []Finding, 1)
	parallel.Go(func() { done <- c.run(ctx, x) }, func(caught *parallel.Panic) {
		f := failed("send var/"+x.o.Binary+".log and this line to the project", "a fault of this program in the check %s: %v", c.ID, caught)
		f.stack = caught.Stack
		done <- []Finding{f}
	})
	select {
	case findings := <-done:
		return findings
	case <-ctx.Done():
	}
	select { // it may have ended at the same time
	case findings := <-done:
		return findings
	case <-time.After(cmp.Or(c.grace, min(grace, c.Limit))):
	}
	if run.Err() != nil {
		return []Finding{unchecked("the run was ended meanwhile")}
	}
	return []Finding{failed("find out what hangs: the checks before this one, the network, the file systems (df, dmesg)", "no result within %s", c.Limit)}
}

// grace is how long a check may need to end after its context.
const grace = 2 * time.Second

// pool lends panels: each is used by one check at a time. One that a hanging check keeps is not lent again.
type pool struct {
	open func() item.DiagnosticPanel

	mu   sync.Mutex
	free []item.DiagnosticPanel
}

func (p *pool) take() item.DiagnosticPanel {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		panel := p.free[n-1]
		p.free = p.free[:n-1]
		return panel
	}
	return p.open()
}

func (p *pool) give(panel item.DiagnosticPanel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, panel)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, panel := range p.free {
		_ = panel.Close() // it was only read from
	}
	p.free = nil
}

// withPanel returns a check that works with a panel.
func withPanel(do func(context.Context, *examination, item.DiagnosticPanel) []Finding) func(context.Context, *examination) []Finding {
	return func(ctx context.Context, x *examination) []Finding {
		panel := x.panels.take()
		findings := do(ctx, x, panel)
		x.panels.give(panel)
		return findings
	}
}

// modules lists the processing modules to examine, and those that are idle: what is wrong with one that is switched off and has no
// items harms nobody. One of another program is refused: its parameters are for another seller.
func (x *examination) modules(ctx context.Context, p item.DiagnosticPanel) (used, idle []int64, err error) {
	own, err := p.Modules(ctx)
	switch {
	case err != nil:
		return nil, nil, err
	case x.o.Module == 0:
		idle, err = p.IdleModules(ctx)
		return slices.DeleteFunc(own, func(id int64) bool { return slices.Contains(idle, id) }), idle, err
	case !slices.Contains(own, x.o.Module):
		return nil, nil, fault.Errorf(fault.Value, "module", "the processing module %d is none of %s; its own are %s", x.o.Module, x.o.Binary, cmp.Or(item.FormatIDs(own), "none"))
	}
	return []int64{x.o.Module}, nil, nil
}

// notUsed returns the finding about an idle module.
func notUsed(ctx context.Context, p item.DiagnosticPanel, id int64) Finding {
	name, _ := p.ModuleName(ctx, id) // only for its title
	return passed("%s is switched off in the panel and has no items: it is not examined (--module %d does)", moduleTitle(id, name), id)
}

// moduleTitle names a processing module for people.
func moduleTitle(id int64, name string) string {
	if name == "" {
		return fmt.Sprintf("module %d", id)
	}
	return fmt.Sprintf("module %d (%s)", id, name)
}
