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

// Open buys the item's certificate, activates it and hands the client what proves control. It can be started again
// after any interruption: an item that has an id at the seller never buys again (rules BUY-6).
func Open(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Open(ctx, run)
}

// Close lets the panel delete the item, whatever the seller says. Where the seller lets a module end an order, the newest
// one is cancelled; what could not be done there becomes a task for the administrator. Elsewhere what stays behind is
// named in the log.
func Close(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Close(ctx, run)
}

// Prolong buys a new term that begins where the old one ends, activates it for the present CSR and follows it. An
// interrupted run is continued by the next one: a renewal that is paid is not bought again.
func Prolong(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Prolong(ctx, run)
}

// Reopen runs the panel's Reissue: a certificate for the item's present CSR and names, free of charge inside the paid
// term. While it waits for proof, the old certificate stays on the item.
func Reopen(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Reopen(ctx, run)
}

// SetParam takes changed parameters or addons over. Where CSR or names are others than those that the seller was handed,
// the seller gets the new ones, as at a reissue, and another validation method while the order waits for it; otherwise only
// the panel is concerned.
func SetParam(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.SetParam(ctx, run)
}

// SyncItem brings the panel up to what the seller says of the item. Running it again changes nothing.
func SyncItem(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.SyncItem(ctx, run)
}

// Import imports the account's certificates that no panel item references (docs/reference/billmanager.md §11): those
// that are issued, all or the names of --searchstring. Running it again imports nothing twice, and completes what an
// interruption left behind. A certificate that cannot be imported does not stop the others; exit code and document tell
// of it.
func Import(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Import(ctx, run)
}

// Suspend reports to the panel that the item is suspended. A certificate cannot be switched off for a while: nothing is
// asked of the seller.
func Suspend(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Suspend(ctx, run)
}

// Resume reports to the panel that the item is active again.
func Resume(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.Resume(ctx, run)
}

// CancelProlong is told when the client switched automatic renewal off. Whether that is on or off in the panel, a seller
// that would renew by itself is kept from it at every look at the order (stopRenewal), so there is nothing to do; the panel
// expects no call-back (docs/reference/billmanager.md §1.4).
func CancelProlong(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.CancelProlong(ctx, run)
}

// SendDVDNS asks the seller to look once more at what was published for one domain of an order that waits for proof
// (docs/reference/billmanager.md §1.4, feature send_dv_dns). An order that was submitted for proof by e-mail is proved by
// DNS from then on, where the seller can change that.
func SendDVDNS(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.SendDVDNS(ctx, run)
}

// SendDVEmail has the approval e-mails sent again, to the addresses given, and keeps those as the order's
// (docs/reference/billmanager.md §1.4, feature send_dv_email). Which addresses may approve a domain is for the seller to
// say (BR 3.2.2.4.4). An order that was submitted for another way is proved by e-mail from then on, where the seller can
// change that.
func SendDVEmail(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return lifecycle.SendDVEmail(ctx, run)
}

// Resolve lets an administrator resolve a purchase without a clear answer (rules BUY-5): --id ID names what was bought,
// --none says that nothing was. It shows what it would do, as with --dry-run, and does it with --yes.
func Resolve(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return purchase.Resolve(ctx, run)
}

// Subscription reissues what is due, or tells the client, as the panel's settings say. A seller's error for one item
// never stops the others; Run.Failed then makes the exit code 1.
func Subscription(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return subscription.Run(ctx, run)
}

// Plan computes the certificates of a paid term (docs/reference/validity.md §B3.11): of an item with what is known of it,
// or of a term on paper, for which neither panel nor database is needed. Nothing is changed and no lock is taken.
func Plan(ctx context.Context, run *item.Run) (*etree.Document, error) { return plan.Run(ctx, run) }
