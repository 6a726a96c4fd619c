package seller

import (
	"slices"

	"pmssl/internal/cabforum"
	"pmssl/internal/pki"
)

// Request is what the seller is asked to certify.
type Request struct {
	Product Product
	CSR     pki.CSR
	Names   []string // without the common name, A-labels
	Method  Method
	// Emails are the approvers, the common name's first, then one for each of Names where the client chose any.
	Emails []string
	// Params are the order's parameters: organisation and contacts (docs/reference/billmanager.md §4.1).
	Params map[string]string
}

// Kinds of purchase: the word in Intent.Kind (rules PARAM-1).
const (
	KindCreate  = "create"
	KindRenew   = "renew"
	KindSANs    = "sans"
	KindOrder   = "order"
	KindProlong = "prolong"
)

// Purchase is one payment that the seller is asked to take.
type Purchase struct {
	Kind    string
	Product Product
	Months  int
	SANs    int   // names above those included in the price
	ID      int64 // renew, sans, prolong: the certificate concerned
	// OrderRef names our item at sellers that keep such a mark; empty at the others.
	OrderRef string
	// Released are ids that carry the mark and are not this item's, by an administrator's word.
	Released []int64
	// Extension is what a renewal in place was seen to do before it was decided on.
	Extension RenewalQuote
	// Held is how many names beyond those included were bought for the order before, and Counted how many it holds by the
	// seller's own count; of a purchase of the kind sans.
	Held, Counted int
	Request       Request // for sellers that take the CSR with the order
}

// OrderSummary is one row of the seller's list.
type OrderSummary struct {
	ID       int64
	State    State
	Months   int           // of the paid term, 0 if the seller does not say
	Host     string        // common name, empty before activation
	Type     string        // the seller's product name
	OrderRef string        // our order reference on the order, empty if it has none or the seller does not show it
	Created  cabforum.Date // zero if the seller does not say
}

// OrderSnapshot is what the seller holds that is paid and not activated, and where its ids stand.
type OrderSnapshot struct {
	Highest int64 // highest id seen at all
	Records []OrderSummary
}

// OrderStatus is what the seller says of one certificate id.
type OrderStatus struct {
	ID         int64
	State      State
	StatusText string // the seller's own words for the state
	ReplacedBy int64  // 0 if nothing replaced it
	Type       string // the seller's product name
	Months     int    // of the paid term, 0 if the seller does not say
	Issued     cabforum.Date
	Expires    cabforum.Date // meaning unproven: the leaf's end or the term's
	CSR        string        // PEM that the seller shows, often empty
	CommonName string
	SANs       int // names beside the common name that the order holds, by the seller's count; -1 where it does not say
	// PEM holds the certificates as they came, the leaf first as far as the seller's order tells; empty if none is
	// there.
	PEM []string
	// Challenges are what the client must publish, where the report itself tells; of all validation methods that the seller
	// shows.
	Challenges []Challenge
	// Renews says that the seller would renew the order by itself.
	Renews bool
	// Inferred says that the seller does not say the state: it was concluded from whether a certificate is there. A
	// reissue that waits cannot be told from one that never began then.
	Inferred bool
	// Undelivered says why the certificate of an order that the seller calls issued could not be fetched; State is
	// StateWaiting then, and nothing can be told of a reissue. Nil otherwise.
	Undelivered error
	// Empty says that the seller calls the order issued and that its certificate is not there yet; State is StateWaiting
	// then.
	Empty bool
}

// RenewalQuote is what a renewal in place would do to an order: until when it is paid, and until when it would be.
type RenewalQuote struct{ CurrentEnd, NewEnd cabforum.Date }

// ListedCertificate is one certificate of the seller's account.
type ListedCertificate struct {
	ID         int64
	Older      []int64 // ids that it took the place of, oldest first
	State      State
	CommonName string
	Template   string // template id of its product, empty if the product is not known
	Type       string // the seller's product name
	Months     int    // of the paid term, 0 if the seller does not say
	Created    cabforum.Date
	Expires    cabforum.Date // meaning unproven, see OrderStatus
	OrderRef   string        // our order reference on the order
	// Unsaid means that the list does not say whether the order was issued: only a report tells that.
	Unsaid bool
}

// Lineage returns all ids of the order, oldest first.
func (l ListedCertificate) Lineage() []int64 { return append(slices.Clone(l.Older), l.ID) }

// Offer is one product at its prices.
type Offer struct {
	ID      int64  // the seller's own number of the tariff, 0 if it has none
	Name    string // the seller's name
	Product Product
	Prices  []Price
	// MoreNames is what one further name beyond those included costs, by term; empty if none can be bought or the seller
	// does not say.
	MoreNames []Price
}

// Price is what a term costs.
type Price struct {
	Months int
	Cost   Money
}

// Finding is what one harmless question to the seller brought (command probe).
type Finding struct {
	Title    string   // what was asked for, for people
	Function string   // the seller's name of the function
	OK       bool     // the answer is of the expected kind
	Lines    []string // what it says, without secrets
}

// Money is an amount in a currency, as the seller writes it.
type Money struct {
	Amount   float64
	Text     string
	Currency string
}

// BareItem is an item without a record of its order at the seller.
type BareItem struct {
	Item     int64
	Expires  cabforum.Date // item.expiredate
	RemoteID string        // item.remoteid; a panel may keep an import's there
}
