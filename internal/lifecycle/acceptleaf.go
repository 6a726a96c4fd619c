package lifecycle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// leafDecision is the decision about a certificate that fits the order (rules STORE-7).
type leafDecision int

const (
	leafStore  leafDecision = iota // store it, in place of the stored one if any
	leafWait                       // wait: it is not valid yet
	leafRefuse                     // do not store it: the stored one is better, or this one is unusable
)

// decideLeaf applies rules STORE-7 to a certificate that has the key and the names of the order; stored is nil if none is
// stored. why is the reason in words if the certificate is not to be stored.
func (j *Order) decideLeaf(csr pki.CSR, chain pki.Chain, stored *pki.Chain) (decision leafDecision, why string) {
	now := j.Now()
	switch {
	case !chain.Leaf.NotAfter.After(now):
		return leafRefuse, fmt.Sprintf("has ended on %s", chain.Ends())
	case j.revoked(chain):
		return leafRefuse, "is revoked"
	case stored != nil && !j.betterThan(csr, chain, *stored):
		return leafRefuse, fmt.Sprintf("ends %s, no later than the stored one (serial %s, ends %s)", chain.Ends(), stored.Serial(), stored.Ends())
	case chain.Leaf.NotBefore.After(now):
		return leafWait, "is not valid before " + chain.Leaf.NotBefore.UTC().Format(time.RFC3339)
	}
	return leafStore, ""
}

// betterThan reports whether a certificate replaces the stored one: it ends later, or the stored one is expired, revoked or
// not for the present request, or the names were changed.
func (j *Order) betterThan(csr pki.CSR, chain, stored pki.Chain) bool {
	return chain.Leaf.NotAfter.After(stored.Leaf.NotAfter) ||
		!stored.Leaf.NotAfter.After(j.Now()) || j.revoked(stored) ||
		stored.Check(csr, j.wanted(csr)) != nil || j.namesChanged(chain, stored)
}

// revoked reports whether a certificate is known to be revoked: the seller cancelled its order (noteCancelled), or its CA's list
// says so (NoteRevocation).
func (j *Order) revoked(chain pki.Chain) bool {
	return j.Item.Params[itemparam.RevokedSerial] == chain.Serial() || j.Revocation().Serial == chain.Serial()
}

// IsRevoked reports whether a certificate of the item is known to be revoked.
func (j *Order) IsRevoked(chain pki.Chain) bool { return j.revoked(chain) }

// noteCancelled saves the stored certificate's serial as revoked if the seller cancelled its order. A cancelled reissue does not
// concern the certificate that it was to replace, so the seller's answer must show the stored certificate.
func (j *Order) noteCancelled(ctx context.Context, status seller.OrderStatus) error {
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil || status.State != seller.StateCancelled {
		return nil
	}
	shown, err := pki.StoredLeaf(strings.Join(status.PEM, "\n"))
	if err != nil || shown.Serial() != stored.Serial() {
		return nil
	}
	return j.SaveParam(ctx, itemparam.RevokedSerial, stored.Serial())
}

// namesChanged reports whether the present request has other names than the request for the stored certificate. If the latter
// is not known, it compares the names in both certificates.
func (j *Order) namesChanged(chain, stored pki.Chain) bool {
	if known := j.Item.Params[itemparam.LeafNames]; known != "" && j.Item.Params[itemparam.Serial] == stored.Serial() {
		return known != j.leafNames()
	}
	return !sameNames(strings.Join(chain.Leaf.DNSNames, " "), strings.Join(stored.Leaf.DNSNames, " "))
}

// leafNames returns the SHA-256, in hex, of the names that the certificate must cover; empty if the item has no readable CSR.
func (j *Order) leafNames() string {
	csr, err := pki.ReadCSR(j.Item.CSR)
	if err != nil {
		return ""
	}
	names := strings.Fields(strings.ToLower(strings.Join(j.wanted(csr), " ")))
	slices.Sort(names)
	return hexDigest([]byte(strings.Join(slices.Compact(names), " ")))
}

// namesOf returns leafNames if the certificate fits the present request; empty if it belongs to an earlier request.
func (j *Order) namesOf(chain pki.Chain) string {
	if csr, err := pki.ReadCSR(j.Item.CSR); err != nil || chain.Check(csr, j.wanted(csr)) != nil {
		return ""
	}
	return j.leafNames()
}

// keyDigest returns the SHA-256 of the leaf's public key (SubjectPublicKeyInfo), hex.
func keyDigest(chain pki.Chain) string { return hexDigest(chain.Leaf.RawSubjectPublicKeyInfo) }

