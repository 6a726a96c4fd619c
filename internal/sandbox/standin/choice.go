package standin

import (
	"fmt"
	"slices"
)

// OneOf tells what is wrong with a setting that has one of few values.
func OneOf(name, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("setting %s must be one of %v, not %q", name, allowed, value)
}
