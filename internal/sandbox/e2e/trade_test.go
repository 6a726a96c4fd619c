package e2e

import (
	"maps"
	"testing"

	"pmssl/internal/sandbox/clock"
)

// trade is what is fixed about a seller before its shop opens. Promises that hold at every seller ask it where sellers
// differ.
type trade struct {
	title   string // the seller's name for people
	module  string // the binary's, under which the panel knows it
	limits  []string
	params  map[string]string // what an order says beside its CSR
	single  string            // template of a certificate for one name
	wild    string            // template of one for a wildcard
	names   string            // template of one to which further names can be bought, empty if none can
	firstID int64             // of the first order in a new shop
	opens   []step            // what open asks for, in its order
	writes  []step            // those of them that change something at the seller
	looks   []step            // how it is asked where an order stands
	renews  []step            // what prolong asks for, the payment first
	lists   int64             // how many requests read the seller's list to its end
	longest int               // months of the longest term
	// proofsLate says that what is to be published is told by reports alone, not by the answer to the order.
	proofsLate bool
	// inPlace says that reissue and renewal keep the order's id.
	inPlace bool
	// marks says that the seller keeps our mark with an order, which tells whose a lost one is (rules BUY-4).
	marks    bool
	unusable []string // kinds of answers that are none
	// refusal is found in the words for a reissue that the seller refuses.
	refusal string
	// tooEarly is found in the words for a renewal 90 days before the end of the panel's term, where the seller's own begins
	// later; empty where it does not.
	tooEarly string
	open     func(*clock.Clock) (shop, error)
}

// trades are the sellers for which the promises are held.
func trades() []trade { return []trade{namecheapTrade(), ispmgrTrade()} }

// orderParams are what an order says beside its CSR.
func (at trade) orderParams(method string) map[string]string {
	params := map[string]string{"approver_method": method}
	maps.Copy(params, at.params)
	return params
}

// replacements are the moments, at issue or not, at which the seller may replace the old id of a reissue.
func (at trade) replacements() []bool {
	if at.inPlace {
		return []bool{false}
	}
	return []bool{false, true}
}

// eachShop runs a promise at every seller, at all of them at once: each has a panel, a database and a shop of its own.
func eachShop(t *testing.T, promise func(t *testing.T, at trade)) {
	t.Helper()
	for _, at := range trades() {
		t.Run(at.module, func(t *testing.T) {
			t.Parallel()
			promise(t, at)
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
