package publish

import (
	"fmt"
	"strings"
)

// Mode is what the module does by itself about challenges (option SSLUnattended of etc/billmgr.conf).
type Mode int

// The three modes.
const (
	Off Mode = iota // nothing, the default
	Dry             // the log says what would be published
	On              // challenges are published, checked and withdrawn
)

// Names of the options in etc/billmgr.conf.
const (
	SettingMode   = "SSLUnattended"
	SettingMethod = "SSLUnattendedMethod"
)

// ParseMode reads the value of SSLUnattended; empty is Off. An unknown word is an error, and Off.
func ParseMode(value string) (Mode, error) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "", "off":
		return Off, nil
	case "dry":
		return Dry, nil
	case "on":
		return On, nil
	}
	return Off, fmt.Errorf("%s is %q: possible are off, dry and on; nothing is published", SettingMode, value)
}

// ParseMethod reads the value of SSLUnattendedMethod: keep (the default) leaves each order's validation method, best moves
// orders that are validated by e-mail to DNS or a file at their reissue. An unknown word is an error, and keep.
func ParseMethod(value string) (best bool, err error) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "", "keep":
		return false, nil
	case "best":
		return true, nil
	}
	return false, fmt.Errorf("%s is %q: possible are keep and best; each order keeps its validation method", SettingMethod, value)
}
