package standin

import (
	"fmt"
	"slices"
)

// CheckOneOf tells what is wrong with a setting that has one of few values.
func CheckOneOf(name, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("setting %s must be one of %v, not %q", name, allowed, value)
}
