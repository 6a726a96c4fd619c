package lifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// Rotation says which key a reissue is for (rules ROTATE-1).
type Rotation int

const (
	// KeepKey is the key of the panel's CSR.
	KeepKey Rotation = iota
	// RotateKey is a new key if the servers can be given one, else that of the panel's CSR.
	RotateKey
	// RotateKeyOnly is a new key or no reissue: others know the present one.
	RotateKeyOnly
)

// ErrKeyKept is wrapped by the error of a reissue with RotateKeyOnly that is not asked for, because no new key can be made and
// brought to its servers. The text says why.
var ErrKeyKept = errors.New("no new key is possible")

// Why a new key was given up, as the item parameter has it. Words of others are in the log only.
const (
	gaveUpRefused = "refused"
	gaveUpEnded   = "ended"
	gaveUpOther   = "another reissue"
	gaveUpCSR     = "another CSR"
	gaveUpLost    = "key lost"
)

// newKeyMade returns the parameter rotated_csr; false if no new key is made, or it was given up.
func (j *Order) newKeyMade() (item.RotatedCSR, bool) {
	r, there := j.Item.Rotated()
	return r, there && r.CSR != ""
}

// usesNewKey reports whether the item's requests are for the new key.
func (j *Order) usesNewKey() bool {
	r, made := j.newKeyMade()
	return made && j.Item.CSR != j.PanelCSR && pki.CSRHash(j.Item.CSR) == pki.CSRHash(r.CSR)
}

// requestForKey returns the request of a reissue that is about to be sent, for the key that j.Rotation says.
func (j *Order) requestForKey(ctx context.Context, request seller.Request) (seller.Request, error) {
	r, made := j.newKeyMade()
	inPlace := made && j.Item.StoredFor(r.Key) // only the panel does not have it yet
	switch {
	case j.Rotation == KeepKey && (!made || inPlace), j.Rotation == RotateKey && inPlace:
		return request, nil
	case j.Rotation == KeepKey:
		if err := j.giveUpNewKey(ctx, gaveUpOther, "this reissue is for the panel's CSR"); err != nil {
			return request, err
		}
		return j.Request()
	case j.usesNewKey() && !inPlace: // a reissue whose answer was lost
		return request, nil
	}
	return j.requestForNewKey(ctx, request)
}

// requestForNewKey returns the request for a new key or, if there is none and the present one may stay, that for the present one.
func (j *Order) requestForNewKey(ctx context.Context, request seller.Request) (seller.Request, error) {
	why, err := j.rotate(ctx)
	switch {
	case err != nil:
		return request, err
	case why == "":
		return j.Request()
	case j.Rotation == RotateKeyOnly:
		return request, fault.Errorf(fault.Missed, "key", "%s is not reissued: %w: %s", j.Item.Label(), ErrKeyKept, why)
	}
	j.Log.Infof("its key stays the same: %s", why)
	return request, j.giveUpNewKey(ctx, gaveUpOther, why)
}

// rotate makes a new key and has the item's requests be for it. why says why not. The pairs are in their file before the parameter
// names the CSR; it counts when reissue_of has it too, so that a run that is killed in between has changed nothing.
func (j *Order) rotate(ctx context.Context) (why string, err error) {
	present, why, err := j.rotatable(ctx)
	if err != nil || why != "" {
		return why, err
	}
	pairs, why, err := j.newPairs(ctx, present)
	if err != nil || why != "" {
		return why, err
	}
	csr, err := pki.ReadCSR(pairs.New.CSR)
	if err != nil {
		return err.Error(), nil
	}
	r := item.RotatedCSR{From: pki.CSRHash(present.CSR), CSR: csr.PEM, Key: csr.KeyHash(), Serial: j.Item.Params[itemparam.Serial]}
	if err := j.saveNewKey(ctx, r); errors.Is(err, errNotKept) { // the certificate must not expire because of that
		return fault.From(err).Message, j.forgetNewKey(ctx)
	} else if err != nil {
		return "", err
	}
	j.Item.CSR = csr.PEM
	j.Log.Infof("its reissue is for a new key (%s); the present one is kept in var/pmssl-keys until the new certificate is on its servers", csr.Key)
	return "", nil
}

// forgetNewKey drops the parameter rotated_csr before a reissue was asked for with it, and the file of key pairs with it.
func (j *Order) forgetNewKey(ctx context.Context) error {
	if err := j.SaveParam(ctx, itemparam.RotatedCSR, ""); err != nil {
		return err
	}
	if err := j.tidyKeyPairs(ctx); err != nil {
		j.Log.Warningf("%v", err) // the sweep tries again
	}
	return nil
}

