package standin

import (
	"errors"
	"io"
	"net/http"
)

// Bounds on what a caller may send.
const (
	maxBody = 4 << 20
	// maxDrained is how much of a body that is too large is read all the same,
	// so that the caller gets to see the answer.
	maxDrained = 32 << 20
	// MaxParameters is how many parameters a request may have.
	MaxParameters = 2000
)

// Why a request's form cannot be read.
var (
	ErrTooManyParameters = errors.New("request has too many parameters")
	ErrBodyTooLarge      = errors.New("request body is too large")
	ErrBrokenForm        = errors.New("request form cannot be read")
)

// ReadBody reads the body of a request: ErrBodyTooLarge above 4 MiB,
// ErrBrokenForm where it ends early.
func ReadBody(r *http.Request) ([]byte, error) {
	content, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, ErrBodyTooLarge
	case err != nil:
		return nil, ErrBrokenForm
	}
	return content, nil
}

// RefuseForm is the status for a form that cannot be read for err. What is left
// of a body that is too large is read and dropped.
func RefuseForm(unread io.Reader, err error) int {
	if !errors.Is(err, ErrBodyTooLarge) {
		return http.StatusBadRequest
	}
	_, _ = io.CopyN(io.Discard, unread, maxDrained)
	return http.StatusRequestEntityTooLarge
}
