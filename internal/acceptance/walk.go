package acceptance

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
)

// The stages of the walk, in their order.
const (
	StageRead      = "read"      // what the seller shows without an order
	StageOrder     = "order"     // open
	StageChallenge = "challenge" // the seller was asked to look at what the client publishes
	StageIssue     = "issue"     // the certificate is stored
	StageReissue   = "reissue"   // reopen
	StageReissued  = "reissued"  // the certificate of the reissue is stored
	StageRenewal   = "renewal"   // prolong
	StageRenewed   = "renewed"   // the certificate of the next term is stored
	StageClose     = "close"     // close
)

// walker is one start of a walk.
type walker struct {
	run    *item.Run
	gate   *gate
	files  files
	state  *State
	item   item.Item // as it was read last
	seller seller.Seller
	steps  []Step
	redact redactor
	today  cabforum.Date
}

// Run goes as far as the walk can now, and returns its report. Without --yes it only reads: from the seller what costs and changes
// nothing, and the state of a walk that has begun.
func Run(ctx context.Context, run *item.Run) (*Report, error) {
	w, closing, err := begin(ctx, run)
	if err != nil {
		return nil, err
	}
	defer closing()
	if w.gate.reading {
		w.plan(ctx)
	} else if err := w.walk(ctx); err != nil {
		return nil, err
	}
	w.look(ctx)
	w.judge()
	if !w.gate.reading {
		if err := w.files.write(w.state); err != nil {
			return nil, err
		}
	}
	return w.report(), nil
}

// begin checks the item and what the run may do, and reads the state of the walk.
func begin(ctx context.Context, run *item.Run) (*walker, func(), error) {
	it, err := checkItem(ctx, run)
	if err != nil {
		return nil, nil, err
	}
	if err := checkReplaceable(reportPath(run)); err != nil { // before anything is bought
		return nil, nil, err
	}
	params, err := run.Panel.ModuleParams(ctx, run.Args.Module)
	if err != nil {
		return nil, nil, err
	}
	w := &walker{run: run, item: it, files: filesOf(run.VarDir, run.Binary, it.Item), today: cabforum.DateOf(run.Now())}
	w.gate = &gate{info: run.Info, reading: !run.Args.Yes, spend: run.Args.Spend != ""}
	if err := w.gate.open(params); err != nil {
		return nil, nil, err
	}
	run.Recorder.Allow(w.gate.allow)
	run.Info.Connect = w.gate.connect(run.Info.Connect)
	if w.seller, err = item.Dial(ctx, run, run.Args.Module); err != nil {
		return nil, nil, err
	}
	closing := func() {}
	if w.gate.reading {
		if err := run.BeginDryRun(); err != nil {
			return nil, nil, err
		}
	} else if closing, err = w.files.lock(); err != nil {
		return nil, nil, err
	}
	if err := w.open(seller.AccountHash(run.Info.Account(params))); err != nil {
		closing()
		return nil, nil, err
	}
	w.redact = newRedactor(it, params, run.Mask, w.state.Started+w.state.Account)
	return w, closing, nil
}

// open reads the state of the walk or begins a new one, and saves that it was started.
func (w *walker) open(account string) error {
	state, err := w.files.read()
	switch {
	case err != nil:
		return err
	case state == nil:
		state = newState(w.item.Item, w.item.Module, account, w.today.String())
	case state.Account != account || state.Module != w.item.Module:
		return fault.Errorf(fault.Value, "module", "the walk of %s began with another account or module: connect that again, or remove %s to begin anew", w.item.Label(), w.files.state)
	}
	w.state = state
	if w.gate.reading {
		return nil
	}
	state.Starts++
	return w.files.write(state)
}

// hasOrder reports whether the item has an order at the seller, or may have one.
func (w *walker) hasOrder() bool {
	p := w.item.Params
	return p[itemparam.OrderID] != "" || p[itemparam.Lineage] != "" || p[itemparam.Intent] != ""
}

// outcome is what a stage came to.
type outcome struct {
	progress    Progress
	waitsFor    string
	until, note string
}

func done(note string) outcome { return outcome{progress: Done, note: note} }

func waits(who, note string) outcome { return outcome{progress: Waiting, waitsFor: who, note: note} }

func waitsUntil(day cabforum.Date, note string) outcome {
	return outcome{progress: Waiting, waitsFor: ForNobody, until: day.String(), note: note}
}

// failed returns the outcome of a stage that ended in an error.
func (w *walker) failed(err error) outcome {
	failure := fault.From(err)
	note := failure.Type
	if failure.Code != 0 {
		note += " " + strconv.Itoa(failure.Code)
	}
	note += ": " + w.redact.text(cmp.Or(failure.Message, err.Error()))
	if failure.Retry {
		return outcome{progress: Waiting, waitsFor: ForSeller, note: note}
	}
	return outcome{progress: Failed, waitsFor: ForAdministrator, note: note}
}

