package item

import (
	"time"

	"pmssl/internal/cabforum"
)

// Item is a certificate item of the panel with all that belongs to it, as read from its database.
type Item struct {
	Item        int64
	Name        string
	Account     int64 // the client's account
	AccountName string
	Project     int64
	Module      int64  // processingmodule.id, 0 if none is chosen yet
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
	// (docs/reference/billmanager.md §4).
	Params map[string]string
	CSR    string // PEM as stored
	Stored string // what certificate.crt holds: PEM, ZIP or base64 of a ZIP; empty if nothing was ever stored
	// SANs is how many further names the client ordered as an addon, 0 if none; Product.PaidNames says what that allows.
	SANs int
}

// Import is a service that the panel takes over (docs/reference/billmanager.md §11).
type Import struct {
	Module   int64
	Template string
	Name     string // common name
	RemoteID string
	Status   int // item.status
	Service  ServiceStatus
	Months   int
	Expires  cabforum.Date
	// Params are item parameters that the item has from the start.
	Params map[string]string
}

// JournalEntry is one line of the purchase journal `var/<binary>.purchases` (rules BUY-2).
type JournalEntry struct {
	Time time.Time `json:"time"`
	Item int64     `json:"item"`
	Kind string    `json:"kind"`
	ID   int64     `json:"id"`
	// Account is the hash of the seller's account (AccountHash): what was bought in its sandbox is no purchase of the real
	// shop.
	Account string `json:"account"`
	Op      int64  `json:"op"` // running operation, 0 if none
	// SANs is how many names beyond those included are bought for the order with this purchase, all in all; 0 if that is
	// not known or none are.
	SANs int `json:"sans,omitempty"`
	// Key and Name are the SHA-256 of the public key and the common name of the CSR that the purchase was made for (rules
	// BUY-9); empty in lines of the version before.
	Key  string `json:"key,omitempty"`
	Name string `json:"name,omitempty"`
}

// Recipient is whom the letters about an item go to.
type Recipient struct {
	Email string
	Name  string
	Lang  string // as the panel writes it: en, ru, es, perhaps with a region
}

// Claim is what the panel's database knows of purchases on one item: used to tell whose an id at the seller is.
type Claim struct {
	Item    int64
	Module  int64
	Intent  string // raw parameter purchase_intent
	OrderID string
	Lineage string
}
