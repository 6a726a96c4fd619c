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

// DryRun records what a run would do (rules CLI-7). The run executes the command's own code up to the first call by which the
// seller would buy, issue or change something: dryPanel keeps changes in memory, and the seller's client withholds every such
// call. So a dry run fails where the real run would fail, and does not report what depends on the seller's answer. It is nil
// in a real run.
type DryRun struct {
	item     Item // the item that the command read
	actions  []dryAction
	warnings []string
	// stopped is set at the first call that only the seller can answer. Nothing is recorded after it.
	stopped bool
	Balance *seller.Money // of the account at the seller; nil if not known
	Price   *seller.Money // of the purchase; nil if not known
}

// dryAction is one action that a real run would take, with its details as pairs of name and value.
type dryAction struct {
	what    string
	details []string
}

// The actions: values of the attribute what in the answer.
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
	dryKeys           = "keys"
)

// WithDryRun returns a command that runs f, or with --dry-run shows what f would do and does none of it.
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

// BeginDryRun replaces everything by which the run could change something. It returns a fault if the seller's client does not
// support dry runs.
func (run *Run) BeginDryRun() error {
	if !run.Info.DryRun {
		return fault.Errorf(fault.Internal, run.Args.Command, "the client of %s does not support dry runs: nothing was done", run.Info.Title)
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

// Send implements Mailer.
func (noMailer) Send(context.Context, Notice) error {
	return fault.Errorf(fault.Internal, "mail", "a dry run sends no mail")
}

// dryLog also records warnings and errors for the answer.
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

// Record adds an action with its details as pairs of name and value. Pairs with an empty value are left out.
func (d *DryRun) Record(what string, details ...any) {
	if d.stopped {
		return
	}
	a := dryAction{what: what}
	for i := 0; i+1 < len(details); i += 2 {
		if value := fmt.Sprint(details[i+1]); value != "" && value != "<nil>" {
			a.details = append(a.details, fmt.Sprint(details[i]), value)
		}
	}
	d.actions = append(d.actions, a)
}

// Withheld reports whether err says that the seller's client did not send a call because of the dry run. It records the
// action then. It returns false in a real run.
func (d *DryRun) Withheld(err error, what string, details ...any) bool {
	var call interface{ Withheld() bool }
	if d == nil || !errors.As(err, &call) || !call.Withheld() {
		return false
	}
	d.Record(what, details...)
	return true
}

// Stop ends the dry run at a call that only the seller can answer, and returns err. An error other than that of a withheld
// call is one that the real run would meet too.
func (d *DryRun) Stop(err error, what string, details ...any) error {
	if err == nil {
		err = fault.Errorf(fault.Internal, what, "a call reached the seller in a dry run: check there what it did")
	} else if d.Withheld(err, what, details...) {
		d.stopped = true
	}
	return err
}

// answer returns the document with the recorded actions; for people it sets run.Print to a text instead.
func (d *DryRun) answer(run *Run, doc *etree.Document) *etree.Document {
	if run.TextOutput() {
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
		for i := 0; i+1 < len(a.details); i += 2 {
			e.CreateAttr(a.details[i], a.details[i+1])
		}
	}
	for _, warning := range d.warnings {
		xmldoc.AddText(node, "warning", warning)
	}
	return doc
}

// dryText returns the description of an action for people.
func dryText(what string) string {
	words := map[string]string{
		DryActivate: "activate the order", DryReissue: "ask for a reissue", DryChangeMethod: "change the validation method",
		DryReadChallenges: "read what the client must publish", DryCancel: "cancel the order", DryRevoke: "revoke the certificate",
		DryStopRenewal: "switch off the seller's own renewal", dryComplete: "complete the import", dryCallback: "call the panel",
		dryTask: "open a task", dryCloseTask: "close the task", dryJournal: "add to the purchase journal", dryKeys: "change the kept keys",
	}[what]
	return cmp.Or(words, what)
}

// maxDryValue is the number of characters of one value that the text for people shows.
const maxDryValue = 200

// text returns the recorded actions as a text for people.
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
		for i := 0; i+1 < len(a.details); i += 2 {
			fmt.Fprintf(&b, " %s=%s", a.details[i], DisplayLine(a.details[i+1], maxDryValue))
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
