package app

import (
	"context"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
)

const (
	// personTime is for commands for whose answer a person waits in the panel, at most 10 s. The rest is for starting the
	// process, reporting a failure to the panel and writing the answer (rules TIME-4).
	personTime = 9 * time.Second
	// connectionTime is the same for check_connection, for which the panel waits 15 s: the values may be wrong.
	connectionTime = 14 * time.Second
	// probeTime is for about fourteen requests to the seller, one after the other, each of which may take some seconds.
	probeTime = 2 * time.Minute
	// doctorTime is for the checks, several at once, each of which has a limit of its own.
	doctorTime = 5 * time.Minute
	// itemTime allows more than one call-back to the panel to be retried for 60 s.
	itemTime = 5 * time.Minute
	// buyingTime includes waiting for the account's lock while another run buys.
	buyingTime = 10 * time.Minute

	// acceptanceTime is for several commands of the panel one after the other.
	acceptanceTime = 30 * time.Minute
	// reportTime is for reading a million items, which takes a few minutes.
	reportTime = 20 * time.Minute

	// sweepTime ends the hourly sweep before the next one begins.
	sweepTime = 55 * time.Minute

	manyTries = 10 // docs/reference/billmanager.md §1.6
	oneTry    = 1  // docs/reference/billmanager.md §1.6: a refused renewal becomes manual at once
)

