package namecheap

import (
	"net/netip"

	"pmssl/internal/sandbox/money"
	"pmssl/internal/sandbox/standin"
)

// Money is an amount in US cents.
type Money = money.Cents

// Account is a customer of the seller.
type Account struct {
	User      string   `json:"user"` // ApiUser and UserName
	Key       string   `json:"key"`  // ApiKey
	WhiteList []string `json:"white_list"`
	Balance   Money    `json:"balance"`
	Locked    bool     `json:"locked,omitempty"` // 1017101
}

// DefaultUser and DefaultKey are the credentials of the default account. The key
// is well-known and protects nothing.
const (
	DefaultUser = "sandbox"
	DefaultKey  = "5a9db0c7e1f24836a7d04b1c92e6f358"
)

// DefaultAccount returns an account that may connect from 127.0.0.1.
func DefaultAccount() Account {
	return Account{User: DefaultUser, Key: DefaultKey, WhiteList: []string{"127.0.0.1"}, Balance: 1000_00}
}

// allows reports whether requests may come from an address.
func (a *Account) allows(source netip.Addr) bool {
	for _, entry := range a.WhiteList {
		if listed, err := netip.ParseAddr(entry); err == nil && listed.Unmap() == source {
			return true
		}
	}
	return false
}

// authenticate checks the global parameters in the seller's order (docs/reference/namecheap.md §12;
// texts: docs/reference/namecheap.md §1.7): user and key present, key valid, address white-listed,
// ClientIp, UserName. The command is checked later.
func (s *Server) authenticate(p parameters, source netip.Addr) (*Account, *APIError) {
	user, key := p.get("ApiUser"), p.get("ApiKey")
	switch {
	case user == "":
		return nil, &APIError{"1010101", "Parameter APIUser is missing"}
	case key == "":
		return nil, &APIError{"1010102", "Parameter APIKey is missing"}
	}
	account, known := s.accounts[standin.AccountName(user)]
	switch {
	case !known:
		return nil, &APIError{"1011101", "API user invalid"}
	case account.Key != key:
		return nil, &APIError{"1011102", "API Key is invalid or API access has not been enabled"}
	case !account.allows(source):
		return nil, &APIError{"1011150", "Invalid request IP: " + source.String()}
	case account.Locked:
		return nil, &APIError{"1017101", "Parameter ApiUser is disabled or locked"}
	}
	if problem := checkClientIP(p.get("ClientIp")); problem != nil {
		return nil, problem
	}
	return account, s.checkUserName(account, p.get("UserName"))
}

// checkClientIP checks the form only; authenticate compares the white list with the address that
// the request comes from (1.2). IPv6 is refused.
func checkClientIP(value string) *APIError {
	if value == "" {
		return &APIError{"1010105", "Parameter ClientIP is missing"}
	}
	if address, err := netip.ParseAddr(value); err != nil || !address.Is4() {
		return &APIError{"1011105", "Parameter ClientIP is invalid"}
	}
	return nil
}

// checkUserName checks UserName. The text for a missing one is undocumented and follows the grammar
// of the codes (1.7).
func (s *Server) checkUserName(account *Account, name string) *APIError {
	if name == "" {
		return &APIError{"1010103", "Parameter UserName is missing"}
	}
	other, known := s.accounts[standin.AccountName(name)]
	switch {
	case !known:
		return &APIError{"1019103", "Parameter UserName is not available"}
	case other != account:
		return &APIError{"1016103", "Parameter UserName is unauthorized"}
	}
	return nil
}
