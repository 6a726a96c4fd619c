package namecheap

import (
	"net/http"
	"strings"

	"pmssl/internal/sandbox/standin"
)

// Kinds of faults.
const (
	FaultDelay      = standin.FaultDelay      // answer late
	FaultDropBefore = standin.FaultDropBefore // close the connection, nothing was executed
	FaultDropAfter  = standin.FaultDropAfter  // execute, then close the connection
	FaultHTTP405    = "http405"               // as above the rate limit
	FaultHTTP500    = "http500"               // plain text
	FaultHTTP502    = "http502"               // HTML of a gateway
	FaultHTML       = "html"                  // HTML with status 200
	FaultRedirect   = standin.FaultRedirect   // 302 to Location
	FaultTruncate   = standin.FaultTruncate   // half of the answer, then the connection closes
	FaultCharset    = standin.FaultCharset    // bytes that are not in the declared encoding
	FaultHuge       = standin.FaultHuge       // an answer of more than 8 MiB
	FaultAPIError   = "api_error"             // an error of the API by Number and Text
	FaultVanish     = standin.FaultVanish     // close the connection, execute only at Appear
)

func faultKinds() []string {
	return []string{FaultDelay, FaultDropBefore, FaultDropAfter, FaultHTTP405, FaultHTTP500, FaultHTTP502, FaultHTML,
		FaultRedirect, FaultTruncate, FaultCharset, FaultHuge, FaultAPIError, FaultVanish}
}

// Fault makes requests go wrong.
type Fault struct {
	ID      int    `json:"id"`
	Command string `json:"command"` // "namecheap.ssl.create", "create", or "" for every command
	Kind    string `json:"kind"`
	// Times is the number of requests that it hits; 0 means until it is cleared.
	Times int `json:"times"`
	// Skip is the number of matching requests that pass first.
	Skip int `json:"skip,omitempty"`
	// Commit: whether the request is executed before the fault; nil stands for the
	// kind's default (true for drop_after, truncate, charset and huge).
	Commit *bool `json:"commit,omitempty"`
	// Delay in real time, such as "1500ms", with any kind. Kind delay waits
	// before the execution (a client that gives up by then bought nothing), with
	// commit true after it; the other kinds wait before they answer.
	Delay Duration `json:"delay,omitempty"`
	// Number and Text for api_error.
	Number string `json:"number,omitempty"`
	Text   string `json:"text,omitempty"`
	// Location for redirect.
	Location string `json:"location,omitempty"`
	// Charset declared by kind charset; without it utf-8 is declared and a
	// byte is sent that is not.
	Charset string `json:"charset,omitempty"`
}

// Duration is a time.Duration that is a text such as "1.5s" in JSON.
type Duration = standin.Duration

func (f Fault) spec() standin.FaultSpec {
	return standin.FaultSpec{Kind: f.Kind, Times: f.Times, Skip: f.Skip, Commit: f.Commit, Delay: f.Delay, Location: f.Location}
}

func (f Fault) matches(command string) bool {
	wanted, got := strings.ToLower(f.Command), strings.ToLower(command)
	return wanted == "" || wanted == "*" || wanted == got || strings.HasSuffix(got, "."+wanted)
}

// AddFault adds a fault and returns its id.
func (s *Server) AddFault(f Fault) (int, error) {
	if err := f.spec().Check(faultKinds()); err != nil {
		return 0, err
	}
	return s.faults.Add(f, f.spec()), nil
}

// Faults returns the active faults; a fault that has hit often enough is gone.
func (s *Server) Faults() []Fault {
	return s.faults.List(func(f *Fault, id, skip int) { f.ID, f.Skip = id, skip })
}

// ClearFaults removes the faults with these ids, or all faults if no id is given.
func (s *Server) ClearFaults(ids ...int) { s.faults.Clear(ids...) }

// Appear executes the requests that faults of kind vanish held back, in their order, and returns
// their number.
func (s *Server) Appear() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.Appear()
}

// answer executes the request and sends the answer, both as the fault that hits the request allows.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, p parameters, entry LogEntry) {
	source := standin.SourceOf(r)
	fault, spec := s.faults.Match(func(f Fault) bool { return f.matches(p.get("Command")) })
	entry.Fault = fault.Kind
	standin.Exchange[[]APIError]{
		Execute: func() reply { return s.execute(p, source) }, Damage: fault.damage, Sleep: s.sleep,
		Postpone: func() { s.faults.Postpone(func() { s.executeLocked(p, source) }) },
		Log: func(sent reply) {
			entry.Status, entry.Errors = sent.Status, sent.Errors
			s.logRequest(entry)
		},
	}.Run(w, r, spec)
}
