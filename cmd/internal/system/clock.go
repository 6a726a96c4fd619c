//go:build !pmssl_simclock

package system

import (
	"net"
	"time"
)

// clock returns the host's clock.
func clock() func() time.Time { return time.Now }

// clockVariables returns nil: no environment variable changes the clock of a product build.
func clockVariables() []string { return nil }

// sleeper returns what waits in real time.
func sleeper() sleepFunc { return sleep }

// dialer returns what opens connections to the addresses that it is given.
func dialer() dialFunc { return new(net.Dialer).DialContext }

// host returns the root directory of this host's files.
func host() string { return "/" }
