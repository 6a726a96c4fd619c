package item

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/xmldoc"
)

// DryRun records what a run would do (rules CLI-7). The run goes through the command's own code up to the first call by
// which the seller would buy, issue or change something: the panel that it sees keeps changes to itself, and the seller's
// client withholds every such call. So a dry run is refused where the real one would be, and says nothing of what only the
// seller's answer would show. A nil *DryRun belongs to a real run.
type DryRun struct {
	item     Item // as the command read it, for its name
	actions  []dryAction
	warnings []string
	// stopped: the run has come to the first call that only the seller can answer. What its code does afterwards is not
	// recorded.
	stopped bool
	Balance *seller.Money // what the account holds, nil if that is not known
	Price   *seller.Money // what the purchase costs, nil if that is not known
}

// dryAction is one thing that would be done: a word for it and what it is about, as pairs of name and value.
type dryAction struct {
	what  string
	about []string
}

// Words for actions.
const (
	DryBuy            = "buy"
	DryActivate       = "activate"
	DryReissue        = "reissue"
	DryChangeMethod   = "change_proof"
	DryReadChallenges = "ask_proofs"
	DryCancel         = "cancel"
	DryRevoke         = "revoke"
	DryStopRenewal    = "stop_renewal"
	DryImport         = "import"
	dryComplete       = "complete"
	dryCallback       = "panel"
	dryTask           = "task"
	dryCloseTask      = "close_task"
	dryJournal        = "journal"
)

// WithDryRun returns the command that, with --dry-run, shows what f would do and does nothing of it.
func WithDryRun(f Func) Func {
	return func(ctx context.Context, run *Run) (*etree.Document, error) {
		if !run.Args.DryRun {
			return f(ctx, run)
		}
		if err := run.BeginDryRun(); err != nil {
			return nil, err
		}
		doc, err := f(ctx, run)
		if err != nil && !run.Dry.stopped {
			return nil, err
		}
		run.Summary = fmt.Sprintf("dry run, actions %d", len(run.Dry.actions))
		return run.Dry.answer(run, doc), nil
	}
}

// BeginDryRun takes everything by which the run could change something away. A seller that does not withhold such calls
// ends the run before anything is asked.
func (run *Run) BeginDryRun() error {
	if !run.Info.DryRun {
		return fault.Errorf(fault.Internal, run.Args.Command, "the client of %s is not one for a dry run: nothing was done", run.Info.Title)
	}
	run.Dry = &DryRun{}
	run.Panel = newDryPanel(run.Panel, run.Dry)
	run.Log = dryLog{run.Log, run.Dry}
	run.Mailer = noMailer{}
	run.CriticalSection = nil
	return nil
}

// noMailer sends no mail.
type noMailer struct{}

// Send implements Post.
func (noMailer) Send(context.Context, Notice) error {
	return fault.Errorf(fault.Internal, "mail", "a dry run sends no mail")
}

// dryLog also keeps the warnings, for the answer.
type dryLog struct {
	Log
	dry *DryRun
}

// Warningf implements Log.
func (l dryLog) Warningf(format string, args ...any) {
	if !l.dry.stopped {
		l.dry.warnings = append(l.dry.warnings, fmt.Sprintf(format, args...))
	}
	l.Log.Warningf(format, args...)
}

// Errorf implements Log.
func (l dryLog) Errorf(format string, args ...any) {
	if !l.dry.stopped {
		l.dry.warnings = append(l.dry.warnings, fmt.Sprintf(format, args...))
	}
	l.Log.Errorf(format, args...)
}

// Record notes what would be done; about is pairs of name and value, of which empty values are left out.
func (d *DryRun) Record(what string, about ...any) {
	if d.stopped {
		return
	}
	a := dryAction{what: what}
	for i := 0; i+1 < len(about); i += 2 {
		if value := fmt.Sprint(about[i+1]); value != "" && value != "<nil>" {
			a.about = append(a.about, fmt.Sprint(about[i]), value)
		}
	}
	d.actions = append(d.actions, a)
}

// Withheld reports whether err is that of a call which the seller's client did not send because of a dry run, and records
// what it would have done.
func (d *DryRun) Withheld(err error, what string, about ...any) bool {
	var call interface{ Withheld() bool }
	if d == nil || !errors.As(err, &call) || !call.Withheld() {
		return false
	}
	d.Record(what, about...)
	return true
}

// Stop ends the dry run at a call that only the seller can answer. Any error but that of a withheld call is one that the
// real run would meet.
func (d *DryRun) Stop(err error, what string, about ...any) error {
	if err == nil {
		err = fault.Errorf(fault.Internal, what, "the seller was asked in a dry run: look there what it did")
	} else if d.Withheld(err, what, about...) {
		d.stopped = true
	}
	return err
}

// answer returns what would be done: a text for people, else a document.
func (d *DryRun) answer(run *Run, doc *etree.Document) *etree.Document {
	if run.Terminal {
		run.Print = d.text(run)
		return nil
	}
	if doc == nil {
		doc = xmldoc.New()
	}
	node := doc.Root().CreateElement("dry_run")
	xmldoc.SetAttributes(node, "command", run.Args.Command)
	if d.item.Item > 0 {
		xmldoc.SetAttributes(node, "item", d.item.Item, "name", d.item.Name)
	}
	for _, a := range d.actions {
		e := node.CreateElement("action")
		e.CreateAttr("what", a.what)
		for i := 0; i+1 < len(a.about); i += 2 {
			e.CreateAttr(a.about[i], a.about[i+1])
		}
	}
	for _, warning := range d.warnings {
		xmldoc.AddText(node, "warning", warning)
	}
	return doc
}

// dryText returns what an action does, for people.
func dryText(what string) string {
	words := map[string]string{
		DryActivate: "activate the order", DryReissue: "ask for a reissue", DryChangeMethod: "change the validation method",
		DryReadChallenges: "ask for what the client must publish", DryCancel: "cancel the order", DryRevoke: "revoke the certificate",
		DryStopRenewal: "switch off the seller's own renewal", dryComplete: "complete the import", dryCallback: "call the panel",
		dryTask: "open a task", dryCloseTask: "close the task", dryJournal: "add to the purchase journal",
	}[what]
	return cmp.Or(words, what)
}

// maxDryValue is how much of one value a text for people shows, in characters.
const maxDryValue = 200

// text returns the answer for people.
func (d *DryRun) text(run *Run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "dry run of %s", run.Args.Command)
	if d.item.Item > 0 {
		fmt.Fprintf(&b, " for item %d (%s)", d.item.Item, DisplayLine(d.item.Name, MaxName))
	}
	fmt.Fprintf(&b, " at %s: nothing was bought, sent or changed\n", run.Info.Title)
	if len(d.actions) == 0 {
		b.WriteString("nothing would be done\n")
	}
	for _, a := range d.actions {
		fmt.Fprintf(&b, "would %s:", dryText(a.what))
		for i := 0; i+1 < len(a.about); i += 2 {
			fmt.Fprintf(&b, " %s=%s", a.about[i], DisplayLine(a.about[i+1], maxDryValue))
		}
		b.WriteString("\n")
	}
	if d.stopped {
		b.WriteString("what follows depends on the seller's answer\n")
	}
	for _, warning := range d.warnings {
		fmt.Fprintf(&b, "warning: %s\n", DisplayLine(warning, MaxWarning))
	}
	return b.String()
}
