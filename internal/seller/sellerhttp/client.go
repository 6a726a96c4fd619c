package sellerhttp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
)

// Class says what may be done with a call whose answer did not come (rules ARCH-6, rules BUY-3).
type Class int

const (
	// Read changes nothing at the seller, or nothing that a second call would change again: it is repeated with backoff.
	Read Class = iota
	// Once is sent once; its outcome can be read afterwards.
	Once
	// Purchase pays: it is sent once, on a connection of its own, and goes before reads in the rate limiter.
	Purchase
)

// MaxBody is how much of an answer is read, in bytes. The largest real answers are lists of a hundred rows, some 30 KiB.
const MaxBody = 8 << 20

const (
	// readTimeout and writeTimeout end one attempt. Commands that call the CA answer in 1 to 4 s
	// (docs/reference/namecheap.md §1.4), so that these only catch a seller that hangs.
	readTimeout  = 60 * time.Second
	writeTimeout = 90 * time.Second
	// maxAttempts of a read. With the backoff of wait they span 31 s, and 88 s for a seller that is over its limit, which
	// is more than the minute in which the limit passes.
	maxAttempts = 6
	// maxUnreachable bounds the attempts where there is no connection. A name that does not resolve or a port that nobody
	// serves rarely changes within a minute, and somebody may be waiting in the panel's form: fewer attempts, within 3 s.
	maxUnreachable = 3
	// maxTimeouts bounds the attempts that time out. Each attempt at a seller that hangs takes readTimeout.
	maxTimeouts = 2
	maxBackoff  = 30 * time.Second
)

// maxErrorText is the longest text about a failure, in bytes.
const maxErrorText = 600

// minBodySecret is the length in bytes from which a secret is masked in an answer before anything reads it. Real keys are
// longer (Namecheap's have 32 characters); a shorter value, mistyped in the panel's form, can stand in a document's own
// words by chance.
const minBodySecret = 16

// Config is what a client needs from the world.
type Config struct {
	Seller  string // the seller's name for people
	Agent   string // User-Agent
	Address string // the whole URL, without secrets
	Now     func() time.Time
	Sleep   func(context.Context, time.Duration) error
	Jitter  func() float64 // [0,1)
	Budget  *RateLimiter   // nil: calls are not counted
	Secrets []string       // never shown in a fault's text, even where the seller repeats them
	Log     *panellog.Logger
	Trust   Trust
	// WriteTimeout ends the one attempt of a Once or Purchase call; 0 is 90 s.
	WriteTimeout time.Duration
	// NoLimit is for a seller of which no HTTP status is known to say "too many calls, refused before execution": 405 is
	// then a wrong address like any other status, and 429 is a seller that is out of order.
	NoLimit bool
	// Reads makes the client one for a dry run: it sends a call only if its class is Read and Reads returns true for it.
	// nil for a client that sends every call.
	Reads func(Call) bool
}

// Call is one request.
type Call struct {
	Name  string // the seller's name of the command
	Keys  string // what identifies the object, for the log: `CertificateID=7`
	Form  url.Values
	Class Class
	// Decode reads the answer's body, in which long secrets of Config are masked already, and returns the word for the log
	// line ("OK", "ERROR 2011294"). Its error ends the call as it is; a *Error that can pass is one more reason to repeat a
	// read.
	Decode func(body []byte) (verdict string, err error)
	// Raw is for answers that may be files: the body is neither held to be text in UTF-8 nor shown in the log.
	Raw bool
}

// Client talks to one address. It opens nothing before the first Do and may be used from several goroutines.
type Client struct {
	config Config
	mask   func(string) string // the secrets of Config
	scrub  func(string) string // those that no document contains by chance
	reads  func() *http.Transport
}

// New makes a client.
func New(config Config) *Client {
	config.Log.Secret(config.Secrets...)
	c := &Client{config: config, mask: panellog.Masker(config.Secrets...), scrub: panellog.Masker(long(config.Secrets)...)}
	c.reads = sync.OnceValue(func() *http.Transport { return transport(config, true) })
	return c
}

func long(secrets []string) []string {
	return slices.DeleteFunc(slices.Clone(secrets), func(secret string) bool { return len(strings.TrimSpace(secret)) < minBodySecret })
}

// Do sends the call, repeats it where its class allows that and the context's deadline leaves the time, and decodes the
// answer. Errors are *Error (with the seller's and the call's name filled in) or what Decode returned. The last failure
// is always an error; if the context ended an attempt, the failure before it says more.
func (c *Client) Do(ctx context.Context, call Call) error {
	if c.config.Reads != nil && (call.Class != Read || !c.config.Reads(call)) {
		return c.blame(call, &Error{Kind: Withheld, Text: "not sent: this is a dry run"})
	}
	var before *Error
	for attempt := 1; ; attempt++ {
		err := c.once(ctx, call)
		failure := c.blame(call, err)
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

// once takes a slot of the rate limiter and sends the call.
func (c *Client) once(ctx context.Context, call Call) error {
	if c.config.Budget != nil {
		if err := c.config.Budget.Take(ctx, call.Class); err != nil {
			return err
		}
	}
	return c.exchange(ctx, call)
}

// blame completes an Error with what it is about; nil where err is none.
func (c *Client) blame(call Call, err error) *Error {
	var failure *Error
	if !errors.As(err, &failure) {
		return nil
	}
	failure.Seller, failure.Call = c.config.Seller, call.Name
	failure.Text = plaintext.Clip(c.mask(failure.Text), maxErrorText)
	return failure
}

// wait grows from one second (four for a seller over its limit) by doubling, and is spread by half of itself either way so
// that processes which failed together do not return together.
func (c *Client) wait(kind Kind, attempt int) time.Duration {
	pause := time.Second
	if kind == Limited {
		pause = 4 * time.Second
	}
	pause = min(pause<<(attempt-1), maxBackoff)
	return pause/2 + time.Duration(c.config.Jitter()*float64(pause))
}

// inTime reports whether the context lives long enough to wait and still do something.
func inTime(ctx context.Context, now time.Time, wait time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || now.Add(wait).Before(deadline)
}
