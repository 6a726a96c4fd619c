package sellerhttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"syscall"
	"time"

	"pmssl/internal/fault"
)

// Kind is the kind of a transport error.
type Kind int

// The kinds.
const (
	Unreachable Kind = iota + 1 // no connection: unknown name, refused, no route
	Unverified                  // the peer's TLS certificate is not the seller's
	Dropped                     // the connection ended before the answer was complete
	Timeout                     // no complete answer in time
	Limited                     // the seller's limit of calls is reached (HTTP 405, 429)
	Unavailable                 // HTTP 5xx
	Truncated                   // the document ends too early, although the HTTP answer is complete
	NotSeller                   // the answer is not the API's: a redirect, another status, HTML, another document
	Unreadable                  // a wrong character set, a DTD, too deep or broken XML
	TooLarge                    // more than MaxBody
	Exhausted                   // the module's own limit of calls; nothing was sent
	Interrupted                 // the command was stopped while it waited for the seller
	Withheld                    // not sent, because this is a dry run
)

// repeatable reports whether the failure may pass within seconds.
func (k Kind) repeatable() bool {
	switch k {
	case Unreachable, Dropped, Timeout, Limited, Unavailable, Truncated:
		return true
	}
	return false
}

// outage reports whether the failure concerns the connection or the seller as a whole, not only one answer.
func (k Kind) outage() bool {
	switch k {
	case Unreachable, Unverified, Dropped, Timeout, Limited, Unavailable, NotSeller, Exhausted:
		return true
	}
	return false
}

// attempts returns how often a read that fails in this way is sent.
func (k Kind) attempts() int {
	switch {
	case !k.repeatable():
		return 1
	case k == Unreachable:
		return maxUnreachable
	case k == Timeout:
		return maxTimeouts
	}
	return maxAttempts
}

// Error is a transport error: the request or its answer was lost or is unusable. A refusal by the seller is not an Error.
type Error struct {
	Kind   Kind
	Seller string // name for people
	Call   string // the seller's name of the command
	Status int    // HTTP status, 0 if none came
	Text   string // what happened, without secrets
	// RedirectHost is the host and port to which a redirect (HTTP 3xx) points. Redirects are not followed.
	RedirectHost string
	// Sent says that the request may have left this host. If it is false, the seller never received the request.
	Sent bool
	When time.Time // Exhausted: the earliest time of the next call
	Err  error
}

// Error returns the seller, the command and what happened.
func (e *Error) Error() string {
	if e.Call == "" {
		return e.Text
	}
	return e.Seller + " (" + e.Call + "): " + e.Text
}

// Withheld reports whether the call was not sent because this is a dry run.
func (e *Error) Withheld() bool { return e.Kind == Withheld }

// Unsent reports whether the seller certainly never received the request, in any attempt.
func (e *Error) Unsent() bool { return !e.Sent }

// after returns the error of an attempt that followed another one: what was sent then may have been received.
func (e *Error) after(before *Error) *Error {
	if e != nil && before != nil {
		e.Sent = e.Sent || before.Sent
	}
	return e
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fault returns the error as a *fault.Error.
func (e *Error) Fault() *fault.Error {
	f := &fault.Error{Type: fault.Client, Object: e.Call, Message: e.Error(), Retry: e.Kind.repeatable(), Outage: e.Kind.outage(), Err: e}
	switch e.Kind {
	case Withheld: // a dry run handles it before; elsewhere it is a bug of this program
		f.Type = fault.Internal
	case Unverified, NotSeller:
		f.Type = fault.NotSeller
	case Limited:
		f.Type = fault.Limit
	case Exhausted:
		f.Type, f.Retry = fault.Limit, true
	case Interrupted:
		f.Type, f.Retry = fault.Interrupted, true
	}
	return f
}

// interrupted returns the error of a command that was stopped; nil if ctx, the caller's, was not cancelled. Callers ask it
// before they classify err, because net/http then reports the context's cause or a closed connection.
func interrupted(ctx context.Context, err error, sent bool) *Error {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return &Error{Kind: Interrupted, Sent: sent, Err: errors.Join(context.Cause(ctx), err), Text: "the command was told to end before the answer came"}
}

// timedOut reports whether the error is a timeout, in any of the ways in which net/http reports one.
func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// transportError classifies an error of net/http and says what to do about it.
func (c Config) transportError(err error, sent bool) *Error {
	cause := withoutURL(err)
	t := &Error{Kind: Unreachable, Sent: sent, Err: cause, Text: "cannot be reached: " + cause.Error()}
	if text, found := c.untrusted(err); found {
		t.Kind, t.Text = Unverified, text
		return t
	}
	var dns *net.DNSError
	var dial *net.OpError
	var plain tls.RecordHeaderError
	connecting := errors.As(err, &dial) && dial.Op == "dial"
	late := timedOut(err)
	switch {
	case errors.As(err, &dns):
		t.Text = nameFailure(dns, c.host())
	case connecting && errors.Is(err, syscall.ECONNREFUSED):
		t.Text = fmt.Sprintf("cannot be reached: %s refuses the connection: nothing serves this port there, or a firewall refuses it", dial.Addr)
	case connecting && late:
		t.Kind, t.Text = Timeout, fmt.Sprintf("cannot be reached: no connection to %s in time: check that no firewall blocks this server's connections to port 443", c.host())
	case late:
		t.Kind, t.Text = Timeout, "did not answer in time"
	case errors.As(err, &plain):
		t.Kind, t.Text = Unverified, fmt.Sprintf("the answer from %s is not TLS: the port in the address is wrong, or there is a proxy in between", c.host())
	case sent:
		t.Kind, t.Text = Dropped, "the connection ended before the answer was complete: "+cause.Error()
	}
	return t
}

// nameFailure returns why a name could not be looked up.
func nameFailure(err *net.DNSError, host string) string {
	server := ""
	if err.Server != "" {
		server = " (asked " + err.Server + ")"
	}
	if err.IsNotFound {
		return fmt.Sprintf("cannot be reached: the name %s does not exist in DNS%s: check the address, then this server's /etc/resolv.conf", host, server)
	}
	return fmt.Sprintf("cannot be reached: the name %s could not be looked up, DNS gives no answer%s: check this server's /etc/resolv.conf (%s)", host, server, err.Err)
}

// withoutURL returns an error of net/http without the address, which the log has already.
func withoutURL(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Err
	}
	return err
}
