package item

import (
	"slices"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
)

// Item is a certificate item of the panel, as read from the panel's database.
type Item struct {
	Item        int64  // item.id
	Name        string // item.name, the domain
	Account     int64  // the client's account
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
	CSR    string // PEM as stored; see RequestCSR for that of an imported item
	Stored string // what certificate.crt holds: PEM, ZIP or base64 of a ZIP; empty if nothing was ever stored
	// HeldKey is the hash (pki.CSR.KeyHash) of the new private key in the item's file of key pairs; empty if it has none. It is
	// known only of an item with the parameter rotated_csr. HeldKeyProblem says why the file cannot be read.
	HeldKey, HeldKeyProblem string
	// SANs is the number of further names that the client ordered as an addon; 0 if none. See Product.PaidNames.
	SANs int
}

// RequestCSR returns the CSR that the item's certificates are requested with: that of a new key which the module has made, as long
// as that counts (rules ROTATE-3); else the panel's, which the client gave, or, of an imported item without one, that of the item
// parameter imported_csr if it is for the key of the stored certificate (rules IMPORT-3). Empty if there is none.
func (i Item) RequestCSR() string {
	if rotated, _ := i.rotatedCSR(); rotated != "" {
		return rotated
	}
	kept := i.Params[itemparam.ImportedCSR]
	if strings.TrimSpace(i.CSR) != "" || kept == "" {
		return i.CSR
	}
	csr, err := pki.ReadCSR(kept)
	if err != nil {
		return ""
	}
	if stored, err := pki.StoredLeaf(i.Stored); err != nil || !csr.SameKey(stored.Leaf.PublicKey) {
		return ""
	}
	return csr.PEM
}

// Import describes a certificate of the seller that becomes a new item of the panel (docs/reference/billmanager.md §11).
type Import struct {
	Module   int64
	Template string
	Name     string // common name
	RemoteID string
	Status   int // item.status
	Service  ServiceStatus
	Months   int
	Expires  cabforum.Date
	// Params are the item parameters that are saved together with the new item.
	Params map[string]string
}

// JournalEntry is one line of the purchase journal `var/<binary>.purchases` (rules BUY-2).
type JournalEntry struct {
	Time time.Time `json:"time"`
	Item int64     `json:"item"`
	Kind string    `json:"kind"`
	ID   int64     `json:"id"`
	// Account is the hash of the seller's account (seller.AccountHash). It keeps purchases in the seller's sandbox apart from
	// real ones.
	Account string `json:"account"`
	Op      int64  `json:"op"` // running operation, 0 if none
	// SANs is the total number of names bought for the order beyond the included ones, this purchase counted; 0 if none or
	// not known.
	SANs int `json:"sans,omitempty"`
	// Key is the SHA-256 of the CSR's public key, Name its common name (rules BUY-9). Both are empty in lines that the
	// previous version wrote.
	Key  string `json:"key,omitempty"`
	Name string `json:"name,omitempty"`
	// TermStart is the first day of the term that a renewal paid for (YYYY-MM-DD): the end of the term before. It is empty in other
	// lines, in those that the previous version wrote, and if that end was not known.
	TermStart string `json:"term_start,omitempty"`
}

// EntriesOf returns the entries about the item or one of the ids, and all about the ids that the item's entries name, in their order.
func EntriesOf(lines []JournalEntry, it int64, ids ...int64) (found []JournalEntry) {
	for _, line := range lines {
		if line.Item == it {
			ids = append(slices.Clip(ids), line.ID)
		}
	}
	for _, line := range lines {
		if line.Item == it || slices.Contains(ids, line.ID) {
			found = append(found, line)
		}
	}
	return found
}

// Recipient is the person who gets the mails about an item.
type Recipient struct {
	Email string
	Name  string
	Lang  string // as the panel writes it: en, ru, es; a region may follow
}

// Claim is what the panel's database holds about the purchases of one item. It decides which item an id at the seller
// belongs to.
type Claim struct {
	Item    int64
	Name    string // item.name
	Status  int    // item.status
	Module  int64
	Intent  string // raw parameter purchase_intent
	OrderID string
	Lineage string
	Renewal string // raw parameter renewal_bought
}

// IDs returns the ids of the claim, the newest last.
func (c Claim) IDs() []int64 { return append(ParseIDs(c.Lineage), ParseIDs(c.OrderID)...) }
