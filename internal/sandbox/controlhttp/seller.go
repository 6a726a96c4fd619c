package controlhttp

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/standin"
)

// Seller is a stand-in seller as its control address uses it, with accounts A, certificates C,
// charges G, settings S, faults F and entries L of its request log.
type Seller[A, C, G, S, F, L any] interface {
	State() (standin.State[A, C, G, S], error)
	Clock() *clock.Clock
	Certificate(id int64) (C, error)
	Prove(id int64, domains ...string) error
	ProveDomain(domain string) ([]int64, error)
	Vet(id int64) error
	Issue(id int64) error
	Refuse(id int64, reason string) error
	Cancel(id int64, reason string) error
	Revoke(id int64, reason string) error
	RevokeSerial(serial, reason string) error
	Revocations() ([]ca.Revocation, error)
	Repository() *ca.Repository
	Reset(id int64) error
	AddFault(f F) (int, error)
	Faults() []F
	ClearFaults(ids ...int)
	Appear() int
	Requests(command string) []L
	Counters() map[string]int64
	ClearRequests()
	Account(user string) (A, error)
	PutAccount(account A) error
	Settings() S
	SetSettings(settings S) error
}

// Options are the differences between the control addresses of the sellers.
type Options[A, C any] struct {
	// Help is the text that GET / returns.
	Help string
	CA   *ca.Authority
	// Leaf returns the PEM of a certificate's leaf, or "" if there is none.
	Leaf func(C) string
	// Hide replaces the secrets of an account before it is shown.
	Hide func(*A)
	// Verbs are the seller's further actions on a certificate, by name.
	Verbs map[string]func(id int64) error
}

// Handler serves the control address of a seller. It has no authentication: serve it on loopback
// only.
func Handler[A, C, G, S, F, L any](seller Seller[A, C, G, S, F, L], o Options[A, C]) http.Handler {
	c := control[A, C, G, S, F, L]{seller, o}
	mux := http.NewServeMux()
	for pattern, run := range c.routes() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { Serve(w, r, standin.ErrUnknown, run) })
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { WriteText(w, o.Help) })
	mux.HandleFunc("GET /ca/root.pem", func(w http.ResponseWriter, _ *http.Request) { WriteText(w, ca.EncodePEM(o.CA.Root())) })
	mux.HandleFunc("GET /ca/intermediate.pem", func(w http.ResponseWriter, _ *http.Request) {
		WriteText(w, ca.EncodePEM(o.CA.Intermediate()))
	})
	mux.HandleFunc("GET /certificates/{id}/leaf.pem", c.leaf)
	return mux
}

type control[A, C, G, S, F, L any] struct {
	seller  Seller[A, C, G, S, F, L]
	options Options[A, C]
}

func (c control[A, C, G, S, F, L]) routes() map[string]func(*http.Request) (any, error) {
	s := c.seller
	return map[string]func(*http.Request) (any, error){
		"GET /state":                     func(*http.Request) (any, error) { return s.State() },
		"GET /charges":                   c.charges,
		"GET /clock":                     func(*http.Request) (any, error) { return ReadClock(s.Clock()) },
		"POST /clock":                    func(r *http.Request) (any, error) { return SetClock(s.Clock(), r) },
		"GET /certificates":              c.certificates,
		"GET /certificates/{id}":         c.certificate,
		"POST /certificates/{id}/{verb}": c.verb,
		"POST /domains/{domain}/prove":   func(r *http.Request) (any, error) { return s.ProveDomain(r.PathValue("domain")) },
		"GET /revocations":               c.revocations,
		"POST /revocations":              c.revoke,
		"GET /crl":                       func(*http.Request) (any, error) { return c.crl(), nil },
		"POST /crl/fault":                c.setCRLFault,
		"DELETE /crl/fault":              func(*http.Request) (any, error) { return Done{}, s.Repository().SetFault(ca.Fault{}) },
		"DELETE /crl/requests":           func(*http.Request) (any, error) { s.Repository().ClearRequests(); return Done{}, nil },
		"GET /requests":                  func(r *http.Request) (any, error) { return s.Requests(r.URL.Query().Get("command")), nil },
		"GET /counters":                  func(*http.Request) (any, error) { return s.Counters(), nil },
		"DELETE /requests":               func(*http.Request) (any, error) { s.ClearRequests(); return Done{}, nil },
		"GET /faults":                    func(*http.Request) (any, error) { return s.Faults(), nil },
		"POST /faults":                   c.addFault,
		"DELETE /faults":                 func(*http.Request) (any, error) { s.ClearFaults(); return Done{}, nil },
		"DELETE /faults/{id}":            c.clearFault,
		"POST /appear":                   func(*http.Request) (any, error) { return map[string]int{"executed": s.Appear()}, nil },
		"GET /accounts":                  c.accounts,
		"POST /accounts":                 func(r *http.Request) (any, error) { var added A; return c.putAccount(r, added) },
		"PATCH /accounts/{user}":         c.changeAccount,
		"GET /settings":                  func(*http.Request) (any, error) { return s.Settings(), nil },
		"PATCH /settings":                c.changeSettings,
	}
}

