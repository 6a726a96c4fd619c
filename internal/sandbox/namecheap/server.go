package namecheap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"pmssl/internal/sandbox/ca"
)

// Path is where the API is served. A trailing slash is accepted too.
const Path = "/xml.response"

// Config is the world of a Server.
type Config struct {
	// Clock tells the time; required.
	Clock *Clock
	// CA signs the leaves; nil makes an ECDSA authority in memory.
	CA *ca.Authority
	// Settings; nil means DefaultSettings, rate limits included.
	Settings *Settings
	// Accounts; nil means DefaultAccount alone.
	Accounts []Account
	// StateFile keeps everything over a restart; "" keeps nothing.
	StateFile string
	// Random is where unique values come from; nil means crypto/rand.
	Random io.Reader
	// Sleep waits for delay faults; nil waits for real.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Server is the stand-in. It is safe for concurrent use: requests are executed
// one after the other.
type Server struct {
	clock    *Clock
	ca       *ca.Authority
	random   io.Reader
	sleep    func(ctx context.Context, d time.Duration) error
	products []product
	file     string
	commands map[string]command

	mu           sync.Mutex
	settings     Settings
	accounts     map[string]*Account // by accountName
	certificates map[int64]*Certificate
	order        []int64 // ids, ascending
	charges      []Charge
	proofs       map[string]time.Time // by proofKey
	nextID       int64
	nextOrder    int64
	buckets      map[string]*bucketSet
	faults       []*Fault
	nextFault    int
	pending      []pendingRequest
	log          requestLog
}

// First ids. Real ids had eight digits in 2026.
const (
	firstCertificateID = 34350001
	firstOrderID       = 10439001
)

// New makes a stand-in, from its state file where there is one.
func New(config Config) (*Server, error) {
	if config.Clock == nil {
		return nil, errors.New("stand-in seller needs a clock: set Config.Clock")
	}
	s := &Server{
		clock: config.Clock, ca: config.CA, random: config.Random, sleep: config.Sleep,
		products: catalogue(), file: config.StateFile, commands: commandTable(),
		settings: DefaultSettings(), accounts: map[string]*Account{}, certificates: map[int64]*Certificate{},
		proofs: map[string]time.Time{}, nextID: firstCertificateID, nextOrder: firstOrderID,
		buckets: map[string]*bucketSet{}, log: newRequestLog(),
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

func accountName(user string) string { return strings.ToLower(user) }

// ServeHTTP answers the API at Path and 404 elsewhere.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.TrimSuffix(r.URL.Path, "/") != Path {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "use GET or POST", http.StatusNotImplemented)
		return
	}
	body := r.Body
	parameters, err := readParameters(r)
	entry := LogEntry{Method: r.Method, Command: parameters.get("Command"), Parameters: parameters.redacted()}
	if err != nil {
		s.refuseForm(w, body, entry, err)
		return
	}
	s.answerWithFaults(w, r, parameters, entry)
}

// refuseForm answers a form that cannot be read. What the real API says to one
// is unknown; 5050900 is its code for everything unhandled.
func (s *Server) refuseForm(w http.ResponseWriter, unread io.Reader, entry LogEntry, err error) {
	status := http.StatusBadRequest
	if errors.Is(err, errBodyTooLarge) {
		status = http.StatusRequestEntityTooLarge
		_, _ = io.CopyN(io.Discard, unread, maxDrained)
	}
	a := failure("5050900", "Unhandled exceptions: "+err.Error())
	entry.Parameters = map[string]string{} // may be megabytes of anything
	entry.Status, entry.Errors = status, a.errors
	s.remember(entry)
	writeXML(w, status, a.envelope())
}

// reply is an answer on its way out.
type reply struct {
	status      int
	contentType string
	body        []byte
	errors      []APIError
}

const xmlType = "text/xml; charset=utf-8"

func writeXML(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", xmlType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away is no concern of the seller
}

// execute runs a request and commits what it does.
func (s *Server) execute(p parameters, source netip.Addr) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.executeLocked(p, source)
}

func (s *Server) executeLocked(p parameters, source netip.Addr) reply {
	now, err := s.clock.Now()
	if err != nil {
		return reply{status: http.StatusInternalServerError, contentType: "text/plain; charset=utf-8", body: []byte(err.Error() + "\n")}
	}
	s.settle(now)
	account, problem := s.authenticate(p, source)
	if problem != nil {
		return xmlReply(answer{errors: []APIError{*problem}})
	}
	if !s.takeToken(account, now) {
		return reply{status: http.StatusMethodNotAllowed, contentType: "text/html"} // its body is unknown
	}
	a := s.run(&call{server: s, account: account, parameters: p, now: now})
	if err := s.save(); err != nil {
		return reply{status: http.StatusInternalServerError, contentType: "text/plain; charset=utf-8", body: []byte(err.Error() + "\n")}
	}
	return xmlReply(a)
}

func xmlReply(a answer) reply {
	return reply{status: http.StatusOK, contentType: xmlType, body: a.envelope(), errors: a.errors}
}

func (s *Server) run(c *call) answer {
	name := c.get("Command")
	if name == "" {
		return failure("1010104", "Parameter Command is missing")
	}
	row, known := s.commands[strings.ToLower(name)]
	if !known {
		return failure("1011104", "Parameter Command is invalid")
	}
	a := row.run(c)
	a.command = row.name
	return a
}

// sourceOf is the address that a request came from.
func sourceOf(r *http.Request) netip.Addr {
	source, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return source.Addr().Unmap()
}

// uniqueValue has the shape of the seller's own, 13 hex digits: the unix time
// and microseconds (namecheap-ssl-api.md 3.2). The microseconds are random, so
// that a stopped clock still makes different values.
func (s *Server) uniqueValue(now time.Time) (string, error) {
	micros, err := rand.Int(s.random, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("draw a unique value: %w", err)
	}
	return fmt.Sprintf("%08x%05x", uint32(now.Unix()), micros.Int64()), nil
}

// addCertificate gives the next id to a purchase and keeps it.
func (s *Server) addCertificate(c *Certificate) {
	c.ID = s.nextID
	s.nextID++
	s.certificates[c.ID] = c
	s.order = append(s.order, c.ID)
}

// charge takes money for a new order. It fails where the balance is too low.
func (s *Server) charge(account *Account, amount Money, command string, now time.Time) (Charge, bool) {
	if account.Balance < amount {
		return Charge{}, false
	}
	account.Balance -= amount
	made := Charge{
		Time: now, Account: account.User, Command: command, OrderID: s.nextOrder, TransactionID: s.nextOrder + 480380,
		Amount: amount, Balance: account.Balance,
	}
	s.nextOrder++
	return made, true
}
