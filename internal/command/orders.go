package command

import (
	"context"

	"github.com/beevik/etree"

	"pmssl/internal/item"
	"pmssl/internal/lifecycle"
	"pmssl/internal/plan"
	"pmssl/internal/purchase"
	"pmssl/internal/subscription"
)

// Open buys the item's certificate, activates it and saves the challenges that the client has to publish. It can be run again
// after any interruption: an item that has an id at the seller is never bought again (rules BUY-6).
func Open(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Open(ctx, run)
}

// Close lets the panel delete the item, whatever the seller answers. If the seller supports it, the newest order is cancelled; if
// that fails, the administrator gets a task. Otherwise the log names the orders that stay at the seller.
func Close(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Close(ctx, run)
}

// Prolong buys a new term that begins at the end of the current one and activates it for the item's current CSR. The next run
// continues an interrupted one: a renewal that is paid is not bought again.
func Prolong(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Prolong(ctx, run)
}

// Reopen requests a reissue for the item's current CSR and names, free of charge within the paid term. The old certificate stays
// on the item until the new one is issued.
func Reopen(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Reopen(ctx, run)
}

// SetParam applies changed parameters or addons. If the CSR or the names differ from those that were submitted to the seller, it
// submits the new ones, as a reissue does. If the validation method of a waiting order changed, it changes that at the seller.
// Other changes concern the panel only.
func SetParam(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.SetParam(ctx, run)
}

// SyncItem updates the item in the panel from the seller's status of its order. Running it again changes nothing.
func SyncItem(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.SyncItem(ctx, run)
}

// Import imports the issued certificates of the account that no panel item references (docs/reference/billmanager.md §11): all,
// or those for the names of --searchstring. Running it again imports nothing twice and completes an interrupted import. A
// certificate that cannot be imported does not stop the others; it is counted in the document and makes the exit code 1.
func Import(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Import(ctx, run)
}

// Suspend sets the item suspended in the panel. A certificate cannot be suspended, so the seller is not called.
func Suspend(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Suspend(ctx, run)
}

// Resume sets the item active in the panel. The seller is not called.
func Resume(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Resume(ctx, run)
}

// CancelProlong accepts that the client switched automatic renewal off. There is nothing to do: each sync of an order switches
// off renewal at the seller (stopRenewal), and the panel expects no call-back (docs/reference/billmanager.md §1.4).
func CancelProlong(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.CancelProlong(ctx, run)
}

// SendDVDNS asks the seller to check the published challenge of one domain again (docs/reference/billmanager.md §1.4, feature
// send_dv_dns). If the order was submitted for validation by e-mail and the seller can change the method, it changes to DNS.
func SendDVDNS(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.SendDVDNS(ctx, run)
}

// SendDVEmail asks the seller to send the approval e-mails again, to the given addresses, and saves these on the item
// (docs/reference/billmanager.md §1.4, feature send_dv_email). The seller decides which addresses may approve a domain
// (BR 3.2.2.4.4). If the order was submitted for another method and the seller can change it, it changes to e-mail.
func SendDVEmail(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.SendDVEmail(ctx, run)
}

// Resolve lets an administrator resolve a purchase whose outcome is unknown (rules BUY-5): --id is the order that was bought,
// --none means that nothing was. Without --yes it is a dry run.
func Resolve(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return purchase.Resolve(ctx, run)
}

// Subscription reissues due certificates or notifies their clients, as the panel's settings say. An error of one item does not
// stop the others; Run.Failed then makes the exit code 1.
func Subscription(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return subscription.Run(ctx, run)
}

// Plan shows the certificates of a paid term (docs/reference/validity.md §B3.11): of an item, or of a term without an item, for
// which neither panel nor database is needed. It changes nothing and takes no lock.
func Plan(ctx context.Context, run *item.Run) (*etree.Document, error) { return plan.Run(ctx, run) }
