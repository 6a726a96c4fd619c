// Package exchange describes what a run exchanges with the seller and with the panel, for an observer that looks on. Neither the
// clients nor the engines know what the observer looks for.
package exchange

import (
	"net/url"
	"time"
)

// Call is a request to the seller. Parameters whose values contain a secret of the account, such as its login, are left out.
type Call struct {
	Address string     // the whole URL of the API
	Name    string     // the seller's name of the command or function
	Form    url.Values // must not be changed
	Pays    bool       // carrying it out costs money
	Changes bool       // it may change something at the seller; true if it pays
}

// Answer is what became of a call.
type Answer struct {
	Status int           // HTTP status, 0 if no answer came
	Body   []byte        // as it came, long secrets of the account masked; must not be changed
	Took   time.Duration // from sending the request until the answer was read
	// TimedOut says that no complete answer came in time.
	TimedOut bool
}

// PanelCall is a call of one of the panel's functions with mgrctl.
type PanelCall struct {
	Function string
	ExitCode int  // of mgrctl; -1 if it did not end by itself
	Answered bool // it printed a complete document
	Refused  bool // that document is an error
}

// Observer sees the exchanges of a run while they happen. Several goroutines may call its methods at once.
type Observer interface {
	// SellerCall is asked before a call is sent, once for all attempts. If it returns an error, the call is not sent.
	SellerCall(call Call) error
	// SellerAnswer gets the outcome of each attempt.
	SellerAnswer(call Call, answer Answer)
	// PanelCall gets the outcome of each call of the panel.
	PanelCall(call PanelCall)
}