// walk works on the stages from the first that is not over until one waits or fails. The error is that of an interrupted run, or
// of the state's file.
func (w *walker) walk(ctx context.Context) error {
	stages := map[string]func(context.Context) outcome{
		StageRead: w.read, StageOrder: w.order, StageChallenge: w.challenge, StageIssue: w.issue, StageReissue: w.reissue,
		StageReissued: w.reissued, StageRenewal: w.renewal, StageRenewed: w.renewed, StageClose: w.close,
	}
	if w.item.Status == item.ItemDeleted {
		w.endWalk()
		return nil
	}
	if w.state.Stages[0].Progress == Done { // else the stage read asks
		if err := w.seller.Check(ctx); err != nil {
			w.run.Log.Warningf("acceptance run: %v", err)
		}
	}
	for i := range w.state.Stages {
		stage := &w.state.Stages[i]
		if stage.Progress == Done || stage.Progress == Skipped {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fault.Errorf(fault.Interrupted, "acceptance", "the run ended before the stage %s: %w; the next start goes on there", stage.Name, err).Retryable()
		}
		o := stages[stage.Name](ctx)
		w.note(stage, o)
		if err := w.files.write(w.state); err != nil {
			return err
		}
		if o.progress == Waiting || o.progress == Failed {
			return nil
		}
	}
	return nil
}

// note writes an outcome into the state.
func (w *walker) note(stage *StageState, o outcome) {
	*stage = StageState{Name: stage.Name, Progress: o.progress, WaitsFor: o.waitsFor, Until: o.until, Note: o.note, On: w.today.String()}
}

// endWalk ends the walk of an item that was closed outside of it.
func (w *walker) endWalk() {
	for i := range w.state.Stages {
		stage := &w.state.Stages[i]
		switch {
		case stage.Progress == Done || stage.Progress == Skipped:
		case stage.Name == StageClose:
			w.note(stage, done("the item was closed in the panel"))
		default:
			w.note(stage, outcome{progress: Skipped, note: "the item was closed before"})
		}
	}
}

// step runs one of the panel's commands for the item and keeps what the item was before and after it. Its error is the command's.
func (w *walker) step(ctx context.Context, name, command string, f func(context.Context, *item.Run) error) error {
	s := Step{Name: name, Before: w.item, OperationsBefore: w.operations(ctx)}
	run := *w.run
	run.Args.Command = command
	err := f(ctx, &run)
	after := context.WithoutCancel(ctx)
	w.unlockItem(ctx)
	if err != nil {
		w.run.Log.Errorf("%s of the acceptance run: %v", command, err)
	}
	if unread := w.reload(after); unread != nil && err == nil {
		err = unread
	}
	s.After, s.OperationsAfter, s.Failed = w.item, w.operations(after), err != nil
	w.steps = append(w.steps, s)
	return err
}

// unlockItem releases the item's lock, also after the run was told to end. It does nothing if the lock is not held.
func (w *walker) unlockItem(ctx context.Context) {
	if err := w.run.Panel.UnlockItem(context.WithoutCancel(ctx), w.item.Item); err != nil {
		w.run.Log.Warningf("releasing the item's lock: %v", err)
	}
}

// reload reads the item again.
func (w *walker) reload(ctx context.Context) error {
	it, err := w.run.Panel.LoadItem(ctx, w.item.Item)
	if err == nil {
		w.item = it
	}
	return err
}

// operations counts the item's running operations; 0 if they cannot be read.
func (w *walker) operations(ctx context.Context) int {
	n, err := w.run.Panel.CountOperations(ctx, w.item.Item)
	if err != nil {
		w.run.Log.Warningf("counting the running operations: %v", err)
	}
	return n
}

// issuedNow reports whether the item's newest order is issued and its certificate stored.
func (w *walker) issuedNow() bool {
	return w.item.Stored != "" && w.item.Params[itemparam.ServiceStatus] == strconv.Itoa(int(item.ServiceIssued))
}

// submitted reports whether the item's order has its CSR at the seller: what the panel itself writes into the status is less.
func (w *walker) submitted() bool {
	status := seller.ParseID(w.item.Params[itemparam.ServiceStatus])
	return w.item.Params[itemparam.OrderID] != "" && status >= int64(item.ServiceRequested)
}

// serial returns the serial of the certificate in place.
func (w *walker) serial() string { return w.item.Params[itemparam.Serial] }

// commonName returns the common name of the item's request; empty if it has none that can be read.
func (w *walker) commonName() string {
	csr, err := pki.ReadCSR(w.item.RequestCSR())
	if err != nil {
		return ""
	}
	return csr.CommonName
}

// reissueDay returns the day from which a reissue of the stored certificate is sent: one for an unchanged request waits a day (rules
// STORE-6).
func (w *walker) reissueDay() (cabforum.Date, bool) {
	leaf, err := pki.StoredLeaf(w.item.Stored)
	if err != nil {
		return cabforum.Date{}, false
	}
	from := leaf.Leaf.NotBefore.Add(purchase.FreshCertificate)
	return cabforum.DateOf(from.Add(24*time.Hour - time.Second)), w.run.Now().Before(from)
}

// foreignOrder is what a walk at a seller without a sandbox says about an order that it has not bought.
func (w *walker) foreignOrder() (outcome, bool) {
	if w.run.Info.Sandbox != nil || w.state.OwnOrder || !w.hasOrder() {
		return outcome{}, false
	}
	return outcome{progress: Failed, waitsFor: ForAdministrator,
		note: fmt.Sprintf("the item has an order that the walk did not buy; %s has no sandbox, so the walk goes on only with an order of its own: give it an item without one", w.run.Info.Title)}, true
}

// names returns how many names the client has to validate.
func (w *walker) names() int {
	return len(strings.FieldsFunc(w.item.Params[itemparam.Domains], func(r rune) bool { return r == ',' || r == ' ' }))
}
