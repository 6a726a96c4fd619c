package namecheap

import (
	"fmt"
	"net/http"
	"strconv"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/controlhttp"
)

// ControlHelp describes the control address, with one example per endpoint.
const ControlHelp = `Control address (JSON; C stands for it):

  curl C/                                                   this text
  curl C/state                                              everything: accounts, certificates, charges, settings
  curl C/clock                                              the stand-in's time
  curl C/clock -d '{"time":"2026-04-02T10:00:00Z"}'         stop the clock at an instant (written to --clock FILE)
  curl C/clock -d '{"advance":"10d"}'                       move it on: 10d, 36h, 90s
  curl C/clock -d '{"real":true}'                           follow the real clock again
  curl C/certificates                                       all certificates
  curl C/certificates/34350001                              one of them
  curl C/certificates/34350001/leaf.pem                     its leaf
  curl -X POST C/certificates/34350001/prove                all its domains are proved: issued (DV)
  curl C/certificates/34350001/prove -d '{"domain":"a.example.com"}'   one of them
  curl -X POST C/certificates/34350001/vet                  the organisation is vetted (OV, EV)
  curl -X POST C/certificates/34350001/issue                prove and vet everything
  curl C/certificates/34350001/refuse -d '{"reason":"Domain is blocked."}'  the CA refuses: purchaseerror
  curl C/certificates/34350001/cancel -d '{"reason":"..."}' cancelled
  curl -X POST C/certificates/34350001/reset                support resets a purchaseerror
  curl -X POST C/domains/example.com/prove                  prove it in every waiting certificate
  curl C/charges                                            what was paid
  curl C/requests?command=create                            log of requests, secrets redacted
  curl C/counters                                           number of requests by command
  curl -X DELETE C/requests                                 empty the log and the counters
  curl C/faults                                             faults on the board
  curl C/faults -d '{"command":"create","kind":"drop_after","times":1}'     add one; answers its id
  curl -X DELETE C/faults                                   clear all;  C/faults/3 clears one
  curl -X POST C/appear                                     execute what a vanish fault held back
  curl C/accounts                                           accounts (keys hidden)
  curl C/accounts -d '{"user":"alice","key":"0123456789abcdef0123456789abcdef","white_list":["127.0.0.1"],"balance":"50.00"}'
  curl -X PATCH C/accounts/sandbox -d '{"balance":"0.00"}'  change one: key, white_list, balance, locked
  curl C/settings                                           settings in force
  curl -X PATCH C/settings -d '{"expires":"term","rate_limit":{"enabled":false}}'  change some
  curl C/ca/root.pem                                        root of the CA;  C/ca/intermediate.pem

Faults: command ("create", "namecheap.ssl.create", "" = every command), kind, times (0 = until cleared),
skip (let so many pass first), delay ("1500ms", with any kind), commit (true: execute the request first).
  delay        wait, then execute and answer; with "commit":true execute, wait, answer
  drop_before  close the connection, nothing executed       drop_after  execute, then close the connection
  http405 http500 http502 html redirect   such an answer; nothing executed unless "commit":true
  api_error    "number" and "text" of the seller's error, nothing executed unless "commit":true
  truncate charset huge   execute, damage the answer ("charset":"windows-1251" declares that one)
  vanish       close the connection; executed only by POST /appear

Settings (first value is the default):
  replaced_at         acceptance|issue   when a reissue turns the old id "replaced"
  expires             leaf|term          meaning of Expires and ExpireDate
  expired_at          term|leaf          when an active id turns "expired"
  renew_window_from   term|leaf          the end that the renew window is around
  leaf_days           0 = CA/B Forum limit of the day less leaf_margin_days (1): 199, 99, 46
  not_before          midnight|instant   within_term  true|false   a leaf never outlives the paid term
  term_offset_days    0   moves the end of the paid term       activation_days  365
  auto_issue_seconds  -1 = wait for the control, N = issued N seconds (of the stand-in's clock) after activation
  reuse_proof         false|true   young proofs count again    vetting  true|false   OV and EV wait for vet
  return_vetted       true|false   OV and EV certificates are returned by getInfo
  return_root         true|false   CaCertificates ends with the root
  add_www             true|false   "www." comes with a single domain
  replacement         by_date|on|off     old products are replaced since 2026-07-11
  product_names       both|documented|suffixed   names of the SSL.com products that are taken
  sans_count          included|purchased fresh 3-domain certificate reports 2 or 0
  undocumented        true|false   attributes that the documentation does not list
  pem_whitespace      true|false   stray white space around PEM     email_blocks  true|false
  admin_email_required false|true  domain_emails false|true  dcv_suffix_comodo dcv_suffix_sslcom comodoca.com
  rate_limit          {"enabled":true,"minute":20,"hour":700,"day":8000}, 0 = that window is off. The buckets
                      fill with the stand-in's clock: while it is stopped they do not, so move it or switch them off.
  refused_domains     ["bad.example"]: the CA refuses them at activate: error, purchaseerror
  promotions          {"CODE":{"percent_off":10,"state":"active"}}; other states: exceeded not_started expired
                      needs_user access_denied inactive error
`

