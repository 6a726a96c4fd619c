package ispmgr

import (
	"crypto/subtle"
	"net/netip"
	"slices"
	"strings"

	"pmssl/internal/sandbox/money"
	"pmssl/internal/sandbox/standin"
)

// Money is an amount in cents of the account's currency.
type Money = money.Cents

// Levels of an account (docs/reference/ispmanager.md §2).
const (
	LevelClient = 16
	LevelAdmin  = 29
)

// Account is a login at the remote billing.
type Account struct {
	ID          int64    `json:"id"`
	User        string   `json:"user"` // e-mail address
	Password    string   `json:"password"`
	Level       int      `json:"level"`
	Balance     Money    `json:"balance"`
	Currency    string   `json:"currency"`
	AllowDelete bool     `json:"allow_delete"`          // may delete services
	TwoFactor   bool     `json:"two_factor,omitempty"`  // every function answers a redirect to totp.confirm
	AllowedIPs  []string `json:"allowed_ips,omitempty"` // addresses that may log in; none means all
	// Filter of the list of certificates: it is kept over logins (1.4).
	Filter map[string]string `json:"filter,omitempty"`
}

// DefaultUser and DefaultPassword are the credentials of the default account.
// The password is well-known and protects nothing.
const (
	DefaultUser     = "reseller@example.test"
	DefaultPassword = "Qv7-trellis-Nimbus-4821-okapi"
)

// DefaultAccount returns a client's account with a balance.
func DefaultAccount() Account {
	return Account{ID: 4, User: DefaultUser, Password: DefaultPassword, Level: LevelClient, Balance: 1000_00, Currency: "EUR", AllowDelete: true}
}

func (a *Account) allows(source netip.Addr) bool {
	return len(a.AllowedIPs) == 0 || slices.ContainsFunc(a.AllowedIPs, func(entry string) bool {
		listed, err := netip.ParseAddr(entry)
		return err == nil && listed.Unmap() == source
	})
}

// authenticate checks authinfo, which is split at its first colon, or a session that func=auth
// opened (1.2).
func (s *Server) authenticate(p parameters, source netip.Addr) (*Account, *Problem) {
	if session := p["auth"]; session != "" && p["authinfo"] == "" {
		account := s.accounts[s.sessions[session]]
		if account == nil {
			return nil, sessionExpired()
		}
		return account, nil
	}
	user, password, _ := strings.Cut(p["authinfo"], ":")
	return s.login(user, password, source)
}

func (s *Server) login(user, password string, source netip.Addr) (*Account, *Problem) {
	account := s.accounts[standin.AccountName(user)]
	if account == nil || subtle.ConstantTimeCompare([]byte(account.Password), []byte(password)) != 1 {
		return nil, badPassword()
	}
	if !account.allows(source) {
		return nil, deniedAddress(source.String())
	}
	return account, nil
}
