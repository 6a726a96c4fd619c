package panellog

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFailingWritesAreReportedOnceAndTriedAgain(t *testing.T) {
	var stderr, log bytes.Buffer
	full := true
	s := &sink{stderr: &stderr, name: "pmx", target: "var/pmx.log", w: writerFunc(func(p []byte) (int, error) {
		if full {
			return 0, syscall.ENOSPC
		}
		return log.Write(p)
	})}
	s.write([]byte("first\n"))
	s.write([]byte("second\n"))
	full = false
	s.write([]byte("third\nof two lines\n"))
	assert.Equal(t, "third\nof two lines\n", log.String())
	assert.Equal(t, "pmx: cannot write the log var/pmx.log, going on without it: no space left on device\n", stderr.String())
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
