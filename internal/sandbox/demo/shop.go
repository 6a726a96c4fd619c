package demo

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/namecheap"
)

// shop is the seller's side of a story.
type shop interface {
	http.Handler
	// Control is the stand-in's control interface.
	Control() http.Handler
	// ProveDomain tells the authority that control of a domain is proved, and which ids wait for nothing any more.
	ProveDomain(domain string) ([]int64, error)

	title() string  // of the seller
	module() string // file name of the binary
	path() string   // of the API
	secret() string // what must not stand in the log
	// connection is what the administrator types into the form; wrong is with a typing error in the secret.
	connection(address string, wrong bool) map[string]string
	// environment is what the module needs to find the stand-in.
	environment(address string) []string
	balance() (string, error)
	payments() ([]payment, error)
	// limits are the module's parameters that would wait for a clock that stands still.
	limits() []string
}

// payment is what the seller was paid.
type payment struct {
	amount string
	at     time.Time
}

// Sellers returns the stories that can be told, by the name that Options.Seller takes.
func Sellers() []string { return []string{"namecheap", "ispmgr"} }

// open starts the seller of that name.
func open(name string, clock *clock.Clock, random io.Reader) (shop, error) {
	switch name {
	case "namecheap":
		settings := namecheap.DefaultSettings()
		settings.ReuseValidation = true    // control that was proved lately counts again, as the Baseline Requirements allow
		settings.RateLimit.Enabled = false // its buckets fill with a clock that stands still in this story
		seller, err := namecheap.New(namecheap.Config{Clock: clock, Settings: &settings, Random: random})
		return namecheapShop{seller}, err
	case "ispmgr":
		settings := ispmgr.DefaultSettings()
		settings.ReuseValidation = true
		settings.CertificateForm = ispmgr.FormBase64ZIP // what modules of BILLmanager store
		for i := range settings.Products {
			prices := maps.Clone(settings.Products[i].Prices)
			prices[60] = 5 * prices[12]
			settings.Products[i].Prices = prices
		}
		seller, err := ispmgr.New(ispmgr.Config{Clock: clock, Settings: &settings, Random: random})
		return ispmgrShop{seller}, err
	}
	return nil, fmt.Errorf("there is no seller %q, there are %v", name, Sellers())
}

// namecheapShop is Namecheap.
type namecheapShop struct{ *namecheap.Server }

func (namecheapShop) title() string  { return "Namecheap" }
func (namecheapShop) module() string { return "pmnamecheap" }
func (namecheapShop) path() string   { return namecheap.Path }
func (namecheapShop) secret() string { return namecheap.DefaultKey }
func (namecheapShop) limits() []string {
	return []string{"limit_minute", "limit_hour", "limit_day"}
}

func (namecheapShop) environment(address string) []string {
	return []string{"NAMECHEAP_API_URL=" + address}
}

func (namecheapShop) connection(_ string, wrong bool) map[string]string {
	params := map[string]string{
		"username": namecheap.DefaultUser, "api_user": namecheap.DefaultUser, "api_key": namecheap.DefaultKey, "client_ip": "127.0.0.1", "sandbox": "off",
	}
	if wrong {
		params["api_key"] = "00000000000000000000000000000000"
	}
	return params
}

func (s namecheapShop) balance() (string, error) {
	account, err := s.Account(namecheap.DefaultUser)
	return account.Balance.String() + " USD", err
}

func (s namecheapShop) payments() ([]payment, error) {
	state, err := s.State()
	var all []payment
	for _, c := range state.Charges {
		all = append(all, payment{c.Amount.String() + " USD", c.Time})
	}
	return all, err
}

// ispmgrShop is ISPmanager's billing.
type ispmgrShop struct{ *ispmgr.Server }

func (ispmgrShop) title() string               { return "ISPmanager's billing" }
func (ispmgrShop) module() string              { return "pmispmgrssl" }
func (ispmgrShop) path() string                { return ispmgr.Path }
func (ispmgrShop) secret() string              { return ispmgr.DefaultPassword }
func (ispmgrShop) limits() []string            { return nil }
func (ispmgrShop) environment(string) []string { return nil }

func (ispmgrShop) connection(address string, wrong bool) map[string]string {
	params := map[string]string{"url": address, "username": ispmgr.DefaultUser, "password": ispmgr.DefaultPassword}
	if wrong {
		params["password"] = "mistyped"
	}
	return params
}

func (s ispmgrShop) balance() (string, error) {
	account, err := s.Account(ispmgr.DefaultUser)
	return account.Balance.String() + " " + account.Currency, err
}

func (s ispmgrShop) payments() ([]payment, error) {
	var all []payment
	for _, c := range s.Charges() {
		all = append(all, payment{c.Amount.String() + " EUR", c.Time})
	}
	return all, nil
}
