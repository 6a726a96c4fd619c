// Package namecheap is the client of Namecheap's SSL API. It implements seller.Seller.
package namecheap

import (
	"context"
	"crypto/tls"
	"net/url"
	"strings"
	"time"

	"pmssl/internal/exchange"
	"pmssl/internal/fault"
	"pmssl/internal/panellog"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Title is the seller's name for people.
const Title = "Namecheap"

// Options is what a client needs from outside.
type Options struct {
	// Params are the module's decrypted parameters (Params and CustomParams name them).
	Params map[string]string
	// Getenv looks up NAMECHEAP_API_URL; nil is an empty environment.
	Getenv   func(string) (string, bool)
	Now      func() time.Time
	Sleep    func(context.Context, time.Duration) error
	Jitter   func() float64 // [0,1)
	StateDir string         // folder of the rate limiter's file: var/ of the panel
	Binary   string         // names the rate limiter's file and the user agent
	Log      *panellog.Logger
	DryRun   bool // nothing that may change something is sent or written, but the rate limiter's file
	// SellerCA returns the file with the CA certificates to trust instead of the system's; nil or empty for the system's.
	SellerCA func() (string, error)
	// Answered is called with each answer that arrives (seller.Env); nil: nobody wants to know.
	Answered func(date string, state *tls.ConnectionState)
	// Observer sees what the client sends and gets; nil for none.
	Observer exchange.Observer
}

// Client sends the requests of one account. It is safe for concurrent use.
type Client struct {
	account string
	access  access
	http    *sellerhttp.Client
	limiter *sellerhttp.RateLimiter
	log     *panellog.Logger
	prices  priceFile
	balance balanceFile
	waiting sellerhttp.WaitingOrders
	dry     bool
}

// access has the parameters that every request carries (docs/reference/namecheap.md §1.2).
type access struct {
	apiUser, apiKey, userName, clientIP string
}

// New returns a client. It reads the file of SellerCA, and opens no other file and no connection before the first
// request. Faults are about the parameters: missed, value, invalid_client_ip.
func New(o Options) (*Client, error) {
	address, err := addressOf(o.Params, o.Getenv)
	if err != nil {
		return nil, err
	}
	who, err := accessOf(o.Params)
	if err != nil {
		return nil, err
	}
	limits, err := limitsOf(o.Params)
	if err != nil {
		return nil, err
	}
	trust, err := sellerhttp.TrustOf(o.SellerCA)
	if err != nil {
		return nil, err
	}
	log := o.Log.Named("namecheap")
	c := &Client{account: accountName(address, who.userName), access: who, log: log}
	c.limiter = &sellerhttp.RateLimiter{
		Path: rateLimitPath(o.StateDir, o.Binary, c.account), Limits: limits, Now: o.Now, Sleep: o.Sleep, Log: log,
	}
	c.http = sellerhttp.New(sellerhttp.Config{
		Seller: Title, Agent: o.Binary, Address: address, Now: o.Now, Sleep: o.Sleep, Jitter: o.Jitter,
		Limiter: c.limiter,
		Secrets: []string{who.apiKey}, Log: log, Reads: reads(o.DryRun), Trust: trust, Answered: o.Answered, Observer: o.Observer,
	})
	c.dry = o.DryRun
	c.prices = priceFile{kept: sellerhttp.CacheFile{Path: cachePath(o.StateDir, o.Binary, "prices", c.account), MaxSize: maxPriceFile, DryRun: o.DryRun}, now: o.Now}
	c.balance = balanceFile{kept: sellerhttp.CacheFile{Path: cachePath(o.StateDir, o.Binary, "balance", c.account), MaxSize: maxBalanceFile, DryRun: o.DryRun}, now: o.Now, log: log}
	c.waiting = sellerhttp.WaitingOrders{Path: cachePath(o.StateDir, o.Binary, "waiting", c.account), Now: o.Now, Log: log, Walk: c.inProgress, DryRun: o.DryRun}
	return c, nil
}

// reads returns whether a call may be sent in a dry run, because it changes nothing; nil if this is none. editDCVMethod
// is not among them: it may be repeated, but it sets the validation method.
func reads(dry bool) func(sellerhttp.Call) bool {
	if !dry {
		return nil
	}
	return func(call sellerhttp.Call) bool {
		switch call.Name {
		case commandList, commandInfo, commandApprovers, commandPricing, commandBalances:
			return true
		}
		return false
	}
}

// Account returns the address of the API and the user name in lower case: the same text for the same account in every
// module.
func (c *Client) Account() string { return c.account }

// CallsUsed returns how many calls of the account's limits were made from this host.
func (c *Client) CallsUsed() ([]seller.CallUsage, error) {
	used, err := c.limiter.Used()
	all := make([]seller.CallUsage, len(used))
	for i, usage := range used {
		all[i] = seller.CallUsage(usage)
	}
	return all, err
}

// form returns a request's body: the global parameters (docs/reference/namecheap.md §1.2) and the command's own, given
// as name, value pairs. Secrets are only in the body, never in the address.
func (c *Client) form(command string, pairs ...string) url.Values {
	form := url.Values{
		"ApiUser": {c.access.apiUser}, "ApiKey": {c.access.apiKey}, "UserName": {c.access.userName},
		"ClientIp": {c.access.clientIP}, "Command": {command},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// ask sends one command and returns the result element of that name. Errors are *fault.Error: a transport error, an
// unusable answer or a refusal.
func (c *Client) ask(ctx context.Context, class sellerhttp.Class, result, command string, pairs ...string) (*sellerhttp.Element, error) {
	reply, err := c.call(ctx, class, command, pairs...)
	if err != nil {
		return nil, faultOf(err)
	}
	found := reply.result(result)
	if found == nil {
		return nil, fault.Errorf(fault.Client, command, "%s answers OK without the element %s", Title, result)
	}
	return found, nil
}

// call sends one command and reads the envelope. Errors are *sellerhttp.Error and *refusal.
func (c *Client) call(ctx context.Context, class sellerhttp.Class, command string, pairs ...string) (envelope, error) {
	var reply envelope
	err := c.http.Do(ctx, sellerhttp.Call{
		Name: command, Keys: keys(pairs), Form: c.form(command, pairs...), Class: class,
		Decode: func(body []byte) (string, error) {
			var err error
			if reply, err = parseEnvelope(body); err != nil {
				return "", err
			}
			if !reply.ok {
				refused := newRefusal(command, reply, c.access)
				return refused.classify(), refused
			}
			return "OK", nil
		},
	})
	for _, warning := range reply.warnings {
		c.log.Warningf("%s warns on %s: %s", Title, command, warning)
	}
	return reply, err
}

// keys returns the parameters that identify the object of a request, for the log.
func keys(pairs []string) string {
	var shown []string
	for i := 0; i+1 < len(pairs); i += 2 {
		switch pairs[i] {
		case "CertificateID", "Type", "SSLType", "Years", "SANStoADD", "ListType", "SearchTerm", "Page", "DomainName":
			shown = append(shown, pairs[i]+"="+pairs[i+1])
		}
	}
	return strings.Join(shown, " ")
}

// EndConnections implements seller.Connected.
func (c *Client) EndConnections() { c.http.EndConnections() }
