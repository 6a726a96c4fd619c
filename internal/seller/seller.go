package seller

import (
	"context"

	"pmssl/internal/cabforum"
)

// Seller is what the commands need of a seller of certificates. An implementation may repeat reads, but never Buy. Errors are
// *fault.Error with the seller's code and text; OutcomeUnknown says that a purchase may have happened. Abilities that not
// every seller has are the optional interfaces below.
type Seller interface {
	// Account returns the name of the account that pays: address of the API and user, never a secret. Purchases of one
	// account are made one after the other (rules BUY-1).
	Account() string
	// Check makes a harmless request. Its faults distinguish the reasons for which the account cannot be used.
	Check(ctx context.Context) error
	// OrderSnapshot lists the orders that may be the outcome of a purchase whose answer was lost, and the highest id of all
	// orders. At an Activator these are the paid orders that are not activated, else all orders. A lost purchase is looked
	// for in StateNew, a lost renewal in StateRenewal: a row in the other state is not found, and the order is paid again.
	OrderSnapshot(ctx context.Context) (OrderSnapshot, error)
	// Buy makes one payment. It sends the request that pays exactly once, whatever comes back (rules BUY-3).
	Buy(ctx context.Context, p Purchase) (Receipt, error)
	// Challenges returns again what the client must publish, for an order that waits for domain validation by the
	// request's method. It changes nothing.
	Challenges(ctx context.Context, id int64, r Request) ([]Challenge, error)
	// OrderStatus returns the state of an id, with the certificate if it was issued.
	OrderStatus(ctx context.Context, id int64) (OrderStatus, error)
}

// Activator is a seller that takes the CSR after the purchase: its purchases are of the kinds create and renew. The other
// sellers take the CSR with the order; their purchases are of the kinds order and prolong.
type Activator interface {
	// Activate submits the CSR for a paid id and returns what the client must do for domain validation.
	Activate(ctx context.Context, id int64, r Request) ([]Challenge, error)
}

// OrderReferencer is a seller that keeps our order reference with each order and shows it. An order whose answer was lost
// is found again by it (rules BUY-4).
type OrderReferencer interface {
	// OrderRef returns the reference of an item in the seller's form. installation is different for each panel.
	OrderRef(installation string, it int64) string
}

// Prolonger is a seller that renews in place: the order's end moves and its id stays.
type Prolonger interface {
	// RenewalQuote returns until when the order is paid now, and until when after a renewal by so many months. It only reads.
	RenewalQuote(ctx context.Context, id int64, months int) (RenewalQuote, error)
}

// OrderValidator is a seller with rules of its own for orders. ValidateOrder checks an order against them before anything is
// bought, without a request. One fault of type missed or value reports all errors.
type OrderValidator interface {
	ValidateOrder(r Request) error
}

// ApproverLister is a seller that lists the addresses that may approve a domain (feature approver).
type ApproverLister interface {
	Approvers(ctx context.Context, domain string, product Product) ([]string, error)
}

// Reissuer is a seller that issues the next certificate of a paid term (command reopen). Reissue costs nothing and is sent
// once: after a lost answer its result is looked up, the request is not repeated. It returns the id of the new certificate,
// which is the old id if the seller reissues in place.
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

// BalanceKeeper is a BalanceReporter that keeps the balance for a while. KeptBalance sends no request. Others may have spent or paid in
// since, so a kept balance refuses no purchase (rules BUY-8). False if none is known.
type BalanceKeeper interface {
	KeptBalance() (Money, bool)
}

// Pricer is a seller that knows its prices. They may be up to a day old.
type Pricer interface {
	// Price returns the price of the purchase; false if it is not known.
	Price(ctx context.Context, p Purchase) (Money, bool)
}

// ChallengeRetrier is a seller that can be asked to check a published challenge once more (feature send_dv_dns). It returns
// what is to be published now; empty if the answer does not say.
type ChallengeRetrier interface {
	RetryChallenge(ctx context.Context, id int64, r Request, domain string) ([]Challenge, error)
}

// ApprovalSender is a seller that sends its approval e-mails again, if asked to other addresses (feature send_dv_email).
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

// Connected is a seller that keeps connections open for its next requests. A sweep works on thousands of items, each with a seller of its
// own, and ends the connections of an item with the item.
type Connected interface {
	EndConnections()
}

// Canceller is a seller that lets a module end an order (command close). id is the newest known id of the order. An order that
// no longer exists is no error. If the seller refuses or ends orders only through its support, the fault is of type API
// without Retry, and its text tells the administrator what remains to be done.
type Canceller interface {
	Cancel(ctx context.Context, id int64) error
}

// Revoker is a seller that revokes certificates that a reissue replaced (command close). Revoke changes nothing but the id. If
// the seller does not revoke it, the fault is of type API without Retry.
type Revoker interface {
	Revoke(ctx context.Context, id int64) error
}

