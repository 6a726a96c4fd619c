package seller

import (
	"context"
)

// Seller is what the commands need of a seller of certificates. Reads may be repeated by the implementation; Buy never is.
// Errors are *fault.Error with the seller's code and words; Error.OutcomeUnknown says that a purchase may have happened.
// What not every seller can do is in the interfaces below; features and commands ask for them.
type Seller interface {
	// Account names the account that pays: address of the API and user, never a secret. Purchases of one account are
	// made one after the other (rules BUY-1).
	Account() string
	// Check asks for something harmless and tells in distinct faults why the account cannot be used.
	Check(ctx context.Context) error
	// OrderSnapshot lists the orders that may be the outcome of a purchase whose answer was lost, and the highest id of all
	// orders. At an Activator these are the paid orders that are not activated, else all orders.
	OrderSnapshot(ctx context.Context) (OrderSnapshot, error)
	// Buy makes one payment. It sends the request that pays exactly once, whatever comes back (rules BUY-3).
	Buy(ctx context.Context, p Purchase) (Receipt, error)
	// Challenges returns again what the client must publish, for an order that waits for domain validation by the
	// request's method. It changes nothing.
	Challenges(ctx context.Context, id int64, r Request) ([]Challenge, error)
	// OrderStatus returns where an id stands, with the certificate where there is one.
	OrderStatus(ctx context.Context, id int64) (OrderStatus, error)
}

// Activator is a seller that sells first and takes the CSR afterwards: its purchases are of the kinds create and renew.
// The others take the CSR with the order; their purchases are of the kinds order and prolong.
type Activator interface {
	// Activate submits the CSR for a paid id and returns what the client must do to prove control.
	Activate(ctx context.Context, id int64, r Request) ([]Challenge, error)
}

// OrderReferencer is a seller that keeps our order reference with each order and shows it. An order whose answer was lost
// is found again by it (rules BUY-4).
type OrderReferencer interface {
	// OrderRef returns the reference of an item in the seller's form. installation is different for each panel.
	OrderRef(installation string, it int64) string
}

// Prolonger is a seller at which a renewal moves the end of the order and leaves its id.
type Prolonger interface {
	// RenewalQuote returns until when the order is paid and until when it would be after so many months more. It only
	// reads.
	RenewalQuote(ctx context.Context, id int64, months int) (RenewalQuote, error)
}

// OrderValidator is a seller with rules of its own for what an order must carry: an order is held against the seller's own
// rules before anything is bought. All that is wrong is in one fault, of type missed or value; nobody is asked.
type OrderValidator interface {
	ValidateOrder(r Request) error
}

// ApproverLister is a seller that knows which addresses may approve a domain (feature approver).
type ApproverLister interface {
	Approvers(ctx context.Context, domain string, product Product) ([]string, error)
}

// Reissuer is a seller that issues the next certificate of a paid term (command reopen). Reissue costs nothing and is sent
// once: what became of it is looked up, not repeated. It returns the new certificate's id; it is the old one where the
// seller reissues in place.
type Reissuer interface {
	Reissue(ctx context.Context, id int64, r Request) (int64, []Challenge, error)
}

// ReissueFinder is a Reissuer that gives each reissue an id of its own.
type ReissueFinder interface {
	// FindReissues lists the ids that may be the reissue of an order whose answer was lost: newer orders for the same name
	// that are activated. The caller compares the CSR that OrderStatus shows.
	FindReissues(ctx context.Context, id int64, commonName string) ([]int64, error)
}

// BalanceReporter is a seller that reports the balance of the account (feature getbalance).
type BalanceReporter interface {
	Balance(ctx context.Context) (Money, error)
}

// Pricer is a seller whose prices are known without asking anew each time: what was read within the last day counts.
type Pricer interface {
	// Price returns what the purchase costs; false if that is not known.
	Price(ctx context.Context, p Purchase) (Money, bool)
}

// ChallengeRetrier is a seller that can be asked to check a published challenge once more (feature send_dv_dns). It returns
// what is to be published now; empty if the answer does not say.
type ChallengeRetrier interface {
	RetryChallenge(ctx context.Context, id int64, r Request, domain string) ([]Challenge, error)
}

