package sellerhttp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"os"
	"time"

	"pmssl/internal/cert"
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
	Exhausted                   // our own budget of calls; nothing was sent
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

// attempts is how often a read is sent that fails in this way.
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

// Trouble is a failure on the way to the seller or back. What the seller itself refuses is not a Trouble.
type Trouble struct {
	Kind   Kind
	Seller string // name for people
	Call   string // the seller's name of the command
	Status int    // HTTP status, 0 where none came
	Text   string // what happened, without secrets
	// Elsewhere is the host to which a redirect (HTTP 3xx) points, with its port; nobody went there.
	Elsewhere string
	// Sent says that the request may have left this host. False is certain: the seller never saw it.
	Sent bool
	When time.Time // Exhausted: when the next call is possible
	Err  error
}

// Error names the seller, the command and what happened.
func (t *Trouble) Error() string {
	if t.Call == "" {
		return t.Text
	}
	return t.Seller + " (" + t.Call + "): " + t.Text
}

// Withheld reports whether a dry run came to a call that may change something: it was not sent, and everything before it was in
// order.
func (t *Trouble) Withheld() bool { return t.Kind == Withheld }

// Unwrap is the cause.
func (t *Trouble) Unwrap() error { return t.Err }

// Fault is the trouble in the words of the product's edge.
func (t *Trouble) Fault() *cert.Fault {
	f := &cert.Fault{Type: cert.FaultClient, Object: t.Call, Value: t.Error(), Retry: t.Kind.repeatable(), Outage: t.Kind.outage(), Err: t}
	switch t.Kind {
	case Withheld: // whoever makes a dry run expects it; anywhere else it is a fault of this program
		f.Type = cert.FaultInternal
	case Unverified, Foreign:
		f.Type = cert.FaultNotSeller
	case Limited:
		f.Type = cert.FaultLimit
	case Exhausted:
		f.Type, f.Retry = cert.FaultLimit, true
	case Ended:
		f.Type, f.Retry = cert.FaultInterrupted, true
	}
	return f
}

// ended returns the trouble of a run that was told to end; nil where that is not why ctx, the caller's, is over. Its end
// comes first: what net/http reports then is the context's cause, whatever that is, or the connection that was closed.
func ended(ctx context.Context, err error, sent bool) *Trouble {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return &Trouble{Kind: Ended, Sent: sent, Err: errors.Join(context.Cause(ctx), err), Text: "the command was told to end before the answer came"}
}

// broken classifies an error of net/http.
func broken(err error, sent bool) *Trouble {
	cause := bare(err)
	t := &Trouble{Kind: Unreachable, Sent: sent, Err: cause, Text: "cannot be reached: " + cause.Error()}
	var network net.Error
	var verification *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	switch {
	case errors.As(err, &verification), errors.As(err, &unknown), errors.As(err, &hostname):
		t.Kind, t.Text = Unverified, "the TLS certificate of what answered is not to be trusted: "+cause.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		t.Kind, t.Text = Timeout, "did not answer in time"
	case sent:
		t.Kind, t.Text = Dropped, "the connection ended before the answer was complete: "+cause.Error()
	}
	return t
}

// bare takes the address off an error of net/http: it stands in the log already.
func bare(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Err
	}
	return err
}
