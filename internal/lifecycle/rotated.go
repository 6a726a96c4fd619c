package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
)

// keyTaskAfter is how long the new pair is tried to be put into the panel before the administrator gets a task.
const keyTaskAfter = 24 * time.Hour

// putKeyInPanel puts the pair of the certificate in place into the panel if that is for a new key, and drops the parameter
// rotated_csr (rules ROTATE-4). What fails is tried again by the next sweep; the certificate stays stored. A parameter that is left
// of an earlier certificate is dropped.
func (j *Order) putKeyInPanel(ctx context.Context) error {
	if j.Item.Params[itemparam.RotatedCSR] == "" {
		return nil
	}
	r, readable := j.Item.Rotated()
	serial := j.Item.Params[itemparam.Serial]
	switch {
	case readable && r.CSR != "" && j.Item.StoredFor(r.Key):
	case readable && r.Serial == serial:
		return nil
	default:
		return j.SaveParam(ctx, itemparam.RotatedCSR, "")
	}
	err := j.replaceKey(ctx, r)
	if over := ctx.Err(); over != nil {
		return err
	}
	if errors.Is(err, item.ErrOtherCSR) {
		j.Log.Warningf("%v; the key of certificate %s stays in var/pmssl-keys until the next one is stored", err, serial)
		err = nil
	}
	if err != nil {
		return j.keyNotInPanel(ctx, r, err)
	}
	if r.Task > 0 {
		if err := j.Panel.CloseTask(ctx, r.Task); err != nil {
			j.Log.Warningf("the task %d is over and could not be closed: %v", r.Task, err)
		}
	}
	return j.SaveParam(ctx, itemparam.RotatedCSR, "")
}

// replaceKey puts the new pair into the panel. Without the file it may be there already.
func (j *Order) replaceKey(ctx context.Context, r item.RotatedCSR) error {
	pairs, found, err := j.Panel.KeyPairs(ctx, j.Item.Item)
	switch {
	case err != nil:
		return err
	case !found && pki.CSRHash(j.PanelCSR) == pki.CSRHash(r.CSR):
		return nil
	case !found || pki.CSRHash(pairs.New.CSR) != pki.CSRHash(r.CSR):
		return fmt.Errorf("var/pmssl-keys/%d.json, which has its private key, is missing or another item's: put it back, or reissue the certificate", j.Item.Item)
	}
	if err := j.Panel.ReplaceKey(ctx, pairs); err != nil {
		return err
	}
	j.PanelCSR = pairs.New.CSR
	j.Log.Infof("the panel has the new key and CSR of certificate %s", j.Item.Params[itemparam.Serial])
	return nil
}

// keyNotInPanel notes since when the pair could not be put into the panel. After a day the administrator gets a task.
func (j *Order) keyNotInPanel(ctx context.Context, r item.RotatedCSR, reason error) error {
	text := fmt.Sprintf("%s: the new key of certificate %s could not be put into the panel, the next sweep tries again: %v",
		j.Item.Label(), j.Item.Params[itemparam.Serial], reason)
	j.Run.Log.Warningf("%s", text)
	now := j.Now().UTC()
	if r.Failed.IsZero() || r.Failed.After(now) {
		r.Failed = now
	}
	if r.Task == 0 && now.Sub(r.Failed) >= keyTaskAfter {
		task, err := j.openTask(ctx, j.Args.Command, text)
		if err != nil {
			return err
		}
		r.Task = task
	}
	return j.saveNewKey(ctx, r)
}

// FinishRotation completes a change of the item's key as far as it has come, and removes the file of key pairs once nothing in it is
// needed (rules ROTATE-4, ROTATE-6).
func (j *Order) FinishRotation(ctx context.Context) error {
	if j.Dry != nil {
		return nil
	}
	if j.Item.Status == item.ItemDeleted {
		return j.dropRotation(ctx)
	}
	if r, made := j.newKeyMade(); made && pki.CSRHash(j.PanelCSR) != r.From && pki.CSRHash(j.PanelCSR) != pki.CSRHash(r.CSR) {
		if err := j.giveUpNewKey(ctx, gaveUpCSR, "the panel has another CSR now"); err != nil {
			return err
		}
	}
	if err := j.putKeyInPanel(ctx); err != nil {
		return err
	}
	return j.tidyKeyPairs(ctx)
}

// dropRotation forgets a change of the key with its file. The item is over.
func (j *Order) dropRotation(ctx context.Context) error {
	if err := j.Panel.RemoveKeyPairs(ctx, j.Item.Item); err != nil {
		return err
	}
	return j.SaveParam(ctx, itemparam.RotatedCSR, "")
}

// tidyKeyPairs removes the item's file of key pairs if nothing in it is needed.
func (j *Order) tidyKeyPairs(ctx context.Context) error {
	pairs, found, err := j.Panel.KeyPairs(ctx, j.Item.Item)
	if err != nil {
		return err
	}
	if found {
		why, err := j.pairsNeeded(ctx, pairs)
		if err != nil || why != "" {
			if why != "" {
				j.Log.ExtInfof("its key pairs stay in var/pmssl-keys: %s", why)
			}
			return err
		}
	}
	return j.Panel.RemoveKeyPairs(ctx, j.Item.Item)
}

