package ispmanager

import (
	"context"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// RetryChallenge makes the remote validate a domain's published challenge again (docs/reference/ispmanager.md §6) and
// returns the challenges that it shows. If there is no such function, the fault is of type API and names the functions
// that the remote offers.
func (c *Client) RetryChallenge(ctx context.Context, id int64, r seller.Request, domain string) ([]seller.Challenge, error) {
	function, err := c.find(ctx, retryingDNS())
	if err != nil {
		return nil, err
	}
	err = c.submit(ctx, function, id, func(f field) (string, bool, error) {
		switch f.name {
		case "domain", "domains", "domain_name", itemparam.Domains:
			return offeredName(f, domain), domain != "", nil
		}
		return orderValues{request: r}.value(f)
	})
	if err != nil {
		return nil, err
	}
	return c.Challenges(ctx, id, r)
}

// offeredName returns the spelling of a domain that a field offers: with "*." if it offers the wildcard alone.
func offeredName(f field, domain string) string {
	if wildcard := "*." + bareName(domain); f.listed && !offers(f.list, domain) && offers(f.list, wildcard) {
		return wildcard
	}
	return domain
}

// SendApproval makes the remote send its approval e-mails to these approvers (docs/reference/ispmanager.md §6), one for
// each of the request's names in their order. If there is no such function, the fault is of type API and names the
// functions that the remote offers.
func (c *Client) SendApproval(ctx context.Context, id int64, r seller.Request, emails []string) error {
	function, err := c.find(ctx, mailingApprovers())
	if err != nil {
		return err
	}
	if len(emails) > 0 {
		r.Emails = emails
	}
	r.Method = seller.MethodEmail
	return c.submit(ctx, function, id, func(f field) (string, bool, error) {
		switch f.name {
		case "email", "emails":
			return strings.Join(r.Emails, ","), len(r.Emails) > 0, nil
		case itemparam.Method: // the form's own value: the e-mails are sent for any method
			return "", false, nil
		}
		return orderValues{request: r}.value(f)
	})
}

// submit fills the form of a function for an order and sends it once.
func (c *Client) submit(ctx context.Context, function string, id int64, own filler) error {
	f, err := c.openForm(ctx, function, element(id))
	if err != nil {
		return err
	}
	values, err := f.fill(func(one field) (string, bool, error) {
		if one.name == "elid" {
			return idText(id), true, nil
		}
		return own(one)
	})
	if err != nil {
		return err
	}
	values.Set("elid", idText(id))
	values.Set("sok", "ok")
	reply, err := c.ask(ctx, sellerhttp.Once, function, values)
	if err != nil {
		return err
	}
	if sign := paymentSign(reply); sign != "" {
		return fault.Errorf(fault.API, function, "%s (%s): %s; nothing was paid", Title, function, sign)
	}
	return nil
}

// Approvers lists the addresses that may approve the domain, from the remote if it has a function for that, else the
// five of BR 3.2.2.4.4; in lower case, each once.
func (c *Client) Approvers(ctx context.Context, domain string, product seller.Product) ([]string, error) {
	bare, err := pki.ASCIIName("domain", bareName(strings.TrimSpace(domain)))
	if err != nil {
		return nil, err
	}
	offered, err := c.functions(ctx)
	if err != nil {
		return nil, err
	}
	if function, found := listingApprovers().pick(offered); found {
		reply, err := c.read(ctx, function, pairs("domain", bare, "intname", product.ID))
		if emails := emailsIn(reply.root, nil); err == nil && len(emails) > 0 {
			return emails, nil
		} else if err != nil {
			c.log.Warningf("%s (%s) lists no approvers for %s: %v", Title, function, bare, err)
		}
	}
	c.log.ExtInfof("%s lists no approvers for %s; using the addresses that every CA accepts (BR 3.2.2.4.4)", Title, bare)
	var emails []string
	for _, local := range []string{"admin", "administrator", "webmaster", "hostmaster", "postmaster"} {
		emails = append(emails, local+"@"+bare)
	}
	return emails, nil
}

// emailsIn returns the addresses in the elements approver and email and in the choices of selects, at any depth, except
// in the copy of the request.
func emailsIn(e *sellerhttp.Element, found []string) []string {
	if e == nil || strings.EqualFold(e.Name, "tparams") {
		return found
	}
	var email string
	switch strings.ToLower(e.Name) {
	case "approver", "email":
		email = e.Text()
	case "val", "msg":
		email = e.Attr("key")
		if !e.Has("key") {
			email = e.Text()
		}
	}
	if email = strings.ToLower(email); pki.PlausibleEmail(email) && !slices.Contains(found, email) {
		found = append(found, email)
	}
	for _, child := range e.Children {
		found = emailsIn(child, found)
	}
	return found
}
