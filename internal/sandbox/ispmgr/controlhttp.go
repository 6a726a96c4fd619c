package ispmgr

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/controlhttp"
)

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
		"prove":  func() error { return s.Prove(id, domainsOf(body.Domain)...) },
		"vet":    func() error { return s.Vet(id) },
		"pay":    func() error { return s.Pay(id) },
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
	account.Password = hidden
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

// domainsOf splits a list at commas and blanks.
func domainsOf(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
