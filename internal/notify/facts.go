package notify

import (
	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// Kind says what a letter is about; it is the first part of the template's file name.
type Kind string

// The three letters that the reissue policy knows (validity B3.5, rules SWEEP-4).
const (
	KindExpires Kind = "expires" // policy manual: the certificate ends, the client reissues it in the panel
	KindProve   Kind = "prove"   // a reissue waits until the client proves control of the domain
	KindWaiting Kind = "waiting" // still no proof, and less than 7 days are left
)

// NoticeData are what a letter tells. Nothing in them is trusted: texts are cleaned and bounded when the letter is
// composed.
type NoticeData struct {
	Kind Kind
	// Lang is the client's language as the panel's database has it (ru, ru-RU, es_ES.UTF-8). Where no template
	// speaks it, its base language is taken, and then English.
	Lang   string
	To     string // the client's address, without a name
	ToName string // how the client is addressed; may be empty
	Item   int64  // item of the panel
	Domain string // common name, A-labels
	SANs   []string
	Order  string // product and order number as the client knows them; empty: the item's number stands for the order
	// Expires is the end of the certificate in place; zero if none is.
	Expires cabforum.Date
	// PaidUntil is the end of the paid term; zero if it is not known.
	PaidUntil cabforum.Date
	DaysLeft  int // days from today to Expires; negative where the certificate has ended
	// Method is how control is to be proved. It decides how ChallengeText is read and what is said where nothing is known
	// of the values.
	Method seller.Method
	// Proofs are what is to be published, from the seller's answer.
	Proofs []seller.Challenge
	// ChallengeText is the same as it is stored on the item, used where Proofs is empty: the parameter
	// `<approver_method>_value` for DNS and files (rules PARAM-11), the addresses of approver_email for e-mail.
	ProofText string
	Panel     string // the billing panel's name or address for its clients; may be empty
}

// check refuses letters that could not tell the client which certificate is meant, or what is the matter with it.
func (f NoticeData) check() error {
	switch f.Kind {
	case KindExpires, KindProve, KindWaiting:
	default:
		return fault.Errorf(fault.Internal, "mail", "there is no message of the kind %q", f.Kind)
	}
	if hostText(f.Domain) == "" {
		return fault.Errorf(fault.Missed, "domain", "item %d has no domain name for the message", f.Item)
	}
	if f.Kind == KindExpires && f.Expires.IsZero() {
		return fault.Errorf(fault.Missed, itemparam.ExpireDate, "item %d has no expiration date for the message", f.Item)
	}
	return nil
}
