package reconcile

import (
	"time"

	"pmssl/internal/cabforum"
)

// Class is what a row says, in one word (rules RECONCILE-2).
type Class string

// The classes of rows. Those that explain nothing make the exit code 1.
const (
	Held       Class = "held"        // an order of the month that is on an item
	Nobodys    Class = "nobody"      // an order of the month that is on no item
	Twice      Class = "twice"       // money that was probably spent twice
	Absent     Class = "absent"      // an id that an item or the journal has and the seller does not
	Unclear    Class = "unclear"     // a purchase without an answer
	OtherPanel Class = "other_panel" // an order of the month that another panel made with the same account
	Ended      Class = "ended"       // an order of the month that was refused, cancelled or deleted
	Unpaid     Class = "unpaid"      // an order of the month that nobody has paid for
	Renewal    Class = "renewal"     // a renewal in place
	Names      Class = "names"       // names that were bought for an order
)

// Classes lists the classes in the order of an answer.
func Classes() []Class {
	return []Class{Nobodys, Twice, Absent, Unclear, Held, Renewal, Names, OtherPanel, Ended, Unpaid}
}

// Unexplained reports whether rows of the class are about money that nothing explains.
func (c Class) Unexplained() bool { return c == Nobodys || c == Twice || c == Absent || c == Unclear }

// The values of Row.Journal.
const (
	JournalHas   = "yes"   // the purchase journal has a line about the order
	JournalLacks = "no"    // it has none: another host bought it, or it was imported or migrated
	JournalOlder = "older" // the order is older than the journal
)

// Row is one order, purchase or item.
type Row struct {
	Class   Class
	ID      int64         // at the seller; 0 if none
	Item    int64         // of the panel; 0 if none
	Name    string        // common name
	Product string        // template, or the seller's name of the product
	State   string        // of the order at the seller; empty if it has none there
	Date    cabforum.Date // of the order or purchase
	Months  int           // of the term; 0 if not known
	Journal string        // of orders: JournalHas, JournalLacks or JournalOlder
	Reason  string        // in words
}

// Result is the outcome of the command reconcile.
type Result struct {
	Module  int64
	Account string // seller.Seller.Account
	Month   Month
	Modules []int64 // the processing modules that use the account
	Rows    []Row   // by class, then date and id
	// Charged is what the account was charged in the month; nil if the seller does not list that.
	Charged *Charged
}

// Count returns the number of rows of a class.
func (r Result) Count(class Class) int {
	n := 0
	for _, row := range r.Rows {
		if row.Class == class {
			n++
		}
	}
	return n
}

// Unexplained returns the number of rows about money that nothing explains.
func (r Result) Unexplained() int {
	n := 0
	for _, row := range r.Rows {
		if row.Class.Unexplained() {
			n++
		}
	}
	return n
}

// Month is a month of the calendar, in UTC.
type Month struct {
	Year  int
	Month time.Month
}

// String returns the month as YYYY-MM.
func (m Month) String() string {
	return time.Date(m.Year, m.Month, 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
}

// has reports whether the date is in the month.
func (m Month) has(d cabforum.Date) bool { return d.Year == m.Year && d.Month == m.Month }

// hasTime reports whether the moment is in the month.
func (m Month) hasTime(at time.Time) bool { return m.has(cabforum.DateOf(at)) }
