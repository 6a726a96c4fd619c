// Package parallel starts goroutines. Go ends the process if a goroutine panics, whatever the others recover from: here a panic
// becomes that of the goroutine that waits, or an error.
package parallel

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// Panic is a panic that was recovered in the goroutine where it happened.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

// Error returns the value of the panic. The stack is for the log.
func (p *Panic) Error() string { return fmt.Sprint(p.Value) }

// StackOf returns the stack of a panic that was recovered with this value: that of the goroutine in which it happened. It is to be
// called by the deferred function that recovered it.
func StackOf(recovered any) []byte {
	if passed, is := recovered.(*Panic); is {
		return passed.Stack
	}
	return debug.Stack()
}

// Catch calls f and returns its panic, nil if it has none. One that Group.Wait has passed on stays as it is.
func Catch(f func()) (caught *Panic) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case *Panic:
			caught = reason
		default:
			caught = &Panic{reason, StackOf(reason)}
		}
	}()
	f()
	return nil
}

// Go calls f in a goroutine of its own, and failed with the panic of f if it has one.
func Go(f func(), failed func(*Panic)) {
	go func() {
		if caught := Catch(f); caught != nil {
			failed(caught)
		}
	}()
}

// Group is a sync.WaitGroup whose goroutines pass their panics on. The zero value is ready for use.
type Group struct {
	running sync.WaitGroup
	mu      sync.Mutex
	first   *Panic
}

// Go calls f in a goroutine of its own.
func (g *Group) Go(f func()) {
	g.running.Go(func() {
		if caught := Catch(f); caught != nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.first == nil {
				g.first = caught
			}
		}
	})
}

// Wait waits until all functions have ended. If one has panicked, Wait panics with the first *Panic.
func (g *Group) Wait() {
	g.running.Wait()
	if g.first != nil {
		panic(g.first)
	}
}