// hexDigest returns the SHA-256 in hex.
func hexDigest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// keepsStored decides about a certificate (decideLeaf) and handles one that is not stored now (rules STORE-7). It reports true
// if the caller must not store the certificate.
func (j *Order) keepsStored(ctx context.Context, csr pki.CSR, chain pki.Chain, stored *pki.Chain) (bool, error) {
	decision, why := j.decideLeaf(csr, chain, stored)
	switch {
	case decision == leafStore:
		return false, nil
	case decision == leafWait:
		return true, j.waitForNotBefore(ctx, chain)
	case stored == nil:
		return true, fault.Errorf(fault.Delivered, "certificate", "the certificate %s of id %d %s and is not stored: request a new one from %s",
			chain.Serial(), j.ID(), why, j.Info.Title)
	}
	return true, j.refuseLeaf(ctx, chain, *stored, why)
}

// refuseLeaf keeps the stored certificate and opens one task for each refused serial. The reissue that brought the certificate
// is over, so the next one can be requested.
func (j *Order) refuseLeaf(ctx context.Context, chain, stored pki.Chain, why string) error {
	j.RefusedReason = fmt.Sprintf("the certificate %s of id %d at %s %s; the stored certificate stays", chain.Serial(), j.ID(), j.Info.Title, why)
	if j.Item.Params[itemparam.RefusedSerial] != chain.Serial() {
		j.Log.Warningf("%s", j.RefusedReason)
		if err := j.concludeTermEnd(ctx, chain, stored); err != nil {
			return err
		}
		if err := j.OpenTaskUntilStored(ctx, j.Args.Command, j.RefusedReason); err != nil {
			return err
		}
		if err := j.SaveParam(ctx, itemparam.RefusedSerial, chain.Serial()); err != nil {
			return err
		}
	}
	if err := j.SaveParam(ctx, itemparam.ReissueOf, ""); err != nil {
		return err
	}
	if err := j.giveUpNewKey(ctx, gaveUpEnded, j.RefusedReason); err != nil {
		return err
	}
	return j.SetStatus(ctx, item.ServiceIssued)
}

// waitForNotBefore handles a certificate that is not valid yet. If it is still not valid a day after it was first seen, a task
// is opened: the clock of this host or the certificate is wrong.
func (j *Order) waitForNotBefore(ctx context.Context, chain pki.Chain) error {
	j.NotYetValid = true
	since, err := j.firstSeen(ctx, itemparam.NotBefore, chain.Serial())
	if err != nil {
		return err
	}
	text := fmt.Sprintf("the certificate %s of id %d at %s is not valid before %s and is stored then; check this host's clock",
		chain.Serial(), j.ID(), j.Info.Title, chain.Leaf.NotBefore.UTC().Format(time.RFC3339))
	j.Log.Warningf("%s", text)
	if j.Now().Sub(since) >= taskAfter {
		if err := j.OpenTaskUntilStored(ctx, j.Args.Command, text); err != nil {
			return err
		}
	}
	return j.SetStatus(ctx, item.ServiceWaiting)
}

// earlierRequest returns the certificate that the seller shows, and true if it belongs to an earlier request of the item: CSR
// or names on the item were changed and not submitted yet. Such a certificate is no error.
func (j *Order) earlierRequest(status seller.OrderStatus, csr pki.CSR) (shown pki.Chain, earlier bool) {
	if j.Item.Stored == "" { // the seller has the item's request, or the client changed it before a certificate was issued
		return pki.Chain{}, false
	}
	shown, err := pki.StoredLeaf(strings.Join(status.PEM, "\n"))
	if err != nil {
		return pki.Chain{}, false
	}
	if _, inPlace := j.inPlace(shown); inPlace {
		return shown, true
	}
	if csr.SameKey(shown.Leaf.PublicKey) {
		return shown, j.requestChanged()
	}
	return shown, j.leafKey() == keyDigest(shown) || j.requestChanged()
}

// leafKey returns the SHA-256 of the stored certificate's key in hex; empty if not known.
func (j *Order) leafKey() string {
	if known := j.Item.Params[itemparam.LeafKey]; known != "" {
		return known
	}
	if stored, err := pki.StoredLeaf(j.Item.Stored); err == nil {
		return keyDigest(stored)
	}
	return ""
}

// keepForEarlier keeps the stored certificate while the present CSR and names are not submitted, which reopen or setparam does.
// If storing was interrupted, it is completed.
func (j *Order) keepForEarlier(ctx context.Context, status seller.OrderStatus, shown pki.Chain) error {
	j.Log.ExtInfof("id %d shows certificate %s, which is for an earlier request; the present CSR and names are not submitted yet", status.ID, shown.Serial())
	stored, inPlace := j.inPlace(shown)
	switch {
	case j.HasStatus(item.ServiceIssued):
		return nil
	case inPlace:
		return j.announce(ctx, *stored, stored, status)
	case stored == nil:
		return nil
	}
	// The reissue that brought the certificate is over. An issued item with a pending one counts as interrupted.
	if err := j.SaveParam(ctx, itemparam.ReissueOf, ""); err != nil {
		return err
	}
	return j.SetStatus(ctx, item.ServiceIssued)
}
