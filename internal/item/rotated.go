package item

import (
	"encoding/json"
	"time"

	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
)

// RotatedCSR is the item parameter rotated_csr (rules ROTATE-3): the CSR for a new key that a reissue is asked for with. Its private
// key is in the item's file of key pairs. Once given up it has neither From nor CSR.
type RotatedCSR struct {
	From   string `json:"from,omitempty"` // pki.CSRHash of the panel's CSR, whose place CSR takes
	CSR    string `json:"csr,omitempty"`  // PEM
	Key    string `json:"key"`            // pki.CSR.KeyHash of CSR
	Serial string `json:"serial"`         // of the certificate that was in place when the key was made
	GaveUp string `json:"gave_up,omitempty"`
	// Failed is since when the new pair could not be put into the panel, UTC; Task is the administrator's task about that.
	Failed time.Time `json:"failed,omitzero"`
	Task   int64     `json:"task,omitempty"`
}

// Rotated reads the parameter rotated_csr; false if it is absent or cannot be read.
func (i Item) Rotated() (RotatedCSR, bool) {
	var r RotatedCSR
	raw := i.Params[itemparam.RotatedCSR]
	if raw == "" || json.Unmarshal([]byte(raw), &r) != nil {
		return RotatedCSR{}, false
	}
	return r, true
}

// rotatedCSR returns the CSR of rotated_csr if it counts. It counts if the stored certificate is for its key, or a reissue with it was
// asked for or is about to be, while the panel's CSR is the one that it was made in place of and the item's file holds its private
// key. problem says what of that fails although the key is in use; empty if it is not.
func (i Item) rotatedCSR() (csr, problem string) {
	raw := i.Params[itemparam.RotatedCSR]
	if raw == "" {
		return "", ""
	}
	r, readable := i.Rotated()
	if !readable {
		return "", "the parameter " + itemparam.RotatedCSR + " cannot be read"
	}
	if r.CSR == "" || !i.requestedWith(r) {
		return "", ""
	}
	request, err := pki.ReadCSR(r.CSR)
	panel := pki.CSRHash(i.CSR)
	switch {
	case err != nil || request.KeyHash() != r.Key:
		return "", "the CSR in the parameter " + itemparam.RotatedCSR + " cannot be used"
	case panel == pki.CSRHash(r.CSR): // the panel has the new pair
		return "", ""
	case panel != r.From:
		return "", "the client has given another CSR"
	case i.HeldKeyProblem != "":
		return "", i.HeldKeyProblem
	case i.HeldKey != r.Key:
		return "", "its private key is not in var/pmssl-keys"
	}
	return request.PEM, ""
}

// requestedWith reports whether the stored certificate is for the key of rotated_csr, or a reissue with its CSR was asked for.
func (i Item) requestedWith(r RotatedCSR) bool {
	var pending struct {
		CSR string `json:"csr"`
	}
	if raw := i.Params[itemparam.ReissueOf]; json.Unmarshal([]byte(raw), &pending) == nil && pending.CSR == pki.CSRHash(r.CSR) {
		return true
	}
	return i.StoredFor(r.Key)
}

// StoredFor reports whether the stored certificate is for the key of the hash (pki.CSR.KeyHash).
func (i Item) StoredFor(key string) bool {
	stored, err := pki.StoredLeaf(i.Stored)
	return err == nil && key != "" && pki.LeafKeyHash(stored.Leaf) == key
}
