// Package fault holds the one error type that reaches the panel, the log and the administrator, and its kinds.
package fault

import (
	"errors"
	"fmt"
)

// Types of faults: the `type` of the panel's error element (docs/reference/billmanager.md §6). The manifest carries a text
// `msg_error_<type>` for each of them.
const (
	Missed     = "missed"                  // something that the command needs does not exist
	Value      = "value"                   // a value that is there is wrong
	Auth       = "auth"                    // the seller does not let this account in
	Client     = "client"                  // the other side (seller or panel) could not be reached or understood
	DB         = "db"                      // the panel's database could not be reached or lacks something
	API        = "api_error"               // the seller refused; its code and words are in Message
	Login      = "invalid_login_or_passwd" // user name or key is wrong
	Address    = "address_not_allowed"     // this host's address is not on the seller's white list
	ClientIP   = "invalid_client_ip"       // the address given as client_ip is not one that the seller takes
	NotSeller  = "not_the_seller"          // what answered is not the seller's API
	Approver   = "approver"                // any failure of the approver command
	Unknown    = "unknown_command"         // the command does not exist
	Locked     = "locked"                  // another run holds the item or the account
	Limit      = "limit"                   // the shared budget of calls is used up for now
	Unclear    = "unclear_purchase"        // a purchase may have happened; an administrator or a later run resolves it
	Running    = "term_running"            // a paid term is still running
	Waiting    = "purchase_pending"        // a purchase without answer is looked up again later
	Delivered  = "wrong_certificate"       // what the seller delivered is not what was asked for
	OrderEnded = "order_ended"             // the seller cancelled, refused or expired the order
	Internal   = "internal"                // a fault of this program
	Input      = "xml"                     // the document on stdin is not acceptable
	Panel      = "panel"                   // the panel refused a call-back

	Interrupted = "interrupted" // a signal or the end of the run's time stopped the work; the next run goes on
)

// Objects of faults about letters.
const (
	ObjectMail      = "mail"      // the server's own mail transport: every letter is concerned
	ObjectRecipient = "recipient" // one letter was not taken, most often for its recipient
)

// Param is a named value of a fault, `__name__` in the manifest's text.
type Param struct{ Name, Value string }

// Error is the one error of this product's edge: what the panel shows, what the log says and whether trying again can
// help. Inside the packages plain %w wrapping is used; the outermost Error of a chain is the one that is rendered.
type Error struct {
	Type    string  // one of the constants above
	Object  string  // what is concerned: a field, a command, a table
	Message string  // the text for people: what was wrong, where, what to do; the seller's code and words where it spoke
	Params  []Param // further placeholders of the manifest's text
	Retry   bool    // the same command can succeed later without anybody doing anything
	// OutcomeUnknown says that a purchase may have been executed although no answer tells so: the intent stays, nothing is
	// bought again before the seller was asked (rules BUY-3, BUY-4).
	OutcomeUnknown bool
	// Accepted goes with OutcomeUnknown: the seller said that it took the purchase, and what comes of it does not show yet.
	// A program never makes it again.
	Accepted bool
	// Refused goes with OutcomeUnknown: what answered says that the request was refused before it was carried out, and does
	// not say so in the seller's own document (HTTP 405). Two readings of the seller's list a minute apart that show
	// nothing free the way (rules BUY-12).
	Refused bool
	// Outage says that the seller as a whole does not work for now: the next question would fail in the same way.
	Outage bool
	// Code is the seller's number for the refusal, 0 if it gave none.
	Code int
	Err  error // the cause, for the log
}

// Error returns the type, the object and the text in one line.
func (f *Error) Error() string {
	text := f.Message
	if text == "" && f.Err != nil {
		text = f.Err.Error()
	}
	if f.Object == "" {
		return f.Type + ": " + text
	}
	return f.Type + " (" + f.Object + "): " + text
}

// Unwrap returns the cause.
func (f *Error) Unwrap() error { return f.Err }

// Errorf makes a fault of the type about the object with a formatted text; an error among the arguments of %w becomes
// its cause.
func Errorf(kind, object, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	cause := errors.Unwrap(err)
	if _, several := err.(interface{ Unwrap() []error }); several {
		cause = err
	}
	return &Error{Type: kind, Object: object, Message: err.Error(), Err: cause}
}

// Retryable marks the fault as one that passes by itself and returns it.
func (f *Error) Retryable() *Error {
	f.Retry = true
	return f
}

// SellerFails reports whether the fault is about the seller or the account as a whole and not about what was asked for:
// network, HTTP 5xx, its limit of calls, a login that is not let in. Whoever works on many orders of one account stops
// there (rules SWEEP-9).
func (f *Error) SellerFails() bool {
	if f == nil {
		return false
	}
	switch f.Type {
	case Limit, Auth, Login, Address, ClientIP, NotSeller:
		return true
	}
	return f.Outage
}

// From finds the outermost Error in the chain of err; an error without one is Internal with the error's text.
// nil gives nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var failure *Error
	if errors.As(err, &failure) {
		if failure == nil { // a *Error without value in an error: whoever returned it meant something
			return &Error{Type: Internal, Message: "an error without content"}
		}
		return failure
	}
	return &Error{Type: Internal, Message: err.Error(), Err: err}
}
