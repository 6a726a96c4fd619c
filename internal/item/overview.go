package item

import (
	"context"
	"time"
)

// Overviews reads what is shown about all items of this binary. It takes no locks and changes nothing.
type Overviews interface {
	// OverviewItems returns at most limit items of the processing modules of this binary that are not deleted, those with an id
	// above after, lowest first. An item that cannot be read has a Problem; it does not keep the others from being returned.
	OverviewItems(ctx context.Context, after int64, limit int) ([]OverviewItem, error)
	// OpenWork returns the open running operations and tasks of items of this binary, by item. What cannot be read is left out,
	// and the problems say so.
	OpenWork(ctx context.Context) (work map[int64]OpenWork, problems []string, err error)
	// ModuleOverviews lists the processing modules of this binary, those switched off too. Balances that cannot be read are left out,
	// and the problems say so.
	ModuleOverviews(ctx context.Context) (all []ModuleOverview, problems []string, err error)
}

// OverviewItem is an item as the database has it. Its Item has no client, no addons and no tariff, the parameters of OverviewParams
// only, and of the CSR only the beginning, if there is one.
type OverviewItem struct {
	Item Item
	// Autosuspend says that the panel suspended the item because it is not paid, Covered that the sweep covers it (rules SWEEP-2).
	Autosuspend, Covered bool
	Problem              error // why the item cannot be read, or not all of it
	// CertificateUnread says that the stored certificate could not be read, or that it is not known whether one is stored.
	CertificateUnread bool
}

// OpenWork is what is open about an item in the panel.
type OpenWork struct {
	Operations int    // running operations
	Tries      int    // runs of the one that was run most often
	Manual     bool   // the panel does not run one of them by itself, as far as it says so
	Ending     bool   // all of them are to end, suspend or not renew the service, as far as the panel says so
	Tasks      int    // of the administrator
	Error      string // of the newest running operation that has one, one line; empty if there is none or it cannot be read
}

// ModuleOverview is a processing module.
type ModuleOverview struct {
	Module int64
	Name   string
	Active bool
	// Balance is what the module last reported to the panel (getbalance); At is zero if it never did.
	Balance BalanceRecord
}

// BalanceRecord is the balance of a processing module's account at the seller, as it was last read.
type BalanceRecord struct {
	Module   int64     `json:"module"`
	At       time.Time `json:"at"`
	Amount   float64   `json:"amount"`
	Currency string    `json:"currency,omitempty"`
}
