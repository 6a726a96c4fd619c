package exampleseller

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Client sends the requests of one account.
type Client struct {
	account     string
	user, token string
	http        *sellerhttp.Client
}

func newClient(env seller.Env, params map[string]string) (*Client, error) {
	if err := checkParams(params); err != nil {
		return nil, err
	}
	trust, err := sellerhttp.TrustOf(env.SellerCA)
	if err != nil {
		return nil, err
	}
	config := sellerhttp.Config{
		Seller: Title, Agent: env.Binary, Address: strings.TrimSpace(params[paramURL]), Now: env.Now, Sleep: env.Sleep, Jitter: env.Jitter,
		Secrets: []string{params[paramToken]}, Log: env.Log.Named("example"), Trust: trust, NoLimit: true,
	}
	if env.DryRun {
		config.Reads = func(sellerhttp.Call) bool { return true } // every call of the class Read only reads
	}
	return &Client{account: accountOf(params), user: params[paramUser], token: params[paramToken], http: sellerhttp.New(config)}, nil
}

// Account returns the address and the user.
func (c *Client) Account() string { return c.account }

// Check reads the list of orders and ignores it.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.ask(ctx, sellerhttp.Read, "list")
	return err
}

// call sends one command with name, value pairs. Errors are *refusal or *sellerhttp.Error.
func (c *Client) call(ctx context.Context, class sellerhttp.Class, command string, pairs ...string) (*sellerhttp.Element, error) {
	form := url.Values{"command": {command}, "user": {c.user}, "token": {c.token}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	var answer *sellerhttp.Element
	err := c.http.Do(ctx, sellerhttp.Call{Name: command, Form: form, Class: class, Decode: func(body []byte) (string, error) {
		root, err := sellerhttp.ParseXML(body)
		switch {
		case err != nil:
			return "", err
		case root.Name == "error":
			return "ERROR " + plaintext.Line(root.Attr("code")), &refusal{plaintext.Line(root.Attr("code")), plaintext.Line(root.Text())}
		case root.Name != "answer":
			return "", &sellerhttp.Error{Kind: sellerhttp.NotSeller, Text: "the answer is not from the API"}
		}
		answer = root
		return "OK", nil
	}})
	return answer, err
}

// ask is call with the error as a fault, for commands that do not pay.
func (c *Client) ask(ctx context.Context, class sellerhttp.Class, command string, pairs ...string) (*sellerhttp.Element, error) {
	answer, err := c.call(ctx, class, command, pairs...)
	if err != nil {
		return nil, faultOf(err)
	}
	return answer, nil
}

// refusal is an error in the seller's own document.
type refusal struct{ code, text string }

// Error returns the code and the seller's text.
func (r *refusal) Error() string { return r.code + " " + r.text }

// definite reports whether the code says that nothing was executed. Any other code proves nothing (rules BUY-12).
func (r *refusal) definite() bool {
	switch r.code {
	case "login", "value", "unknown_id", "no_money":
		return true
	}
	return false
}

func faultOf(err error) *fault.Error {
	var refused *refusal
	var broken *sellerhttp.Error
	switch {
	case errors.As(err, &refused) && refused.code == "login":
		return fault.Errorf(fault.Login, paramToken, "%s refuses the user name or the token: %w", Title, refused)
	case errors.As(err, &refused):
		return fault.Errorf(fault.API, "", "%s refuses the request: %w", Title, refused)
	case errors.As(err, &broken):
		return broken.Fault()
	}
	return fault.From(err)
}

// notExecuted reports whether the error proves that nothing was executed: the request never left this host, or the
// seller's own document refuses it with a definite code.
func notExecuted(err error) bool {
	var refused *refusal
	var broken *sellerhttp.Error
	switch {
	case errors.As(err, &refused):
		return refused.definite()
	case errors.As(err, &broken):
		return !broken.Sent
	}
	return false
}

// sentOnceFault returns the fault of a request that is sent once. Unless nothing was executed for certain, only the
// seller's list shows the result.
func sentOnceFault(err error, text string) *fault.Error {
	f := faultOf(err)
	if !notExecuted(err) {
		f.OutcomeUnknown, f.Retry = true, true
		f.Message = text + ": " + f.Message
	}
	return f
}

func idText(id int64) string { return strconv.FormatInt(id, 10) }

// idOf reads an id; 0 if the text is not an id.
func idOf(text string) int64 {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 0 {
		return 0
	}
	return id
}
