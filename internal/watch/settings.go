package watch

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Names of the options in etc/billmgr.conf.
const (
	SettingWatch   = "SSLSubscriptionWatch"
	SettingPrivate = "SSLSubscriptionWatchPrivate"
)

// Settings are what the options say.
type Settings struct {
	On       bool
	Private  bool   // addresses that the Internet does not reach are dialled too
	Resolver string // DNS server, host:port; empty for the system's
}

// Service looks at sites and remembers the looks between runs. Watcher is the one of the programs.
type Service interface {
	Look(ctx context.Context, t Target) (Look, error)
	Read(now time.Time) (*State, error)
	Write(state *State) error
}

var _ Service = (*Watcher)(nil)

// ParseSwitch reads the value on or off of an option; empty is the default. Any other word is an error, and the default.
func ParseSwitch(name, value string, byDefault bool) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "":
		return byDefault, nil
	case "on":
		return true, nil
	case "off":
		return false, nil
	}
	word := "off"
	if byDefault {
		word = "on"
	}
	return byDefault, fmt.Errorf("%s is %q: possible are on and off; taken as %s", name, value, word)
}
