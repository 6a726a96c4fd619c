package namecheap

import (
	"context"

	"pmssl/internal/cert"
	"pmssl/internal/sellerhttp"
)

// Check asks for the balance, which changes nothing. Its faults tell apart a wrong user or key (invalid_login_or_passwd on
// api_user, username or api_key), a host that is not on the white list (address_not_allowed with the address as parameter ip),
// a wrong client_ip, a locked account (auth), no network (client) and something else than Namecheap
// (not_the_seller).
func (c *Client) Check(ctx context.Context) error {
	_, err := c.Balance(ctx)
	return err
}

// Balance is what can be spent (§6, AvailableBalance).
func (c *Client) Balance(ctx context.Context) (cert.Money, error) {
	const command = "namecheap.users.getBalances"
	result, err := c.ask(ctx, sellerhttp.Read, "UserGetBalancesResult", command)
	if err != nil {
		return cert.Money{}, err
	}
	text := result.Attr("AvailableBalance")
	amount, ok := amountOf(text)
	if !ok {
		return cert.Money{}, cert.Faultf(cert.FaultClient, command, "%s gives %q as the available balance", Title, words(text))
	}
	return cert.Money{Amount: amount, Text: words(text), Currency: words(result.Attr("Currency"))}, nil
}
