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

// ItemStatus is the state of the service (docs/reference/ispmanager.md §5).
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
	Enrolled  ServiceStatus = 4 // waits for domain validation
	Issued    ServiceStatus = 5
	Failed    ServiceStatus = 6
)

// Certificate is one service: the order and all certificates that were issued for it. A reissue and
// a renewal keep its id. All times are UTC.
type Certificate struct {
	ID            int64         `json:"id"`
	Account       string        `json:"account"`
	Pricelist     int64         `json:"pricelist"`
	Months        int           `json:"months"`
	Status        ItemStatus    `json:"status"`
	Reason        string        `json:"reason,omitempty"` // what is being processed (open, reopen, prolong), or why it is suspended
	ServiceStatus ServiceStatus `json:"service_status"`
	Description   string        `json:"description,omitempty"`
	Basket        bool          `json:"basket,omitempty"` // not yet ordered: in the basket
	BillOrder     int64         `json:"bill_order"`
	RemoteID      string        `json:"remoteid,omitempty"`
	Project       string        `json:"project,omitempty"`
	AutoProlong   string        `json:"autoprolong"` // "null" or months

	Created   time.Time `json:"created"`
	Requested time.Time `json:"requested,omitzero"` // time of the running order at the authority
	Asked     int       `json:"asked"`              // number of orders at the authority
	Removed   time.Time `json:"removed,omitzero"`

	CSR        string            `json:"csr,omitempty"`
	Key        string            `json:"key,omitempty"` // stored if it was generated here or sent with the order
	CommonName string            `json:"common_name"`
	Domains    []Domain          `json:"domains"` // the common name first
	Method     string            `json:"approver_method"`
	Params     map[string]string `json:"params,omitempty"` // contacts and organisation
	Vetted     bool              `json:"vetted,omitempty"`
	// Looks is what the authority has seen of the challenges, if it looks at them; Renewed counts the new values that were
	// given for the running order.
	Looks   standin.Looks `json:"looks,omitzero"`
	Renewed int           `json:"renewed,omitempty"`

	Certificate string    `json:"certificate,omitempty"` // PEM of the leaf
	Serial      string    `json:"serial,omitempty"`      // lower-case hex
	Serials     []string  `json:"serials,omitempty"`     // of all leaves, oldest first
	NotBefore   time.Time `json:"not_before,omitzero"`
	NotAfter    time.Time `json:"not_after,omitzero"`
	TermStart   time.Time `json:"term_start,omitzero"`
	TermEnd     time.Time `json:"term_end,omitzero"` // inclusive

	Renewals []Renewal `json:"renewals,omitempty"` // in the basket
}

// Renewal is a renewal that was requested and is not paid.
type Renewal struct {
	BillOrder int64 `json:"bill_order"`
	Months    int   `json:"months"`
}

// Domain is one name of a certificate and its validation.
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

// isWaiting reports whether the authority has a running order for the certificate.
func (c *Certificate) isWaiting() bool {
	return (c.ServiceStatus == Requested || c.ServiceStatus == Enrolled) && c.Status != Deleted && !c.Basket
}

func (c *Certificate) serial() string { return c.Serial }

// domains returns the names for standin's validation.
func (c *Certificate) domains() []standin.Domain {
	list := make([]standin.Domain, len(c.Domains))
	for i := range c.Domains {
		list[i] = standin.Domain{Name: c.Domains[i].Name, Proved: &c.Domains[i].Proved}
	}
	return list
}

// names returns all names, the common name first.
func (c *Certificate) names() []string {
	names := make([]string, 0, len(c.Domains))
	for _, d := range c.Domains {
		names = append(names, d.Name)
	}
	return names
}

// altNames returns the names beside the common name.
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

// methodKind returns the kind of challenge that a key of approver_method stands for. Keys other
// than auth_email and auth_dnstxt are a remote's own (4.4).
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

// challenges returns the names and values that the customer publishes: one of each per domain, one
// a line, in the order of domains_list. Both are empty for e-mail.
func (s *Server) challenges(c *Certificate) (names, values string) {
	kind := methodKind(c.Method)
	challenge, err := issuance.NewChallenge(c.CSR, c.unique(), "comodoca.com")
	if err != nil || kind == kindEmail {
		return "", ""
	}
	var hosts, texts []string
	for _, domain := range c.Domains {
		bare := issuance.ValidationDomain(domain.Name)
		switch kind {
		case kindCNAME:
			hosts, texts = append(hosts, strings.ToLower(challenge.HostName(bare))), append(texts, strings.ToLower(challenge.Target()))
		case kindTXT:
			words := strings.Fields(challenge.FileContent()) // the CSR's hash, the authority, what distinguishes the request
			hosts, texts = append(hosts, "_pki-validation."+bare), append(texts, words[0]+"."+words[2])
		default:
			hosts = append(hosts, challenge.FileURL(bare))
			texts = append(texts, strings.TrimSpace(challenge.FileContent()))
		}
	}
	return strings.Join(hosts, "\n"), strings.Join(texts, "\n")
}

// unique returns the value that distinguishes the authority's requests: a reissue for the same CSR
// gets new values to publish. It has the form of the authority's values, 13 hex digits.
func (c *Certificate) unique() string {
	return fmt.Sprintf("%08x%05x", uint32(c.Requested.Unix()), c.Asked+c.Renewed<<8)
}
