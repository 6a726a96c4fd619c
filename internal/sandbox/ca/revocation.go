package ca

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// revokedFile holds the revoked certificates of an authority that is kept in a directory.
const revokedFile = "revoked.json"

// ErrRevoked is wrapped by Revoke if the certificate is revoked already.
var ErrRevoked = errors.New("is revoked already")

// Reason is why a certificate is revoked, by its name in RFC 5280 5.3.1.
type Reason string

// The reasons of RFC 5280 5.3.1. RemoveFromCRL takes a certificate that is on hold off the list.
const (
	Unspecified          Reason = "unspecified"
	KeyCompromise        Reason = "keyCompromise"
	CACompromise         Reason = "cACompromise"
	AffiliationChanged   Reason = "affiliationChanged"
	Superseded           Reason = "superseded"
	CessationOfOperation Reason = "cessationOfOperation"
	CertificateHold      Reason = "certificateHold"
	RemoveFromCRL        Reason = "removeFromCRL"
	PrivilegeWithdrawn   Reason = "privilegeWithdrawn"
	AACompromise         Reason = "aACompromise"
)

// Reasons returns all reasons in the order of their codes.
func Reasons() []Reason {
	return []Reason{
		Unspecified, KeyCompromise, CACompromise, AffiliationChanged, Superseded, CessationOfOperation, CertificateHold, RemoveFromCRL,
		PrivilegeWithdrawn, AACompromise,
	}
}

// ParseReason reads the name of a reason; an empty text is Unspecified.
func ParseReason(text string) (Reason, error) {
	if text == "" {
		return Unspecified, nil
	}
	if reason := Reason(text); slices.Contains(Reasons(), reason) {
		return reason, nil
	}
	return "", fmt.Errorf("unknown reason of a revocation %q, use one of %v", text, Reasons())
}

// Code returns the number of the reason in a CRL. There is no reason 7.
func (r Reason) Code() int {
	code := slices.Index(Reasons(), r)
	if code > 6 {
		code++
	}
	return code
}

// Revocation is a certificate that is revoked.
type Revocation struct {
	Serial string    `json:"serial"` // lower-case hex without leading zeros
	Reason Reason    `json:"reason"`
	Time   time.Time `json:"time"`
}

// revoked is the list of revoked certificates with the number of changes that it has had. With a directory it is kept there.
type revoked struct {
	dir string

	mu      sync.Mutex
	changes int64
	list    []Revocation
}

// storedRevoked is the content of revokedFile.
type storedRevoked struct {
	Changes int64        `json:"changes"`
	Revoked []Revocation `json:"revoked"` // oldest first
}

// Revoke puts a certificate on the list, by its serial number in hexadecimal. The error wraps ErrRevoked if it is there
// already, unless it is on hold or the new reason is KeyCompromise (BR 7.2.2 allows this change alone).
func (a *Authority) Revoke(serial string, reason Reason, at time.Time) error {
	number, err := parseSerial(serial)
	if err != nil {
		return err
	}
	if reason.Code() < 0 {
		return fmt.Errorf("unknown reason of a revocation %q", reason)
	}
	err = a.revoked.change(func(list []Revocation) ([]Revocation, error) {
		return withRevocation(list, Revocation{fmt.Sprintf("%x", number), reason, at.UTC().Truncate(time.Second)})
	})
	if err != nil {
		return fmt.Errorf("revoke certificate %x: %w", number, err)
	}
	return nil
}

// Revocations returns the revoked certificates, oldest first.
func (a *Authority) Revocations() ([]Revocation, error) {
	state, err := a.revoked.read()
	return state.Revoked, err
}

// parseSerial reads a serial number in hexadecimal, with or without colons.
func parseSerial(text string) (*big.Int, error) {
	number, ok := new(big.Int).SetString(strings.ReplaceAll(text, ":", ""), 16)
	if !ok || number.Sign() <= 0 || number.BitLen() > 160 {
		return nil, fmt.Errorf("serial number %.60q is not a hexadecimal number of at most 20 octets", text)
	}
	return number, nil
}

// withRevocation returns the list with one more revocation, or without the one that is no more on hold.
func withRevocation(list []Revocation, added Revocation) ([]Revocation, error) {
	at := slices.IndexFunc(list, func(r Revocation) bool { return r.Serial == added.Serial })
	held := at >= 0 && list[at].Reason == CertificateHold
	switch {
	case added.Reason == RemoveFromCRL && !held:
		return nil, errors.New("only a certificate that is on hold is removed from the list")
	case added.Reason == RemoveFromCRL:
		return slices.Delete(list, at, at+1), nil
	case at < 0:
		return append(list, added), nil
	case held && added.Reason != CertificateHold:
		list[at] = added
		return list, nil
	case added.Reason == KeyCompromise && list[at].Reason != KeyCompromise:
		list[at].Reason = KeyCompromise
		return list, nil
	}
	return nil, ErrRevoked
}

// change changes the list and keeps it. Programs that share the directory wait for each other.
func (r *revoked) change(what func([]Revocation) ([]Revocation, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir != "" {
		unlock, err := lock(filepath.Join(r.dir, ".lock"))
		if err != nil {
			return err
		}
		defer unlock()
	}
	state, err := r.load()
	if err != nil {
		return err
	}
	if state.Revoked, err = what(state.Revoked); err != nil {
		return err
	}
	state.Changes++
	if r.dir == "" {
		r.changes, r.list = state.Changes, state.Revoked
		return nil
	}
	content, err := json.MarshalIndent(state, "", " ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(r.dir, revokedFile), content, 0o644)
}

func (r *revoked) read() (storedRevoked, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.load()
}

// load returns a copy of the present list. The caller holds the lock of this process; the file is replaced in one step.
func (r *revoked) load() (storedRevoked, error) {
	if r.dir == "" {
		return storedRevoked{r.changes, slices.Clone(r.list)}, nil
	}
	var state storedRevoked
	content, err := os.ReadFile(filepath.Join(r.dir, revokedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &state)
	}
	if err != nil {
		return storedRevoked{}, fmt.Errorf("read %s: %w", revokedFile, err)
	}
	return state, nil
}
