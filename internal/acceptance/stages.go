package acceptance

import (
	"context"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/seller"
)

// read asks the seller for what it shows without an order.
func (w *walker) read(ctx context.Context) outcome {
	if err := w.seller.Check(ctx); err != nil {
		return w.failed(err)
	}
	var problems []string
	try := func(what string, err error) {
		if err != nil {
			w.run.Log.Warningf("acceptance run, %s: %v", what, err)
			problems = append(problems, what)
		}
	}
	if s, ok := w.seller.(seller.BalanceReporter); ok {
		_, err := s.Balance(ctx)
		try("balance", err)
	}
	if s, ok := w.seller.(seller.PriceLister); ok {
		_, err := s.Offers(ctx)
		try("prices", err)
	}
	_, err := w.seller.OrderSnapshot(ctx)
	try("list of orders", err)
	if s, ok := w.seller.(seller.Prober); ok {
		_, err := s.Probe(ctx)
		try("probe", err)
	}
	if len(problems) > 0 {
		return done("not answered: " + strings.Join(problems, ", "))
	}
	return done("")
}

// order buys the item's certificate, or walks up to the form that buys.
func (w *walker) order(ctx context.Context) outcome {
	if o, foreign := w.foreignOrder(); foreign {
		return o
	}
	if w.submitted() {
		return done("the item has its order")
	}
	if !w.gate.mayPay() {
		err := w.step(ctx, StageRead, "open", func(ctx context.Context, run *item.Run) error {
			_, err := lifecycle.PreviewOrder(ctx, run)
			return err
		})
		if err != nil {
			return w.failed(err)
		}
		return waits(ForAdministrator, "the form that buys was reached; --spend with the item's product pays")
	}
	return w.buy(ctx)
}

// buy runs open. The item is locked before it is looked at: an order that the panel buys meanwhile is not the walk's.
func (w *walker) buy(ctx context.Context) outcome {
	if err := w.run.Panel.LockItem(ctx, w.item.Item); err != nil {
		return w.failed(err)
	}
	defer w.unlockItem(ctx)
	if err := w.reload(ctx); err != nil {
		return w.failed(err)
	}
	if o, foreign := w.foreignOrder(); foreign {
		return o
	}
	if !w.hasOrder() {
		w.state.OwnOrder = true
		if err := w.files.write(w.state); err != nil {
			return w.failed(err)
		}
	}
	err := w.step(ctx, StageOrder, "open", func(ctx context.Context, run *item.Run) error {
		_, err := lifecycle.Open(ctx, run)
		return err
	})
	if err == nil {
		return done("")
	}
	// Nothing was bought: an order that the item gets until the next start is somebody else's.
	if unread := w.reload(context.WithoutCancel(ctx)); unread == nil && !w.hasOrder() {
		w.state.OwnOrder = false
	}
	return w.failed(err)
}

// challenge asks the seller once to look at the challenges again.
func (w *walker) challenge(ctx context.Context) outcome {
	if w.issuedNow() {
		return outcome{progress: Skipped, note: "the certificate was issued at once"}
	}
	method, err := seller.ParseMethod(w.item.Params[itemparam.Method])
	_, retries := w.seller.(seller.ChallengeRetrier)
	if err != nil || method == seller.MethodEmail || !retries || w.state.Looked {
		return done("")
	}
	w.state.Looked = true
	err = w.step(ctx, StageChallenge, "send_dv_dns", func(ctx context.Context, run *item.Run) error {
		run.Args.Domain = strings.TrimPrefix(w.commonName(), "*.")
		_, err := lifecycle.SendDVDNS(ctx, run)
		return err
	})
	if err != nil { // the order goes on without it
		return done(w.failed(err).note)
	}
	return done("")
}

// sync reads the order's status at the seller.
func (w *walker) sync(ctx context.Context, name string) error {
	return w.step(ctx, name, "sync_item", func(ctx context.Context, run *item.Run) error {
		_, err := lifecycle.SyncItem(ctx, run)
		return err
	})
}

// issue waits for the first certificate.
func (w *walker) issue(ctx context.Context) outcome {
	if !w.issuedNow() {
		if err := w.sync(ctx, StageIssue); err != nil {
			return w.failed(err)
		}
	}
	return w.waitFor(w.issuedNow())
}

// waitFor returns done if the certificate is stored, else for whom it waits.
func (w *walker) waitFor(stored bool) outcome {
	status := w.item.Params[itemparam.ServiceStatus]
	switch {
	case stored:
		return done("")
	case status == "6":
		return outcome{progress: Failed, waitsFor: ForAdministrator, note: "the seller refused or ended the order: the item and the log say why"}
	case w.names() > 0 || w.item.Params[itemparam.Method] == "":
		return waits(ForClient, "publish what the item shows, or answer the e-mail; then the seller issues")
	}
	return waits(ForSeller, "the seller has not issued the certificate")
}

// reissue asks for the next certificate of the term.
func (w *walker) reissue(ctx context.Context) outcome {
	if day, early := w.reissueDay(); early {
		return waitsUntil(day, "a certificate for an unchanged request is reissued a day after its issue")
	}
	if w.state.Serial == "" {
		w.state.Serial = w.serial()
		if err := w.files.write(w.state); err != nil {
			return w.failed(err)
		}
	}
	if w.serial() != w.state.Serial { // by an earlier start, the panel or the sweep
		return done("another certificate is in place already")
	}
	tried := w.item.Params[itemparam.ReissueTried]
	err := w.step(ctx, StageReissue, "reopen", func(ctx context.Context, run *item.Run) error {
		_, err := lifecycle.Reopen(ctx, run)
		return err
	})
	switch {
	case err != nil:
		return w.failed(err)
	case w.item.Params[itemparam.ReissueTried] == tried && w.issuedNow() && w.serial() == w.state.Serial:
		return waits(ForSeller, "no reissue was asked for: the certificate at the seller is still to be stored")
	}
	w.look(ctx) // before the new certificate is issued: what became of the old id
	return done("")
}

