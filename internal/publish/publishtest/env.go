package publishtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
)

// Seen keeps what a publisher logs and asks to be masked.
type Seen struct {
	mu      sync.Mutex
	lines   []string
	secrets []string
}

// Env returns the real network and clock as a publisher's environment, and what the publisher logs and learns.
func Env(t testing.TB) (publish.Env, *Seen) {
	seen := &Seen{}
	return publish.Env{
		Root: t.TempDir(),
		Dial: new(net.Dialer).DialContext,
		Now:  time.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(d):
				return nil
			}
		},
		Rand: rand.Reader,
		Learn: func(secret string) {
			seen.mu.Lock()
			defer seen.mu.Unlock()
			seen.secrets = append(seen.secrets, secret)
		},
		Log: seen,
	}, seen
}

// Sample returns the only publisher of a file in etc/samples/pmssl.
func Sample(t testing.TB, name string) publish.Block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(), "etc", "samples", "pmssl", name))
	require.NoError(t, err)
	config, err := publish.Load([]publish.ConfFile{{Name: name, Text: string(text)}})
	require.NoError(t, err)
	require.Len(t, config.Publishers, 1, "the sample %s", name)
	return config.Publishers[0]
}

// Text returns all log lines.
func (s *Seen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// Secrets returns what the publisher asked to be masked.
func (s *Seen) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.secrets...)
}

func (s *Seen) Warningf(format string, args ...any) { s.add("warning", format, args) }
func (s *Seen) Infof(format string, args ...any)    { s.add("info", format, args) }
func (s *Seen) ExtInfof(format string, args ...any) { s.add("extinfo", format, args) }
func (s *Seen) Debugf(format string, args ...any)   { s.add("debug", format, args) }

func (s *Seen) add(level, format string, args []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, level+": "+fmt.Sprintf(format, args...))
}
