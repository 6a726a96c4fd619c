package ispmgr

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// Kinds of faults.
const (
	FaultDelay      = "delay"       // answer late
	FaultHang       = "hang"        // no answer as long as the client waits, nothing executed unless Commit
	FaultDropBefore = "drop_before" // close the connection, nothing was executed
	FaultDropAfter  = "drop_after"  // execute, then close the connection
	FaultHTTP500    = "http500"     // plain text
	FaultHTTP502    = "http502"     // HTML of a gateway
	FaultHTML       = "html"        // the panel's login page with status 200
	FaultWAF        = "waf"         // a wall's page with status 403
	FaultRedirect   = "redirect"    // 302 to Location
	FaultTruncate   = "truncate"    // half of the answer, then the connection closes
	FaultHuge       = "huge"        // an answer of more than 8 MiB
	FaultError      = "error"       // an error document by Type, Object and Text
	FaultOK         = "ok"          // <ok> with Text and nothing else
	FaultBody       = "body"        // Text as it is, said to be XML
	FaultVanish     = "vanish"      // close the connection, execute only at Appear
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
	// Times is how many requests it hits; 0 means until it is cleared.
	Times int `json:"times"`
	// Skip lets so many matching requests pass first.
	Skip int `json:"skip,omitempty"`
	// Commit: whether the request is executed before the fault; nil is the
	// kind's own way (true for delay, drop_after, truncate and huge).
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

	hits int
}

// Duration is a time.Duration that is a text such as "1.5s" in JSON.
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err == nil && parsed < 0 {
		err = errors.New("it is negative")
	}
	*d = Duration(parsed)
	return err
}

func (f *Fault) check() error {
	if !slices.Contains(faultKinds(), f.Kind) {
		return fmt.Errorf("unknown kind of fault %q, use one of %v", f.Kind, faultKinds())
	}
	if f.Times < 0 || f.Skip < 0 {
		return errors.New("times and skip of a fault must not be negative")
	}
	if f.Commit != nil && (f.Kind == FaultVanish || f.Kind == FaultDropBefore || f.Kind == FaultDropAfter) {
		return fmt.Errorf("a fault of kind %s has no choice of commit", f.Kind)
	}
	if f.Commit != nil && !*f.Commit && (f.Kind == FaultTruncate || f.Kind == FaultHuge) {
		return fmt.Errorf("a fault of kind %s damages the answer of an executed request: commit cannot be false", f.Kind)
	}
	return nil
}

func (f *Fault) matches(p parameters) bool {
	return (f.Command == "" || f.Command == p.get("func")) && (f.Submit == nil || *f.Submit == p.submits())
}

// commits tells whether the request is executed at once.
func (f *Fault) commits() bool {
	switch f.Kind {
	case FaultDelay, FaultDropAfter, FaultTruncate, FaultHuge:
		return true
	}
	return f.Commit != nil && *f.Commit
}

// waitsFirst tells whether the delay comes before the execution.
func (f *Fault) waitsFirst() bool {
	return f.Kind == FaultDelay && (f.Commit == nil || !*f.Commit)
}

// takeFault finds the first fault for a request and counts the hit.
func (s *Server) takeFault(p parameters) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !f.matches(p) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		f.hits++
		if f.Times > 0 && f.hits >= f.Times {
			s.faults = slices.Delete(slices.Clone(s.faults), i, i+1)
		}
		hit := *f
		return &hit
	}
	return nil
}

// answerWithFaults executes the request and sends the answer, or what a fault
// makes of both.
func (s *Server) answerWithFaults(w http.ResponseWriter, r *http.Request, p parameters, entry LogEntry) {
	fault := s.takeFault(p)
	if fault == nil {
		out := s.execute(p, sourceOf(r))
		entry.Status, entry.Error = out.status, out.problem
		s.remember(entry)
		send(w, out)
		return
	}
	entry.Fault = fault.Kind
	out := reply{}
	if fault.waitsFirst() && s.delay(r, fault) != nil {
		s.remember(entry) // the client gave up: logged without a status
		return
	}
	if fault.commits() {
		out = s.execute(p, sourceOf(r))
	}
	if fault.Kind == FaultVanish {
		s.postpone(p, sourceOf(r))
	}
	damaged, drop := fault.damage(out)
	entry.Status, entry.Error = damaged.status, damaged.problem
	s.remember(entry)
	if fault.Kind == FaultHang {
		<-r.Context().Done()
	}
	if !fault.waitsFirst() && s.delay(r, fault) != nil {
		return
	}
	s.sendDamaged(w, fault, damaged, drop)
}

// sendDamaged sends what a fault left of an answer.
func (s *Server) sendDamaged(w http.ResponseWriter, fault *Fault, damaged reply, drop bool) {
	if fault.Kind == FaultTruncate {
		// The length of the whole answer is announced, half of it is sent.
		w.Header().Set("Content-Length", fmt.Sprint(len(damaged.body)))
		damaged.body = damaged.body[:len(damaged.body)/2]
	}
	if fault.Kind == FaultRedirect {
		w.Header().Set("Location", fault.location())
	}
	if !drop {
		send(w, damaged)
	}
	if drop || fault.Kind == FaultTruncate {
		panic(http.ErrAbortHandler) // net/http's way to close a connection without an answer
	}
}

func (s *Server) delay(r *http.Request, fault *Fault) error {
	if fault.Delay <= 0 {
		return nil
	}
	return s.sleep(r.Context(), time.Duration(fault.Delay))
}

// pendingRequest is one that was accepted and is executed later.
type pendingRequest struct {
	parameters parameters
	source     netip.Addr
}

func (s *Server) postpone(p parameters, source netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, pendingRequest{p, source})
}
