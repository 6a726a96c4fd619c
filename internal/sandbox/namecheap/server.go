package namecheap

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/standin"
)

// Path is where the API is served. A trailing slash is accepted too.
const Path = "/xml.response"

// Clock is the time of the stand-in.
type Clock = clock.Clock

// NewClock returns a clock over the real one. If file is not empty and holds an RFC 3339 instant,
// that instant is the time.
func NewClock(real func() time.Time, file string) *Clock { return clock.New(real, file) }

// Config is the configuration of a Server. The default settings have rate limits.
type Config = standin.Config[Account, Settings]

// authority has the methods with which a test decides in place of the certification authority.
type authority = standin.Authority[Certificate]

// Server is the stand-in. It is safe for concurrent use: requests are executed
// one after the other.
type Server struct {
	authority
	clock    *Clock
	ca       *ca.Authority
	looker   standin.Looker
	random   io.Reader
	sleep    func(ctx context.Context, d time.Duration) error
	products []product
	file     string
	commands map[string]command
	faults   standin.FaultSet[Fault]
	log      standin.Log[LogEntry]

	mu           sync.Mutex
	settings     Settings
	accounts     map[string]*Account // by standin.AccountName
	certificates standin.Orders[Certificate]
	charges      []Charge
	validations  standin.Validations
	nextID       int64
	nextOrder    int64
	buckets      map[string]*bucketSet
}

// First ids. Real ids had eight digits in 2026.
const (
	firstCertificateID = 34350001
	firstOrderID       = 10439001
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
		clock: config.Clock, ca: config.CA, looker: config.Looker, random: config.Random, sleep: config.Sleep,
		products: catalogue(), file: config.StateFile, commands: commandTable(),
		settings: config.Settings.clone(), accounts: map[string]*Account{}, validations: standin.Validations{},
		nextID: firstCertificateID, nextOrder: firstOrderID, buckets: map[string]*bucketSet{},
	}
	s.authority = standin.NewAuthority(config, &s.certificates, s.validations, standin.Hooks[Certificate]{
		Change: s.change, Serial: (*Certificate).serial, Order: (*Certificate).order, IssueIfReady: s.issueIfReady,
	})
	for _, account := range config.Accounts {
		if err := s.putAccount(account); err != nil {
			return nil, err
		}
	}
	return s, s.load()
}

// ServeHTTP serves the API at Path and answers 404 elsewhere.
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
	unread := r.Body
	parameters, err := readParameters(r)
	entry := LogEntry{Method: r.Method, Command: parameters.get("Command"), Parameters: parameters.redacted()}
	if err != nil {
		s.refuseForm(w, unread, entry, err)
		return
	}
	s.answer(w, r, parameters, entry)
}

// refuseForm answers a form that cannot be read. The answer of the real API is unknown; 5050900 is
// its code for everything unhandled.
func (s *Server) refuseForm(w http.ResponseWriter, unread io.Reader, entry LogEntry, err error) {
	status := standin.RefuseForm(unread, err)
	a := failure("5050900", "Unhandled exceptions: "+err.Error())
	entry.Parameters = map[string]string{} // a form can be megabytes of arbitrary bytes
	out := xmlReply(a)
	out.Status = status
	entry.Status, entry.Errors = status, a.errors
	s.logRequest(entry)
	out.Send(w)
}

// reply is an answer that is about to be sent.
type reply = standin.Reply[[]APIError]

const xmlType = "text/xml; charset=utf-8"

// execute runs a request and saves what it changes.
func (s *Server) execute(p parameters, source netip.Addr) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.executeLocked(p, source)
}

func (s *Server) executeLocked(p parameters, source netip.Addr) reply {
	now, err := s.clock.Now()
	if err != nil {
		return plainReply(err.Error())
	}
	s.advance(now)
	account, problem := s.authenticate(p, source)
	if problem != nil {
		return xmlReply(answer{errors: []APIError{*problem}})
	}
	if !s.takeToken(account, now) {
		return reply{Status: http.StatusMethodNotAllowed, ContentType: "text/html"} // the body of the real answer is unknown
	}
	a := s.run(&call{server: s, account: account, parameters: p, now: now})
	if err := s.save(); err != nil {
		return plainReply(err.Error())
	}
	return xmlReply(a)
}

func xmlReply(a answer) reply {
	return reply{Status: http.StatusOK, ContentType: xmlType, Body: a.envelope(), Errors: a.errors}
}

// plainReply returns the answer to a failure of the stand-in itself.
func plainReply(text string) reply {
	return reply{Status: http.StatusInternalServerError, ContentType: "text/plain; charset=utf-8", Body: []byte(text + "\n")}
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

// uniqueValue returns a value in the form of the seller's own, 13 hex digits: unix time and
// microseconds (docs/reference/namecheap.md §3.2). The microseconds are random, so that a stopped
// clock still gives different values.
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
	s.certificates.Put(c.ID, c)
}

// charge charges the account for a new order. It returns false if the balance is too low.
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
