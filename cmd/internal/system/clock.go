//go:build !pmssl_simclock

package system

import "time"

// clock returns the host's clock.
func clock() func() time.Time { return time.Now }

// clockVariables returns nil: no environment variable changes the clock of a product build.
func clockVariables() []string { return nil }
