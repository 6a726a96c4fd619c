//go:build pmssl_simclock

package system

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// clockVariable names the file that tells the time to binaries built for the demo.
const clockVariable = "PMSSL_CLOCK"

// clockVariables are kept of the environment beside those of every build.
func clockVariables() []string { return []string{clockVariable} }

// clock reads one RFC 3339 instant from the file that PMSSL_CLOCK names, at each call; without the variable it is the
// host's clock. Binaries that are shipped do not contain it. A file that is wrong at the start ends the process: a demo
// on the wrong day shows nothing. Later the last good instant stands in for a file that is just being replaced.
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
