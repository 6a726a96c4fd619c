package hostpanel

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"pmssl/internal/sandbox/standin"
)

const maxBody = 1 << 20

// Kinds of faults.
const (
	FaultDelay      = standin.FaultDelay      // answer late
	FaultHang       = standin.FaultHang       // no answer as long as the client waits, nothing executed unless Commit
	FaultDropBefore = standin.FaultDropBefore // close the connection, nothing was executed
	FaultDropAfter  = standin.FaultDropAfter  // execute, then close the connection
	FaultRedirect   = standin.FaultRedirect   // 302 to Location
	FaultTruncate   = standin.FaultTruncate   // half of the answer, then the connection closes
	FaultHTML       = "html"                  // a page for people with status 200
	FaultError      = "error"                 // an error document by Type, Object and Text
	FaultBody       = "body"                  // Text as it is
)

func faultKinds() []string {
	return []string{FaultDelay, FaultHang, FaultDropBefore, FaultDropAfter, FaultRedirect, FaultTruncate, FaultHTML, FaultError, FaultBody}
}

// Fault makes calls go wrong.
type Fault struct {
	ID       int    `json:"id"`
	Function string `json:"function"` // value of func, "" for every one
	// Submit: only calls with (true) or without (false) sok; nil both.
	Submit   *bool            `json:"submit,omitempty"`
	Kind     string           `json:"kind"`
	Times    int              `json:"times"` // number of calls that it hits; 0 means until it is cleared
	Skip     int              `json:"skip,omitempty"`
	Commit   *bool            `json:"commit,omitempty"`
	Delay    standin.Duration `json:"delay,omitempty"` // in real time
	Type     string           `json:"type,omitempty"`
	Object   string           `json:"object,omitempty"`
	Text     string           `json:"text,omitempty"`
	Location string           `json:"location,omitempty"`
}

func (f Fault) spec() standin.FaultSpec {
	return standin.FaultSpec{Kind: f.Kind, Times: f.Times, Skip: f.Skip, Commit: f.Commit, Delay: f.Delay, Location: f.Location}
}

// AddFault adds a fault and returns its id.
func (p *Panel) AddFault(f Fault) (int, error) {
	if err := f.spec().Check(faultKinds()); err != nil {
		return 0, err
	}
	return p.faults.Add(f, f.spec()), nil
}

// ClearFaults removes all faults.
func (p *Panel) ClearFaults() { p.faults.Clear() }

// LogEntry is one request.
type LogEntry struct {
	Number   int64    `json:"number"`
	Manager  string   `json:"manager"`
	Function string   `json:"function"`
	Elid     string   `json:"elid,omitempty"`
	Plid     string   `json:"plid,omitempty"`
	Sok      string   `json:"sok,omitempty"`
	Fields   []string `json:"fields,omitempty"` // names of all parameters; their values may be secrets
	Local    bool     `json:"local,omitempty"`  // by mgrctl
	Method   string   `json:"method,omitempty"`
	Query    string   `json:"query,omitempty"` // of the URL: clients write nothing there
	Fault    string   `json:"fault,omitempty"`
	Status   int      `json:"status"`
	Error    *Problem `json:"error,omitempty"`
}

// Requests returns the requests since ClearRequests, oldest first; of one function if it is not "".
func (p *Panel) Requests(function string) []LogEntry {
	return p.log.Entries(func(e LogEntry) bool { return function == "" || e.Function == function })
}

// ClearRequests empties the log.
func (p *Panel) ClearRequests() { p.log.Clear() }

type reply = standin.Reply[*Problem]

