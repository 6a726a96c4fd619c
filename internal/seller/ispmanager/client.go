// Package ispmanager is the client of a remote BILLmanager, ISPmanager's own billing, which sells certificates to the
// account of an ordinary client. It works by the remote's own forms: an unproven part of the interface is read from
// them, and if it cannot be read, the work ends with a fault before anything is bought.
package ispmanager

import (
	"context"
	"crypto/tls"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/exchange"
	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Title is the seller's name for people.
const Title = "ISPmanager"

// writeTimeout is the timeout of a request that changes something. Some orders take the remote more than a minute
// (docs/reference/ispmanager.md §13), so it must be at least 120 s. The command needs time afterwards to read the result.
const writeTimeout = 150 * time.Second

// Options is what a client needs from outside.
type Options struct {
	// Params are the module's decrypted parameters (Params names them).
	Params   map[string]string
	Now      func() time.Time
	Sleep    func(context.Context, time.Duration) error
	Jitter   func() float64 // [0,1)
	StateDir string         // folder of the file with the catalogue: var/ of the panel
	Binary   string         // names that file and the user agent
	Log      *panellog.Logger
	DryRun   bool // nothing that may change something is sent, and no file is written
	// SellerCA returns the file with the CA certificates to trust instead of the system's; nil or empty for the system's.
	SellerCA func() (string, error)
	// Answered is called with each answer that arrives (seller.Env); nil: nobody wants to know.
	Answered func(date string, state *tls.ConnectionState)
	// Observer sees what the client sends and gets; nil for none.
	Observer exchange.Observer
}

// Client sends the requests of one account. It is safe for concurrent use.
type Client struct {
	account   string
	access    access
	http      *sellerhttp.Client
	log       *panellog.Logger
	mask      func(string) string
	now       func() time.Time
	sleep     func(context.Context, time.Duration) error
	waiting   sellerhttp.WaitingOrders
	catalogue string // path of the catalogue file
	dry       bool

	mu      sync.Mutex
	buttons []tool // of the list's toolbar, if they are known
	asked   bool   // whether the toolbar was read

	// Answers that this client uses again for a while.
	rows    remembered[[]row]        // the list, for the status of many orders
	whole   remembered[[]row]        // the list as OrderSnapshot read it, for the purchase that is decided on it
	balance remembered[seller.Money] // for the purchase before which it was read
	prices  remembered[[]tariff]     // for the price of a purchase and the purchase itself
}

// New returns a client. It reads the file of SellerCA, and opens no other file and no connection before the first
// request. Faults are about the parameters: missed, value.
func New(o Options) (*Client, error) {
	address, err := normalAddress(o.Params["url"])
	if err != nil {
		return nil, err
	}
	who, err := accessOf(o.Params)
	if err != nil {
		return nil, err
	}
	trust, err := sellerhttp.TrustOf(o.SellerCA)
	if err != nil {
		return nil, err
	}
	log := o.Log.Named("ispmanager")
	c := &Client{
		account: accountName(address, who.user), access: who, log: log, mask: panellog.Masker(who.secrets()...),
		now: o.Now, sleep: o.Sleep, catalogue: cataloguePath(o.StateDir, o.Binary), dry: o.DryRun,
	}
	c.http = sellerhttp.New(sellerhttp.Config{
		Seller: Title, Agent: o.Binary, Address: address, Now: o.Now, Sleep: o.Sleep, Jitter: o.Jitter,
		Secrets: who.secrets(), Log: log, WriteTimeout: writeTimeout, NoLimit: true, Reads: reads(o.DryRun), Trust: trust, Answered: o.Answered, Observer: o.Observer,
	})
	c.waiting = sellerhttp.WaitingOrders{
		Path: filepath.Join(o.StateDir, o.Binary+".waiting."+seller.AccountHash(c.account)), Now: o.Now, Log: log, Walk: c.inProgress, DryRun: o.DryRun,
	}
	return c, nil
}

// Account returns the address of the API and the user name in lower case: the same text for the same account in every
// module.
func (c *Client) Account() string { return c.account }

// reads returns whether a call may be sent in a dry run, because it changes nothing; nil if this is none. Calls that
// submit a form (sok) or press a button are not among them.
func reads(dry bool) func(sellerhttp.Call) bool {
	if !dry {
		return nil
	}
	return func(call sellerhttp.Call) bool { return !call.Form.Has("sok") && !call.Form.Has("clicked_button") }
}

func cataloguePath(dir, binary string) string { return filepath.Join(dir, binary+".catalogue") }

func (c *Client) today() cabforum.Date { return cabforum.DateOf(c.now()) }

// call sends one function and reads its answer, which may be an error document. Errors are *sellerhttp.Error.
func (c *Client) call(ctx context.Context, class sellerhttp.Class, function string, params url.Values) (answer, error) {
	if class != sellerhttp.Read {
		c.dropAnswers()
		defer c.dropAnswers() // another goroutine may have read the list meanwhile
	}
	var reply answer
	err := c.http.Do(ctx, sellerhttp.Call{
		Name: function, Keys: keys(params), Form: c.form(function, params), Class: class,
		Decode: func(body []byte) (string, error) {
			var err error
			if reply, err = parseAnswer(body); err != nil {
				return "", err
			}
			reply.maskFailure(c.mask)
			return reply.summary(), nil
		},
	})
	return reply, err
}

// ask is call with an error document as a fault.
func (c *Client) ask(ctx context.Context, class sellerhttp.Class, function string, params url.Values) (answer, error) {
	reply, err := c.call(ctx, class, function, params)
	if err != nil {
		return answer{}, faultOf(err)
	}
	if reply.failure != nil {
		return reply, reply.failure.fault(function)
	}
	return reply, nil
}

// read calls a function that changes nothing. If the answer is only an <ok>, the login waits for its second factor
// (docs/reference/ispmanager.md §1.2, §15.5).
func (c *Client) read(ctx context.Context, function string, params url.Values) (answer, error) {
	reply, err := c.ask(ctx, sellerhttp.Read, function, params)
	if err == nil && reply.onlyOK() && !strings.HasPrefix(reply.redirect(), "certificate.") {
		return reply, twoFactor(function)
	}
	return reply, err
}

// form returns a request's body. The login is only in the body, never in the address.
func (c *Client) form(function string, params url.Values) url.Values {
	form := url.Values{}
	for name, values := range params {
		form[name] = values
	}
	form.Set("func", function)
	form.Set("authinfo", c.access.login())
	form.Set("lang", "en") // stable words, and dates and numbers that are not localised (docs/reference/ispmanager.md §1.2)
	if form.Get("out") == "" {
		form.Set("out", "xml")
	}
	return form
}

// pairs returns parameters from name, value pairs; empty values are left out.
func pairs(list ...string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(list); i += 2 {
		if list[i+1] != "" {
			form.Set(list[i], list[i+1])
		}
	}
	return form
}

// keys returns the parameters that identify the object of a request or submit it, for the log.
func keys(params url.Values) string {
	var shown []string
	for _, name := range []string{"elid", "id", "pricelist", "period", "p_num", "remoteid", "sok", "snext", "skipbasket", "clicked_button"} {
		if value := params.Get(name); value != "" {
			shown = append(shown, name+"="+plaintext.Clip(plaintext.Line(value), 60))
		}
	}
	return strings.Join(shown, " ")
}

// EndConnections implements seller.Connected.
func (c *Client) EndConnections() { c.http.EndConnections() }
