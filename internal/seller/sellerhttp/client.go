package sellerhttp

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"pmssl/internal/exchange"
	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
)

// Class says whether a call may be repeated if its answer is lost (rules ARCH-6, rules BUY-3).
type Class int

const (
	// Read changes nothing at the seller, or a second call changes nothing more. It is repeated with backoff.
	Read Class = iota
	// Once is sent once; its result can be read from the seller afterwards.
	Once
	// Purchase pays. It is sent once, on a connection of its own, and has priority over reads in the rate limiter.
	Purchase
)

// MaxBody is the longest answer that is accepted, in bytes. The longest real answers are lists of a hundred rows, some 30 KiB.
const MaxBody = 8 << 20

const (
	// readTimeout and writeTimeout end one attempt. Commands that call the CA answer in 1 to 4 s
	// (docs/reference/namecheap.md §1.4), so these only end attempts at a seller that hangs.
	readTimeout  = 60 * time.Second
	writeTimeout = 90 * time.Second
	// maxAttempts is how often a read is sent. With the pauses of wait this takes 31 s, or 88 s if the seller's limit of
	// calls is reached, which is longer than the minute after which that limit ends.
	maxAttempts = 6
	// maxUnreachable is how often a read is sent if there is no connection. A name that does not resolve or a closed port
	// rarely changes within a minute, and a person may wait in the panel's form: these attempts take 3 s.
	maxUnreachable = 3
	// maxTimeouts is how often a read is sent if it times out. Each attempt takes readTimeout.
	maxTimeouts = 2
	maxBackoff  = 30 * time.Second
)

// maxErrorText is the longest text about a failure, in bytes.
const maxErrorText = 600

// minBodySecret is the length in bytes from which secrets are masked in an answer before it is parsed. Real keys are longer
// (Namecheap's have 32 characters). A shorter value, mistyped in the panel's form, may occur in any document by chance.
const minBodySecret = 16

// Config is what a client needs from outside.
type Config struct {
	Seller  string // the seller's name for people
	Agent   string // User-Agent
	Address string // the whole URL, without secrets
	Now     func() time.Time
	Sleep   func(context.Context, time.Duration) error
	Jitter  func() float64 // [0,1)
	Limiter *RateLimiter   // nil: calls are not counted
	Secrets []string       // masked in errors and logs, even if the seller repeats them
	Log     *panellog.Logger
	Trust   Trust
	// WriteTimeout ends the one attempt of a Once or Purchase call; 0 is 90 s.
	WriteTimeout time.Duration
	// NoLimit is for a seller that has no known HTTP status for "too many calls, not executed": then 405 is an answer of
	// kind NotSeller like any other status, and 429 is of kind Unavailable.
	NoLimit bool
	// Reads makes this a client for a dry run, which sends a call only if its class is Read and Reads returns true. A client
	// with nil sends every call.
	Reads func(Call) bool
	// Answered is called with each HTTP answer: its header Date and the state of TLS (seller.Env). nil: nobody wants to know.
	Answered func(date string, state *tls.ConnectionState)
	// Observer sees the calls and answers; nil for none.
	Observer exchange.Observer
}

// Call is one request.
type Call struct {
	Name  string // the seller's name of the command
	Keys  string // what identifies the object, for the log: `CertificateID=7`
	Form  url.Values
	Class Class
	// Decode reads the answer's body, in which long secrets of Config are masked, and returns a summary for the log line
	// ("OK", "ERROR 2011294"). Do returns its error unchanged. If it is a *Error of a repeatable kind, a read is repeated.
	Decode func(body []byte) (summary string, err error)
	// Raw is for answers that may be files: the body need not be UTF-8 and is not logged.
	Raw bool
}

// Client sends calls to one address. It opens no connection before the first Do and is safe for concurrent use.
type Client struct {
	config Config
	mask   func(string) string // the secrets of Config
	scrub  func(string) string // masks the secrets of at least minBodySecret bytes
	reads  func() *http.Transport
}

// New returns a client.
func New(config Config) *Client {
	config.Log.Secret(config.Secrets...)
	c := &Client{config: config, mask: panellog.Masker(config.Secrets...), scrub: panellog.Masker(long(config.Secrets)...)}
	c.reads = sync.OnceValue(func() *http.Transport { return transport(config, true) })
	return c
}

