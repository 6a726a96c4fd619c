package e2e

import (
	"net/http"
	"net/url"

	"pmssl/internal/sandbox/ca"
)

// standIn is the stand-in seller of one fixture. It serves the module's requests; the methods control it and do what happens
// at a real seller without the module.
//
// The tests rely on these properties of a new stand-in. Its account has money. It issues a certificate only after validation,
// valid for one day less than the Forum's limit, from 00:00 UTC of the day of issue, and never beyond the end of the seller's term. Terms
// are added with issuance.AddMonths. A renewal is possible in the last 90 days of a term (see renewalTooEarly) and its term begins
// at the end of the old one.
type standIn interface {
	http.Handler

	// moduleEnv returns the environment variables with which a module finds the stand-in at the address.
	moduleEnv(url string) []string
	// connectionParams returns what the administrator enters into the wizard for the default account.
	connectionParams(url string) map[string]string
	// accountName returns the default account as the name of the account's lock contains it (rules BUY-1).
	accountName(url string) string
	// secrets returns the secrets of the default account, which no log may contain.
	secrets() []string
	// leaks describes what the stand-in should never have received: private keys, secrets in the wrong place.
	leaks() []string
	// stepOf returns the kind of a request.
	stepOf(form url.Values) step

	// failNext makes the next request for a step fail in the given way.
	failNext(s step, kind string) error
	// clearFaults removes the faults that no request has met yet; pendingFaults counts them.
	clearFaults()
	pendingFaults() int
	// carryOutVanished carries out the requests that a vanish fault has held back and returns their number.
	carryOutVanished() int

	// payments returns the charges, oldest first.
	payments() ([]payment, error)
	// ordersFor returns what the seller has recorded for a domain name.
	ordersFor(domain string) (domainOrders, error)
	// orderIDs returns the ids of all orders, oldest first.
	orderIDs() ([]int64, error)
	// countWaiting counts the orders that have a CSR and wait for domain validation.
	countWaiting() (int, error)

	issue(id int64) error
	refuse(id int64, why string) error
	cancel(id int64, why string) error
	// Revoke makes the CA revoke the newest leaf of an order by itself, RevokeSerial any leaf, given in hexadecimal; Revocations
	// returns them all. reason is a name of RFC 5280 5.3.1. Nothing changes at the order.
	Revoke(id int64, reason string) error
	RevokeSerial(serial, reason string) error
	Revocations() ([]ca.Revocation, error)
	// Control is the stand-in's control interface.
	Control() http.Handler
	// Repository serves the CRLs of the CA. SetFault spoils them. In a simulated Internet it is at internet.CAAddress.
	Repository() *ca.Repository
	// prove makes the CA accept that the client has published the challenge of the domain.
	prove(domain string) error

	// buyDirectly buys a certificate for one name with the same account, without the panel.
	buyDirectly(csr string) error
	// reissueDirectly reissues an order for a CSR, without the panel, and returns the order id of the next certificate.
	reissueDirectly(id int64, csr string) (int64, error)

	// setBalance sets the balance of the account, a decimal amount.
	setBalance(amount string) error
	behaviour() behaviour
	setBehaviour(m behaviour) error

	scriptHooks
}

// scriptHooks holds the methods that only the scripts in testdata/cases use. Their arguments go to the stand-in unchanged.
type scriptHooks interface {
	// runWord runs a `seller` word that only this stand-in has, and returns false if it has no word of that name.
	runWord(word string, args []string) (bool, error)
	// buyProduct is buyDirectly for a product, given by the seller's own name.
	buyProduct(product, csr string) error
	// addFault makes requests of a command fail in the given way, times times; code and text are those of the error.
	addFault(command, kind string, times int, code, text string) error
	// setSetting changes a setting, given by its name in the control interface; the value is JSON.
	setSetting(name, value string) error
	// requests returns the requests since the last forgetRequests, one line for each, without the account's credentials.
	requests() []string
	forgetRequests()
}

// payment is one charge.
type payment struct {
	command string // the seller's name of the request that was charged
	amount  string // decimal
}

// domainOrders is what the seller has recorded for a domain name.
type domainOrders struct {
	ids          []int64 // ids of its orders, oldest first
	requested    int     // number of requested certificates: the first one, reissues, renewals
	newestSerial string  // serial number of the newest certificate of the newest order, lower-case hex
	byDNS        bool    // the newest request asked for validation by DNS
}

// behaviour holds what the documentation of the sellers leaves open or what a test may vary.
type behaviour struct {
	issuesAtOnce   bool     // a certificate is issued at once, without validation
	refusedNames   []string // names for which the CA refuses a certificate
	leafDays       int      // validity of a certificate in days; 0 means the CA's maximum
	termOffsetDays int      // days by which the seller's term ends later than the paid term
	showsTermEnd,  // the shown end is the end of the term, not of the certificate
	replacedAtIssue bool // the old id of a reissue is replaced when the new one is issued, not when it is accepted
}

// issueAfterValidation makes the seller issue certificates only when control of the domain is proved.
func issueAfterValidation(m *behaviour) { m.issuesAtOnce = false }

// refuseNames makes the CA refuse certificates for the domains.
func refuseNames(domains ...string) func(*behaviour) {
	return func(m *behaviour) { m.refusedNames = domains }
}
