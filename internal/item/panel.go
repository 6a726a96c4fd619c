package item

import (
	"context"

	"pmssl/internal/cabforum"
	"pmssl/internal/seller"
)

// Panel is what the engines and commands need of the billing panel, by subject. Reads go to its database, changes through
// its call-backs. Errors are *fault.Error; a call-back that the panel refuses is fault.Panel with the panel's words.
type Panel interface {
	Items
	Modules
	Locks
	Params
	Purchases
	Certificates
	Operations
	Sweeps
	Imports
	Settings
}

// Items reads single items and their clients.
type Items interface {
	// LoadItem loads an item with everything that belongs to it. A missing item is Missed.
	LoadItem(ctx context.Context, it int64) (Item, error)
	// Client is whom letters about the account's items go to (rules SWEEP-6).
	Client(ctx context.Context, account int64) (Recipient, error)
	// Brand returns how clients know the panel, by the project of the item; empty if that is not known.
	Brand(ctx context.Context, project int64) (string, error)
}

// Modules reads the processing modules of this binary and tells the panel what they hold.
type Modules interface {
	// ModuleParams returns the connection and custom parameters of a processing module, decrypted.
	ModuleParams(ctx context.Context, module int64) (map[string]string, error)
	// PlainParams returns the parameters that are not encrypted.
	PlainParams(ctx context.Context, module int64) (map[string]string, error)
	// Modules lists the ids of all processing modules that this binary serves, those switched off too.
	Modules(ctx context.Context) ([]int64, error)
	// SuitableModules lists the modules of this binary that serve a tariff, preferred ones first.
	SuitableModules(ctx context.Context, pricelist int64) ([]int64, error)
	// SaveBalance reports to the panel what a processing module's account holds at the seller (processing.savebalance).
	SaveBalance(ctx context.Context, module int64, balance seller.Money) error
}

// Locks are named locks of the database on one connection (rules BUY-1).
type Locks interface {
	// LockItem keeps other runs off the item until the process ends; Locked after 30 s (rules BUY-1).
	LockItem(ctx context.Context, it int64) error
	// UnlockItem lets other runs at the item again before the process ends.
	UnlockItem(ctx context.Context, it int64) error
	// LockAccount keeps other purchases of the seller's account off until UnlockAccount; Locked when the deadline of
	// ctx leaves no time to wait.
	LockAccount(ctx context.Context, account string) error
	UnlockAccount(ctx context.Context) error
	// SingleWriter returns a fault of type DB if the database has several nodes that write: named locks are those of one
	// node then.
	SingleWriter(ctx context.Context) error
	// HoldsLocks asks the database whether both locks are still ours; asked right before money is spent.
	HoldsLocks(ctx context.Context) error
}

// Params reads and writes item parameters.
type Params interface {
	// Param reads one item parameter back from the database; false if it is not there.
	Param(ctx context.Context, it int64, name string) (string, bool, error)
	SaveParam(ctx context.Context, it int64, name, value string) error
	DropParam(ctx context.Context, it int64, name string) error
}

// Purchases is what the panel and this host remember of purchases.
type Purchases interface {
	// ItemClaims lists every item of the given processing modules that carries a purchase intent, an order id or a
	// lineage.
	ItemClaims(ctx context.Context, modules []int64) ([]Claim, error)
	// Journal reads the purchase journal; AppendJournal adds a line and syncs it to disk (rules BUY-2).
	Journal(ctx context.Context) ([]JournalEntry, error)
	AppendJournal(ctx context.Context, line JournalEntry) error
}

// Certificates stores certificates and shows their dates and status.
type Certificates interface {
	// StoredCertificate reads certificate.crt of the item back; empty if nothing is stored.
	StoredCertificate(ctx context.Context, it int64) (string, error)
	// SaveCertificatePEM and SaveCertificateZIP are certificate.save in its two forms.
	SaveCertificatePEM(ctx context.Context, it int64, pem string) error
	SaveCertificateZIP(ctx context.Context, it int64, zip []byte) error
	OpenCertificate(ctx context.Context, it int64) error
	FailCertificate(ctx context.Context, it int64) error
	SetStatus(ctx context.Context, it int64, status ServiceStatus) error
	SetExpireDate(ctx context.Context, it int64, date cabforum.Date) error
}

// Operations ends running operations and hands items to the administrator.
type Operations interface {
	// Post is service.post<what>: open, suspend, resume, close, setparam, reopen, prolong.
	Post(ctx context.Context, it int64, what string) error
	// CountOperations counts the item's open running operations.
	CountOperations(ctx context.Context, it int64) (int, error)
	// Escalate stops the panel's automatic re-runs of the operation and opens a task for the administrator; without an
	// operation only the task is opened. Never more than one task for the same operation.
	Escalate(ctx context.Context, it, operation int64, command, text string) error
	// OpenTask returns the id of the item's newest open task of the type that Escalate makes for the command; 0 if there is
	// none. CloseTask ends a task that is over.
	OpenTask(ctx context.Context, it int64, command string) (int64, error)
	CloseTask(ctx context.Context, task int64) error
}

// Sweeps finds the items that the sweep works on.
type Sweeps interface {
	// LockSweep takes the sweep's lock without waiting; false where another sweep holds it.
	LockSweep(ctx context.Context) (bool, error)
	// ActiveItems counts the items that the sweep watches; WaitingItems lists those in service status 3 or 4,
	// ExpiringBefore those whose stored certificate ends on the date or before (rules SWEEP-1, SWEEP-2).
	ActiveItems(ctx context.Context) (int, error)
	WaitingItems(ctx context.Context) ([]int64, error)
	ExpiringBefore(ctx context.Context, until cabforum.Date) ([]int64, error)
}

// Imports makes items of certificates that exist at the seller.
type Imports interface {
	// ImportService makes an item of a certificate that exists at the seller (processing.import.service) and returns its
	// id.
	ImportService(ctx context.Context, service Import) (int64, error)
	// ItemsWithoutOrder lists the active items of the processing module with this name that carry neither a purchase intent nor
	// an order id nor a lineage, the oldest first.
	ItemsWithoutOrder(ctx context.Context, module int64, name string) ([]seller.BareItem, error)
}

// Settings reads the panel's own settings.
type Settings interface {
	// InstallationID tells this panel from every other one: lower-case hex, the same after the panel has moved to another
	// host.
	InstallationID(ctx context.Context) (string, error)
	// Setting reads an option of etc/billmgr.conf (SSLSubscription...); empty if it is not set.
	Setting(ctx context.Context, name string) (string, error)
}

// Log is what the commands write to: the panel's levels (docs/reference/billmanager.md §8.1). Infof shows requests,
// ExtInfof each decision with its reason.
type Log interface {
	Errorf(format string, args ...any)
	Warningf(format string, args ...any)
	Infof(format string, args ...any)
	ExtInfof(format string, args ...any)
	Tracef(format string, args ...any)
	Debugf(format string, args ...any)
}
