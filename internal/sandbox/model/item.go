package model

// Service is the item parameter service_status, as far as a client sees it (docs/reference/billmanager.md §4.1).
type Service string

// The states of a service.
const (
	NotOrdered Service = ""        // no status yet
	Waiting    Service = "waiting" // 3 and 4
	Issued     Service = "issued"  // 5
	Refused    Service = "refused" // 6
)

// States of an item (docs/reference/billmanager.md §4).
const (
	Active     = 2
	Deleted    = 4
	Processing = 5
)

// Operation is a running operation of the panel that has not succeeded.
type Operation struct {
	Command string
	Tries   int
	Manual  bool

	number int
}

// LeafID names a certificate: the order at the seller and the number of its certificate, from 0 on. The zero LeafID is no certificate.
type LeafID struct {
	Order  int64
	Number int
}

// Item is a service in the panel.
type Item struct {
	ID     int64
	Name   string
	Months int // of the item's period
	Status int
	// Service is the status of the certificate.
	Service Service
	// Expire is the item's expiration date.
	Expire Date
	// TermStart and TermMonths are the paid term (rules PARAM-4, PARAM-5).
	TermStart  Date
	TermMonths int
	// Lineage are the ids at the seller, oldest first (rules PARAM-3).
	Lineage []int64
	// Stored is the certificate in place.
	Stored LeafID
	// Operation is the open operation, or nil.
	Operation *Operation
	// Renewed counts the paid renewals.
	Renewed int

	key      int   // of the CSR in the panel
	bought   int64 // order whose answer was lost: the intent is open (rules BUY-4)
	intended Date  // day of that intent
	tried    attempt
}

// attempt is the item parameter reissue_tried (rules PARAM-9).
type attempt struct {
	leaf  LeafID
	at    int64 // seconds since 1970
	count int
}

// PaidUntil returns the parameter paid_until: only terms over 12 months have one (rules PARAM-6).
func (i *Item) PaidUntil() Date {
	if i.TermMonths <= 12 {
		return NoDate
	}
	return i.TermEnd()
}

// TermEnd returns the end of the paid term (rules TIME-3), or NoDate before the purchase.
func (i *Item) TermEnd() Date {
	if i.TermStart == NoDate {
		return NoDate
	}
	return i.TermStart.AddMonths(i.TermMonths)
}

// Lost reports whether a purchase of the item has no answer yet.
func (i *Item) Lost() bool { return i.bought != 0 }

// HasKeyOf reports whether the CSR in the panel is for the key of a certificate.
func (i *Item) HasKeyOf(l Leaf) bool { return i.key == l.key }

func (i *Item) newest() int64 {
	if len(i.Lineage) == 0 {
		return 0
	}
	return i.Lineage[len(i.Lineage)-1]
}
