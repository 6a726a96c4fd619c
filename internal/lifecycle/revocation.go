package lifecycle

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/watch/crl"
)

const (
	// revokedReissues is how many reissues of revoked certificates the sweep makes for one item in revokedPeriod (rules REVOKE-5).
	revokedReissues = 2
	revokedPeriod   = 7 * 24 * time.Hour
	// toldFor is how long mails are remembered: no certificate lasts longer (BR 6.3.2).
	toldFor = 398 * 24 * time.Hour
	// maxRevocation is the longest item parameter that is read, in bytes; maxTold how many mails are remembered.
	maxRevocation = 8 << 10
	maxTold       = 20
)

// Revocation is the item parameter revocation: a certificate of the item that its CA revoked, and what was done about it (rules
// PARAM-45). The zero value means that none is known to be.
type Revocation struct {
	Serial string     `json:"serial"` // lower-case hex
	Reason crl.Reason `json:"reason"`
	Date   time.Time  `json:"date"`  // revocationDate of the list
	Noted  time.Time  `json:"noted"` // when the module found it
	// Key is the SHA-256 of the public key if the reason is keyCompromise.
	Key string `json:"key,omitempty"`
	// Reissued are the reissues of revoked certificates in the last 7 days that the seller took or may have got, each saved before it was
	// sent, the oldest first.
	Reissued []RevokedReissue `json:"reissued,omitempty"`
	// Told are the mails about revoked certificates: "SERIAL KIND".
	Told []string `json:"told,omitempty"`
	// Task is the reason about which the administrator has a task: nothing more is done without a person.
	Task crl.Reason `json:"task,omitempty"`
}

// RevokedReissue is a reissue of a revoked certificate.
type RevokedReissue struct {
	Serial string    `json:"serial"` // of the revoked certificate
	At     time.Time `json:"at"`
	ID     int64     `json:"id"`              // the newest id at the seller before it
	Taken  bool      `json:"taken,omitempty"` // the seller accepted it
}

// ParseRevocation reads the item parameter. One that is absent or cannot be read is the zero value.
func ParseRevocation(text string) Revocation {
	var r Revocation
	if text == "" || len(text) > maxRevocation || json.Unmarshal([]byte(text), &r) != nil || r.Serial == "" {
		return Revocation{}
	}
	r.Told = r.Told[max(0, len(r.Told)-maxTold):]
	return r
}

// Revocation returns what is known of a revoked certificate of the item.
func (j *Order) Revocation() Revocation { return ParseRevocation(j.Item.Params[itemparam.Revocation]) }

// saveRevocation saves the item parameter and reads it back: it is what keeps reissues from being repeated without an end.
func (j *Order) saveRevocation(ctx context.Context, r Revocation) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if j.Item.Params[itemparam.Revocation] == string(raw) {
		return nil
	}
	return j.saveVerified(ctx, itemparam.Revocation, string(raw))
}

// NoteRevocation saves that the CA revoked the stored certificate. It returns true if that is news.
func (j *Order) NoteRevocation(ctx context.Context, stored pki.Chain, e crl.Entry) (bool, error) {
	r := j.Revocation()
	if r.Serial == e.Serial && r.Reason == e.Reason && r.Date.Equal(e.Date) {
		return false, nil
	}
	if r.Serial != e.Serial {
		r.Noted, r.Task = j.Now().UTC().Truncate(time.Second), ""
	}
	r.Serial, r.Reason, r.Date, r.Key = e.Serial, e.Reason, e.Date.UTC(), ""
	if e.Reason == crl.KeyCompromise {
		r.Key = pki.LeafKeyHash(stored.Leaf)
	}
	j.Log.Warningf("certificate %s was revoked by its authority on %s (%s)", r.Serial, r.Date.Format(time.DateOnly), r.Reason)
	return true, j.saveRevocation(ctx, r)
}

// NoteRevocationMail saves that the client is told about a certificate by a mail of this kind, or, with told false, is not.
func (j *Order) NoteRevocationMail(ctx context.Context, e crl.Entry, kind string, told bool) error {
	r := j.Revocation()
	if r.Serial == "" { // the certificate was replaced before it was revoked
		r = Revocation{Serial: e.Serial, Reason: e.Reason, Date: e.Date.UTC(), Noted: j.Now().UTC().Truncate(time.Second)}
	}
	line := e.Serial + " " + kind
	r.Told = slices.DeleteFunc(slices.Clone(r.Told), func(old string) bool { return old == line })
	if told {
		r.Told = append(r.Told, line)
	}
	return j.saveRevocation(ctx, r)
}

// WasTold reports whether the client was told about the certificate by a mail of one of these kinds.
func (r Revocation) WasTold(serial string, kinds ...string) bool {
	return slices.ContainsFunc(kinds, func(kind string) bool { return slices.Contains(r.Told, serial+" "+kind) })
}

// OpenRevocationTask opens a task about the revoked certificate, once for its reason. From then on the module does nothing about it
// by itself.
func (j *Order) OpenRevocationTask(ctx context.Context, command, text string) error {
	r := j.Revocation()
	if r.Task == r.Reason {
		return nil
	}
	j.Log.Warningf("%s", text)
	if err := j.OpenTaskUntilStored(ctx, command, text); err != nil {
		return err
	}
	r.Task = r.Reason
	return j.saveRevocation(ctx, r)
}

