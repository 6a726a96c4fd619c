package namecheap

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Kinds of faults.
const (
	FaultDelay      = "delay"       // answer late
	FaultDropBefore = "drop_before" // close the connection, nothing was executed
	FaultDropAfter  = "drop_after"  // execute, then close the connection
	FaultHTTP405    = "http405"     // as over the rate limit
	FaultHTTP500    = "http500"     // plain text
	FaultHTTP502    = "http502"     // HTML of a gateway
	FaultHTML       = "html"        // HTML with status 200
	FaultRedirect   = "redirect"    // 302 to Location
	FaultTruncate   = "truncate"    // half of the answer, then the connection closes
	FaultCharset    = "charset"     // bytes that are not in the declared encoding
	FaultHuge       = "huge"        // an answer of more than 8 MiB
	FaultAPIError   = "api_error"   // an error of the API by Number and Text
	FaultVanish     = "vanish"      // close the connection, execute only at Appear
)

// Fault makes requests go wrong.
type Fault struct {
	ID      int    `json:"id"`
	Command string `json:"command"` // "namecheap.ssl.create", "create", or "" for every command
	Kind    string `json:"kind"`
	// Times is how many requests it hits; 0 means until it is cleared.
	Times int `json:"times"`
	// Skip lets so many matching requests pass first.
	Skip int `json:"skip,omitempty"`
	// Commit: whether the request is executed before the fault; nil is the
	// kind's own way (true for drop_after, truncate, charset and huge).
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
	switch f.Kind {
	case FaultDelay, FaultDropBefore, FaultDropAfter, FaultHTTP405, FaultHTTP500, FaultHTTP502, FaultHTML,
		FaultRedirect, FaultTruncate, FaultCharset, FaultHuge, FaultAPIError, FaultVanish:
	default:
		return fmt.Errorf("unknown kind of fault %q", f.Kind)
	}
	if f.Times < 0 || f.Skip < 0 {
		return errors.New("times and skip of a fault must not be negative")
	}
	if f.Commit != nil && (f.Kind == FaultVanish || f.Kind == FaultDropBefore || f.Kind == FaultDropAfter) {
		return fmt.Errorf("a fault of kind %s has no choice of commit", f.Kind)
	}
	if f.Commit != nil && !*f.Commit && (f.Kind == FaultTruncate || f.Kind == FaultCharset || f.Kind == FaultHuge) {
		return fmt.Errorf("a fault of kind %s damages the answer of an executed request: commit cannot be false", f.Kind)
	}
	return nil
}

func (f *Fault) matches(command string) bool {
	wanted, got := strings.ToLower(f.Command), strings.ToLower(command)
	return wanted == "" || wanted == "*" || wanted == got || strings.HasSuffix(got, "."+wanted)
}

// commits tells whether the request is executed at once.
func (f *Fault) commits() bool {
	switch f.Kind {
	case FaultDelay, FaultDropAfter, FaultTruncate, FaultCharset, FaultHuge:
		return true
	}
	return f.Commit != nil && *f.Commit
}

// waitsFirst tells whether the delay comes before the execution.
func (f *Fault) waitsFirst() bool {
	return f.Kind == FaultDelay && (f.Commit == nil || !*f.Commit)
}

// takeFault finds the first fault for a command and counts the hit.
func (s *Server) takeFault(command string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !f.matches(command) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		f.hits++
		if f.Times > 0 && f.hits >= f.Times {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		hit := *f
		return &hit
	}
	return nil
}

// answerWithFaults executes the request and sends the answer, or what a fault
// makes of both.
func (s *Server) answerWithFaults(w http.ResponseWriter, r *http.Request, p parameters, entry LogEntry) {
	fault := s.takeFault(p.get("Command"))
	if fault == nil {
		out := s.execute(p, sourceOf(r))
		entry.Status, entry.Errors = out.status, out.errors
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
	entry.Status, entry.Errors = damaged.status, damaged.errors
	s.remember(entry)
	if !fault.waitsFirst() && s.delay(r, fault) != nil {
		return
	}
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

func send(w http.ResponseWriter, out reply) {
	w.Header().Set("Content-Type", out.contentType)
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body) // a client that went away is no concern of the seller
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
}

func (f *Fault) location() string {
	if f.Location == "" {
		return "/maintenance.html"
	}
	return f.Location
}

// damage makes the fault's answer out of the good one.
func (f *Fault) damage(good reply) (bad reply, drop bool) {
	const html = "text/html; charset=utf-8"
	switch f.Kind {
	case FaultDropBefore, FaultDropAfter, FaultVanish:
		return reply{errors: good.errors}, true
	case FaultHTTP405:
		return reply{status: http.StatusMethodNotAllowed, contentType: "text/html"}, false
	case FaultHTTP500:
		return reply{status: http.StatusInternalServerError, contentType: "text/plain; charset=utf-8", body: []byte("Internal Server Error\n")}, false
	case FaultHTTP502:
		return reply{status: http.StatusBadGateway, contentType: html, body: page("502 Bad Gateway")}, false
	case FaultHTML:
		return reply{status: http.StatusOK, contentType: html, body: page("We'll be back soon!")}, false
	case FaultRedirect:
		return reply{status: http.StatusFound, contentType: html, body: page("Object moved")}, false
	case FaultAPIError:
		return xmlReply(failure(f.Number, f.Text)), false
	case FaultCharset:
		return f.wrongCharset(good), false
	case FaultHuge:
		good.body = huge(good.body)
	}
	return good, false
}

func page(title string) []byte {
	return []byte("<html>\n<head><title>" + title + "</title></head>\n<body>\n<h1>" + title + "</h1>\n</body>\n</html>\n")
}

// wrongCharset declares one encoding and sends another: a Latin-1 byte in what
// is said to be UTF-8, or UTF-8 in what is said to be f.Charset.
func (f *Fault) wrongCharset(good reply) reply {
	const comment = "<!-- caf%s -->\n</ApiResponse>"
	if f.Charset == "" {
		good.body = bytes.Replace(good.body, []byte("</ApiResponse>"), fmt.Appendf(nil, comment, "\xe9"), 1)
		good.body = bytes.Replace(good.body, []byte("<Server>"), []byte("<Server>caf\xe9 "), 1)
		return good
	}
	good.contentType = "text/xml; charset=" + f.Charset
	good.body = bytes.Replace(good.body, []byte(`encoding="utf-8"`), []byte(`encoding="`+f.Charset+`"`), 1)
	good.body = bytes.Replace(good.body, []byte("<Server>"), []byte("<Server>café "), 1)
	return good
}

// huge makes the answer longer than 8 MiB without changing what it says.
func huge(body []byte) []byte {
	filler := bytes.Repeat([]byte("<!-- "+strings.Repeat("x", 1015)+" -->\n"), 9<<10)
	return bytes.Replace(body, []byte("</ApiResponse>"), append(filler, "</ApiResponse>"...), 1)
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
