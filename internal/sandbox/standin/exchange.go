package standin

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Reply is an answer on its way out; E is how the seller's log notes its errors.
type Reply[E any] struct {
	Status      int // 0: none is sent
	ContentType string
	Body        []byte
	Errors      E
}

// Send writes the answer.
func (r Reply[E]) Send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", r.ContentType)
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body) // a client that went away is no concern of the seller
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
}

// Exchange is one request on its way.
type Exchange[E any] struct {
	// Execute does what the request asks for.
	Execute func() Reply[E]
	// Postpone leaves it to FaultSet.Appear.
	Postpone func()
	// Damage makes the fault's answer out of the good one, which is empty where
	// the request is not executed. Without a fault it changes nothing.
	Damage func(good Reply[E]) Reply[E]
	// Remember logs what is sent.
	Remember func(sent Reply[E])
	// Sleep waits in real time.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Run takes the request along its course. For some it panics with
// http.ErrAbortHandler, net/http's way to close a connection without an answer.
func (x Exchange[E]) Run(w http.ResponseWriter, r *http.Request, c FaultSpec) {
	good := Reply[E]{}
	if c.waitsFirst() && x.delay(r, c) != nil {
		x.Remember(good) // the client gave up: logged without a status
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
	x.Remember(damaged)
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

// send sends what a fault left of an answer.
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
