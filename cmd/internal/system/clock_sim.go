//go:build pmssl_simclock

package system

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// clockVariable is the environment variable with the path of the file that holds the simulated time.
const clockVariable = "PMSSL_CLOCK"

// clockVariables returns the environment variables that only this build keeps (Isolate).
func clockVariables() []string { return []string{clockVariable} }

// clock returns a function that reads an RFC 3339 time from the file in PMSSL_CLOCK at each call; without that variable it
// returns the host's clock. Only builds with the tag pmssl_simclock contain it. A file that cannot be read at the start ends
// the process, because a demo on the wrong day shows nothing. Later, while the file is being replaced, the last time that was
// read is returned.
func clock() func() time.Time {
	path, set := os.LookupEnv(clockVariable)
	if !set || path == "" {
		return time.Now
	}
	last, err := readClock(path)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", clockVariable, err))
	}
	return func() time.Time {
		if now, err := readClock(path); err == nil {
			last = now
		}
		return last
	}
}

func readClock(path string) (time.Time, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
}
