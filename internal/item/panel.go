package item

import (
	"context"

	"pmssl/internal/cabforum"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
)

// Panel is what the engines and commands need of the billing panel, by subject. Reads go to its database, changes through
// its call-backs, but for Keys.ReplaceKey. Errors are *fault.Error; a call-back that the panel refuses is fault.Panel with the
// panel's words.
type Panel interface {
	Items
	Modules
	Locks
	Params
	Purchases
	Certificates
	Keys
	Operations
	Sweeps
	Imports
	Migrations
	Settings
	Overviews
	publish.Facts
}

// Items reads single items and their clients.
type Items interface {
	// LoadItem loads an item with its tariff, addons, parameters and certificate. It returns fault.Missed if the item is
	// absent.
	LoadItem(ctx context.Context, it int64) (Item, error)
	// Client returns the recipient of mails about the account's items (rules SWEEP-6).
	Client(ctx context.Context, account int64) (Recipient, error)
	// Brand returns the address or name under which clients know the panel of the project; empty if not known.
	Brand(ctx context.Context, project int64) (string, error)
}

// Modules reads the processing modules of this binary and reports their balances to the panel.
type Modules interface {
	// ModuleParams returns the connection and custom parameters of a processing module, decrypted.
	ModuleParams(ctx context.Context, module int64) (map[string]string, error)
	// PlainParams returns the parameters that are not encrypted.
	PlainParams(ctx context.Context, module int64) (map[string]string, error)
	// Modules lists the ids of all processing modules that this binary serves, those switched off too.
	Modules(ctx context.Context) ([]int64, error)
	// SuitableModules lists the modules of this binary that serve a tariff, preferred ones first.
	SuitableModules(ctx context.Context, pricelist int64) ([]int64, error)
	// SaveBalance saves the balance of a processing module's account at the seller (processing.savebalance).
	SaveBalance(ctx context.Context, module int64, balance seller.Money) error
}

// Locks are named locks of the database on one connection (rules BUY-1).
type Locks interface {
	// LockItem locks the item until UnlockItem or the end of the process. It returns fault.Locked after 30 s (rules BUY-1).
	LockItem(ctx context.Context, it int64) error
	// UnlockItem releases the item's lock.
	UnlockItem(ctx context.Context, it int64) error
	// LockAccount locks purchases with the seller's account until UnlockAccount. It returns fault.Locked when the deadline of
	// ctx leaves no time to wait.
	LockAccount(ctx context.Context, account string) error
	UnlockAccount(ctx context.Context) error
	// SingleWriter returns a fault of type DB if the database has several nodes that accept writes: a named lock is then valid
	// on one node only.
	SingleWriter(ctx context.Context) error
	// HoldsLocks returns a fault unless this connection still holds both locks. It is called right before money is spent.
	HoldsLocks(ctx context.Context) error
}

// Params reads and writes item parameters.
type Params interface {
	// Param reads one item parameter from the database; false if it is absent.
	Param(ctx context.Context, it int64, name string) (string, bool, error)
	SaveParam(ctx context.Context, it int64, name, value string) error
	// SaveParams saves parameters that belong together, none of them empty, with as few calls of the panel as it can, and reads
	// them back (rules PANEL-14). A kill may leave any part of them, in any order.
	SaveParams(ctx context.Context, it int64, params []Param) error
	DropParam(ctx context.Context, it int64, name string) error
}

// Param is an item parameter and its value.
type Param struct{ Name, Value string }

// Purchases reads and writes the records of purchases: in the panel's database and in this host's journal.
type Purchases interface {
	// EachClaim calls f with the claim of each item of the given processing modules that carries a purchase intent, an order id, a
	// lineage or a renewal. f must not use the panel.
	EachClaim(ctx context.Context, modules []int64, f func(Claim)) error
	// EachPurchase calls f with each entry of the account (seller.AccountHash) in the purchase journal, the oldest first (rules BUY-2).
	// f must not use the journal.
	EachPurchase(ctx context.Context, account string, f func(JournalEntry)) error
	// JournalOf returns the entries about the item or one of the ids, and all about the ids that the item's entries name, the oldest
	// first.
	JournalOf(ctx context.Context, it int64, ids ...int64) ([]JournalEntry, error)
	// ExpectItems says about which items JournalOf is asked next, without ids: the memory that it takes is then in proportion to them,
	// and not to the journal. Questions about others are answered too, and take longer.
	ExpectItems(items []int64)
	// JournalOwners returns the item that the account's last entry about each of the ids names, by id.
	JournalOwners(ctx context.Context, account string, ids []int64) (map[int64]int64, error)
	// AppendJournal adds a line to the journal and syncs it to disk.
	AppendJournal(ctx context.Context, line JournalEntry) error
}

// Certificates saves certificates, their dates and their status.
type Certificates interface {
	// StoredCertificate reads certificate.crt of the item; empty if nothing is stored.
	StoredCertificate(ctx context.Context, it int64) (string, error)
	// PrivateKey reads certificate.pkey of the item, as it stands there; empty if the panel holds none. The log masks it from
	// then on.
	PrivateKey(ctx context.Context, it int64) (string, error)
	// SaveCertificatePEM and SaveCertificateZIP call certificate.save in its two forms.
	SaveCertificatePEM(ctx context.Context, it int64, pem string) error
	SaveCertificateZIP(ctx context.Context, it int64, zip []byte) error
	OpenCertificate(ctx context.Context, it int64) error
	FailCertificate(ctx context.Context, it int64) error
	SetStatus(ctx context.Context, it int64, status ServiceStatus) error
	SetExpireDate(ctx context.Context, it int64, date cabforum.Date) error
}

