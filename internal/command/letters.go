package command

import (
	"context"

	"pmssl/internal/cabforum"
	"pmssl/internal/cert"
)

// Kinds of letters to clients.
const (
	// LetterExpires: the policy is manual, the certificate ends, the client reissues it in the panel.
	LetterExpires = "expires"
	// LetterProve: a reissue waits for proof of control, with the values to publish.
	LetterProve = "prove"
	// LetterWaiting: the proof is still missing and the certificate in place ends within a week.
	LetterWaiting = "waiting"
)

// Letter is what a client is told about one certificate.
type Letter struct {
	Kind      string
	To        cert.Client
	Item      int64
	Panel     string // address or name of the billing panel; may be empty
	Domain    string
	SANs      []string
	Product   string // the seller's name of it
	Order     string // the newest id at the seller
	Expires   cabforum.Date
	PaidUntil cabforum.Date
	DaysLeft  int // to the end of the certificate in place; negative when it has ended
	Method    cert.Method
	Proofs    string // what to publish, see cert.ProofText; for e-mail the approvers' addresses
}

// Post hands letters to the server's own mail transport.
type Post interface {
	Send(ctx context.Context, l Letter) error
}

// paramToldOn is the item parameter with the UTC date on which telling the client was last tried: at most one letter a day,
// and a transport that is missing is asked again the next day (contract 5.4).
const paramToldOn = "told_on"

// tell sends a letter about the certificate in place. once: a certificate about which the client was told is not written
// about again. It returns whether a letter went out, or why none was sent.
func (j *job) tell(ctx context.Context, post Post, kind string, once bool) (sent bool, why string, err error) {
	serial := j.order.Params[cert.ParamSerial]
	if once && serial != "" && j.order.Params[cert.ParamToldSerial] == serial {
		return false, "told already", nil
	}
	today := j.today().String()
	if j.order.Params[paramToldOn] == today {
		return false, "told or tried today", nil
	}
	letter, err := j.letter(ctx, kind)
	if err != nil {
		return false, "", err
	}
	if err := j.save(ctx, paramToldOn, today); err != nil {
		return false, "", err
	}
	if err := post.Send(ctx, letter); err != nil {
		return false, "", err
	}
	j.Log.Infof("item %d: told %s (%s) about %s, which ends %s", j.order.Item, letter.To.Email, kind, letter.Domain, letter.Expires)
	return true, "", j.save(ctx, cert.ParamToldSerial, serial)
}

func (j *job) letter(ctx context.Context, kind string) (Letter, error) {
	client, err := j.Panel.Client(ctx, j.order.Account)
	if err != nil {
		return Letter{}, err
	}
	stored, err := cert.StoredLeaf(j.order.Stored)
	if err != nil {
		return Letter{}, err
	}
	method, err := cert.ParseMethod(j.order.Params[cert.ParamMethod])
	if err != nil {
		return Letter{}, err
	}
	l := Letter{
		Kind: kind, To: client, Item: j.order.Item, Domain: stored.Leaf.Subject.CommonName, Order: j.order.Params[cert.ParamOrderID],
		Expires: stored.Ends(), PaidUntil: j.termEnd(), DaysLeft: j.today().DaysUntil(stored.Ends()), Method: method,
	}
	if brand, err := j.Panel.Brand(ctx, j.order.Project); err == nil {
		l.Panel = brand
	} else {
		j.Log.Warningf("item %d: the letter does not name the panel: %v", j.order.Item, err)
	}
	if csr, err := cert.ReadCSR(j.order.CSR); err == nil {
		l.Domain = csr.CommonName
	}
	l.SANs = cert.SplitNames(j.order.Params[cert.ParamAltName])
	if product, err := j.product(); err == nil {
		l.Product = product.Names[0]
	}
	switch {
	case kind == LetterExpires:
	case method == cert.MethodEmail:
		l.Proofs = j.order.Params[cert.ParamApprover]
	default:
		l.Proofs = j.order.Params[j.valueParam()]
	}
	return l, nil
}
