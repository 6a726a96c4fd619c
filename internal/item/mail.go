package item

import (
	"context"

	"pmssl/internal/cabforum"
	"pmssl/internal/seller"
)

// Kinds of letters to clients.
const (
	// NoticeExpires means that the policy is manual, the certificate ends, the client reissues it in the panel.
	NoticeExpires = "expires"
	// NoticeProve means that a reissue waits for proof of control, with the values to publish.
	NoticeProve = "prove"
	// NoticeWaiting means that the proof is still missing and the certificate in place ends within a week.
	NoticeWaiting = "waiting"
)

// Notice is what a client is told about one certificate.
type Notice struct {
	Kind       string
	To         Recipient
	Item       int64
	Panel      string // address or name of the billing panel; may be empty
	Domain     string
	SANs       []string
	Product    string // the seller's name of it
	Order      string // the newest id at the seller
	Expires    cabforum.Date
	PaidUntil  cabforum.Date
	DaysLeft   int // to the end of the certificate in place; negative when it has ended
	Method     seller.Method
	Challenges string // what to publish, see seller.ChallengeText; for e-mail the approvers' addresses
}

// Mailer hands letters to the server's own mail transport. Errors are *fault.Error; those of type client have the object
// fault.ObjectMail if the transport failed, and fault.ObjectRecipient if it did not take this letter.
type Mailer interface {
	Send(ctx context.Context, l Notice) error
}