// Keys keeps and replaces the key pairs of items whose key is changed (rules ROTATE-2, ROTATE-4). The log masks every private key
// before anything is done with it.
type Keys interface {
	// KeyPairs reads the item's file in var/pmssl-keys; false if it has none. A damaged file is a fault.
	KeyPairs(ctx context.Context, it int64) (KeyPairs, bool, error)
	// SaveKeyPairs writes the item's file and reads it back. It replaces none.
	SaveKeyPairs(ctx context.Context, pairs KeyPairs) error
	// RemoveKeyPairs removes the item's file if it has one.
	RemoveKeyPairs(ctx context.Context, it int64) error
	// ItemsWithKeyPairs lists the items of all modules that have a file.
	ItemsWithKeyPairs(ctx context.Context) ([]int64, error)
	// ReplaceKey puts the new CSR and key in the place of the old ones into the panel's database, and reads them back; if they are
	// there it changes nothing. The error wraps ErrOtherCSR if the panel has neither.
	ReplaceKey(ctx context.Context, pairs KeyPairs) error
}

// Operations ends running operations and hands items to the administrator.
type Operations interface {
	// Post calls service.post<what>, which ends the running operation; what is open, suspend, resume, close, setparam, reopen
	// or prolong.
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
	// LockSweep takes the sweep's lock without waiting; false if another sweep holds it.
	LockSweep(ctx context.Context) (bool, error)
	// ActiveItems counts the items that the sweep watches; WaitingItems lists those in service status 3 or 4,
	// ExpiringBefore those whose stored certificate ends on the date or before (rules SWEEP-1, SWEEP-2).
	ActiveItems(ctx context.Context) (int, error)
	WaitingItems(ctx context.Context) ([]int64, error)
	// PublishedItems lists the items of this binary with a record of published challenges, whatever their state is.
	PublishedItems(ctx context.Context) ([]int64, error)
	// DeferredItems lists the items for whose challenges earlier sweeps had no time, those that wait longest first.
	DeferredItems(ctx context.Context) ([]int64, error)
	ExpiringBefore(ctx context.Context, until cabforum.Date) ([]int64, error)
	// PendingDeliveries lists the items of this binary whose certificate is still to be delivered, whatever their state is.
	PendingDeliveries(ctx context.Context) ([]PendingDelivery, error)
	// WatchedItems calls f for each item that the sweep covers and that carries a certificate's serial, in no order; with an id for
	// this item at most. f must not use the panel, and after an error it may have been called for some of the items. WatchedSites returns
	// what is known about some of them; an item without a certificate, or with one that is too long to be one, is left out.
	WatchedItems(ctx context.Context, only int64, f func(WatchedItem)) error
	WatchedSites(ctx context.Context, items []int64) ([]WatchedSite, error)
	// RevokedItems lists the items that the sweep covers and that carry the item parameter revocation, lowest first.
	RevokedItems(ctx context.Context) ([]RevokedItem, error)
	// ModulesOf returns the processing modules of the items; those that do not exist or have none are left out.
	ModulesOf(ctx context.Context, items []int64) (map[int64]int64, error)
	// SaveSweep replaces the record of the last sweep in var/<bin>.sweep. LastSweep reads it; false if no sweep has left one.
	SaveSweep(ctx context.Context, record SweepRecord) error
	LastSweep(ctx context.Context) (SweepRecord, bool, error)
}

// PendingDelivery is an item whose certificate is still to be delivered.
type PendingDelivery struct {
	Item  int64
	State string // item parameter delivery
}

// RevokedItem is an item of which a certificate was revoked.
type RevokedItem struct {
	Item  int64
	State string // item parameter revocation
}

// WatchedItem is an item whose sites are watched.
type WatchedItem struct {
	Item   int64
	Serial string // item parameter certificate_serial
}

// WatchedSite is what is needed to look at an item's sites.
type WatchedSite struct {
	Item    int64
	Name    string // item.name, the domain
	Stored  string // what certificate.crt holds, as in Item
	Serial  string // item parameter certificate_serial
	Earlier string // item parameter earlier_serials
	Watch   string // item parameter site_watch
}

// Imports creates items for certificates that exist at the seller.
type Imports interface {
	// ImportService creates an item for a certificate that exists at the seller (processing.import.service) and returns the
	// item's id.
	ImportService(ctx context.Context, service Import) (int64, error)
	// ItemsNamed lists the active items of the processing module with this name, the oldest first.
	ItemsNamed(ctx context.Context, module int64, name string) ([]seller.NamedItem, error)
	// HeldCertificates lists what at most limit items of the panel hold, a CSR or a certificate, of every module and in every
	// state, those with an id above after, lowest first, each item whole. A CSR or certificate that is too long to be one is left out.
	HeldCertificates(ctx context.Context, after int64, limit int) ([]HeldCertificate, error)
}

// Migrations finds the items of another module's orders.
type Migrations interface {
	// UnmigratedItems lists the items of the processing module that are not deleted and carry none of the parameters that only
	// this module writes, or a migration that was interrupted; lowest first.
	UnmigratedItems(ctx context.Context, module int64) ([]int64, error)
}

// HeldCertificate is a CSR and a certificate that the panel stores of an item, which may have several.
type HeldCertificate struct {
	Item   int64
	Status int    // item.status
	CSR    string // certificate.csr
	Stored string // certificate.crt, as in Item
}

// Settings reads the panel's own settings.
type Settings interface {
	// InstallationID returns the id of this panel installation: lower-case hex, unchanged when the panel moves to another host.
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
