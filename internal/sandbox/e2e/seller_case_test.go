package e2e

import (
	"maps"
	"testing"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/standin"
)

// sellerCase describes a seller for the tests that run at every seller: its module, its products and how it differs from the
// other sellers.
type sellerCase struct {
	title        string // display name of the seller
	module       string // name of the binary and of the processing module in the panel
	limitParams  []string
	params       map[string]string // order parameters beside the CSR and the validation method
	singleName   string            // product template of a certificate for one name
	wildcard     string            // product template of a wildcard certificate
	multiDomain  string            // product template to which additional names can be bought; empty if there is none
	firstOrderID int64             // id of the first order at a new stand-in
	openSteps    []step            // requests of open, in order
	openWrites   []step            // those of openSteps that change something at the seller
	statusSteps  []step            // requests that read the status of an order
	renewSteps   []step            // requests of prolong, the payment first
	listRequests int64             // number of requests that read the complete list of orders
	maxMonths    int               // longest term in months
	// challengesLate: only a status request returns the challenges, the answer to the order does not.
	challengesLate bool
	// keepsOrderID: a reissue and a renewal keep the order's id.
	keepsOrderID bool
	// keepsOrderRef: the seller stores the module's reference with an order, so that an order whose answer was lost can be
	// assigned to its item (rules BUY-4).
	keepsOrderRef   bool
	unusableAnswers []string // fault kinds whose answer cannot be used
	otherAnswers    []string // further fault kinds of this seller's stand-in
	// reissueRefusal is part of the error text of a refused reissue.
	reissueRefusal string
	// renewalTooEarly is part of the error text of a renewal exactly 90 days before the end of the term, if the seller's renewal
	// window begins later than that; else it is empty.
	renewalTooEarly string
	// newStandIn starts the stand-in. With a looker its authority looks at published challenges.
	newStandIn func(*clock.Clock, standin.Looker) (standIn, error)
}

// sellerCases returns the sellers at which eachSeller runs a test.
func sellerCases() []sellerCase { return []sellerCase{namecheapCase(), ispmgrCase()} }

// orderParams returns the order parameters beside the CSR, with the given validation method.
func (seller sellerCase) orderParams(method string) map[string]string {
	params := map[string]string{"approver_method": method}
	maps.Copy(params, seller.params)
	return params
}

// replacedAtIssueValues returns the values of behaviour.replacedAtIssue that make a difference at the seller.
func (seller sellerCase) replacedAtIssueValues() []bool {
	if seller.keepsOrderID {
		return []bool{false}
	}
	return []bool{false, true}
}

// eachSeller runs the test at every seller, in parallel.
func eachSeller(t *testing.T, promise func(t *testing.T, seller sellerCase)) {
	t.Helper()
	for _, seller := range sellerCases() {
		t.Run(seller.module, func(t *testing.T) {
			t.Parallel()
			promise(t, seller)
		})
	}
}

// step is the kind of a request to a seller.
type step string

// The kinds of requests. Not every seller has all of them.
const (
	stepBalance  step = "balance"
	stepPrices   step = "prices"
	stepList     step = "list"
	stepForm     step = "form" // read the order form; changes nothing
	stepBuy      step = "buy"
	stepActivate step = "activate" // send the CSR for a paid order
	stepStatus   step = "status"
	stepReissue  step = "reissue"
	stepRenew    step = "renew"
	stepOther    step = "other"
)

// The fault kinds of the stand-ins. drop_before and drop_after close the connection without an answer, before or after the
// request is carried out. A request that vanishes gets no answer; it is carried out later, by carryOutVanished.
const (
	dropBefore = "drop_before"
	dropAfter  = "drop_after"
	vanish     = "vanish"
	truncate   = "truncate"
	http500    = "http500"
	http502    = "http502"
	html       = "html"
	redirect   = "redirect"
	charset    = "charset"
	huge       = "huge"
	unhandled  = "unhandled" // an error document that does not say what failed; nothing was done
	refused    = "refused"   // an error document that refuses the request
)
