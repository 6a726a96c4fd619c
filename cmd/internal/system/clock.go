//go:build !pmssl_simclock

package system

import "time"

// clock returns the host's.
func clock() func() time.Time { return time.Now }

// clockVariables are none: nothing in the environment moves the clock.
func clockVariables() []string { return nil }
