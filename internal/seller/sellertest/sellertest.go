// Package sellertest is the conformance suite of sellers: what the engines rely on, held against a stand-in for the seller.
// Only tests import it.
package sellertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/seller"
)

// Subject is a seller under test and the stand-in that it is tested against.
type Subject struct {
	// Info is the Info of the seller's package.
	Info func(seller.Env) seller.Info
	// Product is the template id of a DV product for one name that the stand-in sells, Months a term of it.
	Product string
	Months  int
	// OrderParams are the item parameters that the seller requires of an order besides the method of proof.
	OrderParams map[string]string
	// WrongLogin replaces connection parameters: with them the stand-in does not let the client in.
	WrongLogin map[string]string
	// RenewAfter is how long after the purchase the seller takes the purchase of the next term.
	RenewAfter time.Duration
	// Open starts a stand-in that has sold nothing yet. It ends with the test.
	Open func(t *testing.T) StandIn
}

// StandIn is the seller's side of a test. A method that fails ends the test.
type StandIn interface {
	// Params returns the connection parameters of an account that has money.
	Params() map[string]string
	// Getenv returns the environment that leads the client to the stand-in.
	Getenv(name string) (string, bool)
	// Secrets returns the values that no log and no error may show.
	Secrets() []string
	// Fail breaks the next request of the kind.
	Fail(request Request, how Failure)
	// CarryOut carries out what a failure of the kind CarriedOutLater held back.
	CarryOut()
	// Count returns how many requests of the kind arrived, whatever became of them.
	Count(request Request) int
	// Payments returns how often the account was charged.
	Payments() int
	// Issue makes the authority issue what waits under the id; Refuse makes it refuse that; Cancel ends the order.
	Issue(id int64)
	Refuse(id int64)
	Cancel(id int64)
	// Advance moves the stand-in's clock.
	Advance(by time.Duration)
}

// Start returns where the clocks of stand-in and client stand when a test begins.
func Start() time.Time { return time.Date(2026, 7, 20, 10, 0, 0, 0, time.UTC) }

// Request is a kind of request that must not be sent twice.
type Request string

// The kinds of requests. Not every seller has all of them.
const (
	Buy      Request = "buy"      // pays for a new order
	Renew    Request = "renew"    // pays for the next term
	Activate Request = "activate" // hands the CSR of a paid order in
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

// carriedOut reports whether the stand-in has done what was asked when the failure reaches the client.
func (f Failure) carriedOut() bool {
	switch f {
	case AnswerLost, GatewayErrorToo, PageToo, Truncated:
		return true
	}
	return false
}

// failures returns all of them, for a request after whose answer nothing may be concluded but from the seller's own words.
func failures() []Failure {
	return []Failure{NotCarriedOut, AnswerLost, CarriedOutLater, GatewayError, GatewayErrorToo, Page, PageToo, Truncated, Refused}
}

// rule is one promise of a seller; has reports whether the seller makes it, nil for what every seller promises.
type rule struct {
	name string
	has  func(seller.Seller) bool
	run  func(t *testing.T, s *session)
}

// Run holds the seller to everything that it promises: the methods of seller.Seller and the optional interfaces that its
// prototype has. Each rule gets a stand-in of its own.
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
