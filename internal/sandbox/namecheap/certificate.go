package namecheap

import (
	"time"

	"pmssl/internal/sandbox/issuance"
	"pmssl/internal/sandbox/standin"
)

// Status is the state of a certificate as getInfo and getList spell it
// (docs/reference/namecheap.md §2).
type Status string

// The states of a certificate.
const (
	NewPurchase   Status = "newpurchase"
	NewRenewal    Status = "newrenewal"
	Purchased     Status = "purchased" // waits for validation or vetting
	Active        Status = "active"
	PurchaseError Status = "purchaseerror" // refused by the authority
	Cancelled     Status = "cancelled"
	Replaced      Status = "replaced"
	Expired       Status = "expired"
)

// Certificate is one id at the seller: a purchase, and later the certificate that
// was issued for it. A reissue has an id of its own. All times are UTC.
type Certificate struct {
	ID              int64  `json:"id"`
	Account         string `json:"account"`
	OrderID         int64  `json:"order_id"`
	TransactionID   int64  `json:"transaction_id"`
	ProviderOrderID int64  `json:"provider_order_id,omitempty"` // shared by a lineage
	Product         string `json:"product"`                     // name in users.getPricing
	Years           int    `json:"years"`
	ExtraSANs       int    `json:"extra_sans"` // bought beyond the included ones
	Status          Status `json:"status"`
	Description     string `json:"status_description,omitempty"`

	Created           time.Time `json:"created"`
	ActivationExpires time.Time `json:"activation_expires,omitzero"`
	Activated         time.Time `json:"activated,omitzero"`

	CSR          string                `json:"csr,omitempty"`
	CommonName   string                `json:"common_name,omitempty"`
	Domains      []Domain              `json:"domains,omitempty"` // the common name first
	AdminEmail   string                `json:"admin_email,omitempty"`
	Organization issuance.Organization `json:"organization,omitzero"`
	WebServer    string                `json:"web_server,omitempty"`
	UniqueValue  string                `json:"unique_value,omitempty"`
	Vetted       bool                  `json:"vetted,omitempty"`
	// Looks is what the authority has seen of the challenges, if it looks at them.
	Looks standin.Looks `json:"looks,omitzero"`

	Certificate string    `json:"certificate,omitempty"` // PEM of the leaf
	Serial      string    `json:"serial,omitempty"`      // lower-case hex
	NotBefore   time.Time `json:"not_before,omitzero"`
	NotAfter    time.Time `json:"not_after,omitzero"`
	TermStart   time.Time `json:"term_start,omitzero"` // first issue of the lineage
	TermEnd     time.Time `json:"term_end,omitzero"`   // inclusive

	ReplacedBy int64 `json:"replaced_by,omitempty"` // as getInfo shows it
	Replaces   int64 `json:"replaces,omitempty"`
	RenewalOf  int64 `json:"renewal_of,omitempty"`
	RenewedBy  int64 `json:"renewed_by,omitempty"`
	Revoked    bool  `json:"revoked,omitempty"`
}

// Method is how control of a domain is to be proved.
type Method string

// The methods of domain validation.
const (
	ByEmail Method = "email"
	ByHTTP  Method = "http"
	ByDNS   Method = "dns"
)

// Domain is one name of a certificate and its validation.
type Domain struct {
	Name     string    `json:"name"`
	Method   Method    `json:"method"`
	Approver string    `json:"approver,omitempty"` // e-mail address, for ByEmail
	Proved   time.Time `json:"proved,omitzero"`
}

// waitsForActivation reports whether activate is allowed.
func (c *Certificate) waitsForActivation() bool {
	return c.Status == NewPurchase || c.Status == NewRenewal
}

func (c *Certificate) serial() string { return c.Serial }

// names returns all names, the common name first.
func (c *Certificate) names() []string {
	names := make([]string, 0, len(c.Domains)+1)
	for _, d := range c.Domains {
		names = append(names, d.Name)
	}
	return names
}

// domains returns the names for standin's validation.
func (c *Certificate) domains() []standin.Domain {
	list := make([]standin.Domain, len(c.Domains))
	for i := range c.Domains {
		list[i] = standin.Domain{Name: c.Domains[i].Name, Proved: &c.Domains[i].Proved}
	}
	return list
}

func (c *Certificate) usesEmail() bool {
	for _, d := range c.Domains {
		if d.Method == ByEmail {
			return true
		}
	}
	return false
}

// Charge is one payment.
type Charge struct {
	Time          time.Time `json:"time"`
	Account       string    `json:"account"`
	Command       string    `json:"command"`
	CertificateID int64     `json:"certificate_id"`
	OrderID       int64     `json:"order_id"`
	TransactionID int64     `json:"transaction_id"`
	Amount        Money     `json:"amount"`
	Balance       Money     `json:"balance"` // after it
}
