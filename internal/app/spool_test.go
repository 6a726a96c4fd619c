package app

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// streaming returns a row whose command answers with the function.
func streaming(code int, write func(io.Writer) error) row {
	return row{name: "stream", about: "streams", uses: []string{"check"}, deadline: time.Minute,
		run: func(_ context.Context, run *item.Run) (*etree.Document, error) {
			run.ExitCode, run.Stream = code, write
			return nil, nil
		}}
}

// lines returns a function that writes so many lines of 1 KiB, and then returns err.
func lines(n int, err error) func(io.Writer) error {
	return func(to io.Writer) error {
		for range n {
			if _, failed := io.WriteString(to, strings.Repeat("x", 1023)+"\n"); failed != nil {
				return failed
			}
		}
		return err
	}
}

// rules ARCH-1
func TestSpooledAnswersReachStdoutWholeOrNotAtAll(t *testing.T) {
	failure := fault.Errorf(fault.DB, "item", "the connection was lost")
	for _, c := range []struct {
		name   string
		length int // KiB
		err    error
	}{
		{name: "nothing", length: 0},
		{name: "fits into memory", length: 100},
		{name: "just fits", length: 4 << 10},
		{name: "does not fit", length: 4<<10 + 1},
		{name: "fails in memory", length: 10, err: failure},
		{name: "fails in the file", length: 5 << 10, err: failure},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newFixture(t, streaming(0, lines(c.length, c.err)))
			code := s.run("--command", "stream")
			if c.err != nil {
				assert.Equal(t, 1, code)
				kind, text := s.failure(t)
				assert.Equal(t, fault.DB, kind)
				assert.Equal(t, "the connection was lost", text)
			} else {
				assert.Equal(t, 0, code)
				assert.Equal(t, c.length<<10, s.stdout.Len())
				assert.Equal(t, strings.Count(s.stdout.String(), "\n"), c.length)
			}
			left, err := filepath.Glob(filepath.Join(s.root, "var", "*.spool*"))
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

func TestSpoolKeepsLittleInMemory(t *testing.T) {
	folder := t.TempDir()
	s := &spool{folder: folder, create: func() (*os.File, error) { return unnamed(folder, "x.spool.*") }}
	require.NoError(t, lines(16<<10, nil)(s))
	assert.Zero(t, s.memory.Cap())
	var text bytes.Buffer
	require.NoError(t, s.copyTo(&text))
	assert.Equal(t, 16<<20, text.Len())
	require.NoError(t, s.close())
}

func TestAnswerThatCannotBeSpooledIsAFailure(t *testing.T) {
	s := newFixture(t, streaming(0, func(to io.Writer) error { return lines(5<<10, nil)(to) }))
	s.rows[0].run = func(_ context.Context, run *item.Run) (*etree.Document, error) {
		run.Stream = func(to io.Writer) error {
			require.NoError(t, os.RemoveAll(filepath.Join(s.root, "var")))
			return lines(5<<10, nil)(to)
		}
		return nil, nil
	}
	assert.Equal(t, 1, s.run("--command", "stream"))
	kind, text := s.failure(t)
	assert.Equal(t, fault.Missed, kind)
	assert.Contains(t, text, "cannot be kept in a file")
}

// rules CLI-9
func TestCheckAnswersLikeAMonitoringPlugin(t *testing.T) {
	ok := func(to io.Writer) error {
		_, err := io.WriteString(to, "WARNING - 2 of 9 items | items=9\n")
		return err
	}
	failing := streaming(0, nil)
	failing.run = func(context.Context, *item.Run) (*etree.Document, error) {
		return nil, fault.Errorf(fault.DB, "item", "no connection |\nto the database")
	}
	panicking := streaming(0, nil)
	panicking.run = func(context.Context, *item.Run) (*etree.Document, error) { panic("planted") }
	for _, c := range []struct {
		name, want string
		row        row
		args       []string
		code       int
		missing    string // folder
	}{
		{name: "its own code", row: streaming(1, ok), code: 1, want: "WARNING - 2 of 9 items | items=9\n"},
		{name: "its own code 0", row: streaming(0, ok), code: 0, want: "WARNING - 2 of 9 items | items=9\n"},
		{name: "a failure", row: failing, code: 3, want: "UNKNOWN - db: no connection / to the database\n"},
		{name: "a panic", row: panicking, code: 3, want: "UNKNOWN - internal: a fault of this program, see var/pmdouble.log: planted\n"},
		{name: "a wrong option", row: streaming(0, ok), args: []string{"--yes"}, code: 3,
			want: "UNKNOWN - value: command stream: --yes is not an option of this command; it takes --check; nothing was done\n"},
		{name: "no panel", row: streaming(0, ok), code: 3, missing: "var", want: "UNKNOWN - missed: the panel's folder "},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newFixture(t, c.row)
			if c.missing != "" {
				require.NoError(t, os.RemoveAll(filepath.Join(s.root, c.missing)))
			}
			code := s.run(append([]string{"--command", "stream", "--check"}, c.args...)...)
			assert.Equal(t, c.code, code)
			assert.True(t, strings.HasPrefix(s.stdout.String(), c.want), s.stdout.String())
			assert.Equal(t, 1, strings.Count(s.stdout.String(), "\n"))
		})
	}
}

func TestCheckIsAnOptionOnlyOfCommandsThatOfferIt(t *testing.T) {
	s := newFixture(t, plain(failing(nil)))
	assert.Equal(t, 1, s.run("--command", "act", "--check"))
	_, text := s.failure(t)
	assert.Contains(t, text, "--check is not an option of this command")
}
