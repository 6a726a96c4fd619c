package notify

import (
	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// Kind is what a notice is about. It is the first part of the template's file name.
type Kind string

// The kinds of notices of the reissue policy (docs/reference/validity.md §B3.5, rules SWEEP-4).
const (
	KindExpires Kind = "expires" // policy manual: the certificate ends, the client reissues it in the panel
	KindProve   Kind = "prove"   // a reissue waits until the client proves control of the domain
	KindWaiting Kind = "waiting" // still no proof, and less than 7 days are left
	KindInstall Kind = "install" // a new certificate is stored and the site does not serve it (docs/reference/unattended.md §7, §10)
	KindRevoked Kind = "revoked" // the CA revoked a certificate (docs/reference/unattended.md §10)
	KindNewKey  Kind = "newkey"  // the CA revoked the stored certificate because its key is known to others (docs/reference/unattended.md §10)
)

// Served is a place where a site still serves an old certificate.
type Served struct {
	Name    string // of the host, A-labels
	Address string // IP address; may be empty
	Serial  string // of the certificate that is served, hex; may be empty
	Expires cabforum.Date
	Expired bool // Expires has passed
}

// Obstacle is why a name cannot be certified, as DNS shows it.
type Obstacle struct {
	Name   string // A-labels; "*." is kept
	Absent bool   // the name does not exist
	// Allowed are the authorities (issuer domain names) that the name's CAA records allow, Needed those of which one is needed;
	// empty if they are not known.
	Allowed, Needed []string
}

// Revoked is a certificate that its CA revoked.
type Revoked struct {
	Serial string // hex
	On     cabforum.Date
	Reason string // name in RFC 5280 5.3.1
	// Next is what the client has to do: install, wait, reissue or ask. It decides which text of KindRevoked is used.
	Next string
}

// NoticeData is the content of a notice. Its texts may come from clients and sellers; Compose removes control characters
// and limits their length.
type NoticeData struct {
	Kind Kind
	// Lang is the client's language as in the panel's database (ru, ru-RU, es_ES.UTF-8). If there is no template in it, that
	// of its base language is used, then the English one.
	Lang   string
	To     string // the client's address, without a name
	ToName string // how the client is addressed; may be empty
	Item   int64  // item of the panel
	Domain string // common name, A-labels
	SANs   []string
	Order  string // product and order number as the client knows them; if empty, the item's number is used
	// Expires is the end of the stored certificate; zero if there is none.
	Expires cabforum.Date
	// PaidUntil is the end of the paid term; zero if it is not known.
	PaidUntil cabforum.Date
	DaysLeft  int // days from today to Expires; negative if the certificate has expired
	// Method is the validation method. It decides how ChallengeText is parsed and what the text says if there are no
	// challenges.
	Method seller.Method
	// Challenges are what the client has to publish, from the seller's answer.
	Challenges []seller.Challenge
	// ChallengeText is the same as stored on the item, used if Challenges is empty: the parameter `<approver_method>_value`
	// for DNS and files (rules PARAM-11), the addresses of approver_email for e-mail.
	ChallengeText string
	Panel         string // the billing panel's name or address for its clients; may be empty
	Serial        string // of the stored certificate, hex; may be empty
	// Served are the places that still serve an old certificate, for KindInstall, or the revoked one; empty if that is not known.
	Served  []Served
	Revoked Revoked // for KindRevoked and KindNewKey
	// Obstacles are what DNS shows against the names, for KindProve and KindWaiting; empty if that was not looked up.
	Obstacles []Obstacle
}

// check returns a fault if the notice could not say which certificate it is about, or what has happened to it.
func (f NoticeData) check() error {
	switch f.Kind {
	case KindExpires, KindProve, KindWaiting, KindInstall, KindRevoked, KindNewKey:
	default:
		return fault.Errorf(fault.Internal, "mail", "there is no message of the kind %q", f.Kind)
	}
	if hostText(f.Domain) == "" {
		return fault.Errorf(fault.Missed, "domain", "item %d has no domain name for the message", f.Item)
	}
	switch {
	case (f.Kind == KindExpires || f.Kind == KindInstall) && f.Expires.IsZero():
		return fault.Errorf(fault.Missed, itemparam.ExpireDate, "item %d has no expiration date for the message", f.Item)
	case (f.Kind == KindRevoked || f.Kind == KindNewKey) && printableLine(f.Revoked.Serial, maxPerson) == "":
		return fault.Errorf(fault.Missed, itemparam.Serial, "item %d has no serial number of the revoked certificate for the message", f.Item)
	}
	return nil
}
