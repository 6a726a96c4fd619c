// Package controlhttp is what the control addresses of the stand-ins have in
// common: JSON in and out, and a clock that can be moved.
package controlhttp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/clock"
)

// maxBody bounds what a caller may send.
const maxBody = 4 << 20

// Done is the answer of a command that has nothing to tell: {"ok":true}.
type Done struct{}

// MarshalJSON implements json.Marshaler.
func (Done) MarshalJSON() ([]byte, error) { return []byte(`{"ok":true}`), nil }

// WriteText answers plain text.
func WriteText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text) // a client that went away is no concern of ours
}

// Serve runs an endpoint and answers its result as JSON: 404 for errors that
// wrap unknown, 400 for others.
func Serve(w http.ResponseWriter, r *http.Request, unknown error, run func(*http.Request) (any, error)) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	result, err := run(r)
	status := http.StatusOK
	if err != nil {
		status, result = http.StatusBadRequest, map[string]string{"error": err.Error()}
		if errors.Is(err, unknown) {
			status = http.StatusNotFound
		}
	}
	content, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(content, '\n')) // a client that went away is no concern of ours
}

// Read decodes a JSON body; an empty one changes nothing. Unknown names are
// errors, so that a misspelt setting is not silently lost.
func Read(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("body must be JSON as in the help of the control address: %w", err)
	}
	return nil
}

// ReadClock is the answer to the question for the time.
func ReadClock(c *clock.Clock) (any, error) {
	now, err := c.Now()
	if err != nil {
		return nil, err
	}
	return map[string]time.Time{"time": now}, nil
}

// SetClock sets, advances or frees the clock as the body of a request says.
func SetClock(c *clock.Clock, r *http.Request) (any, error) {
	var wanted struct {
		Time    *time.Time `json:"time"`
		Advance string     `json:"advance"`
		Real    bool       `json:"real"`
	}
	if err := Read(r, &wanted); err != nil {
		return nil, err
	}
	err := errors.New("name one of time, advance and real")
	switch {
	case wanted.Time != nil:
		err = c.Set(*wanted.Time)
	case wanted.Advance != "":
		var by time.Duration
		if by, err = parseAdvance(wanted.Advance); err == nil {
			_, err = c.Advance(by)
		}
	case wanted.Real:
		err = c.FollowReal()
	}
	if err != nil {
		return nil, err
	}
	return ReadClock(c)
}

// parseAdvance reads Go's durations and days, "10d".
func parseAdvance(text string) (time.Duration, error) {
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		n, err := strconv.Atoi(days)
		if err != nil || n > 36_525 || n < -36_525 {
			return 0, fmt.Errorf("advance %q is no number of days, at most 36525d", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(text)
}
