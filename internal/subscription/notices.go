package subscription

import (
	"context"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// Parameters about the last letter (rules SWEEP-11). Told and tried are two things: a letter that the mail transport did
// not take is tried again by the next sweep, one whose recipient was refused the next day.
const (
	// paramNotifiedOn is the UTC date on which a letter was last handed over: at most one a day.
	paramNotifiedOn = "told_on"
	// paramNotifyTried is the UTC date of a letter that was being handed over, or whose recipient was refused.
	paramNotifyTried = "told_tried"
)

// whyNotNotified returns why the client is not written to now, empty if it is. once: a certificate about which the client
// was told is not written about again.
func (j *sweptItem) whyNotNotified(once bool) string {
	serial, today := j.Item.Params[itemparam.Serial], j.Today().String()
	switch {
	case once && serial != "" && j.Item.Params[itemparam.ToldSerial] == serial:
		return "told already"
	case j.Item.Params[paramNotifiedOn] == today:
		return "told today"
	case j.Item.Params[paramNotifyTried] == today:
		return "tried today"
	}
	return ""
}

// notifyClient sends a letter about the certificate in place.
func (j *sweptItem) notifyClient(ctx context.Context, mailer item.Mailer, kind string) error {
	notice, err := j.notice(ctx, kind)
	if err != nil {
		return err
	}
	today := j.Today().String()
	if err := j.SaveParam(ctx, paramNotifyTried, today); err != nil {
		return err
	}
	if err := mailer.Send(ctx, notice); err != nil {
		if recipientRefused(err) {
			return err
		}
		// The fault is on this server, the next sweep tries again. A run that was told to end has to say so too.
		if dropped := j.SaveParam(context.WithoutCancel(ctx), paramNotifyTried, ""); dropped != nil {
			j.Log.Warningf("the message is not sent again before tomorrow: %v", dropped)
		}
		return err
	}
	j.Log.Infof("told %s (%s) about %s, which ends %s", notice.To.Email, kind, notice.Domain, notice.Expires)
	if err := j.SaveParam(ctx, paramNotifiedOn, today); err != nil {
		return err
	}
	return j.SaveParam(ctx, itemparam.ToldSerial, j.Item.Params[itemparam.Serial])
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

func (j *sweptItem) notice(ctx context.Context, kind string) (item.Notice, error) {
	client, err := j.Panel.Client(ctx, j.Item.Account)
	if err != nil {
		return item.Notice{}, err
	}
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		return item.Notice{}, err
	}
	method, err := seller.ParseMethod(j.Item.Params[itemparam.Method])
	if err != nil {
		return item.Notice{}, err
	}
	l := item.Notice{
		Kind: kind, To: client, Item: j.Item.Item, Domain: stored.Leaf.Subject.CommonName, Order: j.Item.Params[itemparam.OrderID],
		Expires: stored.Ends(), PaidUntil: j.TermEnd(), DaysLeft: j.Today().DaysUntil(stored.Ends()), Method: method,
	}
	if brand, err := j.Panel.Brand(ctx, j.Item.Project); err == nil {
		l.Panel = brand
	} else {
		j.Log.Warningf("the message does not name the panel: %v", err)
	}
	if csr, err := pki.ReadCSR(j.Item.CSR); err == nil {
		l.Domain = csr.CommonName
	}
	l.SANs = seller.SplitNames(j.Item.Params[itemparam.AltName])
	if product, err := j.Product(); err == nil {
		l.Product = product.Names[0]
	}
	switch {
	case kind == item.NoticeExpires:
	case method == seller.MethodEmail:
		l.Challenges = j.Item.Params[itemparam.Approver]
	default:
		l.Challenges = j.Item.Params[j.ChallengeParam()]
	}
	return l, nil
}
