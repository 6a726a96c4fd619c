package mgrlog

import (
	"bytes"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

// disk takes so many bytes and is full then, until it gets room again.
type disk struct {
	bytes.Buffer
	room int
}

func (d *disk) Write(p []byte) (int, error) {
	if len(p) <= d.room {
		d.room -= len(p)
		return d.Buffer.Write(p)
	}
	n, _ := d.Buffer.Write(p[:d.room])
	d.room = 0
	return n, syscall.ENOSPC
}

func TestFullDiskIsReportedOnceAndTheNextEntryIsWhole(t *testing.T) {
	var stderr bytes.Buffer
	d := &disk{room: 10}
	s := &sink{w: d, stderr: &stderr, name: "pmx", target: "var/pmx.log"}
	s.write([]byte("first\n"))
	s.write([]byte("second\n")) // torn after four bytes
	s.write([]byte("third\n"))
	d.room = 100
	s.write([]byte("fourth\n"))
	s.write([]byte("fifth\n"))
	assert.Equal(t, "first\nseco\nfourth\nfifth\n", d.String())
	assert.Equal(t, "pmx: cannot write the log var/pmx.log, going on without it: no space left on device\n", stderr.String())
}

func TestEachEntryIsOneWrite(t *testing.T) {
	var writes []string
	s := &sink{w: writerFunc(func(p []byte) (int, error) {
		writes = append(writes, string(p))
		return len(p), nil
	}), torn: true}
	s.write([]byte("a\nb\n"))
	s.write([]byte("c\n"))
	assert.Equal(t, "\na\nb\n|c\n", strings.Join(writes, "|"))
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
