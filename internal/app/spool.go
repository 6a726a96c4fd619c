package app

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"pmssl/internal/fault"
)

// spoolMemory is the length in bytes up to which a spooled document is kept in memory.
const spoolMemory = 4 << 20

// spool keeps a document until it is complete: in memory, or, if it is longer, in a file below var that has no name, so that it
// vanishes with the process. Nothing of it reaches stdout if the command fails (rules ARCH-1).
type spool struct {
	folder string // for texts
	create func() (*os.File, error)
	memory bytes.Buffer
	file   *os.File // nil while memory holds everything
}

// spool runs the function that writes the document of a command.
func (s *invocation) spool(write func(io.Writer) error) (*spool, error) {
	to := &spool{folder: filepath.Join(s.root, "var"), create: s.tempFile}
	if err := write(to); err != nil {
		return nil, errors.Join(err, to.close())
	}
	return to, nil
}

// tempFile opens a file below var that has no name (item.Run.TempFile).
func (s *invocation) tempFile() (*os.File, error) {
	return unnamed(filepath.Join(s.root, "var"), s.program.Name+".spool.*")
}

// Write implements io.Writer.
func (s *spool) Write(text []byte) (int, error) {
	if s.file == nil && s.memory.Len()+len(text) <= spoolMemory {
		return s.memory.Write(text)
	}
	if s.file == nil {
		if err := s.open(); err != nil {
			return 0, s.fault(err)
		}
	}
	n, err := s.file.Write(text)
	if err != nil {
		err = s.fault(err)
	}
	return n, err
}

// open moves the document from memory to a file.
func (s *spool) open() error {
	file, err := s.create()
	if err != nil {
		return err
	}
	if _, err = s.memory.WriteTo(file); err != nil {
		return errors.Join(err, file.Close())
	}
	s.file, s.memory = file, bytes.Buffer{}
	return nil
}

// unnamed opens a file below var that has no name.
func unnamed(folder, pattern string) (*os.File, error) {
	file, err := os.CreateTemp(folder, pattern) // 0600
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (s *spool) fault(err error) error {
	return fault.Errorf(fault.Missed, "var", "the answer does not fit into memory and cannot be kept in a file in %s: %w; free space there", s.folder, bareErr(err)).Retryable()
}

// copyTo writes the document.
func (s *spool) copyTo(to io.Writer) error {
	if s.file == nil {
		_, err := to.Write(s.memory.Bytes())
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(to, s.file)
	return err
}

// close removes the document. It does nothing for nil.
func (s *spool) close() error {
	if s == nil || s.file == nil {
		return nil
	}
	return s.file.Close()
}
