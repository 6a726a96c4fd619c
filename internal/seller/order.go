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
	// OrderRef is the reference of our item at an OrderReferencer; empty at other sellers.
	OrderRef string
	// Released lists ids with this order reference of which an administrator has said that they are not this item's.
	Released []int64
	// Quote is the quote of a renewal in place on which the decision to renew was made.
	Quote RenewalQuote
	// Of a purchase of the kind sans: BoughtSANs is how many names beyond those included were bought before, SellerSANs how
	// many names the order holds by the seller's count.
	BoughtSANs, SellerSANs int
	Request                Request // for sellers that take the CSR with the order
}

// OrderSummary is one row of the seller's list.
type OrderSummary struct {
	ID         int64
	State      State
	Months     int           // of the paid term, 0 if the seller does not say
	CommonName string        // common name, empty before activation
	Type       string        // the seller's product name
	OrderRef   string        // our order reference on the order, empty if it has none or the seller does not show it
	Created    cabforum.Date // zero if the seller does not say
}

// OrderSnapshot lists the seller's orders that may be the result of a purchase without an answer, see Seller.OrderSnapshot.
type OrderSnapshot struct {
	Highest int64 // highest id of the account that was seen
	Orders  []OrderSummary
}

// OrderStatus is the seller's report on one id.
type OrderStatus struct {
	ID         int64
	State      State
	StatusText string // the seller's own words for the state
	ReplacedBy int64  // 0 if nothing replaced it
	Type       string // the seller's product name
	Months     int    // of the paid term, 0 if the seller does not say
	Issued     cabforum.Date
	Expires    cabforum.Date // end of the certificate or of the term: sellers do not document which
	CSR        string        // PEM that the seller shows, often empty
	CommonName string
	SANs       int // names beside the common name that the order holds, by the seller's count; -1 if it does not say
	// PEM holds the certificates as received, in the seller's order, which should begin with the leaf; empty if there are
	// none.
	PEM []string
	// Challenges are those of all validation methods that the seller's report shows.
	Challenges []Challenge
	// AutoRenews says that the seller is set to renew the order by itself.
	AutoRenews bool
	// Inferred says that the seller does not report the state and State was inferred from whether there is a certificate. A
	// reissue that waits then looks the same as one that never began.
	Inferred bool
	// DeliveryError is why the certificate of an issued order could not be fetched; nil if it was fetched or is not there
	// yet. If it is set, State is StateWaiting, and the progress of a reissue is unknown.
	DeliveryError error
	// CertificateMissing says that the seller reports the order as issued and does not have its certificate yet. State is
	// StateWaiting then.
	CertificateMissing bool
}

// RenewalQuote says until when an order is paid now and after a renewal in place.
type RenewalQuote struct{ CurrentEnd, NewEnd cabforum.Date }

// ListedCertificate is one certificate of the seller's account.
type ListedCertificate struct {
	ID         int64
	Older      []int64 // ids that it replaced, oldest first
	State      State
	CommonName string
	Template   string // template id of its product, empty if the product is not known
	Type       string // the seller's product name
	Months     int    // of the paid term, 0 if the seller does not say
	Created    cabforum.Date
	Expires    cabforum.Date // see OrderStatus.Expires
	OrderRef   string        // our order reference on the order
	// IssuanceUnknown says that the list does not show whether the order was issued; OrderStatus does.
	IssuanceUnknown bool
}

// Lineage returns all ids of the order, oldest first.
func (l ListedCertificate) Lineage() []int64 { return append(slices.Clone(l.Older), l.ID) }

// Offer is one product at its prices.
type Offer struct {
	ID      int64  // the seller's own number of the tariff, 0 if it has none
	Name    string // the seller's name
	Product Product
	Prices  []Price
	// MoreNames are the prices of one name beyond those included, by term; empty if none can be bought or the seller does
	// not say.
	MoreNames []Price
}

// Price is the cost of a term.
type Price struct {
	Months int
	Cost   Money
}

// Charge is money that the seller took from the account.
type Charge struct {
	ID     int64 // the seller's own number
	Date   cabforum.Date
	Text   string // what it is for, in the seller's words
	Amount Money
	// Unreadable says that the amount has no certain meaning (rules MONEY-1): Amount has the seller's text alone.
	Unreadable bool
}

// Finding is the result of one read-only request to the seller (command probe).
type Finding struct {
	Title    string   // the subject of the request, for people
	Function string   // the seller's name of the function
	OK       bool     // the answer has the expected form
	Lines    []string // the answer's content, without secrets
}

// Money is an amount in a currency, as the seller writes it.
type Money struct {
	Amount   float64
	Text     string
	Currency string
}

// NamedItem is a panel item that has a certificate's name.
type NamedItem struct {
	Item     int64
	Expires  cabforum.Date // item.expiredate of an item that is Bare, zero of others
	RemoteID string        // item.remoteid, which may hold the id of an imported order
	OrderID  string        // parameter custom_order_id
	Lineage  string        // parameter lineage
	Intent   string        // raw parameter purchase_intent
}

// Bare reports whether the item has no id of an order at the seller and no purchase intent.
func (i NamedItem) Bare() bool { return i.OrderID == "" && i.Lineage == "" && i.Intent == "" }
