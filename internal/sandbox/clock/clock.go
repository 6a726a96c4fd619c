// Package clock provides the time of the stand-in sellers: an instant that can be moved, and that
// several programs can share through a file.
package clock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Clock is the time of a stand-in. It follows the real clock until it is set;
// from then on it stands still until it is moved again.
//
// With a file, the file is the clock: it holds one RFC 3339 instant and is read
// each time, so that several programs can share one simulated time. A missing
// or empty file means the real clock.
type Clock struct {
	mu   sync.Mutex
	real func() time.Time
	file string
	set  time.Time
}

// New returns a clock over the real one. With an empty file name the clock is not shared.
func New(real func() time.Time, file string) *Clock {
	return &Clock{real: real, file: file}
}

// Now returns the present instant in UTC. It fails if the clock's file cannot be read or does not
// hold an instant.
func (c *Clock) Now() (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() (time.Time, error) {
	if c.file == "" {
		if c.set.IsZero() {
			return c.real().UTC(), nil
		}
		return c.set, nil
	}
	content, err := os.ReadFile(c.file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && strings.TrimSpace(string(content)) == "" {
		return c.real().UTC(), nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read clock file: %w", err)
	}
	instant, err := time.Parse(time.RFC3339, strings.TrimSpace(string(content)))
	if err != nil {
		return time.Time{}, fmt.Errorf("clock file %s must hold one RFC 3339 instant: %w", c.file, err)
	}
	return instant.UTC(), nil
}

// Set stops the clock at an instant.
func (c *Clock) Set(instant time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.setTo(instant)
}

func (c *Clock) setTo(instant time.Time) error {
	instant = instant.UTC()
	if c.file == "" {
		c.set = instant
		return nil
	}
	return WriteFile(c.file, []byte(instant.Format(time.RFC3339Nano)+"\n"), 0o644)
}

// Advance stops the clock at the present instant plus d, and returns that instant.
func (c *Clock) Advance(d time.Duration) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	instant, err := c.now()
	if err != nil {
		return time.Time{}, err
	}
	instant = instant.Add(d)
	return instant, c.setTo(instant)
}

// FollowReal lets the clock run with the real one again.
func (c *Clock) FollowReal() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = time.Time{}
	if c.file == "" {
		return nil
	}
	if err := os.Remove(c.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove clock file: %w", err)
	}
	return nil
}

// WriteFile replaces a file in one step, so that a reader never sees half of the content.
func WriteFile(path string, content []byte, mode fs.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // other programs write the file, too
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Chmod(mode), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
