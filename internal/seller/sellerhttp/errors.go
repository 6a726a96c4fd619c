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

// Kind is what went wrong between us and the seller.
type Kind int

// The kinds.
const (
	Unreachable Kind = iota + 1 // no connection: unknown name, refused, no route
	Unverified                  // the peer's TLS certificate is not the seller's
	Dropped                     // the connection ended before the answer was complete
	Timeout                     // no complete answer in time
	Limited                     // the seller counts too many calls (HTTP 405, 429)
	Unavailable                 // HTTP 5xx
	Truncated                   // HTTP is content, the document ends too early
	Foreign                     // what answered is not the seller: a redirect, another status, HTML, another document
	Unreadable                  // character set, DTD, depth, broken XML
	TooLarge                    // more than MaxBody
	Exhausted                   // the module's own limit of calls; nothing was sent
	Ended                       // the run was told to end while it waited for the seller
	Withheld                    // a dry run does not send what may change something
)

// repeatable kinds pass by themselves within seconds.
func (k Kind) repeatable() bool {
	switch k {
	case Unreachable, Dropped, Timeout, Limited, Unavailable, Truncated:
		return true
	}
	return false
}

// outage kinds are about the way to the seller or the seller as a whole; the others are about one answer.
func (k Kind) outage() bool {
	switch k {
	case Unreachable, Unverified, Dropped, Timeout, Limited, Unavailable, Foreign, Exhausted:
		return true
	}
	return false
}

// attempts returns how often a read is sent that fails in this way.
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

// Error is a failure on the way to the seller or back. What the seller itself refuses is not an Error.
type Error struct {
	Kind   Kind
	Seller string // name for people
	Call   string // the seller's name of the command
	Status int    // HTTP status, 0 if none came
	Text   string // what happened, without secrets
	// Elsewhere is the host to which a redirect (HTTP 3xx) points, with its port; nobody went there.
	Elsewhere string
	// Sent says that the request may have left this host. False is certain: the seller never saw it.
	Sent bool
	When time.Time // Exhausted: when the next call is possible
	Err  error
}

// Error names the seller, the command and what happened.
func (t *Error) Error() string {
	if t.Call == "" {
		return t.Text
	}
	return t.Seller + " (" + t.Call + "): " + t.Text
}

// Withheld reports whether a dry run came to a call that may change something: it was not sent, and everything before it
// was in order.
func (t *Error) Withheld() bool { return t.Kind == Withheld }

// Unwrap returns the cause.
func (t *Error) Unwrap() error { return t.Err }

// Fault returns the trouble in the words of the product's edge.
func (t *Error) Fault() *fault.Error {
	f := &fault.Error{Type: fault.Client, Object: t.Call, Message: t.Error(), Retry: t.Kind.repeatable(), Outage: t.Kind.outage(), Err: t}
	switch t.Kind {
	case Withheld: // whoever makes a dry run expects it; anywhere else it is a fault of this program
		f.Type = fault.Internal
	case Unverified, Foreign:
		f.Type = fault.NotSeller
	case Limited:
		f.Type = fault.Limit
	case Exhausted:
		f.Type, f.Retry = fault.Limit, true
	case Ended:
		f.Type, f.Retry = fault.Interrupted, true
	}
	return f
}

// ended returns the trouble of a run that was told to end; nil if that is not why ctx, the caller's, is over. Its end
// comes first: what net/http reports then is the context's cause, whatever that is, or the connection that was closed.
func ended(ctx context.Context, err error, sent bool) *Error {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return &Error{Kind: Ended, Sent: sent, Err: errors.Join(context.Cause(ctx), err), Text: "the command was told to end before the answer came"}
}

// timedOut reports whether the error is about a time that ran out, in whichever way net/http says it.
func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// broken classifies an error of net/http and says what to do about it.
func (c Config) broken(err error, sent bool) *Error {
	cause := bare(err)
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
		t.Kind, t.Text = Timeout, fmt.Sprintf("cannot be reached: no connection to %s in time: look whether a firewall between lets this server out to port 443", c.host())
	case late:
		t.Kind, t.Text = Timeout, "did not answer in time"
	case errors.As(err, &plain):
		t.Kind, t.Text = Unverified, fmt.Sprintf("what answered at %s does not speak TLS: the port in the address is wrong, or a proxy stands between", c.host())
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

// bare takes the address off an error of net/http: it stands in the log already.
func bare(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Err
	}
	return err
}