// ApprovalSender is a seller that sends its approval e-mails again, to other addresses too (feature send_dv_email).
// emails are in the order of the request's names.
type ApprovalSender interface {
	SendApproval(ctx context.Context, id int64, r Request, emails []string) error
}

// MethodChanger is a seller at which the validation method of an order that waits can be changed. ChangeMethod sets the
// request's method; if that is e-mail, the approval e-mails go out. It returns what is to be published now; empty if the
// answer does not say.
type MethodChanger interface {
	ChangeMethod(ctx context.Context, id int64, r Request) ([]Challenge, error)
}

// Canceller is a seller at which a module may end an order (command close), by the newest id that is known of it. An order
// that is gone already is no error; API without Retry where the seller does not let us or wants to be asked by people, with
// a text that says what is left to do: it is for the administrator's task as it stands.
type Canceller interface {
	Cancel(ctx context.Context, id int64) error
}

// Revoker is a seller that revokes certificates which a reissue took the place of (command close). Revoke touches nothing
// but the id; API without Retry where the seller does not revoke it.
type Revoker interface {
	Revoke(ctx context.Context, id int64) error
}

// RenewalStopper is a seller that may renew orders by itself. Both sides renewing would be paying twice.
type RenewalStopper interface {
	StopRenewal(ctx context.Context, id int64) error
}

// CertificateLister is a seller that lists the certificates of the account, ended ones too (feature import).
type CertificateLister interface {
	Certificates(ctx context.Context) ([]ListedCertificate, error)
}

// PriceLister is a seller that lists its products and prices (feature import_pricelist). Where the seller wants its
// prices to be kept, Offers are up to a day old.
type PriceLister interface {
	Offers(ctx context.Context) ([]Offer, error)
}

// Cataloguer is a seller whose products are not fixed. Catalogue gives those of the account, from what was kept where
// that is less than a day old.
type Cataloguer interface {
	Catalogue(ctx context.Context) ([]Product, error)
}

// StatusCache is a seller whose list shows the state of many orders at once. What one process reads of it serves the others
// for a while, so that syncing many orders that wait does not use up the day's calls.
type StatusCache interface {
	// CachedStatus returns where the id stood when the list was last read; false if it does not say. An error says that the
	// seller as a whole does not answer (fault.Error.SellerFails): asking about the id would fail as well.
	CachedStatus(ctx context.Context, id int64) (State, bool, error)
}

// Prober is a seller whose functions have names of their own on each installation (command probe). Probe only reads.
type Prober interface {
	Probe(ctx context.Context) ([]Finding, error)
}

// Param is a connection parameter of the module: asked by the panel's form, stored in processingparam or, encrypted, in
// processingcryptedparam (docs/reference/billmanager.md §2).
type Param struct {
	Name    string
	Crypted bool
	Default string // what an empty form begins with
}

// CustomParam is a row of the module's own parameter table in the panel (docs/reference/billmanager.md §2).
type CustomParam struct{ Name, Default string }

// Info is what is fixed about a seller before any connection: what `features` tells.
type Info struct {
	Title        string // the seller's name for people
	Params       []Param
	CustomParams []CustomParam
	Products     []Product
	Terms        []int // months that can be bought at once
	MoreNames    bool  // further names can be bought for an order that exists: purchases of the kind sans
	Vetted       bool  // products with a vetted organisation (OV, EV) can be ordered: the client hands its data over
	// Issuers are the issuer domain names by which CAA records allow the CAs behind the seller (RFC 8659 4.2); empty where
	// CAA records are not to be looked at.
	Issuers []string
	// AddressParam names the parameter that tune_connection fills with this host's addresses; empty if none.
	AddressParam string
	// Prototype is a seller without connection, asked only which optional interfaces it has.
	Prototype Seller
	// Account names the account that a set of parameters stands for, without connecting: see Seller.Account.
	Account func(params map[string]string) string
	// DryRun is Env.DryRun: Connect's sellers send nothing that may change something, such a call is an error.
	DryRun bool
	// Connect makes the seller for a set of (decrypted) parameters; it opens nothing.
	Connect func(params map[string]string) (Seller, error)
}

// Sells reports whether a product can be ordered: it is not discontinued and, where the seller's client hands no
// organisation's data over, its subject is a domain only.
func (t Info) Sells(p Product) bool {
	return !p.Discontinued && (p.Level == DV || t.Vetted)
}
