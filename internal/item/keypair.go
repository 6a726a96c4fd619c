package item

import "errors"

// ErrOtherCSR says that the panel holds another CSR than the one that a key is to be changed for: the client gave one.
var ErrOtherCSR = errors.New("the panel has another CSR now")

// KeyPair is a private key with the CSR for it, both in PEM. It is never part of a log, an error, a mail or an item parameter.
type KeyPair struct {
	CSR string `json:"csr"`
	Key string `json:"key"`
}

// String hides the key from whoever prints a pair by mistake.
func (KeyPair) String() string { return "a key pair" }

// GoString is String.
func (p KeyPair) GoString() string { return p.String() }

// KeyPairs is the content of `var/pmssl-keys/ITEM.json` while an item's key is changed (rules ROTATE-2): what the panel held before,
// and what takes its place.
type KeyPairs struct {
	Item int64   `json:"item"`
	Old  KeyPair `json:"old"` // as the panel has it
	New  KeyPair `json:"new"`
}

// String hides the keys from whoever prints them by mistake.
func (KeyPairs) String() string { return "two key pairs" }

// GoString is String.
func (p KeyPairs) GoString() string { return p.String() }