// pairsNeeded returns what the pairs in the item's file are still needed for; empty if for nothing.
func (j *Order) pairsNeeded(ctx context.Context, pairs item.KeyPairs) (string, error) {
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		return "no certificate is stored", nil
	}
	serial := stored.Serial()
	r, made := j.newKeyMade()
	isNew := keyIsOf(pairs.New, stored)
	switch {
	case made && (isNew || r.Serial == serial):
		return "its key is being changed", nil
	case isNew && j.Item.Params[itemparam.DeployedSerial] != serial:
		return "certificate " + serial + " was not seen on its servers yet", nil
	case !isNew && !keyIsOf(pairs.Old, stored):
		return "", nil
	}
	held, err := j.Panel.PrivateKey(ctx, j.Item.Item)
	if err != nil {
		return "", err
	}
	if _, fits := pki.FittingKey(held, stored.Leaf); !fits {
		return "the panel does not hold the key of certificate " + serial, nil
	}
	return "", nil
}

// keyIsOf reports whether the pair's key is that of the certificate.
func keyIsOf(pair item.KeyPair, stored pki.Chain) bool {
	_, fits := pki.FittingKey(pair.Key, stored.Leaf)
	return fits
}

// leaveOldPairs removes the file of key pairs after the certificate with the new key was replaced by the next one: if that was never
// seen on its servers, the former one has expired or is not in place any more (rules ROTATE-6). A key of the next one stays until the
// panel holds it.
func (j *Order) leaveOldPairs(ctx context.Context, replaced, stored pki.Chain) {
	if _, made := j.newKeyMade(); made {
		return
	}
	pairs, found, err := j.Panel.KeyPairs(ctx, j.Item.Item)
	needed := false
	if err == nil && found && (keyIsOf(pairs.New, stored) || keyIsOf(pairs.Old, stored)) {
		var held string
		held, err = j.Panel.PrivateKey(ctx, j.Item.Item)
		_, fits := pki.FittingKey(held, stored.Leaf)
		needed = !fits
	}
	if err == nil && found && !needed && keyIsOf(pairs.New, replaced) {
		err = j.Panel.RemoveKeyPairs(ctx, j.Item.Item)
	}
	if err != nil {
		j.Log.Warningf("%v", err) // the sweep tries again
	}
}

// keyOf returns the private key of a certificate: the panel's or, as long as that has another one, that of the item's file.
func (j *Order) keyOf(ctx context.Context, stored pki.Chain) (string, error) {
	held, err := j.Panel.PrivateKey(ctx, j.Item.Item)
	if err != nil {
		return "", err
	}
	if key, fits := pki.FittingKey(held, stored.Leaf); fits {
		return key, nil
	}
	pairs, found, err := j.Panel.KeyPairs(ctx, j.Item.Item)
	if err != nil {
		return "", err
	}
	if found {
		for _, pair := range []item.KeyPair{pairs.New, pairs.Old} {
			if key, fits := pki.FittingKey(pair.Key, stored.Leaf); fits {
				return key, nil
			}
		}
	}
	if held != "" {
		j.Log.Warningf("the private key in the panel is not that of certificate %s, or is encrypted: it is not handed over", stored.Serial())
	}
	return "", nil
}

// withoutItsKey returns the certificate that the seller shows, and true if it is for a key that the module has made and that does not
// count: the client has given another CSR, it was given up, or its private key cannot be read now.
func (j *Order) withoutItsKey(status seller.OrderStatus) (pki.Chain, bool) {
	r, there := j.Item.Rotated()
	if !there || r.Key == "" || j.Item.Stored == "" || j.Item.StoredFor(r.Key) || j.usesNewKey() {
		return pki.Chain{}, false
	}
	shown, err := pki.StoredLeaf(strings.Join(status.PEM, "\n"))
	return shown, err == nil && pki.LeafKeyHash(shown.Leaf) == r.Key
}

// waitForKey keeps the certificate in place while there is no private key for the new one. A day after that was asked for, the new key
// is given up, and the next reissue is for the panel's CSR (rules ROTATE-5).
func (j *Order) waitForKey(ctx context.Context, shown pki.Chain) error {
	if r, made := j.newKeyMade(); made {
		word, why := gaveUpLost, "its private key is lost"
		switch {
		case pki.CSRHash(j.PanelCSR) != r.From:
			word, why = gaveUpCSR, "the panel has another CSR now"
		case j.Now().Sub(j.Attempts().Last) <= purchase.FreshCertificate:
			j.Log.Warningf("certificate %s cannot be stored without its private key, which var/pmssl-keys should have: put the file back", shown.Serial())
			return j.SetStatus(ctx, item.ServiceWaiting)
		}
		if err := j.giveUpNewKey(ctx, word, why); err != nil {
			return err
		}
	}
	j.Log.ExtInfof("certificate %s is for a key that was given up; the stored one stays until the next reissue", shown.Serial())
	if pending, ok := j.pendingReissue(); ok && pending.CSR != "" { // not one for the panel's CSR, which may have no answer yet
		if err := j.SaveParam(ctx, itemparam.ReissueOf, ""); err != nil {
			return err
		}
	}
	return j.SetStatus(ctx, item.ServiceIssued)
}

// checkOwnOrder is checkOwnKey, but an order for a new key that was given up is the item's own too.
func (j *Order) checkOwnOrder(status seller.OrderStatus) error {
	err := j.checkOwnKey(status)
	if err == nil {
		return nil
	}
	if r, there := j.Item.Rotated(); there && r.Key != "" {
		if shown, unread := pki.ReadCSR(status.CSR); unread == nil && shown.KeyHash() == r.Key {
			return nil
		}
	}
	return err
}
