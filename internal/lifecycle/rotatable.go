package lifecycle

import (
	"context"
	"fmt"
	"strings"

	"pmssl/internal/deliver"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
)

// rotatable returns the pair that the panel holds for the certificate in place, if its key can be changed (rules ROTATE-1); else why
// not.
func (j *Order) rotatable(ctx context.Context) (present item.KeyPair, why string, err error) {
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		return present, err.Error(), nil
	}
	if why := j.keyInUse(stored); why != "" {
		return present, why, nil
	}
	csr, err := pki.ReadCSR(j.PanelCSR)
	if err != nil || !csr.SameKey(stored.Leaf.PublicKey) {
		return present, "the certificate in place is not for the panel's CSR", nil
	}
	if why, passes := j.keyUndeliverable(ctx, stored); why != "" {
		if passes && j.waitsForServers() {
			return present, "", fault.Errorf(fault.Waiting, "key", "%s: whether its servers can be given a new key is not known now, the next run asks again: %s",
				j.Item.Label(), why).Retryable()
		}
		return present, why, ctx.Err()
	}
	key, err := j.Panel.PrivateKey(ctx, j.Item.Item) // last: it is read only if it is needed
	if err != nil {
		return present, "", err
	}
	if _, fits := csr.FittingKey(key); !fits {
		return present, "the panel does not hold the private key of its CSR, or holds it encrypted", nil
	}
	return item.KeyPair{CSR: j.PanelCSR, Key: key}, "", nil
}

// keyInUse returns why the item's state does not allow a new key now.
func (j *Order) keyInUse(stored pki.Chain) string {
	if j.Rand == nil || j.Delivering == nil || !j.delivers() {
		return "certificates are not delivered: there is no deploy block, or SSLUnattended is not on"
	}
	if why := j.triedBefore(stored.Serial()); why != "" {
		return why
	}
	switch {
	case j.Unanswered():
		return "a reissue has no answer yet"
	case j.requestChanged():
		return "the client has changed the request"
	case j.Item.Params[itemparam.Serial] != stored.Serial(), j.Item.Params[itemparam.DeployedSerial] != stored.Serial():
		return "the certificate in place was not seen on its servers"
	}
	return ""
}

// triedBefore returns why the reissue of the certificate in place is not the first one, or not with a new key: one is made for each
// certificate (rules ROTATE-5). A key that a run has made which was killed then is used.
func (j *Order) triedBefore(serial string) string {
	r, there := j.Item.Rotated()
	switch {
	case !there || r.Serial != serial:
		if j.Rotation == RotateKey && j.Attempts().Count > 0 {
			return "a reissue of this certificate was asked for before"
		}
	case r.GaveUp != "":
		return "a new key for the reissue of this certificate was given up before (" + r.GaveUp + ")"
	}
	return ""
}

// waitsForServers reports whether a reissue that needs a new key waits for servers that do not answer: for a few hours after its
// certificate was found to be revoked, then a person is asked.
func (j *Order) waitsForServers() bool {
	noted := j.Revocation().Noted
	return j.Rotation == RotateKeyOnly && !noted.IsZero() && j.Now().Sub(noted) < troubleTime
}

// keyUndeliverable returns why a new key cannot be brought to every server of the certificate, and whether that may pass by itself.
func (j *Order) keyUndeliverable(ctx context.Context, stored pki.Chain) (why string, passes bool) {
	targets, reasons, err := j.Delivering.Targets(ctx, j.deliveryOrder(), deliveryNames(stored))
	if err != nil {
		return err.Error(), true
	}
	left, unclear := sortReasons(reasons)
	if why := strings.Join(nonEmpty(left, unclear), "; "); why != "" {
		return why, left == ""
	}
	for _, t := range targets {
		if !t.Key {
			return fmt.Sprintf("deploy %s (%s) does not say `key yes`, or calls its panel by mgrctl, which is given no key", t.Block, strings.Join(t.Sites, ", ")), false
		}
	}
	names := deliveryNames(stored)
	if why := uncovered(targets, names); why != "" {
		return why, false
	}
	for _, t := range targets { // a certificate of the same key may have been delivered in another way
		if err := j.Delivering.CheckKey(ctx, j.deliveryOrder(), t, names); err != nil {
			return fmt.Sprintf("deploy %s takes no new key: %v", t.Block, err), true
		}
	}
	return "", false
}

// uncovered returns which of the names no target serves.
func uncovered(targets []deliver.Target, names []string) string {
	served := map[string]bool{}
	for _, t := range targets {
		for _, site := range t.Sites {
			served[site] = true
		}
	}
	for _, name := range names {
		if !served[strings.TrimPrefix(name, "*.")] {
			return "no deploy block serves " + pki.DisplayName(name)
		}
	}
	return ""
}

func nonEmpty(texts ...string) []string {
	var all []string
	for _, text := range texts {
		if text != "" {
			all = append(all, text)
		}
	}
	return all
}
