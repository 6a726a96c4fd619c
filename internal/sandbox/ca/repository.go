package ca

import (
	"context"
	"crypto"
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Types of content, RFC 5280 4.2.1.13 and 4.2.2.1.
const (
	listType        = "application/pkix-crl"
	certificateType = "application/pkix-cert"
)

// Repository serves the CRLs and the certificates of an authority by HTTP, under the paths that the certificates name, on any
// host. It is safe for concurrent use.
type Repository struct {
	authority *Authority
	now       func() (time.Time, error)
	sleep     func(ctx context.Context, d time.Duration) error
	foreign   func() (crypto.Signer, error)

	mu       sync.Mutex
	fault    Fault
	base     string
	requests map[string]int
}

// NewRepository returns a repository whose lists are as new as the time that now returns. sleep waits for the fault slow.
func NewRepository(authority *Authority, now func() (time.Time, error), sleep func(ctx context.Context, d time.Duration) error) *Repository {
	return &Repository{
		authority: authority, now: now, sleep: sleep, requests: map[string]int{},
		foreign: sync.OnceValues(func() (crypto.Signer, error) { return foreignKey(authority.key) }),
	}
}

// Authority returns the authority whose lists are served.
func (r *Repository) Authority() *Authority { return r.authority }

// SetFault replaces the fault of the lists, all of which it hits; the zero value ends it. Certificates have no faults.
func (r *Repository) SetFault(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
	return nil
}

// Fault returns the fault in force.
func (r *Repository) Fault() Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fault
}

// Requests returns how often each path was asked for since the last ClearRequests.
func (r *Repository) Requests() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.requests)
}

// ClearRequests forgets what was asked for.
func (r *Repository) ClearRequests() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.requests)
}

// SetBase records the address at which a program serves the repository, without a final slash. Base returns it.
func (r *Repository) SetBase(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.base = address
}

// Base returns the address of SetBase; "" if no program serves the repository.
func (r *Repository) Base() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.base
}

// paths returns the type of content of each path.
func paths() map[string]string {
	all := map[string]string{rootListPath: listType, rootPath: certificateType, intermediateCertPath: certificateType}
	for shard := range shards {
		all[listPath(shard)] = listType
	}
	return all
}

// ServeHTTP implements http.Handler.
func (r *Repository) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	path := request.URL.Path
	kind, known := paths()[path]
	switch {
	case !known:
		http.NotFound(w, request)
		return
	case request.Method != http.MethodGet && request.Method != http.MethodHead:
		http.Error(w, "use GET", http.StatusMethodNotAllowed)
		return
	}
	fault := r.hit(path, kind)
	w.Header().Set("Content-Type", kind)
	switch path {
	case rootPath:
		_, _ = w.Write(r.authority.root.Raw)
	case intermediateCertPath:
		_, _ = w.Write(r.authority.intermediate.Raw)
	default:
		r.serveList(w, request, fault)
	}
}

// hit counts a request and returns the fault that it meets.
func (r *Repository) hit(path, kind string) Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests[path]++
	if kind != listType {
		return Fault{}
	}
	met := r.fault
	if r.fault.Times > 0 {
		if r.fault.Times--; r.fault.Times == 0 {
			r.fault = Fault{}
		}
	}
	return met
}

// serveList answers with a list, or as the fault says. For some faults it panics with http.ErrAbortHandler, net/http's way to
// close a connection without a whole answer.
func (r *Repository) serveList(w http.ResponseWriter, request *http.Request, f Fault) {
	switch f.Kind {
	case FaultUnreachable:
		panic(http.ErrAbortHandler)
	case FaultHang:
		<-request.Context().Done()
		return
	case FaultError:
		http.Error(w, "the service is not available", http.StatusServiceUnavailable)
		return
	case FaultRedirect:
		http.Redirect(w, request, f.Location, http.StatusFound)
		return
	case FaultGarbage:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>It works.</body></html>\n")
		return
	}
	now, err := r.now()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	content, err := r.content(request.URL.Path, f, now)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	switch f.Kind {
	case FaultBrokenOff:
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		send(w, content[:len(content)/2])
		panic(http.ErrAbortHandler)
	case FaultSlow:
		r.trickle(w, request, content, f)
	default:
		_, _ = w.Write(content) // the client may have gone away
	}
}

// trickle sends one octet after the other until the client goes away.
func (r *Repository) trickle(w http.ResponseWriter, request *http.Request, content []byte, f Fault) {
	pause, _ := f.delay() // SetFault has checked it
	for i := range content {
		if r.sleep(request.Context(), pause) != nil {
			return
		}
		send(w, content[i:i+1])
	}
}

// send sends a part of an answer at once.
func send(w io.Writer, content []byte) {
	_, _ = w.Write(content)
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
}
