package standin

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Kinds of faults that work in the same way at every seller that has them. What the other kinds
// answer is the seller's own.
const (
	FaultDelay      = "delay"
	FaultHang       = "hang"
	FaultDropBefore = "drop_before"
	FaultDropAfter  = "drop_after"
	FaultRedirect   = "redirect"
	FaultTruncate   = "truncate"
	FaultCharset    = "charset"
	FaultHuge       = "huge"
	FaultVanish     = "vanish"
)

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

// FaultSpec is the part of a fault that is the same at every seller. The seller's own fault has
// further fields and decides which requests it hits. The zero value stands for no fault.
type FaultSpec struct {
	Kind        string
	Times, Skip int
	Commit      *bool
	Delay       Duration
	Location    string // of a redirect; "" means /maintenance.html
}

// Check refuses a fault that makes no sense. kinds are the kinds that the seller has.
func (c FaultSpec) Check(kinds []string) error {
	switch {
	case !slices.Contains(kinds, c.Kind):
		return fmt.Errorf("unknown kind of fault %q, use one of %v", c.Kind, kinds)
	case c.Times < 0 || c.Skip < 0:
		return errors.New("times and skip of a fault must not be negative")
	case c.Commit == nil:
		return nil
	case c.Kind == FaultVanish || c.Kind == FaultDropBefore || c.Kind == FaultDropAfter:
		return fmt.Errorf("a fault of kind %s has no choice of commit", c.Kind)
	case !*c.Commit && (c.Kind == FaultTruncate || c.Kind == FaultCharset || c.Kind == FaultHuge):
		return fmt.Errorf("a fault of kind %s damages the answer of an executed request: commit cannot be false", c.Kind)
	}
	return nil
}

// commits reports whether the request is executed at once.
func (c FaultSpec) commits() bool {
	switch c.Kind {
	case "", FaultDelay, FaultDropAfter, FaultTruncate, FaultCharset, FaultHuge:
		return true
	}
	return c.Commit != nil && *c.Commit
}

// waitsFirst reports whether the delay comes before the execution.
func (c FaultSpec) waitsFirst() bool {
	return c.Kind == FaultDelay && (c.Commit == nil || !*c.Commit)
}

// drops reports whether the connection closes without an answer.
func (c FaultSpec) drops() bool {
	return slices.Contains([]string{FaultDropBefore, FaultDropAfter, FaultVanish, FaultHang}, c.Kind)
}

func (c FaultSpec) location() string {
	if c.Location == "" {
		return "/maintenance.html"
	}
	return c.Location
}
