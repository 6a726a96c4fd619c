package standin

import (
	"errors"
	"io"
	"net/http"
)

// Bounds on what a caller may send.
const (
	maxBody = 4 << 20
	// maxDrained bounds the part of a too large body that is read and dropped:
	// a client reads the answer only after it has sent its body.
	maxDrained = 32 << 20
	// MaxParameters is how many parameters a request may have.
	MaxParameters = 2000
)

// Reasons why the form of a request cannot be read.
var (
	ErrTooManyParameters = errors.New("request has too many parameters")
	ErrBodyTooLarge      = errors.New("request body is too large")
	ErrBrokenForm        = errors.New("request form cannot be read")
)

// ReadBody reads the body of a request. The error is ErrBodyTooLarge above 4 MiB and ErrBrokenForm
// if the body ends early.
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

// RefuseForm returns the HTTP status for a form that cannot be read because of err. It reads and
// drops the rest of a body that is too large.
func RefuseForm(unread io.Reader, err error) int {
	if !errors.Is(err, ErrBodyTooLarge) {
		return http.StatusBadRequest
	}
	_, _ = io.CopyN(io.Discard, unread, maxDrained)
	return http.StatusRequestEntityTooLarge
}