// RenewalStopper is a seller that may renew orders by itself. If the module renewed them as well, they would be paid twice.
type RenewalStopper interface {
	StopRenewal(ctx context.Context, id int64) error
}

// CertificateLister is a seller that lists the certificates of the account, ended ones too (feature import).
type CertificateLister interface {
	Certificates(ctx context.Context) ([]ListedCertificate, error)
}

// ChargeLister is a seller that lists what the account was charged (command reconcile). Charges returns the charges of the days from
// first to last, both included, whatever they are for. It only reads.
type ChargeLister interface {
	Charges(ctx context.Context, first, last cabforum.Date) ([]Charge, error)
}

// PriceLister is a seller that lists its products and prices (feature import_pricelist). If the seller asks clients to cache
// its prices, they may be up to a day old.
type PriceLister interface {
	Offers(ctx context.Context) ([]Offer, error)
}

// Cataloguer is a seller whose products are not fixed. Catalogue returns the products of the account, from a cache if it is
// less than a day old.
type Cataloguer interface {
	Catalogue(ctx context.Context) ([]Product, error)
}

// StatusCache is a seller whose list shows the state of many orders at once. The list that one process reads is shared with
// the other processes for a while, so that syncing many waiting orders does not exhaust the daily limit of calls.
type StatusCache interface {
	// CachedStatus returns the state of the id in the list as last read; false if the list does not show it. An error means
	// that the seller as a whole does not answer (fault.Error.SellerFails): a request about the id would fail as well.
	CachedStatus(ctx context.Context, id int64) (State, bool, error)
}

// UsageReporter is a seller whose account may make a limited number of calls. CallsUsed returns how many of them this host has
// made, the shortest span first; none if there is no limit. It only reads files, and makes no call.
type UsageReporter interface {
	CallsUsed() ([]CallUsage, error)
}

// CallUsage is how many calls of one account were made in the last span of time.
type CallUsage struct {
	Span  string // minute, hour or day
	Used  int
	Limit int
	// Reads is how many calls of the limit those that only read may use; the rest is left to purchases.
	Reads int
}

// Prober is a seller whose functions have different names on each installation (command probe). Probe reports the names; it
// only reads.
type Prober interface {
	Probe(ctx context.Context) ([]Finding, error)
}

// OrderPreviewer is a seller that takes an order in several steps. PreviewOrder walks through them as Buy does up to the one that
// pays, and does not submit that one. The finding names the function of that step. Nothing is bought.
type OrderPreviewer interface {
	PreviewOrder(ctx context.Context, p Purchase) (Finding, error)
}

// Param is a connection parameter of the module: a field of the panel's form, stored in processingparam or, encrypted, in
// processingcryptedparam (docs/reference/billmanager.md §2).
type Param struct {
	Name    string
	Crypted bool
	Default string // value in an empty form
}

// CustomParam is a row of the module's own parameter table in the panel (docs/reference/billmanager.md §2).
type CustomParam struct{ Name, Default string }

// Info describes a seller without a connection. The command features reports it.
type Info struct {
	Title        string // the seller's name for people
	Params       []Param
	CustomParams []CustomParam
	Products     []Product
	Terms        []int // months that can be bought at once
	MoreNames    bool  // names can be bought for an existing order: purchases of the kind sans
	Vetted       bool  // products with a vetted organisation (OV, EV) can be ordered: the seller's client sends its data
	// Issuers are the issuer domain names by which CAA records allow the seller's CAs (RFC 8659 4.2). If it is empty, CAA
	// records are not checked.
	Issuers []string
	// AddressParam is the parameter for which tune_connection offers this host's addresses; empty if none.
	AddressParam string
	// Prototype is a seller without a connection. It serves only to find out which optional interfaces the seller has.
	Prototype Seller
	// Account returns Seller.Account for a set of parameters, without connecting.
	Account func(params map[string]string) string
	// Sandbox returns the API's address for a set of parameters that lead to the seller's test environment, where nothing costs money:
	// an address of the seller's own, or one on this host, where tests run. Other parameters are a fault. nil if the seller has no
	// such environment.
	Sandbox func(params map[string]string) (address string, err error)
	// DryRun is Env.DryRun: Connect's sellers send nothing that may change something, such a call is an error.
	DryRun bool
	// Connect returns the seller for a set of (decrypted) parameters. It opens no connection.
	Connect func(params map[string]string) (Seller, error)
}

// Sells reports whether a product can be ordered: it is not discontinued, and it is DV unless the seller's client sends the
// organisation's data (Vetted).
func (t Info) Sells(p Product) bool {
	return !p.Discontinued && (p.Level == DV || t.Vetted)
}