// EndConnections closes the connections that are kept open for further reads. The client may be used afterwards.
func (c *Client) EndConnections() { c.reads().CloseIdleConnections() }

// long returns the secrets of at least minBodySecret bytes.
func long(secrets []string) []string {
	return slices.DeleteFunc(slices.Clone(secrets), func(secret string) bool { return len(strings.TrimSpace(secret)) < minBodySecret })
}

// Do sends the call and decodes the answer. It repeats a read that fails in a repeatable way, if there is time before the
// context's deadline. Errors are *Error, with the names of seller and call, or what Decode returned. If the context ended the
// last attempt, Do returns the error of the attempt before, which says more.
func (c *Client) Do(ctx context.Context, call Call) error {
	if withheld := c.withheld(call); withheld != nil {
		return withheld
	}
	var before *Error
	for attempt := 1; ; attempt++ {
		err := c.once(ctx, call)
		failure := c.named(call, err).after(before)
		switch {
		case failure == nil:
			return err
		case before != nil && ctx.Err() != nil:
			return before
		}
		before = failure
		if call.Class != Read || attempt >= failure.Kind.attempts() {
			return failure
		}
		wait := c.wait(failure.Kind, attempt)
		if !inTime(ctx, c.config.Now(), wait) {
			c.config.Log.ExtInfof("%s is not repeated: the command's deadline comes before the next attempt in %s", call.Name, wait)
			return failure
		}
		c.config.Log.ExtInfof("%s failed (%s), attempt %d of %d follows in %s", call.Name, failure.Text, attempt+1, failure.Kind.attempts(), wait)
		if c.config.Sleep(ctx, wait) != nil {
			return failure
		}
	}
}

// withheld returns the error of a call that is not sent: it might change something and this is a dry run, or the observer refuses
// it. nil if it may be sent.
func (c *Client) withheld(call Call) error {
	if c.config.Reads != nil && (call.Class != Read || !c.config.Reads(call)) {
		return c.named(call, &Error{Kind: Withheld, Text: "not sent: this is a dry run"})
	}
	if c.config.Observer == nil {
		return nil
	}
	if err := c.config.Observer.SellerCall(c.observed(call)); err != nil {
		return c.named(call, &Error{Kind: Withheld, Text: "not sent: " + err.Error(), Err: err})
	}
	return nil
}

// observed returns the call as an observer sees it: without the parameters that contain a secret.
func (c *Client) observed(call Call) exchange.Call {
	form := url.Values{}
	for name, values := range call.Form {
		if !slices.ContainsFunc(values, func(value string) bool { return c.mask(value) != value }) {
			form[name] = slices.Clone(values)
		}
	}
	return exchange.Call{Address: c.config.Address, Name: call.Name, Form: form, Pays: call.Class == Purchase, Changes: call.Class != Read}
}

// once waits for the rate limiter and sends the call.
func (c *Client) once(ctx context.Context, call Call) error {
	if c.config.Limiter != nil {
		if err := c.config.Limiter.Wait(ctx, call.Class); err != nil {
			return err
		}
	}
	return c.exchange(ctx, call)
}

// named returns the *Error in err with the names of seller and call and without secrets; nil if err holds none.
func (c *Client) named(call Call, err error) *Error {
	var failure *Error
	if !errors.As(err, &failure) {
		return nil
	}
	failure.Seller, failure.Call = c.config.Seller, call.Name
	failure.Text = plaintext.Clip(c.mask(failure.Text), maxErrorText)
	return failure
}

// wait returns the pause after an attempt: one second (four if the seller's limit is reached), doubled after each attempt up
// to maxBackoff, and changed at random by up to half, so that processes that failed together do not retry together.
func (c *Client) wait(kind Kind, attempt int) time.Duration {
	pause := time.Second
	if kind == Limited {
		pause = 4 * time.Second
	}
	pause = min(pause<<(attempt-1), maxBackoff)
	return pause/2 + time.Duration(c.config.Jitter()*float64(pause))
}

// inTime reports whether the context's deadline is later than the end of the wait.
func inTime(ctx context.Context, now time.Time, wait time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || now.Add(wait).Before(deadline)
}
