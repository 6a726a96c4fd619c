// Package controlhttp holds what the control addresses of the stand-ins have in common: JSON in and
// out, and a clock that can be moved.
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

// Done is the answer {"ok":true} of a command without a result.
type Done struct{}

// MarshalJSON implements json.Marshaler.
func (Done) MarshalJSON() ([]byte, error) { return []byte(`{"ok":true}`), nil }

// WriteText answers plain text.
func WriteText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text) // the client may have gone away
}

// Serve runs an endpoint and sends its result as JSON. The status is 404 for errors that wrap
// unknown and 400 for other errors.
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
	_, _ = w.Write(append(content, '\n')) // the client may have gone away
}

// Read decodes a JSON body; an empty body changes nothing. Unknown names are errors, so that a
// misspelt setting is not lost silently.
func Read(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("body must be JSON as in the help of the control address: %w", err)
	}
	return nil
}

// ReadClock returns the present time as {"time":…}.
func ReadClock(c *clock.Clock) (any, error) {
	now, err := c.Now()
	if err != nil {
		return nil, err
	}
	return map[string]time.Time{"time": now}, nil
}

// SetClock sets or advances the clock or lets it follow real time, as the body of a request says,
// and returns ReadClock.
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
			return 0, fmt.Errorf("advance %q is not a number of days; at most 36525d", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(text)
}