// reissued waits for the certificate of the reissue.
func (w *walker) reissued(ctx context.Context) outcome { return w.next(ctx, StageReissued) }

// renewed waits for the certificate of the next term.
func (w *walker) renewed(ctx context.Context) outcome { return w.next(ctx, StageRenewed) }

// next waits until another certificate than that of the state is stored.
func (w *walker) next(ctx context.Context, name string) outcome {
	stored := func() bool { return w.issuedNow() && w.serial() != w.state.Serial }
	if !stored() {
		if err := w.sync(ctx, name); err != nil {
			return w.failed(err)
		}
	}
	o := w.waitFor(stored())
	if o.progress == Done {
		w.state.Serial = ""
	}
	return o
}

// renewal buys the next term.
func (w *walker) renewal(ctx context.Context) outcome {
	start := w.item.Params[itemparam.TermStart]
	switch {
	case w.state.Term == "":
		w.state.Term, w.state.Serial = start, w.serial()
		if err := w.files.write(w.state); err != nil {
			return w.failed(err)
		}
	case w.state.Term != start:
		return done("the next term is paid already")
	}
	if !w.gate.mayPay() {
		if err := w.quote(ctx); err != nil {
			return w.failed(err)
		}
		return waits(ForAdministrator, "the renewal costs money: --spend with the item's product pays, or close the item")
	}
	err := w.step(ctx, StageRenewal, "prolong", func(ctx context.Context, run *item.Run) error {
		_, err := lifecycle.Prolong(ctx, run)
		return err
	})
	if failure := fault.From(err); err != nil && failure.Type == fault.Running {
		day, _ := cabforum.ParseDate(param(failure, "from"))
		return waitsUntil(day, "a renewal is possible near the end of the paid term; close the item in the panel to end the walk before")
	}
	if err != nil {
		return w.failed(err)
	}
	return done("")
}

func param(failure *fault.Error, name string) string {
	for _, p := range failure.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// quote reads what a renewal in place would change.
func (w *walker) quote(ctx context.Context) error {
	prolonger, ok := w.seller.(seller.Prolonger)
	if !ok {
		return nil
	}
	_, err := prolonger.RenewalQuote(ctx, seller.ParseID(w.item.Params[itemparam.OrderID]), w.item.Period)
	return err
}

// close ends the order and lets the panel delete the item.
func (w *walker) close(ctx context.Context) outcome {
	err := w.step(ctx, StageClose, "close", func(ctx context.Context, run *item.Run) error {
		_, err := lifecycle.Close(ctx, run)
		return err
	})
	if err != nil {
		return w.failed(err)
	}
	return done("a task says what the administrator has to do, if there is something")
}

// maxLooked is the number of ids of an order that a run reads.
const maxLooked = 8

// look reads the state of the item's ids at the seller, and searches for reissues. What fails is left out: it is only looked at.
func (w *walker) look(ctx context.Context) {
	ids := item.ParseIDs(w.item.Params[itemparam.Lineage])
	if len(ids) == 0 || ctx.Err() != nil {
		return
	}
	for _, id := range ids[max(0, len(ids)-maxLooked):] {
		if _, err := w.seller.OrderStatus(ctx, id); err != nil {
			w.run.Log.ExtInfof("acceptance run, status of id %d: %v", id, err)
		}
	}
	finder, ok := w.seller.(seller.ReissueFinder)
	if name := w.commonName(); ok && name != "" {
		if _, err := finder.FindReissues(ctx, ids[0], name); err != nil {
			w.run.Log.ExtInfof("acceptance run, search for reissues: %v", err)
		}
	}
}

// plan reads what the seller shows and says of each stage what it would do.
func (w *walker) plan(ctx context.Context) {
	what := map[string]string{
		StageOrder:     "open: buys and activates the item's certificate",
		StageChallenge: "send_dv_dns: asks the seller to look at what the client publishes",
		StageIssue:     "sync_item: stores the certificate when it is issued",
		StageReissue:   "reopen: asks for the next certificate, free of charge",
		StageReissued:  "sync_item: stores it",
		StageRenewal:   "prolong: pays for the next term, near the end of the paid one",
		StageRenewed:   "sync_item: stores its certificate",
		StageClose:     "close: ends the order at the seller and deletes the item",
	}
	free := w.run.Info.Sandbox != nil
	foreign, isForeign := w.foreignOrder()
	for i := range w.state.Stages {
		stage := &w.state.Stages[i]
		switch {
		case stage.Name == StageRead:
			w.note(stage, w.read(ctx))
		case stage.Progress == Done || stage.Progress == Skipped:
		case isForeign:
			stage.Note = foreign.note
		case stage.Progress == Pending || stage.Note == "":
			stage.Note = what[stage.Name]
			if pays := stage.Name == StageOrder || stage.Name == StageRenewal; pays && free {
				stage.Note += "; in the sandbox"
			} else if pays {
				stage.Note += "; only with --spend, and for money"
			}
		}
	}
}
