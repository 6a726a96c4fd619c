package subscription

import (
	"context"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// Item parameters about the last notice (rules SWEEP-11). A notice that the mail transport did not accept is tried again by
// the next sweep, one whose recipient was refused the next day; so sent and tried notices are recorded separately.
const (
	// paramNotifiedOn is the UTC date on which a notice was last sent: at most one a day.
	paramNotifiedOn = "told_on"
	// paramNotifyTried is the UTC date of a notice that is being sent, or whose recipient was refused.
	paramNotifyTried = "told_tried"
)

// whyNotNotified returns the reason for which the client is not notified now; empty if it is. With once the client gets one
// notice per certificate.
func (j *sweptItem) whyNotNotified(once bool) string {
	today := j.Today().String()
	switch {
	case once && j.notified():
		return "told already"
	case j.Item.Params[paramNotifiedOn] == today:
		return "told today"
	case j.Item.Params[paramNotifyTried] == today:
		return "tried today"
	}
	return ""
}

// notifyClient sends a notice about the stored certificate.
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
		// The fault is on this server: the next sweep tries again, also if a signal ended this run.
		if dropped := j.SaveParam(context.WithoutCancel(ctx), paramNotifyTried, ""); dropped != nil {
			j.Log.Warningf("the notice is not sent again before tomorrow: %v", dropped)
		}
		return err
	}
	j.Log.Infof("notified %s (%s) about %s, which expires on %s", notice.To.Email, kind, notice.Domain, notice.Expires)
	if kind == item.NoticeRevoked || kind == item.NoticeNewKey { // another notice may be due on the same day: what to publish for the reissue
		return j.SaveParam(ctx, paramNotifyTried, "")
	}
	sent := []item.Param{{Name: paramNotifiedOn, Value: today}}
	if kind != item.NoticeInstall { // which says nothing about the end of this certificate, of which the client is still to be notified
		sent = append(sent, item.Param{Name: itemparam.NotifiedSerial, Value: j.Item.Params[itemparam.Serial]})
	}
	return j.SaveParams(ctx, sent...)
}

// refusedToday reports whether a notice was refused today, or may have been sent by a run that was killed.
func (j *sweptItem) refusedToday() bool {
	today := j.Today().String()
	return j.Item.Params[paramNotifyTried] == today && j.Item.Params[paramNotifiedOn] != today
}

// recipientRefused reports whether the mail server refused this notice permanently.
func recipientRefused(err error) bool {
	failure := fault.From(err)
	return failure.Type == fault.Client && failure.Object == fault.ObjectRecipient && !failure.Retry
}

// transportFailed reports whether the mail transport accepts no mail at all now.
func transportFailed(err error) bool {
	failure := fault.From(err)
	return failure.Type == fault.Client && failure.Object == fault.ObjectMail
}

// notice returns the notice of the kind about the stored certificate.
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
	n := item.Notice{
		Kind: kind, To: client, Item: j.Item.Item, Domain: stored.Leaf.Subject.CommonName, Order: j.Item.Params[itemparam.OrderID],
		Expires: stored.Ends(), PaidUntil: j.TermEnd(), DaysLeft: j.Today().DaysUntil(stored.Ends()), Method: method, Serial: stored.Serial(),
		Obstacles: j.obstacles, Served: j.served, Revoked: j.revoked,
	}
	if brand, err := j.Panel.Brand(ctx, j.Item.Project); err == nil {
		n.Panel = brand
	} else {
		j.Log.Warningf("the notice does not name the panel: %v", err)
	}
	if csr, err := pki.ReadCSR(j.Item.CSR); err == nil {
		n.Domain = csr.CommonName
	}
	n.SANs = seller.SplitNames(j.Item.Params[itemparam.AltName])
	if product, err := j.Product(); err == nil {
		n.Product = product.Names[0]
	}
	switch {
	case kind == item.NoticeExpires, kind == item.NoticeInstall, kind == item.NoticeRevoked, kind == item.NoticeNewKey:
	case method == seller.MethodEmail:
		n.Challenges = j.Item.Params[itemparam.Approver]
	default:
		n.Challenges = j.Item.Params[j.ChallengeParam()]
	}
	return n, nil
}
