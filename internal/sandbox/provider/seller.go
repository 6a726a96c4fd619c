package provider

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/standin"
)

// Seller is a stand-in seller, with what differs between the sellers.
type Seller interface {
	http.Handler
	// Control is the stand-in's control interface.
	Control() http.Handler
	// Repository serves the CRLs of the seller's certification authority.
	Repository() *ca.Repository
	// ProveDomain records at the authority that control of a domain is proved, and returns the ids of the orders that
	// waited for it.
	ProveDomain(domain string) ([]int64, error)

	Title() string   // of the seller
	Module() string  // file name of the binary
	Address() string // of the API
	Secret() string  // key or password, which must not be in the log
	// Connection returns the values of the connection form, with a wrong key or password if wrong is true.
	Connection(wrong bool) map[string]string
	// Balance returns what the account has, with the currency.
	Balance() (string, error)
	// Deposit adds whole units of the account's currency to what it has.
	Deposit(amount int64) error
	// Payments returns the payments to the seller, oldest first.
	Payments() ([]Payment, error)
	// Orders returns the orders at the seller, oldest first.
	Orders() ([]Order, error)
	// Limits returns the module's parameters that would make it wait for a clock that is stopped.
	Limits() []string
	// Templates returns the products that tariffs are made for.
	Templates() []string
	// Fault returns what goes wrong at the seller; SetFault changes it.
	Fault() Fault
	SetFault(f Fault) error

	path() string // of the API
	serveAt(address string)
	environment() []string // with which the module finds the stand-in
}

// Payment is a payment to the seller.
type Payment struct {
	Amount string // with the currency
	At     time.Time
	Order  int64 // id of the order at the seller that it paid for
}

// Order is an order at the seller.
type Order struct {
	ID int64
	// Serials are those of its certificates in lower-case hex, oldest first.
	Serials []string
}

// Fault is what goes wrong at a seller until another one is set.
type Fault string

// Faults of a seller.
const (
	NoFault      Fault = ""
	NoMoney      Fault = "money"  // the account is empty
	KeyRefused   Fault = "key"    // key or password is another one
	Outage       Fault = "outage" // a gateway answers in the place of the API
	OrderRefused Fault = "order"  // the seller refuses every order
	AnswerLost   Fault = "lost"   // orders are carried out, and their answers are lost
)

// Faults returns all faults but NoFault.
func Faults() []Fault { return []Fault{NoMoney, KeyRefused, Outage, OrderRefused, AnswerLost} }

// Sellers returns the names that Options.Sellers accepts.
func Sellers() []string { return []string{"namecheap", "ispmgr"} }

// sellerOptions are what a stand-in seller is made of.
type sellerOptions struct {
	clock     *clock.Clock
	authority *ca.Authority
	looker    standin.Looker
	lookEvery time.Duration
	random    io.Reader
}

// look returns the settings of the authority's looks.
func (o sellerOptions) look() standin.LookSettings {
	settings := standin.DefaultLookSettings()
	if o.lookEvery > 0 {
		settings.LookEverySeconds = int(o.lookEvery / time.Second)
	}
	return settings
}

// openSeller starts the stand-in seller of that name.
func openSeller(name string, o sellerOptions) (Seller, error) {
	switch name {
	case "namecheap":
		settings := namecheap.DefaultSettings()
		settings.ReuseValidation = true    // as the Baseline Requirements allow
		settings.RateLimit.Enabled = false // its buckets do not fill while the clock is stopped
		settings.Vetting = false           // nobody plays the authority's staff here
		settings.LookSettings = o.look()
		server, err := namecheap.New(namecheap.Config{Clock: o.clock, CA: o.authority, Settings: &settings, Random: o.random, Looker: o.looker})
		return &namecheapSeller{Server: server}, err
	case "ispmgr":
		settings := ispmgr.DefaultSettings()
		settings.ReuseValidation = true
		settings.CertificateForm = ispmgr.FormBase64ZIP // what modules of BILLmanager store
		settings.Vetting = false                        // nobody plays the authority's staff here
		settings.LookSettings = o.look()
		for i := range settings.Products {
			prices := maps.Clone(settings.Products[i].Prices)
			for years := 3; years <= 5; years++ {
				prices[12*years] = ispmgr.Money(years) * prices[12]
			}
			settings.Products[i].Prices = prices
		}
		server, err := ispmgr.New(ispmgr.Config{Clock: o.clock, CA: o.authority, Settings: &settings, Random: o.random, Looker: o.looker})
		return &ispmgrSeller{Server: server}, err
	}
	return nil, fmt.Errorf("unknown seller %q, use one of %v", name, Sellers())
}

