// Package fault has the error type that is reported to the panel, the log and the administrator.
package fault

import (
	"errors"
	"fmt"
)

// Types of faults: the attribute type of the panel's error element (docs/reference/billmanager.md §6). The manifest has a text
// msg_error_<type> for each.
const (
	Missed     = "missed"                  // something that the command needs does not exist
	Value      = "value"                   // a value is wrong
	Auth       = "auth"                    // the seller does not accept this account
	Client     = "client"                  // the other side (seller or panel) could not be reached or understood
	DB         = "db"                      // the panel's database could not be reached or lacks something
	API        = "api_error"               // the seller refused; Message has its code and text
	Login      = "invalid_login_or_passwd" // user name or key is wrong
	Address    = "address_not_allowed"     // this host's address is not on the seller's allow list
	ClientIP   = "invalid_client_ip"       // the seller does not accept the address in client_ip
	NotSeller  = "not_the_seller"          // the answer is not from the seller's API
	Approver   = "approver"                // any failure of the approver command
	Unknown    = "unknown_command"         // the command does not exist
	Locked     = "locked"                  // another run holds the item or the account
	Limit      = "limit"                   // the limit of calls is reached for now
	Unclear    = "unclear_purchase"        // the outcome of a purchase is unknown; an administrator or a later run resolves it
	Running    = "term_running"            // the paid term has not ended
	Waiting    = "purchase_pending"        // the outcome of a purchase is unknown and will be looked up again
	Delivered  = "wrong_certificate"       // the seller delivered another certificate than the requested one
	OrderEnded = "order_ended"             // the seller cancelled, refused or expired the order
	Internal   = "internal"                // a fault of this program
	Input      = "xml"                     // the document on stdin is not accepted
	Panel      = "panel"                   // the panel refused a call-back

	Interrupted = "interrupted" // a signal or the deadline ended the run; the next run continues
)

// Objects of faults about mails.
const (
	ObjectMail      = "mail"      // the server's own mail transport: every mail is affected
	ObjectRecipient = "recipient" // one mail was not accepted, usually because of its recipient
)

// Param is a named value of a fault. It replaces __name__ in the manifest's text.
type Param struct{ Name, Value string }

// Error is the error that a command returns: it says what the panel shows, what the log says and whether the command can be
// retried. Below the commands errors are wrapped with %w; the outermost Error of a chain is reported.
type Error struct {
	Type    string  // one of the constants above
	Object  string  // the field, command, table or the like that the fault is about
	Message string  // the text for people: what failed, where, what to do; with the seller's code and text if there is one
	Params  []Param // further placeholders of the manifest's text
	Retry   bool    // the same command may succeed later without any change
	// OutcomeUnknown is true if a purchase may have been executed although no answer says so. The intent stays, and nothing is
	// bought again before the seller was asked (rules BUY-3, BUY-4).
	OutcomeUnknown bool
	// Accepted is set with OutcomeUnknown if the seller confirmed the purchase but its order is not visible yet. The program
	// never repeats such a purchase.
	Accepted bool
	// Refused is set with OutcomeUnknown if the answer says that the request was refused before it was executed, but not in the
	// seller's own document (HTTP 405). The purchase may be repeated after two readings of the seller's list, a minute apart,
	// do not show it (rules BUY-12).
	Refused bool
	// Outage is true if the seller as a whole does not work for now, so that the next request would fail in the same way.
	Outage bool
	// Code is the seller's error number; 0 if there is none.
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

// Errorf returns a fault of the type about the object with a formatted text. Errors formatted with %w become its cause.
func Errorf(kind, object, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	cause := errors.Unwrap(err)
	if _, several := err.(interface{ Unwrap() []error }); several {
		cause = err
	}
	return &Error{Type: kind, Object: object, Message: err.Error(), Err: cause}
}

// Retryable sets Retry and returns the fault.
func (f *Error) Retryable() *Error {
	f.Retry = true
	return f
}

// SellerFails reports whether the fault is about the seller or the account as a whole and not about one request: network, HTTP
// 5xx, limit of calls, refused login. A command that works on many orders skips the others of that account (rules SWEEP-9).
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

// From returns the outermost Error in the chain of err. If there is none, it returns a fault of type internal with the error's
// text; for nil it returns nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var failure *Error
	if errors.As(err, &failure) {
		if failure == nil { // a nil *Error in a non-nil error
			return &Error{Type: Internal, Message: "an error without content"}
		}
		return failure
	}
	return &Error{Type: Internal, Message: err.Error(), Err: err}
}