// ServeHTTP implements http.Handler: the API at /ispmgr and /dnsmgr.
func (p *Panel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	manager := strings.TrimPrefix(r.URL.Path, "/")
	if manager != "ispmgr" && manager != "dnsmgr" {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	referer, err := url.Parse(r.Referer())
	one := request{manager: manager, function: r.Form.Get("func"), params: r.Form, referer: err == nil && referer.Host == r.Host}
	entry := LogEntry{Method: r.Method, Query: r.URL.RawQuery}
	p.exchange(w, r, one, entry, func() reply { return p.remote(one) })
}

// exchange carries a request out as the faults allow.
func (p *Panel) exchange(w http.ResponseWriter, r *http.Request, one request, entry LogEntry, execute func() reply) {
	fault, spec := p.faults.Match(func(f Fault) bool {
		return (f.Function == "" || f.Function == one.function) && (f.Submit == nil || *f.Submit == one.submits())
	})
	entry.Manager, entry.Function, entry.Elid, entry.Plid, entry.Sok = one.manager, one.function, one.get("elid"), one.get("plid"), one.get("sok")
	entry.Fault, entry.Fields = fault.Kind, slices.Sorted(maps.Keys(one.params))
	standin.Exchange[*Problem]{
		Execute: execute, Damage: fault.damage, Sleep: sleep, Postpone: func() {},
		Log: func(sent reply) {
			entry.Status, entry.Error = sent.Status, logged(sent.Errors)
			p.log.Add(func(number int64) LogEntry { entry.Number = number; return entry }, one.function)
		},
	}.Run(w, r, spec)
}

// logged returns a problem as the log shows it: without what the panel repeats of keys and certificates.
func logged(problem *Problem) *Problem {
	if problem == nil {
		return nil
	}
	shown := *problem
	for _, text := range []*string{&shown.Value, &shown.Text} {
		before, _, found := strings.Cut(*text, "-----BEGIN ")
		if found {
			*text = before + "[PEM]"
		}
	}
	return &shown
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (f Fault) damage(good reply) reply {
	switch f.Kind {
	case FaultHTML:
		good = document(http.StatusOK, nil)
		good.ContentType, good.Body = "text/html", []byte("<!DOCTYPE html><html><body>Log in</body></html>")
	case FaultError:
		good = failed(&Problem{Type: f.Type, Object: f.Object, Text: f.Text})
	case FaultBody:
		good = document(http.StatusOK, []byte(f.Text))
	case FaultRedirect:
		good = document(http.StatusFound, nil)
	}
	return good
}

func document(status int, body []byte) reply {
	return reply{Status: status, ContentType: "text/xml; charset=UTF-8", Body: body}
}

func rendered(doc element) []byte {
	var to bytes.Buffer
	to.WriteString(xml.Header)
	doc.write(&to)
	return to.Bytes()
}

func failed(problem *Problem) reply {
	fault := node("error").with("type", problem.Type).with("object", problem.Object).with("lang", "en").plus(
		textNode("param", problem.Object).with("name", "object"), textNode("param", problem.Value).with("name", "value"), textNode("msg", problem.Text))
	sent := document(http.StatusOK, rendered(node("doc", fault)))
	sent.Errors = problem
	return sent
}

// remote carries out a request that came by HTTPS.
func (p *Panel) remote(r request) reply {
	now, err := p.now()
	if err != nil {
		return failed(&Problem{Type: "xml", Text: err.Error()})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var doc element
	var problem *Problem
	if r.function == "auth" {
		doc, problem = p.login(r, now)
	} else if r.user, problem = p.sessionUser(r.get("auth"), now); problem == nil {
		doc, problem = p.call(r)
	}
	if problem != nil {
		return failed(problem)
	}
	params := node("tparams")
	for name, values := range r.params { // what panels repeat, the session included
		if xmlName(name) {
			params = params.plus(textNode(name, values[0]))
		}
	}
	return document(http.StatusOK, rendered(doc.plus(params)))
}

func xmlName(name string) bool {
	return name != "" && name != "password" && !strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' })
}

// Mgrctl is a start of mgrctl by root: its arguments from -m on. It returns what is printed and the exit code.
func (p *Panel) Mgrctl(args []string) (stdout, stderr string, code int) {
	one := request{params: url.Values{}, user: User{Name: "root", Level: LevelAdmin}, referer: true}
	for i := 0; i < len(args); i++ {
		name, value, pair := strings.Cut(args[i], "=")
		switch {
		case args[i] == "-m" && i+1 < len(args):
			i++
			one.manager = args[i]
		case args[i] == "-o" && i+1 < len(args):
			i++
			one.params.Set("out", args[i])
		case one.function == "":
			one.function = args[i]
		case pair:
			one.params.Set(name, value)
		}
	}
	if one.manager != "ispmgr" && one.manager != "dnsmgr" {
		return "", "ERROR Error: Type: 'missed' Object: 'manager' Value: '" + one.manager + "'\n", 1
	}
	p.mu.Lock()
	doc, problem := p.call(one)
	p.mu.Unlock()
	p.log.Add(func(number int64) LogEntry {
		return LogEntry{Number: number, Manager: one.manager, Function: one.function, Elid: one.get("elid"), Plid: one.get("plid"), Sok: one.get("sok"),
			Fields: slices.Sorted(maps.Keys(one.params)), Local: true, Error: logged(problem)}
	}, one.function)
	if problem != nil {
		return string(failed(problem).Body), "", 0
	}
	return string(rendered(doc)), "", 0
}

// mgrctlLimit bounds the arguments of a start of mgrctl.
const mgrctlLimit = 1 << 20

// serveMgrctl runs mgrctl for the program of that name (cmd/sandbox-hostpanel): its arguments are the body, each ended by a zero
// byte.
func (p *Panel) serveMgrctl(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mgrctlLimit))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	stdout, stderr, code := p.Mgrctl(strings.Split(strings.TrimSuffix(string(body), "\x00"), "\x00"))
	if code != 0 {
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, stderr)
		return
	}
	_, _ = io.WriteString(w, stdout)
}
