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

// reissuesInPlace reports whether the seller's reissue leaves the id: the order stays, its certificate changes.
func (j *Order) reissuesInPlace() bool {
	_, reissues := j.Seller.(seller.Reissuer)
	_, finder := j.Seller.(seller.ReissueFinder)
	return reissues && !finder
}

// saveAccepted writes down that the seller took a reissue: its new id, or the mark on the old one.
func (j *Order) saveAccepted(ctx context.Context, old, id int64) error {
	if id != old {
		return j.succeed(ctx, id)
	}
	return j.acceptInPlace(ctx)
}

// acceptInPlace marks the pending reissue as accepted. What was to be published before proves nothing any more.
func (j *Order) acceptInPlace(ctx context.Context) error {
	pending, ok := j.pendingReissue()
	if !ok {
		return nil
	}
	if err := j.dropChallenges(ctx); err != nil {
		return err
	}
	pending.Accepted = true
	raw, err := json.Marshal(pending)
	if err != nil {
		return err
	}
	return j.SaveParam(ctx, itemparam.ReissueOf, string(raw))
}

// takenInPlace reports whether a reissue in place whose answer was lost was taken after all: the order waits again for a
// certificate of this item's key, or shows another certificate than the one that was to be replaced.
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
	j.Log.ExtInfof("the reissue of id %d whose answer was lost was taken, the order is %s", status.ID, status.State)
	return true, j.acceptInPlace(ctx)
}

// showsReplaced reports whether the certificate of the report is the one that a reissue which the seller took is to
// replace.
func (j *Order) showsReplaced(status seller.OrderStatus) (pki.Chain, bool) {
	pending, ok := j.pendingReissue()
	if !ok || !j.answered(pending) || pending.Serial == "" {
		return pki.Chain{}, false
	}
	shown, err := pki.StoredLeaf(strings.Join(status.PEM, "\n"))
	return shown, err == nil && pending.replaces(shown)
}

// replaces reports whether a certificate is one that the reissue is to take the place of.
func (r reissueOf) replaces(chain pki.Chain) bool {
	return chain.Serial() == r.Serial || chain.Serial() == r.Shown
}

// waitForReplacement handles an order that is issued and shows the certificate that a reissue is to replace. Where the seller
// itself calls it issued a day after it took the reissue, nothing comes of that reissue any more: it may be asked for
// again.
func (j *Order) waitForReplacement(ctx context.Context, status seller.OrderStatus, chain pki.Chain) error {
	if j.reissuesInPlace() && !status.Inferred && j.Now().Sub(j.Attempts().Last) > purchase.FreshCertificate {
		j.Log.Warningf("%s took a reissue of id %d at %s and shows the old certificate %s as issued; nothing came of it", j.Info.Title, status.ID, j.Attempts().Last.Format("2006-01-02 15:04"), chain.Serial())
		if err := j.SaveParam(ctx, itemparam.ReissueOf, ""); err != nil {
			return err
		}
		return j.SetStatus(ctx, item.ServiceIssued)
	}
	j.Log.ExtInfof("id %d still shows the replaced certificate %s, waiting for the new one", status.ID, chain.Serial())
	return j.SetStatus(ctx, item.ServiceWaiting)
}
