package exchange

import "sync"

// Limits of what a Recorder keeps. What comes later is not kept; Allow is asked all the same.
const (
	maxRecorded = 2000
	maxBytes    = 32 << 20
)

// SellerExchange is a call to the seller with its answer.
type SellerExchange struct {
	Call
	Answer
}

// Recorder is an Observer that keeps what it sees. It is safe for concurrent use.
type Recorder struct {
	mu        sync.Mutex
	allow     func(Call) error
	exchanges []SellerExchange
	calls     []PanelCall
	bytes     int
	lost      int
}

// Allow sets the function that decides whether a call to the seller is sent. Before it is set no call is refused.
func (r *Recorder) Allow(allow func(Call) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.allow = allow
}

// SellerCall implements Observer.
func (r *Recorder) SellerCall(call Call) error {
	r.mu.Lock()
	allow := r.allow
	r.mu.Unlock()
	if allow == nil {
		return nil
	}
	return allow(call)
}

// SellerAnswer implements Observer.
func (r *Recorder) SellerAnswer(call Call, answer Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.exchanges) >= maxRecorded || r.bytes+len(answer.Body) > maxBytes {
		r.lost++
		return
	}
	r.bytes += len(answer.Body)
	r.exchanges = append(r.exchanges, SellerExchange{call, answer})
}

// PanelCall implements Observer.
func (r *Recorder) PanelCall(call PanelCall) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.calls) < maxRecorded {
		r.calls = append(r.calls, call)
	}
}

// Seen returns what was kept, oldest first, and how many exchanges with the seller were not.
func (r *Recorder) Seen() (exchanges []SellerExchange, calls []PanelCall, lost int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]SellerExchange(nil), r.exchanges...), append([]PanelCall(nil), r.calls...), r.lost
}
