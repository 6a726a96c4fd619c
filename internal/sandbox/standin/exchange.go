package standin

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Reply is an answer that is about to be sent. E is the type in which the seller's log keeps its
// errors.
type Reply[E any] struct {
	Status      int // 0: no answer is sent
	ContentType string
	Body        []byte
	Errors      E
}

// Send writes the answer.
func (r Reply[E]) Send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", r.ContentType)
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body) // the client may have gone away
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
}

// Exchange handles one request with the fault that hits it.
type Exchange[E any] struct {
	// Execute does what the request asks for.
	Execute func() Reply[E]
	// Postpone keeps the request for FaultSet.Appear.
	Postpone func()
	// Damage returns the fault's answer in place of the good one, which is empty if the request is
	// not executed. Without a fault it returns its argument.
	Damage func(good Reply[E]) Reply[E]
	// Log logs the answer that is sent.
	Log func(sent Reply[E])
	// Sleep waits in real time.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Run executes and answers the request as the spec says. For some faults it panics with
// http.ErrAbortHandler, net/http's way to close a connection without an answer.
func (x Exchange[E]) Run(w http.ResponseWriter, r *http.Request, c FaultSpec) {
	good := Reply[E]{}
	if c.waitsFirst() && x.delay(r, c) != nil {
		x.Log(good) // the client gave up: logged without a status
		return
	}
	if c.commits() {
		good = x.Execute()
	}
	if c.Kind == FaultVanish {
		x.Postpone()
	}
	damaged := Reply[E]{Errors: good.Errors}
	if !c.drops() {
		damaged = x.Damage(good)
	}
	x.Log(damaged)
	if c.Kind == FaultHang {
		<-r.Context().Done()
	}
	if !c.waitsFirst() && x.delay(r, c) != nil {
		return
	}
	send(w, c, damaged)
}

func (x Exchange[E]) delay(r *http.Request, c FaultSpec) error {
	if c.Delay <= 0 {
		return nil
	}
	return x.Sleep(r.Context(), time.Duration(c.Delay))
}

// send sends the answer as the fault damaged it.
func send[E any](w http.ResponseWriter, c FaultSpec, damaged Reply[E]) {
	if c.Kind == FaultTruncate {
		// The length of the whole answer is announced, half of it is sent.
		w.Header().Set("Content-Length", fmt.Sprint(len(damaged.Body)))
		damaged.Body = damaged.Body[:len(damaged.Body)/2]
	}
	if c.Kind == FaultRedirect {
		w.Header().Set("Location", c.location())
	}
	if !c.drops() {
		damaged.Send(w)
	}
	if c.drops() || c.Kind == FaultTruncate {
		panic(http.ErrAbortHandler)
	}
}
