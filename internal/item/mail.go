package item

import (
	"context"

	"pmssl/internal/cabforum"
	"pmssl/internal/seller"
)

// Kinds of notices to clients.
const (
	// NoticeExpires means that the certificate ends and, under the manual policy, the client must reissue it in the panel.
	NoticeExpires = "expires"
	// NoticeProve means that a reissue waits for domain validation; the notice has the values to publish.
	NoticeProve = "prove"
	// NoticeWaiting means that domain validation is still open and the stored certificate ends within a week.
	NoticeWaiting = "waiting"
	// NoticeInstall means that a new certificate is stored and the site does not serve it; the notice says which places still
	// serve an old one, if that is known.
	NoticeInstall = "install"
	// NoticeRevoked means that the CA revoked a certificate of the item; Notice.Revoked says which, and what the client has to do.
	NoticeRevoked = "revoked"
	// NoticeNewKey means that the CA revoked the stored certificate because its private key is known to others: the client must
	// make a new key and reissue the certificate with it.
	NoticeNewKey = "newkey"
)

// WrittenFile is a mail template that was written for an administrator to edit.
type WrittenFile struct {
	Name   string // of the file
	Result string // written, updated, unchanged, or kept: somebody edited it
}

// What the client of a revoked certificate has to do (Revoked.Next).
const (
	NextInstall = "install" // install the new certificate, which is stored
	NextWait    = "wait"    // install it once it is issued, which happens without the client
	NextReissue = "reissue" // reissue the certificate in the panel
	NextAsk     = "ask"     // ask the provider: another certificate for the same request would be refused or revoked as well
)

// Revoked is a certificate that its CA revoked.
type Revoked struct {
	Serial string        // lower-case hex
	On     cabforum.Date // UTC
	Reason string        // name in RFC 5280 5.3.1
	Next   string        // one of the constants Next…
}

// Served is a place where a site still serves an old certificate.
type Served struct {
	Name    string // of the host, A-labels
	Address string // IP address; may be empty
	Serial  string // of the certificate that is served, lower-case hex; may be empty
	Expires cabforum.Date
	Expired bool // Expires has passed
}

// Notice is a mail to a client about one certificate.
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
	DaysLeft   int // to the end of the stored certificate; negative after it
	Method     seller.Method
	Challenges string // what to publish, as seller.ChallengeText returns it; for e-mail the approvers' addresses
	// Obstacles are what DNS shows against the names, if that was looked up.
	Obstacles []NameObstacle
	Serial    string // of the stored certificate, lower-case hex
	// Served are the places that serve an old certificate, or the revoked one.
	Served  []Served
	Revoked Revoked
}

// Mailer hands mails to the server's own mail transport. Errors are *fault.Error; those of type client have the object
// fault.ObjectMail if the transport failed, and fault.ObjectRecipient if it refused this mail.
type Mailer interface {
	Send(ctx context.Context, n Notice) error
}
