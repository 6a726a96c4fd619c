package lifecycle

import (
	"context"
	"encoding/json"
	"strings"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
)

// reissuesInPlace reports whether a reissue at the seller keeps the id: only the order's certificate changes.
func (j *Order) reissuesInPlace() bool {
	_, reissues := j.Seller.(seller.Reissuer)
	_, finder := j.Seller.(seller.ReissueFinder)
	return reissues && !finder
}

// saveAccepted records that the seller accepted a reissue: it saves the new id, whose lineage the caller saves, or, if the id stays,
// marks the pending reissue as accepted.
func (j *Order) saveAccepted(ctx context.Context, old, id int64) error {
	if id == old {
		return j.acceptInPlace(ctx)
	}
	if err := j.outdateChallenges(ctx); err != nil {
		return err
	}
	return j.SaveOrderID(ctx, id)
}

// acceptInPlace marks the pending reissue as accepted, saves which request it is for, and deletes the challenges of the previous
// certificate.
func (j *Order) acceptInPlace(ctx context.Context) error {
	pending, ok := j.pendingReissue()
	if !ok {
		return nil
	}
	if err := j.outdateChallenges(ctx); err != nil {
		return err
	}
	pending.Accepted = true
	raw, err := json.Marshal(pending)
	if err != nil {
		return err
	}
	return j.SaveParams(ctx, item.Param{Name: itemparam.ReissueOf, Value: string(raw)}, item.Param{Name: itemparam.Requested, Value: pending.Request})
}

// takenInPlace reports whether the seller accepted a reissue in place whose answer was lost: the order waits again for a
// certificate with this item's key, or shows another certificate than the one to be replaced. It records the acceptance.
func (j *Order) takenInPlace(ctx context.Context, status seller.OrderStatus, pending reissueOf) (bool, error) {
	switch {
	case status.DeliveryError != nil:
		return false, status.DeliveryError
	case status.State == seller.StateWaiting:
		if err := j.checkOwnKey(status); err != nil {
			return false, err
		}
	case status.State == seller.StateIssued:
		csr, err := pki.ReadCSR(j.Item.CSR)
		if err != nil {
			return false, err
		}
		chain, err := pki.BuildChain(status.PEM, csr, j.Now())
		if err != nil || pending.replaces(chain) {
			return false, nil
		}
	default:
		return false, nil
	}
	j.Log.ExtInfof("the reissue of id %d whose answer was lost was accepted, the order is %s", status.ID, status.State)
	return true, j.acceptInPlace(ctx)
}

// showsReplaced returns the certificate in the seller's status, and true if it is the one that an accepted reissue replaces.
func (j *Order) showsReplaced(status seller.OrderStatus) (pki.Chain, bool) {
	pending, ok := j.pendingReissue()
	if !ok || !j.answered(pending) || pending.Serial == "" {
		return pki.Chain{}, false
	}
	shown, err := pki.StoredLeaf(strings.Join(status.PEM, "\n"))
	return shown, err == nil && pending.replaces(shown)
}

// replaces reports whether the reissue replaces the certificate.
func (r reissueOf) replaces(chain pki.Chain) bool {
	return chain.Serial() == r.Serial || chain.Serial() == r.Shown
}

// waitForReplacement handles an issued order that still shows the certificate which a reissue replaces. If the seller shows that
// a day after it accepted the reissue, the reissue failed and may be requested again.
func (j *Order) waitForReplacement(ctx context.Context, status seller.OrderStatus, chain pki.Chain) error {
	if j.reissuesInPlace() && !status.Inferred && j.Now().Sub(j.Attempts().Last) > purchase.FreshCertificate {
		j.Log.Warningf("%s accepted a reissue of id %d at %s and still shows the old certificate %s as issued; the reissue failed", j.Info.Title, status.ID, j.Attempts().Last.Format("2006-01-02 15:04"), chain.Serial())
		if err := j.SaveParam(ctx, itemparam.ReissueOf, ""); err != nil {
			return err
		}
		if err := j.giveUpNewKey(ctx, gaveUpEnded, "the reissue failed"); err != nil {
			return err
		}
		return j.SetStatus(ctx, item.ServiceIssued)
	}
	j.Log.ExtInfof("id %d still shows the replaced certificate %s, waiting for the new one", status.ID, chain.Serial())
	return j.SetStatus(ctx, item.ServiceWaiting)
}
