package ispmanager

import (
	"context"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const (
	functionWho = "whoami"
	levelClient = "16" // of a client's user; 29 and 30 are administrators (docs/reference/ispmanager.md §2)
)

// Check reads whoami, which changes nothing. Its faults distinguish a wrong user or password (invalid_login_or_passwd),
// a host whose address is refused (address_not_allowed), two-factor login, a captcha and an account of another level
// (auth), another page or a redirect (not_the_seller), and no network (client).
func (c *Client) Check(ctx context.Context) error {
	_, err := c.whoami(ctx)
	return err
}

// whoami returns the element user of the function whoami. The user must be a client's (docs/reference/ispmanager.md
// §2).
func (c *Client) whoami(ctx context.Context) (*sellerhttp.Element, error) {
	reply, err := c.ask(ctx, sellerhttp.Read, functionWho, nil)
	if err != nil {
		if f := failureIn(err); f.is("access") && !f.refusesAddress() { // the user may not even call whoami
			return nil, &fault.Error{Type: fault.Auth, Object: "username", Message: Title + " gives this user no rights: " + f.reasons(), Err: err}
		}
		return nil, err
	}
	user := reply.root.Child("user")
	level := user.Attr("level")
	switch {
	case user == nil && reply.ok:
		return nil, twoFactor(functionWho)
	case user == nil || user.Attr("id") == "":
		return nil, fault.Errorf(fault.Client, functionWho, "%s does not name the user of this login", Title)
	case level != levelClient:
		return nil, fault.Errorf(fault.Auth, "username", "the user %q is of level %s at %s; a client's user (level %s) is needed, not an administrator's",
			c.access.user, redacted(level), Title, levelClient)
	}
	return user, nil
}

// Balance reads the account's balance, from whoami or else from the functions subaccount and dashboard.info
// (docs/reference/ispmanager.md §2).
func (c *Client) Balance(ctx context.Context) (seller.Money, error) {
	at := c.now()
	balance, err := c.askBalance(ctx)
	if err == nil {
		c.balance.keep(balance, at)
	}
	return balance, err
}

// balanceBefore returns the balance before a purchase: the one that this client read just before, else what the remote shows now.
func (c *Client) balanceBefore(ctx context.Context) (seller.Money, error) {
	if balance, known := c.balance.recall(c.now()); known {
		return balance, nil
	}
	return c.Balance(ctx)
}

func (c *Client) askBalance(ctx context.Context) (seller.Money, error) {
	user, err := c.whoami(ctx)
	if err != nil {
		return seller.Money{}, err
	}
	text := user.Attr("balance")
	if amount, ok := seller.ParseBalance(text); ok {
		return seller.Money{Amount: amount, Text: words(text), Currency: words(user.Attr("currency"))}, nil
	}
	for _, function := range []string{"subaccount", "dashboard.info"} {
		reply, err := c.read(ctx, function, nil)
		if err != nil {
			c.log.ExtInfof("%s (%s) shows no balance: %v", Title, function, err)
			continue
		}
		if money, ok := moneyOf(reply.rows); ok {
			return money, nil
		}
	}
	return seller.Money{}, fault.Errorf(fault.API, functionWho, "%s gives %q as the balance: %w", Title, redacted(text), seller.ErrUnknownAmount)
}

// moneyOf reads a balance such as "12.50 EUR" from the only row. With several accounts it is unknown which one pays.
func moneyOf(rows []*sellerhttp.Element) (seller.Money, bool) {
	if len(rows) != 1 {
		return seller.Money{}, false
	}
	parts := strings.Fields(words(rows[0].Child("balance").Text()))
	if len(parts) == 0 || len(parts) > 2 { // "1 500.00 EUR" must not be read as 1
		return seller.Money{}, false
	}
	currency := strings.Join(parts[1:], "")
	amount, ok := seller.ParseBalance(parts[0])
	return seller.Money{Amount: amount, Text: parts[0], Currency: currency}, ok && !strings.ContainsAny(currency, "0123456789")
}