// rootOf returns the root certificate of a seller's authority in PEM, from its control address.
func rootOf(s Seller) []byte {
	answer := httptest.NewRecorder()
	s.Control().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/ca/root.pem", nil))
	return answer.Body.Bytes()
}

// namecheapSeller is the stand-in for Namecheap.
type namecheapSeller struct {
	*namecheap.Server
	address  string
	fault    Fault
	withheld namecheap.Money // the balance before NoMoney
}

func (s *namecheapSeller) Title() string          { return "Namecheap" }
func (s *namecheapSeller) Module() string         { return "pmnamecheap" }
func (s *namecheapSeller) Address() string        { return s.address }
func (s *namecheapSeller) Secret() string         { return namecheap.DefaultKey }
func (s *namecheapSeller) Fault() Fault           { return s.fault }
func (s *namecheapSeller) path() string           { return namecheap.Path }
func (s *namecheapSeller) serveAt(address string) { s.address = address }
func (s *namecheapSeller) environment() []string  { return []string{"NAMECHEAP_API_URL=" + s.address} }
func (s *namecheapSeller) Limits() []string {
	return []string{"limit_minute", "limit_hour", "limit_day"}
}

func (s *namecheapSeller) Templates() []string {
	return []string{"positivessl", "positivessl_wildcard", "positivessl_multi_domain", "instantssl", "ev_ssl"}
}

func (s *namecheapSeller) Connection(wrong bool) map[string]string {
	params := map[string]string{
		"username": namecheap.DefaultUser, "api_user": namecheap.DefaultUser, "api_key": namecheap.DefaultKey, "client_ip": "127.0.0.1", "sandbox": "off",
	}
	if wrong {
		params["api_key"] = "00000000000000000000000000000000"
	}
	return params
}

func (s *namecheapSeller) Balance() (string, error) {
	account, err := s.Account(namecheap.DefaultUser)
	return account.Balance.String() + " USD", err
}

func (s *namecheapSeller) Payments() ([]Payment, error) {
	state, err := s.State()
	var all []Payment
	for _, c := range state.Charges {
		all = append(all, Payment{c.Amount.String() + " USD", c.Time, c.CertificateID})
	}
	return all, err
}

func (s *namecheapSeller) Deposit(amount int64) error {
	account, err := s.Account(namecheap.DefaultUser)
	if err != nil {
		return err
	}
	account.Balance += namecheap.Money(100 * amount)
	return s.PutAccount(account)
}

func (s *namecheapSeller) Orders() ([]Order, error) {
	state, err := s.State()
	var all []Order
	for _, c := range state.Certificates {
		o := Order{ID: c.ID}
		if c.Serial != "" {
			o.Serials = []string{c.Serial}
		}
		all = append(all, o)
	}
	return all, err
}

func (s *namecheapSeller) SetFault(f Fault) error {
	account, err := s.Account(namecheap.DefaultUser)
	if err := errors.Join(err, f.check()); err != nil {
		return err
	}
	s.ClearFaults()
	account.Key, account.Balance, s.withheld = namecheap.DefaultKey, account.Balance+s.withheld, 0
	switch f {
	case NoFault:
	case NoMoney:
		s.withheld, account.Balance = account.Balance, 0
	case KeyRefused:
		account.Key = "another key"
	case Outage:
		_, err = s.AddFault(namecheap.Fault{Kind: namecheap.FaultHTTP502})
	case OrderRefused:
		_, err = s.AddFault(namecheap.Fault{
			Command: "namecheap.ssl.create", Kind: namecheap.FaultAPIError, Number: "2011301", Text: "We're sorry, the requested SSL type has been discontinued",
		})
	case AnswerLost:
		_, err = s.AddFault(namecheap.Fault{Command: "namecheap.ssl.create", Kind: namecheap.FaultDropAfter})
	}
	if err != nil {
		return err
	}
	s.fault = f
	return s.PutAccount(account)
}

