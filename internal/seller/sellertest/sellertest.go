// Package sellertest is the conformance suite of sellers: it checks what the engines require of a seller, against a
// stand-in. Only tests import it.
package sellertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/seller"
)

// Subject is the seller to test and its stand-in.
type Subject struct {
	// Info is the Info of the seller's package.
	Info func(seller.Env) seller.Info
	// Product is the template id of a DV product for one name that the stand-in sells, Months a term of it.
	Product string
	Months  int
	// OrderParams are the item parameters that the seller requires of an order besides the validation method.
	OrderParams map[string]string
	// WrongLogin replaces connection parameters, so that the stand-in refuses the login.
	WrongLogin map[string]string
	// RenewAfter is how long after the purchase the seller accepts the purchase of the next term.
	RenewAfter time.Duration
	// Open starts a stand-in that has sold nothing yet. It ends with the test.
	Open func(t *testing.T) StandIn
}

// StandIn is the seller's side of a test. A method that fails ends the test.
type StandIn interface {
	// Params returns the connection parameters of an account that has money.
	Params() map[string]string
	// Getenv returns the environment with the stand-in's address.
	Getenv(name string) (string, bool)
	// Secrets returns the values that no log and no error may show.
	Secrets() []string
	// Fail breaks the next request of the kind.
	Fail(request Request, how Failure)
	// CarryOut executes the requests that a failure CarriedOutLater has delayed.
	CarryOut()
	// Count returns how many requests of the kind arrived, executed or not.
	Count(request Request) int
	// Payments returns how often the account was charged.
	Payments() int
	// Issue makes the authority issue the order's certificate; Refuse makes it refuse the order; Cancel ends the order.
	Issue(id int64)
	Refuse(id int64)
	Cancel(id int64)
	// Advance moves the stand-in's clock.
	Advance(by time.Duration)
}

// Start returns the time of the clocks of stand-in and client when a test begins.
func Start() time.Time { return time.Date(2026, 7, 20, 10, 0, 0, 0, time.UTC) }

// Request is a kind of request that must not be sent twice.
type Request string

// The kinds of requests. Not every seller has all of them.
const (
	Buy      Request = "buy"      // pays for a new order
	Renew    Request = "renew"    // pays for the next term
	Activate Request = "activate" // submits the CSR of a paid order
	Reissue  Request = "reissue"
)

// Failure is a way in which a request goes wrong.
type Failure string

// The failures.
const (
	NotCarriedOut   Failure = "connection ends, not carried out"
	AnswerLost      Failure = "carried out, connection ends"
	CarriedOutLater Failure = "connection ends, carried out later"
	GatewayError    Failure = "HTTP 502, not carried out"
	GatewayErrorToo Failure = "carried out, HTTP 502"
	Page            Failure = "page of HTML, not carried out"
	PageToo         Failure = "carried out, page of HTML"
	Truncated       Failure = "carried out, answer truncated"
	Refused         Failure = "refused in the seller's own document"
)

// carriedOut reports whether the stand-in has executed the request when the failure reaches the client.
func (f Failure) carriedOut() bool {
	switch f {
	case AnswerLost, GatewayErrorToo, PageToo, Truncated:
		return true
	}
	return false
}

// failures returns all failures, for a request that only the seller's own document can refuse for certain.
func failures() []Failure {
	return []Failure{NotCarriedOut, AnswerLost, CarriedOutLater, GatewayError, GatewayErrorToo, Page, PageToo, Truncated, Refused}
}

// rule is one requirement on a seller. has reports whether it applies to the seller; nil if it applies to all.
type rule struct {
	name string
	has  func(seller.Seller) bool
	run  func(t *testing.T, s *session)
}

// Run checks the seller: the methods of seller.Seller and the optional interfaces of its prototype. Each rule gets a
// stand-in of its own.
func Run(t *testing.T, subject Subject) {
	t.Helper()
	t.Run("info", func(t *testing.T) { infoIsComplete(t, subject) })
	prototype := subject.Info(newEnv(t).env).Prototype
	require.NotNil(t, prototype)
	for _, group := range [][]rule{accountRules(), purchaseRules(), orderRules(), reissueRules(), renewalRules(), optionalRules()} {
		for _, r := range group {
			if r.has == nil || r.has(prototype) {
				t.Run(r.name, func(t *testing.T) { r.run(t, open(t, subject)) })
			}
		}
	}
}

// is reports whether the seller has the optional interface.
func is[Ability any](s seller.Seller) bool {
	_, has := s.(Ability)
	return has
}
