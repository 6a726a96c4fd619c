package cert

import (
	"slices"
	"time"

	"pmssl/internal/cabforum"
)

// Names of item parameters, table itemparam (contract 1 and billmanager-module-protocol §4.1).
const (
	ParamIntent        = "purchase_intent"
	ParamUnjournaled   = "purchase_unjournaled" // lines that the purchase journal did not take
	ParamOrderID       = "custom_order_id"
	ParamLineage       = "lineage"
	ParamTermStart     = "term_start"
	ParamTermMonths    = "term_months" // months of the term that is paid; the item's own period may be the next one's already
	ParamPaidUntil     = "paid_until"
	ParamExpireDate    = "certificate_expiredate"
	ParamSerial        = "certificate_serial"
	ParamProofTime     = "dcv_time"
	ParamProofMethod   = "dcv_method"
	ParamDomains       = "domains_list"
	ParamDelivered     = "delivered_type"
	ParamMethod        = "approver_method"
	ParamApprover      = "approver_email"
	ParamAltName       = "altname"
	ParamOldAltName    = "old_altname"
	ParamServiceStatus = "service_status"
	ParamReissueOf     = "reissue_of"
	ParamReissueTried  = "reissue_tried"
	ParamToldSerial    = "told_serial"
	ParamTermEnd       = "seller_term_end"
	ParamRenewal       = "renewal_bought" // TIME ID OPERATION of the renewal that was paid last
	ParamReleased      = "released_ids"   // ids that the purchase journal names and an administrator took off the item
	ParamSANsBought    = "sans_bought"    // names bought beyond those included in the product's price
	// ParamRequested is the SHA-256 of the CSR and names that the seller was last handed. A second word says that it is being
	// handed over, see rules STORE-9.
	ParamRequested = "request_mark"
	// ParamLeafKey and ParamLeafNames tell which request the stored certificate answers: SHA-256 of its public key and of
	// the names that were asked for.
	ParamLeafKey   = "certificate_key"
	ParamLeafNames = "certificate_names"
	// ParamRefusedSerial is the serial of a certificate that was not stored because the stored one is better, and
	// ParamRevokedSerial that of a stored one which the seller calls cancelled.
	ParamRefusedSerial = "refused_serial"
	ParamRevokedSerial = "revoked_serial"
	// ParamNotBefore is a certificate that is not valid yet: serial and the time at which it was seen first.
	ParamNotBefore = "certificate_not_yet"
	// ParamIssuedSince is an order that the seller calls issued and of which no certificate came: id and the time at which
	// that was seen first.
	ParamIssuedSince = "issued_since"
	// ParamWaitingTask is the id of the administrator's task that is over when the certificate is stored.
	ParamWaitingTask = "waiting_task"
	// ParamStatusNote is what the panel shows beside the service status: its own word check, or our lines about names that
	// cannot be certified.
	ParamStatusNote = "service_status_addition"
)

// Order is a certificate item of the panel with all that belongs to it, as read from its database.
type Order struct {
	Item        int64
	Name        string
	Account     int64 // the client's account
	AccountName string
	Project     int64
	Module      int64  // processingmodule.id, 0 where none is chosen yet
	Binary      string // processingmodule.module
	Pricelist   int64
	LastPrice   int64 // item.lastpricelist
	Template    string
	ItemType    string
	Period      int // months; -100 is a trial
	Status      int // item.status
	OpenDate    cabforum.Date
	ExpireDate  cabforum.Date
	RemoteID    string
	// Params are the item's parameters, later sources overriding earlier ones: addons, tariff, item, encrypted
	// (billmanager-module-protocol §4).
	Params map[string]string
	CSR    string // PEM as stored
	Stored string // what certificate.crt holds: PEM, ZIP or base64 of a ZIP; empty where nothing was ever stored
	// SANs is how many further names the client ordered as an addon, 0 if none; Product.PaidNames says what that allows.
	SANs int
}

// Request is what the seller is asked to certify.
type Request struct {
	Product Product
	CSR     CSR
	Names   []string // without the common name, A-labels
	Method  Method
	// Emails are the approvers, the common name's first, then one for each of Names where the client chose any.
	Emails []string
	// Params are the order's parameters: organisation and contacts (billmanager-module-protocol §4.1).
	Params map[string]string
}

// Kinds of purchase: the word in Intent.Kind (contract 1).
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
	// Mark names our item at sellers that keep such a mark; empty at the others.
	Mark string
	// Released are ids that carry the mark and are not this item's, by an administrator's word.
	Released []int64
	// Extension is what a renewal in place was seen to do before it was decided on.
	Extension Extension
	// Held is how many names beyond those included were bought for the order before, and Counted how many it holds by the
	// seller's own count; of a purchase of the kind sans.
	Held, Counted int
	Request       Request // for sellers that take the CSR with the order
}

