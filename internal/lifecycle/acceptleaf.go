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

// leafDecision is what becomes of a certificate that fits the order (rules STORE-7).
type leafDecision int

const (
	leafStore  leafDecision = iota // it takes the place of the one that is stored, if any
	leafWait                       // it is not valid yet
	leafRefuse                     // the stored one is better, or this one is of no use
)

// decideLeaf applies rules STORE-7 to a certificate that has the key and the names of the order; stored is nil if none is
// in place. why says in words what speaks against it.
func (j *Order) decideLeaf(csr pki.CSR, chain pki.Chain, stored *pki.Chain) (decision leafDecision, why string) {
	now := j.Now()
	switch {
	case !chain.Leaf.NotAfter.After(now):
		return leafRefuse, fmt.Sprintf("has ended on %s", chain.Ends())
	case j.revoked(chain):
		return leafRefuse, "is revoked"
	case stored != nil && !j.betterThan(csr, chain, *stored):
		return leafRefuse, fmt.Sprintf("ends %s, no later than the one in place (serial %s, ends %s)", chain.Ends(), stored.Serial(), stored.Ends())
	case chain.Leaf.NotBefore.After(now):
		return leafWait, "is not valid before " + chain.Leaf.NotBefore.UTC().Format(time.RFC3339)
	}
	return leafStore, ""
}

// betterThan reports whether a certificate is to take the place of the stored one.
func (j *Order) betterThan(csr pki.CSR, chain, stored pki.Chain) bool {
	return chain.Leaf.NotAfter.After(stored.Leaf.NotAfter) ||
		!stored.Leaf.NotAfter.After(j.Now()) || j.revoked(stored) ||
		stored.Check(csr, j.wanted(csr)) != nil || j.namesChanged(chain, stored)
}

// revoked reports whether a certificate is known to be revoked. Today that is the seller's word about the order of the
// stored one; whatever else learns of a revocation saves the serial in the same parameter.
func (j *Order) revoked(chain pki.Chain) bool {
	return j.Item.Params[itemparam.RevokedSerial] == chain.Serial()
}

// noteRevoked saves that the seller cancelled the order of the stored certificate. A cancelled reissue says nothing about
// the certificate that it was to replace: only an answer that shows the stored certificate does.
func (j *Order) noteRevoked(ctx context.Context, status seller.OrderStatus) error {
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

// namesChanged reports whether the names that are asked for are others than those which the stored certificate was asked
// for with. If that is not known, the names in both certificates tell.
func (j *Order) namesChanged(chain, stored pki.Chain) bool {
	if known := j.Item.Params[itemparam.LeafNames]; known != "" && j.Item.Params[itemparam.Serial] == stored.Serial() {
		return known != j.leafNames()
	}
	return !sameNames(strings.Join(chain.Leaf.DNSNames, " "), strings.Join(stored.Leaf.DNSNames, " "))
}

// leafNames returns the SHA-256 of the names that the certificate is to cover, hex; empty if the item has no CSR that can
// be read.
func (j *Order) leafNames() string {
	csr, err := pki.ReadCSR(j.Item.CSR)
	if err != nil {
		return ""
	}
	names := strings.Fields(strings.ToLower(strings.Join(j.wanted(csr), " ")))
	slices.Sort(names)
	return hexDigest([]byte(strings.Join(slices.Compact(names), " ")))
}

// namesOf is leafNames for a certificate that is stored; empty for one that answers an earlier request.
func (j *Order) namesOf(chain pki.Chain) string {
	if csr, err := pki.ReadCSR(j.Item.CSR); err != nil || chain.Check(csr, j.wanted(csr)) != nil {
		return ""
	}
	return j.leafNames()
}

// keyDigest returns the SHA-256 of the leaf's public key (SubjectPublicKeyInfo), hex.
func keyDigest(chain pki.Chain) string { return hexDigest(chain.Leaf.RawSubjectPublicKeyInfo) }

func hexDigest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// keepsStored reports whether a certificate is not stored, now or at all (rules STORE-7), and does what follows from that.
func (j *Order) keepsStored(ctx context.Context, csr pki.CSR, chain pki.Chain, stored *pki.Chain) (bool, error) {
	decision, why := j.decideLeaf(csr, chain, stored)
	switch {
	case decision == leafStore:
		return false, nil
	case decision == leafWait:
		return true, j.waitForNotBefore(ctx, chain)
	case stored == nil:
		return true, fault.Errorf(fault.Delivered, "certificate", "the certificate %s of id %d %s and is not stored: ask %s for a new one",
			chain.Serial(), j.ID(), why, j.Info.Title)
	}
	return true, j.refuseLeaf(ctx, chain, *stored, why)
}

// refuseLeaf leaves the stored certificate in place. The administrator gets one task for each serial that is refused. A
// reissue that brought it is answered: the next one can be asked for.
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
	return j.SetStatus(ctx, item.ServiceIssued)
}

// waitForNotBefore handles a certificate that is not valid yet. One that is still not valid a day after it was seen first
// is for an administrator: the clock of this host or the certificate is wrong.
func (j *Order) waitForNotBefore(ctx context.Context, chain pki.Chain) error {
	j.NotYetValid = true
	since, err := j.firstSeen(ctx, itemparam.NotBefore, chain.Serial())
	if err != nil {
		return err
	}
	text := fmt.Sprintf("the certificate %s of id %d at %s is not valid before %s: it is stored then; compare this host's clock",
		chain.Serial(), j.ID(), j.Info.Title, chain.Leaf.NotBefore.UTC().Format(time.RFC3339))
	j.Log.Warningf("%s", text)
	if j.Now().Sub(since) >= taskAfter {
		if err := j.OpenTaskUntilStored(ctx, j.Args.Command, text); err != nil {
			return err
		}
	}
	return j.SetStatus(ctx, item.ServiceWaiting)
}

// earlierRequest returns the certificate that the seller shows if it answers an earlier request of the item than the
// present one: CSR or names on the item were changed and not submitted yet. Nothing is wrong with it then.
func (j *Order) earlierRequest(status seller.OrderStatus, csr pki.CSR) (shown pki.Chain, is bool) {
	if j.Item.Stored == "" { // the seller was handed what is on the item, or the client changed it before anything was issued
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
	return shown, j.leafKey() == keyDigest(shown)
}

// leafKey returns the hash of the stored certificate's key, empty if it is not known.
func (j *Order) leafKey() string {
	if known := j.Item.Params[itemparam.LeafKey]; known != "" {
		return known
	}
	if stored, err := pki.StoredLeaf(j.Item.Stored); err == nil {
		return keyDigest(stored)
	}
	return ""
}

// keepForEarlier leaves the stored certificate in place while the present CSR and names are not submitted: reopen or
// setparam does that. Storing that was interrupted is completed.
func (j *Order) keepForEarlier(ctx context.Context, status seller.OrderStatus, shown pki.Chain) error {
	j.Log.ExtInfof("id %d shows certificate %s, which answers the request before the present CSR and names; they are not handed in yet", status.ID, shown.Serial())
	stored, inPlace := j.inPlace(shown)
	switch {
	case j.HasStatus(item.ServiceIssued):
		return nil
	case inPlace:
		return j.announce(ctx, *stored, status)
	case stored == nil:
		return nil
	}
	return j.SetStatus(ctx, item.ServiceIssued)
}