func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w id %q", standin.ErrUnknown, r.PathValue("id"))
	}
	return id, nil
}

func (c control[A, C, G, S, F, L]) charges(*http.Request) (any, error) {
	state, err := c.seller.State()
	return state.Charges, err
}

func (c control[A, C, G, S, F, L]) certificates(*http.Request) (any, error) {
	state, err := c.seller.State()
	return state.Certificates, err
}

func (c control[A, C, G, S, F, L]) accounts(*http.Request) (any, error) {
	state, err := c.seller.State()
	return state.Accounts, err
}

func (c control[A, C, G, S, F, L]) certificate(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	return c.seller.Certificate(id)
}

func (c control[A, C, G, S, F, L]) leaf(w http.ResponseWriter, r *http.Request) {
	id, _ := pathID(r)
	found, err := c.seller.Certificate(id)
	if err != nil || c.options.Leaf(found) == "" {
		http.NotFound(w, r)
		return
	}
	WriteText(w, c.options.Leaf(found))
}

func (c control[A, C, G, S, F, L]) verb(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	var body struct {
		Domain string `json:"domain"`
		Reason string `json:"reason"`
	}
	if err := Read(r, &body); err != nil {
		return nil, err
	}
	verb := r.PathValue("verb")
	switch verb {
	case "prove":
		err = c.seller.Prove(id, domainsOf(body.Domain)...)
	case "vet":
		err = c.seller.Vet(id)
	case "issue":
		err = c.seller.Issue(id)
	case "refuse":
		err = c.seller.Refuse(id, body.Reason)
	case "cancel":
		err = c.seller.Cancel(id, body.Reason)
	case "revoke":
		err = c.seller.Revoke(id, body.Reason)
	case "reset":
		err = c.seller.Reset(id)
	default:
		err = c.ownVerb(verb, id)
	}
	if err != nil {
		return nil, err
	}
	return c.seller.Certificate(id)
}

func (c control[A, C, G, S, F, L]) ownVerb(verb string, id int64) error {
	run, known := c.options.Verbs[verb]
	if !known {
		return fmt.Errorf("%w verb %q", standin.ErrUnknown, verb)
	}
	return run(id)
}

// domainsOf splits a list at commas and blanks.
func domainsOf(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func (c control[A, C, G, S, F, L]) addFault(r *http.Request) (any, error) {
	var f F
	if err := Read(r, &f); err != nil {
		return nil, err
	}
	id, err := c.seller.AddFault(f)
	return map[string]int{"id": id}, err
}

func (c control[A, C, G, S, F, L]) clearFault(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	c.seller.ClearFaults(int(id))
	return Done{}, nil
}

func (c control[A, C, G, S, F, L]) changeAccount(r *http.Request) (any, error) {
	present, err := c.seller.Account(r.PathValue("user"))
	if err != nil {
		return nil, err
	}
	return c.putAccount(r, present)
}

func (c control[A, C, G, S, F, L]) putAccount(r *http.Request, account A) (any, error) {
	if err := Read(r, &account); err != nil {
		return nil, err
	}
	if err := c.seller.PutAccount(account); err != nil {
		return nil, err
	}
	c.options.Hide(&account)
	return account, nil
}

func (c control[A, C, G, S, F, L]) changeSettings(r *http.Request) (any, error) {
	settings := c.seller.Settings()
	if err := Read(r, &settings); err != nil {
		return nil, err
	}
	if err := c.seller.SetSettings(settings); err != nil {
		return nil, err
	}
	return c.seller.Settings(), nil
}
