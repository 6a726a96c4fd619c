package command

import (
	"context"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// Kinds of letters to clients.
const (
	// NoticeExpires: the policy is manual, the certificate ends, the client reissues it in the panel.
	NoticeExpires = "expires"
	// NoticeProve: a reissue waits for proof of control, with the values to publish.
	NoticeProve = "prove"
	// NoticeWaiting: the proof is still missing and the certificate in place ends within a week.
	NoticeWaiting = "waiting"
)

// Letter is what a client is told about one certificate.
type Notice struct {
	Kind      string
	To        item.Recipient
	Item      int64
	Panel     string // address or name of the billing panel; may be empty
	Domain    string
	SANs      []string
	Product   string // the seller's name of it
	Order     string // the newest id at the seller
	Expires   cabforum.Date
	PaidUntil cabforum.Date
	DaysLeft  int // to the end of the certificate in place; negative when it has ended
	Method    seller.Method
	Proofs    string // what to publish, see cert.ChallengeText; for e-mail the approvers' addresses
}

// Post hands letters to the server's own mail transport. Errors are *cert.Error; those of type client have the object
// cert.ObjectMail if the transport failed, and cert.ObjectRecipient if it did not take this letter.
type Mailer interface {
	Send(ctx context.Context, l Notice) error
}

// Parameters about the last letter (rules SWEEP-11). Told and tried are two things: a letter that the mail transport did not take is
// tried again by the next sweep, one whose recipient was refused the next day.
const (
	// paramToldOn is the UTC date on which a letter was last handed over: at most one a day.
	paramToldOn = "told_on"
	// paramToldTried is the UTC date of a letter that was being handed over, or whose recipient was refused.
	paramToldTried = "told_tried"
)

// whyNotTold returns why the client is not written to now, empty if it is. once: a certificate about which the client was told is
// not written about again.
func (j *job) whyNotTold(once bool) string {
	serial, today := j.order.Params[itemparam.Serial], j.today().String()
	switch {
	case once && serial != "" && j.order.Params[itemparam.ToldSerial] == serial:
		return "told already"
	case j.order.Params[paramToldOn] == today:
		return "told today"
	case j.order.Params[paramToldTried] == today:
		return "tried today"
	}
	return ""
}

// tell sends a letter about the certificate in place.
func (j *job) tell(ctx context.Context, post Mailer, kind string) error {
	letter, err := j.letter(ctx, kind)
	if err != nil {
		return err
	}
	today := j.today().String()
	if err := j.save(ctx, paramToldTried, today); err != nil {
		return err
	}
	if err := post.Send(ctx, letter); err != nil {
		if recipientRefused(err) {
			return err
		}
		// The fault is on this server, the next sweep tries again. A run that was told to end has to say so too.
		if dropped := j.save(context.WithoutCancel(ctx), paramToldTried, ""); dropped != nil {
			j.Log.Warningf("item %d: the letter is not tried again before tomorrow: %v", j.order.Item, dropped)
		}
		return err
	}
	j.Log.Infof("item %d: told %s (%s) about %s, which ends %s", j.order.Item, letter.To.Email, kind, letter.Domain, letter.Expires)
	if err := j.save(ctx, paramToldOn, today); err != nil {
		return err
	}
	return j.save(ctx, itemparam.ToldSerial, j.order.Params[itemparam.Serial])
}

// recipientRefused reports whether the mail server refused this letter for good.
func recipientRefused(err error) bool {
	failure := fault.From(err)
	return failure.Type == fault.Client && failure.Object == fault.ObjectRecipient && !failure.Retry
}

// transportFailed reports whether no letter can be handed over now, to nobody.
func transportFailed(err error) bool {
	failure := fault.From(err)
	return failure.Type == fault.Client && failure.Object == fault.ObjectMail
}

func (j *job) letter(ctx context.Context, kind string) (Notice, error) {
	client, err := j.Panel.Client(ctx, j.order.Account)
	if err != nil {
		return Notice{}, err
	}
	stored, err := pki.StoredLeaf(j.order.Stored)
	if err != nil {
		return Notice{}, err
	}
	method, err := seller.ParseMethod(j.order.Params[itemparam.Method])
	if err != nil {
		return Notice{}, err
	}
	l := Notice{
		Kind: kind, To: client, Item: j.order.Item, Domain: stored.Leaf.Subject.CommonName, Order: j.order.Params[itemparam.OrderID],
		Expires: stored.Ends(), PaidUntil: j.termEnd(), DaysLeft: j.today().DaysUntil(stored.Ends()), Method: method,
	}
	if brand, err := j.Panel.Brand(ctx, j.order.Project); err == nil {
		l.Panel = brand
	} else {
		j.Log.Warningf("item %d: the letter does not name the panel: %v", j.order.Item, err)
	}
	if csr, err := pki.ReadCSR(j.order.CSR); err == nil {
		l.Domain = csr.CommonName
	}
	l.SANs = seller.SplitNames(j.order.Params[itemparam.AltName])
	if product, err := j.product(); err == nil {
		l.Product = product.Names[0]
	}
	switch {
	case kind == NoticeExpires:
	case method == seller.MethodEmail:
		l.Proofs = j.order.Params[itemparam.Approver]
	default:
		l.Proofs = j.order.Params[j.valueParam()]
	}
	return l, nil
}