// errNotKept says that the panel has another value of a parameter than was saved.
var errNotKept = errors.New("it has another value")

// saveNewKey saves the parameter rotated_csr and reads it back.
func (j *Order) saveNewKey(ctx context.Context, r item.RotatedCSR) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return j.saveVerified(ctx, itemparam.RotatedCSR, string(raw))
}

// saveVerified saves a parameter and reads it back.
func (j *Order) saveVerified(ctx context.Context, name, value string) error {
	if err := j.SaveParam(ctx, name, value); err != nil {
		return err
	}
	held, _, err := j.Panel.Param(ctx, j.Item.Item, name)
	if err != nil {
		return err
	}
	if held != value {
		j.Item.Params[name] = held
		return fault.Errorf(fault.Panel, name, "%s: the panel did not keep the parameter %s as it was saved, nothing is sent: %w", j.Item.Label(), name, errNotKept).Retryable()
	}
	return nil
}

// newPairs returns the present pair with a new one, in their file. One that a killed run has made is used.
func (j *Order) newPairs(ctx context.Context, present item.KeyPair) (pairs item.KeyPairs, why string, err error) {
	kept, found, err := j.Panel.KeyPairs(ctx, j.Item.Item)
	if err != nil {
		return pairs, fault.From(err).Message, nil
	}
	if found && j.reusable(kept, present) {
		return kept, "", nil
	}
	if found {
		if err := j.tidyKeyPairs(ctx); err != nil {
			return pairs, fault.From(err).Message, nil
		}
	}
	csr, err := pki.ReadCSR(present.CSR)
	if err != nil {
		return pairs, err.Error(), nil
	}
	made, key, err := csr.WithNewKey(present.Key, j.Rand)
	if err != nil {
		return pairs, err.Error(), nil
	}
	trial := *j.Handle
	trial.Item.CSR = made.PEM
	if _, err := trial.Request(); err != nil { // what the CA has certified once need not be certified anew
		return pairs, fault.From(err).Message, nil
	}
	pairs = item.KeyPairs{Item: j.Item.Item, Old: present, New: item.KeyPair{CSR: made.PEM, Key: key}}
	if err := j.Panel.SaveKeyPairs(ctx, pairs); err != nil {
		return pairs, fault.From(err).Message, nil
	}
	return pairs, "", nil
}

// reusable reports whether pairs in a file are of the present pair and a new one that was not given up.
func (j *Order) reusable(kept item.KeyPairs, present item.KeyPair) bool {
	csr, err := pki.ReadCSR(kept.New.CSR)
	if err != nil || kept.Old.Key != present.Key || pki.CSRHash(kept.Old.CSR) != pki.CSRHash(present.CSR) {
		return false
	}
	r, there := j.Item.Rotated()
	return !there || r.GaveUp == "" || r.Key != csr.KeyHash()
}

// giveUpNewKey has the item's requests be for the panel's CSR again, unless the certificate with the new key is stored. For this
// certificate no further key is made (rules ROTATE-5).
func (j *Order) giveUpNewKey(ctx context.Context, word, why string) error {
	r, made := j.newKeyMade()
	if !made || j.Item.StoredFor(r.Key) {
		return nil
	}
	j.Log.Warningf("the new key for its reissue is given up, the panel's key stays: %s", why)
	if err := j.saveNewKey(ctx, item.RotatedCSR{Key: r.Key, Serial: r.Serial, GaveUp: word}); err != nil {
		return err
	}
	j.Item.CSR = j.PanelCSR
	if err := j.tidyKeyPairs(ctx); err != nil {
		j.Log.Warningf("%v", err) // the sweep tries again
	}
	return nil
}

// retreatFromKey prepares the request for the panel's CSR after the seller refused that for the new key. False if there is none
// to retreat from.
func (j *Order) retreatFromKey(ctx context.Context, status seller.OrderStatus, refusal error) (bool, error) {
	if !j.usesNewKey() {
		return false, nil
	}
	if r, _ := j.newKeyMade(); j.Item.StoredFor(r.Key) {
		return false, nil
	}
	if err := j.giveUpNewKey(ctx, gaveUpRefused, fmt.Sprintf("%s refused it for id %d (%v)", j.Info.Title, status.ID, refusal)); err != nil {
		return false, err
	}
	if j.Rotation == RotateKeyOnly {
		return false, nil
	}
	return true, j.savePending(ctx, status)
}
