package e2e

import (
	"maps"
	"testing"

	"pmssl/internal/sandbox/clock"
)

// sellerCase is what is fixed about a seller before its shop opens. Promises that hold at every seller ask it where sellers
// differ.
type sellerCase struct {
	title        string // the seller's name for people
	module       string // the binary's, under which the panel knows it
	limitParams  []string
	params       map[string]string // what an order says beside its CSR
	singleName   string            // template of a certificate for one name
	wildcard     string            // template of one for a wildcard
	multiDomain  string            // template of one to which further names can be bought, empty if none can
	firstOrderID int64             // of the first order in a new shop
	openSteps    []step            // what open asks for, in its order
	openWrites   []step            // those of them that change something at the seller
	statusSteps  []step            // how it is asked where an order stands
	renewSteps   []step            // what prolong asks for, the payment first
	listRequests int64             // how many requests read the seller's list to its end
	maxMonths    int               // months of the longest term
	// challengesLate says that what is to be published is told by reports alone, not by the answer to the order.
	challengesLate bool
	// keepsOrderID says that reissue and renewal keep the order's id.
	keepsOrderID bool
	// keepsOrderRef says that the seller keeps our mark with an order, which tells whose a lost one is (rules BUY-4).
	keepsOrderRef   bool
	unusableAnswers []string // kinds of answers that are none
	// reissueRefusal is found in the words for a reissue that the seller refuses.
	reissueRefusal string
	// renewalTooEarly is found in the words for a renewal 90 days before the end of the panel's term, where the seller's own begins
	// later; empty where it does not.
	renewalTooEarly string
	newStandIn      func(*clock.Clock) (standIn, error)
}

// sellerCases are the sellers for which the promises are held.
func sellerCases() []sellerCase { return []sellerCase{namecheapCase(), ispmgrCase()} }

// orderParams are what an order says beside its CSR.
func (seller sellerCase) orderParams(method string) map[string]string {
	params := map[string]string{"approver_method": method}
	maps.Copy(params, seller.params)
	return params
}

// replacedAtIssueValues are the moments, at issue or not, at which the seller may replace the old id of a reissue.
func (seller sellerCase) replacedAtIssueValues() []bool {
	if seller.keepsOrderID {
		return []bool{false}
	}
	return []bool{false, true}
}

// eachSeller runs a promise at every seller, at all of them at once: each has a panel, a database and a shop of its own.
func eachSeller(t *testing.T, promise func(t *testing.T, seller sellerCase)) {
	t.Helper()
	for _, seller := range sellerCases() {
		t.Run(seller.module, func(t *testing.T) {
			t.Parallel()
			promise(t, seller)
		})
	}
}

// step is what a request asks of a seller.
type step string

// What requests ask for. Not every seller knows all of them.
const (
	stepBalance  step = "balance"
	stepPrices   step = "prices"
	stepList     step = "list"
	stepForm     step = "form" // what a purchase would need, read without any effect
	stepBuy      step = "buy"
	stepActivate step = "activate" // the CSR for what is paid
	stepReport   step = "report"
	stepReissue  step = "reissue"
	stepRenew    step = "renew"
	stepOther    step = "other"
)

// The ways in which a request goes wrong. Dropped is the connection, without an answer; a request that vanishes is carried
// out when it appears.
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
	unhandled  = "unhandled" // an error of the seller's that tells nothing, and nothing was done
	refused    = "refused"   // an error that refuses what was asked for
)