// ForRevocation has Reissue replace the stored certificate because it is revoked: the request is counted before it is sent.
func (j *Order) ForRevocation() { j.forRevocation = true }

// RevokedReissueRefused returns why the sweep does not reissue the revoked certificate (again); empty if it may (rules REVOKE-5).
func (j *Order) RevokedReissueRefused() string {
	r := j.Revocation()
	now, last := j.Now(), 0
	for _, one := range r.Reissued {
		if one.Serial == r.Serial && (one.Taken || one.ID != j.ID()) {
			return fmt.Sprintf("its reissue was accepted on %s, and it is still in place", one.At.Format(time.RFC3339))
		}
		if now.Sub(one.At) < revokedPeriod {
			last++
		}
	}
	if last >= revokedReissues {
		return fmt.Sprintf("reissues of revoked certificates of the item were asked for %d times within %d days", last, int(revokedPeriod.Hours())/24)
	}
	return ""
}

// countRevoked saves that a reissue of the revoked certificate is about to be sent.
func (j *Order) countRevoked(ctx context.Context, id int64) error {
	if !j.forRevocation {
		return nil
	}
	r, now := j.Revocation(), j.Now().UTC().Truncate(time.Second)
	r.Reissued = append(slices.DeleteFunc(slices.Clone(r.Reissued), func(one RevokedReissue) bool { return now.Sub(one.At) >= revokedPeriod }),
		RevokedReissue{Serial: r.Serial, At: now, ID: id})
	return j.saveRevocation(ctx, r)
}

// uncountRevoked takes the last reissue back, which did not reach the seller or was refused there.
func (j *Order) uncountRevoked(ctx context.Context) {
	r := j.Revocation()
	if !j.forRevocation || len(r.Reissued) == 0 {
		return
	}
	r.Reissued = r.Reissued[:len(r.Reissued)-1]
	if err := j.saveRevocation(ctx, r); err != nil {
		j.Log.Errorf("the count of reissues of revoked certificates could not be reverted: %v", err)
	}
}

// takeRevoked saves that the seller accepted the reissue of a revoked certificate.
func (j *Order) takeRevoked(ctx context.Context) error {
	r := j.Revocation()
	last := len(r.Reissued) - 1
	if last < 0 || r.Reissued[last].Taken || r.Reissued[last].Serial != r.Serial {
		return nil
	}
	r.Reissued = slices.Clone(r.Reissued)
	r.Reissued[last].Taken = true
	return j.saveRevocation(ctx, r)
}

// KeyIsKnown reports whether the item's CSR has the key of a certificate that was revoked because its key is known to others. A
// CSR with another key, the client's or one that the module made, ends that. The CSR of an imported item is for the key of the
// certificate in place (rules IMPORT-3).
func (j *Order) KeyIsKnown() bool {
	r := j.Revocation()
	csr, err := pki.ReadCSR(j.Item.CSR)
	if err != nil {
		return r.Key != "" && r.Serial == j.Item.Params[itemparam.Serial]
	}
	return r.Key != "" && csr.KeyHash() == r.Key
}

// refuseKnownKey returns a fault if the item's CSR has a key that is known to others: a CA must refuse it (BR 6.1.1.3), and the
// order might be left without an end.
func (j *Order) refuseKnownKey() error {
	if !j.KeyIsKnown() {
		return nil
	}
	r := j.Revocation()
	return fault.Errorf(fault.Value, "csr", "%s: certificate %s was revoked on %s because its private key is known to others (keyCompromise), and the CSR is for the same key, "+
		"for which no authority issues a certificate (BR 6.1.1.3): make a new key and a CSR for it, and reissue the certificate with that CSR",
		j.Item.Label(), r.Serial, r.Date.Format(time.DateOnly))
}

// RevocationOver reports whether nothing has to be remembered about the revocation any more: the certificate was replaced, and the
// new one was seen or nothing was seen for a while. inPlace is the serial in place; seen says that the sites serve it. watched says that
// sites are looked at: one that serves the certificate now and then, because of several servers behind one address, is told once.
func (r Revocation) RevocationOver(inPlace string, seen, watched bool, now time.Time) bool {
	kept := now.Sub(r.Noted)
	if r.Serial == "" || r.Serial == inPlace || !seen && kept < revokedPeriod || watched && len(r.Told) > 0 && kept < toldFor {
		return false
	}
	return !slices.ContainsFunc(r.Reissued, func(one RevokedReissue) bool { return now.Sub(one.At) < revokedPeriod })
}

// DropRevocation forgets the revocation.
func (j *Order) DropRevocation(ctx context.Context) error {
	if serial := j.Revocation().Serial; serial != "" && j.Item.Params[itemparam.RevokedSerial] == serial {
		if err := j.SaveParam(ctx, itemparam.RevokedSerial, ""); err != nil {
			return err
		}
	}
	return j.SaveParam(ctx, itemparam.Revocation, "")
}

// IsDeployed reports whether the module delivered this certificate to its servers and saw it there.
func (j *Order) IsDeployed(serial string) bool {
	return j.Item.Params[itemparam.DeployedSerial] == serial
}
