package e2e

import (
	"net/http"
	"net/url"
)

// shop is the seller's side of one world: the stand-in that the module talks to, and what happens there without the module.
type shop interface {
	http.Handler

	// environment is what a module needs in its own to find the shop at the address.
	environment(url string) []string
	// connection is what the administrator types into the wizard for the shop's default account.
	connection(url string) map[string]string
	// account is what that account is called in the name of its lock (rules BUY-1).
	account(url string) string
	// secrets are those of the default account, as they must stand in no log; leaks are what the shop was sent that it should not
	// have been: private keys, secrets in the wrong place.
	secrets() []string
	leaks() []string
	// step tells what a request asks for.
	step(form url.Values) step

	// disturb breaks the next request of a kind, mend takes back what has not been met yet, and broken counts that.
	disturb(s step, kind string) error
	mend()
	broken() int
	// appear carries out the requests that vanished and tells how many there were.
	appear() int

	// payments are the charges, oldest first.
	payments() ([]payment, error)
	// sold is what the seller knows of a name.
	sold(domain string) (sold, error)
	// ids are all orders of the shop, oldest first.
	ids() ([]int64, error)
	// waiting counts the orders that have their CSR and wait for their proof.
	waiting() (int, error)

	issue(id int64) error
	refuse(id int64, why string) error
	cancel(id int64, why string) error
	// prove tells the authority that the client has published what proves control of the name.
	prove(domain string) error

	// buy is somebody's own purchase of a certificate for one name, with the same account and past the panel.
	buy(csr string) error
	// reissue is somebody's own reissue of an order for a CSR; it returns the id that the next certificate has.
	reissue(id int64, csr string) (int64, error)

	// fund sets what the account holds, a decimal amount.
	fund(amount string) error
	manner() manner
	behave(m manner) error

	scripted
}

// scripted is what only the cases of testdata need; their words go to the stand-in as it understands them.
type scripted interface {
	// do is a word of the seller's side that only this shop has: false where it has none of that name.
	do(word string, args []string) (bool, error)
	// buyAs is buy for a product by the seller's own name.
	buyAs(product, csr string) error
	// fault breaks requests of a command: COMMAND KIND, how often, and what an error says.
	fault(command, kind string, times int, code, text string) error
	// set changes a setting by its name in the control interface; the value is JSON.
	set(name, value string) error
	// requests are the requests since the last forget, one a line and without the account's words.
	requests() []string
	forget()
}

// payment is one charge.
type payment struct {
	what   string // the seller's own name of the request
	amount string // decimal
}

// sold is what the seller knows of a name.
type sold struct {
	ids    []int64 // its orders, oldest first
	asked  int     // certificates that were asked for: the first one, reissues, renewals
	serial string  // of the newest certificate of the newest order, lower-case hex
	byDNS  bool    // the newest request asked for proof by DNS
}

// manner is how a seller behaves where that is its own affair.
type manner struct {
	issues       bool     // at once, without a proof
	refuses      []string // names that its authority does not certify
	leafDays     int      // life of a certificate; 0 is the authority's limit
	termOffset   int      // days by which the seller's term ends later than what was paid for
	datesOfTerm, // the end that it shows is that of the term, not of the certificate
	replacedAtIssue bool // the old id of a reissue is replaced when the new one is issued, not when it is accepted
}

// unattended: the seller issues when control is proved.
func unattended(m *manner) { m.issues = false }

// refusing lets the authority refuse names.
func refusing(domains ...string) func(*manner) {
	return func(m *manner) { m.refuses = domains }
}
