package demo

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/standin"
)

// seller is a stand-in seller of the demo, with what the demo needs to know of it.
type seller interface {
	http.Handler
	// Control is the stand-in's control interface.
	Control() http.Handler
	// Repository serves the CRLs of the seller's certification authority.
	Repository() *ca.Repository
	// ProveDomain records at the authority that control of a domain is proved, and returns the ids of the orders that
	// waited for it.
	ProveDomain(domain string) ([]int64, error)

	title() string  // of the seller
	module() string // file name of the binary
	path() string   // of the API
	secret() string // key or password, which must not be in the log
	// connection returns the values of the connection form, with a wrong key or password if wrong is true.
	connection(address string, wrong bool) map[string]string
	// environment returns the variables with which the module finds the stand-in.
	environment(address string) []string
	balance() (string, error)
	payments() ([]payment, error)
	// limits returns the module's parameters that would make it wait for a clock that is stopped.
	limits() []string
}

// payment is a payment to the seller.
type payment struct {
	amount string
	at     time.Time
}

// Sellers returns the names that Options.Seller accepts.
func Sellers() []string { return []string{"namecheap", "ispmgr"} }

// openSeller starts the stand-in seller of that name.
func openSeller(name string, clock *clock.Clock, looker standin.Looker, random io.Reader) (seller, error) {
	switch name {
	case "namecheap":
		settings := namecheap.DefaultSettings()
		settings.ReuseValidation = true    // as the Baseline Requirements allow
		settings.RateLimit.Enabled = false // its buckets do not fill while the clock is stopped
		seller, err := namecheap.New(namecheap.Config{Clock: clock, Settings: &settings, Random: random, Looker: looker})
		return namecheapSeller{seller}, err
	case "ispmgr":
		settings := ispmgr.DefaultSettings()
		settings.ReuseValidation = true
		settings.CertificateForm = ispmgr.FormBase64ZIP // what modules of BILLmanager store
		for i := range settings.Products {
			prices := maps.Clone(settings.Products[i].Prices)
			prices[60] = 5 * prices[12]
			settings.Products[i].Prices = prices
		}
		seller, err := ispmgr.New(ispmgr.Config{Clock: clock, Settings: &settings, Random: random, Looker: looker})
		return ispmgrSeller{seller}, err
	}
	return nil, fmt.Errorf("unknown seller %q, use one of %v", name, Sellers())
}

// namecheapSeller is the stand-in for Namecheap.
type namecheapSeller struct{ *namecheap.Server }

func (namecheapSeller) title() string  { return "Namecheap" }
func (namecheapSeller) module() string { return "pmnamecheap" }
func (namecheapSeller) path() string   { return namecheap.Path }
func (namecheapSeller) secret() string { return namecheap.DefaultKey }
func (namecheapSeller) limits() []string {
	return []string{"limit_minute", "limit_hour", "limit_day"}
}

func (namecheapSeller) environment(address string) []string {
	return []string{"NAMECHEAP_API_URL=" + address}
}

func (namecheapSeller) connection(_ string, wrong bool) map[string]string {
	params := map[string]string{
		"username": namecheap.DefaultUser, "api_user": namecheap.DefaultUser, "api_key": namecheap.DefaultKey, "client_ip": "127.0.0.1", "sandbox": "off",
	}
	if wrong {
		params["api_key"] = "00000000000000000000000000000000"
	}
	return params
}

func (s namecheapSeller) balance() (string, error) {
	account, err := s.Account(namecheap.DefaultUser)
	return account.Balance.String() + " USD", err
}

func (s namecheapSeller) payments() ([]payment, error) {
	state, err := s.State()
	var all []payment
	for _, c := range state.Charges {
		all = append(all, payment{c.Amount.String() + " USD", c.Time})
	}
	return all, err
}

// ispmgrSeller is the stand-in for ISPmanager's billing.
type ispmgrSeller struct{ *ispmgr.Server }

func (ispmgrSeller) title() string               { return "ISPmanager's billing" }
func (ispmgrSeller) module() string              { return "pmispmgrssl" }
func (ispmgrSeller) path() string                { return ispmgr.Path }
func (ispmgrSeller) secret() string              { return ispmgr.DefaultPassword }
func (ispmgrSeller) limits() []string            { return nil }
func (ispmgrSeller) environment(string) []string { return nil }

func (ispmgrSeller) connection(address string, wrong bool) map[string]string {
	params := map[string]string{"url": address, "username": ispmgr.DefaultUser, "password": ispmgr.DefaultPassword}
	if wrong {
		params["password"] = "mistyped"
	}
	return params
}

func (s ispmgrSeller) balance() (string, error) {
	account, err := s.Account(ispmgr.DefaultUser)
	return account.Balance.String() + " " + account.Currency, err
}

func (s ispmgrSeller) payments() ([]payment, error) {
	var all []payment
	for _, c := range s.Charges() {
		all = append(all, payment{c.Amount.String() + " EUR", c.Time})
	}
	return all, nil
}