// check refuses a fault that no seller has.
func (f Fault) check() error {
	if f != NoFault && !slices.Contains(Faults(), f) {
		return fmt.Errorf("unknown fault %q of a seller, use one of %v", f, Faults())
	}
	return nil
}

// ispmgrSeller is the stand-in for ISPmanager's billing.
type ispmgrSeller struct {
	*ispmgr.Server
	address  string
	fault    Fault
	withheld ispmgr.Money
}

func (s *ispmgrSeller) Title() string          { return "ISPmanager's billing" }
func (s *ispmgrSeller) Module() string         { return "pmispmgrssl" }
func (s *ispmgrSeller) Address() string        { return s.address }
func (s *ispmgrSeller) Secret() string         { return ispmgr.DefaultPassword }
func (s *ispmgrSeller) Fault() Fault           { return s.fault }
func (s *ispmgrSeller) path() string           { return ispmgr.Path }
func (s *ispmgrSeller) serveAt(address string) { s.address = address }
func (s *ispmgrSeller) environment() []string  { return nil }
func (s *ispmgrSeller) Limits() []string       { return nil }

func (s *ispmgrSeller) Templates() []string {
	return []string{"positivessl", "positivessl_wildcard", "positivessl_multi_domain", "instantssl"}
}

func (s *ispmgrSeller) Connection(wrong bool) map[string]string {
	params := map[string]string{"url": s.address, "username": ispmgr.DefaultUser, "password": ispmgr.DefaultPassword}
	if wrong {
		params["password"] = "mistyped"
	}
	return params
}

func (s *ispmgrSeller) Balance() (string, error) {
	account, err := s.Account(ispmgr.DefaultUser)
	return account.Balance.String() + " " + account.Currency, err
}

func (s *ispmgrSeller) Payments() ([]Payment, error) {
	var all []Payment
	for _, c := range s.Charges() {
		all = append(all, Payment{c.Amount.String() + " EUR", c.Time, c.CertificateID})
	}
	return all, nil
}

func (s *ispmgrSeller) Deposit(amount int64) error {
	account, err := s.Account(ispmgr.DefaultUser)
	if err != nil {
		return err
	}
	account.Balance += ispmgr.Money(100 * amount)
	return s.PutAccount(account)
}

func (s *ispmgrSeller) Orders() ([]Order, error) {
	state, err := s.State()
	var all []Order
	for _, c := range state.Certificates {
		all = append(all, Order{ID: c.ID, Serials: c.Serials})
	}
	return all, err
}

func (s *ispmgrSeller) SetFault(f Fault) error {
	submit := true // the request that pays, not the one that shows its form
	account, err := s.Account(ispmgr.DefaultUser)
	if err := errors.Join(err, f.check()); err != nil {
		return err
	}
	s.ClearFaults()
	account.Password, account.Balance, s.withheld = ispmgr.DefaultPassword, account.Balance+s.withheld, 0
	switch f {
	case NoFault:
	case NoMoney:
		s.withheld, account.Balance = account.Balance, 0
	case KeyRefused:
		account.Password = "another password"
	case Outage:
		_, err = s.AddFault(ispmgr.Fault{Kind: ispmgr.FaultHTTP502})
	case OrderRefused:
		_, err = s.AddFault(ispmgr.Fault{Command: "certificate.order.param", Submit: &submit, Kind: ispmgr.FaultError, Type: "value", Text: "The order cannot be accepted at the moment."})
	case AnswerLost:
		_, err = s.AddFault(ispmgr.Fault{Command: "certificate.order.param", Submit: &submit, Kind: ispmgr.FaultDropAfter})
	}
	if err != nil {
		return err
	}
	s.fault = f
	return s.PutAccount(account)
}