// commands returns the table of commands.
func commands() table {
	var t table
	features := func(_ context.Context, run *item.Run) (*etree.Document, error) { return t.features(run.Info), nil }
	t = table{
		{name: "features", about: "reports to the panel what this module can do",
			run: features, tolerates: formOptions(), alone: func(*arguments) bool { return true }, immediate: true},
		{name: "tune_connection", about: "adds choices and default values to the connection form",
			run: command.TuneConnection, reads: readsDocument, feature: withForm(), tolerates: formOptions(), example: "<form.xml", deadline: personTime},
		{name: "check_connection", about: "tests the values of the connection form at the seller",
			run: command.CheckConnection, reads: readsDocument, feature: always(), tolerates: formOptions(), formats: textXML(), example: "<form.xml", deadline: connectionTime},
		{name: "approver", about: "lists the addresses that may approve a domain",
			run: command.Approver, needs: needModule | needIntname, reads: readsText, feature: withApprovers(),
			failsAs: fault.Approver, example: "--module 5 --intname positivessl --domain example.com <example.csr", uses: []string{"domain"}, tolerates: formOptions(), deadline: personTime},
		{name: "check_param", about: "checks fields of an order form",
			run: command.CheckParam, needs: needParam, reads: readsAny, feature: always(), tolerates: formOptions(), example: "--param adm_phone --value 123", deadline: personTime},
		{name: "get_suitable_module", about: "names the modules that serve a tariff",
			run: command.SuitableModule, reads: readsDocument, tolerates: formOptions(), example: "<tariff.xml", deadline: personTime},
		{name: "open", about: "buys and activates a certificate, and stores it when it is issued",
			run: item.WithDryRun(command.Open), needs: needItem, doNothing: true, buys: true, tries: manyTries, uses: []string{"module", "dry-run"}, formats: textXML(), example: "--item 42 --dry-run", deadline: buyingTime},
		{name: "prolong", about: "buys and activates the next paid term, and stores its certificate when it is issued",
			run: item.WithDryRun(command.Prolong), needs: needItem, feature: always(), doNothing: true, buys: true, tries: manyTries, refusals: oneTry, repeats: true, uses: []string{"module", "dry-run"}, formats: textXML(), example: "--item 42 --dry-run", deadline: buyingTime},
		{name: "reopen", about: "requests the next certificate of the paid term, for the item's current CSR and names",
			run: item.WithDryRun(command.Reopen), needs: needItem, doNothing: true, buys: true, tries: manyTries, uses: []string{"module", "dry-run"}, formats: textXML(), example: "--item 42 --dry-run", deadline: itemTime},
		{name: "sync_item", about: "reads the order's status at the seller and stores an issued certificate",
			run: command.SyncItem, needs: needItem, feature: always(), doNothing: true, tries: manyTries, uses: []string{"module"}, example: "--item 42", deadline: itemTime},
		{name: "send_dv_dns", about: "asks the seller to check a domain's challenge again",
			run: command.SendDVDNS, needs: needItem | needDomain, feature: withRetries(), tries: manyTries, uses: []string{"module"}, example: "--item 42 --domain example.com", deadline: itemTime},
		{name: "send_dv_email", about: "asks the seller to send the approval e-mails again, also to other addresses",
			run: command.SendDVEmail, needs: needItem | needEmails, feature: withApprovalEmails(), tries: manyTries, uses: []string{"module"}, example: "--item 42 --emails admin@example.com", deadline: itemTime},
		{name: "suspend", about: "sets the item suspended in the panel; nothing is asked of the seller",
			run: command.Suspend, needs: needItem, doNothing: true, tries: manyTries, uses: []string{"module"}, example: "--item 42", deadline: itemTime},
		{name: "resume", about: "sets the item active again in the panel; nothing is asked of the seller",
			run: command.Resume, needs: needItem, doNothing: true, tries: manyTries, uses: []string{"module"}, example: "--item 42", deadline: itemTime},
		{name: "setparam", about: "applies changed item parameters; reissues the certificate if its CSR or names changed",
			run: item.WithDryRun(command.SetParam), needs: needItem, buys: true, tries: manyTries, rollback: true, uses: []string{"module", "dry-run"}, formats: textXML(), example: "--item 42 --dry-run", deadline: itemTime},
		{name: "cancel_prolong", about: "accepts that the client switched automatic renewal off; nothing has to be done",
			run: command.CancelProlong, needs: needItem, feature: always(), doNothing: true, tries: manyTries, uses: []string{"module"}, example: "--item 42", deadline: itemTime},
		{name: "close", about: "cancels the order if the seller allows it, and lets the panel delete the item",
			run: item.WithDryRun(command.Close), needs: needItem, doNothing: true, tries: manyTries, uses: []string{"module", "dry-run"}, formats: textXML(), example: "--item 42 --dry-run", deadline: itemTime},
		{name: "getbalance", about: "saves the balance of the account at the seller in the panel, within 9 s; without --module for every processing module",
			run: command.GetBalance, feature: withBalance(), uses: []string{"module"}, formats: textXML(), example: "--module 5", deadline: itemTime},
		{name: "import", about: "imports the account's certificates that no panel item references",
			run: item.WithDryRun(command.Import), needs: needModule | needItemType, feature: withCertificates(), doNothing: true, uses: []string{"searchstring", "dry-run"}, formats: textXML(), example: "--module 5 --itemtype certificate --dry-run", deadline: sweepTime},
		{name: "import_pricelist", about: "lists the seller's products and prices",
			run: command.ImportPricelist, needs: needModule | needSubcommand, feature: withPrices(), uses: []string{"id"}, example: "--module 5 --subcommand available", deadline: personTime},
		{name: "subscription", about: "applies the reissue policy: reissues due certificates or notifies their clients",
			run: command.Subscription, doNothing: true, buys: true, several: true, byHand: true, uses: []string{"item", "date", "dry-run", "resend"}, formats: textXML(), example: "--dry-run", deadline: sweepTime},
		{name: "plan", about: "computes the certificates of a paid term: dates, proofs of control, warnings",
			run: command.Plan, needs: needTerm, byHand: true, alone: withoutItem, uses: []string{"period", "before"}, formats: []string{item.FormatText, item.FormatXML, item.FormatSVG}, example: "--opendate 2026-04-02 --period 60", deadline: personTime},
		{name: "probe", about: "sends requests to the seller that change nothing, and shows the answers",
			run: command.Probe, needs: needModule, byHand: true, formats: textXML(), example: "--module 5", deadline: probeTime},
		{name: "resolve", about: "resolves a purchase whose outcome is unknown; without --yes it only shows what it would do",
			run: command.Resolve, needs: needItem | needOutcome, byHand: true, confirm: true, uses: []string{"yes", "dry-run", "module"}, formats: textXML(), example: "--item 42 --id 34350001", deadline: itemTime},
		{name: "doctor", about: "examines the installation and says how to mend what does not work; changes nothing",
			run: command.Doctor, byHand: true, readsOnly: true, alone: func(*arguments) bool { return true }, uses: []string{"item", "module", "probe", "mail"},
			formats: []string{item.FormatText, item.FormatJSON, item.FormatXML}, example: "--item 42", deadline: doctorTime},
		{name: "status", about: "shows every item: its certificate, what is done next, and who is waited for",
			run: command.Status, byHand: true, readsOnly: true, uses: []string{"item", "check"},
			formats: []string{item.FormatText, item.FormatJSON, item.FormatXML, item.FormatPrometheus, item.FormatHTML}, example: "--format json", deadline: reportTime},
		{name: "notices", about: "writes the built-in mail templates into a folder to edit them; keeps files that were edited",
			run: command.Notices, needs: needDir, byHand: true, alone: func(*arguments) bool { return true }, formats: textXML(), example: "--dir /usr/local/mgr5/etc/pmssl/templates", deadline: personTime},
		{name: "reconcile", about: "compares the seller's orders of a month with items and purchase journal; changes nothing",
			run: command.Reconcile, needs: needModule, byHand: true, readsOnly: true, uses: []string{"period"}, formats: textXMLJSON(), example: "--module 5 --period 2026-04", deadline: sweepTime},
		{name: "migrate", about: "gives items that the panel's own module ordered what an order of this module has; without --yes it only shows what it would do",
			run: command.Migrate, needs: needModule, byHand: true, confirm: true, sellerReadOnly: true, uses: []string{"item", "id", "yes", "dry-run"}, formats: textXMLJSON(), example: "--module 5", deadline: sweepTime},
		{name: "acceptance", about: "takes a test item through its whole life at the seller's sandbox, and reports which unconfirmed facts are true; without --yes it shows what it would do",
			run: command.Acceptance, needs: needModule | needItem, byHand: true, confirm: true, observed: true, buys: true, uses: []string{"yes", "spend", "report"},
			formats: []string{item.FormatText, item.FormatXML, item.FormatJSON}, example: "--module 5 --item 42", deadline: acceptanceTime},
	}
	return t
}

// textXMLJSON returns the formats of commands that also answer programs with JSON.
func textXMLJSON() []string { return append(textXML(), item.FormatJSON) }

// textXML returns the formats of commands that answer people with a text and programs with a document.
func textXML() []string { return []string{item.FormatText, item.FormatXML} }

// formOptions returns the options that the panel, also a newer one, may pass to the commands that answer a form although these work
// on no item.
func formOptions() []string { return append([]string{"item", "module"}, harmless()...) }

// withoutItem reports whether a plan is for a term that no item has: neither panel nor database is needed.
func withoutItem(a *arguments) bool { return a.Item == 0 }
