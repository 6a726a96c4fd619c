package sellerhttp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"pmssl/internal/exchange"
	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
)

// reply is an HTTP answer.
type reply struct {
	status      int
	contentType string
	redirect    string // host and port of the header Location
	body        []byte
}

// exchange sends the call once and writes its log line.
func (c *Client) exchange(ctx context.Context, call Call) error {
	form := call.Form.Encode()
	if c.config.Log.Enabled(panellog.Debug) {
		c.config.Log.Debugf("%s, request to %s:\n%s", call.Name, c.config.Address, panellog.RedactForm(form))
	}
	begin := c.config.Now()
	answer, err := c.post(ctx, call.Class, form)
	summary := ""
	if err == nil {
		summary, err = c.classify(answer, call)
	}
	took := c.config.Now().Sub(begin)
	c.logAnswer(call, answer, summary, err, took)
	if c.config.Observer != nil {
		var failure *Error
		late := errors.As(err, &failure) && failure.Kind == Timeout
		c.config.Observer.SellerAnswer(c.observed(call), exchange.Answer{Status: answer.status, Body: answer.body, Took: took, TimedOut: late})
	}
	return err
}

// logAnswer writes the log line of level 7 and, at level 9, the answer's body.
func (c *Client) logAnswer(call Call, answer reply, summary string, err error, took time.Duration) {
	if !c.config.Log.Enabled(panellog.Ext) {
		return
	}
	name := strings.TrimSpace(call.Name + " " + call.Keys)
	outcome := "no answer"
	if answer.status != 0 {
		outcome = fmt.Sprintf("HTTP %d", answer.status)
	}
	if summary != "" {
		outcome += ", " + summary
	}
	var failure *Error
	if errors.As(err, &failure) {
		outcome += ", " + c.mask(failure.Text)
	}
	c.config.Log.Extf("%s: %s, %d bytes, %d ms", name, outcome, len(answer.body), took.Milliseconds())
	if c.config.Log.Enabled(panellog.Debug) && answer.status != 0 && !call.Raw {
		c.config.Log.Debugf("%s, answer (HTTP %d, %s):\n%s", call.Name, answer.status, answer.contentType, panellog.RedactXML(answer.body))
	}
}

// post sends the form and reads the answer. The body is wrapped in a plain io.Reader, because net/http never sends a request
// twice if it cannot rewind its body.
func (c *Client) post(ctx context.Context, class Class, form string) (reply, error) {
	timeout, transportFor := readTimeout, c.reads
	if class != Read {
		timeout = cmp.Or(c.config.WriteTimeout, writeTimeout)
		own := transport(c.config, false)
		transportFor = func() *http.Transport { return own }
	}
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// From now on bytes may be sent. Before, there was no connection or the peer was not verified.
		GotConn: func(httptrace.GotConnInfo) { sent.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.Address, struct{ io.Reader }{strings.NewReader(form)})
	if err != nil {
		return reply{}, &Error{Kind: Unreachable, Text: "the request cannot be made: " + withoutURL(err).Error(), Err: err}
	}
	request.ContentLength = int64(len(form))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "text/xml, application/xml")
	request.Header.Set("User-Agent", c.config.Agent)
	response, err := c.roundTrip(request, transportFor())
	if err != nil {
		if failure := interrupted(caller, withoutURL(err), sent.Load()); failure != nil {
			return reply{}, failure
		}
		failure := c.config.transportError(err, sent.Load())
		if failure.Kind == Timeout && errors.Is(caller.Err(), context.DeadlineExceeded) { // earlier calls may have used up the time
			failure.Text = "gave no answer before the command's deadline"
		}
		return reply{}, failure
	}
	defer func() { _ = response.Body.Close() }()
	if c.config.Answered != nil {
		c.config.Answered(response.Header.Get("Date"), response.TLS)
	}
	answer, err := c.receive(response)
	if err != nil {
		if failure := interrupted(caller, err, true); failure != nil {
			failure.Status = answer.status
			return answer, failure
		}
	}
	return answer, err
}

// roundTrip sends the request. It follows no redirect, because the other host would get the secrets.
func (c *Client) roundTrip(request *http.Request, via *http.Transport) (*http.Response, error) {
	client := http.Client{
		Transport:     via,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client.Do(request)
}

func (c *Client) receive(response *http.Response) (reply, error) {
	answer := reply{status: response.StatusCode, contentType: plaintext.Clip(c.scrub(response.Header.Get("Content-Type")), 100)}
	if location, err := response.Location(); err == nil {
		answer.redirect = plaintext.Clip(plaintext.Line(c.mask(location.Host)), 100)
	}
	var err error
	answer.body, err = io.ReadAll(io.LimitReader(response.Body, MaxBody+1))
	size := len(answer.body)
	// Masked before the body is shortened, because half of a secret would not be recognised. A secret that the seller repeats
	// must not reach the panel's tasks, parameters and logs.
	answer.body = []byte(c.scrub(string(answer.body)))
	switch {
	case limited(answer.status), answer.status >= 500: // NoLimit does not matter here
		// The status alone decides what to do, even if the body is incomplete.
		answer.body = answer.body[:min(len(answer.body), 64<<10)]
	case size > MaxBody:
		answer.body = nil
		return answer, &Error{Kind: TooLarge, Status: answer.status, Sent: true,
			Text: fmt.Sprintf("the answer is longer than %d MiB", MaxBody>>20)}
	case err != nil:
		failure := c.config.transportError(err, true)
		failure.Status = answer.status
		return answer, failure
	}
	return answer, nil
}

// classify returns the *Error of an HTTP status other than 200, or what the call's Decode returns.
func (c *Client) classify(answer reply, call Call) (string, error) {
	failure := &Error{Status: answer.status, Sent: true}
	switch {
	case answer.status == http.StatusOK:
		return c.decode(answer, call)
	case !c.config.NoLimit && limited(answer.status):
		failure.Kind = Limited
		failure.Text = fmt.Sprintf("too many calls (HTTP %d), most likely the call was not carried out; try again in a minute", answer.status)
	case answer.status >= 500, answer.status == http.StatusTooManyRequests:
		failure.Kind = Unavailable
		failure.Text = fmt.Sprintf("out of order (HTTP %d)", answer.status)
	case answer.status >= 300 && answer.status < 400:
		failure.Kind, failure.RedirectHost = NotSeller, answer.redirect
		failure.Text = fmt.Sprintf("the address answers with a redirect (HTTP %d); this is not the API", answer.status)
	default:
		failure.Kind = NotSeller
		failure.Text = fmt.Sprintf("the answer is not the API's (HTTP %d): %s", answer.status, Snippet(answer.body))
	}
	return "", failure
}

func (c *Client) decode(answer reply, call Call) (string, error) {
	var failure *Error
	if !call.Raw {
		failure = readable(answer)
	}
	if failure == nil {
		summary, err := call.Decode(answer.body)
		if !errors.As(err, &failure) {
			return summary, err
		}
	}
	failure.Sent, failure.Status = true, answer.status
	return "", failure
}

// limited reports whether an HTTP status means too many calls: Namecheap answers 405 if its limit of calls is reached
// (docs/reference/namecheap.md §1.4), other services 429.
func limited(status int) bool {
	return status == http.StatusMethodNotAllowed || status == http.StatusTooManyRequests
}