// Record is one row of the seller's list.
type Record struct {
	ID      int64
	State   State
	Months  int           // of the paid term, 0 where the seller does not tell
	Host    string        // common name, empty before activation
	Type    string        // the seller's product name
	Mark    string        // our mark on the order, empty where it has none or the seller does not show it
	Created cabforum.Date // zero where the seller does not tell
}

// Shelf is what the seller holds that is paid and not activated, and where its ids stand.
type Shelf struct {
	Highest int64 // highest id seen at all
	Records []Record
}

// Report is what the seller says of one certificate id.
type Report struct {
	ID         int64
	State      State
	Words      string // the seller's own words for the state
	ReplacedBy int64  // 0 where nothing replaced it
	Type       string // the seller's product name
	Months     int    // of the paid term, 0 where the seller does not tell
	Issued     cabforum.Date
	Expires    cabforum.Date // meaning unproven: the leaf's end or the term's
	CSR        string        // PEM that the seller shows, often empty
	CommonName string
	SANs       int // names beside the common name that the order holds, by the seller's count; -1 where it does not tell
	// PEM holds the certificates as they came, the leaf first as far as the seller's order tells; empty where none is
	// there.
	PEM []string
	// Proofs are what the client must publish, where the report itself tells; of all ways of proof that the seller shows.
	Proofs []Proof
	// Renews says that the seller would renew the order by itself.
	Renews bool
	// Inferred says that the seller does not tell the state: it was concluded from whether a certificate is there. A
	// reissue that waits cannot be told from one that never began then.
	Inferred bool
	// Undelivered says why the certificate of an order that the seller calls issued could not be fetched; State is
	// StateWaiting then, and nothing can be told of a reissue. Nil otherwise.
	Undelivered error
	// Empty says that the seller calls the order issued and that its certificate is not there yet; State is StateWaiting
	// then.
	Empty bool
}

// Extension is what a renewal in place would do to an order: until when it is paid, and until when it would be.
type Extension struct{ Ends, Becomes cabforum.Date }

// Listed is one certificate of the seller's account.
type Listed struct {
	ID         int64
	Older      []int64 // ids that it took the place of, oldest first
	State      State
	CommonName string
	Template   string // template id of its product, empty where the product is not known
	Type       string // the seller's product name
	Months     int    // of the paid term, 0 where the seller does not tell
	Created    cabforum.Date
	Expires    cabforum.Date // meaning unproven, see Report
	Mark       string        // our mark on the order
	// Unsaid means that the list does not say whether the order was issued: only a report tells that.
	Unsaid bool
}

// Lineage is all ids of the order, oldest first.
func (l Listed) Lineage() []int64 { return append(slices.Clone(l.Older), l.ID) }

// Import is a service that the panel takes over (billmanager-module-protocol §11).
type Import struct {
	Module   int64
	Template string
	Name     string // common name
	RemoteID string
	Status   int // item.status
	Service  Service
	Months   int
	Expires  cabforum.Date
	// Params are item parameters that the item has from the start.
	Params map[string]string
}

// Offer is one product at its prices.
type Offer struct {
	ID      int64  // the seller's own number of the tariff, 0 where it has none
	Name    string // the seller's name
	Product Product
	Prices  []Price
	// MoreNames is what one further name beyond those included costs, by term; empty where none can be bought or the seller
	// does not tell.
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

// Bought is one line of the purchase journal `var/<binary>.purchases` (contract 3.2).
type Bought struct {
	Time time.Time `json:"time"`
	Item int64     `json:"item"`
	Kind string    `json:"kind"`
	ID   int64     `json:"id"`
	// Account is the mark of the seller's account (AccountMark): what was bought in its sandbox is no purchase of the real shop.
	Account string `json:"account"`
	Op      int64  `json:"op"` // running operation, 0 where none
	// SANs is how many names beyond those included are bought for the order with this purchase, all in all; 0 where that is not
	// known or none are.
	SANs int `json:"sans,omitempty"`
	// Key and Name are the SHA-256 of the public key and the common name of the CSR that the purchase was made for (rules BUY-9);
	// empty in lines of the version before.
	Key  string `json:"key,omitempty"`
	Name string `json:"name,omitempty"`
}

// Client is whom the letters about an item go to.
type Client struct {
	Email string
	Name  string
	Lang  string // as the panel writes it: en, ru, es, perhaps with a region
}

// Holding is what the panel's database knows of purchases on one item: used to tell whose an id at the seller is.
type Holding struct {
	Item    int64
	Module  int64
	Intent  string // raw parameter purchase_intent
	OrderID string
	Lineage string
}

// BareItem is an item of which nothing says which order at the seller is its own.
type BareItem struct {
	Item     int64
	Expires  cabforum.Date // item.expiredate
	RemoteID string        // item.remoteid; a panel may keep an import's there
}
