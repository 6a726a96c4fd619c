// Package ispapi is a client of the API of ISPmanager 6 and DNSmanager: over HTTPS with a login, or by mgrctl on this host. It reads
// documents, refusals, lists and forms, and submits what its callers fill into a form. It knows nothing of zones, records or sites
// (docs/reference/unattended.md §2).
package ispapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"

	"pmssl/internal/publish"
)

// Server says which panel is called and how.
type Server struct {
	URL      *url.URL // https address that ends in /ispmgr or /dnsmgr; nil if Mgr is set
	Pin      string   // sha256/ and the base64 SHA-256 of the public key of the panel's certificate; empty: the certificate must be valid
	Login    string   // user of the panel
	Password string   // file that holds the user's password (publish.ReadSecret)
	Mgr      string   // ispmgr or dnsmgr: the panel on this host, by its mgrctl; empty if URL is set
}

// Caller calls functions of a panel.
type Caller interface {
	// Call returns the panel's answer, and what it refuses. An error is that no usable answer came. The answer is asked for as
	// out=xml unless the parameters say otherwise.
	Call(ctx context.Context, function string, params url.Values) (*Element, *Refusal, error)
	Panel() string // ispmgr or dnsmgr
	Place() string // for messages
}

// SecretCaller is a Caller that can take parameters which nobody but the panel may see.
type SecretCaller interface {
	Caller
	CallSecret(ctx context.Context, function string, params, secrets url.Values) (*Element, *Refusal, error)
}

// ErrPublicArguments is that a secret would have to be an argument of a program, which every user of the host can read.
var ErrPublicArguments = errors.New("a secret is not handed to mgrctl, whose arguments every user of this host can read: use url and login in place of mgr")

// Client adds to a Caller what the panel's functions have in common: lists with pages, forms, submissions.
type Client struct{ Caller }

// New returns the client of a panel. It opens and reads nothing: a wrong password or address shows at the first call.
func New(s Server, e publish.Env) (*Client, error) {
	var api Caller
	var err error
	if s.Mgr != "" {
		api, err = newLocal(s, e)
	} else {
		api, err = newRemote(s, e)
	}
	if err != nil {
		return nil, err
	}
	return &Client{api}, nil
}

// Read calls a function that changes nothing. What the panel refuses is an error.
func (c *Client) Read(ctx context.Context, function string, params url.Values) (*Element, error) {
	root, refused, err := c.Call(ctx, function, params)
	if err == nil && refused != nil {
		err = refused.AsError(function)
	}
	if err != nil {
		return nil, err
	}
	return root, nil
}

// Form reads the form that a function answers when it is called without sok. It asks for out=devel: with it panels send the
// description of the form too, which says what must be filled in and what is hidden.
func (c *Client) Form(ctx context.Context, function string, params url.Values) (Form, error) {
	all := url.Values{"out": {"devel"}}
	maps.Copy(all, params)
	root, err := c.Read(ctx, function, all)
	if err != nil {
		return Form{}, err
	}
	f, err := formOf(function, root)
	if err != nil {
		return Form{}, fmt.Errorf("%s: %w", function, err)
	}
	return f, nil
}

// Submit calls a function that changes something, a second time if the panel asks for that. Any answer but "done" is an error or a
// refusal.
func (c *Client) Submit(ctx context.Context, function string, params url.Values) (*Refusal, error) {
	return submit(function, params, func(params url.Values) (*Element, *Refusal, error) { return c.Call(ctx, function, params) })
}

// SubmitSecret is Submit with parameters that nobody may see, as a private key. They go by HTTPS only: to a panel that is called by
// mgrctl it is an error that wraps ErrPublicArguments. No error and no refusal repeats words of the panel's answer.
func (c *Client) SubmitSecret(ctx context.Context, function string, params, secrets url.Values) (*Refusal, error) {
	api, able := c.Caller.(SecretCaller)
	if !able {
		return nil, fmt.Errorf("%s: %w", function, ErrPublicArguments)
	}
	return submit(function, params, func(params url.Values) (*Element, *Refusal, error) {
		return api.CallSecret(ctx, function, params, secrets)
	})
}

// submit repeats a call if the panel asks for that.
func submit(function string, params url.Values, call func(params url.Values) (*Element, *Refusal, error)) (*Refusal, error) {
	root, refused, err := call(params)
	if err == nil && confirmation(root, refused) {
		again := maps.Clone(params)
		again.Set("sok", "yes")
		root, refused, err = call(again)
	}
	switch {
	case err != nil || refused != nil:
		return refused, err
	case !done(root):
		return nil, fmt.Errorf("%s: the panel does not say that it did it: its answer has no <ok/>", function)
	}
	return nil, nil
}
