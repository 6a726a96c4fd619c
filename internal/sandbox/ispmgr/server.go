package ispmgr

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/standin"
)

// Path is where the API is served. ManagerPath is served too if Settings.ManagerPath is true
// (docs/reference/ispmanager.md §1.1).
const (
	Path        = "/billmgr"
	ManagerPath = "/manager/billmgr"
)

// Clock is the time of the stand-in.
type Clock = clock.Clock

// NewClock returns a clock over the real one. If file is not empty and holds an RFC 3339 instant,
// that instant is the time.
func NewClock(real func() time.Time, file string) *Clock { return clock.New(real, file) }

// Config is the configuration of a Server.
type Config = standin.Config[Account, Settings]

// authority has the methods with which a test decides in place of the certification authority.
type authority = standin.Authority[Certificate]

// Server is the stand-in. It is safe for concurrent use: requests are executed
// one after the other.
type Server struct {
	authority
	clock  *Clock
	ca     *ca.Authority
	looker standin.Looker
	random io.Reader
	sleep  func(ctx context.Context, d time.Duration) error
	file   string
	faults standin.FaultSet[Fault]
	log    standin.Log[LogEntry]

	mu           sync.Mutex
	settings     Settings
	accounts     map[string]*Account // by standin.AccountName
	sessions     map[string]string   // standin.AccountName by session id
	certificates standin.Orders[Certificate]
	charges      []Charge
	validations  standin.Validations
	nextID       int64
	nextOrder    int64
}

// First ids.
const (
	firstCertificateID = 1234501
	firstOrderID       = 98701
)

// New returns a stand-in. It continues from its state file, if there is one.
func New(config Config) (*Server, error) {
	config, err := config.Complete(DefaultAccount(), DefaultSettings())
	if err != nil {
		return nil, err
	}
	if err := config.Settings.check(); err != nil {
		return nil, err
	}
	s := &Server{
		clock: config.Clock, ca: config.CA, looker: config.Looker, random: config.Random, sleep: config.Sleep, file: config.StateFile,
		settings: config.Settings.clone(), accounts: map[string]*Account{}, sessions: map[string]string{},
		validations: standin.Validations{}, nextID: firstCertificateID, nextOrder: firstOrderID,
	}
	s.authority = standin.NewAuthority(config, &s.certificates, s.validations, standin.Hooks[Certificate]{
		Change: s.change, Serial: (*Certificate).serial, Order: (*Certificate).order, IssueIfReady: func(c *Certificate, at time.Time) { s.issueIfReady(c, at) },
	})
	for _, account := range config.Accounts {
		if err := s.putAccount(account); err != nil {
			return nil, err
		}
	}
	return s, s.load()
}

// ServeHTTP serves the API at its paths and an HTML page with status 404 elsewhere.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path := strings.TrimSuffix(r.URL.Path, "/"); path != Path && (path != ManagerPath || !s.Settings().ManagerPath) {
		s.logRequest(LogEntry{Method: r.Method, Path: r.URL.Path, Parameters: map[string]string{}, Status: http.StatusNotFound})
		htmlReply(http.StatusNotFound, "404 Not Found").Send(w)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		htmlReply(http.StatusMethodNotAllowed, "405 Method Not Allowed").Send(w)
		return
	}
	unread := r.Body
	p, err := readParameters(r)
	if err != nil {
		s.refuseForm(w, r, unread, err)
		return
	}
	passwords := s.passwords()
	s.answer(w, r, p, LogEntry{
		Method: r.Method, Path: r.URL.Path, Command: p.get("func"), Submit: p.submits(),
		Parameters: p.redacted(passwords), Leaks: leaks(r, p, passwords),
	})
}

// refuseForm answers a form that cannot be read. The answer of the real system is unknown.
func (s *Server) refuseForm(w http.ResponseWriter, r *http.Request, unread io.Reader, err error) {
	status := standin.RefuseForm(unread, err)
	s.logRequest(LogEntry{Method: r.Method, Path: r.URL.Path, Parameters: map[string]string{}, Status: status}) // a form can be megabytes of arbitrary bytes
	htmlReply(status, "Bad Request").Send(w)
}

func (s *Server) passwords() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, account := range s.accounts {
		list = append(list, account.Password)
	}
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// reply is an answer that is about to be sent.
type reply = standin.Reply[*Problem]
