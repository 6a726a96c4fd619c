package e2e

import (
	"net/http"
	"net/url"
)

// standIn is the seller's side of one world: the stand-in that the module talks to, and what happens there without the module.
type standIn interface {
	http.Handler

	// moduleEnv is what a module needs in its own to find the shop at the address.
	moduleEnv(url string) []string
	// connectionParams is what the administrator types into the wizard for the shop's default account.
	connectionParams(url string) map[string]string
	// accountName is what that account is called in the name of its lock (rules BUY-1).
	accountName(url string) string
	// secrets are those of the default account, as they must stand in no log; leaks are what the shop was sent that it should not
	// have been: private keys, secrets in the wrong place.
	secrets() []string
	leaks() []string
	// stepOf tells what a request asks for.
	stepOf(form url.Values) step

	// failNext breaks the next request of a kind, mend takes back what has not been met yet, and broken counts that.
	failNext(s step, kind string) error
	clearFaults()
	pendingFaults() int
	// carryOutVanished carries out the requests that vanished and tells how many there were.
	carryOutVanished() int

	// payments are the charges, oldest first.
	payments() ([]payment, error)
	// ordersFor is what the seller knows of a name.
	ordersFor(domain string) (domainOrders, error)
	// orderIDs are all orders of the shop, oldest first.
	orderIDs() ([]int64, error)
	// countWaiting counts the orders that have their CSR and wait for their proof.
	countWaiting() (int, error)

	issue(id int64) error
	refuse(id int64, why string) error
	cancel(id int64, why string) error
	// prove tells the authority that the client has published what proves control of the name.
	prove(domain string) error

	// buyDirectly is somebody's own purchase of a certificate for one name, with the same account and past the panel.
	buyDirectly(csr string) error
	// reissueDirectly is somebody's own reissue of an order for a CSR; it returns the id that the next certificate has.
	reissueDirectly(id int64, csr string) (int64, error)

	// setBalance sets what the account holds, a decimal amount.
	setBalance(amount string) error
	behaviour() behaviour
	setBehaviour(m behaviour) error

	scriptHooks
}

// scriptHooks is what only the cases of testdata need; their words go to the stand-in as it understands them.
type scriptHooks interface {
	// runWord is a word of the seller's side that only this shop has: false where it has none of that name.
	runWord(word string, args []string) (bool, error)
	// buyProduct is buy for a product by the seller's own name.
	buyProduct(product, csr string) error
	// addFault breaks requests of a command: COMMAND KIND, how often, and what an error says.
	addFault(command, kind string, times int, code, text string) error
	// setSetting changes a setting by its name in the control interface; the value is JSON.
	setSetting(name, value string) error
	// requests are the requests since the last forget, one a line and without the account's words.
	requests() []string
	forgetRequests()
}

// payment is one charge.
type payment struct {
	command string // the seller's own name of the request
	amount  string // decimal
}

// domainOrders is what the seller knows of a name.
type domainOrders struct {
	ids          []int64 // its orders, oldest first
	requested    int     // certificates that were asked for: the first one, reissues, renewals
	newestSerial string  // of the newest certificate of the newest order, lower-case hex
	byDNS        bool    // the newest request asked for proof by DNS
}

// behaviour is how a seller behaves where that is its own affair.
type behaviour struct {
	issuesAtOnce   bool     // at once, without a proof
	refusedNames   []string // names that its authority does not certify
	leafDays       int      // life of a certificate; 0 is the authority's limit
	termOffsetDays int      // days by which the seller's term ends later than what was paid for
	showsTermEnd,  // the end that it shows is that of the term, not of the certificate
	replacedAtIssue bool // the old id of a reissue is replaced when the new one is issued, not when it is accepted
}

// issueAfterValidation: the seller issues when control is proved.
func issueAfterValidation(m *behaviour) { m.issuesAtOnce = false }

// refuseNames lets the authority refuse names.
func refuseNames(domains ...string) func(*behaviour) {
	return func(m *behaviour) { m.refusedNames = domains }
}
