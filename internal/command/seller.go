package command

import (
	"context"

	"pmssl/internal/cert"
)

// Seller is what the commands need of a seller of certificates. Reads may be repeated by the implementation; Buy never
// is. Errors are *cert.Fault with the seller's code and words; Fault.Unclear says that a purchase may have happened.
type Seller interface {
	// Account names the account that pays: address of the API and user, never a secret. Purchases of one account are
	// made one after the other (contract 3.1).
	Account() string
	// Check asks for something harmless and tells in distinct faults why the account cannot be used.
	Check(ctx context.Context) error
	// Shelf lists what is paid and not activated, and the highest id seen.
	Shelf(ctx context.Context) (cert.Shelf, error)
	// Buy pays for one certificate. It sends its request exactly once, whatever comes back (contract 3.3).
	Buy(ctx context.Context, p cert.Purchase) (cert.Receipt, error)
	// Activate hands the CSR in for a paid id and returns what the client must do to prove control.
	Activate(ctx context.Context, id int64, r cert.Request) ([]cert.Proof, error)
	// Proofs asks again for what the client must do, for an id that waits for proof; same method, no change.
	Proofs(ctx context.Context, id int64, r cert.Request) ([]cert.Proof, error)
	// Report tells where an id stands, with the certificate where there is one.
	Report(ctx context.Context, id int64) (cert.Report, error)
}

// ApproverLister is a seller that knows which addresses may approve a domain (feature approver).
type ApproverLister interface {
	Approvers(ctx context.Context, domain string, product cert.Product) ([]string, error)
}

// Reissuer is a seller that issues the next certificate of a paid term (command reopen). Reissue costs nothing and is sent
// once: what became of it is looked up, not repeated. It returns the new certificate's id.
type Reissuer interface {
	Reissue(ctx context.Context, id int64, r cert.Request) (int64, []cert.Proof, error)
	// Successors lists ids that may be a reissue of the id whose answer was lost: newer ones for the same name that are
	// activated. Whose key they are for tells Report.
	Successors(ctx context.Context, id int64, commonName string) ([]int64, error)
}

// BalanceTeller is a seller that tells what the account holds.
type BalanceTeller interface {
	Balance(ctx context.Context) (cert.Money, error)
}

// Param is a connection parameter of the module: asked by the panel's form, stored in processingparam or, encrypted, in
// processingcryptedparam (billmanager-module-protocol §2).
type Param struct {
	Name    string
	Crypted bool
}

// CustomParam is a row of the module's own parameter table in the panel (billmanager-module-protocol §2).
type CustomParam struct{ Name, Default string }

// Trade is what is fixed about a seller before any connection: what `features` tells.
type Trade struct {
	Title        string // the seller's name for people
	Params       []Param
	CustomParams []CustomParam
	Products     []cert.Product
	Terms        []int // months that can be bought at once
	// AddressParam names the parameter that tune_connection fills with this host's addresses; empty where none.
	AddressParam string
	// Prototype is a seller without connection, asked only which optional interfaces it has.
	Prototype Seller
	// Account names the account that a set of parameters stands for, without connecting: see Seller.Account.
	Account func(params map[string]string) string
	// Connect makes the seller for a set of (decrypted) parameters; it opens nothing.
	Connect func(params map[string]string) (Seller, error)
}
