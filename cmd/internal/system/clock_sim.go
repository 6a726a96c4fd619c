//go:build pmssl_simclock

package system

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// clockVariable is the environment variable with the path of the file that holds the simulated time.
const clockVariable = "PMSSL_CLOCK"

// clockVariables returns the environment variables that only this build keeps (Isolate).
func clockVariables() []string { return []string{clockVariable, dialVariable, hostVariable} }

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
	var mu sync.Mutex // checks that run at once read the clock too
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
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

// simulatedWait is how long a second of waiting lasts where the time is simulated: the clock stands still meanwhile.
const simulatedWait = time.Millisecond

// sleeper returns what waits a thousandth of the time where the time is simulated.
func sleeper() sleepFunc {
	if os.Getenv(clockVariable) == "" {
		return sleep
	}
	return func(ctx context.Context, d time.Duration) error {
		return sleep(ctx, d/(time.Second/simulatedWait))
	}
}

// dialVariable names a file with addresses that are found elsewhere, for a simulated Internet on loopback: a line
// `ADDRESS:PORT TARGET:PORT` for each.
const dialVariable = "PMSSL_DIAL"

// dialer returns what opens connections. Where PMSSL_DIAL names a file, its addresses are dialled at their targets, and
// only loopback besides.
func dialer() dialFunc {
	plain := new(net.Dialer).DialContext
	path := os.Getenv(dialVariable)
	if path == "" {
		return plain
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		targets, err := readTargets(path)
		if err != nil {
			return nil, err
		}
		if target, found := targets[address]; found {
			return plain(ctx, network, target)
		}
		host, _, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			refused := fmt.Errorf("the simulated Internet has no address %s: %w", address, syscall.ECONNREFUSED)
			return nil, &net.OpError{Op: "dial", Net: network, Err: refused}
		}
		return plain(ctx, network, address)
	}
}

// readTargets reads the file of PMSSL_DIAL.
func readTargets(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	targets := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 2 {
			targets[fields[0]] = fields[1]
		}
	}
	return targets, nil
}

// hostVariable names a folder that stands for the root directory of this host, for tests of what doctor finds there.
const hostVariable = "PMSSL_HOST"

// host returns the root directory of this host's files.
func host() string {
	if folder := os.Getenv(hostVariable); folder != "" {
		return folder
	}
	return "/"
}
