package panelweb

import (
	"context"
	"net/http"
	"sync"

	"pmssl/internal/sandbox/panel"
)

// actions runs one action at a time. It is safe for concurrent use.
type actions struct {
	ctx  context.Context
	slot chan struct{}

	mu      sync.Mutex
	current *progress
	last    string // id of the result of the last long action
	open    sync.WaitGroup
}

// progress is how far a long action is.
type progress struct {
	Key         string // of its name
	Done, Total int
}

func newActions(ctx context.Context) *actions {
	return &actions{ctx: ctx, slot: make(chan struct{}, 1)}
}

// begin takes the slot, or fails if an action runs.
func (a *actions) begin() error {
	select {
	case a.slot <- struct{}{}:
		return nil
	default:
		return errBusy
	}
}

func (a *actions) end() { <-a.slot }

// wait returns when no long action runs.
func (a *actions) wait() { a.open.Wait() }

// running returns how far the long action is that runs, or nil.
func (a *actions) running() *progress {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil {
		return nil
	}
	now := *a.current
	return &now
}

// start runs a long action in the background; do returns the id of its result.
func (a *actions) start(key string, total int, do func(ctx context.Context, report func(done int)) string) error {
	if err := a.begin(); err != nil {
		return err
	}
	a.mu.Lock()
	a.current, a.last = &progress{Key: key, Total: total}, ""
	a.mu.Unlock()
	a.open.Go(func() {
		defer a.end()
		id := do(a.ctx, func(done int) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.current.Done = done
		})
		a.mu.Lock()
		defer a.mu.Unlock()
		a.current, a.last = nil, id
	})
	return nil
}

// ended returns the id of the result of the last long action.
func (a *actions) ended() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// result is what came of an action, as the next page shows it.
type result struct {
	Key     string // of the word for what was done
	Refused bool
	Text    string // why it was refused, or what else to know
	Answer  string // of the module, as it is
}

// act runs a short action for a form. It is not ended by a browser that goes away: a purchase would be in doubt. The client gets
// letters in the language of the page.
func (s *Server) act(r *request, do func(ctx context.Context) error) error {
	if err := s.actions.begin(); err != nil {
		return err
	}
	defer s.actions.end()
	if err := s.provider.SetLanguage(s.actions.ctx, r.lang); err != nil {
		return err
	}
	return do(s.actions.ctx)
}

// finish keeps the result of an action and opens the page that shows it.
func (s *Server) finish(w http.ResponseWriter, r *request, target string, done result) error {
	return seeOther(w, r, target+"?result="+s.results.add(done))
}

// resultOf returns the result of a start of a module.
func (s *Server) resultOf(lang, key string, run *panel.Run) result {
	if run == nil || run.OK() {
		return result{Key: key}
	}
	done := result{Key: key, Refused: true, Text: run.Failure()}
	if run.Error != nil {
		done.Text = s.errorText(lang, run.Module, run.Error)
	}
	return done
}
