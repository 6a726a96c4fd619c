package namecheap

import (
	"context"
	"errors"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const commandBalances = "namecheap.users.getBalances"

// Check reads the balance, which changes nothing. Its faults distinguish a wrong user or key (invalid_login_or_passwd on
// api_user, username or api_key), a host that is not on the white list (address_not_allowed with the address as parameter
// ip), a wrong client_ip, a locked account (auth), no network (client) and a server that is not Namecheap's
// (not_the_seller).
func (c *Client) Check(ctx context.Context) error {
	_, err := c.Balance(ctx)
	if errors.Is(err, seller.ErrUnknownAmount) { // Namecheap answered, so the account can be used
		c.log.Warningf("%v", err)
		return nil
	}
	return err
}

// Balance reads the available balance (docs/reference/namecheap.md §6, AvailableBalance) and keeps it for KeptBalance.
func (c *Client) Balance(ctx context.Context) (seller.Money, error) {
	asked := c.balance.now() // the balance is at least as new as this
	result, err := c.ask(ctx, sellerhttp.Read, "UserGetBalancesResult", commandBalances)
	if err != nil {
		return seller.Money{}, err
	}
	text := result.Attr("AvailableBalance")
	amount, ok := seller.ParseBalance(text)
	if !ok {
		return seller.Money{}, fault.Errorf(fault.API, commandBalances, "%s gives %q as the available balance: %w", Title, words(text), seller.ErrUnknownAmount)
	}
	balance := seller.Money{Amount: amount, Text: words(text), Currency: words(result.Attr("Currency"))}
	c.balance.write(balance, asked)
	return balance, nil
}

// KeptBalance returns the balance that a process of this host has read within the last hour, less what was paid since then from this
// host. It sends no request.
func (c *Client) KeptBalance() (seller.Money, bool) {
	balance, _, known := c.balance.read()
	return balance, known
}