// Control is the control address of a stand-in. It has no protection of its
// own: serve it on loopback only.
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	routes := map[string]func(*http.Request) (any, error){
		"GET /state":                     func(*http.Request) (any, error) { return s.State() },
		"GET /charges":                   s.controlCharges,
		"GET /clock":                     func(*http.Request) (any, error) { return controlhttp.Reading(s.clock) },
		"POST /clock":                    func(r *http.Request) (any, error) { return controlhttp.Move(s.clock, r) },
		"GET /certificates":              s.controlCertificates,
		"GET /certificates/{id}":         s.controlCertificate,
		"POST /certificates/{id}/{verb}": s.controlVerb,
		"POST /domains/{domain}/prove": func(r *http.Request) (any, error) {
			return s.ProveDomain(r.PathValue("domain"))
		},
		"GET /requests": func(r *http.Request) (any, error) { return s.Requests(r.URL.Query().Get("command")), nil },
		"GET /counters": func(*http.Request) (any, error) { return s.Counters(), nil },
		"DELETE /requests": func(*http.Request) (any, error) {
			s.ClearRequests()
			return controlhttp.Done{}, nil
		},
		"GET /faults":            func(*http.Request) (any, error) { return s.Faults(), nil },
		"POST /faults":           s.controlAddFault,
		"DELETE /faults":         s.controlClearFaults,
		"DELETE /faults/{id}":    s.controlClearFaults,
		"POST /appear":           func(*http.Request) (any, error) { return map[string]int{"executed": s.Appear()}, nil },
		"GET /accounts":          s.controlAccounts,
		"POST /accounts":         s.controlPutAccount,
		"PATCH /accounts/{user}": s.controlPutAccount,
		"GET /settings":          func(*http.Request) (any, error) { return s.Settings(), nil },
		"PATCH /settings":        s.controlSettings,
	}
	for pattern, run := range routes {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { controlhttp.Answer(w, r, ErrUnknown, run) })
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { controlhttp.WriteText(w, ControlHelp) })
	mux.HandleFunc("GET /ca/root.pem", func(w http.ResponseWriter, _ *http.Request) { controlhttp.WriteText(w, ca.EncodePEM(s.ca.Root())) })
	mux.HandleFunc("GET /ca/intermediate.pem", func(w http.ResponseWriter, _ *http.Request) {
		controlhttp.WriteText(w, ca.EncodePEM(s.ca.Intermediate()))
	})
	mux.HandleFunc("GET /certificates/{id}/leaf.pem", s.serveLeaf)
	return mux
}

func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w id %q", ErrUnknown, r.PathValue("id"))
	}
	return id, nil
}

func (s *Server) controlCharges(*http.Request) (any, error) {
	state, err := s.State()
	return state.Charges, err
}

func (s *Server) controlCertificates(*http.Request) (any, error) {
	state, err := s.State()
	return state.Certificates, err
}

// Certificate is a copy of one certificate as it is now.
func (s *Server) Certificate(id int64) (Certificate, error) {
	state, err := s.State()
	if err != nil {
		return Certificate{}, err
	}
	for _, c := range state.Certificates {
		if c.ID == id {
			return c, nil
		}
	}
	return Certificate{}, fmt.Errorf("%w certificate %d", ErrUnknown, id)
}

func (s *Server) controlCertificate(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	return s.Certificate(id)
}

func (s *Server) serveLeaf(w http.ResponseWriter, r *http.Request) {
	id, _ := pathID(r)
	found, err := s.Certificate(id)
	if err != nil || found.Certificate == "" {
		http.NotFound(w, r)
		return
	}
	controlhttp.WriteText(w, found.Certificate)
}

func (s *Server) controlVerb(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	var body struct {
		Domain string `json:"domain"`
		Reason string `json:"reason"`
	}
	if err := controlhttp.Read(r, &body); err != nil {
		return nil, err
	}
	verbs := map[string]func() error{
		"prove":  func() error { return s.Prove(id, splitList(body.Domain)...) },
		"vet":    func() error { return s.Vet(id) },
		"issue":  func() error { return s.Issue(id) },
		"refuse": func() error { return s.Refuse(id, body.Reason) },
		"cancel": func() error { return s.Cancel(id, body.Reason) },
		"reset":  func() error { return s.Reset(id) },
	}
	run, known := verbs[r.PathValue("verb")]
	if !known {
		return nil, fmt.Errorf("%w verb %q", ErrUnknown, r.PathValue("verb"))
	}
	if err := run(); err != nil {
		return nil, err
	}
	return s.Certificate(id)
}

func (s *Server) controlAddFault(r *http.Request) (any, error) {
	var f Fault
	if err := controlhttp.Read(r, &f); err != nil {
		return nil, err
	}
	id, err := s.AddFault(f)
	return map[string]int{"id": id}, err
}

func (s *Server) controlClearFaults(r *http.Request) (any, error) {
	if r.PathValue("id") == "" {
		s.ClearFaults()
		return controlhttp.Done{}, nil
	}
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	s.ClearFaults(int(id))
	return controlhttp.Done{}, nil
}

func (s *Server) controlAccounts(*http.Request) (any, error) {
	state, err := s.State()
	return state.Accounts, err
}

func (s *Server) controlPutAccount(r *http.Request) (any, error) {
	account := Account{}
	if user := r.PathValue("user"); user != "" {
		present, err := s.Account(user)
		if err != nil {
			return nil, err
		}
		account = present
	}
	if err := controlhttp.Read(r, &account); err != nil {
		return nil, err
	}
	if err := s.PutAccount(account); err != nil {
		return nil, err
	}
	account.Key = "***"
	return account, nil
}

func (s *Server) controlSettings(r *http.Request) (any, error) {
	settings := s.Settings()
	if err := controlhttp.Read(r, &settings); err != nil {
		return nil, err
	}
	if err := s.SetSettings(settings); err != nil {
		return nil, err
	}
	return s.Settings(), nil
}
