package standin

import (
	"fmt"
	"slices"
)

// CheckOneOf returns an error if a setting has none of the allowed values.
func CheckOneOf(name, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("setting %s must be one of %v, not %q", name, allowed, value)
}
