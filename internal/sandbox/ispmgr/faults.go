package ispmgr

import (
	"net/http"

	"pmssl/internal/sandbox/standin"
)

// Kinds of faults.
const (
	FaultDelay      = standin.FaultDelay      // answer late
	FaultHang       = standin.FaultHang       // no answer as long as the client waits, nothing executed unless Commit
	FaultDropBefore = standin.FaultDropBefore // close the connection, nothing was executed
	FaultDropAfter  = standin.FaultDropAfter  // execute, then close the connection
	FaultHTTP500    = "http500"               // plain text
	FaultHTTP502    = "http502"               // HTML of a gateway
	FaultHTML       = "html"                  // the panel's login page with status 200
	FaultWAF        = "waf"                   // a web application firewall's page with status 403
	FaultRedirect   = standin.FaultRedirect   // 302 to Location
	FaultTruncate   = standin.FaultTruncate   // half of the answer, then the connection closes
	FaultHuge       = standin.FaultHuge       // an answer of more than 8 MiB
	FaultError      = "error"                 // an error document by Type, Object and Text
	FaultOK         = "ok"                    // <ok> with Text and nothing else
	FaultBody       = "body"                  // Text as it is, declared as XML
	FaultVanish     = standin.FaultVanish     // close the connection, execute only at Appear
)

func faultKinds() []string {
	return []string{FaultDelay, FaultHang, FaultDropBefore, FaultDropAfter, FaultHTTP500, FaultHTTP502, FaultHTML, FaultWAF,
		FaultRedirect, FaultTruncate, FaultHuge, FaultError, FaultOK, FaultBody, FaultVanish}
}

// Fault makes requests go wrong.
type Fault struct {
	ID      int    `json:"id"`
	Command string `json:"command"` // value of func, "" for every one
	// Submit: only requests with (true) or without (false) sok=ok; nil both.
	Submit *bool  `json:"submit,omitempty"`
	Kind   string `json:"kind"`
	// Times is the number of requests that it hits; 0 means until it is cleared.
	Times int `json:"times"`
	// Skip is the number of matching requests that pass first.
	Skip int `json:"skip,omitempty"`
	// Commit: whether the request is executed before the fault; nil stands for the
	// kind's default (true for delay, drop_after, truncate and huge).
	Commit *bool `json:"commit,omitempty"`
	// Delay in real time, such as "1500ms", with any kind. Kind delay waits
	// before the execution (a client that gives up by then bought nothing), with
	// commit true after it; the other kinds wait before they answer.
	Delay Duration `json:"delay,omitempty"`
	// Type, Object and Text for error; Text for ok and body.
	Type   string `json:"type,omitempty"`
	Object string `json:"object,omitempty"`
	Text   string `json:"text,omitempty"`
	// Location for redirect.
	Location string `json:"location,omitempty"`
}

// Duration is a time.Duration that is a text such as "1.5s" in JSON.
type Duration = standin.Duration

func (f Fault) spec() standin.FaultSpec {
	return standin.FaultSpec{Kind: f.Kind, Times: f.Times, Skip: f.Skip, Commit: f.Commit, Delay: f.Delay, Location: f.Location}
}

func (f Fault) matches(p parameters) bool {
	return (f.Command == "" || f.Command == p.get("func")) && (f.Submit == nil || *f.Submit == p.submits())
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
	fault, spec := s.faults.Match(func(f Fault) bool { return f.matches(p) })
	entry.Fault = fault.Kind
	standin.Exchange[*Problem]{
		Execute: func() reply { return s.execute(p, source) }, Damage: fault.damage, Sleep: s.sleep,
		Postpone: func() { s.faults.Postpone(func() { s.executeLocked(p, source) }) },
		Log: func(sent reply) {
			entry.Status, entry.Error = sent.Status, sent.Errors
			s.logRequest(entry)
		},
	}.Run(w, r, spec)
}
