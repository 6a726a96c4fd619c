package lifecycle

import (
	"pmssl/internal/cabforum"
)

// MigrationState is what a migration found for one item, in one word.
type MigrationState string

// The states of items in a migration (rules MIGRATE-3).
const (
	MigrationMatch     MigrationState = "match"     // exactly one order is certainly the item's
	MigrationMigrated  MigrationState = "migrated"  // the item has been given the order
	MigrationAmbiguous MigrationState = "ambiguous" // several orders may be the item's, or one without proof
	MigrationNone      MigrationState = "none"      // no order of the account fits
	MigrationOther     MigrationState = "other"     // the order of this name is for another key or product
	MigrationHeld      MigrationState = "held"      // the order belongs to another item
	MigrationUnchecked MigrationState = "unchecked" // the seller could not be asked
	MigrationFailed    MigrationState = "failed"    // writing failed; the next run goes on
)

// MigrationRow is one item of a migration.
type MigrationRow struct {
	Item    int64
	Name    string // of the item
	Product string // template of its tariff
	State   MigrationState
	// Proof is how the order is known to be the item's: certificate (the same serial), key (the same public key), or name, which
	// proves nothing; administrator if --id named it without such a proof.
	Proof string
	// ID is the order's newest id at the seller, Lineage all of them, oldest first; 0 and empty if no order was found.
	ID      int64
	Lineage []int64
	Reason  string // in words
	// TermStart and TermMonths are the paid term, PaidUntil its end; zero if the seller does not say.
	TermStart  cabforum.Date
	TermMonths int
	PaidUntil  cabforum.Date
	// Newer says that the seller has a newer certificate than the panel: the next sync_item or sweep stores it.
	Newer bool
	// Renews says that the seller is set to renew the order by itself: the next sync_item switches that off.
	Renews   bool
	Warnings []string
}

// Migration is the outcome of the command migrate.
type Migration struct {
	Applied bool // with --yes
	Rows    []MigrationRow
}

// Count returns the number of rows in a state.
func (m Migration) Count(state MigrationState) int {
	n := 0
	for _, row := range m.Rows {
		if row.State == state {
			n++
		}
	}
	return n
}
