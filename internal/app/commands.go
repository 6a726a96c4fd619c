package app

import (
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
)

const (
	// personTime is for what the panel waits for with a person in front of it: the answer has to be there within 10 s, and
	// the process has to start, to tell the panel of a failure and to write it (rules TIME-4).
	personTime = 9 * time.Second
	// connectionTime is the same for the connection form, whose values may be wrong: within 15 s.
	connectionTime = 14 * time.Second
	// probeTime is for a dozen questions to the seller, one after the other, of which each may take some seconds.
	probeTime = 2 * time.Minute
	// itemTime leaves room for a call-back's 60 s of retries, more than once.
	itemTime = 5 * time.Minute
	// buyingTime also holds the wait for the account's lock behind another purchase.
	buyingTime = 10 * time.Minute

	// sweepTime ends an hourly sweep before the next one begins.
	sweepTime = 55 * time.Minute

	manyTries = 10 // docs/reference/billmanager.md §1.6
	oneTry    = 1  // the same page: a refused renewal is an administrator's at once
)

// commands returns the table of commands.
func commands() table {
	return table{
		{name: "features", about: "tells the panel what this module can do",
			run: announce, tolerates: formOptions(), alone: func(*arguments) bool { return true }, deadline: personTime},
		{name: "tune_connection", about: "fills choices and defaults into the connection form",
			run: command.TuneConnection, reads: readsDocument, feature: withForm(), tolerates: formOptions(), deadline: personTime},
		{name: "check_connection", about: "tries the connection form's values at the seller",
			run: command.CheckConnection, reads: readsDocument, feature: always(), tolerates: formOptions(), deadline: connectionTime},
		{name: "approver", about: "lists the addresses that may approve a domain",
			run: command.Approver, needs: needModule | needIntname, reads: readsText, feature: withApprovers(),
			failsAs: fault.Approver, uses: []string{"domain"}, tolerates: []string{"item"}, deadline: personTime},
		{name: "check_param", about: "checks fields of an order form",
			run: command.CheckParam, needs: needParam, reads: readsAny, feature: always(), tolerates: formOptions(), deadline: personTime},
		{name: "get_suitable_module", about: "names the modules that serve a tariff",
			run: command.SuitableModule, reads: readsDocument, tolerates: formOptions(), deadline: personTime},
		{name: "open", about: "buys, activates and follows a certificate",
			run: item.WithDryRun(command.Open), needs: needItem, doNothing: true, buys: true, tries: manyTries, uses: []string{"module", "dry-run"}, deadline: buyingTime},
		{name: "prolong", about: "buys, activates and follows the next paid term",
			run: item.WithDryRun(command.Prolong), needs: needItem, feature: always(), doNothing: true, buys: true, tries: manyTries, refusals: oneTry, repeats: true, uses: []string{"module", "dry-run"}, deadline: buyingTime},
		{name: "reopen", about: "asks for the next certificate of the paid term, for the present CSR and names",
			run: item.WithDryRun(command.Reopen), needs: needItem, doNothing: true, buys: true, tries: manyTries, uses: []string{"module", "dry-run"}, deadline: itemTime},
		{name: "sync_item", about: "asks the seller where the order stands and stores what was issued",
			run: command.SyncItem, needs: needItem, feature: always(), doNothing: true, tries: manyTries, uses: []string{"module"}, deadline: itemTime},
		{name: "send_dv_dns", about: "has the seller check a domain's challenge again",
			run: command.SendDVDNS, needs: needItem | needDomain, feature: withRetries(), tries: manyTries, uses: []string{"module"}, deadline: itemTime},
		{name: "send_dv_email", about: "has the approval e-mails sent again, also to other addresses",
			run: command.SendDVEmail, needs: needItem | needEmails, feature: withNotices(), tries: manyTries, uses: []string{"module"}, deadline: itemTime},
		{name: "suspend", about: "tells the panel that the item is suspended",
			run: command.Suspend, needs: needItem, doNothing: true, tries: manyTries, uses: []string{"module"}, deadline: itemTime},
		{name: "resume", about: "tells the panel that the item is active again",
			run: command.Resume, needs: needItem, doNothing: true, tries: manyTries, uses: []string{"module"}, deadline: itemTime},
		{name: "setparam", about: "takes changed parameters over",
			run: item.WithDryRun(command.SetParam), needs: needItem, buys: true, tries: manyTries, rollback: true, uses: []string{"module", "dry-run"}, deadline: itemTime},
		{name: "cancel_prolong", about: "is told that automatic renewal was switched off",
			run: command.CancelProlong, needs: needItem, feature: always(), doNothing: true, tries: manyTries, uses: []string{"module"}, deadline: itemTime},
		{name: "close", about: "cancels the order where the seller allows it, and lets the panel delete the item",
			run: item.WithDryRun(command.Close), needs: needItem, doNothing: true, tries: manyTries, uses: []string{"module", "dry-run"}, deadline: itemTime},
		{name: "getbalance", about: "tells the panel what the account at the seller holds, 9 s for each; without --module of every module",
			run: command.GetBalance, feature: withBalance(), uses: []string{"module"}, deadline: itemTime},
		{name: "import", about: "imports the account's certificates that no panel item references",
			run: item.WithDryRun(command.Import), needs: needModule | needItemType, feature: withCertificates(), doNothing: true, uses: []string{"searchstring", "dry-run"}, deadline: sweepTime},
		{name: "import_pricelist", about: "lists what the seller offers and its prices",
			run: command.ImportPricelist, needs: needModule | needSubcommand, feature: withPrices(), uses: []string{"id"}, deadline: personTime},
		{name: "subscription", about: "applies the reissue policy: reissues what is due or notifies the client",
			run: command.Subscription, doNothing: true, buys: true, byHand: true, uses: []string{"item", "date", "dry-run", "resend"}, deadline: sweepTime},
		{name: "plan", about: "computes the certificates of a paid term: dates, proofs, warnings",
			run: command.Plan, needs: needTerm, byHand: true, alone: onPaper, uses: []string{"period", "before", "format"}, deadline: personTime},
		{name: "probe", about: "asks the seller harmless questions and shows the answers",
			run: command.Probe, needs: needModule, byHand: true, uses: []string{"format"}, deadline: probeTime},
		{name: "resolve", about: "resolves a purchase without a clear answer; only shows what it would do without --yes",
			run: command.Resolve, needs: needItem | needOutcome, byHand: true, confirm: true, uses: []string{"yes", "dry-run", "module"}, deadline: itemTime},
	}
}

// formOptions lists what the panel may pass to the commands that answer a form, which concern no item.
func formOptions() []string { return []string{"item", "module"} }

// onPaper reports whether a plan is that of a term that no item has: neither panel nor database is needed.
func onPaper(a *arguments) bool { return a.Item == 0 }
