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

// Check asks who we are, which changes nothing. Its faults tell apart a wrong user or password
// (invalid_login_or_passwd), a host that is not let in (address_not_allowed), two-factor login, a captcha and an account
// of another level (auth), another page or a redirect (not_the_seller), no network (client).
func (c *Client) Check(ctx context.Context) error {
	_, err := c.who(ctx)
	return err
}

// who returns the element user of whoami, of a client's account (docs/reference/ispmanager.md §2).
func (c *Client) who(ctx context.Context) (*sellerhttp.Element, error) {
	reply, err := c.ask(ctx, sellerhttp.Read, functionWho, nil)
	if err != nil {
		if f := failureIn(err); f.is("access") && !f.aboutAddress() { // who may not even ask who he is
			return nil, &fault.Error{Type: fault.Auth, Object: "username", Message: Title + " gives this user no rights: " + f.said(), Err: err}
		}
		return nil, err
	}
	user := reply.root.Child("user")
	level := user.Attr("level")
	switch {
	case user == nil && reply.ok:
		return nil, twoFactor(functionWho)
	case user == nil || user.Attr("id") == "":
		return nil, fault.Errorf(fault.Client, functionWho, "%s does not say who we are: the answer has no user", Title)
	case level != levelClient:
		return nil, fault.Errorf(fault.Auth, "username", "the user %q is of level %s at %s; a client's user (level %s) is needed, not an administrator's",
			c.access.user, remark(level), Title, levelClient)
	}
	return user, nil
}

// Balance returns what the account holds: whoami's own number, else that of the functions subaccount and dashboard.info
// (docs/reference/ispmanager.md §2).
func (c *Client) Balance(ctx context.Context) (seller.Money, error) {
	user, err := c.who(ctx)
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
	return seller.Money{}, fault.Errorf(fault.API, functionWho, "%s gives %q as the balance: %w", Title, remark(text), seller.ErrUnknownAmount)
}

// moneyOf reads "12.50 EUR" of the first row; with several accounts it is not known which one pays.
func moneyOf(rows []*sellerhttp.Element) (seller.Money, bool) {
	if len(rows) != 1 {
		return seller.Money{}, false
	}
	parts := strings.Fields(words(rows[0].Child("balance").Text()))
	if len(parts) == 0 || len(parts) > 2 { // "1 500.00 EUR" is not one and 500.00 EUR
		return seller.Money{}, false
	}
	currency := strings.Join(parts[1:], "")
	amount, ok := seller.ParseBalance(parts[0])
	return seller.Money{Amount: amount, Text: parts[0], Currency: currency}, ok && !strings.ContainsAny(currency, "0123456789")
}
