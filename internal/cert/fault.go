package cert

import (
	"errors"
	"fmt"
)

// Types of faults: the `type` of the panel's error element (billmanager-module-protocol §6). The manifest carries a text
// `msg_error_<type>` for each of them.
const (
	FaultMissed     = "missed"                  // something that the command needs does not exist
	FaultValue      = "value"                   // a value that is there is wrong
	FaultAuth       = "auth"                    // the seller does not let this account in
	FaultClient     = "client"                  // the other side (seller or panel) could not be reached or understood
	FaultDB         = "db"                      // the panel's database could not be reached or lacks something
	FaultAPI        = "api_error"               // the seller refused; its code and words are in Value
	FaultLogin      = "invalid_login_or_passwd" // user name or key is wrong
	FaultAddress    = "address_not_allowed"     // this host's address is not on the seller's white list
	FaultClientIP   = "invalid_client_ip"       // the address given as client_ip is not one that the seller takes
	FaultNotSeller  = "not_the_seller"          // what answered is not the seller's API
	FaultApprover   = "approver"                // any failure of the approver command
	FaultUnknown    = "unknown_command"         // the command does not exist
	FaultLocked     = "locked"                  // another run holds the item or the account
	FaultLimit      = "limit"                   // the shared budget of calls is used up for now
	FaultUnclear    = "unclear_purchase"        // a purchase may have happened; an administrator or a later run settles it
	FaultRunning    = "term_running"            // a paid term is still running
	FaultWaiting    = "purchase_pending"        // a purchase without answer is looked up again later
	FaultDelivered  = "wrong_certificate"       // what the seller delivered is not what was asked for
	FaultOrderEnded = "order_ended"             // the seller cancelled, refused or expired the order
	FaultInternal   = "internal"                // a fault of this program
	FaultInput      = "xml"                     // the document on stdin is not acceptable
	FaultPanel      = "panel"                   // the panel refused a call-back

	FaultInterrupted = "interrupted" // a signal or the end of the run's time stopped the work; the next run goes on
)

// Objects of faults about letters.
const (
	ObjectMail      = "mail"      // the server's own mail transport: every letter is concerned
	ObjectRecipient = "recipient" // one letter was not taken, most often for its recipient
)

// Param is a named value of a fault, `__name__` in the manifest's text.
type Param struct{ Name, Value string }

// Fault is the one error of this product's edge: what the panel shows, what the log says and whether trying again can
// help. Inside the rooms plain %w wrapping is used; the outermost Fault of a chain is the one that is rendered.
type Fault struct {
	Type   string  // one of the constants above
	Object string  // what is concerned: a field, a command, a table
	Value  string  // the text for people: what was wrong, where, what to do; the seller's code and words where it spoke
	Params []Param // further placeholders of the manifest's text
	Retry  bool    // the same command can succeed later without anybody doing anything
	// Unclear says that a purchase may have been executed although no answer tells so: the intent stays, nothing is
	// bought again before the seller was asked (contract 3.3, 3.4).
	Unclear bool
	// Accepted goes with Unclear: the seller said that it took the purchase, and what comes of it does not show yet. A
	// program never makes it again.
	Accepted bool
	// Refused goes with Unclear: what answered says that the request was refused before it was carried out, and does not say so
	// in the seller's own document (HTTP 405). Two readings of the seller's list a minute apart that show nothing free the way
	// (rules BUY-12).
	Refused bool
	// Outage says that the seller as a whole does not work for now: the next question would fail in the same way.
	Outage bool
	// Code is the seller's number for the refusal, 0 where it gave none.
	Code int
	Err  error // the cause, for the log
}

// Error is the type, the object and the text in one line.
func (f *Fault) Error() string {
	text := f.Value
	if text == "" && f.Err != nil {
		text = f.Err.Error()
	}
	if f.Object == "" {
		return f.Type + ": " + text
	}
	return f.Type + " (" + f.Object + "): " + text
}

// Unwrap is the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Faultf makes a fault of the type about the object with a formatted text; an error among the arguments of %w becomes
// its cause.
func Faultf(kind, object, format string, args ...any) *Fault {
	err := fmt.Errorf(format, args...)
	cause := errors.Unwrap(err)
	if _, several := err.(interface{ Unwrap() []error }); several {
		cause = err
	}
	return &Fault{Type: kind, Object: object, Value: err.Error(), Err: cause}
}

// Again marks the fault as one that passes by itself and returns it.
func (f *Fault) Again() *Fault {
	f.Retry = true
	return f
}

// SellerFails reports whether the fault is about the seller or the account as a whole and not about what was asked for: network, HTTP
// 5xx, its limit of calls, a login that is not let in. Whoever works on many orders of one account stops there (rules SWEEP-9).
func (f *Fault) SellerFails() bool {
	if f == nil {
		return false
	}
	switch f.Type {
	case FaultLimit, FaultAuth, FaultLogin, FaultAddress, FaultClientIP, FaultNotSeller:
		return true
	}
	return f.Outage
}

// FaultOf finds the outermost Fault in the chain of err; an error without one is FaultInternal with the error's text.
// nil gives nil.
func FaultOf(err error) *Fault {
	if err == nil {
		return nil
	}
	var fault *Fault
	if errors.As(err, &fault) {
		if fault == nil { // a *Fault without value in an error: whoever returned it meant something
			return &Fault{Type: FaultInternal, Value: "an error without content"}
		}
		return fault
	}
	return &Fault{Type: FaultInternal, Value: err.Error(), Err: err}
}
