package ispmgr

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/clock"
)

// Path is where the API is served, ManagerPath where it is served too with
// Settings.ManagerPath (ispmanager-billing-api 1.1).
const (
	Path        = "/billmgr"
	ManagerPath = "/manager/billmgr"
)

// Clock is the time of the stand-in.
type Clock = clock.Clock

// NewClock makes a clock over the real one. File, which may be empty, is the
// clock where it holds one RFC 3339 instant.
func NewClock(real func() time.Time, file string) *Clock { return clock.New(real, file) }

// Config is the world of a Server.
type Config struct {
	// Clock tells the time; required.
	Clock *Clock
	// CA signs the leaves; nil makes an ECDSA authority in memory.
	CA *ca.Authority
	// Settings; nil means DefaultSettings.
	Settings *Settings
	// Accounts; nil means DefaultAccount alone.
	Accounts []Account
	// StateFile keeps everything over a restart; "" keeps nothing.
	StateFile string
	// Random is where keys and sessions come from; nil means crypto/rand.
	Random io.Reader
	// Sleep waits for delay faults; nil waits for real.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Server is the stand-in. It is safe for concurrent use: requests are executed
// one after the other.
type Server struct {
	clock  *Clock
	ca     *ca.Authority
	random io.Reader
	sleep  func(ctx context.Context, d time.Duration) error
	file   string

	mu           sync.Mutex
	settings     Settings
	accounts     map[string]*Account // by accountName
	sessions     map[string]string   // accountName by session id
	certificates map[int64]*Certificate
	order        []int64 // ids, ascending
	charges      []Charge
	proved       map[string]time.Time // by proofKey
	nextID       int64
	nextOrder    int64
	faults       []*Fault
	nextFault    int
	pending      []pendingRequest
	log          requestLog
}

// First ids.
const (
	firstCertificateID = 1234501
	firstOrderID       = 98701
)

// New makes a stand-in, from its state file where there is one.
func New(config Config) (*Server, error) {
	if config.Clock == nil {
		return nil, errors.New("stand-in seller needs a clock: set Config.Clock")
	}
	s := &Server{
		clock: config.Clock, ca: config.CA, random: config.Random, sleep: config.Sleep, file: config.StateFile,
		settings: DefaultSettings(), accounts: map[string]*Account{}, sessions: map[string]string{},
		certificates: map[int64]*Certificate{}, proved: map[string]time.Time{},
		nextID: firstCertificateID, nextOrder: firstOrderID, log: newRequestLog(),
	}
	if err := s.fillIn(config); err != nil {
		return nil, err
	}
	return s, s.load()
}

func (s *Server) fillIn(config Config) error {
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.sleep == nil {
		s.sleep = waitFor
	}
	if s.ca == nil {
		authority, err := ca.New(ca.ECDSA, s.random)
		if err != nil {
			return err
		}
		s.ca = authority
	}
	if config.Settings != nil {
		if err := config.Settings.check(); err != nil {
			return err
		}
		s.settings = config.Settings.clone()
	}
	if config.Accounts == nil {
		config.Accounts = []Account{DefaultAccount()}
	}
	for _, account := range config.Accounts {
		if err := s.putAccount(account); err != nil {
			return err
		}
	}
	return nil
}

func waitFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ServeHTTP answers the API at its paths and a page of HTML elsewhere, with 404.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path := strings.TrimSuffix(r.URL.Path, "/"); path != Path && (path != ManagerPath || !s.Settings().ManagerPath) {
		s.remember(LogEntry{Method: r.Method, Path: r.URL.Path, Parameters: map[string]string{}, Status: http.StatusNotFound})
		send(w, htmlReply(http.StatusNotFound, "404 Not Found"))
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		send(w, htmlReply(http.StatusMethodNotAllowed, "405 Method Not Allowed"))
		return
	}
	unread := r.Body
	p, err := readParameters(r)
	if err != nil {
		s.refuseForm(w, r, unread, err)
		return
	}
	passwords := s.passwords()
	s.answerWithFaults(w, r, p, LogEntry{
		Method: r.Method, Path: r.URL.Path, Command: p.get("func"), Submit: p.submits(),
		Parameters: p.redacted(passwords), Leaks: leaks(r, p, passwords),
	})
}

// refuseForm answers a form that cannot be read. What the real one says is unknown.
func (s *Server) refuseForm(w http.ResponseWriter, r *http.Request, unread io.Reader, err error) {
	status := http.StatusBadRequest
	if errors.Is(err, errBodyTooLarge) {
		status = http.StatusRequestEntityTooLarge
		_, _ = io.CopyN(io.Discard, unread, maxDrained)
	}
	s.remember(LogEntry{Method: r.Method, Path: r.URL.Path, Parameters: map[string]string{}, Status: status}) // may be megabytes of anything
	send(w, htmlReply(status, "Bad Request"))
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

// reply is an answer on its way out.
type reply struct {
	status      int
	contentType string
	body        []byte
	problem     *Problem
}

func send(w http.ResponseWriter, out reply) {
	w.Header().Set("Content-Type", out.contentType)
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body) // a client that went away is no concern of the seller
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
}

// sourceOf is the address that a request came from.
func sourceOf(r *http.Request) netip.Addr {
	source, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return source.Addr().Unmap()
}
