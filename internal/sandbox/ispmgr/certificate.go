package ispmgr

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pmssl/internal/sandbox/issuance"
	"pmssl/internal/sandbox/standin"
)

// ItemStatus is the state of the service (ispmanager-billing-api 5).
type ItemStatus int

// The states of a service.
const (
	Ordered    ItemStatus = 1 // unpaid
	Active     ItemStatus = 2
	Suspended  ItemStatus = 3
	Deleted    ItemStatus = 4
	Processing ItemStatus = 5
)

// ServiceStatus is the state of the order at the authority (5).
type ServiceStatus int

// The states of an order at the authority.
const (
	Unknown   ServiceStatus = 0
	Requested ServiceStatus = 3
	Enrolled  ServiceStatus = 4 // waits for proof
	Issued    ServiceStatus = 5
	Failed    ServiceStatus = 6
)

// Certificate is one service: the order and every certificate that came of it.
// A reissue and a renewal keep its id. All times are UTC.
type Certificate struct {
	ID            int64         `json:"id"`
	Account       string        `json:"account"`
	Pricelist     int64         `json:"pricelist"`
	Months        int           `json:"months"`
	Status        ItemStatus    `json:"status"`
	Reason        string        `json:"reason,omitempty"` // what is processed: open, reopen, prolong; or why suspended
	ServiceStatus ServiceStatus `json:"service_status"`
	Description   string        `json:"description,omitempty"`
	Basket        bool          `json:"basket,omitempty"` // not yet ordered: lies in the basket
	BillOrder     int64         `json:"bill_order"`
	RemoteID      string        `json:"remoteid,omitempty"`
	Project       string        `json:"project,omitempty"`
	AutoProlong   string        `json:"autoprolong"` // "null" or months

	Created   time.Time `json:"created"`
	Requested time.Time `json:"requested,omitzero"` // the running order at the authority
	Asked     int       `json:"asked"`              // how often the authority was asked for a certificate
	Removed   time.Time `json:"removed,omitzero"`

	CSR        string            `json:"csr,omitempty"`
	Key        string            `json:"key,omitempty"` // stored where it was made here or handed over
	CommonName string            `json:"common_name"`
	Domains    []Domain          `json:"domains"` // the common name first
	Method     string            `json:"approver_method"`
	Params     map[string]string `json:"params,omitempty"` // contacts and organisation
	Vetted     bool              `json:"vetted,omitempty"`

	Certificate string    `json:"certificate,omitempty"` // PEM of the leaf
	Serial      string    `json:"serial,omitempty"`      // lower-case hex
	Serials     []string  `json:"serials,omitempty"`     // of all leaves, oldest first
	NotBefore   time.Time `json:"not_before,omitzero"`
	NotAfter    time.Time `json:"not_after,omitzero"`
	TermStart   time.Time `json:"term_start,omitzero"`
	TermEnd     time.Time `json:"term_end,omitzero"` // inclusive

	Renewals []Renewal `json:"renewals,omitempty"` // that lie in the basket
}

// Renewal is one that was asked for and is not paid.
type Renewal struct {
	BillOrder int64 `json:"bill_order"`
	Months    int   `json:"months"`
}

// Domain is one name of a certificate and the proof of control over it.
type Domain struct {
	Name     string    `json:"name"`
	Approver string    `json:"approver,omitempty"` // e-mail address
	Proved   time.Time `json:"proved,omitzero"`
}

// Charge is one payment.
type Charge struct {
	Time          time.Time `json:"time"`
	Account       string    `json:"account"`
	Command       string    `json:"command"` // function, or "autoprolong"
	CertificateID int64     `json:"certificate_id"`
	OrderID       int64     `json:"order_id"`
	Amount        Money     `json:"amount"`
	Balance       Money     `json:"balance"` // after it
}

// waits tells whether the authority works on a certificate.
func (c *Certificate) waits() bool {
	return (c.ServiceStatus == Requested || c.ServiceStatus == Enrolled) && c.Status != Deleted && !c.Basket
}

// domains are the names as proofs see them.
func (c *Certificate) domains() []standin.Domain {
	list := make([]standin.Domain, len(c.Domains))
	for i := range c.Domains {
		list[i] = standin.Domain{Name: c.Domains[i].Name, Proved: &c.Domains[i].Proved}
	}
	return list
}

// names are all names, the common name first.
func (c *Certificate) names() []string {
	names := make([]string, 0, len(c.Domains))
	for _, d := range c.Domains {
		names = append(names, d.Name)
	}
	return names
}

// altNames are the names beside the common name.
func (c *Certificate) altNames() string { return strings.Join(c.names()[1:], " ") }

func (c *Certificate) approvers() string {
	var list []string
	for _, d := range c.Domains {
		if d.Approver != "" {
			list = append(list, d.Approver)
		}
	}
	return strings.Join(list, ",")
}

func (c *Certificate) clone() Certificate {
	copied := *c
	copied.Domains, copied.Serials, copied.Params = slices.Clone(c.Domains), slices.Clone(c.Serials), maps.Clone(c.Params)
	copied.Renewals = slices.Clone(c.Renewals)
	return copied
}

func (c *Certificate) hideKey() {
	if c.Key != "" {
		c.Key = standin.Hidden
	}
}

// methodKind is what a key of approver_method asks for; the keys beyond
// auth_email and auth_dnstxt are a remote's own (4.4).
func methodKind(key string) string {
	switch {
	case strings.Contains(key, "mail"):
		return kindEmail
	case strings.Contains(key, "txt"):
		return kindTXT
	case strings.Contains(key, "dns"), strings.Contains(key, "cname"):
		return kindCNAME
	default:
		return kindFile
	}
}

const (
	kindEmail = "email"
	kindTXT   = "txt"
	kindCNAME = "cname"
	kindFile  = "file"
)

// proofs are what the customer publishes: a name and a value per domain, one a
// line in the order of domains_list. E-mail has none.
func (s *Server) proofs(c *Certificate) (names, values string) {
	kind := methodKind(c.Method)
	proof, err := issuance.NewChallenge(c.CSR, c.unique(), "comodoca.com")
	if err != nil || kind == kindEmail {
		return "", ""
	}
	var hosts, texts []string
	for _, domain := range c.Domains {
		bare := issuance.ValidationDomain(domain.Name)
		switch kind {
		case kindCNAME:
			hosts, texts = append(hosts, strings.ToLower(proof.HostName(bare))), append(texts, strings.ToLower(proof.Target()))
		case kindTXT:
			hosts, texts = append(hosts, "_pki-validation."+bare), append(texts, strings.Fields(proof.FileContent())[0])
		default:
			hosts = append(hosts, "http://"+bare+"/.well-known/pki-validation/"+proof.FileName())
			texts = append(texts, strings.TrimSpace(proof.FileContent()))
		}
	}
	return strings.Join(hosts, "\n"), strings.Join(texts, "\n")
}

// unique is what tells the authority's requests apart: a reissue for the same
// CSR has values of its own to publish. It has the shape of the authority's, 13
// hex digits.
func (c *Certificate) unique() string {
	return fmt.Sprintf("%08x%05x", uint32(c.Requested.Unix()), c.Asked)
}
